"""Which index serves a query: the static verdict.

A query is taken apart into branches, one per way through its ``$or``s; what stands beside an ``$or`` holds in
each of its branches. An index is held against one branch by walking its keys:

- a field tested by equality or ``$in`` may stand anywhere in the index;
- the sort's fields must follow in the sort's own order, forwards or wholly backwards, fields that an equality
  fixes left out, and no range before them;
- the first key that the branch neither constrains nor sorts by ends the walk: what follows it is not served.

Where a part is not known, the doubtful index counts as good: a verdict of no index, or of part of one, is
certain. Multikey: no index orders by a field inside an array that the filter bounds, and no index spans two
arrays, so neither is asked for. Which plain fields hold arrays is not known here.
Sources: manual, "The ESR Guideline", "Sort with Indexes", "Compound Indexes", "Partial Indexes", "Sparse
Indexes", "Multikey Index Bounds", "Collation", "Wildcard Indexes", "Hashed Indexes".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from enum import IntEnum
from functools import reduce
from operator import ge, gt, le, lt
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from guardrails.knowledge.operators import Role
from guardrails.program.queries.model import (
    ID_INDEX,
    And,
    Condition,
    Element,
    Filter,
    Index,
    IndexKey,
    Maybe,
    Or,
    Pattern,
    Query,
    SortKey,
    Unknown,
    conditions,
    unknowns,
    within,
)

MAX_BRANCHES = 64
"""A filter with more ways through its ``$or``s than this is not judged."""


class Reach(IntEnum):
    """How much of a branch an index serves."""

    NONE = 0
    """Its first field is neither constrained nor sorted by: the server scans the collection."""
    PARTLY = 1
    FULLY = 2


class Branch(Struct, frozen=True):
    """One way through the filter, with the sort: conditions that hold together.

    ``arrays``: the fields that the filter itself shows to be arrays, in order.
    """

    conditions: tuple[Condition, ...]
    sort: tuple[SortKey, ...] = ()
    arrays: tuple[str, ...] = ()

    def at(self, path: str) -> tuple[Condition, ...]:
        """The conditions on one field."""
        return tuple(condition for condition in self.conditions if condition.path == path)

    @property
    def required(self) -> tuple[str, ...]:
        """The fields that an index serving the whole branch holds, in order: equality, sort, range.

        Left out is what is only sometimes tested, what takes few values, what tests presence alone, and
        what no index can add: a second array, a sort inside a bounded array.
        """
        wanted: list[str] = []
        for part in (_equals, _spans):
            if part is _spans:
                wanted += [key.path for key in self.sort]
            wanted += [c.path for c in self.conditions if part(c) and c.certain and not c.few and not _doubtful(c)]
        array = next((a for path in wanted for a in self.arrays if _inside(path, a)), None)
        return tuple(
            path
            for path in dict.fromkeys(wanted)
            if array is None or _inside(path, array) or not any(_inside(path, a) for a in self.arrays)
        )

    @property
    def paths(self) -> tuple[str, ...]:
        """The fields that the branch tests or sorts by, in order, each once."""
        return tuple(dict.fromkeys([*(c.path for c in self.conditions), *(key.path for key in self.sort)]))

    @property
    def selects(self) -> bool:
        """Whether some condition could bound an index."""
        return any(_equals(c) or _spans(c) or c.role is Role.EXISTS for c in self.conditions)

    @property
    def pattern_only(self) -> bool:
        """Whether all its conditions are regular expressions that no index can bound."""
        return self._patterns((False,))

    @property
    def doubtful_pattern_only(self) -> bool:
        """Whether all its conditions are regular expressions of which none surely bounds an index."""
        return self._patterns((False, None))

    def _patterns(self, selective: tuple[bool | None, ...]) -> bool:
        return bool(self.conditions) and all(
            c.role is Role.REGEX and isinstance(c.value, Pattern) and c.value.selective in selective
            for c in self.conditions
        )


class Match(Struct, frozen=True):
    """What one index does for one branch. ``why`` names the obstacle where it serves only part.

    ``bounded``: the filter bounds the index. ``ordered``: the index delivers the sort.
    """

    index: Index
    reach: Reach
    missing: tuple[str, ...] = ()
    why: str = ""
    bounded: bool = False
    ordered: bool = False


class BranchPlan(Struct, frozen=True):
    """A branch and the index that serves it best, if any."""

    branch: Branch
    best: Match | None

    @property
    def reach(self) -> Reach:
        """How much of the branch is served."""
        return self.best.reach if self.best else Reach.NONE


class Plan(Struct, frozen=True):
    """The verdict on a query.

    ``unread``: why it cannot be judged. ``idle``: nothing to serve, because there is no filter and no sort,
    or because the query itself asks for a collection scan (``$natural``). ``text``: its filter uses
    ``$text``, which only a text index serves. ``hinted``: the query names its index. ``pinned``: every branch
    fixes ``_id`` or a whole unique index by equality, so that few documents are left.
    """

    query: Query
    branches: tuple[BranchPlan, ...] = ()
    unread: str = ""
    idle: bool = False
    text: bool = False
    hinted: bool = False
    pinned: bool = False

    @property
    def judged(self) -> bool:
        """Whether there is a verdict at all."""
        return not (self.unread or self.idle or self.text)

    @property
    def reach(self) -> Reach:
        """The least that any branch gets. Meaningful only where ``judged``."""
        return min((branch.reach for branch in self.branches), default=Reach.NONE)

    @property
    def forced(self) -> bool:
        """Whether a hint chooses a partial or sparse index, whose whole content may be what is wanted."""
        return self.hinted and any(
            part.best and (part.best.index.partial is not None or part.best.index.sparse is not False)
            for part in self.branches
        )

    @property
    def scans(self) -> bool:
        """Whether the server reads the whole collection, by its own ``explain``.

        That differs from ``reach``: an index whose first field is one of several sort fields serves part of
        the sort, but the server does not use it.
        """
        if self.idle:
            return True
        used = [branch.best for branch in self.branches if branch.best]
        if len(used) < len(self.branches):
            return True
        return not (self.hinted or all(best.bounded for best in used) or all(best.ordered for best in used))

    @property
    def indexes(self) -> tuple[Index, ...]:
        """The indexes that serve the branches, each once."""
        found: list[Index] = []
        for branch in self.branches:
            if branch.best and branch.reach and branch.best.index not in found:
                found.append(branch.best.index)
        return tuple(found)


def plan(query: Query, indexes: Sequence[Index]) -> Plan:
    """The verdict on ``query`` if its collection has ``indexes`` (``_id`` is added)."""
    reasons = [unknown.reason for unknown in unknowns(query.filter)]
    if isinstance(query.hint, Unknown):
        reasons.append(query.hint.reason)
    if reasons:
        return Plan(query, unread=reasons[0])
    if any(condition.role is Role.TEXT for condition in conditions(query.filter)):
        return Plan(query, text=True)
    found = branches(query)
    if found is None:
        return Plan(query, unread=f"more than {MAX_BRANCHES} branches")
    if _natural(query.hint) or not any(branch.conditions or branch.sort for branch in found):
        return Plan(query, idle=True)
    available = [ID_INDEX, *(index for index in indexes if not index.default)]
    hinted = _hinted(query.hint, available)
    if hinted is not None:
        available = hinted
    plans = tuple(BranchPlan(branch, best(branch, available, query, forced=hinted is not None)) for branch in found)
    pinned = all(_pinned(branch, available) for branch in found)
    return Plan(query, plans, hinted=hinted is not None, pinned=pinned)


def branches(query: Query) -> tuple[Branch, ...] | None:
    """The ways through a readable filter, each with the sort; ``None`` if they are too many."""
    sort = () if isinstance(query.sort, Unknown) else query.sort
    ways = _ways(query.filter)
    if ways is None:
        return None
    found = []
    for tests, arrays in ways:
        fixed = {c.path for c in tests if c.certain and c.role in (Role.EQUALITY, Role.SET)}
        bounded = [a for a in arrays if any(_inside(c.path, a) for c in tests)]
        wanted = tuple(key for key in sort if key.path not in fixed and not any(_inside(key.path, a) for a in bounded))
        found.append(Branch(tests, wanted, arrays))
    return tuple(found)


Way = tuple[tuple[Condition, ...], tuple[str, ...]]


def _ways(part: Filter) -> list[Way] | None:
    if isinstance(part, Condition):
        return [((part,), (part.path,) if part.operator == "$all" else ())]
    if isinstance(part, Maybe):
        inner = _ways(part.part)
        return inner and [(tuple(replace(c, certain=False) for c in tests), arrays) for tests, arrays in inner]
    if isinstance(part, Element):
        inner = _ways(part.part)
        return inner and [
            (tuple(within(part.path, c) for c in tests), (part.path, *(f"{part.path}.{a}" for a in arrays)))
            for tests, arrays in inner
        ]
    if isinstance(part, Or):
        several = [_ways(branch) for branch in part.parts]
        if any(ways is None for ways in several) or sum(len(ways or ()) for ways in several) > MAX_BRANCHES:
            return None
        return [way for ways in several for way in ways or ()]
    if isinstance(part, And):
        nothing: list[Way] | None = [((), ())]
        return reduce(_both, (_ways(inner) for inner in part.parts), nothing)
    return None


def _both(left: list[Way] | None, right: list[Way] | None) -> list[Way] | None:
    if left is None or right is None or len(left) * len(right) > MAX_BRANCHES:
        return None
    return [(a + b, tuple(dict.fromkeys(x + y))) for a, x in left for b, y in right]


def best(branch: Branch, indexes: Sequence[Index], query: Query, *, forced: bool = False) -> Match | None:
    """The index that serves most of the branch, the first among equals. ``forced``: by a hint."""
    matches = [serve(index, branch, query, forced=forced) for index in indexes]
    return max(
        (match for match in matches if match is not None),
        key=lambda match: (match.reach, match.bounded or match.ordered, -len(match.missing)),
        default=None,
    )


def serve(index: Index, branch: Branch, query: Query, *, forced: bool = False) -> Match | None:
    """What ``index`` does for ``branch``; ``None`` if the server cannot use it at all."""
    if not forced and not _complete_for(index, branch):
        return None
    tests = branch.conditions
    sort = branch.sort
    if not _same_collation(index, query):
        tests = tuple(c for c in tests if _without_strings(c.value))
        sort = ()
    if any(key.kind == "text" for key in index.keys):
        return None
    if any(key.kind in ("2dsphere", "2d") for key in index.keys) and not any(
        c.role is Role.GEO and c.path == key.path for c in tests for key in index.keys if not key.ordered
    ):
        # Such an index leaves out documents without the location, whatever its other fields.
        return None
    return _walk(index, branch, tests, sort)


def _walk(index: Index, branch: Branch, tests: tuple[Condition, ...], sort: tuple[SortKey, ...]) -> Match | None:
    served: set[str] = set()
    left = list(sort)
    orientation = 0
    ranged = disordered = False
    why = ""
    for key in index.keys:
        if key.wildcard:
            path = _wildcard(key, tests)
            if path is not None:
                served.add(path)
            break
        here = [c for c in tests if c.path == key.path and _uses(key, c)]
        equal = any(_equals(c) for c in here)
        if equal and not (left and left[0].path == key.path):
            served.add(key.path)
        elif key.ordered and left and left[0].path == key.path and not disordered:
            direction = left.pop(0).direction
            if isinstance(direction, int):
                turned = direction * int(key.kind)
                if orientation not in (0, turned):
                    disordered, why = True, "the sort's directions differ"
                orientation = turned
            if ranged:
                disordered, why = True, "a range stands before the sort"
            if not disordered:
                served.add(key.path)
        elif here:
            served.add(key.path)
            ranged = ranged or any(_spans(c) for c in here)
        else:
            break
    first = index.keys[0]
    bounded = (first.path in served and any(c.path == first.path for c in tests)) or (first.wildcard and bool(served))
    sorted_by = first.ordered and any(key.path == first.path for key in sort)
    if not bounded and not sorted_by:
        return Match(index, Reach.NONE)
    ordered = bool(sort) and not left and not disordered
    missing = tuple(path for path in branch.required if path not in served)
    if not missing and (ordered or not branch.sort):
        return Match(index, Reach.FULLY, bounded=bounded, ordered=ordered)
    if not why:
        why = "a prefix only" if served else "its order is not the sort's"
    return Match(index, Reach.PARTLY, missing, why, bounded, ordered)


def _uses(key: IndexKey, condition: Condition) -> bool:
    """Whether a key of this kind can bound this condition."""
    role = condition.role
    if key.kind == "hashed":
        return role in (Role.EQUALITY, Role.SET)
    if key.kind in ("2dsphere", "2d"):
        return role is Role.GEO
    return role is not Role.GEO and (_equals(condition) or _spans(condition) or role is Role.EXISTS)


def _equals(condition: Condition) -> bool:
    role = condition.role
    if role is Role.SET and isinstance(condition.value, (list, tuple)):
        return all(not isinstance(v, Pattern) or v.selective is not False for v in condition.value)
    return role in (Role.EQUALITY, Role.SET) or condition.operator == "$all"


def _doubtful(condition: Condition) -> bool:
    """Whether the condition is a pattern that may bound nothing."""
    value = condition.value
    return condition.role is Role.REGEX and not (isinstance(value, Pattern) and value.selective is True)


def _spans(condition: Condition) -> bool:
    """Whether the condition bounds an interval of its field; of a pattern that cannot be read, it may."""
    if condition.role is Role.REGEX:
        return not isinstance(condition.value, Pattern) or condition.value.selective is not False
    return condition.role in (Role.RANGE, Role.GEO)


def _inside(path: str, array: str) -> bool:
    return path == array or path.startswith(f"{array}.")


def _wildcard(key: IndexKey, tests: tuple[Condition, ...]) -> str | None:
    """The one tested field that a wildcard key serves: it does not know of absence."""
    root = key.path.removesuffix("$**")
    for c in tests:
        present = c.value is not None and not (c.operator == "$exists" and c.value is not True)
        if c.path.startswith(root) and c.path and _uses(IndexKey(c.path), c) and present:
            return c.path
    return None


def _hinted(hint: Any, indexes: Sequence[Index]) -> list[Index] | None:
    """The indexes that the hint leaves; ``None`` without a hint, or where nothing declares that index."""
    if hint is None:
        return None
    found = [index for index in indexes if hint in (index.name, index.keys)]
    if not found and isinstance(hint, str):
        found = [index for index in indexes if index.name is None and hint == default_name(index)]
    return found or None


def _natural(hint: Any) -> bool:
    return hint == "$natural" or (isinstance(hint, tuple) and any(key.path == "$natural" for key in hint))


def default_name(index: Index) -> str:
    """The name that the server gives an index without one: ``status_1_created_at_-1``."""
    return "_".join(f"{key.path}_{key.kind}" for key in index.keys)


def _pinned(branch: Branch, indexes: Sequence[Index]) -> bool:
    fixed = {c.path for c in branch.conditions if c.certain and _equals(c) and c.operator != "$all"}
    return any(
        index.unique is True and fixed.issuperset(index.paths) and _complete_for(index, branch) for index in indexes
    )


# What an index leaves out: partial and sparse indexes, collations.


def _complete_for(index: Index, branch: Branch) -> bool:
    """Whether every document of the branch is in the index; where values are unknown, it is taken to be."""
    if index.partial is not None and _implies(branch, index.partial) is False:
        return False
    if index.sparse is True:
        return any(_present(condition) for path in index.paths for condition in branch.at(path))
    return True


def _present(condition: Condition) -> bool:
    """Whether the condition cannot hold of a document without the field."""
    value = condition.value
    if not condition.certain:
        return True
    if condition.operator == "$exists":
        return value is not False and value != 0
    if condition.operator in ("$in", "$all") and isinstance(value, (list, tuple)):
        return None not in value
    return value is not None and condition.role not in (Role.NEGATION, Role.EXPRESSION)


def _implies(branch: Branch, partial: Filter) -> bool | None:
    """Whether the branch implies the index's condition: yes, no, or not known."""
    if isinstance(partial, (And, Or)):
        answers = [_implies(branch, part) for part in partial.parts]
        decisive = isinstance(partial, Or)
        if decisive in answers:
            return decisive
        return None if None in answers else not decisive
    if not isinstance(partial, Condition):
        return None
    answers = [_implies_one(condition, partial) for condition in branch.at(partial.path)]
    if True in answers:
        return True
    return None if None in answers else False


