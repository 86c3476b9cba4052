"""The facts of one file: syntax as written, local names, spans. No judgement, nothing from another file.

A file is a ``ModuleFacts``: its imports, classes and functions, and three kinds of ``Body`` (module, class,
function). A body is flat: ``blocks`` say how its statements nest, ``events`` are its statements in source order,
``calls`` are its calls in order of evaluation. Values are small symbolic expressions (``Expr``); a call inside an
expression is a ``CallRef`` into the ``calls`` of the body that evaluates it, so every call stands in one place.
Decorators, parameter defaults, annotations and base classes are evaluated by the *enclosing* body and refer to its
calls.

Everything here is a frozen msgspec struct, encoded as arrays: quick to build, to cache and to read back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

# A span packs (line, column, lines further down, end column) into one int64; see ``pack`` and ``unpack``.
Span = int

_LINE, _COLUMN, _DOWN = 1 << 21, 1 << 14, 1 << 13


def pack(line: int, column: int, end_line: int, end_column: int) -> Span:
    """One int for a stretch of source; what does not fit is cut to the largest value that does."""
    down = end_line - line
    if line >= _LINE or column >= _COLUMN or down >= _DOWN or end_column >= _COLUMN:
        line, column = min(line, _LINE - 1), min(column, _COLUMN - 1)
        down, end_column = min(down, _DOWN - 1), min(end_column, _COLUMN - 1)
    return ((line * _COLUMN + column) * _DOWN + down) * _COLUMN + end_column


def unpack(span: Span) -> tuple[int, int, int, int]:
    """(line from 1, column in UTF-8 bytes from 0, end line, end column)."""
    rest, end_column = divmod(span, _COLUMN)
    rest, down = divmod(rest, _DOWN)
    line, column = divmod(rest, _COLUMN)
    return line, column, line + down, end_column


def end_of(span: Span) -> Span:
    """A span that begins where this one ends: compares later than all that lies inside."""
    rest, end_column = divmod(span, _COLUMN)
    rest, down = divmod(rest, _DOWN)
    return ((rest // _COLUMN + down) * _COLUMN + end_column) * _DOWN * _COLUMN


def line_of(span: Span) -> int:
    """The line on which the span begins."""
    return span // (_COLUMN * _DOWN * _COLUMN)


class _Record(msgspec.Struct, frozen=True, array_like=True, gc=False):
    pass


class Ref(_Record, frozen=True, tag=1):
    """A dotted name that is read: ``db``, ``self.users.find`` (the first part is a plain name)."""

    name: str
    span: Span


class Attr(_Record, frozen=True, tag=2):
    """An attribute of something that is no dotted name: ``client["shop"].orders``, ``connect().db``."""

    value: Expr
    name: str
    span: Span


class CallRef(_Record, frozen=True, tag=3):
    """The call with this index in the body's ``calls``."""

    index: int


class Const(_Record, frozen=True, tag=4):
    """A literal string, number, boolean or None."""

    value: str | int | float | bool | None
    span: Span


class Bytes(_Record, frozen=True, tag=5):
    """A bytes literal, as text in latin-1."""

    value: str
    span: Span


class FString(_Record, frozen=True, tag=6):
    """An f-string: literal parts and the expressions in its holes, in order."""

    parts: tuple[Expr, ...]
    span: Span


class Items(_Record, frozen=True, tag=7):
    """A ``list``, ``tuple`` or ``set`` display, or a ``slice``."""

    kind: str
    items: tuple[Expr, ...]
    span: Span


class Mapping(_Record, frozen=True, tag=8):
    """A dict display. A key of None is a ``**`` merge of the value beside it."""

    keys: tuple[Expr | None, ...]
    values: tuple[Expr, ...]
    span: Span


class Op(_Record, frozen=True, tag=9):
    """An operator: ``+ - * / // % ** @ | & ^ << >>``, ``and or``, comparisons, and unary ``not neg pos inv``."""

    op: str
    operands: tuple[Expr, ...]
    span: Span


class Item(_Record, frozen=True, tag=10):
    """A subscript: ``value[index]``."""

    value: Expr
    index: Expr
    span: Span


class Await(_Record, frozen=True, tag=11):
    """``await value``."""

    value: Expr
    span: Span


class Yield(_Record, frozen=True, tag=12):
    """``yield value`` or, where ``whole``, ``yield from value``."""

    value: Expr | None
    whole: bool
    span: Span


class Cond(_Record, frozen=True, tag=13):
    """``body if test else orelse``."""

    test: Expr
    body: Expr
    orelse: Expr
    span: Span


class Lambda(_Record, frozen=True, tag=14):
    """A lambda: the function with this index in the module."""

    function: int
    span: Span


class Comp(_Record, frozen=True, tag=15):
    """A comprehension: its innermost block, and what it makes there (``value`` beside ``element`` for a dict)."""

    kind: str
    element: Expr
    value: Expr | None
    block: int
    span: Span


