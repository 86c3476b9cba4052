"""What is logged: calls of loggers and of print, root loggers, who configures logging, and secrets in the arguments."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from guardrails.facts.records import (
    Attr,
    Await,
    Bind,
    Call,
    CallRef,
    Cond,
    Const,
    Expr,
    FString,
    Import,
    Item,
    Items,
    Keyword,
    Mapping,
    Op,
    Ref,
    Star,
    Walrus,
)  # fmt: skip
from guardrails.knowledge import frameworks
from guardrails.knowledge.secrets import secret_name
from guardrails.program.layers import words_of
from guardrails.program.model import Code, Function, Module, tail
from guardrails.program.sites import Site
from guardrails.program.values import ExternalInstance, ExternalValue, InstanceValue, LiteralValue, Values

if TYPE_CHECKING:
    from guardrails.program.program import Program

_PRINTING = frozenset({"print", "pprint", "pp"})
_LOGGER_WORDS = frozenset({"log", "logger", "loggers", "logging", "loguru", "structlog", "logfire"})
_SETTING_UP = frozenset({"config", "configure", "init", "initialize", "install", "setup"})
_LOGGER_CLASSES = frozenset(frameworks.LOGGERS.values()) | {"logging", "loguru.logger", "logging.RootLogger"}
_STREAMS = frozenset({"sys.stderr", "sys.stdout", "sys.__stderr__", "sys.__stdout__"})
# Arguments of a log call that say how to log, not what.
_MANNERS = frozenset({"exc_info", "stack_info", "stacklevel", "file", "end", "sep", "flush", "level", "lvl"})

_REQUESTS = frozenset(
    {"starlette.requests.Request", "starlette.requests.HTTPConnection", "starlette.websockets.WebSocket"}
)
_CREDENTIALS = frozenset(
    {
        "fastapi.security.HTTPAuthorizationCredentials",
        "fastapi.security.HTTPBasicCredentials",
        "fastapi.security.OAuth2PasswordRequestForm",
    }
)
_REQUEST_PARTS = {"headers": "headers", "cookies": "cookies", "body": "body", "json": "body", "form": "body"}
# Calls that give their argument or receiver as it is, or as text.
_TEXT_FUNCTIONS = frozenset(
    {
        "str", "repr", "dict", "list", "tuple", "bytes", "ascii", "format", "vars", "json.dumps", "pprint.pformat",
        "fastapi.encoders.jsonable_encoder", "orjson.dumps", "ujson.dumps", "copy.copy", "copy.deepcopy", "pformat",
    }
)  # fmt: skip
_TEXT_METHODS = frozenset(
    {
        "strip", "lstrip", "rstrip", "lower", "upper", "title", "encode", "decode", "get_secret_value", "items",
        "values", "copy", "join", "model_dump", "model_dump_json", "dict", "json", "body", "form",
    }
)  # fmt: skip
_HARMLESS = frozenset({"bool", "int", "float", "datetime.datetime", "datetime.date", "datetime.timedelta"})
_DEPTH = 8


class Exposure(Struct, frozen=True):
    """A call that shows what nobody may read. ``what``: the secret's name, ``request headers``, ``settings``, …"""

    site: Site
    what: str
    how: str


