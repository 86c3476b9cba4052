"""``extract(source) -> ModuleFacts``: a pure function, one walk over the stdlib syntax tree."""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from guardrails.facts.records import (
    Assert,
    Attr,
    Await,
    Bind,
    Block,
    Body,
    Bytes,
    Call,
    CallRef,
    ClassFacts,
    Comment,
    Comp,
    Cond,
    Const,
    Define,
    Delete,
    Do,
    Event,
    Expr,
    FString,
    FunctionFacts,
    Import,
    Item,
    Items,
    Jump,
    Keyword,
    Lambda,
    Mapping,
    ModuleFacts,
    Op,
    Parameter,
    Raise,
    Ref,
    Return,
    Scope,
    Span,
    Star,
    Unknown,
    Walrus,
    Yield,
    pack,
)  # fmt: skip
from guardrails.patterns import pattern

_OPERATORS: dict[type, str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.MatMult: "@", ast.BitOr: "|", ast.BitAnd: "&", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>",
    ast.And: "and", ast.Or: "or", ast.Not: "not", ast.USub: "neg", ast.UAdd: "pos", ast.Invert: "inv",
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip

_SUPPRESSION = pattern(
    r"#\s*guardrails:\s*(?P<kind>ignore-file|ignore)(?:\[(?P<codes>[^\]]*)\])?(?:\s*--\s*(?P<reason>.*))?"
)
# Deep but legal sources (long elif chains, long sums) recurse a few frames per level.
_RECURSION_LIMIT = 12_000
# Whoever reads the facts recurses as deep as they nest. No hand writes expressions deeper than this; beyond it,
# an expression is unknown.
_DEEPEST = 80
_TOO_DEEP = "nested too deeply"
_INT64 = 1 << 63


def extract(source: str) -> ModuleFacts:
    """The facts of one file's text.

    Raises ``SyntaxError`` where the running Python cannot parse it, ``ValueError`` on NUL bytes, and
    ``RecursionError`` or ``MemoryError`` where it nests too deeply.
    """
    with _deep_recursion():
        tree = ast.parse(source)
        return _Extractor(source).module(tree)


@contextmanager
def _deep_recursion() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _RECURSION_LIMIT))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


class _Frame:
    """The body under construction, and where in the module it stands."""

    __slots__ = ("block", "blocks", "calls", "cls", "events", "function", "loads", "prefix", "yields")

    def __init__(self, prefix: str, function: int, cls: int) -> None:
        self.prefix, self.function, self.cls = prefix, function, cls
        self.blocks: list[Block] = [Block("body", -1, -1, None, None, 0)]
        self.events: list[Event] = []
        self.calls: list[Call] = []
        self.loads: set[str] = set()
        self.block = 0
        self.yields = False

    def body(self) -> Body:
        return Body(tuple(self.blocks), tuple(self.events), tuple(self.calls), tuple(sorted(self.loads)))


