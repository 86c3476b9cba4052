"""The linked objects: modules, classes and functions, each a view on its facts with its place in the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, TypeVar, Union

from guardrails.facts.records import (
    Bind,
    Block,
    Body,
    Call,
    CallRef,
    ClassFacts,
    Define,
    Expr,
    FunctionFacts,
    Import,
    Items,
    ModuleFacts,
    Parameter,
    Ref,
    Return,
    Scope,
    Span,
    Star,
    Walrus,
    span_of,
    unpack,
    walk,
)  # fmt: skip
from guardrails.finding import Place

Reading = TypeVar("Reading")
Definition = Union["Function", "Class", Import, Bind]


class Code:
    """Anything that owns a body: a module, a class or a function.

    ``qualname`` is the whole dotted name (``app.users.service.UserService.create``); ``outer`` the code around it;
    ``order`` its place among the codes of its module.
    """

    module: Module
    name: str
    qualname: str
    body: Body
    outer: Code | None
    order: int

    def place(self, span: Span) -> Place:
        """Where a span of this code's file stands."""
        return Place(self.module.display, *unpack(span))

    def place_of(self, expr: Expr) -> Place:
        """Where an expression of this body stands."""
        return self.place(span_of(expr, self.body))

    def call(self, expr: Expr | None) -> Call | None:
        """The call that an expression is, if it is one."""
        return self.body.calls[expr.index] if isinstance(expr, CallRef) else None

    def walk(self, expr: Expr) -> Iterator[Expr]:
        """An expression of this body and all its parts, outermost first."""
        return walk(expr, self.body)

    def ancestors_of(self, block: int) -> Iterator[tuple[int, Block]]:
        """A block and the blocks around it, innermost first, the body itself (block 0) last."""
        while block >= 0:
            record = self.body.blocks[block]
            yield block, record
            block = record.parent

    def inside(self, block: int, ancestor: int) -> bool:
        """Whether ``block`` is ``ancestor`` or nested in it."""
        return any(index == ancestor for index, _ in self.ancestors_of(block))

    @cached_property
    def bindings(self) -> dict[str, list[Definition]]:
        """Plain names that this body binds, each with its definitions in source order."""
        table: dict[str, list[Definition]] = {}
        for event in self.body.events:
            if isinstance(event, Define):
                kind = self.module.functions if event.kind == "function" else self.module.classes
                definition: Definition = kind[event.index]
                table.setdefault(kind[event.index].name, []).append(definition)
            elif isinstance(event, Bind):
                for name in bound_names(event.target):
                    table.setdefault(name, []).append(event)
        for item in self.imports:
            if item.name != "*":
                table.setdefault(item.alias or item.name or item.module.partition(".")[0], []).append(item)
        return table

    @property
    def imports(self) -> tuple[Import, ...]:
        """The import statements of this body."""
        return ()

    @cached_property
    def attribute_bindings(self) -> list[Bind]:
        """Bindings of dotted names: ``self.db = db``, ``app.state.client = client``."""
        return [
            e for e in self.body.events if isinstance(e, Bind) and isinstance(e.target, Ref) and "." in e.target.name
        ]

    def reading(self, make: Callable[[Code], Reading]) -> Reading:
        """``make`` of this code, made once: what its text alone says, to every program that it is a part of."""
        found: Reading | None = self._readings.get(make)
        if found is None:
            found = self._readings[make] = make(self)
        return found

    @cached_property
    def _readings(self) -> dict[object, Any]:
        return {}

    @property
    def receiver_name(self) -> str:
        """What a method calls its receiver (``self``, ``cls``); empty for other code."""
        return ""

    def scope_of(self, name: str) -> Code:
        """The code that binds a plain name which this code reads: the innermost around it, or the module."""
        found = self._scopes.get(name)
        if found is None:
            found = self
            while found.outer is not None and name not in found.bindings and name not in found.parameters_by_name:
                found = found.outer
            self._scopes[name] = found
        return found

    @cached_property
    def _scopes(self) -> dict[str, Code]:
        return {}

    @property
    def class_around(self) -> Class | None:
        """The class of whose method this code is, or is a part of."""
        scope: Code | None = self
        while scope is not None:
            if isinstance(scope, Function) and scope.cls is not None:
                return scope.cls
            scope = scope.outer
        return None

    @property
    def assigned(self) -> Iterator[str]:
        """The plain names that this body binds other than by a definition or an import."""
        return (name for name, found in self.bindings.items() if any(isinstance(d, Bind) for d in found))

    @property
    def parameters_by_name(self) -> dict[str, Parameter]:
        """All parameters, ``self`` included, by name; none but for functions."""
        return {}

    @cached_property
    def words(self) -> frozenset[str]:
        """The parts of all dotted names that this body reads."""
        return frozenset(".".join(self.body.loads).split(".")) if self.body.loads else frozenset()

    @cached_property
    def attribute_owners(self) -> frozenset[str]:
        """The plain names on which this body binds attributes."""
        return frozenset(b.target.name.partition(".")[0] for b in self.attribute_bindings if isinstance(b.target, Ref))

    @cached_property
    def tested_names(self) -> frozenset[str]:
        """The plain names whose class the body's conditions may test: a superset (``isinstance(x, User)``)."""
        found: set[str] = set()
        for block in self.body.blocks:
            if block.kind == "if" and block.expr is not None:
                for expr in self.walk(block.expr):
                    if isinstance(expr, CallRef):
                        call = self.body.calls[expr.index]
                        if isinstance(call.func, Ref) and call.func.name in {"isinstance", "type"} and call.args:
                            found.update(_first_name(call.args[0]))
                    elif isinstance(expr, Ref) and expr.name.endswith(".__class__"):
                        found.update(_first_name(expr))
        return frozenset(found)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.qualname}>"


