"""Rule 7's questions about coroutines and tasks: which are never awaited, which loops wait once per item."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from guardrails.facts.records import (
    Await,
    Bind,
    Block,
    Call,
    CallRef,
    FString,
    Item,
    Jump,
    Op,
    Raise,
    Ref,
    Return,
    Span,
    Star,
    end_of,
    parts_of,
)
from guardrails.knowledge import drivers, handoff
from guardrails.program.edges import positions
from guardrails.program.model import Code, Function
from guardrails.program.sites import Site
from guardrails.program.values import (
    CoroutineValue,
    ExternalValue,
    FunctionValue,
    UnknownValue,
    Value,
)  # fmt: skip

if TYPE_CHECKING:
    from guardrails.program.program import Program

_PER_ITEM = frozenset({"read", "write", "count", "distinct", "aggregate"})
_LOOPS = frozenset({"for", "async-for", "while", "comprehension", "async-comprehension"})
_AS_VALUE = frozenset({"receiver", "iterate", "async-iterate", "test", "operand"})
# Built-in functions that look into what they are given.
_LOOKING = frozenset(
    [
        "str",
        "repr",
        "len",
        "list",
        "dict",
        "set",
        "tuple",
        "sorted",
        "sum",
        "min",
        "max",
        "bool",
        "int",
        "float",
        "print",
        "any",
        "all",
        "enumerate",
        "zip",
    ]
)
_HTTP = ("httpx.AsyncClient.", "aiohttp.ClientSession.")
_HTTP_METHODS = frozenset(["get", "post", "put", "patch", "delete", "head", "options", "request", "send"])


class Unawaited(Struct, frozen=True):
    """A call whose coroutine is dropped or used as a value. ``what``: the callee; ``how``: what became of it."""

    code: Code
    span: Span
    what: str
    how: str


class LoopedAwait(Struct, frozen=True):
    """An operation awaited once per item of a loop; ``through``: the project's method that performs it, if any."""

    code: Code
    span: Span
    what: str
    loop: Span


