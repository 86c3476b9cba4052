"""The route table read from code: who includes whom, where, in which order, and what cannot be read."""

from __future__ import annotations

from textwrap import dedent

import pytest

from guardrails.program.routes import Routes
from tests.program.build import build

USERS = """
from fastapi import APIRouter

router = APIRouter(prefix="/users", tags=["users"])


@router.get("/me")
async def me(): ...
"""
ORDERS = """
from fastapi import APIRouter

router = APIRouter()


@router.post("/orders")
async def place(): ...
"""


def routes_of(main: str, **modules: str) -> Routes:
    """The routes of an application: ``app/main.py`` beside ``app/users.py``, ``app/orders.py`` and what is given."""
    files = {"app/__init__.py": "", "app/main.py": main, "app/users.py": USERS, "app/orders.py": ORDERS}
    files |= {f"app/{name}.py": source for name, source in modules.items()}
    return build({path: dedent(source) for path, source in files.items()}).routes


def table(routes: Routes, app: int = 0) -> list[str]:
    """The rows of an app: method and full path, ``?`` for what cannot be read."""
    return [
        f"{'+'.join(r.methods or ('?',)) if r.methods != () else 'WS'} {r.path or '?'}" for r in routes.apps[app].routes
    ]


HEAD = "from fastapi import FastAPI\nfrom app import orders, users\n\napp = FastAPI()\n"
BOTH = ["GET /users/me", "POST /orders"]


@pytest.mark.parametrize(
    "main",
    [
        HEAD + "app.include_router(users.router)\napp.include_router(orders.router)\n",
        HEAD + "for each in (users, orders):\n    app.include_router(each.router)\n",
        HEAD + "for name in ['users', 'orders']:\n"
        "    app.include_router({'users': users, 'orders': orders}[name].router)\n",
        HEAD + "routers = []\nrouters.append(users.router)\nrouters.extend([orders.router])\n"
        "for each in routers:\n    app.include_router(each)\n",
        HEAD + "for number, each in enumerate([users.router, orders.router]):\n    app.include_router(each)\n",
        HEAD + "for path, each in {'': users.router, ' ': orders.router}.items():\n"
        "    app.include_router(each, prefix=path.strip())\n",
        HEAD + "import importlib\nfor name in ('users', 'orders'):\n"
        "    app.include_router(importlib.import_module(f'app.{name}').router)\n",
        HEAD + "def add(target, *routers, **options):\n    for each in routers:\n"
        "        target.include_router(each, **options)\n\nadd(app, users.router, orders.router, prefix='')\n",
        HEAD + "def routers():\n    yield users.router\n    yield orders.router\n\n"
        "for each in routers():\n    app.include_router(each)\n",
        HEAD + "app.router.include_router(users.router)\napp.include_router(router=orders.router)\n",
        HEAD + "def first(target):\n    target.include_router(users.router)\n\n"
        "def second(target):\n    target.include_router(orders.router)\n\n"
        "for step in (first, second):\n    step(app)\n",
        HEAD + "from dataclasses import dataclass\n\n@dataclass\nclass Part:\n    prefix: str\n    router: object\n\n"
        "for part in [Part('', users.router), Part(prefix='', router=orders.router)]:\n"
        "    app.include_router(part.router, prefix=part.prefix)\n",
        "from contextlib import asynccontextmanager\nfrom fastapi import FastAPI\nfrom app import orders, users\n\n"
        "@asynccontextmanager\nasync def lifespan(app):\n    app.include_router(users.router)\n"
        "    app.include_router(orders.router)\n    yield\n\napp = FastAPI(lifespan=lifespan)\n",
        "from fastapi import FastAPI\nfrom app import orders, users\n\ndef create_app(routers):\n    app = FastAPI()\n"
        "    for each in routers:\n        app.include_router(each)\n    return app\n\n"
        "def serve():\n    return create_app([users.router, orders.router])\n",
        "from fastapi import FastAPI\nfrom app import orders, users\n\nclass Server:\n    def __init__(self):\n"
        "        self.app = FastAPI()\n        self.wire()\n\n    def wire(self):\n        for each in self.routers:\n"
        "            self.app.include_router(each)\n\n    @property\n    def routers(self):\n"
        "        return [users.router, orders.router]\n\napp = Server().app\n",
        HEAD + "app.routes.extend(users.router.routes)\napp.include_router(orders.router)\n",
    ],
)  # fmt: skip
def test_ways_of_inclusion(main: str) -> None:
    routes = routes_of(main)
    assert table(routes) == BOTH
    assert routes.not_included == ()


