"""FastAPI and Starlette: apps, routers, what registers a handler, parameters, responses, middleware, status.

Names are canonical: Starlette's objects under Starlette's names, whichever package they were imported from.
Sources: the FastAPI and Starlette references and the signatures of their releases current in 2026; RFC 9110
and the standard library's ``http.HTTPStatus`` for status codes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from guardrails.patterns import pattern

# --- applications and routers
# ------------------------------------------------------------------------------------

APPS: Final = frozenset({"fastapi.FastAPI", "starlette.applications.Starlette"})
"""Classes of applications."""

APP_WRAPPERS: Final[Mapping[str, int]] = MappingProxyType(
    {"fastapi_versioning.VersionedFastAPI": 0, "fastapi_pagination.add_pagination": 0}
)
"""Callables that give an application made of the one in this argument position."""

ROUTERS: Final = frozenset(
    {
        "fastapi.APIRouter",
        "fastapi_crudrouter.DatabasesCRUDRouter",
        "fastapi_crudrouter.MemoryCRUDRouter",
        "fastapi_restful.inferring_router.InferringRouter",
        "fastapi_utils.inferring_router.InferringRouter",
        "starlette.routing.Router",
        "strawberry.fastapi.GraphQLRouter",
    }
)
"""``APIRouter``, Starlette's ``Router`` and subclasses of other packages."""

ROUTER_FACTORIES: Final = frozenset(
    {
        "fastapi_users.FastAPIUsers.get_auth_router",
        "fastapi_users.FastAPIUsers.get_oauth_associate_router",
        "fastapi_users.FastAPIUsers.get_oauth_router",
        "fastapi_users.FastAPIUsers.get_register_router",
        "fastapi_users.FastAPIUsers.get_reset_password_router",
        "fastapi_users.FastAPIUsers.get_users_router",
        "fastapi_users.FastAPIUsers.get_verify_router",
    }
)
"""Callables that give a router whose handlers lie in their package."""

CLASS_BASED_VIEWS: Final = frozenset({"fastapi_restful.cbv.cbv", "fastapi_utils.cbv.cbv"})
"""Class decorators, called with a router, that turn methods decorated by it into handlers."""

ASGI_APPS: Final = frozenset(
    {
        "ariadne.asgi.GraphQL",
        "engineio.ASGIApp",
        "gradio.mount_gradio_app",
        "prometheus_client.make_asgi_app",
        "socketio.ASGIApp",
        "starlette.middleware.wsgi.WSGIMiddleware",
        "starlette.staticfiles.StaticFiles",
        "strawberry.asgi.GraphQL",
        "a2wsgi.WSGIMiddleware",
    }
)
"""Classes and factories of ASGI applications that are mounted and have no FastAPI handlers of their own."""

TEST_CLIENTS: Final = frozenset({"starlette.testclient.TestClient", "async_asgi_testclient.TestClient"})


class Registration(Struct, frozen=True):
    """A method of an application or router that registers a handler.

    ``methods``: the HTTP methods, empty where the keyword ``methods`` says them (GET without it) and for
    websockets. The path is argument 0 (``path``); ``endpoint`` is the position of the handler, None for a
    decorator.
    """

    name: str
    methods: tuple[str, ...]
    websocket: bool
    endpoint: int | None

    @property
    def decorator(self) -> bool:
        """Whether the call decorates the handler rather than taking it as an argument."""
        return self.endpoint is None


HTTP_METHODS: Final = ("delete", "get", "head", "options", "patch", "post", "put", "trace")

REGISTRATIONS: Final[Mapping[str, Registration]] = MappingProxyType(
    {name: Registration(name, (name.upper(),), False, None) for name in HTTP_METHODS}
    | {
        "api_route": Registration("api_route", (), False, None),
        "route": Registration("route", (), False, None),
        "websocket": Registration("websocket", (), True, None),
        "websocket_route": Registration("websocket_route", (), True, None),
        "add_api_route": Registration("add_api_route", (), False, 1),
        "add_route": Registration("add_route", (), False, 1),
        "add_api_websocket_route": Registration("add_api_websocket_route", (), True, 1),
        "add_websocket_route": Registration("add_websocket_route", (), True, 1),
    }
)
"""Method of an app or router -> what it registers."""

