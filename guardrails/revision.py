"""What the code at another revision already had: the whole of it checked by itself, for ``check --diff``.

Both trees are analysed as wholes under the present configuration, so a changed helper that makes an unchanged
handler block is new, and a finding whose lines merely moved is not. The revision's files are written to a
temporary folder through an index of their own; the repository, its index and its work tree are left alone.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from guardrails.baseline import Entry, entries_of
from guardrails.config import ConfigError, Mistake
from guardrails.runner import Answer, Request
from guardrails.stored import State, Store, request_key

if TYPE_CHECKING:
    from guardrails.engine import Progress

_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_ENVIRONMENTS = (".venv", "venv", "env")


def findings_at(revision: str, got: Answer, request: Request, progress: Progress) -> tuple[Entry, ...]:
    """The findings of the tree from which the change since ``revision`` starts, as counted keys.

    That is where the present commit and the revision parted, so that what others did to a branch meanwhile is
    not laid at this change's door; the revision itself where they share no history that is here. Raises
    ``ConfigError`` outside a git repository and for an unknown revision.
    """
    top = Path(_git(got.cwd, "rev-parse", "--show-toplevel"))
    commit = _start_of_change(top, revision)
    tree = _git(top, "rev-parse", f"{commit}^{{tree}}") if commit else _EMPTY_TREE
    if tree == _EMPTY_TREE:
        return ()
    store = Store(Path(got.options.cache_dir)) if got.options.cache_dir else None
    key = request_key(
        {
            "tree": tree,
            "options": msgspec.json.encode(got.options, order="deterministic").decode(),
            "targets": [str(target) for target in got.targets],
        }
    )
    kept = store.load(key) if store else None
    if kept is not None:
        analysis = kept[1]
    else:
        from guardrails.engine import Where, analyse

        progress(f"checking out {revision}")
        with _checked_out(top, tree) as folder:
            moved = [folder / os.path.relpath(path, top) for path in got.targets]
            where = Where(
                *(folder / os.path.relpath(path, top) for path in (got.cwd, got.anchor, got.config_folder))
            )
            present = [path for path in moved if path.exists()]
            if not present:
                return ()
            where.cwd.mkdir(parents=True, exist_ok=True)
            analysis = analyse(present, got.options, where, workers=request.workers, progress=progress)
        if analysis.problems:
            raise RuntimeError(f"at {revision}: {analysis.problems[0].traceback}")
        if store:
            store.save(key, got.options, analysis, State(0, {}), ())
    return entries_of(judged.key for judged in analysis.findings if not judged.suppressed)


def _start_of_change(top: Path, revision: str) -> str:
    """The commit to compare with; empty for HEAD in a repository without commits."""
    try:
        commit = _git(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    except ConfigError:
        if revision == "HEAD":
            return ""
        raise ConfigError([Mistake("", 0, f"--diff: git knows no revision {revision!r}")]) from None
    try:
        return _git(top, "merge-base", "HEAD", commit)
    except ConfigError:  # no common history, or a shallow clone
        return commit


@contextmanager
def _checked_out(top: Path, tree: str) -> Iterator[Path]:
    """The files of a tree in a temporary folder, beside the environments that the work tree has."""
    with tempfile.TemporaryDirectory(prefix="guardrails-") as scratch:
        folder = Path(os.path.realpath(scratch)) / "tree"
        folder.mkdir()
        environment = {**os.environ, "GIT_INDEX_FILE": str(Path(scratch) / "index")}
        _git(top, "read-tree", tree, environment=environment)
        _git(top, "checkout-index", "--all", "--force", f"--prefix={folder}{os.sep}", environment=environment)
        for name in _ENVIRONMENTS:
            if (top / name).is_dir() and not (folder / name).exists():
                try:
                    (folder / name).symlink_to(top / name, target_is_directory=True)
                except OSError:  # Windows without the right to link
                    break
        yield folder


def _git(folder: Path, *arguments: str, environment: dict[str, str] | None = None) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8"
        )
    except OSError as error:
        raise ConfigError([Mistake("", 0, f"--diff needs git: {error.strerror}")]) from error
    if done.returncode != 0:
        raise ConfigError([Mistake("", 0, f"git {arguments[0]}: {done.stderr.strip() or 'failed'}")])
    return done.stdout.strip()
