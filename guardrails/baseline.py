"""The baseline: findings that were there before, held by meaning and never by line.

A committed JSON file of keys (code, path, symbol, subject) with a count each. A run passes over as many
findings of a key as the baseline counts; one more is new. Entries that no longer occur are *stale*: reported,
and removed by ``guardrails baseline --prune``. Where a file or class was renamed or moved, the key's leftover
count passes to findings of the same code and subject in a symbol of the same own name, one for one, so that
moving code revives nothing. Paths are relative to the anchor (the repository's root, else the folder of the
configuration).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

FILE_NAME = "guardrails-baseline.json"
VERSION = 1


class Key(msgspec.Struct, frozen=True, order=True):
    """What a finding is, apart from where in its file it stands."""

    path: str
    code: str
    symbol: str
    subject: str


class Entry(msgspec.Struct, frozen=True, order=True, omit_defaults=True, forbid_unknown_fields=True):
    """One line of the baseline file."""

    path: str
    code: str
    symbol: str
    subject: str
    count: int = 1


class _File(msgspec.Struct, frozen=True):
    version: int
    entries: tuple[Entry, ...]


class InvalidBaseline(ValueError):
    """The baseline file cannot be read, or holds something else."""


class Match(msgspec.Struct, frozen=True):
    """What the baseline holds of a run: indexes of the passed-over findings, and the entries left over."""

    held: frozenset[int]
    stale: tuple[Entry, ...]


def match(keys: Sequence[Key], entries: Iterable[Entry]) -> Match:
    """Lay the baseline's ``entries`` over the findings' ``keys``, which come in order of place."""
    left: Counter[Key] = Counter()
    for entry in entries:
        left[_key(entry)] += entry.count
    held: set[int] = set()
    for index, key in enumerate(keys):
        if left[key] > 0:
            left[key] -= 1
            held.add(index)

    moved: dict[tuple[str, str, str], list[Key]] = {}
    for key in sorted(+left):
        moved.setdefault(_wherever(key), []).extend([key] * left[key])
    for index, key in enumerate(keys):
        if index not in held and moved.get(_wherever(key)):
            left[moved[_wherever(key)].pop(0)] -= 1
            held.add(index)
    return Match(frozenset(held), _entries(+left))


def entries_of(keys: Iterable[Key]) -> tuple[Entry, ...]:
    """The entries that hold exactly these findings, sorted."""
    return _entries(Counter(keys))


def without(entries: Iterable[Entry], stale: Iterable[Entry]) -> tuple[Entry, ...]:
    """The entries less the stale counts."""
    left: Counter[Key] = Counter()
    for entry in entries:
        left[_key(entry)] += entry.count
    for entry in stale:
        left[_key(entry)] -= entry.count
    return _entries(+left)


def read(path: Path) -> tuple[Entry, ...]:
    """The entries of a baseline file. Raises ``InvalidBaseline`` with a reason that names the file."""
    try:
        file = msgspec.json.decode(path.read_bytes(), type=_File)
    except OSError as error:
        raise InvalidBaseline(f"{path}: {error.strerror or error}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidBaseline(f"{path}: not a baseline: {error}") from error
    if file.version != VERSION:
        raise InvalidBaseline(f"{path}: version {file.version}, but this guardrails reads version {VERSION}")
    return file.entries


def write(path: Path, entries: Iterable[Entry]) -> None:
    """Write the baseline, one entry a line so that diffs and merges stay small; all of it or nothing."""
    encode = msgspec.json.encode
    lines = ",\n".join(f"    {encode(entry).decode()}" for entry in sorted(entries))
    body = f"[\n{lines}\n  ]" if lines else "[]"
    write_atomically(path, f'{{\n  "version": {VERSION},\n  "entries": {body}\n}}\n'.encode())


def write_atomically(path: Path, content: bytes) -> None:
    """Replace the file in one step; a killed run leaves the old file or the new one. Raises ``OSError``."""
    temporary = path.with_name(f".{path.name}-{os.urandom(8).hex()}.tmp")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _key(entry: Entry) -> Key:
    return Key(entry.path, entry.code, entry.symbol, entry.subject)


def _wherever(key: Key) -> tuple[str, str, str]:
    return key.code, key.symbol.rpartition(".")[2], key.subject


def _entries(counts: Counter[Key]) -> tuple[Entry, ...]:
    return tuple(
        Entry(key.path, key.code, key.symbol, key.subject, count) for key, count in sorted(counts.items()) if count > 0
    )
