"""Rule 4's questions: what handlers take and answer, which classes the database stores, and how models are written."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from guardrails.facts.records import Attr, Bind, Call, Const, Expr, Items, Parameter, Ref, Span, span_of
from guardrails.knowledge import web as tables
from guardrails.knowledge.frameworks import (
    MODEL_BASES,
    PYDANTIC_2_MEMBERS,
    SECRET_TYPES,
    SETTINGS_BASES,
    is_pydantic_2,
)  # fmt: skip
from guardrails.knowledge.secrets import secret_name
from guardrails.program.expressions import evaluated, keyword, text_of
from guardrails.program.fields import NONE, Field, Type
from guardrails.program.model import Class, Code, Function, tail
from guardrails.program.values import (
    NOTHING,
    ClassValue,
    CoroutineValue,
    DocumentValue,
    ExternalInstance,
    ExternalValue,
    InstanceValue,
    SequenceValue,
    Value,
    Values,
    union,
)  # fmt: skip
from guardrails.program.web import Registered

if TYPE_CHECKING:
    from guardrails.program.program import Program

_ANY = frozenset({"typing.Any"})
_MAPPINGS = frozenset(
    {
        "dict",
        "collections.abc.Mapping",
        "collections.abc.MutableMapping",
        "collections.OrderedDict",
        "collections.defaultdict",
    }
)
_SEQUENCES = frozenset(
    {
        "list",
        "tuple",
        "set",
        "frozenset",
        "collections.abc.Sequence",
        "collections.abc.Iterable",
        "collections.abc.Collection",
    }
)
_STARLETTE = frozenset({"route", "add_route"})
# Functions that build responses: Starlette's templates, FastAPI's own documentation pages.
_RESPONDING = frozenset(
    {"TemplateResponse", "get_swagger_ui_html", "get_redoc_html", "get_swagger_ui_oauth2_redirect_html"}
)
# Statuses that answer without a body, or with another address.
_WITHOUT_BODY = frozenset({204, 205, 301, 302, 303, 304, 307, 308})
_SECRETS = frozenset({"password", "password_hash", "secret", "private_key"})
# Types whose values are facts about a secret, or hide it.
_HARMLESS = SECRET_TYPES | {
    "bool", "int", "float", "complex", "decimal.Decimal", "datetime.date", "datetime.datetime", "datetime.time",
    "datetime.timedelta", "pydantic.AwareDatetime", "pydantic.PastDatetime", "pydantic.FutureDatetime",
    "pydantic.StrictBool", "pydantic.StrictInt",
}  # fmt: skip
_OLD_MEMBERS = frozenset({"dict", "json", "copy", "parse_obj", "parse_raw", "from_orm"})
_OLD_DECORATORS = frozenset({"pydantic.validator", "pydantic.root_validator"})
_DUMPS = frozenset({"model_dump", "dict", "json", "model_dump_json", "to_mongo", "to_dict", "mongo", "to_document"})
_LOADS = frozenset(
    {"model_validate", "parse_obj", "model_construct", "construct", "from_mongo", "from_dict", "from_document"}
)
_ENCODERS = frozenset({"fastapi.encoders.jsonable_encoder", "dict", "vars"})
_WRITES = frozenset(
    {
        "insert_one",
        "insert_many",
        "replace_one",
        "find_one_and_replace",
        "insert",
        "save",
        "update_one",
        "find_one_and_update",
    }
)


class Untyped(Struct, frozen=True):
    """A body that names no type. ``what``: the parameter, or ``request.json()``."""

    handler: Function
    span: Span
    what: str


class Exposed(Struct, frozen=True):
    """A handler with the database models that it takes and answers with."""

    handler: Function
    taken: tuple[Class, ...]
    answered: tuple[Class, ...]


class Old(Struct, frozen=True):
    """A use of Pydantic 1's interface. ``code``: where; ``what``: as the message names it."""

    code: Code
    span: Span
    what: str


