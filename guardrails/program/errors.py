"""Rule 5's questions: the application's exceptions, who handles them, who raises HTTP's, and what is swallowed."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from guardrails.facts.records import (
    Assert,
    Bind,
    Block,
    Call,
    Expr,
    Item,
    Items,
    Jump,
    Raise,
    Ref,
    Return,
    Span,
    unpack,
)  # fmt: skip
from guardrails.finding import Place
from guardrails.knowledge import web as tables
from guardrails.program.edges import positions
from guardrails.program.expressions import keyword
from guardrails.program.layers import words_of
from guardrails.program.model import Class, Code, Function, Module, tail
from guardrails.program.values import (
    ClassValue,
    ExternalInstance,
    ExternalValue,
    InstanceValue,
    LiteralValue,
    MappingValue,
    Value,
    Values,
)  # fmt: skip

if TYPE_CHECKING:
    from guardrails.program.program import Program

_BUILTIN = frozenset(
    n
    for n, v in vars(builtins).items()
    if isinstance(v, type) and issubclass(v, BaseException) and not issubclass(v, Warning)
)
_WORDS = frozenset({"exception", "exceptions", "error", "errors", "exc"})
_BROAD = frozenset({"Exception", "BaseException"})
# What ends a task or an iteration is no failure.
_ENDINGS = frozenset(
    {"asyncio.CancelledError", "StopAsyncIteration", "StopIteration", "GeneratorExit", "KeyboardInterrupt"}
)
# Words of functions that pass a failure on: to a log, an operator, the caller.
_REMEMBERING = frozenset(
    {"abort", "alert", "capture", "exc", "exception", "exit", "fail", "log", "notify", "print", "report", "warn"}
)
_ROUTE_FOLDERS = frozenset({"endpoint", "endpoints", "route", "router", "routers", "routes"})
_ALLOWED_LAYERS = frozenset({"routes", "wiring"})


class Except(Struct, frozen=True):
    """An ``except`` where it stands. ``caught``: what it may catch, empty for a bare one; ``name``: what it binds."""

    code: Code
    index: int
    block: Block
    caught: Values
    name: str | None

    @property
    def place(self) -> Place:
        """The word ``except``."""
        line, column, _, _ = unpack(self.block.span)
        return Place(self.code.module.display, line, column, line, column + len("except"))

    @property
    def is_broad(self) -> bool:
        """Whether it catches whatever is raised."""
        return self.block.expr is None or any(isinstance(v, ExternalValue) and v.name in _BROAD for v in self.caught)

    def holds(self, block: int) -> bool:
        """Whether a block lies in its body."""
        return self.code.inside(block, self.index)

    @property
    def shown(self) -> str:
        """How it is written: ``except``, ``except Exception``, ``except (KeyError, …)``."""
        expr = self.block.expr
        if expr is None:
            return "except"
        if isinstance(expr, Items):
            return f"except ({', '.join(tail(item) or '…' for item in expr.items)})"
        return f"except {tail(expr)}"


class HttpRaise(Struct, frozen=True):
    """A raise of an HTTP exception; ``cls``: the project's subclass, where it is one."""

    code: Code
    span: Span
    cls: Class | None


class Failures:
    """What the bodies of a module say of exceptions by their text alone; most say nothing.

    ``clauses``: the ``except`` clauses and ``contexts`` the calls that a ``with`` enters, each with its block's index;
    ``raised``: the ``raise`` statements; ``stored``: what ``app.exception_handlers[KeyError] = handler``
    binds, each with the key; ``catching``: the bodies with an ``except`` or such a ``with``.
    """

    def __init__(self, code: Code) -> None:
        self.clauses: dict[Code, list[tuple[int, Block]]] = {}
        self.contexts: dict[Code, list[tuple[int, Call]]] = {}
        self.raised: dict[Code, list[Raise]] = {}
        self.stored: dict[Code, list[tuple[Bind, Expr]]] = {}
        self.catching: list[Code] = []
        for each in code.module.codes():
            self._read(each)

    def _read(self, code: Code) -> None:
        for index, block in enumerate(code.body.blocks):
            if block.kind == "except":
                self.clauses.setdefault(code, []).append((index, block))
            elif block.kind in {"with", "async-with"} and (call := code.call(block.expr)) is not None:
                self.contexts.setdefault(code, []).append((index, call))
        if code in self.clauses or code in self.contexts:
            self.catching.append(code)
        for event in code.body.events:
            if isinstance(event, Raise):
                self.raised.setdefault(code, []).append(event)
            elif isinstance(event, Bind):
                target = event.target
                if isinstance(target, Item) and tail(target.value) == "exception_handlers":
                    self.stored.setdefault(code, []).append((event, target.index))


