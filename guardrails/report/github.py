"""Workflow commands by which GitHub Actions annotates a change.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

from guardrails.analysis import Outcome
from guardrails.finding import Diagnostic, Severity
from guardrails.report.text import totals
from guardrails.report.view import View, printable

_COMMAND = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def render(outcome: Outcome, view: View) -> str:
    """See the module."""
    return "\n".join([*map(_command, outcome.result.findings), totals(outcome.result)]) + "\n"


def _command(diagnostic: Diagnostic) -> str:
    properties = {"file": diagnostic.path, "line": diagnostic.line, "endLine": diagnostic.end_line}
    if diagnostic.line == diagnostic.end_line:  # columns are refused for a span of several lines
        properties |= {"col": diagnostic.column, "endColumn": diagnostic.end_column}
    properties["title"] = f"{diagnostic.code} {diagnostic.name}"
    message = "\n".join(
        [
            diagnostic.message,
            *(f"  {step.path}:{step.line}: {step.message}" for step in diagnostic.related),
            *([f"Help: {diagnostic.help}"] if diagnostic.help else []),
        ]
    )
    written = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{_COMMAND[diagnostic.severity]} {written}::{_data(message)}"


def _data(text: str) -> str:
    return "\n".join(map(printable, text.split("\n"))).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
