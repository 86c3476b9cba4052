"""Work in forked processes gives what work in this one gives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from guardrails.forked import each

forks = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux alone")
FIRST = os.getpid()
"""The process that imported this module, also in those forked from it."""


def run(function: object, *, workers: int = 2, enough: int = 0, costs: tuple[int, ...] = (1, 5, 3)) -> list[list[int]]:
    return list(each(function, [10, 20, 30], list[int], costs=costs, enough=enough, workers=workers))  # type: ignore[arg-type, type-var]


def run_alone(name: str) -> tuple[int, list[list[int]]]:
    """``run`` of a function of this module in an interpreter of its own; with the id of its process.

    Other tests may leave threads behind (those of a database client outlive it), and beside them nothing is forked.
    """
    code = f"import json\nfrom {__name__} import *\nprint(json.dumps([FIRST, run({name})]))"
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    first, answers = json.loads(done.stdout)
    return first, answers


def square(item: int) -> list[int]:
    return [item * item, os.getpid()]


def fails_elsewhere(item: int) -> list[int]:
    if os.getpid() != FIRST and item == 20:
        os._exit(1)
    return [item, os.getpid()]


@forks
def test_answers_come_in_the_order_of_the_items_from_other_processes() -> None:
    first, answers = run_alone("square")
    assert [answer[0] for answer in answers] == [100, 400, 900]
    assert first not in {answer[1] for answer in answers}


@pytest.mark.parametrize("options", [{"workers": 1}, {"enough": 5}])
def test_little_work_is_done_here(options: dict[str, int]) -> None:
    assert {answer[1] for answer in run(square, **options)} == {os.getpid()}


def test_beside_a_thread_nothing_is_forked() -> None:
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait)
    thread.start()
    try:
        assert {answer[1] for answer in run(square)} == {os.getpid()}
    finally:
        ended.set()
        thread.join()


@forks
def test_what_fails_there_is_done_here() -> None:
    first, answers = run_alone("fails_elsewhere")
    assert [answer[0] for answer in answers] == [10, 20, 30]
    assert answers[1][1] == first


def test_no_items_have_no_answers() -> None:
    assert list(each(square, [], list[int], costs=[], enough=0, workers=2)) == []
