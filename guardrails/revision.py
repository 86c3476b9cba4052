"""What the code at another revision already had: the whole of it checked by itself, for ``check --diff``.

Both trees are analysed as wholes under the present configuration, so a changed helper that makes an unchanged
handler block is new, and a finding whose lines merely moved is not. The revision's files are written to a
temporary folder through an index of their own; the repository, its index and its work tree are left alone.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from guardrails.analysis import Analysis, Problem
from guardrails.baseline import Entry, Key, entries_of
from guardrails.config import ConfigError, Mistake
from guardrails.runner import Answer, Request
from guardrails.stored import State, Store, request_key

if TYPE_CHECKING:
    from guardrails.engine import Progress

_GIT_VARIABLES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")
_ENVIRONMENTS = (".venv", "venv", "env")


def before(
    revision: str, got: Answer, request: Request, progress: Progress
) -> tuple[tuple[Entry, ...], tuple[Problem, ...]]:
    """The findings of the tree from which the change since ``revision`` starts, as counted keys; and bugs met there.

    That is where the present commit and the revision parted, so that what others did to a branch meanwhile is
    not laid at this change's door; the revision itself where they share no history that is here. In the middle of
    a merge, what the other side brings is not this change's either. Raises ``ConfigError`` outside a git
    repository and for an unknown revision.
    """
    top = Path(_git(got.cwd, "rev-parse", "--show-toplevel"))
    store = Store(Path(got.options.cache_dir)) if got.options.cache_dir else None
    counts: Counter[Key] = Counter()
    problems: list[Problem] = []
    for commit in filter(None, (_start_of_change(top, revision), _other_side(top))):
        analysis = _at(commit, top, store, got, request, progress)
        counts |= Counter(judged.key for judged in analysis.findings if not judged.suppressed)
        problems += analysis.problems
    if store:
        _remember_present(top, got, store)
    return entries_of(counts.elements()), tuple(problems)


def _at(commit: str, top: Path, store: Store | None, got: Answer, request: Request, progress: Progress) -> Analysis:
    """The analysis of a commit's tree, stored or new."""
    tree = _git(top, "rev-parse", f"{commit}^{{tree}}")
    kept = store.load(_key(tree, got)) if store else None
    if kept is not None:
        return kept[1]
    progress(f"checking out {commit[:10]}")
    analysis = _analysed(top, tree, got, request, progress)
    if store and not analysis.problems:
        store.save(_key(tree, got), got.options, analysis, State(0, {}), ())
    return analysis


def _analysed(top: Path, tree: str, got: Answer, request: Request, progress: Progress) -> Analysis:
    from guardrails.engine import Where, analyse

    with _checked_out(top, tree) as folder:
        targets = [_moved(path, top, folder) for path in got.targets]
        there = [path for path in targets if path is not None and path.exists()]
        folders = (_moved(path, top, folder) or folder for path in (got.config_folder, got.anchor, got.config_folder))
        options = msgspec.structs.replace(got.options, cache_dir=None)
        if not there:
            return msgspec.structs.replace(got.analysis, findings=(), problems=())
        return analyse(there, options, Where(*folders), workers=request.workers, progress=progress)


def _remember_present(top: Path, got: Answer, store: Store) -> None:
    """Keep the present answer under its tree, where the work tree is what will be committed.

    So it is in a hook; the next commit's hook then finds the answer of this one's.
    """
    try:
        if got.analysis.problems or _git(top, "ls-files", "--modified", "--deleted", "--others", "--exclude-standard"):
            return
        tree = _git(top, "write-tree")
    except ConfigError:  # in the middle of a merge
        return
    if store.load(_key(tree, got)) is None:
        store.save(_key(tree, got), got.options, got.analysis, State(0, {}), ())


def _key(tree: str, got: Answer) -> str:
    return request_key(
        {
            "tree": tree,
            "options": msgspec.json.encode(got.options, order="deterministic").decode(),
            "targets": [str(target) for target in got.targets],
        }
    )


def _moved(path: Path, top: Path, folder: Path) -> Path | None:
    """Where a path of the repository lies under ``folder``; None for one outside the repository."""
    relative = os.path.relpath(os.path.realpath(path), os.path.realpath(top))
    return None if relative.split(os.sep)[0] == os.pardir else folder / relative


def _start_of_change(top: Path, revision: str) -> str:
    """The commit to compare with; empty for HEAD in a repository without commits."""
    try:
        commit = _git(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    except ConfigError:
        if revision == "HEAD":
            return ""
        raise ConfigError(
            [Mistake("", 0, f"--diff: git knows no revision {revision!r} here; fetch it first")]
        ) from None
    try:
        return _git(top, "merge-base", "HEAD", commit)
    except ConfigError:  # no common history, or a shallow clone
        return commit


def _other_side(top: Path) -> str:
    """The commit that is being merged; empty where none is."""
    try:
        return _git(top, "rev-parse", "--verify", "--quiet", "MERGE_HEAD")
    except ConfigError:
        return ""


@contextmanager
def _checked_out(top: Path, tree: str) -> Iterator[Path]:
    """The files of a tree in a temporary folder, beside the environments that the work tree has."""
    with tempfile.TemporaryDirectory(prefix="guardrails-") as scratch:
        folder = Path(os.path.realpath(scratch)) / "tree"
        folder.mkdir()
        index = Path(scratch) / "index"
        _git(top, "read-tree", tree, index=index)
        _git(top, "checkout-index", "--all", "--force", f"--prefix={folder}{os.sep}", index=index)
        _git(folder, "init", "--quiet")  # what is tracked matters to some checks
        os.replace(index, folder / ".git" / "index")
        for name in _ENVIRONMENTS:
            if (top / name).is_dir() and not (folder / name).exists():
                try:
                    (folder / name).symlink_to(top / name, target_is_directory=True)
                except OSError:  # Windows without the right to link
                    break
        yield folder


def _git(folder: Path, *arguments: str, index: Path | None = None) -> str:
    # A hook runs with variables that point at the repository being committed to; here the folder decides.
    environment = {name: value for name, value in os.environ.items() if name not in _GIT_VARIABLES}
    if index is not None:
        environment["GIT_INDEX_FILE"] = str(index)
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8"
        )
    except OSError as error:
        raise ConfigError([Mistake("", 0, f"--diff needs git: {error.strerror}")]) from error
    if done.returncode != 0:
        raise ConfigError([Mistake("", 0, f"git {arguments[0]}: {done.stderr.strip() or 'failed'}")])
    return done.stdout.strip()
