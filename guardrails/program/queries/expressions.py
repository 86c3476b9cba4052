"""From source expressions to the plain values that ``documents`` reads: filters, sorts, pipelines, index keys.

``Evaluator.value(expr, frame, block)`` gives a plain Python value where the source shows one: dicts, lists, strings,
numbers, with ``Unknown`` for what exists at run time only. Local variables are followed through what is assigned
to them and done to them before they are read (``query["a"] = …``, ``.update``, ``.append``, ``|=``); what happens
only under some circumstances is ``Optional``. Calls of the project's own functions give what they return.
A parameter is a :class:`Parameter` unless the frame knows the call that passes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from msgspec import Struct, field

from guardrails.facts import records
from guardrails.facts.records import Call, CallRef, Expr, unpack
from guardrails.knowledge.drivers import INDEX_CONSTANTS
from guardrails.program.model import Class, Code, Function, Module
from guardrails.program.queries import odm
from guardrails.program.queries.documents import Beginning, Few, Optional
from guardrails.program.queries.model import Pattern, Unknown
from guardrails.program.queries.symbolic import (
    RUN_TIME,
    Choice,
    FieldName,
    Parameter,
    Record,
    Spec,
    Test,
    added,
    attributes_of,
    choice,
    compared,
    iterated,
    looked_up,
    merged,
    optional_items,
    placed,
    sometimes,
    until_true,
    with_entry,
)
from guardrails.program.types import Types
from guardrails.program.values import (
    ClassValue,
    ExternalInstance,
    ExternalValue,
    FunctionValue,
    InstanceValue,
    LiteralValue,
    Values,
)

DEPTH = 14
"""How deep variables and helper functions are followed."""
FEW = 12
"""An enumeration of at most this many members is a small one."""

_ANYWHERE = 1 << 30
"""The level of what no call and no loop decides."""


class _Known(Struct, eq=False):
    """A remembered value. The expression is kept beside it: its address is the key.

    ``depth``: of one that was cut short, how deep it stood: no shallower place takes it; -1 of others. ``asked``: the
    outermost level whose call or loop variables it depends on.
    """

    expr: Expr
    value: Any
    depth: int
    asked: int


_Memory = dict[tuple[int, int], _Known]


class Frame(Struct, frozen=True, eq=False):
    """Where an expression is evaluated: the code, the receiver's class, and the call that leads here, if known.

    ``names``: values of loop variables, each with the level of the frame that binds it. ``level``: how many calls and
    loops stand around the outermost code. ``looping``: whether loop variables decide what is read here.

    Frames are made by the evaluator, the same for the same call, and each remembers what was read in it. ``fixed``
    is shared by all frames of the same code and receiver: what was read there without a look at the call.
    """

    code: Code
    receiver: Class | None
    caller: Frame | None
    call: Call | None
    level: int
    fixed: _Memory
    own: _Memory = field(default_factory=dict)
    names: Mapping[str, tuple[int, Any]] = field(default_factory=dict)
    looping: bool = False

    def bind(self, names: Mapping[str, Any]) -> Frame:
        """The frame with loop variables."""
        if not names:
            return self
        level = self.level + 1
        bound = {**self.names, **{name: (level, value) for name, value in names.items()}}
        return Frame(self.code, self.receiver, self.caller, self.call, level, self.fixed, names=bound, looping=True)


class Evaluator:
    """Reads expressions of a program as values."""

    def __init__(self, types: Types) -> None:
        self.types = types
        self._frames: dict[tuple[int, int, int, int], Frame] = {}
        self._fixed: dict[tuple[int, int], _Memory] = {}
        self._depth = 0
        self._cuts = 0
        self._asked = _ANYWHERE
        self._called: dict[int, tuple[Expr, str]] = {}
        self._all_steps: dict[tuple[Code, str], list[tuple[tuple[int, int], _Step]]] = {}

    def frame(
        self, code: Code, receiver: Class | None = None, caller: Frame | None = None, call: Call | None = None
    ) -> Frame:
        """The frame of ``code``, entered by a call in another frame if that is known."""
        # A frame keeps what it is made of, so that no address is used twice.
        key = (id(code), id(receiver), id(caller), id(call))
        found = self._frames.get(key)
        if found is None:
            level = 0 if caller is None else caller.level + 1
            fixed = self._fixed.setdefault(key[:2], {})
            looping = caller is not None and caller.looping
            found = Frame(code, receiver, caller, call, level, fixed, looping=looping)
            if not looping:
                self._frames[key] = found
        return found

    # --- expressions

    def value(self, expr: Expr, frame: Frame, block: int) -> Any:
        """The value of ``expr`` where it stands in ``block`` of the frame's code.

        It is remembered for the code and the class where neither the call that leads there nor a loop variable was
        asked for, else for the frame. ``_asked`` is the outermost level that was.
        """
        reader = self._readers.get(type(expr))
        if reader is None:
            return RUN_TIME
        depth = self._depth
        if depth > DEPTH:
            self._cuts += 1
            return Unknown("too many steps")
        key = (id(expr), block)
        known = frame.fixed.get(key) or frame.own.get(key)
        if known is None or known.depth > depth:
            cuts, asked = self._cuts, self._asked
            self._depth, self._asked = depth + 1, _ANYWHERE
            value = reader(self, expr, frame, block)
            # What was asked of deeper levels came from here.
            level = self._asked if self._asked <= frame.level else _ANYWHERE
            known = _Known(expr, value, -1 if self._cuts == cuts else depth, level)
            self._depth, self._asked = depth, asked
            if level == _ANYWHERE:
                frame.fixed[key] = known
            elif not frame.looping:
                frame.own[key] = known
        elif known.depth >= 0:
            self._cuts += 1
        self._ask(known.asked)
        return known.value

    def _elsewhere(self, expr: Expr, code: Code, receiver: Class | None, block: int) -> Any:
        """The value of an expression in other code, to which no call is followed: no level here decides it."""
        asked = self._asked
        value = self.value(expr, self.frame(code, receiver), block)
        self._asked = asked
        return value

    def _held(self, name: str, code: Code, receiver: Class | None = None) -> Any:
        """What a plain name of other code holds in the end."""
        asked = self._asked
        value = self.variable(name, self.frame(code, receiver), 0, None)
        self._asked = asked
        return value

    def _ask(self, level: int) -> None:
        """Note that what is being read depends on the call or the loop variables of a level."""
        self._asked = min(self._asked, level)

    def _const(self, expr: records.Const, frame: Frame, block: int) -> Any:
        return expr.value

    def _fstring(self, expr: records.FString, frame: Frame, block: int) -> Any:
        text = ""
        for part in expr.parts:
            value = self.value(part, frame, block)
            if isinstance(value, Few):
                value = value.value
            if isinstance(value, Beginning):
                return Beginning(text + value.text)
            if not isinstance(value, (str, int, float)):
                return Beginning(text) if text else RUN_TIME
            text += str(value)
        return text

    def _items(self, expr: records.Items, frame: Frame, block: int) -> Any:
        if expr.kind == "slice":
            return RUN_TIME
        found: list[Any] = []
        for item in expr.items:
            if isinstance(item, records.Star):
                inner = self.value(item.value, frame, block)
                found += inner if isinstance(inner, (list, tuple)) else optional_items(inner)
            else:
                found.append(self.value(item, frame, block))
        return tuple(found) if expr.kind == "tuple" else found

    def _mapping(self, expr: records.Mapping, frame: Frame, block: int) -> Any:
        found: dict[Any, Any] = {}
        for key, value in zip(expr.keys, expr.values):
            evaluated = self.value(value, frame, block)
            if key is None:
                found = merged(found, evaluated)
            else:
                found = with_entry(found, self.value(key, frame, block), evaluated)
        return found

    def _operation(self, expr: records.Op, frame: Frame, block: int) -> Any:
        operands = [self.value(operand, frame, block) for operand in expr.operands]
        if expr.op in odm.COMPARISONS and len(operands) == 2:
            return compared(expr.op, operands[0], operands[1])
        if expr.op == "or":
            return choice(until_true(operands))
        if expr.op in ("neg", "pos"):
            (operand,) = operands
            if isinstance(operand, FieldName):
                return (str(operand), -1 if expr.op == "neg" else 1)
            if isinstance(operand, (int, float)) and not isinstance(operand, bool):
                return -operand if expr.op == "neg" else operand
        if expr.op in ("|", "&") and all(isinstance(operand, Test) for operand in operands):
            return Test({"$or" if expr.op == "|" else "$and": operands})
        if expr.op == "|" and isinstance(operands[0], dict):
            return merged(operands[0], operands[1])
        if expr.op == "+" and len(operands) == 2:
            return added(operands[0], operands[1])
        if expr.op in ("not", "in", "not in", "is", "is not", *odm.COMPARISONS):
            return Few(RUN_TIME)
        return RUN_TIME

    def _cond(self, expr: records.Cond, frame: Frame, block: int) -> Any:
        return choice([self.value(expr.body, frame, block), self.value(expr.orelse, frame, block)])

    def _through(self, expr: records.Await | records.Walrus, frame: Frame, block: int) -> Any:
        return self.value(expr.value, frame, block)

    def _item(self, expr: records.Item, frame: Frame, block: int) -> Any:
        return looked_up(self.value(expr.value, frame, block), self.value(expr.index, frame, block))

    def _attr(self, expr: records.Attr, frame: Frame, block: int) -> Any:
        base = self.value(expr.value, frame, block)
        if isinstance(base, Record):
            return base.fields.get(expr.name, RUN_TIME)
        if isinstance(base, FieldName):
            return FieldName(f"{base}.{expr.name}")
        return base if expr.name == "value" and isinstance(base, Few) else RUN_TIME

    def _comprehension(self, expr: records.Comp, frame: Frame, block: int) -> Any:
        code = frame.code
        tested = any(record.kind == "if" for _, record in code.ancestors_of(expr.block) if _ != block)
        entries: dict[Any, Any] = {}
        items: list[Any] = []
        for names in self.loops(code, expr.block, frame, until=block):
            inner = frame.bind(names)
            element = self.value(expr.element, inner, expr.block)
            if expr.kind == "dict":
                assert expr.value is not None
                value = self.value(expr.value, inner, expr.block)
                entries = with_entry(entries, element, Optional(value) if tested else value)
            else:
                items.append(element)
        return entries if expr.kind == "dict" else items

    # --- names

    def _ref(self, expr: records.Ref, frame: Frame, block: int) -> Any:
        first, _, rest = expr.name.partition(".")
        bound = frame.names.get(first)
        if bound is not None:
            level, value = bound
            self._ask(level)
            return attributes_of(value, rest)
        local = self._local(expr, first, rest, frame, block)
        if local is not None:
            return local
        field_name = self.field_name(expr, frame, block)
        if field_name is not None:
            return field_name
        constant = self._class_constant(expr, frame, block) if rest else None
        if constant is not None:
            return constant
        return self._inferred(expr, frame, block)

    def _local(self, expr: records.Ref, first: str, rest: str, frame: Frame, block: int) -> Any:
        """The value of a local variable or parameter, or of a constant elsewhere; ``None`` if it is neither."""
        scope: Code | None = frame.code
        own = True
        while scope is not None and not isinstance(scope, Module):
            known = first in scope.bindings or (isinstance(scope, Function) and first in scope.parameters_by_name)
            if known and (own or not isinstance(scope, Class)):
                if rest and self._is_receiver(first, scope):
                    return self._attribute(rest, scope, frame.receiver)
                if own:
                    value = self.variable(first, frame, block, expr.span)
                else:
                    value = self._held(first, scope, frame.receiver)
                return attributes_of(value, rest) if rest else value
            scope, own = scope.outer, False
        bind, owner = self.types.single_binding(expr, frame.code)
        if bind is None or owner is None or bind.value is None:
            return None
        if isinstance(owner, Module) and not rest and bind.op == "=" and _is_plain(bind.target):
            name = bind.target.name  # type: ignore[union-attr]
            return self._held(name, owner)
        return self._elsewhere(bind.value, owner, None, bind.block)

    @staticmethod
    def _is_receiver(name: str, scope: Code) -> bool:
        return isinstance(scope, Function) and scope.has_receiver and scope.facts.parameters[0].name == name

    def _attribute(self, path: str, code: Code, receiver: Class | None) -> Any:
        """``self.path``: what the class says, or the one place that stores it; ``None`` for other attributes."""
        name, _, rest = path.partition(".")
        receiver = receiver or (code.cls if isinstance(code, Function) else None)
        if receiver is None:
            return None
        for owner in self.types.mro(receiver):
            if not isinstance(owner, Class):
                continue
            method = owner.method(name)
            if method is not None and method.is_property and len(method.returned) == 1 and not method.is_abstract:
                (given,) = method.returned
                assert given.value is not None
                value = self._elsewhere(given.value, method, receiver, given.block)
                return attributes_of(value, rest) if rest else value
            if name in owner.bindings and method is None:
                value = self._held(name, owner, receiver)
                return attributes_of(value, rest) if rest else value
            stored = [
                (method, bind)
                for method in owner.methods
                if method.has_receiver
                for bind in method.attribute_bindings
                if bind.target.name == f"{method.facts.parameters[0].name}.{name}"  # type: ignore[union-attr]
            ]
            if len(stored) == 1 and stored[0][1].value is not None and stored[0][1].op == "=":
                method, bind = stored[0]
                value = self._elsewhere(bind.value, method, receiver, bind.block)  # type: ignore[arg-type]
                if isinstance(value, (dict, list, tuple, str, int)) and not isinstance(value, bool):
                    return attributes_of(value, rest) if rest else value
            if stored:
                return None
        return None

    def named(self, name: str, span: int, frame: Frame, block: int) -> Values:
        """What a dotted name may be where it is read."""
        first, *rest = name.split(".")
        receiver = frame.receiver or (frame.code.cls if isinstance(frame.code, Function) else None)
        values = self.types.name(first, frame.code, block, span, receiver)
        for attribute in rest:
            values = self.types.attribute_of(values, attribute)
        return values

    def _class_constant(self, expr: records.Ref, frame: Frame, block: int) -> Any:
        """A list or dict that a class holds: ``Registry.INDEXES``; ``None`` for anything else."""
        prefix, _, name = expr.name.rpartition(".")
        for value in self.named(prefix, expr.span, frame, block):
            if not isinstance(value, ClassValue):
                continue
            for owner in self.types.mro(value.cls):
                if isinstance(owner, Class) and name in owner.bindings and owner.method(name) is None:
                    held = self._held(name, owner, value.cls)
                    return held if isinstance(held, (dict, list, tuple)) else None
        return None

    def _inferred(self, expr: records.Ref, frame: Frame, block: int) -> Any:
        """What the type evaluator says, where it is one plain value."""
        values = self.named(expr.name, expr.span, frame, block)
        few = self._few(expr, frame, block)
        if len(values) == 1:
            (only,) = values
            if isinstance(only, LiteralValue):
                return Few(only.value) if few else only.value
            if isinstance(only, ExternalValue) and only.name in INDEX_CONSTANTS:
                return INDEX_CONSTANTS[only.name]
            if isinstance(only, ExternalInstance) and only.cls == "bool":
                return Few(RUN_TIME)
        return Few(RUN_TIME) if few else RUN_TIME

    def _few(self, expr: Expr, frame: Frame, block: int) -> bool:
        """Whether an expression is a member of a small enumeration, or its value."""
        if not isinstance(expr, records.Ref) or "." not in expr.name:
            return False
        prefix = expr.name.removesuffix(".value").rpartition(".")[0]
        bases = self.named(prefix, expr.span, frame, block)
        return any(isinstance(value, ClassValue) and self.small_enum(value.cls) for value in bases)

    def small_enum(self, cls: Class) -> bool:
        """Whether a class is an enumeration of few members."""
        return self.types.is_a(cls, "enum.Enum") and sum(name.isupper() for name in cls.bindings) <= FEW

    def field_name(self, expr: Expr, frame: Frame, block: int) -> FieldName | None:
        """The path that ``User.address.city`` names, if ``User`` is a document class of an ODM."""
        if not isinstance(expr, records.Ref) or "." not in expr.name:
            return None
        parts = expr.name.split(".")
        for length in range(1, len(parts)):
            values = self.named(".".join(parts[:length]), expr.span, frame, block)
            classes = [v.cls for v in values if isinstance(v, ClassValue)]
            if len(classes) == 1 and odm.is_document(self.types, classes[0]):
                path = odm.path(self.types, classes[0], parts[length:])
                return FieldName(path) if path is not None else None
            if len(classes) != 1 and length > 1 and not values:
                return None
        return None

    # --- variables

    def variable(self, name: str, frame: Frame, block: int, span: int | None) -> Any:
        """What the plain name holds where it is read; at the end of the body without a ``span``."""
        code = frame.code
        around = dict(code.ancestors_of(block)) if span is not None else {0: code.body.blocks[0]}
        alternatives: list[tuple[Any, int]] = []
        if isinstance(code, Function) and name in code.parameters_by_name:
            alternatives.append((self._passed(name, frame), 0))
        for step in self._steps(name, code, span):
            if self._leaves(code, step.block, around) or _excluded(code, step.block, around):
                continue
            certain = step.block in around
            if step.assigns and alternatives:
                empty = [self._empties(step.block, name, code, value) for value, _ in alternatives]
                if not any(answer is not False for answer in empty):
                    continue
                certain = certain or all(answer is True for answer in empty)
            for names in self.loops(code, step.block, frame, around=around):
                inner = frame.bind(names)
                if step.assigns:
                    value = step.apply(self, None, inner)
                    alternatives = [(value, step.block)] if certain else [*alternatives, (value, step.block)]
                else:
                    alternatives = [
                        (self._stepped(step, current, home, inner, certain), home) for current, home in alternatives
                    ]
        if not alternatives:
            return RUN_TIME
        return choice([value for value, _ in alternatives])

    @staticmethod
    def _empties(block: int, name: str, code: Code, value: Any) -> bool | None:
        """Whether ``if name is None`` or ``if not name`` lets this value in; ``None`` for other blocks and values."""
        record = code.body.blocks[block]
        test = record.expr
        if record.kind != "if" or not isinstance(test, records.Op) or not test.operands:
            return None
        subject = test.operands[0]
        if not isinstance(subject, records.Ref) or subject.name != name:
            return None
        if test.op == "not":
            return None if isinstance(value, (Unknown, Choice)) else not value
        if test.op == "is" and isinstance(test.operands[1], records.Const) and test.operands[1].value is None:
            return None if isinstance(value, (Unknown, Choice)) else value is None
        return None

    def _stepped(self, step: _Step, current: Any, home: int, frame: Frame, certain: bool) -> Any:
        """One alternative after a step that changes it, surely or not."""
        code = frame.code
        own = dict(code.ancestors_of(home))
        if step.block not in own and _excluded(code, step.block, own):
            return current
        changed = step.apply(self, current, frame)
        if certain or step.block in own:
            return changed
        return sometimes(current, changed)

    def _leaves(self, code: Code, block: int, around: Mapping[int, object]) -> bool:
        """Whether a block that the read is not in ends by leaving, so that nothing it does reaches the read."""
        for index, record in code.ancestors_of(block):
            if index in around:
                return False
            if record.kind in ("for", "async-for", "while", "with", "async-with", "try"):
                continue
            last = [e for e in code.body.events if e.block == index][-1:]
            if last and isinstance(last[0], (records.Return, records.Raise)):
                return True
        return False

    def _steps(self, name: str, code: Code, span: int | None) -> Iterator[_Step]:
        """What is done to a plain name before ``span``, in source order."""
        steps = self._all_steps.get((code, name))
        if steps is None:
            steps = self._all_steps[code, name] = self._find_steps(name, code)
        limit = None if span is None else unpack(span)[:2]
        return (step for end, step in steps if limit is None or end <= limit)

    def _find_steps(self, name: str, code: Code) -> list[tuple[tuple[int, int], _Step]]:
        """Everything that a body does to a plain name, each with where it ends."""
        own = code.reading(_steps_of).get(name, ())
        found = [(unpack(event.span)[2:], 1, step) for event, step in own]
        if isinstance(code, Function):
            for call in code.reading(_handing).get(name, ()):
                found += ((unpack(call.span)[2:], 0, step) for step in self._handed(name, code, call))
        # A call stands before the statement that it is part of.
        return [(end, step) for end, _, step in sorted(found, key=lambda each: each[:2])]

    def _handed(self, name: str, code: Code, call: Call) -> Iterator[_Step]:
        """What a call does to a variable that it hands to a function of the project."""
        for target in self.types.targets(call, code):
            for parameter, arg in target.arguments(call).items():
                if not (isinstance(arg, records.Ref) and arg.name == name):
                    continue
                steps = [step for _, step in target.reading(_steps_of).get(parameter, ())]
                if any(step.assigns for step in steps):
                    continue
                if steps:
                    yield _Step(call.block, False, self._change_in(target, parameter, call))

    @staticmethod
    def _change_in(target: Function, parameter: str, call: Call) -> Callable[[Evaluator, Any, Frame], Any]:
        def change(reader: Evaluator, current: Any, frame: Frame) -> Any:
            outer: Frame | None = frame
            while outer is not None:
                if outer.code is target:
                    return Unknown("changed by a function that calls itself")
                outer = outer.caller
            inner = reader.frame(target, target.cls, frame, call).bind({parameter: current})
            return reader.variable(parameter, inner, 0, None)

        return change

    def _passed(self, name: str, frame: Frame) -> Any:
        """What the frame's own call passes for a parameter."""
        function = frame.code
        assert isinstance(function, Function)
        bound = frame.names.get(name)
        self._ask(frame.level if bound is None else bound[0])
        if bound is not None:
            return bound[1]
        parameter = function.parameters_by_name[name]
        if frame.caller is not None and frame.call is not None:
            if parameter.kind == "**":
                names = {p.name for p in function.parameters}
                return {
                    keyword.name if keyword.name is not None else RUN_TIME: self.value(
                        keyword.value, frame.caller, frame.call.block
                    )
                    for keyword in frame.call.keywords
                    if keyword.name not in names
                }
            if parameter.kind == "*":
                skipped = sum(p.kind in ("positional", "positional-only") for p in function.parameters)
                rest = frame.call.args[skipped:]
                return [self.value(arg, frame.caller, frame.call.block) for arg in rest]
            argument = function.arguments(frame.call).get(name)
            if argument is not None:
                return self.value(argument, frame.caller, frame.call.block)
            if any(isinstance(a, records.Star) for a in frame.call.args) or any(
                keyword.name is None for keyword in frame.call.keywords
            ):
                return RUN_TIME
            if parameter.default is not None and function.outer is not None:
                return self._elsewhere(parameter.default, function.outer, None, 0)
        few = False
        if parameter.annotation is not None and function.outer is not None:
            for value in self.types.annotation(parameter.annotation, function.outer):
                few = few or (isinstance(value, ExternalInstance) and value.cls == "bool")
                few = few or (isinstance(value, InstanceValue) and self.small_enum(value.cls))
        if few:
            return Few(RUN_TIME)
        return Parameter(f"the callers of {function.name} pass {name}", function, name)

    # --- loops

    def loops(
        self,
        code: Code,
        block: int,
        frame: Frame,
        *,
        around: Mapping[int, object] | None = None,
        until: int = -1,
    ) -> list[dict[str, Any]]:
        """The values of the loop variables of the loops around ``block``, once per turn.

        Loops around the read (``around``) or from block ``until`` outwards are left alone. A loop over something
        that is not a literal has one turn with unknown variables.
        """
        chain = []
        for index, record in code.ancestors_of(block):
            if index == until or (around is not None and index in around):
                break
            if record.kind in ("for", "async-for", "comprehension", "async-comprehension"):
                chain.append(record)
        turns: list[dict[str, Any]] = [{}]
        for record in reversed(chain):
            longer: list[dict[str, Any]] = []
            for names in turns:
                inner = frame.bind(names)
                iterable = self.value(record.expr, inner, record.parent) if record.expr else RUN_TIME
                for item in iterated(iterable):
                    longer.append({**names, **_bound(record.target, item)})
            turns = longer if len(longer) <= 200 else [{}]
        return turns

    def every_loop(self, code: Code, block: int, frame: Frame) -> list[Frame]:
        """The frame once per turn of all loops around ``block``."""
        return [frame.bind(names) for names in self.loops(code, block, frame)]

    # --- calls

    def _call(self, expr: CallRef, frame: Frame, block: int) -> Any:
        call = frame.code.body.calls[expr.index]
        method = self._called.get(id(call))
        if method is None and (method := _method(call.func)) is not None:
            # What is read of it is remembered by its address.
            self._called[id(call)] = method
        if method is not None:
            known = self._method_value(method, call, frame)
            if known is not None:
                return known
        for callee in self.types.infer(call.func, frame.code, call.block, frame.receiver):
            if isinstance(callee, ExternalValue):
                return self._external(callee.name, call, frame)
            if isinstance(callee, FunctionValue):
                return self._helper(callee, call, frame)
            if isinstance(callee, ClassValue):
                return self._instance(callee.cls, call, frame)
        return RUN_TIME

    def arguments(self, call: Call, frame: Frame) -> tuple[list[Any], dict[Any, Any]]:
        """The positional and the keyword arguments of a call, evaluated."""
        positional: list[Any] = []
        for arg in call.args:
            value = self.value(arg, frame, call.block)
            if isinstance(arg, records.Star):
                inner = self.value(arg.value, frame, call.block)
                positional += inner if isinstance(inner, (list, tuple)) else [Unknown("arguments are unpacked")]
            else:
                positional.append(value)
        keywords: dict[Any, Any] = {}
        for keyword in call.keywords:
            value = self.value(keyword.value, frame, call.block)
            if keyword.name is None:
                keywords = merged(keywords, value)
            else:
                keywords[keyword.name] = value
        return positional, keywords

    def _method_value(self, method: tuple[Expr, str], call: Call, frame: Frame) -> Any:
        """Methods of plain values and of ODM fields; ``None`` for others."""
        target, name = method
        if name not in _VALUE_METHODS and name not in odm.FIELD_METHODS:
            return None
        base = self.value(target, frame, call.block)
        if isinstance(base, FieldName):
            if name in ("asc", "desc"):
                return (str(base), 1 if name == "asc" else -1)
            operator = odm.FIELD_METHODS.get(name)
            positional, _ = self.arguments(call, frame)
            return Test({str(base): {operator: positional[0]}}) if operator and positional else None
        if isinstance(base, dict):
            if name == "copy":
                return base
            if name == "items":
                return [(key, value) for key, value in base.items()]
            if name == "values":
                return list(base.values())
            if name == "keys":
                return list(base)
            positional = self.arguments(call, frame)[0] if name in ("get", "pop") else []
            if positional:
                default = positional[1] if len(positional) > 1 else None
                return looked_up(base, positional[0], default)
        if isinstance(base, list) and name == "copy":
            return base
        if isinstance(base, (Parameter, Choice)) and name == "copy":
            return base
        return None

    def _external(self, name: str, call: Call, frame: Frame) -> Any:
        """What a function of a library makes of its arguments, which are read only where it is known what it does."""
        last = name.rpartition(".")[2]
        if name == "bool":
            return Few(RUN_TIME)
        if not (name in _BUILT_IN or last == "Regex" or name.startswith(_LIBRARIES)):
            return Unknown(f"what {name} gives is not known")
        positional, keywords = self.arguments(call, frame)
        if name == "re.compile" or last == "Regex":
            return _pattern(positional, keywords, call)
        if name in _DICTS:
            base: Any = positional[0] if positional else {}
            if isinstance(base, (list, tuple)):
                base = {p[0]: p[1] for p in base if isinstance(p, (list, tuple)) and len(p) == 2}
            return merged(base, keywords) if keywords else base
        if name in _SAME:
            return positional[-1] if positional else []
        if name == "odmantic.Index":
            return Spec(positional, keywords, frame.code.place(call.span))
        if name == "getattr" and len(positional) > 1 and isinstance(positional[0], Record):
            return positional[0].fields.get(positional[1], RUN_TIME)
        if name.startswith("pymongo.") and last in ("IndexModel", *_REQUESTS):
            if last == "IndexModel":
                keys = positional[0] if positional else keywords.pop("keys", RUN_TIME)
                return Spec(keys, keywords, frame.code.place(call.span))
            given = positional[0] if positional else keywords.get("filter", {})
            return Record({"request": last, "filter": given})
        return odm.called(name, positional, keywords, Test)

    def _helper(self, callee: FunctionValue, call: Call, frame: Frame) -> Any:
        """What a function of the project returns for these arguments."""
        function = callee.function
        if function.facts.is_generator:
            return RUN_TIME
        functions = list(self.types.functions_of(callee))
        if len(functions) != 1:
            return RUN_TIME
        (function,) = functions
        own = callee.receiver.cls if isinstance(callee.receiver, (InstanceValue, ClassValue)) else None
        inner = self.frame(function, own, frame, call)
        found = [self.value(event.value, inner, event.block) for event in function.returned if event.value is not None]
        return choice(found) if found else RUN_TIME

    def _instance(self, cls: Class, call: Call, frame: Frame) -> Any:
        if self.types.is_a(cls, "dict"):
            return RUN_TIME
        positional, keywords = self.arguments(call, frame)
        names = [name for name, found in cls.bindings.items() if any(getattr(d, "annotation", None) for d in found)]
        init = cls.method("__init__")
        if init is not None:
            names = [parameter.name for parameter in init.parameters]
        fields: dict[str, Any] = {}
        for name in names:
            found = cls.bindings.get(name)
            if found and isinstance(found[-1], records.Bind) and found[-1].value is not None:
                fields[name] = self._elsewhere(found[-1].value, cls, None, 0)
        fields.update(zip(names, positional))
        fields.update({name: value for name, value in keywords.items() if isinstance(name, str)})
        return Record(fields)

    _readers: ClassVar[dict[type, Callable[[Evaluator, Any, Frame, int], Any]]] = {}


