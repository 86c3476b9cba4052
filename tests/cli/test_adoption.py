"""Adoption on old code: the baseline command and ``--add-ignores``."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from guardrails.cli.ignores import add_ignores
from tests.cli.conftest import Run
from tests.engine.fakes import write
from tests.report.sample import FINDINGS

OLD = {
    "app/a.py": "def f():\n    pass  # GR301!a\n    pass  # GR301!a\n",
    "app/b.py": "x = 1  # GR703!b GR305!b\n",
}


def entries(folder: Path) -> dict[str, int]:
    file = json.loads((folder / "guardrails-baseline.json").read_text("utf-8"))
    return {f"{e['path']} {e['code']}": e.get("count", 1) for e in file["entries"]}


# --- the baseline


def test_a_baseline_makes_old_findings_pass_and_new_ones_fail(folder: Path, run: Run) -> None:
    write(folder, OLD)
    assert run("baseline").stdout == "Wrote guardrails-baseline.json: 4 findings.\n"
    assert entries(folder) == {"app/a.py GR301": 2, "app/b.py GR305": 1, "app/b.py GR703": 1}
    result = run("check", "--strict")
    assert result.exit_code == 0
    assert "No findings in 2 files (4 in the baseline)." in result.stdout
    assert "✗  3 Repository pattern                          none reported" in result.stdout
    write(folder, {"app/a.py": "import os\n\n" + OLD["app/a.py"] + "    pass  # GR301!a\n"})
    report = json.loads(run("check", "--format", "json").stdout)
    assert [finding["line"] for finding in report["findings"]] == [6]
    assert run("check", "--no-baseline", "--statistics").stdout.startswith("     3  GR301")


def test_stale_entries_are_told_and_pruned_and_nothing_is_added(folder: Path, run: Run) -> None:
    write(folder, OLD)
    run("baseline")
    write(folder, {"app/a.py": "def f():\n    pass  # GR301!a\n", "app/b.py": "x = 1  # GR1001!new\n"})
    assert "3 findings of the baseline no longer occur" in run("check").stdout
    assert "no longer occur" in run("check", "--format", "json").stderr
    assert "no longer" not in run("check", "app/a.py").stdout
    assert run("baseline", "--prune").stdout.endswith(": 1 finding, 4 before.\n")
    assert entries(folder) == {"app/a.py GR301": 1}
    assert "no longer occur" not in run("check").stdout
    assert run("check").exit_code == 1


def test_entries_of_checks_that_do_not_run_are_kept_and_are_not_stale(folder: Path, run: Run) -> None:
    write(folder, OLD)
    run("baseline")
    assert "no longer" not in run("check", "--select", "GR7").stdout
    run("baseline", "--select", "GR7")
    assert entries(folder) == {"app/a.py GR301": 2, "app/b.py GR305": 1, "app/b.py GR703": 1}


def test_a_configured_baseline_lies_beside_the_configuration(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, {**OLD, "pyproject.toml": "[tool.guardrails]\nbaseline = 'quality/known.json'\n"})
    (folder / "quality").mkdir()
    assert run("check").exit_code == 2
    monkeypatch.chdir(folder / "app")
    run("baseline")
    assert (folder / "quality" / "known.json").exists()
    assert run("check").exit_code == 0


def test_a_moved_file_revives_nothing(folder: Path, run: Run) -> None:
    write(folder, OLD)
    run("baseline")
    (folder / "app/a.py").rename(folder / "app/c.py")
    assert run("check").exit_code == 0


def test_the_baseline_is_of_whole_applications(folder: Path, run: Run) -> None:
    write(folder, OLD)
    assert run("baseline", "app/a.py").exit_code == 2


def test_a_broken_baseline_is_a_mistake(folder: Path, run: Run) -> None:
    write(folder, {**OLD, "guardrails-baseline.json": "{"})
    result = run("check")
    assert result.exit_code == 2
    assert "not a baseline" in result.stderr


# --- comments


def test_comments_are_written_and_then_nothing_is_left_to_say(folder: Path, run: Run) -> None:
    write(folder, OLD)
    result = run("check", "--add-ignores", "--reason", "before we knew")
    assert (result.exit_code, result.stdout) == (0, "Wrote 3 suppression comments.\n")
    assert run("check", "--strict").exit_code == 0


@pytest.mark.parametrize(
    ("source", "after"),
    [
        ('x = "GR301!a"\n', 'x = "GR301!a"  # guardrails: ignore[GR301]\n'),
        ('x = "GR301!a"', 'x = "GR301!a"  # guardrails: ignore[GR301]'),
        ('x = "GR301!a GR703!b"\n', 'x = "GR301!a GR703!b"  # guardrails: ignore[GR301, GR703]\n'),
        (
            'x = "GR301!a GR703!b"  # guardrails: ignore[GR703] -- why\n',
            'x = "GR301!a GR703!b"  # guardrails: ignore[GR703, GR301] -- why\n',
        ),
        ('x = """\nGR301!a\n"""\n', 'x = """\nGR301!a\n"""  # guardrails: ignore[GR301]\n'),
        ('x = f(\n    "GR301!a",\n)\n', 'x = f(\n    "GR301!a",  # guardrails: ignore[GR301]\n)\n'),
        ('x = "GR301!a" + \\\n    "b"\n', 'x = "GR301!a" + \\\n    "b"  # guardrails: ignore[GR301]\n'),
        ('x = "GR301!a"\r\ny = 1\r\n', 'x = "GR301!a"  # guardrails: ignore[GR301]\r\ny = 1\r\n'),
        ('x = "GR301!a"  # noqa\n', 'x = "GR301!a"  # noqa  # guardrails: ignore[GR301]\n'),
    ],
)
def test_a_comment_goes_where_it_may_stand_and_changes_nothing_else(
    folder: Path, run: Run, source: str, after: str
) -> None:
    (folder / "app").mkdir()
    path = folder / "app/a.py"
    path.write_bytes(source.encode())
    result = run("check", "--add-ignores")
    assert path.read_bytes().decode() == after
    assert result.exit_code == 0
    assert run("check", "--format", "concise").stdout.startswith("No findings")


def test_comments_are_written_in_the_encoding_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_bytes("# coding: latin-1\nx = 'ä'\n".encode("latin-1"))
    diagnostic = msgspec.structs.replace(FINDINGS[0], path="a.py", line=2)
    assert add_ignores(tmp_path, [diagnostic], None) == (1, [])
    assert path.read_bytes().decode("latin-1").endswith("x = 'ä'  # guardrails: ignore[GR402]\n")


def test_findings_that_no_comment_can_answer_are_left(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "def (:\n", "b.py": "x = 1\n"})
    broken = msgspec.structs.replace(FINDINGS[0], path="a.py", line=1)
    unused = msgspec.structs.replace(FINDINGS[0], path="b.py", line=1, code="GR002")
    beyond = msgspec.structs.replace(FINDINGS[0], path="b.py", line=9)
    assert add_ignores(tmp_path, [broken, beyond, unused], None) == (0, [broken, unused, beyond])
