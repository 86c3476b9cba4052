"""Who the framework calls: registered handlers, dependencies, middleware, exception handlers, start-up code."""

from __future__ import annotations

import pytest

from guardrails.program.model import Function
from tests.program.build import build

HEAD = "from fastapi import APIRouter, Depends, FastAPI\nfrom starlette.middleware import Middleware\n"


def names(functions: object) -> list[str]:
    assert hasattr(functions, "__iter__")
    return sorted(f.qualname for f in functions if isinstance(f, Function))


@pytest.mark.parametrize(
    ("code", "registered"),
    [
        ("app = FastAPI()\n@app.get('/a')\ndef a(): ...\n", [("a", ("GET",), "/a")]),
        ("app = FastAPI()\n@app.api_route('/a', methods=['put'])\ndef a(): ...\n", [("a", ("PUT",), "/a")]),
        ("app = FastAPI()\n@app.websocket('/a')\ndef a(): ...\n", [("a", (), "/a")]),
        ("router = APIRouter()\ndef a(): ...\nrouter.add_api_route('/a', a)\n", [("a", ("GET",), "/a")]),
        ("router = APIRouter()\ndef a(): ...\nrouter.get('/a')(a)\n", [("a", ("GET",), "/a")]),
        ("PATH = '/a'\ndef add(app: FastAPI):\n    @app.post(PATH)\n    def a(): ...\n", [("add.a", ("POST",), "/a")]),
        ("cache = {}\n@cache.get('/a')\ndef a(): ...\n", []),
        ("import vendor\n@vendor.app.get('/a')\ndef a(): ...\n", []),
    ],
)
def test_registrations(code: str, registered: list[tuple[str, tuple[str, ...], str]]) -> None:
    web = build({"main.py": HEAD + code}).web
    assert [(r.handler.qualname.removeprefix("main."), r.methods, r.path) for r in web.registered] == registered


def test_apps_and_routers_are_found_where_they_are_constructed() -> None:
    program = build(
        {
            "main.py": HEAD + "class Api(FastAPI): ...\ndef create(): return Api()\n",
            "routes.py": HEAD + "router = APIRouter()\n",
            "tests/test_it.py": HEAD + "app = FastAPI()\n",
        }
    )
    assert [site.code.qualname for site in program.web.app_sites] == ["main.create"]
    assert [site.code.qualname for site in program.web.router_sites] == ["routes"]


@pytest.mark.parametrize(
    "code",
    [
        "from fastapi import FastAPI as Api\napp = Api()\n",
        "Api = FastAPI\napp = Api()\n",
        "class Own(FastAPI): ...\nApi = Own\ndef create(): return Api()\n",
        "class Make:\n    Api = FastAPI\n    def create(self): return self.Api()\n",
        "class Make:\n    def __init__(self): self.Api = FastAPI\n    def create(self): return self.Api()\n",
        "class Make:\n    @property\n    def Api(self): return FastAPI\n    def create(self): return self.Api()\n",
    ],
)
def test_an_app_may_be_constructed_under_another_name(code: str) -> None:
    assert len(build({"main.py": HEAD + code}).web.app_sites) == 1


def test_what_the_framework_calls() -> None:
    source = HEAD + (
        """
from contextlib import asynccontextmanager
from starlette.middleware.base import BaseHTTPMiddleware

def provided(): ...
def guard(): ...
class Timing(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next): ...
class Pure:
    def __init__(self, app): ...
    async def __call__(self, scope, receive, send): ...
def on_error(request, exc): ...
def on_value(request, exc): ...
def unused(): ...

@asynccontextmanager
async def lifespan(app):
    yield

def opened(): ...

app = FastAPI(lifespan=lifespan, exception_handlers={ValueError: on_value}, middleware=[Middleware(Pure)])
app.add_middleware(Timing)
app.add_exception_handler(KeyError, on_error)
app.add_event_handler("startup", opened)

@app.middleware("http")
async def log(request, call_next): ...

@app.exception_handler(TypeError)
async def on_type(request, exc): ...

@app.get("/", dependencies=[Depends(guard)])
def root(value=Depends(provided)): ...
"""
    )
    web = build({"main.py": source}).web
    assert names(web.dependencies) == ["main.guard", "main.provided"]
    assert names(web.middleware) == ["main.Pure.__call__", "main.Timing.dispatch", "main.log"]
    assert names(web.exception_handlers) == ["main.on_error", "main.on_type", "main.on_value"]
    assert names(web.startup) == ["main.lifespan", "main.opened"]
    assert names(web.handlers) == ["main.root"]


@pytest.mark.parametrize(
    ("expr", "text"), [("'/a'", "/a"), ("PATH", "/p"), ("f'{PATH}/x'", "/p/x"), ("unknown()", None), ("1", None)]
)
def test_a_text_is_read_or_none(expr: str, text: str | None) -> None:
    program = build({"main.py": f"PATH = '/p'\nuse({expr})\n"})
    module = program.modules.by_name["main"]
    call = next(c for c in module.body.calls if getattr(c.func, "name", "") == "use")
    assert program.web.text(call.args[0], module, call.block) == text


def test_including_a_router_in_an_app_is_wiring() -> None:
    program = build(
        {
            "app/main.py": HEAD + "from app.assembly import wire\napp = FastAPI()\nwire(app)\n",
            "app/assembly.py": HEAD
            + "from app.routes import router\ndef wire(app: FastAPI):\n    app.include_router(router)\n",
            "app/routes.py": HEAD + "from app.more import more\nrouter = APIRouter()\nrouter.include_router(more)\n",
            "app/more.py": HEAD + "more = APIRouter()\n@more.get('/a')\ndef a(): ...\n",
        }
    )
    assert sorted(m.name for m in program.layers.building) == ["app.assembly", "app.main"]
