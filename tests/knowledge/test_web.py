"""FastAPI's and Starlette's names: what registers, what is a response, what an inner layer does not know."""

from __future__ import annotations

import pytest

from guardrails.knowledge import web
from guardrails.knowledge.aliases import canonical


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("fastapi.status.HTTP_200_OK", 200),
        ("fastapi.status.HTTP_404_NOT_FOUND", 404),
        ("fastapi.status.HTTP_422_UNPROCESSABLE_ENTITY", 422),
        ("fastapi.status.HTTP_422_UNPROCESSABLE_CONTENT", 422),
        ("fastapi.status.WS_1008_POLICY_VIOLATION", 1008),
        ("http.HTTPStatus.NOT_FOUND", 404),
        ("http.HTTPStatus.NOT_FOUND.value", 404),
        ("http.client.NOT_FOUND", 404),
        ("fastapi.status", None),
        ("fastapi.status.HTTP_NOT_FOUND", None),
        ("http.HTTPStatus", None),
        ("http.HTTPStatus.NO_SUCH_THING", None),
        ("app.status.HTTP_404_NOT_FOUND", None),
    ],
)
def test_a_named_status_has_its_number(name: str, code: int | None) -> None:
    assert web.status_code(name) == code


@pytest.mark.parametrize(
    "imported",
    [
        "fastapi.FastAPI",
        "fastapi.APIRouter",
        "fastapi.Request",
        "fastapi.Response",
        "fastapi.WebSocket",
        "fastapi.requests.Request",
        "fastapi.responses",
        "fastapi.responses.JSONResponse",
        "fastapi.responses.ORJSONResponse",
        "fastapi.routing.APIRoute",
        "fastapi.middleware.cors.CORSMiddleware",
        "fastapi.templating.Jinja2Templates",
        "fastapi.staticfiles.StaticFiles",
        "starlette.requests",
        "starlette.responses.StreamingResponse",
        "starlette.middleware.base.BaseHTTPMiddleware",
        "starlette.routing.Route",
        "sse_starlette.sse.EventSourceResponse",
    ],
)
def test_an_inner_layer_does_not_know_requests_responses_and_apps(imported: str) -> None:
    assert web.forbidden_in_inner_layer(canonical(imported))


@pytest.mark.parametrize(
    "imported",
    [
        "fastapi",
        "fastapi.Depends",
        "fastapi.BackgroundTasks",
        "fastapi.UploadFile",
        "fastapi.Query",
        "fastapi.status",
        "fastapi.HTTPException",
        "fastapi.encoders.jsonable_encoder",
        "fastapi.concurrency.run_in_threadpool",
        "fastapi.security.OAuth2PasswordBearer",
        "fastapi.security",
        "fastapi.WebSocketDisconnect",
        "starlette.status",
        "starlette.concurrency",
        "starlette.background.BackgroundTask",
        "starlette.datastructures.UploadFile",
        "app.responses.JSONResponse",
        "fastapi_users.FastAPIUsers",
    ],
)
def test_an_inner_layer_may_know_the_rest(imported: str) -> None:
    assert not web.forbidden_in_inner_layer(canonical(imported))


@pytest.mark.parametrize(
    ("name", "methods", "websocket", "endpoint"),
    [
        ("get", ("GET",), False, None),
        ("delete", ("DELETE",), False, None),
        ("api_route", (), False, None),
        ("add_api_route", (), False, 1),
        ("websocket", (), True, None),
        ("add_api_websocket_route", (), True, 1),
    ],
)
def test_a_method_registers_a_handler(
    name: str, methods: tuple[str, ...], websocket: bool, endpoint: int | None
) -> None:
    row = web.REGISTRATIONS[name]
    assert (row.methods, row.websocket, row.endpoint) == (methods, websocket, endpoint)
    assert row.decorator is (endpoint is None)


def test_other_methods_register_no_handler() -> None:
    assert not {"include_router", "mount", "middleware", "exception_handler", "on_event"} & set(web.REGISTRATIONS)


def test_every_name_in_the_tables_is_canonical() -> None:
    tables = (
        web.APPS, web.APP_WRAPPERS, web.ROUTERS, web.ROUTER_FACTORIES, web.CLASS_BASED_VIEWS, web.ASGI_APPS,
        web.TEST_CLIENTS, web.MIDDLEWARE_BASES, web.MIDDLEWARES, web.PARAMETERS, web.INJECTED, web.UPLOADS,
        web.SECURITY_SCHEMES, web.RESPONSES, web.HTTP_EXCEPTIONS, web.VALIDATION_ERRORS, web.RETURNS,
        web.RETURNS.values(), [web.MIDDLEWARE_WRAPPER],
    )  # fmt: skip
    names = {name for table in tables for name in table}
    assert {name for name in names if canonical(name) != name} == set()


def test_responses_say_what_they_are() -> None:
    assert web.RESPONSES[canonical("fastapi.responses.RedirectResponse")] == "redirect"
    assert web.RESPONSES[canonical("fastapi.responses.StreamingResponse")] == "stream"
    assert web.RESPONSES[canonical("fastapi.Response")] == "plain"
    assert "fastapi.Response" not in web.RESPONSES
    assert web.RETURNS["starlette.templating.Jinja2Templates.TemplateResponse"] in web.RESPONSES


def test_parameters_say_what_they_declare() -> None:
    assert web.PARAMETERS[canonical("fastapi.params.Security")] == "dependency"
    assert web.PARAMETERS["fastapi.Body"] == "body"
    assert canonical("fastapi.Request") in web.INJECTED
