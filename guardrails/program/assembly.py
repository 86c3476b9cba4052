"""How the application is put together: its wiring, run on small values in the order in which Python runs it.

FastAPI's route table is made by running code: modules are imported, routers constructed, handlers registered,
routers included in loops and by helpers that are given the app. ``Assembly`` runs just that code: module and class
bodies, the functions that lead to a registration or an inclusion, and small ones that may return a prefix or a list
of routers. Both arms of a branch run, and what is made there remembers the condition. What cannot be read is
``UNREAD``; ``Assembly.unread`` lists the inclusions where that matters.

Values are plain Python ones (strings, lists, tuples, dicts) and the classes below; a name that the run does not know
is asked of ``Types``. Nothing of the checked code is imported or run by Python itself.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
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
from guardrails.knowledge import web as tables
from guardrails.program import external
from guardrails.program.model import Class, Code, Function, Module
from guardrails.program.modules import Modules
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
from guardrails.program.web import Site, Web

# How many statements one run may execute, how deep calls may nest, and how long a function may be that runs only for
# the sake of what it returns.
_BUDGET = 200_000
_DEPTH = 30
_SMALL = 12

_LOOPS = frozenset({"for", "async-for"})
_CONDITIONAL = frozenset({"if", "else", "while", "loop-else", "except", "try-else", "case"})
_MANAGERS = frozenset({"contextmanager", "asynccontextmanager"})
_SECOND = frozenset({"else", "loop-else", "try-else", "finally", "except"})
_STRING_METHODS = frozenset(
    {
        "capitalize",
        "format",
        "lower",
        "lstrip",
        "removeprefix",
        "removesuffix",
        "replace",
        "rstrip",
        "strip",
        "title",
        "upper",
    }
)


class Unread:
    """What cannot be read."""

    def __repr__(self) -> str:
        return "UNREAD"


UNREAD = Unread()

Conditions = tuple[tuple[int, int], ...]


@dataclass(eq=False, slots=True)
class Endpoint:
    """A handler on a router. ``function``: the project's own, where it is one; ``path``: as registered, without the
    router's prefix; ``full``: with it. None for what cannot be read. ``tags``, ``name``: its own. ``order``: when.
    """

    function: Function | None
    site: Site
    path: str | None
    full: str | None
    methods: tuple[str, ...] | None
    websocket: bool
    tags: tuple[str, ...] | None
    name: str | None
    response_model: tuple[Expr, Code] | None
    in_schema: bool
    dependencies: tuple[tuple[Expr, Code], ...]
    conditions: Conditions
    order: int


@dataclass(eq=False, slots=True)
class Inclusion:
    """A router in a router; a prefix or tags of None cannot be read."""

    router: Router
    site: Site
    prefix: str | None
    tags: tuple[str, ...] | None
    in_schema: bool
    conditions: Conditions
    order: int


@dataclass(eq=False, slots=True)
class Mounted:
    """An application under a path. ``app``: one of the project's own, or None."""

    app: Router | None
    site: Site
    path: str | None
    conditions: Conditions
    order: int


@dataclass(eq=False, slots=True)
class Router:
    """A router or an app, as constructed at ``site``. ``prefix`` and ``tags``: its own; None cannot be read.

    ``handed_on``: given to code that is not read. ``foreign``: its handlers lie in another package.
    """

    site: Site
    cls: Class | None
    is_app: bool
    prefix: str | None
    tags: tuple[str, ...] | None
    in_schema: bool
    foreign: bool
    conditions: Conditions
    entries: list[Endpoint | Inclusion | Mounted] = field(default_factory=list)
    attributes: dict[str, Any] = field(default_factory=dict)
    handed_on: bool = False

    @property
    def endpoints(self) -> list[Endpoint]:
        """Its own handlers, in order."""
        return [entry for entry in self.entries if isinstance(entry, Endpoint)]


@dataclass(frozen=True, slots=True)
class External:
    """Something third-party, by canonical name; an instance under its class's name."""

    name: str


@dataclass(eq=False, slots=True)
class Instance:
    """An instance of a class of the project."""

    cls: Class
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Closure:
    """A function of the project with the frame it was defined in, and what it is bound to."""

    function: Function
    frame: Frame | None
    bound: Any = None


@dataclass(frozen=True, slots=True)
class Method:
    """A method that an object has from FastAPI or from Python: of a router, a list, a dict, a string."""

    owner: Any
    name: str


@dataclass(eq=False, slots=True)
class Registrar:
    """``router.get("/x")``: what decorates a handler."""

    routers: list[Router]
    row: tables.Registration
    arguments: Arguments


