"""Every expression that running a body evaluates, with the block it stands in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from guardrails.facts.records import Const, Define, Event, Expr, Keyword, parts_of
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
        for part in held(event, code):
            yield event.block, part


def held(event: Event, code: Code) -> Iterable[Expr]:
    """The outermost expressions of a statement, those of the definition that it makes included."""
    return _of_definition(event, code) if isinstance(event, Define) else parts_of(event)


def _of_definition(event: Define, code: Code) -> Iterator[Expr]:
    """The outermost expressions that a definition holds and its surroundings evaluate."""
    if event.kind == "function":
        function = code.module.functions[event.index].facts
        yield from function.decorators
        if function.returns is not None:
            yield function.returns
        for parameter in function.parameters:
            if parameter.annotation is not None:
                yield parameter.annotation
            if parameter.default is not None:
                yield parameter.default
    else:
        cls = code.module.classes[event.index].facts
        yield from (*cls.decorators, *cls.bases, *[keyword.value for keyword in cls.keywords])


def keyword(keywords: tuple[Keyword, ...], *names: str) -> Expr | None:
    """The value of the first keyword that has one of these names."""
    return next((k.value for k in keywords if k.name in names), None)


def text_of(expr: Expr | None) -> str | None:
    """The string that a literal is."""
    return expr.value if isinstance(expr, Const) and isinstance(expr.value, str) else None


def words_in(module: Code) -> frozenset[str]:
    """The parts of all dotted names that the bodies of a module read: a reading of the module."""
    return frozenset().union(*(code.words for code in module.module.codes()))
