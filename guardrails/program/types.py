"""What names and expressions may be, across modules: the evaluator that everything else asks.

``Types.infer(expr, code, block)`` follows names through scopes, imports and re-exports, attributes through classes,
instances and what their constructors were given, calls through the functions they reach. It is demand-driven and
remembers its answers. Recursion ends in ``UnknownValue``; an answer that it cut short is kept only as long as the
question that cut it is open, so that later answers do not hang on which question came first.

Methods are evaluated for the class of their receiver: in a generic base repository, ``self.collection_name`` is what
the subclass says. Results that hang on a parameter come back as ``ParameterValue`` and are filled in at the call.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from functools import cached_property

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
    Expr,
    FString,
    Import,
    Item,
    Items,
    Lambda,
    Mapping,
    Op,
    Ref,
    Star,
    Walrus,
    Yield,
    end_of,
)  # fmt: skip
from guardrails.program import external
from guardrails.program.installed import Installed, site_packages
from guardrails.program.model import Class, Code, Definition, Function, Module, bound_names, tail
from guardrails.program.modules import Modules
from guardrails.program.sites import Site
from guardrails.program.values import (
    NOTHING,
    ClassValue,
    CoroutineValue,
    DictValue,
    DocumentValue,
    ExternalInstance,
    ExternalValue,
    FunctionValue,
    InstanceValue,
    LiteralValue,
    ManagerValue,
    MappingValue,
    ModuleValue,
    ParameterValue,
    SequenceValue,
    SuperValue,
    UnknownValue,
    Value,
    Values,
    known,
    union,
    unknown,
)  # fmt: skip

# How deep one question may lead; deeper chains are answered with ignorance.
_DEPTH = 60
# How many questions one question may lead to; and after how many an answer that recursion cut short is kept for as
# long as the outermost of the questions that cut it is open, though it might be better without the inner ones: else
# the count explodes in knots of recursion.
_BUDGET = 3_000
_PATIENCE = 300
# How many alternatives an answer may have before it says nothing.
_WIDTH = 24

_BUILTINS = frozenset(dir(builtins))
_ITERABLES = frozenset(
    [
        "list",
        "List",
        "set",
        "Set",
        "frozenset",
        "FrozenSet",
        "tuple",
        "Tuple",
        "Sequence",
        "MutableSequence",
        "Iterable",
        "Iterator",
        "Collection",
        "Generator",
        "AbstractSet",
        "deque",
        "Deque",
    ]
)
_ASYNC_ITERABLES = frozenset(["AsyncIterable", "AsyncIterator", "AsyncGenerator"])
_TRANSPARENT = frozenset(
    ["Optional", "Union", "Annotated", "Final", "ClassVar", "Required", "NotRequired", "ReadOnly", "Mapped"]
)
_COROUTINES = frozenset(["Awaitable", "Coroutine"])
_DICTS = frozenset(
    ["dict", "Dict", "Mapping", "MutableMapping", "defaultdict", "DefaultDict", "OrderedDict", "WeakValueDictionary"]
)
# The methods of a dict that give one of its values.
_GIVES_VALUE = frozenset(["dict.get", "dict.pop", "dict.setdefault", "dict.__getitem__"])


class Types:
    """Answers what names and expressions may be."""

    def __init__(self, modules: Modules) -> None:
        self.modules = modules
        self._memo: dict[object, Values] = {}
        self._kept: dict[int, Expr] = {}
        self._mros: dict[Class, tuple[Class | str, ...]] = {}
        self._targets: dict[object, tuple[Function, ...]] = {}
        self._callers: dict[Function, list[tuple[Code, Call]]] = {}
        self._single: dict[tuple[Module, str], tuple[Bind | None, Code | None]] = {}
        self._open: dict[object, int] = {}
        """The questions being answered, and how deep each is."""
        self._cuts = 0
        """The open questions, as bits by depth, whose answers the present one had to do without."""
        self._waiting: dict[object, tuple[Values, int]] = {}
        """Answers that were cut short, and by which open questions."""
        self._until: dict[int, list[object]] = {}
        """The waiting answers by the innermost question that they hang on, by its depth."""
        self._spent = 0

    # --- the frame: memory, recursion, width

    def _ask(self, key: object, answer: Callable[..., Values], *arguments: object) -> Values:
        """``answer(*arguments)``, remembered under ``key``."""
        found = self._memo.get(key)
        if found is not None:
            return found
        waiting = self._waiting.get(key)
        if waiting is not None:
            self._cuts |= waiting[1]
            return waiting[0]
        depth = len(self._open)
        if key in self._open:
            self._cuts |= 1 << self._open[key]
            return unknown("recursion")
        if depth == 0:
            self._spent = 0
        self._spent += 1
        if depth >= _DEPTH or self._spent > _BUDGET:
            self._cuts |= 1
            return unknown("too deep" if depth >= _DEPTH else "the budget of the question is spent")
        before, self._cuts = self._cuts, 0
        self._open[key] = depth
        try:
            values = answer(*arguments)
        finally:
            cuts = self._close(key, before)
        if len(values) > _WIDTH:
            values = unknown("too many alternatives")
        if cuts:
            if self._spent > _PATIENCE:
                cuts &= -cuts  # the lowest bit: the outermost question
            self._waiting[key] = values, cuts
            self._until.setdefault(cuts.bit_length() - 1, []).append(key)
        else:
            self._memo[key] = values
        return values

    def _close(self, key: object, before: int) -> int:
        """End the innermost open question. The open questions that cut its answer short: none, and the answer holds
        whoever asks; else it holds until one of them ends. ``before``: what had been cut when it was asked.
        """
        depth = self._open.pop(key)
        if not self._cuts:
            self._cuts = before
            return 0
        for waiting in self._until.pop(depth, ()):
            del self._waiting[waiting]
        cuts = self._cuts & ((1 << depth) - 1)
        self._cuts = before | cuts
        return cuts

    # --- names

    def name(self, name: str, code: Code, block: int, span: int, receiver: Class | None = None) -> Values:
        """What the plain name ``name`` may be where ``code`` reads it."""
        scope: Code | None = code
        here = True
        while scope is not None:
            if isinstance(scope, Module):
                return self.in_module(scope, name)
            visible = here or not isinstance(scope, Class)
            if visible and not (isinstance(scope, Function) and name in scope.outer_names):
                values = self._in_scope(scope, name, block if here else 0, span if here else None, receiver)
                if values is not None:
                    return values
            scope, here = scope.outer, False
        return unknown(f"no name {name}")

    def _in_scope(self, scope: Code, name: str, block: int, span: int | None, receiver: Class | None) -> Values | None:
        parameter = scope.parameters_by_name.get(name) if isinstance(scope, Function) else None
        definitions = scope.bindings.get(name)
        if not definitions:
            return None if parameter is None else self.parameter(scope, name, receiver)  # type: ignore[arg-type]
        reaching, killed = self._reaching(definitions, scope, block, span)
        if parameter is not None and not killed and span is not None:
            reaching = [d for d in reaching if _position(d)[0] <= span]
        values = [self.definition(d, name, scope, receiver) for d in reaching]
        if parameter is not None and not killed:
            values.append(self.parameter(scope, name, receiver))  # type: ignore[arg-type]
        return union(*values)

    @staticmethod
    def _reaching(
        definitions: list[Definition], code: Code, block: int, span: int | None
    ) -> tuple[list[Definition], bool]:
        """The definitions that may reach a read, and whether one of them surely comes between it and the start."""
        if span is None:
            return definitions, any(not isinstance(d, Bind) or d.block == 0 for d in definitions)
        around = dict(code.ancestors_of(block))
        before: list[Definition] = []
        for definition in reversed(definitions):
            start, own = _position(definition)
            if start > span and not (isinstance(definition, Bind) and definition.op == "for" and own in around):
                continue
            if _excluded(code, own, around):
                continue
            before.append(definition)
            if own in around and not (isinstance(definition, Bind) and definition.op not in {"=", ":=", "for", "with"}):
                return before[::-1], True
        if before:
            return before[::-1], False
        # Read before it is bound: bound by an earlier turn of a loop.
        return [d for d in definitions if not _excluded(code, _position(d)[1], around)], False

    def in_module(self, module: Module, name: str) -> Values:
        """What ``name`` may be at the end of the module: its definitions, star imports, submodules, then builtins."""
        values = self._defined(module, name)
        if values:
            return values
        submodule = self.modules.by_name.get(f"{module.name}.{name}") if module.is_package else None
        if submodule is not None:
            return (ModuleValue(submodule),)
        if name in _BUILTINS:
            return (ExternalValue(name),)
        return unknown(f"no name {name} in {module.name}")

    def _defined(self, module: Module, name: str) -> Values:
        """What the module's own statements make of ``name``; empty where none does."""
        key = ("module", id(module), name)
        found = self._memo.get(key)
        return found if found is not None else self._ask(key, self._find_defined, module, name)

    def _find_defined(self, module: Module, name: str) -> Values:
        definitions = module.bindings.get(name)
        if definitions:
            last = len(definitions) - 1
            while last > 0 and not _unconditional(definitions[last]):
                last -= 1
            return union(*(self.definition(d, name, module) for d in definitions[last:]))
        for item in module.imports:
            if item.name == "*":
                values = self._through_star(module, item, name)
                if values:
                    return values
        return ()

    def _through_star(self, module: Module, item: Import, name: str) -> Values:
        source = self.modules.imported_module(module, item)
        if source is None or source is module:
            return ()
        exports = source.facts.exports
        if name not in exports if exports is not None else name.startswith("_"):
            return ()
        values = self.in_module(source, name)
        return () if isinstance(values[0], UnknownValue) or _is_builtin(values) else values

    def definition(self, definition: Definition, name: str, code: Code, receiver: Class | None = None) -> Values:
        """What one definition of ``name`` gives."""
        if isinstance(definition, Function):
            return (FunctionValue(definition),)
        if isinstance(definition, Class):
            return (ClassValue(definition),)
        if isinstance(definition, Import):
            return self.imported(code.module, definition)
        owner = code.module.owner_of.get(id(definition), code)
        return self._ask(("bind", id(definition), name, receiver), self._bound, definition, name, owner, receiver)

    def imported(self, module: Module, item: Import) -> Values:
        """What an import statement's name is: a module, or something in one; third-party things by name."""
        if item.name is None:
            wanted = item.module if item.alias else item.module.partition(".")[0]
            found = self.modules.find(wanted, module)
            if found is not None:
                return (ModuleValue(found),)
            if item.alias is None and self.modules.find(item.module, module) is not None:
                return (ExternalValue(wanted),)  # a namespace package: its modules are found by their whole name
            return (ExternalValue(external.canonical(wanted)),)
        base = self.modules.absolute(module, item)
        source = self.modules.find(base, module) if base is not None else None
        if source is not None and source is not module:
            values = self._defined(source, item.name)
            if values and not isinstance(values[0], UnknownValue) and not _is_builtin(values):
                return values
        whole = f"{base}.{item.name}" if base else item.name
        submodule = self.modules.find(whole, module) if base is not None else None
        if submodule is not None:
            return (ModuleValue(submodule),)
        if source is not None or item.level:
            return unknown(f"{whole} is not defined")
        return (ExternalValue(external.canonical(whole)),)

    def _bound(self, bind: Bind, name: str, code: Code, receiver: Class | None) -> Values:
        """What one binding gives to ``name`` (a plain name in its target)."""
        declared: Values = ()
        if bind.annotation is not None:
            declared = self.annotation(bind.annotation, code)
        if bind.value is None:
            return declared or unknown("declared without a value")
        if bind.op == "except":
            return self.instances(self.infer(bind.value, code, bind.block, receiver))
        values = self.infer(bind.value, code, bind.block, receiver)
        if bind.op == "for":
            values = self.items_of(values)
        elif bind.op == "with":
            values = self.entered(values)
        elif bind.op not in {"=", ":="}:
            return unknown("augmented")
        if not isinstance(bind.target, Ref):
            values = self._unpacked(bind.target, name, bind.value, values, code, bind.block, receiver)
        if declared and not known(values):
            return declared
        if any(isinstance(v, DictValue) for v in declared) and all(_is_empty_dict(v) for v in values):
            return declared
        if (
            bind.op == "="
            and isinstance(bind.value, Items)
            and bind.value.kind == "list"
            and isinstance(bind.target, Ref)
        ):
            return self._appended(values, name, code, receiver)
        return values

    def _appended(self, values: Values, name: str, code: Code, receiver: Class | None) -> Values:
        """A list display with what the same body appends to it."""
        results = [v.items for v in values if isinstance(v, SequenceValue)]
        for call in code.body.calls:
            if isinstance(call.func, Ref) and call.args and call.func.name in {f"{name}.append", f"{name}.extend"}:
                added = self.infer(call.args[0], code, call.block, receiver)
                results.append(self.items_of(added) if call.func.name.endswith("extend") else added)
        return (SequenceValue(union(*results)),)

    def _unpacked(
        self, target: Expr, name: str, value: Expr, values: Values, code: Code, block: int, receiver: Class | None
    ) -> Values:
        if isinstance(target, Items) and isinstance(value, Items) and len(target.items) == len(value.items):
            for part, item in zip(target.items, value.items):
                if name in bound_names(part):
                    return self.infer(item, code, block, receiver)
        return self.items_of(values)

    # --- parameters

    def parameter(self, function: Function, name: str, receiver: Class | None = None) -> Values:
        """What a parameter may be, by its annotation, its default or its dependency; else ``ParameterValue``."""
        return self._ask(("parameter", id(function), name, receiver), self._parameter, function, name, receiver)

    def _parameter(self, function: Function, name: str, receiver: Class | None) -> Values:
        parameter = function.parameters_by_name[name]
        cls = function.cls
        if cls is not None and function.has_receiver and parameter is function.facts.parameters[0]:
            own = receiver if receiver is not None else cls
            return (ClassValue(own),) if function.is_classmethod else (InstanceValue(own),)
        outer = function.outer
        assert outer is not None
        if parameter.kind == "*":
            return (SequenceValue(unknown("positional arguments")),)
        if parameter.kind == "**":
            return unknown("keyword arguments")
        provided = self.dependency_value(function, name)
        annotated = self.annotation(parameter.annotation, outer, receiver) if parameter.annotation is not None else ()
        if known(annotated) and not all(_is_vague(v) for v in known(annotated)):
            if all(isinstance(v, LiteralValue) or _is_scalar(v) for v in known(annotated)):
                return (ParameterValue(function, name),)
            # A provider knows the database or the collection that the annotation only types.
            same = [v for v in known(provided) if any(_same_kind(v, a) for a in annotated)]
            return tuple(same) if same else annotated
        if known(provided):
            return provided
        narrowed = self._narrowed(function, name)
        if narrowed:
            return narrowed
        return (ParameterValue(function, name),)

    def dependency_value(self, function: Function, name: str) -> Values:
        """What FastAPI injects for a parameter (``Depends`` in its default or annotation); empty where it does not."""
        provider = self.dependency(function, name)
        if provider is None:
            return ()
        return self.provided(provider)

    def provided(self, providers: Values) -> Values:
        """What dependencies give: the awaited return value, or what they yield."""
        results: list[Values] = []
        for value in providers:
            if isinstance(value, FunctionValue) and value.function.facts.is_generator:
                results.append(self.yielded(value.function))
            else:
                results.append(self.awaited(self.call_value(value)))
        return union(*results)

    def dependency(self, function: Function, name: str) -> Values | None:
        """The callables that ``Depends``/``Security`` names for a parameter, or None where it names none."""
        parameter = function.parameters_by_name[name]
        outer = function.outer
        assert outer is not None
        marker = self.dependency_marker(function, name)
        if marker is None:
            return None
        call, code = marker
        if call.args:
            return self.infer(call.args[0], code, call.block)
        for keyword in call.keywords:
            if keyword.name == "dependency":
                return self.infer(keyword.value, code, call.block)
        if parameter.annotation is None:
            return None
        return tuple(
            ClassValue(v.cls) if isinstance(v, InstanceValue) else v
            for v in self.annotation(parameter.annotation, outer)
        )

    def dependency_marker(self, function: Function, name: str) -> tuple[Call, Code] | None:
        """The ``Depends(...)`` call of a parameter, in its default or its annotation, with the code that holds it."""
        parameter = function.parameters_by_name[name]
        outer = function.outer
        assert outer is not None
        marker = self.depends_marker(parameter.default, outer)
        if marker is None and parameter.annotation is not None:
            for expr, code in self._annotated_parts(parameter.annotation, outer):
                marker = self.depends_marker(expr, code) or marker
        return marker

    def depends_marker(self, expr: Expr | None, code: Code) -> tuple[Call, Code] | None:
        """The ``Depends(...)`` call that an expression is, followed through names, with the code that holds it."""
        if isinstance(expr, CallRef):
            call = code.body.calls[expr.index]
            names = {v.name for v in self.infer(call.func, code, call.block) if isinstance(v, ExternalValue)}
            return (call, code) if names & external.DEPENDS else None
        if isinstance(expr, Ref):
            bind, owner = self.single_binding(expr, code)
            if bind is not None and owner is not None and bind.value is not None and bind.value is not expr:
                return self.depends_marker(bind.value, owner) if isinstance(bind.value, (CallRef, Ref)) else None
        return None

    def _annotated_parts(self, expr: Expr, code: Code, budget: int = 8) -> Iterator[tuple[Expr, Code]]:
        """The metadata of ``Annotated[...]`` in an annotation, through type aliases."""
        if budget == 0:
            return
        if isinstance(expr, Item) and tail(expr.value) == "Annotated" and isinstance(expr.index, Items):
            yield from self._annotated_parts(expr.index.items[0], code, budget - 1)
            for part in expr.index.items[1:]:
                yield part, code
        elif isinstance(expr, Op) and expr.op == "|":
            for operand in expr.operands:
                yield from self._annotated_parts(operand, code, budget - 1)
        elif isinstance(expr, Item) and tail(expr.value) in _TRANSPARENT:
            yield from self._annotated_parts(expr.index, code, budget - 1)
        elif isinstance(expr, Ref):
            bind, owner = self.single_binding(expr, code)
            if bind is not None and owner is not None and isinstance(bind.value, (Item, Op, Ref)):
                yield from self._annotated_parts(bind.value, owner, budget - 1)

    def single_binding(self, ref: Ref, code: Code) -> tuple[Bind | None, Code | None]:
        """The one module-level binding that a name stands for, through imports; (None, None) where there is none."""
        first, _, rest = ref.name.partition(".")
        scope: Code | None = code
        while scope is not None and not isinstance(scope, Module):
            if first in scope.bindings and not isinstance(scope, Class):
                definitions = scope.bindings[first]
                if len(definitions) == 1 and isinstance(definitions[0], Bind) and not rest:
                    return definitions[0], scope
                if not isinstance(definitions[0], Import):
                    return None, None
            scope = scope.outer
        return self.module_binding(code.module, ref.name)

    def module_binding(self, module: Module, name: str) -> tuple[Bind | None, Code | None]:
        """The one binding that a dotted name of a module stands for, through imports; (None, None) without one."""
        key = (module, name)
        found = self._single.get(key)
        if found is None:
            first, _, rest = name.partition(".")
            found = self._single[key] = self._module_binding(module, first, rest, 12)
        return found

    def _module_binding(self, module: Module, first: str, rest: str, budget: int) -> tuple[Bind | None, Code | None]:
        definitions = module.bindings.get(first, [])
        if not definitions:
            for item in module.imports:
                source = self.modules.imported_module(module, item) if item.name == "*" else None
                if source is not None and source is not module and budget:
                    found = self._module_binding(source, first, rest, budget - 1)
                    if found[0] is not None:
                        return found
            return None, None
        definition = definitions[-1]
        if isinstance(definition, Bind):
            return (definition, module.owner_of.get(id(definition), module)) if not rest else (None, None)
        if not isinstance(definition, Import) or budget == 0:
            return None, None
        if definition.name is not None:
            base = self.modules.absolute(module, definition)
            source = self.modules.find(base, module) if base is not None else None
            if source is not None and source is not module and definition.name in source.bindings:
                return self._module_binding(source, definition.name, rest, budget - 1)
            source = self.modules.find(f"{base}.{definition.name}", module) if base else None
        else:
            source = self.modules.find(definition.module, module) if definition.alias else None
            if definition.alias is None and f"{first}.{rest}".startswith(definition.module + "."):
                source = self.modules.find(definition.module, module)
                rest = f"{first}.{rest}"[len(definition.module) + 1 :]
        if source is None or not rest:
            return None, None
        first, _, rest = rest.partition(".")
        return self._module_binding(source, first, rest, budget - 1)

    def _narrowed(self, function: Function, name: str) -> Values:
        """The classes that the function itself tests a parameter for with ``isinstance``."""
        results: list[Values] = []
        for call in function.body.calls:
            if isinstance(call.func, Ref) and call.func.name == "isinstance" and len(call.args) == 2:
                subject, classes = call.args
                if isinstance(subject, Ref) and subject.name == name:
                    parts = classes.items if isinstance(classes, Items) else (classes,)
                    for part in parts:
                        results.append(self.instances(self.infer(part, function, call.block)))
        return tuple(v for v in known(union(*results)) if not _is_scalar(v))

    def expand(self, values: Values, depth: int = 3) -> Values:
        """``values`` with every ``ParameterValue`` replaced by what the callers pass, where all can be read."""
        for value in values:
            if isinstance(value, ParameterValue):
                break
        else:
            return values
        results: list[Values] = []
        for value in values:
            if not isinstance(value, ParameterValue):
                results.append((value,))
            elif depth == 0:
                results.append(unknown("callers too far away"))
            else:
                results.append(self.expand(self.passed(value.function, value.name), depth - 1))
        return union(*results)

    def passed(self, function: Function, name: str) -> Values:
        """What the project's own calls pass for a parameter, its default included."""
        return self._ask(("passed", id(function), name), self._passed, function, name)

    def _passed(self, function: Function, name: str) -> Values:
        parameter = function.parameters_by_name[name]
        results: list[Values] = []
        complete = False
        for code, call in self.calls_of(function):
            complete = True
            argument = function.arguments(call).get(name)
            if argument is not None:
                results.append(self.infer(argument, code, call.block))
            elif parameter.default is not None:
                results.append(self._default(function, name))
            else:
                results.append(unknown("not passed by name or position"))
        if not complete:
            if parameter.default is not None and not isinstance(parameter.default, CallRef):
                return union(self._default(function, name), unknown("no callers"))
            return unknown("no callers")
        return union(*results)

    def _default(self, function: Function, name: str) -> Values:
        default = function.parameters_by_name[name].default
        assert default is not None
        assert function.outer is not None
        return self.infer(default, function.outer, function.facts.block)

    def calls_of(self, function: Function) -> list[tuple[Code, Call]]:
        """The calls in the project that reach exactly this function (constructor calls for an ``__init__``); of a
        function of the application, those of the application.
        """
        key = ("callers", function)
        known_callers = self._callers.get(function)
        if known_callers is not None:
            if key in self._open:
                self._cuts |= 1 << self._open[key]  # still being found: what is there so far
            return known_callers
        names = [function.name]
        cls = function.cls
        if function.name == "__init__" and cls is not None:
            names = [*(c.name for c in self.with_subclasses(cls)), "__init__", "cls"]
        found: list[tuple[Code, Call]] = []
        # What an object calls by this name is one of its methods, unless somewhere such a name is given to objects.
        free = cls is None and self.modules.names.attributes.isdisjoint(names)
        before, self._cuts = self._cuts, 0
        self._open[key] = len(self._open)
        self._callers[function] = found
        for site in self.calls_named(*names):
            if function.module.application and not site.code.module.application:
                continue  # tests pass what they make up
            if free and _is_of_object(site.call.func, site.code):
                continue
            if function in self.targets(site.call, site.code):
                found.append((site.code, site.call))
        if self._close(key, before):
            del self._callers[function]
        return found

    def calls_named(self, *names: str) -> Iterator[Site]:
        """The project's calls of anything by these names, or by what some module imports them as."""
        aliases = (alias for name in names for alias in self._aliases.get(name, ()))
        return self.modules.sites.named((*names, *aliases), everywhere=True)

    @cached_property
    def _aliases(self) -> dict[str, list[str]]:
        """The other names under which some module imports a name."""
        table: dict[str, list[str]] = {}
        for module in self.modules.ordered:
            for item in module.facts.imports:
                if item.alias and item.name and item.alias not in (item.name, *table.get(item.name, ())):
                    table.setdefault(item.name, []).append(item.alias)
        return table

    # --- expressions

    def infer(self, expr: Expr, code: Code, block: int = 0, receiver: Class | None = None) -> Values:
        """What an expression of ``code`` may be, where it stands in ``block``, for a receiver of that class."""
        if receiver is None and isinstance(code, Function):
            receiver = code.cls
        key = (id(expr), receiver)
        found = self._memo.get(key)
        if found is not None:
            return found
        if isinstance(expr, Const):
            return (LiteralValue(expr.value),)
        evaluate = _EVALUATORS.get(type(expr))
        if evaluate is None:
            return unknown(getattr(expr, "reason", "no value"))
        self._kept[id(expr)] = expr  # the key is an address, which must not pass to another expression
        if isinstance(expr, Ref) and self._is_of_module(expr.name, code):
            shared = (code.module, expr.name)
            values = self._ask(shared, self._ref, expr, code.module, 0, None)
            if shared in self._memo:
                self._memo[key] = values
            return values
        return self._ask(key, evaluate, self, expr, code, block, receiver)

    def _is_of_module(self, name: str, code: Code) -> bool:
        """Whether a dotted name means the same wherever the module reads it: not bound, nor narrowed, on the way."""
        first, _, rest = name.partition(".")
        if first in code.tested_names or (rest and first in code.attribute_owners):
            return False
        return code.scope_of(first) is code.module

    def _attribute(self, expr: Attr, code: Code, block: int, receiver: Class | None) -> Values:
        return self.attribute_of(self.infer(expr.value, code, block, receiver), expr.name)

    def _await(self, expr: Await, code: Code, block: int, receiver: Class | None) -> Values:
        return self.awaited(self.infer(expr.value, code, block, receiver))

    def _conditional(self, expr: Cond, code: Code, block: int, receiver: Class | None) -> Values:
        return union(self.infer(expr.body, code, block, receiver), self.infer(expr.orelse, code, block, receiver))

    def _items(self, expr: Items, code: Code, block: int, receiver: Class | None) -> Values:
        items = tuple(
            self.items_of(self.infer(i.value, code, block, receiver))
            if isinstance(i, Star)
            else self.infer(i, code, block, receiver)
            for i in expr.items
        )
        return (SequenceValue(union(*items)),)

    def _inner(self, expr: Walrus | Star, code: Code, block: int, receiver: Class | None) -> Values:
        return self.infer(expr.value, code, block, receiver)

    def _lambda(self, expr: Lambda, code: Code, block: int, receiver: Class | None) -> Values:
        return (FunctionValue(code.module.functions[expr.function]),)

    def _sent(self, expr: Yield, code: Code, block: int, receiver: Class | None) -> Values:
        return unknown("sent by the caller")

    def _called(self, expr: CallRef, code: Code, block: int, receiver: Class | None) -> Values:
        return self._call(code.body.calls[expr.index], expr.index, code, receiver)

    def _ref(self, ref: Ref, code: Code, block: int, receiver: Class | None) -> Values:
        first, *rest = ref.name.split(".")
        values = self._as_tested(self.name(first, code, block, ref.span, receiver), first, code, block)
        whole = first
        for position, attribute in enumerate(rest):
            whole += f".{attribute}"
            stored = self._stored_locally(whole, code, block, ref.span, receiver)
            values = stored if stored else self.attribute_of(values, attribute)
            if not values or isinstance(values[0], (UnknownValue, ExternalValue)):
                # ``import a.b.c`` of a namespace package: only the whole name is a module.
                module = self.modules.find(".".join([first, *rest[: position + 1]]), code.module)
                if module is not None and self._is_imported(first, code):
                    values = (ModuleValue(module),)
        return values

    def _as_tested(self, values: Values, name: str, code: Code, block: int) -> Values:
        """``values`` of a name where the branches around its read test for its class.

        ``if isinstance(x, User):``, ``if type(x) is User:``, ``if x.__class__ == User:``, of the project's classes.
        """
        if name not in code.tested_names:
            return values
        for index, record in code.ancestors_of(block):
            if record.kind != "if" or record.expr is None:
                continue
            tested = self._classes_tested(record.expr, name, code, record.parent)
            if not tested or any(
                isinstance(d, Bind) and code.inside(d.block, index) for d in code.bindings.get(name, ())
            ):
                continue
            own = {t.cls for t in tested if isinstance(t, InstanceValue)}
            narrower: list[Value] = []
            for value in self.expand(values):
                if isinstance(value, InstanceValue):
                    if own & set(self.mro(value.cls)):
                        narrower.append(value)
                elif not own:
                    narrower.append(value)
            return tuple(narrower) or tested
        return values

    def _classes_tested(self, expr: Expr, name: str, code: Code, block: int) -> Values:
        """What a condition says a name is an instance of; a third-party class only where it tests for that very one."""
        exact = isinstance(expr, Op)
        classes: Expr | None = None
        if isinstance(expr, CallRef):
            call = code.body.calls[expr.index]
            if isinstance(call.func, Ref) and call.func.name == "isinstance" and len(call.args) == 2:
                classes = call.args[1] if _is_named(call.args[0], name) else None
        elif isinstance(expr, Op) and expr.op == "and":
            return next((f for o in expr.operands if (f := self._classes_tested(o, name, code, block))), ())
        elif isinstance(expr, Op) and expr.op in {"is", "=="} and len(expr.operands) == 2:
            left, right = expr.operands
            if _is_named(left, f"{name}.__class__"):
                classes = right
            elif isinstance(left, CallRef):
                call = code.body.calls[left.index]
                if isinstance(call.func, Ref) and call.func.name == "type" and len(call.args) == 1:
                    classes = right if _is_named(call.args[0], name) else None
        if classes is None:
            return ()
        found = self.instances(self.infer(classes, code, block))
        wanted = (InstanceValue, ExternalInstance) if exact else InstanceValue
        return found if all(isinstance(v, wanted) for v in found) else ()

    def _stored_locally(self, dotted: str, code: Code, block: int, span: int, receiver: Class | None) -> Values | None:
        """What this very body stored before under a dotted name (``self.client = ...`` and then ``self.client.db``)."""
        if not isinstance(code, Function):
            return None
        if dotted.partition(".")[0] not in code.attribute_owners:
            return None
        binds: list[Definition] = [b for b in code.attribute_bindings if b.target.name == dotted]  # type: ignore[union-attr]
        if not binds:
            return None
        reaching, killed = self._reaching(binds, code, block, span)
        if not killed:
            return None
        return union(*(self.definition(b, dotted, code, receiver) for b in reaching))

    @staticmethod
    def _is_imported(name: str, code: Code) -> bool:
        scope: Code | None = code
        while scope is not None:
            if any(isinstance(d, Import) for d in scope.bindings.get(name, ())):
                return True
            scope = scope.outer
        return False

    def _item(self, expr: Item, code: Code, block: int, receiver: Class | None) -> Values:
        bases = self.expand(self.infer(expr.value, code, block, receiver))
        results: list[Values] = []
        for base in bases:
            if isinstance(base, ExternalInstance):
                label = self._label(expr.index, code, block, receiver)
                results.append(external.subscript(base, label))
            elif isinstance(base, SequenceValue):
                sliced = isinstance(expr.index, Items) and expr.index.kind == "slice"
                results.append((base,) if sliced else base.items)
            elif isinstance(base, MappingValue):
                results.append(self._looked_up(base, expr, code, block, receiver))
            elif isinstance(base, DictValue):
                results.append(base.items)
            elif isinstance(base, ClassValue) or (isinstance(base, ExternalValue) and base.receiver is None):
                results.append((base,))  # a generic class with its arguments
            elif isinstance(base, InstanceValue):
                results.append(self._through_method(base, "__getitem__"))
            else:
                results.append(unknown("an item of something unknown"))
        return union(*results)

    def _looked_up(self, base: MappingValue, expr: Item, code: Code, block: int, receiver: Class | None) -> Values:
        wanted = [v.value for v in self.infer(expr.index, code, block, receiver) if isinstance(v, LiteralValue)]
        values: list[Values] = []
        for key, value in zip(base.expr.keys, base.expr.values):
            if not wanted or (isinstance(key, Const) and key.value in wanted):
                values.append(self.infer(value, base.code))
        return union(*values) or unknown("no such key")

    def _label(
        self, expr: Expr, code: Code, block: int, receiver: Class | None
    ) -> LiteralValue | ParameterValue | None:
        """The name that a database or collection is asked for by."""
        values = self.infer(expr, code, block, receiver)
        if len(values) == 1 and isinstance(values[0], (LiteralValue, ParameterValue)):
            return values[0]
        return None

    def _operation(self, expr: Op, code: Code, block: int, receiver: Class | None) -> Values:
        if expr.op in {"or", "and"}:
            parts = [self.infer(o, code, block, receiver) for o in expr.operands]
            if expr.op == "or":
                return union(*parts)
            return parts[-1]
        if expr.op in {"+", "%"} and len(expr.operands) == 2:
            left, right = (self.infer(o, code, block, receiver) for o in expr.operands)
            if len(left) == len(right) == 1:
                a, b = left[0], right[0]
                if isinstance(a, LiteralValue) and isinstance(b, LiteralValue) and expr.op == "+":
                    if isinstance(a.value, str) and isinstance(b.value, str):
                        return (LiteralValue(a.value + b.value),)
                elif isinstance(a, SequenceValue) and isinstance(b, SequenceValue):
                    return (SequenceValue(union(a.items, b.items)),)
        if expr.op in {"/", "+"}:
            paths = [v for v in self.infer(expr.operands[0], code, block, receiver) if isinstance(v, ExternalInstance)]
            if paths and expr.op == "/":
                return tuple(paths)
        if expr.op == "|":
            kinds = [self.infer(o, code, block, receiver) for o in expr.operands]
            flat = union(*kinds)
            if all(isinstance(v, (ClassValue, ExternalValue, MappingValue, DocumentValue)) for v in flat):
                return flat
        return unknown(f"the result of {expr.op}")

    def _mapping(self, expr: Mapping, code: Code, block: int, receiver: Class | None) -> Values:
        return (MappingValue(code, expr),)

    def _comprehension(self, expr: Comp, code: Code, block: int, receiver: Class | None) -> Values:
        is_async = code.body.blocks[expr.block].kind == "async-comprehension" and expr.kind == "generator"
        if expr.kind == "dict":
            return (ExternalInstance("dict"),)
        return (SequenceValue(self.infer(expr.element, code, expr.block, receiver), is_async),)

    def _fstring(self, expr: FString, code: Code, block: int, receiver: Class | None) -> Values:
        text = ""
        for part in expr.parts:
            values = self.infer(part, code, block, receiver)
            if len(values) != 1 or not isinstance(values[0], LiteralValue):
                return (ExternalInstance("str"),)
            text += str(values[0].value)
        return (LiteralValue(text),)

    # --- attributes

    def attribute_of(self, values: Values, name: str) -> Values:
        """What the attribute ``name`` of any of ``values`` may be."""
        return union(*(self.attribute(value, name) for value in self.expand(values))) or unknown("nothing")

    def attribute(self, value: Value, name: str) -> Values:
        """What the attribute ``name`` of ``value`` may be."""
        if isinstance(value, ModuleValue):
            return self.in_module(value.module, name)
        if isinstance(value, ExternalValue):
            return external.attribute(value, name)
        if isinstance(value, ExternalInstance):
            if external.is_state(value.cls):
                return self.in_state(name)
            stored = self._on_app(name) if external.is_app(value.cls) else ()
            return stored or external.member(value, name)
        if isinstance(value, InstanceValue):
            return self._ask(("attribute", value.cls, name), self._instance_attribute, value, name)
        if isinstance(value, ClassValue):
            return self._ask(("static", value.cls, name), self._class_attribute, value, name)
        if isinstance(value, SuperValue):
            return self._super_attribute(value, name)
        if isinstance(value, LiteralValue) and value.value is not None:
            return (ExternalValue(f"{type(value.value).__name__}.{name}", value),)
        if isinstance(value, SequenceValue):
            return (ExternalValue(f"list.{name}", value),)
        if isinstance(value, (MappingValue, DictValue, DocumentValue)):
            return (ExternalValue(f"dict.{name}", value),)
        if isinstance(value, CoroutineValue):
            return unknown("an attribute of a coroutine")
        return unknown(f"an attribute {name} of something unknown")

    def _instance_attribute(self, value: InstanceValue, name: str) -> Values:
        fallback: Values = ()
        for owner in self.mro(value.cls):
            if isinstance(owner, str):
                members = external.base_member(owner, name, value)
                if members:
                    return members
                fallback = fallback or external.inherited(owner, name, value)
                continue
            method = owner.method(name)
            if method is not None:
                if method.is_property:
                    return self.returns(method, value.cls)
                if method.is_static:
                    return (FunctionValue(method),)
                return (FunctionValue(method, ClassValue(value.cls) if method.is_classmethod else value),)
            stored = self._stored(owner, name, value.cls)
            if stored:
                return stored
        if any(owner.method("__getattr__") for owner in self.mro(value.cls) if isinstance(owner, Class)):
            return unknown("__getattr__")
        return fallback or unknown(f"no attribute {name} on {value.cls.qualname}")

    def _stored(self, owner: Class, name: str, receiver: Class) -> Values:
        """What a class and its methods bind to ``self.name``."""
        results: list[Values] = []
        for definition in owner.bindings.get(name, ()):
            results.append(self._class_binding(definition, name, owner))
        for method, bind in owner.receiver_bindings.get(name, ()):
            results.append(self.definition(bind, f"self.{name}", method, receiver))
        for code, bind in self._outside_bindings.get(name, ()):
            if self._binds_on(code, bind, owner):
                results.append(self.definition(bind, name, code))
        values = union(*results)
        precise = known(values)
        return precise or values

    def _class_binding(self, definition: Definition, name: str, owner: Class) -> Values:
        values = self.definition(definition, name, owner)
        if isinstance(definition, Bind) and definition.annotation is not None:
            declared = self.annotation(definition.annotation, owner)
            # ``client: AsyncMongoClient = None`` declares; ``name: str = "users"`` says what it is.
            if known(declared) and (not known(values) or not all(isinstance(v, LiteralValue) for v in values)):
                return declared
        return values

    @cached_property
    def _outside_bindings(self) -> dict[str, list[tuple[Code, Bind]]]:
        """Bindings of attributes from outside their class (``database.client = ...``), by the attribute's name.

        Those of the application: tests put in the place of things what they make up.
        """
        table: dict[str, list[tuple[Code, Bind]]] = {}
        for module in self.modules.ordered:
            for code in module.codes() if module.application else ():
                for bind in code.attribute_bindings:
                    base, _, attribute = bind.target.name.rpartition(".")  # type: ignore[union-attr]
                    if base != code.receiver_name:
                        table.setdefault(attribute, []).append((code, bind))
        return table

    def _binds_on(self, code: Code, bind: Bind, owner: Class) -> bool:
        target = bind.target
        assert isinstance(target, Ref)
        base = Ref(target.name.rpartition(".")[0], target.span)
        values = self._ask(("base", id(bind)), self._ref, base, code, bind.block, None)
        return any(isinstance(v, (InstanceValue, ClassValue)) and owner in self.mro(v.cls) for v in values)

    def in_state(self, name: str) -> Values:
        """What the project stores as ``….state.name`` (``app.state``, ``request.state``)."""
        results = [
            self.definition(bind, name, code)
            for code, bind in self._outside_bindings.get(name, ())
            if bind.target.name.rpartition(".")[0].rpartition(".")[2] == "state"  # type: ignore[union-attr]
        ]
        return union(*results) or unknown(f"nothing stores state.{name}")

    def _on_app(self, name: str) -> Values:
        """What the project stores on its app itself (``app.mongodb = ...``)."""
        results: list[Values] = []
        for code, bind in self._outside_bindings.get(name, ()):
            base = Ref(bind.target.name.rpartition(".")[0], bind.span)  # type: ignore[union-attr]
            owners = self._ask(("base", id(bind)), self._ref, base, code, bind.block, None)
            if any(isinstance(v, ExternalInstance) and external.is_app(v.cls) for v in owners):
                results.append(self.definition(bind, name, code))
        return union(*results)

    def _class_attribute(self, value: ClassValue, name: str) -> Values:
        fallback: Values = ()
        for owner in self.mro(value.cls):
            if isinstance(owner, str):
                members = external.base_member(owner, name, value)
                if members:
                    return members
                fallback = fallback or external.inherited(owner, name, value)
                continue
            method = owner.method(name)
            if method is not None:
                if method.is_classmethod:
                    return (FunctionValue(method, value),)
                return (FunctionValue(method),)
            if name in owner.bindings:
                return union(*(self._class_binding(d, name, owner) for d in owner.bindings[name]))
            stored = self._stored(owner, name, value.cls)
            if stored:
                return stored
        return fallback or unknown(f"no attribute {name} on {value.cls.qualname}")

    def _super_attribute(self, value: SuperValue, name: str) -> Values:
        mro = self.mro(value.receiver)
        rest = mro[mro.index(value.cls) + 1 :] if value.cls in mro else self.mro(value.cls)[1:]
        instance = InstanceValue(value.receiver)
        fallback: Values = ()
        for owner in rest:
            if isinstance(owner, str):
                members = external.base_member(owner, name, instance)
                if members:
                    return members
                fallback = fallback or external.inherited(owner, name, instance)
            else:
                method = owner.method(name)
                if method is not None:
                    bound: Value = ClassValue(value.receiver) if method.is_classmethod else instance
                    return (
                        self.returns(method, value.receiver) if method.is_property else (FunctionValue(method, bound),)
                    )
        return fallback or unknown(f"no attribute {name} above {value.cls.qualname}")

    def _through_method(self, value: InstanceValue, name: str) -> Values:
        return union(*(self.call_value(v) for v in self.attribute(value, name)))

    # --- classes

    def mro(self, cls: Class) -> tuple[Class | str, ...]:
        """The class and its ancestors, nearest first; third-party ones by canonical name."""
        found = self._mros.get(cls)
        if found is None:
            self._mros[cls] = (cls,)  # what a circle of bases sees
            order: dict[Class | str, None] = {cls: None}
            for base in self.bases(cls):
                for ancestor in self.mro(base) if isinstance(base, Class) else self._ancestry(base):
                    # The last mention wins, as in C3: a shared root comes after everything built on it.
                    order.pop(ancestor, None)
                    order[ancestor] = None
            order.pop(cls)
            found = self._mros[cls] = (cls, *order)
        return found

    def _ancestry(self, name: str) -> tuple[str, ...]:
        """A third-party class and its ancestors: by the tables, else by the packages installed beside the project."""
        known_to_tables = external.ancestry(name)
        if len(known_to_tables) > 1 or external.is_driver(name):
            return known_to_tables
        order: dict[str, None] = {name: None}
        pending = list(self.installed.bases(name))
        while pending and len(order) < _WIDTH:
            base = external.canonical(pending.pop(0))
            if base not in order:
                order.update(dict.fromkeys(external.ancestry(base)))
                pending.extend(self.installed.bases(base))
        return tuple(order)

    @cached_property
    def installed(self) -> Installed:
        """The packages in the project's own virtual environments."""
        project = self.modules.project
        return Installed(site_packages(project.root, project.base))

    def bases(self, cls: Class) -> tuple[Class | str, ...]:
        """The direct bases that can be resolved, without their type arguments."""
        outer = cls.outer
        assert outer is not None
        result: list[Class | str] = []
        for base in cls.facts.bases:
            expr = base.value if isinstance(base, Item) else base
            for value in self.infer(expr, outer, cls.facts.block):
                if isinstance(value, ClassValue) and value.cls is not cls:
                    result.append(value.cls)
                elif isinstance(value, ExternalValue):
                    result.append(value.name)
                elif isinstance(value, ExternalInstance):
                    result.append(value.cls)  # a base made by a call: ``declarative_base()``
        return tuple(result)

    def has_unknown_base(self, cls: Class) -> bool:
        """Whether some ancestor in the project has a base that cannot be resolved."""
        for owner in self.mro(cls):
            if isinstance(owner, Class):
                outer = owner.outer
                assert outer is not None
                for base in owner.facts.bases:
                    expr = base.value if isinstance(base, Item) else base
                    if any(isinstance(v, UnknownValue) for v in self.infer(expr, outer, owner.facts.block)):
                        return True
        return False

    def is_a(self, cls: Class, *names: str) -> bool:
        """Whether a class descends from one of these third-party classes (canonical names)."""
        return any(isinstance(owner, str) and owner in names for owner in self.mro(cls))

    def subclasses(self, cls: Class) -> tuple[Class, ...]:
        """The project's classes that descend from ``cls``, by module and line; not itself."""
        return tuple(self._subclasses.get(cls, ()))

    @cached_property
    def _subclasses(self) -> dict[Class, list[Class]]:
        table: dict[Class, list[Class]] = {}
        for module in self.modules.ordered:
            for cls in module.classes:
                for ancestor in self.mro(cls)[1:]:
                    if isinstance(ancestor, Class):
                        table.setdefault(ancestor, []).append(cls)
        return table

    def with_subclasses(self, cls: Class) -> tuple[Class, ...]:
        """A class and all that descend from it."""
        return (cls, *self.subclasses(cls))

    # --- annotations

    def annotation(self, expr: Expr, code: Code, receiver: Class | None = None) -> Values:
        """The values that an annotation admits: instances of the classes it names, None apart."""
        if isinstance(expr, Ref) and not expr.name.endswith("Self"):
            scope = code.scope_of(expr.name.partition(".")[0])
            if isinstance(scope, Module):  # what it is does not depend on where it stands
                return self._ask(("annotation", scope, expr.name), self._annotation, expr, scope, None)
        self._kept[id(expr)] = expr
        return self._ask(("annotation", id(expr), receiver), self._annotation, expr, code, receiver)

    def _annotation(self, expr: Expr, code: Code, receiver: Class | None) -> Values:
        if isinstance(expr, Const):
            return (NOTHING,) if expr.value is None else unknown("a literal annotation")
        if isinstance(expr, Op) and expr.op == "|":
            return union(*(self.annotation(o, code, receiver) for o in expr.operands))
        if isinstance(expr, Item):
            return self._generic(expr, code, receiver)
        if not isinstance(expr, Ref):
            return unknown("an unreadable annotation")
        if expr.name.rpartition(".")[2] == "Self" and receiver is not None:
            return (InstanceValue(receiver),)
        bind, owner = self.single_binding(expr, code)
        if bind is not None and owner is not None and bind.value is not None:
            if isinstance(bind.value, (Item, Op, Ref)) and bind.value is not expr:
                return self.annotation(bind.value, owner, receiver)
            if isinstance(bind.value, CallRef):
                return self._type_variable(owner.body.calls[bind.value.index], owner)
        return self.instances(self.infer(expr, code, 0))

    def _type_variable(self, call: Call, code: Code) -> Values:
        """``T = TypeVar("T", bound=Base)`` admits its bound; ``UserId = NewType("UserId", str)`` its base."""
        if tail(call.func) == "TypeVar":
            for keyword in call.keywords:
                if keyword.name == "bound":
                    return self.annotation(keyword.value, code)
            return unknown("a type variable")
        if tail(call.func) == "NewType" and len(call.args) == 2:
            return self.annotation(call.args[1], code)
        return unknown("a computed type")

    def _generic(self, expr: Item, code: Code, receiver: Class | None) -> Values:
        name = tail(expr.value)
        arguments = expr.index.items if isinstance(expr.index, Items) else (expr.index,)
        if name in {"Annotated", "Final", "ClassVar", "Optional", "Required", "NotRequired", "Mapped"}:
            return self.annotation(arguments[0], code, receiver)
        if name == "Union":
            return union(*(self.annotation(a, code, receiver) for a in arguments))
        if name in {"Type", "type"}:
            return tuple(
                ClassValue(v.cls) if isinstance(v, InstanceValue) else ExternalValue(v.cls)
                for v in self.annotation(arguments[0], code, receiver)
                if isinstance(v, (InstanceValue, ExternalInstance))
            ) or unknown("a type")
        if name in _COROUTINES:
            return (CoroutineValue(self.annotation(arguments[-1], code, receiver)),)
        base = self.instances(self.infer(expr.value, code, 0))
        iterable = name in _ITERABLES or name in _ASYNC_ITERABLES
        if iterable and not any(isinstance(v, ExternalInstance) and external.is_driver(v.cls) for v in base):
            parts = [a for a in arguments if not (isinstance(a, Const) and a.value is None)]
            first = parts[:1] if "Generator" in name else parts
            items = union(*(self.annotation(a, code, receiver) for a in first))
            return (SequenceValue(items, name in _ASYNC_ITERABLES),)
        if name in _DICTS and len(arguments) == 2:
            items = self.annotation(arguments[1], code, receiver)
            if any(isinstance(v, InstanceValue) or external.kind(v) for v in items):
                return (DictValue(items),)
        if name == "Literal":
            return tuple(LiteralValue(a.value) for a in arguments if isinstance(a, Const)) or unknown("a literal")
        owners = self.annotation(arguments[0], code, receiver)
        if len(owners) == 1 and isinstance(owners[0], InstanceValue):
            own = owners[0].cls
            return tuple(
                ExternalInstance(v.cls, owner=own)
                if isinstance(v, ExternalInstance) and external.is_driver(v.cls)
                else v
                for v in base
            )
        return base

    def instances(self, values: Values) -> Values:
        """Instances of the classes that ``values`` are."""
        results: list[Value] = []
        for value in values:
            if isinstance(value, ClassValue):
                results.append(InstanceValue(value.cls))
            elif isinstance(value, ExternalValue):
                results.append(ExternalInstance(external.canonical(value.name)))
            elif isinstance(value, SequenceValue):
                results.extend(self.instances(value.items))
            elif value == NOTHING:
                results.append(value)
            else:
                results.append(UnknownValue("no class"))
        return tuple(dict.fromkeys(results))

    # --- calls

    def _call(self, call: Call, index: int, code: Code, receiver: Class | None) -> Values:
        callees = self.infer(call.func, code, call.block, receiver)
        results: list[Values] = []
        for callee in self.expand(callees):
            results.append(self.result(callee, call, index, code, receiver))
        return union(*results) or unknown("nothing is called")

    def result(self, callee: Value, call: Call, index: int, code: Code, receiver: Class | None) -> Values:
        """What calling ``callee`` here gives."""
        if isinstance(callee, FunctionValue):
            values = self.call_value(callee)
            return self._filled(values, callee.function, call, code, receiver)
        if isinstance(callee, ExternalValue):
            return self._external_result(callee, call, index, code, receiver)
        return self.call_value(callee)

    def call_value(self, callee: Value) -> Values:
        """What calling ``callee`` gives, whatever the arguments."""
        if isinstance(callee, FunctionValue):
            function = callee.function
            own = callee.receiver.cls if isinstance(callee.receiver, (InstanceValue, ClassValue)) else None
            if function.facts.is_generator:
                manager = function.has_decorator("contextmanager", "asynccontextmanager")
                items = self.yielded(function, own)
                return (ManagerValue(items),) if manager else (SequenceValue(items, function.is_async),)
            values = self.returns(function, own)
            return (CoroutineValue(values),) if function.is_async else values
        if isinstance(callee, ClassValue):
            return (InstanceValue(callee.cls),)
        if isinstance(callee, InstanceValue):
            return self._through_method(callee, "__call__")
        if isinstance(callee, ExternalValue):
            return external.returned(callee)
        if isinstance(callee, ExternalInstance):
            return external.called_instance(callee)
        return unknown("calls something unknown")

    def returns(self, function: Function, receiver: Class | None = None) -> Values:
        """What a function returns (a coroutine function: what awaiting it gives), by value and by annotation."""
        return self._ask(("returns", id(function), receiver), self._returns, function, receiver)

    def _returns(self, function: Function, receiver: Class | None) -> Values:
        outer = function.outer
        assert outer is not None
        annotated: Values = ()
        if function.facts.returns is not None:
            annotated = self.annotation(function.facts.returns, outer, receiver or function.cls)
            if annotated and all(self._is_exact(v) for v in annotated) and not _returns_names(function):
                return annotated
        inferred = union(*(self.infer(r.value, function, r.block, receiver) for r in function.returned if r.value))
        if not function.returned:
            inferred = (NOTHING,)
        if not known(annotated) or all(_is_vague(v) for v in known(annotated)):
            return inferred if known(inferred) or not annotated else annotated
        agreeing = tuple(v for v in known(inferred) if any(_same_kind(v, a) for a in annotated))
        # What flows out says more than the annotation (a collection's name, a subclass), if all of it agrees.
        return agreeing if agreeing and len(agreeing) == len(inferred) - (NOTHING in inferred) else annotated

    def _is_exact(self, value: Value) -> bool:
        """Whether nothing that a body does can say more of a value than its type."""
        if isinstance(value, InstanceValue):
            return value.cls.name not in self.modules.names.bases and not self.is_a(value.cls, "typing.Protocol")
        return _is_scalar(value) or value == NOTHING

    def yielded(self, function: Function, receiver: Class | None = None) -> Values:
        """What a generator function yields."""
        return self._ask(("yields", id(function), receiver), self._yielded, function, receiver)

    def _yielded(self, function: Function, receiver: Class | None) -> Values:
        results: list[Values] = []
        for event in function.body.events:
            value = getattr(event, "value", None)
            if isinstance(value, Yield) and value.value is not None:
                values = self.infer(value.value, function, event.block, receiver)
                results.append(self.items_of(values) if value.whole else values)
        if not known(union(*results)) and function.facts.returns is not None and function.outer is not None:
            return self.items_of(self.annotation(function.facts.returns, function.outer, receiver))
        return union(*results) or unknown("yields something unknown")

    def _filled(self, values: Values, function: Function, call: Call, code: Code, receiver: Class | None) -> Values:
        """``values`` with the parameters of ``function`` replaced by this call's arguments."""

        def fill(value: Value) -> Values:
            if isinstance(value, ParameterValue) and value.function is function:
                argument = function.arguments(call).get(value.name)
                if argument is not None:
                    return self.infer(argument, code, call.block, receiver)
                if function.parameters_by_name[value.name].default is not None:
                    return self._default(function, value.name)
                return unknown("not passed by name or position")
            if isinstance(value, ExternalInstance) and isinstance(value.label, ParameterValue):
                labels = fill(value.label)
                label = labels[0] if len(labels) == 1 else None
                kept = label if isinstance(label, (LiteralValue, ParameterValue)) else None
                return (ExternalInstance(value.cls, kept, value.owner, value.origin),)
            if isinstance(value, CoroutineValue):
                return (CoroutineValue(union(*(fill(v) for v in value.values))),)
            if isinstance(value, SequenceValue):
                return (SequenceValue(union(*(fill(v) for v in value.items)), value.is_async),)
            return (value,)

        return union(*(fill(v) for v in values))

    def _external_result(
        self, callee: ExternalValue, call: Call, index: int, code: Code, receiver: Class | None
    ) -> Values:
        name = callee.name
        if isinstance(callee.receiver, DictValue):
            if name in _GIVES_VALUE:
                return callee.receiver.items
            if name in {"dict.values", "dict.copy"}:
                return (SequenceValue(callee.receiver.items),) if name == "dict.values" else (callee.receiver,)
        if name == "sqlalchemy.orm.sessionmaker":
            return self._session_maker(callee, call, index, code, receiver)
        if name == "super":
            return self._super(code, receiver)
        if name in {"typing.cast", "typing_extensions.cast"} and len(call.args) == 2:
            return self.annotation(call.args[0], code)
        if name == "getattr" and len(call.args) >= 2:
            label = self._label(call.args[1], code, call.block, receiver)
            if isinstance(label, LiteralValue) and isinstance(label.value, str):
                return self.attribute_of(self.infer(call.args[0], code, call.block, receiver), label.value)
            return unknown("a computed attribute")
        if name in external.PARTIALS and call.args:
            return self.infer(call.args[0], code, call.block, receiver)
        if name in external.SEQUENCES and call.args:
            return (SequenceValue(self.items_of(self.infer(call.args[0], code, call.block, receiver))),)
        if name in external.FIRST_ITEM and call.args:
            items = self.items_of(self.infer(call.args[0], code, call.block, receiver))
            return (CoroutineValue(items),) if name == "anext" else items
        if name == "dict" and len(call.args) == 1:
            copied = self.infer(call.args[0], code, call.block, receiver)
            if any(isinstance(v, (DocumentValue, MappingValue)) for v in copied):
                return copied
        if name == "type" and len(call.args) == 1:
            return tuple(
                ClassValue(v.cls) for v in self.infer(call.args[0], code, call.block, receiver)
                if isinstance(v, InstanceValue)
            ) or unknown("a type")  # fmt: skip
        if name == "asyncio.gather":
            results = (self.awaited(self.infer(a, code, call.block, receiver)) for a in call.args)
            return (CoroutineValue((SequenceValue(union(*results)),)),)
        if name in external.AWAITS_FIRST and call.args:
            return (CoroutineValue(self.awaited(self.infer(call.args[0], code, call.block, receiver))),)
        if name in external.AWAITED_HANDOFFS:
            handed = external.handed_functions(name, call)
            functions = self.infer(handed[0][0], code, call.block, receiver) if handed else ()
            return (CoroutineValue(union(*(self.call_value(v) for v in functions))),)
        first: Values = ()
        if call.args:
            first = self.infer(call.args[0], code, call.block, receiver)
        elif call.keywords and call.keywords[0].name in {"name", "model"}:
            first = self.infer(call.keywords[0].value, code, call.block, receiver)
        return external.called(callee, first, (code, index))

    def _session_maker(
        self, callee: ExternalValue, call: Call, index: int, code: Code, receiver: Class | None
    ) -> Values:
        """A ``sessionmaker``; with ``class_=AsyncSession``, as before SQLAlchemy 2, one of asynchronous sessions."""
        chosen = next((k.value for k in call.keywords if k.name == "class_"), None)
        if chosen is None:
            return (ExternalInstance(callee.name, origin=(code, index)),)
        values = self.infer(chosen, code, call.block, receiver)
        names = {v.name if isinstance(v, ExternalValue) else "" for v in values}
        if names == {"sqlalchemy.ext.asyncio.AsyncSession"}:
            return (ExternalInstance("sqlalchemy.ext.asyncio.async_sessionmaker", origin=(code, index)),)
        if names == {"sqlalchemy.orm.Session"}:
            return (ExternalInstance(callee.name, origin=(code, index)),)
        return unknown("a session of another class")

    def _super(self, code: Code, receiver: Class | None) -> Values:
        cls = code.class_around
        if cls is None:
            return unknown("super() outside a class")
        return (SuperValue(cls, receiver if receiver is not None else cls),)

    # --- protocols

    def awaited(self, values: Values) -> Values:
        """What ``await`` of any of ``values`` gives."""
        results: list[Values] = []
        for value in values:
            if isinstance(value, CoroutineValue):
                results.append(value.values)
            elif isinstance(value, ExternalInstance):
                results.append(external.awaited(value))
            else:
                results.append((value,))
        return union(*results)

    def items_of(self, values: Values) -> Values:
        """What iterating over any of ``values`` gives."""
        results: list[Values] = []
        for value in self.expand(values):
            if isinstance(value, SequenceValue):
                results.append(value.items)
            elif isinstance(value, ExternalInstance):
                results.append(external.iterated(value))
            elif isinstance(value, InstanceValue):
                iterator = self._through_method(value, "__aiter__") or self._through_method(value, "__iter__")
                results.append(tuple(v for i in iterator if isinstance(i, SequenceValue) for v in i.items))
            elif isinstance(value, ClassValue):
                results.append((InstanceValue(value.cls),))  # an enum's members
            else:
                results.append(unknown("an item of something unknown"))
        return union(*results) or unknown("no items")

    def entered(self, values: Values) -> Values:
        """What ``with``/``async with`` binds for any of ``values``."""
        results: list[Values] = []
        for value in values:
            if isinstance(value, InstanceValue):
                methods = [m for n in ("__aenter__", "__enter__") for m in self.attribute(value, n)]
                given = (self.awaited(self.call_value(m)) for m in methods if isinstance(m, FunctionValue))
                entered = union(*given)
                results.append(entered or (value,))
            elif isinstance(value, ExternalInstance):
                results.append(external.entered(value))
            elif isinstance(value, ManagerValue):
                results.append(value.values)
            else:
                results.append((value,))
        return union(*results)

    # --- the call graph's primitive

    def targets(self, call: Call, code: Code, receiver: Class | None = None) -> tuple[Function, ...]:
        """The project's own functions that a call may run: functions, methods, constructors, ``__call__``.

        A call through an abstract method reaches the implementations in the subclasses.
        """
        key = (id(call), receiver)
        remembered = self._targets.get(key)
        if remembered is not None:
            return remembered
        before, self._cuts = self._cuts, 0
        found: dict[Function, None] = {}
        above = _through_super(call.func, code)
        for value in self.expand(self.infer(call.func, code, call.block, receiver)):
            for function in _above(value) if above else self.functions_of(value):
                found.setdefault(function)
        if above and receiver is None:
            for function in self._cooperating(call, code):
                found.setdefault(function)
        if not self._cuts:
            self._targets[key] = tuple(found)
        self._cuts |= before
        return tuple(found)

    def _cooperating(self, call: Call, code: Code) -> Iterator[Function]:
        """What ``super().f()`` runs where the receiver is of a subclass: the next class in the receiver's own order."""
        if isinstance(code, Function) and code.cls is not None:
            for cls in self.subclasses(code.cls):
                for value in self.infer(call.func, code, call.block, cls):
                    yield from _above(value)

    def functions_of(self, value: Value) -> Iterator[Function]:
        """The project's functions that calling ``value`` runs."""
        if isinstance(value, FunctionValue):
            function = value.function
            if function.is_abstract and function.cls is not None:
                implementations = [
                    m for c in self.subclasses(function.cls) if (m := c.method(function.name)) and not m.is_abstract
                ]
                yield from implementations or [function]
            else:
                yield function
        elif isinstance(value, ClassValue):
            for name in ("__new__", "__init__", "__post_init__", "model_post_init"):
                for owner in self.mro(value.cls):
                    method = owner.method(name) if isinstance(owner, Class) else None
                    if method is not None:
                        yield method
                        break
        elif isinstance(value, InstanceValue):
            for member in self.attribute(value, "__call__"):
                if isinstance(member, FunctionValue):
                    yield member.function


