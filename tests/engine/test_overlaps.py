"""The table of overlaps, scope by scope."""

from __future__ import annotations

import pytest

from guardrails.checks.overlaps import OVERLAPS, Overlap, apply
from guardrails.finding import Finding, Place


def finding(
    code: str,
    line: int = 1,
    column: int = 0,
    *,
    path: str = "a.py",
    end: int = 0,
    symbol: str = "a",
    about: str = "",
) -> Finding:
    place = Place(path, line, column, end or line, column + 1)
    return Finding(code, place, symbol, "", code, about=(about,) if about else ())


def kept(scope: str, *findings: Finding) -> list[str]:
    return [f.code for f in apply(findings, (Overlap("GR102", ("GR101",), scope),))]


@pytest.mark.parametrize(
    ("scope", "silent", "elsewhere"),
    [
        ("place", finding("GR102", 3, 4), finding("GR102", 3, 5)),
        ("line", finding("GR102", 4, 9), finding("GR102", 6)),
        ("symbol", finding("GR102", 90, symbol="a.f"), finding("GR102", 3, 4, symbol="a.g")),
        ("module", finding("GR102", 90), finding("GR102", 3, 4, path="b.py")),
        ("key", finding("GR102", 90, path="b.py", about="x"), finding("GR102", 3, 4, about="y")),
    ],
)
def test_each_scope_silences_what_is_in_it_and_nothing_else(scope: str, silent: Finding, elsewhere: Finding) -> None:
    speaking = finding("GR101", 3, 4, end=5, symbol="a.f", about="x")
    assert kept(scope, speaking, silent) == ["GR101"]
    assert kept(scope, speaking, elsewhere) == ["GR101", "GR102"]
    assert kept(scope, silent) == ["GR102"]


def test_the_project_scope_silences_everywhere() -> None:
    assert kept("project", finding("GR101"), finding("GR102", path="b.py", line=7)) == ["GR101"]


def test_findings_without_keys_share_none() -> None:
    assert kept("key", finding("GR101"), finding("GR102")) == ["GR101", "GR102"]


def test_a_silent_finding_silences_nothing() -> None:
    table = (Overlap("GR102", ("GR101",), "place"), Overlap("GR103", ("GR102",), "place"))
    findings = [finding(code) for code in ("GR101", "GR102", "GR103")]
    assert [f.code for f in apply(findings, table)] == ["GR101", "GR103"]
    assert [f.code for f in apply(findings[1:], table)] == ["GR102"]


def test_a_circle_in_the_table_is_refused() -> None:
    table = (Overlap("GR102", ("GR101",), "place"), Overlap("GR101", ("GR102",), "place"))
    with pytest.raises(ValueError, match="GR101 > GR102 > GR101"):
        apply([finding("GR101")], table)


def test_the_declared_table_goes_in_no_circle() -> None:
    codes = {row.silent for row in OVERLAPS} | {code for row in OVERLAPS for code in row.speaking}
    assert {f.code for f in apply([finding(code, path=code) for code in sorted(codes)])} <= codes


def test_a_client_built_per_request_is_one_finding() -> None:
    findings = [finding("GR201", 9, 4), finding("GR202", 9, 4), finding("GR305", 1)]
    assert [f.code for f in apply(findings)] == ["GR202"]
