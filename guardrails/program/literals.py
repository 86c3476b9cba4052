"""The literals of one body, as far as they may be secrets or addresses: said by its facts alone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from msgspec import Struct

from guardrails.facts.records import (
    Attr,
    Bind,
    Bytes,
    Call,
    CallRef,
    Const,
    Define,
    Expr,
    FString,
    Item,
    Items,
    Mapping,
    Op,
    Ref,
    children,
)  # fmt: skip
from guardrails.knowledge import secrets as tables
from guardrails.knowledge.urls import ConnectionUrl, connection_url
from guardrails.program.expressions import held, text_of
from guardrails.program.model import Code, tail

_DOCUMENTING = tables.EXAMPLE_KEYWORDS | tables.NAMING_KEYWORDS


class Named(Struct, frozen=True):
    """What a name that says secret is given. ``given``: an expression, or a call that may read the name from the
    environment and so may give something else where there is none. ``assigned``: by an assignment.
    """

    name: str
    kind: str
    given: Expr | Call
    assigned: bool = False


class Literals:
    """The literals of a body, in its definitions too: most bodies have none that matters, and one walk tells."""

    def __init__(self, code: Code) -> None:
        self._code = code
        self._texts: list[Const | Bytes] = []
        self._composed: list[FString | Op] = []
        self._displays: list[Mapping] = []
        kinds: dict[type, list[Any]] = {
            Const: self._texts, Bytes: self._texts, FString: self._composed, Op: self._composed,
            Mapping: self._displays,
        }  # fmt: skip
        body = code.body
        pending = [block.expr for block in body.blocks if block.expr is not None]
        for event in body.events:
            pending += held(event, code)
        for call in body.calls:
            pending += (call.func, *call.args, *[given.value for given in call.keywords])
        for expr in pending:  # which grows: the parts of an expression come after it
            kind = type(expr)
            if kind is Ref or kind is CallRef:
                continue
            kept = kinds.get(kind)
            if kept is not None:
                kept.append(expr)
            if kind is not Const:
                pending += children(expr, body)

    @cached_property
    def tokens(self) -> list[tuple[Const | Bytes, tables.TokenFormat]]:
        """The texts whose form says secret."""
        return [
            (expr, token)
            for expr in self._texts
            if isinstance(expr.value, str)
            and (token := tables.token_format(expr.value)) is not None
            and id(expr) not in self.documented
        ]

    @cached_property
    def named(self) -> list[Named]:
        """What names that say secret are given."""
        return [
            Named(name, found.kind, given, assigned)
            for name, given, assigned in self._given()
            if (found := tables.secret_name(name)) is not None and found.kind != "password_hash"
        ]

    def _given(self) -> Iterator[tuple[str, Expr | Call, bool]]:
        """Every name that the body gives something to, with what it gives, and whether it assigns that."""
        code = self._code
        for event in code.body.events:
            if isinstance(event, Bind):
                if event.value is not None and event.op in {"=", ":=", "+="}:
                    for name, value in pairs(event.target, event.value):
                        yield name, value, True
            elif isinstance(event, Define) and event.kind == "function":
                for parameter in code.module.functions[event.index].facts.parameters:
                    if parameter.default is not None:
                        yield parameter.name, parameter.default, False
        for call in code.body.calls:
            for given in call.keywords:
                if given.name is not None and given.name not in _DOCUMENTING:
                    yield given.name, given.value, False
            variable = text_of(call.args[0]) if call.args else None
            if variable is not None:
                yield variable, call, False
        for display in self._displays:
            for key, value in zip(display.keys, display.values):
                text = text_of(key)
                if text is not None:
                    yield text, value, False

    @cached_property
    def addresses(self) -> list[tuple[Expr, ConnectionUrl]]:
        """The connection URLs, the parts of one that is put together apart."""
        if not any(isinstance(expr.value, str) and ":" in expr.value for expr in self._texts):
            return []
        composed = [expr for expr in self._composed if isinstance(expr, FString) or expr.op == "+"]
        found = [
            (expr, url)
            for expr in (*composed, *self._texts)
            if not isinstance(expr, Bytes)
            and "://" in (text := joined(expr))
            and (url := connection_url(text)) is not None
        ]
        if not found:
            return []
        # The parts of a text that is put together are no addresses alone.
        parts = {id(part) for whole in composed for part in self._code.walk(whole) if part is not whole}
        return [(expr, url) for expr, url in found if id(expr) not in parts and id(expr) not in self.documented]

    @cached_property
    def documented(self) -> frozenset[int]:
        """The expressions, by ``id``, inside examples and descriptions."""
        wholes: list[Expr] = []
        for call in self._code.body.calls:
            wholes += [given.value for given in call.keywords if given.name in _DOCUMENTING]
        for event in self._code.body.events:
            if isinstance(event, Bind) and event.value is not None:
                given = pairs(event.target, event.value)
                wholes += [value for name, value in given if name in tables.EXAMPLE_KEYWORDS]
        for display in self._displays:
            items = zip(display.keys, display.values)
            wholes += [value for key, value in items if text_of(key) in tables.EXAMPLE_KEYWORDS]
        return frozenset(id(part) for whole in wholes for part in self._code.walk(whole))


def pairs(target: Expr, value: Expr) -> Iterator[tuple[str, Expr]]:
    """What each name in a binding's target is given: ``a, b = "x", "y"`` gives one to each."""
    if isinstance(target, Items):
        if isinstance(value, Items) and len(target.items) == len(value.items):
            for each, part in zip(target.items, value.items):
                yield from pairs(each, part)
    elif isinstance(target, Item):
        name = text_of(target.index)
        if name is not None:
            yield name, value
    elif isinstance(target, (Ref, Attr)):
        yield tail(target), value


def joined(expr: Expr) -> str:
    """The text of a literal, of an f-string or of a sum, with ``{}`` for what is not literal."""
    if isinstance(expr, FString):
        return "".join(joined(part) for part in expr.parts)
    if isinstance(expr, Op) and expr.op == "+":
        return "".join(joined(operand) for operand in expr.operands)
    text = text_of(expr)
    return "{}" if text is None else text
