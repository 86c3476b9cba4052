"""The indexes that a program declares, wherever and in whatever form: calls, registries, document settings.

A declaration of which the collection or a key cannot be read is an :class:`Unread`: the indexes of that collection
(of all collections, where it is not known) are then not complete, and nothing is said about what is missing there.
Sources: the references of PyMongo, Beanie ("Indexes"), ODMantic ("Indexes") and MongoEngine ("Indexes").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from guardrails.facts import records
from guardrails.facts.records import Call, Expr
from guardrails.finding import Place
from guardrails.program.model import Class, Code
from guardrails.program.mongo import Operation
from guardrails.program.queries import odm
from guardrails.program.queries.documents import Optional, read_index
from guardrails.program.queries.expressions import Frame
from guardrails.program.queries.model import Index, Unknown
from guardrails.program.queries.namespace import LEVELS
from guardrails.program.queries.reader import Reader
from guardrails.program.queries.symbolic import RUN_TIME, FieldName, Parameter, Spec
from guardrails.program.values import ExternalValue

_OPTIONS = (
    "name",
    "unique",
    "sparse",
    "expireAfterSeconds",
    "partialFilterExpression",
    "collation",
    "hidden",
    "weights",
    "default_language",
    "wildcardProjection",
)


class Unread(Struct, frozen=True):
    """A declaration that cannot be read whole. ``collection``: whose indexes are not complete."""

    collection: str | Unknown
    reason: str
    place: Place


class Declarations:
    """Reads the declarations of a program's modules."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.types = reader.types
        self.evaluate = reader.evaluate

    # --- calls

    def of_call(self, operation: Operation) -> tuple[Index | Unread, ...]:
        """What a ``create_index`` or ``create_indexes`` declares, helpers followed to their callers."""
        if operation.method.name not in ("create_index", "create_indexes", "ensure_index"):
            return ()
        return tuple(self._concrete(operation, ()))

    def _concrete(self, operation: Operation, links: tuple[tuple[Code, Call], ...]) -> Iterator[Index | Unread]:
        frame = self.reader.frame(operation, links)
        found = list(self._in_frame(operation, frame))
        handed = any(isinstance(part, Unread) and isinstance(part.collection, Parameter) for part in found)
        handed = handed or any(isinstance(part, Unread) and part.reason == _HANDED for part in found)
        outermost = links[0][0] if links else operation.code
        callers = self.reader.callers(outermost) if handed and len(links) < LEVELS else []
        if not callers:
            yield from found
            return
        yield from (part for part in found if isinstance(part, Index))
        for code, call in callers:
            yield from self._concrete(operation, ((code, call), *links))

    def _in_frame(self, operation: Operation, frame: Frame) -> Iterator[Index | Unread]:
        call = operation.call
        for inner in self.evaluate.every_loop(operation.code, call.block, frame):
            collection = self.reader.collections.of(operation, inner)
            positional, keywords = self.evaluate.arguments(call, inner)
            role = "indexes" if operation.method.name == "create_indexes" else "keys"
            given = positional[0] if positional else keywords.pop(role, keywords.pop("key_or_list", RUN_TIME))
            place = operation.code.place(call.span)
            symbol = operation.code.qualname
            if role == "keys":
                if isinstance(given, Spec):
                    given, keywords = given.keys, {**given.options, **keywords}
                yield _index(collection, given, keywords, place, symbol)
            else:
                yield from _specs(collection, given, place, symbol)

    # --- document classes

    def of_class(self, cls: Class) -> Iterator[Index | Unread]:
        """What an ODM's document class declares."""
        if not self.reader.mongo.is_document(cls):
            return
        named = self.reader.mongo.document_collection(cls)
        collection: str | Unknown = named or Unknown(f"the collection of {cls.name} is not a constant")
        yield from self._settings(cls, collection)
        yield from self._fields(cls, collection)

    def _settings(self, cls: Class, collection: str | Unknown) -> Iterator[Index | Unread]:
        """``Settings.indexes`` (Beanie), ``model_config["indexes"]`` (ODMantic), ``meta["indexes"]`` (MongoEngine)."""
        for owner in self.types.mro(cls):
            if not isinstance(owner, Class):
                continue
            for where in ("Settings", "Collection", "model_config", "Config", "meta"):
                for holder, name, expr in odm.settings(owner, where):
                    if name == "indexes":
                        place = holder.place_of(expr)
                        yield from self._listed(cls, collection, expr, holder, where, place)
                        return

    def _listed(
        self, cls: Class, collection: str | Unknown, expr: Expr, holder: Code, where: str, place: Place
    ) -> Iterator[Index | Unread]:
        frame = self.evaluate.frame(holder, cls)
        if isinstance(expr, records.Lambda):
            function = holder.module.functions[expr.function]
            returned = function.returned
            if len(returned) != 1 or returned[0].value is None:
                yield Unread(collection, "the indexes are computed", place)
                return
            frame, expr = self.evaluate.frame(function, cls), returned[0].value
        value = self.evaluate.value(expr, frame, 0)
        if not isinstance(value, (list, tuple)):
            yield Unread(collection, "the indexes are not a literal list", place)
            return
        places = self._places(expr, frame.code, len(value), place)
        for item, where_it_stands in zip(value, places, strict=True):
            if where == "meta":
                yield self._mongoengine(cls, collection, item, where_it_stands)
            elif isinstance(item, Spec):
                yield _index(collection, item.keys, item.options, where_it_stands, cls.qualname)
            else:
                yield _index(collection, item, {}, where_it_stands, cls.qualname)

    @staticmethod
    def _places(expr: Expr, code: Code, count: int, place: Place) -> list[Place]:
        if isinstance(expr, records.Items) and len(expr.items) == count:
            return [code.place_of(item) for item in expr.items]
        return [place] * count

    def _mongoengine(self, cls: Class, collection: str | Unknown, item: Any, place: Place) -> Index | Unread:
        """One entry of ``meta["indexes"]``: ``"-created"``, ``("a", "-b")``, ``{"fields": […], "unique": True}``."""
        options: Mapping[Any, Any] = {}
        if isinstance(item, dict):
            options = {("name" if key == "name" else key): value for key, value in item.items() if key != "fields"}
            item = item.get("fields", RUN_TIME)
        words = [item] if isinstance(item, str) else item
        if not isinstance(words, (list, tuple)):
            return Unread(collection, "an index is not a constant", place)
        keys: list[tuple[Any, Any]] = []
        for word in words:
            if not isinstance(word, str):
                keys.append((RUN_TIME, 1))
                continue
            kind = _MONGOENGINE_KINDS.get(word[:1], 1)
            name = word.lstrip("+-$#*()").replace("__", ".")
            path = odm.path(self.types, cls, name.split("."))
            keys.append((path or name, kind))
        renamed = {("partialFilterExpression" if k == "partialFilterExpression" else k): v for k, v in options.items()}
        return _index(collection, keys, renamed, place, cls.qualname)

    def _fields(self, cls: Class, collection: str | Unknown) -> Iterator[Index | Unread]:
        """``Indexed(...)`` (Beanie), ``Field(index=True)`` (ODMantic), ``StringField(unique=True)`` (MongoEngine)."""
        for owner in self.types.mro(cls):
            if not isinstance(owner, Class):
                continue
            for name, definitions in owner.bindings.items():
                for definition in definitions:
                    if isinstance(definition, records.Bind):
                        yield from self._field(cls, owner, name, definition, collection)

    def _field(
        self, cls: Class, owner: Class, name: str, bind: records.Bind, collection: str | Unknown
    ) -> Iterator[Index | Unread]:
        path = odm.path(self.types, cls, [name])
        if path is None or path == "_id":
            return
        place = owner.place(bind.span)
        for expr in (bind.annotation, bind.value):
            for part in owner.walk(expr) if expr is not None else ():
                call = owner.call(part)
                if call is None:
                    continue
                callee = self._callee(call, owner)
                positional, keywords = self.evaluate.arguments(call, self.evaluate.frame(owner, cls))
                if callee == "beanie.Indexed":
                    kinds = [value for value in positional if value in (1, -1) or value in _KINDS]
                    kind = keywords.pop("index_type", kinds[-1] if kinds else 1)
                    yield _index(collection, [(path, kind)], keywords, place, cls.qualname)
                elif callee.startswith("odmantic.") and callee.endswith("Field"):
                    if keywords.get("index") is True or keywords.get("unique") is True:
                        options = {"unique": keywords.get("unique", False)}
                        yield _index(collection, [(path, 1)], options, place, cls.qualname)
                elif callee.startswith("mongoengine.") and part == bind.value:
                    yield from self._unique_field(path, keywords, collection, place, cls)

    def _unique_field(
        self, path: str, keywords: Mapping[Any, Any], collection: str | Unknown, place: Place, cls: Class
    ) -> Iterator[Index | Unread]:
        others = keywords.get("unique_with")
        if keywords.get("unique") is True or others is not None:
            names = [others] if isinstance(others, str) else list(others or ())
            keys = [(path, 1), *((str(other).replace("__", "."), 1) for other in names)]
            options = {"unique": True, "sparse": keywords.get("sparse", False)}
            yield _index(collection, keys, options, place, cls.qualname)

    def _callee(self, call: Call, code: Code) -> str:
        for value in self.types.infer(call.func, code, call.block):
            if isinstance(value, ExternalValue):
                return value.name
        return ""


