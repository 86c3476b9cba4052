"""The commands beside ``check``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from guardrails.cli import COMMANDS, main
from tests.cli.conftest import Run
from tests.engine.fakes import write

APP = {
    "app/main.py": """
        from fastapi import FastAPI

        from app.domain.orders import place
        from app.routes.users import router

        app = FastAPI()
        app.include_router(router)
        """,
    "app/routes/users.py": """
        from fastapi import APIRouter

        router = APIRouter()


        @router.get("/users")
        async def users() -> list[str]:
            return []
        """,
    "app/domain_store/__init__.py": "",
    "app/forms/order.py": "from pydantic import BaseModel\n\n\nclass Order(BaseModel):\n    id: int\n",
    "app/forms/user.py": "from pydantic import BaseModel\n\n\nclass User(BaseModel):\n    id: int\n",
    "app/odd.py": "x = 1\n",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return write(tmp_path, APP)


def invoke(*arguments: str, answers: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(main, arguments, input=answers, catch_exceptions=False)
    return result.exit_code, result.output


# --- the group


def test_help_lists_every_command_that_is_there_without_importing_it() -> None:
    for name in list(sys.modules):
        if name.startswith("guardrails.cli.") and name != "guardrails.cli.common":
            sys.modules.pop(name)
    status, output = invoke("--help")
    assert status == 0
    for name in ("check", "explain", "rules", "layers", "init", "baseline", "config"):
        assert f"\n  {name} " in output
    assert not any(name.startswith("guardrails.cli.") for name in sys.modules if name != "guardrails.cli.common")


def test_every_listed_command_has_help_of_its_own() -> None:
    group = main
    for name in group.list_commands(None):  # type: ignore[arg-type]
        status, output = invoke(name, "--help")
        assert (name, status) == (name, 0)
        assert output.startswith("Usage: ")
        assert name in COMMANDS


def test_a_mistyped_command_is_told_with_the_nearest() -> None:
    status, output = invoke("chek")
    assert status == 2
    assert "Did you mean check?" in output


def test_the_version_is_told() -> None:
    from guardrails import __version__

    assert invoke("--version") == (0, f"guardrails {__version__}\n")


# --- explain and rules


def test_explain_prints_the_page_of_a_check(run: Run) -> None:
    by_code, by_name = run("explain", "gr301"), run("explain", "mongo-outside-repository")
    assert by_code.stdout.startswith("# GR301 mongo-outside-repository\n")
    assert by_code.stdout == by_name.stdout


def test_explain_lists_the_checks_of_a_rule(run: Run) -> None:
    output = run("explain", "7").stdout
    assert output.startswith("Rule 7: Async all the way\n")
    assert "GR703   error    blocking-call-in-async: Finds GR703." in output


def test_explain_tells_what_it_does_not_know(run: Run) -> None:
    result = run("explain", "GR99")
    assert result.exit_code == 2
    assert "no check, rule or prefix is called 'GR99'" in result.stderr


def test_rules_tell_what_runs_and_how_much_it_weighs(folder: Path, run: Run) -> None:
    (folder / "guardrails.toml").write_text("ignore = ['GR301']\nseverities = { GR706 = 'warning' }\n")
    lines = run("rules").stdout.splitlines()
    assert "   GR301   off      mongo-outside-repository: Finds GR301." in lines
    assert "   GR706   warning  await-in-loop: Finds GR706." in lines
    rows = {row["code"]: row for row in json.loads(run("rules", "--format", "json").stdout)}
    assert (rows["GR301"]["selected"], rows["GR706"]["severity"]) == (False, "warning")


# --- config


def test_the_schemas_are_printed(run: Run) -> None:
    assert "per-path-ignores" in json.loads(run("config", "schema").stdout)["properties"]
    assert json.loads(run("config", "schema", "--of", "result").stdout)["properties"]["schema"] == {
        "const": 1,
        "description": "The version of this schema.",
    }


def test_config_show_tells_the_file_and_the_values(folder: Path, run: Run) -> None:
    (folder / "guardrails.toml").write_text("ignore = ['GR301']\nper-path-ignores = { 'a/**' = ['7'] }\n")
    lines = run("config", "show").stdout.splitlines()
    assert lines[0] == f"# {folder / 'guardrails.toml'}"
    assert 'ignore = ["GR301"]' in lines
    assert 'per-path-ignores = {"a/**" = ["7"]}' in lines
    (folder / "guardrails.toml").write_text("ignor = ['GR301']\nroot = 3\n")
    assert run("config", "show").exit_code == 2


# --- layers


def test_layers_tell_what_decided(project: Path) -> None:
    write(project, {"guardrails.toml": "layers = { utils = ['app/odd.py'] }\n"})
    status, output = invoke("layers")
    assert status == 0
    rows = {line.split()[0]: line.split()[1:] for line in output.splitlines() if line.startswith("  app")}
    assert rows["app/main.py"] == ["wiring", "content"]
    assert rows["app/routes/users.py"] == ["routes", "content"]
    assert rows["app/odd.py"] == ["utils", "configuration"]
    assert rows["app/forms/user.py"] == ["none"]
    [listed] = json.loads(invoke("layers", "--unassigned", "--format", "json")[1])
    assert [row["path"] for row in listed["modules"]] == ["app/forms/order.py", "app/forms/user.py"]


# --- init


def test_init_shows_what_it_would_write_and_asks(project: Path) -> None:
    status, output = invoke("init", answers="n\n")
    assert status == 1
    assert "New file guardrails.toml" in output
    assert "New file .pre-commit-config.yaml" in output
    assert sorted(path.name for path in project.iterdir()) == [".git", "app"]
    assert invoke("init", "--preview")[0] == 0
    assert sorted(path.name for path in project.iterdir()) == [".git", "app"]


def test_init_writes_a_configuration_that_is_accepted_and_proposes_layers(project: Path) -> None:
    assert invoke("init", "--yes")[0] == 0
    written = (project / "guardrails.toml").read_text()
    assert 'schemas = ["forms/**"]' in written or 'schemas = ["app/forms/**"]' in written
    assert "# Modules whose layer no name tells" in written
    assert invoke("config", "show")[0] == 0
    assert "app/forms/user.py    schemas" in invoke("layers")[1]
    status, output = invoke("init", "--yes")
    assert status == 2
    assert "configured here already" in output


def test_init_keeps_pyproject_as_it_is_and_adds_to_its_end(project: Path) -> None:
    before = "# ours\n[project]\nname   =  'x'\n\n[tool.ruff]\nline-length = 9\n\n[build-system]\nrequires=[]\n"
    (project / "pyproject.toml").write_text(before)
    assert invoke("init", "--yes", "--no-hook")[0] == 0
    after = (project / "pyproject.toml").read_text()
    assert after.startswith(before + "\n[tool.guardrails]\n")
    assert not (project / "guardrails.toml").exists()
    assert not (project / ".pre-commit-config.yaml").exists()
    assert invoke("config", "show")[0] == 0


def test_init_takes_a_file_of_its_own_where_pyproject_takes_no_more(project: Path) -> None:
    (project / "pyproject.toml").write_text("tool = { ruff = {} }\n")
    assert invoke("init", "--yes", "--no-hook")[0] == 0
    assert (project / "pyproject.toml").read_text() == "tool = { ruff = {} }\n"
    assert (project / "guardrails.toml").exists()


@pytest.mark.parametrize("indent", ["", "  ", "    "])
def test_init_adds_a_hook_in_the_files_own_style(project: Path, indent: str) -> None:
    old = f"# hooks\nrepos:\n{indent}- repo: local\n{indent}  hooks: []\n"
    before = f"{old}\nfail_fast: true\n"
    (project / ".pre-commit-config.yaml").write_text(before)
    assert invoke("init", "--yes")[0] == 0
    after = (project / ".pre-commit-config.yaml").read_text()
    assert after.startswith(f"# hooks\nrepos:\n{indent}- repo: local\n{indent}  hooks: []\n{indent}- repo: local\n")
    assert after.endswith(f"\n{indent}      require_serial: true\n\nfail_fast: true\n")


def test_init_adds_a_step_to_the_ci_that_is_there(project: Path) -> None:
    (project / ".github" / "workflows").mkdir(parents=True)
    (project / ".gitlab-ci.yml").write_text("test:\n  script: [pytest]\n")
    assert invoke("init", "--yes")[0] == 0
    assert "guardrails check --format github" in (project / ".github/workflows/guardrails.yml").read_text()
    assert (project / ".gitlab-ci.yml").read_text().startswith("test:\n  script: [pytest]\n\nguardrails:\n")


def test_init_in_a_subfolder_checks_that_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    write(tmp_path / "backend", APP)
    monkeypatch.chdir(tmp_path)
    assert invoke("init", "backend", "--yes")[0] == 0
    assert (tmp_path / "backend" / "guardrails.toml").exists()
    assert "entry: guardrails check backend\n" in (tmp_path / ".pre-commit-config.yaml").read_text()


def test_init_without_an_application_is_a_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    status, output = invoke("init", "--yes")
    assert status == 2
    assert "no Python application" in output
