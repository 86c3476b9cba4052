"""The reference application and its motor variant differ by the seam to the driver alone."""

import ast
from pathlib import Path

import pytest

from guardrails.scaffold import copy_template
from tests.reference_app.conftest import HOME

SEAM = {Path("app/core/database.py"), Path("requirements.txt")}


def files_below(folder: Path) -> dict[Path, bytes]:
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(".") or part == "__pycache__" for part in path.parts)
    }


def test_the_variant_is_the_server_but_for_the_seam(tmp_path: Path) -> None:
    variant = files_below(copy_template("motor", tmp_path / "shop"))
    server = files_below(HOME / "server")
    assert variant.keys() == server.keys()
    assert {path for path in server if variant[path] != server[path]} == SEAM
    assert files_below(HOME / "server-motor").keys() == SEAM


def test_the_environment_example_comes_along(tmp_path: Path) -> None:
    variant = copy_template("motor", tmp_path / "shop")
    for name in (".env.example", ".gitignore", ".pre-commit-config.yaml"):
        assert (variant / name).read_bytes() == (HOME / "server" / name).read_bytes()
    assert not (variant / ".env").exists()


@pytest.mark.parametrize("folder", ["server", "server-motor"])
def test_the_sources_are_python_3_10(folder: str) -> None:
    for path in sorted((HOME / folder).rglob("*.py")):
        ast.parse(path.read_text(encoding="utf-8"), str(path), feature_version=(3, 10))


def test_only_the_variant_knows_motor() -> None:
    knowing = {
        path.relative_to(HOME)
        for folder in ("server/app", "server/scripts", "server-motor/app")
        for path in (HOME / folder).rglob("*.py")
        if "import motor" in path.read_text(encoding="utf-8") or "from motor" in path.read_text(encoding="utf-8")
    }
    assert knowing == {Path("server-motor/app/core/database.py")}
    assert "motor" not in (HOME / "server" / "requirements.txt").read_text(encoding="utf-8")