_HANDED = "the callers pass the indexes"
_KINDS = frozenset({"text", "2dsphere", "2d", "hashed"})
_MONGOENGINE_KINDS = {"-": -1, "$": "text", "#": "hashed", "*": "2d", "(": "2dsphere"}


def _specs(collection: str | Unknown, given: Any, place: Place, symbol: str) -> Iterator[Index | Unread]:
    """The argument of ``create_indexes``."""
    if not isinstance(given, (list, tuple)):
        reason = _HANDED if isinstance(given, Parameter) else "the indexes are not a literal list"
        yield Unread(collection, reason, place)
        return
    for item in given:
        if isinstance(item, Optional):
            item = item.value
        if isinstance(item, Spec):
            yield _index(collection, item.keys, item.options, item.place or place, symbol)
        else:
            yield Unread(collection, _HANDED if isinstance(item, Parameter) else "an index is not literal", place)


def _index(
    collection: str | Unknown, keys: Any, options: Mapping[Any, Any], place: Place, symbol: str
) -> Index | Unread:
    plain = {key: value for key, value in options.items() if isinstance(key, str)}
    if len(plain) < len(options):
        # ``**options``: whatever they set.
        plain = {**dict.fromkeys(("unique", "sparse", "expireAfterSeconds"), RUN_TIME), **plain}
    if isinstance(collection, Unknown):
        return Unread(collection, collection.reason, place)
    if isinstance(keys, FieldName):
        keys = str(keys)
    read = read_index(collection, keys, plain)
    if isinstance(read, Unknown):
        return Unread(collection, _HANDED if isinstance(keys, Parameter) else read.reason, place)
    return replace(read, place=place, symbol=symbol)
