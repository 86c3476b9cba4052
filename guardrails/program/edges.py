"""The edges of the call graph: what a body may run next."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from guardrails.facts.records import Attr, Call, CallRef, Expr, Item, Lambda, Ref, Span, parts_of, span_of
from guardrails.program import external
from guardrails.program.model import Class, Code, Function, tail
from guardrails.program.modules import Modules
from guardrails.program.types import Types
from guardrails.program.values import ExternalValue, FunctionValue, InstanceValue

# Built-in functions that read an iterable to its end, or at least begin to.
_CONSUMERS = frozenset(
    {"list", "tuple", "set", "sorted", "sum", "min", "max", "any", "all", "dict", "next", "frozenset"}
)


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


class Edges:
    """Edges between the project's functions; answers are remembered."""

    def __init__(self, modules: Modules, types: Types) -> None:
        self.types = types
        self._names = modules.names
        self._found: dict[Code, tuple[Edge, ...]] = {}

    def of(self, code: Code) -> tuple[Edge, ...]:
        """What running ``code`` may run next, in source order."""
        found = self._found.get(code)
        if found is None:
            found = self._found[code] = tuple(sorted(set(self._find(code)), key=lambda e: (e.span, e.target.qualname)))
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
                return name.rpartition(".")[2] in self._names.callables
            return name in self._names.callables or isinstance(code.scope_of(name), Function)
        if isinstance(expr, Attr):
            return expr.name in self._names.callables
        if isinstance(expr, CallRef):
            return tail(code.body.calls[expr.index].func) in {"partial", "partialmethod"}
        return isinstance(expr, (Lambda, Item))

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

    def _property_reads(self, code: Code) -> Iterator[Edge]:
        wanted = self._names.properties
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