class Logs:
    """Answers about logging."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.types = program.types
        self.sites = program.modules.sites

    # --- calls

    @cached_property
    def prints(self) -> tuple[Site, ...]:
        """The calls of the application that print, by module and place."""
        imports = (item for module in self.program.application for item in module.facts.imports)
        names = {*_PRINTING, *(item.alias for item in imports if item.alias and _renames(item))}
        return tuple(site for site in self.sites.named(names) if self._prints(site.call, site.code))

    def root_calls(self) -> Iterator[Site]:
        """The calls of the application that write to the root logger through the functions of ``logging``."""
        for site in self.sites.named(frameworks.LOG_METHODS):
            if self._is_root_call(site.call, site.code):
                yield site

    def _prints(self, call: Call, code: Code) -> bool:
        """Whether a call prints to the process's own streams, in code that the app runs."""
        name = tail(call.func)
        if name not in _PRINTING and not any(i.alias == name and _renames(i) for i in code.module.facts.imports):
            return False
        values = self.types.infer(call.func, code, call.block)
        if not any(isinstance(v, ExternalValue) and v.name in frameworks.PRINTS for v in values):
            return False
        if self._is_tool(code.module):
            return False
        file = next((k.value for k in call.keywords if k.name in {"file", "stream"}), None)
        return file is None or any(
            isinstance(v, ExternalValue) and v.name in _STREAMS for v in self.types.infer(file, code, call.block)
        )

    def _is_tool(self, module: Module) -> bool:
        """Whether a module is a program of its own (``if __name__ == "__main__"``) that the app does not import."""
        return (
            bool(self.program.web.app_sites)
            and module not in self._imported
            and any(
                block.kind == "if"
                and isinstance(block.expr, Op)
                and any(isinstance(o, Ref) and o.name == "__name__" for o in block.expr.operands)
                for block in module.body.blocks
            )
        )

    def is_log(self, call: Call, code: Code) -> bool:
        """Whether a call writes a record through a logger, of whatever library, or to the root logger."""
        name = tail(call.func)
        if isinstance(call.func, Ref) and "." not in call.func.name:
            return self._is_root_call(call, code)
        if name not in frameworks.LOG_METHODS:
            return False
        for value in self.types.infer(call.func, code, call.block):
            if isinstance(value, ExternalValue):
                owner = value.name.rpartition(".")[0]
                if owner in _LOGGER_CLASSES or value.name in frameworks.ROOT_LOGGER_CALLS:
                    return True
        return self._looks_like_logger(call.func)

    @staticmethod
    def _looks_like_logger(func: Expr) -> bool:
        """``self.logger.info``, ``request.app.log.error``: a receiver that is called a logger."""
        base = func.value if isinstance(func, Attr) else func
        name = getattr(base, "name", "")
        owner = name if isinstance(func, Attr) else name.rpartition(".")[0]
        words = words_of(owner.rpartition(".")[2])
        return bool(words) and words[-1] in _LOGGER_WORDS

    def _is_root_call(self, call: Call, code: Code) -> bool:
        """Whether a call is one of the functions of ``logging`` that write to the root logger."""
        if tail(call.func) not in frameworks.LOG_METHODS:
            return False
        values = self.types.infer(call.func, code, call.block)
        return any(
            isinstance(v, ExternalValue) and v.receiver is None and v.name in frameworks.ROOT_LOGGER_CALLS
            for v in values
        )

    # --- the root logger

    def root_loggers(self) -> Iterator[Site]:
        """``logging.getLogger()`` without a name, but where it only serves to configure logging."""
        for site in self.sites.named({"getLogger"}):
            if self._gets_root(site.call, site.code) and not self._only_configures(site.index, site.call, site.code):
                yield site

    def _gets_root(self, call: Call, code: Code) -> bool:
        arguments = [*call.args, *(k.value for k in call.keywords)]
        if arguments and not (isinstance(arguments[0], Const) and arguments[0].value in {None, "", "root"}):
            return False
        values = self.types.infer(call.func, code, call.block)
        return any(isinstance(v, ExternalValue) and v.name == "logging.getLogger" for v in values)

    def _only_configures(self, index: int, call: Call, code: Code) -> bool:
        """Whether it stands in code that configures logging, or has only its handlers, level and the like set."""
        configures = code in self._configuring
        writers = self._writers.get((code, index))
        if writers:
            return configures and (isinstance(code, Function) or writers == {code})
        return configures or call.use == "receiver" or self._sets_up(index, code)

    @staticmethod
    def _sets_up(index: int, code: Code) -> bool:
        """Whether the code reads or sets something of the name that it binds the logger to: handlers, level, …"""
        bound = {
            e.target.name
            for e in code.body.events
            if isinstance(e, Bind) and isinstance(e.target, Ref) and e.value == CallRef(index)
        }
        touched = [*code.body.loads, *(b.target.name for b in code.attribute_bindings)]  # type: ignore[union-attr]
        return any(name.rpartition(".")[0] in bound for name in touched)

    @cached_property
    def _writers(self) -> dict[tuple[Code, int], set[Code]]:
        """The loggers that records are written through, by their construction, with the codes that write."""
        table: dict[tuple[Code, int], set[Code]] = {}
        for site in self.sites.named(frameworks.LOG_METHODS):
            for value in self.types.infer(site.call.func, site.code, site.call.block):
                receiver = value.receiver if isinstance(value, ExternalValue) else None
                if isinstance(receiver, ExternalInstance) and receiver.origin is not None:
                    table.setdefault(receiver.origin, set()).add(site.code)
        return table

    # --- configuration

    @cached_property
    def _configuring(self) -> dict[Code, None]:
        """The code that configures logging by a call, by module and place."""
        sites = self.sites
        named = [name for name in sites.names if name in _CONFIGURING or _says_configures(name)]
        found = (s.code for s in sites.named(named, {"log_config"}) if self._configures(s.call, s.code))
        return dict.fromkeys(found)

    def _configures(self, call: Call, code: Code) -> bool:
        name = tail(call.func)
        if name in {"run", "Config"} and any(k.name == "log_config" for k in call.keywords):
            return True
        if name == "addHandler":
            return True
        values = self.types.infer(call.func, code, call.block)
        if name in _CONFIGURING:
            return any(isinstance(v, ExternalValue) and v.name in frameworks.LOGGING_CONFIGURATORS for v in values)
        # A library's function that says that it sets logging up: ``initialize_logger(...)``.
        return _says_configures(name) and any(isinstance(v, ExternalValue) and v.receiver is None for v in values)

    @cached_property
    def is_configured(self) -> bool:
        """Whether something that runs at start-up, the import of a module included, configures logging."""
        return any(map(self._starts, self._configuring)) or any(
            self._sets_handlers(code) and self._starts(code)
            for module in self.program.application
            for code in module.codes()
        )

    def _starts(self, code: Code) -> bool:
        return self.program.calls.in_startup(code) if isinstance(code, Function) else code.module in self._imported

    @cached_property
    def _imported(self) -> frozenset[Module]:
        """The modules that construct the apps and all that they import, the packages around them included."""
        found: set[Module] = set()
        pending = [site.code.module for site in self.program.web.app_sites]
        while pending:
            module = pending.pop()
            if module in found:
                continue
            found.add(module)
            pending += [e.imported for e in self.program.imports.of.get(module, ()) if not e.type_checking]
            package = self.program.modules.by_name.get(module.name.rpartition(".")[0])
            pending += [package] if package is not None else []
        return frozenset(found)

    @staticmethod
    def _sets_handlers(code: Code) -> bool:
        """``logging.getLogger().handlers = [handler]``."""
        return any(
            isinstance(e, Bind) and tail(e.target) == "handlers" and isinstance(e.value, Items) and e.value.items
            for e in code.body.events
        )

    # --- secrets

    @cached_property
    def exposures(self) -> tuple[Exposure, ...]:
        """The calls that log or print a secret, a request's headers or body, or all settings, by module and place."""
        prints = set(self.prints)
        names = {*frameworks.LOG_METHODS, *(tail(site.call.func) for site in self.prints)}
        found = []
        for site in self.sites.named(names):
            if site in prints or self.is_log(site.call, site.code):
                what = self._exposed(site.call, site.code)
                if what is not None:
                    found.append(Exposure(site, what, "prints" if site in prints else "logs"))
        return tuple(found)

    def _exposed(self, call: Call, code: Code) -> str | None:
        for argument in call.args:
            what = self._secret(argument, code, call.block)
            if what is not None:
                return what
        for keyword in call.keywords:
            if keyword.name not in _MANNERS:
                what = self._secret_keyword(keyword, code, call.block)
                if what is not None:
                    return what
        return None

    def _secret_keyword(self, keyword: Keyword, code: Code, block: int) -> str | None:
        if keyword.name is not None and secret_name(keyword.name) and self._shows(keyword.value, code, block):
            return keyword.name
        return self._secret(keyword.value, code, block)

    def _secret(self, expr: Expr, code: Code, block: int, depth: int = _DEPTH) -> str | None:
        """What secret the value of an expression shows, or None."""
        if depth == 0:
            return None
        if isinstance(expr, Ref):
            return self._secret_name(expr, code, block, depth)
        if isinstance(expr, Attr):
            return self._named(expr.name, expr, code, block) or self._of_type(expr, code, block)
        if isinstance(expr, Item):
            return self._secret_item(expr, code, block)
        if isinstance(expr, CallRef):
            return self._secret_call(code.body.calls[expr.index], code, block, depth)
        if isinstance(expr, Mapping):
            return self._secret_mapping(expr, code, block, depth)
        parts = _values_in(expr)
        return next((found for part in parts if (found := self._secret(part, code, block, depth - 1))), None)

    def _secret_name(self, ref: Ref, code: Code, block: int, depth: int) -> str | None:
        base, _, name = ref.name.rpartition(".")
        if base and name in {"headers", "cookies"} and self._is_request(Ref(base, ref.span), code, block):
            return f"the request's {name}"
        if name == "__dict__" and base:
            return self._of_type(Ref(base, ref.span), code, block)
        found = self._named(name, ref, code, block) or self._of_type(ref, code, block)
        if found is not None or base:
            return found
        bind = _only_binding(name, code)
        return (
            self._secret(bind.value, code, bind.block, depth - 1)
            if bind is not None and bind.value is not None
            else None
        )

    def _named(self, name: str, expr: Expr, code: Code, block: int) -> str | None:
        kind = secret_name(name)
        if kind is None or kind.kind == "credentials" or not self._shows(expr, code, block):
            return None
        return name

    def _of_type(self, expr: Expr, code: Code, block: int) -> str | None:
        """All settings, or what a client logs in with, by the type of the value."""
        settings = self.program.roles.settings_classes
        for value in self._values(expr, code, block):
            if isinstance(value, ExternalInstance) and value.cls in _CREDENTIALS:
                return "the client's credentials"
            if isinstance(value, InstanceValue) and any(c in settings for c in self.types.mro(value.cls)):
                return "all settings"
        return None

    def _secret_item(self, expr: Item, code: Code, block: int) -> str | None:
        if isinstance(expr.index, Const) and isinstance(expr.index.value, str):
            kind = secret_name(expr.index.value)
            return expr.index.value if kind is not None and kind.kind != "credentials" else None
        return None

    def _secret_call(self, call: Call, code: Code, block: int, depth: int) -> str | None:
        name = tail(call.func)
        receiver = _receiver(call.func)
        if name in _REQUEST_PARTS and receiver is not None and self._is_request(receiver, code, block):
            return f"the request's {_REQUEST_PARTS[name]}"
        if name in {"get", "getenv", "pop"} and call.args and isinstance(call.args[0], Const):
            key = call.args[0].value
            kind = secret_name(key) if isinstance(key, str) else None
            return str(key) if kind is not None and kind.kind != "credentials" else None
        if receiver is not None and name == "format":
            values = [*call.args, *(k.value for k in call.keywords)]
            return next((f for v in values if (f := self._secret(v, code, block, depth - 1))), None)
        if receiver is not None and name in _TEXT_METHODS:
            if name == "get_secret_value":
                return tail(receiver) or "a secret"
            if any(k.name in {"exclude", "include"} for k in call.keywords):
                return None  # a chosen part
            inside = [receiver, *call.args] if name == "join" else [receiver]
            return next((f for v in inside if (f := self._secret(v, code, block, depth - 1))), None)
        functions = {v.name for v in self.types.infer(call.func, code, block) if isinstance(v, ExternalValue)}
        if functions & _TEXT_FUNCTIONS and call.args:
            return self._secret(call.args[0], code, block, depth - 1)
        return None

    def _secret_mapping(self, expr: Mapping, code: Code, block: int, depth: int) -> str | None:
        for key, value in zip(expr.keys, expr.values):
            if isinstance(key, Const) and isinstance(key.value, str):
                kind = secret_name(key.value)
                if kind is not None and kind.kind != "credentials" and self._shows(value, code, block):
                    return key.value
            found = self._secret(value, code, block, depth - 1)
            if found is not None:
                return found
        return None

    def _shows(self, expr: Expr, code: Code, block: int) -> bool:
        """Whether a value that a name calls a secret is shown as it is: not masked, measured, tested or harmless."""
        if isinstance(expr, (Const, Mapping, Items)):
            return False
        if isinstance(expr, Item):
            return not (isinstance(expr.index, Items) and expr.index.kind == "slice")
        if isinstance(expr, CallRef):
            call = code.body.calls[expr.index]
            receiver = _receiver(call.func)
            if receiver is not None and tail(call.func) in _TEXT_METHODS:
                return self._shows(receiver, code, block)
            functions = {v.name for v in self.types.infer(call.func, code, block) if isinstance(v, ExternalValue)}
            return bool(functions & _TEXT_FUNCTIONS and call.args) and self._shows(call.args[0], code, block)
        if isinstance(expr, (Ref, Attr)):
            values = self._values(expr, code, block)
            return not values or not all(self._is_harmless(v) for v in values)
        return any(self._shows(part, code, block) for part in _values_in(expr))

    def _values(self, expr: Expr, code: Code, block: int) -> Values:
        """What a value may be; a parameter with a scalar annotation is that scalar."""
        if isinstance(expr, Ref) and isinstance(code, Function) and expr.name in code.parameters_by_name:
            annotation = code.parameters_by_name[expr.name].annotation
            if annotation is not None and code.outer is not None and expr.name not in code.bindings:
                return self.types.annotation(annotation, code.outer)
        return self.types.infer(expr, code, block)

    @staticmethod
    def _is_harmless(value: object) -> bool:
        if isinstance(value, ExternalInstance):
            return value.cls in _HARMLESS or value.cls in frameworks.SECRET_TYPES or value.cls.endswith("Context")
        if isinstance(value, LiteralValue):
            return not isinstance(value.value, str)
        # An object's own text is not its secret; functions and classes are none.
        return not isinstance(value, (ExternalValue,)) and type(value).__name__ in {
            "InstanceValue", "FunctionValue", "ClassValue", "ModuleValue",
        }  # fmt: skip

    def _is_request(self, expr: Expr, code: Code, block: int) -> bool:
        values = self._values(expr, code, block)
        return any(isinstance(v, ExternalInstance) and v.cls in _REQUESTS for v in values)