@dataclass(eq=False, slots=True)
class RouteObject:
    """``Route("/x", endpoint)``, ``Mount("/x", app=app)``: an item of ``routes=[...]``."""

    kind: str
    arguments: Arguments


@dataclass(eq=False, slots=True)
class RoutesOf:
    """``router.routes``."""

    router: Router


@dataclass(frozen=True, slots=True)
class Super:
    """``super()`` in a method of ``cls``."""

    cls: Class
    bound: Any


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several, by a condition."""

    options: tuple[Any, ...]


@dataclass(eq=False, slots=True)
class Arguments:
    """The arguments of a call. ``splat``: more of them cannot be read."""

    site: Site
    args: list[Any]
    keywords: dict[str, Any]
    written: dict[str, Expr]
    splat: bool = False

    def get(self, position: int | None, name: str, default: Any = None) -> Any:
        """An argument by keyword or position; ``UNREAD`` where it may be in what cannot be read."""
        if name in self.keywords:
            return self.keywords[name]
        if position is not None and position < len(self.args):
            return self.args[position]
        return UNREAD if self.splat else default


@dataclass(eq=False)
class Frame:
    """A body that runs: its names, the frame around it, what it gives back."""

    code: Code
    outer: Frame | None
    serial: int
    names: dict[str, Any] = field(default_factory=dict)
    block: int = 0
    returned: list[Any] = field(default_factory=list)
    yielded: list[Any] = field(default_factory=list)
    arms: dict[int, tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=dict)
    value: Any = None
    stopped: bool = False


Steps = list[tuple[Event | Import, int]]


class Assembly:
    """The run. ``routers``: all routers and apps, in order of construction."""

    def __init__(self, modules: Modules, types: Types, web: Web) -> None:
        self.modules = modules
        self.types = types
        self.web = web
        self.routers: list[Router] = []
        self.unread: dict[Site, str] = {}
        self.spent = False
        self._frames: dict[Module, Frame] = {}
        self._class_frames: dict[Class, Frame] = {}
        self._ran: set[Code] = set()
        self._conditions: list[tuple[int, int]] = []
        self._stack: list[Function] = []
        self._steps = 0
        self._serial = 0
        self._run()

    # --- what runs

    def _run(self) -> None:
        """The modules that construct apps, then all others, then factories and start-up code that nothing called."""
        application = [m for m in self.modules.ordered if m.application]
        first = {site.code.module for site in self.web.app_sites}
        for module in sorted(application, key=lambda m: (m not in first, m.name)):
            self._import(module)
        for site in self.web.app_sites:
            for root in self._roots(site.code):
                self._enter(root, {})
        for function in sorted(self.web.startup, key=lambda f: f.qualname):
            if function in self._relevant and function not in self._ran:
                apps = [r for r in self.routers if r.is_app]
                given = {p.name: apps[-1] if len(apps) == 1 else UNREAD for p in function.parameters[:1]}
                self._enter(function, given)
        self._follow_what_did_not_run(application)

    def _roots(self, code: Code) -> list[Function]:
        """The functions from which nothing but an unseen caller leads to ``code``, if it did not run."""
        roots: dict[Function, None] = {}
        seen: set[Code] = set()
        pending = [code]
        while pending:
            current = pending.pop()
            if current in seen or current in self._ran or not isinstance(current, Function):
                continue
            seen.add(current)
            callers = [c for c, _ in self.types.calls_of(current) if c.module.application]
            pending.extend(callers)
            if not callers and current.cls is None and isinstance(current.outer, Module):
                roots[current] = None
        return sorted(roots, key=lambda f: f.qualname)

    def _enter(self, function: Function, given: dict[str, Any]) -> None:
        if function not in self._ran:
            frame = self._frames.get(function.module)
            arguments = Arguments(Site(function, 0), [], given, {}, splat=True)
            self._call_function(Closure(function, frame), arguments)

    def _follow_what_did_not_run(self, application: list[Module]) -> None:
        """Routers included by code that did not run but may: they are no longer only where they were seen."""
        for module in application:
            for code in module.codes():
                for index, call in enumerate(code.body.calls):
                    if code in self._ran or _tail(call.func) != tables.INCLUDE_ROUTER or not call.args:
                        continue
                    if isinstance(code, Function) and not self._may_run(code):
                        continue
                    values = self.types.expand(self.types.infer(call.args[0], code, call.block))
                    things = self._converted(values)
                    self._hand_on(things)
                    if things is UNREAD and not all(self._is_local(value) for value in values):
                        self.unread.setdefault(Site(code, index), "the router cannot be read")

    @staticmethod
    def _is_local(value: Value) -> bool:
        """Whether a router is constructed where nothing ran: none of those that were seen."""
        return isinstance(value, ExternalInstance) and value.cls in tables.ROUTERS and value.origin is not None

    def _may_run(self, function: Function) -> bool:
        return function.cls is not None or bool(function.facts.decorators) or function.name in self._loaded

    @cached_property
    def _loaded(self) -> frozenset[str]:
        """The last parts of all names that the application reads."""
        return frozenset(
            load.rpartition(".")[2]
            for m in self.modules.ordered if m.application
            for code in m.codes() for load in code.body.loads
        )  # fmt: skip

    @cached_property
    def _relevant(self) -> frozenset[Function]:
        """The functions from which a construction, registration or inclusion may be reached by calls."""
        direct: set[Code] = {s.code for s in (*self.web.app_sites, *self.web.router_sites)}
        direct.update(r.site.code for r in self.web.registered)
        adding = {row.name for row in tables.REGISTRATIONS.values() if not row.decorator}
        names = {tables.INCLUDE_ROUTER, *tables.MOUNTS, *adding}
        for module in self.modules.ordered:
            for code in module.codes():
                if any(_tail(call.func) in names for call in code.body.calls):
                    direct.add(code)
            for cls in module.classes:
                if self._is_router_class(cls):
                    direct.update(cls.methods)
        found: set[Function] = set()
        pending = sorted((c for c in direct if isinstance(c, Function)), key=lambda f: f.qualname)
        while pending:
            function = pending.pop()
            if function not in found:
                found.add(function)
                pending.extend(c for c, _ in self.types.calls_of(function) if isinstance(c, Function))
        return frozenset(found)

    def _is_router_class(self, cls: Class) -> bool:
        return self.types.is_a(cls, *tables.ROUTERS, *tables.APPS)

    # --- modules

    def _import(self, module: Module) -> Frame:
        """The module's frame; the first import runs the packages around it, then its body."""
        found = self._frames.get(module)
        if found is not None:
            return found
        parent = self.modules.by_name.get(module.name.rpartition(".")[0])
        if parent is not None:
            self._import(parent)
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
                self._import(found)
            top = item.module if item.alias else item.module.partition(".")[0]
            named = found if item.alias else self.modules.find(top, module)
            frame.names[item.alias or top] = named if named is not None else External(external.canonical(top))
            return
        source = self.modules.imported_module(module, item)
        if item.name == "*":
            if source is not None and source is not module:
                names = self._import(source).names
                exports = source.facts.exports
                chosen = exports if exports is not None else [n for n in names if not n.startswith("_")]
                frame.names.update({n: names[n] for n in chosen if n in names})
            return
        bound = item.alias or item.name
        if source is not None and source is not module:
            self._import(source)
            value = self._module_attribute(source, item.name)
            if value is not UNREAD:
                frame.names[bound] = value
                return
        base = self.modules.absolute(module, item)
        whole = f"{base}.{item.name}" if base else item.name
        submodule = self.modules.find(whole, module) if base is not None else None
        if submodule is not None:
            self._import(submodule)
            frame.names[bound] = submodule
        elif source is None and not item.level:
            frame.names[bound] = External(external.canonical(whole))
        else:
            frame.names[bound] = self._converted(self.types.imported(module, item))

    def _module_attribute(self, module: Module, name: str) -> Any:
        frame = self._import(module)
        if name in frame.names:
            return frame.names[name]
        submodule = self.modules.by_name.get(f"{module.name}.{name}")
        if submodule is not None and submodule in self._frames:
            return submodule
        return UNREAD

    # --- statements

    def _body(self, frame: Frame) -> None:
        code = frame.code
        steps: Steps = [(event, event.block) for event in code.body.events]
        steps += [(item, _block_of(code, item.span)) for item in code.imports]
        self._suite(frame, sorted(steps, key=lambda step: step[0].span), 0)

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
        items = _items(self.eval(block.expr, frame))
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
        if call is not None and _tail(call.func) == "hasattr" and len(call.args) == 2:
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

    def _assign(self, target: Expr, value: Any, frame: Frame) -> None:
        if isinstance(target, Ref):
            base, _, name = target.name.rpartition(".")
            if base:
                self._store(self._name(Ref(base, target.span), frame), name, value)
            elif isinstance(frame.code, Function) and name in frame.code.outer_names:
                self._owner(frame, name).names[name] = value
            else:
                frame.names[name] = value
        elif isinstance(target, Items):
            items = _items(value)
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

    @staticmethod
    def _store(owner: Any, name: str, value: Any) -> None:
        if isinstance(owner, Instance):
            owner.attributes[name] = value
        elif isinstance(owner, Router):
            if name == "prefix":
                owner.prefix = _text(value)
            elif name == "tags":
                owner.tags = _tags(value)
            else:
                owner.attributes[name] = value

    def _augment(self, event: Bind, frame: Frame) -> None:
        assert event.value is not None
        added = self.eval(event.value, frame)
        if not isinstance(event.target, Ref):
            return
        owner = self._name(event.target, frame)
        items = _items(added)
        if isinstance(owner, RoutesOf):
            self._add_routes(owner.router, added, Site(frame.code, 0))
        elif isinstance(owner, list) and items is not None and event.op == "+=":
            owner.extend(items)
        elif isinstance(owner, str) and isinstance(added, str) and event.op == "+=":
            self._assign(event.target, owner + added, frame)
        else:
            self._assign(event.target, UNREAD, frame)

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
            return self._known(_joined([self.eval(part, frame) for part in expr.parts]), expr, frame)
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
            frame.yielded.extend((_items(value) or [UNREAD]) if expr.whole else [value])
        return UNREAD

    def _known(self, value: Any, expr: Expr, frame: Frame) -> Any:
        """``value``, or what ``Types`` says of the expression where the run does not know."""
        if value is not UNREAD:
            return value
        return self._converted(self.types.infer(expr, frame.code, frame.block))

    def _converted(self, values: Values) -> Any:
        """What ``Types`` says, as a value of the run; ``UNREAD`` unless it is one thing or several routers."""
        said = known(values)
        if len(said) != len(values) and values != (NOTHING,):
            return UNREAD
        things = [self._thing(value) for value in values]
        if len(things) == 1:
            return things[0]
        return choice(*things) if things and all(isinstance(t, (Router, Choice)) for t in things) else UNREAD

    def _thing(self, value: object) -> Any:
        if isinstance(value, LiteralValue):
            return value.value
        if isinstance(value, ModuleValue):
            self._import(value.module)
            return value.module
        if isinstance(value, ClassValue):
            return value.cls
        if isinstance(value, InstanceValue):
            return UNREAD if self._is_router_class(value.cls) else Instance(value.cls)
        if isinstance(value, FunctionValue):
            plain = isinstance(value.function.outer, Module) and value.receiver is None
            return Closure(value.function, self._frames.get(value.function.module)) if plain else UNREAD
        if isinstance(value, ExternalValue) and value.receiver is None:
            return External(value.name)
        if isinstance(value, ExternalInstance):
            if value.origin is not None:
                code, index = value.origin
                found = [r for r in self.routers if r.site.code is code and r.site.index == index]
                if found:
                    return choice(*found)
            if value.cls in tables.ROUTERS or value.cls in tables.APPS or value.cls in {"str", "list", "dict", "tuple"}:
                return UNREAD
            return External(value.cls)
        if isinstance(value, SequenceValue):
            items = [self._converted((item,)) for item in value.items]
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
                items = _items(value)
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
            table[named if isinstance(named, _KEYS) else object()] = evaluated
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
            items = _items(self.eval(block.expr, frame))
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
        if isinstance(owner, Router):
            return self._router_attribute(owner, name)
        if isinstance(owner, Instance):
            if name in owner.attributes:
                return owner.attributes[name]
            return self._member(owner.cls, self.types.mro(owner.cls), name, owner)
        if isinstance(owner, Class):
            return self._member(owner, self.types.mro(owner), name, None)
        if isinstance(owner, Super):
            cls = owner.bound.cls if isinstance(owner.bound, (Instance, Router)) and owner.bound.cls else owner.cls
            mro = self.types.mro(cls)
            above = mro[mro.index(owner.cls) + 1 :] if owner.cls in mro else self.types.mro(owner.cls)[1:]
            value = self._member(owner.cls, above, name, owner.bound)
            if isinstance(owner.bound, Router) and isinstance(value, (Unread, External)):
                return Method(owner.bound, name)
            return value
        if isinstance(owner, Choice):
            return choice(*(self.attribute(option, name) for option in owner.options if option is not None))
        if isinstance(owner, (str, list, tuple, dict, RoutesOf)):
            return Method(owner, name)
        return UNREAD

    def _member(self, cls: Class, mro: Iterable[Class | str], name: str, bound: Any) -> Any:
        for ancestor in mro:
            if isinstance(ancestor, str):
                if ancestor not in {"object", "typing.Generic", "abc.ABC", "typing.Protocol"}:
                    return External(external.canonical(f"{ancestor}.{name}"))
                continue
            frame = self._class_frames.get(ancestor)
            value = frame.names.get(name, UNREAD) if frame is not None else UNREAD
            if isinstance(value, Closure):
                function = value.function
                if function.is_property and bound is not None:
                    return self._call_function(Closure(function, value.frame, bound), _no_arguments(function))
                owner = None if function.is_static else (cls if function.is_classmethod else bound)
                return Closure(function, value.frame, owner)
            if value is not UNREAD:
                return value
        return UNREAD

    def _router_attribute(self, router: Router, name: str) -> Any:
        if name in router.attributes:
            return router.attributes[name]
        if router.cls is not None:
            own = [c for c in self.types.mro(router.cls) if isinstance(c, Class)]
            value = self._member(router.cls, own, name, router)
            if value is not UNREAD:
                return value
        if name == "router" and router.is_app:
            return router
        if name == "routes":
            return RoutesOf(router)
        if name == "prefix":
            return router.prefix if router.prefix is not None else UNREAD
        if name == "tags":
            return list(router.tags) if router.tags is not None else UNREAD
        if name == "state":
            return router.attributes.setdefault("state", {})
        return Method(router, name)

    # --- calls

    def _call(self, index: int, frame: Frame) -> Any:
        call = frame.code.body.calls[index]
        frame_block, frame.block = frame.block, call.block
        callee = self.eval(call.func, frame)
        arguments = self._arguments(call, index, frame)
        value = self.call(callee, arguments, frame)
        if value is UNREAD and not isinstance(callee, (Registrar, Method)):
            value = self._converted(self.types.infer(CallRef(index), frame.code, call.block))
        frame.block = frame_block
        return value

    def _arguments(self, call: Call, index: int, frame: Frame) -> Arguments:
        arguments = Arguments(Site(frame.code, index), [], {}, {})
        for argument in call.args:
            value = self.eval(argument, frame)
            if isinstance(argument, Star):
                items = _items(value)
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
                self._hand_on(value)
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
        if isinstance(callee, Registrar):
            handler = arguments.args[0] if arguments.args else UNREAD
            self._register(callee, handler)
            return handler
        if isinstance(callee, Closure):
            return self._call_function(callee, arguments)
        if isinstance(callee, Class):
            return self._construct(callee, arguments)
        if isinstance(callee, Method):
            return self._call_method(callee, arguments)
        if isinstance(callee, External):
            return self._call_external(callee.name, arguments, frame)
        if isinstance(callee, Instance):
            method = self.attribute(callee, "__call__")
            if isinstance(method, Closure):
                return self._call_function(method, arguments)
        self._hand_on([*arguments.args, *arguments.keywords.values()], arguments.site)
        return UNREAD

    def _call_function(self, closure: Closure, arguments: Arguments) -> Any:
        function = closure.function
        given = [*arguments.args, *arguments.keywords.values(), closure.bound]
        wanted = (
            function in self._relevant
            or len(function.body.events) <= _SMALL
            or any(isinstance(v, Router) for value in given for v in _flat(value))
        )
        deep = len(self._stack) >= _DEPTH or self._stack.count(function) >= 2
        if not wanted or deep or self.spent:
            self._hand_on(given[:-1], arguments.site if wanted else None)
            return UNREAD
        outer = closure.frame
        if outer is None:
            outer = self._import(function.module)
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
                within = self._class_frames.get(function.outer) if isinstance(function.outer, Class) else outer
                frame.names[parameter.name] = UNREAD if within is None else self.eval(parameter.default, within)
            else:
                frame.names[parameter.name] = UNREAD

    def _construct(self, cls: Class, arguments: Arguments) -> Any:
        if self._is_router_class(cls):
            made: Any = self._new_router(arguments, cls, self.types.is_a(cls, *tables.APPS))
        else:
            made = Instance(cls)
        for owner in self.types.mro(cls):
            init = owner.method("__init__") if isinstance(owner, Class) else None
            if init is not None and isinstance(owner, Class):
                inner = self._class_frames.get(owner)
                self._call_function(Closure(init, inner.outer if inner is not None else None, made), arguments)
                return made
        if isinstance(made, Router):
            self._initialise(made, arguments)
        else:
            made.attributes.update(arguments.keywords)  # a dataclass, a Pydantic model, a named tuple
            for name, value in zip(self._fields(cls), arguments.args):
                made.attributes[name] = value
        return made

    def _fields(self, cls: Class) -> list[str]:
        """The annotated names of a class, as a dataclass takes them."""
        return [
            e.target.name for e in cls.body.events
            if isinstance(e, Bind) and e.annotation is not None and isinstance(e.target, Ref)
        ]  # fmt: skip

    def _new_router(self, arguments: Arguments, cls: Class | None, is_app: bool, foreign: bool = False) -> Router:
        router = Router(arguments.site, cls, is_app, "", (), True, foreign, tuple(self._conditions))
        self.routers.append(router)
        return router

    def _initialise(self, router: Router, arguments: Arguments) -> None:
        """What the constructor of a router or an app is given."""
        if not router.is_app:
            router.prefix = _text(arguments.get(None, "prefix", ""))
            router.tags = _tags(arguments.get(None, "tags"))
            router.in_schema = arguments.get(None, "include_in_schema", True) is not False
        elif arguments.get(None, "openapi_url", "/openapi.json") in (None, ""):
            router.in_schema = False
        routes = arguments.get(None, "routes")
        if routes is not None and routes is not UNREAD:
            self._add_routes(router, routes, arguments.site)

    def _add_routes(self, router: Router, routes: Any, site: Site) -> None:
        if isinstance(routes, RoutesOf):
            self._serial += 1
            conditions = tuple(self._conditions)
            router.entries.append(Inclusion(routes.router, site, "", (), True, conditions, self._serial))
            return
        items = _items(routes)
        if items is None:
            self.unread.setdefault(site, "the routes cannot be read")
            return
        for item in items:
            if isinstance(item, RouteObject):
                self._add_route_object(router, item)
            elif isinstance(item, RoutesOf):
                self._add_routes(router, item, site)
            elif not isinstance(item, External):
                self.unread.setdefault(site, "the routes cannot be read")

    def _add_route_object(self, router: Router, item: RouteObject) -> None:
        arguments = item.arguments
        if item.kind == "mount":
            inner = arguments.get(None, "routes")
            if inner is None:
                self._mount(router, arguments, 1)
        else:
            row = tables.REGISTRATIONS[item.kind]
            self._register(Registrar([router], row, arguments), arguments.get(1, "endpoint"), prefixed=False)

    # --- what routers do

    def _call_method(self, method: Method, arguments: Arguments) -> Any:
        owner, name = method.owner, method.name
        if isinstance(owner, Router):
            row = tables.REGISTRATIONS.get(name)
            if row is not None:
                registrar = Registrar([owner], row, arguments)
                if row.decorator:
                    return registrar
                self._register(registrar, arguments.get(row.endpoint, "endpoint", UNREAD))
                return None
            if name == tables.INCLUDE_ROUTER:
                self._include(owner, arguments)
                return None
            if name in tables.MOUNTS:
                self._mount(owner, arguments, tables.MOUNTS[name])
                return None
            if name == "__init__":
                self._initialise(owner, arguments)
                return None
            self._hand_on([*arguments.args, *arguments.keywords.values()])
            return External(f"fastapi.{name}")
        if isinstance(owner, RoutesOf):
            if name in {"append", "extend", "insert"} and arguments.args:
                added = arguments.args[-1]
                self._add_routes(owner.router, added if name == "extend" else [added], arguments.site)
            return UNREAD
        return _native(owner, name, arguments)

    def _include(self, parent: Router, arguments: Arguments) -> None:
        included = arguments.get(0, "router", UNREAD)
        prefix = _text(arguments.get(None, "prefix", ""))
        tags = _tags(arguments.get(None, "tags"))
        in_schema = arguments.get(None, "include_in_schema", True) is not False
        options = included.options if isinstance(included, Choice) else (included,)
        for number, option in enumerate(options):
            self._serial += 1
            conditions = tuple(self._conditions)
            if len(options) > 1:
                conditions += ((-self._serial, number),)
            if isinstance(option, RoutesOf):
                option = option.router
            if isinstance(option, Router):
                parent.entries.append(
                    Inclusion(option, arguments.site, prefix, tags, in_schema, conditions, self._serial)
                )
            elif isinstance(option, (Unread, Instance, Closure)):
                self.unread.setdefault(arguments.site, "the router cannot be read")

    def _mount(self, parent: Router, arguments: Arguments, position: int) -> None:
        path = _text(arguments.get(0, "path", UNREAD))
        app = arguments.get(position, "app", UNREAD)
        for option in app.options if isinstance(app, Choice) else (app,):
            self._serial += 1
            mounted = option if isinstance(option, Router) else None
            parent.entries.append(Mounted(mounted, arguments.site, path, tuple(self._conditions), self._serial))

    def _register(self, registrar: Registrar, handler: Any, prefixed: bool = True) -> None:
        arguments, row = registrar.arguments, registrar.row
        path = _text(arguments.get(0, "path", UNREAD))
        tags = _tags(arguments.get(None, "tags"))
        function = handler.function if isinstance(handler, Closure) else None
        if isinstance(handler, Class):
            function = next((m for m in handler.methods if m.name in tables.HTTP_METHODS), None)
        name = arguments.get(None, "name")
        model = arguments.written.get("response_model")
        code = arguments.site.code
        dependencies = arguments.written.get("dependencies")
        for router in registrar.routers:
            self._serial += 1
            prefix = router.prefix if prefixed else ""
            router.entries.append(
                Endpoint(
                    function,
                    arguments.site,
                    path,
                    None if path is None or prefix is None else prefix + path,
                    self._methods(row, arguments, handler),
                    row.websocket,
                    tags,
                    name if isinstance(name, str) else None,
                    (model, code) if model is not None else None,
                    arguments.get(None, "include_in_schema", True) is not False,
                    tuple((d, code) for d in dependencies.items) if isinstance(dependencies, Items) else (),
                    tuple(self._conditions),
                    self._serial,
                )  # fmt: skip
            )

    @staticmethod
    def _methods(row: tables.Registration, arguments: Arguments, handler: Any) -> tuple[str, ...] | None:
        if row.methods or row.websocket:
            return row.methods
        plain = row.name in {"route", "add_route"}
        methods = arguments.get(2 if row.name == "add_route" else None, "methods")
        if methods is None:
            if plain and isinstance(handler, Class):
                return None
            return ("GET", "HEAD") if plain else ("GET",)
        items = _items(methods)
        if items is None:
            return None
        named = [i.name.rpartition(".")[2] if isinstance(i, External) else i for i in items]
        if not all(isinstance(i, str) for i in named):
            return None
        upper = dict.fromkeys(str(i).upper() for i in named)
        if plain and "GET" in upper:
            upper["HEAD"] = None
        return tuple(upper)

    # --- third parties

    def _call_external(self, name: str, arguments: Arguments, frame: Frame) -> Any:
        args = arguments.args
        if name in tables.ROUTERS or name in tables.APPS:
            router = self._new_router(arguments, None, name in tables.APPS, name not in _OWN)
            self._initialise(router, arguments)
            return router
        if name in tables.APP_WRAPPERS and args:
            return args[tables.APP_WRAPPERS[name]]
        if tables.RETURNS.get(name) == "fastapi.APIRouter":
            return self._new_router(arguments, None, False, foreign=True)
        if name in _ROUTE_OBJECTS:
            return RouteObject(_ROUTE_OBJECTS[name], arguments)
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
        if name in _PURE and not arguments.keywords and not arguments.splat:
            return _pure(name, args)
        if name == "dict":
            return dict(arguments.keywords) if not args else (dict(args[0]) if isinstance(args[0], dict) else UNREAD)
        if name == "str" and len(args) == 1 and isinstance(args[0], str):
            return args[0]
        self._hand_on([*args, *arguments.keywords.values()], arguments.site)
        return External(name)

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
        self._import(found)
        return found

    def _hand_on(self, things: Any, site: Site | None = None) -> None:
        """Routers, and functions that include routers, go where the run does not follow."""
        for thing in _flat(things):
            if isinstance(thing, Router):
                thing.handed_on = True
            elif isinstance(thing, Closure) and site is not None:
                included = {_tail(call.func) for call in thing.function.body.calls}
                if tables.INCLUDE_ROUTER in included and thing.function not in self.web.startup:
                    self.unread.setdefault(site, f"{thing.function.qualname} is handed on")


