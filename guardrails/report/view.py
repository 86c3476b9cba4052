"""How a report is looked at: width, colour, characters; and the checked files, for formats that show code."""

from __future__ import annotations

import re
from pathlib import Path

from msgspec import Struct, field

from guardrails import __version__
from guardrails.sources import Sources

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class View(Struct, frozen=True):
    """``unicode``: whether the output can show more than ASCII. ``width`` in columns."""

    cwd: Path = field(default_factory=Path.cwd)
    width: int = 100
    color: bool = False
    unicode: bool = True
    version: str = __version__

    def sources(self) -> Sources:
        """The checked files, by displayed path."""
        return Sources(self.cwd)


def printable(text: str) -> str:
    """``text`` with control and direction characters escaped: a name in the code cannot steer a terminal."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match.group()):02x}", text)


def plural(count: int, noun: str) -> str:
    """``1 error``, ``2 errors``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
