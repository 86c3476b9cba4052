"""What a run promises whatever it checks: the same bytes, quickly, without running the code. With the real checks."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BROKEN = ROOT / "fixtures" / "broken_app"


@pytest.fixture(scope="module")
def broken_app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("promises") / "broken"
    shutil.copytree(BROKEN, folder, ignore=shutil.ignore_patterns(".guardrails_cache", "__pycache__"))
    (folder / ".git").mkdir()
    return folder


def checked(folder: Path, *arguments: str, seed: str = "0", program: str = "") -> subprocess.CompletedProcess[str]:
    program = program or "from guardrails.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, "check", "--format", "json", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def test_the_bytes_are_the_same_for_any_workers_hash_seed_and_cache(broken_app: Path) -> None:
    first = checked(broken_app, "--no-cache", "--workers", "1", seed="1")
    assert first.returncode == 1, first.stderr
    assert json.loads(first.stdout)["findings"]
    others = [
        checked(broken_app, "--no-cache", "--workers", "4", seed="2"),
        checked(broken_app, seed="3"),  # cold
        checked(broken_app, seed="4"),  # stored
    ]
    assert [other.stdout == first.stdout for other in others] == [True, True, True]
    shutil.rmtree(broken_app / ".guardrails_cache" / "results")
    assert checked(broken_app, seed="5").stdout == first.stdout  # cached facts


_IMPORTED = """
import sys
from guardrails.cli import main
try:
    main()
finally:
    heavy = {"pydantic", "rich", "grimp", "astroid", "importlinter", "pathspec", "tomlkit", "asyncio"}
    print(sorted(heavy & sys.modules.keys()), file=sys.stderr)
"""


@pytest.mark.parametrize("format_", ["text", "concise", "json", "github"])
def test_a_stored_answer_imports_nothing_heavy(broken_app: Path, format_: str) -> None:
    checked(broken_app)
    again = checked(broken_app, "--format", format_, program=_IMPORTED)
    assert again.stderr.splitlines()[-1] == "[]"
    assert again.returncode == 1


def test_the_checked_code_is_never_run(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "app").mkdir()
    bomb = "import pathlib\npathlib.Path(__file__).with_name('ran').touch()\n"
    for name in ("__init__.py", "main.py", "conftest.py", "setup.py"):
        (tmp_path / "app" / name).write_text(bomb + "from fastapi import FastAPI\napp = FastAPI()\n")
        (tmp_path / name).write_text(bomb)
    assert checked(tmp_path).returncode in (0, 1)
    assert list(tmp_path.rglob("ran")) == []
