"""From MongoDB's documents to the query model: filters, sorts, index keys and options, pipelines.

The documents are plain Python values with ``Unknown`` for whatever is not known: a value, a key, a document.
Two wrappers say more than a plain value can: :class:`Optional` for an entry that is added only under some
circumstances, and :class:`Few` for a value of a small enumeration. The source reader, the live database and
the tests all come through here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from guardrails.knowledge.operators import Role, StageRole, operator_role, stage_role
from guardrails.program.queries.model import (
    And,
    Condition,
    Element,
    Filter,
    Index,
    IndexKey,
    Maybe,
    Or,
    Pattern,
    Query,
    SortKey,
    Unknown,
    conditions,
    show_keys,
)


class Optional(Struct, frozen=True):
    """The value of an entry that may be absent."""

    value: Any


class Few(Struct, frozen=True):
    """A value of a field that takes few values."""

    value: Any


class Beginning(Struct, frozen=True):
    """A string of which only the beginning is known, such as an f-string's text before its first hole."""

    text: str


def read_filter(document: Any) -> Filter:
    """A filter document as a filter. What is no document, or has an unknown key, becomes ``Unknown``."""
    if isinstance(document, Unknown):
        return document
    if document is None:
        return And()
    if not isinstance(document, Mapping):
        return Unknown("the filter is no document")
    return _all(_entry(key, value) for key, value in document.items())


def _all(parts: Iterable[Filter]) -> Filter:
    found = tuple(parts)
    return found[0] if len(found) == 1 else And(found)


def _entry(key: Any, value: Any) -> Filter:
    if isinstance(value, Optional):
        return Maybe(_entry(key, value.value))
    if not isinstance(key, str):
        return key if isinstance(key, Unknown) else Unknown("a field name is not a constant string")
    if not key.startswith("$"):
        return _field(key, value)
    role = operator_role(key)
    if role in (Role.AND, Role.OR):
        if not isinstance(value, (list, tuple)):
            return Unknown(f"the branches of {key} are not a literal list")
        if not value:
            return Unknown(f"{key} without branches")
        parts = tuple(_branch(part) for part in value)
        return _all(parts) if role is Role.AND else Or(parts)
    if role is Role.OPTION:
        return And()
    if role is None:
        return Unknown(f"unknown operator {key}")
    return Condition("", key, value)


def _branch(part: Any) -> Filter:
    return Maybe(read_filter(part.value)) if isinstance(part, Optional) else read_filter(part)


def _field(path: str, value: Any) -> Filter:
    """``{path: value}``: a document of operators, or a value to be equal to."""
    few = isinstance(value, (Few, bool))
    if isinstance(value, Few):
        value = value.value
    if isinstance(value, Pattern):
        return Condition(path, "$regex", value)
    if not (isinstance(value, Mapping) and any(_operator(key) for key in value)):
        if isinstance(value, Mapping) and any(isinstance(key, Unknown) for key in value):
            return Unknown(f"the condition on {path} has an operator that is not a constant")
        return Condition(path, "$eq", value, few=few)
    parts: list[Filter] = []
    for name, operand in value.items():
        if isinstance(operand, Optional):
            parts.append(Maybe(_operation(path, name, operand.value, value)))
        else:
            parts.append(_operation(path, name, operand, value))
    return _all(part for part in parts if part != And())


def _operator(key: Any) -> bool:
    return isinstance(key, str) and key.startswith("$")


def _operation(path: str, name: Any, operand: Any, beside: Mapping[Any, Any]) -> Filter:
    """``{path: {name: operand}}``. ``beside``: all its operators (``$options`` stands beside ``$regex``)."""
    if not isinstance(name, str):
        return Unknown(f"the condition on {path} has an operator that is not a constant")
    role = operator_role(name)
    if role is None:
        return Unknown(f"unknown operator {name}")
    if role is Role.OPTION:
        return And()
    if role is Role.REGEX:
        return Condition(path, name, read_pattern(operand, beside.get("$options", "")))
    if name == "$elemMatch":
        return _element(path, operand)
    if name == "$all" and isinstance(operand, (list, tuple)) and operand and _is_element(operand[0]):
        return _all(_element(path, item.get("$elemMatch")) for item in operand if _is_element(item))
    few = isinstance(operand, (Few, bool)) and role is Role.EQUALITY
    return Condition(path, name, operand.value if isinstance(operand, Few) else operand, few=few)


def _is_element(item: Any) -> bool:
    return isinstance(item, Mapping) and "$elemMatch" in item


def _element(path: str, operand: Any) -> Filter:
    if not isinstance(operand, Mapping):
        return Unknown(f"the $elemMatch on {path} is not a literal document")
    if operand and all(_operator(key) and operator_role(key) not in (Role.AND, Role.OR) for key in operand):
        inner = _field("", operand)
    else:
        inner = read_filter(operand)
    return Element(path, inner)


