"""Walk a folder as git and the options see it: Python files in, everything else out, never a crash."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from guardrails.patterns import pattern
from guardrails.project.model import Skipped
from guardrails.repository import repository_root

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

SIZE_LIMIT = 2 * 1024 * 1024
"""Bytes. Parsing costs up to a hundred times the size in memory; what is larger is data or generated."""

MARKERS = frozenset(
    {
        "pyproject.toml",
        "setup.py",
        "setup.cfg",
        "requirements.txt",
        "Pipfile",
        "uv.lock",
        "poetry.lock",
        "Dockerfile",
    }
)
"""Files that say: the folder around me is deployed or distributed by itself."""


_PART = r"(?:[^/*?\[\]\\]|\*(?!\*)|\?|\[\w+\])+"
_PLAIN = pattern(f"/?{_PART}(?:/{_PART})*")
_WILD = pattern(r"\*|\?|\[\w+\]")
_REGEX = {"*": "[^/]*", "?": "[^/]"}


class _Plain:
    """Patterns that mean to git what they mean to everyone. Most have no wildcard, or one at their beginning."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._paths: set[str] = set()
        self._ends: tuple[str, ...] = ()
        self._wild: dict[bool, list[str]] = {}
        self._regex: dict[bool, re.Pattern[str]] = {}

    def add(self, glob: str) -> None:
        """``glob``: without a slash at its end; with one elsewhere it is a path from the folder of the patterns."""
        anchored = "/" in glob
        glob = glob.removeprefix("/")
        if not _WILD.search(glob):
            (self._paths if anchored else self._names).add(glob)
        elif not anchored and glob[0] == "*" and not _WILD.search(glob, 1):
            self._ends += (glob[1:],)
        else:
            literals, wild = _WILD.split(glob), [*_WILD.findall(glob), ""]
            regex = "".join(re.escape(text) + _REGEX.get(sign, sign) for text, sign in zip(literals, wild))
            self._wild.setdefault(anchored, []).append(regex)

    def match(self, relative: str, name: str) -> bool:
        if name in self._names or relative in self._paths or name.endswith(self._ends):
            return True
        for anchored, globs in self._wild.items():
            if anchored not in self._regex:
                self._regex[anchored] = re.compile("|".join(globs))
            if self._regex[anchored].fullmatch(relative if anchored else name):
                return True
        return False


class Globs:
    """Gitwildmatch patterns, relative to one folder.

    Nearly all are plain and matched here. Only for the others is pathspec imported, which takes as long as to check
    a small project.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        patterns = [p for p in patterns if p.strip() and not p.startswith("#")]
        negated = any(p.startswith("!") for p in patterns)  # order matters then: leave all of it to pathspec
        self._any, self._folders = _Plain(), _Plain()
        rest: list[str] = []
        for glob in patterns:
            path = glob.removesuffix("/")
            if negated or glob != glob.strip() or not _PLAIN.fullmatch(path):
                rest.append(glob)
            else:
                (self._any if path == glob else self._folders).add(path)
        self._rest: GitIgnoreSpec | None = None
        if rest:
            from pathspec import GitIgnoreSpec

            self._rest = GitIgnoreSpec.from_lines(rest)

    def verdict(self, relative: str, name: str, is_dir: bool) -> bool | None:
        """Whether the entry itself matches, None where no pattern says; the caller sees to the folders above it."""
        if self._any.match(relative, name) or (is_dir and self._folders.match(relative, name)):
            return True
        if self._rest is None:
            return None
        return self._rest.check_file(f"{relative}/" if is_dir else relative).include


class Entry:
    """A Python file as found: absolute path, size in bytes, whether no ``not_application`` glob matches."""

    __slots__ = ("application", "mtime_ns", "path", "size")

    def __init__(self, path: str, size: int, mtime_ns: int, application: bool) -> None:
        self.path = path
        self.size = size
        self.mtime_ns = mtime_ns
        self.application = application


class Tree:
    """What lies under the checked paths."""

    def __init__(self, display: Display) -> None:
        self.display = display
        self.entries: list[Entry] = []
        self.skipped: list[Skipped] = []
        self.markers: set[str] = set()
        """Folders that hold one of ``MARKERS``."""
        self.packages: set[str] = set()
        """Folders that hold a file ``__init__.py``."""

    def skip(self, path: str, reason: str) -> None:
        self.skipped.append(Skipped(self.display(path), reason))

    def add(self, path: str, status: os.stat_result, application: bool) -> None:
        """Take one Python file, or say why not."""
        if not stat.S_ISREG(status.st_mode):
            self.skip(path, "not a regular file")
        elif status.st_size > SIZE_LIMIT:
            self.skip(path, f"larger than {SIZE_LIMIT // (1024 * 1024)} MiB")
        elif not path.isascii() and any("\ud800" <= character <= "\udfff" for character in path):
            self.skip(path, "name is not Unicode")
        else:
            self.entries.append(Entry(path, status.st_size, status.st_mtime_ns, application))


class Ignore:
    """One ``.gitignore``, and those above it that it adds to."""

    __slots__ = ("above", "folder", "globs")

    def __init__(self, folder: str, globs: Globs, above: Ignore | None) -> None:
        self.folder = folder
        self.globs = globs
        self.above = above

    def ignored(self, path: str, is_dir: bool) -> bool:
        """Whether git leaves ``path`` out; the innermost file that has an opinion decides."""
        link: Ignore | None = self
        name = os.path.basename(path)
        while link is not None:
            relative = path[len(link.folder) :].lstrip(os.sep).replace(os.sep, "/")
            verdict = link.globs.verdict(relative, name, is_dir)
            if verdict is not None:
                return verdict
            link = link.above
        return False


def read_ignore(folder: str, above: Ignore | None) -> Ignore | None:
    """``above`` extended by the folder's own ``.gitignore``, where it has a readable one."""
    try:
        with open(os.path.join(folder, ".gitignore"), encoding="utf-8", errors="replace") as file:
            return Ignore(folder, Globs(file.read().splitlines()), above)
    except (OSError, ValueError):  # ValueError: a pattern that git would not accept either
        return above


