"""Literals that are secrets or addresses (GR602, GR603): where they stand, and what names them.

What a literal means is decided by ``guardrails.knowledge.secrets`` and ``urls``; here is where to look: what a name is
given, directly, as a fallback, in a list, or through a wrapper such as ``SecretStr``.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from guardrails.facts.records import (
    Attr,
    Bind,
    Bytes,
    Call,
    CallRef,
    Cond,
    Const,
    Expr,
    FString,
    Item,
    Items,
    Mapping,
    Op,
    Ref,
    Span,
    Walrus,
    span_of,
)  # fmt: skip
from guardrails.knowledge import secrets as tables
from guardrails.knowledge.frameworks import ENVIRONMENT_READER_CLASSES, SECRET_TYPES
from guardrails.knowledge.urls import ConnectionUrl, connection_url
from guardrails.patterns import pattern
from guardrails.program.expressions import evaluated, keyword, text_of
from guardrails.program.model import Class, Code, Module, tail
from guardrails.program.values import ExternalInstance, ExternalValue

if TYPE_CHECKING:
    from guardrails.program.program import Program

_TEST_FOLDERS = frozenset({"test", "tests", "testing", "e2e"})
_TEST_FILE = pattern(r"test_.*\.py|.*_tests?\.py|tests?\.py|conftest\.py")
_DOCUMENTING = tables.EXAMPLE_KEYWORDS | tables.NAMING_KEYWORDS
# What gives a text back as it is, or wraps it.
_WRAPPERS = SECRET_TYPES | {"str", "bytes", "bytearray", "pydantic.Field", "dataclasses.field", "pydantic.v1.Field"}
_SAME_TEXT = frozenset({"encode", "decode", "strip", "lower", "upper"})


class Secret(Struct, frozen=True):
    """A literal secret. ``name``: what it is given to, empty where its form or use tells; ``kind``: for people;
    ``shown``: as a finding may print it.
    """

    code: Code
    span: Span
    name: str
    kind: str
    shown: str


class Address(Struct, frozen=True):
    """A literal connection URL."""

    code: Code
    span: Span
    url: ConnectionUrl


class Secrets:
    """Answers about literals, in all files that were read."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.types = program.types
        self._inside: dict[Code, set[int]] = {}

    def is_test(self, module: Module) -> bool:
        """Whether a module is no application code and holds tests, by its path."""
        *folders, file = self.program.modules.relative(module).lower().split("/")
        return not module.application and (
            not _TEST_FOLDERS.isdisjoint(folders) or _TEST_FILE.fullmatch(file) is not None
        )

    @cached_property
    def hardcoded(self) -> tuple[Secret, ...]:
        """Every literal secret, by module and place, once each."""
        found: list[Secret] = []
        for module in self.program.modules.ordered:
            test = self.is_test(module)
            for code in module.codes():
                here = {s.span: s for s in self._by_form(code)}
                if not test:
                    for secret in (*self._by_name(code), *self._by_use(code)):
                        here.setdefault(secret.span, secret)
                found.extend(here[span] for span in sorted(here))
        return tuple(found)

    @cached_property
    def addresses(self) -> tuple[Address, ...]:
        """Every literal connection URL outside tests and documentation, by module and place."""
        found: list[Address] = []
        for module in self.program.modules.ordered:
            if self.is_test(module):
                continue
            for code in module.codes():
                here = {address.span: address for address in self._addresses(code)}
                found.extend(here[span] for span in sorted(here))
        return tuple(found)

    def _addresses(self, code: Code) -> Iterator[Address]:
        passed = set(self._documented(code))
        for _, expr in evaluated(code):
            whole = isinstance(expr, (Const, FString)) or (isinstance(expr, Op) and expr.op == "+")
            if id(expr) in passed or not whole:
                continue
            text = _joined(expr)
            if not isinstance(expr, Const):
                passed.update(id(part) for part in code.walk(expr))  # its parts alone are no addresses
            url = connection_url(text) if "://" in text else None
            if url is not None:
                yield Address(code, span_of(expr, code.body), url)

    # --- by form

    def _by_form(self, code: Code) -> Iterator[Secret]:
        documented = self._documented(code)
        for _, expr in evaluated(code):
            if isinstance(expr, (Const, Bytes)) and isinstance(expr.value, str) and id(expr) not in documented:
                token = tables.token_format(expr.value)
                if token is not None:
                    text = expr.value[token.start : token.start + token.length]
                    yield Secret(code, expr.span, "", token.label, tables.masked(text))

    # --- by name

    def _by_name(self, code: Code) -> Iterator[Secret]:
        documented = self._documented(code)
        for name, given in self._named(code):
            found = tables.secret_name(name)
            if found is None or found.kind == "password_hash":
                continue
            for literal, text in self._literals(given, code):
                if id(literal) not in documented and not tables.is_placeholder(text, name):
                    yield Secret(code, literal.span, name, found.kind.replace("_", " "), tables.masked(text))

    def _named(self, code: Code) -> Iterator[tuple[str, Expr]]:
        """Every name that this body gives something to, with what it gives."""
        if not (isinstance(code, Class) and self.types.is_a(code, "enum.Enum")):
            for event in code.body.events:
                if isinstance(event, Bind) and event.value is not None and event.op in {"=", ":=", "+="}:
                    yield from _pairs(event.target, event.value)
        yield from _defaults(code)
        for call in code.body.calls:
            for given in call.keywords:
                if given.name is not None and given.name not in _DOCUMENTING:
                    yield given.name, given.value
            variable = text_of(call.args[0]) if call.args else None
            if variable is not None and tables.secret_name(variable) is not None:
                fallback = self._fallback(call, code)
                if fallback is not None:
                    yield variable, fallback
        for _, expr in evaluated(code):
            if isinstance(expr, Mapping):
                for key, value in zip(expr.keys, expr.values):
                    name = text_of(key)
                    if name is not None:
                        yield name, value

    def _literals(self, expr: Expr | None, code: Code, depth: int = 5) -> Iterator[tuple[Const | Bytes | FString, str]]:
        """The literal texts that an expression may give."""
        if depth == 0 or expr is None:
            return
        inner: tuple[Expr | None, ...] = ()
        if isinstance(expr, (Const, Bytes)):
            if isinstance(expr.value, str):
                yield expr, expr.value
        elif isinstance(expr, FString):
            if all(text_of(part) is not None for part in expr.parts):
                yield expr, _joined(expr)
        elif isinstance(expr, Items) and expr.kind != "slice":
            inner = expr.items
        elif isinstance(expr, Op) and expr.op in {"or", "and"}:
            inner = expr.operands
        elif isinstance(expr, Cond):
            inner = (expr.body, expr.orelse)
        elif isinstance(expr, Walrus):
            inner = (expr.value,)
        elif isinstance(expr, CallRef):
            inner = (self._wrapped(code.body.calls[expr.index], code),)
        for part in inner:
            yield from self._literals(part, code, depth - 1)

    def _wrapped(self, call: Call, code: Code) -> Expr | None:
        """What ``SecretStr("…")``, ``"…".encode()`` or ``os.getenv("NAME", "…")`` gives."""
        if isinstance(call.func, Attr) and call.func.name in _SAME_TEXT:
            return call.func.value
        names = {v.name for v in self.types.infer(call.func, code, call.block) if isinstance(v, ExternalValue)}
        if not names.isdisjoint(_WRAPPERS):
            return call.args[0] if call.args else keyword(call.keywords, "default", "secret_value")
        return self._fallback(call, code)

    def _fallback(self, call: Call, code: Code) -> Expr | None:
        """What a call that reads a variable from the environment takes where there is none."""
        for value in self.types.infer(call.func, code, call.block):
            position = tables.ENVIRONMENT_READS.get(value.name) if isinstance(value, ExternalValue) else None
            reader = value.receiver if isinstance(value, ExternalValue) else value
            if position is None and isinstance(reader, ExternalInstance) and reader.cls in ENVIRONMENT_READER_CLASSES:
                position = 1
            if position is not None:
                given = keyword(call.keywords, "default")
                return call.args[position] if given is None and len(call.args) > position else given
        return None

    # --- by use

    def _by_use(self, code: Code) -> Iterator[Secret]:
        for call in code.body.calls:
            if not (call.args or call.keywords) or tail(call.func) not in _SIGNING_TAILS:
                continue
            for value in self.types.infer(call.func, code, call.block):
                row = tables.SIGNING_CALLS.get(value.name) if isinstance(value, ExternalValue) else None
                if row is None:
                    continue
                given = keyword(call.keywords, *row.keywords)
                if given is None and row.position is not None and len(call.args) > row.position:
                    given = call.args[row.position]
                for literal, text in self._literals(given, code):
                    if not tables.is_placeholder(text):
                        kind = row.kind.replace("_", " ")
                        yield Secret(code, literal.span, tail(call.func), kind, tables.masked(text))

    # --- documentation

    def _documented(self, code: Code) -> set[int]:
        """The expressions, by ``id``, inside examples and descriptions."""
        if code not in self._inside:
            self._inside[code] = self._find_documented(code)
        return self._inside[code]

    @staticmethod
    def _find_documented(code: Code) -> set[int]:
        inside: set[int] = set()

        def leave_out(expr: Expr) -> None:
            inside.update(id(part) for part in code.walk(expr))

        for call in code.body.calls:
            for given in call.keywords:
                if given.name in _DOCUMENTING:
                    leave_out(given.value)
        for event in code.body.events:
            if isinstance(event, Bind) and event.value is not None:
                for name, value in _pairs(event.target, event.value):
                    if name in tables.EXAMPLE_KEYWORDS:
                        leave_out(value)
        for _, expr in evaluated(code):
            if isinstance(expr, Mapping):
                for key, value in zip(expr.keys, expr.values):
                    if text_of(key) in tables.EXAMPLE_KEYWORDS:
                        leave_out(value)
        return inside


