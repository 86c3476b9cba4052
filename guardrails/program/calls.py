"""The call graph, and what runs when: the request path, start-up, the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from msgspec import Struct

from guardrails.facts.records import Attr, Bind, Call, CallRef, Expr, Item, Lambda, Ref, Span, parts_of, span_of
from guardrails.knowledge import handoff
from guardrails.program import external
from guardrails.program.layers import Layers
from guardrails.program.model import Class, Code, Function, Module, tail
from guardrails.program.modules import Modules
from guardrails.program.types import Types
from guardrails.program.values import ClassValue, ExternalValue, FunctionValue, InstanceValue, Value
from guardrails.program.web import Web

# Built-in functions that read an iterable to its end, or at least begin to.
_CONSUMERS = frozenset(
    {"list", "tuple", "set", "sorted", "sum", "min", "max", "any", "all", "dict", "next", "frozenset"}
)
_SPAWNERS = frozenset(n.rpartition(".")[2] for n in handoff.TASK_SPAWNERS | handoff.TASK_KEEPERS)


class Edge(Struct, frozen=True):
    """One function that code may run next.

    ``kind``: ``call``, ``generator`` (made, not run), ``property`` (read), ``with``, ``handed`` (given to someone who
    calls it; ``where`` says where that runs) or ``depends``.
    """

    target: Function
    span: Span
    kind: str
    block: int
    where: str = ""


class CallGraph:
    """Edges between the project's functions; answers are remembered."""

    def __init__(self, modules: Modules, types: Types, web: Web, layers: Layers) -> None:
        self.modules = modules
        self.layers = layers
        self.types = types
        self.web = web
        self._edges: dict[Code, tuple[Edge, ...]] = {}

    def edges(self, code: Code) -> tuple[Edge, ...]:
        """What running ``code`` may run next, in source order."""
        found = self._edges.get(code)
        if found is None:
            found = self._edges[code] = tuple(sorted(set(self._find(code)), key=lambda e: (e.span, e.target.qualname)))
        return found

    def _find(self, code: Code) -> Iterator[Edge]:
        types, body = self.types, code.body
        for index, call in enumerate(body.calls):
            if self.may_name_function(call.func, code):
                for target in types.targets(call, code):
                    kind = "call" if self._runs(target, call, index, code) else "generator"
                    yield Edge(target, call.span, kind, call.block)
            handed: dict[int, str] | None = None
            for argument in (*call.args, *(k.value for k in call.keywords)):
                if not self.may_name_function(argument, code):
                    continue
                for function in self._references(argument, code, call.block):
                    if handed is None:
                        handed = self._handed(call, code)
                    where = handed.get(id(argument), "")
                    yield Edge(function, span_of(argument, body), "handed", call.block, where)
        yield from self._property_reads(code)
        for block in body.blocks:
            if block.kind in {"with", "async-with"} and block.expr is not None:
                names = ("__enter__", "__exit__") if block.kind == "with" else ("__aenter__", "__aexit__")
                for value in types.infer(block.expr, code, block.parent):
                    if isinstance(value, InstanceValue):
                        for name in names:
                            for method in types.attribute(value, name):
                                if isinstance(method, FunctionValue):
                                    yield Edge(method.function, block.span, "with", block.parent)
        if isinstance(code, Function):
            for parameter in code.facts.parameters:
                for value in types.dependency(code, parameter.name) or ():
                    for function in types.functions_of(value):
                        yield Edge(function, parameter.span, "depends", 0)

    @staticmethod
    def _runs(target: Function, call: Call, index: int, code: Code) -> bool:
        """Whether the call runs the target's body: a generator's runs where somebody iterates over it."""
        if not target.facts.is_generator or target.is_async or target.has_decorator("contextmanager"):
            return True
        if call.use != "argument":
            return call.use in {"iterate", "receiver"}
        return any(
            isinstance(outer.func, Ref) and outer.func.name in _CONSUMERS
            and any(isinstance(a, CallRef) and a.index == index for a in outer.args)
            for outer in code.body.calls
        )  # fmt: skip

    def may_name_function(self, expr: Expr, code: Code) -> bool:
        """Whether an expression may be a function or class of the project, by its last name alone.

        Most calls and arguments are not: asking this first saves inferring them.
        """
        if isinstance(expr, Ref):
            name = expr.name
            if "." in name:
                return name.rpartition(".")[2] in self._callables
            if name in self._callables:
                return True
            scope: Code | None = code
            while isinstance(scope, Function):
                if name in scope.bindings or name in scope.parameters_by_name:
                    return True
                scope = scope.outer
            return False
        if isinstance(expr, Attr):
            return expr.name in self._callables
        if isinstance(expr, CallRef):
            return tail(code.body.calls[expr.index].func) in {"partial", "partialmethod"}
        return isinstance(expr, (Lambda, Item))

    @cached_property
    def _callables(self) -> frozenset[str]:
        """The names under which functions and classes of the project are known anywhere in it."""
        found: set[str] = set()
        for module in self.modules.ordered:
            found.update(f.name for f in module.functions)
            found.update(c.name for c in module.classes)
            found.update(i.alias for i in module.facts.imports if i.alias)
            for code in module.codes():
                named = isinstance(code, Function)
                for name, definitions in code.bindings.items() if not named else ():
                    if any(isinstance(d, Bind) for d in definitions):
                        found.add(name)
                found.update(
                    b.target.name.rpartition(".")[2] for b in code.attribute_bindings if isinstance(b.target, Ref)
                )
        return frozenset(found)

    def _handed(self, call: Call, code: Code) -> dict[int, str]:
        table: dict[int, str] = {}
        for value in self.types.infer(call.func, code, call.block):
            if isinstance(value, ExternalValue):
                for expr, where in external.handed_functions(value.name, call):
                    table[id(expr)] = where
        return table

    def _references(self, expr: Expr, code: Code, block: int) -> Iterator[Function]:
        if isinstance(expr, CallRef):
            call = code.body.calls[expr.index]
            partial = any(
                isinstance(v, ExternalValue) and v.name in external.PARTIALS
                for v in self.types.infer(call.func, code, call.block)
            )
            if not partial:
                return
        for value in self.types.infer(expr, code, block):
            if isinstance(value, FunctionValue):
                yield from self.types.functions_of(value)

    @cached_property
    def _properties(self) -> frozenset[str]:
        return frozenset(f.name for m in self.modules.ordered for f in m.functions if f.is_property)

    def _property_reads(self, code: Code) -> Iterator[Edge]:
        wanted = self._properties
        if wanted.isdisjoint(code.words) or not any(
            part in wanted for load in code.body.loads for part in load.split(".")[1:]
        ):
            return
        for block, expr in positions(code):
            if isinstance(expr, Ref) and "." in expr.name:
                first, *rest = expr.name.split(".")
                base = first
                for part in rest:
                    if part in wanted:
                        yield from self._getter(Ref(base, expr.span), part, expr, code, block)
                    base += f".{part}"
            elif isinstance(expr, Attr) and expr.name in wanted:
                yield from self._getter(expr.value, expr.name, expr, code, block)

    def _getter(self, base: Expr, name: str, expr: Expr, code: Code, block: int) -> Iterator[Edge]:
        for value in self.types.expand(self.types.infer(base, code, block)):
            if isinstance(value, InstanceValue):
                for owner in self.types.mro(value.cls):
                    method = owner.method(name) if isinstance(owner, Class) else None
                    if method is not None:
                        if method.is_property:
                            yield Edge(method, span_of(expr, code.body), "property", block)
                        break

    # --- reachability

    def reachable(self, roots: Iterable[Code]) -> frozenset[Function]:
        """Everything that running the roots may run, the functions among the roots included.

        A function defined inside a reached one counts (closures are returned, registered, kept).
        """
        seen: set[Function] = set()
        pending: list[Code] = list(roots)
        for root in pending:
            if isinstance(root, Function):
                seen.add(root)
        while pending:
            code = pending.pop()
            following = [edge.target for edge in self.edges(code)]
            if isinstance(code, Function):
                following += self._inner.get(code, [])
            for target in following:
                if target not in seen:
                    seen.add(target)
                    pending.append(target)
        return frozenset(seen)

    @cached_property
    def _inner(self) -> dict[Code, list[Function]]:
        table: dict[Code, list[Function]] = {}
        for module in self.modules.ordered:
            for function in module.functions:
                if isinstance(function.outer, Function) and function not in self.web.handlers:
                    table.setdefault(function.outer, []).append(function)
        return table

    @cached_property
    def request_path(self) -> frozenset[Function]:
        """Code reachable from a handler, a dependency, middleware, an exception handler or a background task."""
        roots: set[Function] = set(self.web.handlers) | self.web.dependencies | self.web.middleware
        roots |= set(self.web.exception_handlers) | self._left_running
        return self.reachable(sorted(roots, key=lambda f: f.qualname))

    @cached_property
    def _left_running(self) -> set[Function]:
        """Async functions whose coroutine becomes a task: they run on beside the requests, whoever starts them."""
        found: set[Function] = set()
        for module in self.modules.ordered:
            for code in module.codes() if module.application else ():
                for call in code.body.calls:
                    tail = getattr(call.func, "name", "").rpartition(".")[2]
                    if tail not in _SPAWNERS:
                        continue
                    for argument in call.args:
                        inner = code.call(argument)
                        if inner is not None:
                            found.update(f for f in self.types.targets(inner, code) if f.is_async)
        return found

    def only_startup(self, code: Code) -> bool:
        """Whether start-up reaches the code and no request does. The body of a module counts where it is wiring.

        Start-up: lifespans, start-up events, app factories, the import of modules, scripts.
        """
        if isinstance(code, Module):
            return not code.application or self.layers.of(code) == "wiring"
        if isinstance(code, Class):
            return code.outer is None or self.only_startup(code.outer)
        assert isinstance(code, Function)
        return code not in self.request_path and self.in_startup(code)

    def in_startup(self, code: Function) -> bool:
        """Whether start-up reaches the function: found backwards, from the function to a root."""
        known = self._in_startup.get(code)
        if known is not None:
            return known
        seen: set[Code] = {code}
        pending: list[Code] = [code]
        found = False
        while pending and not found:
            current = pending.pop()
            if self._is_startup_root(current) or self._in_startup.get(current, False):  # type: ignore[call-overload]
                found = True
                break
            assert isinstance(current, Function)
            for caller in self._callers(current):
                if caller not in seen:
                    seen.add(caller)
                    pending.append(caller)
        self._in_startup[code] = found
        return found

    @cached_property
    def _in_startup(self) -> dict[Function, bool]:
        return {}

    def _is_startup_root(self, code: Code) -> bool:
        if not isinstance(code, Function):
            return True
        return code in self.web.startup or code in self._of_lifespan_classes or not code.module.application

    @cached_property
    def _of_lifespan_classes(self) -> frozenset[Function]:
        """The methods by which a class given as ``lifespan=`` (itself or an instance) starts and stops the app."""
        found: set[Function] = set()
        for module in self.modules.ordered:
            for code in module.codes() if module.application else ():
                for call in code.body.calls:
                    for keyword in call.keywords:
                        if keyword.name == "lifespan":
                            for value in self.types.infer(keyword.value, code, call.block):
                                found.update(self._enters(value))
        return frozenset(found)

    def _enters(self, value: Value) -> Iterator[Function]:
        if not isinstance(value, (ClassValue, InstanceValue)):
            return
        names = ("__init__", "__aenter__", "__aexit__") if isinstance(value, ClassValue) else ("__call__",)
        for name in names:
            owners = (o for o in self.types.mro(value.cls) if isinstance(o, Class))
            method = next((m for o in owners if (m := o.method(name)) is not None), None)
            if method is not None:
                yield method

    def _callers(self, function: Function) -> Iterator[Code]:
        """The code that may run a function: what mentions its name (or its class's) and has an edge to it."""
        outer = function.outer
        if isinstance(outer, Function) and function not in self.web.handlers:
            yield outer
        names = {function.name}
        if function.cls is not None and function.name.startswith("__"):
            names = {c.name for c in self.types.with_subclasses(function.cls)} | {"super"}
        seen: set[Code] = set()
        for name in sorted(names):
            for code in self._mentions.get(name, ()):
                if code not in seen and code is not function:
                    seen.add(code)
                    if any(edge.target is function for edge in self.edges(code)):
                        yield code

    @cached_property
    def _mentions(self) -> dict[str, list[Code]]:
        """The code that reads each name: as a plain name or as the last part of a dotted one, under its first name."""
        table: dict[str, list[Code]] = {}
        for module in self.modules.ordered:
            aliases = {i.alias: i.name for i in module.facts.imports if i.alias and i.name}
            for code in module.codes():
                names = set(code.words)
                names.update(call.func.name for call in code.body.calls if isinstance(call.func, Attr))
                names.update(aliases[name] for name in names & aliases.keys())
                for name in names:
                    table.setdefault(name, []).append(code)
        return table

    def on_request_path(self, code: Code) -> bool:
        """Whether a request may run the code."""
        return isinstance(code, Function) and code in self.request_path


def positions(code: Code) -> Iterator[tuple[int, Expr]]:
    """Every expression of a body with the block it is evaluated in."""
    for block in code.body.blocks:
        if block.expr is not None:
            for expr in code.walk(block.expr):
                yield block.parent, expr
    for event in code.body.events:
        for part in parts_of(event):
            for expr in code.walk(part):
                yield event.block, expr
