"""What a check says, and what a report shows.

A check yields ``Finding`` records: who does what, where, and how to mend it.
The engine turns them into ``Diagnostic`` records (severity, fingerprint, columns in characters)
and puts those into one ``Result``, which every reporter reads and the JSON report publishes.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import msgspec


class Severity(str, Enum):
    """How much a finding weighs: an error fails the run, a warning only with ``--strict``, an info never by itself."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Place(msgspec.Struct, frozen=True, order=True):
    """A stretch of source. ``path`` as the project displays it (relative to the working directory, ``/``).

    Lines count from 1. Columns count from 0 in UTF-8 bytes, as in ``ast``; the engine turns them
    into characters from 1. ``end_line`` and ``end_column`` are exclusive at the end, as in ``ast``.
    """

    path: str
    line: int = 1
    column: int = 0
    end_line: int = 1
    end_column: int = 0


class Related(msgspec.Struct, frozen=True, order=True):
    """One step of evidence: a link of a call chain, an import chain, the other definition."""

    place: Place
    message: str


class Finding(msgspec.Struct, frozen=True):
    """What one check says about one defect.

    ``symbol``: qualified name of the function, class or module at fault (``app.users.router.create``).
    ``subject``: the named thing it is about, stable under line moves (an import, a field, a callee); with code,
    path and symbol it makes the fingerprint.
    ``message``: one line, complete by itself. ``help``: the remedy. ``related``: evidence in order.
    ``about``: keys of the defects that this finding speaks of, for the table of overlaps
    (usually empty; see ``guardrails.checks.overlaps``).
    """

    code: str
    place: Place
    symbol: str
    subject: str
    message: str
    help: str = ""
    related: tuple[Related, ...] = ()
    about: tuple[str, ...] = ()


class DiagnosticRelated(msgspec.Struct, frozen=True):
    """A related place as published: line and column from 1, in characters."""

    path: str
    line: int
    column: int
    message: str


class Diagnostic(msgspec.Struct, frozen=True):
    """A finding as published in JSON and shown by every reporter."""

    code: str
    name: str
    rule: int
    severity: Severity
    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    symbol: str
    message: str
    help: str
    related: tuple[DiagnosticRelated, ...]
    fingerprint: str


class RuleScore(msgspec.Struct, frozen=True):
    """One line of the scorecard: does the rule hold, and how many findings it has.

    ``holds`` is None where no check of the rule ran. It speaks of the whole application: it is false while
    errors or warnings remain, be they in the baseline, older than the change, or in files that are not reported.
    """

    holds: bool | None
    findings: int


class Summary(msgspec.Struct, frozen=True):
    """The counts of a run, and the scorecard of the ten rules (keys ``"1"`` to ``"10"``)."""

    errors: int
    warnings: int
    infos: int
    suppressed: int
    baselined: int
    rules: dict[str, RuleScore]


class Result(msgspec.Struct, frozen=True):
    """The whole answer of a run. ``schema`` is the version of the published JSON schema."""

    schema: int
    root: str
    files: int
    findings: tuple[Diagnostic, ...]
    summary: Summary

    def to_builtins(self) -> dict[str, Any]:
        """The result as plain JSON-ready values."""
        builtins: dict[str, Any] = msgspec.to_builtins(self)
        return builtins
