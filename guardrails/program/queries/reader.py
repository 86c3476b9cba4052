"""The queries of a program: every operation that filters or sorts, as far as the source shows what it asks.

An operation whose filter or collection is handed in by its function's callers (a generic repository, a helper) is
read once per call, with what that call passes, and stands at that call. One whose collection hangs on the class
alone (a base repository with a collection per subclass) is read once per class that is used, and stands where it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from guardrails.facts import records
from guardrails.facts.records import Call, CallRef
from guardrails.knowledge import drivers
from guardrails.knowledge.drivers import Method
from guardrails.program.model import Class, Code, Function
from guardrails.program.mongo import Mongo, Operation
from guardrails.program.queries import odm
from guardrails.program.queries.documents import (
    Optional,
    read_collation,
    read_filter,
    read_keys,
    read_pipeline,
    read_sort,
)
from guardrails.program.queries.expressions import Evaluator, Frame
from guardrails.program.queries.model import (
    And,
    IndexKey,
    Query,
    SortKey,
    Unknown,
    unknowns,
)
from guardrails.program.queries.namespace import LEVELS, Collections, name_of
from guardrails.program.queries.symbolic import (
    RUN_TIME,
    Choice,
    FieldName,
    Parameter,
    Record,
    choice,
    merged,
    sometimes,
)
from guardrails.program.types import Types
from guardrails.program.values import (
    ClassValue,
    FunctionValue,
    InstanceValue,
    SuperValue,
)

CALLERS = 60
"""An operation with more callers than this is left unread."""
ALTERNATIVES = 8
"""How many forms of one filter are judged."""


Links = tuple[tuple[Code, Call], ...]
"""Calls that lead to an operation, outermost first: each in the code of the next one's function."""


class _Reading(Struct, frozen=True):
    """What an operation asks in one frame. ``handed``: whether callers further out give a part of its filter."""

    queries: tuple[Query, ...]
    handed: bool


