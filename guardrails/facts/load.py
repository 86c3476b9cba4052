"""The facts of all files of a project: read, decoded, extracted in parallel where that pays, and cached."""

from __future__ import annotations

import gc
import io
import os
import sys
import threading
import tokenize
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from guardrails.facts.cache import Cache, Entry, FactsFailure, digest, location
from guardrails.facts.extract import extract
from guardrails.facts.records import ModuleFacts
from guardrails.facts.relevance import matters, matters_as_test

if TYPE_CHECKING:
    from multiprocessing.context import BaseContext

    from guardrails.options import Options
    from guardrails.project import Project

Facts: TypeAlias = "ModuleFacts | FactsFailure"

_PARALLEL_FROM = 400_000
"""Bytes of source. Starting processes costs some 20 ms where they fork and 200 ms where they do not; one core
extracts about 3 MB a second."""
_CHUNK = 50_000
"""Bytes of source per task: large enough to be worth sending, small enough to spread evenly."""
_AHEAD = 4
"""Tasks that each worker has before it, so that none waits while this process is busy with its own."""

_RECURSION_LIMIT = 30_000

_Job: TypeAlias = "tuple[str, str, int, Callable[[bytes], bool] | None]"
"""Display, path, size, and what says of the bytes whether the file matters (None: it does)."""
_Outcome: TypeAlias = "tuple[str, bytes | None, bytes | FactsFailure | None, ModuleFacts | None]"
"""Display; hash of the bytes (None where they could not be read, or nothing is cached); failure, or encoded facts
where they are to be cached or come from another process; and the facts themselves where they were made in this one.
Without any of these the file does not matter."""


_TOO_DEEP = FactsFailure("unreadable", "the file nests too deeply to be parsed", 1, 0)


def load(
    project: Project | Sequence[Project],
    options: Options,
    workers: int | None = None,
    use_cache: bool = True,
) -> dict[str, Facts]:
    """Facts or failure of each file of the project (or of several), by ``SourceFile.display``, sorted.

    Files outside the application are there only if the application imports them or ``relevance`` says so of
    their bytes. ``workers``: processes to use, by default one per core; the result is the same
    for any number. Never raises on account of a file.
    """
    projects = list(project) if isinstance(project, Sequence) else [project]
    if not projects:
        return {}
    files = {file.display: file for each in projects for file in each.files}
    wanted = {file.display for each in projects for file in each.files if file.application or file.reached}
    code = {file.display for each in projects for file in each.files if not each.is_test(file.display)}
    base = os.path.commonpath([each.base for each in projects])
    roots = [each.root for each in projects]
    cache = Cache(location(Path(base), roots, options.cache_dir) if use_cache else None)
    keys = {display: os.path.relpath(file.path, base) for display, file in files.items()}
    results: dict[str, Facts] = {}
    jobs: list[_Job] = []
    with _undisturbed():
        for display, file in files.items():
            entry = cache.known(keys[display], file.size, file.mtime_ns)
            if entry is None:
                entry = cache.recognise(file.path, file.size, file.mtime_ns)
            test = display not in code
            if entry is not None and (entry.relevant or (display not in wanted and test >= entry.test)):
                found = cache.get(entry.digest) if entry.relevant else None
                if found is not None:
                    results[display] = found
                if found is not None or not entry.relevant:
                    cache.keep(keys[display], entry)
                    continue
            relevant = None if display in wanted else matters_as_test if test else matters
            jobs.append((display, str(file.path), file.size, relevant))
        decode = msgspec.msgpack.Decoder(ModuleFacts).decode
        for display, hashed, outcome, made in _run(jobs, workers or usable_cores(), use_cache):
            if made is not None:
                results[display] = made
            elif outcome is not None:
                results[display] = decode(outcome) if isinstance(outcome, bytes) else outcome
            if hashed is not None:
                file = files[display]
                cache.keep(
                    keys[display], Entry(file.size, file.mtime_ns, hashed, outcome is not None, display not in code)
                )
                if outcome is not None:
                    cache.put(hashed, outcome)
        cache.save()
    return dict(sorted(results.items()))


def usable_cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def decode_source(data: bytes) -> str:
    """The text of a Python file as the compiler reads it (PEP 263), with ``\\n`` at the ends of lines.

    Raises ``SyntaxError`` for an unknown or contradictory encoding, ``UnicodeDecodeError`` for other bytes.
    """
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    text = data.decode(encoding)
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def facts_of(data: bytes) -> Facts:
    """The facts of a file's bytes, or why there are none."""
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        return FactsFailure("unreadable", "the file has NUL bytes", line, 0)
    try:
        source = decode_source(data)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return FactsFailure("unreadable", f"the file is not {error.encoding}: {error.reason}", line, 0)
    except (SyntaxError, LookupError, ValueError) as error:
        return FactsFailure("unreadable", f"the encoding is not known: {_first_line(error)}", 1, 0)
    try:
        return extract(source)
    except SyntaxError as error:
        message = _first_line(error)
        kind = "unreadable" if message.startswith("too many") else "syntax-error"
        lines = source.split("\n")
        line = min(max(error.lineno or 1, 1), len(lines))
        column = len(lines[line - 1][: max((error.offset or 1) - 1, 0)].encode("utf-8", "surrogatepass"))
        return FactsFailure(kind, message, line, column)
    except (RecursionError, MemoryError):
        return _TOO_DEEP
    except ValueError as error:
        return FactsFailure("unreadable", _first_line(error), 1, 0)


