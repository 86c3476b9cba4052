"""The MongoDB side of the program: operations, clients, and what holds a connection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from msgspec import Struct

from guardrails.facts.records import Attr, Bind, Call, CallRef, Const, Expr, Item, Mapping, Ref, Span
from guardrails.knowledge import drivers
from guardrails.program import external
from guardrails.program.model import Class, Code
from guardrails.program.modules import Modules
from guardrails.program.sites import Site
from guardrails.program.types import Types
from guardrails.program.values import (
    ClassValue,
    ExternalInstance,
    ExternalValue,
    InstanceValue,
    LiteralValue,
    Value,
    known,
)  # fmt: skip

_HANDLES = frozenset({"client", "database", "collection", "engine", "gridfs"})
_HEALTH = drivers.HEALTH_COMMANDS


class Operation(Struct, frozen=True):
    """A call that reaches the server.

    ``name``: canonical name of the driver's method, or the method alone where only its name says MongoDB.
    ``method``: its row in the table. ``collection``: name of the collection or document class, None if unknown.
    ``model``: the ODM class it works on. ``is_async``: whether the driver is; None where it is not known.
    ``span``: the call, or the first call of its chain.
    """

    code: Code
    index: int
    name: str
    method: drivers.Method
    collection: str | None
    model: Class | None
    is_async: bool | None
    span: Span

    @property
    def call(self) -> Call:
        return self.code.body.calls[self.index]

    @property
    def shown(self) -> str:
        """How a message names it: ``users.find_one``, ``User.insert``, ``find_one``."""
        owner = self.model.name if self.model is not None else self.collection
        return f"{owner}.{self.method.name}" if owner else self.method.name


class Mongo:
    """Answers about MongoDB."""

    def __init__(self, modules: Modules, types: Types, extra: tuple[str, ...] = ()) -> None:
        self.modules = modules
        self.types = types
        self.extra = frozenset(extra)
        self._extra_names = frozenset(name.rpartition(".")[2] for name in extra)

    # --- operations

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """Every Mongo operation of the project's readable files, by module and place."""
        sites = self.modules.sites.named(_OPERATION_NAMES | self._extra_names, everywhere=True)
        named: dict[Code, list[int]] = {}
        for site in sites:
            named.setdefault(site.code, []).append(site.index)
        found = [operation for code, calls in named.items() for operation in self._operations_in(code, calls)]
        return tuple(sorted(found, key=lambda o: (o.code.module.name, o.span, o.index)))

    @cached_property
    def by_code(self) -> dict[Code, tuple[Operation, ...]]:
        """The operations of each module, class and function that has any."""
        table: dict[Code, list[Operation]] = {}
        for operation in self.operations:
            table.setdefault(operation.code, []).append(operation)
        return {code: tuple(found) for code, found in table.items()}

    def _operations_in(self, code: Code, named: Iterable[int]) -> Iterator[Operation]:
        """The operations among the calls of a body whose names may be one's; what is chained to one is its part."""
        taken: set[int] = set()
        for index in named:
            call = code.body.calls[index]
            if taken.isdisjoint(_chain(call, code)):
                operation = self._operation(call, index, code)
                if operation is not None:
                    taken.add(index)
                    yield operation

    def _operation(self, call: Call, index: int, code: Code) -> Operation | None:
        tail = getattr(call.func, "name", "").rpartition(".")[2]
        values = self.types.expand(self.types.infer(call.func, code, call.block))
        for value in values:
            found = self._of_value(value, call, index, code)
            if found is not None:
                return found
        if not known(values) and tail in drivers.MONGO_ONLY_METHODS and isinstance(call.func, (Ref, Attr)):
            method = drivers.MONGO_ONLY_METHODS[tail]
            return Operation(code, index, tail, method, self._written_collection(call.func), None, None, call.span)
        return None

    def _of_value(self, value: Value, call: Call, index: int, code: Code) -> Operation | None:
        if isinstance(value, ExternalInstance) and value.cls == "mongoengine.QuerySet":
            lookup = drivers.CLASSES[value.cls].methods["__call__"]
            return Operation(code, index, f"{value.cls}.__call__", lookup, None, value.owner, False, call.span)
        if not isinstance(value, ExternalValue):
            return None
        owner, _, name = value.name.rpartition(".")
        row = drivers.CLASSES.get(owner)
        if value.receiver is None or row is None:
            function = drivers.FUNCTIONS.get(value.name)
            if function is not None and function.kind in drivers.OPERATION_KINDS:
                return Operation(code, index, value.name, function, None, None, function.awaited, call.span)
            if value.name in self.extra:
                configured = drivers.Method(name, "command", "information", None, False)
                return Operation(code, index, value.name, configured, None, None, None, call.span)
            return None
        method = row.methods.get(name)
        if method is None:
            return None
        queryset = owner.startswith("mongoengine.QuerySet")
        if method.kind not in drivers.OPERATION_KINDS and not queryset:
            return None
        if row.kind in {"cursor", "query", "change_stream"} and not queryset:
            return None  # what the operation that returned it already counted
        if name in {"command", "cursor_command"} and self._is_health(call, code):
            return None
        receiver = value.receiver
        model = receiver.cls if isinstance(receiver, (InstanceValue, ClassValue)) else getattr(receiver, "owner", None)
        if method.argument("model") is not None and call.args:
            chosen = self.types.infer(call.args[0], code, call.block)
            model = next((v.cls for v in chosen if isinstance(v, (ClassValue, InstanceValue))), None)
        return Operation(
            code, index, value.name, method, self.collection_name(receiver, model), model, row.is_async, call.span
        )

    def _is_health(self, call: Call, code: Code) -> bool:
        argument = call.args[0] if call.args else None
        if isinstance(argument, Const):
            return argument.value in _HEALTH
        key = argument.keys[0] if isinstance(argument, Mapping) and argument.keys else None
        return isinstance(key, Const) and key.value in _HEALTH

    def collection_name(self, receiver: Value | None, model: Class | None) -> str | None:
        """The collection's name, where the code says it: by subscript, attribute, constant, or document settings."""
        if isinstance(receiver, ExternalInstance):
            label = receiver.label
            if label is not None and not isinstance(label, LiteralValue):
                values = self.types.expand((label,))
                label = values[0] if len(values) == 1 and isinstance(values[0], LiteralValue) else None
            if (
                isinstance(label, LiteralValue)
                and isinstance(label.value, str)
                and external.kind(receiver) == "collection"
            ):
                return label.value
        return self.document_collection(model) if model is not None else None

    def document_collection(self, model: Class) -> str | None:
        """The collection of an ODM's document class: its settings, else its name as the ODM derives it."""
        types = self.types
        for owner in types.mro(model):
            if not isinstance(owner, Class):
                continue
            for definition in owner.bindings.get("Settings", []) + owner.bindings.get("Collection", []):
                if isinstance(definition, Class) and "name" in definition.bindings:
                    for value in types.attribute(ClassValue(definition), "name"):
                        if isinstance(value, LiteralValue) and isinstance(value.value, str):
                            return value.value
            for key, setting in (("model_config", "collection"), ("meta", "collection")):
                text = self._setting(owner, key, setting)
                if text is not None:
                    return text
        if types.is_a(model, "odmantic.Model"):
            return _snake(model.name.removesuffix("Model") or model.name)
        if types.is_a(model, "mongoengine.Document", "mongoengine.DynamicDocument"):
            return _snake(model.name)
        return model.name if types.is_a(model, "beanie.Document") else None

    def _setting(self, owner: Class, name: str, key: str) -> str | None:
        for definition in owner.bindings.get(name, ()):
            if not isinstance(definition, Bind):
                continue
            value = definition.value
            if isinstance(value, Mapping):
                for item, found in zip(value.keys, value.values):
                    if isinstance(item, Const) and item.value == key and isinstance(found, Const):
                        return str(found.value)
            call = owner.call(value)
            for keyword in call.keywords if call is not None else ():
                if keyword.name == key and isinstance(keyword.value, Const):
                    return str(keyword.value.value)
        return None

    @staticmethod
    def _written_collection(func: Expr) -> str | None:
        """``db.users.insert_one`` and ``db["users"].insert_one`` name their collection even where ``db`` is unknown."""
        if isinstance(func, Attr) and isinstance(func.value, Item) and isinstance(func.value.index, Const):
            index = func.value.index.value
            return index if isinstance(index, str) else None
        parts = func.name.split(".") if isinstance(func, Ref) else []
        return parts[-2] if len(parts) >= 3 and parts[-3] in {"db", "database"} else None

    # --- clients and handles

    @cached_property
    def clients(self) -> tuple[Client, ...]:
        """Where Mongo clients are constructed (MongoEngine's ``connect`` counts), by module and place."""
        found = []
        for site in self.modules.sites.named(_CLIENT_NAMES | self._client_subclasses, everywhere=True):
            for value in self.types.infer(site.call.func, site.code, site.call.block):
                cls = self._client_class(value)
                if cls is not None:
                    found.append(Client(site, cls, drivers.CLASSES[cls].is_async))
                    break
        return tuple(found)

    @cached_property
    def _client_subclasses(self) -> frozenset[str]:
        return frozenset(
            cls.name
            for module in self.modules.ordered
            for cls in module.classes
            if self.types.is_a(cls, *_CLIENT_CLASSES)
        )

    def _client_class(self, value: Value) -> str | None:
        if isinstance(value, ExternalValue) and value.receiver is None:
            if value.name in _CLIENT_CLASSES:
                return value.name
            if value.name in drivers.CONNECTORS:
                return "pymongo.MongoClient"
        if isinstance(value, ClassValue):
            return next((c for c in _CLIENT_CLASSES if self.types.is_a(value.cls, c)), None)
        return None

    def handle_kind(self, value: Value) -> str:
        """``client``, ``database``, ``collection``, ``engine`` or ``gridfs``; empty for anything else."""
        kind = external.kind(value)
        return kind if kind in _HANDLES else ""

    def is_document(self, cls: Class) -> bool:
        """Whether a class is an ODM's document."""
        return any(
            isinstance(owner, str) and (row := drivers.CLASSES.get(owner)) is not None and row.kind == "document"
            for owner in self.types.mro(cls)
        )


