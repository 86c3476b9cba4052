"""What a run found, before anyone asks about a part of it; and the answer to one such question.

An ``Analysis`` is the same for every file list, baseline, format and failing severity, so it can be stored
and asked again. ``present`` turns it into an ``Outcome``: the published ``Result`` and what goes beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from guardrails.baseline import Entry, Key, match
from guardrails.finding import Diagnostic, Result, RuleScore, Severity, Summary
from guardrails.guide import GUIDE_RULES
from guardrails.options import Options

SCHEMA_VERSION = 1

_WEIGHT = {"info": 0, "warning": 1, "error": 2, "never": 3}


class Judged(msgspec.Struct, frozen=True):
    """A finding as published, what it is apart from its place, and whether a comment or a path rule
    suppresses it.
    """

    diagnostic: Diagnostic
    key: Key
    suppressed: bool


class Problem(msgspec.Struct, frozen=True):
    """A bug in the checker: which check, on which application, and the traceback."""

    check: str
    project: str
    traceback: str


class SkippedPath(msgspec.Struct, frozen=True, order=True):
    """A file or folder that was passed over, and why."""

    path: str
    reason: str


class Analysis(msgspec.Struct, frozen=True):
    """All findings of the selected checks. ``checked``: codes of those checks. ``root``: as displayed."""

    root: str
    files: int
    findings: tuple[Judged, ...]
    checked: tuple[str, ...]
    rules: tuple[int, ...]
    problems: tuple[Problem, ...] = ()
    skipped: tuple[SkippedPath, ...] = ()
    applications: tuple[str, ...] = ()


class Outcome(msgspec.Struct, frozen=True):
    """The answer of a run: the published result, stale baseline entries, bugs met, and the exit status."""

    result: Result
    stale: tuple[Entry, ...]
    problems: tuple[Problem, ...]
    skipped: tuple[SkippedPath, ...]
    exit_status: int


def present(
    analysis: Analysis,
    options: Options,
    *,
    baseline: Iterable[Entry] | None = None,
    shown: Callable[[str], bool] | None = None,
    known: Iterable[Entry] | None = None,
) -> Outcome:
    """Ask an analysis. ``baseline``: entries to pass over. ``shown``: which displayed paths to report, all by
    default.

    ``known``: what an earlier state of the code already had (``--diff``); passed over without a word.
    """
    live = [judged for judged in analysis.findings if not judged.suppressed]
    broken = {judged.diagnostic.rule for judged in live if judged.diagnostic.severity is not Severity.INFO}
    if known is not None:
        old = match([judged.key for judged in live], known).held
        live = [judged for index, judged in enumerate(live) if index not in old]
    laid = match([judged.key for judged in live], baseline or ())
    wanted = shown or (lambda path: True)
    reported = [j.diagnostic for i, j in enumerate(live) if i not in laid.held and wanted(j.diagnostic.path)]
    held = [j.diagnostic for i, j in enumerate(live) if i in laid.held and wanted(j.diagnostic.path)]
    suppressed = sum(j.suppressed and wanted(j.diagnostic.path) for j in analysis.findings)
    stale = tuple(e for e in laid.stale if e.code in analysis.checked) if shown is None and known is None else ()

    result = Result(
        schema=SCHEMA_VERSION,
        root=analysis.root,
        files=analysis.files,
        findings=tuple(reported),
        summary=_summary(reported, len(held), suppressed, broken, analysis.rules),
    )
    return Outcome(result, stale, analysis.problems, analysis.skipped, _exit_status(reported, analysis, options))


def _summary(
    reported: list[Diagnostic], held: int, suppressed: int, broken: set[int], rules: tuple[int, ...]
) -> Summary:
    def count(severity: Severity) -> int:
        return sum(diagnostic.severity is severity for diagnostic in reported)

    return Summary(
        errors=count(Severity.ERROR),
        warnings=count(Severity.WARNING),
        infos=count(Severity.INFO),
        suppressed=suppressed,
        baselined=held,
        rules={
            str(rule): RuleScore(
                holds=rule not in broken if rule in rules else None,
                findings=sum(diagnostic.rule == rule for diagnostic in reported),
            )
            for rule in GUIDE_RULES
        },
    )


def _exit_status(reported: list[Diagnostic], analysis: Analysis, options: Options) -> int:
    if analysis.problems:
        return 3
    threshold = _WEIGHT[options.fail_on]
    return int(any(_WEIGHT[diagnostic.severity.value] >= threshold for diagnostic in reported))