_EVALUATORS: dict[type, Callable[..., Values]] = {
    Attr: Types._attribute,
    Await: Types._await,
    CallRef: Types._called,
    Comp: Types._comprehension,
    Cond: Types._conditional,
    FString: Types._fstring,
    Item: Types._item,
    Items: Types._items,
    Lambda: Types._lambda,
    Mapping: Types._mapping,
    Op: Types._operation,
    Ref: Types._ref,
    Star: Types._inner,
    Walrus: Types._inner,
    Yield: Types._sent,
}


def _position(definition: Definition) -> tuple[int, int]:
    """From where on a definition holds (a comparable span), and the block it stands in.

    An assignment holds after its statement: in ``user = user.copy()`` the right side reads the user of before.
    """
    if isinstance(definition, Bind):
        after = definition.op not in {"for", "with", "except"}
        return end_of(definition.span) if after else definition.span, definition.block
    if isinstance(definition, Import):
        return definition.span, 0
    return definition.facts.span, definition.facts.block


def _excluded(code: Code, own: int, around: dict[int, Block]) -> bool:
    """Whether a definition's block and the read's are different arms of one branch."""
    blocks = code.body.blocks
    mine = {index for index, _ in code.ancestors_of(own)}
    for index in mine - around.keys():
        kind, of = blocks[index].kind, blocks[index].of
        if kind == "else" and of in around:
            return True
        if kind == "if" and any(blocks[a].kind == "else" and blocks[a].of == index for a in around):
            return True
        if kind in {"case", "except"} and any(
            blocks[a].kind == kind and blocks[a].of == of and a != index for a in around
        ):
            return True
    return False


