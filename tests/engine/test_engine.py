"""The pipeline from paths to judged findings, with fake checks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from guardrails import engine
from guardrails.analysis import Analysis, present
from guardrails.engine import Where, analyse
from guardrails.options import Options
from guardrails.project import Project, discover
from tests.engine.fakes import install, write


@pytest.fixture(autouse=True)
def _fake_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)


def analysed(folder: Path, options: Options | None = None) -> Analysis:
    return analyse([folder], options or Options(), Where(folder, folder, folder))


def found(analysis: Analysis) -> list[tuple[str, str, int]]:
    return [(j.diagnostic.code, j.diagnostic.path, j.diagnostic.line) for j in analysis.findings if not j.suppressed]


def test_findings_come_in_order_of_path_and_line(tmp_path: Path) -> None:
    write(tmp_path, {"b.py": "x = 1  # GR301!a\ny = 2  # GR1001!b GR301!c\n", "a.py": "x = 1  # GR703!a\n"})
    assert found(analysed(tmp_path)) == [
        ("GR703", "a.py", 1),
        ("GR301", "b.py", 1),
        ("GR1001", "b.py", 2),
        ("GR301", "b.py", 2),
    ]


def test_columns_are_characters_from_one(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": 'x = "äöü€𝄞"  # GR301!a\n'})
    [judged] = analysed(tmp_path).findings
    assert (judged.diagnostic.column, judged.diagnostic.end_column) == (16, 23)


def test_info_checks_are_off_until_selected(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "x = 1  # GR706!a\n"})
    assert found(analysed(tmp_path)) == []
    assert found(analysed(tmp_path, Options(extend_select=("await-in-loop",)))) == [("GR706", "a.py", 1)]
    assert found(analysed(tmp_path, Options(severities={"GR706": "warning"}))) == [("GR706", "a.py", 1)]


def test_configuration_changes_and_turns_off_severities(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "x = 1  # GR301!a\ny = 2  # GR305!a\n"})
    analysis = analysed(tmp_path, Options(severities={"3": "info", "GR305": "error", "GR301": "off"}))
    assert [(j.diagnostic.code, j.diagnostic.severity.value) for j in analysis.findings] == [("GR305", "error")]


def test_path_rules_suppress_by_glob(tmp_path: Path) -> None:
    write(tmp_path, {"legacy/a.py": "x = 1  # GR301!a GR703!b\n", "app/a.py": "x = 1  # GR301!a\n"})
    analysis = analysed(tmp_path, Options(per_path_ignores={"legacy/**": ("GR3",)}))
    assert found(analysis) == [("GR301", "app/a.py", 1), ("GR703", "legacy/a.py", 1)]
    assert present(analysis, Options()).result.summary.suppressed == 1


def test_a_check_that_fails_is_told_and_the_others_still_speak(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "x = 1  # GR301!boom\ny = 2  # GR703!a\n"})
    analysis = analysed(tmp_path)
    assert found(analysis) == [("GR703", "a.py", 1 + 1)]
    [problem] = analysis.problems
    assert problem.check == "GR301"
    assert "the check is broken" in problem.traceback
    assert present(analysis, Options(fail_on="never")).exit_status == 3


def test_the_fingerprint_survives_moved_lines_and_tells_repeated_findings_apart(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "def f():\n    pass  # GR301!x\n    pass  # GR301!x\n"})
    before = [judged.diagnostic.fingerprint for judged in analysed(tmp_path).findings]
    write(tmp_path, {"a.py": "import os\n\n\ndef f():\n    pass\n    pass  # GR301!x\n    pass  # GR301!x\n"})
    after = [judged.diagnostic.fingerprint for judged in analysed(tmp_path).findings]
    assert before == after
    assert len(set(before)) == 2


def test_overlaps_count_suppressed_findings_and_not_deselected_checks(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "c = 1  # GR202!c GR305!c\n", "b.py": "c = 1  # GR202!c\n"})
    assert found(analysed(tmp_path)) == [("GR202", "a.py", 1), ("GR202", "b.py", 1)]
    assert found(analysed(tmp_path, Options(ignore=("GR202",)))) == [("GR305", "a.py", 1)]
    assert found(analysed(tmp_path, Options(per_path_ignores={"a.py": ("GR202",)}))) == [("GR202", "b.py", 1)]


def test_unused_suppressions_are_found_and_used_ones_are_not(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "app/a.py": """
            x = "GR301!a"  # guardrails: ignore[GR301] -- known
            y = 1  # guardrails: ignore[GR301]
            z = 1  # guardrails: ignore
            """,
            "tests/test_a.py": "x = 1  # guardrails: ignore[GR301]\n",
        },
    )
    analysis = analysed(tmp_path)
    assert found(analysis) == [("GR002", "app/a.py", 2), ("GR002", "app/a.py", 3)]
    assert present(analysis, Options()).result.summary.suppressed == 1
    assert found(analysed(tmp_path, Options(select=("GR703", "GR002")))) == [("GR002", "app/a.py", 3)]


def test_a_file_that_does_not_parse_does_not_stop_the_rest(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "def (:\n", "b.py": "x = 1  # GR301!a\n"})
    assert found(analysed(tmp_path)) == [("GR301", "b.py", 1)]


@pytest.mark.parametrize(("fail_on", "status"), [("never", 0), ("error", 0), ("warning", 1), ("info", 1)])
def test_the_exit_status_follows_the_failing_severity(tmp_path: Path, fail_on: str, status: int) -> None:
    write(tmp_path, {"a.py": "x = 1  # GR305!a\n"})
    assert present(analysed(tmp_path), Options(fail_on=fail_on)).exit_status == status


def test_the_scorecard_tells_broken_rules_from_those_that_hold_and_those_not_checked(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "x = 1  # GR301!a\n"})
    rules = present(analysed(tmp_path), Options()).result.summary.rules
    assert list(rules) == [str(rule) for rule in range(1, 11)]
    assert (rules["3"].holds, rules["3"].findings) == (False, 1)
    assert (rules["7"].holds, rules["7"].findings) == (True, 0)
    assert rules["9"].holds is None


def test_the_answer_is_the_same_for_any_order_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {f"m{i}.py": "x = 1  # GR301!a GR703!b\n" for i in range(6)})
    straight = analysed(tmp_path)

    def shuffled(paths: Sequence[Path], options: Options, cwd: Path) -> tuple[Project, ...]:
        return tuple(
            msgspec.structs.replace(project, files=project.files[::-1]) for project in discover(paths, options, cwd)
        )

    monkeypatch.setattr(engine, "discover", shuffled)
    assert analysed(tmp_path) == straight


def test_a_comment_about_what_another_check_outranks_is_not_unused(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": 'a = "GR305!a"  # guardrails: ignore[GR305]\nb = "GR301!b"\n'})
    assert found(analysed(tmp_path)) == [("GR301", "a.py", 2)]


def test_a_comment_where_a_path_rule_suppresses_too_is_not_unused(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": 'a = "GR301!a"  # guardrails: ignore[GR301]\n'})
    assert found(analysed(tmp_path, Options(per_path_ignores={"a.py": ("GR301",)}))) == []


def test_what_applications_share_is_said_once_whatever_each_calls_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = "from fastapi import FastAPI\nfrom pkg import used\napp = FastAPI()\n"
    write(
        tmp_path,
        {
            "libs/pkg/__init__.py": "",
            "libs/pkg/used.py": "x = 1  # GR301!a\n",
            "libs/pkg/left.py": "import pkg.used\ny = 2  # GR301!b\n",
            "services/a/app/main.py": app,
            "services/b/app/main.py": app,
        },
    )

    def renamed(*arguments: object) -> tuple[Project, ...]:
        """Each project has another name for each module."""
        return tuple(
            msgspec.structs.replace(
                project,
                files=tuple(msgspec.structs.replace(f, module=f"{project.name}.{f.module}") for f in project.files),
            )
            for project in discover(*arguments)  # type: ignore[arg-type]
        )

    assert sum("libs/pkg/used.py" in {f.display for f in p.files} for p in renamed([tmp_path], Options(), tmp_path)) > 1
    monkeypatch.setattr(engine, "discover", renamed)
    analysis = analysed(tmp_path)
    assert found(analysis) == [("GR301", "libs/pkg/left.py", 2), ("GR301", "libs/pkg/used.py", 1)]
    assert [judged.diagnostic.symbol for judged in analysis.findings] == ["libs.pkg.left", "a.pkg.used"]
