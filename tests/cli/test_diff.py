"""``check --diff``: what the change since a revision brings in, and nothing else."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from guardrails import engine
from tests.cli.conftest import Run
from tests.engine.fakes import write

BEFORE = {"app/a.py": "def f():\n    pass  # GR301!a\n", "app/b.py": "x = 1  # GR703!b\n"}


@pytest.fixture
def repository(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.rmtree(folder / ".git")
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "Someone")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "someone@example.com")
    git(folder, "init", "-q", "-b", "main")
    return folder


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(folder: Path, files: dict[str, str], message: str = "change") -> None:
    write(folder, files)
    git(folder, "add", "--all", "app")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)


def new(run: Run, *arguments: str) -> list[str]:
    report = json.loads(run("check", "--format", "json", *arguments).stdout)
    return [f"{f['path']}:{f['line']} {f['code']}" for f in report["findings"]]


def test_only_what_the_change_brings_in_is_reported(repository: Path, run: Run) -> None:
    commit(repository, BEFORE)
    assert new(run, "--diff", "HEAD") == []
    write(repository, {"app/a.py": "import os\n\n\ndef f():\n    pass  # GR301!a\n    pass  # GR1001!p\n"})
    assert new(run, "--diff", "HEAD") == ["app/a.py:6 GR1001"]
    assert run("check", "--diff", "HEAD").exit_code == 1


def test_one_more_of_the_same_is_new(repository: Path, run: Run) -> None:
    commit(repository, BEFORE)
    write(repository, {"app/a.py": "def f():\n    pass  # GR301!a\n    pass  # GR301!a\n"})
    assert new(run, "--diff", "HEAD") == ["app/a.py:3 GR301"]


def test_a_change_elsewhere_that_makes_an_untouched_file_guilty_counts(
    repository: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program whose findings depend on another file: b is guilty where a is."""
    from collections.abc import Iterator

    from guardrails.checks import registry
    from guardrails.finding import Finding, Place, Severity
    from guardrails.project import Project

    def run_check(project: Project) -> Iterator[Finding]:
        """Finds b where a blocks."""
        files = {file.module.rpartition(".")[2]: file for file in project.files}
        if "blocks" in files["a"].path.read_text():
            yield Finding("GR704", Place(files["b"].display), "app.b", "a", "b calls a, which blocks")

    registry.check("GR704", "blocking-call-reached-from-async", Severity.ERROR)(run_check)
    commit(repository, BEFORE)
    write(repository, {"app/a.py": "blocks = True\n"})
    assert new(run, "--diff", "HEAD") == ["app/b.py:1 GR704"]
    assert new(run, "--diff", "HEAD", "app/a.py") == []


def test_a_branch_is_not_blamed_for_what_happened_on_main_meanwhile(repository: Path, run: Run) -> None:
    commit(repository, BEFORE)
    git(repository, "checkout", "-q", "-b", "feature")
    commit(repository, {"app/c.py": "x = 1  # GR301!c\n"})
    git(repository, "checkout", "-q", "main")
    commit(repository, {"app/b.py": "x = 1\n"}, "mended on main")
    git(repository, "checkout", "-q", "feature")
    assert new(run, "--diff", "main") == ["app/c.py:1 GR301"]


def test_before_the_first_commit_everything_is_new(repository: Path, run: Run) -> None:
    write(repository, BEFORE)
    assert new(run, "--diff", "HEAD") == ["app/a.py:2 GR301", "app/b.py:1 GR703"]


def test_an_unknown_revision_is_a_mistake(repository: Path, run: Run) -> None:
    commit(repository, BEFORE)
    result = run("check", "--diff", "v9")
    assert result.exit_code == 2
    assert "git knows no revision 'v9'" in result.stderr
    assert run("check", "--diff", "--upload-pack=x").exit_code == 2


def test_the_repository_and_its_index_are_left_alone(repository: Path, run: Run) -> None:
    commit(repository, BEFORE)
    write(repository, {"app/a.py": "staged = 1\n"})
    git(repository, "add", "app/a.py")
    write(repository, {"app/a.py": "unstaged = 1\n"})
    before = (
        git(repository, "status", "--porcelain=v2", "--branch", "--", "app"),
        git(repository, "diff", "--cached"),
    )
    assert new(run, "--diff", "HEAD") == []
    after = (
        git(repository, "status", "--porcelain=v2", "--branch", "--", "app"),
        git(repository, "diff", "--cached"),
    )
    assert before == after
    assert "guardrails" not in git(repository, "worktree", "list").removeprefix(str(repository))


def test_the_revision_is_checked_once(repository: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(repository, BEFORE)
    assert new(run, "--diff", "HEAD") == []
    monkeypatch.setattr(engine, "analyse", lambda *_, **__: 1 / 0)
    assert new(run, "--diff", "HEAD") == []


def test_an_application_in_a_subfolder_is_compared_with_itself(
    repository: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(repository, BEFORE)
    monkeypatch.chdir(repository / "app")
    write(repository, {"app/d.py": "x = 1  # GR301!d\n"})
    assert new(run, "--diff", "HEAD") == ["d.py:1 GR301"]


def test_a_new_folder_is_all_new(repository: Path, run: Run) -> None:
    commit(repository, BEFORE)
    write(repository, {"svc/d.py": "x = 1  # GR301!d\n"})
    assert new(run, "--diff", "HEAD", "svc") == ["svc/d.py:1 GR301"]


def test_the_next_commits_hook_finds_what_this_ones_found(
    repository: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / ".gitignore").write_text(".guardrails_cache\n")
    git(repository, "add", ".gitignore")
    commit(repository, BEFORE)
    write(repository, {"app/c.py": "x = 1  # GR1001!c\n"})
    git(repository, "add", "--all")
    assert new(run, "--diff", "HEAD") == ["app/c.py:1 GR1001"]
    git(repository, "commit", "-q", "-m", "with a finding")
    monkeypatch.setattr(engine, "analyse", lambda *_, **__: 1 / 0)
    assert new(run, "--diff", "HEAD") == []


def test_a_bug_met_at_the_revision_is_told(repository: Path, run: Run) -> None:
    commit(repository, {"app/a.py": "x = 1  # GR301!boom\n"})
    write(repository, {"app/a.py": "x = 1  # GR703!new\n"})
    result = run("check", "--diff", "HEAD", "--format", "concise")
    assert result.exit_code == 3
    assert result.stdout.startswith("app/a.py:1:10: GR703 ")
    assert "guardrails has a bug in GR301" in result.stderr


def test_what_a_merge_brings_from_the_other_side_is_not_this_changes(repository: Path, run: Run) -> None:
    commit(repository, BEFORE)
    git(repository, "checkout", "-q", "-b", "feature")
    commit(repository, {"app/a.py": "mine = 1\n"})
    git(repository, "checkout", "-q", "main")
    commit(repository, {"app/a.py": "theirs = 1  # GR1001!theirs\n", "app/d.py": "x = 1  # GR301!d\n"})
    git(repository, "checkout", "-q", "feature")
    subprocess.run(["git", "merge", "-q", "main"], cwd=repository, capture_output=True)  # a conflict in a.py
    write(repository, {"app/a.py": "theirs = 1  # GR1001!theirs\nx = 1  # GR703!mine\n"})
    assert new(run, "--diff", "HEAD") == ["app/a.py:2 GR703"]
