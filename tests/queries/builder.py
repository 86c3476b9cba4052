"""A small language for queries and indexes, so that the tests of the planner need no source code.

``ask({"status": ANY, "age": {"$gt": ANY}}, sort="-at")`` is a query; ``index("status", "-at")`` an index: a
minus sign descends, ``field:kind`` gives another kind. ``ANY`` is a value known at run time only.
"""

from __future__ import annotations

from typing import Any

from guardrails.program.queries.documents import read_collation, read_filter
from guardrails.program.queries.model import Index, IndexKey, Query, SortKey, Unknown

ANY = Unknown("test")


def ask(
    filter: Any = None,
    sort: str | Unknown = "",
    *,
    on: str = "users",
    hint: Any = None,
    collation: Any = None,
    operation: str = "find",
) -> Query:
    """A query on the collection ``on``; ``sort`` names its fields, separated by spaces."""
    keys = sort if isinstance(sort, Unknown) else tuple(SortKey(*_signed(word)) for word in sort.split())
    return Query(on, read_filter(filter), keys, operation, hint=hint, collation=read_collation(collation))


def index(*keys: str, on: str = "users", partial: Any = None, collation: Any = None, **options: Any) -> Index:
    """An index on the collection ``on``; ``partial`` is a filter document."""
    parsed = []
    for key in keys:
        path, _, kind = key.partition(":")
        parsed.append(IndexKey(path, kind) if kind else IndexKey(*_signed(path)))
    return Index(
        on,
        tuple(parsed),
        partial=None if partial is None else read_filter(partial),
        collation=read_collation(collation),
        **options,
    )


def keys(*words: str) -> tuple[IndexKey, ...]:
    """Index keys in the same notation."""
    return index(*words).keys


def _signed(word: str) -> tuple[str, int]:
    return (word[1:], -1) if word.startswith("-") else (word, 1)
