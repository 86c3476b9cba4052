"""The static verdict agrees with a server's ``explain``: index or collection scan.

The server is SecantusDB. Its planner is less complete than mongod's, so the generated pairs stay where it is
faithful. Left out, because it reports a collection scan where mongod uses an index:

- a filter with conditions beside those that an index's leading fields serve (mongod tests them afterwards);
- ``$and`` and ``$or`` in one filter: each branch of an ``$or`` is explained by itself instead;
- a range in front of further conditions, two ranges, and sorts and ranges on ``_id``;
- a sort beside a filter, and a sort that is a mere prefix of an index;
- anchored regular expressions, ``$all``, ``$elemMatch``, ``$type`` and ``$exists`` without a sparse index;
- hashed, wildcard, text and geo indexes;
- partial indexes whose condition is no equality or comparison.

Left out, because we decide otherwise than mongod: negations. mongod bounds an index by ``$ne`` with two
intervals that leave out one value; for us they constrain nothing. (The server agrees with us; see below.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardrails.program.queries.documents import (
    read_collation,
    read_filter,
    read_index,
    read_sort,
)
from guardrails.program.queries.model import And, Index, Query
from guardrails.program.queries.planner import plan

FIELDS = ("a", "b", "c", "d")
ENGLISH = {"locale": "en", "strength": 2}
PAIRS = 240

Spec = tuple[tuple[tuple[str, int], ...], dict[str, Any]]
"""An index: its keys and its options."""

directions = st.sampled_from((1, -1))
values = st.sampled_from((5, "x", "y", True))


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    """An index of one to three fields, some with an option."""
    fields = draw(st.permutations(FIELDS))[: draw(st.integers(1, 3))]
    options: dict[str, Any] = draw(
        st.sampled_from(
            [
                {},
                {},
                {},
                {"unique": True},
                {"sparse": True},
                {"expireAfterSeconds": 60} if len(fields) == 1 else {},
                {"collation": ENGLISH},
                {"partialFilterExpression": {"d": 5}},
                {"partialFilterExpression": {"d": {"$gt": 3}}},
            ]
        )
    )
    return tuple((field, draw(directions)) for field in fields), dict(options)


@st.composite
def operations(draw: st.DrawFn) -> Any:
    """A condition on one field that is no plain equality."""
    operator = draw(st.sampled_from(("$gt", "$gte", "$lt", "$lte", "$in", "$eq")))
    return {operator: [draw(values), draw(values)] if operator == "$in" else draw(values)}


@st.composite
def filters(draw: st.DrawFn, indexes: list[Spec], collated: bool = False) -> dict[str, Any]:
    """A filter within the server's faithful range for these indexes; see the module's docstring."""
    kind = draw(st.sampled_from(("prefix", "prefix", "prefix", "single", "stray", "id", "empty regex")))
    if kind == "id":
        return draw(st.sampled_from(({"_id": 5}, {"_id": {"$in": [1, 2]}}, {"_id": {"$eq": 3}})))
    if kind == "empty regex":
        return {draw(st.sampled_from(FIELDS)): {"$regex": draw(st.sampled_from(("foo", "o$", ".*o")))}}
    plain = [
        keys
        for keys, options in indexes
        if "partialFilterExpression" not in options and ("collation" in options) is collated
    ]
    leading = {keys[0][0] for keys, _ in indexes}
    if kind == "stray":
        # Fields that lead no index: nothing can serve them, however many they are.
        stray = [field for field in FIELDS if field not in leading and field != "d"]
        return {field: draw(st.one_of(values, operations())) for field in stray}
    if kind == "prefix" and plain:
        keys = draw(st.sampled_from(plain))
        fields = [field for field, _ in keys][: draw(st.integers(1, len(keys)))]
        last = fields[-1]
        tests = {field: draw(values) for field in draw(st.permutations(fields))}
        if draw(st.booleans()):
            tests[last] = draw(operations())
        return tests
    field = draw(st.sampled_from(FIELDS))
    return {field: draw(st.one_of(values, operations(), st.none()))}


@st.composite
def pairs(draw: st.DrawFn) -> tuple[list[Spec], dict[str, Any]]:
    """Indexes and the options of a ``find``."""
    indexes = draw(st.lists(specs(), max_size=3, unique_by=lambda spec: spec[0]))
    kind = draw(st.sampled_from(("filter", "filter", "filter", "filter", "or", "sort", "hint", "collation")))
    if kind == "or":
        return indexes, {"filter": {"$or": [draw(filters(indexes)), draw(filters(indexes))]}}
    if kind == "sort":
        whole = [keys for keys, _ in indexes]
        if whole and draw(st.booleans()):
            keys = draw(st.sampled_from(whole))
            turn = draw(directions)
            return indexes, {"sort": {field: direction * turn for field, direction in keys}}
        return indexes, {"sort": {draw(st.sampled_from(FIELDS)): draw(directions)}}
    find: dict[str, Any] = {"filter": draw(filters(indexes, kind == "collation"))}
    if kind == "hint" and indexes:
        keys, _ = draw(st.sampled_from(indexes))
        find["hint"] = _name(keys)
    if kind == "collation":
        find["collation"] = ENGLISH
    return indexes, find


def _name(keys: tuple[tuple[str, int], ...]) -> str:
    return "_".join(f"{field}_{direction}" for field, direction in keys)


def _statically(indexes: list[Spec], find: Mapping[str, Any]) -> bool:
    """Whether we say that the server scans the collection."""
    declared = [read_index("docs", list(keys), options) for keys, options in indexes]
    query = Query(
        "docs",
        read_filter(find.get("filter")),
        read_sort(find.get("sort")),
        hint=find.get("hint"),
        collation=read_collation(find.get("collation")),
    )
    verdict = plan(query, [index for index in declared if isinstance(index, Index)])
    assert not verdict.unread
    return verdict.scans


def _on_server(client: Any, indexes: list[Spec], find: Mapping[str, Any]) -> bool:
    """Whether the server scans the collection, for any branch of an ``$or``."""
    database = client["oracle"]
    database.drop_collection("docs")
    database.create_collection("docs")
    for keys, options in indexes:
        database.docs.create_index(list(keys), **options)
    branches = find.get("filter", {}).get("$or", [find.get("filter", {})])
    return any(_scans(database, {**find, "filter": branch}) for branch in branches)


def _scans(database: Any, find: Mapping[str, Any]) -> bool:
    answer = database.command({"explain": {"find": "docs", **find}, "verbosity": "queryPlanner"})
    return "COLLSCAN" in str(answer["queryPlanner"]["winningPlan"])


def _faithful(indexes: list[Spec], find: Mapping[str, Any]) -> bool:
    """Whether the pair is clear of what the server simplifies beyond the filters' own shape."""
    collated = "collation" in find
    conditional = any("partialFilterExpression" in options for _, options in indexes)
    for branch in find.get("filter", {}).get("$or", [find.get("filter", {})]):
        # The server walks a partial index whole for the fields of its condition; mongod needs the first key.
        if conditional and set(branch) == {"d"}:
            return False
        # Under another collation mongod uses an index for values that are no strings; the server never does.
        different = [
            keys for keys, options in indexes if ("collation" in options) is not collated and keys[0][0] in branch
        ]
        if different and not all(_stringy(test) for test in branch.values()):
            return False
    return True


