"""One line per finding: ``path:line:column: GR301 message``, and a last line of counts."""

from __future__ import annotations

from guardrails.analysis import Outcome
from guardrails.report.text import totals
from guardrails.report.view import View, printable


def render(outcome: Outcome, view: View) -> str:
    """See the module."""
    lines = [
        printable(f"{d.path}:{d.line}:{d.column}: {d.code} {d.message} ({d.name}, {d.severity.value})")
        for d in outcome.result.findings
    ]
    return "\n".join([*lines, totals(outcome.result)]) + "\n"
