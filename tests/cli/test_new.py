"""``guardrails new``: what it makes, says and refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run


def test_it_makes_a_project_that_bears_the_folders_name_and_says_what_comes_next(run: Run, folder: Path) -> None:
    result = run("new", "bookshop")
    assert result.exit_code == 0
    assert result.stdout.startswith("Made bookshop in bookshop. Next:\n\n  cd bookshop\n")
    assert "MONGODB_DATABASE=bookshop" in (folder / "bookshop/.env.example").read_text(encoding="utf-8")
    for file in (".pre-commit-config.yaml", ".github/workflows/ci.yml"):
        assert "guardrails check app" in (folder / "bookshop" / file).read_text(encoding="utf-8")
    made = {path.name for path in (folder / "bookshop").iterdir()}
    assert {".gitignore", "README.md", "app", "pyproject.toml", "requirements-dev.txt", "tests"} <= made
    assert not made & {".env", ".ruff.toml", ".ruff_cache"}


def test_the_options_are_followed(run: Run, folder: Path) -> None:
    result = run("new", "a b/c", "--name", "books", "--driver", "motor", "--without", "orders")
    assert result.exit_code == 0
    assert "  cd 'a b/c'\n" in result.stdout
    project = folder / "a b" / "c"
    assert "MONGODB_DATABASE=books" in (project / ".env.example").read_text(encoding="utf-8")
    assert "motor>=" in (project / "requirements.txt").read_text(encoding="utf-8")
    assert not (project / "app/routes/orders.py").exists()
    assert (project / "app/routes/users.py").exists()


def test_the_working_directory_can_become_the_project(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = folder / "bookshop"
    here.mkdir()
    monkeypatch.chdir(here)
    result = run("new", ".")
    assert (result.exit_code, "cd " in result.stdout) == (0, False)
    assert (here / "app" / "main.py").is_file()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Missing argument 'DIR'"),
        (("Book Shop",), "'Book Shop' cannot be the name (--name)"),
        (("here", "--name", "9th"), "'9th' cannot be the name (--name)"),
        (("here", "--name", "admin"), "MongoDB keeps the database"),
        (("here", "--driver", "odmantic"), "'odmantic' is not one of 'pymongo', 'motor'"),
        (("here", "--without", "users"), "'users' is not"),
        (("here", "--without", "products"), "orders need products: leave out orders too"),
        (("taken",), "taken is there already, and is not an empty folder"),
        (("taken/notes",), "notes is there already"),
        (("taken/notes/below",), "taken/notes"),
    ],
    ids=str,
)
def test_wrong_usage_is_status_2_and_writes_nothing(
    run: Run, folder: Path, arguments: tuple[str, ...], said: str
) -> None:
    (folder / "taken").mkdir()
    (folder / "taken" / "notes").write_text("mine")
    result = run("new", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert sorted(path.name for path in folder.rglob("*")) == [".git", "notes", "taken"]
