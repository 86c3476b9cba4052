"""Rule 7: async all the way."""

from __future__ import annotations

from collections.abc import Iterator

from guardrails.checks.registry import check
from guardrails.finding import Finding, Related, Severity
from guardrails.program import Program
from guardrails.program.blocking import Reach
from guardrails.program.model import Function

_SYNC_MONGO = "operations of the synchronous driver"


@check("GR701", "sync-handler", Severity.ERROR)
def sync_handler(program: Program) -> Iterator[Finding]:
    """A handler is a plain def."""
    for handler in program.web.handlers:
        if handler.is_async or handler.name == "<lambda>":
            continue
        yield Finding(
            "GR701",
            handler.place_here,
            handler.qualname,
            handler.name,
            f"{handler.qualname} is a def handler: each request takes a thread of the pool",
            "make it async def, and await what it calls",
        )


@check("GR702", "sync-mongo-driver", Severity.ERROR)
def sync_mongo_driver(program: Program) -> Iterator[Finding]:
    """The application connects with a synchronous Mongo client."""
    for client in program.connections.clients:
        if client.is_async:
            continue
        operations = program.blocking.sync_mongo_operations
        code = client.site.code
        count = len(operations)
        blocked = f", through which {count} operation{'s'[: count != 1]} block async code" if count else ""
        related: tuple[Related, ...] = ()
        if operations:
            first = operations[0]
            related = (Related(first.code.place(first.span), f"{first.code.qualname} blocks in {first.shown}"),)
        yield Finding(
            "GR702",
            code.place(client.site.call.span),
            code.qualname,
            client.cls,
            f"{code.qualname} constructs a synchronous {client.cls.rpartition('.')[2]}{blocked}",
            "use pymongo.AsyncMongoClient and await its operations",
            related,
            (_SYNC_MONGO,),
        )


@check("GR703", "blocking-call-in-async", Severity.ERROR)
def blocking_call_in_async(program: Program) -> Iterator[Finding]:
    """An async def makes a blocking call itself."""
    for function in _async_functions(program):
        for call in program.blocking.direct(function):
            if program.calls.only_startup(function):
                break
            yield Finding(
                "GR703",
                function.place(call.span),
                function.qualname,
                call.what.name,
                f"{function.qualname} calls {call.shown}, which {call.what.why}",
                f"use {call.what.instead}",
                about=(_SYNC_MONGO,) if call.what.kind == "mongo" else (),
            )


@check("GR704", "blocking-call-reached-from-async", Severity.ERROR)
def blocking_call_reached_from_async(program: Program) -> Iterator[Finding]:
    """An async def calls synchronous code that blocks."""
    for function in _async_functions(program):
        for reach in program.blocking.reached(function):
            if program.calls.only_startup(function):
                break
            first, end = reach.chain[0][0], reach.end
            yield Finding(
                "GR704",
                function.place(reach.edge.span),
                function.qualname,
                f"{first.qualname} -> {end.what.name}",
                f"{function.qualname} calls {first.qualname}, which ends in {end.shown}: it {end.what.why}",
                f"hand {first.name} to asyncio.to_thread, or make the chain async: {end.what.instead}",
                tuple(_steps(reach)),
                (_SYNC_MONGO,) if end.what.kind == "mongo" else (),
            )


@check("GR705", "coroutine-not-awaited", Severity.ERROR)
def coroutine_not_awaited(program: Program) -> Iterator[Finding]:
    """A coroutine is dropped, or used as if it were its result."""
    for found in program.coroutines.unawaited():
        yield Finding(
            "GR705",
            found.code.place(found.span),
            found.code.qualname,
            found.what,
            f"{found.code.qualname} calls {found.what}, whose coroutine {found.how} without await",
            "await it, or hand it to a task or asyncio.gather",
        )


@check("GR706", "await-in-loop", Severity.INFO)
def await_in_loop(program: Program) -> Iterator[Finding]:
    """An operation is awaited once per item of a loop."""
    for module in program.application:
        for code in module.functions:
            for found in program.coroutines.looped(code):
                if program.calls.only_startup(code):
                    break
                yield Finding(
                    "GR706",
                    code.place(found.span),
                    code.qualname,
                    found.what,
                    f"{code.qualname} awaits {found.what} once per item",
                    "ask once with $in, write once with bulk_write, or await all together with asyncio.gather",
                )


@check("GR707", "nested-event-loop", Severity.ERROR)
def nested_event_loop(program: Program) -> Iterator[Finding]:
    """A request runs an event loop of its own."""
    for site, name in program.coroutines.nested_loops():
        function = site.code
        if program.calls.on_request_path(function):
            yield Finding(
                "GR707",
                function.place(site.call.span),
                function.qualname,
                name,
                f"{function.qualname} calls {name} on the request path",
                "make the function async def and await",
            )


@check("GR708", "task-not-kept", Severity.WARNING)
def task_not_kept(program: Program) -> Iterator[Finding]:
    """A task is started and its result dropped."""
    for site, name in program.coroutines.dropped_tasks():
        code = site.code
        yield Finding(
            "GR708",
            code.place(site.call.span),
            code.qualname,
            name,
            f"{code.qualname} starts a task with {name} and keeps no reference: it may vanish before it ends",
            "keep it (in a set, with add_done_callback to discard it), or use asyncio.TaskGroup",
        )


@check("GR709", "motor-deprecated", Severity.INFO, project=True)
def motor_deprecated(program: Program) -> Iterator[Finding]:
    """Motor is in use, which its maintainers ended."""
    for module in program.application:
        for item, name in program.imports.external.get(module, ()):
            if name.partition(".")[0] == "motor":
                place, symbol = program.project_place(program.roles.database_module)
                yield Finding(
                    "GR709",
                    place,
                    symbol,
                    "motor",
                    f"{module.name} imports {name}: Motor is deprecated in favour of PyMongo's async API",
                    "move to pymongo.AsyncMongoClient (PyMongo 4.9 or later)",
                    (Related(module.place(item.span), f"{module.name} imports {name}"),),
                )
                return


def _async_functions(program: Program) -> Iterator[Function]:
    """The application's async functions."""
    for module in program.application:
        for function in module.functions:
            if function.is_async:
                yield function


def _steps(reach: Reach) -> Iterator[Related]:
    """The chain of calls, from the async function down to the blocking call."""
    yield Related(reach.code.place(reach.edge.span), f"{reach.code.qualname} calls {reach.chain[0][0].qualname}")
    for function, edge in reach.chain:
        if edge is not None:
            yield Related(function.place(edge.span), f"{function.qualname} calls {edge.target.qualname}")
    end = reach.end
    yield Related(end.code.place(end.span), f"{end.code.qualname} calls {end.shown}, which {end.what.why}")