Evaluator._readers = {
    records.Const: Evaluator._const,
    records.FString: Evaluator._fstring,
    records.Items: Evaluator._items,
    records.Mapping: Evaluator._mapping,
    records.Op: Evaluator._operation,
    records.Cond: Evaluator._cond,
    records.Await: Evaluator._through,
    records.Walrus: Evaluator._through,
    records.Item: Evaluator._item,
    records.Attr: Evaluator._attr,
    records.Comp: Evaluator._comprehension,
    records.Ref: Evaluator._ref,
    records.CallRef: Evaluator._call,
}

_REQUESTS = ("UpdateOne", "UpdateMany", "ReplaceOne", "DeleteOne", "DeleteMany", "InsertOne")
_DICTS = frozenset({"dict", "bson.SON", "collections.OrderedDict", "bson.son.SON"})
_SAME = frozenset({"list", "tuple", "copy.copy", "copy.deepcopy", "typing.cast", "sorted", "set"})
_BUILT_IN = frozenset({"re.compile", "getattr", *_DICTS, *_SAME})
_LIBRARIES = ("pymongo.", "beanie.", "odmantic.", "mongoengine.Q")
_VALUE_METHODS = frozenset({"copy", "items", "values", "keys", "get", "pop", "asc", "desc"})


# --- steps that change a variable


