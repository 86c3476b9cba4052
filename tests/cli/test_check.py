"""``guardrails check``: options, exit statuses, narrowing, several outputs, stored answers."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from guardrails import engine
from tests.cli.conftest import Run
from tests.engine.fakes import write

ONE = {"app/a.py": "x = 1  # GR301!a\n"}


def concise(text: str) -> list[str]:
    """The findings of a concise report as ``path:line code``."""
    lines = [line.split(" ") for line in text.splitlines()[:-1]]
    return [f"{line[0].rsplit(':', 2)[0]} {line[1]}" for line in lines]


# --- exit statuses


def test_a_clean_run_leaves_with_0(folder: Path, run: Run) -> None:
    write(folder, {"app/a.py": "x = 1\n"})
    assert run("check").exit_code == 0


def test_errors_leave_with_1_and_warnings_only_when_strict(folder: Path, run: Run) -> None:
    write(folder, {"app/a.py": "x = 1  # GR305!a\n"})
    assert run("check").exit_code == 0
    assert run("check", "--strict").exit_code == 1
    assert run("check", "--fail-on", "warning").exit_code == 1
    write(folder, ONE)
    assert run("check").exit_code == 1
    assert run("check", "--fail-on", "never").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere"], "error: nowhere does not exist"),
        (["--select", "GR302"], "error: no check, rule or prefix is called 'GR302'; did you mean GR305?"),
        (["--format", "xml"], "'xml' is not one of"),
        (["--output", "json:"], "names no file"),
        (["--diff", "HEAD"], "error: git rev-parse: "),
    ],
)
def test_wrong_usage_leaves_with_2_and_says_why(folder: Path, run: Run, arguments: list[str], told: str) -> None:
    write(folder, ONE)
    result = run("check", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr


def test_all_mistakes_of_the_configuration_are_told(folder: Path, run: Run) -> None:
    write(folder, {**ONE, "pyproject.toml": "[tool.guardrails]\nselct = []\nfail-on = 'warn'\n"})
    result = run("check")
    assert result.exit_code == 2
    assert result.stderr == (
        "error: pyproject.toml:2: unknown option 'selct'; did you mean 'select'?\n"
        "error: pyproject.toml:3: fail-on: 'warn' is not known; did you mean 'warning'?\n"
    )


def test_a_bug_in_a_check_leaves_with_3_and_says_what_to_report(folder: Path, run: Run) -> None:
    write(folder, {"app/a.py": "x = 1  # GR301!boom\ny = 1  # GR703!b\n"})
    result = run("check", "--format", "concise")
    assert result.exit_code == 3
    assert concise(result.stdout) == ["app/a.py:2 GR703"]
    assert "guardrails has a bug in GR301 on" in result.stderr
    assert "RuntimeError: the check is broken" in result.stderr


def test_a_bug_in_the_engine_leaves_with_3(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, ONE)
    monkeypatch.setattr(engine, "discover", lambda *_: 1 / 0)
    result = run("check")
    assert result.exit_code == 3
    assert "ZeroDivisionError" in result.stderr


# --- what is checked and what is reported


TWO = {"app/a.py": "x = 1  # GR301!a\n", "app/b.py": "x = 1  # GR301!b\n", "other/c.py": "x = 1  # GR301!c\n"}


def test_files_narrow_the_report_and_not_the_analysis(folder: Path, run: Run) -> None:
    write(folder, TWO)
    result = run("check", "--format", "json", "app/b.py")
    report = json.loads(result.stdout)
    assert [finding["path"] for finding in report["findings"]] == ["app/b.py"]
    assert report["files"] == 3
    assert report["summary"]["errors"] == 1


def test_a_file_elsewhere_is_checked_by_itself(
    folder: Path, run: Run, tmp_path_factory: pytest.TempPathFactory
) -> None:
    write(folder, TWO)
    elsewhere = write(tmp_path_factory.mktemp("other"), {"lonely.py": "x = 1  # GR703!a\n"}) / "lonely.py"
    result = run("check", "--format", "concise", str(elsewhere))
    assert [line.rsplit(" ", 1)[1] for line in concise(result.stdout)] == ["GR703"]


def test_an_excluded_file_that_is_given_stays_excluded(folder: Path, run: Run) -> None:
    write(folder, {**TWO, "pyproject.toml": "[tool.guardrails]\nextend-exclude = ['b.py']\n"})
    assert concise(run("check", "--format", "concise", "app/b.py").stdout) == []


def test_a_folder_is_checked_as_a_whole_of_its_own(folder: Path, run: Run) -> None:
    write(folder, TWO)
    report = json.loads(run("check", "--format", "json", "other").stdout)
    assert [finding["path"] for finding in report["findings"]] == ["other/c.py"]
    assert (report["root"], report["files"]) == ("other", 1)


def test_the_configured_root_is_checked_by_default_and_folders_in_it_narrow(folder: Path, run: Run) -> None:
    write(
        folder,
        {**TWO, "app/in/d.py": "x = 1  # GR301!d\n", "pyproject.toml": "[tool.guardrails]\nroot = 'app'\n"},
    )
    assert concise(run("check", "--format", "concise").stdout) == [
        "app/a.py:1 GR301",
        "app/b.py:1 GR301",
        "app/in/d.py:1 GR301",
    ]
    report = json.loads(run("check", "--format", "json", "app/in").stdout)
    assert [finding["path"] for finding in report["findings"]] == ["app/in/d.py"]
    assert report["files"] == 3


def test_a_configured_root_that_is_not_there_is_a_mistake(folder: Path, run: Run) -> None:
    write(folder, {**ONE, "pyproject.toml": "[tool.guardrails]\nroot = 'src'\n"})
    result = run("check")
    assert result.exit_code == 2
    assert "root: " in result.stderr
    assert "does not exist" in result.stderr


def test_paths_are_relative_to_the_working_directory(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, {**TWO, "pyproject.toml": "[tool.guardrails]\n"})
    before = json.loads(run("check", "--format", "json").stdout)["findings"]
    monkeypatch.chdir(folder / "app")
    after = json.loads(run("check", "--format", "json").stdout)["findings"]
    assert [finding["path"] for finding in after] == ["../other/c.py", "a.py", "b.py"]
    assert {f["fingerprint"] for f in before} == {f["fingerprint"] for f in after}


def test_checks_are_selected_by_commas_and_repeats(folder: Path, run: Run) -> None:
    write(folder, {"app/a.py": "x = 1  # GR301!a GR703!b GR1001!c GR706!d\n"})
    codes = concise(run("check", "--format", "concise", "--select", "GR7,print-call", "--select", "GR301").stdout)
    assert codes == ["app/a.py:1 GR301", "app/a.py:1 GR703", "app/a.py:1 GR1001", "app/a.py:1 GR706"]
    assert concise(run("check", "--format", "concise", "--ignore", "3,10").stdout) == ["app/a.py:1 GR703"]


# --- outputs


def test_several_formats_are_written_in_one_run(folder: Path, run: Run) -> None:
    write(folder, ONE)
    result = run("check", "--format", "concise", "-o", "sarif:out/r.txt", "-o", "junit:out/r.xml", "-o", "json:r.json")
    assert result.stdout.startswith("app/a.py:1:10: GR301 ")
    assert json.loads((folder / "out/r.txt").read_text())["version"] == "2.1.0"
    assert (folder / "out/r.xml").read_text().startswith("<?xml")
    assert json.loads((folder / "r.json").read_text())["schema"] == 1


def test_a_plain_output_takes_the_format_or_its_suffix(folder: Path, run: Run) -> None:
    write(folder, ONE)
    result = run("check", "--format", "gitlab", "-o", "quality.json")
    assert json.loads((folder / "quality.json").read_text())[0]["check_name"] == "mongo-outside-repository"
    assert "The ten rules" in result.stdout
    run("check", "-o", "r.sarif", "-o", "r.md", "-o", "r.log")
    assert json.loads((folder / "r.sarif").read_text())["version"] == "2.1.0"
    assert (folder / "r.md").read_text().startswith("## guardrails")
    assert "The ten rules" in (folder / "r.log").read_text()


def test_an_output_that_cannot_be_written_is_told(folder: Path, run: Run) -> None:
    write(folder, ONE)
    result = run("check", "-o", "json:app")
    assert result.exit_code == 1
    assert "app" in result.stderr


def test_statistics_count_by_check(folder: Path, run: Run) -> None:
    write(folder, {"app/a.py": "x = 1  # GR301!a\ny = 1  # GR703!a\n", "app/b.py": "x = 1  # GR301!a\n"})
    assert run("check", "--statistics").stdout == (
        "     2  GR301   mongo-outside-repository  error    in 2 files\n"
        "     1  GR703   blocking-call-in-async    error    in 1 file\n"
        "3 errors in 2 files.\n"
    )


def test_colours_are_for_those_who_want_them(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, ONE)
    assert "\x1b[" not in run("check").stdout
    assert "\x1b[" in run("check", "--color", "always").stdout
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in run("check").stdout
    assert "\x1b[" not in run("check", "--color", "never").stdout


# --- stored answers


def test_an_unchanged_tree_answers_without_the_engine(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, TWO)
    first = run("check", "--format", "json")
    monkeypatch.setattr(engine, "analyse", lambda *_, **__: 1 / 0)
    assert run("check", "--format", "json").stdout == first.stdout
    assert run("check", "--format", "concise", "app/a.py").exit_code == 1
    assert run("check", "--no-cache").exit_code == 3
    assert run("check", "--select", "GR7").exit_code == 3


@pytest.mark.parametrize(
    "change",
    [
        {"app/a.py": "x = 1  # GR703!a\n"},
        {"app/new.py": "x = 1  # GR703!a\n"},
        {"pyproject.toml": "[tool.guardrails]\nignore = ['GR301']\n"},
        {".env": "SECRET=1\n"},
        {".gitignore": "app\n"},
        {"CHANGELOG.md": "new\n"},
    ],
)
def test_any_change_that_can_matter_asks_the_engine_again(
    folder: Path, run: Run, change: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, TWO)
    assert run("check").exit_code == 1
    write(folder, change)
    monkeypatch.setattr(engine, "analyse", lambda *_, **__: 1 / 0)
    assert run("check").exit_code == 3


def test_a_file_whose_time_alone_changed_is_unchanged(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, TWO)
    assert run("check").exit_code == 1
    os.utime(folder / "app/a.py", (1, 1))
    monkeypatch.setattr(engine, "analyse", lambda *_, **__: 1 / 0)
    assert run("check").exit_code == 1


def test_a_change_of_the_same_size_at_the_same_time_is_seen(folder: Path, run: Run) -> None:
    write(folder, TWO)
    before = (folder / "app/a.py").stat()
    assert concise(run("check", "--format", "concise", "app/a.py").stdout) == ["app/a.py:1 GR301"]
    write(folder, {"app/a.py": "x = 1  # GR703!a\n"})
    os.utime(folder / "app/a.py", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert concise(run("check", "--format", "concise", "app/a.py").stdout) == ["app/a.py:1 GR703"]


def test_a_damaged_or_foreign_stored_answer_is_as_good_as_none(folder: Path, run: Run) -> None:
    write(folder, TWO)
    first = run("check", "--format", "json").stdout
    [entry] = (folder / ".guardrails_cache" / "results").iterdir()
    for damage in (b"", b"\xc1", entry.read_bytes()[:-20], b"\x85" + os.urandom(64)):
        entry.write_bytes(damage)
        assert run("check", "--format", "json").stdout == first


def test_no_cache_leaves_no_trace(folder: Path, run: Run) -> None:
    write(folder, TWO)
    run("check", "--no-cache")
    assert not (folder / ".guardrails_cache").exists()


def test_the_cache_keeps_itself_out_of_git(folder: Path, run: Run) -> None:
    write(folder, TWO)
    run("check")
    assert "*" in (folder / ".guardrails_cache" / ".gitignore").read_text().splitlines()


def test_globs_mean_the_same_wherever_the_user_stands(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    config = "[tool.guardrails]\nper-path-ignores = { 'app/a.py' = ['3'] }\nextend-exclude = ['/app/b.py']\n"
    write(folder, {**TWO, "pyproject.toml": config})
    assert concise(run("check", "--format", "concise").stdout) == ["other/c.py:1 GR301"]
    monkeypatch.chdir(folder / "app")
    monkeypatch.setattr(engine, "analyse", lambda *_, **__: 1 / 0)  # the stored answer serves here too
    assert concise(run("check", "--format", "concise").stdout) == ["../other/c.py:1 GR301"]
    assert "x = 1  # GR301!c" in run("check").stdout


def test_a_configuration_from_elsewhere_speaks_of_the_working_directory(
    folder: Path, run: Run, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("ci") / "strict.toml"
    elsewhere.write_text("root = 'app'\nignore = ['GR7']\n")
    write(folder, TWO)
    found = run("check", "--format", "concise", "--config", str(elsewhere)).stdout
    assert concise(found) == ["app/a.py:1 GR301", "app/b.py:1 GR301"]


def test_excludes_are_relative_to_the_configuration_also_below_a_root(folder: Path, run: Run) -> None:
    config = "root = ['app']\nextend-exclude = ['app/old/', '/app/b.py', 'other/a.py']\n"
    write(folder, {**TWO, "app/old/d.py": "x = 1  # GR301!d\n", "guardrails.toml": config})
    assert concise(run("check", "--format", "concise").stdout) == ["app/a.py:1 GR301"]


def test_where_there_is_nothing_to_check_nothing_is_claimed(folder: Path, run: Run) -> None:
    result = run("check", "--format", "json")
    assert result.exit_code == 0
    assert {rule["holds"] for rule in json.loads(result.stdout)["summary"]["rules"].values()} == {None}
    assert result.stderr == "note: no Python files under .\n"


def test_several_configured_folders_are_told_and_one_is_used(folder: Path, run: Run) -> None:
    write(folder, {"svc/a/app.py": "x = 1  # GR301!a\n", "svc/a/guardrails.toml": "ignore = ['GR301']\n"})
    result = run("check", "--format", "concise")
    assert result.stdout == "No findings in 1 file.\n"
    assert result.stderr == "note: checked svc/a, the only configured folder here\n"
    write(folder, {"svc/b/app.py": "x = 1  # GR703!b\n", "svc/b/guardrails.toml": "ignore = ['GR703']\n"})
    result = run("check", "--format", "concise")
    assert concise(result.stdout) == ["svc/a/app.py:1 GR301", "svc/b/app.py:1 GR703"]
    assert "several folders below are configured (svc/a/guardrails.toml, svc/b/guardrails.toml)" in result.stderr
    result = run("check", "--format", "concise", "svc/b")
    assert (concise(result.stdout), result.stderr) == ([], "")


def test_a_file_of_contracts_that_is_not_there_is_a_mistake(folder: Path, run: Run) -> None:
    write(folder, {**ONE, "pyproject.toml": "[tool.guardrails]\nimport-linter-config = 'contracts.toml'\n"})
    result = run("check")
    assert result.exit_code == 2
    assert result.stderr == "error: pyproject.toml:2: import-linter-config: contracts.toml is no file\n"
    (folder / "contracts.toml").touch()
    assert run("check").exit_code == 1
