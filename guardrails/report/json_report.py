"""The published JSON, as ``guardrails/report/schemas/result-1.schema.json`` describes it."""

from __future__ import annotations

import msgspec

from guardrails.analysis import Outcome
from guardrails.report.view import View


def render(outcome: Outcome, view: View) -> str:
    """See the module."""
    return msgspec.json.format(msgspec.json.encode(outcome.result), indent=2).decode() + "\n"
