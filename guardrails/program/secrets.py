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
    Bytes,
    Call,
    CallRef,
    Cond,
    Const,
    Expr,
    FString,
    Items,
    Op,
    Span,
    Walrus,
    span_of,
)  # fmt: skip
from guardrails.knowledge import secrets as tables
from guardrails.knowledge.frameworks import ENVIRONMENT_READER_CLASSES, SECRET_TYPES
from guardrails.knowledge.urls import ConnectionUrl
from guardrails.program.expressions import keyword, text_of
from guardrails.program.literals import Literals, joined
from guardrails.program.model import Class, Code, Module, tail
from guardrails.program.values import ExternalInstance, ExternalValue

if TYPE_CHECKING:
    from guardrails.program.program import Program

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

    def is_test(self, module: Module) -> bool:
        """Whether a module is no application code and holds tests, by its path."""
        return not module.application and self.program.project.is_test(module.display)

    @cached_property
    def hardcoded(self) -> tuple[Secret, ...]:
        """Every literal secret, by module and place, once each."""
        found: list[Secret] = []
        for module in self.program.modules.ordered:
            test = self.is_test(module)
            suspects = module.reading(_suspects)
            signing = self._signing.get(module, {})
            for code in sorted({*suspects, *signing}, key=lambda code: code.order) if signing else suspects:
                read = code.reading(Literals)
                here = {s.span: s for s in self._by_form(code)} if read.tokens else {}
                if not test and (read.named or code in signing):
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
            for code in module.reading(_addressing):
                read = code.reading(Literals)
                here = {span: Address(code, span, url) for e, url in read.addresses for span in [span_of(e, code.body)]}
                found.extend(here[span] for span in sorted(here))
        return tuple(found)

    # --- by form

    def _by_form(self, code: Code) -> Iterator[Secret]:
        for expr, token in code.reading(Literals).tokens:
            text = str(expr.value)[token.start : token.start + token.length]
            yield Secret(code, expr.span, "", token.label, tables.masked(text))

    # --- by name

    def _by_name(self, code: Code) -> Iterator[Secret]:
        read = code.reading(Literals)
        for each in read.named:
            if each.assigned and isinstance(code, Class) and self.types.is_a(code, "enum.Enum"):
                continue
            given = self._fallback(each.given, code) if isinstance(each.given, Call) else each.given
            for literal, text in self._literals(given, code):
                if not tables.is_placeholder(text, each.name) and id(literal) not in read.documented:
                    yield Secret(code, literal.span, each.name, each.kind.replace("_", " "), tables.masked(text))

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
                yield expr, joined(expr)
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
    def _signing(self) -> dict[Module, dict[Code, list[Call]]]:
        """The calls that may take a secret where no name beside it need say so, by module and body."""
        table: dict[Module, dict[Code, list[Call]]] = {}
        for site in self.program.modules.sites.named(_SIGNING_TAILS, everywhere=True):
            table.setdefault(site.code.module, {}).setdefault(site.code, []).append(site.call)
        return table

    def _by_use(self, code: Code) -> Iterator[Secret]:
        for call in self._signing.get(code.module, {}).get(code, ()):
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


_SIGNING_TAILS = frozenset(name.rpartition(".")[2] for name in tables.SIGNING_CALLS)


def _suspects(module: Code) -> tuple[Code, ...]:
    """The bodies of a module that hold what looks like a secret, or give something to a name that says secret."""
    codes = module.module.codes()
    return tuple(code for code in codes if (read := code.reading(Literals)).tokens or read.named)


def _addressing(module: Code) -> tuple[Code, ...]:
    """The bodies of a module that hold a connection URL."""
    return tuple(code for code in module.module.codes() if code.reading(Literals).addresses)
