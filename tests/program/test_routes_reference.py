"""The reference application: its table is the one that FastAPI builds when it starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.program.live_routes import SEES_LATE_ROUTES, Served
from tests.program.test_routes_oracle import row
from tests.queries.program import program_at

SERVER = Path(__file__).parents[2] / "fixtures" / "reference_app" / "server"
PRINT = """
import msgspec
from app.main import create_app
from tests.program.live_routes import served
print(msgspec.json.encode(served(create_app())).decode())
"""


def test_the_reference_apps_table_is_fastapis() -> None:
    for requirement in ("argon2", "email_validator", "jwt", "prometheus_client", "pydantic_settings", "pymongo"):
        pytest.importorskip(requirement, reason="the reference application's requirements are not installed")
    environment = {
        **os.environ,
        "MONGODB_URI": "mongodb://localhost:1",
        "JWT_SECRET": "0" * 40,
        "PYTHONPATH": str(SERVER),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    # From the repository's root: ``tests`` is then this package, not the application's.
    command = [sys.executable, "-c", PRINT]
    finished = subprocess.run(
        command, cwd=SERVER.parents[2], env=environment, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
    expected = msgspec.json.decode(finished.stdout.splitlines()[-1], type=list[Served])
    (app,) = program_at(SERVER / "app").routes.apps
    assert [row(route) for route in app.routes if SEES_LATE_ROUTES or not route.late] == expected
    assert len(expected) > 20
