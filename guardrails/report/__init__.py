"""Reports: each format is a function from an outcome and a view to text, looked up by name and imported when
used.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from guardrails.analysis import Outcome
from guardrails.report.view import View

Reporter = Callable[[Outcome, View], str]

FORMATS: dict[str, str] = {
    "text": "guardrails.report.text",
    "concise": "guardrails.report.concise",
    "json": "guardrails.report.json_report",
    "sarif": "guardrails.report.sarif",
    "github": "guardrails.report.github",
    "gitlab": "guardrails.report.gitlab",
    "junit": "guardrails.report.junit",
    "markdown": "guardrails.report.markdown",
    "rdjson": "guardrails.report.rdjson",
}
"""Format -> the module whose ``render`` writes it."""

SUFFIXES: dict[str, str] = {".sarif": "sarif", ".json": "json", ".xml": "junit", ".md": "markdown"}
"""File suffix -> the format that a file of that name is taken to want."""


def render(name: str, outcome: Outcome, view: View) -> str:
    """The report in the named format, ending in a line end unless empty. Raises ``KeyError`` for an unknown
    format.
    """
    reporter: Reporter = import_module(FORMATS[name]).render
    return reporter(outcome, view)
