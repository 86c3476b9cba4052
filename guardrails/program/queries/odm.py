"""What the object-document mappers make of classes and expressions: collections, field paths, filters.

Sources: the documentation of Beanie ("Defining a document", "Find operators"), ODMantic ("Defining models",
"Querying", "Raw query operators") and MongoEngine ("Defining documents", "Querying the database").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from guardrails.facts import records
from guardrails.facts.records import Expr
from guardrails.knowledge.drivers import CLASSES
from guardrails.program.model import Class
from guardrails.program.queries.documents import read_pattern
from guardrails.program.queries.model import Pattern, Unknown
from guardrails.program.types import Types

COMPARISONS = {"==": "$eq", "!=": "$ne", "<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}

FIELD_METHODS = {
    "eq": "$eq",
    "ne": "$ne",
    "gt": "$gt",
    "gte": "$gte",
    "lt": "$lt",
    "lte": "$lte",
    "in_": "$in",
    "not_in": "$nin",
    "match": "$regex",
}
"""ODMantic's methods of a field, and the operators that they mean."""

_FUNCTIONS = {
    "Eq": "$eq",
    "GT": "$gt",
    "GTE": "$gte",
    "LT": "$lt",
    "LTE": "$lte",
    "NE": "$ne",
    "In": "$in",
    "NotIn": "$nin",
    "Exists": "$exists",
    "Type": "$type",
    "All": "$all",
    "ElemMatch": "$elemMatch",
    "Size": "$size",
    "Mod": "$mod",
    "BitsAllClear": "$bitsAllClear",
    "BitsAllSet": "$bitsAllSet",
    "BitsAnyClear": "$bitsAnyClear",
    "BitsAnySet": "$bitsAnySet",
    "GeoIntersects": "$geoIntersects",
    "GeoWithin": "$geoWithin",
    "Box": "$geoWithin",
    "Near": "$near",
    "NearSphere": "$nearSphere",
    **FIELD_METHODS,
}
"""Functions of Beanie (``beanie.operators``) and ODMantic (``odmantic.query``) that take a field and a value."""

_JOINS = {"And": "$and", "Or": "$or", "Nor": "$nor", "and_": "$and", "or_": "$or", "nor_": "$nor"}
_WHOLE = {"Expr": "$expr", "Where": "$where", "JsonSchema": "$jsonSchema"}

_LOOKUPS = {
    "gt": "$gt",
    "gte": "$gte",
    "lt": "$lt",
    "lte": "$lte",
    "ne": "$ne",
    "in": "$in",
    "nin": "$nin",
    "exists": "$exists",
    "all": "$all",
    "size": "$size",
    "mod": "$mod",
    "type": "$type",
    "elemMatch": "$elemMatch",
    "match": "$elemMatch",
    "near": "$near",
    "near_sphere": "$nearSphere",
    "within_box": "$geoWithin",
    "within_distance": "$geoWithin",
    "within_polygon": "$geoWithin",
    "within_spherical_distance": "$geoWithin",
    "geo_within": "$geoWithin",
    "geo_within_box": "$geoWithin",
    "geo_within_center": "$geoWithin",
    "geo_within_polygon": "$geoWithin",
    "geo_within_sphere": "$geoWithin",
    "geo_intersects": "$geoIntersects",
}
_PATTERNS = {
    "contains": "",
    "icontains": "",
    "startswith": "^",
    "istartswith": "^",
    "endswith": "",
    "iendswith": "",
    "iexact": "^",
    "wholeword": "",
    "iwholeword": "",
}


def is_document(types: Types, cls: Class) -> bool:
    """Whether a class of the project is a document, or a part of one, of an ODM."""
    return any(
        isinstance(owner, str) and (row := CLASSES.get(owner)) is not None and row.kind in ("document", "embedded")
        for owner in types.mro(cls)
    )


def settings(cls: Class, where: str) -> Iterator[tuple[Class, str, Expr]]:
    """The settings of a class in a nested class, a dict or a call: the code that holds each, its name, its value."""
    for definition in cls.bindings.get(where, ()):
        if isinstance(definition, Class):
            for name, found in definition.bindings.items():
                if isinstance(found[-1], records.Bind) and found[-1].value is not None:
                    yield definition, name, found[-1].value
        elif isinstance(definition, records.Bind):
            value = definition.value
            call = cls.call(value)
            if isinstance(value, records.Mapping):
                for key, item in zip(value.keys, value.values):
                    if isinstance(key, records.Const) and isinstance(key.value, str):
                        yield cls, key.value, item
            elif call is not None:
                for keyword in call.keywords:
                    if keyword.name is not None:
                        yield cls, keyword.name, keyword.value