class Module(Code):
    """A file of the project. ``package``: what its relative imports start from."""

    def __init__(self, name: str, display: str, facts: ModuleFacts, *, is_package: bool, application: bool) -> None:
        self.module = self
        self.name = self.qualname = name
        self.display = display
        self.facts = facts
        self.body = facts.body
        self.outer = None
        self.is_package = is_package
        self.package = name if is_package else name.rpartition(".")[0]
        self.application = application
        self.functions = [Function(self, f, index) for index, f in enumerate(facts.functions)]
        self.classes = [Class(self, c) for c in facts.classes]
        for function, facts_of in zip(self.functions, facts.functions):
            if facts_of.cls >= 0:
                function.cls = self.classes[facts_of.cls]
                function.outer = function.cls
                function.cls.functions.setdefault(function.name, []).append(function)
            else:
                function.outer = self.functions[facts_of.function] if facts_of.function >= 0 else self
        for cls, class_facts in zip(self.classes, facts.classes):
            if class_facts.cls >= 0:
                cls.outer = self.classes[class_facts.cls]
            else:
                cls.outer = self.functions[class_facts.function] if class_facts.function >= 0 else self
        for order, code in enumerate(self.codes()):
            code.order = order

    @property
    def imports(self) -> tuple[Import, ...]:
        return self._imports_of(-1)

    @cached_property
    def _imports_by_function(self) -> dict[int, tuple[Import, ...]]:
        table: dict[int, list[Import]] = {}
        for item in self.facts.imports:
            table.setdefault(item.function, []).append(item)
        return {key: tuple(items) for key, items in table.items()}

    def _imports_of(self, function: int) -> tuple[Import, ...]:
        return self._imports_by_function.get(function, ())

    @cached_property
    def bindings(self) -> dict[str, list[Definition]]:
        table = dict(super().bindings)
        # ``global client`` in a function makes that function's bindings the module's too.
        for function in self.functions:
            for event in function.body.events:
                if isinstance(event, Scope) and event.kind == "global":
                    for name in event.names:
                        local = [d for d in function.bindings.get(name, []) if isinstance(d, Bind)]
                        table[name] = [*table.get(name, []), *local]
                        self.owner_of.update({id(d): function for d in local})
        return table

    @cached_property
    def owner_of(self) -> dict[int, Code]:
        """Which code evaluates a binding, by ``id``, where that is not the module itself."""
        return {}

    @property
    def place_of_module(self) -> Place:
        """The module itself: its first line."""
        return Place(self.display, 1, 0, 1, 0)

    def codes(self) -> Iterator[Code]:
        """The module, its classes and its functions, in source order within each kind."""
        yield self
        yield from self.classes
        yield from self.functions


class Class(Code):
    """A class of the project. Its bases are resolved by the program (``Types.mro``)."""

    def __init__(self, module: Module, facts: ClassFacts) -> None:
        self.module = module
        self.facts = facts
        self.name = facts.name
        self.qualname = f"{module.name}.{facts.qualname}"
        self.body = facts.body
        self.functions: dict[str, list[Function]] = {}

    def method(self, name: str) -> Function | None:
        """The class's own method of that name, the last definition winning (overloads, property setters apart)."""
        found = self.functions.get(name)
        if not found:
            return None
        getters = [f for f in found if not f.is_accessor]
        return (getters or found)[-1]

    @property
    def methods(self) -> Iterator[Function]:
        """The class's own methods, in source order."""
        for functions in self.functions.values():
            yield from functions

    @cached_property
    def receiver_bindings(self) -> dict[str, list[tuple[Function, Bind]]]:
        """What the class's own methods bind on their receiver (``self.client = ...``), by the attribute's name."""
        table: dict[str, list[tuple[Function, Bind]]] = {}
        for method in self.methods:
            receiver = method.receiver_name
            for bind in method.attribute_bindings if receiver else ():
                base, _, attribute = bind.target.name.rpartition(".")  # type: ignore[union-attr]
                if base == receiver:
                    table.setdefault(attribute, []).append((method, bind))
        return table

    @property
    def place_here(self) -> Place:
        """The ``class`` line."""
        return self.place(self.facts.span)


