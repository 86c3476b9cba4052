"""Drift as findings of ``GR910``: each difference at the declaration, an extra index at the registry."""

from __future__ import annotations

from collections.abc import Iterator

from guardrails.finding import Finding, Place
from guardrails.live.compare import Drift, compare, live_index
from guardrails.live.connection import LiveDatabase
from guardrails.program.queries.model import Index

CODE = "GR910"


def drift(
    database: LiveDatabase,
    declared: dict[str, tuple[Index, ...]],
    complete: dict[str, bool],
    asked: frozenset[str],
    registry: tuple[Place, str],
) -> Iterator[Finding]:
    """The differences of all collections that the code declares indexes on or queries, by collection.

    ``complete``: whether all declarations of a collection could be read. ``asked``: collections that the code
    queries. ``registry``: where an extra index is reported. Raises ``LiveProblem``.
    """
    existing = set(database.collections())
    for collection in sorted(set(declared) | (asked & existing)):
        listed = database.indexes(collection) if collection in existing else ()
        live = [index for each in listed if (index := live_index(collection, each)) is not None]
        for difference in compare(
            collection, declared.get(collection, ()), live, complete=complete.get(collection, True)
        ):
            yield _finding(difference, database.name, registry)


def _finding(drift: Drift, database: str, registry: tuple[Place, str]) -> Finding:
    index = drift.declared or drift.live
    assert index is not None
    where = f"{database}.{drift.collection}"
    named = f" (named {drift.live.name})" if drift.live is not None and isinstance(drift.live.name, str) else ""
    messages = {
        "missing": f"the declared index {index} is missing in {where}",
        "extra": f"{where} has the index {index}{named}, which nothing declares",
        "order": f"an index of {where} has its fields in another order{named}: {drift.detail}",
        "direction": f"an index of {where} has other directions{named}: {drift.detail}",
        "options": f"the index {index} of {where} has other options{named}: {drift.detail}",
    }
    helps = {
        "missing": "apply the index registry to the database",
        "extra": "declare the index, or drop it from the database",
    }
    declared = drift.declared
    place, symbol = (declared.place, declared.symbol) if declared and declared.place else registry
    help_ = helps.get(drift.kind, "drop the index and apply the registry, or change the declaration")
    return Finding(CODE, place, symbol, f"{drift.kind} {where} {index}", messages[drift.kind], help_)
