"""The pipeline: files become facts, facts a program, the selected checks ask it, and what they say is judged.

Read ``analyse`` from top to bottom; everything below it is one step each.
"""

from __future__ import annotations

import gc
import hashlib
import os
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from guardrails import forked
from guardrails.analysis import Analysis, Judged, Problem, SkippedPath
from guardrails.baseline import Key
from guardrails.checks import overlaps
from guardrails.checks.registry import Check, all_checks, rule_of
from guardrails.facts.load import Facts, load, usable_cores
from guardrails.facts.records import ModuleFacts
from guardrails.finding import Diagnostic, DiagnosticRelated, Finding, Place, Severity
from guardrails.options import Options
from guardrails.project import Project, discover
from guardrails.selection import selected, severity_of, specificity
from guardrails.sources import Sources
from guardrails.suppressions import UNUSED, Suppressions

if TYPE_CHECKING:
    from guardrails.program import Program
    from guardrails.program.modules import Pool

_FIRST_HALF = frozenset({1, 2, 3, 7, 9})
"""The rules whose checks ask most of the call graph, and those about indexes; the others cost about as much."""
_FORK_FROM = 300_000
"""Bytes of application code beside the largest application, or of one alone, from which on several processes pay:
linking takes seconds for a megabyte.
"""

_last_read: list[Mapping[str, Facts]] = []
"""What the last run read, kept until the next one: taking the facts of a large repository apart takes longer than many
a check, and most processes end before that."""

Progress = Callable[[str], None]
"""Told what the run is doing, in a few words."""


def silent(message: str) -> None:
    """The progress that nobody watches."""


class Where(Struct, frozen=True):
    """The folders of a run, absolute. ``cwd``: displayed paths are relative to it.

    ``anchor``: fingerprints are relative to it. ``config``: path globs are relative to it.
    """

    cwd: Path
    anchor: Path
    config: Path


class _Run(Struct):
    """What piles up while the applications are checked."""

    findings: list[Finding] = field(default_factory=list)
    outranked: list[Finding] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def analyse(
    paths: Sequence[Path],
    options: Options,
    where: Where,
    *,
    workers: int | None = None,
    progress: Progress = silent,
) -> Analysis:
    """Check the applications under ``paths`` (absolute). A bug in one check does not keep the others from
    speaking.
    """
    checks = all_checks()
    chosen = selected(checks, options)
    run = _Run()

    projects, facts = _read(paths, options, where.cwd, workers, progress)
    _last_read[:] = [facts]
    full = [project for project in projects if project.files]
    costs = [sum(f.size for f in each.files if f.application or (f.shared and each.library)) for each in full]
    # A large application alone is asked in two halves, which share little but the types of things.
    parts = _halves(chosen) if len(full) == 1 and costs[0] >= _FORK_FROM else (chosen,)
    work = [(project, part) for project in full for part in parts]
    pool: Pool = {}
    answers = forked.each(
        lambda item: _check(item[0], facts, item[1], options, pool, progress),
        work,
        _Run,
        costs=[cost for cost in costs for _ in parts],
        enough=_FORK_FROM,
        workers=workers or usable_cores(),
    )
    spoken: dict[Path, list[Finding]] = {}
    for (project, _), answer in zip(work, answers):
        spoken.setdefault(project.root, []).extend(answer.findings)
        run.problems.extend(answer.problems)
    said: dict[tuple[str, Place], Project] = {}
    for project in sorted(full, key=lambda project: project.library):
        findings = spoken[project.root]
        # Of what applications import they had the last word; of what several share, the first to speak has it.
        elsewhere = {file.display for file in project.files if file.shared} if project.library else set()
        kept = [
            each
            for each in overlaps.apply(_in_order(findings))
            if each.place.path not in elsewhere and said.setdefault((each.code, each.place), project) is project
        ]
        run.findings.extend(kept)
        run.outranked.extend(set(findings).difference(kept))

    comments = {path: module.comments for path, module in facts.items() if isinstance(module, ModuleFacts)}
    suppressions = Suppressions(comments, checks)
    ignored = _per_path_ignores(options, where)
    for finding in run.outranked:
        suppressions.silences(finding)  # a comment about it has its use, though another check spoke today
    found = [(finding, suppressions.silences(finding) or ignored(finding)) for finding in _in_order(run.findings)]
    codes = {check.code for check in chosen}
    if UNUSED in codes:
        files = {file for project in projects for file in project.files if file.application or file.reached}
        for finding in suppressions.unused(codes, {file.display: file.module for file in sorted(files)}):
            found.append((finding, suppressions.silences(finding) or ignored(finding)))
    return Analysis(
        root=_display_root(projects, where),
        files=len({file.display for project in projects for file in project.files}),
        findings=tuple(_publish(found, {check.code: check for check in checks}, options, where)),
        checked=tuple(check.code for check in chosen),
        rules=tuple(sorted({check.rule for check in chosen})) if facts else (),
        problems=tuple(run.problems),
        skipped=tuple(sorted({SkippedPath(s.display, s.reason) for project in projects for s in project.skipped})),
        applications=tuple(sorted({name for project in projects for name in project.applications})),
    )


