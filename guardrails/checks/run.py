"""Rule 0: the run itself."""

from __future__ import annotations

from collections.abc import Iterator

from guardrails.checks.registry import check
from guardrails.finding import Finding, Place, Severity
from guardrails.program import Program


@check("GR001", "syntax-error", Severity.ERROR)
def syntax_error(program: Program) -> Iterator[Finding]:
    """An application file does not parse."""
    yield from _failures(program, "GR001", "syntax-error", "fix the syntax: the rest of the file is not checked")


@check("GR002", "unused-suppression", Severity.WARNING)
def unused_suppression(program: Program) -> Iterator[Finding]:
    """A suppression comment suppresses nothing."""
    # What a comment suppresses is known only when all findings are in: the engine says it.
    yield from ()


@check("GR003", "unreadable-file", Severity.ERROR)
def unreadable_file(program: Program) -> Iterator[Finding]:
    """An application file cannot be read as Python source."""
    yield from _failures(program, "GR003", "unreadable", "save the file as UTF-8, or declare its encoding (PEP 263)")


def _failures(program: Program, code: str, kind: str, help_: str) -> Iterator[Finding]:
    files = {file.display: file for file in program.project.files}
    for display, failure in program.failures.items():
        file = files[display]
        if failure.kind == kind and (file.application or file.reached):
            place = Place(display, failure.line, failure.column, failure.line, failure.column + 1)
            yield Finding(code, place, file.module, kind, f"{file.module}: {failure.message}", help_)
