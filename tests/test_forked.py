"""Work in forked processes gives what work in this one gives."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from guardrails.forked import each

forks = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux alone")


def run(function: object, *, workers: int = 2, enough: int = 0, costs: tuple[int, ...] = (1, 5, 3)) -> list[list[int]]:
    return list(each(function, [10, 20, 30], list[int], costs=costs, enough=enough, workers=workers))  # type: ignore[arg-type, type-var]


def square(item: int) -> list[int]:
    return [item * item, os.getpid()]


@forks
def test_answers_come_in_the_order_of_the_items_from_other_processes() -> None:
    answers = run(square)
    assert [answer[0] for answer in answers] == [100, 400, 900]
    assert os.getpid() not in {answer[1] for answer in answers}


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
    here = os.getpid()

    def only_here(item: int) -> list[int]:
        if os.getpid() != here and item == 20:
            os._exit(1)
        return [item, os.getpid()]

    answers = run(only_here)
    assert [answer[0] for answer in answers] == [10, 20, 30]
    assert answers[1][1] == here


def test_no_items_have_no_answers() -> None:
    assert list(each(square, [], list[int], costs=[], enough=0, workers=2)) == []