def programs_of(
    paths: Sequence[Path],
    options: Options,
    cwd: Path,
    workers: int | None = None,
    progress: Progress = silent,
) -> tuple[Program, ...]:
    """The linked applications under ``paths``, by displayed root."""
    from guardrails.program import link

    projects, facts = _read(paths, options, cwd, workers, progress)
    return tuple(link(project, _facts_of(project, facts), options) for project in projects)


def judge(
    findings: Iterable[Finding], programs: Iterable[Program], options: Options, where: Where
) -> tuple[Judged, ...]:
    """Findings that a command made itself, published and suppressed like those of the checks."""
    checks = all_checks()
    comments = {m.display: m.facts.comments for program in programs for m in program.modules.ordered}
    suppressions = Suppressions(comments, checks)
    ignored = _per_path_ignores(options, where)
    found = [(finding, suppressions.silences(finding) or ignored(finding)) for finding in _in_order(findings)]
    return tuple(_publish(found, {check.code: check for check in checks}, options, where))


def _read(
    paths: Sequence[Path], options: Options, cwd: Path, workers: int | None, progress: Progress
) -> tuple[tuple[Project, ...], dict[str, Facts]]:
    progress("looking for applications")
    with _uncollected():
        projects = discover(paths, options, cwd)
    progress(f"reading {_plural(len({file.display for project in projects for file in project.files}), 'file')}")
    return projects, load(projects, options, workers, use_cache=options.cache_dir is not None)


def _check(
    project: Project,
    facts: Mapping[str, Facts],
    chosen: Sequence[Check],
    options: Options,
    pool: Pool,
    progress: Progress,
) -> _Run:
    """What the checks say of one application, overlaps not settled; and the bugs that showed."""
    run = _Run()
    progress(f"linking {project.name}")
    program = _link(project, facts, options, pool, run)
    if program is not None:
        asked = [check for check in chosen if not (check.project and project.library)]
        with _uncollected():
            run.findings.extend(_ask(program, project.name, asked, run, progress))
    return run


def _halves(checks: Sequence[Check]) -> tuple[Sequence[Check], ...]:
    """The checks about layers, connections, repositories and asynchrony, and the others."""
    first = [check for check in checks if check.rule in _FIRST_HALF]
    second = [check for check in checks if check.rule not in _FIRST_HALF]
    return tuple(half for half in (first, second) if half)


@contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage collection: what is found and linked only grows until it is dropped, and walking it over and over
    frees nothing.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _facts_of(project: Project, facts: Mapping[str, Facts]) -> dict[str, Facts]:
    return {file.display: facts[file.display] for file in project.files if file.display in facts}


def _link(project: Project, facts: Mapping[str, Facts], options: Options, pool: Pool, run: _Run) -> Program | None:
    """The program of one application; None, and a problem on record, where the checker itself fails."""
    from guardrails.program import link

    try:
        return link(project, _facts_of(project, facts), options, pool)
    except Exception:
        run.problems.append(Problem("", project.name, traceback.format_exc()))
        return None