class _Step(Struct, frozen=True):
    """One thing done to a variable: ``assigns`` a new value, or changes the current one."""

    block: int
    assigns: bool
    apply: Callable[[Evaluator, Any, Frame], Any]


def _steps_of(code: Code) -> dict[str, list[tuple[records.Event, _Step]]]:
    """What each statement of a body does to plain names, by name, in source order."""
    table: dict[str, list[tuple[records.Event, _Step]]] = {}
    for event in code.body.events:
        for name, step in _steps_at(event, code):
            table.setdefault(name, []).append((event, step))
    return table


def _handing(code: Code) -> dict[str, list[Call]]:
    """The calls of a body by the names that they are given, once each."""
    table: dict[str, list[Call]] = {}
    for call in code.body.calls:
        given = (*call.args, *[keyword.value for keyword in call.keywords])
        for name in dict.fromkeys(arg.name for arg in given if isinstance(arg, records.Ref)):
            table.setdefault(name, []).append(call)
    return table


def _steps_at(event: records.Event, code: Code) -> Iterator[tuple[str, _Step]]:
    """What a statement does to plain names."""
    if isinstance(event, records.Bind):
        yield from _bind_steps(event)
    elif isinstance(event, records.Delete):
        for name in dict.fromkeys(_root(target) for target in event.targets):
            yield name, _Step(event.block, False, lambda *_: Unknown("a part is deleted"))
    elif isinstance(event, records.Do):
        value = event.value.value if isinstance(event.value, records.Await) else event.value
        if isinstance(value, CallRef):
            yield from _call_steps(code.body.calls[value.index], code)


