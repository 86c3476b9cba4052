"""Literals that are secrets or addresses (GR602, GR603): where they stand, and what names them.

What a literal means is decided by ``guardrails.knowledge.secrets`` and ``urls``; here is where to look: what a name is
given, directly, as a fallback, in a list, or through a wrapper such as ``SecretStr``.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from guardrails.facts.records import (
    Attr,
    Bind,
    Bytes,
    Call,
    CallRef,
    Cond,
    Const,
    Define,
    Expr,
    FString,
    Item,
    Items,
    Mapping,
    Op,
    Ref,
    Span,
    Walrus,
    children,
    span_of,
)  # fmt: skip
from guardrails.knowledge import secrets as tables
from guardrails.knowledge.frameworks import ENVIRONMENT_READER_CLASSES, SECRET_TYPES
from guardrails.knowledge.urls import ConnectionUrl, connection_url
from guardrails.patterns import pattern
from guardrails.program.expressions import keyword, outermost, text_of
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


class _Literals:
    """The literals of a body, in its definitions too: most bodies have none that matters, and one walk tells."""

    def __init__(self, code: Code) -> None:
        self.texts: list[Const | Bytes] = []
        self.composed: list[FString | Op] = []
        self.displays: list[Mapping] = []
        kinds: dict[type, list[Any]] = {
            Const: self.texts, Bytes: self.texts, FString: self.composed, Op: self.composed, Mapping: self.displays
        }  # fmt: skip
        body = code.body
        pending = [whole for _, whole in outermost(code)]
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


class Secrets:
    """Answers about literals, in all files that were read."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.types = program.types
        self._read: dict[Code, _Literals] = {}
        self._inside: dict[Code, set[int]] = {}

    def _literals_of(self, code: Code) -> _Literals:
        found = self._read.get(code)
        if found is None:
            found = self._read[code] = _Literals(code)
        return found

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
        literals = self._literals_of(code)
        composed = [expr for expr in literals.composed if isinstance(expr, FString) or expr.op == "+"]
        found = [
            (expr, url)
            for expr in (*composed, *literals.texts)
            if isinstance(expr, (Const, FString, Op))
            and "://" in (text := _joined(expr))
            and (url := connection_url(text)) is not None
        ]
        if found:
            # The parts of a text that is put together are no addresses alone.
            parts = {id(part) for whole in composed for part in code.walk(whole) if part is not whole}
            passed = self._documented(code) | parts
            for expr, url in found:
                if id(expr) not in passed:
                    yield Address(code, span_of(expr, code.body), url)

    # --- by form

    def _by_form(self, code: Code) -> Iterator[Secret]:
        for expr in self._literals_of(code).texts:
            token = tables.token_format(expr.value) if isinstance(expr.value, str) else None
            if token is not None and isinstance(expr.value, str) and id(expr) not in self._documented(code):
                text = expr.value[token.start : token.start + token.length]
                yield Secret(code, expr.span, "", token.label, tables.masked(text))

    # --- by name

    def _by_name(self, code: Code) -> Iterator[Secret]:
        for name, given in self._named(code):
            found = tables.secret_name(name)
            if found is None or found.kind == "password_hash":
                continue
            for literal, text in self._literals(given, code):
                if not tables.is_placeholder(text, name) and id(literal) not in self._documented(code):
                    yield Secret(code, literal.span, name, found.kind.replace("_", " "), tables.masked(text))

    def _named(self, code: Code) -> Iterator[tuple[str, Expr]]:
        """Every name that this body gives something to, with what it gives."""
        is_enum = isinstance(code, Class) and self.types.is_a(code, "enum.Enum")
        for event in code.body.events:
            if isinstance(event, Bind):
                if not is_enum and event.value is not None and event.op in {"=", ":=", "+="}:
                    yield from _pairs(event.target, event.value)
            elif isinstance(event, Define) and event.kind == "function":
                for parameter in code.module.functions[event.index].facts.parameters:
                    if parameter.default is not None:
                        yield parameter.name, parameter.default
        for call in code.body.calls:
            for given in call.keywords:
                if given.name is not None and given.name not in _DOCUMENTING:
                    yield given.name, given.value
            variable = text_of(call.args[0]) if call.args else None
            if variable is not None and tables.secret_name(variable) is not None:
                fallback = self._fallback(call, code)
                if fallback is not None:
                    yield variable, fallback
        for display in self._literals_of(code).displays:
            for key, value in zip(display.keys, display.values):
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

    @cached_property
    def _signing(self) -> dict[Code, list[Call]]:
        """The calls that may take a secret where no name beside it need say so."""
        table: dict[Code, list[Call]] = {}
        for site in self.program.modules.sites.named(_SIGNING_TAILS, everywhere=True):
            table.setdefault(site.code, []).append(site.call)
        return table

    def _by_use(self, code: Code) -> Iterator[Secret]:
        for call in self._signing.get(code, ()):
            if not (call.args or call.keywords):
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

    def _find_documented(self, code: Code) -> set[int]:
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
        for display in self._literals_of(code).displays:
            for key, value in zip(display.keys, display.values):
                if text_of(key) in tables.EXAMPLE_KEYWORDS:
                    leave_out(value)
        return inside


_SIGNING_TAILS = frozenset(name.rpartition(".")[2] for name in tables.SIGNING_CALLS)


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
