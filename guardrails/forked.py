"""Several applications at once: each in a process that was forked when everything had been read.

A forked process has what its parent has, so nothing but the answers travels. Where the system cannot fork, or
there are threads (which forking would cut off), everything is done here, one after the other.
"""

from __future__ import annotations

import contextlib
import gc
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

import msgspec

if TYPE_CHECKING:
    from concurrent.futures import Future

_KEPT = 16_000_000
"""Work after which the processes together throw away what they linked: it takes some 25 bytes for each of the source,
and finding that it is garbage costs a fifth of the time.
"""

Item = TypeVar("Item")
Answer = TypeVar("Answer")

_task: Callable[[int], bytes] | None = None
"""What the forked processes do, given the index of an item. Set just before they fork."""


def each(
    function: Callable[[Item], Answer],
    items: Sequence[Item],
    answer: type[Answer],
    *,
    costs: Sequence[int],
    enough: int,
    workers: int,
) -> Iterator[Answer]:
    """``function`` of every item, in order. ``answer``: its type, for msgspec, by which answers travel.

    ``costs``: how much work each item is; the most costly begin first. With less than ``enough`` work besides the
    most costly item, forking does not pay.
    """
    global _task
    worthwhile = workers > 1 and len(items) > 1 and sum(costs) - max(costs, default=0) >= enough
    if not worthwhile or sys.platform != "linux" or threading.active_count() > 1:
        yield from map(function, items)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    processes = min(workers, len(items))
    kept = 0  # work done in a process since it last threw away what was linked, which is all circles

    def task(index: int) -> bytes:
        nonlocal kept
        answer = msgspec.msgpack.encode(function(items[index]))
        kept += costs[index]
        if kept >= _KEPT // processes:
            kept = 0
            gc.collect()
        return answer

    _task = task
    gc.collect()
    gc.freeze()  # or every collection in a process would touch, and so copy, all that it inherited
    try:
        with ProcessPoolExecutor(processes, get_context("fork"), gc.disable) as pool:
            futures: dict[int, Future[bytes]] = {}
            with contextlib.suppress(OSError, RuntimeError):  # no processes to be had
                for index in sorted(range(len(items)), key=lambda index: -costs[index]):
                    futures[index] = pool.submit(_run, index)
            for index, item in enumerate(items):
                future = futures.get(index)
                if future is None or future.exception() is not None:
                    yield function(item)
                else:
                    yield msgspec.msgpack.decode(future.result(), type=answer)
    finally:
        gc.unfreeze()
        _task = None


def _run(index: int) -> bytes:
    assert _task is not None
    return _task(index)
