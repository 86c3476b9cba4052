"""Which files belong to which application, and by which names the code knows them."""

from __future__ import annotations

import os
import socket
import stat
import sys
from pathlib import Path

import pathspec
import pytest

from guardrails.options import Options
from guardrails.project import Project, discover
from guardrails.project.scan import Globs

APP = "from fastapi import FastAPI\napp = FastAPI()\n"


GLOBS = [
    ["build"], ["build/"], ["/build"], ["/build/"], ["docs/build"], ["docs/*"], ["*"], ["?.py"], ["*.py"], ["*.py[co]"],
    ["a*b/"], ["b?ild"], ["*a*"], ["docs/*.py"], ["[!b]*"], ["docs/**"], ["**/build"], ["a b"], ["a b "], ["# a"],
    ["\\#a"], ["x.py", "build/", "*.pyc"], ["*", "!x.py"], ["build", "!docs/build/"],
]  # fmt: skip


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def find(root: Path, *paths: str, options: Options | None = None) -> tuple[Project, ...]:
    return discover([Path(path) for path in paths or (".",)], options or Options(), root)


def one(root: Path, *paths: str, options: Options | None = None) -> Project:
    (project,) = find(root, *paths, options=options)
    return project


def names(project: Project) -> dict[str, str]:
    return {file.display: file.module for file in project.files}


PACKAGE = {
    "app/__init__.py": "",
    "app/main.py": APP + "from app.core.config import settings\n",
    "app/core/__init__.py": "",
    "app/core/config.py": "settings = 1\n",
}
PACKAGE_NAMES = {
    "app/__init__.py": "app",
    "app/main.py": "app.main",
    "app/core/__init__.py": "app.core",
    "app/core/config.py": "app.core.config",
}


