"""Rule 10: logging and monitoring."""

from __future__ import annotations

from collections.abc import Iterator

from guardrails.checks.registry import check
from guardrails.finding import Finding, Related, Severity
from guardrails.program import Program
from guardrails.program.model import tail


@check("GR1001", "print-call", Severity.ERROR)
def print_call(program: Program) -> Iterator[Finding]:
    """Application code prints instead of logging."""
    for site in program.logs.prints:
        yield Finding(
            "GR1001",
            site.code.place(site.call.span),
            site.code.qualname,
            tail(site.call.func),
            f"{site.code.qualname} calls {tail(site.call.func)}",
            "log it: logging.getLogger(__name__), with the level that fits",
        )


@check("GR1002", "root-logger", Severity.WARNING)
def root_logger(program: Program) -> Iterator[Finding]:
    """A message goes to the root logger instead of the module's own."""
    for site in program.logs.root_calls():
        yield Finding(
            "GR1002",
            site.code.place(site.call.span),
            site.code.qualname,
            f"logging.{tail(site.call.func)}",
            f"{site.code.qualname} logs through the root logger: logging.{tail(site.call.func)}",
            "use the module's own logger: logger = logging.getLogger(__name__)",
        )
    for site in program.logs.root_loggers():
        yield Finding(
            "GR1002",
            site.code.place(site.call.span),
            site.code.qualname,
            "logging.getLogger",
            f"{site.code.qualname} takes the root logger: logging.getLogger() without a name",
            "name it after the module: logging.getLogger(__name__)",
        )


@check("GR1003", "missing-request-id", Severity.ERROR, project=True)
def missing_request_id(program: Program) -> Iterator[Finding]:
    """No middleware gives requests an id."""
    if program.operations.has_app and not program.operations.has_request_id:
        yield _absent(
            program,
            "GR1003",
            "request id",
            "no middleware assigns or reads a request id",
            "add a middleware that takes X-Request-ID or makes one, logs it and sets it on the response",
        )


@check("GR1004", "missing-health-endpoint", Severity.ERROR, project=True)
def missing_health_endpoint(program: Program) -> Iterator[Finding]:
    """The app has no health endpoint, or no readiness endpoint."""
    if not program.operations.has_app:
        return
    if not program.operations.has_health:
        yield _absent(
            program,
            "GR1004",
            "health",
            "the app has no health endpoint",
            "add GET /health, which answers as long as the process runs",
        )
    if not program.operations.has_readiness:
        yield _absent(
            program,
            "GR1004",
            "readiness",
            "the app has no readiness endpoint",
            "add GET /ready, which pings the database and answers 503 without it",
        )


@check("GR1005", "missing-metrics", Severity.WARNING, project=True)
def missing_metrics(program: Program) -> Iterator[Finding]:
    """The app exposes no metrics and is not instrumented."""
    if program.operations.has_app and not program.operations.has_metrics:
        yield _absent(
            program,
            "GR1005",
            "metrics",
            "the app has neither a metrics endpoint nor an instrumentation",
            "mount prometheus_client.make_asgi_app() at /metrics, or use prometheus-fastapi-instrumentator",
        )


@check("GR1006", "secret-logged", Severity.ERROR)
def secret_logged(program: Program) -> Iterator[Finding]:
    """A secret, a request's headers or body, or all settings are logged."""
    for exposure in program.logs.exposures:
        code = exposure.site.code
        yield Finding(
            "GR1006",
            code.place(exposure.site.call.span),
            code.qualname,
            exposure.what,
            f"{code.qualname} {exposure.how} {exposure.what}",
            "log who and what, not with what: an id, a length, a masked value; type secrets as SecretStr",
        )


@check("GR1007", "missing-logging-configuration", Severity.WARNING, project=True)
def missing_logging_configuration(program: Program) -> Iterator[Finding]:
    """Nothing configures logging when the application starts."""
    if program.operations.has_app and not program.logs.is_configured:
        yield _absent(
            program,
            "GR1007",
            "logging configuration",
            "nothing configures logging on start-up",
            "call logging.config.dictConfig in the lifespan or in the app factory",
        )


@check("GR1008", "pool-not-monitored", Severity.INFO, project=True)
def pool_not_monitored(program: Program) -> Iterator[Finding]:
    """The Mongo client reports nothing about its pool of connections."""
    client = program.operations.unmonitored_client
    if client is None:
        return
    code = client.site.code
    name = client.cls.rpartition(".")[2]
    place, symbol = program.project_place(code.module)
    yield Finding(
        "GR1008",
        place,
        symbol,
        "event_listeners",
        f"{symbol} constructs {name} without event listeners: nothing reports on its pool",
        "pass event_listeners=[...] with a ConnectionPoolListener and a CommandListener",
        (Related(code.place(client.site.call.span), f"{code.qualname} constructs {name}"),),
    )


def _absent(program: Program, code: str, subject: str, message: str, help_: str) -> Finding:
    """A finding about what the whole application lacks, on the module that constructs the app."""
    place, symbol = program.project_place()
    return Finding(code, place, symbol, subject, f"{symbol}: {message}", help_)