def _says_configures(name: str) -> bool:
    """Whether a function's name says that it sets logging up."""
    words = words_of(name)
    return not _LOGGER_WORDS.isdisjoint(words) and not _SETTING_UP.isdisjoint(words)


_CONFIGURING = frozenset(n.rpartition(".")[2] for n in frameworks.LOGGING_CONFIGURATORS)


def _renames(item: Import) -> bool:
    """``from pprint import pprint as show``: an import that gives a function that prints another name."""
    return item.name in _PRINTING and item.alias is not None


def _receiver(func: Expr) -> Expr | None:
    """What a method is called on."""
    if isinstance(func, Attr):
        return func.value
    if isinstance(func, Ref) and "." in func.name:
        return Ref(func.name.rpartition(".")[0], func.span)
    return None


def _only_binding(name: str, code: Code) -> Bind | None:
    """The one assignment that gives a local name its value."""
    if isinstance(code, Module):
        return None
    found = code.bindings.get(name, [])
    if len(found) == 1 and isinstance(found[0], Bind) and found[0].op == "=" and isinstance(found[0].target, Ref):
        return found[0]
    return None


def _values_in(expr: Expr) -> Iterator[Expr]:
    """The parts whose values the value of an expression shows."""
    if isinstance(expr, (Await, Star, Walrus)):
        yield expr.value
    elif isinstance(expr, FString):
        yield from expr.parts
    elif isinstance(expr, Items):
        yield from expr.items
    elif isinstance(expr, Cond):
        yield expr.body
        yield expr.orelse
    elif isinstance(expr, Op):
        if expr.op in {"+", "%", "or", "|"}:
            yield from expr.operands
        elif expr.op == "and":
            yield expr.operands[-1]