def _stringy(test: Any) -> bool:
    found = next(iter(test.values())) if isinstance(test, Mapping) else test
    return all(isinstance(value, str) for value in (found if isinstance(found, list) else [found]))


def test_verdict_agrees_with_explain(client: Any) -> None:
    seen = {"pairs": 0, "scans": 0}

    @settings(
        max_examples=PAIRS + 120,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(pairs())
    def agree(pair: tuple[list[Spec], dict[str, Any]]) -> None:
        indexes, find = pair
        if not _faithful(indexes, find):
            return
        static = _statically(indexes, find)
        assert static is _on_server(client, indexes, find), f"we say {'scan' if static else 'index'}"
        seen["pairs"] += 1
        seen["scans"] += static

    agree()
    assert seen["pairs"] >= 200
    assert 0.2 < seen["scans"] / seen["pairs"] < 0.8, "the pairs show both verdicts"


def test_negations_use_no_index_on_the_server_either(client: Any) -> None:
    indexes: list[Spec] = [((("a", 1),), {})]
    for test in ({"$ne": 5}, {"$nin": [5]}, {"$not": {"$gt": 5}}):
        find = {"filter": {"a": test}}
        assert _statically(indexes, find)
        assert _on_server(client, indexes, find)


def test_the_empty_query_scans() -> None:
    assert plan(Query("docs", And()), []).scans
