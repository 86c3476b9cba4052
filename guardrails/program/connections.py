"""Rule 2's questions: who constructs clients, who closes them, who reads a global handle, who calls a provider."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from guardrails.facts.records import Attr, Bind, Block, Call, Const, Expr, Import, Op, Ref, Span
from guardrails.knowledge import drivers
from guardrails.program import external
from guardrails.program.edges import positions
from guardrails.program.model import Class, Code, Definition, Function, Module, tail
from guardrails.program.mongo import Client
from guardrails.program.sites import Site
from guardrails.program.values import (
    CoroutineValue,
    ExternalInstance,
    ExternalValue,
    FunctionValue,
    SequenceValue,
    UnknownValue,
    Values,
    union,
)  # fmt: skip

if TYPE_CHECKING:
    from guardrails.program.program import Program

# Later than every span: what a name is once the whole body has run.
_AT_THE_END = 1 << 62
_CACHES = frozenset({"lru_cache", "cache", "cached", "singleton"})
_CLOSERS = frozenset({"close", "aclose", "disconnect", "disconnect_all", "close_client", "close_connection"})


class GlobalRead(Struct, frozen=True):
    """A function's first read of a handle that a module holds. ``handle``: as written; ``kind``: client, database, …"""

    function: Function
    handle: str
    kind: str
    span: Span


class ProviderCall(Struct, frozen=True):
    """A call of a database provider by code that could receive the database instead."""

    function: Function
    provider: Function
    kind: str
    span: Span