_ORDER: dict[str, Callable[[Any, Any], bool]] = {"$gt": gt, "$gte": ge, "$lt": lt, "$lte": le}


def _implies_one(condition: Condition, partial: Condition) -> bool | None:
    mine, theirs = condition.value, partial.value
    if condition.role in (Role.NEGATION, Role.EXPRESSION):
        return False
    if partial.operator == "$exists":
        return _present(condition) if theirs is not False else mine is None
    if partial.operator == "$type":
        return None
    if isinstance(theirs, Unknown) or isinstance(mine, Unknown):
        return None
    if condition.operator == partial.operator and mine == theirs:
        return True
    values = list(mine) if condition.operator == "$in" and isinstance(mine, (list, tuple)) else [mine]
    if any(isinstance(value, Unknown) for value in values):
        return None
    if condition.operator in ("$eq", "$in"):
        if partial.operator == "$eq":
            return all(value == theirs for value in values)
        if partial.operator == "$in" and isinstance(theirs, (list, tuple)):
            return all(value in theirs for value in values)
        if partial.operator in _ORDER:
            return _compared(_ORDER[partial.operator], values, theirs)
    if condition.operator in _ORDER and partial.operator in _ORDER:
        if condition.operator[1] != partial.operator[1]:
            return False
        # x > 5 implies x >= 5; x >= 5 implies x > 4.
        loose = condition.operator in ("$gt", "$lt") or partial.operator in ("$gte", "$lte")
        compare = _ORDER[partial.operator[:3] + ("e" if loose else "")]
        return _compared(compare, values, theirs)
    return False


def _compared(compare: Callable[[Any, Any], bool], values: list[Any], bound: Any) -> bool | None:
    try:
        return all(compare(value, bound) for value in values)
    except TypeError:
        return False


def _same_collation(index: Index, query: Query) -> bool:
    if isinstance(index.collation, Unknown) or isinstance(query.collation, Unknown):
        return True
    return index.collation == query.collation


def _without_strings(value: Any) -> bool:
    """Whether comparing with the value is the same under any collation."""
    if isinstance(value, (list, tuple)):
        return all(_without_strings(item) for item in value)
    return value is None or isinstance(value, (bool, int, float, date))