class TestNames:
    def test_a_package_gives_its_own_name_wherever_the_check_starts(self, tmp_path: Path) -> None:
        write(tmp_path, PACKAGE)
        assert names(one(tmp_path, "app")) == PACKAGE_NAMES
        assert names(one(tmp_path)) == PACKAGE_NAMES
        inner = one(tmp_path, "app/core")
        assert names(inner) == {k: v for k, v in PACKAGE_NAMES.items() if "core" in k}
        assert names(one(tmp_path / "app", ".")) == {k[4:]: v for k, v in PACKAGE_NAMES.items()}

    def test_a_source_layout_is_no_part_of_the_names(self, tmp_path: Path) -> None:
        write(tmp_path, {f"src/{name}": text for name, text in PACKAGE.items()})
        assert set(names(one(tmp_path)).values()) == set(PACKAGE_NAMES.values())

    def test_a_source_folder_that_the_code_names_is_part_of_them(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            {"src/main.py": APP + "from src.db.mongo import client\n", "src/db/mongo.py": "client = 1\n"},
        )
        assert names(one(tmp_path)) == {"src/main.py": "src.main", "src/db/mongo.py": "src.db.mongo"}
        assert names(one(tmp_path, "src")) == names(one(tmp_path))

    def test_a_package_without_init_is_known_by_its_imports(self, tmp_path: Path) -> None:
        write(tmp_path, {name: text for name, text in PACKAGE.items() if "__init__" not in name})
        expected = {k: v for k, v in PACKAGE_NAMES.items() if "__init__" not in k}
        assert names(one(tmp_path)) == expected
        assert names(one(tmp_path, "app")) == expected

    def test_a_package_without_init_is_known_by_relative_imports(self, tmp_path: Path) -> None:
        write(tmp_path, {"shop/main.py": APP + "from .core.config import settings\n", "shop/core/config.py": ""})
        assert names(one(tmp_path, "shop")) == {
            "shop/main.py": "shop.main",
            "shop/core/config.py": "shop.core.config",
        }

    def test_without_any_evidence_folders_are_named_as_they_lie(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            {"app/users/router.py": APP + "from .repository import find\n", "app/users/repository.py": ""},
        )
        write(tmp_path, {"app/billing/__init__.py": "", "app/billing/service.py": "", "app/main.py": APP})
        assert names(one(tmp_path)) == {
            "app/users/router.py": "app.users.router",
            "app/users/repository.py": "app.users.repository",
            "app/billing/__init__.py": "app.billing",
            "app/billing/service.py": "app.billing.service",
            "app/main.py": "app.main",
        }
        (tmp_path / "app/main.py").unlink()
        assert names(one(tmp_path))["app/billing/service.py"] == "app.billing.service"

    def test_a_package_of_relative_imports_has_its_own_name(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            {"services/api/shop/__init__.py": "", "services/api/shop/main.py": APP + "from . import db\n"},
        )
        write(tmp_path, {"services/api/shop/db.py": ""})
        assert names(one(tmp_path))["services/api/shop/db.py"] == "shop.db"

    def test_a_flat_folder_of_modules_has_plain_names(self, tmp_path: Path) -> None:
        write(tmp_path, {"srv/main.py": APP + "from models import User\nimport db.mongo\n", "srv/models.py": ""})
        write(tmp_path, {"srv/db/mongo.py": "import models\n"})
        expected = {"srv/main.py": "main", "srv/models.py": "models", "srv/db/mongo.py": "db.mongo"}
        assert names(one(tmp_path)) == expected
        assert names(one(tmp_path, "srv")) == expected

    def test_a_package_on_the_path_itself_adds_a_root(self, tmp_path: Path) -> None:
        write(tmp_path, {**PACKAGE, "app/users.py": "from core.config import settings\nfrom app import main\n"})
        project = one(tmp_path, "app")
        assert names(project)["app/users.py"] == "app.users"
        assert project.roots == ("", "app")
        assert list(project.candidates("core.config", "app.users")) == ["app.core.config", "core.config"]

    def test_a_package_that_is_itself_the_path_and_says_so_nowhere(self, tmp_path: Path) -> None:
        write(tmp_path, {"svc/app/__init__.py": "", "svc/app/main.py": APP + "from model.jobs.job import Job\n"})
        write(tmp_path, {"svc/app/model/__init__.py": "", "svc/app/model/jobs/job.py": "class Job: ...\n"})
        project = one(tmp_path)
        assert names(project)["svc/app/model/jobs/job.py"] == "app.model.jobs.job"
        assert project.roots == ("", "app")

    def test_a_module_named_like_a_library_makes_no_root(self, tmp_path: Path) -> None:
        write(tmp_path, {**PACKAGE, "app/logging.py": "", "app/redis.py": "import logging\n"})
        write(tmp_path, {"app/cache.py": "from redis import Redis\nfrom redis.asyncio import client\n"})
        write(tmp_path, {"requirements.txt": "redis>=5\n"})
        write(tmp_path, {"app/jwt.py": "import jwt\n", "app/auth.py": "import jwt\nfrom jwt import decode\n"})
        assert one(tmp_path).roots == ("",)

    def test_the_standard_library_has_no_other_candidates(self, tmp_path: Path) -> None:
        write(tmp_path, {**PACKAGE, "app/users.py": "from core.config import settings\n"})
        assert list(one(tmp_path).candidates("logging.config", "app.users")) == ["logging.config"]

    def test_the_importers_own_root_comes_before_others(self, tmp_path: Path) -> None:
        write(tmp_path, {"a/main.py": APP + "import models\n", "a/models.py": "", "b/run.py": "import models\n"})
        write(tmp_path, {"b/models.py": ""})
        project = one(tmp_path)
        assert names(project) == {
            "a/main.py": "main",
            "a/models.py": "models",
            "b/run.py": "b.run",
            "b/models.py": "b.models",
        }
        assert list(project.candidates("models", "b.run")) == ["b.models", "models"]
        assert list(project.candidates("models", "main")) == ["models", "b.models"]

    def test_names_are_unique_whatever_the_files_are_called(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            {"app/__init__.py": APP, "app/x.py": "", "app/x/__init__.py": "", "a/t.py": "", "b/t.py": ""},
        )
        found = names(one(tmp_path))
        assert found["app/x/__init__.py"] == "app.x"
        assert len(set(found.values())) == len(found) == 5

    def test_a_cookiecutter_folder_is_only_a_folder(self, tmp_path: Path) -> None:
        prefix = "{{cookiecutter.project_slug}}/backend/"
        write(tmp_path, {f"{prefix}{name}": text for name, text in PACKAGE.items()})
        assert set(names(one(tmp_path)).values()) == set(PACKAGE_NAMES.values())
        write(
            tmp_path,
            {"{{cookiecutter.project_slug}}/__init__.py": "", "{{cookiecutter.project_slug}}/x.py": ""},
        )
        assert names(one(tmp_path))["{{cookiecutter.project_slug}}/x.py"] == "{{cookiecutter_project_slug}}.x"

    def test_tests_do_not_rename_the_application(self, tmp_path: Path) -> None:
        write(tmp_path, {"srv/main.py": APP + "import models\n", "srv/models.py": ""})
        write(tmp_path, {"tests/test_main.py": "from srv.main import app\nfrom srv.models import User\n"})
        assert names(one(tmp_path))["srv/main.py"] == "main"