def _first_line(error: Exception) -> str:
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    return (message or type(error).__name__).splitlines()[0]


@contextmanager
def _undisturbed() -> Iterator[None]:
    """No garbage collection, which would walk the growing facts over and over for nothing; no warnings.

    The compiler warns of invalid escapes and the like in the checked code, which is not our subject.
    Facts that could be made can be encoded and decoded too, however deep they nest.
    """
    enabled = gc.isenabled()
    limit = sys.getrecursionlimit()
    gc.disable()
    sys.setrecursionlimit(max(limit, _RECURSION_LIMIT))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.setrecursionlimit(limit)
        if enabled:
            gc.enable()


def _extract_all(jobs: Sequence[_Job], encoded: bool) -> Iterator[_Outcome]:
    """``encoded``: whether facts are wanted in the form for the cache and for other processes too."""
    encode = msgspec.msgpack.Encoder().encode
    for display, path, _, relevant in jobs:
        try:
            with open(path, "rb") as file:
                data = file.read()
        except OSError as error:
            reason = f"the file cannot be read: {error.strerror or error}"
            yield display, None, FactsFailure("unreadable", reason, 1, 0), None
            continue
        hashed = digest(data) if encoded else None
        if relevant is not None and not relevant(data):
            yield display, hashed, None, None
            continue
        facts = facts_of(data)
        if isinstance(facts, FactsFailure):
            yield display, hashed, facts, None
        elif not encoded:
            yield display, None, None, facts
        else:
            try:
                yield display, hashed, encode(facts), facts
            except RecursionError:
                yield display, hashed, _TOO_DEEP, None


def _extract_encoded(jobs: Sequence[_Job]) -> list[_Outcome]:
    """In a worker process: facts travel as msgpack, which is quicker than pickling every record."""
    with _undisturbed():
        return [(display, hashed, outcome, None) for display, hashed, outcome, _ in _extract_all(jobs, encoded=True)]


def _run(jobs: Sequence[_Job], workers: int, encoded: bool) -> Iterator[_Outcome]:
    """The outcome of every job, in any order. ``encoded``: see ``_extract_all``."""
    chunks = list(_chunks(jobs))
    if workers > 1 and len(chunks) > 1 and sum(job[2] for job in jobs) >= _PARALLEL_FROM:
        yield from _parallel(chunks, min(workers, len(chunks)), encoded)
    else:
        for chunk in chunks:
            yield from _extract_all(chunk, encoded)


def _chunks(jobs: Sequence[_Job]) -> Iterator[list[_Job]]:
    chunk: list[_Job] = []
    size = 0
    for job in jobs:
        chunk.append(job)
        size += job[2]
        if size >= _CHUNK:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _parallel(chunks: Sequence[list[_Job]], workers: int, encoded: bool) -> Iterator[_Outcome]:
    """This process is one of the workers: it takes from one end while it feeds the others from the other.

    Where processes cannot be started, or die, it does everything that is left.
    """
    from concurrent.futures import Future, ProcessPoolExecutor

    left = deque(chunks)
    running: deque[tuple[list[_Job], Future[list[_Outcome]]]] = deque()
    try:
        pool = ProcessPoolExecutor(workers - 1, mp_context=_context())
    except (OSError, ImportError, NotImplementedError, ValueError):  # no semaphores, no processes
        pool = None
    try:
        while left or running:
            while pool is not None and left and len(running) < _AHEAD * (workers - 1):
                try:
                    running.append((left[0], pool.submit(_extract_encoded, left[0])))
                    left.popleft()
                except (OSError, RuntimeError):  # a broken pool is a RuntimeError
                    pool.shutdown(wait=False)
                    pool = None
            if left:
                yield from _extract_all(left.pop(), encoded)
            while running and (running[0][1].done() or not left):
                chunk, future = running.popleft()
                if future.exception() is None:
                    yield from future.result()
                else:
                    yield from _extract_all(chunk, encoded)
    finally:
        if pool is not None:
            pool.shutdown()


def _context() -> BaseContext:
    """Forking is by far the quickest, and safe with one thread; elsewhere the platform's own way."""
    import multiprocessing

    fork = sys.platform == "linux" and threading.active_count() == 1
    return multiprocessing.get_context("fork" if fork else None)
