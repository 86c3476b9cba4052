"""Rule 9: indexes for the queries that the code makes."""

from __future__ import annotations

from collections.abc import Iterator

from guardrails.checks.registry import check
from guardrails.finding import Finding, Place, Related, Severity
from guardrails.program import Program
from guardrails.program.queries.documents import shape
from guardrails.program.queries.model import Index, Query, show_keys
from guardrails.program.queries.planner import BranchPlan, Plan, Reach
from guardrails.program.queries.suggest import needed

SHOWN = 8
"""A list in a help text names at most this many."""


@check("GR901", "missing-index-registry", Severity.ERROR, project=True)
def missing_index_registry(program: Program) -> Iterator[Finding]:
    """The code queries by fields other than ``_id``, and no application module declares an index."""
    indexing = program.indexing
    asking = [query for query in indexing.queries if indexing.asks_for_index(query)]
    if not asking or indexing.declares:
        return
    advice = [f"{found.collection} {found}" for found in indexing.suggestions()]
    help_ = "declare the indexes in one module (database_indexes.py) and apply it at start-up"
    if advice:
        help_ += ": " + _listed(advice)
    place, symbol = program.project_place(*sorted(program.roles.named_registries, key=lambda m: m.name))
    outside = sorted({call.place for call in indexing.calls})
    related = [Related(call, "indexes are created here, outside the application") for call in outside[:SHOWN]]
    related += [
        Related(query.place, f"queries {_collection(query)} by {shape(query)}")
        for query in asking[:SHOWN]
        if query.place
    ]
    where = f"; index calls exist only in {_files(outside)}" if outside else ""
    yield Finding(
        "GR901",
        place,
        symbol,
        "indexes",
        f"no application module declares an index, but "
        f"{_count(len(asking), 'query filters or sorts', 'queries filter or sort')} by fields other than _id{where}",
        help_,
        tuple(related),
    )


@check("GR902", "index-created-elsewhere", Severity.ERROR)
def index_created_elsewhere(program: Program) -> Iterator[Finding]:
    """Application code creates an index outside the index registry."""
    indexing = program.indexing
    registries = sorted(module.name for module in indexing.registries)
    for call in indexing.calls:
        if not call.code.module.application or indexing.applies_registry(call):
            continue
        collections = sorted(
            {i.collection for i in call.found if isinstance(i, Index) and isinstance(i.collection, str)}
        )
        on = f" on {', '.join(collections)}" if collections else ""
        yield Finding(
            "GR902",
            call.place,
            call.code.qualname,
            ", ".join(collections) or call.operation.method.name,
            f"{call.code.qualname} creates an index{on} outside the index registry",
            f"declare it in {registries[0]}"
            if registries
            else "declare all indexes in one module, database_indexes.py, and apply it at start-up",
        )


@check("GR903", "unindexed-query", Severity.ERROR)
def unindexed_query(program: Program) -> Iterator[Finding]:
    """A filter or sort that no declared index serves."""
    for query, verdict in _worst_per_place(program, Reach.NONE):
        advice = [show_keys(keys) for keys in needed(verdict)]
        missing = [part.branch for part in verdict.branches if part.reach is Reach.NONE and not _is_pattern(part)]
        branch = missing[0]
        fields = _fields(branch.paths)
        several = f", in {len(missing)} branches of $or" if len(missing) > 1 else ""
        if branch.selects or branch.sort:
            any_ = "any of them" if len(branch.paths) > 1 else "it"
            why = f"by {fields}, and no declared index serves {any_}{several}"
        else:
            why = f"by negations or computed conditions alone, on {fields}, which no index serves{several}"
        if advice:
            help_ = f"declare an index on {query.collection} {' and '.join(advice)}"
        elif branch.selects:
            help_ = f"{fields} takes few values: filter by another field as well, or declare a partial index"
        else:
            help_ = "filter by what some indexed field equals as well"
        yield _finding("GR903", query, f"{query.symbol} {_verb(query)} {query.collection} {why}", help_)


@check("GR904", "partial-index", Severity.WARNING)
def partial_index(program: Program) -> Iterator[Finding]:
    """A declared index serves only part of a query."""
    for query, verdict in _worst_per_place(program, Reach.PARTLY):
        advice = needed(verdict)
        part = next(part for part in verdict.branches if part.reach is Reach.PARTLY)
        if not advice or verdict.pinned or verdict.hinted or part.best is None:
            continue
        if not query.sort_known or len(part.branch.paths) < 2:
            continue
        used = part.best.index
        left = f", without {_fields(part.best.missing)}" if part.best.missing else ""
        yield _finding(
            "GR904",
            query,
            f"{query.symbol} {_verb(query)} {query.collection} by {_fields(part.branch.paths)}, which the index "
            f"{used} serves in part: {part.best.why}{left}",
            f"declare an index on {query.collection} {' and '.join(map(show_keys, advice))}",
            (Related(used.place, f"the index {used}"),) if used.place else (),
        )


