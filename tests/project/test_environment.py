"""What lies beside the code: dotenv files, requirements, presence."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from guardrails.project.environment import Environment, Requirement, dotenv_kind, parse_dotenv

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def write(root: Path, files: dict[str, str]) -> Environment:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Environment(root, root)


class TestDotenv:
    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            (".env", "dotenv"),
            (".env.local", "dotenv"),
            (".env.production", "dotenv"),
            (".env-dev", "dotenv"),
            ("prod.env", "dotenv"),
            (".prod.env", "dotenv"),
            (".env.example", "example"),
            (".env.sample", "example"),
            (".env.template", "example"),
            (".env.dist", "example"),
            (".env.prod.example", "example"),
            (".example.env", "example"),
            ("template.env", "example"),
            ("env.example", "example"),
            ("example.env", "example"),
            ("env.py", None),
            ("env", None),
            ("environment.yml", None),
            (".envrc", None),
            (".env.ts", None),
            (".env.enc", None),
            ("app.environ", None),
        ],
    )
    def test_kinds_of_names(self, name: str, kind: str | None) -> None:
        assert dotenv_kind(name) == kind

    def test_values_are_read_as_python_dotenv_reads_them(self) -> None:
        text = "# c\nexport A=1\nB='x y' # c\nC=${A}\nD\nE=\"a\nb\"\nnot valid line =\nF=\n"
        assert dict(parse_dotenv(text)) == {
            "A": "1",
            "B": "x y",
            "C": "${A}",
            "D": None,
            "E": "a\nb",
            "F": "",
        }

    def test_files_up_to_the_repository_root_nearest_first(self, tmp_path: Path) -> None:
        (tmp_path / ".git").mkdir()
        write(
            tmp_path,
            {".env.example": "A=\n", "backend/.env": "A=1\n", "backend/app/main.py": "", "x/.env": "B=1"},
        )
        found = Environment(tmp_path / "backend" / "app", tmp_path).dotenv_files
        assert [(f.display, f.example, f.variables) for f in found] == [
            ("backend/.env", False, (("A", "1"),)),
            (".env.example", True, (("A", ""),)),
        ]

    def test_ignored_by_any_gitignore_above(self, tmp_path: Path) -> None:
        (tmp_path / ".git").mkdir()
        write(tmp_path, {".gitignore": ".env\n/secret/\n", "a/.gitignore": "!.env\n.env.local\n"})
        environment = Environment(tmp_path / "a", tmp_path)
        assert environment.ignored(tmp_path / ".env")
        assert not environment.ignored(tmp_path / "a" / ".env")
        assert environment.ignored(tmp_path / "a" / ".env.local")
        assert environment.ignored(tmp_path / "secret" / "prod.env")
        assert not environment.ignored(tmp_path / ".env.local")

    @needs_git
    def test_tracked_as_git_says(self, tmp_path: Path) -> None:
        write(tmp_path, {"a/.env": "X=1\n", "a/.env.local": "X=1\n"})
        for command in (["init", "-q"], ["add", "a/.env"]):
            subprocess.run(["git", "-C", str(tmp_path), *command], check=True, capture_output=True)
        environment = Environment(tmp_path / "a", tmp_path)
        assert {f.display: f.tracked for f in environment.dotenv_files} == {
            "a/.env": True,
            "a/.env.local": False,
        }

    def test_without_git_nobody_knows(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        assert write(tmp_path, {".env": "X=1\n"}).dotenv_files[0].tracked is None
        (tmp_path / ".git").mkdir()
        monkeypatch.setenv("PATH", str(tmp_path))
        assert Environment(tmp_path, tmp_path).dotenv_files[0].tracked is None


FORMATS = {
    "requirements.txt": "# c\npydantic>=2.1,<3 ; python_version > '3' # why\n"
    "Motor_X[async]==3.1 \\\n  --hash=sha256:00\n"
    "-e git+https://x/y#egg=edit_able\n--index-url https://x\n",
    "requirements/base.txt": "pydantic>=2.1,<3\nmotor-x==3.1\nedit_able\n",
    "pyproject.toml": '[project]\ndependencies = ["pydantic>=2.1,<3"]\n[project.optional-dependencies]\n'
    'x = ["motor.x==3.1"]\n[dependency-groups]\ndev = ["edit-able", {include-group = "y"}]\n',
    "Pipfile": '[packages]\npydantic = ">=2.1,<3"\n"motor.x" = {version = "==3.1"}\n[dev-packages]\nedit_able = "*"\n',
    "setup.cfg": "[options]\ninstall_requires =\n    pydantic>=2.1,<3\n    motor-x==3.1\n"
    "[options.extras_require]\ndev = edit-able\n",
    "setup.py": "from setuptools import setup\n"
    "setup(install_requires=['pydantic>=2.1,<3', \"motor-x==3.1\", 'edit-able'],)\n",
    "environment.yml": "dependencies:\n  - pip:\n    - pydantic>=2.1,<3\n    - motor-x==3.1\n  - edit-able\n",
}


class TestRequirements:
    @pytest.mark.parametrize("name", FORMATS)
    def test_formats(self, tmp_path: Path, name: str) -> None:
        assert write(tmp_path, {name: FORMATS[name]}).requirements == (
            Requirement("edit-able", "", None),
            Requirement("motor-x", "==3.1", "3.1"),
            Requirement("pydantic", "<3,>=2.1", None),
        )

    def test_included_files_windows_encoding_and_circles(self, tmp_path: Path) -> None:
        write(tmp_path, {"deps/more.txt": "-r ../requirements.txt\nbeanie\n"})
        (tmp_path / "requirements.txt").write_bytes("pymongo==4.9\r\n-r deps/more.txt\r\n".encode("utf-16"))
        environment = Environment(tmp_path, tmp_path)
        assert [r.name for r in environment.requirements] == ["beanie", "pymongo"]

    def test_poetry_groups_and_its_own_operators(self, tmp_path: Path) -> None:
        environment = write(
            tmp_path,
            {
                "pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.11"\npydantic = "^1.10"\n'
                'motor = "~3.1"\n'
                'redis = "4.5.1"\nzero = "^0.2.3"\nany = "*"\nurl = {git = "https://x"}\n'
                '[tool.poetry.group.dev.dependencies]\npytest = {version = ">=7", extras = ["x"]}\n'
                '[tool.poetry.dev-dependencies]\nblack = "^23.1"\n'
            },
        )
        assert {r.name: r.specifier for r in environment.requirements} == {
            "any": "",
            "black": "<24,>=23.1",
            "motor": "<3.2,>=3.1",
            "pydantic": "<2,>=1.10",
            "pytest": ">=7",
            "redis": "==4.5.1",
            "url": "",
            "zero": "<0.3,>=0.2.3",
        }
        assert environment.pydantic_major() == 1

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("uv.lock", 'version = 1\n[[package]]\nname = "pydantic"\nversion = "1.10.2"\n'),
            ("poetry.lock", '[[package]]\nname = "Pydantic"\nversion = "1.10.2"\n'),
            ("Pipfile.lock", '{"default": {"pydantic": {"version": "==1.10.2"}}}'),
            ("requirements.txt", "pydantic==1.10.2\n    # via fastapi\n"),
        ],
    )
    def test_locked_versions_decide(self, tmp_path: Path, name: str, text: str) -> None:
        environment = write(tmp_path, {"setup.cfg": "[options]\ninstall_requires = pydantic>=1\n", name: text})
        found = environment.requirement("pydantic")
        assert found is not None
        assert found.locked_version == "1.10.2"
        assert environment.pydantic_major() == 1

    @pytest.mark.parametrize(
        ("line", "major"),
        [
            ("pydantic>=2.5", 2),
            ("pydantic<2", 1),
            ("pydantic~=1.10", 1),
            ("pydantic==2.*", 2),
            ("pydantic>=1.8", None),
            ("pydantic", None),
            ("pydantic-settings", 2),
            ("pydantic>=1.8\npydantic-settings>=2", 2),
            ("fastapi", None),
        ],
    )
    def test_the_major_of_pydantic(self, tmp_path: Path, line: str, major: int | None) -> None:
        assert write(tmp_path, {"requirements.txt": line}).pydantic_major() == major

    def test_broken_files_say_nothing(self, tmp_path: Path) -> None:
        broken = {
            "pyproject.toml": "[[",
            "setup.cfg": "x",
            "uv.lock": "=",
            "Pipfile.lock": "[",
            "requirements.txt": "%%",
        }
        assert write(tmp_path, broken).requirements == ()


class TestPresence:
    def test_nothing(self, tmp_path: Path) -> None:
        presence = write(tmp_path, {"app/main.py": ""}).presence
        assert set(vars_of(presence).values()) == {""}

    def test_everything(self, tmp_path: Path) -> None:
        presence = write(
            tmp_path,
            {
                "CHANGELOG.md": "",
                "tests/unit/test_x.py": "def test_x(): ...\n",
                "tests/integration/test_y.py": "async def test_y(client): ...\n",
                "pyproject.toml": "[tool.mypy]\nstrict = true\n[tool.ruff]\n[tool.coverage.report]\nfail_under = 80\n",
                "requirements.txt": "x\n",
            },
        ).presence
        assert vars_of(presence) == {
            "changelog": "CHANGELOG.md",
            "unit_tests": "tests/unit/test_x.py",
            "integration_tests": "tests/integration/test_y.py",
            "type_checker": "pyproject.toml",
            "formatter": "pyproject.toml",
            "coverage_threshold": "pyproject.toml",
            "requirements": "requirements.txt",
        }

    def test_other_homes_of_configuration(self, tmp_path: Path) -> None:
        presence = write(
            tmp_path,
            {
                "setup.cfg": "[mypy]\nstrict = true\n[mypy-x.*]\nignore = 1\n",
                ".pre-commit-config.yaml": "repos:\n- repo: x\n  hooks:\n  - id: ruff-format\n",
                "tox.ini": "[testenv]\ncommands = pytest --cov-fail-under=90\n",
                "pyproject.toml": '[project]\nname = "x"\ndependencies = ["fastapi"]\n',
            },
        ).presence
        assert presence.type_checker == "setup.cfg"
        assert presence.formatter == ".pre-commit-config.yaml"
        assert presence.coverage_threshold == "tox.ini"
        assert presence.requirements == "pyproject.toml"


def vars_of(record: object) -> dict[str, str]:
    return {name: getattr(record, name) for name in record.__struct_fields__}  # type: ignore[attr-defined]