def _bind_steps(event: records.Bind) -> Iterator[tuple[str, _Step]]:
    target, value = event.target, event.value
    if isinstance(target, records.Ref):
        if value is None:
            return
        if event.op in ("=", ":="):
            step = _Step(event.block, True, lambda reader, _, frame: reader.value(value, frame, event.block))
        elif event.op in ("|=", "+="):
            step = _Step(
                event.block,
                False,
                lambda reader, current, frame: (
                    added(current, reader.value(value, frame, event.block))
                    if event.op == "+="
                    else merged(current, reader.value(value, frame, event.block))
                ),
            )
        else:
            step = _Step(event.block, True, lambda *_: RUN_TIME)
        yield target.name, step
    elif isinstance(target, records.Item):
        if value is None:
            return
        path = _keys_of(target)

        def put(reader: Evaluator, current: Any, frame: Frame) -> Any:
            keys = [reader.value(key, frame, event.block) for key in path]
            new = reader.value(value, frame, event.block) if event.op == "=" else RUN_TIME
            return placed(current, keys, lambda _: new)

        yield _root(target), _Step(event.block, False, put)
    elif isinstance(target, records.Items):
        for name in dict.fromkeys(part.name for part in target.items if isinstance(part, records.Ref)):
            yield name, _Step(event.block, True, lambda *_: RUN_TIME)


