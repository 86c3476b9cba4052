"""FastAPI as the oracle: on generated applications the route table is the one that FastAPI builds, in order, and
GR805 and GR806 name just the routes that no request reaches.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from fastapi import FastAPI
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from guardrails.knowledge.web import PATH_PARAMETER
from guardrails.program import paths
from guardrails.program.routes import Route
from tests.program.build import build
from tests.program.live_routes import SEES_LATE_ROUTES, Served, answers, imported, served

PATHS = (
    "/", "/me", "/{a}", "/{a:int}", "/{a:path}", "/{a:float}", "/{a:uuid}", "/x/me", "/x/{a}", "/{a}/me", "/{a}/{b}",
    "/x-{a}.json", "/{a}/", "/12", "/1.5",
)  # fmt: skip
METHODS = (("GET",), ("POST",), ("GET", "POST"), ("DELETE",))
# What is asked for a parameter: of every converter's matches, some that no literal above is.
WORDS = (
    "me", "x", "12", "77", "1.5", "7.7", "zz", "zz.json", "6f1e0a9a-8a2e-4a4f-9d53-0c6a3f1b2c3d", "zz/me", "x/me", "",
    "z/z/z",
)  # fmt: skip


@dataclass
class Endpoint:
    name: str
    path: str
    methods: tuple[str, ...]
    style: str
    tag: str | None
    hidden: bool


@dataclass
class Inclusion:
    child: int
    prefix: str
    tag: str | None


@dataclass
class Module:
    """A module with one router: what it registers and includes, in order."""

    style: str
    prefix: str
    tag: str | None
    steps: list[Endpoint | Inclusion] = field(default_factory=list)


@st.composite
def applications(draw: st.DrawFn) -> dict[str, str]:
    """Sources of an application: two to four router modules and a main module, in many styles."""
    modules: list[Module] = []
    for number in range(draw(st.integers(2, 4))):
        module = Module(
            draw(st.sampled_from(["plain", "factory", "class", "subclass", "late"])),
            draw(st.sampled_from(["", "", "/p", "/x"])),
            draw(st.sampled_from([None, "t"])),
        )
        for index in range(draw(st.integers(1, 4))):
            style = draw(st.sampled_from(["decorator", "api_route", "add_api_route", "websocket", "by hand"]))
            module.steps.append(
                Endpoint(
                    f"h{number}_{index}",
                    draw(st.sampled_from(PATHS)),
                    draw(st.sampled_from(METHODS)),
                    style,
                    draw(st.sampled_from([None, None, "own"])),
                    draw(st.booleans()),
                )  # fmt: skip
            )
        for child in draw(st.lists(st.integers(0, number - 1), max_size=2)) if number else []:
            inclusion = Inclusion(child, draw(st.sampled_from(["", "/c"])), draw(st.sampled_from([None, "inc"])))
            module.steps.insert(draw(st.integers(0, len(module.steps))), inclusion)
        modules.append(module)
    included = draw(st.lists(st.integers(0, len(modules) - 1), min_size=1, max_size=4))
    files = {f"app/r{number}.py": source(module, number) for number, module in enumerate(modules)}
    files["app/__init__.py"] = ""
    return files | main(draw, included)


def source(module: Module, number: int) -> str:
    """The source of a router module; afterwards its router is ``router`` of the module."""
    children = sorted({step.child for step in module.steps if isinstance(step, Inclusion)})
    imports = "".join(f"from app import r{child}\n" for child in children)
    tags = f", tags=[{module.tag!r}]" if module.tag else ""
    constructor = "Routes" if module.style == "subclass" else "APIRouter"
    make = f"{constructor}(prefix={module.prefix!r}{tags})"
    owner = "self.router" if module.style == "class" else "router"
    lines = [line for step in module.steps for line in written(step, owner, module.style == "class")]
    head = f"from fastapi import APIRouter, WebSocket\n{imports}\n\n"
    if module.style == "factory":
        body = "".join(f"    {line}\n" for line in lines)
        return f"{head}def build(tag=None):\n    router = {make}\n{body}    return router\n\n\nrouter = build()\n"
    if module.style == "class":
        handlers = "".join(f"    async def {s.name}(self):\n        return {s.name!r}\n\n" for s in handled(module))
        body = "".join(f"        {line}\n" for line in lines)
        return (
            f"{head}class Holder:\n    def __init__(self):\n        self.router = {make}\n{body}\n{handlers}\n"
            "router = Holder().router\n"
        )
    subclass = ""
    if module.style == "subclass":
        subclass = (
            "class Routes(APIRouter):\n    def __init__(self, **options):\n        super().__init__(**options)\n\n\n"
        )
    return f"{head}{subclass}router = {make}\n" + "".join(f"{line}\n" for line in lines)


def handled(module: Module) -> list[Endpoint]:
    return [step for step in module.steps if isinstance(step, Endpoint)]


def written(step: Endpoint | Inclusion, owner: str, in_class: bool) -> list[str]:
    """The lines that register an endpoint or include a router."""
    if isinstance(step, Inclusion):
        tags = f", tags=[{step.tag!r}]" if step.tag else ""
        return [f"{owner}.include_router(r{step.child}.router, prefix={step.prefix!r}{tags})"]
    options = (f", tags=[{step.tag!r}]" if step.tag else "") + (", include_in_schema=False" if step.hidden else "")
    handler = [f"async def {step.name}():", f"    return {step.name!r}"]
    methods = f", methods={list(step.methods)!r}"
    if in_class:
        return [f"{owner}.add_api_route({step.path!r}, self.{step.name}{methods}{options})"]
    if step.style == "websocket":
        return [f"@{owner}.websocket({step.path!r})", f"async def {step.name}(websocket: WebSocket):", "    pass"]
    if step.style == "add_api_route":
        return [*handler, f"{owner}.add_api_route({step.path!r}, {step.name}{methods}{options})"]
    if step.style == "api_route":
        return [f"@{owner}.api_route({step.path!r}{methods}{options})", *handler]
    verb = step.methods[0].lower()
    if step.style == "by hand":
        return [*handler, f"{owner}.{verb}({step.path!r}{options})({step.name})"]
    return [f"@{owner}.{verb}({step.path!r}{options})", *handler]


def main(draw: st.DrawFn, included: list[int]) -> dict[str, str]:
    """The module that constructs the app, and what it needs."""
    style = draw(st.sampled_from(["direct", "loop", "pairs", "table", "factory", "helper", "comprehension"]))
    prefixes = [draw(st.sampled_from(["", "", "/api", "/{tenant}"])) for _ in included]
    routers = [f"r{number}.router" for number in included]
    imports = "from fastapi import FastAPI\n\nfrom app import " + ", ".join(sorted({f"r{n}" for n in included})) + "\n"
    calls = [f"include_router({router}, prefix={prefix!r})" for router, prefix in zip(routers, prefixes, strict=True)]
    last = draw(st.sampled_from(["", "\n\n@app.get('/me')\nasync def own():\n    return 'own'\n"]))
    late = ""
    if draw(st.booleans()):
        late = "\n\nasync def late():\n    return 'late'\n\n\n" + f"{routers[0]}.add_api_route('/late', late)\n"
    if style == "loop":
        body = f"app = FastAPI()\nfor each in [{', '.join(routers)}]:\n    app.include_router(each)\n"
    elif style == "pairs":
        pairs = ", ".join(f"({router}, {prefix!r})" for router, prefix in zip(routers, prefixes, strict=True))
        body = f"app = FastAPI()\nfor each, prefix in ({pairs},):\n    app.include_router(each, prefix=prefix)\n"
    elif style == "table":
        pairs = ", ".join(f"{i}: {router}" for i, router in enumerate(routers))
        body = f"TABLE = {{{pairs}}}\napp = FastAPI()\nfor each in TABLE.values():\n    app.include_router(each)\n"
    elif style == "comprehension":
        body = f"app = FastAPI()\n[app.include_router(each) for each in ({', '.join(routers)},)]\n"
    elif style == "factory":
        lines = "".join(f"    application.{call}\n" for call in calls)
        body = (
            f"def create_app():\n    application = FastAPI()\n{lines}    return application\n\n\napp = create_app()\n"
        )
    elif style == "helper":
        lines = "".join(f"    target.{call}\n" for call in calls)
        imports_of_helper = imports.replace("from fastapi import FastAPI\n\n", "")
        helper = f"{imports_of_helper}\n\ndef register(target):\n{lines}"
        body = "from app.helper import register\n\napp = FastAPI()\nregister(app)\n"
        return {"app/helper.py": helper, "app/main.py": f"{imports}\n{body}{last}{late}"}
    else:
        body = "app = FastAPI()\n" + "".join(f"app.{call}\n" for call in calls)
    return {"app/main.py": f"{imports}\n{body}{last}{late}"}


def row(route: Route) -> Served:
    """A row of our table as FastAPI would have it."""
    assert route.path is not None
    assert route.methods is not None
    assert route.tags is not None
    websocket = route.endpoint.websocket
    return Served(
        tuple(sorted(route.methods)), route.path, route.symbol, () if websocket else route.tags,
        route.in_schema and not websocket,
    )  # fmt: skip


def requests(path: str) -> list[str]:
    """Paths to ask for: the parameters of ``path`` replaced by every word, in every combination."""
    names = [match[0] for match in PATH_PARAMETER.finditer(path)]
    found = []
    for words in product(WORDS, repeat=len(names)):
        filled = path
        for name, word in zip(names, words, strict=True):
            filled = filled.replace(name, word, 1)
        if paths.covers(path, filled):
            found.append(filled)
    return found


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(applications())
def test_the_table_and_its_conflicts_are_fastapis(files: dict[str, str]) -> None:
    for name, text in files.items():
        note(f"--- {name}\n{text}")
    with tempfile.TemporaryDirectory() as folder, imported(Path(folder), files, "app.main") as module:
        routes = build(files).routes
        (app,) = routes.apps
        assert routes.complete
        live = [route for route in app.routes if SEES_LATE_ROUTES or not route.late]
        assert [row(route) for route in live] == served(module.app)

        for conflict in routes.shadowed:
            later = conflict.later
            assert not reaching(module.app, later, live), f"a request reaches {later.symbol} by {later.full}"
        for conflict in routes.duplicates:
            kinds = conflict.earlier.kinds & conflict.later.kinds - {"WEBSOCKET"}
            reached = {method for method, _ in reaching(module.app, conflict.later, live)}
            assert not reached & kinds, f"{conflict.earlier.symbol} does not answer first"
        dead = {conflict.later.symbol for conflict in (*routes.duplicates, *routes.shadowed)}
        for route in live:
            if not route.endpoint.websocket and not route.late and route.symbol not in dead:
                assert reaching(module.app, route, []), f"no request reaches {route.symbol} by {route.full}"


def reaching(app: FastAPI, route: Route, table: list[Route]) -> list[tuple[str, str]]:
    """The requests (method, path) that FastAPI answers with this route's handler, another of its routes apart."""
    name = route.symbol.rpartition(".")[2]
    others = [r.full for r in table if r.symbol == route.symbol and r.full != route.full]
    return [
        (method, path)
        for method in route.methods or ()
        for path in requests(route.full)
        if answers(app, method, path) == name and not any(paths.covers(other, path) for other in others)
    ]
