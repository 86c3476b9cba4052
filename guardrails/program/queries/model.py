"""The records of the query model: what a query asks of the database, and what an index offers.

Ignorance is a value: an :class:`Unknown` stands wherever a part could not be read, with the reason. Values of
conditions are plain Python values where the source shows them (``True``, ``5``, ``"paid"``, a list),
``Pattern`` for regular expressions, and ``Unknown`` for what exists at run time only, the usual case.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct, field

from guardrails.finding import Place
from guardrails.knowledge.operators import Role, operator_role


class Unknown(Struct, frozen=True):
    """What could not be read, and why."""

    reason: str = "known at run time only"


class Pattern(Struct, frozen=True):
    """A regular expression. ``start``: its source as far as it is known from the beginning, or ``Unknown``.

    ``whole`` says whether ``start`` is all of it (an f-string is known up to its first hole).
    """

    start: str | Unknown
    ignore_case: bool | Unknown = False
    whole: bool = True

    @property
    def selective(self) -> bool | None:
        """Whether an index can bound the pattern: case-sensitive, and anchored at the beginning.

        ``None`` where that cannot be said: the pattern is unknown, or alternates.
        Source: manual, ``$regex``, "Index Use".
        """
        if isinstance(self.start, Unknown):
            return None
        source = self.start
        if source.startswith("(?"):
            flags, closed, rest = source[2:].partition(")")
            if closed and flags.isalpha():
                if "i" in flags:
                    return False
                source = rest
        if self.ignore_case is True or (self.whole and not source):
            return False
        if not source:
            return None
        if not source.startswith(("^", r"\A")):
            # "(^a|^b)" may be anchored in every alternative: not judged.
            return None if "^" in source or r"\A" in source else False
        if isinstance(self.ignore_case, Unknown) or "|" in source:
            return None
        return True


class Condition(Struct, frozen=True):
    """One test of one field: ``{"age": {"$gt": 5}}``.

    ``path`` is dotted, ``""`` for operators without a field (``$text``, ``$expr``, ``$where``, ``$nor``).
    ``certain`` is false for a condition that is added only under some circumstances.
    ``few`` marks a field that takes few values (a boolean, a small enumeration): its index selects little.
    """

    path: str
    operator: str
    value: Any = field(default_factory=Unknown)
    certain: bool = True
    few: bool = False

    @property
    def role(self) -> Role:
        """The operator's role; an operator that the manual does not list computes, and constrains nothing."""
        return operator_role(self.operator) or Role.EXPRESSION


class And(Struct, frozen=True):
    """All parts hold. No part at all is the empty filter, which matches everything."""

    parts: tuple[Filter, ...] = ()


class Or(Struct, frozen=True):
    """At least one part holds."""

    parts: tuple[Filter, ...]


class Element(Struct, frozen=True):
    """``$elemMatch``: one element of the array at ``path`` satisfies ``part``, whose paths start there."""

    path: str
    part: Filter


class Maybe(Struct, frozen=True):
    """A part that is added only under some circumstances."""

    part: Filter


Filter = Condition | And | Or | Element | Maybe | Unknown


class SortKey(Struct, frozen=True):
    """One field of a sort: 1 ascending, -1 descending, or ``Unknown``."""

    path: str
    direction: int | Unknown = 1


class IndexKey(Struct, frozen=True):
    """One field of an index. ``kind``: 1, -1, ``text``, ``2dsphere``, ``2d`` or ``hashed``.

    A wildcard's path ends in ``$**``.
    """

    path: str
    kind: int | str = 1

    @property
    def wildcard(self) -> bool:
        """Whether the key covers every field below its path."""
        return self.path == "$**" or self.path.endswith(".$**")

    @property
    def ordered(self) -> bool:
        """Whether the key keeps values in order, so that ranges and sorts can use it."""
        return self.kind in (1, -1)


class Query(Struct, frozen=True):
    """One operation's demand on one collection.

    ``operation``: the driver's method (``find``, ``update_one``, …), ``aggregate`` for the leading stages of
    a pipeline, ``$lookup`` for what it asks of another collection. ``hint``: an index name or its keys.
    ``collation``: the options as sorted pairs. ``place`` and ``symbol`` say where the source asks it.
    """

    collection: str | Unknown
    filter: Filter = And()
    sort: tuple[SortKey, ...] | Unknown = ()
    operation: str = "find"
    hint: str | tuple[IndexKey, ...] | Unknown | None = None
    collation: tuple[tuple[str, Any], ...] | Unknown | None = None
    limit: int | Unknown | None = None
    projection: tuple[str, ...] | Unknown | None = None
    place: Place | None = None
    symbol: str = ""

    @property
    def sort_known(self) -> bool:
        """Whether the sort could be read."""
        return not isinstance(self.sort, Unknown)


class Index(Struct, frozen=True):
    """An index as declared or as listed by a server.

    ``partial``: the filter of ``partialFilterExpression``. ``expire_after``: seconds of a TTL index.
    ``default`` marks the index on ``_id`` that every collection has.
    """

    collection: str | Unknown
    keys: tuple[IndexKey, ...]
    name: str | Unknown | None = None
    unique: bool | Unknown = False
    sparse: bool | Unknown = False
    partial: Filter | None = None
    expire_after: int | float | Unknown | None = None
    collation: tuple[tuple[str, Any], ...] | Unknown | None = None
    place: Place | None = None
    symbol: str = ""
    default: bool = False

    @property
    def ttl(self) -> bool:
        """Whether the server removes documents by this index."""
        return self.expire_after is not None

    @property
    def paths(self) -> tuple[str, ...]:
        """The fields, in order."""
        return tuple(key.path for key in self.keys)

    def __str__(self) -> str:
        return show_keys(self.keys)


ID_INDEX = Index(Unknown("every collection"), (IndexKey("_id"),), "_id_", unique=True, default=True)
"""The index on ``_id``."""


def show_keys(keys: tuple[IndexKey, ...] | tuple[SortKey, ...]) -> str:
    """``(status: 1, created_at: -1)``."""
    shown = []
    for key in keys:
        kind = key.kind if isinstance(key, IndexKey) else key.direction
        shown.append(f"{key.path}: {'?' if isinstance(kind, Unknown) else kind}")
    return f"({', '.join(shown)})"


def unknowns(part: Filter) -> Iterator[Unknown]:
    """The unreadable parts of a filter, outermost first. A value known at run time only is none."""
    if isinstance(part, Unknown):
        yield part
    elif isinstance(part, (And, Or)):
        for inner in part.parts:
            yield from unknowns(inner)
    elif isinstance(part, (Element, Maybe)):
        yield from unknowns(part.part)


def conditions(part: Filter) -> Iterator[Condition]:
    """All conditions of a filter in order, paths within ``$elemMatch`` made whole."""
    if isinstance(part, Condition):
        yield part
    elif isinstance(part, (And, Or)):
        for inner in part.parts:
            yield from conditions(inner)
    elif isinstance(part, Maybe):
        yield from conditions(part.part)
    elif isinstance(part, Element):
        for condition in conditions(part.part):
            yield within(part.path, condition)


def within(path: str, condition: Condition) -> Condition:
    """The condition with its path taken as relative to ``path``."""
    joined = f"{path}.{condition.path}" if path and condition.path else path or condition.path
    return Condition(joined, condition.operator, condition.value, condition.certain, condition.few)