INCLUDE_ROUTER: Final = "include_router"
"""``include_router(router, *, prefix, tags, dependencies, …)``, of apps and routers."""

MOUNTS: Final[Mapping[str, int]] = MappingProxyType({"host": 1, "mount": 1})
"""Methods that put another ASGI application under a path or host -> the position of that application."""

PATH_PARAMETER: Final = pattern(r"{([a-zA-Z_][a-zA-Z0-9_]*)(?::([a-zA-Z_][a-zA-Z0-9_]*))?}")
"""A parameter of a path, ``{user_id}`` or ``{rest:path}``: its name and its converter."""

PATH_CONVERTERS: Final = ("float", "int", "path", "str", "uuid")
"""Starlette's own path converters; a parameter without one has ``str``."""

_ALIVE: Final = frozenset(
    {
        "alive",
        "health",
        "health-check",
        "healthcheck",
        "healthz",
        "heartbeat",
        "live",
        "liveness",
        "livez",
        "ping",
        "ready",
        "readiness",
        "readyz",
        "startup",
    }
)
_ABOUT_THE_SERVICE: Final = frozenset(
    {"docs", "favicon.ico", "info", "metrics", "openapi.json", "redoc", "robots.txt", "status", "version"}
)
_VERSION: Final = pattern(r"v\d+(?:[._]\d+)*\Z", re.IGNORECASE)


def is_bare_version(path: str) -> bool:
    """Whether a path or prefix says an API and its version at most: ``""``, ``/``, ``/v1``, ``/api/v1``."""
    parts = [part for part in path.split("/") if part]
    return all(part.lower() == "api" or _VERSION.match(part) for part in parts)


def is_operational(path: str) -> bool:
    """Whether a full path is for those who run the service: its root, health, readiness, metrics, documentation."""
    if "{" in path:
        return False
    parts = [part.lower().replace("_", "-") for part in path.split("/") if part]
    if is_bare_version(path) or _ALIVE.intersection(parts) or parts[-1] in _ABOUT_THE_SERVICE:
        return True
    return parts[0] in {"docs", "redoc"}


LIFECYCLE_KEYWORDS: Final = frozenset({"lifespan", "on_shutdown", "on_startup"})
"""Arguments of apps and routers that take start-up and shutdown code."""

LIFECYCLE_METHODS: Final[Mapping[str, int | None]] = MappingProxyType({"add_event_handler": 1, "on_event": None})
"""Methods that register start-up and shutdown code for the event in argument 0 -> the position of the
function, None for a decorator."""

EXCEPTION_HANDLER_METHODS: Final[Mapping[str, int | None]] = MappingProxyType(
    {"add_exception_handler": 1, "exception_handler": None}
)
"""Methods that register a handler for the exception class or status in argument 0 -> the position of the
handler, None for a decorator."""

EXCEPTION_HANDLERS_KEYWORD: Final = "exception_handlers"

MIDDLEWARE_METHODS: Final = frozenset({"add_middleware", "middleware"})
"""``add_middleware(Class, **options)`` and the decorator ``middleware("http")``."""

MIDDLEWARE_WRAPPER: Final = "starlette.middleware.Middleware"
"""``Middleware(Class, **options)``, listed in the keyword ``middleware``."""

MIDDLEWARE_BASES: Final = frozenset(
    {"starlette.middleware.base.BaseHTTPMiddleware", "starlette_context.middleware.ContextMiddleware"}
)
"""Bases whose ``dispatch`` runs on every request."""

MIDDLEWARES: Final = frozenset(
    {
        "asgi_correlation_id.CorrelationIdMiddleware",
        "fastapi.middleware.asyncexitstack.AsyncExitStackMiddleware",
        "prometheus_client.make_asgi_app",
        "slowapi.middleware.SlowAPIASGIMiddleware",
        "slowapi.middleware.SlowAPIMiddleware",
        "starlette.middleware.authentication.AuthenticationMiddleware",
        "starlette.middleware.base.BaseHTTPMiddleware",
        "starlette.middleware.cors.CORSMiddleware",
        "starlette.middleware.errors.ServerErrorMiddleware",
        "starlette.middleware.exceptions.ExceptionMiddleware",
        "starlette.middleware.gzip.GZipMiddleware",
        "starlette.middleware.httpsredirect.HTTPSRedirectMiddleware",
        "starlette.middleware.sessions.SessionMiddleware",
        "starlette.middleware.trustedhost.TrustedHostMiddleware",
        "starlette.middleware.wsgi.WSGIMiddleware",
        "starlette_context.middleware.ContextMiddleware",
        "starlette_context.middleware.RawContextMiddleware",
        "starlette_exporter.PrometheusMiddleware",
    }
)
"""Known middleware classes."""

