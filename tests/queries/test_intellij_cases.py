"""The index cases of MongoDB's own IntelliJ plugin, restated, with what we decide otherwise and why.

Source: ``IndexAnalyzerTest``, ``CollectionIndexConsolidationTest`` and ``NamedTest`` of mongodb/intellij.
Decided otherwise:

- The plugin orders the fields of one role by selectivity, type and name; we keep the order of the source. A
  sort's order is its meaning, and selectivity needs a live database.
- It gives an equality field the direction that a sort on it asks for; equality fixes the field, so we leave
  the direction out.
- It merges the branches of an ``$or`` into one index; no index serves both, so each branch gets its own.
- It looks at the first ``$match`` alone; adjacent ``$match`` stages are one filter to the server.
- It gives advised indexes a partial filter where all queries agree on a value; a later query would silently
  lose the index, so we never do.
- ``$in`` is a range to it; the server merges its points for a sort, so it stands with the equalities.
- ``$ne`` and ``$nin`` are ranges to it; to us negations constrain nothing.
- ``$min`` and ``$max``, accumulators and update operators play no part in filters and have no role here.
"""

from __future__ import annotations

import pytest

from guardrails.knowledge.operators import Role, operator_role
from guardrails.program.queries.documents import read_pipeline
from guardrails.program.queries.model import And, Query, Unknown
from guardrails.program.queries.suggest import suggest
from tests.queries.builder import ANY, ask


def advised(*queries: Query) -> list[str]:
    return [str(found) for found in suggest(queries, ())]


# IndexAnalyzerTest: the same answer


def test_a_query_without_a_collection_gets_no_index() -> None:
    assert suggest([Query(Unknown("no collection"), And())], ()) == ()


def test_an_equality_gets_its_field() -> None:
    assert advised(ask({"myField": 52})) == ["(myField: 1)"]


def test_a_repeated_field_is_taken_once() -> None:
    assert advised(ask({"$and": [{"myField": 52}, {"mySecondField": "x"}, {"myField": 55}]})) == [
        "(myField: 1, mySecondField: 1)"
    ]


def test_a_field_in_range_and_sort_stands_where_the_sort_does() -> None:
    assert advised(ask({"myField": 52, "mySecondField": {"$gt": 12}}, sort="mySecondField")) == [
        "(myField: 1, mySecondField: 1)"
    ]


def test_a_leading_match_is_a_query() -> None:
    pipeline = [{"$match": {"myField": 52, "mySecondField": {"$gt": 12}}}]
    assert advised(*read_pipeline("c", pipeline)) == ["(myField: 1, mySecondField: 1)"]


def test_a_projection_alone_gets_no_index() -> None:
    assert advised(*read_pipeline("c", [{"$project": {"projectedField": 1}}])) == []


def test_the_longer_index_of_a_sibling_query_is_taken() -> None:
    sibling = ask({"myField": 52, "mySecondField": {"$gt": 12}}, sort="mySortField")
    assert advised(ask({"myField": 52}), sibling) == ["(myField: 1, mySortField: 1, mySecondField: 1)"]


def test_a_sibling_may_be_an_aggregation() -> None:
    sibling = read_pipeline("users", [{"$match": {"myField": 52, "mySecondField": {"$gt": 12}}}])
    assert advised(ask({"myField": 52}), *sibling) == ["(myField: 1, mySecondField: 1)"]


# IndexAnalyzerTest: another answer


def test_fields_of_one_role_keep_their_order() -> None:
    assert advised(ask({"highCardinality": 52, "lowCardinality": "x"})) == ["(highCardinality: 1, lowCardinality: 1)"]


def test_a_sort_keeps_its_order_and_leaves_out_fixed_fields() -> None:
    query = ask({"myField": 52, "myRangeField": {"$gt": 1}}, sort="mySortField -myField")
    assert advised(query) == ["(myField: 1, mySortField: 1, myRangeField: 1)"]
    query = ask({"eq": "x", "range": {"$gt": 1}}, sort="highCardinalitySort lowCardinalitySort")
    assert advised(query) == ["(eq: 1, highCardinalitySort: 1, lowCardinalitySort: 1, range: 1)"]


