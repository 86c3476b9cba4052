"""What blocks: calls that keep their thread, and the chains of synchronous functions that end in one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from functools import cached_property

from msgspec import Struct

from guardrails.facts.records import Attr, Await, Bind, Call, CallRef, Const, Expr, Op, Ref, Span, parts_of
from guardrails.knowledge import blocking as tables
from guardrails.program.calls import CallGraph
from guardrails.program.edges import Edge
from guardrails.program.model import Code, Function, argument
from guardrails.program.modules import Modules
from guardrails.program.mongo import Mongo
from guardrails.program.types import Types
from guardrails.program.values import (
    ExternalInstance,
    ExternalValue,
    LiteralValue,
    Value,
    known,
)  # fmt: skip


class BlockingCall(Struct, frozen=True):
    """A blocking call where it stands. ``shown``: how the code names it."""

    code: Code
    span: Span
    block: int
    what: tables.Blocking
    shown: str


class Reach(Struct, frozen=True):
    """A call in async code that leads, through ``chain``, to ``end``."""

    code: Function
    edge: Edge
    chain: tuple[tuple[Function, Edge | None], ...]
    end: BlockingCall


class Blocks:
    """Answers about blocking code."""

    def __init__(self, modules: Modules, types: Types, calls: CallGraph, extra: tuple[str, ...], mongo: Mongo) -> None:
        self.modules = modules
        self.types = types
        self.calls = calls
        self.table = tables.Extension(extra)
        self.mongo = mongo
        self._direct: dict[Code, tuple[BlockingCall, ...]] = {}

    def direct(self, code: Code) -> tuple[BlockingCall, ...]:
        """The blocking calls that a body makes itself, one per handle: reads of what ``open()`` gave are no others."""
        found = self._direct.get(code)
        if found is None:
            found = self._direct[code] = tuple(sorted(self._find(code), key=lambda b: b.span))
        return found

    def _find(self, code: Code) -> Iterator[BlockingCall]:
        handles: set[int] = set()
        for index, call in enumerate(code.body.calls):
            if call.use == "await":
                continue
            values = known(self.types.expand(self.types.infer(call.func, code, call.block)))
            rows = [self.table.blocking(v.name) if isinstance(v, ExternalValue) else None for v in values]
            row = rows[0] if rows else None
            if row is None or None in rows:
                continue
            if any(self._uses_handle(v, code, handles) for v in values):
                handles.add(index)
                continue
            if self._continues(call, code, handles) or self._is_given_handle(call, code, handles):
                handles.add(index)
                continue
            if row.kind == "mongo" and self._only_async_clients:
                continue
            if not self._applies(row, call, code):
                continue
            handles.add(index)
            yield BlockingCall(code, call.span, call.block, row, _shown(row.name, call))
        yield from self._locks(code)

    @cached_property
    def _only_async_clients(self) -> bool:
        """Whether every client that the project constructs is asynchronous.

        Then a synchronous class in an annotation is a slip: its methods are those of the asynchronous one.
        """
        clients = self.mongo.clients
        return bool(clients) and all(client.is_async for client in clients)

    @staticmethod
    def _uses_handle(value: Value, code: Code, handles: set[int]) -> bool:
        """Whether a method's receiver came from a call of this body that is already counted."""
        receiver = value.receiver if isinstance(value, ExternalValue) else None
        origin = receiver.origin if isinstance(receiver, ExternalInstance) else None
        return origin is not None and origin[0] is code and origin[1] in handles

    def _is_given_handle(self, call: Call, code: Code, handles: set[int]) -> bool:
        """Whether a counted handle is among the arguments: ``shutil.copyfileobj(source, file)``."""
        arguments = (*call.args, *(keyword.value for keyword in call.keywords))
        return bool(handles) and any(
            isinstance(value, ExternalInstance)
            and value.origin is not None
            and value.origin[0] is code
            and value.origin[1] in handles
            and value.cls in tables.HANDLES
            for argument in arguments
            for value in self.types.infer(argument, code, call.block)
        )

    @staticmethod
    def _continues(call: Call, code: Code, handles: set[int]) -> bool:
        """Whether the call is a later link of a chain that is already counted: ``requests.get(u).json()``."""
        func = call.func
        while isinstance(func, Attr):
            func = func.value
        return isinstance(func, CallRef) and func.index in handles

    def _applies(self, row: tables.Blocking, call: Call, code: Code) -> bool:
        """Whether the arguments make it block (see ``Blocking.argument`` and ``NON_BLOCKING``)."""
        silent = tables.NON_BLOCKING.get(row.name)
        if silent is not None:
            value = argument(call, *silent)
            if isinstance(value, Const) and value.value in (False, 0):
                return False
        if row.argument is None:
            return True
        value = argument(call, *row.argument)
        if value is None or (isinstance(value, Const) and not value.value):
            return False
        memory = tables.IN_MEMORY
        for found in self.types.infer(value, code, call.block):
            if isinstance(found, ExternalInstance) and found.cls in memory:
                return False
            if found == LiteralValue(None):
                return False
        return True

    def _locks(self, code: Code) -> Iterator[BlockingCall]:
        """A ``threading`` lock held over an ``await`` or a blocking call makes every other holder wait."""
        blocks = code.body.blocks
        for index, block in enumerate(blocks):
            if block.kind != "with" or block.expr is None:
                continue
            lock = next(
                (v for v in self.types.infer(block.expr, code, block.parent)
                 if isinstance(v, ExternalInstance) and v.cls in tables.LOCKS),
                None,
            )  # fmt: skip
            if lock is not None and self._awaits_inside(code, index):
                row = tables.Blocking(lock.cls, "thread", "holds a lock of threads over an await", "asyncio.Lock")
                yield BlockingCall(code, block.span, block.parent, row, lock.cls)

    def _awaits_inside(self, code: Code, block: int) -> bool:
        for event in code.body.events:
            if code.inside(event.block, block):
                for part in parts_of(event):
                    if any(isinstance(e, Await) for e in code.walk(part)):
                        return True
        return False

    # --- chains

    @cached_property
    def _callers(self) -> tuple[set[Function], dict[Function, set[Function]]]:
        """The synchronous functions that async code reaches, and which of them call each."""
        callers: dict[Function, set[Function]] = {}
        seen: set[Function] = set()
        pending: list[Function] = []
        for module in self.modules.ordered:
            if module.application:
                for function in module.functions:
                    if function.is_async:
                        pending.extend(e.target for e in self._sync_edges(function))
        while pending:
            function = pending.pop()
            if function in seen:
                continue
            seen.add(function)
            for edge in self._sync_edges(function):
                callers.setdefault(edge.target, set()).add(function)
                pending.append(edge.target)
        return seen, callers

    @cached_property
    def _to_mongo(self) -> dict[Function, int]:
        """How many calls away from an operation of a synchronous Mongo driver each synchronous function is."""
        return self._distances(True)

    @cached_property
    def _to_other(self) -> dict[Function, int]:
        """How many calls away from any other blocking call each synchronous function is."""
        return self._distances(False)

    def _ends(self, function: Function, mongo: bool) -> list[BlockingCall]:
        return [call for call in self.direct(function) if (call.what.kind == "mongo") is mongo]

    def _distances(self, mongo: bool) -> dict[Function, int]:
        seen, callers = self._callers
        distance: dict[Function, int] = {f: 0 for f in seen if self._ends(f, mongo)}
        queue = deque(sorted(distance, key=lambda f: f.qualname))
        while queue:
            function = queue.popleft()
            for caller in callers.get(function, ()):
                if caller not in distance:
                    distance[caller] = distance[function] + 1
                    queue.append(caller)
        return distance

    @cached_property
    def sync_mongo_operations(self) -> tuple[BlockingCall, ...]:
        """The operations of a synchronous Mongo driver that block async code, directly or through calls, by place."""
        found: dict[tuple[str, Span], BlockingCall] = {}
        for module in self.modules.ordered:
            for function in module.functions if module.application else ():
                if function.is_async:
                    ends = [*self.direct(function), *(reach.end for reach in self.reached(function))]
                    for end in ends:
                        if end.what.kind == "mongo":
                            found.setdefault((end.code.module.name, end.span), end)
        return tuple(found[key] for key in sorted(found))

    def _sync_edges(self, code: Code) -> list[Edge]:
        return [
            edge
            for edge in self.calls.edges(code)
            if (
                (edge.kind in {"call", "property", "with"} and not edge.target.is_async)
                or edge.where in {"inline", "loop"}
            )
            and not _runs_once(edge, code)
        ]

    def reached(self, code: Function) -> Iterator[Reach]:
        """The calls of an async function that lead to something that blocks, once per call site, by the shortest chain.

        Where a chain leads to a synchronous Mongo driver and to something else, the other is named: GR702 speaks of
        the driver.
        """
        done: set[Span] = set()
        for distance, mongo in ((self._to_other, False), (self._to_mongo, True)):
            for edge in self._sync_edges(code) if distance else ():
                if edge.target in distance and edge.span not in done and not edge.target.is_async:
                    done.add(edge.span)
                    yield self._chain(code, edge, distance, mongo)

    def _chain(self, code: Function, edge: Edge, distance: dict[Function, int], mongo: bool) -> Reach:
        links: list[tuple[Function, Edge | None]] = []
        function = edge.target
        while distance[function] > 0:
            following = min(
                (e for e in self._sync_edges(function) if e.target in distance),
                key=lambda e: (distance[e.target], e.span),
            )
            links.append((function, following))
            function = following.target
        links.append((function, None))
        return Reach(code, edge, tuple(links), self._ends(function, mongo)[0])