class Errors:
    """Answers about exceptions."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.types = program.types
        self.web = program.web
        self._excepts: dict[Code, tuple[Except, ...]] = {}

    # --- exception classes

    def is_exception(self, cls: Class) -> bool:
        """Whether a class is an exception: of the language, or of a library by the name of its base."""
        return any(
            isinstance(owner, str) and (owner in _BUILTIN or owner.rpartition(".")[2].endswith(("Error", "Exception")))
            for owner in self.types.mro(cls)
        )

    @cached_property
    def classes(self) -> tuple[Class, ...]:
        """The application's exception classes, by module and line."""
        modules = self.program.modules
        known = (m for m in modules.ordered if m in modules.context)
        return tuple(c for m in known for c in m.classes if self.is_exception(c))

    def is_home(self, module: Module) -> bool:
        """Whether a module is an exceptions module: by its own name, or by that of a package around it."""
        *folders, own = module.name.split(".")
        if any(folder.lower() in _WORDS for folder in folders):
            return True
        words = words_of(own)
        if words and words[-1] in _WORDS:
            return True
        return (
            bool(words) and words[0] in _WORDS and self.program.layers.of(module) in {"core", "wiring", "utils", None}
        )

    @property
    def has_home(self) -> bool:
        """Whether an exceptions module defines an exception class."""
        return any(self.is_home(cls.module) for cls in self.classes)

    @cached_property
    def empty_home(self) -> Module | None:
        """The exceptions module that defines none, where there is one."""
        own = [m for m in self.program.application if self.is_home(m) and not m.facts.empty]
        named = [
            m for m in own if words_of(m.name.rpartition(".")[2])[-1:] in (("exceptions",), ("errors",), ("exception",))
        ]
        return min(named, key=lambda m: m.name, default=None)

    # --- exception handlers

    @cached_property
    def registered(self) -> tuple[Values, ...]:
        """What each exception handler that the app is given catches; empty values where that cannot be read."""
        return tuple(self._registered())

    def _registered(self) -> Iterator[Values]:
        sites = self.program.modules.sites
        helpers = (name for name in sites.names if "exception_handler" in name)
        for site in sites.named({*tables.EXCEPTION_HANDLER_METHODS, *helpers}, {tables.EXCEPTION_HANDLERS_KEYWORD}):
            found = [*self._registered_at(site.call, site.code)]
            if found and self._is_set_up(site.code):
                yield from found
        for module in self.program.application:
            for code, stored in module.reading(Failures).stored.items():
                if self._is_set_up(code):
                    for bind, key in stored:
                        yield self._caught(key, code, bind.block)

    def _is_set_up(self, code: Code) -> bool:
        return not isinstance(code, Function) or self.program.calls.in_startup(code)

    def _registered_at(self, call: Call, code: Code) -> Iterator[Values]:
        name = tail(call.func)
        if name in tables.EXCEPTION_HANDLER_METHODS:
            caught = keyword(call.keywords, "exc_class_or_status_code") or next(iter(call.args), None)
            yield self._caught(caught, code, call.block) if caught is not None else ()
        elif "exception_handler" in name and self._is_given_app(call, code):
            yield ()  # a library's helper
        table = keyword(call.keywords, tables.EXCEPTION_HANDLERS_KEYWORD)
        if table is not None:
            yield from self._table(table, code, call.block)

    def _is_given_app(self, call: Call, code: Code) -> bool:
        given = any(self.web.is_app(v) for a in call.args for v in self.types.infer(a, code, call.block))
        return given and not self.types.targets(call, code)

    def _caught(self, expr: Expr, code: Code, block: int) -> Values:
        values = self.types.expand(self.types.infer(expr, code, block))
        return () if any(self.web.is_app(v) for v in values) else values

    def _table(self, expr: Expr, code: Code, block: int) -> Iterator[Values]:
        for value in self.types.infer(expr, code, block):
            if not isinstance(value, MappingValue):
                yield ()
                continue
            for key in value.expr.keys:
                yield self.types.infer(key, value.code) if key is not None else ()

    @property
    def catches_all(self) -> bool:
        """Whether a handler catches ``Exception`` or status 500, or what it catches cannot be read, or middleware
        beside the handlers catches everything and answers.
        """
        if self.registered and any(self._answers(c) for f in self.middleware for c in self.excepts(f) if c.is_broad):
            return True
        return any(
            not self._readable(caught) or any(self._is_everything(v) for v in caught) for caught in self.registered
        )

    @staticmethod
    def _answers(clause: Except) -> bool:
        """Whether an ``except`` of middleware gives a response of its own rather than raise again."""
        events = [e for e in clause.code.body.events if clause.holds(e.block)]
        return any(isinstance(e, Return) and e.value is not None for e in events) or any(
            tail(c.func) == "send" or tail(c.func).endswith("Response")
            for c in clause.code.body.calls
            if clause.holds(c.block)
        )

    @staticmethod
    def _readable(caught: Values) -> bool:
        return bool(caught) and all(isinstance(v, (ClassValue, ExternalValue, LiteralValue)) for v in caught)

    @staticmethod
    def _is_everything(value: Value) -> bool:
        if isinstance(value, LiteralValue):
            return value.value == 500
        return isinstance(value, ExternalValue) and (value.name in _BROAD or tables.status_code(value.name) == 500)

    # --- who raises HTTP's exceptions

    def is_http(self, value: Value) -> bool:
        """Whether a value is FastAPI's or Starlette's ``HTTPException``, a subclass, or an instance of one."""
        if isinstance(value, ExternalInstance):
            return value.cls in tables.HTTP_EXCEPTIONS
        if isinstance(value, ExternalValue):
            return value.name in tables.HTTP_EXCEPTIONS
        return isinstance(value, (ClassValue, InstanceValue)) and self.types.is_a(value.cls, *tables.HTTP_EXCEPTIONS)

    def may_be_http(self, expr: Expr, code: Code) -> bool:
        """Whether an expression may be an HTTP exception or its class, by its name alone: most are other exceptions'.

        Asking this first saves inferring them.
        """
        call = code.call(expr)
        name = tail(expr if call is None else call.func)
        return not name[:1].isupper() or name in self._http_names

    @cached_property
    def _http_names(self) -> frozenset[str]:
        """The capitalized names that HTTP exceptions and their classes may go by."""
        return self.web.names_for(tables.HTTP_EXCEPTIONS)

    def http_raises(self) -> Iterator[HttpRaise]:
        """Where the application raises HTTP exceptions though nothing there knows about HTTP."""
        for module in self.program.application:
            if self.program.layers.of(module) in _ALLOWED_LAYERS or _among_routes(module):
                continue
            for code in module.reading(Failures).raised:
                raised = [*self._http_raises_in(code)]
                if raised and not (isinstance(code, Function) and self._may_raise_http(code)):
                    yield from raised

    @staticmethod
    def raised(code: Code) -> Sequence[Raise]:
        """The ``raise`` statements of a body, in source order."""
        return code.module.reading(Failures).raised.get(code, ())

    def _http_raises_in(self, code: Code) -> Iterator[HttpRaise]:
        for event in self.raised(code):
            if event.exc is None or not self.may_be_http(event.exc, code) or self._is_caught_name(event.exc, code):
                continue
            value = next((v for v in self.types.infer(event.exc, code, event.block) if self.is_http(v)), None)
            if value is not None:
                cls = value.cls if isinstance(value, (ClassValue, InstanceValue)) else None
                yield HttpRaise(code, event.span, cls)

    def _may_raise_http(self, function: Function) -> bool:
        return function in self.web.handlers or self.only_for(function, self._at_the_border)

    @staticmethod
    def _is_caught_name(expr: Expr, code: Code) -> bool:
        """``raise exc`` of what an ``except`` has caught."""
        return isinstance(expr, Ref) and any(
            isinstance(d, Bind) and d.op == "except" for d in code.bindings.get(expr.name, ())
        )

    @cached_property
    def _at_the_border(self) -> frozenset[Function]:
        """Functions that stand between the framework and the handlers: dependencies, middleware, decorators."""
        found = set(self.web.dependencies) | self.middleware | set(self.web.exception_handlers)
        for module in self.program.application:
            found.update(f for f in module.functions if f not in self.web.handlers and self._is_injected(f))
            found.update(m for c in module.classes if self.types.is_a(c, *tables.SECURITY_SCHEMES) for m in c.methods)
        for handler in self.web.handlers:
            outer = handler.outer
            for decorator in handler.facts.decorators if outer is not None else ():
                assert outer is not None
                call = outer.call(decorator)
                func = call.func if call is not None else decorator
                for value in self.types.infer(func, outer, handler.facts.block):
                    found.update(self.types.functions_of(value))
        return frozenset(found)

    @cached_property
    def middleware(self) -> frozenset[Function]:
        """Middleware, that of which only the signature says so included (``request, call_next``)."""
        found = set(self.web.middleware)
        for module in self.program.application:
            found.update(module.reading(_middleware_in))
        return frozenset(found)

    def _is_injected(self, function: Function) -> bool:
        """Whether ``Depends`` gives a parameter its value: then the framework calls the function."""
        return any(self.types.dependency(function, p.name) is not None for p in function.facts.parameters)

    def only_for(self, function: Function, roots: frozenset[Function]) -> bool:
        """Whether a function is one of the roots, lies in one, or is called by the application for their sake alone."""
        return self._only_for(function, roots, frozenset())

    def _only_for(self, function: Function, roots: frozenset[Function], seen: frozenset[Function]) -> bool:
        if function in roots:
            return True
        if function in seen or len(seen) > 8:
            return False
        seen = seen | {function}
        if isinstance(function.outer, Function) and self._only_for(function.outer, roots, seen):
            return True
        callers = {code for code, _ in self.types.calls_of(function) if code.module.application}
        return bool(callers) and all(isinstance(c, Function) and self._only_for(c, roots, seen) for c in callers)

    # --- what is swallowed

    def excepts(self, code: Code) -> tuple[Except, ...]:
        """The ``except`` clauses of a body, in source order."""
        if code not in code.module.reading(Failures).clauses:
            return ()
        found = self._excepts.get(code)
        if found is None:
            found = self._excepts[code] = tuple(self._find_excepts(code))
        return found

    def _find_excepts(self, code: Code) -> Iterator[Except]:
        for index, block in code.module.reading(Failures).clauses[code]:
            caught = self.types.infer(block.expr, code, block.parent) if block.expr is not None else ()
            caught = self.types.items_of(caught) if isinstance(block.expr, Items) else caught
            name = block.target.name if isinstance(block.target, Ref) else None
            yield Except(code, index, block, caught, name)

    @property
    def catching(self) -> Iterator[Code]:
        """The application's bodies that catch anything, by an ``except`` or what a ``with`` enters, by module."""
        return (code for module in self.program.application for code in module.reading(Failures).catching)

    def swallowed(self, code: Code) -> Iterator[Except]:
        """The ``except`` clauses that forget what they catch."""
        for clause in self.excepts(code):
            forgets = (clause.is_broad and not self._remembers(clause)) or self._passes_over_mongo(clause)
            if forgets and not _raises_next(code, clause.block.of) and not self.is_operational(code):
                yield clause

    def suppressed(self, code: Code) -> Iterator[Call]:
        """``contextlib.suppress(Exception)``."""
        for index, call in code.module.reading(Failures).contexts.get(code, ()):
            if not self._is_named(call.func, code, call.block, {"contextlib.suppress"}):
                continue
            broad = any(self._is_named(argument, code, call.block, _BROAD) for argument in call.args)
            if broad and not _raises_next(code, index) and not self.is_operational(code):
                yield call

    def is_operational(self, code: Code) -> bool:
        """Whether a body only serves operational endpoints: health, readiness, metrics and the like."""
        return isinstance(code, Function) and self.only_for(code, self.program.operations.operational)

    def _is_named(self, expr: Expr, code: Code, block: int, names: Iterable[str]) -> bool:
        return any(isinstance(v, ExternalValue) and v.name in names for v in self.types.infer(expr, code, block))

    def _remembers(self, clause: Except) -> bool:
        """Whether the body raises, logs, passes the failure on, or uses the exception but to return it."""
        code = clause.code
        if any(isinstance(event, (Raise, Assert)) and clause.holds(event.block) for event in code.body.events):
            return True
        for call in code.body.calls:
            if clause.holds(call.block) and self._passes_on(call, code, 3):
                return True
        return clause.name is not None and self._uses(clause, clause.name)

    def _passes_on(self, call: Call, code: Code, depth: int) -> bool:
        """Whether a call logs, reports or raises: by its name, or by what the project's function that it runs does."""
        if self.program.logs.is_log(call, code) or not _REMEMBERING.isdisjoint(words_of(tail(call.func))):
            return True
        if isinstance(call.func, Ref) and call.func.name.startswith("traceback."):
            return True
        if depth == 0:
            return False
        return any(
            self.raised(target) or any(self._passes_on(inner, target, depth - 1) for inner in target.body.calls)
            for target in self.types.targets(call, code)
        )

    @staticmethod
    def _uses(clause: Except, name: str) -> bool:
        """Whether the body reads the exception other than to return it."""
        code = clause.code
        returned = {
            id(part)
            for event in code.body.events
            if isinstance(event, Return) and event.value is not None
            for part in (event.value.items if isinstance(event.value, Items) else (event.value,))
        }
        return any(
            isinstance(expr, Ref) and expr.name.partition(".")[0] == name and id(expr) not in returned
            for block, expr in positions(code)
            if clause.holds(block) and not (isinstance(expr, Ref) and expr.span == _target_span(clause))
        )

    def _passes_over_mongo(self, clause: Except) -> bool:
        """``except …: pass`` around a Mongo operation."""
        code = clause.code
        body = [e for e in code.body.events if clause.holds(e.block) and not self._binds_exception(e, clause)]
        if any(not (isinstance(e, Jump) and e.kind in {"pass", "..."}) for e in body):
            return False
        if clause.caught and all(isinstance(v, ExternalValue) and v.name in _ENDINGS for v in clause.caught):
            return False
        return any(code.inside(o.call.block, clause.block.of) for o in self.program.mongo.by_code.get(code, ()))

    @staticmethod
    def _binds_exception(event: object, clause: Except) -> bool:
        return isinstance(event, Bind) and event.op == "except" and event.block == clause.index


def _middleware_in(module: Code) -> list[Function]:
    """The functions of a module whose parameters say that they are middleware."""
    return [
        function
        for function in module.module.functions
        if "call_next" in function.parameters_by_name
        or {"scope", "receive", "send"} <= function.parameters_by_name.keys()
    ]


def _target_span(clause: Except) -> Span:
    target = clause.block.target
    return target.span if isinstance(target, Ref) else -1


def _among_routes(module: Module) -> bool:
    """Whether a module lies in a folder of routes, whatever its own name says (``routes/base_controllers.py``)."""
    return any(folder.lower() in _ROUTE_FOLDERS for folder in module.name.split(".")[:-1])


def _raises_next(code: Code, statement: int) -> bool:
    """Whether a ``raise`` follows a ``try`` or ``with`` in the same block: it only clears up on the way to an error."""
    if statement < 0:
        return False
    block = code.body.blocks[statement]
    return any(e.block == block.parent and e.span > block.span for e in Errors.raised(code))
