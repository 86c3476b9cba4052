"""Every expression that running a body evaluates, with the block it stands in."""

from __future__ import annotations

from collections.abc import Iterator

from guardrails.facts.records import Const, Define, Expr, Keyword, parts_of
from guardrails.program.model import Code


def evaluated(code: Code) -> Iterator[tuple[int, Expr]]:
    """The expressions of a body and all their parts, those of the definitions in it included: decorators, defaults,
    annotations, bases and class keywords belong to the body that makes the function or class.
    """
    for block, whole in outermost(code):
        for expr in code.walk(whole):
            yield block, expr


def outermost(code: Code) -> Iterator[tuple[int, Expr]]:
    """The expressions of a body that are no part of another, with the block they stand in."""
    for block in code.body.blocks:
        if block.expr is not None:
            yield block.parent, block.expr
    for event in code.body.events:
        for part in parts_of(event):
            yield event.block, part
    yield from _of_definitions(code)


def _of_definitions(code: Code) -> Iterator[tuple[int, Expr]]:
    """The outermost expressions that the definitions of a body hold, with the block of the definition."""
    for event in code.body.events:
        if not isinstance(event, Define):
            continue
        if event.kind == "function":
            function = code.module.functions[event.index].facts
            parts: list[Expr | None] = [*function.decorators, function.returns]
            for parameter in function.parameters:
                parts += [parameter.annotation, parameter.default]
        else:
            cls = code.module.classes[event.index].facts
            parts = [*cls.decorators, *cls.bases, *(keyword.value for keyword in cls.keywords)]
        for part in parts:
            if part is not None:
                yield event.block, part


def keyword(keywords: tuple[Keyword, ...], *names: str) -> Expr | None:
    """The value of the first keyword that has one of these names."""
    return next((k.value for k in keywords if k.name in names), None)


def text_of(expr: Expr | None) -> str | None:
    """The string that a literal is."""
    return expr.value if isinstance(expr, Const) and isinstance(expr.value, str) else None
