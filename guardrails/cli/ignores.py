"""``check --add-ignores``: write suppression comments into the code, where a comment may stand."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from guardrails.baseline import write_atomically
from guardrails.finding import Diagnostic

_NEVER = frozenset({"GR001", "GR002", "GR003"})
"""What a comment cannot answer: a file that is not read, and comments that suppress nothing."""

_COMMENT = re.compile(r"(#\s*guardrails:\s*ignore\[)([^\]]*)(\])", re.IGNORECASE)


def add_ignores(cwd: Path, findings: Iterable[Diagnostic], reason: str | None) -> tuple[int, list[Diagnostic]]:
    """Suppress the findings by comments. Returns how many comments were written or extended, and what has no
    place.

    Encodings, line ends and everything else in the files stay as they are.
    """
    written, left = 0, []
    for path, group in groupby(findings, key=lambda diagnostic: diagnostic.path):
        several = list(group)
        possible = [diagnostic for diagnostic in several if diagnostic.code not in _NEVER]
        left += [diagnostic for diagnostic in several if diagnostic.code in _NEVER]
        done, without = _into_file(cwd / path, possible, reason)
        written += done
        left += without
    return written, left


def _into_file(path: Path, findings: list[Diagnostic], reason: str | None) -> tuple[int, list[Diagnostic]]:
    try:
        raw = path.read_bytes()
        encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
        text = raw.decode(encoding)
        places = _places(text)
    except (OSError, SyntaxError, UnicodeDecodeError, LookupError, tokenize.TokenError):
        return 0, findings
    codes: dict[int, list[str]] = {}
    left: list[Diagnostic] = []
    for diagnostic in findings:
        line = places.get(diagnostic.line)
        if line is None:
            left.append(diagnostic)
        elif diagnostic.code not in codes.setdefault(line, []):
            codes[line].append(diagnostic.code)
    lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)
    for number, wanted in codes.items():
        lines[number - 1] = _with_comment(lines[number - 1], wanted, reason)
    if codes:
        write_atomically(path, "".join(lines).encode(encoding))
    return len(codes), left


def _places(text: str) -> dict[int, int]:
    """Line -> the line on which a comment about it may stand: its own, else the first or last of its
    statement.

    A line cannot end in a comment where a string or a backslash goes on to the next.
    """
    places: dict[int, int] = {}
    start, closed = 0, set[int]()
    for token in tokenize.generate_tokens(io.StringIO(text, newline=None).readline):
        if token.type in (tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER):
            continue
        if not start and token.type not in (tokenize.NL, tokenize.COMMENT):
            start = token.start[0]
        if token.type in (tokenize.NL, tokenize.NEWLINE):
            closed.add(token.start[0])
        if token.type == tokenize.NEWLINE:
            last = token.start[0]
            ends = [line for line in (start, last) if line in closed]
            for line in range(start, last + 1):
                own = line if line in closed else None
                places[line] = own or (ends[0] if ends else last)
            start, closed = 0, set()
    return places


def _with_comment(line: str, codes: list[str], reason: str | None) -> str:
    body = line.rstrip("\r\n")
    end = line[len(body) :]
    existing = _COMMENT.search(body)
    if existing is not None:
        present = [code.strip() for code in existing.group(2).split(",") if code.strip()]
        merged = ", ".join([*present, *(code for code in codes if code not in present)])
        return body[: existing.start(2)] + merged + body[existing.end(2) :] + end
    why = f" -- {reason}" if reason else ""
    return f"{body.rstrip()}  # guardrails: ignore[{', '.join(codes)}]{why}{end}"