def path(types: Types, cls: Class, parts: list[str]) -> str | None:
    """The path in the database of ``cls.a.b``; ``None`` if ``a`` is no field of the class."""
    first, *rest = parts
    name = _stored_name(types, cls, first)
    return None if name is None else ".".join([name, *rest])


def _stored_name(types: Types, cls: Class, attribute: str) -> str | None:
    for owner in types.mro(cls):
        if not isinstance(owner, Class):
            continue
        for definition in owner.bindings.get(attribute, ()):
            if not isinstance(definition, records.Bind):
                return None
            call = owner.call(definition.value)
            for keyword in call.keywords if call is not None else ():
                if keyword.name in ("alias", "key_name", "db_field") and isinstance(keyword.value, records.Const):
                    return str(keyword.value.value)
                if keyword.name in ("primary_field", "primary_key") and isinstance(keyword.value, records.Const):
                    return "_id"
            return "_id" if attribute == "id" else attribute
    return "_id" if attribute in ("id", "pk") else None


def renamed(types: Types, cls: Class, key: Any) -> Any:
    """A key of a look-up as it is stored in the database."""
    if not isinstance(key, str) or key.startswith("$"):
        return key
    first, *rest = key.split(".")
    return ".".join([_stored_name(types, cls, first) or first, *rest])


def called(name: str, positional: list[Any], keywords: Mapping[Any, Any], test: type[dict[Any, Any]]) -> Any:
    """What an ODM's function makes of its arguments: a filter document of class ``test``, a sort, a pattern."""
    library, _, _ = name.partition(".")
    last = name.rpartition(".")[2]
    if name == "mongoengine.Q":
        return test(lookups(keywords))
    if library not in ("beanie", "odmantic"):
        return Unknown(f"what {name} gives is not known")
    if last in _JOINS:
        return test({_JOINS[last]: positional})
    if last in ("asc", "desc") and positional and isinstance(positional[0], str):
        return (str(positional[0]), 1 if last == "asc" else -1)
    if last in _WHOLE:
        return test({_WHOLE[last]: positional[0] if positional else Unknown()})
    if last == "Text":
        return test({"$text": {"$search": positional[0] if positional else Unknown()}})
    if last == "Not" and positional and isinstance(positional[0], dict):
        return test({"$nor": [positional[0]]})
    given = [*positional, *keywords.values()]
    path = keywords.get("field", given[0] if given else None)
    if not isinstance(path, str):
        return Unknown(f"the field of {last} is not known")
    field = str(path)
    if last in ("RegEx", "Regex", "match"):
        pattern = keywords.get("pattern", given[1] if len(given) > 1 else Unknown())
        options = keywords.get("options", positional[2] if len(positional) > 2 else "") or ""
        return test({field: read_pattern(pattern, options)})
    operator = _FUNCTIONS.get(last)
    if operator is None:
        return Unknown(f"what {name} asks is not known")
    value = keywords.get("other", given[1] if len(given) > 1 else Unknown())
    if operator == "$eq":
        return test({field: value})
    return test({field: {operator: value}})


def lookups(keywords: Mapping[Any, Any]) -> dict[Any, Any]:
    """MongoEngine's keyword query as a filter document: ``age__gte=5`` -> ``{"age": {"$gte": 5}}``."""
    found: dict[Any, Any] = {}
    for keyword, value in keywords.items():
        if not isinstance(keyword, str):
            found[keyword] = value
            continue
        if keyword == "__raw__":
            if isinstance(value, dict):
                found.update(value)
            else:
                found[Unknown("a raw query that is not literal")] = value
            continue
        *parts, last = keyword.split("__")
        operator: str | None = None
        negated = False
        if parts and (last in _LOOKUPS or last in _PATTERNS or last in ("exact", "not", "regex", "iregex")):
            operator = last
            negated = len(parts) > 1 and parts[-1] == "not"
            parts = parts[:-1] if negated else parts
        else:
            parts = [*parts, last]
        name = ".".join("_id" if i == 0 and part in ("id", "pk") else part for i, part in enumerate(parts))
        found[name] = {"$not": value} if negated else _lookup(operator, value)
    return found


def _lookup(operator: str | None, value: Any) -> Any:
    if operator in (None, "exact"):
        return value
    assert operator is not None
    if operator == "not":
        return {"$not": value}
    if operator in ("regex", "iregex"):
        return read_pattern(value, "i" if operator[0] == "i" else "")
    if operator in _PATTERNS:
        start = _PATTERNS[operator]
        return Pattern(start or ".*", operator.startswith("i"), whole=False)
    return {_LOOKUPS[operator]: value}