class Reader:
    """Reads the queries of a program's operations."""

    def __init__(self, types: Types, mongo: Mongo) -> None:
        self.types = types
        self.mongo = mongo
        self.evaluate = Evaluator(types)
        self.collections = Collections(types, mongo, self.evaluate)
        self._readings: dict[tuple[int, int], _Reading] = {}

    # --- from operations to queries

    def queries(self, operation: Operation) -> Iterator[Query]:
        """What an operation asks, once per form and per caller that shapes it."""
        if _asks(operation.method):
            yield from self._concrete(operation, ())

    def _concrete(self, operation: Operation, links: Links) -> Iterator[Query]:
        """The queries of an operation reached through ``links``, followed outwards as far as needed."""
        found = self._read(operation, links).queries
        outermost = links[0][0] if links else operation.code
        waiting = [self._needs(query, outermost) for query in found]
        callers = self.callers(outermost) if any(waiting) and len(links) < LEVELS else []
        for query, waits in zip(found, waiting):
            if not (waits and callers):
                yield self._placed(query, operation, links)
        for link in callers:
            yield from self._concrete(operation, (link, *links))

    def callers(self, code: Code) -> list[tuple[Code, Call]]:
        """The application's calls of a function; none where they are too many to follow."""
        found = self.types.calls_of(code) if isinstance(code, Function) else []
        found = [link for link in found if link[0].module.application or not code.module.application]
        return found if len(found) <= CALLERS else []

    @staticmethod
    def _needs(query: Query, outermost: Code) -> bool:
        """Whether the callers of ``outermost`` can say more about the query."""
        parts: list[object] = [*unknowns(query.filter), query.sort, query.collection]
        return any(isinstance(part, Parameter) and part.function is outermost for part in parts)

    def _placed(self, query: Query, operation: Operation, links: Links) -> Query:
        """The query with its place: the innermost call on the way that makes its filter concrete."""
        for inner in range(len(links) + 1):
            way = links[len(links) - inner :]
            if inner == len(links) or not self._read(operation, way).handed:
                code, span = (way[0][0], way[0][1].span) if way else (operation.code, operation.span)
                return replace(query, place=code.place(span), symbol=code.qualname)
        return query

    def frame(self, operation: Operation, links: Links) -> Frame:
        """The frame of the operation's code for a chain of calls that leads to it, outermost first."""
        if not links:
            return self.evaluate.frame(operation.code, operation.code.class_around)
        frame = self.evaluate.frame(links[0][0], links[0][0].class_around)
        targets = [*(code for code, _ in links[1:]), operation.code]
        for (code, call), target in zip(links, targets, strict=True):
            receiver = self._receiver(call, code, frame.receiver)
            frame = self.evaluate.frame(target, receiver or target.class_around, frame, call)
        return frame

    def _receiver(self, call: Call, code: Code, own: Class | None) -> Class | None:
        """The class of what a method is called on."""
        for value in self.types.expand(self.types.infer(call.func, code, call.block, own)):
            if isinstance(value, FunctionValue):
                bound = value.receiver
                if isinstance(bound, (InstanceValue, ClassValue)):
                    return bound.cls
                if isinstance(bound, SuperValue):
                    return bound.receiver
        return None

    # --- one operation in one frame

    def _read(self, operation: Operation, links: Links) -> _Reading:
        """What the operation asks where ``links`` lead to it: read once, though every caller beyond them asks."""
        frame = self.frame(operation, links)
        # The program keeps its operations, and the evaluator such frames.
        key = (id(operation), id(frame))
        found = self._readings.get(key)
        if found is None:
            queries = tuple(
                query
                for inner in self.evaluate.every_loop(operation.code, operation.call.block, frame)
                for query in self._asked(operation, inner, self.collections.of(operation, inner))
            )
            handed = any(isinstance(part, Parameter) for query in queries for part in unknowns(query.filter))
            found = self._readings[key] = _Reading(queries, handed)
        return found

    def _asked(self, operation: Operation, frame: Frame, collection: str | Unknown) -> Iterator[Query]:
        """What the operation asks, once per form of its filter."""
        method, call = operation.method, operation.call
        base = Query(collection, operation=method.name)
        if method.kind == "aggregate":
            pipeline = self._argument(method, "pipeline", call, frame)
            if pipeline is None:
                return
            for option in _options(pipeline):
                queries = read_pipeline(collection, option)
                hint = self._hint(self._argument(method, "hint", call, frame))
                yield from (replace(q, hint=hint if n == 0 else None) for n, q in enumerate(queries))
            return
        if method.argument("requests") is not None:
            yield from self._bulk(base, self._argument(method, "requests", call, frame))
            return
        document = self._filter(operation, frame)
        sorts = self._sorts(self._argument(method, "sort", call, frame))
        hint = self._hint(self._argument(method, "hint", call, frame))
        collation = self._collation(self._argument_named("collation", call, frame))
        limit = _limit(self._argument(method, "limit", call, frame))
        projection = _projection(self._argument(method, "projection", call, frame))
        for name, step, row, certain in self._chain(operation):
            if name in ("filter", "find", "find_one", "find_many", "__call__", "get"):
                more = self._conditions(row, step, frame, self._looked_up_model(operation))
                document = merged_filters(document, more if certain else Optional(more))
            elif name in ("sort", "order_by"):
                # A sort added under a condition is asked for whenever the condition holds.
                again = not certain and sorts != ((),)
                sorts = (RUN_TIME,) if again else self._sorts(self._sort_argument(row, step, frame))
            elif name == "hint":
                hint = self._hint(self._argument(row, "hint", step, frame))
            elif name == "collation":
                collation = self._collation(self._argument(row, "collation", step, frame, position=0))
            elif name == "limit":
                limit = _limit(self._argument(row, "limit", step, frame))
            elif name in ("project", "only"):
                projection = _projection(self._argument(row, "projection", step, frame))
            elif name == "search_text":
                document = merged_filters(document, {"$text": RUN_TIME})
        for option, sort in product(_options(document), sorts):
            yield replace(
                base,
                filter=read_filter(_id_if_plain(option)),
                sort=sort,
                hint=hint,
                collation=collation,
                limit=limit,
                projection=projection,
            )

    def _bulk(self, base: Query, requests: Any) -> Iterator[Query]:
        if not isinstance(requests, (list, tuple)):
            if requests is not None:
                yield replace(base, filter=Unknown("the requests are not a literal list"))
            return
        for request in requests:
            if isinstance(request, Optional):
                request = request.value
            if isinstance(request, Record) and "request" in request.fields:
                name = str(request.fields["request"])
                if name != "InsertOne":
                    for option in _options(request.fields["filter"]):
                        yield replace(base, filter=read_filter(option), operation=f"{base.operation} {name}")
            else:
                yield replace(base, filter=Unknown("a request is not read"))

    def _filter(self, operation: Operation, frame: Frame) -> Any:
        """The filter document of the operation's own call."""
        method, call = operation.method, operation.call
        if method.argument("id") is not None:
            return {"_id": RUN_TIME}
        if method.argument("ids") is not None:
            return {"_id": {"$in": RUN_TIME}}
        return self._conditions(method, call, frame, self._looked_up_model(operation))

    def _looked_up_model(self, operation: Operation) -> Class | None:
        """The class whose fields the look-ups of MongoEngine name as Python does, not as they are stored."""
        return operation.model if operation.name.startswith("mongoengine.") else None

    def _conditions(self, method: Method, call: Call, frame: Frame, model: Class | None = None) -> Any:
        """What a call's filter arguments ask: one document, several expressions, keyword look-ups."""
        argument = method.argument("filter")
        document: Any = {}
        if argument is not None:
            if argument.rest:
                positional, _ = self.evaluate.arguments(call, frame)
                for part in positional[argument.position or 0 :]:
                    document = merged_filters(document, _truth(part))
            else:
                given = self._argument(method, "filter", call, frame)
                document = {} if given is None else given
        if method.argument("lookups") is not None:
            _, keywords = self.evaluate.arguments(call, frame)
            document = merged_filters(document, odm.lookups(keywords))
        if model is not None and isinstance(document, dict):
            document = {odm.renamed(self.types, model, key): value for key, value in document.items()}
        return document

    def _argument(self, method: Method, role: str, call: Call, frame: Frame, position: int | None = None) -> Any:
        """The value of an argument by its role; ``None`` where it is not given."""
        argument = method.argument(role)
        if argument is not None:
            position = argument.position
            if argument.keyword is not None:
                found = self._argument_named(argument.keyword, call, frame)
                if found is not None:
                    return found
            if argument.rest and position is not None:
                positional, _ = self.evaluate.arguments(call, frame)
                return positional[position:] or None
        if position is not None and position < len(call.args):
            if any(isinstance(arg, records.Star) for arg in call.args[: position + 1]):
                positional, _ = self.evaluate.arguments(call, frame)
                return positional[position] if position < len(positional) else RUN_TIME
            return self.evaluate.value(call.args[position], frame, call.block)
        if argument is not None and any(keyword.name is None for keyword in call.keywords):
            _, keywords = self.evaluate.arguments(call, frame)
            if argument.keyword in keywords:
                return keywords[argument.keyword]
            return next((key for key in keywords if isinstance(key, Unknown)), None)
        return None

    def _argument_named(self, name: str, call: Call, frame: Frame) -> Any:
        for keyword in call.keywords:
            if keyword.name == name:
                return self.evaluate.value(keyword.value, frame, call.block)
        return None

    def _sort_argument(self, method: Method, call: Call, frame: Frame) -> Any:
        """The sort of a cursor's ``.sort``: pairs, or a field and a direction."""
        if method.argument("direction") is not None and len(call.args) == 2:
            path, direction = (self.evaluate.value(arg, frame, call.block) for arg in call.args)
            return [(path, direction)]
        return self._argument(method, "sort", call, frame)

    def _sorts(self, value: Any) -> tuple[tuple[SortKey, ...] | Unknown, ...]:
        """The forms that a sort may have; one unknown form where any of them is."""
        options = value.options if isinstance(value, Choice) else (value,)
        found = [self._sort(option) for option in options]
        unread = [form for form in found if isinstance(form, Unknown)]
        return (unread[0],) if unread else tuple(dict.fromkeys(found))

    def _sort(self, value: Any) -> tuple[SortKey, ...] | Unknown:
        """A sort from any of the drivers' and ODMs' forms."""
        if value is None or (isinstance(value, (list, tuple)) and not value):
            return ()
        if isinstance(value, FieldName):
            return (SortKey(str(value)),)
        if isinstance(value, str):
            return (_signed(value),)
        if isinstance(value, (list, tuple)) and not _is_pair(value):
            keys: list[SortKey] = []
            for item in value:
                if isinstance(item, (Choice, Optional)):
                    return Unknown("the sort has alternatives")
                if isinstance(item, str):
                    keys.append(SortKey(str(item)) if isinstance(item, FieldName) else _signed(item))
                    continue
                if item is None:
                    continue
                read = self._sort(item) if isinstance(item, list) and not _is_pair(item) else read_sort([item])
                if isinstance(read, Unknown):
                    return read
                keys += read
            return tuple(keys)
        if isinstance(value, Choice):
            return Unknown("the sort has alternatives")
        if isinstance(value, (dict, list, tuple)):
            return read_sort([value] if _is_pair(value) else value)
        return value if isinstance(value, Unknown) else Unknown("the sort is not literal")

    @staticmethod
    def _hint(value: Any) -> str | tuple[IndexKey, ...] | Unknown | None:
        if value is None or isinstance(value, (str, Unknown)):
            return value
        return read_keys(value)

    @staticmethod
    def _collation(value: Any) -> tuple[tuple[str, Any], ...] | Unknown | None:
        if isinstance(value, Record):
            return read_collation(dict(value.fields))
        return read_collation(value)

    def _chain(self, operation: Operation) -> Iterator[tuple[str, Call, Method, bool]]:
        """The calls on what the operation gives: ``.sort(…).limit(…)``, directly or through one variable."""
        code, index = operation.code, operation.index
        cls = operation.method.type
        row = drivers.CLASSES.get(cls) if cls else None
        if row is None:
            return
        head = True
        while head:
            head = False
            for position, call in enumerate(code.body.calls):
                if isinstance(call.func, records.Attr) and call.func.value == CallRef(index):
                    method = row.methods.get(call.func.name)
                    if method is None:
                        return
                    yield method.name, call, method, True
                    if method.kind != "refine":
                        return
                    index, head = position, True
                    break
        name = self._bound_to(code, index)
        if name is None:
            return
        block = code.body.calls[index].block
        for call in code.body.calls:
            if isinstance(call.func, records.Ref) and call.func.name.rpartition(".")[0] == name:
                method = row.methods.get(name_of(call.func))
                if method is not None and call.span > code.body.calls[index].span:
                    yield method.name, call, method, code.inside(block, call.block)

    @staticmethod
    def _bound_to(code: Code, index: int) -> str | None:
        for event in code.body.events:
            if (
                isinstance(event, records.Bind)
                and event.value == CallRef(index)
                and isinstance(event.target, records.Ref)
            ):
                return event.target.name
        return None


