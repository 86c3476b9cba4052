"""Markdown for a job summary or a comment on a change: the scorecard, then the findings by file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby, islice

from guardrails.analysis import Outcome
from guardrails.finding import Diagnostic, Result, Severity
from guardrails.guide import RULES
from guardrails.report.text import totals
from guardrails.report.view import View, plural, printable

_SHOWN = 200
"""A comment on GitHub holds 65,536 characters."""
_SIGN = {Severity.ERROR: "🔴", Severity.WARNING: "🟡", Severity.INFO: "🔵"}
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~@])")


def render(outcome: Outcome, view: View) -> str:
    """See the module."""
    return "\n".join([*_scorecard(outcome.result), *_findings(outcome.result), *_bugs(outcome)]) + "\n"


def _scorecard(result: Result) -> Iterator[str]:
    yield from ("## guardrails", "", totals(result), "", "| | Rule | |", "|---|---|---|")
    for rule, score in result.summary.rules.items():
        if score.holds is None:
            sign, verdict = "▫️", "not checked"
        elif score.holds:
            sign, verdict = "✅", plural(score.findings, "finding") if score.findings else "holds"
        else:
            sign, verdict = "❌", plural(score.findings, "finding") if score.findings else "none reported"
        yield f"| {sign} | {rule}. {RULES[int(rule)]} | {verdict} |"


def _findings(result: Result) -> Iterator[str]:
    shown = islice(result.findings, _SHOWN)
    for path, group in groupby(shown, key=lambda diagnostic: diagnostic.path):
        several = list(group)
        yield from ("", "<details open>", f"<summary>{_html(path)} ({len(several)})</summary>", "")
        for diagnostic in several:
            yield from _finding(diagnostic)
        yield from ("", "</details>")
    if len(result.findings) > _SHOWN:
        yield from ("", f"And {len(result.findings) - _SHOWN} more.")


def _finding(diagnostic: Diagnostic) -> Iterator[str]:
    head = f"line {diagnostic.line}: **{diagnostic.code}** {diagnostic.name}"
    yield f"- {_SIGN[diagnostic.severity]} {head}: {_text(diagnostic.message)}"
    for step in diagnostic.related:
        yield f"  - {_text(f'{step.path}:{step.line}')} {_text(step.message)}"
    if diagnostic.help:
        yield f"  - *{_text(diagnostic.help)}*"


def _bugs(outcome: Outcome) -> Iterator[str]:
    for problem in outcome.problems:
        where = " ".join(filter(None, [problem.check, problem.project]))
        yield from (
            "",
            f"guardrails has a bug ({where}); please report it:",
            "",
            "```",
            problem.traceback.rstrip(),
            "```",
        )


def _text(text: str) -> str:
    """``text`` as it stands, but for code between backticks, which stays code."""
    parts = printable(text).replace("\n", " ").split("`")
    if len(parts) % 2 == 0:
        return _SPECIAL.sub(r"\\\1", "`".join(parts))
    return "`".join(part if index % 2 else _SPECIAL.sub(r"\\\1", part) for index, part in enumerate(parts))


def _html(text: str) -> str:
    return printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