def test_prefixes_and_tags_add_up_from_every_place() -> None:
    routes = routes_of(
        """
        from fastapi import FastAPI
        from app.api import api

        app = FastAPI()
        app.include_router(api, prefix="/api", tags=["all"])
        """,
        api="""
        from fastapi import APIRouter
        from app import users

        api = APIRouter(prefix="/v1", tags=["v1"])
        api.include_router(users.router, prefix="/people", tags=["people"])
        """,
    )
    (route,) = routes.apps[0].routes
    assert route.path == "/api/v1/people/users/me"
    assert route.tags == ("all", "v1", "people", "users")
    assert [router.site.code.name for router in route.chain] == ["app.main", "app.api", "app.users"]


def test_every_call_of_a_factory_makes_a_router_of_its_own() -> None:
    routes = routes_of(
        HEAD
        + """
from fastapi import APIRouter

def build(name, secured=False):
    router = APIRouter(prefix=f"/{name}")

    @router.get("")
    async def read(): ...

    if secured:
        @router.delete("")
        async def delete(): ...

    return router

app.include_router(build("carts"))
app.include_router(build("bills", secured=True))
"""
    )
    assert table(routes) == ["GET /carts", "GET /bills", "DELETE /bills"]
    assert routes.duplicates == ()


def test_a_subclass_of_the_router_keeps_what_it_passes_on() -> None:
    routes = routes_of(
        HEAD
        + """
from fastapi import APIRouter

class Crud(APIRouter):
    def __init__(self, name, **options):
        super().__init__(prefix="/" + name, tags=[name], **options)
        self.add_api_route("/{key}", self.read, methods=["GET"])

    async def read(self): ...

    def include_router(self, router, **options):
        super().include_router(router, prefix="/inner")

things = Crud("things")
things.include_router(orders.router)
app.include_router(things)
"""
    )
    assert table(routes) == ["GET /things/{key}", "POST /things/inner/orders"]
    assert routes.apps[0].routes[0].tags == ("things",)


def test_methods_of_a_class_are_handlers() -> None:
    routes = routes_of(
        HEAD
        + """
from fastapi import APIRouter
from fastapi_utils.cbv import cbv

router = APIRouter()

@cbv(router)
class Items:
    @router.get("/items")
    def list(self): ...

    @router.api_route("/items/{key}", methods=["PUT", "PATCH"])
    def change(self, key): ...

app.include_router(router)
"""
    )
    assert table(routes) == ["GET /items", "PUT+PATCH /items/{key}"]
    assert [route.symbol for route in routes.apps[0].routes] == ["app.main.Items.list", "app.main.Items.change"]


def test_route_objects_are_routes() -> None:
    routes = routes_of(
        """
        from fastapi import FastAPI
        from fastapi.routing import APIRoute
        from starlette.routing import Mount, Route
        from app import orders, users

        inner = FastAPI()
        app = FastAPI(routes=[APIRoute("/users/me", users.me), Mount("/inner", app=inner)])
        app.routes.append(APIRoute("/orders", orders.place, methods=["POST"]))
        app.routes.append(Route("/page", users.me))
        """
    )
    assert table(routes, 1) == [*BOTH, "GET+HEAD /page"]
    assert routes.apps[0].mounted_at == ("/inner",)


