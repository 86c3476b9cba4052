"""MongoDB's documents become the query model; what cannot be read is Unknown, with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails.program.queries.documents import (
    Beginning,
    Few,
    Optional,
    read_collation,
    read_filter,
    read_index,
    read_keys,
    read_pattern,
    read_pipeline,
    read_sort,
    shape,
)
from guardrails.program.queries.model import (
    And,
    Condition,
    Element,
    Index,
    IndexKey,
    Maybe,
    Or,
    Pattern,
    SortKey,
    Unknown,
    unknowns,
)
from tests.queries.builder import ANY, ask, keys


def test_a_plain_value_is_an_equality() -> None:
    assert read_filter({"email": ANY}) == Condition("email", "$eq", ANY)


def test_a_nested_document_is_an_equality_on_the_whole() -> None:
    assert read_filter({"address": {"city": ANY}}) == Condition("address", "$eq", {"city": ANY})


def test_several_operators_on_a_field_are_several_conditions() -> None:
    assert read_filter({"age": {"$gte": 18, "$lt": 65}}) == And(
        (Condition("age", "$gte", 18), Condition("age", "$lt", 65))
    )


def test_logical_operators_keep_their_structure() -> None:
    assert read_filter({"a": 1, "$or": [{"b": 2}, {"c": 3}]}) == And(
        (Condition("a", "$eq", 1), Or((Condition("b", "$eq", 2), Condition("c", "$eq", 3))))
    )
    assert read_filter({"$and": [{"a": 1}, {"b": 2}]}) == And((Condition("a", "$eq", 1), Condition("b", "$eq", 2)))


def test_element_match_of_documents_and_of_values() -> None:
    assert read_filter({"items": {"$elemMatch": {"sku": ANY, "count": {"$gt": 1}}}}) == Element(
        "items", And((Condition("sku", "$eq", ANY), Condition("count", "$gt", 1)))
    )
    assert read_filter({"scores": {"$elemMatch": {"$gte": 80}}}) == Element("scores", Condition("", "$gte", 80))
    inner = read_filter({"tags": {"$all": [{"$elemMatch": {"name": ANY}}]}})
    assert inner == Element("tags", Condition("name", "$eq", ANY))


def test_what_is_added_sometimes_is_marked() -> None:
    assert read_filter({"status": Optional(ANY)}) == Maybe(Condition("status", "$eq", ANY))
    assert read_filter({"age": {"$gte": Optional(1), "$lt": 5}}) == And(
        (Maybe(Condition("age", "$gte", 1)), Condition("age", "$lt", 5))
    )


def test_booleans_and_enumerations_take_few_values() -> None:
    assert read_filter({"active": True}) == Condition("active", "$eq", True, few=True)
    assert read_filter({"role": Few(ANY)}) == Condition("role", "$eq", ANY, few=True)


@pytest.mark.parametrize(
    "document",
    [
        Unknown("no constant"),
        {Unknown("no constant"): 1},
        {"a": {Unknown("no constant"): 1}},
        {"$or": ANY},
        {"$or": [{"a": 1}, ANY]},
        {"$or": []},
        {"$futureOperator": 1},
        {"a": {"$futureOperator": 1}},
        {"a": {"$elemMatch": ANY}},
        "not a document",
    ],
)
def test_an_unreadable_part_is_found(document: Any) -> None:
    (reason,) = unknowns(read_filter(document))
    assert reason.reason


def test_an_unknown_value_is_no_unreadable_part() -> None:
    assert not list(unknowns(read_filter({"a": ANY, "b": {"$in": ANY}, "c": {"$not": ANY}})))


def test_options_and_comments_are_no_conditions() -> None:
    assert read_filter({"a": 1, "$comment": "why"}) == And((Condition("a", "$eq", 1), And()))
    assert read_filter({"name": {"$regex": "^a", "$options": "i"}}) == Condition("name", "$regex", Pattern("^a", True))


@pytest.mark.parametrize(
    ("pattern", "selective"),
    [
        (read_pattern("^ab"), True),
        (read_pattern(r"\Aab"), True),
        (read_pattern(Beginning("^")), True),
        (read_pattern(Pattern("^ab")), True),
        (read_pattern("ab"), False),
        (read_pattern(""), False),
        (read_pattern(".*ab"), False),
        (read_pattern("a|b"), False),
        (read_pattern(Beginning(".*")), False),
        (read_pattern("^ab", "i"), False),
        (read_pattern("(?i)^ab"), False),
        (read_pattern("(?s)^ab"), True),
        (read_pattern(Pattern("^ab", True)), False),
        (read_pattern(ANY), None),
        (read_pattern(ANY, "i"), None),
        (read_pattern(Beginning("")), None),
        (read_pattern("^a|b"), None),
        (read_pattern("(^a|^b)"), None),
        (read_pattern("^ab", ANY), None),
    ],
)
def test_a_pattern_bounds_an_index_if_anchored_and_case_sensitive(pattern: Pattern, selective: Any) -> None:
    assert pattern.selective is selective


@pytest.mark.parametrize(
    "document",
    [
        [("a", 1), ("b", -1)],
        (("a", 1), ("b", -1)),
        {"a": 1, "b": -1},
        ["a", ("b", -1)],
        [{"a": 1}, {"b": -1}],
    ],
)
def test_sorts_and_keys_come_in_every_form(document: Any) -> None:
    assert read_sort(document) == (SortKey("a", 1), SortKey("b", -1))
    assert read_keys(document) == keys("a", "-b")


def test_sorts_by_one_field() -> None:
    assert read_sort("a") == (SortKey("a"),)
    assert read_sort(("a", -1)) == (SortKey("a", -1),)
    assert read_sort(None) == ()
    assert read_sort([("score", {"$meta": "textScore"}), ("a", 1)]) == (SortKey("a"),)
    (unknown,) = read_sort([("a", ANY)])  # type: ignore[misc]
    assert isinstance(unknown, SortKey)
    assert isinstance(unknown.direction, Unknown)
    assert isinstance(read_sort([(ANY, 1)]), Unknown)
    assert isinstance(read_sort(ANY), Unknown)


def test_index_keys_of_every_kind() -> None:
    assert read_keys([("a", "text"), ("loc", "2dsphere"), ("h", "hashed"), ("$**", 1)]) == (
        IndexKey("a", "text"),
        IndexKey("loc", "2dsphere"),
        IndexKey("h", "hashed"),
        IndexKey("$**", 1),
    )
    assert read_keys({"a": 1.0}) == keys("a")
    assert isinstance(read_keys([(ANY, 1)]), Unknown)
    assert isinstance(read_keys([("a", ANY)]), Unknown)
    assert isinstance(read_keys([]), Unknown)


def test_an_index_with_its_options() -> None:
    read = read_index(
        "users",
        "email",
        {
            "name": "by_email",
            "unique": True,
            "sparse": True,
            "expireAfterSeconds": 60,
            "partialFilterExpression": {"active": True},
            "collation": {"strength": 2, "locale": "en"},
        },
    )
    assert read == Index(
        "users",
        keys("email"),
        name="by_email",
        unique=True,
        sparse=True,
        partial=Condition("active", "$eq", True, few=True),
        expire_after=60,
        collation=(("locale", "en"), ("strength", 2)),
    )
    assert isinstance(read_index("users", ANY, {}), Unknown)


def test_collations() -> None:
    assert read_collation({"locale": "simple"}) is None
    assert isinstance(read_collation({"locale": ANY}), Unknown)


def test_the_leading_stages_of_a_pipeline_are_a_query() -> None:
    (query,) = read_pipeline(
        "orders",
        [
            {"$match": {"status": ANY}},
            {"$sort": {"at": -1}},
            {"$match": {"total": {"$gt": 5}}},
            {"$limit": 5},
            {"$project": {"x": 1}},
            {"$match": {"x": 1}},
        ],
    )
    assert shape(query) == "{status: =, total: range} sort (at: -1)"
    assert query.operation == "aggregate"


def test_a_match_after_a_cut_or_a_change_is_none() -> None:
    (query,) = read_pipeline("orders", [{"$group": {"_id": "$a"}}, {"$match": {"b": 1}}])
    assert query.filter == And()
    (query,) = read_pipeline("orders", [{"$limit": 5}, {"$match": {"b": 1}}, {"$sort": {"b": 1}}])
    assert (query.filter, query.sort) == (And(), ())


def test_a_lookup_asks_the_other_collection_by_its_field() -> None:
    _, lookup = read_pipeline(
        "orders", [{"$lookup": {"from": "users", "localField": "u", "foreignField": "email", "as": "x"}}]
    )
    assert (lookup.collection, shape(lookup), lookup.operation) == ("users", "{email: =}", "$lookup")
    pipeline = [{"$lookup": {"from": "users", "let": {}, "pipeline": [{"$match": {"$expr": {}}}], "as": "x"}}]
    assert len(read_pipeline("orders", pipeline)) == 1


def test_union_and_facet_hold_queries_of_their_own() -> None:
    _, union = read_pipeline("a", [{"$unionWith": {"coll": "b", "pipeline": [{"$match": {"x": 1}}]}}])
    assert (union.collection, shape(union)) == ("b", "{x: =}")
    lookup = {"$lookup": {"from": "c", "localField": "u", "foreignField": "f", "as": "x"}}
    _, joined = read_pipeline("a", [{"$facet": {"one": [lookup]}}])
    assert joined.collection == "c"


def test_a_search_stage_is_no_query_of_the_database() -> None:
    assert read_pipeline("a", [{"$search": {}}, {"$match": {"x": 1}}]) == ()


def test_geo_near_asks_for_its_field() -> None:
    (query,) = read_pipeline("a", [{"$geoNear": {"key": "loc", "near": ANY, "query": {"kind": "bar"}}}])
    assert shape(query) == "{loc: near, kind: =}"


def test_an_unreadable_stage_makes_the_query_unknown() -> None:
    for pipeline in (ANY, [ANY, {"$match": {"a": 1}}], [{"$match": {"a": 1}}, ANY], [{"$future": 1}]):
        assert any(unknowns(read_pipeline("a", pipeline)[0].filter))


def test_the_shape_leaves_values_out() -> None:
    query = ask(
        {
            "a": 1,
            "b": {"$in": ANY},
            "c": {"$gt": 1},
            "$or": [{"d": {"$regex": "^x"}}, {"e": Optional(1)}],
            "f": {"$elemMatch": {"g": 1}},
            "$expr": {},
        },
        sort="-at",
    )
    assert shape(query) == (
        "{a: =, b: in, c: range, or({d: regex} | {e: =?}), f: elemMatch{g: =}, $expr} sort (at: -1)"
    )
    assert shape(ask(ANY, sort=ANY)) == "{unknown (test)} sort ?"
