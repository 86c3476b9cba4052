"""Pydantic classes and their fields, and what an annotation says, part by part.

Semantics of Pydantic 1 and 2: a field is an annotated name of a class body that is neither private nor a
``ClassVar``; subclasses inherit fields and may declare them again; ``Field(...)`` stands as the default or in
``Annotated`` (https://docs.pydantic.dev/latest/concepts/fields/).
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct, field

from guardrails.facts.records import Bind, Call, CallRef, Const, Expr, Item, Items, Mapping, Op, Ref, Unknown
from guardrails.knowledge.frameworks import MODEL_BASES, SETTINGS_BASES
from guardrails.program import external
from guardrails.program.expressions import keyword, text_of
from guardrails.program.model import Class, Code, tail
from guardrails.program.types import Types
from guardrails.program.values import ClassValue, ExternalValue

UNION, NONE, OPEN = "typing.Union", "None", ""
_PYDANTIC = (*sorted(MODEL_BASES), *sorted(SETTINGS_BASES))
_FIELDS = frozenset(
    {"pydantic.Field", "pydantic.fields.Field", "pydantic.v1.Field", "sqlmodel.Field", "odmantic.Field"}
)
_DEPTH = 12


class Type(Struct, frozen=True):
    """What an annotation names: a class of the project (``cls``), or a third-party type by canonical name.

    ``name`` is ``typing.Union`` for alternatives (``| None`` too), ``None`` for None, and empty where the annotation
    cannot be read. ``arguments``: in brackets. ``metadata``: what ``Annotated`` adds, with the code that holds it.
    """

    name: str = OPEN
    cls: Class | None = None
    arguments: tuple[Type, ...] = ()
    metadata: tuple[tuple[Expr, Code], ...] = ()

    def alternatives(self) -> tuple[Type, ...]:
        """The members of a union, None apart; the type itself where it is no union."""
        if self.name != UNION:
            return () if self.name == NONE else (self,)
        return tuple(inner for part in self.arguments for inner in part.alternatives())

    def parts(self) -> Iterator[Type]:
        """The type and everything in its brackets, outermost first."""
        yield self
        for argument in self.arguments:
            yield from argument.parts()


class Field(Struct, frozen=True, eq=False):
    """A field of a Pydantic class.

    ``default``: the expression that gives its value where none comes, None for a computed one and for none at all;
    ``required`` tells these apart. ``options``: the keywords of its ``Field(...)``. ``owner``: the class whose body
    declares it.
    """

    name: str
    owner: Class
    bind: Bind
    type: Type
    default: Expr | None
    required: bool
    options: dict[str, Expr] = field(default_factory=dict)


class Fields:
    """Answers about Pydantic classes."""

    def __init__(self, types: Types) -> None:
        self.types = types
        self._own: dict[Class, tuple[Field, ...]] = {}

    def is_model(self, cls: Class) -> bool:
        """Whether a class derives from Pydantic's ``BaseModel``; ODM documents and settings do."""
        return self.types.is_a(cls, *_PYDANTIC)

    def own(self, cls: Class) -> tuple[Field, ...]:
        """The fields that the class body itself declares, in source order."""
        if cls not in self._own:
            self._own[cls] = tuple(
                found
                for event in cls.body.events
                if isinstance(event, Bind) and isinstance(event.target, Ref)
                for found in self._field(cls, event, event.target.name)
            )
        return self._own[cls]

    def all(self, cls: Class) -> tuple[Field, ...]:
        """The fields that an instance has, inherited ones first, each as its nearest class declares it."""
        table: dict[str, Field] = {}
        for owner in reversed(self.types.mro(cls)):
            if isinstance(owner, Class):
                table.update({f.name: f for f in self.own(owner)})
        return tuple(table.values())

    def _field(self, cls: Class, bind: Bind, name: str) -> Iterator[Field]:
        if name.startswith("_") or name == "model_config" or "." in name:
            return
        if bind.annotation is None:
            # Pydantic 1 takes the type from the value.
            call = cls.call(bind.value)
            if not isinstance(bind.value, Const) and (call is None or not self._is_field(call, cls)):
                return
            kind = Type()
        else:
            kind = self.read(bind.annotation, cls)
            if kind.name == "typing.ClassVar":
                return
        options: dict[str, Expr] = {}
        default, required = bind.value, bind.value is None
        for expr, code in (*kind.metadata, *(((bind.value, cls),) if bind.value is not None else ())):
            call = code.call(expr)
            if call is not None and self._is_field(call, code):
                options.update({k.name: k.value for k in call.keywords if k.name is not None})
                given = call.args[0] if call.args else keyword(call.keywords, "default")
                if expr is bind.value or given is not None or "default_factory" in options:
                    default = given
                    required = given is None and "default_factory" not in options
        if isinstance(default, Unknown) and default.reason == "ellipsis":
            default, required = None, True
        yield Field(name, cls, bind, kind, default, required, options)

    def _is_field(self, call: Call, code: Code) -> bool:
        return tail(call.func).endswith("Field") and any(
            isinstance(v, ExternalValue) and v.name in _FIELDS for v in self.types.infer(call.func, code, call.block)
        )

    # --- configuration

    def config(self, cls: Class, name: str) -> Iterator[Expr]:
        """What ``model_config``, ``class Config`` or a class keyword gives for an option, nearest class first."""
        for owner in self.types.mro(cls):
            if not isinstance(owner, Class):
                continue
            yield from (given.value for given in owner.facts.keywords if given.name == name)
            for event in owner.body.events:
                if isinstance(event, Bind) and tail(event.target) == "model_config":
                    yield from _options_of(event.value, owner, name)
            for inner in self.inner_config(owner):
                for event in inner.body.events:
                    if isinstance(event, Bind) and tail(event.target) == name and event.value is not None:
                        yield event.value

    @staticmethod
    def inner_config(cls: Class) -> list[Class]:
        """The class ``Config`` inside a class: where Pydantic 1 has its options."""
        return [inner for inner in cls.module.classes if inner.outer is cls and inner.name == "Config"]

    # --- annotations

    def read(self, expr: Expr | None, code: Code, depth: int = _DEPTH) -> Type:
        """What the annotation ``expr`` of ``code`` names, through aliases of the project."""
        if depth == 0 or expr is None:
            return Type()
        if isinstance(expr, Const):
            return Type(NONE) if expr.value is None else Type()
        if isinstance(expr, Op) and expr.op == "|":
            return Type(UNION, arguments=tuple(self.read(o, code, depth - 1) for o in expr.operands))
        if isinstance(expr, Item):
            return self._generic(expr, code, depth - 1)
        if isinstance(expr, CallRef):
            return self._named(code.body.calls[expr.index].func, code)  # constr(...), conlist(...)
        if not isinstance(expr, Ref):
            return Type()
        bind, owner = self.types.single_binding(expr, code)
        if bind is not None and owner is not None and bind.value is not expr:
            if isinstance(bind.value, (Item, Op, Ref)):
                return self.read(bind.value, owner, depth - 1)
            call = owner.call(bind.value)
            if call is not None and tail(call.func) == "NewType" and len(call.args) == 2:
                return self.read(call.args[1], owner, depth - 1)
            if call is not None:
                return Type("typing.TypeVar") if tail(call.func) == "TypeVar" else self._named(call.func, owner)
        return self._named(expr, code)

    def _generic(self, expr: Item, code: Code, depth: int) -> Type:
        base = self._named(expr.value, code)
        arguments = expr.index.items if isinstance(expr.index, Items) else (expr.index,)
        if base.name == "typing.Literal" or not arguments:
            return Type(base.name)
        if base.name == "typing.Annotated":
            inner = self.read(arguments[0], code, depth)
            added = tuple((part, code) for part in arguments[1:])
            return Type(inner.name, inner.cls, inner.arguments, (*inner.metadata, *added))
        inside = tuple(self.read(a, code, depth) for a in arguments)
        if base.name == "typing.Optional":
            return Type(UNION, arguments=(*inside, Type(NONE)))
        return Type(base.name, base.cls, inside)

    def _named(self, expr: Expr, code: Code) -> Type:
        for value in self.types.infer(expr, code, 0):
            if isinstance(value, ClassValue):
                return Type(value.cls.qualname, value.cls)
            if isinstance(value, ExternalValue):
                return Type(external.canonical(value.name))
        return Type()


def _options_of(value: Expr | None, code: Code, name: str) -> Iterator[Expr]:
    """An option in ``ConfigDict(frozen=True)`` or ``{"frozen": True}``."""
    call = code.call(value)
    if call is not None:
        found = keyword(call.keywords, name)
        if found is not None:
            yield found
    elif isinstance(value, Mapping):
        yield from (v for k, v in zip(value.keys, value.values) if text_of(k) == name)