class _Extractor:
    def __init__(self, source: str) -> None:
        self.source = source
        self.commented = "guardrails:" in source
        self.functions: list[FunctionFacts | None] = []
        self.classes: list[ClassFacts | None] = []
        self.imports: list[Import] = []
        self.exports: list[str] | None = None
        self.frame = _Frame("", -1, -1)
        self.type_checking = 0
        self.guarded = 0
        self.depth = 0
        self.statements: list[tuple[int, int]] = []

    # --- the module

    def module(self, tree: ast.Module) -> ModuleFacts:
        self.suite(tree.body, docstring=True)
        return ModuleFacts(
            body=self.frame.body(),
            functions=tuple(f for f in self.functions if f is not None),
            classes=tuple(c for c in self.classes if c is not None),
            imports=tuple(self.imports),
            exports=None if self.exports is None else tuple(self.exports),
            comments=tuple(self._comments()) if self.commented else (),
            lines=self.source.count("\n") + (not self.source.endswith("\n")),
            empty=not tree.body or (len(tree.body) == 1 and _is_docstring(tree.body[0])),
        )

    def _comments(self) -> Iterator[Comment]:
        """Suppression comments, from real comment tokens only (a string that looks like one is none)."""
        statements = sorted(self.statements)
        for token in tokenize.generate_tokens(io.StringIO(self.source).readline):
            match = _SUPPRESSION.search(token.string) if token.type == tokenize.COMMENT else None
            if match is None:
                continue
            line, column = token.start
            first, last = line, line
            for start, end in statements:
                if start > line:
                    break
                if start <= line <= end:
                    first, last = start, end
            yield Comment(
                whole_file=match["kind"] == "ignore-file",
                codes=tuple(c.strip() for c in (match["codes"] or "").split(",") if c.strip()),
                reason=(match["reason"] or "").strip(),
                line=line,
                statement=first,
                last_line=last,
                span=pack(line, len(token.line[:column].encode()), line, len(token.line[: token.end[1]].encode())),
            )

    # --- statements

    def suite(self, body: list[ast.stmt], *, docstring: bool = False) -> None:
        if docstring and body and _is_docstring(body[0]):
            body = body[1:]
        for node in body:
            if self.commented:
                self._note_lines(node)
            visit = _STATEMENTS.get(type(node))
            if visit is not None:
                visit(self, node)

    def _note_lines(self, node: ast.stmt) -> None:
        """Where a statement, or the header of one that holds others, takes several lines."""
        header_end = node.end_lineno or node.lineno
        inner = getattr(node, "body", None)
        if inner and isinstance(inner, list) and isinstance(inner[0], ast.stmt):
            header_end = max(node.lineno, inner[0].lineno - 1)
        if header_end != node.lineno:
            self.statements.append((node.lineno, header_end))

    def _open(self, kind: str, node: Any, of: int = -1, expr: Expr | None = None, target: Expr | None = None) -> int:
        """Start a block inside the current one; returns the block to go back to."""
        frame, before = self.frame, self.frame.block
        frame.blocks.append(Block(kind, before, of, expr, target, _span(node)))
        frame.block = len(frame.blocks) - 1
        return before

    def _do(self, node: ast.Expr) -> None:
        value = node.value
        if isinstance(value, ast.Constant) and value.value is Ellipsis:
            self.frame.events.append(Jump("...", self.frame.block, _span(node)))
        elif not (isinstance(value, ast.Constant) and isinstance(value.value, str)):
            self.frame.events.append(Do(self.expr(value, "drop"), self.frame.block, _span(node)))

    def _assign(self, node: ast.Assign) -> None:
        value = self.expr(node.value, "bind")
        for target in node.targets:
            self._bind(target, value, "=", None, node)
        if self.frame.prefix == "" and _is_name(node.targets[0], "__all__"):
            self._export(node.value, fresh=True)

    def _annotated(self, node: ast.AnnAssign) -> None:
        annotation = self._annotation(node.annotation)
        value = self.expr(node.value, "bind") if node.value is not None else None
        self._bind(node.target, value, "=", annotation, node)

    def _augmented(self, node: ast.AugAssign) -> None:
        value = self.expr(node.value, "other")
        self._bind(node.target, value, _OPERATORS[type(node.op)] + "=", None, node)
        if self.frame.prefix == "" and _is_name(node.target, "__all__"):
            self._export(node.value, fresh=False)

    def _bind(self, target: ast.expr, value: Expr | None, op: str, annotation: Expr | None, node: ast.AST) -> None:
        frame = self.frame
        frame.events.append(Bind(self._target(target), value, op, annotation, frame.block, _span(node)))

    def _target(self, node: ast.expr) -> Expr:
        """What is bound; names that are only bound are no loads."""
        if isinstance(node, ast.Name):
            return Ref(node.id, _span(node))
        if isinstance(node, (ast.Tuple, ast.List)):
            return Items("tuple", tuple(self._target(item) for item in node.elts), _span(node))
        if isinstance(node, ast.Starred):
            return Star(self._target(node.value), _span(node))
        if isinstance(node, ast.Attribute):
            dotted = _dotted(node)
            if dotted is not None:
                return Ref(dotted, _span(node))
        return self.expr(node, "other")

    def _export(self, node: ast.expr, *, fresh: bool) -> None:
        """Follow ``__all__ = [...]`` and ``__all__ += [...]``; anything else makes it unknown (None)."""
        if isinstance(node, (ast.List, ast.Tuple)) and all(
            isinstance(item, ast.Constant) and isinstance(item.value, str) for item in node.elts
        ):
            names = [item.value for item in node.elts]  # type: ignore[attr-defined]
            self.exports = names if fresh or self.exports is None else [*self.exports, *names]
        else:
            self.exports = None

    def _return(self, node: ast.Return) -> None:
        value = self.expr(node.value, "return") if node.value is not None else None
        self.frame.events.append(Return(value, self.frame.block, _span(node)))

    def _raise(self, node: ast.Raise) -> None:
        exc = self.expr(node.exc, "other") if node.exc is not None else None
        cause = self.expr(node.cause, "other") if node.cause is not None else None
        self.frame.events.append(Raise(exc, cause, self.frame.block, _span(node)))

    def _if(self, node: ast.If) -> None:
        checking = _is_type_checking(node.test)
        before = self._open("if", node, expr=self.expr(node.test, "test"))
        opened = self.frame.block
        self.type_checking += checking
        self.suite(node.body)
        self.type_checking -= checking
        self.frame.block = before
        if node.orelse:
            self._open("else", node.orelse[0], of=opened)
            self.suite(node.orelse)
            self.frame.block = before

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        is_async = isinstance(node, ast.AsyncFor)
        iterable = self.expr(node.iter, "async-iterate" if is_async else "iterate")
        target = self._target(node.target)
        before = self._open("async-for" if is_async else "for", node, expr=iterable, target=target)
        opened = self.frame.block
        self.frame.events.append(Bind(target, iterable, "for", None, opened, _span(node.target)))
        self.suite(node.body)
        self.frame.block = before
        if node.orelse:
            self._open("loop-else", node.orelse[0], of=opened)
            self.suite(node.orelse)
            self.frame.block = before

    def _while(self, node: ast.While) -> None:
        before = self._open("while", node, expr=self.expr(node.test, "test"))
        opened = self.frame.block
        self.suite(node.body)
        self.frame.block = before
        if node.orelse:
            self._open("loop-else", node.orelse[0], of=opened)
            self.suite(node.orelse)
            self.frame.block = before

    def _try(self, node: ast.Try) -> None:
        before = self._open("try", node)
        opened = self.frame.block
        self.guarded += 1
        self.suite(node.body)
        self.guarded -= 1
        self.frame.block = before
        for handler in node.handlers:
            caught = self.expr(handler.type, "other") if handler.type is not None else None
            target = Ref(handler.name, _span(handler)) if handler.name else None
            self._open("except", handler, of=opened, expr=caught, target=target)
            if target is not None:
                self.frame.events.append(Bind(target, caught, "except", None, self.frame.block, _span(handler)))
            self.suite(handler.body)
            self.frame.block = before
        for kind, suite in (("try-else", node.orelse), ("finally", node.finalbody)):
            if suite:
                self._open(kind, suite[0], of=opened)
                self.suite(suite)
                self.frame.block = before

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        kind = "async-with" if isinstance(node, ast.AsyncWith) else "with"
        before = self.frame.block
        for item in node.items:
            context = self.expr(item.context_expr, kind)
            target = self._target(item.optional_vars) if item.optional_vars is not None else None
            self._open(kind, item.context_expr, expr=context, target=target)
            if target is not None:
                span = _span(item.context_expr)
                self.frame.events.append(Bind(target, context, "with", None, self.frame.block, span))
        self.suite(node.body)
        self.frame.block = before

    def _match(self, node: ast.Match) -> None:
        before = self._open("match", node, expr=self.expr(node.subject, "test"))
        opened = self.frame.block
        for case in node.cases:
            guard = self.expr(case.guard, "test") if case.guard is not None else None
            self._open("case", case.body[0], of=opened, expr=guard)
            for name in sorted(_captures(case.pattern)):
                reason = Unknown("match capture", _span(case.pattern))
                target = Ref(name, _span(case.pattern))
                self.frame.events.append(Bind(target, reason, "=", None, self.frame.block, _span(case.pattern)))
            self.suite(case.body)
            self.frame.block = opened
        self.frame.block = before

    def _jump(self, node: ast.stmt) -> None:
        self.frame.events.append(Jump(type(node).__name__.lower(), self.frame.block, _span(node)))

    def _assert(self, node: ast.Assert) -> None:
        self.frame.events.append(Assert(self.expr(node.test, "test"), self.frame.block, _span(node)))

    def _delete(self, node: ast.Delete) -> None:
        targets = tuple(self._target(target) for target in node.targets)
        self.frame.events.append(Delete(targets, self.frame.block, _span(node)))

    def _scope(self, node: ast.Global | ast.Nonlocal) -> None:
        kind = "global" if isinstance(node, ast.Global) else "nonlocal"
        self.frame.events.append(Scope(kind, tuple(node.names), self.frame.block, _span(node)))

    def _import(self, node: ast.Import) -> None:
        for name in node.names:
            self.imports.append(
                Import(
                    name.name,
                    0,
                    None,
                    name.asname,
                    self.type_checking > 0,
                    self.guarded > 0,
                    self.frame.function,
                    _span(node),
                )  # fmt: skip
            )

    def _import_from(self, node: ast.ImportFrom) -> None:
        for name in node.names:
            self.imports.append(
                Import(
                    node.module or "",
                    node.level,
                    name.name,
                    name.asname,
                    self.type_checking > 0,
                    self.guarded > 0,
                    self.frame.function,
                    _span(node),
                )  # fmt: skip
            )

    # --- functions and classes

    def _def(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        is_async = isinstance(node, ast.AsyncFunctionDef)
        decorators = tuple(self.expr(d, "decorator") for d in node.decorator_list)
        keyword_length = len("async def ") if is_async else len("def ")
        end = node.col_offset + keyword_length + len(node.name.encode())
        span = pack(node.lineno, node.col_offset, node.lineno, end)
        index = self._function(node.name, is_async, decorators, node.args, node.returns, node.body, span)
        self.frame.events.append(Define("function", index, self.frame.block, span))

    def _function(
        self,
        name: str,
        is_async: bool,
        decorators: tuple[Expr, ...],
        arguments: ast.arguments,
        returns: ast.expr | None,
        body: list[ast.stmt] | ast.expr,
        span: Span,
    ) -> int:
        outer = self.frame
        parameters = tuple(self._parameters(arguments))
        returned = self._annotation(returns) if returns is not None else None
        index = len(self.functions)
        self.functions.append(None)
        qualname = outer.prefix + name
        self.frame = _Frame(qualname + ".", index, -1)
        if isinstance(body, list):
            self.suite(body, docstring=True)
        else:
            value = self.expr(body, "return")
            self.frame.events.append(Return(value, 0, _span(body)))
        inner, self.frame = self.frame, outer
        self.functions[index] = FunctionFacts(
            name, qualname, is_async, inner.yields, decorators, parameters, returned, inner.body(),
            outer.function, outer.cls, outer.block, span,
        )  # fmt: skip
        return index

    def _parameters(self, arguments: ast.arguments) -> Iterator[Parameter]:
        positional = [(a, "positional-only") for a in arguments.posonlyargs]
        positional += [(a, "positional") for a in arguments.args]
        first_default = len(positional) - len(arguments.defaults)
        for index, (argument, kind) in enumerate(positional):
            default = arguments.defaults[index - first_default] if index >= first_default else None
            yield self._parameter(argument, kind, default)
        if arguments.vararg is not None:
            yield self._parameter(arguments.vararg, "*", None)
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults):
            yield self._parameter(argument, "keyword-only", default)
        if arguments.kwarg is not None:
            yield self._parameter(arguments.kwarg, "**", None)

    def _parameter(self, argument: ast.arg, kind: str, default: ast.expr | None) -> Parameter:
        annotation = self._annotation(argument.annotation) if argument.annotation is not None else None
        value = self.expr(default, "default") if default is not None else None
        return Parameter(argument.arg, kind, annotation, value, _span(argument))

    def _class(self, node: ast.ClassDef) -> None:
        outer = self.frame
        decorators = tuple(self.expr(d, "decorator") for d in node.decorator_list)
        bases = tuple(self.expr(base, "other") for base in node.bases)
        keywords = tuple(self._keyword(keyword) for keyword in node.keywords)
        index = len(self.classes)
        self.classes.append(None)
        qualname = outer.prefix + node.name
        self.frame = _Frame(qualname + ".", outer.function, index)
        self.suite(node.body, docstring=True)
        inner, self.frame = self.frame, outer
        span = pack(node.lineno, node.col_offset, node.lineno, node.col_offset + 6 + len(node.name.encode()))
        self.classes[index] = ClassFacts(
            node.name, qualname, bases, keywords, decorators, inner.body(),
            outer.function, outer.cls, outer.block, span,
        )  # fmt: skip
        outer.events.append(Define("class", index, outer.block, span))

    # --- expressions

    def expr(self, node: ast.expr, use: str) -> Expr:
        """The expression as a record; ``use`` says what becomes of its value (see ``Call``)."""
        visit = _EXPRESSIONS.get(type(node))
        if visit is None:
            return Unknown(type(node).__name__, _span(node))
        depth = self.depth
        if depth == _DEEPEST:
            return Unknown(_TOO_DEEP, _span(node))
        self.depth = depth + 1
        result = visit(self, node, use)
        self.depth = depth
        return result

    def _annotation(self, node: ast.expr) -> Expr:
        """An annotation; one written as a string is read as the expression it holds."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                inner = ast.parse(node.value.strip(), mode="eval").body
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                return Unknown("unreadable annotation", _span(node))
            for part in ast.walk(inner):
                if isinstance(part, ast.expr):
                    ast.copy_location(part, node)
            return self.expr(inner, "other")
        if isinstance(node, ast.Subscript):
            whole = self.expr(node.value, "other")
            # The strings in Literal[...] are values; elsewhere they are forward references.
            index = self.expr(node.slice, "other") if _last(whole) == "Literal" else self._inner(node.slice)
            return Item(whole, index, _span(node))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            operands = (self._annotation(node.left), self._annotation(node.right))
            return Op("|", operands, _span(node))
        return self.expr(node, "other")

    def _inner(self, node: ast.expr) -> Expr:
        """The arguments of a generic annotation: forward references in strings are read too."""
        if isinstance(node, ast.Tuple):
            return Items("tuple", tuple(self._annotation(item) for item in node.elts), _span(node))
        return self._annotation(node)

    def _name(self, node: ast.Name, use: str) -> Expr:
        self.frame.loads.add(node.id)
        return Ref(node.id, _span(node))

    def _attribute(self, node: ast.Attribute, use: str) -> Expr:
        dotted = _dotted(node)
        if dotted is not None:
            self.frame.loads.add(dotted)
            return Ref(dotted, _span(node))
        return Attr(self.expr(node.value, "receiver"), node.attr, _span(node))

    def _call(self, node: ast.Call, use: str) -> Expr:
        func = self.expr(node.func, "receiver")
        args = tuple([self.expr(arg, "argument") for arg in node.args]) if node.args else ()
        keywords = tuple([self._keyword(keyword) for keyword in node.keywords]) if node.keywords else ()
        calls = self.frame.calls
        calls.append(Call(func, args, keywords, self.frame.block, use, _span(node)))
        return CallRef(len(calls) - 1)

    def _keyword(self, node: ast.keyword) -> Keyword:
        return Keyword(node.arg, self.expr(node.value, "argument"), _span(node))

    def _constant(self, node: ast.Constant, use: str) -> Expr:
        value = node.value
        if isinstance(value, str):
            return Const(value if value.isascii() else _encodable(value), _span(node))
        if value is None or isinstance(value, (bool, float)):
            return Const(value, _span(node))
        if isinstance(value, int):
            return Const(value, _span(node)) if -_INT64 <= value < _INT64 else Unknown("large integer", _span(node))
        if isinstance(value, bytes):
            return Bytes(value.decode("latin-1"), _span(node))
        return Unknown(type(value).__name__, _span(node))

    def _fstring(self, node: ast.JoinedStr, use: str) -> Expr:
        return FString(tuple([self.expr(part, "other") for part in node.values]), _span(node))

    def _hole(self, node: ast.FormattedValue, use: str) -> Expr:
        # How a hole shows its value (``!r``, ``:>10``) is no fact that anyone asks for; what it holds is.
        return self.expr(node.value, "operand")

    def _list(self, node: ast.List, use: str) -> Expr:
        return Items("list", tuple([self.expr(item, "item") for item in node.elts]), _span(node))

    def _tuple(self, node: ast.Tuple, use: str) -> Expr:
        return Items("tuple", tuple([self.expr(item, "item") for item in node.elts]), _span(node))

    def _set(self, node: ast.Set, use: str) -> Expr:
        return Items("set", tuple([self.expr(item, "item") for item in node.elts]), _span(node))

    def _dict(self, node: ast.Dict, use: str) -> Expr:
        keys = tuple([self.expr(key, "item") if key is not None else None for key in node.keys])
        return Mapping(keys, tuple([self.expr(value, "item") for value in node.values]), _span(node))

    def _binary(self, node: ast.BinOp, use: str) -> Expr:
        # A sum of a thousand terms nests a thousand deep on its left: go down it without recursion.
        pending = []
        left: ast.expr = node
        while isinstance(left, ast.BinOp):
            pending.append(left)
            left = left.left
        result = self.expr(left, "operand")
        for level, step in zip(range(len(pending), 0, -1), reversed(pending)):
            right = self.expr(step.right, "operand")
            if level == _DEEPEST:
                result = Unknown(_TOO_DEEP, _span(step))
            result = Op(_OPERATORS[type(step.op)], (result, right), _span(step))
        return result

    def _boolean(self, node: ast.BoolOp, use: str) -> Expr:
        return Op(_OPERATORS[type(node.op)], tuple([self.expr(value, use) for value in node.values]), _span(node))

    def _unary(self, node: ast.UnaryOp, use: str) -> Expr:
        operand = node.operand
        if (
            isinstance(node.op, ast.USub)
            and isinstance(operand, ast.Constant)
            and type(operand.value) in (int, float)
            and abs(operand.value) < _INT64  # type: ignore[arg-type]
        ):
            negative: int | float = -operand.value  # type: ignore[operator, assignment]
            return Const(negative, _span(node))
        return Op(_OPERATORS[type(node.op)], (self.expr(operand, "other"),), _span(node))

    def _compare(self, node: ast.Compare, use: str) -> Expr:
        operands = [self.expr(side, "operand") for side in (node.left, *node.comparators)]
        links = tuple(
            Op(_OPERATORS[type(op)], (operands[i], operands[i + 1]), _span(node)) for i, op in enumerate(node.ops)
        )
        return links[0] if len(links) == 1 else Op("and", links, _span(node))

    def _subscript(self, node: ast.Subscript, use: str) -> Expr:
        return Item(self.expr(node.value, "receiver"), self.expr(node.slice, "other"), _span(node))

    def _slice(self, node: ast.Slice, use: str) -> Expr:
        parts = [part for part in (node.lower, node.upper, node.step) if part is not None]
        return Items("slice", tuple([self.expr(part, "other") for part in parts]), _span(node))

    def _await(self, node: ast.Await, use: str) -> Expr:
        return Await(self.expr(node.value, "await"), _span(node))

    def _yield(self, node: ast.Yield, use: str) -> Expr:
        self.frame.yields = True
        value = self.expr(node.value, "yield") if node.value is not None else None
        return Yield(value, False, _span(node))

    def _yield_from(self, node: ast.YieldFrom, use: str) -> Expr:
        self.frame.yields = True
        return Yield(self.expr(node.value, "iterate"), True, _span(node))

    def _conditional(self, node: ast.IfExp, use: str) -> Expr:
        test = self.expr(node.test, "test")
        return Cond(test, self.expr(node.body, use), self.expr(node.orelse, use), _span(node))

    def _lambda(self, node: ast.Lambda, use: str) -> Expr:
        index = self._function("<lambda>", False, (), node.args, None, node.body, _span(node))
        return Lambda(index, _span(node))

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, use: str) -> Expr:
        before = self.frame.block
        for generator in node.generators:
            kind = "async-comprehension" if generator.is_async else "comprehension"
            iterable = self.expr(generator.iter, "async-iterate" if generator.is_async else "iterate")
            target = self._target(generator.target)
            self._open(kind, node, expr=iterable, target=target)
            span = _span(generator.target)
            self.frame.events.append(Bind(target, iterable, "for", None, self.frame.block, span))
            for test in generator.ifs:
                self._open("if", test, expr=self.expr(test, "test"))
        opened = self.frame.block
        kind = {ast.ListComp: "list", ast.SetComp: "set", ast.DictComp: "dict"}.get(type(node), "generator")
        value: Expr | None = None
        if isinstance(node, ast.DictComp):
            element = self.expr(node.key, "item")
            value = self.expr(node.value, "item")
        else:
            element = self.expr(node.elt, "item")
        self.frame.block = before
        return Comp(kind, element, value, opened, _span(node))

    def _starred(self, node: ast.Starred, use: str) -> Expr:
        return Star(self.expr(node.value, "argument"), _span(node))

    def _walrus(self, node: ast.NamedExpr, use: str) -> Expr:
        value = self.expr(node.value, "bind")
        target = Ref(node.target.id, _span(node.target))
        self.frame.events.append(Bind(target, value, ":=", None, self.frame.block, _span(node)))
        return Walrus(node.target.id, value, _span(node))


_EXPRESSIONS: dict[type, Callable[[_Extractor, Any, str], Expr]] = {
    ast.Name: _Extractor._name, ast.Attribute: _Extractor._attribute, ast.Call: _Extractor._call,
    ast.Constant: _Extractor._constant, ast.JoinedStr: _Extractor._fstring, ast.FormattedValue: _Extractor._hole,
    ast.List: _Extractor._list, ast.Tuple: _Extractor._tuple, ast.Set: _Extractor._set, ast.Dict: _Extractor._dict,
    ast.BinOp: _Extractor._binary, ast.BoolOp: _Extractor._boolean, ast.UnaryOp: _Extractor._unary,
    ast.Compare: _Extractor._compare, ast.Subscript: _Extractor._subscript, ast.Slice: _Extractor._slice,
    ast.Await: _Extractor._await, ast.Yield: _Extractor._yield, ast.YieldFrom: _Extractor._yield_from,
    ast.IfExp: _Extractor._conditional, ast.Lambda: _Extractor._lambda, ast.ListComp: _Extractor._comprehension,
    ast.SetComp: _Extractor._comprehension, ast.GeneratorExp: _Extractor._comprehension,
    ast.DictComp: _Extractor._comprehension, ast.Starred: _Extractor._starred, ast.NamedExpr: _Extractor._walrus,
}  # fmt: skip
_STATEMENTS: dict[type, Callable[[_Extractor, Any], None]] = {
    ast.Expr: _Extractor._do, ast.Assign: _Extractor._assign, ast.AnnAssign: _Extractor._annotated,
    ast.AugAssign: _Extractor._augmented, ast.Return: _Extractor._return, ast.Raise: _Extractor._raise,
    ast.If: _Extractor._if, ast.For: _Extractor._for, ast.AsyncFor: _Extractor._for, ast.While: _Extractor._while,
    ast.Try: _Extractor._try, ast.With: _Extractor._with, ast.AsyncWith: _Extractor._with,
    ast.FunctionDef: _Extractor._def, ast.AsyncFunctionDef: _Extractor._def, ast.ClassDef: _Extractor._class,
    ast.Import: _Extractor._import, ast.ImportFrom: _Extractor._import_from, ast.Pass: _Extractor._jump,
    ast.Break: _Extractor._jump, ast.Continue: _Extractor._jump, ast.Assert: _Extractor._assert,
    ast.Delete: _Extractor._delete, ast.Global: _Extractor._scope, ast.Nonlocal: _Extractor._scope,
    ast.Match: _Extractor._match,
}  # fmt: skip
if sys.version_info >= (3, 11):
    _STATEMENTS[ast.TryStar] = _Extractor._try


def _span(node: ast.AST) -> Span:
    # Inlined ``pack`` for the common case: this runs once per node of every file, none of which has too many lines.
    # Nodes are of many types, which makes their attributes slow to look up, and their dictionaries are not.
    at: dict[str, int] = node.__dict__
    line, end_line, end = at["lineno"], at["end_lineno"], at["end_col_offset"]
    if line == end_line and end < 16384:  # the factors each fit into a digit of Python's integers
        return (line * 16384 + at["col_offset"]) * 134217728 + end
    return pack(line, at["col_offset"], end_line, end)


def _dotted(node: ast.Attribute) -> str | None:
    """``a.b.c`` where the chain starts at a plain name."""
    value = node.value
    if isinstance(value, ast.Name):
        return f"{value.id}.{node.attr}"
    parts = [node.attr]
    while isinstance(value, ast.Attribute):
        parts.append(value.attr)
        value = value.value
    if not isinstance(value, ast.Name):
        return None
    parts.append(value.id)
    parts.reverse()
    return ".".join(parts)


def _last(expr: Expr) -> str:
    return expr.name.rpartition(".")[2] if isinstance(expr, Ref) else ""


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else test.id if isinstance(test, ast.Name) else ""
    return name == "TYPE_CHECKING"


def _captures(pattern: ast.pattern) -> Iterator[str]:
    """The names that a match pattern binds."""
    for node in ast.walk(pattern):
        if isinstance(node, (ast.MatchAs, ast.MatchStar)) and node.name is not None:
            yield node.name
        elif isinstance(node, ast.MatchMapping) and node.rest is not None:
            yield node.rest


def _encodable(text: str) -> str:
    """Lone surrogates cannot be written as UTF-8: they become ``?``."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text
