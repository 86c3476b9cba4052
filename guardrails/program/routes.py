"""Rule 8's questions: the route table as FastAPI builds it, and what each router is given.

FastAPI 0.137 and later see routes that are added to a router after its inclusion; earlier versions do not. Such a
route is in the table, marked ``late``, and no other route is judged by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from guardrails.facts.records import Bind, Call, CallRef, Expr, Ref
from guardrails.finding import Place
from guardrails.knowledge import web as tables
from guardrails.program import paths
from guardrails.program.assembly import Assembly, Conditions, Endpoint, Inclusion, Mounted, Router
from guardrails.program.layers import singular
from guardrails.program.model import Code, Function, Module
from guardrails.program.values import (
    ClassValue,
    ExternalValue,
    FunctionValue,
)  # fmt: skip
from guardrails.program.web import Site
from guardrails.program.written import written

if TYPE_CHECKING:
    from guardrails.program.program import Program


class Route(Struct, frozen=True):
    """A row of an app's table. ``path``: the full one, None where a part cannot be read; ``chain``: the app and the
    routers through which the handler is reached; ``tags``: all of them, None where some cannot be read.
    """

    endpoint: Endpoint
    chain: tuple[Router, ...]
    path: str | None
    tags: tuple[str, ...] | None
    in_schema: bool
    conditions: frozenset[tuple[int, int]]
    late: bool

    @property
    def methods(self) -> tuple[str, ...] | None:
        """HTTP methods; none for a websocket; None where they cannot be read."""
        return self.endpoint.methods

    @property
    def handler(self) -> Function | None:
        return self.endpoint.function

    @property
    def symbol(self) -> str:
        """The handler's qualified name, or that of the code that registers it."""
        return self.handler.qualname if self.handler is not None else self.endpoint.site.code.qualname

    @property
    def place(self) -> Place:
        """The handler's ``def``, or the registering call."""
        site = self.endpoint.site
        return self.handler.place_here if self.handler is not None else site.code.place(site.call.span)

    @property
    def full(self) -> str:
        """The path, where it can be read; empty elsewhere."""
        return self.path or ""

    @property
    def response_model(self) -> str | None:
        """As written: ``response_model=``, else the handler's return annotation; None without either."""
        given = self.endpoint.response_model
        if given is not None:
            return written(*given)
        handler = self.handler
        if handler is None or handler.facts.returns is None or self.endpoint.websocket:
            return None
        return written(handler.facts.returns, handler)

    @property
    def kinds(self) -> frozenset[str]:
        """What it answers: methods, or ``WEBSOCKET``; empty where that cannot be read."""
        return frozenset({"WEBSOCKET"}) if self.endpoint.websocket else frozenset(self.methods or ())


class App(Struct, frozen=True):
    """An application, its table in FastAPI's order, and where it is mounted in others."""

    router: Router
    routes: tuple[Route, ...]
    mounted_at: tuple[str | None, ...]
    foreign: tuple[Site, ...]

    @property
    def site(self) -> Site:
        return self.router.site


