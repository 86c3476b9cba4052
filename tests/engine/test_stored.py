"""What makes a tree changed, and what entries survive."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from guardrails import stored
from guardrails.analysis import Analysis
from guardrails.options import Options
from guardrails.stored import State, Store, request_key, skipped_names, take, unchanged
from tests.engine.fakes import write

SKIP = skipped_names(Options())
OLD = 1_000_000_000_000_000_000


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository with an application in a subfolder, all of it written long ago."""
    (tmp_path / ".git").mkdir()
    write(
        tmp_path,
        {
            "backend/app/a.py": "x = 1\n",
            "backend/.env": "A=1\n",
            "requirements/base.txt": "fastapi\n",
            "pyproject.toml": "[tool.x]\n",
            "node_modules/x.py": "",
            "backend/data.csv": "1\n",
        },
    )
    for path in tmp_path.rglob("*"):
        os.utime(path, ns=(OLD, OLD))
    return tmp_path


@contextmanager
def noticed(tree: Path) -> Iterator[list[bool]]:
    """What happens inside, and whether it counts as a change."""
    folders = [str(tree / "backend")]
    state = take(folders, SKIP)
    assert unchanged(state, folders, SKIP)
    seen: list[bool] = []
    yield seen
    seen.append(not unchanged(state, folders, SKIP))


@pytest.mark.parametrize(
    "path",
    [
        "backend/app/a.py",
        "backend/app/deep/new.py",
        "backend/.env",
        "backend/.env.example",
        "backend/prod.env",
        "backend/requirements.txt",
        "requirements/base.txt",
        "pyproject.toml",
        ".gitignore",
        ".importlinter",
        "uv.lock",
        "CHANGELOG.md",
        ".github/workflows/ci.yml",
        "backend/tests/unit/test_a.py",
    ],
)
def test_a_file_that_can_matter_is_noticed(tree: Path, path: str) -> None:
    with noticed(tree) as seen:
        write(tree, {path: "changed = 1\n"})
    assert seen == [True]


@pytest.mark.parametrize("path", ["backend/data.csv", "backend/logo.png", "node_modules/x.py", "backend/.venv/x.py"])
def test_a_file_that_cannot_matter_is_not(tree: Path, path: str) -> None:
    with noticed(tree) as seen:
        write(tree, {path: "changed = 1\n"})
    assert seen == [False]


def test_a_removed_file_is_noticed(tree: Path) -> None:
    with noticed(tree) as seen:
        (tree / "backend/.env").unlink()
    assert seen == [True]


def test_a_dotenv_file_that_git_begins_to_track_is_noticed(tree: Path) -> None:
    (tree / ".git").rmdir()
    subprocess.run(["git", "init", "-q"], cwd=tree, check=True)
    subprocess.run(["git", "add", "pyproject.toml"], cwd=tree, check=True)
    with noticed(tree) as seen:
        subprocess.run(["git", "add", "backend/app/a.py"], cwd=tree, check=True)
    assert seen == [False]
    with noticed(tree) as seen:
        subprocess.run(["git", "add", "-f", "backend/.env"], cwd=tree, check=True)
    assert seen == [True]


def test_folders_that_the_options_do_not_exclude_are_looked_into(tree: Path) -> None:
    write(tree, {"backend/build/b.py": "x = 1\n"})
    folders = [str(tree / "backend")]
    assert not any("build" in path for path in take(folders, SKIP).files)
    assert any("build" in path for path in take(folders, skipped_names(Options(exclude=()))).files)


def test_the_oldest_entries_are_forgotten(tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    analysis = Analysis(".", 0, (), (), ())
    for number in range(20):
        store.save(f"{number:032x}", Options(), analysis, State(0, {}), ())
        os.utime(tmp_path / "cache" / "results" / f"{number:032x}.msgpack", (number, number))
    assert store.load(f"{19:032x}") == (Options(), analysis)
    assert store.load(f"{2:032x}") is None


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder is wanted")
    Store(tmp_path / "cache").save("0" * 32, Options(), Analysis(".", 0, (), (), ()), State(0, {}), ())
    assert Store(tmp_path / "cache").load("0" * 32) is None


def test_writers_at_the_same_time_leave_a_whole_entry(tmp_path: Path) -> None:
    store = Store(tmp_path)
    analyses = [Analysis(str(number) * 5000, number, (), (), ()) for number in range(4)]

    def save(analysis: Analysis) -> None:
        for _ in range(20):
            store.save("0" * 32, Options(), analysis, State(0, {}), ())

    threads = [threading.Thread(target=save, args=(analysis,)) for analysis in analyses]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        found = store.load("0" * 32)
        assert found is None or found[1] in analyses
    for thread in threads:
        thread.join()
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["0" * 32 + ".msgpack"]


def test_the_key_tells_requests_and_tools_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    assert request_key({"a": 1, "b": 2}) == request_key({"b": 2, "a": 1})
    assert request_key({"a": 1}) != request_key({"a": 2})
    before = request_key({})
    monkeypatch.setattr(stored, "__version__", "9.9")
    assert request_key({}) != before
