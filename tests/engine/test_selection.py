"""Which checks a selector names, and which of two selectors wins."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from guardrails.checks.registry import Check
from guardrails.finding import Finding, Severity
from guardrails.options import Options
from guardrails.selection import selected, severity_of, specificity, validate


def _nothing(program: object) -> Iterator[Finding]:
    return iter(())


def check(code: str, name: str, severity: Severity = Severity.ERROR) -> Check:
    return Check(code, name, severity, False, "It.", _nothing)


CHECKS = (
    check("GR001", "syntax-error"),
    check("GR101", "layer-import-direction"),
    check("GR109", "an-other-thing"),
    check("GR703", "blocking-call-in-async"),
    check("GR706", "await-in-loop", Severity.INFO),
    check("GR1001", "print-call"),
    check("GR1101", "no-api-version", Severity.INFO),
)


def named(selector: str) -> list[str]:
    return [c.code for c in CHECKS if specificity(selector, c)]


@pytest.mark.parametrize(
    ("selector", "codes"),
    [
        ("ALL", [c.code for c in CHECKS]),
        ("all", [c.code for c in CHECKS]),
        ("1", ["GR101", "GR109"]),
        ("GR1", ["GR101", "GR109"]),
        ("10", ["GR1001"]),
        ("GR10", ["GR1001"]),
        ("GR11", ["GR1101"]),
        ("0", ["GR001"]),
        ("GR0", ["GR001"]),
        ("GR70", ["GR703", "GR706"]),
        ("GR100", ["GR1001"]),
        ("GR703", ["GR703"]),
        ("gr703", ["GR703"]),
        ("blocking-call-in-async", ["GR703"]),
        ("70", []),
        ("GR7031", []),
        ("blocking", []),
    ],
)
def test_selectors_name_checks(selector: str, codes: list[str]) -> None:
    assert named(selector) == codes


@pytest.mark.parametrize(
    ("options", "codes"),
    [
        (Options(), ["GR001", "GR101", "GR109", "GR703", "GR1001"]),
        (Options(select=("7",)), ["GR703", "GR706"]),
        (Options(select=("7",), ignore=("GR706",)), ["GR703"]),
        (Options(select=("GR703",), ignore=("7",)), ["GR703"]),
        (Options(select=("GR703",), ignore=("GR703",)), []),
        (Options(ignore=("1", "GR001")), ["GR703", "GR1001"]),
        (Options(extend_select=("GR706",), ignore=("GR1", "GR10", "0")), ["GR703", "GR706"]),
        (Options(select=("ALL",), ignore=("ALL",)), []),
        (
            Options(severities={"GR706": "warning", "1": "off", "GR109": "error"}),
            ["GR001", "GR109", "GR703", "GR706", "GR1001"],
        ),
    ],
)
def test_the_closer_selector_wins(options: Options, codes: list[str]) -> None:
    assert [c.code for c in selected(CHECKS, options)] == codes


def test_a_severity_is_that_of_the_closest_selector() -> None:
    options = Options(severities={"GR101": "info", "1": "warning", "ALL": "error"})
    assert [severity_of(c, options) for c in CHECKS[1:4]] == [Severity.INFO, Severity.WARNING, Severity.ERROR]


def test_unknown_selectors_are_told_with_the_nearest_known_one() -> None:
    assert [str(unknown) for unknown in validate(["GR7", "9", "GR704", "print-cal", "zebra"], CHECKS)] == [
        "no check, rule or prefix is called 'GR704'; did you mean GR706?",
        "no check, rule or prefix is called 'print-cal'; did you mean print-call?",
        "no check, rule or prefix is called 'zebra'",
    ]
