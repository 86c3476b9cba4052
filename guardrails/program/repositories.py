"""Rule 3's questions: repository methods, what they return, and which collections a repository works on."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from guardrails.facts.records import Expr, Item, Items, Op, Ref
from guardrails.knowledge import drivers
from guardrails.program import external
from guardrails.program.model import Class, Code, Function, Module
from guardrails.program.mongo import Operation
from guardrails.program.values import (
    CoroutineValue,
    DocumentValue,
    ExternalInstance,
    ExternalValue,
    LiteralValue,
    MappingValue,
    SequenceValue,
    UnknownValue,
    Value,
    Values,
    known,
    union,
)  # fmt: skip

if TYPE_CHECKING:
    from guardrails.program.program import Program

_BARE = frozenset({"dict", "collections.abc.Mapping", "collections.abc.MutableMapping", "collections.OrderedDict"})
_CONTAINERS = frozenset(
    {
        "list", "tuple", "set", "collections.abc.Sequence", "collections.abc.Iterable", "collections.abc.Iterator",
        "collections.abc.AsyncIterator", "collections.abc.AsyncIterable", "collections.abc.AsyncGenerator",
        "collections.abc.Generator", "collections.abc.Collection", "typing.Optional", "typing.Union",
        "typing.Annotated", "collections.abc.Awaitable", "collections.abc.Coroutine",
    }
)  # fmt: skip
_ANY = frozenset({"typing.Any", "object"})
# Driver types that a repository may be given.
_RECEIVED = frozenset({"client", "database", "collection", "session", "engine", "gridfs"})
# How a repository may declare the indexes that its queries need.
_DECLARATIONS = frozenset({"pymongo.IndexModel", "pymongo.SearchIndexModel"})
_REGISTRY_KINDS = frozenset({"index", "command"})


class Repositories:
    """Answers about the data layer."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.types = program.types

    @cached_property
    def modules(self) -> tuple[Module, ...]:
        """The application's repository modules."""
        return self.program.layers.in_layer("repositories")

    @cached_property
    def classes(self) -> tuple[Class, ...]:
        """Repository classes: those of repository modules that are neither models, errors, enums nor protocols."""
        return tuple(c for m in self.modules for c in m.classes if not self._is_other(c))

    def _is_other(self, cls: Class) -> bool:
        return self.types.is_a(
            cls, "pydantic.BaseModel", "BaseException", "enum.Enum", "typing.TypedDict", "typing.NamedTuple"
        ) or self.program.mongo.is_document(cls)  # fmt: skip

    @cached_property
    def methods(self) -> tuple[Function, ...]:
        """Public methods of repository classes and public functions of repository modules."""
        wanted = set(self.classes)
        return tuple(
            f
            for module in self.modules
            for f in module.functions
            if f.is_public and (f.cls in wanted or f.outer is module) and not f.is_accessor and f.name != "<lambda>"
        )

    # --- operations

    def operations_outside(self) -> Iterator[Operation]:
        """Mongo operations outside repositories, the index registry and start-up code."""
        program = self.program
        for operation in program.mongo.operations:
            module = operation.code.module
            if not module.application or program.layers.of(module) == "repositories":
                continue
            if module in program.roles.named_registries or program.calls.only_startup(operation.code):
                continue
            connects = operation.method.kind in _REGISTRY_KINDS
            if connects and module in program.roles.database_modules and program.layers.of(module) != "wiring":
                continue
            yield operation

    def collections_of(self, cls: Class) -> tuple[str, ...]:
        """The collections that a repository class works on, its inherited methods included, where they can be read."""
        names: dict[str, None] = {}
        for owner in self.types.mro(cls):
            if not isinstance(owner, Class):
                continue
            for method in owner.methods:
                for operation in self.program.mongo.by_code.get(method, ()):
                    name = self._collection_for(operation, cls)
                    if name is not None:
                        names.setdefault(name)
        return tuple(sorted(names))

    def _collection_for(self, operation: Operation, cls: Class) -> str | None:
        call, code = operation.call, operation.code
        for value in self.types.infer(call.func, code, call.block, cls):
            if isinstance(value, ExternalValue):
                receiver = value.receiver
                model = getattr(receiver, "cls", None) if not isinstance(receiver, ExternalInstance) else receiver.owner
                name = self.program.mongo.collection_name(
                    receiver, model if isinstance(model, Class) else operation.model
                )
                if name is not None:
                    return name
        return operation.collection

    def shared_collections(self) -> Iterator[tuple[Class, Class, str]]:
        """Collections on which a second, unrelated class works: the first class, the later one, the collection."""
        first: dict[str, Class] = {}
        for cls in sorted(self.classes, key=lambda c: (c.module.name, c.facts.span)):
            collections = self.collections_of(cls)
            if len(collections) != 1:
                continue
            earlier = first.setdefault(collections[0], cls)
            related = earlier in self.types.mro(cls) or cls in self.types.mro(earlier)
            if earlier is not cls and not related:
                yield earlier, cls, collections[0]

    def loose_functions(self) -> Iterator[tuple[Function, Operation]]:
        """The first data-access function of each repository module that has no class, with its first operation."""
        for module in self.modules:
            if module.classes:
                continue
            for function in sorted(module.functions, key=lambda f: f.facts.span):
                operations = self.program.mongo.by_code.get(function, ())
                if operations and function.outer is module:
                    yield function, operations[0]
                    break

    # --- what methods return

    def returned(self, function: Function) -> Values:
        """What a method returns or yields by value, coroutines and generators opened."""
        types = self.types
        values = union(*(types.infer(r.value, function, r.block) for r in function.returned if r.value is not None))
        if function.facts.is_generator:
            values = union(values, types.yielded(function))
        return union(*(v.values if isinstance(v, CoroutineValue) else (v,) for v in values))

    def raw_result(self, function: Function) -> str | None:
        """What raw thing a method returns (``a document``, ``a cursor``, ``dict``), or None."""
        values = self.returned(function)
        for value in values:
            found = self._raw(value, 4)
            if found is not None:
                return found
        declared = (
            self._raw_annotation(function.facts.returns, function) if function.facts.returns is not None else None
        )
        if declared is None or self._surely_clean(values):
            return None
        # A dict in the annotation of something that never asks the database is none: a filter, a mapper's output.
        return declared if function.is_abstract or self._asks(function) else None

    def _asks(self, function: Function) -> bool:
        """Whether a method asks the database, as far as can be told, or awaits something unknown."""
        operations = self.program.mongo.by_code
        seen: set[Function] = set()
        pending = [function]
        while pending:
            current = pending.pop()
            if current in seen:
                continue
            seen.add(current)
            if current in operations:
                return True
            for call in current.body.calls:
                if call.use in {"await", "async-iterate"} and not known(
                    self.types.expand(self.types.infer(call.func, current, call.block))
                ):
                    return True
            pending.extend(edge.target for edge in self.program.calls.edges(current))
        return False

    def _raw(self, value: Value, depth: int) -> str | None:
        if isinstance(value, DocumentValue):
            return "a raw document"
        kind = external.kind(value)
        if kind == "cursor":
            return "a cursor"
        if depth and isinstance(value, SequenceValue):
            found = next((f for v in value.items if (f := self._raw(v, depth - 1))), None)
            return "raw documents" if found == "a raw document" else found
        if depth and isinstance(value, MappingValue):
            return self._raw_mapping(value, depth)
        return None

    def _raw_mapping(self, value: MappingValue, depth: int) -> str | None:
        for key, item in zip(value.expr.keys, value.expr.values):
            values = self.types.infer(item, value.code)
            if any(self._raw(v, depth - 1) for v in values):
                return "a dict of raw documents" if key is not None else "a raw document"
        return None

    def _surely_clean(self, values: Values) -> bool:
        """Whether every alternative is a display of the code's own that no document flows into."""
        return bool(known(values)) and all(
            isinstance(v, (MappingValue, LiteralValue)) and not self._reads_document(v) for v in values
        )

    def _reads_document(self, value: Value) -> bool:
        if not isinstance(value, MappingValue):
            return False
        return any(
            isinstance(v, (DocumentValue, UnknownValue, SequenceValue))
            for item in value.expr.values
            for v in self.types.infer(item, value.code)
        )

    def _raw_annotation(self, expr: Expr, function: Function) -> str | None:
        """``dict``, ``dict[str, Any]``, ``Mapping``, and containers of them; a cursor's type."""
        outer = function.outer
        assert outer is not None
        return self._raw_type(expr, outer, 6)

    def _raw_type(self, expr: Expr, code: Code, depth: int) -> str | None:
        if depth == 0:
            return None
        if isinstance(expr, Op) and expr.op == "|":
            return next((f for o in expr.operands if (f := self._raw_type(o, code, depth - 1))), None)
        if isinstance(expr, Item):
            name = self._type_name(expr.value, code)
            arguments = expr.index.items if isinstance(expr.index, Items) else (expr.index,)
            if name in _BARE:
                return name.rpartition(".")[2] if self._is_any(arguments[-1], code) else None
            if name in _CONTAINERS:
                return next((f for a in arguments if (f := self._raw_type(a, code, depth - 1))), None)
            return "a cursor" if self._is_cursor(name) else None
        if isinstance(expr, Ref):
            bind, owner = self.types.single_binding(expr, code)
            if bind is not None and owner is not None and isinstance(bind.value, (Item, Op, Ref)):
                return self._raw_type(bind.value, owner, depth - 1)
            name = self._type_name(expr, code)
            if name in _BARE or name in drivers.BSON_DOCUMENTS:
                return name.rpartition(".")[2]
            return "a cursor" if self._is_cursor(name) else None
        return None

    @staticmethod
    def _is_cursor(name: str) -> bool:
        row = drivers.CLASSES.get(name)
        return row is not None and row.kind == "cursor"

    def _type_name(self, expr: Expr, code: Code) -> str:
        return next((v.name for v in self.types.infer(expr, code) if isinstance(v, ExternalValue)), "")

    def _is_any(self, expr: Expr, code: Code) -> bool:
        name = self._type_name(expr, code)
        return name in _ANY or self._raw_type(expr, code, 3) is not None

    # --- driver types

    def driver_types(self, function: Function) -> Iterator[tuple[str, str, Expr | None]]:
        """Driver types in a signature: what is returned or taken, the parameter's name, and the type."""
        for value in union(self.returned(function), self._declared(function)):
            name = self._driver_type(value)
            if name is not None and drivers.CLASSES[name].kind != "cursor":  # GR302 has those
                yield "returns", name, None
                break
        outer = function.outer
        assert outer is not None
        for parameter in function.parameters:
            if parameter.annotation is None:
                continue
            for value in self.types.annotation(parameter.annotation, outer):
                name = self._driver_type(value)
                if name is not None and drivers.CLASSES[name].kind not in _RECEIVED:
                    yield parameter.name, name, parameter.annotation
                    break

    def _declared(self, function: Function) -> Values:
        if function.facts.returns is None or function.outer is None:
            return ()
        return self.types.annotation(function.facts.returns, function.outer)

    def _driver_type(self, value: Value) -> str | None:
        if isinstance(value, SequenceValue):
            return next((n for v in value.items if (n := self._driver_type(v))), None)
        if isinstance(value, ExternalInstance) and drivers.driver_type(value.cls) and value.cls not in _DECLARATIONS:
            return value.cls if drivers.CLASSES[value.cls].kind != "option" else None
        return None