def _above(value: Value) -> tuple[Function, ...]:
    """The very method that ``super()`` finds, abstract or not: it never comes back down to a subclass."""
    return (value.function,) if isinstance(value, FunctionValue) else ()


def _is_of_object(func: Expr, code: Code) -> bool:
    """Whether what is called is an attribute of something that a body has made or been given: not of a module."""
    if isinstance(func, Attr):
        return True
    if not isinstance(func, Ref) or "." not in func.name:
        return False
    first = func.name.partition(".")[0]
    scope = code.scope_of(first)
    if not isinstance(scope, Function):
        return False
    # ``service = users`` may give a module another name.
    return first in scope.parameters_by_name or all(
        isinstance(d, Bind) and not isinstance(d.value, Ref) for d in scope.bindings[first]
    )


def _is_named(expr: Expr, dotted: str) -> bool:
    return isinstance(expr, Ref) and expr.name == dotted


def _through_super(func: Expr, code: Code) -> bool:
    """Whether a call is ``super().name(...)``."""
    if not (isinstance(func, Attr) and isinstance(func.value, CallRef)):
        return False
    return tail(code.body.calls[func.value.index].func) == "super"


def _is_empty_dict(value: Value) -> bool:
    """``{}``, ``dict()``, ``defaultdict(...)`` and the like: a dict that its annotation says more about."""
    if isinstance(value, MappingValue):
        return not value.expr.values
    return isinstance(value, ExternalInstance) and value.cls.rpartition(".")[2] in _DICTS