class Coroutines:
    """Answers about coroutines."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.types = program.types

    # --- never awaited

    def unawaited(self) -> Iterator[Unawaited]:
        """The coroutines that the application drops or uses as values."""
        for site in self.program.modules.sites.named(self._async_names | _AWAITED_NAMES):
            call, code, index = site.call, site.code, site.index
            if call.use in {"await", "with", "async-with", "yield", "decorator", "default"}:
                continue
            what = self._coroutine(call, code, index)
            if what is None:
                continue
            how = self._misuse(call, index, code)
            if how is not None:
                yield Unawaited(code, call.span, what, how)

    @cached_property
    def _async_names(self) -> frozenset[str]:
        return frozenset(f.name for m in self.program.modules.ordered for f in m.functions if f.is_async)

    def _coroutine(self, call: Call, code: Code, index: int) -> str | None:
        """What the call makes a coroutine of, if it surely makes one."""
        callees = self.types.expand(self.types.infer(call.func, code, call.block))
        if not callees or any(isinstance(v, UnknownValue) for v in callees):
            return None
        names = [self._makes_coroutine(v, call, index, code) for v in callees]
        return names[0] if all(names) else None

    def _makes_coroutine(self, value: Value, call: Call, index: int, code: Code) -> str | None:
        if isinstance(value, FunctionValue):
            function = value.function
            if not function.is_async or function.facts.is_generator:
                return None
            if any(not _transparent(name) for name in function.decorator_names):
                return None  # a decorator may turn it into anything
            return function.qualname
        if isinstance(value, ExternalValue) and value.receiver is not None:
            owner, _, name = value.name.rpartition(".")
            method = drivers.method(owner, name)
            row = drivers.driver_class(owner)
            if method is not None and row is not None and row.is_async and method.awaited:
                return f"{owner.rpartition('.')[2]}.{name}"
        return None

    def _misuse(self, call: Call, index: int, code: Code) -> str | None:
        if call.use == "drop":
            return "is dropped"
        if call.use == "receiver":
            # Beanie's ``User.find_one(...).update(...)`` is awaited as a whole.
            return None if self._lazy(call, index, code) else "is used as its result"
        if call.use in _AS_VALUE:
            return "is used as its result"
        if call.use == "argument":
            return "is used as its result" if self._looked_into(index, code) else None
        if call.use == "return":
            inside = isinstance(code, Function) and code.is_async and code.name != "<lambda>"
            return "is returned from an async function" if inside and not self._awaited_twice(code) else None
        if call.use == "bind":
            return self._bound(index, code)
        return None

    def _lazy(self, call: Call, index: int, code: Code) -> bool:
        values = self.types.infer(CallRef(index), code, call.block)
        return not all(isinstance(v, CoroutineValue) for v in values)

    def _looked_into(self, index: int, code: Code) -> bool:
        for call in code.body.calls:
            for argument in call.args:
                inner = argument.value if isinstance(argument, Star) else argument
                if isinstance(inner, CallRef) and inner.index == index:
                    return isinstance(call.func, Ref) and call.func.name in _LOOKING and any(
                        isinstance(v, ExternalValue) and v.name == call.func.name
                        for v in self.types.infer(call.func, code, call.block)
                    )  # fmt: skip
            for keyword in call.keywords:
                if keyword.name is None and isinstance(keyword.value, CallRef) and keyword.value.index == index:
                    return True  # ``Model(**repository.get(...))``
        return False

    def _awaited_twice(self, code: Code) -> bool:
        """Whether some caller awaits the result of the awaited call."""
        if not isinstance(code, Function):
            return False
        for caller, call in self.types.calls_of(code):
            for event in caller.body.events:
                for part in parts_of(event):
                    for expr in caller.walk(part):
                        if isinstance(expr, Await) and isinstance(expr.value, Await):
                            inner = expr.value.value
                            if isinstance(inner, CallRef) and caller.body.calls[inner.index] is call:
                                return True
                if call.use == "await" and isinstance(event, Bind):
                    return True  # bound: it may be awaited later
        return False

    def _bound(self, index: int, code: Code) -> str | None:
        """A coroutine kept in a local name that is only read from, never awaited nor handed on."""
        name = next(
            (
                e.target.name
                for e in code.body.events
                if isinstance(e, Bind) and isinstance(e.value, CallRef) and e.value.index == index
                and isinstance(e.target, Ref) and "." not in e.target.name and e.op == "="
            ),
            None,
        )  # fmt: skip
        if name is None or not isinstance(code, Function) or name in code.outer_names:
            return None
        if len(code.bindings.get(name, ())) != 1:
            return None
        read = False
        for event_value in self._reads_of(name, code):
            if event_value != "read":
                return None
            read = True
        if any(name in inner.body.loads for inner in code.module.functions if inner.outer is code):
            return None
        return "is used as its result" if read else None

    def _reads_of(self, name: str, code: Code) -> Iterator[str]:
        """How each mention of a local name uses it: ``read`` (an attribute or item of it) or ``other``."""
        items: set[int] = set()
        for _, expr in positions(code):
            if isinstance(expr, Item) and isinstance(expr.value, Ref) and expr.value.name == name:
                items.add(id(expr.value))
                yield "read"
            elif isinstance(expr, (Op, FString)):
                parts = expr.operands if isinstance(expr, Op) else expr.parts
                if isinstance(expr, FString) or expr.op not in {"and", "or", "not", "is", "is not"}:
                    for part in parts:
                        if isinstance(part, Ref) and part.name == name:
                            items.add(id(part))
                            yield "read"
            elif isinstance(expr, Ref) and expr.name.startswith(name + "."):
                yield "read" if not self._is_control(expr.name.rpartition(".")[2]) else "other"
        for _, expr in positions(code):
            if (
                isinstance(expr, Ref)
                and expr.name == name
                and id(expr) not in items
                and not self._is_target(expr, code)
            ):
                yield "other"

    @staticmethod
    def _is_control(attribute: str) -> bool:
        return attribute in {"send", "throw", "close", "cr_frame", "cr_code", "add_done_callback"}

    @staticmethod
    def _is_target(expr: Ref, code: Code) -> bool:
        return any(isinstance(e, Bind) and e.target is expr for e in code.body.events)

    # --- tasks and loops

    def dropped_tasks(self) -> Iterator[tuple[Site, str]]:
        """Where tasks are started and not kept, with what starts them."""
        for site, name in self._external(handoff.TASK_SPAWNERS):
            if site.call.use == "drop":
                yield site, name

    def nested_loops(self) -> Iterator[tuple[Site, str]]:
        """Calls that run an event loop, with what they call."""
        return self._external(handoff.LOOP_RUNNERS)

    def _external(self, names: frozenset[str]) -> Iterator[tuple[Site, str]]:
        """The application's calls of third-party functions."""
        for site in self.program.modules.sites.named({name.rpartition(".")[2] for name in names}):
            for value in self.types.infer(site.call.func, site.code, site.call.block):
                if isinstance(value, ExternalValue) and value.name in names:
                    yield site, value.name
                    break

    def looped(self, code: Code) -> Iterator[LoopedAwait]:
        """Mongo operations and HTTP calls awaited once per item of a loop, through the project's own methods too."""
        for index, call in enumerate(code.body.calls):
            if call.use != "await":
                continue
            loop = next((b for _, b in code.ancestors_of(call.block) if b.kind in _LOOPS), None)
            if loop is None or loop.kind == "while" or self._repeats(loop, code):
                continue
            what = self._remote(call, index, code, 3)
            if what is not None and not _leaves_loop(call, code):
                yield LoopedAwait(code, call.span, what, loop.span)

    def _repeats(self, loop: Block, code: Code) -> bool:
        """``for _ in range(3)`` tries again, ``range(0, n, 1000)`` goes by batches: neither is a loop over items."""
        call = code.call(loop.expr)
        if call is None or not isinstance(call.func, Ref) or call.func.name != "range":
            return False
        if len(call.args) == 3 or not isinstance(loop.target, Ref):
            return len(call.args) == 3
        read = {e.name.partition(".")[0] for _, e in positions(code) if isinstance(e, Ref) and e is not loop.target}
        return loop.target.name not in read

    def _remote(self, call: Call, index: int, code: Code, depth: int) -> str | None:
        operations = self.program.mongo.by_code.get(code, ())
        for operation in operations:
            if operation.index == index and operation.method.kind in _PER_ITEM and not operation.name.endswith("_many"):
                return operation.shown
        for value in self.types.infer(call.func, code, call.block):
            if isinstance(value, ExternalValue) and value.name.startswith(_HTTP):
                return value.name if value.name.rpartition(".")[2] in _HTTP_METHODS else None
        if depth == 0:
            return None
        for target in self.types.targets(call, code):
            if target.is_async and not target.facts.is_generator:
                for i, inner in enumerate(target.body.calls):
                    looped = any(b.kind in _LOOPS for _, b in target.ancestors_of(inner.block))
                    if inner.use in {"await", "return", "receiver"} and not looped:
                        found = self._remote(inner, i, target, depth - 1)
                        if found is not None:
                            return found
        return None


def _leaves_loop(call: Call, code: Code) -> bool:
    """Whether no other item has its turn after a call: what follows it ends in a return, a raise or a break.

    What is tried may fail, and is then tried with the next item.
    """
    around: set[int] = set()
    for index, block in code.ancestors_of(call.block):
        if block.kind in {"try", "with", "async-with"}:
            return False
        around.add(index)
        if block.kind in _LOOPS:
            break
    for event in code.body.events:
        if end_of(event.span) > call.span:
            if isinstance(event, Jump) and event.kind == "continue":
                return False
            if event.block in around and (
                isinstance(event, (Return, Raise)) or (isinstance(event, Jump) and event.kind == "break")
            ):
                return True
    return False


def _transparent(decorator: str) -> bool:
    """Decorators known to leave an ``async def`` one."""
    return decorator.rpartition(".")[2] in {
        "staticmethod", "classmethod", "abstractmethod", "wraps", "override", "final", "overload",
        "get", "post", "put", "patch", "delete", "head", "options", "websocket", "api_route", "middleware",
        "exception_handler", "on_event",
    }  # fmt: skip


_AWAITED_NAMES = frozenset(
    method.name for row in drivers.CLASSES.values() if row.is_async for method in row.methods.values() if method.awaited
)