class Declared(Struct, frozen=True, dict=True):
    """A place that constructs routers, with all that is constructed there and every way they are included."""

    site: Site
    routers: tuple[Router, ...]
    inclusions: tuple[Inclusion, ...]
    routes: tuple[Route, ...]

    @property
    def place(self) -> Place:
        """The ``APIRouter(`` call."""
        return self.site.code.place(self.site.call.span)

    @property
    def module(self) -> Module:
        return self.site.code.module

    @property
    def name(self) -> str:
        """What the code calls it."""
        return name_of(self.site)

    @property
    def label(self) -> str:
        """The name after that of the code that constructs it."""
        return label(self.site)

    @cached_property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The handlers registered on it, once each."""
        seen: dict[Site, Endpoint] = {}
        for router in self.routers:
            for endpoint in router.endpoints:
                seen.setdefault(endpoint.site, endpoint)
        return tuple(seen.values())

    @property
    def is_bare(self) -> bool:
        """Whether neither the router nor any inclusion of it surely gives a prefix of its own: none at all, or at its
        inclusion a bare version.
        """
        return all(router.prefix == "" for router in self.routers) and all(
            inclusion.prefix is not None and tables.is_bare_version(inclusion.prefix) for inclusion in self.inclusions
        )

    @property
    def repeated_segment(self) -> str | None:
        """The literal first segment that the paths of all endpoints share; None for none. A single path repeats it
        only where it is the name of the module, too (``/tags`` in ``tag.py``, not ``/login`` in ``auth.py``).
        """
        segments = {paths.first_literal(e.path) if e.path is not None else None for e in self.endpoints}
        segment = segments.pop()
        if segments or segment is None:
            return None
        names = [singular(part.lower()) for part in self.module.name.split(".")[-2:]]
        return segment if len(self.endpoints) > 1 or singular(segment.lower()) in names else None

    @property
    def is_operational(self) -> bool:
        """Whether all its endpoints are for those who run the service."""
        rows = self.routes
        if not rows:
            return all(e.full is not None and tables.is_operational(e.full) for e in self.endpoints)
        return all(row.path is not None and tables.is_operational(row.path) for row in rows)

    @cached_property
    def untagged(self) -> tuple[Endpoint, ...]:
        """The documented endpoints that surely get tags from nowhere."""
        rows: dict[Site, list[Route]] = {}
        for route in self.routes:
            rows.setdefault(route.endpoint.site, []).append(route)
        return tuple(
            endpoint
            for endpoint in self.endpoints
            if any(r.in_schema for r in rows.get(endpoint.site, ()))
            and not endpoint.websocket
            and all(r.tags == () for r in rows[endpoint.site])
        )


class Conflict(Struct, frozen=True):
    """Two routes of one app of which the earlier answers all that is meant for the later."""

    earlier: Route
    later: Route


class Repetition(Struct, frozen=True):
    """A dependency, as written, that every endpoint of a router has and none uses the value of."""

    declared: Declared
    dependency: str


class Placed(Struct, frozen=True):
    """A handler where it is registered. ``layer``: the one that the module's name says."""

    module: Module
    place: Place
    symbol: str
    path: str | None
    layer: str = ""


