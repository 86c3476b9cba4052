"""Which collection an operation works on, seen from the calls that lead to it.

The name may be written at the operation, stored by a constructor, given by a subclass, by a document class, or by
the caller. What the callers decide is a ``Parameter`` of the outermost function.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from guardrails.facts import records
from guardrails.facts.records import Call, CallRef, Expr
from guardrails.program.model import Class, Code, Function
from guardrails.program.mongo import Mongo, Operation
from guardrails.program.queries.expressions import Evaluator, Frame
from guardrails.program.queries.model import Unknown
from guardrails.program.queries.symbolic import Parameter
from guardrails.program.types import Types
from guardrails.program.values import (
    ClassValue,
    ExternalInstance,
    ExternalValue,
    InstanceValue,
    LiteralValue,
    ParameterValue,
    Value,
)

LEVELS = 3
"""How many callers outwards a name is followed."""


class Collections:
    """Answers which collection an operation works on."""

    def __init__(self, types: Types, mongo: Mongo, evaluate: Evaluator) -> None:
        self.types = types
        self.mongo = mongo
        self.evaluate = evaluate
        self._subscripted: dict[tuple[Class, str], tuple[tuple[Function, str], ...]] = {}

    def of(self, operation: Operation, frame: Frame) -> str | Unknown:
        """The collection that an operation works on; a ``Parameter`` if the callers decide."""
        model = self._model(operation, frame)
        if isinstance(model, Unknown):
            return model
        receiver = self._receiver_value(operation, frame)
        if model is None and isinstance(receiver, (ClassValue, InstanceValue)):
            model = receiver.cls
        model = model or getattr(receiver, "owner", None)
        if isinstance(model, Class) and self.mongo.is_document(model):
            if self.types.is_a(model, "beanie.View", "beanie.UnionDoc"):
                return Unknown(f"{model.name} is a view, which has no indexes of its own")
            return self.mongo.document_collection(model) or Unknown(f"the collection of {model.name}")
        label = getattr(receiver, "label", None)
        # An empty name is a base class's placeholder.
        if isinstance(label, LiteralValue) and isinstance(label.value, str) and label.value:
            return label.value
        if isinstance(label, ParameterValue):
            named = self._label(label, frame)
            if named is not None:
                return named
        written = self._written(operation.call.func, operation.code, operation.call.block, frame)
        if isinstance(written, str):
            return written
        declared = self._declared_by_model(operation, frame)
        if declared is not None:
            return declared
        handed = self._handed_collection(operation, frame)
        if handed is not None:
            return handed
        outer = _outermost(frame)
        if isinstance(outer.code, Function) and outer.code.cls is not None and frame.receiver is outer.receiver:
            return Parameter("the collection depends on the class", outer.code, "")
        return operation.collection or Unknown("the collection is not named")

    def _model(self, operation: Operation, frame: Frame) -> Class | Unknown | None:
        """The document class that an operation works on, if it is one that the constructor or the callers hand in."""
        root, function = _model_name(operation), frame.code
        first, _, rest = root.partition(".")
        if not isinstance(function, Function) or first not in function.parameters_by_name:
            return operation.model
        if operation.model is None and operation.method.argument("model") is None:
            return None
        if function.has_receiver and first == function.facts.parameters[0].name:
            if not rest or frame.receiver is None:
                return None
            stored = self._stored_parameter(rest, frame.receiver)
            if stored is None:
                return None
            found = set(self._handed_classes(*stored, frame.receiver))
            outer = _outermost(frame)
            if len(found) != 1 and isinstance(outer.code, Function) and frame.receiver is outer.receiver:
                return Parameter("the document class depends on the class", outer.code, "")
        elif frame.caller is None or frame.call is None:
            return Parameter("the callers pass the document class", function, first)
        else:
            argument = function.arguments(frame.call).get(first)
            found = set(self._classes(argument, frame.caller, frame.call.block) if argument else ())
        return found.pop() if len(found) == 1 else Unknown("the document class is not known")

    def _declared_by_model(self, operation: Operation, frame: Frame) -> str | None:
        """The name in ``db[model.__collection__]``, where the constructor is handed the model class."""
        if frame.receiver is None:
            return None
        for function, index in self._subscripts(_source(operation), frame.receiver):
            owner, _, attribute = index.rpartition(".")
            own = function.facts.parameters[0].name if function.has_receiver else ""
            stored: tuple[Function, str] | None = (function, owner) if owner in function.parameters_by_name else None
            if own and owner.startswith(f"{own}."):
                stored = self._stored_parameter(owner.partition(".")[2], frame.receiver)
            found = set(self._handed_classes(*stored, frame.receiver)) if stored else set()
            if len(found) == 1:
                values = self.types.attribute(ClassValue(found.pop()), attribute)
                names = [v.value for v in values if isinstance(v, LiteralValue) and isinstance(v.value, str)]
                return names[0] if len(names) == 1 else None
        return None

    def _subscripts(self, attribute: str, cls: Class) -> tuple[tuple[Function, str], ...]:
        """The dotted names by which a class's attribute or method subscripts the database, with where that stands."""
        found = self._subscripted.get((cls, attribute))
        if found is None:
            found = self._subscripted[cls, attribute] = tuple(self._find_subscripts(attribute, cls))
        return found

    def _find_subscripts(self, attribute: str, cls: Class) -> Iterator[tuple[Function, str]]:
        for owner in self.types.mro(cls):
            for method in owner.methods if isinstance(owner, Class) and attribute else ():
                values = [r.value for r in method.returned] if method.name == attribute else []
                values += [b.value for b in method.attribute_bindings if name_of(b.target) == attribute]
                for value in values:
                    if isinstance(value, records.Item) and isinstance(value.index, records.Ref):
                        yield method, value.index.name

    def _stored_parameter(self, attribute: str, cls: Class) -> tuple[Function, str] | None:
        """The constructor's parameter that ``self.attribute`` holds."""
        for owner in self.types.mro(cls):
            init = owner.method("__init__") if isinstance(owner, Class) else None
            if init is None:
                continue
            own = init.facts.parameters[0].name
            for bind in init.attribute_bindings:
                value = bind.value
                named = isinstance(bind.target, records.Ref) and bind.target.name == f"{own}.{attribute}"
                if named and isinstance(value, records.Ref) and value.name in init.parameters_by_name:
                    return init, value.name
        return None

    def _handed_classes(self, function: Function, name: str, cls: Class) -> Iterator[Class]:
        """The classes that constructing instances of ``cls`` hands to a parameter of a constructor."""
        for code, call in self.types.calls_of(function):
            argument = function.arguments(call).get(name)
            if argument is not None and self._constructs(code, call, cls):
                yield from self._classes(argument, self.evaluate.frame(code, code.class_around), call.block)

    def _classes(self, expr: Expr, frame: Frame, block: int) -> Iterator[Class]:
        for value in self.types.infer(expr, frame.code, block, frame.receiver):
            if isinstance(value, ClassValue):
                yield value.cls

    def _handed_collection(self, operation: Operation, frame: Frame) -> str | Unknown | None:
        """The name of a collection that is itself a parameter, where the call that passes it is known."""
        func, function = operation.call.func, frame.code
        name = func.name.rpartition(".")[0] if isinstance(func, records.Ref) else ""
        if not isinstance(function, Function) or name not in function.parameters_by_name:
            return None
        if frame.caller is None or frame.call is None:
            return Parameter("the callers pass the collection", function, name)
        argument = function.arguments(frame.call).get(name)
        if argument is None:
            return None
        caller = frame.caller
        for value in self.types.infer(argument, caller.code, frame.call.block, caller.receiver):
            label = getattr(value, "label", None)
            if isinstance(label, LiteralValue) and isinstance(label.value, str):
                return label.value
            if isinstance(label, ParameterValue):
                return self._label(label, caller)
        return None

    def _receiver_value(self, operation: Operation, frame: Frame) -> Value | None:
        """What the operation's method is called on, for the frame's class."""
        call = operation.call
        for value in self.types.infer(call.func, operation.code, call.block, frame.receiver):
            if isinstance(value, ExternalValue) and value.receiver is not None:
                return value.receiver
            if isinstance(value, ExternalInstance):
                return value
        return None

    def _label(self, label: ParameterValue, frame: Frame) -> str | Unknown | None:
        """A collection's name that is a parameter, of a function on the way or of a constructor."""
        current: Frame | None = frame
        while current is not None:
            if current.code is label.function:
                value = self.evaluate.variable(label.name, current, 0, None)
                return value if isinstance(value, (str, Unknown)) else Unknown("the collection is not a constant")
            current = current.caller
        names = set(self._handed_names(label.function, label.name, frame.receiver, LEVELS))
        if len(names) == 1:
            (name,) = names
            return name or Unknown("the collection is not a constant")
        return None

    def _handed_names(self, function: Function, name: str, cls: Class | None, levels: int) -> Iterator[str | None]:
        """What calls hand to a parameter, for instances of ``cls``; ``None`` for what is not constant."""
        for code, call in self.types.calls_of(function):
            if cls is None or self._constructs(code, call, cls):
                argument = function.arguments(call).get(name)
                frame = self.evaluate.frame(code, code.class_around)
                value = self.evaluate.value(argument, frame, call.block) if argument else None
                if isinstance(value, Parameter) and value.function is not None and levels:
                    yield from self._handed_names(value.function, value.name, cls, levels - 1)
                else:
                    yield value if isinstance(value, str) else None

    def _constructs(self, code: Code, call: Call, cls: Class) -> bool:
        """Whether a call of a base's ``__init__`` prepares instances of ``cls``: its own ``super()``, or ``cls(…)``."""
        if isinstance(code, Function) and code.name == "__init__" and code.cls is not None:
            return code.cls in self.types.mro(cls)
        values = self.types.infer(call.func, code, call.block)
        return any(isinstance(value, ClassValue) and value.cls is cls for value in values)

    def _written(self, func: Expr, code: Code, block: int, frame: Frame) -> Any:
        """The name in ``db[name].find``, ``db.get_collection(name).find`` and the like, evaluated.

        Through a local variable too: ``collection = db[name]`` and then ``collection.find``.
        """
        base: Expr | None = func.value if isinstance(func, records.Attr) else None
        if isinstance(func, records.Ref) and func.name.count(".") == 1:
            variable = func.name.partition(".")[0]
            binds = [
                event
                for event in code.body.events
                if isinstance(event, records.Bind)
                and isinstance(event.target, records.Ref)
                and event.target.name == variable
                and event.span < func.span
            ]
            base = binds[-1].value if len(binds) == 1 else None
        if isinstance(base, records.Item):
            return self.evaluate.value(base.index, frame, block)
        if isinstance(base, CallRef):
            call = code.body.calls[base.index]
            position = {"get_collection": 0, "getattr": 1}.get(name_of(call.func))
            if position is not None and position < len(call.args):
                return self.evaluate.value(call.args[position], frame, block)
        return None


def _source(operation: Operation) -> str:
    """The attribute or method from which an operation has its collection: ``users`` of ``self.users.find``."""
    func = operation.call.func
    if isinstance(func, records.Ref):
        return next(iter(func.name.split(".")[1:]), "")
    call = operation.code.call(func.value) if isinstance(func, records.Attr) else None
    return name_of(call.func) if call is not None else ""


def name_of(func: Expr) -> str:
    """The last part of what a call calls."""
    if isinstance(func, records.Ref):
        return func.name.rpartition(".")[2]
    return func.name if isinstance(func, records.Attr) else ""


def _model_name(operation: Operation) -> str:
    """The name by which an ODM's operation reads its document class: ``User``, ``self.model``; or nothing."""
    argument = operation.method.argument("model")
    if argument is not None:
        given = operation.call.args[argument.position or 0 :][:1]
        return given[0].name if given and isinstance(given[0], records.Ref) else ""
    func = operation.call.func
    name = func.name if isinstance(func, records.Ref) else ""
    return name.removesuffix(".objects").partition(".objects.")[0] if "objects" in name else name.rpartition(".")[0]


def _outermost(frame: Frame) -> Frame:
    while frame.caller is not None:
        frame = frame.caller
    return frame