def read_pattern(source: Any, options: Any = "") -> Pattern:
    """The operand of ``$regex`` and the ``$options`` beside it."""
    if isinstance(options, str):
        ignore_case: bool | Unknown = "i" in options
    else:
        ignore_case = Unknown("the options of $regex are not a constant")
    if isinstance(source, Pattern):
        return Pattern(source.start, source.ignore_case or ignore_case, source.whole)
    if isinstance(source, Beginning):
        return Pattern(source.text, ignore_case, whole=False)
    if isinstance(source, str):
        return Pattern(source, ignore_case)
    return Pattern(Unknown("the pattern is not a constant"), ignore_case)


def read_sort(document: Any) -> tuple[SortKey, ...] | Unknown:
    """A sort in any of the driver's forms: ``"a"``, ``[("a", -1)]``, ``["a", ("b", 1)]``, ``{"a": -1}``.

    A key ordered by ``{"$meta": …}`` is left out: no index has it.
    """
    if document is None:
        return ()
    if isinstance(document, Unknown):
        return document
    if isinstance(document, str):
        return (SortKey(document),)
    pairs = list(_pairs(document))
    keys = []
    for path, direction in pairs:
        if not isinstance(path, str):
            return Unknown("a sort field is not a constant")
        if isinstance(direction, Mapping):
            continue
        known = direction in (1, -1) and not isinstance(direction, Unknown)
        keys.append(SortKey(path, int(direction) if known else Unknown("the direction is known at run time only")))
    return tuple(keys)


def read_keys(document: Any) -> tuple[IndexKey, ...] | Unknown:
    """Index keys in any of the driver's forms, as for :func:`read_sort`."""
    if isinstance(document, str):
        return (IndexKey(document),)
    if isinstance(document, Unknown):
        return document
    keys = []
    for path, kind in _pairs(document):
        if not isinstance(path, str):
            return path if isinstance(path, Unknown) else Unknown("an index field is not a constant")
        if isinstance(kind, float) and kind.is_integer():
            kind = int(kind)
        if isinstance(kind, bool) or not isinstance(kind, (int, str)):
            return Unknown(f"the direction of {path} is not a constant")
        # MongoDB takes any number for a direction; its sign counts.
        keys.append(IndexKey(path, kind if isinstance(kind, str) else (1 if kind > 0 else -1)))
    return tuple(keys) if keys else Unknown("no index keys")