class Connections:
    """Answers about clients and handles."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.types = program.types
        self.mongo = program.mongo
        self._provided: dict[Function, str] = {}
        self._held: dict[Module, dict[str, tuple[str, str]]] = {}

    @cached_property
    def clients(self) -> tuple[Client, ...]:
        """The clients that application code constructs."""
        return tuple(c for c in self.mongo.clients if c.site.code.module.application)

    def built_once(self, client: Client) -> bool:
        """Whether a provider builds the client once per process: behind a cache, or only where there is none yet."""
        code: Code | None = client.site.code
        block = client.site.call.block
        while isinstance(code, Function):
            if any(name.rpartition(".")[2] in _CACHES for name in code.decorator_names):
                return True
            if any(self._asks_for_none(record) for _, record in code.ancestors_of(block)):
                return True
            if self._returns_early(code, client.site.call.span):
                return True
            block = code.facts.block
            code = code.outer
        return False

    @staticmethod
    def _asks_for_none(block: Block) -> bool:
        """``if client is None``, ``if not client``, ``if "client" not in globals()``, ``except KeyError``."""
        if block.kind == "except":
            return True
        return block.kind in {"if", "while"} and block.expr is not None and _tests_absence(block.expr)

    @staticmethod
    def _returns_early(code: Function, span: Span) -> bool:
        """``if client is not None: return client`` before the construction."""
        for block in code.body.blocks:
            if block.kind == "if" and block.span < span and block.expr is not None and _tests_presence(block.expr):
                index = code.body.blocks.index(block)
                if any(r.block == index for r in code.returned):
                    return True
        return False

    # --- closing

    @cached_property
    def _closed(self) -> tuple[frozenset[tuple[Code, int]], bool]:
        """The constructions that shutdown closes, and whether it closes something that cannot be traced."""
        if not self.clients:
            return frozenset(), False
        closed: dict[Code, set[tuple[Code, int] | None]] = {}
        for module in self.program.application:
            for code in module.codes():
                found = {*self._closing(code), *self._entered(code)}
                if found:
                    closed[code] = found
        for site in self.program.modules.sites.named({"enter_async_context", "enter_context"}):
            closed.setdefault(site.code, set()).update(self._given(site))
        at_shutdown = (found for code, found in closed.items() if found and self._runs_at_shutdown(code))
        traced = {origin for found in at_shutdown for origin in found}
        return frozenset(origin for origin in traced if origin is not None), None in traced

    def _runs_at_shutdown(self, code: Code) -> bool:
        if not isinstance(code, Function):
            return True
        return code.name in {"__exit__", "__aexit__", "__del__"} or self.program.calls.in_startup(code)

    def _closing(self, code: Code) -> Iterator[tuple[Code, int] | None]:
        """What the calls of a body close: where it was constructed, or None for a client that cannot be traced."""
        for call, function in code.reading(_closers):
            for value in self.types.infer(function, code, call.block):
                receiver = value.receiver if isinstance(value, ExternalValue) else None
                if isinstance(receiver, ExternalInstance) and external.kind(receiver) == "client":
                    yield receiver.origin
                elif isinstance(value, ExternalValue):
                    if value.name in drivers.FUNCTIONS:
                        yield None
                elif isinstance(value, UnknownValue):
                    name = getattr(function, "name", "").lower()
                    if "client" in name or "mongo" in name:
                        yield None

    def _entered(self, code: Code) -> Iterator[tuple[Code, int]]:
        """Clients that a ``with`` closes."""
        for block in code.body.blocks:
            if block.kind in {"with", "async-with"} and block.expr is not None:
                for value in self.types.infer(block.expr, code, block.parent):
                    if external.kind(value) == "client" and isinstance(value, ExternalInstance) and value.origin:
                        yield value.origin

    def _given(self, site: Site) -> Iterator[tuple[Code, int]]:
        """What an exit stack is given to close."""
        for argument in site.call.args:
            for value in self.types.infer(argument, site.code, site.call.block):
                if isinstance(value, ExternalInstance) and value.origin is not None:
                    yield value.origin

    @cached_property
    def never_closed(self) -> tuple[Client, ...]:
        """Clients that no shutdown path closes, as far as can be traced."""
        closed, anything = self._closed
        found = []
        for client in self.clients:
            site = client.site
            if (site.code, site.index) in closed or anything:
                continue
            if self._is_subclass(client) or self._enclosing_with(client):
                continue
            found.append(client)
        return tuple(found)

    def _is_subclass(self, client: Client) -> bool:
        """A project's own client class is an instance of the project: its closing cannot be told from others'."""
        values = self.types.infer(client.site.call.func, client.site.code, client.site.call.block)
        return not any(isinstance(v, ExternalValue) for v in values)

    @staticmethod
    def _enclosing_with(client: Client) -> bool:
        return client.site.call.use in {"with", "async-with"}

    # --- global handles

    def global_reads(self, function: Function) -> Iterator[GlobalRead]:
        """The module-level handles that a function reads, once each, at their first read."""
        wanted: dict[str, tuple[str, str]] = {}
        held = self._held_by(function.module)
        imports = _imports_itself(function)
        for load in function.body.loads:
            if imports or load in held:
                scope = _scope_of(load.partition(".")[0], function)
                found = held.get(load) if isinstance(scope, Module) else self._handle(load, function) if scope else None
                if found is not None:
                    wanted[load] = found
        if not wanted:
            return
        seen: dict[str, GlobalRead] = {}
        for _, expr in positions(function):
            if isinstance(expr, Ref) and expr.name in wanted:
                handle, kind = wanted[expr.name]
                previous = seen.get(handle)
                if previous is None or expr.span < previous.span:
                    seen[handle] = GlobalRead(function, handle, kind, expr.span)
        for handle in sorted(seen):
            yield seen[handle]

    def _held_by(self, module: Module) -> dict[str, tuple[str, str]]:
        """The handles that a module holds, by what its functions read: the shortest part of a dotted name that is a
        handle, and of which kind. They are few, and found once for all functions.
        """
        found = self._held.get(module)
        if found is None:
            found = self._held[module] = {
                load: handle
                for load, parts in module.reading(_loads_in)
                if not self._holders.isdisjoint(parts) and (handle := self._handle(load, module))
            }
        return found

    @cached_property
    def _holders(self) -> frozenset[str]:
        """What may hold a handle goes by one of these names: without one, a dotted name leads to none."""
        return frozenset().union(*(module.reading(_holders_in) for module in self.program.modules.ordered))

    def _handle(self, dotted: str, code: Code) -> tuple[str, str] | None:
        whole, *rest = dotted.split(".")
        values = self.types.name(whole, code, 0, _AT_THE_END)
        for part in ["", *rest]:
            if part:
                values = self._attribute(values, part)
                whole += f".{part}"
            for value in values:
                kind = self.mongo.handle_kind(value)
                if kind:
                    return whole, kind
                if isinstance(value, (FunctionValue, ExternalValue)):
                    return None
        return None

    def _attribute(self, values: Values, name: str) -> Values:
        return union(*(self.types.attribute(value, name) for value in values))

    def is_provider(self, function: Function) -> bool:
        """Whether a function returns or yields a connection handle."""
        return bool(self.provided_kind(function))

    def provided_kind(self, function: Function) -> str:
        """The kind of handle that a function returns or yields; empty for none."""
        if function not in self._provided:
            self._provided[function] = self._find_provided(function)
        return self._provided[function]

    def _find_provided(self, function: Function) -> str:
        types = self.types
        if function.facts.is_generator:
            values = types.yielded(function)
        else:
            values = union(types.returns(function), self.flowing(function))
        for value in values:
            inner = value.values if isinstance(value, CoroutineValue) else (value,)
            for each in inner:
                if isinstance(each, SequenceValue):
                    each = next(iter(each.items), each)
                kind = self.mongo.handle_kind(each)
                if kind:
                    return kind
        return ""

    def flowing(self, function: Function) -> Values:
        """What a function returns by value, whatever its annotation says."""
        return union(*(self.types.infer(r.value, function, r.block) for r in function.returned if r.value is not None))

    def provider_calls(self, function: Function) -> Iterator[ProviderCall]:
        """The calls by which a function fetches the database itself."""
        found = [*self._provider_calls(function)]
        if found and not self.is_provider(function):
            yield from found

    def _provider_calls(self, function: Function) -> Iterator[ProviderCall]:
        for call in function.body.calls:
            if not self.program.edges.may_name_function(call.func, function):
                continue
            for target in self.types.targets(call, function):
                kind = self.provided_kind(target) if self._may_provide(target, call, function) else ""
                if kind:
                    yield ProviderCall(function, target, kind, call.span)

    @staticmethod
    def _may_provide(target: Function, call: Call, caller: Function) -> bool:
        """A function that hands out the connection, or a method of a global object; not of one that was received."""
        if (
            target.name in {"__init__", "__new__"}
            or not target.module.application
            or target.cls is caller.cls is not None
        ):
            return False
        if target.cls is None or target.is_static or target.is_classmethod:
            return True
        return isinstance(call.func, Ref) and _scope_of(call.func.name.partition(".")[0], caller) is not None


def _closers(code: Code) -> list[tuple[Call, Expr]]:
    """What a body calls to close something, and what it hands on to be called so: ``to_thread(client.close)``."""
    return [
        (call, function)
        for call in code.body.calls
        for function in (call.func, *call.args)
        if tail(function) in _CLOSERS
    ]


def _loads_in(module: Code) -> list[tuple[str, tuple[str, ...]]]:
    """The dotted names that a module's functions read and that may be the module's, sorted, each with its parts."""
    loads = sorted(frozenset().union(*(function.body.loads for function in module.module.functions)))
    anything = any(item.name == "*" for item in module.imports)
    split = ((load, tuple(load.split("."))) for load in loads)
    return [(load, parts) for load, parts in split if anything or parts[0] in module.bindings]


def _holders_in(module: Code) -> frozenset[str]:
    """The names to which a module, its classes or an object's attributes bind more than a constant, and those that its
    imports give to things that have a name already.
    """
    names = {item.alias for item in module.module.facts.imports if item.alias}
    for owner in (module, *module.module.classes):
        names.update(name for name, found in owner.bindings.items() if any(map(_may_hold, found)))
    for code in module.module.codes():
        if code.attribute_bindings:
            names.update(tail(bind.target) for bind in code.attribute_bindings if _may_hold(bind))
    return frozenset(names)


def _may_hold(definition: Definition) -> bool:
    """Whether a definition may give a handle: a binding of more than a constant, or one that declares a type."""
    return isinstance(definition, Bind) and (definition.annotation is not None or type(definition.value) is not Const)


def _imports_itself(function: Function) -> bool:
    """Whether a function, or one around it, has imports of its own."""
    code: Code | None = function
    while isinstance(code, (Function, Class)):
        if code.imports:
            return True
        code = code.outer
    return False


def _scope_of(name: str, function: Function) -> Code | None:
    """Whose name a function reads, the module's or, of an import, a function's; None where the name is local."""
    code: Code | None = function
    while isinstance(code, (Function, Class)):
        if isinstance(code, Function) and (
            name in code.parameters_by_name or (name in code.bindings and name not in code.outer_names)
        ):
            # An import inside the function still names something global.
            definitions = code.bindings.get(name, ())
            return code if definitions and all(isinstance(d, Import) for d in definitions) else None
        code = code.outer
    return code


def _tests_absence(expr: Expr) -> bool:
    if isinstance(expr, Op):
        if expr.op in {"is", "=="}:
            return any(isinstance(o, Const) and o.value is None for o in expr.operands)
        if expr.op in {"not", "not in"}:
            return True
        return any(_tests_absence(o) for o in expr.operands)
    return False


def _tests_presence(expr: Expr) -> bool:
    if isinstance(expr, Op):
        if expr.op in {"is not", "!="}:
            return any(isinstance(o, Const) and o.value is None for o in expr.operands)
        return expr.op in {"in", "and", "or"} and any(_tests_presence(o) for o in expr.operands)
    return isinstance(expr, (Ref, Attr))
