"""Lines of the checked files, for columns in characters and for reports that show code."""

from __future__ import annotations

import io
import tokenize
from pathlib import Path

from guardrails.patterns import pattern

_LINE_END = pattern(r"\r\n|\r|\n")


class Sources:
    """Reads files by their displayed path (relative to ``cwd``); an unreadable one has no lines."""

    def __init__(self, cwd: Path) -> None:
        self._cwd = cwd
        self._lines: dict[str, tuple[str, ...]] = {}

    def lines(self, display: str) -> tuple[str, ...]:
        """The file's lines without their ends, split where Python splits them."""
        found = self._lines.get(display)
        if found is None:
            found = self._lines[display] = _read(self._cwd / display)
        return found

    def line(self, display: str, number: int) -> str | None:
        """One line, counted from 1; None where there is no such line."""
        lines = self.lines(display)
        return lines[number - 1] if 0 < number <= len(lines) else None

    def column(self, display: str, line: int, byte_column: int) -> int:
        """A column in UTF-8 bytes from 0 as a column in characters from 1."""
        if byte_column <= 0:
            return 1
        text = self.line(display, line)
        if text is None or text.isascii():
            return byte_column + 1
        return len(text.encode("utf-8", "surrogatepass")[:byte_column].decode("utf-8", "ignore")) + 1


def decode(raw: bytes) -> str:
    """Python source as text: by its byte-order mark or coding line, else UTF-8; what fails becomes U+FFFD."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
        return raw.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        return raw.decode("utf-8", "replace")


def _read(path: Path) -> tuple[str, ...]:
    try:
        return tuple(_LINE_END.split(decode(path.read_bytes())))
    except OSError:
        return ()
