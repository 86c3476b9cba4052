"""``guardrails routes``: the table as text and as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner

from guardrails.cli import main

FILES = {
    "app/__init__.py": "",
    "app/main.py": """
        from fastapi import FastAPI
        from fastapi_users import FastAPIUsers

        from app import users

        admin = FastAPI()
        app = FastAPI()
        app.include_router(users.router, prefix="/api", tags=["people"])
        app.include_router(FastAPIUsers().get_auth_router())
        app.mount("/admin", admin)
        """,
    "app/users.py": """
        from fastapi import APIRouter, WebSocket

        router = APIRouter(prefix="/users", tags=["users"])


        @router.get("", response_model=list[str])
        async def list_users(): ...


        @router.websocket("/live")
        async def live(websocket: WebSocket): ...
        """,
}


@pytest.fixture
def output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(dedent(text).lstrip())
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["routes", "app", "--no-cache", *request.param], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


@pytest.mark.parametrize("output", [[]], indirect=True)
def test_text(output: str) -> None:
    assert [line.split() for line in output.splitlines() if line] == [
        ["app.main.admin", "app/main.py:6,", "mounted", "at", "/admin"],
        ["0", "routes"],
        ["app.main.app", "app/main.py:7"],
        ["METHODS", "PATH", "HANDLER", "PLACE", "TAGS", "RESPONSE", "ROUTERS"],
        ["GET", "/api/users", "app.users.list_users", "app/users.py:7", "people,", "users", "list[str]",
         "app.users.router"],
        ["WEBSOCKET", "/api/users/live", "app.users.live", "app/users.py:11", "people,", "users", "app.users.router"],
        ["2", "routes"],
        ["not", "in", "the", "tables:", "app/main.py:9:", "its", "handlers", "lie", "in", "another", "package"],
    ]  # fmt: skip


@pytest.mark.parametrize("output", [["--format", "json"]], indirect=True)
def test_json(output: str) -> None:
    (answer,) = json.loads(output)
    app = answer["apps"][1]
    assert (app["app"], app["file"], app["line"]) == ("app.main.app", "app/main.py", 7)
    assert app["routes"][0] == {
        "methods": ["GET"],
        "path": "/api/users",
        "handler": "app.users.list_users",
        "file": "app/users.py",
        "line": 7,
        "tags": ["people", "users"],
        "response_model": "list[str]",
        "routers": ["app.users.router"],
        "websocket": False,
        "in_schema": True,
        "conditional": False,
        "late": False,
    }
    assert answer["unread"] == [{"file": "app/main.py", "line": 9, "reason": "its handlers lie in another package"}]
