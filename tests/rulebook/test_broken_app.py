"""The broken app is reported exactly as it is marked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from guardrails.checks.registry import all_checks
from tests.support import Expectation, check, marks

BROKEN_APP = Path(__file__).parents[2] / "fixtures" / "broken_app"
APPLICATIONS = sorted(folder for folder in BROKEN_APP.iterdir() if folder.is_dir())


def marked(application: Path) -> list[Expectation]:
    """Every mark in the application's files, sorted."""
    files = (path for path in application.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return sorted(
        (path.relative_to(application).as_posix(), line, code)
        for path in files
        for line, code in marks(path.read_text(encoding="utf-8", errors="replace"))
    )


@pytest.mark.parametrize("application", APPLICATIONS, ids=lambda folder: folder.name)
def test_application_is_reported_as_marked(application: Path, tmp_path: Path) -> None:
    # Outside this repository, whose own changelog and configuration would count as the application's.
    copy = shutil.copytree(application, tmp_path / application.name)
    registered = {entry.code for entry in all_checks()}
    expected = [mark for mark in marked(application) if mark[2] in registered]
    assert check(copy, registered) == expected
