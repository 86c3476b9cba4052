"""How the application is put together: its wiring, run on small values in the order in which Python runs it.

FastAPI's route table is made by running code: modules are imported, routers constructed, handlers registered,
routers included in loops and by helpers that are given the app. ``Assembly`` runs just that code: module and class
bodies, the functions that lead to a registration or an inclusion, and small ones that may return a prefix or a list
of routers. Both arms of a branch run, and what is made there remembers the condition. What cannot be read is
``UNREAD``; ``Assembly.unread`` lists the inclusions where that matters.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from guardrails.facts.records import Items
from guardrails.knowledge import web as tables
from guardrails.program.machine import Machine
from guardrails.program.model import Class, Code, Function, Module, tail
from guardrails.program.modules import Modules
from guardrails.program.things import (
    UNREAD,
    Arguments,
    Choice,
    Closure,
    Conditions,
    Endpoint,
    External,
    Frame,
    Inclusion,
    Instance,
    Method,
    Mounted,
    Registrar,
    RouteObject,
    Router,
    RoutesOf,
    Unread,
    choice,
    flat,
    items_of,
    tags_of,
    text,
)  # fmt: skip
from guardrails.program.types import Types
from guardrails.program.values import ExternalInstance, InstanceValue, Value
from guardrails.program.web import Site, Web

_OWN = frozenset({"fastapi.APIRouter", "starlette.routing.Router"}) | tables.APPS
_ROUTE_OBJECTS = {
    "fastapi.routing.APIRoute": "add_api_route",
    "fastapi.routing.APIWebSocketRoute": "add_api_websocket_route",
    "starlette.routing.Route": "add_route",
    "starlette.routing.WebSocketRoute": "add_websocket_route",
    "starlette.routing.Mount": "mount",
}


class Assembly(Machine):
    """The run of an application's wiring. ``routers``: all routers and apps, in order of construction."""

    def __init__(self, modules: Modules, types: Types, web: Web) -> None:
        super().__init__(modules, types)
        self.web = web
        self.routers: list[Router] = []
        self.unread: dict[Site, str] = {}
        with self.running():
            self._run()

    # --- what runs

    def _run(self) -> None:
        """The modules that construct apps, then all others, then factories and start-up code that nothing called."""
        application = [m for m in self.modules.ordered if m.application]
        first = {site.code.module for site in self.web.app_sites}
        for module in sorted(application, key=lambda m: (m not in first, m.name)):
            self.imported(module)
        for site in self.web.app_sites:
            for root in self._roots(site.code):
                self._enter(root, {})
        for function in sorted(self.web.startup, key=lambda f: f.qualname):
            if function in self._relevant and function not in self._ran:
                apps = [r for r in self.routers if r.is_app]
                given = {p.name: apps[-1] if len(apps) == 1 else UNREAD for p in function.parameters[:1]}
                self._enter(function, given)
        self._follow_what_did_not_run()

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
            self.call_function(Closure(function, frame), arguments)

    def _follow_what_did_not_run(self) -> None:
        """Routers included by code that did not run but may: they are no longer only where they were seen."""
        for site in self.modules.sites.named({tables.INCLUDE_ROUTER}):
            code, call = site.code, site.call
            if code in self._ran or not call.args or (isinstance(code, Function) and not self._may_run(code)):
                continue
            values = self.types.expand(self.types.infer(call.args[0], code, call.block))
            things = self.converted(values)
            self.hand_on(things)
            if things is UNREAD and not all(self._is_local(value) for value in values):
                self.unread.setdefault(site, "the router cannot be read")

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
        direct.update(site.code for site in self.modules.sites.named(names, everywhere=True))
        for module in self.modules.ordered:
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

    # --- what Python does to routers

    def worth_running(self, function: Function, given: list[Any]) -> bool:
        if function in self._relevant or super().worth_running(function, given):
            return True
        return any(isinstance(value, Router) for values in given for value in flat(values))

    def asks_types(self, code: Code) -> bool:
        return not isinstance(code, Function) or code in self._relevant

    def thing(self, value: Value) -> Any:
        if isinstance(value, InstanceValue) and self._is_router_class(value.cls):
            return UNREAD
        if isinstance(value, ExternalInstance):
            made = [r for r in self.routers if (r.site.code, r.site.index) == value.origin]
            if made:
                return choice(*made)
            if value.cls in tables.ROUTERS or value.cls in tables.APPS:
                return UNREAD
        return super().thing(value)

    def store(self, owner: Any, name: str, value: Any) -> None:
        if not isinstance(owner, Router):
            super().store(owner, name, value)
        elif name == "prefix":
            owner.prefix = text(value)
        elif name == "tags":
            owner.tags = tags_of(value)
        else:
            owner.attributes[name] = value

    def added(self, owner: Any, added: Any, site: Site) -> Any:
        if isinstance(owner, RoutesOf):
            self._add_routes(owner.router, added, site)
            return None
        return super().added(owner, added, site)

    def attribute(self, owner: Any, name: str) -> Any:
        if isinstance(owner, Router):
            return self._router_attribute(owner, name)
        if isinstance(owner, RoutesOf):
            return Method(owner, name)
        return super().attribute(owner, name)

    def call(self, callee: Any, arguments: Arguments, frame: Frame) -> Any:
        if isinstance(callee, Registrar):
            handler = arguments.args[0] if arguments.args else UNREAD
            self._register(callee, handler)
            return handler
        return super().call(callee, arguments, frame)

    def construct(self, cls: Class, arguments: Arguments) -> Any:
        if not self._is_router_class(cls):
            return super().construct(cls, arguments)
        made = self._new_router(arguments, cls, self.types.is_a(cls, *tables.APPS))
        if not self.initialised(made, cls, arguments):
            self._initialise(made, arguments)
        return made

    def _router_attribute(self, router: Router, name: str) -> Any:
        if name in router.attributes:
            return router.attributes[name]
        if router.cls is not None:
            own = [c for c in self.types.mro(router.cls) if isinstance(c, Class)]
            value = self.member(router.cls, own, name, router)
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

    def _new_router(self, arguments: Arguments, cls: Class | None, is_app: bool, foreign: bool = False) -> Router:
        router = Router(arguments.site, cls, is_app, "", (), True, foreign, tuple(self._conditions))
        self.routers.append(router)
        return router

    def _initialise(self, router: Router, arguments: Arguments) -> None:
        """What the constructor of a router or an app is given."""
        if not router.is_app:
            router.prefix = text(arguments.get(None, "prefix", ""))
            router.tags = tags_of(arguments.get(None, "tags"))
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
        items = items_of(routes)
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

    def call_method(self, method: Method, arguments: Arguments) -> Any:
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
            self.hand_on([*arguments.args, *arguments.keywords.values()])
            return External(f"fastapi.{name}")
        if isinstance(owner, RoutesOf):
            if name in {"append", "extend", "insert"} and arguments.args:
                added = arguments.args[-1]
                self._add_routes(owner.router, added if name == "extend" else [added], arguments.site)
            return UNREAD
        return super().call_method(method, arguments)

    def _include(self, parent: Router, arguments: Arguments) -> None:
        included = arguments.get(0, "router", UNREAD)
        prefix = text(arguments.get(None, "prefix", ""))
        tags = tags_of(arguments.get(None, "tags"))
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
            elif isinstance(option, External) and self._sounds_like_ours(option.name):
                self.unread.setdefault(arguments.site, f"{option.name} is not found")

    def _sounds_like_ours(self, name: str) -> bool:
        """Whether a name that was not found may be that of a module of the project, from an unknown import root."""
        parts = name.split(".")
        return any(".".join(parts[:length]) in self._endings for length in range(1, len(parts)))

    @cached_property
    def _endings(self) -> frozenset[str]:
        """All module names of the project, each without any number of its first parts."""
        names = (module.name.split(".") for module in self.modules.ordered)
        return frozenset(".".join(parts[start:]) for parts in names for start in range(len(parts)))

    def _mount(self, parent: Router, arguments: Arguments, position: int) -> None:
        path = text(arguments.get(0, "path", UNREAD))
        app = arguments.get(position, "app", UNREAD)
        for option in app.options if isinstance(app, Choice) else (app,):
            self._serial += 1
            mounted = option if isinstance(option, Router) else None
            parent.entries.append(Mounted(mounted, arguments.site, path, tuple(self._conditions), self._serial))

    def _register(self, registrar: Registrar, handler: Any, prefixed: bool = True) -> None:
        arguments, row = registrar.arguments, registrar.row
        path = text(arguments.get(0, "path", UNREAD))
        tags = tags_of(arguments.get(None, "tags"))
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
        items = items_of(methods)
        if items is None:
            return None
        named = [i.name.rpartition(".")[2] if isinstance(i, External) else i for i in items]
        if not all(isinstance(i, str) for i in named):
            return None
        upper = dict.fromkeys(str(i).upper() for i in named)
        if plain and "GET" in upper:
            upper["HEAD"] = None
        return tuple(upper)

    def call_external(self, name: str, arguments: Arguments, frame: Frame) -> Any:
        if name in tables.ROUTERS or name in tables.APPS:
            router = self._new_router(arguments, None, name in tables.APPS, name not in _OWN)
            self._initialise(router, arguments)
            return router
        if name in tables.APP_WRAPPERS and arguments.args:
            return arguments.args[tables.APP_WRAPPERS[name]]
        if tables.RETURNS.get(name) == "fastapi.APIRouter":
            return self._new_router(arguments, None, False, foreign=True)
        if name in _ROUTE_OBJECTS:
            return RouteObject(_ROUTE_OBJECTS[name], arguments)
        return super().call_external(name, arguments, frame)

    def hand_on(self, things: Any, site: Site | None = None) -> None:
        """Routers, and functions that include routers, go where the run does not follow."""
        for thing in flat(things):
            if isinstance(thing, Router):
                thing.handed_on = True
            elif isinstance(thing, Closure) and site is not None:
                included = {tail(call.func) for call in thing.function.body.calls}
                if tables.INCLUDE_ROUTER in included and thing.function not in self.web.startup:
                    self.unread.setdefault(site, f"{thing.function.qualname} is handed on")


__all__ = ["Assembly", "Conditions", "Endpoint", "Inclusion", "Mounted", "Router"]