_SIGNING_TAILS = frozenset(name.rpartition(".")[2] for name in tables.SIGNING_CALLS)


def _defaults(code: Code) -> Iterator[tuple[str, Expr]]:
    """The parameters of the functions that a body defines, with their defaults."""
    for function in code.module.functions:
        if function.outer is code:
            for parameter in function.facts.parameters:
                if parameter.default is not None and function.name != "<lambda>":
                    yield parameter.name, parameter.default


def _pairs(target: Expr, value: Expr) -> Iterator[tuple[str, Expr]]:
    """What each name in a binding's target is given: ``a, b = "x", "y"`` gives one to each."""
    if isinstance(target, Items):
        if isinstance(value, Items) and len(target.items) == len(value.items):
            for each, part in zip(target.items, value.items):
                yield from _pairs(each, part)
    elif isinstance(target, Item):
        name = text_of(target.index)
        if name is not None:
            yield name, value
    elif isinstance(target, (Ref, Attr)):
        yield tail(target), value


def _joined(expr: Expr) -> str:
    """The text of a literal, of an f-string or of a sum, with ``{}`` for what is not literal."""
    if isinstance(expr, FString):
        return "".join(_joined(part) for part in expr.parts)
    if isinstance(expr, Op) and expr.op == "+":
        return "".join(_joined(operand) for operand in expr.operands)
    text = text_of(expr)
    return "{}" if text is None else text
