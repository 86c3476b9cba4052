"""The static verdict: which index serves a query, whole or in part, or that none does."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from guardrails.program.queries.documents import Few, Optional
from guardrails.program.queries.model import Index, Pattern, SortKey, Unknown
from guardrails.program.queries.planner import MAX_BRANCHES, Plan, Reach, default_name, plan
from tests.queries.builder import ANY, ask, index, keys

NONE, PARTLY, FULLY = Reach.NONE, Reach.PARTLY, Reach.FULLY


def reach(query: Any, *indexes: Index, **options: Any) -> Reach:
    """The verdict on a filter (or a whole query) that must be judged."""
    verdict = plan(ask(query, **options) if isinstance(query, dict) else query, indexes)
    assert verdict.judged, verdict
    return verdict.reach


def why(verdict: Plan) -> str:
    (branch,) = verdict.branches
    assert branch.best is not None
    return branch.best.why


# The first field


def test_an_index_on_the_field_serves_an_equality() -> None:
    assert reach({"email": ANY}, index("email")) is FULLY


def test_without_an_index_the_collection_is_scanned() -> None:
    assert reach({"email": ANY}) is NONE
    assert plan(ask({"email": ANY}), []).scans


def test_the_index_on_id_is_always_there() -> None:
    assert reach({"_id": ANY}) is FULLY
    assert reach({"_id": {"$in": ANY}}) is FULLY
    assert reach({"_id": {"$gt": ANY}}) is FULLY


def test_a_later_field_of_an_index_serves_nothing() -> None:
    assert reach({"b": ANY}, index("a", "b")) is NONE


@pytest.mark.parametrize(
    ("test", "served"),
    [
        ({"$eq": ANY}, True),
        ({"$gt": ANY}, True),
        ({"$gte": ANY}, True),
        ({"$lt": ANY}, True),
        ({"$lte": ANY}, True),
        ({"$in": ANY}, True),
        ({"$all": ["x"]}, True),
        ({"$elemMatch": {"$gt": 5}}, True),
        ({"$exists": True}, True),
        ({"$exists": False}, True),
        ({"$type": "string"}, True),
        ({"$mod": [4, 0]}, True),
        ({"$regex": "^a"}, True),
        (Pattern("^a"), True),
        (None, True),
        ({"$regex": "a"}, False),
        ({"$regex": "^a", "$options": "i"}, False),
        ({"$in": [Pattern("a")]}, False),
        ({"$ne": ANY}, False),
        ({"$nin": ANY}, False),
        ({"$not": {"$gt": 5}}, False),
        ({"$size": 3}, False),
        ({"$bitsAllSet": 3}, False),
        ({"$geoWithin": ANY}, False),
    ],
    ids=str,
)
def test_what_a_plain_index_can_bound(test: Any, served: bool) -> None:
    assert (reach({"a": test}, index("a")) is not NONE) is served


@pytest.mark.parametrize("operator", ["$expr", "$where", "$jsonSchema", "$nor"])
def test_operators_without_a_field_constrain_nothing(operator: str) -> None:
    assert reach({operator: ANY}, index("a")) is NONE
    assert reach({operator: ANY, "a": ANY}, index("a")) is FULLY


# Several fields


def test_a_compound_index_serves_equalities_in_any_order() -> None:
    assert reach({"b": ANY, "a": ANY}, index("a", "b")) is FULLY


def test_a_prefix_alone_is_a_part() -> None:
    verdict = plan(ask({"a": ANY, "b": ANY}), [index("a")])
    assert verdict.reach is PARTLY
    assert verdict.branches[0].best is not None
    assert verdict.branches[0].best.missing == ("b",)
    assert why(verdict) == "a prefix only"
    assert not verdict.scans


def test_a_gap_ends_the_prefix() -> None:
    assert reach({"a": ANY, "c": ANY}, index("a", "b", "c")) is PARTLY


def test_the_best_index_is_chosen() -> None:
    verdict = plan(ask({"a": ANY, "b": ANY}), [index("a"), index("b"), index("b", "a")])
    assert verdict.indexes == (index("b", "a"),)


def test_two_ranges_in_one_index() -> None:
    assert reach({"a": {"$gt": 1}, "b": {"$lt": 1}}, index("a", "b")) is FULLY


# Sorts


@pytest.mark.parametrize(
    ("sort", "declared", "expected"),
    [
        ("a", ("a",), FULLY),
        ("-a", ("a",), FULLY),
        ("a b", ("a", "b"), FULLY),
        ("-a -b", ("a", "b"), FULLY),
        ("a -b", ("-a", "b"), FULLY),
        ("a -b", ("a", "b"), PARTLY),
        ("a b", ("a",), PARTLY),
        ("a", ("a", "b"), FULLY),
        ("b", ("a", "b"), NONE),
        ("b a", ("a", "b"), PARTLY),
    ],
)
def test_a_sort_is_served_forwards_or_wholly_backwards(sort: str, declared: tuple[str, ...], expected: Reach) -> None:
    assert reach({}, index(*declared), sort=sort) is expected


def test_a_sort_of_which_only_the_first_field_is_indexed_scans() -> None:
    verdict = plan(ask({}, sort="a b"), [index("a")])
    assert verdict.reach is PARTLY
    assert verdict.scans


def test_equality_then_sort_then_range() -> None:
    query = ask({"a": ANY, "r": {"$gt": 1}}, sort="s")
    assert reach(query, index("a", "s", "r")) is FULLY
    ranged = plan(query, [index("a", "r", "s")])
    assert ranged.reach is PARTLY
    assert why(ranged) == "a range stands before the sort"


def test_wrong_directions_are_named() -> None:
    verdict = plan(ask({"a": ANY}, sort="b -c"), [index("a", "b", "c")])
    assert why(verdict) == "the sort's directions differ"


def test_a_field_that_equality_fixes_needs_no_place_in_the_sort() -> None:
    assert reach({"a": ANY}, index("a", "b"), sort="a b") is FULLY
    assert reach({"a": ANY}, index("b", "a"), sort="b") is FULLY


def test_an_in_before_the_sort_is_merged() -> None:
    assert reach({"a": {"$in": ANY}}, index("a", "b"), sort="b") is FULLY


def test_a_range_on_the_sorted_field_is_served_with_it() -> None:
    assert reach({"a": ANY, "b": {"$gt": 1}}, index("a", "b"), sort="-b") is FULLY


def test_an_index_on_the_sort_alone_is_a_part() -> None:
    assert reach({"a": ANY}, index("b"), sort="b") is PARTLY
    assert reach({"a": ANY}, sort="-_id") is PARTLY


def test_an_unknown_direction_fits_any() -> None:
    query = replace(ask({"a": ANY}), sort=(SortKey("b", Unknown()), SortKey("c", 1)))
    assert reach(query, index("a", "b", "-c")) is FULLY


def test_an_unreadable_sort_leaves_the_filter_to_be_judged() -> None:
    assert reach(ask({"a": ANY}, sort=Unknown("test")), index("a")) is FULLY
    assert reach(ask({"a": ANY}, sort=Unknown("test"))) is NONE


# Branches


def test_each_branch_of_an_or_needs_an_index() -> None:
    either = {"$or": [{"a": ANY}, {"b": ANY}]}
    assert reach(either, index("a")) is NONE
    assert reach(either, index("a"), index("b")) is FULLY
    assert plan(ask(either), [index("a")]).scans


def test_what_stands_beside_an_or_holds_in_each_branch() -> None:
    both = {"t": ANY, "$or": [{"a": ANY}, {"b": ANY}]}
    assert reach(both, index("t")) is PARTLY
    assert reach(both, index("t", "a"), index("t", "b")) is FULLY


def test_nested_logic_is_multiplied_out() -> None:
    nested = {"$and": [{"$or": [{"a": 1}, {"b": 1}]}, {"$or": [{"c": 1}, {"d": 1}]}]}
    assert reach(nested, index("a"), index("b")) is PARTLY
    assert reach(nested, index("a"), index("c")) is NONE


def test_too_many_branches_are_not_judged() -> None:
    several = {"$and": [{"$or": [{f"{x}{n}": 1} for n in range(10)]} for x in "ab"]}
    verdict = plan(ask(several), [])
    assert verdict.unread == f"more than {MAX_BRANCHES} branches"


# Conditions that are added sometimes


def test_one_indexed_field_among_conditional_additions_is_enough() -> None:
    added = {"a": Optional(ANY), "b": Optional(ANY)}
    assert reach(added) is NONE
    assert reach(added, index("b")) is FULLY


def test_a_conditional_addition_is_not_missed_in_a_compound() -> None:
    assert reach({"t": ANY, "a": Optional(ANY)}, index("t"), sort="") is FULLY
    assert reach({"t": ANY, "a": Optional(ANY)}, index("t", "at"), sort="at") is FULLY


# What is not asked for


def test_a_field_of_few_values_is_not_missed_in_a_compound() -> None:
    assert reach({"owner": ANY, "active": True}, index("owner")) is FULLY
    assert reach({"owner": ANY, "kind": Few(ANY)}, index("owner")) is FULLY
    assert reach({"owner": ANY, "kind": ANY}, index("owner")) is PARTLY


def test_a_query_by_id_or_a_whole_unique_index_is_pinned() -> None:
    assert plan(ask({"_id": ANY, "a": ANY}), []).pinned
    unique = index("email", unique=True)
    assert plan(ask({"email": ANY, "a": ANY}), [unique]).pinned
    assert not plan(ask({"email": {"$gt": ANY}, "a": ANY}), [unique]).pinned
    assert not plan(ask({"email": ANY, "a": ANY}), [index("email", "b", unique=True)]).pinned


def test_no_filter_and_no_sort_is_idle() -> None:
    assert plan(ask({}), []).idle
    assert plan(ask(None), []).idle


def test_unreadable_filters_and_hints_are_not_judged() -> None:
    assert plan(ask({"a": ANY, "$or": ANY}), []).unread
    assert plan(ask({"a": ANY}, hint=Unknown("test")), []).unread == "test"


def test_a_text_filter_is_not_judged() -> None:
    assert plan(ask({"$text": ANY, "a": ANY}), [index("a")]).text


def test_a_pattern_alone_is_told_apart() -> None:
    verdict = plan(ask({"$or": [{"a": Pattern("x")}, {"b": ANY}]}), [index("a"), index("b")])
    assert [part.branch.pattern_only for part in verdict.branches] == [True, False]
    unread = plan(ask({"a": Pattern(Unknown())}), [])
    assert not unread.branches[0].branch.pattern_only


# Special indexes


def test_a_partial_index_counts_where_the_filter_implies_its_condition() -> None:
    partial = index("a", partial={"kind": "x"})
    assert reach({"a": ANY, "kind": "x"}, partial) is not NONE
    assert reach({"a": ANY, "kind": {"$in": ["x"]}}, partial) is not NONE
    assert reach({"a": ANY}, partial) is NONE
    assert reach({"a": ANY, "kind": "y"}, partial) is NONE
    assert reach({"a": ANY, "kind": {"$ne": "y"}}, partial) is NONE


@pytest.mark.parametrize(
    ("test", "condition", "implied"),
    [
        (5, {"$gt": 3}, True),
        (3, {"$gt": 3}, False),
        ({"$gt": 3}, {"$gte": 3}, True),
        ({"$gte": 3}, {"$gt": 3}, False),
        ({"$gte": 4}, {"$gt": 3}, True),
        ({"$lt": 4}, {"$gt": 3}, False),
        ("x", {"$gt": 3}, False),
        (5, {"$exists": True}, True),
        (None, {"$exists": True}, False),
        ({"$exists": True}, {"$exists": True}, True),
        ({"$exists": False}, {"$exists": True}, False),
        (2, {"$in": [1, 2]}, True),
        (3, {"$in": [1, 2]}, False),
    ],
)
def test_implication_compares_known_values(test: Any, condition: Any, implied: bool) -> None:
    assert (reach({"a": ANY, "p": test}, index("a", partial={"p": condition})) is not NONE) is implied


def test_implication_gives_unknown_values_the_benefit_of_the_doubt() -> None:
    assert reach({"a": ANY, "p": ANY}, index("a", partial={"p": 1})) is not NONE
    assert reach({"a": ANY}, index("a", partial={"a": {"$type": "string"}})) is FULLY


def test_implication_through_and_and_or() -> None:
    both = index("a", partial={"p": 1, "q": 2})
    assert reach({"a": ANY, "p": 1, "q": 2}, both) is not NONE
    assert reach({"a": ANY, "p": 1}, both) is NONE
    either = index("a", partial={"$or": [{"p": 1}, {"q": 2}]})
    assert reach({"a": ANY, "q": 2}, either) is not NONE
    assert reach({"a": ANY, "r": 2}, either) is NONE


def test_a_sparse_index_counts_where_the_field_must_be_there() -> None:
    sparse = index("a", sparse=True)
    assert reach({"a": ANY}, sparse) is FULLY
    assert reach({"a": {"$exists": True}}, sparse) is FULLY
    assert reach({"a": None}, sparse) is NONE
    assert reach({"a": {"$exists": False}}, sparse) is NONE
    assert reach({"a": {"$in": [1, None]}}, sparse) is NONE
    assert reach({}, sparse, sort="a") is NONE


def test_text_and_geo_indexes_serve_their_own_operators() -> None:
    assert reach({"a": ANY}, index("a:text")) is NONE
    assert reach({"a": ANY}, index("a", "b:text")) is NONE
    assert reach({"loc": {"$near": ANY}}, index("loc:2dsphere")) is FULLY
    assert reach({"loc": {"$geoWithin": ANY}, "a": ANY}, index("a", "loc:2dsphere")) is FULLY
    assert reach({"a": ANY}, index("a", "loc:2dsphere")) is NONE


def test_a_hashed_index_serves_equality_alone() -> None:
    assert reach({"a": ANY}, index("a:hashed")) is FULLY
    assert reach({"a": {"$in": ANY}}, index("a:hashed")) is FULLY
    assert reach({"a": {"$gt": ANY}}, index("a:hashed")) is NONE
    assert reach({}, index("a:hashed"), sort="a") is NONE


def test_a_wildcard_index_serves_one_field_below_it() -> None:
    assert reach({"x.y": ANY}, index("$**")) is FULLY
    assert reach({"meta.k": ANY}, index("meta.$**")) is FULLY
    assert reach({"other": ANY}, index("meta.$**")) is NONE
    assert reach({"a": ANY, "b": ANY}, index("$**")) is PARTLY
    assert reach({"a": {"$exists": False}}, index("$**")) is NONE
    assert reach({"t": ANY, "meta.k": ANY}, index("t", "meta.$**")) is FULLY
    assert reach({}, index("$**"), sort="a") is NONE


def test_collations_must_agree_for_strings() -> None:
    english = {"locale": "en", "strength": 2}
    assert reach({"a": "x"}, index("a", collation=english)) is NONE
    assert reach({"a": "x"}, index("a"), collation=english) is NONE
    assert reach({"a": "x"}, index("a", collation=english), collation=english) is FULLY
    assert reach({"a": 5}, index("a", collation=english)) is FULLY
    assert reach({}, index("a", collation=english), sort="a") is NONE


def test_a_hint_leaves_one_index() -> None:
    by_a, by_b = index("a"), index("b", name="second")
    assert reach(ask({"a": ANY}, hint="a_1"), by_a, by_b) is FULLY
    assert reach(ask({"a": ANY}, hint="second"), by_a, by_b) is NONE
    assert reach(ask({"a": ANY}, hint=keys("a")), by_a, by_b) is FULLY
    assert not plan(ask({"a": ANY}, hint="second"), [by_a, by_b]).scans


def test_a_hint_that_nothing_declares_is_passed_over() -> None:
    assert reach(ask({"a": ANY}, hint="gone"), index("a")) is FULLY


def test_a_natural_order_hint_asks_for_the_scan() -> None:
    verdict = plan(ask({"a": ANY}, hint=keys("$natural")), [index("a")])
    assert verdict.idle
    assert verdict.scans


def test_the_name_that_a_server_gives() -> None:
    assert default_name(index("a", "-b", "c:text")) == "a_1_b_-1_c_text"


# Arrays


def test_conditions_on_one_element_are_served_together() -> None:
    both = {"items": {"$elemMatch": {"sku": ANY, "count": {"$gt": 1}}}}
    assert reach(both, index("items.sku", "items.count")) is FULLY
    assert reach(both, index("items.sku")) is PARTLY


def test_two_arrays_are_not_asked_for_in_one_index() -> None:
    assert reach({"tags": {"$all": ["x"]}, "sizes": {"$all": ["y"]}}, index("tags")) is FULLY


def test_a_sort_inside_a_bounded_array_is_not_asked_for() -> None:
    query = ask({"items": {"$elemMatch": {"sku": ANY}}}, sort="items.price")
    assert reach(query, index("items.sku")) is FULLY