# --- parameters
# --------------------------------------------------------------------------------------------------

ParameterKind: TypeAlias = Literal["body", "cookie", "dependency", "file", "form", "header", "path", "query"]

PARAMETERS: Final[Mapping[str, ParameterKind]] = MappingProxyType(
    {
        "fastapi.Body": "body",
        "fastapi.Cookie": "cookie",
        "fastapi.Depends": "dependency",
        "fastapi.File": "file",
        "fastapi.Form": "form",
        "fastapi.Header": "header",
        "fastapi.Path": "path",
        "fastapi.Query": "query",
        "fastapi.Security": "dependency",
    }
)
"""Parameter functions, as defaults or in ``Annotated`` -> what they declare. The dependency of ``Depends``
and ``Security`` is argument 0 (``dependency``), the default of the others is argument 0 (``default``)."""

INJECTED: Final = frozenset(
    {
        "fastapi.BackgroundTasks",
        "fastapi.security.SecurityScopes",
        "starlette.background.BackgroundTasks",
        "starlette.requests.HTTPConnection",
        "starlette.requests.Request",
        "starlette.responses.Response",
        "starlette.websockets.WebSocket",
    }
)
"""Classes that FastAPI passes to a parameter annotated with them: no body, no query."""

UPLOADS: Final = frozenset({"fastapi.UploadFile", "starlette.datastructures.UploadFile"})

SECURITY_SCHEMES: Final = frozenset(
    {
        "fastapi.security.APIKeyCookie",
        "fastapi.security.APIKeyHeader",
        "fastapi.security.APIKeyQuery",
        "fastapi.security.HTTPBasic",
        "fastapi.security.HTTPBearer",
        "fastapi.security.HTTPDigest",
        "fastapi.security.OAuth2",
        "fastapi.security.OAuth2AuthorizationCodeBearer",
        "fastapi.security.OAuth2PasswordBearer",
        "fastapi.security.OpenIdConnect",
    }
)
"""Classes whose instances are dependencies."""

# --- responses and errors
# ----------------------------------------------------------------------------------------

ResponseKind: TypeAlias = Literal["file", "json", "plain", "redirect", "stream", "template"]

RESPONSES: Final[Mapping[str, ResponseKind]] = MappingProxyType(
    {
        "fastapi.responses.ORJSONResponse": "json",
        "fastapi.responses.UJSONResponse": "json",
        "fastapi.sse.EventSourceResponse": "stream",
        "sse_starlette.EventSourceResponse": "stream",
        "starlette.responses.FileResponse": "file",
        "starlette.responses.HTMLResponse": "plain",
        "starlette.responses.JSONResponse": "json",
        "starlette.responses.PlainTextResponse": "plain",
        "starlette.responses.RedirectResponse": "redirect",
        "starlette.responses.Response": "plain",
        "starlette.responses.StreamingResponse": "stream",
        "starlette.templating._TemplateResponse": "template",
    }
)
"""Response classes. All take ``status_code`` as argument 1; 200 without it, 307 for a redirect."""

STATUS_ARGUMENT: Final = (1, "status_code")
"""Where a response class takes its status."""

HTTP_EXCEPTIONS: Final = frozenset({"fastapi.HTTPException", "starlette.exceptions.HTTPException"})
"""Classes of which an instance is an answer: ``status_code`` is argument 0, ``detail`` 1, ``headers`` 2."""

