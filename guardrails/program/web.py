"""The FastAPI side of the program: apps and routers, who registers what on them, dependencies, middleware, start-up."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from msgspec import Struct

from guardrails.facts.records import Call, CallRef, Const, Expr, Items, Keyword, Mapping, Ref
from guardrails.knowledge import web as tables
from guardrails.program import external
from guardrails.program.model import Class, Code, Function, Module, argument, bound_names, tail
from guardrails.program.modules import Modules
from guardrails.program.sites import Site
from guardrails.program.types import Types
from guardrails.program.values import (
    ClassValue,
    ExternalInstance,
    ExternalValue,
    FunctionValue,
    InstanceValue,
    LiteralValue,
    Value,
    Values,
)  # fmt: skip


class Registered(Struct, frozen=True):
    """A handler registered on an app or router.

    ``owner``: the app or router as written; ``owners``: what it may be. ``methods``: HTTP methods, none for a
    websocket. ``path``: as written, None where it cannot be read.
    """

    handler: Function
    site: Site
    owner: Expr
    owners: Values
    methods: tuple[str, ...]
    path: str | None
    websocket: bool


class Web:
    """Answers about FastAPI objects."""

    def __init__(self, modules: Modules, types: Types) -> None:
        self.modules = modules
        self.types = types

    # --- apps and routers

    def is_app(self, value: Value) -> bool:
        """Whether a value is a FastAPI or Starlette application."""
        return self._is(value, tables.APPS)

    def is_fastapi(self, value: Value) -> bool:
        """Whether a value is a FastAPI application."""
        return self._is(value, frozenset({"fastapi.FastAPI"}))

    def is_router(self, value: Value) -> bool:
        """Whether a value is a router."""
        return self._is(value, tables.ROUTERS)

    def _is(self, value: Value, classes: frozenset[str]) -> bool:
        if isinstance(value, ExternalInstance):
            return value.cls in classes
        return isinstance(value, InstanceValue) and self.types.is_a(value.cls, *classes)

    @cached_property
    def app_sites(self) -> tuple[Site, ...]:
        """Where the application constructs its apps, by module and line."""
        return self._constructions(tables.APPS)

    @cached_property
    def router_sites(self) -> tuple[Site, ...]:
        """Where the application constructs its routers, by module and line."""
        return self._constructions(tables.ROUTERS)

    def _constructions(self, classes: frozenset[str]) -> tuple[Site, ...]:
        return tuple(
            site
            for site, values in self._constructors
            if any(
                (isinstance(value, ExternalValue) and value.name in classes)
                or (isinstance(value, ClassValue) and self.types.is_a(value.cls, *classes))
                for value in values
            )
        )

    @cached_property
    def _constructors(self) -> list[tuple[Site, Values]]:
        """The calls of what may be an app's or a router's class by its name, with what it may be."""
        return [
            (site, self.types.infer(site.call.func, site.code, site.call.block))
            for site in self.modules.sites.named(self.names_for(tables.APPS | tables.ROUTERS))
            if isinstance(site.call.func, Ref)
        ]

    def names_for(self, classes: frozenset[str]) -> frozenset[str]:
        """The names that third-party classes and those that the project derives from them may go by: few things are
        called so, and asking this first saves inferring the others.
        """
        return external.last_names(classes).union(
            self.renamed,
            (
                cls.name
                for module in self.modules.ordered
                for cls in module.classes
                if cls.facts.bases and self.types.is_a(cls, *classes)
            ),
        )

    @cached_property
    def renamed(self) -> frozenset[str]:
        """The capitalized names that the project gives to what has a name already: each may mean any class."""
        return frozenset().union(*(module.reading(_renamed_in) for module in self.modules.ordered))

    # --- registrations

    @cached_property
    def registered(self) -> tuple[Registered, ...]:
        """Every handler registration of the application, by module and place."""
        sites = self.modules.sites.named(tables.REGISTRATIONS)
        return tuple(found for site in sites for found in self._registered_at(site))

    def _registered_at(self, site: Site) -> Iterator[Registered]:
        call, code = site.call, site.code
        if not isinstance(call.func, Ref) or "." not in call.func.name:
            return
        base, _, name = call.func.name.rpartition(".")
        row = tables.REGISTRATIONS[name]
        decorated = self._decorated.get((code, site.index)) if row.decorator else None
        if row.decorator and decorated is None and call.use != "receiver":
            return
        owner = Ref(base, call.func.span)
        owners = self._owners(owner, code, call.block)
        if not owners:
            return
        if decorated is not None:
            handlers = [decorated]
        elif row.decorator:
            handlers = self._called_with(code, site.index)
        else:
            handlers = self.functions(argument(call, row.endpoint, "endpoint"), code, call.block)
        for handler in handlers:
            yield Registered(
                handler, site, owner, owners, self._methods(call, row), self.text(
                    argument(call, 0, "path"), code, call.block
                ), row.websocket,
            )  # fmt: skip

    @cached_property
    def _decorated(self) -> dict[tuple[Code, int], Function]:
        """The functions of the application by the calls that decorate them."""
        return {
            (function.outer, decorator.index): function
            for module in self.modules.ordered if module.application
            for function in module.functions if function.outer is not None
            for decorator in function.facts.decorators if isinstance(decorator, CallRef)
        }  # fmt: skip

    def _called_with(self, code: Code, decorator: int) -> list[Function]:
        """``router.get("/x")(handler)``: the decorator called by hand."""
        for call in code.body.calls:
            if isinstance(call.func, CallRef) and call.func.index == decorator and call.args:
                return self.functions(call.args[0], code, call.block)
        return []

    def _owners(self, owner: Ref, code: Code, block: int) -> Values:
        values = self.types.expand(self.types.infer(owner, code, block))
        return tuple(v for v in values if self.is_app(v) or self.is_router(v))

    def _methods(self, call: Call, row: tables.Registration) -> tuple[str, ...]:
        if row.methods or row.websocket:
            return row.methods
        for keyword in call.keywords:
            if keyword.name == "methods" and isinstance(keyword.value, Items):
                return tuple(
                    item.value.upper() for item in keyword.value.items
                    if isinstance(item, Const) and isinstance(item.value, str)
                )  # fmt: skip
        return ("GET",)

    @cached_property
    def handlers(self) -> dict[Function, tuple[Registered, ...]]:
        """The handlers and their registrations, in order of registration."""
        table: dict[Function, list[Registered]] = {}
        for registered in self.registered:
            table.setdefault(registered.handler, []).append(registered)
        return {handler: tuple(found) for handler, found in table.items()}

    # --- what else the framework calls

    def functions(self, expr: Expr | None, code: Code, block: int) -> list[Function]:
        """The project's functions that an expression names: partials unwrapped, classes by constructor."""
        if expr is None:
            return []
        found: list[Function] = []
        for value in self.types.expand(self.types.infer(expr, code, block)):
            found.extend(self.types.functions_of(value))
            if isinstance(value, FunctionValue) and value.function not in found:
                found.append(value.function)
        return found

    def text(self, expr: Expr | None, code: Code, block: int) -> str | None:
        """The string that an expression is, if it is one and can be read."""
        if expr is None:
            return None
        values = self.types.infer(expr, code, block)
        if len(values) == 1 and isinstance(values[0], LiteralValue) and isinstance(values[0].value, str):
            return values[0].value
        return None

    @cached_property
    def dependencies(self) -> frozenset[Function]:
        """The project's functions that ``Depends`` or ``Security`` names anywhere in the application."""
        found: set[Function] = set()
        for site in self.modules.sites.named({"Depends", "Security"}):
            call, code = site.call, site.code
            if self.types.depends_marker(CallRef(site.index), code):
                found.update(self.functions(argument(call, 0, "dependency"), code, call.block))
        for module in self.modules.ordered:
            for function in module.functions if module.application else ():
                for parameter in function.facts.parameters:
                    for value in self.types.dependency(function, parameter.name) or ():
                        found.update(self.types.functions_of(value))
        return frozenset(found)

    @cached_property
    def middleware(self) -> frozenset[Function]:
        """Functions and methods that run as middleware."""
        found: set[Function] = set()
        for module in self.modules.ordered:
            if not module.application:
                continue
            for cls in module.classes:
                if cls.facts.bases and self.types.is_a(cls, *tables.MIDDLEWARE_BASES):
                    found.update(m for m in cls.methods if m.name in {"dispatch", "__call__"})
            found.update(module.reading(_Hooks).middleware)
        for site in self.modules.sites.named({"add_middleware", "Middleware"}):
            call = site.call
            for value in self.types.infer(call.args[0], site.code, call.block) if call.args else ():
                if isinstance(value, ClassValue):
                    found.update(m for m in value.cls.methods if m.name in {"dispatch", "__call__"})
        return frozenset(found)

    @cached_property
    def exception_handlers(self) -> dict[Function, tuple[Site, ...]]:
        """Functions registered to answer exceptions, with where they are registered."""
        found: dict[Function, list[Site]] = {}
        for module in self.modules.ordered:
            for function, site in module.reading(_Hooks).answering if module.application else ():
                found.setdefault(function, []).append(site)
        for site in self.modules.sites.named({"add_exception_handler"}, {tables.EXCEPTION_HANDLERS_KEYWORD}):
            call = site.call
            for expr in self._handler_expressions(call, site.code):
                for function in self.functions(expr, site.code, call.block):
                    found.setdefault(function, []).append(site)
        return {function: tuple(sites) for function, sites in found.items()}

    def _handler_expressions(self, call: Call, code: Code) -> Iterator[Expr]:
        if tail(call.func) == "add_exception_handler":
            handler = argument(call, 1, "handler")
            if handler is not None:
                yield handler
        for keyword in call.keywords:
            if keyword.name == tables.EXCEPTION_HANDLERS_KEYWORD:
                mapping = self.mapping(keyword.value, code, call.block)
                if mapping is not None:
                    yield from mapping.values

    def mapping(self, expr: Expr, code: Code, block: int) -> Mapping | None:
        """The dict display that an expression is, through local names of the same code."""
        if isinstance(expr, Mapping):
            return expr
        bind, owner = self.types.single_binding(expr, code) if isinstance(expr, Ref) else (None, None)
        return bind.value if bind is not None and owner is code and isinstance(bind.value, Mapping) else None

    # --- start-up

    @cached_property
    def startup(self) -> frozenset[Function]:
        """Functions that run at start-up or shutdown: lifespans, event handlers, the factories that build an app."""
        found: set[Function] = set()
        for site in self.app_sites:
            if isinstance(site.code, Function):
                found.add(site.code)
        for module in self.modules.ordered:
            if not module.application:
                continue
            hooks = module.reading(_Hooks)
            found.update(hooks.events)
            for code, bind in hooks.lifespans:
                found.update(self.functions(bind.value, code, bind.block))
        for site in self.modules.sites.named({"add_event_handler", "append"}, tables.LIFECYCLE_KEYWORDS):
            call, code = site.call, site.code
            for keyword in call.keywords:
                if keyword.name in tables.LIFECYCLE_KEYWORDS:
                    found.update(self._lifecycle(keyword, code, call))
            if tail(call.func) == "add_event_handler":
                found.update(self.functions(argument(call, 1, "func"), code, call.block))
            if tail(call.func) == "append" and _base(call.func).endswith((".on_startup", ".on_shutdown")):
                found.update(self.functions(argument(call, 0, "func"), code, call.block))
        return frozenset(found)

    def _lifecycle(self, keyword: Keyword, code: Code, call: Call) -> list[Function]:
        value = keyword.value
        parts = value.items if isinstance(value, Items) else (value,)
        return [function for part in parts for function in self.functions(part, code, call.block)]