def ignores_above(root: str) -> Ignore | None:
    """The ``.gitignore`` files from the repository's root down to the parent of ``root``.

    None when they leave out ``root`` itself: a path that the user names is wanted.
    """
    top = repository_root(root)
    if top is None or top == root:
        return None
    ignore: Ignore | None = None
    folder = top
    for part in os.path.relpath(root, top).split(os.sep):
        ignore = read_ignore(folder, ignore)
        folder = os.path.join(folder, part)
        if ignore is not None and ignore.ignored(folder, True):
            return None
    return ignore


def printable(path: str) -> str:
    """``path`` with ``/``, and with what is not Unicode escaped, so that any report can hold it."""
    path = path.replace(os.sep, "/")
    return path if path.isascii() else path.encode("utf-8", "backslashreplace").decode()


class Display:
    """Absolute path -> path relative to the working directory, with ``/``."""

    def __init__(self, cwd: str) -> None:
        self._cwd = cwd
        self._prefix = cwd.rstrip(os.sep) + os.sep

    def __call__(self, path: str) -> str:
        if path.startswith(self._prefix):
            return printable(path[len(self._prefix) :])
        try:
            return printable(os.path.relpath(path, self._cwd))
        except ValueError:  # another drive
            return printable(path)


def scan(root: str, tree: Tree, exclude: Sequence[str], not_application: Sequence[str]) -> None:
    """Add to ``tree`` every Python file under the folder ``root``, in sorted order.

    Symbolic links to folders are followed only out of the root: inside it, they would show files twice.
    """
    excluded, outside = Globs(exclude), Globs(not_application)
    prefix = len(root.rstrip(os.sep)) + 1
    real_root = os.path.realpath(root)
    followed = {real_root}
    pending: list[tuple[str, Ignore | None, bool]] = [(root, ignores_above(root), True)]

    while pending:
        folder, ignore, application = pending.pop()
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda e: e.name)
        except OSError as error:
            tree.skip(folder, f"folder cannot be read: {error.strerror or error}")
            continue
        names = {entry.name for entry in entries}
        if folder != root and ("pyvenv.cfg" in names or "conda-meta" in names):
            continue
        if ".gitignore" in names:
            ignore = read_ignore(folder, ignore)
        if not MARKERS.isdisjoint(names):
            tree.markers.add(folder)
        for entry in entries:
            name, path = entry.name, entry.path
            is_python = name.endswith(".py")
            try:
                is_dir = entry.is_dir()
                if not is_dir and not is_python:
                    continue
                if name == "__init__.py" and entry.is_file():
                    tree.packages.add(folder)
                relative = path[prefix:].replace(os.sep, "/")
                if excluded.verdict(relative, name, is_dir):
                    continue
                if ignore is not None and ignore.ignored(path, is_dir):
                    continue
                inside = application and not outside.verdict(relative, name, is_dir)
                if entry.is_symlink():
                    target = os.path.realpath(path)
                    if not os.path.exists(target):
                        tree.skip(path, "broken symbolic link")
                        continue
                    if f"{target}{os.sep}".startswith(f"{real_root}{os.sep}") or target in followed:
                        tree.skip(path, "symbolic link to what is checked already")
                        continue
                    if f"{real_root}{os.sep}".startswith(f"{target}{os.sep}"):
                        tree.skip(path, "symbolic link to a folder around itself")
                        continue
                    followed.add(target)
                if is_dir:
                    pending.append((path, ignore, inside))
                    continue
                status = entry.stat()
            except OSError as error:
                tree.skip(path, f"cannot be read: {error.strerror or error}")
                continue
            tree.add(path, status, inside)
