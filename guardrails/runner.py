"""One run, from what the user asked to an analysis: configuration, targets, the stored result or the engine.

Imports what a stored answer needs and no more; pydantic and the engine come only when there is work for them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from guardrails import baseline, config
from guardrails.analysis import Analysis, Judged, Outcome, present
from guardrails.config import ConfigError, Mistake
from guardrails.options import Options
from guardrails.stored import CACHE_FOLDER, Store, request_key, skipped_names, take

if TYPE_CHECKING:
    from guardrails.engine import Progress
    from guardrails.finding import Finding
    from guardrails.program import Program


class Request(msgspec.Struct, frozen=True):
    """What the user asks. Paths may be relative to ``cwd``, which is absolute.

    ``overrides``: options from the command line, by their ``Options`` names.
    ``anchor``: the folder that stands for the repository's root, where that is not to be looked for.
    """

    cwd: Path
    paths: tuple[Path, ...] = ()
    config: Path | None = None
    overrides: dict[str, Any] = {}
    cache: bool = True
    workers: int | None = None
    anchor: Path | None = None


class Answer(msgspec.Struct, frozen=True):
    """An analysis, the options it was made under, its folders, and which displayed paths the user asked
    about.
    """

    analysis: Analysis
    options: Options
    cwd: Path
    anchor: Path
    config_folder: Path
    targets: tuple[Path, ...]
    shown: frozenset[str] | None
    from_store: bool
    notes: tuple[str, ...] = ()

    def wanted(self) -> Callable[[str], bool] | None:
        """Whether a displayed path is reported; None for all. A folder stands for what lies under it."""
        shown = self.shown
        if shown is None:
            return None
        return lambda path: path in shown or any(folder == "." or path.startswith(f"{folder}/") for folder in shown)


class _Setting(msgspec.Struct, frozen=True):
    """Where a run takes place: its configuration, folders, and what is analysed and reported."""

    found: config.Found
    folder: Path
    anchor: Path
    targets: tuple[Path, ...]
    shown: tuple[Path, ...] | None
    cache: Path

    def options(self, request: Request) -> Options:
        """The options of the run; the costly part, which needs pydantic."""
        options = config.validate(self.found, request.overrides, _display(self.found.path, request.cwd))
        contracts = options.import_linter_config and self.folder / options.import_linter_config
        if contracts and not contracts.is_file():
            place = _display(self.found.path, request.cwd), config.line_of(self.found, ("import-linter-config",))
            raise ConfigError([Mistake(*place, f"import-linter-config: {options.import_linter_config} is no file")])
        return msgspec.structs.replace(
            options,
            import_linter_config=str(contracts) if contracts else None,
            cache_dir=str(self.cache) if request.cache else None,
            exclude=self._from_targets(options.exclude),
            extend_exclude=self._from_targets(options.extend_exclude),
            not_application=self._from_targets(options.not_application),
        )

    def _from_targets(self, globs: Iterable[str]) -> tuple[str, ...]:
        """Globs relative to the configuration, and what they come to inside each target, where files are looked for."""
        inside = [_display(target, self.folder) for target in self.targets if target != self.folder]
        moved = [
            glob.removeprefix("/").removeprefix(folder)
            for glob in globs
            for folder in inside
            if glob.removeprefix("/").startswith(f"{folder}/")
        ]
        return (*globs, *moved)


def answer(request: Request, progress: Progress | None = None) -> Answer:
    """Find the configuration, then the stored answer or a new one.

    Raises ``ConfigError`` for a wrong configuration, wrong options or a path that does not exist.
    """
    setting, cwd = _setting(request), request.cwd
    store, key = Store(setting.cache), _key(request, setting)
    kept = store.load(key) if request.cache else None
    if kept is not None:
        options, analysis = kept
    else:
        from guardrails.engine import Where, analyse, silent

        options = setting.options(request)
        folders = sorted({str(target if target.is_dir() else target.parent) for target in setting.targets})
        state = take(folders, skipped_names(options)) if request.cache else None
        where = Where(setting.folder, setting.anchor, setting.folder)
        analysis = analyse(setting.targets, options, where, workers=request.workers, progress=progress or silent)
        if state is not None and not analysis.problems:
            store.save(key, options, analysis, state, folders)
    return Answer(
        analysis=_seen_from(cwd, analysis, setting.folder),
        options=options,
        cwd=cwd,
        anchor=setting.anchor,
        config_folder=setting.folder,
        targets=setting.targets,
        shown=None if setting.shown is None else frozenset(_display(path, cwd) for path in setting.shown),
        from_store=kept is not None,
        notes=_notes(request, setting, analysis),
    )


def programs(request: Request, progress: Progress | None = None) -> tuple[Program, ...]:
    """The linked applications, for commands that ask them something else than the checks do.

    Displayed paths are relative to the folder of the configuration, where there is one. Raises ``ConfigError``
    as ``answer`` does.
    """
    from guardrails.engine import programs_of, silent

    setting = _setting(request)
    return programs_of(setting.targets, setting.options(request), setting.folder, request.workers, progress or silent)


def examine(
    request: Request,
    ask: Callable[[tuple[Program, ...]], Iterable[Finding]],
    progress: Progress | None = None,
) -> Outcome:
    """The outcome of a command that finds something itself: ``ask`` gives findings about the applications.

    No baseline is read. Raises ``ConfigError`` as ``answer`` does.
    """
    from guardrails.checks.registry import rule_of
    from guardrails.engine import Where, judge, programs_of, silent

    setting = _setting(request)
    options = setting.options(request)
    found = programs_of(setting.targets, options, setting.folder, request.workers, progress or silent)
    findings = tuple(ask(found))
    where = Where(setting.folder, setting.anchor, setting.folder)
    codes = tuple(sorted({finding.code for finding in findings}))
    analysis = Analysis(
        root=".",
        files=len({file.display for program in found for file in program.project.files}),
        findings=judge(findings, found, options, where),
        checked=codes,
        rules=tuple(sorted({rule_of(code) for code in codes})),
    )
    return present(_seen_from(request.cwd, analysis, setting.folder), options)


def _setting(request: Request) -> _Setting:
    cwd = request.cwd
    given = [Path(os.path.normpath(cwd / path)) for path in request.paths]
    missing = [path for path, absolute in zip(request.paths, given, strict=True) if not absolute.exists()]
    if missing:
        raise ConfigError([Mistake("", 0, f"{path} does not exist") for path in missing])
    start = _common_folder(given) if given else cwd
    found = config.locate(start, cwd / request.config if request.config else None)
    # A file named by the user may lie anywhere; its paths mean those of the working directory.
    folder = found.path.parent if found.path and not request.config else cwd
    targets, shown = _targets(given, found.table.get("root"), folder)
    if absent := [target for target in targets if not target.exists()]:
        raise ConfigError([Mistake(_display(found.path, cwd), 0, f"root: {path} does not exist") for path in absent])
    anchor = request.anchor or _repository(start) or (folder if found.path else cwd)
    cache = _cache_folder(found.table.get("cache-dir"), folder if found.path else anchor)
    return _Setting(found, folder, anchor, targets, shown, cache)


def _key(request: Request, setting: _Setting) -> str:
    return request_key(
        {
            "folder": str(setting.folder),
            "anchor": str(setting.anchor),
            "targets": [str(target) for target in setting.targets],
            "config": [str(setting.found.path), setting.found.text],
            "overrides": sorted((name, str(value)) for name, value in request.overrides.items()),
        }
    )


def _seen_from(cwd: Path, analysis: Analysis, folder: Path) -> Analysis:
    """The analysis with its displayed paths, relative to ``folder``, made relative to ``cwd``.

    The run itself sees the configuration's folder as its working directory, so that globs mean the same, and one
    stored result serves, wherever the user stands.
    """
    if folder == cwd:
        return analysis

    def shown(path: str) -> str:
        return _display(folder / path, cwd)

    def moved(judged: Judged) -> Judged:
        diagnostic = judged.diagnostic
        related = tuple(replace(step, path=shown(step.path)) for step in diagnostic.related)
        return replace(judged, diagnostic=replace(diagnostic, path=shown(diagnostic.path), related=related))

    replace = msgspec.structs.replace
    return replace(
        analysis,
        root=shown(analysis.root),
        findings=tuple(sorted(map(moved, analysis.findings), key=lambda judged: judged.diagnostic.path)),
        skipped=tuple(replace(skipped, path=shown(skipped.path)) for skipped in analysis.skipped),
        applications=tuple(map(shown, analysis.applications)),
    )


def _notes(request: Request, setting: _Setting, analysis: Analysis) -> tuple[str, ...]:
    cwd, notes = request.cwd, list[str]()
    if setting.found.passed_over:
        several = ", ".join(_display(path, cwd) for path in setting.found.passed_over)
        notes.append(f"several folders below are configured ({several}); none of it is used: check one at a time")
    if not request.paths and cwd in setting.folder.parents:
        notes.append(f"checked {_display(setting.folder, cwd)}, the only configured folder here")
    if not analysis.files:
        notes.append(f"no Python files under {', '.join(_display(target, cwd) for target in setting.targets)}")
    return tuple(notes)


def outcome(of: Answer, *, use_baseline: bool = True, known: Iterable[baseline.Entry] | None = None) -> Outcome:
    """The published answer. ``known``: findings of an earlier state, passed over.

    Raises ``ConfigError`` for a baseline that cannot be read.
    """
    entries: tuple[baseline.Entry, ...] = ()
    path = baseline_path(of)
    if use_baseline and (path.exists() or of.options.baseline is not None):
        try:
            entries = baseline.read(path)
        except baseline.InvalidBaseline as error:
            raise ConfigError([Mistake("", 0, str(error))]) from error
    return present(of.analysis, of.options, baseline=entries, shown=of.wanted(), known=known)


def baseline_path(of: Answer) -> Path:
    """The configured baseline file, or the usual one beside the configuration or at the repository's root."""
    if of.options.baseline is not None:
        return of.config_folder / of.options.baseline
    beside = of.config_folder / baseline.FILE_NAME
    return beside if beside.exists() else of.anchor / baseline.FILE_NAME