def _asks(method: Method) -> bool:
    """Whether the method's row has a part that an index could serve."""
    roles = ("filter", "pipeline", "requests", "sort", "lookups", "id", "ids")
    return method.kind not in ("index", "command", "watch", "session") and any(
        method.argument(role) is not None for role in roles
    )


def _options(value: Any) -> tuple[Any, ...]:
    """The forms that a filter may have; unreadable where they are too many."""
    if isinstance(value, Choice):
        if len(value.options) > ALTERNATIVES:
            return (Unknown("the filter has too many forms"),)
        return tuple(option for option in value.options if option is not None)
    return (value,)


def _truth(part: Any) -> Any:
    """An argument of an ODM's ``find`` as a filter: ``True`` filters nothing."""
    return {} if part is True else part


def _limit(value: Any) -> int | Unknown | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    return Unknown("the limit is known at run time only")


def _projection(value: Any) -> tuple[str, ...] | Unknown | None:
    """The fields that a projection takes; a model class takes those of its own, which are not read."""
    if value is None:
        return None
    names = [key for key, taken in value.items() if taken] if isinstance(value, dict) else value
    if isinstance(names, (list, tuple)) and all(isinstance(name, str) for name in names):
        return tuple(str(name) for name in names)
    return Unknown("the projection is not literal")