VALIDATION_ERRORS: Final = frozenset(
    {
        "bson.errors.InvalidId",
        "email_validator.EmailNotValidError",
        "email_validator.EmailSyntaxError",
        "email_validator.EmailUndeliverableError",
        "fastapi.exceptions.RequestValidationError",
        "fastapi.exceptions.ResponseValidationError",
        "fastapi.exceptions.ValidationException",
        "fastapi.exceptions.WebSocketRequestValidationError",
        "json.JSONDecodeError",
        "json.decoder.JSONDecodeError",
        "jsonschema.ValidationError",
        "jsonschema.exceptions.ValidationError",
        "marshmallow.ValidationError",
        "pydantic.ValidationError",
        "pydantic.error_wrappers.ValidationError",
        "pydantic.v1.ValidationError",
        "pydantic_core.ValidationError",
        "toml.TomlDecodeError",
        "tomllib.TOMLDecodeError",
        "yaml.YAMLError",
    }
)
"""Errors whose text describes the client's own input."""

RETURNS: Final[Mapping[str, str]] = MappingProxyType(
    dict.fromkeys(ROUTER_FACTORIES, "fastapi.APIRouter")
    | {
        "fastapi.FastAPI.router": "fastapi.APIRouter",
        "fastapi_versioning.VersionedFastAPI": "fastapi.FastAPI",
        "fastapi_pagination.add_pagination": "fastapi.FastAPI",
        "starlette.requests.Request.app": "fastapi.FastAPI",
        "starlette.requests.HTTPConnection.app": "fastapi.FastAPI",
        "starlette.websockets.WebSocket.app": "fastapi.FastAPI",
        "starlette.templating.Jinja2Templates.TemplateResponse": "starlette.templating._TemplateResponse",
    }
)
"""Canonical callable or attribute -> canonical class of what it gives."""

_STATUS_NAME: Final = pattern(r"fastapi\.status\.(?:HTTP|WS)_(\d{3,4})_[A-Z0-9_]+\Z")
_HTTP_STATUS: Final = "http.HTTPStatus."
_CLIENT_STATUS: Final = "http.client."


def status_code(canonical: str) -> int | None:
    """The number of a named status: ``fastapi.status.HTTP_404_NOT_FOUND``, ``http.HTTPStatus.NOT_FOUND``
    (with or without ``.value``), ``http.client.NOT_FOUND``; None for any other name."""
    match = _STATUS_NAME.match(canonical)
    if match is not None:
        return int(match.group(1))
    for prefix in (_HTTP_STATUS, _CLIENT_STATUS):
        if canonical.startswith(prefix):
            from http import HTTPStatus

            member = HTTPStatus.__members__.get(canonical[len(prefix) :].removesuffix(".value"))
            return None if member is None else member.value
    return None


# --- rule 1: what of the web framework an inner layer does not know
# ----------------------------------------------

_FORBIDDEN_INSIDE: Final = frozenset(
    {
        "fastapi.APIRouter",
        "fastapi.FastAPI",
        "fastapi.applications",
        "fastapi.middleware",
        "fastapi.responses",
        "fastapi.routing",
        "fastapi.sse",
        "sse_starlette",
        "starlette.applications",
        "starlette.endpoints",
        "starlette.middleware",
        "starlette.requests",
        "starlette.responses",
        "starlette.routing",
        "starlette.staticfiles",
        "starlette.templating",
        "starlette.testclient",
        "starlette.websockets",
    }
)
_ALLOWED_INSIDE: Final = frozenset(
    {
        # Exceptions and states, which carry no request or response.
        "starlette.requests.ClientDisconnect",
        "starlette.routing.NoMatchFound",
        "starlette.websockets.WebSocketDisconnect",
        "starlette.websockets.WebSocketState",
        # An annotation and a value, no behaviour of the web.
        "fastapi.sse.ServerSentEvent",
    }
)


def forbidden_in_inner_layer(canonical: str) -> bool:
    """Whether services, repositories and models do not know this name or module (GR104).

    Requests, responses, apps, routers, routing, templating and middleware; not dependencies, background
    tasks, uploads, parameter functions, status, encoders, concurrency helpers, security and exceptions.
    """
    if canonical in _ALLOWED_INSIDE:
        return False
    name = canonical
    while name:
        if name in _FORBIDDEN_INSIDE:
            return True
        name = name.rpartition(".")[0]
    return False
