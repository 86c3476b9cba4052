"""The call graph, and what runs when: the request path, start-up, the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from guardrails.facts.records import Attr
from guardrails.knowledge import handoff
from guardrails.program.edges import Edge, Edges
from guardrails.program.layers import Layers
from guardrails.program.model import Class, Code, Function, Module
from guardrails.program.modules import Modules
from guardrails.program.types import Types
from guardrails.program.values import ClassValue, InstanceValue, Value
from guardrails.program.web import Web

_SPAWNERS = frozenset(n.rpartition(".")[2] for n in handoff.TASK_SPAWNERS | handoff.TASK_KEEPERS)


class CallGraph:
    """What reaches what; answers are remembered."""

    def __init__(self, modules: Modules, types: Types, web: Web, layers: Layers, edges: Edges) -> None:
        self.modules = modules
        self.layers = layers
        self.types = types
        self.web = web
        self._edges = edges

    def edges(self, code: Code) -> tuple[Edge, ...]:
        """What running ``code`` may run next, in source order."""
        return self._edges.of(code)

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
        for site in self.modules.sites.named(_SPAWNERS):
            for argument in site.call.args:
                inner = site.code.call(argument)
                if inner is not None:
                    found.update(f for f in self.types.targets(inner, site.code) if f.is_async)
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
        return self.in_startup(code) and code not in self.request_path

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
        for site in self.modules.sites.named((), ("lifespan",)):
            for keyword in site.call.keywords:
                if keyword.name == "lifespan":
                    for value in self.types.infer(keyword.value, site.code, site.call.block):
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
        names, heirs = {function.name}, frozenset[Class]()
        if function.cls is not None and function.name.startswith("__"):
            heirs = frozenset(self.types.with_subclasses(function.cls))
            names = {c.name for c in heirs} | {"super"}
        seen: set[Code] = set()
        for name in sorted(names):
            for code in self._mentions.get(name, ()):
                if code in seen or code is function or (name == "super" and code.class_around not in heirs):
                    continue
                seen.add(code)
                if any(edge.target is function for edge in self.edges(code)):
                    yield code

    @cached_property
    def _mentions(self) -> dict[str, list[Code]]:
        """The code that reads each name: as a plain name or as the last part of a dotted one, under its first name."""
        table: dict[str, list[Code]] = {}
        for module in self.modules.ordered:
            for name, codes in module.reading(_mentions).items():
                table.setdefault(name, []).extend(codes)
        return table

    def on_request_path(self, code: Code) -> bool:
        """Whether a request may run the code."""
        return isinstance(code, Function) and code in self.request_path


def _mentions(module: Code) -> dict[str, list[Code]]:
    """The code of a module that reads each name; one that it imports as something else by both names."""
    table: dict[str, list[Code]] = {}
    aliases = {i.alias: i.name for i in module.module.facts.imports if i.alias and i.name}
    for code in module.module.codes():
        names = set(code.words)
        names.update(call.func.name for call in code.body.calls if isinstance(call.func, Attr))
        names.update(aliases[name] for name in names & aliases.keys())
        for name in names:
            table.setdefault(name, []).append(code)
    return table
