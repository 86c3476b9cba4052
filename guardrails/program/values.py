"""What an expression may be: small immutable values. Ignorance and ambiguity are values too.

An answer is a ``Values`` tuple: the alternatives, in source order, without duplicates. An ``UnknownValue`` among
them says that there may be more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

from guardrails.facts.records import Mapping
from guardrails.program.model import Class, Code, Function, Module


@dataclass(frozen=True, slots=True)
class ModuleValue:
    """A module of the project."""

    module: Module


@dataclass(frozen=True, slots=True)
class ClassValue:
    """A class of the project, itself."""

    cls: Class


@dataclass(frozen=True, slots=True)
class InstanceValue:
    """An instance of a class of the project."""

    cls: Class


@dataclass(frozen=True, slots=True)
class FunctionValue:
    """A function of the project; a method with what it is bound to."""

    function: Function
    receiver: Value | None = None


@dataclass(frozen=True, slots=True)
class ExternalValue:
    """A third-party module, class, function or method, by canonical dotted name; a method with its receiver."""

    name: str
    receiver: Value | None = None


@dataclass(frozen=True, slots=True)
class ExternalInstance:
    """An instance of a third-party class, by canonical dotted name.

    ``label``: what it is called, where it has a name (a database's or a collection's): a ``LiteralValue``, a
    ``ParameterValue``, or None where the name cannot be read. ``owner``: the class it was made for (an ODM query).
    ``origin``: the code and call index that constructed it, where known.
    """

    cls: str
    label: LiteralValue | ParameterValue | None = None
    owner: Class | None = None
    origin: tuple[Code, int] | None = None


@dataclass(frozen=True, slots=True)
class LiteralValue:
    """A literal string, number, boolean or None."""

    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class SequenceValue:
    """A list, tuple, set or other iterable: what its items may be."""

    items: Values
    is_async: bool = False


@dataclass(frozen=True, slots=True)
class MappingValue:
    """A dict display, where it stands."""

    code: Code
    expr: Mapping


@dataclass(frozen=True, slots=True)
class DictValue:
    """A dict by its annotation: what its values may be."""

    items: Values


@dataclass(frozen=True, slots=True)
class DocumentValue:
    """A raw MongoDB document."""


@dataclass(frozen=True, slots=True)
class CoroutineValue:
    """What awaiting gives."""

    values: Values


@dataclass(frozen=True, slots=True)
class ManagerValue:
    """A context manager made from a generator function: what entering it gives."""

    values: Values


@dataclass(frozen=True, slots=True)
class ParameterValue:
    """Whatever the callers pass for this parameter."""

    function: Function
    name: str


@dataclass(frozen=True, slots=True)
class SuperValue:
    """``super()`` in a method of ``cls``, for a receiver of class ``receiver``."""

    cls: Class
    receiver: Class


@dataclass(frozen=True, slots=True)
class UnknownValue:
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
    seen: dict[Value, None] = {}
    for values in alternatives:
        for value in values:
            seen.setdefault(value)
    return tuple(seen)


def known(values: Values) -> Values:
    """The alternatives that say something: neither unknown nor None."""
    return tuple(v for v in values if not isinstance(v, UnknownValue) and v != NOTHING)
