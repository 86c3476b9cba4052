"""Expressions as text, for what a human reads: response models, arguments."""

from __future__ import annotations

from guardrails.facts.records import Attr, CallRef, Const, Expr, Item, Items, Op, Ref
from guardrails.program.model import Code


def written(expr: Expr, code: Code) -> str:
    """An expression of ``code`` much as its author wrote it; ``…`` for what is long or has no short form."""
    if isinstance(expr, Ref):
        return expr.name
    if isinstance(expr, Const):
        return repr(expr.value)
    if isinstance(expr, Attr):
        return f"{written(expr.value, code)}.{expr.name}"
    if isinstance(expr, Item):
        index = expr.index
        inner = index.items if isinstance(index, Items) and index.kind == "tuple" else (index,)
        return f"{written(expr.value, code)}[{', '.join(written(part, code) for part in inner)}]"
    if isinstance(expr, Items) and expr.kind == "list":
        return f"[{', '.join(written(item, code) for item in expr.items)}]"
    if isinstance(expr, Op) and expr.op == "|":
        return " | ".join(written(operand, code) for operand in expr.operands)
    if isinstance(expr, CallRef):
        call = code.body.calls[expr.index]
        arguments = [written(a, code) for a in call.args]
        arguments += [f"{k.name}={written(k.value, code)}" for k in call.keywords if k.name]
        return f"{written(call.func, code)}({', '.join(arguments)})"
    return "…"
