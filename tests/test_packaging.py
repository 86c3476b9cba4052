"""What the wheel holds, and what the source distribution needs to make it."""

from __future__ import annotations

import os
import re
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

build = pytest.importorskip("hatchling.build")
ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def in_checkout() -> Iterator[None]:
    here = os.getcwd()
    os.chdir(ROOT)
    yield
    os.chdir(here)


@pytest.fixture(scope="module")
def wheel(in_checkout: None, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    return zipfile.ZipFile(folder / build.build_wheel(str(folder)))


def test_the_rulebook_lies_in_the_package(wheel: zipfile.ZipFile) -> None:
    pages = sorted(path.relative_to(ROOT / "rules").as_posix() for path in (ROOT / "rules").glob("*/GR*.md"))
    prefix = "guardrails/rulebook/"
    names = (name.removeprefix(prefix) for name in wheel.namelist() if name.startswith(prefix))
    assert sorted(name for name in names if "/GR" in name) == pages
    assert pages


def test_the_template_of_new_projects_lies_in_the_package(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    prefix = "guardrails/template/"
    wheel.extractall(tmp_path, [name for name in wheel.namelist() if name.startswith(prefix)])
    shipped, checkout = tmp_path / prefix, ROOT / "fixtures" / "reference_app"
    for overlay in ("server", "server-motor"):
        assert _files(shipped / overlay) == _files(checkout / overlay)
    assert not [path for path in shipped.rglob("*") if path.name in (".env", "__pycache__", "data")]


def _files(folder: Path) -> dict[str, bytes]:
    """What is part of an application, by path."""
    left_out = re.compile(
        r"(^|/)(__pycache__|\.\w+_cache|\.hypothesis|\.coverage|htmlcov|\.venv|\.env|\.ruff\.toml|data)(/|$)"
    )
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in paths.items() if not left_out.search(name)}


def test_the_package_is_whole_typed_and_alone(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    sources = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "guardrails").rglob("*")
        if path.is_file() and path.suffix in {".py", ".json", ".typed"} and "__pycache__" not in path.parts
    }
    assert "guardrails/py.typed" in sources
    assert sources <= names
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {
        "guardrails",
        "fastapi_mongo_guardrails",
    }


def test_the_command_is_an_entry_point(wheel: zipfile.ZipFile) -> None:
    (entry_points,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    assert "guardrails = guardrails.__main__:run" in wheel.read(entry_points).decode()


def test_the_source_distribution_can_make_the_wheel(in_checkout: None, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / build.build_sdist(str(tmp_path))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "pyproject.toml",
        "LICENSE",
        "README.md",
        "rules/README.md",
        "fixtures/reference_app/server/.env.example",
        "guardrails/cli/__init__.py",
    } <= names