def _runs_once(edge: Edge, code: Code) -> bool:
    """Whether the edge's target runs once per process, as a setting up does: ``@lru_cache def get_settings()``, or
    ``if _client is None: _client = connect()`` of a module's own name. Requests after the first do not wait for it.
    """
    target = edge.target
    cached = any(name.rpartition(".")[2] in {"lru_cache", "cache"} for name in target.decorator_names)
    if cached and target.cls is None and not target.facts.parameters:
        return True
    if not isinstance(code, Function) or not code.outer_names:
        return False
    for index, block in code.ancestors_of(edge.block):
        if block.kind == "if" and block.expr is not None:
            stored = {
                e.target.name for e in code.body.events
                if isinstance(e, Bind) and isinstance(e.target, Ref) and code.inside(e.block, index)
            }  # fmt: skip
            if any(_asks_whether_missing(block.expr, name) for name in stored & code.outer_names):
                return True
    return False


def _asks_whether_missing(expr: Expr, name: str) -> bool:
    """``name is None`` or ``not name``."""
    if not isinstance(expr, Op) or expr.op not in {"is", "==", "not"}:
        return False
    first = expr.operands[0]
    missing = expr.op == "not" or (isinstance(expr.operands[1], Const) and expr.operands[1].value is None)
    return missing and isinstance(first, Ref) and first.name == name


def _shown(name: str, call: Call) -> str:
    """How a message names the call: as written where that is a plain name, else by its canonical name."""
    if isinstance(call.func, Ref) and name.rpartition(".")[2] == call.func.name.rpartition(".")[2]:
        return call.func.name if not call.func.name.startswith("self.") else name
    return name