def merged_filters(left: Any, right: Any) -> Any:
    """Both filters; the same field in both is tested twice."""
    if isinstance(left, Choice):
        return choice([merged_filters(option, right) for option in left.options])
    if isinstance(right, Choice):
        return choice([merged_filters(left, option) for option in right.options])
    if isinstance(right, Optional):
        return sometimes(left, merged_filters(left, right.value))
    if isinstance(left, dict) and isinstance(right, dict) and set(left) & set(right):
        return {"$and": [left, right]}
    return merged(left, right)


def _id_if_plain(value: Any) -> Any:
    """The driver takes a filter that is no document as an ``_id``."""
    return {"_id": value} if isinstance(value, (str, int)) and not isinstance(value, bool) else value


def _is_pair(value: Any) -> bool:
    return (
        isinstance(value, (list, tuple))
        and len(value) == 2
        and isinstance(value[0], str)
        and (value[1] in (1, -1) if isinstance(value[1], (int, float)) else isinstance(value[1], Unknown))
    )


def _signed(text: str) -> SortKey:
    """``-created`` and ``+created``, as the ODMs write orders."""
    path = text.lstrip("+-").replace("__", ".")
    return SortKey("_id" if path in ("id", "pk") and text != path else path, -1 if text.startswith("-") else 1)


def empty(query: Query) -> bool:
    """Whether a query neither filters nor sorts."""
    return query.filter == And() and query.sort == ()
