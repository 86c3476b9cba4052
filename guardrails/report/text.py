"""The report for people: findings by file with their code, chain and remedy, then the scorecard of the ten
rules.

Written with plain escape sequences rather than rich, so that a run which answers from its stored result
prints without importing it, and so that the bytes depend on this module alone.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator
from itertools import groupby

from guardrails.analysis import Outcome
from guardrails.finding import Diagnostic, DiagnosticRelated, Result, Severity
from guardrails.guide import RULES
from guardrails.report.view import View, plural, printable
from guardrails.sources import Sources

_COLORS = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}
_SEVERITY = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "blue"}
_PLAIN = str.maketrans({"…": "...", "–": "-", "—": "-", "‘": "'", "’": "'", "“": '"', "”": '"', "→": "->"})
_CHAIN_SHOWN = 12


class _Style:
    """Colours and characters that the view allows."""

    def __init__(self, view: View) -> None:
        self.color = view.color
        self.unicode = view.unicode
        self.width = max(40, min(view.width, 160))
        self.bar, self.mark, self.step, self.last = ("│", "━", "├─", "└─") if view.unicode else ("|", "^", "|-", "`-")
        self.holds, self.broken, self.unknown = ("✓", "✗", "·") if view.unicode else ("ok", "x", "-")
        self.cut = "…" if view.unicode else "..."

    def __call__(self, text: str, *names: str) -> str:
        """``text`` in colours, safe to print."""
        text = self.safe(text)
        codes = ";".join(_COLORS[name] for name in names)
        return f"\x1b[{codes}m{text}\x1b[0m" if self.color and text else text

    def safe(self, text: str) -> str:
        """``text`` without control characters, and in ASCII where the output knows no more."""
        text = printable(text)
        return text if self.unicode else text.translate(_PLAIN).encode("ascii", "backslashreplace").decode()

    def columns(self, text: str) -> int:
        """How many columns of a terminal the text takes."""
        return sum(
            0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
            for char in self.safe(text)
        )

    def wrap(self, text: str, indent: str) -> list[str]:
        """``text`` in lines of the width, each after ``indent``."""
        return textwrap.wrap(
            self.safe(text),
            self.width,
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )


def render(outcome: Outcome, view: View) -> str:
    """See the module."""
    style, sources = _Style(view), view.sources()
    lines: list[str] = []
    for path, group in groupby(outcome.result.findings, key=lambda diagnostic: diagnostic.path):
        lines += [style(path, "bold"), ""]
        for diagnostic in group:
            lines += [*_finding(diagnostic, style, sources), ""]
    lines += _notes(outcome, style)
    lines += _scorecard(outcome.result, style)
    lines += ["", *style.wrap(totals(outcome.result), "")]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def totals(result: Result) -> str:
    """The last line: what was found, and what was passed over."""
    summary = result.summary
    counts = [
        plural(count, noun)
        for count, noun in (
            (summary.errors, "error"),
            (summary.warnings, "warning"),
            (summary.infos, "info"),
        )
        if count
    ]
    passed = [
        f"{count} {how}"
        for count, how in ((summary.suppressed, "suppressed"), (summary.baselined, "in the baseline"))
        if count
    ]
    beside = f" ({', '.join(passed)})" if passed else ""
    return f"{', '.join(counts) or 'No findings'} in {plural(result.files, 'file')}{beside}."


def _finding(diagnostic: Diagnostic, style: _Style, sources: Sources) -> Iterator[str]:
    head = f"  {diagnostic.line}:{diagnostic.column}  "
    yield (
        style(head, "dim")
        + style(diagnostic.severity.value, _SEVERITY[diagnostic.severity], "bold")
        + "  "
        + style(diagnostic.code, "bold")
        + " "
        + style(diagnostic.name, "dim")
    )
    yield from style.wrap(diagnostic.message, "    ")
    yield from _code(diagnostic, style, sources)
    steps = diagnostic.related[:_CHAIN_SHOWN]
    for index, step in enumerate(steps):
        last = index == len(steps) - 1 and len(diagnostic.related) == len(steps)
        yield from _step(step, last, style)
    if more := len(diagnostic.related) - len(steps):
        yield f"    {style(style.last, 'dim')} and {more} more"
    if diagnostic.help:
        label = "help: "
        first, *rest = style.wrap(label + diagnostic.help, "    ")
        yield first.replace(label, style(label.strip(), "green") + " ", 1)
        yield from (f"  {line}" if len(line) + 2 <= style.width else line for line in rest)


def _step(step: DiagnosticRelated, last: bool, style: _Style) -> Iterator[str]:
    """A link of the chain on one line, or, where that is too long, its place and under it what happens there."""
    place = f"{step.path}:{step.line}:{step.column}"
    branch = f"    {style(style.last if last else style.step, 'dim')} {style(place, 'cyan')}"
    if len(place) + len(step.message) + 9 <= style.width:
        yield f"{branch}  {style.safe(step.message)}"
        return
    yield branch
    trunk = "" if last else style.bar
    for line in style.wrap(step.message, " " * 9):
        yield f"    {style(trunk, 'dim')}{line[4 + len(trunk) :]}"


def _code(diagnostic: Diagnostic, style: _Style, sources: Sources) -> Iterator[str]:
    """The line with the guilty span underlined; of a span of several lines, the first. Nothing for a whole file."""
    text = sources.line(diagnostic.path, diagnostic.line)
    nowhere = (diagnostic.line, diagnostic.column) == (diagnostic.end_line, diagnostic.end_column)
    if text is None or not text.strip() or nowhere:
        return
    start = diagnostic.column - 1
    end = diagnostic.end_column - 1 if diagnostic.end_line == diagnostic.line else len(text)
    end = max(start + 1, min(end, len(text.rstrip()) or 1))
    text, start, end = _window(text, start, end, style)
    number = str(diagnostic.line)
    gutter = " " * len(number)
    bar = style(style.bar, "blue")
    before, marked = style.columns(text[:start]), max(1, style.columns(text[start:end]))
    underline = style(style.mark * marked, _SEVERITY[diagnostic.severity])
    yield f"    {style(number, 'blue')} {bar} {style.safe(text)}"
    yield f"    {gutter} {bar} {' ' * before}{underline}"


def _window(text: str, start: int, end: int, style: _Style) -> tuple[str, int, int]:
    """The part of a line that fits, without its indentation, with the span in it."""
    text = text.replace("\t", " ").rstrip()
    margin = len(text) - len(text.lstrip())
    text, start, end = text[margin:], max(0, start - margin), max(1, end - margin)
    room = style.width - 16
    if len(text) <= room:
        return text, start, end
    left = 0 if start < room * 2 // 3 else start - room // 3
    shown = text[left : left + room]
    head = style.cut if left else ""
    tail = style.cut if left + room < len(text) else ""
    start, end = start - left + len(head), min(end - left, room) + len(head)
    return head + shown + tail, start, max(start + 1, end)


def _notes(outcome: Outcome, style: _Style) -> list[str]:
    notes: list[str] = []
    if outcome.stale:
        count = sum(entry.count for entry in outcome.stale)
        they = "no longer occurs" if count == 1 else "no longer occur"
        notes.append(
            f"{plural(count, 'finding')} of the baseline {they}; `guardrails baseline --prune` takes "
            f"{'it' if count == 1 else 'them'} out."
        )
    for skipped in outcome.skipped:
        notes.append(f"Passed over {skipped.path}: {skipped.reason}")
    lines = [style(line, "dim") for note in notes for line in style.wrap(note, "")]
    return [*lines, ""] if lines else []


def _scorecard(result: Result, style: _Style) -> Iterator[str]:
    yield style("The ten rules", "bold")
    widest = max(len(RULES[int(rule)]) for rule in result.summary.rules)
    for rule, score in result.summary.rules.items():
        count = plural(score.findings, "finding") if score.findings else ""
        if score.holds is None:
            mark, color, verdict = style.unknown, "dim", "not checked"
        elif score.holds:
            mark, color, verdict = style.holds, "green", count or "holds"
        else:
            mark, color, verdict = style.broken, "red", count or "none reported"
        padding = " " * (len(style.holds) - len(mark))
        name = RULES[int(rule)].ljust(widest)
        yield f"  {style(mark, color)}{padding} {rule:>2} {name}  {style(verdict, 'dim')}"
