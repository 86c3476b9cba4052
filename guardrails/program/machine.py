"""A small Python: runs bodies on the values of ``things``, in order, both arms of a branch, imports when they come.

``Machine`` knows nothing of the web; ``Assembly`` says which functions are worth running and what routers do. A name
that the run does not know is asked of ``Types``. Nothing of the checked code is imported or run by Python itself.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from guardrails.facts.records import (
    Attr,
    Await,
    Bind,
    Block,
    Call,
    CallRef,
    Comp,
    Cond,
    Const,
    Define,
    Do,
    Event,
    Expr,
    FString,
    Import,
    Item,
    Items,
    Jump,
    Lambda,
    Mapping,
    Op,
    Raise,
    Ref,
    Return,
    Span,
    Star,
    Walrus,
    Yield,
    unpack,
)  # fmt: skip
from guardrails.program import external
from guardrails.program.model import Class, Code, Function, Module, tail
from guardrails.program.modules import Modules
from guardrails.program.things import (
    KEYS,
    PURE,
    UNREAD,
    Arguments,
    Choice,
    Closure,
    External,
    Frame,
    Instance,
    Method,
    Registrar,
    Router,
    Super,
    Unread,
    choice,
    items_of,
    joined,
    native,
    no_arguments,
    pure,
)  # fmt: skip
from guardrails.program.types import Types
from guardrails.program.values import (
    NOTHING,
    ClassValue,
    ExternalInstance,
    ExternalValue,
    FunctionValue,
    InstanceValue,
    LiteralValue,
    ModuleValue,
    SequenceValue,
    Value,
    Values,
    known,
)  # fmt: skip
from guardrails.program.web import Site

# How many statements one run may execute, how deep calls may nest, and how long a function may be that runs only for
# the sake of what it returns.
_BUDGET = 200_000
_DEPTH = 30
_SMALL = 12

# Imports and calls nest; each level is a few frames of this very code.
_RECURSION_LIMIT = 12_000

_LOOPS = frozenset({"for", "async-for"})
_CONDITIONAL = frozenset({"if", "else", "while", "loop-else", "except", "try-else", "case"})
_MANAGERS = frozenset({"contextmanager", "asynccontextmanager"})
# Decorators that leave a method to its class.
_PLAIN = frozenset(
    {"abstractmethod", "cached_property", "classmethod", "deleter", "overload", "property", "setter", "staticmethod"}
)
_SECOND = frozenset({"else", "loop-else", "try-else", "finally", "except"})
_BUILTINS = frozenset(dir(builtins))

Steps = list[tuple[Event | Import, int]]


class Machine:
    """The run. ``spent``: it was cut short."""

    def __init__(self, modules: Modules, types: Types) -> None:
        self.modules = modules
        self.types = types
        self.spent = False
        self._frames: dict[Module, Frame] = {}
        self._class_frames: dict[Class, Frame] = {}
        self._put_off: set[Class] = set()
        self._ran: set[Code] = set()
        self._conditions: list[tuple[int, int]] = []
        self._stack: list[Function] = []
        self._steps = 0
        self._serial = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        """The time of a run: code that nests too deeply ends it."""
        before = sys.getrecursionlimit()
        sys.setrecursionlimit(max(before, _RECURSION_LIMIT))
        try:
            yield
        except RecursionError:
            self.spent = True
        finally:
            sys.setrecursionlimit(before)

    # --- what a subclass knows better

    def worth_running(self, function: Function, given: list[Any]) -> bool:
        """Whether a call of the function is run rather than asked of ``Types``."""
        return len(function.body.events) <= _SMALL

    def asks_types(self, code: Code) -> bool:
        """Whether what the run does not know in ``code`` is worth a question to ``Types``."""
        return True

    def hand_on(self, things: Any, site: Site | None = None) -> None:
        """Values go where the run does not follow."""

    # --- modules

    def imported(self, module: Module) -> Frame:
        """The module's frame; the first import runs the packages around it, then its body."""
        found = self._frames.get(module)
        if found is not None:
            return found
        parent = self.modules.by_name.get(module.name.rpartition(".")[0])
        if parent is not None:
            self.imported(parent)
            if module in self._frames:
                return self._frames[module]
        frame = self._frames[module] = self._frame(module, None)
        conditions, self._conditions = self._conditions, []
        stack, self._stack = self._stack, []
        self._body(frame)
        self._conditions, self._stack = conditions, stack
        return frame

    def _frame(self, code: Code, outer: Frame | None) -> Frame:
        self._serial += 1
        self._ran.add(code)
        return Frame(code, outer, self._serial)

    def _bind_import(self, item: Import, frame: Frame) -> None:
        module = frame.code.module
        if item.type_checking:
            return
        if item.name is None:
            found = self.modules.find(item.module, module)
            if found is not None:
                self.imported(found)
            top = item.module if item.alias else item.module.partition(".")[0]
            named = found if item.alias else self.modules.find(top, module)
            frame.names[item.alias or top] = named if named is not None else External(external.canonical(top))
            return
        source = self.modules.imported_module(module, item)
        if item.name == "*":
            if source is not None and source is not module:
                names = self.imported(source).names
                exports = source.facts.exports
                chosen = exports if exports is not None else [n for n in names if not n.startswith("_")]
                frame.names.update({n: names[n] for n in chosen if n in names})
            return
        bound = item.alias or item.name
        if source is not None and source is not module:
            self.imported(source)
            value = self._module_attribute(source, item.name)
            if value is not UNREAD:
                frame.names[bound] = value
                return
        base = self.modules.absolute(module, item)
        whole = f"{base}.{item.name}" if base else item.name
        submodule = self.modules.find(whole, module) if base is not None else None
        if submodule is not None:
            self.imported(submodule)
            frame.names[bound] = submodule
        elif source is None and not item.level:
            frame.names[bound] = External(external.canonical(whole))
        else:
            frame.names[bound] = self.converted(self.types.imported(module, item))

    def _module_attribute(self, module: Module, name: str) -> Any:
        frame = self.imported(module)
        if name in frame.names:
            return frame.names[name]
        submodule = self.modules.by_name.get(f"{module.name}.{name}")
        if submodule is not None and submodule in self._frames:
            return submodule
        return UNREAD

    # --- statements

    def _body(self, frame: Frame) -> None:
        self._suite(frame, frame.code.reading(_steps_of), 0)

    def _suite(self, frame: Frame, steps: Steps, block: int) -> None:
        """Statements of ``block``; stretches that lie in an inner block are entered as one."""
        code, position = frame.code, 0
        while position < len(steps) and not frame.stopped:
            event, own = steps[position]
            if own == block:
                frame.block = block
                same = position > 0 and _same_assignment(steps[position - 1][0], event)
                self._statement(event, frame, same)
                position += 1
                continue
            inner = own
            while code.body.blocks[inner].parent != block:
                inner = code.body.blocks[inner].parent
            end = position
            while end < len(steps) and code.inside(steps[end][1], inner):
                end += 1
            self._block(frame, inner, steps[position:end])
            position = end

    def _block(self, frame: Frame, index: int, steps: Steps) -> None:
        block = frame.code.body.blocks[index]
        frame.block = block.parent
        if block.kind in _LOOPS:
            self._loop(frame, index, block, steps)
        elif block.kind in {"with", "async-with"}:
            value = self.eval(block.expr, frame) if block.expr is not None else UNREAD
            if block.target is not None:
                self._assign(block.target, value, frame)
            self._suite(frame, steps, index)
        elif block.kind in _CONDITIONAL:
            self._arm(frame, index, block, steps)
        elif block.kind not in {"comprehension", "async-comprehension"}:
            self._suite(frame, steps, index)

    def _loop(self, frame: Frame, index: int, block: Block, steps: Steps) -> None:
        assert block.expr is not None
        assert block.target is not None
        items = items_of(self.eval(block.expr, frame))
        if items is None:
            self._assign(block.target, UNREAD, frame)
            self._under(frame, index, steps)
            return
        for item in items:
            self._assign(block.target, item, frame)
            self._suite(frame, steps, index)
            if frame.stopped:
                return

    def _under(self, frame: Frame, index: int, steps: Steps) -> None:
        self._conditions.append((frame.serial, index))
        self._suite(frame, steps, index)
        self._conditions.pop()
        frame.stopped = False

    def _arm(self, frame: Frame, index: int, block: Block, steps: Steps) -> None:
        """An arm of a branch: afterwards a name is what either arm made of it."""
        test = frame.code.body.blocks[block.of] if block.kind == "else" else block
        truth = self._truth(test.expr, frame) if test.kind == "if" and test.expr is not None else None
        if truth is not None:
            if truth == (block.kind == "if"):
                self._suite(frame, steps, index)
            return
        before = dict(frame.names)
        other = before
        if block.kind == "else" and block.of in frame.arms:
            before, other = frame.arms[block.of]
            frame.names.clear()
            frame.names.update(before)
        self._under(frame, index, steps)
        after = dict(frame.names)
        if block.kind == "if":
            frame.arms[index] = (before, after)
        for name, value in other.items():
            frame.names[name] = choice(value, after[name]) if name in after else value

    def _truth(self, test: Expr, frame: Frame) -> bool | None:
        """Whether a test holds, where the run knows: ``if admin:`` of an argument, ``if router is None:``."""
        if isinstance(test, Op) and test.op == "not":
            inner = self._truth(test.operands[0], frame)
            return None if inner is None else not inner
        if isinstance(test, Op) and test.op in {"is", "is not"} and isinstance(test.operands[0], Ref):
            right = test.operands[1]
            value = frame.names.get(test.operands[0].name, UNREAD)
            if isinstance(right, Const) and right.value is None and not isinstance(value, (Unread, Choice)):
                return (value is None) == (test.op == "is")
            return None
        if isinstance(test, Ref):
            if test.name.rpartition(".")[2] == "TYPE_CHECKING":
                return False
            value = frame.names.get(test.name, UNREAD)
            plain = value is None or isinstance(value, (bool, str, list, tuple, dict))
            if isinstance(frame.code, Function) and plain:
                return bool(value)
            return True if isinstance(value, (Router, Module, Class)) else None
        call = frame.code.call(test)
        if call is not None and tail(call.func) == "hasattr" and len(call.args) == 2:
            owner, name = (self.eval(a, frame) for a in call.args)
            if isinstance(owner, Module) and isinstance(name, str):
                return self._module_attribute(owner, name) is not UNREAD
        return None

    def _statement(self, event: Event | Import, frame: Frame, same: bool) -> None:
        self._steps += 1
        if self._steps > _BUDGET:
            self.spent = frame.stopped = True
            return
        if isinstance(event, Import):
            self._bind_import(event, frame)
        elif isinstance(event, Define):
            self._define(event, frame)
        elif isinstance(event, Bind):
            if event.op in {"=", ":="}:
                if event.value is not None:
                    # ``a = b = APIRouter()`` is two bindings of one value.
                    frame.value = frame.value if same else self.eval(event.value, frame)
                    self._assign(event.target, frame.value, frame)
            elif event.op == "except":
                self._assign(event.target, UNREAD, frame)
            elif event.op not in {"for", "with"} and event.value is not None:
                self._augment(event, frame)
        elif isinstance(event, Do):
            self.eval(event.value, frame)
        elif isinstance(event, Return):
            frame.returned.append(self.eval(event.value, frame) if event.value is not None else None)
            frame.stopped = True
        elif isinstance(event, Raise) or (isinstance(event, Jump) and event.kind == "raise"):
            frame.stopped = True

    def _define(self, event: Define, frame: Frame) -> None:
        module = frame.code.module
        if event.kind == "class":
            cls = module.classes[event.index]
            inner = self._class_frames[cls] = self._frame(cls, frame)
            if cls.reading(_only_declares):
                self._put_off.add(cls)
            else:
                self._body(inner)
            frame.names[cls.name] = cls
            return
        function = module.functions[event.index]
        closure = Closure(function, frame)
        decorators = [self.eval(decorator, frame) for decorator in function.facts.decorators]
        frame.names[function.name] = closure
        for decorator in reversed(decorators):
            if isinstance(decorator, (Registrar, Choice)):
                self.call(decorator, Arguments(Site(frame.code, 0), [closure], {}, {}), frame)

    def _class_frame(self, cls: Class) -> Frame | None:
        """The frame of a class that was defined; the body of one that only declares runs when first asked for."""
        frame = self._class_frames.get(cls)
        if frame is not None and cls in self._put_off:
            self._put_off.discard(cls)
            self._body(frame)
        return frame

    def _assign(self, target: Expr, value: Any, frame: Frame) -> None:
        if isinstance(target, Ref):
            base, _, name = target.name.rpartition(".")
            if base:
                self.store(self._name(Ref(base, target.span), frame), name, value)
            elif isinstance(frame.code, Function) and name in frame.code.outer_names:
                self._owner(frame, name).names[name] = value
            else:
                frame.names[name] = value
        elif isinstance(target, Items):
            items = items_of(value)
            parts = items if items is not None and len(items) == len(target.items) else [UNREAD] * len(target.items)
            for part, item in zip(target.items, parts):
                self._assign(part, item, frame)
        elif isinstance(target, Item):
            owner, key = self.eval(target.value, frame), self.eval(target.index, frame)
            if isinstance(owner, dict) and isinstance(key, (str, int)):
                owner[key] = value

    def _owner(self, frame: Frame, name: str) -> Frame:
        outer = frame.outer
        while outer is not None and name not in outer.names:
            outer = outer.outer
        return outer if outer is not None else self._frames[frame.code.module]

    def store(self, owner: Any, name: str, value: Any) -> None:
        """``owner.name = value``."""
        if isinstance(owner, Instance):
            owner.attributes[name] = value

    def _augment(self, event: Bind, frame: Frame) -> None:
        assert event.value is not None
        added = self.eval(event.value, frame)
        if not isinstance(event.target, Ref):
            return
        value = self.added(self._name(event.target, frame), added, Site(frame.code, 0))
        if value is not None:
            self._assign(event.target, value if event.op == "+=" else UNREAD, frame)

    def added(self, owner: Any, added: Any, site: Site) -> Any:
        """``owner += added``: what the name is afterwards; None where the owner itself has changed."""
        items = items_of(added)
        if isinstance(owner, list) and items is not None:
            owner.extend(items)
            return None
        return owner + added if isinstance(owner, str) and isinstance(added, str) else UNREAD

    # --- expressions

    def eval(self, expr: Expr, frame: Frame) -> Any:
        """The value of an expression where the frame stands, its effects included."""
        if isinstance(expr, Const):
            return expr.value
        if isinstance(expr, Ref):
            return self._name(expr, frame)
        if isinstance(expr, CallRef):
            return self._call(expr.index, frame)
        if isinstance(expr, Attr):
            return self._known(self.attribute(self.eval(expr.value, frame), expr.name), expr, frame)
        if isinstance(expr, (Await, Star)):
            return self.eval(expr.value, frame)
        if isinstance(expr, Items):
            return self._display(expr, frame)
        if isinstance(expr, Mapping):
            return self._mapping(expr, frame)
        if isinstance(expr, FString):
            return self._known(joined([self.eval(part, frame) for part in expr.parts]), expr, frame)
        if isinstance(expr, Op):
            return self._operation(expr, frame)
        if isinstance(expr, Cond):
            truth = self._truth(expr.test, frame)
            if truth is not None:
                return self.eval(expr.body if truth else expr.orelse, frame)
            return choice(self.eval(expr.body, frame), self.eval(expr.orelse, frame))
        if isinstance(expr, Item):
            return self._subscript(self.eval(expr.value, frame), self.eval(expr.index, frame))
        if isinstance(expr, Comp):
            return self._comprehension(expr, frame)
        if isinstance(expr, Walrus):
            frame.names[expr.name] = value = self.eval(expr.value, frame)
            return value
        if isinstance(expr, Lambda):
            return Closure(frame.code.module.functions[expr.function], frame)
        if isinstance(expr, Yield) and expr.value is not None:
            value = self.eval(expr.value, frame)
            frame.yielded.extend((items_of(value) or [UNREAD]) if expr.whole else [value])
        return UNREAD

    def _known(self, value: Any, expr: Expr, frame: Frame) -> Any:
        """``value``, or what ``Types`` says of the expression where the run does not know."""
        if value is not UNREAD or not self.asks_types(frame.code):
            return value
        return self.converted(self.types.infer(expr, frame.code, frame.block))

    def converted(self, values: Values) -> Any:
        """What ``Types`` says, as a value of the run; ``UNREAD`` unless it is one thing or several routers."""
        said = known(values)
        if len(said) != len(values) and values != (NOTHING,):
            return UNREAD
        things = [self.thing(value) for value in values]
        if len(things) == 1:
            return things[0]
        return choice(*things) if things and all(isinstance(t, (Router, Choice)) for t in things) else UNREAD

    def thing(self, value: Value) -> Any:
        """A value of ``Types`` as a value of the run."""
        if isinstance(value, LiteralValue):
            return value.value
        if isinstance(value, ModuleValue):
            self.imported(value.module)
            return value.module
        if isinstance(value, ClassValue):
            return value.cls
        if isinstance(value, InstanceValue):
            return Instance(value.cls)
        if isinstance(value, FunctionValue):
            plain = isinstance(value.function.outer, Module) and value.receiver is None
            return Closure(value.function, self._frames.get(value.function.module)) if plain else UNREAD
        if isinstance(value, ExternalValue) and value.receiver is None:
            return External(value.name)
        if isinstance(value, ExternalInstance):
            return UNREAD if value.cls in {"str", "list", "dict", "tuple"} else External(value.cls)
        if isinstance(value, SequenceValue):
            items = [self.converted((item,)) for item in value.items]
            return UNREAD if not items or any(item is UNREAD for item in items) else items
        return UNREAD

    def _name(self, ref: Ref, frame: Frame) -> Any:
        first, *rest = ref.name.split(".")
        value = self._lookup(first, frame)
        for attribute in rest:
            value = self.attribute(value, attribute)
        return self._known(value, ref, frame)

    def _lookup(self, name: str, frame: Frame) -> Any:
        scope: Frame | None = frame
        while scope is not None:
            if name in scope.names and (scope is frame or not isinstance(scope.code, Class)):
                return scope.names[name]
            scope = scope.outer
        module = frame.code.module
        if name in self._frames[module].names:
            return self._frames[module].names[name]
        if name == "__name__":
            return module.name
        return External(name) if name not in module.bindings and name in _BUILTINS else UNREAD

    def _display(self, expr: Items, frame: Frame) -> Any:
        if expr.kind == "slice":
            return UNREAD
        values: list[Any] = []
        for item in expr.items:
            value = self.eval(item, frame)
            if isinstance(item, Star):
                items = items_of(value)
                if items is None:
                    return UNREAD
                values.extend(items)
            else:
                values.append(value)
        return tuple(values) if expr.kind == "tuple" else values

    def _mapping(self, expr: Mapping, frame: Frame) -> Any:
        table: dict[Any, Any] = {}
        for key, value in zip(expr.keys, expr.values):
            evaluated = self.eval(value, frame)
            if key is None:
                if not isinstance(evaluated, dict):
                    return UNREAD
                table.update(evaluated)
                continue
            named = self.eval(key, frame)
            table[named if isinstance(named, KEYS) else object()] = evaluated
        return table

    def _operation(self, expr: Op, frame: Frame) -> Any:
        values = [self.eval(operand, frame) for operand in expr.operands]
        if expr.op == "+" and len(values) == 2:
            left, right = values
            if isinstance(left, str) and isinstance(right, str):
                return left + right
            if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
                return [*left, *right]
        if expr.op == "or":
            for value in values[:-1]:
                if isinstance(value, (Unread, Choice)):
                    return UNREAD
                if value:
                    return value
            return values[-1]
        if expr.op == "/" and isinstance(values[0], External):
            return values[0]
        return UNREAD

    @staticmethod
    def _subscript(base: Any, index: Any) -> Any:
        if isinstance(base, dict):
            return base.get(index, UNREAD) if isinstance(index, (str, int)) else UNREAD
        if isinstance(base, (list, tuple)) and isinstance(index, int) and -len(base) <= index < len(base):
            return base[index]
        return base if isinstance(base, (Class, External)) and not isinstance(index, str) else UNREAD

    def _comprehension(self, expr: Comp, frame: Frame) -> Any:
        blocks = frame.code.body.blocks
        chain: list[int] = []
        index = expr.block
        while index >= 0 and blocks[index].kind in {"comprehension", "async-comprehension", "if"}:
            chain.insert(0, index)
            index = blocks[index].parent
        made: list[Any] = []
        table: dict[Any, Any] = {}
        whole = True

        def run(position: int) -> None:
            nonlocal whole
            if position == len(chain):
                element = self.eval(expr.element, frame)
                if expr.value is not None:
                    table[element if isinstance(element, (str, int)) else object()] = self.eval(expr.value, frame)
                else:
                    made.append(element)
                return
            block = blocks[chain[position]]
            if block.kind == "if" or block.expr is None:
                truth = self._truth(block.expr, frame) if block.expr is not None else None
                whole = whole and truth is not None
                if truth is not False:
                    run(position + 1)
                return
            items = items_of(self.eval(block.expr, frame))
            whole = whole and items is not None
            for item in items if items is not None else [UNREAD]:
                if block.target is not None:
                    self._assign(block.target, item, frame)
                run(position + 1)

        run(0)
        if expr.value is not None:
            return table if whole else UNREAD
        return made if whole else UNREAD

    # --- attributes

    def attribute(self, owner: Any, name: str) -> Any:
        """The attribute ``name`` of a value."""
        if isinstance(owner, Module):
            return self._module_attribute(owner, name)
        if isinstance(owner, External):
            return External(external.canonical(f"{owner.name}.{name}"))
        if isinstance(owner, Instance):
            if name in owner.attributes:
                return owner.attributes[name]
            return self.member(owner.cls, self.types.mro(owner.cls), name, owner)
        if isinstance(owner, Class):
            return self.member(owner, self.types.mro(owner), name, None)
        if isinstance(owner, Super):
            cls = owner.bound.cls if isinstance(owner.bound, (Instance, Router)) and owner.bound.cls else owner.cls
            mro = self.types.mro(cls)
            above = mro[mro.index(owner.cls) + 1 :] if owner.cls in mro else self.types.mro(owner.cls)[1:]
            value = self.member(owner.cls, above, name, owner.bound)
            if isinstance(owner.bound, Router) and isinstance(value, (Unread, External)):
                return Method(owner.bound, name)
            return value
        if isinstance(owner, Choice):
            return choice(*(self.attribute(option, name) for option in owner.options if option is not None))
        if isinstance(owner, (str, list, tuple, dict)):
            return Method(owner, name)
        return UNREAD

    def member(self, cls: Class, mro: Iterable[Class | str], name: str, bound: Any) -> Any:
        for ancestor in mro:
            if isinstance(ancestor, str):
                if ancestor not in {"object", "typing.Generic", "abc.ABC", "typing.Protocol"}:
                    return External(external.canonical(f"{ancestor}.{name}"))
                continue
            frame = self._class_frame(ancestor)
            value = frame.names.get(name, UNREAD) if frame is not None else UNREAD
            if isinstance(value, Closure):
                function = value.function
                if function.is_property and bound is not None:
                    return self.call_function(Closure(function, value.frame, bound), no_arguments(function))
                owner = None if function.is_static else (cls if function.is_classmethod else bound)
                return Closure(function, value.frame, owner)
            if value is not UNREAD:
                return value
        return UNREAD

    # --- calls

    def _call(self, index: int, frame: Frame) -> Any:
        call = frame.code.body.calls[index]
        frame_block, frame.block = frame.block, call.block
        callee = self.eval(call.func, frame)
        arguments = self._arguments(call, index, frame)
        value = self.call(callee, arguments, frame)
        if value is UNREAD and not isinstance(callee, (Registrar, Method)) and self.asks_types(frame.code):
            value = self.converted(self.types.infer(CallRef(index), frame.code, call.block))
        frame.block = frame_block
        return value

    def _arguments(self, call: Call, index: int, frame: Frame) -> Arguments:
        arguments = Arguments(Site(frame.code, index), [], {}, {})
        for argument in call.args:
            value = self.eval(argument, frame)
            if isinstance(argument, Star):
                items = items_of(value)
                arguments.splat = arguments.splat or items is None
                arguments.args.extend(items or [])
            else:
                arguments.args.append(value)
        for keyword in call.keywords:
            value = self.eval(keyword.value, frame)
            if keyword.name is not None:
                arguments.keywords[keyword.name] = value
                arguments.written[keyword.name] = keyword.value
            elif isinstance(value, dict) and all(isinstance(key, str) for key in value):
                arguments.keywords.update(value)
            else:
                arguments.splat = True
                self.hand_on(value)
        return arguments

    def call(self, callee: Any, arguments: Arguments, frame: Frame) -> Any:
        """What a call gives, its effects included."""
        if isinstance(callee, Choice):
            results = []
            for number, option in enumerate(callee.options):
                if option is not None:
                    self._conditions.append((-self._serial, number))
                    results.append(self.call(option, arguments, frame))
                    self._conditions.pop()
            return choice(*results)
        if isinstance(callee, Closure):
            return self.call_function(callee, arguments)
        if isinstance(callee, Class):
            return self.construct(callee, arguments)
        if isinstance(callee, Method):
            return self.call_method(callee, arguments)
        if isinstance(callee, External):
            return self.call_external(callee.name, arguments, frame)
        if isinstance(callee, Instance):
            method = self.attribute(callee, "__call__")
            if isinstance(method, Closure):
                return self.call_function(method, arguments)
        self.hand_on([*arguments.args, *arguments.keywords.values()], arguments.site)
        return UNREAD

    def call_function(self, closure: Closure, arguments: Arguments) -> Any:
        function = closure.function
        given = [*arguments.args, *arguments.keywords.values(), closure.bound]
        wanted = self.worth_running(function, given)
        deep = len(self._stack) >= _DEPTH or self._stack.count(function) >= 2
        if not wanted or deep or self.spent:
            self.hand_on(given[:-1], arguments.site if wanted else None)
            return UNREAD
        outer = closure.frame
        if outer is None:
            outer = self.imported(function.module)
        frame = self._frame(function, outer)
        self._parameters(closure, arguments, frame, outer)
        self._stack.append(function)
        self._body(frame)
        self._stack.pop()
        if function.facts.is_generator:
            manager = any(n.rpartition(".")[2] in _MANAGERS for n in function.decorator_names)
            return choice(*frame.yielded) if manager else frame.yielded
        if not frame.returned:
            return None
        return choice(*frame.returned)

    def _parameters(self, closure: Closure, arguments: Arguments, frame: Frame, outer: Frame) -> None:
        function = closure.function
        parameters = list(function.facts.parameters)
        if function.has_receiver:
            frame.names[parameters.pop(0).name] = closure.bound if closure.bound is not None else UNREAD
        args = list(arguments.args)
        keywords = dict(arguments.keywords)
        for parameter in parameters:
            if parameter.kind == "*":
                frame.names[parameter.name] = UNREAD if arguments.splat else args
                args = []
            elif parameter.kind == "**":
                frame.names[parameter.name] = UNREAD if arguments.splat else keywords
            elif parameter.kind != "keyword-only" and args:
                frame.names[parameter.name] = args.pop(0)
            elif parameter.name in keywords:
                frame.names[parameter.name] = keywords.pop(parameter.name)
            elif parameter.default is not None:
                # A default is evaluated where the function is defined: for a method, in the body of its class.
                within = self._class_frame(function.outer) if isinstance(function.outer, Class) else outer
                frame.names[parameter.name] = UNREAD if within is None else self.eval(parameter.default, within)
            else:
                frame.names[parameter.name] = UNREAD

    def call_method(self, method: Method, arguments: Arguments) -> Any:
        """A call of a method that the language gives."""
        return native(method.owner, method.name, arguments)

    def construct(self, cls: Class, arguments: Arguments) -> Any:
        """An instance of a class of the project."""
        made = Instance(cls)
        if not self.initialised(made, cls, arguments):
            # A dataclass, a Pydantic model, a named tuple.
            made.attributes.update(zip(self._fields(cls), arguments.args))
            made.attributes.update(arguments.keywords)
        return made

    def initialised(self, made: Any, cls: Class, arguments: Arguments) -> bool:
        """Whether the class or an ancestor in the project has an ``__init__``; it has run."""
        for owner in self.types.mro(cls):
            init = owner.method("__init__") if isinstance(owner, Class) else None
            if init is not None and isinstance(owner, Class):
                inner = self._class_frames.get(owner)
                self.call_function(Closure(init, inner.outer if inner is not None else None, made), arguments)
                return True
        return False

    def call_external(self, name: str, arguments: Arguments, frame: Frame) -> Any:
        """A call of something third-party, builtins included."""
        args = arguments.args
        if name == "super":
            return self._super(frame)
        if name == "getattr" and len(args) >= 2 and isinstance(args[1], str):
            value = self.attribute(args[0], args[1])
            return args[2] if value is UNREAD and len(args) == 3 and isinstance(args[0], Module) else value
        if name == "importlib.import_module":
            return self._import_by_name(args, frame)
        if name in {"typing.cast", "typing_extensions.cast"} and len(args) == 2:
            return args[1]
        if name in external.PARTIALS and args:
            return args[0]
        if name in PURE and not arguments.keywords and not arguments.splat:
            return pure(name, args)
        if name == "dict":
            return dict(arguments.keywords) if not args else (dict(args[0]) if isinstance(args[0], dict) else UNREAD)
        if name == "str" and len(args) == 1 and isinstance(args[0], str):
            return args[0]
        self.hand_on([*args, *arguments.keywords.values()], arguments.site)
        return External(name)

    def _fields(self, cls: Class) -> list[str]:
        """The annotated names of a class, as a dataclass takes them."""
        return [
            e.target.name for e in cls.body.events
            if isinstance(e, Bind) and e.annotation is not None and isinstance(e.target, Ref)
        ]  # fmt: skip

    @staticmethod
    def _super(frame: Frame) -> Any:
        scope: Frame | None = frame
        while scope is not None:
            code = scope.code
            if isinstance(code, Function) and code.cls is not None and code.facts.parameters:
                return Super(code.cls, scope.names.get(code.facts.parameters[0].name, UNREAD))
            scope = scope.outer
        return UNREAD

    def _import_by_name(self, args: list[Any], frame: Frame) -> Any:
        if not args or not isinstance(args[0], str):
            return UNREAD
        name = args[0]
        if name.startswith("."):
            package = args[1] if len(args) > 1 and isinstance(args[1], str) else frame.code.module.package
            name = package + name if not name.startswith("..") else ""
        found = self.modules.find(name, frame.code.module) if name else None
        if found is None:
            return UNREAD
        self.imported(found)
        return found


