"""GitLab's code quality report. https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format"""

from __future__ import annotations

import msgspec

from guardrails.analysis import Outcome
from guardrails.finding import Severity
from guardrails.report.view import View

_SEVERITY = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.INFO: "info"}


def render(outcome: Outcome, view: View) -> str:
    """See the module."""
    issues = [
        {
            "description": f"{diagnostic.code}: {diagnostic.message}",
            "check_name": diagnostic.name,
            "fingerprint": diagnostic.fingerprint,
            "severity": _SEVERITY[diagnostic.severity],
            "location": {
                "path": diagnostic.path,
                "lines": {"begin": diagnostic.line, "end": diagnostic.end_line},
            },
        }
        for diagnostic in outcome.result.findings
    ]
    return msgspec.json.format(msgspec.json.encode(issues), indent=2).decode() + "\n"
