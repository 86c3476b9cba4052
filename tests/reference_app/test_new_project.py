"""A project made from the reference application is whole, and keeps every rule."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from guardrails.scaffold import DRIVERS, new_project
from guardrails.scaffold.sources import cut_definitions, prune_imports

CHOICES: list[dict[str, Any]] = [
    {"name": name, "driver": driver, "without": without}
    for driver in DRIVERS
    for name, without in (("shop", ()), ("book-store", ("orders",)), ("members", ("products", "orders")))
]

TRACES = {
    "orders": re.compile(r"OrderS|OrderR|OrderW|ORDERS|/orders|idempoten|InsufficientStock|session=session", re.I),
    "products": re.compile(r"product(?!ion)|\bsku|catalog|categor|text_search|ttl", re.I),
}


def texts_of(project: Path) -> list[Path]:
    return [path for path in sorted(project.rglob("*")) if path.suffix in (".py", ".md")]


@pytest.fixture(scope="module", params=CHOICES, ids=lambda choice: "-".join((choice["driver"], choice["name"])))
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("made") / "project"
    return new_project(folder, **request.param), request.param


def test_every_file_parses_and_every_import_of_its_own_leads_somewhere(
    made: tuple[Path, dict[str, Any]],
) -> None:
    project, _ = made
    for path in sorted(project.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path), feature_version=(3, 10))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in (
                "app",
                "scripts",
                "tests",
            ):
                target = project / (node.module or "").replace(".", "/")
                assert target.is_dir() or target.with_suffix(".py").is_file(), f"{path}: {node.module}"


def test_it_keeps_every_rule(made: tuple[Path, dict[str, Any]]) -> None:
    project, choice = made
    finished = subprocess.run(
        [
            sys.executable,
            "-m",
            "guardrails",
            "check",
            "app",
            "--strict",
            "--select",
            "ALL",
            "--format",
            "json",
        ],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    found = {finding["code"] for finding in json.loads(finished.stdout)["findings"]}
    assert found == ({"GR709"} if choice["driver"] == "motor" else set())


def test_it_bears_its_name(made: tuple[Path, dict[str, Any]]) -> None:
    project, choice = made
    name = choice["name"]
    assert f'appname="{name}"' in (project / "app/core/database.py").read_text(encoding="utf-8")
    assert f"MONGODB_DATABASE={name}" in (project / ".env.example").read_text(encoding="utf-8")
    if name != "shop":
        texts = [path.read_text(encoding="utf-8") for path in project.rglob("*.py")]
        assert not any(re.search(r"\bshop\b", text, re.IGNORECASE) for text in texts)


def test_what_was_left_out_has_left_no_trace(made: tuple[Path, dict[str, Any]]) -> None:
    project, choice = made
    for part, trace in TRACES.items():
        traces = {path for path in texts_of(project) if trace.search(path.read_text(encoding="utf-8"))}
        assert bool(traces) is (part not in choice["without"]), (part, traces)


@pytest.mark.parametrize(
    "choice",
    [
        {"name": "Not A Name"},
        {"name": "../elsewhere"},
        {"name": "admin"},
        {"driver": "odmantic"},
        {"without": ("users",)},
        {"without": ("products",)},
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_before_anything_is_written(tmp_path: Path, choice: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        new_project(tmp_path / "project", **choice)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    for taken in (tmp_path, tmp_path / "notes"):
        with pytest.raises(FileExistsError):
            new_project(taken)
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]


def test_an_empty_folder_is_as_good_as_none(tmp_path: Path) -> None:
    assert (new_project(tmp_path) / "app" / "main.py").is_file()


def test_a_definition_goes_with_its_comment_and_docstring() -> None:
    source = '''"""Doc."""

A = 1

# about B
B = 2
"""What B is."""


class C:
    x: int
    """X."""
    y: int
'''
    expected = '''"""Doc."""

A = 1


class C:
    y: int
'''
    assert cut_definitions(source, ["B", "C.x"], "f.py") == expected


def test_a_definition_that_is_not_there_is_an_error() -> None:
    with pytest.raises(LookupError, match="does not define B"):
        cut_definitions("A = 1\n", ["B"], "f.py")


def test_unused_imports_go() -> None:
    source = "import a\nimport b.c\nfrom d import e, f as g\n\nb.c(g)\n"
    assert prune_imports(source) == "import b.c\nfrom d import f as g\n\nb.c(g)\n"
