"""What is printed where: code pages, widths, progress, watching, pipes."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from guardrails.cli import common, watch
from guardrails.runner import Request
from tests.engine.fakes import write


class Stream(io.TextIOWrapper):
    """A stream with an encoding, which may be a terminal."""

    def __init__(self, encoding: str, terminal: bool) -> None:
        super().__init__(io.BytesIO(), encoding=encoding)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    def text(self) -> str:
        self.flush()
        return self.buffer.getvalue().decode(self.encoding)  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize(
    ("encoding", "unicode"), [("utf-8", True), ("cp1252", False), ("cp437", False), ("ascii", False)]
)
def test_characters_follow_the_code_page(monkeypatch: pytest.MonkeyPatch, encoding: str, unicode: bool) -> None:
    monkeypatch.setattr(sys, "stdout", Stream(encoding, True))
    assert common.view(Path()).unicode is unicode


@pytest.mark.parametrize(
    ("terminal", "variables", "color", "colored"),
    [
        (True, {}, "auto", True),
        (False, {}, "auto", False),
        (True, {"NO_COLOR": "1"}, "auto", False),
        (True, {"TERM": "dumb"}, "auto", False),
        (False, {"FORCE_COLOR": "1"}, "auto", True),
        (True, {"NO_COLOR": "1"}, "always", True),
        (True, {}, "never", False),
    ],
)
def test_colours_follow_the_terminal_and_what_is_asked(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, variables: dict[str, str], color: str, colored: bool
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", Stream("utf-8", terminal))
    assert common.view(Path(), color).color is colored
    assert common.view(Path(), color, to_terminal=False).color is False


def test_a_run_on_a_narrow_code_page_is_readable_and_ends_well(folder: Path) -> None:
    write(folder, {"app/größe.py": "def (\n"})
    done = subprocess.run(
        [sys.executable, "-m", "guardrails", "check", "--select", "GR001"],
        cwd=folder,
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "cp437"},
    )
    assert done.returncode == 1, done.stderr
    assert done.stdout.isascii()
    assert b"gr\\xf6\\xdfe.py" in done.stdout


@pytest.mark.parametrize("alarms", [True, False])
def test_progress_is_shown_only_on_a_terminal_and_only_when_it_takes_long(
    monkeypatch: pytest.MonkeyPatch, alarms: bool
) -> None:
    if not alarms:
        monkeypatch.delattr(signal, "setitimer", raising=False)

    def shown(terminal: bool, delay: float) -> str:
        stream = Stream("utf-8", terminal)
        monkeypatch.setattr(sys, "stderr", stream)
        with common.Progress(delay) as progress:
            progress("linking app")
            began = time.monotonic()
            while time.monotonic() - began < 0.15:
                time.sleep(0.01)
        return stream.text()

    monkeypatch.setenv("TERM", "xterm")
    assert shown(False, 0.01) == shown(True, 5) == ""
    text = shown(True, 0.01)
    assert "guardrails: linking app (0 s)" in text
    assert text.endswith("\r\x1b[K")


def test_watching_runs_again_after_a_change_until_it_is_interrupted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, {"app/a.py": "x = 1\n"})
    runs: list[str] = []

    def once() -> int:
        runs.append((folder / "app/a.py").read_text())
        if len(runs) == 2:
            sys.exit(2)  # a mistake in the configuration does not end it
        return 0

    def pause(seconds: float) -> None:
        if len(runs) == 3:
            raise KeyboardInterrupt
        write(folder, {"app/a.py": f"x = {len(runs) + 1}\n"})

    monkeypatch.setattr(watch.time, "sleep", pause)
    monkeypatch.setattr(click, "echo", lambda *_, **__: None)
    watch.watching(once, Request(cwd=folder))
    assert runs == ["x = 1\n", "x = 2\n", "x = 3\n"]


@pytest.mark.skipif(os.name != "posix", reason="needs a shell with pipes")
def test_a_reader_that_stops_reading_is_no_bug(folder: Path) -> None:
    write(folder, {"app/a.py": "x = 1\n"})
    command = f"{sys.executable} -m guardrails check --select 3 | head -c 1"
    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True)
    assert "bug" not in done.stderr
    assert "Traceback" not in done.stderr
