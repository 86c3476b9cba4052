"""Which findings a suppression comment reaches, and when it is called unused."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import dedent

import pytest

from guardrails.checks.registry import Check
from guardrails.facts.extract import extract
from guardrails.finding import Finding, Place, Severity
from guardrails.suppressions import Suppressions


def _nothing(program: object) -> Iterator[Finding]:
    return iter(())


CHECKS = [
    Check("GR002", "unused-suppression", Severity.WARNING, False, "It.", _nothing),
    Check("GR301", "mongo-outside-repository", Severity.ERROR, False, "It.", _nothing),
    Check("GR703", "blocking-call-in-async", Severity.ERROR, False, "It.", _nothing),
]


def suppressions(source: str) -> Suppressions:
    return Suppressions({"a.py": extract(dedent(source).lstrip("\n")).comments}, CHECKS)


def silenced(source: str, code: str = "GR301") -> list[int]:
    of = suppressions(source)
    lines = range(1, dedent(source).strip("\n").count("\n") + 2)
    return [line for line in lines if of.silences(Finding(code, Place("a.py", line), "a", "", "it"))]


def unused(of: Suppressions, *judged: str) -> list[tuple[int, str, str]]:
    return [(f.place.line, f.subject, f.message) for f in of.unused(judged, {"a.py": "a"})]


def test_a_comment_reaches_its_own_line() -> None:
    assert silenced("x = 1\ny = 2  # guardrails: ignore[GR301]\nz = 3\n") == [2]


def test_codes_and_names_are_separated_by_commas() -> None:
    source = "x = 1  # guardrails: ignore[GR301, blocking-call-in-async] -- why not\n"
    assert silenced(source) == silenced(source, "GR703") == [1]


@pytest.mark.parametrize("where", ["first", "last"])
def test_a_comment_at_either_end_of_a_statement_reaches_all_of_it(where: str) -> None:
    first, last = ("  # guardrails: ignore[GR301]", "") if where == "first" else ("", "  # guardrails: ignore[GR301]")
    assert silenced(f"x = 0\ny = f({first}\n    a,\n    b,\n){last}\nz = 0\n") == [2, 3, 4, 5]


def test_a_comment_inside_a_statement_reaches_its_line_alone() -> None:
    assert silenced("y = f(\n    a,  # guardrails: ignore[GR301]\n    b,\n)\n") == [2]


def test_a_comment_on_a_header_does_not_reach_the_body() -> None:
    assert silenced("def f(  # guardrails: ignore[GR301]\n    a,\n):\n    return a\n") == [1, 2, 3]


def test_a_comment_for_the_file_reaches_every_line_from_anywhere() -> None:
    assert silenced("x = 1\n# guardrails: ignore-file[GR301]\ny = 2\n") == [1, 2, 3]


def test_a_bare_comment_suppresses_nothing_and_is_reported() -> None:
    source = "x = 1  # guardrails: ignore\n"
    assert silenced(source) == []
    assert unused(suppressions(source), "GR002") == [
        (1, "ignore[]", "The comment names no check, so it suppresses nothing")
    ]


def test_text_that_only_looks_like_a_comment_is_none() -> None:
    assert silenced('x = "# guardrails: ignore[GR301]"\n') == []


def test_only_the_unused_codes_of_selected_checks_are_reported() -> None:
    of = suppressions("x = 1  # guardrails: ignore[GR301, GR703]\ny = 1  # guardrails: ignore[GR703]\n")
    assert of.silences(Finding("GR301", Place("a.py", 1), "a", "", "it"))
    assert [(line, subject) for line, subject, _ in unused(of, "GR301", "GR703")] == [
        (1, "ignore[GR703]"),
        (2, "ignore[GR703]"),
    ]
    assert unused(of, "GR301") == []


def test_codes_that_are_no_checks_are_reported_whatever_is_selected() -> None:
    of = suppressions("x = 1  # guardrails: ignore[GR999]\n")
    assert unused(of) == [(1, "ignore[GR999]", "GR999 is no check, so the comment suppresses nothing")]


def test_a_comment_for_unused_comments_is_never_called_unused() -> None:
    of = suppressions("x = 1  # guardrails: ignore[GR301, GR002]\n")
    [finding] = of.unused(["GR002", "GR301"], {"a.py": "a"})
    assert finding.subject == "ignore[GR301]"
    assert of.silences(finding)


def test_files_that_are_no_application_code_are_not_judged() -> None:
    assert list(suppressions("x = 1  # guardrails: ignore[GR301]\n").unused(["GR301"], {})) == []


def test_a_comment_may_follow_another_tools_comment() -> None:
    assert silenced("x = 1  # noqa: E501  # guardrails: ignore[GR301] -- why\n") == [1]
