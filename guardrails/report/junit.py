"""JUnit XML: a suite per rule; a failing case per finding (infos pass), a passing one for a rule without any.

The common subset that CI servers read: https://github.com/testmoapp/junitxml
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

from guardrails.analysis import Outcome
from guardrails.finding import Diagnostic, Severity
from guardrails.guide import RULES
from guardrails.report.view import View

_NOT_XML = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


def render(outcome: Outcome, view: View) -> str:
    """See the module."""
    findings = outcome.result.findings
    counts = f'tests="{_cases(outcome)}" failures="{_failures(findings)}" errors="0"'
    suites = [line for rule in RULES for line in _suite(rule, outcome)]
    return "\n".join(
        [
            '<?xml version="1.0" encoding="utf-8"?>',
            f'<testsuites name="guardrails" {counts}>',
            *suites,
            "</testsuites>",
            "",
        ]
    )


def _suite(rule: int, outcome: Outcome) -> Iterator[str]:
    findings = [diagnostic for diagnostic in outcome.result.findings if diagnostic.rule == rule]
    score = outcome.result.summary.rules.get(str(rule))
    if not findings and (score is None or score.holds is None):
        return
    name = _attribute(f"{rule} {RULES[rule]}")
    counts = f'tests="{max(1, len(findings))}" failures="{_failures(findings)}" errors="0"'
    yield f"  <testsuite name={name} {counts}>"
    for diagnostic in findings:
        yield from _case(diagnostic)
    if not findings:
        verdict = "holds" if score is not None and score.holds else "none reported"
        yield f'    <testcase name="{verdict}" classname={name}/>'
    yield "  </testsuite>"


def _case(diagnostic: Diagnostic) -> Iterator[str]:
    place = f"{diagnostic.path}:{diagnostic.line}:{diagnostic.column}"
    title = _attribute(f"{diagnostic.code} {diagnostic.name} at {place}")
    text = [place, *(f"{step.path}:{step.line}:{step.column} {step.message}" for step in diagnostic.related)]
    text += [diagnostic.help] if diagnostic.help else []
    yield (
        f"    <testcase name={title} classname={_attribute(diagnostic.symbol or diagnostic.path)} "
        f'file={_attribute(diagnostic.path)} line="{diagnostic.line}">'
    )
    body = escape(_clean("\n".join(text)))
    message = _attribute(diagnostic.message)
    if diagnostic.severity is Severity.INFO:
        yield f"      <system-out>{escape(_clean(diagnostic.message))}\n{body}</system-out>"
    else:
        yield f'      <failure type="{diagnostic.severity.value}" message={message}>{body}</failure>'
    yield "    </testcase>"


def _failures(findings: Sequence[Diagnostic]) -> int:
    return sum(diagnostic.severity is not Severity.INFO for diagnostic in findings)


def _cases(outcome: Outcome) -> int:
    findings, rules = outcome.result.findings, outcome.result.summary.rules
    broken = {diagnostic.rule for diagnostic in findings}
    quiet = [rule for rule, score in rules.items() if score.holds is not None and int(rule) not in broken]
    return len(findings) + len(quiet)


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)


def _attribute(text: str) -> str:
    return quoteattr(_clean(text), {"\n": "&#10;", "\t": "&#9;"})