class Star(_Record, frozen=True, tag=16):
    """``*value`` in a display or among arguments."""

    value: Expr
    span: Span


class Walrus(_Record, frozen=True, tag=17):
    """``name := value``."""

    name: str
    value: Expr
    span: Span


class Unknown(_Record, frozen=True, tag=18):
    """What cannot be said, and why."""

    reason: str
    span: Span


Expr = (
    Ref | Attr | CallRef | Const | Bytes | FString | Items | Mapping | Op | Item | Await | Yield
    | Cond | Lambda | Comp | Star | Walrus | Unknown
)  # fmt: skip


class Keyword(_Record, frozen=True):
    """``name=value`` among arguments; a name of None is ``**value``."""

    name: str | None
    value: Expr
    span: Span


class Call(_Record, frozen=True):
    """A call. ``use`` says what becomes of its value where it stands:

    ``drop`` (an expression statement), ``await``, ``return``, ``bind``, ``argument``, ``receiver`` (something is read
    from it), ``with``, ``async-with``, ``iterate``, ``async-iterate``, ``yield``, ``test``, ``decorator``, ``default``,
    ``item`` (of a display), ``operand`` (of an operator, of an f-string) or ``other``.
    """

    func: Expr
    args: tuple[Expr, ...]
    keywords: tuple[Keyword, ...]
    block: int
    use: str
    span: Span


class Block(_Record, frozen=True):
    """A stretch of statements. Block 0 is the body itself.

    ``kind``: ``body``, ``if``, ``else``, ``for``, ``async-for``, ``while``, ``loop-else``, ``try``, ``except``,
    ``try-else``, ``finally``, ``with``, ``async-with``, ``match``, ``case``, ``comprehension``,
    ``async-comprehension``.
    ``of``: the block that this one completes (the ``if`` of an ``else``, the ``try`` of an ``except``), or -1.
    ``expr``: test, iterable, context manager, exception type or match subject; ``target``: what it is bound to.
    """

    kind: str
    parent: int
    of: int
    expr: Expr | None
    target: Expr | None
    span: Span


class Bind(_Record, frozen=True, tag=1):
    """A binding. ``op``: ``=``, an augmented operator (``+=`` …), ``:=``, ``for``, ``with`` or ``except``."""

    target: Expr
    value: Expr | None
    op: str
    annotation: Expr | None
    block: int
    span: Span


class Do(_Record, frozen=True, tag=2):
    """An expression statement."""

    value: Expr
    block: int
    span: Span


class Return(_Record, frozen=True, tag=3):
    """``return value``; a lambda's value too."""

    value: Expr | None
    block: int
    span: Span


class Raise(_Record, frozen=True, tag=4):
    """``raise exc from cause``; a bare ``raise`` has neither."""

    exc: Expr | None
    cause: Expr | None
    block: int
    span: Span


class Jump(_Record, frozen=True, tag=5):
    """``pass``, ``break``, ``continue`` or ``...``."""

    kind: str
    block: int
    span: Span


class Assert(_Record, frozen=True, tag=6):
    """``assert test``."""

    test: Expr
    block: int
    span: Span


class Delete(_Record, frozen=True, tag=7):
    """``del targets``."""

    targets: tuple[Expr, ...]
    block: int
    span: Span


class Scope(_Record, frozen=True, tag=8):
    """``global`` or ``nonlocal`` names."""

    kind: str
    names: tuple[str, ...]
    block: int
    span: Span


class Define(_Record, frozen=True, tag=9):
    """A ``def`` or ``class`` statement: the function or class with this index in the module."""

    kind: str
    index: int
    block: int
    span: Span


Event = Bind | Do | Return | Raise | Jump | Assert | Delete | Scope | Define


class Body(_Record, frozen=True):
    """What a module, class or function does. ``loads``: the distinct dotted names it reads, sorted."""

    blocks: tuple[Block, ...]
    events: tuple[Event, ...]
    calls: tuple[Call, ...]
    loads: tuple[str, ...]


class Parameter(_Record, frozen=True):
    """A parameter. ``kind``: ``positional-only``, ``positional``, ``keyword-only``, ``*`` or ``**``."""

    name: str
    kind: str
    annotation: Expr | None
    default: Expr | None
    span: Span


class FunctionFacts(_Record, frozen=True):
    """A function, method or lambda (name ``<lambda>``).

    ``function`` and ``cls``: index of the enclosing function, and of the class whose body holds it, or -1.
    ``block``: where in the enclosing body it is defined. ``span``: from ``def`` to the end of its name.
    """

    name: str
    qualname: str
    is_async: bool
    is_generator: bool
    decorators: tuple[Expr, ...]
    parameters: tuple[Parameter, ...]
    returns: Expr | None
    body: Body
    function: int
    cls: int
    block: int
    span: Span