_BUILTINS = frozenset(dir(builtins))
_OWN = frozenset({"fastapi.APIRouter", "starlette.routing.Router"}) | tables.APPS
_ROUTE_OBJECTS = {
    "fastapi.routing.APIRoute": "add_api_route",
    "fastapi.routing.APIWebSocketRoute": "add_api_websocket_route",
    "starlette.routing.Route": "add_route",
    "starlette.routing.WebSocketRoute": "add_websocket_route",
    "starlette.routing.Mount": "mount",
}
_KEYS = (str, int, Module, Router)
_PURE = frozenset({"list", "tuple", "set", "reversed", "iter", "enumerate", "zip"})


def choice(*values: Any) -> Any:
    """One of these, once each; a single one is itself, and what may be unread is unread."""
    flat: list[Any] = []
    for value in values:
        for option in value.options if isinstance(value, Choice) else (value,):
            if option is UNREAD:
                return UNREAD
            if not any(option is kept or (type(option) is type(kept) and option == kept) for kept in flat):
                flat.append(option)
    if not flat:
        return UNREAD
    return flat[0] if len(flat) == 1 else Choice(tuple(flat))


def _text(value: Any) -> str | None:
    """A string; None for what cannot be read. No string at all (None) is the empty one."""
    if value is None:
        return ""
    return value if isinstance(value, str) else None


