"""Index advice: which indexes would serve the queries that have none, and which declared ones are too many.

An advised index holds the fields that the filter fixes, then the sort's in the sort's own order and
directions, then those of ranges (manual, "The ESR Guideline"). Advice for several queries is merged where one
index serves them all: the fixed fields of the longer are reordered if that makes the shorter its prefix.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from guardrails.knowledge.operators import Role
from guardrails.program.queries.model import Index, IndexKey, Query, Unknown, show_keys
from guardrails.program.queries.planner import Branch, Plan, Reach, branches, plan, serve

MAX_KEYS = 32
"""An index has at most this many fields. Source: manual, "MongoDB Limits and Thresholds"."""


Keys = tuple[IndexKey, ...]
_Want = tuple[Keys, Query, Branch]


class Suggestion(Struct, frozen=True):
    """An index and the queries that it serves."""

    collection: str
    keys: Keys
    queries: tuple[Query, ...]

    def __str__(self) -> str:
        return show_keys(self.keys)


def advise(branch: Branch) -> Keys:
    """The keys that would serve the branch whole; none where no index selects enough to be worth it."""
    directions = {key.path: key.direction for key in branch.sort}
    geo = {c.path for c in branch.conditions if c.role is Role.GEO}
    fixed = [c.path for c in branch.conditions if c.role in (Role.EQUALITY, Role.SET, Role.ARRAY)]
    keys: list[IndexKey] = []
    for path in branch.required or _sometimes(branch):
        direction = directions.get(path, 1)
        if path in geo:
            keys.append(IndexKey(path, "2dsphere"))
        else:
            keys.append(IndexKey(path, direction if isinstance(direction, int) else 1))
    if "_id" in fixed or not keys or len(keys) > MAX_KEYS or keys == [IndexKey("_id")]:
        return ()
    if len(keys) == 1 and keys[0].kind == -1:
        # One field is read backwards as well.
        return (IndexKey(keys[0].path),)
    return tuple(keys)


def _sometimes(branch: Branch) -> tuple[str, ...]:
    """The first field that a branch without certain conditions tests."""
    return next(
        (
            (c.path,)
            for c in branch.conditions
            if c.role in (Role.EQUALITY, Role.SET, Role.RANGE) and not c.certain and not c.few
        ),
        (),
    )


def needed(verdict: Plan) -> tuple[Keys, ...]:
    """The indexes that the query of a verdict lacks, one per branch that is not served whole, each once."""
    return tuple(dict.fromkeys(advise(branch) for branch in _unserved(verdict)))


def _unserved(verdict: Plan) -> list[Branch]:
    """The branches that an index would help."""
    if not verdict.judged or verdict.pinned or verdict.hinted:
        return []
    return [part.branch for part in verdict.branches if part.reach is not Reach.FULLY and advise(part.branch)]


def suggest(queries: Iterable[Query], indexes: Sequence[Index]) -> tuple[Suggestion, ...]:
    """The fewest indexes found that serve the queries left unserved by ``indexes``, by collection and keys.

    ``indexes`` are those of all the collections. Queries whose collection is not known are passed over.
    """
    wanted: dict[str, list[_Want]] = {}
    for query in queries:
        if isinstance(query.collection, str):
            declared = [index for index in indexes if index.collection == query.collection]
            verdict = plan(query, declared)
            for branch in _unserved(verdict):
                wanted.setdefault(query.collection, []).append((advise(branch), query, branch))
    return tuple(
        Suggestion(collection, keys, _distinct(query for _, query, _ in wants))
        for collection in sorted(wanted)
        for keys, wants in _merged(wanted[collection])
    )


def _distinct(queries: Iterable[Query]) -> tuple[Query, ...]:
    found: list[Query] = []
    for query in queries:
        if query not in found:
            found.append(query)
    return tuple(found)


def _merged(wants: list[_Want]) -> list[tuple[Keys, list[_Want]]]:
    """The shortest first; each takes the place of those that it also serves."""
    found: list[tuple[Keys, list[_Want]]] = []
    for want in sorted(wants, key=lambda want: (len(want[0]), _order(want[0]))):
        for place, (earlier, served) in enumerate(found):
            known = {key.path for key in earlier}
            longer = (*earlier, *(key for key in want[0] if key.path not in known))
            for keys in (earlier, want[0], longer):
                if all(_serves(keys, query, branch) for _, query, branch in (*served, want)):
                    found[place] = (keys, [*served, want])
                    break
            else:
                continue
            break
        else:
            found.append((want[0], [want]))
    return sorted(found, key=lambda each: _order(each[0]))


def _order(keys: Keys) -> list[tuple[str, bool, str]]:
    return [(key.path, key.kind == -1, str(key.kind)) for key in keys]


def _serves(keys: Keys, query: Query, branch: Branch) -> bool:
    match = serve(Index(query.collection, keys), branch, query)
    return match is not None and match.reach is Reach.FULLY


def redundant(index: Index, others: Iterable[Index]) -> Index | None:
    """The longer index of which ``index`` is a prefix, so that it serves nothing more, or ``None``.

    Unique, sparse, partial and TTL indexes do what no longer one does, and a sparse or partial longer one
    leaves out documents. Source: manual, "Remove Unnecessary Indexes".
    """
    special = (index.unique, index.sparse, index.partial, index.expire_after)
    if index.default or any(option not in (False, None) for option in special):
        return None
    for other in others:
        if (
            other.collection == index.collection
            and not isinstance(other.collection, Unknown)
            and len(other.keys) > len(index.keys)
            and other.keys[: len(index.keys)] == index.keys
            and other.sparse is False
            and other.partial is None
            and other.collation == index.collation
            and all(key.ordered and not key.wildcard for key in other.keys)
        ):
            return other
    return None


def uses(query: Query, index: Index) -> bool | None:
    """Whether the query can use the index; ``None`` where the query cannot be read."""
    verdict = plan(query, [index])
    if verdict.unread:
        return None
    if verdict.text:
        return any(key.kind == "text" for key in index.keys)
    found = [serve(index, branch, query) for branch in branches(query) or ()]
    return any(match is not None and match.reach is not Reach.NONE for match in found)
