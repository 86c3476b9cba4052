"""The rulebook: one Markdown page per check, shipped beside this module.

In a source checkout the pages lie in ``rules/``; in an installed package they lie in this folder
(the wheel copies ``rules/`` here). Either way a page is ``<folder of its rule>/<CODE>-<name>.md``:

    # GR301 mongo-outside-repository

    One line that says what the check reports.

    ## What
    ...

``rules/README.md`` describes the sections and the examples, which the test suite runs.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from msgspec import Struct

SECTIONS = ("What", "Why", "Bad", "Good", "When it stays silent", "Options", "How to fix")
"""The ``##`` headings of every page, in order."""

_TITLE = re.compile(r"# (GR\d{3,4}) ([a-z0-9]+(?:-[a-z0-9]+)+)\n\n(\S[^\n]*)\n")
_FENCE = re.compile(r"(`{3,})")


class Page(Struct, frozen=True):
    """A page of the rulebook: its title taken apart, and its whole Markdown ``text``."""

    code: str
    name: str
    summary: str
    text: str
    path: Path

    @property
    def sections(self) -> dict[str, str]:
        """Heading of each ``##`` section -> the Markdown under it, in the order of the page."""
        sections: dict[str, list[str]] = {}
        body: list[str] = []
        fence = ""
        for line in self.text.splitlines(keepends=True):
            mark = _FENCE.match(line)
            if fence:
                if line.strip() == fence:
                    fence = ""
            elif mark:
                fence = mark.group(1)
            elif line.startswith("## "):
                body = sections.setdefault(line[3:].strip(), [])
                continue
            body.append(line)
        return {heading: "".join(lines).strip("\n") for heading, lines in sections.items()}


def parse(text: str, path: Path) -> Page:
    """The page that ``text`` holds. Raises ``ValueError`` if title or summary are not as described above."""
    match = _TITLE.match(text)
    if match is None:
        raise ValueError(f"{path}: a page starts with '# <CODE> <name>', an empty line and a one-line summary")
    code, name, summary = match.groups()
    return Page(code, name, summary, text, path)


@cache
def pages() -> tuple[Page, ...]:
    """All pages, by rule and number."""
    found = (parse(path.read_text(encoding="utf-8"), path) for path in _folder().glob("*/GR*.md"))
    return tuple(sorted(found, key=lambda page: (len(page.code), page.code)))


def page(code: str) -> Page:
    """The page of the check with that code (``GR301``). Raises ``LookupError`` if there is none."""
    for candidate in pages():
        if candidate.code == code:
            return candidate
    raise LookupError(f"the rulebook has no page for {code}")


def _folder() -> Path:
    shipped = Path(__file__).parent
    checkout = shipped.parents[1] / "rules"
    return shipped if any(shipped.glob("*/GR*.md")) else checkout