def test_starlettes_routes_answer_head_too() -> None:
    routes = routes_of(HEAD + "app.add_route('/a', users.me)\napp.add_websocket_route('/w', users.me)\n")
    assert table(routes) == ["GET+HEAD /a", "WS /w"]


def test_mounted_apps_have_tables_of_their_own() -> None:
    routes = routes_of(
        HEAD + "admin = FastAPI()\nadmin.include_router(users.router)\napp.mount('/admin', admin)\n"
        "app.include_router(orders.router)\n"
    )
    assert table(routes, 0) == ["POST /orders"]
    assert table(routes, 1) == ["GET /users/me"]
    assert [app.mounted_at for app in routes.apps] == [(), ("/admin",)]
    assert routes.not_included == ()


def test_the_response_model_is_as_written() -> None:
    routes = routes_of(
        HEAD
        + "@app.get('/a', response_model=list[users.User] | None)\nasync def a(): ...\n"
        + "@app.get('/b')\nasync def b() -> dict[str, users.User]: ...\n@app.get('/c')\nasync def c(): ...\n"
    )
    found = [route.response_model for route in routes.apps[0].routes]
    assert found == ["list[users.User] | None", "dict[str, users.User]", None]


# --- order and conditions


def test_what_is_added_after_the_inclusion_is_late_and_judges_nothing() -> None:
    routes = routes_of(
        HEAD
        + """
app.include_router(users.router)

@users.router.get("/{user_id}")
async def read(user_id): ...

@users.router.get("/all")
async def everyone(): ...
"""
    )
    assert [(route.path, route.late) for route in routes.apps[0].routes] == [
        ("/users/me", False), ("/users/{user_id}", True), ("/users/all", True),
    ]  # fmt: skip
    assert routes.shadowed == ()


@pytest.mark.parametrize(
    ("test", "conflicts"),
    [
        ("if users.debug:\n    @app.get('/{page}')\n    async def one(): ...\nelse:\n    pass\n", 0),
        ("@app.get('/{page}')\nasync def one(): ...\n", 1),
        ("try:\n    import extra\nexcept ImportError:\n    @app.get('/{page}')\n    async def one(): ...\n", 0),
        ("while users.debug:\n    @app.get('/{page}')\n    async def one(): ...\n", 0),
        ("with users.debug():\n    @app.get('/{page}')\n    async def one(): ...\n", 1),
    ],
)
def test_a_route_on_a_condition_does_not_shadow_one_without(test: str, conflicts: int) -> None:
    routes = routes_of(HEAD + test + "\n@app.get('/about')\nasync def about(): ...\n")
    assert len(routes.shadowed) == conflicts


def test_a_route_without_condition_shadows_one_with() -> None:
    routes = routes_of(
        HEAD
        + "@app.get('/{page}')\nasync def one(): ...\n"
        + "if users.debug:\n    @app.get('/about')\n    async def two(): ...\n"
    )
    assert [conflict.later.symbol for conflict in routes.shadowed] == ["app.main.two"]


def test_either_arm_of_a_branch_may_give_the_router() -> None:
    routes = routes_of(
        """
        from fastapi import FastAPI
        if FLAG:
            from app.users import router
        else:
            from app.orders import router

        app = FastAPI()
        app.include_router(router)
        """
    )
    assert table(routes) == BOTH
    assert all(route.conditions for route in routes.apps[0].routes)
    assert routes.not_included == ()


@pytest.mark.parametrize(("argument", "rows"), [("True", 2), ("False", 1), ("users.debug", 2)])
def test_an_argument_that_is_known_decides_a_branch(argument: str, rows: int) -> None:
    routes = routes_of(
        HEAD + "def wire(app, full):\n    app.include_router(users.router)\n    if not full:\n        return\n"
        f"    app.include_router(orders.router)\n\nwire(app, {argument})\n"
    )
    assert len(table(routes)) == rows


# --- what cannot be read


