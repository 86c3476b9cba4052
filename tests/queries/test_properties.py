"""What holds of every query: nothing crashes, advice is enough, and more indexes never serve less."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.knowledge.operators import OPERATORS
from guardrails.program.queries.documents import Few, Optional, read_filter, shape
from guardrails.program.queries.model import Index, IndexKey, Pattern, Query, SortKey, Unknown
from guardrails.program.queries.planner import Reach, plan
from guardrails.program.queries.suggest import needed, suggest

FIELDS = st.sampled_from(("a", "b", "c", "d.e", "_id"))
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(0, 5), st.just("x"), st.just(Unknown()), st.just(Few(1)),
    st.just(Pattern("^x")), st.just(Pattern("x")), st.lists(st.integers(0, 3), max_size=2),
)  # fmt: skip
ANYTHING = st.recursive(
    st.one_of(VALUES, st.just(Optional(1))),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(FIELDS, st.sampled_from(sorted(OPERATORS))), inner, max_size=3),
    ),
    max_leaves=12,
)


@st.composite
def readable(draw: st.DrawFn) -> dict[str, Any]:
    """A filter of equalities, sets, ranges and an ``$or``."""
    tests = st.one_of(
        st.just(Unknown()),
        st.just({"$in": Unknown()}),
        st.just({"$gt": Unknown()}),
        st.just({"$ne": Unknown()}),
        st.just(True),
        st.just(Optional(Unknown())),
    )
    document = draw(st.dictionaries(FIELDS, tests, max_size=3))
    if draw(st.booleans()):
        document["$or"] = draw(st.lists(st.dictionaries(FIELDS, tests, min_size=1, max_size=2), min_size=1, max_size=3))
    return document


SORTS = st.lists(st.builds(SortKey, FIELDS, st.sampled_from((1, -1))), max_size=2, unique_by=lambda key: key.path)
QUERIES = st.builds(lambda document, sort: Query("users", read_filter(document), tuple(sort)), readable(), SORTS)
KEYS = st.lists(
    st.builds(IndexKey, FIELDS, st.sampled_from((1, -1, "hashed", "text", "2dsphere"))),
    min_size=1,
    max_size=3,
    unique_by=lambda key: key.path,
)
INDEXES = st.lists(
    st.builds(lambda keys, sparse: Index("users", tuple(keys), sparse=sparse), KEYS, st.booleans()), max_size=3
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(ANYTHING, SORTS, INDEXES)
def test_nothing_crashes(document: Any, sort: list[SortKey], indexes: list[Index]) -> None:
    query = Query("users", read_filter(document), tuple(sort))
    verdict = plan(query, indexes)
    assert shape(query)
    assert verdict.scans in (True, False)
    assert verdict.unread or verdict.text or verdict.idle or verdict.branches


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(QUERIES, min_size=1, max_size=4), INDEXES)
def test_advice_is_enough(queries: list[Query], indexes: list[Index]) -> None:
    advice = suggest(queries, indexes)
    together = [*indexes, *(Index("users", found.keys) for found in advice)]
    assert [needed(plan(query, together)) for query in queries] == [() for _ in queries]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(QUERIES, INDEXES, INDEXES)
def test_more_indexes_never_serve_less(query: Query, some: list[Index], others: list[Index]) -> None:
    few, more = plan(query, some), plan(query, [*some, *others])
    assert few.judged == more.judged
    if few.judged:
        assert more.reach >= few.reach
        assert plan(query, [*others, *some]).reach is more.reach


@settings(max_examples=200, deadline=None, derandomize=True)
@given(QUERIES, INDEXES)
def test_a_served_query_does_not_scan(query: Query, indexes: list[Index]) -> None:
    verdict = plan(query, indexes)
    if verdict.judged and verdict.reach is Reach.FULLY:
        assert not verdict.scans
