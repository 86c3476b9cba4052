"""Settings, Pydantic, logging, metrics, request ids and rate limits, by name."""

from __future__ import annotations

import pytest

from guardrails.knowledge import frameworks
from guardrails.knowledge.aliases import canonical


@pytest.mark.parametrize(
    "name",
    [
        "prometheus_client",
        "prometheus_client.Counter",
        "prometheus_client.make_asgi_app",
        "prometheus_fastapi_instrumentator.Instrumentator",
        "starlette_exporter.PrometheusMiddleware",
        "opentelemetry.instrumentation.fastapi.FastAPIInstrumentor",
        "statsd.StatsClient",
    ],
)
def test_metrics_are_known(name: str) -> None:
    assert frameworks.is_metrics(name)


@pytest.mark.parametrize("name", ["app.metrics", "statsdx", "opentelemetry.trace", "sklearn.metrics", "metrics"])
def test_other_names_are_no_metrics(name: str) -> None:
    assert not frameworks.is_metrics(name)


def test_request_id_libraries_are_known() -> None:
    assert frameworks.is_request_id("asgi_correlation_id.CorrelationIdMiddleware")
    assert frameworks.is_request_id("starlette_context.plugins.RequestIdPlugin")
    assert not frameworks.is_request_id("starlette_context.plugins.UserAgentPlugin")
    assert not frameworks.is_request_id("uuid.uuid4")
    assert all(header == header.lower() for header in frameworks.REQUEST_ID_HEADERS)


def test_rate_limits_are_known() -> None:
    assert frameworks.is_rate_limit("slowapi.Limiter")
    assert frameworks.is_rate_limit("fastapi_limiter.depends.RateLimiter")
    assert not frameworks.is_rate_limit("asyncio.Semaphore")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pydantic.field_validator", True),
        ("pydantic.TypeAdapter", True),
        ("pydantic_settings.BaseSettings", True),
        ("pydantic.v1.BaseModel", None),
        ("pydantic.BaseSettings", False),
        ("pydantic.generics.GenericModel", False),
        ("pydantic.BaseModel", None),
        ("pydantic.validator", None),
        ("app.field_validator", None),
    ],
)
def test_a_name_tells_the_version_of_pydantic(name: str, expected: bool | None) -> None:
    assert frameworks.is_pydantic_2(name) is expected


def test_versions_of_pydantic_do_not_overlap() -> None:
    assert not frameworks.PYDANTIC_1_ONLY & frameworks.PYDANTIC_2_ONLY
    assert not set(frameworks.PYDANTIC_1_METHODS) & frameworks.PYDANTIC_2_MEMBERS
    for name in frameworks.PYDANTIC_1_METHODS.values():
        assert name.startswith("model_")


def test_loggers_printers_and_configurators() -> None:
    assert frameworks.LOGGERS["structlog.get_logger"] == "structlog.BoundLogger"
    assert frameworks.LOGGERS[canonical("structlog.stdlib.get_logger")] == "structlog.BoundLogger"
    assert {"info", "exception"} <= frameworks.LOG_METHODS
    assert "logging.info" in frameworks.ROOT_LOGGER_CALLS
    assert "logging.getLogger" not in frameworks.ROOT_LOGGER_CALLS
    assert {"print", "pprint.pprint"} <= frameworks.PRINTS
    assert {"logging.basicConfig", "logging.config.dictConfig"} <= frameworks.LOGGING_CONFIGURATORS


def test_every_name_in_the_tables_is_canonical() -> None:
    tables = (
        frameworks.SETTINGS_BASES, frameworks.ENVIRONMENT, frameworks.ENVIRONMENT_READERS,
        frameworks.ENVIRONMENT_READER_CLASSES, frameworks.MODEL_BASES, frameworks.DATACLASS_DECORATORS,
        frameworks.SECRET_TYPES, frameworks.PYDANTIC_1_NAMES, frameworks.PYDANTIC_1_ONLY,
        frameworks.PYDANTIC_2_ONLY, frameworks.ROOT_LOGGER_CALLS, frameworks.LOGGERS,
        frameworks.LOGGERS.values(), frameworks.PRINTS, frameworks.LOGGING_CONFIGURATORS,
        frameworks.LOG_FORMATTERS, frameworks.METRICS, frameworks.REQUEST_ID_LIBRARIES,
        frameworks.RATE_LIMITS,
    )  # fmt: skip
    names = {name for table in tables for name in table}
    assert {name for name in names if canonical(name) != name} == set()