def test_a_second_match_is_part_of_the_first() -> None:
    pipeline = [{"$match": {"myField": 52}}, {"$match": {"mySecondField": 52}}]
    assert advised(*read_pipeline("c", pipeline)) == ["(myField: 1, mySecondField: 1)"]


def test_no_partial_filter_is_advised() -> None:
    (found,) = suggest([ask({"alwaysBlue": "blue"}), ask({"alwaysBlue": "blue"})], ())
    assert str(found) == "(alwaysBlue: 1)"


def test_branches_are_not_merged() -> None:
    assert advised(ask({"$or": [{"f1": 1}, {"f2": 1}]})) == ["(f1: 1)", "(f2: 1)"]


# CollectionIndexConsolidationTest


@pytest.mark.parametrize(
    ("queries", "expected"),
    [
        pytest.param([ask({"f1": 1}), ask({"f1": 1})], ["(f1: 1)"], id="equal"),
        pytest.param([ask({"f1": 1}), ask({"f1": 1, "f2": 1})], ["(f1: 1, f2: 1)"], id="prefix"),
        pytest.param([ask({"f1": 1, "f2": 1}), ask({"f1": 1})], ["(f1: 1, f2: 1)"], id="longer first"),
        pytest.param(
            [ask({"f1": 1, "f3": 1}), ask({"f1": 1, "f2": 1})],
            ["(f1: 1, f2: 1)", "(f1: 1, f3: 1)"],
            id="shared beginning",
        ),
        pytest.param([ask({"f1": 1})], ["(f1: 1)"], id="alone"),
    ],
)
def test_consolidation(queries: list[Query], expected: list[str]) -> None:
    assert advised(*queries) == expected


def test_the_merged_index_serves_all_queries() -> None:
    (found,) = suggest([ask({"f1": ANY, "f2": ANY}), ask({"f1": ANY})], ())
    assert len(found.queries) == 2


def test_queries_with_different_values_share_an_index() -> None:
    (found,) = suggest([ask({"f1": "x"}), ask({"f1": "y"})], ())
    assert len(found.queries) == 2


def test_a_query_without_fields_is_served_by_no_index() -> None:
    (found,) = suggest([ask({"f1": 1, "f2": 1}), ask({})], ())
    assert len(found.queries) == 1


# NamedTest


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("$eq", Role.EQUALITY),
        ("$gt", Role.RANGE),
        ("$gte", Role.RANGE),
        ("$lt", Role.RANGE),
        ("$lte", Role.RANGE),
    ],
)
def test_roles_that_agree(name: str, role: Role) -> None:
    assert operator_role(name) is role


@pytest.mark.parametrize("name", ["$bitsAllClear", "$bitsAllSet", "$bitsAnyClear", "$bitsAnySet", "$size"])
def test_operators_that_neither_gives_an_index(name: str) -> None:
    assert operator_role(name) is Role.EXPRESSION


@pytest.mark.parametrize(
    ("name", "role"),
    [
        # To the plugin a range; here a kind of their own.
        ("$in", Role.SET),
        ("$regex", Role.REGEX),
        ("$text", Role.TEXT),
        ("$geoWithin", Role.GEO),
        ("$geoIntersects", Role.GEO),
        ("$near", Role.GEO),
        ("$nearSphere", Role.GEO),
        ("$ne", Role.NEGATION),
        ("$nin", Role.NEGATION),
        # To the plugin a union; a $nor constrains nothing.
        ("$nor", Role.NEGATION),
        # To the plugin irrelevant; an index bounds them.
        ("$all", Role.ARRAY),
        ("$elemMatch", Role.ARRAY),
        ("$exists", Role.EXISTS),
        ("$type", Role.EXISTS),
    ],
)
def test_roles_that_differ(name: str, role: Role) -> None:
    assert operator_role(name) is role


@pytest.mark.parametrize("name", ["$set", "$inc", "$push", "$sum", "$avg", "$first", "$min", "$max"])
def test_update_and_group_operators_are_none_of_a_filter(name: str) -> None:
    assert operator_role(name) is None
