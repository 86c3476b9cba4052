"""What operators ask of a running application: request ids, health, metrics, the pool's figures, limits, versions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from guardrails.facts.records import Attr, Bind, Bytes, CallRef, Const, Item, Ref
from guardrails.knowledge import frameworks
from guardrails.knowledge import web as tables
from guardrails.patterns import pattern
from guardrails.program import external
from guardrails.program.assembly import Mounted
from guardrails.program.expressions import evaluated, keyword, words_in
from guardrails.program.layers import words_of
from guardrails.program.model import Class, Function, tail
from guardrails.program.mongo import Client
from guardrails.program.values import ClassValue, ExternalValue, FunctionValue, MappingValue, Value
from guardrails.program.web import Site

if TYPE_CHECKING:
    from guardrails.program.program import Program

_HEALTH = pattern(r"/(?:health|healthz|healthcheck|health[-_]check|live|livez|liveness)/?\Z", re.IGNORECASE)
_READINESS = pattern(r"/(?:ready|readyz|readiness)/?\Z", re.IGNORECASE)
_METRICS = pattern(r"/(?:[\w.-]*[-_.])?metrics/?\Z", re.IGNORECASE)
# Words of third-party names that say as much, whatever the package (a company's own, for instance).
_MEASURES = frozenset({"instrumentator", "opentelemetry", "otel", "prometheus", "statsd", "telemetry"})
_REGISTER = "pymongo.monitoring.register"
_VERSION = pattern(r"/v\d+(?:\.\d+)*(?:/|\Z)|/\d{4}-\d{2}-\d{2}(?:/|\Z)", re.IGNORECASE)
_LIMITERS = ({"rate", "limit"}, {"rate", "limiter"}, {"rate", "limiting"}, {"ratelimit"}, {"ratelimiter"}, {"throttle"},
             {"throttling"}, {"throttled"}, {"throttler"})  # fmt: skip


class Operations:
    """Answers about running the application."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.types = program.types
        self.web = program.web

    @property
    def has_app(self) -> bool:
        """Whether the application constructs an app at all."""
        return bool(self.web.app_sites)

    # --- request ids

    @cached_property
    def has_request_id(self) -> bool:
        """Whether middleware in use assigns or reads a request or correlation id, or a library does."""
        if any(map(frameworks.is_request_id, self._imported)):
            return True
        functions: set[Function] = set()
        for value in self._middleware_in_use:
            if isinstance(value, ExternalValue) and frameworks.is_request_id(value.name):
                return True
            if isinstance(value, ClassValue):
                owners = [c for c in self.types.mro(value.cls) if isinstance(c, Class)]
                if any(isinstance(o, str) and frameworks.is_request_id(o) for o in self.types.mro(value.cls)):
                    return True
                functions.update(m for owner in owners for m in owner.methods)
            functions.update(self.types.functions_of(value))
        reached = self.program.calls.reachable(sorted(functions, key=lambda f: f.qualname))
        return any(self._mentions_id(f) for f in reached) or (
            self._may_name(frameworks.REQUEST_ID_LIBRARIES) and any(map(frameworks.is_request_id, self._called))
        )

    @cached_property
    def _middleware_in_use(self) -> tuple[Value, ...]:
        """The classes and functions that the application adds as middleware."""
        found: dict[Value, None] = {}
        for module in self.program.application:
            for function in module.functions:
                if any(n.endswith(".middleware") for n in function.decorator_names):
                    found.setdefault(FunctionValue(function))
        sites = self.program.modules.sites
        wrapping = [name for name in sites.names if name.endswith("Middleware")]
        for site in sites.named({"add_middleware", "middleware", *wrapping}):
            call, name = site.call, tail(site.call.func)
            if name in {"add_middleware", "Middleware"} and call.args:
                given = [call.args[0], *(k.value for k in call.keywords if k.name == "dispatch")]
            elif name == "middleware" and len(call.args) == 1 and isinstance(call.func, CallRef):
                given = [call.args[0]]  # app.middleware("http")(function)
            elif name == "add_middleware":
                given = [k.value for k in call.keywords if k.name == "middleware_class"]
            elif name.endswith("Middleware") and call.args:
                given = [call.func]  # app = RequestIdMiddleware(app)
            else:
                continue
            for expr in given:
                for value in self.types.expand(self.types.infer(expr, site.code, call.block)):
                    found.setdefault(value)
        return tuple(found)

    @staticmethod
    def _mentions_id(function: Function) -> bool:
        """Whether a function names a header or a variable of a request id."""
        words = {p.name for p in function.facts.parameters}
        words.update(k.name for call in function.body.calls for k in call.keywords if k.name is not None)
        for _, expr in evaluated(function):
            if isinstance(expr, (Const, Bytes)) and isinstance(expr.value, str):
                words.add(expr.value)
            elif isinstance(expr, (Ref, Attr)):
                words.update(expr.name.split("."))
        known = frameworks.REQUEST_ID_HEADERS | frameworks.REQUEST_ID_NAMES
        return any(word.lower().lstrip("_") in known for word in words)

    @cached_property
    def _imported(self) -> frozenset[str]:
        """The third-party names that the application imports, canonical. They say most, and are asked first."""
        imports = self.program.imports.external
        names = (name for module in self.program.application for _, name in imports.get(module, ()))
        return frozenset(map(external.canonical, names))

    def _may_name(self, names: Iterable[str]) -> bool:
        """Whether the application may call one of these third-party names, or what lies in it: all parts of its name
        are written somewhere, whatever aliases it goes by. Most are not, which saves looking at every call.
        """
        return any(self._written.issuperset(name.split(".")) for name in names)

    @cached_property
    def _written(self) -> frozenset[str]:
        """The parts of all names that the project's modules import and read."""
        modules = self.program.modules
        return frozenset(modules.sites.names).union(
            *(module.reading(words_in) for module in modules.ordered),
            *(f"{i.module}.{i.name}".split(".") for module in modules.ordered for i in module.facts.imports),
        )

    @cached_property
    def _called(self) -> frozenset[str]:
        """The third-party functions and classes that the application calls, canonical."""
        return frozenset(name for name, is_method in self._external_calls if not is_method)

    @cached_property
    def _external_calls(self) -> frozenset[tuple[str, bool]]:
        """What the application calls of third parties, each with whether it is a method of some object."""
        return frozenset(
            (value.name, value.receiver is not None)
            for module in self.program.application
            for code in module.codes()
            for call in code.body.calls
            for value in self.types.infer(call.func, code, call.block)
            if isinstance(value, ExternalValue)
        )

    # --- paths

    @cached_property
    def paths(self) -> tuple[str | None, ...]:
        """The full paths of the apps' routes and mounts; None stands for what cannot be read."""
        found: dict[str | None, None] = {}
        for app in self.program.routes.apps:
            root = self.web.text(keyword(app.site.call.keywords, "root_path"), app.site.code, app.site.call.block) or ""
            for place in app.mounted_at or ("",):
                for route in app.routes:
                    whole = place is not None and route.path is not None
                    found.setdefault(f"{root}{place}{route.path}" if whole else None)
        for router in self.program.routes.assembly.routers:
            for entry in router.entries:
                if isinstance(entry, Mounted):
                    whole = router.prefix is not None and entry.path is not None
                    found.setdefault(f"{router.prefix}{entry.path}" if whole else None)
        if not self.program.routes.complete:
            found.setdefault(None)
        return tuple(found)

    @cached_property
    def operational(self) -> frozenset[Function]:
        """The handlers of operational endpoints: root, health, readiness, metrics."""
        routes = self.program.routes
        table: dict[Function, list[str | None]] = {}
        for app in routes.apps:
            for route in app.routes:
                if route.handler is not None:
                    table.setdefault(route.handler, []).append(route.path)
        served = frozenset(table)
        for declared in routes.routers:
            for endpoint in declared.endpoints:
                if endpoint.function is not None and endpoint.function not in served:
                    table.setdefault(endpoint.function, []).append(endpoint.full)
        return frozenset(
            handler
            for handler, full in table.items()
            if all(path is not None and tables.is_operational(path) for path in full)
        )

    @property
    def has_health(self) -> bool:
        """Whether a route answers for the process being alive; true where a path cannot be read."""
        return self._has(_HEALTH)

    @property
    def has_readiness(self) -> bool:
        """Whether a route answers for the process being ready; true where a path cannot be read."""
        return self._has(_READINESS)

    def _has(self, pattern: re.Pattern[str]) -> bool:
        return any(path is None or pattern.search(path) for path in self.paths)

    # --- metrics

    @cached_property
    def has_metrics(self) -> bool:
        """Whether there is a metrics endpoint or an instrumentation."""
        if any(map(_measures, self._imported)) or self._has(_METRICS):
            return True
        may = self._may_name(frameworks.METRICS) or any(map(_measures, self._written))
        return may and any(map(_measures, self._called))

    # --- the pool

    @cached_property
    def unmonitored_client(self) -> Client | None:
        """The first client of an application whose clients all do without listeners, or None."""
        clients = self.program.connections.clients
        if not clients or any(self._may_listen(client.site) for client in clients):
            return None
        registers = self._may_name({_REGISTER}) and any(name == _REGISTER for name, _ in self._external_calls)
        return None if registers else clients[0]

    def _may_listen(self, site: Site) -> bool:
        """Whether a client is given ``event_listeners``, or options that cannot be read."""
        for given in site.call.keywords:
            if given.name == "event_listeners":
                return True
            if given.name is None:
                values = self.types.infer(given.value, site.code, site.call.block)
                keys = [key for v in values if isinstance(v, MappingValue) for key in v.expr.keys]
                if not all(isinstance(v, MappingValue) for v in values) or any(
                    not isinstance(key, Const) or key.value == "event_listeners" for key in keys
                ):
                    return True
                if any(isinstance(e, Bind) and isinstance(e.target, Item) for e in site.code.body.events):
                    return True  # more may be put into it
        return False

    # --- limits and versions

    @cached_property
    def has_rate_limit(self) -> bool:
        """Whether a library, or a middleware, dependency or decorator of the project that says so, limits calls."""
        if any(map(frameworks.is_rate_limit, self._imported)):
            return True
        used = {getattr(v, "cls", getattr(v, "function", None)) for v in self._middleware_in_use}
        used |= set(self.web.dependencies)
        used |= {f.cls for f in self.web.dependencies if f.cls is not None}
        if any(_limits(code.name) for code in used if isinstance(code, (Class, Function))):
            return True
        if any(_limits(name.rpartition(".")[2]) for h in self.web.handlers for name in h.decorator_names):
            return True
        return self._may_name(frameworks.RATE_LIMITS) and any(map(frameworks.is_rate_limit, self._called))

    @cached_property
    def has_version(self) -> bool:
        """Whether some path has a version, or there is none that needs one."""
        public = [p for p in self.paths if p is None or not tables.is_operational(p)]
        return not public or any(path is None or _VERSION.search(path) for path in self.paths)


def _measures(name: str) -> bool:
    """Whether a third-party name belongs to metrics, or says so."""
    return frameworks.is_metrics(name) or not _MEASURES.isdisjoint(words_of(name))


def _limits(name: str) -> bool:
    words = set(words_of(name))
    return any(wanted <= words for wanted in _LIMITERS)