def _tags(value: Any) -> tuple[str, ...] | None:
    if value is None:
        return ()
    items = _items(value)
    return None if items is None else tuple(item if isinstance(item, str) else "?" for item in items)


def _items(value: Any) -> list[Any] | None:
    """What iterating gives, where it is known."""
    if isinstance(value, (list, tuple, dict)):
        return list(value)
    return None


def _flat(value: Any, budget: int = 4) -> Iterator[Any]:
    """A value and what it holds."""
    yield value
    if budget:
        inner: Iterable[Any] = ()
        if isinstance(value, (list, tuple)):
            inner = value
        elif isinstance(value, dict):
            inner = value.values()
        elif isinstance(value, Choice):
            inner = value.options
        elif isinstance(value, RoutesOf):
            inner = (value.router,)
        for item in inner:
            yield from _flat(item, budget - 1)


def _joined(parts: list[Any]) -> Any:
    if all(isinstance(part, (str, int)) and not isinstance(part, bool) for part in parts):
        return "".join(str(part) for part in parts)
    return UNREAD


def _pure(name: str, args: list[Any]) -> Any:
    if not args:
        return []
    sequences = [_items(arg) for arg in args]
    lists = [items for items in sequences if items is not None]
    if len(lists) != len(sequences):
        return UNREAD
    if name == "enumerate":
        return [(number, item) for number, item in enumerate(lists[0])]
    if name == "zip":
        return [tuple(items) for items in zip(*lists)]
    return lists[0][::-1] if name == "reversed" else lists[0]


