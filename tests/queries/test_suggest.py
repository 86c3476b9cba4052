"""Index advice: the fewest indexes that serve the queries, and the declared ones that serve nothing more."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails.program.queries.documents import Few, Optional
from guardrails.program.queries.model import Index, Unknown
from guardrails.program.queries.planner import plan
from guardrails.program.queries.suggest import needed, redundant, suggest, uses
from tests.queries.builder import ANY, ask, index, keys


def advice(*queries: Any, declared: tuple[Index, ...] = ()) -> list[tuple[str, int]]:
    """The advised indexes and the number of queries that each serves."""
    return [(str(found), len(found.queries)) for found in suggest(queries, declared)]


def test_equality_then_the_sort_in_its_own_order_then_ranges() -> None:
    query = ask({"r": {"$gt": 1}, "a": ANY, "b": {"$in": ANY}}, sort="z -y")
    assert advice(query) == [("(a: 1, b: 1, z: 1, y: -1, r: 1)", 1)]


def test_one_descending_field_is_advised_ascending() -> None:
    assert advice(ask({}, sort="-at")) == [("(at: 1)", 1)]


def test_a_served_query_needs_nothing() -> None:
    assert advice(ask({"a": ANY}), declared=(index("a", "b"),)) == []
    assert advice(ask({"a": ANY}), declared=(index("a", on="others"),)) == [("(a: 1)", 1)]


def test_prefixes_are_merged() -> None:
    assert advice(ask({"a": ANY}), ask({"a": ANY}, sort="b"), ask({"a": ANY, "c": {"$gt": 1}}, sort="b")) == [
        ("(a: 1, b: 1, c: 1)", 3)
    ]


def test_fixed_fields_are_reordered_so_that_prefixes_meet() -> None:
    assert advice(ask({"b": ANY, "a": ANY}), ask({"a": ANY})) == [("(a: 1, b: 1)", 2)]


def test_a_sort_is_never_reordered() -> None:
    assert advice(ask({}, sort="a b"), ask({"b": ANY})) == [("(a: 1, b: 1)", 1), ("(b: 1)", 1)]


def test_opposite_sorts_share_an_index() -> None:
    assert advice(ask({"a": ANY}, sort="b"), ask({"a": ANY}, sort="-b")) == [("(a: 1, b: 1)", 2)]


def test_branches_get_an_index_each() -> None:
    assert advice(ask({"$or": [{"a": ANY}, {"b": ANY}]})) == [("(a: 1)", 1), ("(b: 1)", 1)]


def test_collections_are_kept_apart() -> None:
    found = suggest([ask({"a": ANY}, on="x"), ask({"a": ANY}, on="y")], ())
    assert [(each.collection, each.keys) for each in found] == [("x", keys("a")), ("y", keys("a"))]


@pytest.mark.parametrize(
    "query",
    [
        ask({"_id": ANY}, operation="update_one"),
        ask({"_id": ANY, "a": ANY}),
        ask({}, sort="_id"),
        ask({"active": True}),
        ask({"kind": Few(ANY)}),
        ask({"a": {"$ne": 1}}),
        ask({"a": ANY, "$or": ANY}),
        ask({"$text": ANY}),
        ask({"a": ANY}, hint=Unknown("test")),
        ask({}),
    ],
)
def test_nothing_is_advised_for(query: Any) -> None:
    assert advice(query) == []


def test_the_order_of_the_queries_does_not_matter() -> None:
    queries = [ask({"a": ANY}), ask({"b": ANY, "a": ANY}), ask({"a": ANY}, sort="c")]
    assert {tuple(advice(*order)) for order in (queries, queries[::-1])} == {(("(a: 1, c: 1)", 2), ("(b: 1, a: 1)", 1))}


def test_conditional_additions_get_the_first_field() -> None:
    assert advice(ask({"a": Optional(ANY), "b": Optional(ANY)})) == [("(a: 1)", 1)]


def test_geo_queries_get_a_sphere() -> None:
    (found,) = suggest([ask({"kind": ANY, "loc": {"$near": ANY}})], ())
    assert found.keys == keys("kind", "loc:2dsphere")


def test_what_a_query_lacks() -> None:
    assert needed(plan(ask({"a": ANY, "b": ANY}), [index("a")])) == (keys("a", "b"),)


# Redundant and unused indexes


def test_a_prefix_of_another_index_is_redundant() -> None:
    longer = index("a", "-b", "c")
    assert redundant(index("a"), [longer]) == longer
    assert redundant(index("a", "-b"), [longer]) == longer


@pytest.mark.parametrize(
    ("shorter", "longer"),
    [
        (index("a"), index("a")),
        (index("a"), index("-a", "b")),
        (index("b"), index("a", "b")),
        (index("a"), index("a", "b", on="others")),
        (index("a", unique=True), index("a", "b")),
        (index("a", unique=Unknown()), index("a", "b")),
        (index("a", sparse=True), index("a", "b")),
        (index("a", partial={"x": 1}), index("a", "b")),
        (index("a", expire_after=60), index("a", "b")),
        (index("a"), index("a", "b", sparse=True)),
        (index("a"), index("a", "b", partial={"x": 1})),
        (index("a"), index("a", "b:text")),
        (index("a"), index("a", "b", collation={"locale": "en"})),
        (index("a", on=Unknown()), index("a", "b", on=Unknown())),  # type: ignore[arg-type]
    ],
)
def test_what_makes_an_index_worth_keeping(shorter: Index, longer: Index) -> None:
    assert redundant(shorter, [longer]) is None


def test_whether_a_query_uses_an_index() -> None:
    assert uses(ask({"a": ANY}), index("a", "b")) is True
    assert uses(ask({"b": ANY}), index("a", "b")) is False
    assert uses(ask({"_id": ANY}), index("a")) is False
    assert uses(ask({"a": ANY, "_id": ANY}), index("a")) is True
    assert uses(ask(ANY), index("a")) is None
    assert uses(ask({"$text": ANY}), index("a:text")) is True
    assert uses(ask({"$text": ANY}), index("a")) is False
