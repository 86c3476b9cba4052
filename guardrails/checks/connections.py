"""Rule 2: dependency injection for connections."""

from __future__ import annotations

from collections.abc import Iterator

from guardrails.checks.registry import check
from guardrails.finding import Finding, Severity
from guardrails.program import Program

_LAYERS = {"routes", "services", "repositories"}


@check("GR201", "client-outside-database-module", Severity.ERROR)
def client_outside_database_module(program: Program) -> Iterator[Finding]:
    """A Mongo client is constructed outside the database module."""
    for client in program.connections.clients:
        code = client.site.code
        if code.module in program.roles.database_modules or program.calls.only_startup(code):
            continue
        yield Finding(
            "GR201",
            code.place(client.site.call.span),
            code.qualname,
            client.cls,
            f"{code.qualname} constructs {_name(client.cls)} outside the database module",
            "construct the client once, in the database module, and pass the database on with Depends",
        )


@check("GR202", "client-per-request", Severity.ERROR)
def client_per_request(program: Program) -> Iterator[Finding]:
    """A Mongo client is constructed on the request path."""
    for client in program.connections.clients:
        code = client.site.code
        if not program.connections.built_once(client) and program.calls.on_request_path(code):
            place = code.place(client.site.call.span)
            yield Finding(
                "GR202",
                place,
                code.qualname,
                client.cls,
                f"{code.qualname} constructs {_name(client.cls)} for every request",
                "construct the client once at start-up: a client holds a pool of connections",
                about=(f"client:{place.path}:{place.line}:{place.column}",),
            )


@check("GR203", "global-database-handle", Severity.ERROR)
def global_database_handle(program: Program) -> Iterator[Finding]:
    """A function reads a global connection handle instead of receiving it."""
    for module in program.application:
        for function in module.functions:
            reads = list(program.connections.global_reads(function))
            if not reads or program.connections.is_provider(function):
                continue
            judged = program.layers.of(module) in _LAYERS or program.calls.on_request_path(function)
            if not judged or program.calls.only_startup(function):
                continue
            for read in reads:
                yield Finding(
                    "GR203",
                    function.place(read.span),
                    function.qualname,
                    read.handle,
                    f"{function.qualname} reads the global {read.kind} {read.handle}",
                    "receive it by parameter, by constructor, or with Depends",
                )


@check("GR204", "client-never-closed", Severity.WARNING, project=True)
def client_never_closed(program: Program) -> Iterator[Finding]:
    """No shutdown path closes a Mongo client."""
    for client in program.connections.never_closed:
        code = client.site.code
        place = code.place(client.site.call.span)
        yield Finding(
            "GR204",
            place,
            code.qualname,
            client.cls,
            f"{code.qualname} constructs {_name(client.cls)}, which no shutdown path closes",
            "close it in the lifespan, after the yield",
            about=(f"client:{place.path}:{place.line}:{place.column}",),
        )


@check("GR205", "dependency-called-directly", Severity.WARNING)
def dependency_called_directly(program: Program) -> Iterator[Finding]:
    """A handler, service or repository calls the database provider itself."""
    for module in program.application:
        layer = program.layers.of(module)
        for function in module.functions:
            if layer not in _LAYERS and function not in program.web.handlers:
                continue
            for call in program.connections.provider_calls(function):
                yield Finding(
                    "GR205",
                    function.place(call.span),
                    function.qualname,
                    call.provider.qualname,
                    f"{function.qualname} calls {call.provider.name}() for the {call.kind}",
                    f"receive it instead: Depends({call.provider.name}), or by constructor",
                )


def _name(cls: str) -> str:
    return cls.rpartition(".")[2]
