"""Rule 8: modular routes."""

from __future__ import annotations

from collections.abc import Iterator

from guardrails.checks.registry import check
from guardrails.finding import Finding, Related, Severity
from guardrails.program import Program


@check("GR801", "endpoint-on-app", Severity.ERROR)
def endpoint_on_app(program: Program) -> Iterator[Finding]:
    """An endpoint is registered on the FastAPI object instead of on a router."""
    for registered in program.routes.on_apps:
        what = registered.path if registered.path is not None else "an endpoint"
        yield Finding(
            "GR801",
            registered.place,
            registered.symbol,
            registered.path or registered.symbol,
            f"{registered.symbol} serves {what} on the app itself",
            "register it on an APIRouter in a route module, and include that router in the app",
        )


@check("GR802", "router-not-included", Severity.ERROR)
def router_not_included(program: Program) -> Iterator[Finding]:
    """A router with endpoints is included by no app."""
    for declared in program.routes.not_included:
        count = len(declared.endpoints)
        yield Finding(
            "GR802",
            declared.place,
            declared.site.code.qualname,
            declared.name,
            f"no app includes {declared.label}, which has {count} endpoint{'s' if count > 1 else ''}",
            "include it where the app is constructed, or in a router that the app includes",
        )


@check("GR803", "router-without-prefix", Severity.WARNING)
def router_without_prefix(program: Program) -> Iterator[Finding]:
    """The endpoints of a router repeat a path segment that should be its prefix."""
    for declared in program.routes.serving:
        segment = declared.repeated_segment
        if segment is not None and declared.is_bare:
            count = len(declared.endpoints)
            paths = f"all its {count} paths begin" if count > 1 else "its one path begins"
            yield Finding(
                "GR803",
                declared.place,
                declared.site.code.qualname,
                declared.name,
                f"{declared.label} has no prefix, and {paths} with /{segment}",
                f'give the router the prefix "/{segment}" and take the segment out of the paths',
            )


@check("GR804", "router-without-tags", Severity.WARNING)
def router_without_tags(program: Program) -> Iterator[Finding]:
    """A router with endpoints has no tags."""
    for declared in program.routes.serving:
        if declared.untagged:
            first = declared.untagged[0]
            named = first.function.name if first.function is not None else first.path
            yield Finding(
                "GR804",
                declared.place,
                declared.site.code.qualname,
                declared.name,
                f"{declared.label} gets tags from nowhere, nor has {named} its own",
                'name the domain once: APIRouter(tags=["..."])',
            )


@check("GR805", "duplicate-route", Severity.ERROR)
def duplicate_route(program: Program) -> Iterator[Finding]:
    """Two handlers have the same method and the same full path."""
    for conflict in program.routes.duplicates:
        earlier, later = conflict.earlier, conflict.later
        kinds = ", ".join(sorted(earlier.kinds & later.kinds))
        yield Finding(
            "GR805",
            later.place,
            later.symbol,
            f"{kinds} {later.path}",
            f"{later.symbol} has the method and path of {earlier.symbol}: {kinds} {later.path}",
            "the earlier one answers; delete one of them, or give it a path of its own",
            (Related(earlier.place, f"{earlier.symbol} is registered first"),),
        )


@check("GR806", "shadowed-route", Severity.ERROR)
def shadowed_route(program: Program) -> Iterator[Finding]:
    """An earlier route with a path parameter catches every request of a later one."""
    for conflict in program.routes.shadowed:
        earlier, later = conflict.earlier, conflict.later
        kinds = ", ".join(sorted(later.kinds))
        yield Finding(
            "GR806",
            later.place,
            later.symbol,
            f"{kinds} {later.path}",
            f"{later.symbol} ({kinds} {later.path}) is never reached: {earlier.symbol} ({earlier.path}) answers first",
            "register the more literal path first, or give the earlier parameter a converter such as {number:int}",
            (Related(earlier.place, f"{earlier.symbol} is registered first"),),
        )


@check("GR807", "several-routers-in-module", Severity.WARNING)
def several_routers_in_module(program: Program) -> Iterator[Finding]:
    """One module defines more than one router with endpoints."""
    for first, second in program.routes.crowded:
        yield Finding(
            "GR807",
            second.place,
            second.site.code.qualname,
            second.name,
            f"{second.module.name} defines {second.label} beside {first.label}",
            "move one of them, with its handlers, into a module of its own",
            (Related(first.place, f"{first.label} is defined here"),),
        )


@check("GR808", "repeated-dependency", Severity.INFO)
def repeated_dependency(program: Program) -> Iterator[Finding]:
    """Every endpoint of a router repeats a dependency that the router could carry."""
    for repetition in program.routes.repeated_dependencies:
        declared = repetition.declared
        yield Finding(
            "GR808",
            declared.place,
            declared.site.code.qualname,
            repetition.dependency,
            f"all {len(declared.endpoints)} endpoints of {declared.label} repeat {repetition.dependency}",
            f"give it to the router: APIRouter(dependencies=[Depends({repetition.dependency})])",
        )


@check("GR809", "endpoint-outside-routes", Severity.ERROR)
def endpoint_outside_routes(program: Program) -> Iterator[Finding]:
    """Handlers are registered in a module that belongs to another layer by its name."""
    for misplaced in program.routes.misplaced:
        yield Finding(
            "GR809",
            misplaced.place,
            misplaced.symbol,
            misplaced.layer,
            f"{misplaced.module.name} registers endpoints, and its name says {misplaced.layer}",
            "move the handlers into a route module",
        )