@check("GR905", "text-search-without-text-index", Severity.ERROR)
def text_search_without_text_index(program: Program) -> Iterator[Finding]:
    """A ``$text`` search on a collection without a text index."""
    indexing = program.indexing
    for query in indexing.queries:
        if not indexing.plan(query).text or not isinstance(query.collection, str):
            continue
        texts = [index for index in indexing.of(query.collection) if any(k.kind == "text" for k in index.keys)]
        if not texts and indexing.complete(query.collection):
            yield _finding(
                "GR905",
                query,
                f"{query.symbol} searches {query.collection} with $text, and no text index is declared on it",
                f'declare an index on {query.collection} with the searched fields as "text"',
            )


@check("GR906", "redundant-index", Severity.WARNING)
def redundant_index(program: Program) -> Iterator[Finding]:
    """A declared index is a prefix of another one."""
    for index, longer in program.indexing.redundant:
        assert index.place is not None
        yield Finding(
            "GR906",
            index.place,
            index.symbol,
            f"{index.collection} {index}",
            f"the index {index} on {index.collection} is a prefix of {longer}, which serves the same queries",
            "remove the shorter index",
            (Related(longer.place, f"the index {longer}"),) if longer.place else (),
        )


@check("GR907", "unused-index", Severity.INFO)
def unused_index(program: Program) -> Iterator[Finding]:
    """No operation in the code uses a declared index."""
    for index in program.indexing.unused:
        assert index.place is not None
        yield Finding(
            "GR907",
            index.place,
            index.symbol,
            f"{index.collection} {index}",
            f"no operation in the code uses the index {index} on {index.collection}",
            "remove the index, if nothing else queries the collection: every write pays for it",
        )


@check("GR908", "index-registry-not-applied", Severity.ERROR, project=True)
def index_registry_not_applied(program: Program) -> Iterator[Finding]:
    """Nothing on the app's start-up path applies the index registry."""
    module = program.indexing.unapplied_registry
    if module is not None:
        yield Finding(
            "GR908",
            module.place_of_module,
            module.name,
            "start-up",
            f"nothing on the app's start-up path applies the indexes that {module.name} declares",
            "call the function that creates the indexes from the lifespan",
        )


@check("GR909", "unanchored-regex", Severity.WARNING)
def unanchored_regex(program: Program) -> Iterator[Finding]:
    """A filter whose only condition is a regular expression that no index can bound."""
    seen: set[Place | None] = set()
    for query in program.indexing.queries:
        fields = program.indexing.patterns_alone(query)
        if not fields or query.place in seen:
            continue
        seen.add(query.place)
        of = f"{query.collection} " if isinstance(query.collection, str) else ""
        yield _finding(
            "GR909",
            query,
            f"{query.symbol} filters {of}by a regular expression on {_fields(fields)} alone, which is not "
            "anchored or ignores case: every value is tested",
            "anchor a case-sensitive pattern with ^, store a normalised field, or use a text index",
        )


@check("GR910", "index-drift", Severity.ERROR)
def index_drift(program: Program) -> Iterator[Finding]:
    """The indexes of a live database differ from the declared ones (``guardrails indexes diff``)."""
    # Only the command knows a database; code alone has nothing to compare with.
    yield from ()


def _worst_per_place(program: Program, reach: Reach) -> Iterator[tuple[Query, Plan]]:
    """The worst served query of each place and collection, if it is served so far: one defect, one finding."""
    worst: dict[tuple[Place | None, str], tuple[Reach, Query, Plan]] = {}
    for query in program.indexing.judged:
        verdict = program.indexing.plan(query)
        if not verdict.judged or not isinstance(query.collection, str) or verdict.forced:
            continue
        # A regular expression that no index bounds is another check's, if it is anyone's.
        parts = [part.reach for part in verdict.branches if not _is_pattern(part)]
        key = (query.place, query.collection)
        if parts and (key not in worst or min(parts) < worst[key][0]):
            worst[key] = (min(parts), query, verdict)
    yield from ((query, verdict) for found, query, verdict in worst.values() if found is reach)


def _is_pattern(part: BranchPlan) -> bool:
    return part.reach is Reach.NONE and part.branch.doubtful_pattern_only


def _finding(code: str, query: Query, message: str, help_: str, related: tuple[Related, ...] = ()) -> Finding:
    assert query.place is not None
    return Finding(code, query.place, query.symbol, f"{_collection(query)} {shape(query)}", message, help_, related)


def _collection(query: Query) -> str:
    return query.collection if isinstance(query.collection, str) else "a collection"


def _verb(query: Query) -> str:
    return "joins" if query.operation == "$lookup" else "queries"


def _fields(paths: tuple[str, ...]) -> str:
    shown = [path or "an expression" for path in dict.fromkeys(paths)]
    if len(shown) < 2:
        return shown[0] if shown else "an expression"
    return f"{', '.join(shown[:-1])} and {shown[-1]}"


def _listed(several: list[str]) -> str:
    more = f" and {len(several) - SHOWN} more" if len(several) > SHOWN else ""
    return "; ".join(several[:SHOWN]) + more


def _files(places: list[Place]) -> str:
    return ", ".join(sorted({place.path for place in places}))


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