class Routes:
    """Answers about the route table."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.types = program.types
        self.web = program.web

    @cached_property
    def assembly(self) -> Assembly:
        """The run of the wiring."""
        return Assembly(self.program.modules, self.types, self.web)

    @property
    def unread(self) -> tuple[tuple[Site, str], ...]:
        """Inclusions that cannot be read, and why, by file and line."""
        found = self.assembly.unread.items()
        return tuple(sorted(found, key=lambda item: item[0].code.place(item[0].call.span)))

    @property
    def complete(self) -> bool:
        """Whether all that builds the apps was read: what is in no table is then in no app."""
        return not self.assembly.unread and not self.assembly.spent and not self._misses_a_file

    @cached_property
    def _misses_a_file(self) -> bool:
        """Whether a file that cannot be parsed constructs an app or is imported by the application."""
        failed = {f.module for f in self.program.project.files if f.display in self.program.failures}
        if not failed:
            return False
        if not set(self.program.project.applications).isdisjoint(self.program.failures):
            return True
        modules = self.program.modules
        for module in self.program.application:
            for item in module.facts.imports:
                name = modules.absolute(module, item) or ""
                for imported in (name, f"{name}.{item.name}"):
                    if not failed.isdisjoint(self.program.project.candidates(imported, module.name)):
                        return True
        return False

    # --- tables

    @cached_property
    def apps(self) -> tuple[App, ...]:
        """The applications, by file and line. Of several that one place constructs, the fullest."""
        mounted: dict[int, list[str | None]] = {}
        for router in self.assembly.routers:
            for entry in router.entries:
                if isinstance(entry, Mounted) and entry.app is not None:
                    prefix = router.prefix
                    full = None if prefix is None or entry.path is None else prefix + entry.path
                    mounted.setdefault(id(entry.app), []).append(full)
        found: dict[Site, App] = {}
        for router in self.assembly.routers:
            if router.is_app:
                foreign: dict[Site, None] = {}
                rows = tuple(self._rows(router, (), "", (), True, (), False, foreign))
                app = App(router, rows, tuple(mounted.get(id(router), ())), tuple(foreign))
                known = found.get(router.site)
                if known is None or len(known.routes) < len(rows):
                    found[router.site] = app
        return tuple(sorted(found.values(), key=lambda app: app.site.code.place(app.site.call.span)))

    def _rows(
        self,
        router: Router,
        chain: tuple[Router, ...],
        prefix: str | None,
        tags: tuple[str, ...] | None,
        in_schema: bool,
        conditions: Conditions,
        late: bool,
        foreign: dict[Site, None],
        since: int | None = None,
    ) -> Iterator[Route]:
        if router in chain:
            return
        chain = (*chain, router)
        if router.foreign:
            foreign[router.site] = None
        tags = _joined(tags, router.tags)
        in_schema = in_schema and router.in_schema
        for entry in router.entries:
            after = late or (since is not None and entry.order > since)
            held = (*conditions, *entry.conditions)
            if isinstance(entry, Endpoint):
                full = None if prefix is None or entry.full is None else prefix + entry.full
                documented = in_schema and entry.in_schema
                yield Route(entry, chain, full, _joined(tags, entry.tags), documented, frozenset(held), after)
            elif isinstance(entry, Inclusion):
                outer = None if prefix is None or router.prefix is None else prefix + router.prefix
                inner = None if outer is None or entry.prefix is None else outer + entry.prefix
                yield from self._rows(
                    entry.router, chain, inner, _joined(tags, entry.tags), in_schema and entry.in_schema, held, after,
                    foreign, entry.order,
                )  # fmt: skip

    # --- routers

    @cached_property
    def routers(self) -> tuple[Declared, ...]:
        """The places of the application that construct routers, by file and line."""
        by_site: dict[Site, list[Router]] = {}
        inclusions: dict[Router, list[Inclusion]] = {}
        for router in self.assembly.routers:
            if not router.is_app and not router.foreign:
                by_site.setdefault(router.site, []).append(router)
            for entry in router.entries:
                if isinstance(entry, Inclusion):
                    inclusions.setdefault(entry.router, []).append(entry)
        rows: dict[Router, list[Route]] = {}
        for app in self.apps:
            for route in app.routes:
                rows.setdefault(route.chain[-1], []).append(route)
        found = [
            Declared(
                site,
                tuple(several),
                tuple(inclusion for router in several for inclusion in inclusions.get(router, ())),
                tuple(route for router in several for route in rows.get(router, ())),
            )
            for site, several in by_site.items()
            if site.code.module.application
        ]
        return tuple(sorted(found, key=lambda d: d.place))

    @cached_property
    def _served(self) -> frozenset[Router]:
        """What an app includes, mounts or may include unseen, through any number of routers."""
        served: set[Router] = set()
        pending = [r for r in self.assembly.routers if r.is_app or r.foreign or r.handed_on]
        while pending:
            router = pending.pop()
            if router not in served:
                served.add(router)
                for entry in router.entries:
                    if isinstance(entry, Inclusion):
                        pending.append(entry.router)
                    elif isinstance(entry, Mounted) and entry.app is not None:
                        pending.append(entry.app)
        return frozenset(served)

    @cached_property
    def not_included(self) -> tuple[Declared, ...]:
        """Routers with endpoints that surely no app serves."""
        if not self.complete or not any(r.is_app for r in self.assembly.routers):
            return ()
        return tuple(
            d for d in self.routers
            if d.endpoints
            and d.module not in self.program.modules.shared
            and not any(r in self._served for r in d.routers)
        )  # fmt: skip

    @cached_property
    def serving(self) -> tuple[Declared, ...]:
        """Routers with endpoints for clients, included as far as seen, none of them given to code that is not read."""
        return tuple(
            d for d in self.routers
            if d.endpoints and d.routes and not d.is_operational and not any(r.handed_on for r in d.routers)
        )  # fmt: skip

    # --- conflicts

    @cached_property
    def duplicates(self) -> tuple[Conflict, ...]:
        """Routes of which an earlier one has a method and the path, once for each later handler."""

        def same(later: Route, rivals: list[Route]) -> Route | None:
            own = paths.key(later.full)
            return next((e for e in rivals if e.kinds & later.kinds and paths.key(e.full) == own), None)

        return self._conflicts(same)

    @cached_property
    def shadowed(self) -> tuple[Conflict, ...]:
        """Routes all of whose requests earlier routes answer, one with a parameter of its own among them; once for
        each later handler.
        """

        def answering(later: Route, rivals: list[Route]) -> Route | None:
            own = paths.key(later.full)
            covering = [e for e in rivals if e.kinds & later.kinds and paths.covers(e.full, later.full)]
            if frozenset().union(*(e.kinds for e in covering)) >= later.kinds:
                return next((e for e in covering if paths.key(e.full) != own), None)
            return None

        return self._conflicts(answering)

    def _conflicts(self, find: Callable[[Route, list[Route]], Route | None]) -> tuple[Conflict, ...]:
        """What ``find`` finds for a route among its rivals."""
        found: dict[Place, Conflict] = {}
        for later, rivals in self._rivals:
            if later.place not in found:
                conflicting = find(later, rivals)
                if conflicting is not None:
                    found[later.place] = Conflict(conflicting, later)
        return tuple(found[place] for place in sorted(found))

    @cached_property
    def _rivals(self) -> list[tuple[Route, list[Route]]]:
        """Routes with the earlier ones that are there whenever they are and that may answer for them, in order: those
        that begin as they do (see ``paths.beginnings``). Few routes do, so that no two need be compared in vain.
        """
        found: list[tuple[Route, list[Route]]] = []
        for app in self.apps:
            by_handler: dict[Place, list[Route]] = {}
            by_beginning: dict[str, list[tuple[int, Route]]] = {}
            for position, later in enumerate(app.routes):
                if later.path is None or not later.kinds or later.late:
                    continue
                place, beginnings = later.place, paths.beginnings(later.full)
                # A router that is included twice repeats its routes: nothing is lost where their own handler answers.
                own = by_handler.setdefault(place, [])
                if not any(_replaces(route, later) for route in own):
                    alike = sorted(
                        (row for beginning in beginnings for row in by_beginning.get(beginning, ())),
                        key=lambda row: row[0],
                    )
                    rivals = [r for _, r in alike if r.place != place and r.conditions <= later.conditions]
                    if rivals:
                        found.append((later, rivals))
                own.append(later)
                by_beginning.setdefault(beginnings[0], []).append((position, later))
        return found

    # --- dependencies

    @cached_property
    def repeated_dependencies(self) -> tuple[Repetition, ...]:
        """Dependencies that every one of several endpoints of a router repeats for their effect alone."""
        found = []
        for declared in self.routers:
            endpoints = declared.endpoints
            if len(endpoints) < 2:
                continue
            common = self._unused_dependencies(endpoints[0])
            for endpoint in endpoints[1:]:
                mine = self._unused_dependencies(endpoint)
                common = {key: text for key, text in common.items() if key in mine}
            found += [Repetition(declared, text) for text in common.values()]
        return tuple(found)

    def _unused_dependencies(self, endpoint: Endpoint) -> dict[object, str]:
        """The dependencies of an endpoint whose value it does not use, with how they are written."""
        found: dict[object, str] = {}
        for expr, code in endpoint.dependencies:
            self._add_dependency(found, expr, code)
        function = endpoint.function
        if function is not None and function.outer is not None:
            for parameter in function.parameters:
                marker = self.types.dependency_marker(function, parameter.name)
                if marker is not None and not _reads(function, parameter.name):
                    self._add_marked(found, *marker)
        return found

    def _add_dependency(self, found: dict[object, str], expr: Expr, code: Code) -> None:
        marker = self.types.depends_marker(expr, code)
        if marker is not None:
            self._add_marked(found, *marker)

    def _add_marked(self, found: dict[object, str], call: Call, code: Code) -> None:
        named = next((k.value for k in call.keywords if k.name == "dependency"), None)
        dependency = call.args[0] if call.args else named
        if not isinstance(dependency, Ref):
            return
        scopes = tuple(written(k.value, code) for k in call.keywords if k.name != "dependency")
        values = self.types.infer(dependency, code, call.block)
        bind, _ = self.types.single_binding(dependency, code)
        for value in values:
            if len(values) == 1 and isinstance(value, (FunctionValue, ClassValue, ExternalValue)):
                found.setdefault((value, scopes), dependency.name)
            elif bind is not None:
                found.setdefault((id(bind), scopes), dependency.name)

    # --- where handlers lie

    @cached_property
    def on_apps(self) -> tuple[Placed, ...]:
        """Endpoints for clients that are registered on a FastAPI object. ``/{rest:path}`` serves whatever no router
        does (the pages of a front end), and has its place on the app, after all routers.
        """
        full = {r.endpoint.site: r.path for app in self.apps for r in app.routes}
        found: dict[Place, Placed] = {}
        for registered in self.web.registered:
            if not all(self.web.is_fastapi(owner) for owner in registered.owners):
                continue
            site, handler = registered.site, registered.handler
            path = full.get(site) or registered.path
            if path is not None and (tables.is_operational(path) or paths.is_catch_all(path)):
                continue
            decorated = site.call.use == "decorator"
            place = handler.place_here if decorated else site.code.place(site.call.span)
            found.setdefault(place, Placed(site.code.module, place, handler.qualname, path))
        return tuple(found[place] for place in sorted(found))

    @cached_property
    def crowded(self) -> tuple[tuple[Declared, Declared], ...]:
        """The first two routers with endpoints of every module that constructs several."""
        by_module: dict[Module, list[Declared]] = {}
        for declared in self.routers:
            if declared.endpoints and not any(router.conditions for router in declared.routers):
                by_module.setdefault(declared.module, []).append(declared)
        return tuple((several[0], several[1]) for several in by_module.values() if len(several) > 1)

    @cached_property
    def misplaced(self) -> tuple[Placed, ...]:
        """The first handler of every module that registers handlers and that another layer's name claims."""
        found: dict[Module, list[Placed]] = {}
        for registered in self.web.registered:
            module, handler = registered.site.code.module, registered.handler
            layer = self.program.layers.claimed(module)
            if layer is not None:
                own = handler.module is module
                place = handler.place_here if own else registered.site.code.place(registered.site.call.span)
                found.setdefault(module, []).append(Placed(module, place, handler.qualname, registered.path, layer))
        return tuple(min(several, key=lambda placed: placed.place) for several in found.values())


