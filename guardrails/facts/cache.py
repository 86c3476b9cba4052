"""The cache of facts: one msgpack file per set of checked roots, safe to share and safe to lose.

A file is known by size and modification time, else by the hash of its bytes; then its facts come from here,
as bytes that are decoded only when asked for. Whatever is wrong with a cache file (another version of the
tool, of Python or of the records, garbage, a missing folder) means an empty cache, never an error: it lies in
a checked-out tree, so it is untrusted input.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

import guardrails
from guardrails.facts.records import ModuleFacts

FOLDER = ".guardrails_cache"
_LIMIT = 1 << 30
"""Bytes. A larger cache file is none of ours."""


_KEPT = 8
"""Cache files of different roots and Pythons kept beside each other."""


class FactsFailure(msgspec.Struct, frozen=True, array_like=True):
    """Why a file has no facts. ``kind``: ``syntax-error`` (GR001) or ``unreadable`` (GR003).

    ``line`` counts from 1; ``column`` from 0 in UTF-8 bytes, as in every place.
    """

    kind: str
    message: str
    line: int
    column: int


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is known of one file: its state when read, the hash of its bytes, and whether facts were wanted.

    ``relevant`` is False for a file outside the application with nothing in it to look for; ``test``: this was
    asked of it as of a test, in which there is less to look for.
    """

    size: int
    mtime_ns: int
    digest: bytes
    relevant: bool
    test: bool


class _Document(msgspec.Struct, array_like=True):
    """The cache file. ``facts`` and ``failures`` are keyed by the hash of the file's bytes.

    ``saved_ns``: when the run that wrote it began.
    """

    header: tuple[str, ...]
    saved_ns: int
    entries: dict[str, Entry]
    facts: dict[bytes, bytes]
    failures: dict[bytes, FactsFailure]


def _header() -> tuple[str, ...]:
    return ("guardrails facts 2", guardrails.__version__, _records_version(), sys.version)


def _records_version() -> str:
    """A hash of the modules that make facts: when one of them changes, every fact is stale."""
    hasher = hashlib.sha256()
    for name in ("records.py", "extract.py"):
        try:
            hasher.update((Path(__file__).parent / name).read_bytes())
        except OSError:  # a zipped or frozen installation: the version of the tool has to do
            hasher.update(b"-")
    return hasher.hexdigest()


def location(base: Path, roots: Sequence[Path], cache_dir: str | None) -> Path:
    """The cache file for these checked roots: in ``cache_dir``, relative to ``base``, or the usual folder."""
    folder = base / (cache_dir or FOLDER)
    key = hashlib.sha256("\0".join(sorted(map(str, roots))).encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return folder / f"facts-{sys.version_info[0]}.{sys.version_info[1]}-{key}.msgpack"


def digest(data: bytes) -> bytes:
    """The hash that stands for a file's bytes."""
    return hashlib.blake2b(data, digest_size=16).digest()


class Cache:
    """Facts of earlier runs, and those of this one to be saved for the next."""

    def __init__(self, path: Path | None) -> None:
        """``path``: the cache file, which need not exist; None for a cache that remembers nothing."""
        self.path = path
        self._old = _read(path) if path is not None else None
        self._saved_ns = self._old.saved_ns if self._old is not None else 0
        self._new = _Document(_header(), time.time_ns(), {}, {}, {})
        entries = self._old.entries.values() if self._old is not None else ()
        self._irrelevant: dict[bytes, bool] = {}
        """Hash of bytes with nothing to look for -> whether only as a test."""
        for entry in entries:
            if not entry.relevant:
                self._irrelevant[entry.digest] = entry.test and self._irrelevant.get(entry.digest, True)
        self._decoder = msgspec.msgpack.Decoder(ModuleFacts)
        self._changed = False

    def known(self, key: str, size: int, mtime_ns: int) -> Entry | None:
        """The entry of a file that has not been touched since it was read.

        A file written within a second of the cache may have changed again without a trace in its time.
        """
        entry = self._old.entries.get(key) if self._old is not None else None
        if entry is None or entry.size != size or entry.mtime_ns != mtime_ns:
            return None
        if mtime_ns > self._saved_ns - 1_000_000_000:
            self._changed = True  # so that the next run, saved later, need not look again
            return None
        return entry

    def recognise(self, path: Path, size: int, mtime_ns: int) -> Entry | None:
        """The entry of a file whose bytes were read before, here or elsewhere, whatever its time says."""
        if self._old is None:
            return None
        try:
            hashed = digest(path.read_bytes())
        except OSError:
            return None
        if hashed in self._old.facts or hashed in self._old.failures:
            return Entry(size, mtime_ns, hashed, True, False)
        test = self._irrelevant.get(hashed)
        return Entry(size, mtime_ns, hashed, False, test) if test is not None else None

    def get(self, digest: bytes) -> ModuleFacts | FactsFailure | None:
        """The facts, or the failure, of the bytes with this hash; None if they are not here."""
        if self._old is None:
            return None
        failure = self._old.failures.get(digest)
        if failure is not None:
            self._new.failures[digest] = failure
            return failure
        blob = self._old.facts.get(digest)
        if blob is None:
            return None
        try:
            facts = self._decoder.decode(blob)
        except (msgspec.MsgspecError, ValueError, RecursionError):  # ValueError: a string that is no UTF-8
            return None
        self._new.facts[digest] = blob
        return facts

    def keep(self, key: str, entry: Entry) -> None:
        """Remember the state of a file for the next run."""
        self._new.entries[key] = entry
        if self._old is None or self._old.entries.get(key) != entry:
            self._changed = True

    def put(self, digest: bytes, result: bytes | FactsFailure) -> None:
        """Remember encoded facts, or a failure, for the bytes with this hash."""
        if isinstance(result, bytes):
            self._new.facts[digest] = result
        else:
            self._new.failures[digest] = result
        self._changed = True

    def save(self) -> None:
        """Write what this run used, if anything changed. A cache that cannot be written is no error."""
        if self.path is None or not self._changed:
            return
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            ignore = self.path.parent / ".gitignore"
            if not ignore.exists():
                ignore.write_text("# Written by guardrails.\n*\n", encoding="utf-8")
            replace(self.path, msgspec.msgpack.encode(self._new))
            _forget(self.path.parent)


def replace(path: Path, data: bytes) -> None:
    """Write a file so that others see the old bytes or the new ones, never a part. Raises ``OSError``."""
    temporary = path.with_name(f"{path.name}.{os.urandom(8).hex()}")
    try:
        # Facts hold the texts of the source, so they are nobody else's to read.
        with open(temporary, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def _forget(folder: Path) -> None:
    """Remove the cache files of roots not checked for long, and what killed runs left behind."""
    found = sorted(
        ((path.stat().st_mtime, path) for path in folder.iterdir() if path.name.startswith("facts-")), reverse=True
    )
    whole = [path for _, path in found if path.suffix == ".msgpack"]
    partial = [path for seconds, path in found if path.suffix != ".msgpack" and seconds < time.time() - 3600]
    for path in (*whole[_KEPT:], *partial):
        path.unlink(missing_ok=True)


def _read(path: Path) -> _Document | None:
    try:
        if path.stat().st_size > _LIMIT:
            return None
        document = msgspec.msgpack.decode(path.read_bytes(), type=_Document)
    except (OSError, msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return document if document.header == _header() else None
