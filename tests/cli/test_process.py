"""The command line as a process of its own: where it writes to, and how it ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")
"""A device on which there is never room."""


def ran(*arguments: str, stdout: object = subprocess.PIPE, cwd: Path | None = None) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of ``guardrails``."""
    done = subprocess.run(
        [sys.executable, "-m", "guardrails", *arguments],
        stdout=stdout,  # type: ignore[call-overload]
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        cwd=cwd,
    )
    return done.returncode, done.stdout or "", done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "main.py").write_text("import requests\n\n\nasync def f():\n    requests.get('x')\n", encoding="utf-8")
    return tmp_path


def test_the_status_and_the_whole_output_come_out(project: Path) -> None:
    status, output, _ = ran("check", "--no-cache", "--format", "json", "--select", "GR703", cwd=project)
    assert status == 1
    assert output.endswith("}\n")
    assert ran("--version")[0] == 0
    assert ran("chek")[0] == 2


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [("check", "--no-cache"), ("rules",), ("--version",)])
def test_where_nothing_can_be_written_it_says_so(project: Path, arguments: tuple[str, ...]) -> None:
    with FULL.open("w") as full:
        status, _, error = ran(*arguments, stdout=full, cwd=project)
    assert status == 2
    assert error == "error: the output cannot be written: No space left on device\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a shell's way to close a stream")
def test_a_closed_output_is_none_of_our_business(project: Path) -> None:
    script = f'exec "{sys.executable}" -m guardrails check --no-cache --select GR703 >&-'
    done = subprocess.run(["sh", "-c", script], cwd=project, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
