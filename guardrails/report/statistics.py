"""Findings counted per check, the most frequent first."""

from __future__ import annotations

from collections import Counter

from guardrails.analysis import Outcome
from guardrails.report.text import totals
from guardrails.report.view import View, plural


def render(outcome: Outcome, view: View) -> str:
    """See the module."""
    findings = outcome.result.findings
    counts = Counter((d.code, d.name, d.severity.value) for d in findings)
    files = {key: len({d.path for d in findings if d.code == key[0]}) for key in counts}
    width = max((len(name) for _, name, _ in counts), default=0)
    rows = [
        f"{count:>6}  {key[0]:<6}  {key[1].ljust(width)}  {key[2]:<7}  in {plural(files[key], 'file')}"
        for key, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
    return "\n".join([*rows, totals(outcome.result)]) + "\n"