class Schemas:
    """Answers about requests, responses and models."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.types = program.types
        self.fields = program.fields

    @cached_property
    def handlers(self) -> dict[Function, tuple[Registered, ...]]:
        """HTTP handlers with their registrations, by module and line; Starlette's own routes are not FastAPI's."""
        table = {
            handler: tuple(r for r in registered if not r.websocket and tail(r.site.call.func) not in _STARLETTE)
            for handler, registered in self.program.web.handlers.items()
        }
        ordered = sorted(table, key=lambda f: (f.module.name, f.facts.span))
        return {handler: table[handler] for handler in ordered if table[handler]}

    # --- requests

    def bodies(self, handler: Function) -> Iterator[tuple[Parameter, Type]]:
        """The parameters that FastAPI fills from the body, with their types."""
        paths = " ".join(r.path or "" for r in self.handlers[handler])
        for parameter in handler.parameters:
            if parameter.kind in {"*", "**"} or f"{{{parameter.name}" in paths:
                continue
            if self.types.dependency(handler, parameter.name) is not None:
                continue
            kind = self._type_of(parameter, handler)
            marker = self._marker(parameter, kind, handler)
            if isinstance(parameter.default, (Ref, Attr)):
                continue  # a default that stands elsewhere may be a dependency
            if marker == "body" or (marker is None and self._is_complex(kind)):
                yield parameter, kind

    def _type_of(self, parameter: Parameter, handler: Function) -> Type:
        assert handler.outer is not None
        return self.fields.read(parameter.annotation, handler.outer)

    def _marker(self, parameter: Parameter, kind: Type, handler: Function) -> str | None:
        """Which of FastAPI's parameter functions stands as default or in ``Annotated``."""
        assert handler.outer is not None
        given = [(parameter.default, handler.outer), *((e, c) for e, c in kind.metadata)]
        for expr, code in given:
            call = code.call(expr) if expr is not None else None
            if call is not None:
                for value in self.types.infer(call.func, code, call.block):
                    if isinstance(value, ExternalValue) and value.name in tables.PARAMETERS:
                        return tables.PARAMETERS[value.name]
        return None

    def _is_complex(self, kind: Type) -> bool:
        """Whether FastAPI takes an unmarked parameter of this type from the body: models, dicts, lists, dataclasses."""
        return any(
            part.name in _MAPPINGS | _SEQUENCES
            or (part.cls is not None and (self.fields.is_model(part.cls) or _is_dataclass(part.cls)))
            for part in kind.alternatives()
        )

    @cached_property
    def untyped_bodies(self) -> tuple[Untyped, ...]:
        """Bodies without a type, by handler."""
        found: list[Untyped] = []
        for handler in self.handlers:
            for parameter, kind in self.bodies(handler):
                if parameter.annotation is None or self.is_untyped(kind):
                    found.append(Untyped(handler, parameter.span, parameter.name))
            for call in handler.body.calls:
                if tail(call.func) == "json" and any(
                    isinstance(v, ExternalValue) and v.name == "starlette.requests.Request.json"
                    for v in self.types.infer(call.func, handler, call.block)
                ):
                    found.append(Untyped(handler, call.span, "request.json()"))
                    break
        return tuple(found)

    def is_untyped(self, kind: Type) -> bool:
        """Whether a type is ``dict``, ``list`` or ``Any``, alone or of each other."""
        parts = kind.alternatives()
        return bool(parts) and all(self._is_bare(part) for part in parts)

    def _is_bare(self, kind: Type) -> bool:
        if kind.name in _ANY:
            return True
        if kind.name in _MAPPINGS | _SEQUENCES:
            return not kind.arguments or self.is_untyped(kind.arguments[-1])
        return False

    # --- responses

    @cached_property
    def without_response_model(self) -> tuple[Function, ...]:
        """The handlers whose answer has no declared type."""
        return tuple(h for h, registered in self.handlers.items() if any(self._is_undeclared(h, r) for r in registered))

    def _is_undeclared(self, handler: Function, registered: Registered) -> bool:
        options = {k.name: k.value for k in registered.site.call.keywords}
        if None in options or "response_class" in options or handler in self.program.operations.operational:
            return False
        if _is_false(options.get("include_in_schema")) or handler in self._hidden:
            return False
        if self._status(registered) in _WITHOUT_BODY or self._builds_responses(handler):
            return False
        if "response_model" in options:
            return self.is_untyped(self.fields.read(options["response_model"], registered.site.code))
        if handler.facts.returns is None:
            return not handler.facts.is_generator
        assert handler.outer is not None
        return self.is_untyped(self.fields.read(handler.facts.returns, handler.outer))

    def _builds_responses(self, handler: Function) -> bool:
        """Whether every return builds a response; a handler that returns nothing needs no model either."""
        for returned in handler.returned:
            assert returned.value is not None
            call = handler.call(returned.value)
            if call is not None and tail(call.func) in _RESPONDING:
                continue
            if not all(self._is_response(v) for v in self._results(returned.value, handler, returned.block)):
                return False
        return not handler.facts.is_generator

    @cached_property
    def _hidden(self) -> frozenset[Function]:
        """Handlers that their routers keep out of the OpenAPI document."""
        shown: set[Function] = set()
        hidden: set[Function] = set()
        for app in self.program.routes.apps:
            for route in app.routes:
                if route.handler is not None:
                    (shown if route.in_schema else hidden).add(route.handler)
        return frozenset(hidden - shown)

    def _status(self, registered: Registered) -> int | None:
        site = registered.site
        expr = keyword(site.call.keywords, "status_code")
        for value in self.types.infer(expr, site.code, site.call.block) if expr is not None else ():
            if isinstance(value, ExternalValue):
                return tables.status_code(value.name)
            number = getattr(value, "value", None)
            if isinstance(number, int):
                return number
        return None

    def _returned(self, handler: Function) -> Values:
        """What a handler returns by value."""
        return union(*(self._results(r.value, handler, r.block) for r in handler.returned if r.value is not None))

    def _results(self, expr: Expr, code: Code, block: int) -> Values:
        values = self.types.infer(expr, code, block)
        return union(*(v.values if isinstance(v, CoroutineValue) else (v,) for v in values))

    def _is_response(self, value: Value) -> bool:
        if isinstance(value, InstanceValue):
            return any(isinstance(o, str) and o.endswith("Response") for o in self.types.mro(value.cls))
        return value == NOTHING or (isinstance(value, ExternalInstance) and value.cls.endswith("Response"))

    def answers(self, handler: Function) -> Iterator[tuple[Type, Registered]]:
        """The types that a handler declares to answer with: ``response_model``, else its annotation."""
        for registered in self.handlers[handler]:
            given = keyword(registered.site.call.keywords, "response_model")
            if given is not None:
                yield self.fields.read(given, registered.site.code), registered
            elif handler.facts.returns is not None and handler.outer is not None:
                yield self.fields.read(handler.facts.returns, handler.outer), registered

    def contained(self, kind: Type) -> tuple[Class, ...]:
        """The project's classes in a type, and in the fields of its models, nearest first."""
        found: dict[Class, None] = {}
        pending = [kind]
        while pending:
            for part in pending.pop(0).parts():
                if part.cls is not None and part.cls not in found:
                    found[part.cls] = None
                    if self.fields.is_model(part.cls):
                        pending.extend(field.type for field in self.fields.all(part.cls) if not _is_excluded(field))
        return tuple(found)

    # --- what the database stores

    def is_stored(self, cls: Class) -> bool:
        """Whether a class is a database model: an ODM's document, one that repositories persist and load, or one
        whose name says so.
        """
        if self.program.mongo.is_document(cls) or cls in self._persisted & self._loaded:
            return True
        if not self.fields.is_model(cls):
            return False
        if cls.name.lower().endswith("indb"):
            return True
        named = cls.name.endswith("Document") and cls.name != "Document"  # alone, it is a thing of the domain
        return named and self.program.layers.of(cls.module) != "schemas"

    @cached_property
    def exposed(self) -> tuple[Exposed, ...]:
        """The handlers that take or answer with database models."""
        found = []
        for handler in self.handlers:
            taken = {c: None for _, kind in self.bodies(handler) for c in self.contained(kind) if self.is_stored(c)}
            answered = {c: None for kind, _ in self.answers(handler) for c in self.contained(kind) if self.is_stored(c)}
            if taken or answered:
                found.append(Exposed(handler, tuple(taken), tuple(answered)))
        return tuple(found)

    def _data_access(self) -> Iterator[Function]:
        for module in self.program.layers.in_layer("repositories"):
            yield from module.functions

    @cached_property
    def _persisted(self) -> frozenset[Class]:
        """The classes that repositories write whole."""
        found: set[Class] = set()
        for code in self._data_access():
            for operation in self.program.mongo.by_code.get(code, ()):
                call = operation.call
                if tail(call.func) in _WRITES:
                    for expr in (*call.args, *(k.value for k in call.keywords)):
                        found.update(self._written(expr, code, 4))
        return frozenset(found)

    def _written(self, expr: Expr, code: Function, depth: int) -> Iterator[Class]:
        """The models that an expression turns into documents, through local names."""
        for part in code.walk(expr):
            call = code.call(part)
            if call is not None:
                for value in self.types.infer(call.func, code, call.block):
                    if isinstance(value, ExternalValue) and value.name in _ENCODERS and call.args:
                        yield from self._models(self.types.infer(call.args[0], code, call.block))
                    receiver = getattr(value, "receiver", None)
                    if tail(call.func) in _DUMPS and receiver is not None:
                        yield from self._models((receiver,))
            elif isinstance(part, Ref) and "." not in part.name and depth:
                for definition in code.bindings.get(part.name, ()):
                    if isinstance(definition, Bind) and definition.value is not None and definition.op == "=":
                        yield from self._written(definition.value, code, depth - 1)

    def _models(self, values: Values) -> Iterator[Class]:
        for value in values:
            if isinstance(value, InstanceValue) and self.fields.is_model(value.cls):
                yield value.cls

    @cached_property
    def _loaded(self) -> frozenset[Class]:
        """The classes that repositories make of documents."""
        found: set[Class] = set()
        for code in self._data_access():
            for call in code.body.calls:
                splats = [k.value for k in call.keywords if k.name is None]
                given = splats or (list(call.args[:1]) if tail(call.func) in _LOADS else [])
                if not any(self._is_document(expr, code, call) for expr in given):
                    continue
                for value in self.types.infer(call.func, code, call.block):
                    cls = value if isinstance(value, ClassValue) else getattr(value, "receiver", None)
                    if isinstance(cls, ClassValue):
                        found.add(cls.cls)
        return frozenset(found)

    def _is_document(self, expr: Expr, code: Function, call: Call) -> bool:
        return any(isinstance(v, DocumentValue) for v in self.types.infer(expr, code, call.block))

    # --- secrets in answers

    def secrets_answered(self, handler: Function) -> tuple[str, ...]:
        """The secret fields that an answer shows, as ``Class.field``, sorted."""
        found: set[str] = set()
        for registered in self.handlers[handler]:
            options = {k.name: k.value for k in registered.site.call.keywords}
            left_out = self._left_out(options)
            if left_out is None:
                continue
            declared = [kind for kind, where in self.answers(handler) if where is registered]
            if declared and not (len(declared) == 1 and declared[0].name == NONE):
                classes = [cls for kind in declared for cls in self.contained(kind)]
            else:
                values = self._returned(handler)
                items = union(values, *(v.items for v in values if isinstance(v, SequenceValue)))
                classes = [c for cls in self._models(items) for c in self.contained(Type(cls.qualname, cls))]
            for cls in classes:
                if self.fields.is_model(cls):
                    found.update(
                        f"{cls.name}.{each.name}"
                        for each in self.fields.all(cls)
                        if each.name not in left_out and self._shows_secret(each)
                    )
        return tuple(sorted(found))

    @staticmethod
    def _left_out(options: dict[str | None, Expr]) -> frozenset[str] | None:
        """The fields that a registration leaves out of the answer; None where it may leave out any."""
        if None in options or "response_model_include" in options:
            return None
        given = options.get("response_model_exclude")
        if given is None:
            return frozenset()
        names = [text_of(item) for item in given.items] if isinstance(given, Items) else [None]
        return None if None in names else frozenset(name for name in names if name is not None)

    @staticmethod
    def _shows_secret(field: Field) -> bool:
        found = secret_name(field.name)
        if found is None or found.kind not in _SECRETS or _is_excluded(field):
            return False
        parts = field.type.alternatives()
        return not parts or not all(part.cls is not None or part.name in _HARMLESS for part in parts)

    # --- how models are written

    @cached_property
    def misplaced(self) -> tuple[Class, ...]:
        """Pydantic models in routes, services and repositories."""
        modules = self.program.layers.in_layer("routes", "services", "repositories")
        return tuple(
            cls
            for module in modules
            for cls in sorted(module.classes, key=lambda c: c.facts.span)
            if self.types.is_a(cls, *MODEL_BASES)
            and not self.types.is_a(cls, *SETTINGS_BASES)
            and not self.program.mongo.is_document(cls)
        )

    @cached_property
    def raw_object_ids(self) -> tuple[Field, ...]:
        """Fields of bson's ``ObjectId`` in models that cannot take it."""
        found = []
        for module in self.program.application:
            for cls in module.classes:
                if not self.fields.is_model(cls) or self.types.is_a(cls, "odmantic.Model", "odmantic.EmbeddedModel"):
                    continue
                if self.types.has_unknown_base(cls) or self._allows_arbitrary(cls):
                    continue
                found += [f for f in self.fields.own(cls) if any(self._is_raw_id(part) for part in f.type.parts())]
        return tuple(sorted(found, key=lambda f: (f.owner.module.name, f.bind.span)))

    def _allows_arbitrary(self, cls: Class) -> bool:
        given = self.fields.config(cls, "arbitrary_types_allowed")
        return any(not _is_false(expr) for expr in given) or any(
            isinstance(event, Bind) and tail(event.target) == "model_config" and isinstance(event.value, Ref)
            for owner in self.types.mro(cls)
            if isinstance(owner, Class)
            for event in owner.body.events
        )

    def _is_raw_id(self, part: Type) -> bool:
        if part.name != "bson.ObjectId":
            return False
        return all(self._is_field(expr, code) for expr, code in part.metadata)

    def _is_field(self, expr: Expr, code: Code) -> bool:
        """Whether a part of ``Annotated`` only describes: a ``Field(...)``, a text."""
        return text_of(expr) is not None or tail(getattr(code.call(expr), "func", None)) == "Field"

    @cached_property
    def on_pydantic_2(self) -> bool:
        """Whether the project is known to run on Pydantic 2: by its files, else by what its code uses."""
        major = self.program.environment.pydantic_major()
        if major is not None:
            return major == 2
        said: set[bool] = set()
        for module in self.program.application:
            for item in module.facts.imports:
                if not item.level and not item.guarded:
                    known = is_pydantic_2(f"{item.module}.{item.name}" if item.name else item.module)
                    said.update(() if known is None else (known,))
            said.update(True for cls in module.classes if self._has_new_member(cls))
        return said == {True}

    def _has_new_member(self, cls: Class) -> bool:
        return self.fields.is_model(cls) and not PYDANTIC_2_MEMBERS.isdisjoint({*cls.bindings, *cls.functions})

    @cached_property
    def old_style(self) -> tuple[Old, ...]:
        """Uses of Pydantic 1's interface on models, by module and place."""
        found = set(self._old_calls())
        for module in self.program.application:
            for cls in module.classes:
                if self._is_current(cls):
                    found.update(Old(cls, c.facts.span, "class Config") for c in self.fields.inner_config(cls))
            for function in module.functions:
                if function.cls is not None and self._is_current(function.cls):
                    found.update(self._old_decorators(function))
            for code in module.codes():
                found.update(self._old_reads(code))
        return tuple(sorted(found, key=lambda old: (old.code.module.name, old.span, old.what)))

    def _is_current(self, cls: Class) -> bool:
        """Whether a class is a model, and not one of the old interface that Pydantic 2 brings along."""
        return self.fields.is_model(cls) and not any(
            isinstance(owner, str) and owner.startswith("pydantic.v1.") for owner in self.types.mro(cls)
        )

    def _old_decorators(self, function: Function) -> Iterator[Old]:
        outer = function.outer
        assert outer is not None
        for decorator in function.facts.decorators:
            call = outer.call(decorator)
            for value in self.types.infer(call.func if call is not None else decorator, outer, function.facts.block):
                if isinstance(value, ExternalValue) and value.name in _OLD_DECORATORS:
                    yield Old(function, function.facts.span, f"@{value.name.rpartition('.')[2]}")

    def _old_calls(self) -> Iterator[Old]:
        for site in self.program.modules.sites.named(_OLD_MEMBERS):
            call, name = site.call, tail(site.call.func)
            if name == "copy" and keyword(call.keywords, "update") is None:
                continue
            if any(self._is_models(value) for value in self.types.infer(call.func, site.code, call.block)):
                yield Old(site.code, call.span, f".{name}()")

    def _is_models(self, value: Value) -> bool:
        """Whether a method is one that a current model inherits from Pydantic."""
        if not isinstance(value, ExternalValue):
            return False
        receiver = value.receiver
        return isinstance(receiver, (InstanceValue, ClassValue)) and self._is_current(receiver.cls)

    def _old_reads(self, code: Code) -> Iterator[Old]:
        if "__fields__" not in code.words:
            return
        for block, expr in evaluated(code):
            read = isinstance(expr, Ref) and expr.name.endswith(".__fields__")
            if read and any(self._is_models(value) for value in self.types.infer(expr, code, block)):
                yield Old(code, span_of(expr, code.body), "__fields__")


def _is_dataclass(cls: Class) -> bool:
    outer = cls.outer
    assert outer is not None
    decorators = (getattr(outer.call(d), "func", d) for d in cls.facts.decorators)
    return any(tail(decorator) == "dataclass" for decorator in decorators)


def _is_false(expr: Expr | None) -> bool:
    return isinstance(expr, Const) and expr.value is False


def _is_excluded(field: Field) -> bool:
    """Whether ``Field(exclude=True)`` keeps a field out of every answer."""
    given = field.options.get("exclude")
    return given is not None and not _is_false(given)