def _pairs(document: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(document, Mapping):
        yield from document.items()
        return
    if not isinstance(document, Sequence):
        yield Unknown("neither a list nor a document of fields"), 1
        return
    if len(document) == 2 and isinstance(document[0], str) and document[1] in (1, -1):
        # ("name", -1): one pair, as index declarations of ODMs write it.
        yield document[0], document[1]
        return
    for item in document:
        if isinstance(item, str):
            yield item, 1
        elif isinstance(item, Mapping):
            yield from item.items()
        elif isinstance(item, Sequence) and len(item) == 2:
            yield item[0], item[1]
        else:
            yield item if isinstance(item, Unknown) else Unknown("a field is not a pair"), 1


def read_collation(document: Any) -> tuple[tuple[str, Any], ...] | Unknown | None:
    """A collation as sorted pairs; the ``simple`` collation is none."""
    if document is None or isinstance(document, Unknown):
        return document
    if not isinstance(document, Mapping) or _holds_unknown(document):
        return Unknown("the collation is not a literal document")
    if document.get("locale") == "simple":
        return None
    return tuple(sorted((str(key), value) for key, value in document.items()))


def _holds_unknown(document: Mapping[Any, Any]) -> bool:
    return any(isinstance(part, Unknown) for pair in document.items() for part in pair)


def read_index(collection: str | Unknown, keys: Any, options: Mapping[str, Any]) -> Index | Unknown:
    """An index from its keys and the driver's or the server's options; ``Unknown`` if its keys are."""
    read = read_keys(keys)
    if isinstance(read, Unknown):
        return read

    def flag(name: str) -> bool | Unknown:
        value = options.get(name, False)
        return value if isinstance(value, Unknown) else bool(value)

    partial = options.get("partialFilterExpression")
    expire = options.get("expireAfterSeconds")
    name = options.get("name")
    return Index(
        collection,
        read,
        name=name if isinstance(name, (str, Unknown)) else None,
        unique=flag("unique"),
        sparse=flag("sparse"),
        partial=None if partial is None else read_filter(partial),
        expire_after=expire if isinstance(expire, (int, float, Unknown)) else None,
        collation=read_collation(options.get("collation")),
    )


def read_pipeline(collection: str | Unknown, pipeline: Any) -> tuple[Query, ...]:
    """The queries of a pipeline: what its leading stages ask of ``collection``, and its lookups of others.

    ``$match`` and ``$sort`` count as long as only such stages precede: adjacent ``$match`` stages are one
    filter, and a ``$match`` after a ``$sort`` filters before it, as the server orders them.
    Source: manual, "Aggregation Pipeline Optimization".
    """
    if not isinstance(pipeline, (list, tuple)):
        reason = pipeline if isinstance(pipeline, Unknown) else Unknown("the pipeline is not a literal list")
        return (Query(collection, reason, operation="aggregate"),)
    filters: list[Filter] = []
    sort: tuple[SortKey, ...] | Unknown = ()
    leading = True
    cut = False
    others: list[Query] = []
    for stage in pipeline:
        optional = isinstance(stage, Optional)
        if optional:
            stage = stage.value
        name, body = _stage(stage)
        role = stage_role(name) if name else None
        if role is None:
            if leading:
                filters.append(name if isinstance(name, Unknown) else Unknown("a stage is not a literal document"))
            # What an unreadable stage looks up cannot be told either, but it takes nothing from the others.
            leading = False
        elif leading and role is StageRole.FILTER:
            if not cut:
                filters.append(Maybe(read_filter(body)) if optional else read_filter(body))
        elif leading and role is StageRole.SORT:
            if not sort and not cut:
                sort = Unknown("the sort is added under some circumstances") if optional else read_sort(body)
            else:
                leading = False
        elif role is StageRole.CUT:
            cut = True
        elif role is StageRole.GEO and isinstance(body, Mapping):
            key = body.get("key")
            if isinstance(key, str):
                filters.append(_all((Condition(key, "$near"), read_filter(body.get("query")))))
            else:
                filters.append(Unknown("$geoNear finds its field by itself"))
            leading = False
        else:
            if role in (StageRole.SEARCH, StageRole.SOURCE) and leading and not filters:
                return tuple(others)
            others.extend(_joins(role, body))
            leading = False
    first = Query(collection, _all(filters), sort, "aggregate")
    return (first, *others)


def _stage(stage: Any) -> tuple[Any, Any]:
    if isinstance(stage, Mapping) and len(stage) == 1:
        ((name, body),) = stage.items()
        return name, body
    return (stage if isinstance(stage, Unknown) else None), None


def _joins(role: StageRole, body: Any) -> Iterable[Query]:
    """The queries that ``$lookup``, ``$graphLookup``, ``$unionWith`` and ``$facet`` put to other collections.

    The pipeline of a ``$lookup`` is not read: it compares with variables in ``$expr``.
    """
    if role is StageRole.PIPELINE and isinstance(body, Mapping):
        if "coll" in body or "pipeline" in body:
            source = body.get("coll")
            if isinstance(source, str):
                yield from read_pipeline(source, body.get("pipeline", []))
        else:
            for inner in body.values():
                if isinstance(inner, (list, tuple)):
                    for stage in inner:
                        name, content = _stage(stage)
                        if isinstance(name, str) and stage_role(name) is StageRole.JOIN:
                            yield from _joins(StageRole.JOIN, content)
    if role is StageRole.JOIN and isinstance(body, Mapping):
        source = body.get("from")
        foreign = body.get("foreignField", body.get("connectToField"))
        if isinstance(source, str) and isinstance(foreign, str):
            yield Query(source, Condition(foreign, "$eq"), operation="$lookup")


def shape(query: Query) -> str:
    """The query in one line, values left out: ``{status: =, age: range} sort (created_at: -1)``."""
    text = show_filter(query.filter)
    if isinstance(query.sort, Unknown):
        text += " sort ?"
    elif query.sort:
        text += f" sort {show_keys(query.sort)}"
    return text


_SIGNS = {Role.EQUALITY: "=", Role.SET: "in"}


def show_filter(part: Filter) -> str:
    """A filter in one line: each field with its role; ``?`` marks what is added only sometimes."""
    return "{" + ", ".join(_shown(part)) + "}"


def _shown(part: Filter, suffix: str = "") -> Iterable[str]:
    if isinstance(part, Unknown):
        yield f"unknown ({part.reason})"
    elif isinstance(part, Condition):
        sign = _SIGNS.get(part.role, part.operator.lstrip("$") if part.role is not Role.RANGE else "range")
        yield f"{part.path}: {sign}{suffix}" if part.path else f"{part.operator}{suffix}"
    elif isinstance(part, And):
        for inner in part.parts:
            yield from _shown(inner, suffix)
    elif isinstance(part, Or):
        yield "or(" + " | ".join(show_filter(inner) for inner in part.parts) + f"){suffix}"
    elif isinstance(part, Element):
        yield f"{part.path}: elemMatch{show_filter(part.part)}{suffix}"
    else:
        yield from _shown(part.part, "?")


def fields(query: Query) -> tuple[str, ...]:
    """The distinct fields that the filter and the sort name, in order."""
    names = [condition.path for condition in conditions(query.filter) if condition.path]
    if not isinstance(query.sort, Unknown):
        names += [key.path for key in query.sort]
    return tuple(dict.fromkeys(names))