def _ask(program: Program, name: str, checks: Sequence[Check], run: _Run, progress: Progress) -> list[Finding]:
    """What the checks say of one application."""
    findings: list[Finding] = []
    for check in checks:
        progress(f"checking {name}: {check.code} {check.name}")
        try:
            findings.extend(check.run(program))
        except Exception:
            run.problems.append(Problem(check.code, name, traceback.format_exc()))
    return findings


def _in_order(findings: Iterable[Finding]) -> list[Finding]:
    """By place, then code; each once."""
    return sorted(set(findings), key=_order)


def _order(finding: Finding) -> tuple[Place, int, str, str, str, str]:
    return (
        finding.place,
        rule_of(finding.code),
        finding.code,
        finding.symbol,
        finding.subject,
        finding.message,
    )


def _per_path_ignores(options: Options, where: Where) -> Callable[[Finding], bool]:
    """Whether configuration passes over the finding in its file."""
    if not options.per_path_ignores:
        return lambda finding: False
    from pathspec import GitIgnoreSpec

    rows = [
        (GitIgnoreSpec.from_lines([glob]), selectors) for glob, selectors in sorted(options.per_path_ignores.items())
    ]
    by_code = {check.code: check for check in all_checks()}

    def ignored(finding: Finding) -> bool:
        path = _relative(where.cwd / finding.place.path, where.config)
        return any(
            any(specificity(selector, by_code[finding.code]) for selector in selectors)
            for spec, selectors in rows
            if spec.match_file(path)
        )

    return ignored


def _publish(
    found: Iterable[tuple[Finding, bool]], checks: dict[str, Check], options: Options, where: Where
) -> Iterator[Judged]:
    """Findings as published: severity, fingerprint, columns in characters; in order of place."""
    sources = Sources(where.cwd)
    ordinals: Counter[Key] = Counter()
    for finding, suppressed in sorted(found, key=lambda pair: _order(pair[0])):
        check = checks[finding.code]
        path = _relative(where.cwd / finding.place.path, where.anchor)
        key = Key(path, finding.code, finding.symbol, finding.subject)
        ordinals[key] += 1
        line, column, end_line, end_column = _span(finding.place, sources)
        diagnostic = Diagnostic(
            code=finding.code,
            name=check.name,
            rule=check.rule,
            severity=severity_of(check, options) or Severity.INFO,
            path=finding.place.path,
            line=line,
            column=column,
            end_line=end_line,
            end_column=end_column,
            symbol=finding.symbol,
            message=finding.message,
            help=finding.help,
            related=tuple(
                DiagnosticRelated(step.place.path, *_span(step.place, sources)[:2], step.message)
                for step in finding.related
            ),
            fingerprint=fingerprint(key, ordinals[key]),
        )
        yield Judged(diagnostic, key, suppressed)


def fingerprint(key: Key, ordinal: int) -> str:
    """32 hexadecimal digits for the ``ordinal``-th finding of a key: the same wherever its lines move."""
    text = "\0".join((key.code, key.path, key.symbol, key.subject, str(ordinal)))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _span(place: Place, sources: Sources) -> tuple[int, int, int, int]:
    """Line, column, end line, end column from 1, in characters; the end exclusive, never before the start."""
    column = sources.column(place.path, place.line, place.column)
    end_line = max(place.line, place.end_line)
    end_column = sources.column(place.path, end_line, place.end_column)
    if end_line == place.line:
        end_column = max(column, end_column)
    return place.line, column, end_line, end_column


def _display_root(projects: Sequence[Project], where: Where) -> str:
    roots = sorted({str(project.root) for project in projects})
    return _relative(Path(os.path.commonpath(roots)), where.cwd) if roots else "."


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _relative(path: Path, base: Path) -> str:
    """``path`` as seen from ``base``, with forward slashes; absolute where no relative path exists."""
    try:
        return os.path.relpath(path, base).replace(os.sep, "/")
    except ValueError:  # another drive
        return path.as_posix()
