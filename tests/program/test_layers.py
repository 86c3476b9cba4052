"""Which layer a module is in: by content, then by names (the catalogue's words)."""

from __future__ import annotations

import pytest

from guardrails.options import Options
from tests.program.build import build


@pytest.mark.parametrize(
    ("path", "layer"),
    [
        ("app/routes/users.py", "routes"),
        ("app/users/router.py", "routes"),
        ("app/api/v1/endpoints/users.py", "routes"),
        ("app/views/user.py", "routes"),
        ("app/services/users.py", "services"),
        ("app/userService.py", "services"),
        ("app/usecases/pay.py", "services"),
        ("app/controllers/pay.py", "services"),
        ("app/routes/base_controller.py", "routes"),
        ("app/repositories/users.py", "repositories"),
        ("app/user_repository.py", "repositories"),
        ("app/crud/user.py", "repositories"),
        ("app/data_access/users.py", "repositories"),
        ("app/models/user.py", "models"),
        ("app/entities/user.py", "models"),
        ("app/schemas/store.py", "schemas"),
        ("app/services/repository.py", "repositories"),
        ("app/dto/user.py", "schemas"),
        ("app/core/config.py", "core"),
        ("app/core/models.py", "models"),
        ("app/db/session.py", "core"),
        ("app/utils/text.py", "utils"),
        ("app/helpers.py", "utils"),
        ("app/main.py", "wiring"),
        ("app/dependencies/users.py", "wiring"),
        ("app/users/dependencies.py", "wiring"),
        ("app/db/dependencies.py", "core"),
        ("app/documents/router.py", "routes"),
        ("app/documents/shelf.py", None),
        ("app/payments/gateway.py", None),
    ],
)
def test_names(path: str, layer: str | None) -> None:
    others = {"app/__init__.py": "", "app/documents/service.py": "x = 1", "app/documents/router.py": "x = 1"}
    program = build({**others, path: "x = 1"})
    module = program.modules.by_display[path]
    assert program.layers.of(module) == layer


def test_content_comes_before_names() -> None:
    program = build(
        {
            "app/shop.py": "from fastapi import APIRouter\nrouter = APIRouter()\n@router.get('/')\ndef f(): ...\n",
            "app/services/factory.py": "from fastapi import FastAPI\ndef create(): return FastAPI()\n",
            "app/assemble.py": "from fastapi import FastAPI\nfrom app.shop import router\n"
            "def assemble(app: FastAPI): app.include_router(router)\n",
        }
    )
    layers = {name: program.layers.of(module) for name, module in program.modules.by_name.items()}
    assert layers == {"app.shop": "routes", "app.services.factory": "wiring", "app.assemble": "wiring"}


def test_configuration_comes_first() -> None:
    program = build({"app/services/users.py": "x = 1"}, options=Options(layers={"core": ("app/services/",)}))
    assert program.layers.of(program.modules.by_name["app.services.users"]) == "core"


APP = "from fastapi import FastAPI\n\napp = FastAPI()\n"


@pytest.mark.parametrize(
    ("security", "others", "layer"),
    [
        (APP, {}, "core"),
        (APP + "app.state.key = 1\n", {}, "wiring"),
        (APP, {"app/sub.py": "from app.core.security import app\n"}, "wiring"),
        (APP, {"app/sub.py": "from app.core import security\nsecurity.app.mount('/x', 1)\n"}, "wiring"),
        ("from fastapi import FastAPI\n\napp = FastAPI(title='Admin')\n", {}, "wiring"),
    ],
)
def test_a_second_app_that_nothing_mentions_builds_nothing(security: str, others: dict[str, str], layer: str) -> None:
    files = {"app/main.py": APP + "@app.get('/')\ndef root(): ...\n", "app/core/security.py": security, **others}
    program = build(files)
    assert program.layers.of(program.modules.by_name["app.core.security"]) == layer
    assert (program.modules.by_name["app.core.security"] in program.layers.app_modules) is (layer == "wiring")


def test_the_only_app_builds_the_application_whoever_mentions_it() -> None:
    program = build({"app/main.py": APP})
    assert program.modules.by_name["app.main"] in program.layers.app_modules