def _unconditional(definition: Definition) -> bool:
    if isinstance(definition, Import):
        return not definition.guarded and not definition.type_checking
    if isinstance(definition, Bind):
        return definition.block == 0 and definition.op == "=" and definition.value is not None
    return definition.facts.block == 0


def _is_builtin(values: Values) -> bool:
    return len(values) == 1 and isinstance(values[0], ExternalValue) and values[0].name in _BUILTINS


def _is_vague(value: Value) -> bool:
    """Types that say nothing about what may be done with a value."""
    return isinstance(value, ExternalInstance) and value.cls in {"typing.Any", "object"}


def _is_scalar(value: Value) -> bool:
    return isinstance(value, ExternalInstance) and value.cls in {
        "str", "int", "float", "bool", "bytes", "dict",
        "list", "tuple", "set", "typing.Dict", "typing.List",
    }  # fmt: skip


def _returns_names(function: Function) -> bool:
    """Whether all that a function returns is written out or has a name: ``return "users"`` says more than ``str``."""
    return all(isinstance(r.value, (Const, FString, Ref)) for r in function.returned) and bool(function.returned)


def _same_kind(value: Value, declared: Value) -> bool:
    if isinstance(value, LiteralValue):
        return isinstance(declared, ExternalInstance) and type(value.value).__name__ == declared.cls
    if isinstance(declared, ExternalInstance):
        return isinstance(value, ExternalInstance) and (
            value.cls == declared.cls or external.related(value.cls, declared.cls)
        )
    if isinstance(declared, InstanceValue):
        return isinstance(value, InstanceValue)
    return type(value) is type(declared)