def _native(owner: Any, name: str, arguments: Arguments) -> Any:
    """A method of a string, list or dict."""
    args = arguments.args
    if isinstance(owner, str):
        if name in _STRING_METHODS and all(isinstance(a, str) for a in (*args, *arguments.keywords.values())):
            try:
                return getattr(owner, name)(*args, **arguments.keywords)
            except (TypeError, ValueError, IndexError, KeyError, AttributeError):
                return UNREAD
        items = _items(args[0]) if name == "join" and args else None
        if items is not None and all(isinstance(item, str) for item in items):
            return owner.join(items)
    elif isinstance(owner, list):
        if name == "append" and len(args) == 1:
            owner.append(args[0])
        elif name in {"extend", "insert"} and args:
            added = _items(args[-1]) if name == "extend" else [args[-1]]
            where = args[0] if name == "insert" and isinstance(args[0], int) else len(owner)
            owner[where:where] = added if added is not None else [UNREAD]
    elif isinstance(owner, dict):
        if name == "items":
            return [(key if isinstance(key, _KEYS) else UNREAD, value) for key, value in owner.items()]
        if name in {"values", "keys"}:
            return list(owner.values() if name == "values" else owner)
        if name in {"get", "pop"} and args and isinstance(args[0], (str, int)):
            return owner.get(args[0], args[1] if len(args) > 1 else UNREAD)
        if name == "update" and args and isinstance(args[0], dict):
            owner.update(args[0])
    return UNREAD


def _no_arguments(function: Function) -> Arguments:
    return Arguments(Site(function, 0), [], {}, {})


def _same_assignment(before: Event | Import, event: Event | Import) -> bool:
    both = isinstance(before, Bind) and isinstance(event, Bind)
    return both and before.span == event.span and before.value is event.value  # type: ignore[union-attr]


def _block_of(code: Code, span: Span) -> int:
    """The block that an import stands in: facts do not say, so by its place."""
    line, column, _, _ = unpack(span)
    blocks = code.body.blocks
    found = 0
    for index, block in enumerate(blocks):
        start, end = unpack(block.span), unpack(blocks[block.of].span if block.kind in _SECOND else block.span)
        within = block.parent == found or (block.kind in _SECOND and block.of == found)
        if within and start[:2] <= (line, column) <= end[2:]:
            found = index
    return found


def _tail(expr: Expr) -> str:
    name = getattr(expr, "name", "")
    return name.rpartition(".")[2] if isinstance(name, str) else ""
