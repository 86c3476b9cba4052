"""Values as far as source code shows them, and what Python's operators make of such values.

A value is plain Python where the source shows it, ``Unknown`` where it exists at run time only. It may also be a
``Choice`` of several, a ``Parameter`` that the callers decide, or what an ODM or the driver makes: a field's name, a
filter expression, an index. Values are never changed in place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from guardrails.finding import Place
from guardrails.program.model import Function
from guardrails.program.queries import odm
from guardrails.program.queries.documents import Beginning, Few, Optional
from guardrails.program.queries.model import Unknown

WIDTH = 12
"""How many alternatives a value may have."""

RUN_TIME = Unknown()
"""What exists at run time only."""


class Parameter(Unknown, frozen=True):
    """What the callers of ``function`` pass for ``name``."""

    function: Function | None = None
    name: str = ""


class Choice(Struct, frozen=True):
    """One of several values."""

    options: tuple[Any, ...]


class Test(dict[Any, Any]):
    """A filter document made by an ODM's expression: ``|`` and ``&`` join such documents as conditions."""


class FieldName(str):
    """The path of an ODM document's field, read from the class: ``User.address.city``."""

    __slots__ = ()


class Record(Struct, frozen=True):
    """An instance of a project's class whose fields are given where it is made."""

    fields: Mapping[str, Any]


class Spec(Struct, frozen=True):
    """``IndexModel(keys, **options)``, and its like in other libraries."""

    keys: Any
    options: Mapping[Any, Any]
    place: Place | None = None


def choice(options: Sequence[Any]) -> Any:
    """One of the options: the only one, or a ``Choice`` of the different ones."""
    distinct: list[Any] = []
    for option in options:
        for each in option.options if isinstance(option, Choice) else (option,):
            if not any(type(each) is type(other) and each == other for other in distinct):
                distinct.append(each)
    if len(distinct) == 1:
        return distinct[0]
    if len(distinct) > WIDTH:
        return Unknown("too many alternatives")
    return Choice(tuple(distinct)) if distinct else RUN_TIME


def until_true(operands: Sequence[Any]) -> list[Any]:
    """What ``a or b`` may give: nothing after an operand that is surely true, and no empty one before the last."""
    found: list[Any] = []
    for operand in operands:
        if operand or operand is operands[-1]:
            found.append(operand)
        if isinstance(operand, dict) and any(not isinstance(value, Optional) for value in operand.values()):
            break
    return found


def sometimes(before: Any, after: Any) -> Any:
    """A value that is ``after`` under some circumstances, else ``before``: new entries become ``Optional``."""
    if isinstance(before, dict) and isinstance(after, dict):
        return {
            key: value if key in before else value if isinstance(value, Optional) else Optional(value)
            for key, value in after.items()
        }
    if isinstance(before, list) and isinstance(after, list) and after[: len(before)] == before:
        return [*before, *(Optional(item) for item in after[len(before) :])]
    return choice([before, after])


def with_entry(document: dict[Any, Any], key: Any, value: Any) -> dict[Any, Any]:
    """The document with an entry. A key that is no string stands for itself, and makes the document unreadable."""
    if isinstance(key, Few):
        key = key.value
    if not isinstance(key, (str, Unknown)):
        key = Unknown("a key is not a constant string")
    return {**document, key: value}


def merged(left: Any, right: Any) -> Any:
    """``{**left, **right}``; an operand that is not known becomes a key of its own."""
    if isinstance(left, Choice) and not isinstance(right, Choice):
        return choice([merged(option, right) for option in left.options])
    if left is None:
        left = {}
    if not isinstance(left, dict):
        left = {left if isinstance(left, Unknown) else Unknown("merged with something unknown"): None}
    if isinstance(right, Optional):
        return sometimes(left, merged(left, right.value))
    if isinstance(right, Choice):
        found = left
        for option in right.options:
            found = sometimes(found, merged(found, option)) if option else found
        return found
    if right is None:
        return left
    if isinstance(right, dict):
        return {**left, **right}
    return {**left, right if isinstance(right, Unknown) else Unknown("merged with something unknown"): None}


def unpacked(value: Any) -> list[Any]:
    """The arguments that ``*value`` stands for; one argument that joins them, where there are alternatives."""
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, Choice) and all(isinstance(option, (list, tuple)) for option in value.options):
        return [choice([Test({"$and": list(option)}) if option else {} for option in value.options])]
    return [value if isinstance(value, Unknown) else Unknown("arguments are unpacked")]


def added(left: Any, right: Any) -> Any:
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return [*left, *right]
    if isinstance(left, list):
        return [*left, *optional_items(right)]
    if isinstance(left, str):
        if isinstance(right, str):
            return left + right
        return Beginning(left + (right.text if isinstance(right, Beginning) else "")) if left else RUN_TIME
    return left if isinstance(left, Beginning) else RUN_TIME


def optional_items(value: Any) -> list[Any]:
    """What an unpacked value adds to a list: the items of each alternative, sometimes."""
    if isinstance(value, Choice) and all(isinstance(option, (list, tuple)) for option in value.options):
        return [Optional(item) for option in value.options for item in option]
    return [value if isinstance(value, Unknown) else Unknown("unpacked from something unknown")]


def placed(current: Any, keys: Sequence[Any], change: Callable[[Any], Any]) -> Any:
    """``current`` with what lies under ``keys`` changed."""
    if isinstance(current, Optional):
        return Optional(placed(current.value, keys, change))
    if isinstance(current, Choice):
        return choice([placed(option, keys, change) for option in current.options])
    if not keys:
        return change(current)
    if current is None:
        current = {}
    if not isinstance(current, dict):
        key = current if isinstance(current, Unknown) else Unknown("an item of something unknown is set")
        current = {key: None}
    return with_entry(current, keys[0], placed(current.get(keys[0]), keys[1:], change))


def looked_up(base: Any, key: Any, default: Any = RUN_TIME) -> Any:
    """``base[key]``."""
    if isinstance(base, Choice):
        return choice([looked_up(option, key, default) for option in base.options])
    if isinstance(base, dict) and isinstance(key, str):
        if key in base:
            return base[key]
        return RUN_TIME if any(isinstance(k, Unknown) for k in base) else default
    if isinstance(base, (list, tuple)) and isinstance(key, int) and -len(base) <= key < len(base):
        return base[key]
    return RUN_TIME


def attributes_of(value: Any, path: str) -> Any:
    for name in filter(None, path.split(".")):
        if isinstance(value, Record):
            value = value.fields.get(name, RUN_TIME)
        elif isinstance(value, FieldName):
            value = FieldName(f"{value}.{name}")
        elif not (name == "value" and isinstance(value, Few)):
            return RUN_TIME
    return value


def compared(operator: str, left: Any, right: Any) -> Any:
    if isinstance(left, FieldName):
        name = odm.COMPARISONS[operator]
        return Test({str(left): right if name == "$eq" else {name: right}})
    if isinstance(right, FieldName):
        name = odm.COMPARISONS[odm.MIRRORED.get(operator, operator)]
        return Test({str(right): left if name == "$eq" else {name: left}})
    return Few(RUN_TIME)


def iterated(value: Any) -> list[Any]:
    """The items of a literal, or one that is not known."""
    if isinstance(value, dict):
        return list(value)
    if isinstance(value, (list, tuple)) and value:
        return list(value)
    return [RUN_TIME]
