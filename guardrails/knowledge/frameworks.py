"""The libraries around them: settings, Pydantic, logging, metrics, request ids, rate limits.

Names are canonical. Sources: the references of Pydantic 1 and 2 ("Migration Guide"), pydantic-settings,
python-dotenv, python-decouple, environs, dynaconf, the standard library's logging, structlog, loguru,
prometheus_client, prometheus-fastapi-instrumentator, starlette_exporter, OpenTelemetry, statsd,
asgi-correlation-id, starlette-context, slowapi and fastapi-limiter; RFC 9110 and W3C Trace Context for
headers.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final


def _under(prefixes: frozenset[str], canonical: str) -> bool:
    """Whether one of ``prefixes`` is the name or a package above it."""
    name = canonical
    while name:
        if name in prefixes:
            return True
        name = name.rpartition(".")[0]
    return False


# --- settings
# ----------------------------------------------------------------------------------------------------

SETTINGS_BASES: Final = frozenset(
    {"pydantic.BaseSettings", "pydantic.v1.BaseSettings", "pydantic_settings.BaseSettings"}
)
"""Base classes of settings that are read from the environment."""

ENVIRONMENT: Final = frozenset({"os.environ", "os.environb"})
"""The environment as a mapping: reading an item, ``get``, ``copy``, ``items`` and the like of it is a
read."""

ENVIRONMENT_READERS: Final = frozenset(
    {
        "decouple.config",
        "dotenv.dotenv_values",
        "dotenv.get_key",
        "dotenv.load_dotenv",
        "os.getenv",
        "os.getenvb",
    }
)
"""Functions that read the environment or a dotenv file."""

ENVIRONMENT_READER_CLASSES: Final = frozenset(
    {
        "decouple.AutoConfig",
        "decouple.Config",
        "decouple.RepositoryEnv",
        "dynaconf.Dynaconf",
        "dynaconf.LazySettings",
        "environ.Env",
        "environs.Env",
        "environs.FileAwareEnv",
        "starlette.config.Config",
        "starlette.config.Environ",
    }
)
"""Classes whose instances read the environment when called, subscripted or asked by a method."""

# --- Pydantic
# ----------------------------------------------------------------------------------------------------

MODEL_BASES: Final = frozenset(
    {
        "pydantic.BaseModel",
        "pydantic.RootModel",
        "pydantic.generics.GenericModel",
        "pydantic.v1.BaseModel",
        "pydantic.v1.generics.GenericModel",
        "sqlmodel.SQLModel",
    }
)
"""Base classes of Pydantic models that are no settings and no documents."""

DATACLASS_DECORATORS: Final = frozenset(
    {"dataclasses.dataclass", "pydantic.dataclasses.dataclass", "attr.s", "attrs.define", "attrs.frozen"}
)

SECRET_TYPES: Final = frozenset(
    {
        "pydantic.Secret",
        "pydantic.SecretBytes",
        "pydantic.SecretStr",
        "pydantic.v1.SecretBytes",
        "pydantic.v1.SecretStr",
        "starlette.datastructures.Secret",
    }
)
"""Types that show asterisks instead of their value."""

PYDANTIC_1_METHODS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "__fields__": "model_fields",
        "__fields_set__": "model_fields_set",
        "construct": "model_construct",
        "copy": "model_copy",
        "dict": "model_dump",
        "from_orm": "model_validate",
        "json": "model_dump_json",
        "parse_file": "model_validate_json",
        "parse_obj": "model_validate",
        "parse_raw": "model_validate_json",
        "schema": "model_json_schema",
        "schema_json": "model_json_schema",
        "update_forward_refs": "model_rebuild",
        "validate": "model_validate",
    }
)
"""Members of a model in Pydantic 1 -> those that Pydantic 2 has instead."""

PYDANTIC_1_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "pydantic.Extra": "the literals 'allow', 'forbid' and 'ignore'",
        "pydantic.parse_file_as": "pydantic.TypeAdapter",
        "pydantic.parse_obj_as": "pydantic.TypeAdapter",
        "pydantic.parse_raw_as": "pydantic.TypeAdapter",
        "pydantic.root_validator": "pydantic.model_validator",
        "pydantic.schema_of": "pydantic.TypeAdapter",
        "pydantic.validator": "pydantic.field_validator",
    }
)
"""Names of Pydantic 1 that Pydantic 2 only tolerates -> what takes their place."""

PYDANTIC_1_ONLY: Final = frozenset(
    {
        "pydantic.BaseSettings",
        "pydantic.env_settings",
        "pydantic.fields.ModelField",
        "pydantic.generics",
    }
)
"""Names that only Pydantic 1 has: a project that uses them is not on 2."""

PYDANTIC_2_ONLY: Final = frozenset(
    {
        "pydantic.AfterValidator",
        "pydantic.AliasChoices",
        "pydantic.AliasPath",
        "pydantic.BeforeValidator",
        "pydantic.GetCoreSchemaHandler",
        "pydantic.GetJsonSchemaHandler",
        "pydantic.PlainSerializer",
        "pydantic.PlainValidator",
        "pydantic.RootModel",
        "pydantic.TypeAdapter",
        "pydantic.ValidationInfo",
        "pydantic.WithJsonSchema",
        "pydantic.WrapSerializer",
        "pydantic.WrapValidator",
        "pydantic.computed_field",
        "pydantic.field_serializer",
        "pydantic.field_validator",
        "pydantic.model_serializer",
        "pydantic.model_validator",
        "pydantic_core",
        "pydantic_extra_types",
        "pydantic_settings",
    }
)
"""Names and packages that only Pydantic 2 has: a project that uses them is on it."""

PYDANTIC_2_MEMBERS: Final = frozenset(
    {
        "__get_pydantic_core_schema__",
        "__get_pydantic_json_schema__",
        "model_config",
        "model_construct",
        "model_copy",
        "model_dump",
        "model_dump_json",
        "model_fields",
        "model_json_schema",
        "model_rebuild",
        "model_validate",
        "model_validate_json",
    }
)
"""Members of a model that only Pydantic 2 has."""

CORE_SCHEMA_HOOKS: Final = frozenset({"__get_pydantic_core_schema__", "__get_validators__"})
"""Class methods by which a type of its own tells Pydantic 2 and 1 how to validate it."""

# --- logging
# -----------------------------------------------------------------------------------------------------

LOG_METHODS: Final = frozenset(
    {"critical", "debug", "error", "exception", "fatal", "info", "log", "success", "trace", "warn", "warning"}
)
"""Methods of a logger that write a record (``success`` and ``trace`` are loguru's)."""

ROOT_LOGGER_CALLS: Final = frozenset(
    f"logging.{name}" for name in ("critical", "debug", "error", "exception", "fatal", "info", "log", "warning")
)
"""Functions that write to the root logger."""

LOGGERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "fastapi.logger.logger": "logging.Logger",
        "logging.getLogger": "logging.Logger",
        "loguru.logger": "loguru.Logger",
        "structlog.get_logger": "structlog.BoundLogger",
        "structlog.wrap_logger": "structlog.BoundLogger",
        "structlog.stdlib.BoundLogger": "structlog.BoundLogger",
        "celery.utils.log.get_task_logger": "logging.Logger",
        "logging.Logger.getChild": "logging.Logger",
        "logging.LoggerAdapter": "logging.Logger",
        "loguru.Logger.bind": "loguru.Logger",
        "loguru.Logger.opt": "loguru.Logger",
        "loguru.logger.bind": "loguru.Logger",
        "loguru.logger.opt": "loguru.Logger",
        "structlog.BoundLogger.bind": "structlog.BoundLogger",
        "structlog.BoundLogger.new": "structlog.BoundLogger",
    }
)
"""Canonical callable or object -> canonical class of the logger that it gives or is."""