def _targets(given: list[Path], root: object, folder: Path) -> tuple[tuple[Path, ...], tuple[Path, ...] | None]:
    """What is analysed, and what of it is reported (None for all).

    Files, and folders inside a configured root, narrow the report and not the analysis.
    """
    roots = [root] if isinstance(root, str) else root if isinstance(root, list) else []
    configured = [Path(os.path.normpath(folder / path)) for path in roots if isinstance(path, str)]
    usual = configured or [folder]
    if not given:
        return tuple(usual), None
    narrowing = [path for path in given if path.is_file() or (path not in configured and _inside_any(path, configured))]
    targets = [path for path in given if path not in narrowing]
    whole = bool(targets)
    if not targets:
        targets = [target for target in usual if any(_inside(path, target) for path in narrowing)]
        targets += [path for path in narrowing if not _inside_any(path, usual)]
    if whole:
        targets += [path for path in narrowing if not _inside_any(path, targets)]
    return tuple(sorted(set(targets))), tuple(given) if narrowing else None


def _inside(path: Path, folder: Path) -> bool:
    return path == folder or folder in path.parents


def _inside_any(path: Path, folders: Iterable[Path]) -> bool:
    return any(_inside(path, folder) for folder in folders)


def _common_folder(paths: list[Path]) -> Path:
    folders = [path if path.is_dir() else path.parent for path in paths]
    try:
        return Path(os.path.commonpath(folders))
    except ValueError:  # several drives
        return folders[0]


def _repository(start: Path) -> Path | None:
    return next((folder for folder in (start, *start.parents) if (folder / ".git").exists()), None)


def _cache_folder(configured: object, folder: Path) -> Path:
    chosen = os.environ.get("GUARDRAILS_CACHE_DIR") or configured
    return folder / chosen if isinstance(chosen, str) and chosen else folder / CACHE_FOLDER


def _display(path: Path | None, cwd: Path) -> str:
    if path is None:
        return ""
    try:
        return os.path.relpath(path, cwd).replace(os.sep, "/")
    except ValueError:
        return path.as_posix()