@pytest.mark.parametrize(
    ("prefix", "path"),
    [
        ("'/api'", "/api/users/me"),
        ("settings.prefix", "/v1/users/me"),
        ("f'{settings.prefix}/x'", "/v1/x/users/me"),
        ("f'/{version()}'", None),
        ("os.environ['PREFIX']", None),
        ("'/a' if users.debug else '/b'", None),
        ("settings.prefix.rstrip('/') + '/y'", "/v1/y/users/me"),
        ("None", "/users/me"),
    ],
)
def test_a_prefix_is_read_or_unknown(prefix: str, path: str | None) -> None:
    routes = routes_of(
        f"""
        import os
        from fastapi import FastAPI
        from pydantic_settings import BaseSettings
        from app import users

        class Settings(BaseSettings):
            prefix: str = "/v1"

        settings = Settings()
        app = FastAPI()
        app.include_router(users.router, prefix={prefix})
        """
    )
    assert [route.path for route in routes.apps[0].routes] == [path]


@pytest.mark.parametrize(
    "unseen",
    [
        "for plugin in load():\n    app.include_router(plugin.router)\n",
        "import importlib\napp.include_router(importlib.import_module(NAME).router)\n",
        "from elsewhere.orders import router\nfrom orders import router\napp.include_router(router)\n",
        "@command\ndef wire():\n    app.include_router(pick())\n",
        "class Wiring:\n    def wire(self, router):\n        app.include_router(router)\n",
    ],
)
def test_an_inclusion_that_cannot_be_read_makes_the_table_incomplete(unseen: str) -> None:
    routes = routes_of(HEAD + "app.include_router(users.router)\n" + unseen)
    assert not routes.complete
    assert routes.not_included == ()


@pytest.mark.parametrize(
    ("code", "missing"),
    [
        ("", ["app.orders.router"]),
        ("def wire(app):\n    app.include_router(orders.router)\n", ["app.orders.router"]),
        ("def wire(app):\n    app.include_router(orders.router)\n\nwire(app)\n", []),
        ("@hook\ndef wire(app):\n    app.include_router(orders.router)\n", []),
        ("def wire(app):\n    app.include_router(orders.router)\n\nregister(wire)\n", []),
        ("import vendor\nvendor.publish(orders.router)\n", []),
        ("import vendor\nvendor.publish(routers=[orders.router])\n", []),
        ("import vendor\napp.include_router(vendor.wrap(orders.router))\n", []),
        ("import vendor\napp.include_router(vendor.router)\n", ["app.orders.router"]),
        (
            "from fastapi import APIRouter\napi = APIRouter()\napi.include_router(orders.router)\n",
            ["app.orders.router"],
        ),
    ],
)
def test_a_router_is_not_included_only_where_that_is_sure(code: str, missing: list[str]) -> None:
    routes = routes_of(HEAD + "app.include_router(users.router)\n" + code)
    assert [declared.label for declared in routes.not_included] == missing


def test_recursion_and_long_loops_end() -> None:
    routes = routes_of(
        HEAD + "def again(app):\n    app.include_router(users.router)\n    again(app)\n\nagain(app)\n"
        "users.router.include_router(users.router)\n"
    )
    assert set(table(routes)) == {"GET /users/me"}


# --- what each check asks


def test_a_router_included_twice_repeats_its_routes_without_conflict() -> None:
    routes = routes_of(HEAD + "app.include_router(users.router)\napp.include_router(users.router)\n")
    assert len(table(routes)) == 2
    assert routes.duplicates == ()


def test_methods_may_be_answered_by_several_earlier_routes() -> None:
    routes = routes_of(
        HEAD + "@app.get('/{a}')\nasync def one(): ...\n@app.post('/{b}')\nasync def two(): ...\n"
        "@app.api_route('/x', methods=['GET', 'POST'])\nasync def both(): ...\n"
        "@app.api_route('/y', methods=['GET', 'PUT'])\nasync def half(): ...\n"
    )
    assert [conflict.later.symbol for conflict in routes.shadowed] == ["app.main.both"]


