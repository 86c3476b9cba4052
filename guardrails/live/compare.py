"""How a database's indexes differ from the declared ones: by keys, order, direction and options.

Names are information: two indexes are the same if the server would treat them as one. Each declared index is
matched with the live one that differs least; what stays unmatched is missing or extra.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from guardrails.program.queries.documents import read_index
from guardrails.program.queries.model import And, Filter, Index, IndexKey, Unknown, show_keys


class Drift(Struct, frozen=True):
    """One difference. ``kind``: ``missing``, ``extra``, ``order``, ``direction`` or ``options``.

    ``declared`` is None for an extra index, ``live`` for a missing one. ``detail``: what differs, in words.
    """

    kind: str
    collection: str
    declared: Index | None
    live: Index | None
    detail: str = ""


def live_index(collection: str, listed: Mapping[str, Any]) -> Index | None:
    """An index as the server lists it; ``None`` for the one on ``_id`` and for keys that cannot be read."""
    if dict(listed["key"]) == {"_id": 1}:
        return None
    keys = [(path, kind) for path, kind in listed["key"].items() if path not in ("_fts", "_ftsx")]
    if "weights" in listed:
        # A text index lists {_fts: "text", _ftsx: 1} in place of its fields.
        before = list(listed["key"]).index("_fts")
        keys[before:before] = [(path, "text") for path in sorted(listed["weights"])]
    read = read_index(collection, keys, listed)
    return None if isinstance(read, Unknown) else read


def compare(
    collection: str, declared: Sequence[Index], live: Sequence[Index], *, complete: bool = True
) -> tuple[Drift, ...]:
    """The differences between the declared and the live indexes of one collection.

    ``complete``: whether all declarations could be read; if not, nothing is called extra.
    """
    # One index may be declared in several places; the registry and a migration, say.
    pending = _distinct(declared)
    left = list(live)
    found: list[Drift] = []
    for kind, alike in _LIKENESSES:
        for index in list(pending):
            other = next((candidate for candidate in left if alike(index, candidate)), None)
            if other is None:
                continue
            pending.remove(index)
            left.remove(other)
            if kind:
                found.append(Drift(kind, collection, index, other, _detail(kind, index, other)))
    found += [Drift("missing", collection, index, None) for index in pending]
    if complete:
        found += [Drift("extra", collection, None, index) for index in left]
    return tuple(found)


def _distinct(declared: Iterable[Index]) -> list[Index]:
    found: list[Index] = []
    for index in declared:
        if not index.default and not any(_same(index, other) for other in found):
            found.append(index)
    return found


def _detail(kind: str, declared: Index, live: Index) -> str:
    if kind == "options":
        return "; ".join(_option_differences(declared, live))
    return f"declared {show_keys(declared.keys)}, live {show_keys(live.keys)}"


def _same(declared: Index, live: Index) -> bool:
    return _same_keys(declared, live) and not any(_option_differences(declared, live))


def _same_keys(declared: Index, live: Index) -> bool:
    return _normal(declared.keys) == _normal(live.keys)


def _same_order(declared: Index, live: Index) -> bool:
    return declared.paths == live.paths


def _same_fields(declared: Index, live: Index) -> bool:
    return sorted(declared.paths) == sorted(live.paths)


def _normal(keys: tuple[IndexKey, ...]) -> tuple[IndexKey, ...]:
    """The keys with the fields of a text index in order of name: the server keeps no other."""
    texts = sorted((key for key in keys if key.kind == "text"), key=lambda key: key.path)
    return tuple(texts.pop(0) if key.kind == "text" else key for key in keys)


def _option_differences(declared: Index, live: Index) -> Iterator[str]:
    for option in ("unique", "sparse", "expire_after"):
        here, there = getattr(declared, option), getattr(live, option)
        if not isinstance(here, Unknown) and here != there:
            yield f"{_SERVER_NAME.get(option, option)}: declared {_said(here)}, live {_said(there)}"
    if not _same_collation(declared.collation, live.collation):
        yield f"collation: declared {_said(declared.collation)}, live {_said(live.collation)}"
    if not _same_condition(declared.partial, live.partial):
        yield "partialFilterExpression differs"


_LIKENESSES: tuple[tuple[str, Callable[[Index, Index], bool]], ...] = (
    ("", _same),
    ("options", _same_keys),
    ("direction", _same_order),
    ("order", _same_fields),
)
"""From the closest: what a declared and a live index have in common, and what is then called different."""

_SERVER_NAME = {"expire_after": "expireAfterSeconds"}


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(f"{name} {part}" for name, part in value)
    return "none" if value is None else str(value)


def _same_collation(declared: Any, live: Any) -> bool:
    """The server fills in every option of a collation; the declared ones must agree."""
    if isinstance(declared, Unknown) or declared is None or live is None:
        return isinstance(declared, Unknown) or declared == live
    return set(declared) <= set(live)


def _same_condition(declared: Filter | None, live: Filter | None) -> bool:
    if declared is None or live is None:
        return declared is live
    if "Unknown" in repr(declared):
        return True
    return sorted(map(repr, _parts(declared))) == sorted(map(repr, _parts(live)))


def _parts(condition: Filter) -> Iterator[Filter]:
    if isinstance(condition, And):
        for part in condition.parts:
            yield from _parts(part)
    else:
        yield condition