_CHANGES = frozenset({"update", "append", "extend", "insert", "setdefault", "pop", "clear", "popitem", "remove"})


def _call_steps(call: Call, code: Code) -> Iterator[tuple[str, _Step]]:
    found = _method(call.func)
    if found is None or found[1] not in _CHANGES:
        return
    target, method = found
    default: records.Call | None = None
    path: list[Expr] = []
    if isinstance(target, CallRef):
        # query.setdefault("$and", []).append(...)
        default = code.body.calls[target.index]
        inner = _method(default.func)
        if inner is None or inner[1] != "setdefault" or not default.args:
            return
        target, path = inner[0], [default.args[0]]
    if isinstance(target, records.Item):
        path = [*_keys_of(target), *path]
    elif not isinstance(target, records.Ref):
        return

    def change(reader: Evaluator, current: Any, frame: Frame) -> Any:
        positional, keywords = reader.arguments(call, frame)
        keys = [reader.value(key, frame, call.block) for key in path]
        return placed(current, keys, lambda old: _changed(old, method, positional, keywords))

    yield _root(target), _Step(call.block, False, change)


def _changed(old: Any, method: str, positional: list[Any], keywords: dict[Any, Any]) -> Any:
    """A value after a call of one of its changing methods."""
    first = positional[0] if positional else {}
    if method == "update":
        return merged(merged(old, first) if positional else old, keywords)
    if method == "setdefault" and isinstance(old, dict):
        return old if first in old else with_entry(old, first, positional[1] if len(positional) > 1 else None)
    if method in ("append", "extend", "insert"):
        if old is None:
            old = []
        if isinstance(old, list):
            if method == "append":
                return [*old, first]
            if method == "extend":
                return [*old, *(first if isinstance(first, (list, tuple)) else optional_items(first))]
            if method == "insert" and first == 0 and len(positional) == 2:
                return [positional[1], *old]
    if method == "clear":
        return {}
    if method == "pop" and isinstance(old, dict) and isinstance(first, str):
        return {key: value for key, value in old.items() if key != first}
    return Unknown(f"changed by .{method}()")