def _same_assignment(before: Event | Import, event: Event | Import) -> bool:
    both = isinstance(before, Bind) and isinstance(event, Bind)
    return both and before.span == event.span and before.value is event.value  # type: ignore[union-attr]


def _only_declares(cls: Code) -> bool:
    """Whether a class's body holds only methods, annotations and constants: when it runs makes no difference."""
    body = cls.body
    if body.calls or cls.imports or len(body.blocks) > 1:
        return False
    for event in body.events:
        if isinstance(event, Define):
            methods = cls.module.functions
            if event.kind == "class" or not _PLAIN.issuperset(map(_last, methods[event.index].decorator_names)):
                return False
        elif isinstance(event, Bind):
            if not isinstance(event.target, Ref) or not (event.value is None or isinstance(event.value, Const)):
                return False
        elif not isinstance(event, Jump):
            return False
    return True


def _last(dotted: str) -> str:
    return dotted.rpartition(".")[2]


def _steps_of(code: Code) -> Steps:
    """The statements of a body in source order, imports among them, each with its block."""
    steps: Steps = [(event, event.block) for event in code.body.events]
    steps += [(item, _block_of(code, item.span)) for item in code.imports]
    return sorted(steps, key=lambda step: step[0].span)


def _block_of(code: Code, span: Span) -> int:
    """The block that an import stands in: facts do not say, so by its place."""
    line, column, _, _ = unpack(span)
    blocks = code.body.blocks
    found = 0
    for index, block in enumerate(blocks):
        second = block.kind in _SECOND
        if block.parent != found and not (second and block.of == found):
            continue
        start, end = unpack(block.span), unpack(blocks[block.of].span if second else block.span)
        if start[:2] <= (line, column) <= end[2:]:
            found = index
    return found
