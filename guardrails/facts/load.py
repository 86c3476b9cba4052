"""The facts of all files of a project: read, decoded, extracted in parallel where that pays, and cached."""

from __future__ import annotations

import gc
import io
import multiprocessing
import os
import re
import sys
import threading
import tokenize
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from guardrails.facts.cache import Cache, Entry, FactsFailure, digest, location
from guardrails.facts.extract import extract
from guardrails.facts.records import ModuleFacts

if TYPE_CHECKING:
    from concurrent.futures import Future

    from guardrails.options import Options
    from guardrails.project import Project

Facts: TypeAlias = "ModuleFacts | FactsFailure"

RELEVANT = re.compile(
    rb"create_index|ensure_index|IndexModel|Indexed\(|indexes"
    rb"|://[^\s/:@'\"]+:[^\s/@'\"]+@"
    rb"|AKIA|ASIA|gh[pousr]_|github_pat_|glpat-|xox[abprs]-|[sr]k_live_|sk-|AIza|PRIVATE KEY|eyJ"
    rb"|(?i:secret|passw|pwd|token|api_?key|private_?key|credential)\w*['\"\]]*"
    rb"\s*(?::\s*\w+\s*)?[=:(,]\s*[rbf]*['\"]"
)
"""Outside the application (tests, scripts, migrations) a file matters only for the indexes it declares (rule
9) and for text that looks like a secret (GR602, GR603). This finds every such file and some more; the others,
most of a test suite, are never parsed."""

_PARALLEL_FROM = 400_000
"""Bytes of source. Starting processes costs some 20 ms where they fork and 200 ms where they do not; one core
extracts about 3 MB a second."""
_CHUNK = 100_000
"""Bytes of source per task: large enough to be worth sending, small enough to spread evenly."""

_Job: TypeAlias = "tuple[str, str, int, re.Pattern[bytes] | None]"
"""Display, path, size, and what must be found in the bytes for the file to matter (None: it does)."""
_Outcome: TypeAlias = "tuple[str, bytes | None, ModuleFacts | FactsFailure | bytes | None]"
"""Display; hash of the bytes (None where they could not be read); facts, encoded facts, failure, or None
where the file does not matter."""


def load(
    project: Project | Sequence[Project],
    options: Options,
    workers: int | None = None,
    use_cache: bool = True,
    relevant: re.Pattern[bytes] = RELEVANT,
) -> dict[str, Facts]:
    """Facts or failure of each file of the project (or of several), by ``SourceFile.display``, sorted.

    Files outside the application are there only if the application imports them or ``relevant`` finds
    something in their bytes. ``workers``: processes to use, by default one per core; the result is the same
    for any number. Never raises on account of a file.
    """
    projects = list(project) if isinstance(project, Sequence) else [project]
    if not projects:
        return {}
    files = {file.display: file for each in projects for file in each.files}
    wanted = {file.display for each in projects for file in each.files if file.application or file.reached}
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
            if entry is not None and (entry.relevant or display not in wanted):
                found = cache.get(entry.digest) if entry.relevant else None
                if found is not None:
                    results[display] = found
                if found is not None or not entry.relevant:
                    cache.keep(keys[display], entry)
                    continue
            jobs.append((display, str(file.path), file.size, None if display in wanted else relevant))
        decode = msgspec.msgpack.Decoder(ModuleFacts).decode
        encode = msgspec.msgpack.Encoder().encode
        for display, hashed, outcome in _run(jobs, workers or usable_cores()):
            if outcome is not None:
                results[display] = decode(outcome) if isinstance(outcome, bytes) else outcome
            if hashed is not None and use_cache:
                file = files[display]
                cache.keep(keys[display], Entry(file.size, file.mtime_ns, hashed, outcome is not None))
                if outcome is not None:
                    cache.put(hashed, encode(outcome) if isinstance(outcome, ModuleFacts) else outcome)
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
        kind = (
            "unreadable"
            if "too many nested" in message or "too many statically" in message
            else "syntax-error"
        )
        lines = source.split("\n")
        line = min(max(error.lineno or 1, 1), len(lines))
        column = len(lines[line - 1][: max((error.offset or 1) - 1, 0)].encode("utf-8", "surrogatepass"))
        return FactsFailure(kind, message, line, column)
    except (RecursionError, MemoryError):
        return FactsFailure("unreadable", "the file nests too deeply to be parsed", 1, 0)
    except ValueError as error:
        return FactsFailure("unreadable", _first_line(error), 1, 0)


def _first_line(error: Exception) -> str:
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    return (message or type(error).__name__).splitlines()[0]


@contextmanager
def _undisturbed() -> Iterator[None]:
    """No garbage collection, which would walk the growing facts over and over for nothing; no warnings.

    The compiler warns of invalid escapes and the like in the checked code, which is not our subject.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if enabled:
            gc.enable()


def _extract_all(jobs: Sequence[_Job]) -> list[_Outcome]:
    outcomes: list[_Outcome] = []
    for display, path, _, relevant in jobs:
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            reason = f"the file cannot be read: {error.strerror or error}"
            outcomes.append((display, None, FactsFailure("unreadable", reason, 1, 0)))
            continue
        matters = relevant is None or relevant.search(data) is not None
        outcomes.append((display, digest(data), facts_of(data) if matters else None))
    return outcomes


def _extract_encoded(jobs: Sequence[_Job]) -> list[_Outcome]:
    """In a worker process: facts travel as msgpack, which is quicker than pickling every record."""
    encode = msgspec.msgpack.Encoder().encode
    with _undisturbed():
        return [
            (display, hashed, encode(outcome) if isinstance(outcome, ModuleFacts) else outcome)
            for display, hashed, outcome in _extract_all(jobs)
        ]


def _run(jobs: Sequence[_Job], workers: int) -> Iterator[_Outcome]:
    """The outcome of every job, in any order."""
    chunks = list(_chunks(jobs))
    if workers > 1 and len(chunks) > 1 and sum(job[2] for job in jobs) >= _PARALLEL_FROM:
        yield from _parallel(chunks, min(workers, len(chunks)))
    else:
        for chunk in chunks:
            yield from _extract_all(chunk)


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


def _parallel(chunks: list[list[_Job]], workers: int) -> Iterator[_Outcome]:
    """This process is one of the workers: it takes from the end what the others have not begun.

    Where processes cannot be started, or die, it does everything that is left.
    """
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    futures: list[Future[list[_Outcome]]] = []
    try:
        pool = ProcessPoolExecutor(workers - 1, mp_context=_context())
    except (OSError, ImportError, NotImplementedError, ValueError):  # no semaphores, no processes
        pool = None
    if pool is not None:
        try:
            futures = [pool.submit(_extract_encoded, chunk) for chunk in chunks]
        except (OSError, RuntimeError):  # BrokenProcessPool is a RuntimeError
            futures = []
    try:
        for index in reversed(range(len(chunks))):
            if index >= len(futures) or futures[index].cancel():
                yield from _extract_all(chunks[index])
                continue
            try:
                yield from futures[index].result()
            except (BrokenProcessPool, OSError, EOFError):
                yield from _extract_all(chunks[index])
    finally:
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)


def _context() -> multiprocessing.context.BaseContext:
    """Forking is by far the quickest, and safe with one thread; elsewhere the platform's own way."""
    fork = sys.platform == "linux" and threading.active_count() == 1
    return multiprocessing.get_context("fork" if fork else None)