def _method(func: Expr) -> tuple[Expr, str] | None:
    """What a method is called on, and its name."""
    if isinstance(func, records.Attr):
        return func.value, func.name
    if isinstance(func, records.Ref) and "." in func.name:
        base, _, name = func.name.rpartition(".")
        return records.Ref(base, func.span), name
    return None


def _root(expr: Expr) -> str:
    """The plain name that a chain of subscripts starts from."""
    while isinstance(expr, records.Item):
        expr = expr.value
    return expr.name if isinstance(expr, records.Ref) else ""


def _keys_of(expr: Expr) -> list[Expr]:
    keys: list[Expr] = []
    while isinstance(expr, records.Item):
        keys.insert(0, expr.index)
        expr = expr.value
    return keys


def _is_plain(target: Expr) -> bool:
    return isinstance(target, records.Ref) and "." not in target.name


def _excluded(code: Code, own: int, around: Mapping[int, object]) -> bool:
    """Whether a block is another arm of a branch that the read is in."""
    blocks = code.body.blocks
    for index, record in code.ancestors_of(own):
        if index in around:
            return False
        if record.kind in ("else", "except", "case") and record.of in around:
            return True
        for other in around:
            kind, of = blocks[other].kind, blocks[other].of
            if (kind == "else" and of == index) or (
                kind == record.kind and kind in ("case", "except") and of == record.of and other != index
            ):
                return True
    return False


