"""The reference application's own tests, on both drivers, and those of a project made from it.

They need what the application needs, so they run with an interpreter that has it:
`pip install -r fixtures/reference_app/server/requirements-dev.txt motor`, and its path in
`REFERENCE_APP_PYTHON`.
"""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from guardrails.scaffold import new_project

PYTHON = os.environ.get("REFERENCE_APP_PYTHON", "")

pytestmark = pytest.mark.skipif(not PYTHON, reason="REFERENCE_APP_PYTHON names no interpreter")


CHOICES: list[dict[str, Any]] = [
    {},
    {"name": "a-name-as-long-as-a-name-can-be", "driver": "motor"},
    {"name": "books", "without": ("orders",)},
    {"name": "members", "without": ("orders", "products")},
]


@pytest.fixture(scope="module", params=CHOICES, ids=str)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_project(tmp_path_factory.mktemp("made") / "server", **request.param)


def run(server: Path, *command: str) -> subprocess.CompletedProcess[str]:
    finished = subprocess.run(
        [PYTHON, "-m", *command], cwd=server, capture_output=True, text=True, timeout=400, check=False
    )
    assert finished.returncode == 0, finished.stdout[-5_000:] + finished.stderr[-2_000:]
    return finished


def test_its_tests_pass_and_cover_it(server: Path) -> None:
    printed = run(server, "pytest", "--cov", "-p", "no:cacheprovider").stdout
    assert "Required test coverage" in printed


def test_it_is_typed_linted_and_formatted(server: Path) -> None:
    run(server, "mypy")
    run(server, "ruff", "check", ".")
    run(server, "ruff", "format", "--check", ".")
