"""What an expression may be: small immutable values. Ignorance and ambiguity are values too.

An answer is a ``Values`` tuple: the alternatives, in source order, without duplicates. An ``UnknownValue`` among
them says that there may be more.
"""

from __future__ import annotations

from typing import Union

from msgspec import Struct

from guardrails.facts.records import Mapping
from guardrails.program.model import Class, Code, Function, Module


class ModuleValue(Struct, frozen=True):
    """A module of the project."""

    module: Module


class ClassValue(Struct, frozen=True):
    """A class of the project, itself."""

    cls: Class


class InstanceValue(Struct, frozen=True):
    """An instance of a class of the project."""

    cls: Class


class FunctionValue(Struct, frozen=True):
    """A function of the project; a method with what it is bound to."""

    function: Function
    receiver: Value | None = None


class ExternalValue(Struct, frozen=True):
    """A third-party module, class, function or method, by canonical dotted name; a method with its receiver."""

    name: str
    receiver: Value | None = None


class ExternalInstance(Struct, frozen=True):
    """An instance of a third-party class, by canonical dotted name.

    ``label``: what it is called, where it has a name (a database's or a collection's): a ``LiteralValue``, a
    ``ParameterValue``, or None where the name cannot be read. ``owner``: the class it was made for (an ODM query).
    ``origin``: the code and call index that constructed it, where known.
    """

    cls: str
    label: LiteralValue | ParameterValue | None = None
    owner: Class | None = None
    origin: tuple[Code, int] | None = None


class LiteralValue(Struct, frozen=True):
    """A literal string, number, boolean or None."""

    value: str | int | float | bool | None


class SequenceValue(Struct, frozen=True):
    """A list, tuple, set or other iterable: what its items may be."""

    items: Values
    is_async: bool = False


class MappingValue(Struct, frozen=True):
    """A dict display, where it stands."""

    code: Code
    expr: Mapping


class DictValue(Struct, frozen=True):
    """A dict by its annotation: what its values may be."""

    items: Values


class DocumentValue(Struct, frozen=True):
    """A raw MongoDB document."""


class CoroutineValue(Struct, frozen=True):
    """What awaiting gives."""

    values: Values


class ManagerValue(Struct, frozen=True):
    """A context manager made from a generator function: what entering it gives."""

    values: Values


class ParameterValue(Struct, frozen=True):
    """Whatever the callers pass for this parameter."""

    function: Function
    name: str


class SuperValue(Struct, frozen=True):
    """``super()`` in a method of ``cls``, for a receiver of class ``receiver``."""

    cls: Class
    receiver: Class


class UnknownValue(Struct, frozen=True):
    """What cannot be said, and why."""

    reason: str


Value = Union[  # noqa: UP007  (a table reads better than a chain of bars)
    ModuleValue, ClassValue, InstanceValue, FunctionValue, ExternalValue, ExternalInstance, LiteralValue, SequenceValue,
    MappingValue, DictValue, DocumentValue, CoroutineValue, ManagerValue, ParameterValue, SuperValue, UnknownValue,
]  # fmt: skip
Values = tuple[Value, ...]

NOTHING = LiteralValue(None)


def unknown(reason: str) -> Values:
    """The answer of ignorance."""
    return (UnknownValue(reason),)


def union(*alternatives: Values) -> Values:
    """All alternatives, once each, in order."""
    if len(alternatives) == 1:
        return alternatives[0]
    seen: dict[Value, None] = {}
    for values in alternatives:
        for value in values:
            seen.setdefault(value)
    return tuple(seen)


def known(values: Values) -> Values:
    """The alternatives that say something: neither unknown nor None."""
    return tuple([v for v in values if not isinstance(v, UnknownValue) and v != NOTHING])
