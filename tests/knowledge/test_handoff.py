"""Who takes a function, and where it runs."""

from __future__ import annotations

from typing import get_args

import pytest

from guardrails.knowledge import handoff as table
from guardrails.knowledge.aliases import canonical
from guardrails.knowledge.handoff import Handoff, handoff


@pytest.mark.parametrize(
    ("name", "where", "position", "keyword"),
    [
        ("asyncio.to_thread", "thread", 0, "func"),
        ("asyncio.AbstractEventLoop.run_in_executor", "thread", 1, "func"),
        ("starlette.concurrency.run_in_threadpool", "thread", 0, "func"),
        ("anyio.to_thread.run_sync", "thread", 0, "func"),
        ("concurrent.futures.ThreadPoolExecutor.submit", "thread", 0, None),
        ("concurrent.futures.ProcessPoolExecutor.map", "process", 0, None),
        ("threading.Thread", "thread", 1, "target"),
        ("threading.Timer", "thread", 1, "function"),
        ("multiprocessing.Process", "process", 1, "target"),
        ("fastapi.BackgroundTasks.add_task", "background", 0, "func"),
        ("starlette.background.BackgroundTask", "background", 0, "func"),
        ("asyncio.AbstractEventLoop.call_soon", "loop", 0, "callback"),
        ("asyncio.AbstractEventLoop.call_later", "loop", 1, "callback"),
        ("anyio.abc.TaskGroup.start_soon", "loop", 0, "func"),
        ("sqlalchemy.ext.asyncio.AsyncSession.run_sync", "greenlet", 0, "fn"),
        ("pymongo.client_session.ClientSession.with_transaction", "inline", 0, "callback"),
        ("sorted", "inline", None, "key"),
    ],
)
def test_a_function_runs_where_the_callable_says(
    name: str, where: str, position: int | None, keyword: str | None
) -> None:
    row = handoff(name)
    assert row is not None
    assert (row.where, row.position, row.keyword, row.what) == (where, position, keyword, "function")


def test_tasks_take_coroutines_and_responses_take_iterators() -> None:
    for name in ("asyncio.create_task", "asyncio.TaskGroup.create_task", "asyncio.gather"):
        row = handoff(name)
        assert row is not None
        assert (row.where, row.what) == ("loop", "coroutine")
    assert handoff("asyncio.gather") == Handoff("asyncio.gather", "loop", 0, None, "coroutine", rest=True)
    stream = handoff("starlette.responses.StreamingResponse")
    assert stream is not None
    assert (stream.where, stream.what) == ("thread", "iterator")


def test_other_callables_take_nothing_to_run() -> None:
    for name in ("asyncio.sleep", "app.tasks.add_task", "run_in_threadpool", "fastapi.Depends"):
        assert handoff(name) is None


def test_rows_are_well_formed_and_canonical() -> None:
    for name, row in table.HANDOFFS.items():
        assert row.name == name
        assert row.where in get_args(table.Where)
        assert row.what in get_args(table.What)
        assert row.position is not None or row.keyword is not None
    names = {*table.HANDOFFS, *table.WRAPPERS, *table.PARTIALS, *table.TASK_SPAWNERS, *table.TASK_KEEPERS}
    names |= {*table.GATHERS, *table.LOOP_RUNNERS, *table.LOOPS, *table.LOOPS.values()}
    assert {name for name in names if canonical(name) != name} == set()


def test_a_spawned_task_can_be_lost_and_a_kept_one_cannot() -> None:
    assert {"asyncio.create_task", "asyncio.ensure_future"} <= table.TASK_SPAWNERS
    assert "asyncio.TaskGroup.create_task" in table.TASK_KEEPERS
    assert not table.TASK_SPAWNERS & table.TASK_KEEPERS


def test_loops_are_run_and_patched() -> None:
    for name in ("asyncio.run", "asyncio.AbstractEventLoop.run_until_complete", "nest_asyncio.apply"):
        assert name in table.LOOP_RUNNERS
    assert table.LOOPS["asyncio.get_running_loop"] == "asyncio.AbstractEventLoop"