class TestApplications:
    def test_one_application_takes_everything_under_the_checked_root(self, tmp_path: Path) -> None:
        write(tmp_path, {**PACKAGE, "worker/run.py": "", "tests/test_x.py": APP})
        project = one(tmp_path)
        assert project.applications == ("app/main.py",)
        assert {f.display for f in project.files if f.application} == {*PACKAGE, "worker/run.py"}
        assert (project.root, project.display_root) == (tmp_path, ".")

    def test_each_of_several_applications_is_a_project(self, tmp_path: Path) -> None:
        write(tmp_path, {"backend/app/main.py": APP + "import models\n", "backend/app/models.py": ""})
        write(tmp_path, {"services/a/main.py": APP + "import models\n", "services/a/models.py": ""})
        write(tmp_path, {"services/b/b/__init__.py": APP, "services/b/requirements.txt": "fastapi\n"})
        projects = find(tmp_path)
        assert [p.display_root for p in projects] == ["backend", "services/a", "services/b"]
        assert [sorted(names(p).values()) for p in projects] == [
            ["main", "models"],
            ["main", "models"],
            ["b"],
        ]

    def test_a_shared_library_belongs_to_those_that_import_it(self, tmp_path: Path) -> None:
        write(tmp_path, {"services/a/main.py": APP + "from shop_db.client import get\n"})
        write(
            tmp_path,
            {"services/b/main.py": APP, "services/b/other.py": "", "libs/db/shop_db/__init__.py": ""},
        )
        write(
            tmp_path,
            {"libs/db/shop_db/client.py": "from shop_log import log\n", "libs/db/tests/test_c.py": ""},
        )
        write(tmp_path, {"libs/log/shop_log/__init__.py": "", "libs/unused/unused/__init__.py": "x = 1\n"})
        a, b, rest = sorted(find(tmp_path), key=lambda project: not project.applications)
        shared = {f.display: f.module for f in a.files if f.shared}
        assert shared == {
            "libs/db/shop_db/__init__.py": "shop_db",
            "libs/db/shop_db/client.py": "shop_db.client",
            "libs/log/shop_log/__init__.py": "shop_log",
            "libs/db/tests/test_c.py": "libs.db.tests.test_c",
        }
        assert {f.display for f in b.files} == {"services/b/main.py", "services/b/other.py"}
        assert {f.display for f in rest.files if f.application} == {"libs/unused/unused/__init__.py"}
        assert rest.applications == ()
        assert [project.library for project in (a, b, rest)] == [False, False, True]

    def test_a_sub_application_is_part_of_the_application_around_it(self, tmp_path: Path) -> None:
        write(tmp_path, {**PACKAGE, "app/admin/__init__.py": "", "app/admin/main.py": APP, "shop/x.py": APP})
        first, second = find(tmp_path)
        assert (first.display_root, first.applications) == ("app", ("app/admin/main.py", "app/main.py"))
        assert second.display_root == "shop"

    def test_scripts_beside_several_applications_belong_to_each(self, tmp_path: Path) -> None:
        write(tmp_path, {"a/main.py": APP, "b/main.py": APP, "scripts/indexes.py": "db.x.create_index('y')\n"})
        for project in find(tmp_path):
            (script,) = [f for f in project.files if f.display == "scripts/indexes.py"]
            assert script.shared
            assert not script.application

    def test_what_the_application_imports_is_reached(self, tmp_path: Path) -> None:
        write(tmp_path, {**PACKAGE, "app/tools/__init__.py": "", "app/tools/mail.py": "from . import smtp\n"})
        write(tmp_path, {"app/tools/smtp.py": "", "app/tools/alone.py": ""})
        write(tmp_path, {"app/users.py": "from app.tools import (  # later\n    other,\n    mail,\n)\n"})
        reached = {f.module for f in one(tmp_path).files if f.reached and not f.application}
        assert reached == {"app.tools", "app.tools.mail", "app.tools.smtp"}

    def test_a_comment_or_a_docstring_constructs_nothing(self, tmp_path: Path) -> None:
        write(tmp_path, {"a/main.py": "# app = FastAPI()\n", "b/main.py": APP})
        write(tmp_path, {"c/util.py": '"""Usage:\n\n    app = FastAPI()\n"""\n'})
        assert one(tmp_path).applications == ("b/main.py",)

    def test_several_paths_are_one_project_if_they_hold_one_application(self, tmp_path: Path) -> None:
        write(tmp_path, {**PACKAGE, "lib/util.py": "", "other.py": ""})
        project = one(tmp_path, "app", "lib", "app/core")
        assert set(names(project)) == {*PACKAGE, "lib/util.py"}
        assert project.display_root == "app"

    def test_a_single_file_is_wanted_whatever_its_name(self, tmp_path: Path) -> None:
        write(tmp_path, {"pkg/__init__.py": "", "pkg/test_app.py": APP})
        project = one(tmp_path, "pkg/test_app.py")
        assert [(f.module, f.application) for f in project.files] == [("pkg.test_app", True)]

    def test_a_path_that_does_not_exist_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            find(tmp_path, "nowhere")

    def test_an_empty_folder_is_an_empty_project(self, tmp_path: Path) -> None:
        assert one(tmp_path).files == ()


