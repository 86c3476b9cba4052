"""Asking the server for its plan of a query, with sample values for those known at run time only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from guardrails.knowledge.operators import Role
from guardrails.live.connection import LiveDatabase
from guardrails.program.queries.model import (
    And,
    Condition,
    Element,
    Filter,
    Maybe,
    Or,
    Pattern,
    Query,
    Unknown,
    unknowns,
)
from guardrails.program.queries.planner import Plan

SAMPLE = "sample"
_POINT = {"type": "Point", "coordinates": [0, 0]}
_SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [0, 1], [1, 1], [0, 0]]]}


class Answer(Struct, frozen=True):
    """What the server would do. ``scans``: it reads the whole collection; None where it has nothing to plan.

    ``index``: the names of the indexes it uses.
    """

    scans: bool | None
    index: tuple[str, ...]


def find_options(query: Query) -> dict[str, Any] | None:
    """The options of a ``find`` with the query's shape; ``None`` for a shape that cannot be read.

    A hint is left out: an index that the database lacks would be an error.
    """
    if any(unknowns(query.filter)) or isinstance(query.sort, Unknown):
        return None
    find: dict[str, Any] = {"filter": sample(query.filter)}
    if query.sort:
        find["sort"] = {key.path: key.direction if isinstance(key.direction, int) else 1 for key in query.sort}
    if isinstance(query.collation, tuple):
        find["collation"] = dict(query.collation)
    return find


def sample(part: Filter) -> dict[str, Any]:
    """A filter document of this shape."""
    if isinstance(part, Condition):
        return _condition(part)
    if isinstance(part, Maybe):
        return sample(part.part)
    if isinstance(part, Element):
        inner = sample(part.part)
        return {part.path: {"$elemMatch": inner.get("", inner)}}
    if isinstance(part, Or):
        return {"$or": [sample(inner) for inner in part.parts]}
    if isinstance(part, And):
        documents = [document for document in map(sample, part.parts) if document]
        fields = [field for document in documents for field in document]
        if len(set(fields)) == len(fields):
            return {field: value for document in documents for field, value in document.items()}
        return {"$and": documents}
    return {}


def _condition(condition: Condition) -> dict[str, Any]:
    operator, value = condition.operator, condition.value
    if not condition.path and operator not in ("$eq", "$gt", "$gte", "$lt", "$lte", "$in", "$ne", "$nin"):
        return _SAMPLES.get(operator, {})
    return {condition.path: {operator: _value(condition.role, operator, value)}}


_SAMPLES: dict[str, dict[str, Any]] = {
    "$expr": {"$expr": {"$eq": [1, 1]}},
    "$text": {"$text": {"$search": SAMPLE}},
    "$nor": {"$nor": [{"_id": SAMPLE}]},
    "$jsonSchema": {"$jsonSchema": {}},
}


def _value(role: Role, operator: str, value: Any) -> Any:
    if isinstance(value, Pattern):
        return value.start if isinstance(value.start, str) and value.whole else f"^{SAMPLE}"
    if not _holds_unknown(value):
        return list(value) if isinstance(value, tuple) else value
    if operator in ("$in", "$nin", "$all"):
        return [SAMPLE]
    if role is Role.GEO:
        return {"$geometry": _POINT if operator.startswith("$near") else _SQUARE}
    return {"$exists": True, "$type": "string", "$mod": [2, 0], "$size": 1, "$not": {"$eq": SAMPLE}}.get(
        operator, SAMPLE
    )


def _holds_unknown(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(_holds_unknown(item) for item in value)
    if isinstance(value, Mapping):
        return any(_holds_unknown(part) for pair in value.items() for part in pair)
    return not (value is None or isinstance(value, (str, int, float)))


def ask(database: LiveDatabase, query: Query) -> Answer | None:
    """The server's plan of the query; ``None`` for a shape that cannot be read. Raises ``LiveProblem``."""
    find = find_options(query)
    if find is None or not isinstance(query.collection, str):
        return None
    stages = list(_stages(database.explain(query.collection, find)))
    names = [stage.get("stage") for stage in stages]
    if "EOF" in names:
        return Answer(None, ())
    used = {str(stage["indexName"]) for stage in stages if "indexName" in stage}
    if "IDHACK" in names:
        used.add("_id_")
    return Answer("COLLSCAN" in names, tuple(sorted(used)))


def differs(verdict: Plan, answer: Answer) -> bool:
    """Whether the server's plan contradicts the static answer."""
    return answer.scans is not None and not verdict.unread and not verdict.text and verdict.scans != answer.scans


def _stages(plan: Any) -> Iterator[Mapping[str, Any]]:
    """Every stage of a plan, outermost first. mongod wraps plans of its newer engine in ``queryPlan``."""
    if isinstance(plan, Mapping):
        if "stage" in plan:
            yield plan
        for name in ("queryPlan", "inputStage", "inputStages", "shards", "winningPlan"):
            yield from _stages(plan.get(name))
    elif isinstance(plan, list):
        for part in plan:
            yield from _stages(part)