PRINTS: Final = frozenset({"print", "pprint.pp", "pprint.pprint", "rich.pretty.pprint", "rich.print"})
"""Functions that print."""

LOGGING_CONFIGURATORS: Final = frozenset(
    {
        "coloredlogs.install",
        "google.cloud.logging.Client.setup_logging",
        "json_logging.init_fastapi",
        "logfire.configure",
        "logging.Logger.addHandler",
        "logging.basicConfig",
        "logging.config.dictConfig",
        "logging.config.fileConfig",
        "logging.config.listen",
        "loguru.Logger.add",
        "loguru.Logger.configure",
        "loguru.logger.add",
        "loguru.logger.configure",
        "opentelemetry.instrumentation.logging.LoggingInstrumentor",
        "structlog.configure",
        "structlog.configure_once",
    }
)
"""Calls that configure logging, wholly or by giving a logger a handler."""

LOG_FORMATTERS: Final = frozenset(
    {
        "colorlog.ColoredFormatter",
        "logging.Formatter",
        "pythonjsonlogger.json.JsonFormatter",
        "pythonjsonlogger.jsonlogger.JsonFormatter",
        "structlog.stdlib.ProcessorFormatter",
        "uvicorn.logging.AccessFormatter",
        "uvicorn.logging.DefaultFormatter",
    }
)

