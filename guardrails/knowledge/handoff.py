"""Callables that take a function, a coroutine or an iterator and run it: in a thread, a process, a task.

A blocking function that is handed to a thread blocks no event loop; one that is handed to the loop does.
Names are canonical. Sources: the standard library's reference (asyncio, concurrent.futures, threading,
multiprocessing), the API references of Starlette, FastAPI, AnyIO, asgiref, asyncer, Trio, SQLAlchemy,
APScheduler, RQ and aiomisc, and their signatures.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from msgspec import Struct

Where: TypeAlias = Literal[
    "thread",
    "process",
    "loop",  # called by the event loop itself, in its thread
    "background",  # a plain function in a thread, an ``async def`` in the loop
    "greenlet",  # in the loop, with a driver that does not block it
    "inline",  # called before the call returns, in the same thread
]

What: TypeAlias = Literal["function", "iterator", "coroutine"]


class Handoff(Struct, frozen=True):
    """One callable and the argument that it runs.

    ``what`` stands at ``position`` (None: by keyword only) or is the argument ``keyword`` (None: by position
    only), and runs ``where``.

    ``rest``: all positional arguments from ``position`` on. The position counts from 0 and, for methods,
    without the receiver.
    """

    name: str
    where: Where
    position: int | None
    keyword: str | None
    what: What = "function"
    rest: bool = False


def _rows(where: Where, text: str, what: What = "function", rest: bool = False) -> dict[str, Handoff]:
    """``name position keyword`` a line; ``-`` for no keyword."""
    lines = (line.split() for line in text.splitlines() if line.strip())
    return {
        name: Handoff(
            name,
            where,
            None if position == "-" else int(position),
            None if keyword == "-" else keyword,
            what,
            rest,
        )
        for name, position, keyword in lines
    }


_LOOP = "asyncio.AbstractEventLoop"

HANDOFFS: Final[Mapping[str, Handoff]] = MappingProxyType(
    {
        **_rows(
            "thread",
            f"""
            asyncio.to_thread                                     0 func
            {_LOOP}.run_in_executor                               1 func
            anyio.to_thread.run_sync                              0 func
            anyio.to_interpreter.run_sync                         0 func
            trio.to_thread.run_sync                               0 sync_fn
            starlette.concurrency.run_in_threadpool               0 func
            aiomisc.run_in_executor                               0 func
            threading.Thread                                      1 target
            threading.Timer                                       1 function
            concurrent.futures.Executor.submit                    0 -
            concurrent.futures.Executor.map                       0 -
            concurrent.futures.ThreadPoolExecutor.submit          0 -
            concurrent.futures.ThreadPoolExecutor.map             0 -
            multiprocessing.pool.ThreadPool.apply_async           0 func
            multiprocessing.pool.ThreadPool.map_async             0 func
            multiprocessing.pool.ThreadPool.imap                  0 func
            multiprocessing.pool.ThreadPool.map                   0 func
            multiprocessing.pool.ThreadPool.apply                 0 func
            apscheduler.schedulers.background.BackgroundScheduler.add_job 0 func
            """,
        ),
        **_rows(
            "process",
            """
            anyio.to_process.run_sync                             0 func
            concurrent.futures.InterpreterPoolExecutor.submit     0 -
            concurrent.futures.InterpreterPoolExecutor.map        0 -
            concurrent.futures.ProcessPoolExecutor.submit         0 -
            concurrent.futures.ProcessPoolExecutor.map            0 -
            multiprocessing.Process                               1 target
            multiprocessing.Pool.apply                            0 func
            multiprocessing.Pool.apply_async                      0 func
            multiprocessing.Pool.imap                             0 func
            multiprocessing.Pool.imap_unordered                   0 func
            multiprocessing.Pool.map                              0 func
            multiprocessing.Pool.map_async                        0 func
            multiprocessing.Pool.starmap                          0 func
            rq.Queue.enqueue                                      0 -
            rq.Queue.enqueue_call                                 0 func
            rq.Queue.enqueue_at                                   1 -
            rq.Queue.enqueue_in                                   1 -
            """,
        ),
        **_rows(
            "background",
            """
            fastapi.BackgroundTasks.add_task                      0 func
            starlette.background.BackgroundTask                   0 func
            starlette.background.BackgroundTasks.add_task         0 func
            apscheduler.schedulers.asyncio.AsyncIOScheduler.add_job 0 func
            """,
        ),
        **_rows(
            "thread",
            """
            fastapi.concurrency.contextmanager_in_threadpool      0 cm
            starlette.concurrency.iterate_in_threadpool           0 iterator
            starlette.responses.StreamingResponse                 0 content
            fastapi.sse.EventSourceResponse                       0 content
            sse_starlette.EventSourceResponse                     0 content
            """,
            what="iterator",
        ),
        **_rows(
            "loop",
            f"""
            {_LOOP}.add_reader                                    1 callback
            {_LOOP}.add_signal_handler                            1 callback
            {_LOOP}.add_writer                                    1 callback
            {_LOOP}.call_at                                       1 callback
            {_LOOP}.call_later                                    1 callback
            {_LOOP}.call_soon                                     0 callback
            {_LOOP}.call_soon_threadsafe                          0 callback
            anyio.abc.TaskGroup.start                             0 func
            anyio.abc.TaskGroup.start_soon                        0 func
            anyio.from_thread.run                                 0 func
            anyio.from_thread.run_sync                            0 func
            asyncio.Future.add_done_callback                      0 -
            asyncio.Task.add_done_callback                        0 -
            concurrent.futures.Future.add_done_callback           0 fn
            """,
        ),
        **_rows(
            "loop",
            f"""
            {_LOOP}.create_task                                   0 coro
            asyncio.Task                                          0 coro
            asyncio.TaskGroup.create_task                         0 coro
            asyncio.create_task                                   0 coro
            asyncio.ensure_future                                 0 coro_or_future
            asyncio.run_coroutine_threadsafe                      0 coro
            asyncio.shield                                        0 arg
            asyncio.wait_for                                      0 fut
            """,
            what="coroutine",
        ),
        **_rows(
            "loop",
            """
            asyncio.gather                                        0 -
            """,
            what="coroutine",
            rest=True,
        ),
        **_rows(
            "greenlet",
            """
            sqlalchemy.ext.asyncio.AsyncConnection.run_sync       0 fn
            sqlalchemy.ext.asyncio.AsyncSession.run_sync          0 fn
            """,
        ),
        **_rows(
            "inline",
            """
            motor.motor_asyncio.AsyncIOMotorClientSession.with_transaction              0 -
            pymongo.asynchronous.client_session.AsyncClientSession.with_transaction     0 callback
            pymongo.client_session.ClientSession.with_transaction                       0 callback
            filter                                                0 -
            functools.reduce                                      0 -
            map                                                   0 -
            max                                                   - key
            min                                                   - key
            sorted                                                - key
            """,
        ),
    }
)
"""Canonical callable -> where it runs what it is given."""

WRAPPERS: Final[Mapping[str, Where]] = MappingProxyType(
    {
        "aiomisc.threaded": "thread",
        "aiomisc.threaded_separate": "thread",
        "asgiref.sync.SyncToAsync": "thread",
        "asgiref.sync.sync_to_async": "thread",
        "asyncer.asyncify": "thread",
        "fastapi_restful.tasks.repeat_every": "background",
        "fastapi_utils.tasks.repeat_every": "background",
    }
)
"""Callables, also used as decorators, that turn a function into one whose body runs elsewhere:
``await sync_to_async(read)(path)``."""

PARTIALS: Final = frozenset({"functools.partial", "functools.partialmethod"})
"""Callables that give their first argument back as a function with some arguments filled in."""

TASK_SPAWNERS: Final = frozenset(
    {f"{_LOOP}.create_task", "asyncio.Task", "asyncio.create_task", "asyncio.ensure_future"}
)
"""Callables that start a task and give it back: the loop keeps only a weak reference to it, so that a task
nobody keeps can vanish. A ``TaskGroup`` keeps its own."""

TASK_KEEPERS: Final = frozenset(
    {
        "anyio.abc.TaskGroup.start",
        "anyio.abc.TaskGroup.start_soon",
        "asyncio.TaskGroup.create_task",
        "asyncio.run_coroutine_threadsafe",
    }
)
"""Callables that start work and keep hold of it themselves."""

GATHERS: Final = frozenset(
    {
        "anyio.abc.TaskGroup.start_soon",
        "asyncio.as_completed",
        "asyncio.gather",
        "asyncio.run_coroutine_threadsafe",
        "asyncio.shield",
        "asyncio.wait",
        "asyncio.wait_for",
        "aiostream.stream.merge",
        "asyncstdlib.gather",
    }
)
"""Callables that take coroutines (or collections of them) and see to it that they are awaited."""

LOOP_RUNNERS: Final = frozenset(
    {
        f"{_LOOP}.run_forever",
        f"{_LOOP}.run_until_complete",
        "anyio.run",
        "asgiref.sync.async_to_sync",
        "asyncer.syncify",
        "asyncio.Runner.run",
        "asyncio.run",
        "nest_asyncio.apply",
        "trio.run",
        "uvloop.run",
    }
)
"""Callables that run an event loop to completion, or (``nest_asyncio``) let one run inside another."""

LOOPS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "asyncio.get_event_loop": _LOOP,
        "asyncio.get_running_loop": _LOOP,
        "asyncio.new_event_loop": _LOOP,
        "asyncio.Runner.get_loop": _LOOP,
        "uvloop.new_event_loop": _LOOP,
        "anyio.create_task_group": "anyio.abc.TaskGroup",
        "asyncio.create_task": "asyncio.Task",
        "asyncio.ensure_future": "asyncio.Task",
        "asyncio.wrap_future": "asyncio.Future",
        f"{_LOOP}.create_task": "asyncio.Task",
        f"{_LOOP}.run_in_executor": "asyncio.Future",
        "asyncio.TaskGroup.create_task": "asyncio.Task",
    }
)
"""Canonical callable -> canonical class of the loop, task group, task or future that it gives."""


def handoff(canonical: str) -> Handoff | None:
    """Where the call to ``canonical`` runs what it is given, or None if it takes nothing to run."""
    return HANDOFFS.get(canonical)