class Client(Struct, frozen=True):
    """A client that the code constructs; ``cls`` is the driver's class."""

    site: Site
    cls: str
    is_async: bool


def _chain(call: Call, code: Code) -> Iterator[int]:
    """The call whose result this one is a method of, and those that it is chained to itself."""
    func = call.func
    while True:
        if isinstance(func, (Attr, Item)):
            func = func.value
        elif isinstance(func, CallRef):
            yield func.index
            func = code.body.calls[func.index].func
        else:
            return


def _snake(name: str) -> str:
    """``UserProfile`` -> ``user_profile``, as ODMantic and MongoEngine name collections."""
    out = "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
    return out.lstrip("_")


_CLIENT_CLASSES = tuple(sorted(name for name, row in drivers.CLASSES.items() if row.kind == "client"))
_CLIENT_NAMES = frozenset(name.rpartition(".")[2] for name in _CLIENT_CLASSES) | frozenset(
    name.rpartition(".")[2] for name in drivers.CONNECTORS
)
_OPERATION_NAMES = frozenset(
    method.name for row in drivers.CLASSES.values() for method in row.methods.values()
    if method.kind in drivers.OPERATION_KINDS or row.name.startswith("mongoengine.QuerySet")
) | {"init_beanie", "objects"}  # fmt: skip