class TestWhatIsLeftOut:
    def test_ignored_and_excluded_files_and_foreign_folders(self, tmp_path: Path) -> None:
        (tmp_path / ".git").mkdir()
        write(tmp_path, {"keep.py": "", ".gitignore": "generated/\n/only_root.py\n*.tmp.py\n!kept.tmp.py\n"})
        write(tmp_path, {"generated/x.py": "", "only_root.py": "", "a/only_root.py": "", "a/x.tmp.py": ""})
        write(tmp_path, {"a/kept.tmp.py": "", "a/.gitignore": "secret.py\n", "a/secret.py": "", "secret.py": ""})
        write(tmp_path, {"own/pyvenv.cfg": "", "own/lib/x.py": "", "node_modules/x.py": "", "vendor/x.py": ""})
        write(tmp_path, {"a/__pycache__/x.py": "", "b/deep/skip_me.py": ""})
        options = Options(extend_exclude=("vendor", "b/deep/skip_*.py"))
        found = set(names(one(tmp_path, options=options)))
        assert found == {"keep.py", "a/only_root.py", "a/kept.tmp.py", "secret.py"}
        assert set(names(one(tmp_path, "a"))) == {"a/only_root.py", "a/kept.tmp.py"}

    @pytest.mark.parametrize("lines", GLOBS)
    def test_globs_match_what_pathspec_says_they_match(self, lines: list[str]) -> None:
        spec, ours = pathspec.GitIgnoreSpec.from_lines(lines), Globs(lines)
        for name in ("build", "x.py", "y.pyc", "a", "a b", "acb", "docs", "#a", "# a"):
            for path in (name, f"docs/{name}"):
                for end in ("", "/"):
                    expected = spec.check_file(path + end).include
                    assert ours.verdict(path, name, end == "/") == expected, path + end

    def test_an_ignored_path_that_the_user_names_is_read(self, tmp_path: Path) -> None:
        (tmp_path / ".git").mkdir()
        write(tmp_path, {".gitignore": "*\n", "work/x.py": ""})
        assert set(names(one(tmp_path, "work"))) == {"work/x.py"}
        assert set(names(one(tmp_path))) == set()

    def test_application_globs_are_relative_to_the_checked_root(self, tmp_path: Path) -> None:
        write(tmp_path, {"tests/app/main.py": APP, "tests/app/tests/x.py": "", "tests/app/conftest.py": ""})
        project = one(tmp_path, "tests/app")
        assert {f.display for f in project.files if f.application} == {"tests/app/main.py"}

    @pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need rights there")
    def test_symbolic_links_end(self, tmp_path: Path) -> None:
        write(tmp_path, {"p/app/main.py": APP, "far/shared/x.py": ""})
        os.symlink(tmp_path / "p", tmp_path / "p/app/loop")
        os.symlink(tmp_path, tmp_path / "p/app/above")
        os.symlink(tmp_path / "p/app/main.py", tmp_path / "p/again.py")
        os.symlink(tmp_path / "p/nowhere", tmp_path / "p/broken.py")
        os.symlink(tmp_path / "far/shared", tmp_path / "p/shared")
        project = one(tmp_path, "p")
        assert set(names(project)) == {"p/app/main.py", "p/shared/x.py"}
        assert {s.display: s.reason for s in project.skipped} == {
            "p/again.py": "symbolic link to what is checked already",
            "p/app/above": "symbolic link to a folder around itself",
            "p/app/loop": "symbolic link to what is checked already",
            "p/broken.py": "broken symbolic link",
        }

    @pytest.mark.skipif(sys.platform == "win32", reason="no such files there")
    def test_what_is_no_file_is_skipped_with_a_reason(self, tmp_path: Path) -> None:
        write(tmp_path, {"main.py": APP})
        os.mkfifo(tmp_path / "pipe.py")
        (tmp_path / "large.py").write_bytes(b"#" * (11 << 20))
        with socket.socket(socket.AF_UNIX) as server:
            here = os.getcwd()
            os.chdir(tmp_path)  # the path of a socket is short
            try:
                server.bind("socket.py")
            finally:
                os.chdir(here)
        project = one(tmp_path)
        assert set(names(project)) == {"main.py"}
        assert [(s.display, s.reason) for s in project.skipped] == [
            ("large.py", "larger than 2 MiB"),
            ("pipe.py", "not a regular file"),
            ("socket.py", "not a regular file"),
        ]

    @pytest.mark.skipif(sys.platform != "linux", reason="names are Unicode there")
    def test_a_name_that_is_no_unicode_is_skipped(self, tmp_path: Path) -> None:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.py")).write_text("")
        (skipped,) = one(tmp_path).skipped
        assert (skipped.display, skipped.reason) == ("caf\\udce9.py", "name is not Unicode")

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
    def test_an_unreadable_folder_is_skipped_with_a_reason(self, tmp_path: Path) -> None:
        write(tmp_path, {"main.py": APP, "closed/x.py": ""})
        os.chmod(tmp_path / "closed", 0)
        try:
            assert "cannot be read" in one(tmp_path).skipped[0].reason
        finally:
            os.chmod(tmp_path / "closed", stat.S_IRWXU)
