"""SARIF 2.1.0, for code scanning: rules with their pages, chains as code flows, fingerprints that survive
line moves.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec

from guardrails.analysis import Outcome
from guardrails.finding import Diagnostic, Severity
from guardrails.guide import RULES
from guardrails.report.view import View
from guardrails.rulebook import page

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVEL = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_ROOT = "SRCROOT"


def render(outcome: Outcome, view: View) -> str:
    """See the module."""
    findings = outcome.result.findings
    first: dict[str, Diagnostic] = {}
    for diagnostic in sorted(findings, key=lambda d: (d.rule, d.code)):
        first.setdefault(diagnostic.code, diagnostic)
    index = {code: number for number, code in enumerate(first)}
    run = {
        "tool": {
            "driver": {
                "name": "guardrails",
                "fullName": "guardrails: conformance of FastAPI + MongoDB code",
                "version": view.version,
                "semanticVersion": view.version,
                "rules": [_rule(diagnostic) for diagnostic in first.values()],
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The working directory of the run."}}},
        "invocations": [
            {
                "executionSuccessful": not outcome.problems,
                "toolExecutionNotifications": [
                    *({"level": "error", "message": {"text": problem.traceback}} for problem in outcome.problems),
                    *(
                        {
                            "level": "note",
                            "message": {"text": f"Passed over {skipped.path}: {skipped.reason}"},
                        }
                        for skipped in outcome.skipped
                    ),
                ],
            }
        ],
        "results": [_result(diagnostic, index[diagnostic.code]) for diagnostic in findings],
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return msgspec.json.format(msgspec.json.encode(log), indent=2).decode() + "\n"


def _rule(diagnostic: Diagnostic) -> dict[str, Any]:
    try:
        written = page(diagnostic.code)
        summary, text = written.summary, written.text
    except LookupError:
        summary = text = diagnostic.name.replace("-", " ")
    return {
        "id": diagnostic.code,
        "name": "".join(word.capitalize() for word in diagnostic.name.split("-")),
        "shortDescription": {"text": summary},
        "fullDescription": {"text": summary},
        "help": {"text": text, "markdown": text},
        "defaultConfiguration": {"level": _LEVEL[diagnostic.severity]},
        "properties": {
            "tags": [f"rule {diagnostic.rule}: {RULES[diagnostic.rule]}"],
            "problem.severity": "recommendation" if diagnostic.severity is Severity.INFO else diagnostic.severity.value,
            "precision": "high",
        },
    }


def _result(diagnostic: Diagnostic, rule: int) -> dict[str, Any]:
    here = _location(
        diagnostic.path,
        {
            "startLine": diagnostic.line,
            "startColumn": diagnostic.column,
            "endLine": diagnostic.end_line,
            "endColumn": diagnostic.end_column,
        },
    )
    if diagnostic.symbol:
        here["logicalLocations"] = [{"fullyQualifiedName": diagnostic.symbol}]
    help_ = f"\n{diagnostic.help}" if diagnostic.help else ""
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": rule,
        "level": _LEVEL[diagnostic.severity],
        "message": {"text": diagnostic.message + help_},
        "locations": [here],
        "partialFingerprints": {
            "guardrails/v1": diagnostic.fingerprint,
            # Code scanning on GitHub matches alerts by this one alone.
            "primaryLocationLineHash": f"{diagnostic.fingerprint}:1",
        },
    }
    steps = [
        {
            **_location(step.path, {"startLine": step.line, "startColumn": step.column}),
            "message": {"text": step.message},
        }
        for step in diagnostic.related
    ]
    if steps:
        result["relatedLocations"] = [{"id": number, **step} for number, step in enumerate(steps, 1)]
    if len(steps) > 1:
        path = [{**here, "message": {"text": diagnostic.message}}, *steps]
        result["codeFlows"] = [{"threadFlows": [{"locations": [{"location": step} for step in path]}]}]
    return result


def _location(path: str, region: dict[str, int]) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(path), "uriBaseId": _ROOT},
            "region": region,
        }
    }