class Function(Code):
    """A function, method or lambda of the project."""

    def __init__(self, module: Module, facts: FunctionFacts, index: int) -> None:
        self.module = module
        self.index = index
        self.facts = facts
        self.name = facts.name
        self.qualname = f"{module.name}.{facts.qualname}"
        self.body = facts.body
        self.cls: Class | None = None

    @property
    def is_async(self) -> bool:
        return self.facts.is_async

    @cached_property
    def place_here(self) -> Place:
        """The ``def`` line."""
        return self.place(self.facts.span)

    @property
    def imports(self) -> tuple[Import, ...]:
        return self.module._imports_of(self.index)

    @cached_property
    def decorator_names(self) -> tuple[str, ...]:
        """The decorators as written, without their arguments."""
        outer = self.outer
        assert outer is not None
        names = []
        for decorator in self.facts.decorators:
            call = outer.call(decorator)
            target = call.func if call is not None else decorator
            names.append(target.name if isinstance(target, Ref) else "")
        return tuple(names)

    def has_decorator(self, *names: str) -> bool:
        """Whether a decorator's last name is one of these."""
        return any(n.rpartition(".")[2] in names for n in self.decorator_names)

    @cached_property
    def is_static(self) -> bool:
        return self.has_decorator("staticmethod")

    @cached_property
    def is_classmethod(self) -> bool:
        return self.has_decorator("classmethod", "validator", "root_validator", "field_validator") or self.name in {
            "__new__", "__init_subclass__", "__class_getitem__",
        }  # fmt: skip

    @cached_property
    def is_property(self) -> bool:
        return self.has_decorator("property", "cached_property", "computed_field", "hybrid_property")

    @cached_property
    def is_accessor(self) -> bool:
        """A property's setter or deleter, or an ``overload``: never what a read finds."""
        return any(n.endswith((".setter", ".deleter")) for n in self.decorator_names) or self.has_decorator("overload")

    @cached_property
    def is_abstract(self) -> bool:
        """Declared abstract, or with no behaviour but a refusal (``...``, ``pass``, ``raise NotImplementedError``)."""
        if self.has_decorator("abstractmethod"):
            return True
        if self.body.calls:
            names = {c.func.name for c in self.body.calls if isinstance(c.func, Ref)}
            return names == {"NotImplementedError"}
        events = self.body.events
        return not events or (len(events) == 1 and type(events[0]).__name__ in {"Jump", "Raise"})

    @property
    def has_receiver(self) -> bool:
        """Whether the first parameter is ``self`` or ``cls``."""
        return self.cls is not None and not self.is_static and bool(self.facts.parameters)

    @property
    def receiver_name(self) -> str:
        return self.facts.parameters[0].name if self.has_receiver else ""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters, without ``self`` or ``cls``."""
        return self.facts.parameters[1:] if self.has_receiver else self.facts.parameters

    @cached_property
    def parameters_by_name(self) -> dict[str, Parameter]:
        """All parameters, ``self`` included, by name."""
        return {p.name: p for p in self.facts.parameters}

    @property
    def is_public(self) -> bool:
        return not self.name.startswith("_")

    @cached_property
    def returned(self) -> tuple[Return, ...]:
        """The ``return`` statements that return something."""
        return tuple(e for e in self.body.events if isinstance(e, Return) and e.value is not None)

    @cached_property
    def outer_names(self) -> frozenset[str]:
        """Names declared ``global`` or ``nonlocal`` here."""
        return frozenset(n for e in self.body.events if isinstance(e, Scope) for n in e.names)

    def arguments(self, call: Call) -> dict[str, Expr]:
        """Which argument of ``call`` each parameter receives (``self`` apart); splats end the positional ones."""
        bound: dict[str, Expr] = {}
        positional = [p for p in self.parameters if p.kind in {"positional", "positional-only"}]
        for parameter, value in zip(positional, call.args):
            if isinstance(value, Star):
                break
            bound[parameter.name] = value
        names = {p.name for p in self.parameters}
        for keyword in call.keywords:
            if keyword.name in names:
                bound[keyword.name] = keyword.value
        return bound


def _first_name(expr: Expr) -> tuple[str, ...]:
    return (expr.name.partition(".")[0],) if isinstance(expr, Ref) else ()


def bound_names(target: Expr) -> Iterator[str]:
    """The plain names that a binding's target binds: ``a``, ``(a, *b)``."""
    if isinstance(target, Ref):
        if "." not in target.name:
            yield target.name
    elif isinstance(target, Items):
        for item in target.items:
            yield from bound_names(item)
    elif isinstance(target, Star):
        yield from bound_names(target.value)
    elif isinstance(target, Walrus):
        yield target.name


def tail(expr: Expr | None) -> str:
    """The last part of the name that an expression ends in; empty where it has none."""
    name = getattr(expr, "name", "")
    return name.rpartition(".")[2] if isinstance(name, str) else ""


def argument(call: Call, position: int | None, name: str) -> Expr | None:
    """The argument of a call with this keyword or, failing that, at this position."""
    for keyword in call.keywords:
        if keyword.name == name:
            return keyword.value
    return call.args[position] if position is not None and position < len(call.args) else None