# --- metrics
# -----------------------------------------------------------------------------------------------------

METRICS: Final = frozenset(
    {
        "aiodogstatsd",
        "aioprometheus",
        "aws_embedded_metrics",
        "azure.monitor.opentelemetry",
        "datadog",
        "ddtrace",
        "elasticapm",
        "fastapi_prometheus_exporter",
        "logfire.instrument_fastapi",
        "newrelic",
        "opencensus.stats",
        "opentelemetry.exporter",
        "opentelemetry.instrumentation.asgi",
        "opentelemetry.instrumentation.fastapi",
        "opentelemetry.instrumentation.starlette",
        "opentelemetry.metrics",
        "opentelemetry.sdk.metrics",
        "prometheus_async",
        "prometheus_client",
        "prometheus_fastapi_instrumentator",
        "starlette.middleware.opentelemetry",
        "starlette_exporter",
        "starlette_prometheus",
        "statsd",
    }
)
"""Packages, modules and callables of metrics and instrumentation."""

# --- request ids
# -------------------------------------------------------------------------------------------------

REQUEST_ID_LIBRARIES: Final = frozenset(
    {
        "asgi_correlation_id",
        "asgi_request_id",
        "fastapi_request_id",
        "opentelemetry.instrumentation.asgi",
        "opentelemetry.instrumentation.fastapi",
        "opentelemetry.instrumentation.starlette",
        "starlette_context.plugins.CorrelationIdPlugin",
        "starlette_context.plugins.RequestIdPlugin",
        "starlette_context.plugins.correlation_id",
        "starlette_context.plugins.request_id",
    }
)
"""Packages and classes that give every request an id, or (OpenTelemetry) a trace id."""

REQUEST_ID_HEADERS: Final = frozenset(
    {
        "correlation-id",
        "request-id",
        "traceparent",
        "x-amzn-trace-id",
        "x-b3-traceid",
        "x-cloud-trace-context",
        "x-correlation-id",
        "x-correlationid",
        "x-request-id",
        "x-requestid",
        "x-trace-id",
        "x-transaction-id",
    }
)
"""Headers, in lower case, that carry a request or correlation id."""

REQUEST_ID_NAMES: Final = frozenset(
    {"correlation_id", "request_id", "req_id", "trace_id", "x_correlation_id", "x_request_id"}
)
"""Variables and attributes that carry one."""

# --- rate limits
# -------------------------------------------------------------------------------------------------

RATE_LIMITS: Final = frozenset(
    {
        "aiolimiter",
        "asgi_ratelimit",
        "fastapi_guard",
        "fastapi_limiter",
        "fastapi_simple_rate_limiter",
        "fastapi_throttle",
        "fastapi_throttling",
        "guard",
        "limits",
        "pyrate_limiter",
        "ratelimit",
        "slowapi",
        "throttled",
    }
)
"""Packages that limit the rate of requests."""


def is_metrics(canonical: str) -> bool:
    """Whether the name belongs to metrics or instrumentation."""
    return _under(METRICS, canonical)


def is_request_id(canonical: str) -> bool:
    """Whether the name belongs to a library that gives every request an id."""
    return _under(REQUEST_ID_LIBRARIES, canonical)


def is_rate_limit(canonical: str) -> bool:
    """Whether the name belongs to a library that limits the rate of requests."""
    return _under(RATE_LIMITS, canonical)


def is_pydantic_2(canonical: str) -> bool | None:
    """What the use of a name says of the project's Pydantic: True (2), False (1), None (nothing)."""
    if _under(PYDANTIC_2_ONLY, canonical):
        return True
    return False if _under(PYDANTIC_1_ONLY, canonical) else None
