"""The stored result: a run in which nothing changed answers without reading, linking or checking anything.

An entry holds the analysis of one request (version, Python, folders, paths, configuration, selection) and the
state of the tree that it came from: every file that can change an answer, with size, time and content hash. A
file with the same size and time is unchanged; where only the time differs, its hash decides; a file written
within the two seconds before the state was taken is always hashed, since its time may be coarser than its
changes.

Entries are msgpack, decoded into typed records: a damaged or foreign entry is as good as none. They are
replaced in one step, so runs at the same time, or killed, leave whole entries.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from guardrails import __version__
from guardrails.analysis import Analysis
from guardrails.baseline import write_atomically
from guardrails.options import DEFAULT_EXCLUDE, Options
from guardrails.repository import repository_root

CACHE_FOLDER = ".guardrails_cache"
_FORMAT = 1
_KEPT = 12
"""Entries of different requests kept beside each other."""

_READ = frozenset(
    {".py", ".pyi", ".toml", ".cfg", ".ini", ".txt", ".lock", ".in", ".yml", ".yaml", ".env", ".example",
     ".sample", ".template", ".dist", ".pth", ""}
)  # fmt: skip
"""Suffixes of files whose content can matter: code, configuration, requirements, dotenv files and their
examples.
"""
_NAMED = frozenset({".md", ".rst", ".json", ".lockb"})
"""Suffixes of files whose presence can matter (a changelog, a type checker's settings)."""
_READ_ABOVE = frozenset(
    {
        ".github", "build", "config", "deploy", "deployment", "doc", "docker", "docs", "image", "requirements", "test",
        "tests",
    }
)  # fmt: skip
"""Folders above the checked one, or beside it, in which files can matter too."""
_LARGE = 2 * 1024 * 1024
_COARSE = 2_000_000_000
_DOTENV_IN_INDEX = re.compile(rb"[^\0]*env[^\0/]*\0", re.IGNORECASE)


class FileState(msgspec.Struct, frozen=True, array_like=True):
    """Size in bytes, modification time in nanoseconds, content hash (empty where only presence matters)."""

    size: int
    mtime_ns: int
    digest: str


class State(msgspec.Struct, frozen=True):
    """What a tree looked like at ``taken_ns``."""

    taken_ns: int
    files: dict[str, FileState]


class _Entry(msgspec.Struct, frozen=True):
    format: int
    request: str
    options: Options
    analysis: Analysis
    state: State
    folders: tuple[str, ...]
    skip: tuple[str, ...]


class Store:
    """The stored results in one cache folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "results"
        self._cache = folder

    def load(self, request: str) -> tuple[Options, Analysis] | None:
        """The answer to the same request, if the tree it came from has not changed since."""
        try:
            entry = msgspec.msgpack.decode(self._path(request).read_bytes(), type=_Entry)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None
        if entry.format != _FORMAT or entry.request != request or not unchanged(entry.state, entry.folders, entry.skip):
            return None
        return entry.options, entry.analysis

    def save(self, request: str, options: Options, analysis: Analysis, state: State, folders: Iterable[str]) -> None:
        """Keep an answer. ``state`` was taken of ``folders`` before the analysis, under the same options.

        A folder that cannot be written costs speed, never the run.
        """
        entry = _Entry(_FORMAT, request, options, analysis, state, tuple(folders), skipped_names(options))
        with suppress(OSError):
            prepare(self._cache)
            self._folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path(request), msgspec.msgpack.encode(entry))
            self._forget_oldest()

    def _path(self, request: str) -> Path:
        return self._folder / f"{request}.msgpack"

    def _forget_oldest(self) -> None:
        entries = sorted(self._folder.iterdir(), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for path in entries[_KEPT:]:
            path.unlink(missing_ok=True)


def prepare(cache: Path) -> None:
    """Make the cache folder, with a ``.gitignore`` that keeps it out of git. Raises ``OSError``."""
    cache.mkdir(parents=True, exist_ok=True)
    ignore = cache / ".gitignore"
    if not ignore.exists():
        write_atomically(ignore, b"*\n")


def request_key(parts: Mapping[str, object]) -> str:
    """A name for a request: everything besides the tree that an answer depends on."""
    whole = {
        "version": __version__,
        "tool": _tool(),
        "python": sys.version,
        "platform": sys.platform,
        **parts,
    }
    return hashlib.blake2b(msgspec.json.encode(sorted(whole.items())), digest_size=16).hexdigest()


def _tool() -> list[tuple[str, int, int]]:
    """Name, size and time of every module of guardrails: an edited checker never answers from what it knew
    before.
    """
    files: list[tuple[str, int, int]] = []
    stack = [str(Path(__file__).parent)]
    while stack:
        for entry in _entries(stack.pop()):
            if entry.is_dir() and entry.name != "__pycache__":
                stack.append(entry.path)
            elif entry.name.endswith((".py", ".toml", ".json")):
                stat = entry.stat()
                files.append((entry.path, stat.st_size, stat.st_mtime_ns))
    return sorted(files)


def skipped_names(options: Options) -> tuple[str, ...]:
    """Names of folders that no run under ``options`` reads."""
    return tuple(name for name in DEFAULT_EXCLUDE if "*" not in name and name in options.exclude)


def take(folders: Iterable[str], skip: Iterable[str]) -> State:
    """The present state of everything under ``folders``, and of what lies in the folders above them."""
    taken = time.time_ns()
    files = {path: FileState(size, time_, _digest(path, size)) for path, (size, time_) in _walk(folders, skip).items()}
    return State(taken, files)


def unchanged(state: State, folders: Iterable[str], skip: Iterable[str]) -> bool:
    """Whether the tree still is as ``state`` says."""
    now = _walk(folders, skip)
    if now.keys() != state.files.keys():
        return False
    for path, (size, mtime_ns) in now.items():
        before = state.files[path]
        if size != before.size:
            return False
        fresh = before.mtime_ns > state.taken_ns - _COARSE
        if (mtime_ns != before.mtime_ns or fresh) and _digest(path, size) != before.digest:
            return False
    return True


def _walk(folders: Iterable[str], skip: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Path -> (size, time) of all that can change an answer; -1 for the size of a file that only has to be
    there.
    """
    passed_over = {*skip, ".git", CACHE_FOLDER}
    found: dict[str, tuple[int, int]] = {}
    for folder in folders:
        _note_tree(folder, passed_over, found)
        for above in _above(folder):
            for entry in _entries(above):
                if not entry.is_dir(follow_symlinks=False):
                    _note(entry, found)
                elif entry.name in _READ_ABOVE:
                    _note_tree(entry.path, passed_over, found)
        _note_environment(folder, found)
    return found


def _note_tree(folder: str, passed_over: set[str], found: dict[str, tuple[int, int]]) -> None:
    stack = [folder]
    while stack:
        for entry in _entries(stack.pop()):
            if not entry.is_dir(follow_symlinks=False):
                _note(entry, found)
            elif entry.name not in passed_over:
                stack.append(entry.path)


def _note(entry: os.DirEntry[str], found: dict[str, tuple[int, int]]) -> None:
    suffix = os.path.splitext(entry.name)[1].lower()
    if suffix in _READ or entry.name.startswith("."):
        with suppress(OSError):
            stat = entry.stat()
            found[entry.path] = (stat.st_size, stat.st_mtime_ns)
    elif suffix in _NAMED:
        found[entry.path] = (-1, 0)


def _note_environment(folder: str, found: dict[str, tuple[int, int]]) -> None:
    """What git tracks, and which packages are installed beside the project: the times of their folders."""
    for base in (folder, *_above(folder)):
        with suppress(OSError):
            index = os.path.join(base, ".git", "index")
            stat = os.stat(index)
            found[index] = (_tracked_dotenv(index, stat.st_size), 0)
        for environment in (".venv", "venv", "env"):
            for packages in _site_packages(os.path.join(base, environment)):
                _note_packages(packages, found)
    for packages in _site_packages(os.environ.get("VIRTUAL_ENV", "")):
        _note_packages(packages, found)


def _note_packages(packages: str, found: dict[str, tuple[int, int]]) -> None:
    with suppress(OSError):
        found[packages] = (os.stat(packages).st_mtime_ns, 0)


def _site_packages(environment: str) -> Iterator[str]:
    if not environment:
        return
    yield os.path.join(environment, "Lib", "site-packages")
    for entry in _entries(os.path.join(environment, "lib")):
        yield os.path.join(entry.path, "site-packages")


def _tracked_dotenv(index: str, size: int) -> int:
    """A number that changes when git starts or stops tracking a dotenv file; git rewrites its index far more
    often.
    """
    if size > 64 * 1024 * 1024:
        return size
    with open(index, "rb") as file:
        names = sorted(set(_DOTENV_IN_INDEX.findall(file.read())))
    return int.from_bytes(hashlib.blake2b(b"\0".join(names), digest_size=6).digest(), "big")


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    with suppress(OSError), os.scandir(folder) as entries:
        yield from entries


def _above(folder: str) -> Iterator[str]:
    """The folders above, up to the repository's root; none where there is no repository."""
    root = repository_root(folder)
    while root is not None and folder != root:
        folder = os.path.dirname(folder)
        yield folder


def _digest(path: str, size: int) -> str:
    """The content's hash; for large files and folders their time instead."""
    try:
        if size < 0:
            return ""
        if size > _LARGE:
            return str(os.stat(path).st_mtime_ns)
        with open(path, "rb") as file:
            return hashlib.blake2b(file.read(), digest_size=16).hexdigest()
    except OSError:
        return ""