class ClassFacts(_Record, frozen=True):
    """A class. ``function`` and ``cls``: index of the enclosing function and class, or -1."""

    name: str
    qualname: str
    bases: tuple[Expr, ...]
    keywords: tuple[Keyword, ...]
    decorators: tuple[Expr, ...]
    body: Body
    function: int
    cls: int
    block: int
    span: Span


class Import(_Record, frozen=True):
    """One name of an import statement.

    ``import a.b as c`` has module ``a.b``, name None, alias ``c``; ``from ..a import b`` has module ``a``, level 2,
    name ``b`` (``*`` for a star). ``function``: index of the enclosing function or -1. ``guarded``: inside a ``try``.
    """

    module: str
    level: int
    name: str | None
    alias: str | None
    type_checking: bool
    guarded: bool
    function: int
    span: Span


class Comment(_Record, frozen=True):
    """A suppression comment: ``# guardrails: ignore[GR301] -- reason`` or ``ignore-file[...]``.

    ``statement``: the first line of the statement that the comment's line belongs to.
    """

    whole_file: bool
    codes: tuple[str, ...]
    reason: str
    line: int
    statement: int
    last_line: int
    span: Span


class ModuleFacts(_Record, frozen=True):
    """All that one file says. ``exports``: its literal ``__all__``, or None. ``empty``: nothing but a docstring."""

    body: Body
    functions: tuple[FunctionFacts, ...]
    classes: tuple[ClassFacts, ...]
    imports: tuple[Import, ...]
    exports: tuple[str, ...] | None
    comments: tuple[Comment, ...]
    lines: int
    empty: bool


def span_of(expr: Expr, body: Body) -> Span:
    """Where an expression stands."""
    if isinstance(expr, CallRef):
        return body.calls[expr.index].span
    return expr.span


def _of_call(expr: CallRef, body: Body) -> Sequence[Expr]:
    call = body.calls[expr.index]
    return (call.func, *call.args, *[keyword.value for keyword in call.keywords])


def _of_mapping(expr: Mapping, body: Body) -> Sequence[Expr]:
    return [part for pair in zip(expr.keys, expr.values) for part in pair if part is not None]


_PARTS: dict[type, Callable[[Any, Body], Sequence[Expr]]] = {
    Attr: lambda expr, body: (expr.value,),
    CallRef: _of_call,
    FString: lambda expr, body: expr.parts,
    Items: lambda expr, body: expr.items,
    Mapping: _of_mapping,
    Op: lambda expr, body: expr.operands,
    Item: lambda expr, body: (expr.value, expr.index),
    Await: lambda expr, body: (expr.value,),
    Yield: lambda expr, body: (expr.value,) if expr.value is not None else (),
    Cond: lambda expr, body: (expr.test, expr.body, expr.orelse),
    Comp: lambda expr, body: (expr.element, expr.value) if expr.value is not None else (expr.element,),
    Star: lambda expr, body: (expr.value,),
    Walrus: lambda expr, body: (expr.value,),
}
"""How to get at the direct parts of an expression; the types that are missing here have none."""


def children(expr: Expr, body: Body) -> Sequence[Expr]:
    """The direct parts of an expression, in source order; a call's function, arguments and keyword values too."""
    parts = _PARTS.get(type(expr))
    return parts(expr, body) if parts is not None else ()


def walk(expr: Expr, body: Body) -> Iterator[Expr]:
    """An expression and all its parts, outermost first, in source order."""
    pending = [expr]
    while pending:
        expr = pending.pop()
        yield expr
        parts = _PARTS.get(type(expr))
        if parts is not None:
            pending.extend(parts(expr, body)[::-1])


def _of_bind(event: Bind) -> Sequence[Expr]:
    value = None if event.op in {"for", "with"} else event.value
    return [part for part in (event.target, event.annotation, value) if part is not None]


def _of_value(event: Do | Return) -> Sequence[Expr]:
    return () if event.value is None else (event.value,)


_PARTS_OF: dict[type, Callable[[Any], Sequence[Expr]]] = {
    Bind: _of_bind,
    Do: _of_value,
    Return: _of_value,
    Raise: lambda event: [part for part in (event.exc, event.cause) if part is not None],
    Assert: lambda event: (event.test,),
    Delete: lambda event: event.targets,
}
"""How to get at the expressions of a statement; the types that are missing here hold none."""


def parts_of(event: Event) -> Sequence[Expr]:
    """The expressions that a statement holds, in source order."""
    parts = _PARTS_OF.get(type(event))
    return parts(event) if parts is not None else ()


def expressions(body: Body) -> Iterator[Expr]:
    """Every expression of a body, outermost first: of its blocks (tests, iterables, contexts) and its statements."""
    for block in body.blocks:
        if block.expr is not None:
            yield from walk(block.expr, body)
    for event in body.events:
        for part in parts_of(event):
            yield from walk(part, body)