def _pattern(positional: list[Any], keywords: Mapping[Any, Any], call: Call) -> Pattern:
    source = positional[0] if positional else keywords.get("pattern", RUN_TIME)
    flags: Any = positional[1] if len(positional) > 1 else keywords.get("flags", 0)
    expr = call.args[1] if len(call.args) > 1 else next((k.value for k in call.keywords if k.name == "flags"), None)
    ignore_case: bool | Unknown = False
    if isinstance(flags, str):
        ignore_case = "i" in flags
    elif expr is not None:
        names = _flag_names(expr)
        ignore_case = RUN_TIME if names is None else bool(names & {"I", "IGNORECASE"})
    if isinstance(source, Pattern):
        return Pattern(source.start, ignore_case, source.whole)
    if isinstance(source, Beginning):
        return Pattern(source.text, ignore_case, whole=False)
    return Pattern(source if isinstance(source, str) else RUN_TIME, ignore_case)


def _flag_names(expr: Expr) -> set[str] | None:
    """The names of ``re.I | re.M``."""
    if isinstance(expr, records.Ref):
        name = expr.name.rpartition(".")[2]
        return {name} if name.isupper() else None
    if isinstance(expr, records.Op) and expr.op == "|":
        parts = [_flag_names(operand) for operand in expr.operands]
        return None if None in parts else {name for part in parts for name in part or ()}
    return None


def _bound(target: Expr | None, item: Any) -> dict[str, Any]:
    if isinstance(target, records.Ref):
        return {target.name: item}
    if isinstance(target, records.Items):
        parts: Sequence[Any] = (
            item
            if isinstance(item, (list, tuple)) and len(item) == len(target.items)
            else [RUN_TIME] * len(target.items)
        )
        return {name: value for part, each in zip(target.items, parts) for name, value in _bound(part, each).items()}
    return {}