class _Hooks:
    """What the text of a module says that the framework runs beside handlers.

    ``middleware``, ``events``: the functions decorated so; ``answering``: those that answer exceptions, each with
    where it is decorated; ``lifespans``: bindings of a router's lifespan.
    """

    def __init__(self, module: Code) -> None:
        self.middleware: list[Function] = []
        self.events: list[Function] = []
        self.answering: list[tuple[Function, Site]] = []
        for function in module.module.functions:
            if function.facts.decorators:
                self._read(function)
        self.lifespans = [
            (code, bind)
            for code in module.module.codes()
            for bind in code.attribute_bindings
            if isinstance(bind.target, Ref) and bind.target.name.endswith(".lifespan_context")
        ]

    def _read(self, function: Function) -> None:
        if any(name.endswith(".middleware") for name in function.decorator_names):
            self.middleware.append(function)
        if any(name.endswith(".on_event") for name in function.decorator_names):
            self.events.append(function)
        for decorator in function.facts.decorators:
            if isinstance(decorator, CallRef) and function.outer is not None:
                call = function.outer.body.calls[decorator.index]
                if tail(call.func) == "exception_handler":
                    self.answering.append((function, Site(function.outer, decorator.index)))


def _renamed_in(module: Code) -> frozenset[str]:
    """The capitalized names that a module's imports, bindings, loops, parameters and functions introduce."""
    names = {item.alias for item in module.module.facts.imports if item.alias}
    for code in module.module.codes():
        names.update(code.assigned)
        names.update(tail(bind.target) for bind in code.attribute_bindings)
        for block in code.body.blocks:
            if block.target is not None:
                names.update(bound_names(block.target))
        if isinstance(code, Function):
            names.add(code.name)
            names.update(code.parameters_by_name)
    return frozenset(name for name in names if name[:1].isupper())


def _base(expr: Expr) -> str:
    return expr.name.rpartition(".")[0] if isinstance(expr, Ref) else ""


__all__ = ["Class", "Module", "Registered", "Site", "Web"]
