"""Reviewdog's diagnostic format. Its columns count UTF-8 bytes from 1.

https://github.com/reviewdog/reviewdog/tree/master/proto/rdf
"""

from __future__ import annotations

from typing import Any

import msgspec

from guardrails.analysis import Outcome
from guardrails.finding import Diagnostic
from guardrails.report.view import View
from guardrails.sources import Sources


def render(outcome: Outcome, view: View) -> str:
    """See the module."""
    sources = view.sources()
    report = {
        "source": {"name": "guardrails"},
        "diagnostics": [_diagnostic(diagnostic, sources) for diagnostic in outcome.result.findings],
    }
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n"


def _diagnostic(diagnostic: Diagnostic, sources: Sources) -> dict[str, Any]:
    path = diagnostic.path
    return {
        "message": diagnostic.message + (f"\n{diagnostic.help}" if diagnostic.help else ""),
        "location": {
            "path": path,
            "range": {
                "start": _position(path, diagnostic.line, diagnostic.column, sources),
                "end": _position(path, diagnostic.end_line, diagnostic.end_column, sources),
            },
        },
        "severity": diagnostic.severity.value.upper(),
        "code": {"value": diagnostic.code},
        "related_locations": [
            {
                "message": step.message,
                "location": {
                    "path": step.path,
                    "range": {"start": _position(step.path, step.line, step.column, sources)},
                },
            }
            for step in diagnostic.related
        ],
    }


def _position(path: str, line: int, column: int, sources: Sources) -> dict[str, int]:
    text = sources.line(path, line)
    before = "" if text is None else text[: column - 1]
    return {"line": line, "column": column if text is None else len(before.encode("utf-8", "replace")) + 1}