@pytest.mark.parametrize(
    ("router", "included", "untagged"),
    [
        ("APIRouter()", "", True),
        ("APIRouter(tags=TAGS)", "", False),
        ("APIRouter(tags=[Tag.users])", "", False),
        ("APIRouter(include_in_schema=False)", "", False),
        ("APIRouter()", ", include_in_schema=False", False),
        ("APIRouter()", ", **options()", False),
    ],
)
def test_tags_are_missing_only_from_documented_routes(router: str, included: str, untagged: bool) -> None:
    routes = routes_of(
        HEAD + f"from app.carts import router\napp.include_router(router{included})\n",
        carts=f"from fastapi import APIRouter\nrouter = {router}\n@router.get('/carts')\nasync def a(): ...\n",
    )
    assert any(declared.untagged for declared in routes.serving) == untagged


def test_an_app_without_openapi_document_and_websockets_need_no_tags() -> None:
    hidden = routes_of(
        "from fastapi import FastAPI\nfrom app import orders\n"
        "app = FastAPI(openapi_url=None)\napp.include_router(orders.router)\n"
    )
    assert not any(declared.untagged for declared in hidden.serving)
    sockets = routes_of(
        HEAD + "from app.live import router\napp.include_router(router)\n",
        live="from fastapi import APIRouter\nrouter = APIRouter()\n"
        "@router.websocket('/live')\nasync def a(websocket): ...\n",
    )
    assert not any(declared.untagged for declared in sockets.serving)


GUARDS = """
from typing import Annotated
from fastapi import APIRouter, Depends, Security

class Role:
    def __init__(self, name): ...
    def __call__(self): ...

def guard(): ...
admin = Role("admin")
Guarded = Annotated[None, Depends(guard)]
router = APIRouter()
"""


@pytest.mark.parametrize(
    ("first", "second", "repeated"),
    [
        ("a=Depends(guard)", "b=Depends(guard)", ["guard"]),
        ("a: Guarded", "b: Annotated[None, Depends(guard)]", ["guard"]),
        ("a=Depends(admin)", "b=Depends(admin)", ["admin"]),
        ("a=Depends(Role('x'))", "b=Depends(Role('y'))", []),
        ("a=Security(guard, scopes=['read'])", "b=Security(guard, scopes=['write'])", []),
        ("a=Security(guard, scopes=['read'])", "b=Security(guard, scopes=['read'])", ["guard"]),
        ("a=Depends(guard)", "used=Depends(guard)", []),
    ],
)
def test_a_repeated_dependency_is_the_same_and_unused(first: str, second: str, repeated: list[str]) -> None:
    routes = routes_of(
        HEAD,
        guarded=GUARDS + f"@router.get('/a')\nasync def one({first}): ...\n"
        f"@router.get('/b')\nasync def two({second}):\n    def inner():\n        return used\n    return inner\n",
    )
    assert [repetition.dependency for repetition in routes.repeated_dependencies] == repeated


def test_of_two_routers_on_a_condition_none_is_crowded() -> None:
    endpoints = "@router.get('/a')\nasync def a(): ...\n"
    both = routes_of(
        HEAD,
        either="from fastapi import APIRouter\nif FLAG:\n    router = APIRouter()\n"
        "else:\n    router = APIRouter(prefix='/x')\n" + endpoints,
    )
    assert both.crowded == ()


def test_a_long_chain_of_imports_is_followed() -> None:
    files = {f"app/m{n}.py": f"from app import m{n + 1}\n" for n in range(400)}
    files["app/m400.py"] = "from app.main import app\n@app.get('/far')\nasync def far(): ...\n"
    main = "from fastapi import FastAPI\napp = FastAPI()\nfrom app import m0\n"
    files |= {"app/__init__.py": "", "app/main.py": main}
    assert table(build(files).routes) == ["GET /far"]