def name_of(site: Site) -> str:
    """What the code calls the router or app constructed at ``site``: what it is bound to, else its class."""
    for event in site.code.body.events:
        bound = event.value if isinstance(event, Bind) else None
        if isinstance(event, Bind) and isinstance(bound, CallRef) and bound.index == site.index:
            return written(event.target, site.code)
    return written(site.call.func, site.code)


def label(site: Site) -> str:
    """That name after the name of the code: ``app.routes.users.router``."""
    return f"{site.code.qualname}.{name_of(site)}"


def _replaces(earlier: Route, later: Route) -> bool:
    return earlier.kinds >= later.kinds and paths.covers(earlier.full, later.full)


def _joined(left: tuple[str, ...] | None, right: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return None if left is None or right is None else (*left, *right)


def _reads(function: Function, name: str) -> bool:
    """Whether a function, or one defined inside it, reads a name."""
    inner = [f for f in function.module.functions if f is function or _inside(f, function)]
    return any(load == name or load.startswith(f"{name}.") for f in inner for load in f.body.loads)


def _inside(function: Function, around: Function) -> bool:
    code: Code | None = function.outer
    while code is not None and code is not around:
        code = code.outer
    return code is around


__all__ = ["App", "Conflict", "Declared", "Placed", "Repetition", "Route", "Routes", "label", "name_of"]
