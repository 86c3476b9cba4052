"""What several commands share: options, the terminal, and how mistakes and bugs are told."""

from __future__ import annotations

import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import click

from guardrails import __version__
from guardrails.analysis import Problem
from guardrails.config import ConfigError
from guardrails.report.view import View

USAGE, BUG = 2, 3


def paths_argument(function: Any) -> Any:
    """The paths to check."""
    return click.argument("paths", nargs=-1, type=click.Path(path_type=Path))(function)


def config_option(function: Any) -> Any:
    """Which configuration file to use."""
    return click.option(
        "--config",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="The configuration file, instead of the nearest one; its paths are relative to the working directory.",
    )(function)


def selection_options(function: Any) -> Any:
    """Which checks run."""
    for name, text in (
        ("--ignore", "Checks to leave out."),
        ("--extend-select", "Checks to run besides."),
        (
            "--select",
            "Checks to run, instead of the configured ones: codes, names, rule numbers, prefixes, ALL.",
        ),
    ):
        function = click.option(
            name, multiple=True, metavar="CHECKS", callback=_listed, help=f"{text} Commas or repeats."
        )(function)
    return function


def _listed(context: click.Context, parameter: click.Parameter, values: Sequence[str]) -> tuple[str, ...]:
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())


def overrides(**given: Any) -> dict[str, Any]:
    """The options that the command line really gives."""
    return {name: value for name, value in given.items() if value not in (None, ())}


@contextmanager
def usage_errors() -> Iterator[None]:
    """Tell mistakes of configuration and usage, all of them, and leave with status 2; bugs leave with 3."""
    try:
        yield
    except ConfigError as error:
        here = f"{os.getcwd()}{os.sep}"
        for mistake in error.mistakes:
            click.echo(f"error: {str(mistake).removeprefix(here)}", err=True)
        sys.exit(USAGE)
    except (click.exceptions.Exit, click.ClickException, click.Abort, KeyboardInterrupt, BrokenPipeError):
        raise
    except Exception:
        import traceback

        bug([Problem("", "", traceback.format_exc())])


def bug(problems: Sequence[Problem]) -> NoReturn:
    """Say what to report, and leave with status 3."""
    tell_bugs(problems)
    sys.exit(BUG)


def tell_bugs(problems: Sequence[Problem]) -> None:
    """On standard error: what failed, with all that a report needs."""
    for problem in problems:
        where = " ".join(filter(None, [problem.check, f"on {problem.project}" if problem.project else ""]))
        click.echo(
            f"guardrails has a bug{f' in {where}' if where else ''}; your code may be fine. "
            "Please report these lines:\n"
            f"guardrails {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
            f"{problem.traceback.rstrip()}",
            err=True,
        )


def view(cwd: Path, color: str = "auto", to_terminal: bool = True) -> View:
    """How standard output is looked at. ``color``: auto, always or never; NO_COLOR and FORCE_COLOR are
    honoured.
    """
    terminal = to_terminal and sys.stdout.isatty()
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower() if to_terminal else "utf-8"
    try:
        "│━├─└✓✗·…".encode(encoding)
        unicode = True
    except (UnicodeEncodeError, LookupError):
        unicode = False
    if color == "auto":
        forced = os.environ.get("FORCE_COLOR", "") not in ("", "0")
        plain = os.environ.get("NO_COLOR", "") != "" or os.environ.get("TERM") == "dumb"
        colored = forced or (terminal and not plain)
    else:
        colored = color == "always"
    width = _width() if terminal else int(os.environ.get("COLUMNS", "0") or 0) or 100
    return View(cwd=cwd, width=width, color=colored and to_terminal, unicode=unicode)


def _width() -> int:
    import shutil

    return shutil.get_terminal_size((100, 24)).columns


class Progress:
    """A line on standard error for runs of more than a second on a terminal; nothing otherwise.

    Where there are alarms, one of them redraws it rather than a thread: processes fork fast and safely only from
    a program of one thread.
    """

    def __init__(self, delay: float = 1.0, pause: float = 0.2) -> None:
        self._shows = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._message = ""
        self._began = time.monotonic()
        self._delay, self._pause = delay, pause
        self._drawn = False
        self._done = threading.Event()
        self._stop: Callable[[], None] = self._done.set

    def __call__(self, message: str) -> None:
        """What the run does now."""
        self._message = message

    def __enter__(self) -> Progress:
        if self._shows and hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():
            before = signal.signal(signal.SIGALRM, lambda *_: self._draw())
            signal.setitimer(signal.ITIMER_REAL, self._delay, self._pause)
            self._stop = partial(self._stop_alarm, before)
        elif self._shows:
            thread = threading.Thread(target=self._redraw, daemon=True)
            thread.start()
            self._stop = partial(self._stop_thread, thread)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        if self._drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def _draw(self) -> None:
        self._drawn = True
        elapsed = int(time.monotonic() - self._began)
        text = f"guardrails: {self._message} ({elapsed} s)"[: _width() - 1]
        with suppress(OSError, RuntimeError, ValueError):  # a terminal that went away, or is being written to
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()

    def _redraw(self) -> None:
        pause = self._delay
        while not self._done.wait(pause):
            self._draw()
            pause = self._pause

    def _stop_thread(self, thread: threading.Thread) -> None:
        self._done.set()
        thread.join()

    def _stop_alarm(self, before: Any) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
