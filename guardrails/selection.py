"""Which checks run, and how much each weighs: codes, names, rule numbers, prefixes and ``ALL``.

A *selector* is one of: ``ALL``; a rule (``7`` or ``GR7``); the start of a code (``GR70``); a code
(``GR703``); a check's name (``blocking-call-in-async``). ``GR1`` and ``GR10`` are the rules 1 and 10, never
prefixes of each other. The more specific selector wins; where two are equally specific, ``ignore`` wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from guardrails.checks.registry import Check
from guardrails.finding import Severity
from guardrails.guide import RULES
from guardrails.options import Options
from guardrails.patterns import pattern

_NONE, _DEFAULT, _ALL, _RULE, _PREFIX, _EXACT = range(6)
_CODE_START = pattern(r"(?:GR)?(\d{1,4})\Z", re.IGNORECASE)


class UnknownSelector(ValueError):
    """A selector that names no check. ``suggestion`` is the nearest code or name, if any is near."""

    def __init__(self, selector: str, suggestion: str | None) -> None:
        self.selector = selector
        self.suggestion = suggestion
        hint = f"; did you mean {suggestion}?" if suggestion else ""
        super().__init__(f"no check, rule or prefix is called {selector!r}{hint}")


def specificity(selector: str, check: Check) -> int:
    """How closely ``selector`` names ``check``: 0 not at all, up to a code or name in full."""
    text = selector.strip()
    if text.upper() == "ALL":
        return _ALL
    if text.lower() == check.name or text.upper() == check.code:
        return _EXACT
    if text.upper() in ("GR0", "GR00", "0"):
        return _RULE if check.rule == 0 else _NONE
    match = _CODE_START.match(text)
    if match is None:
        return _NONE
    number = match.group(1)
    if int(number) in RULES and number == str(int(number)):
        return _RULE if check.rule == int(number) else _NONE
    if text[:2].upper() != "GR":
        return _NONE
    # GR70 is the start of GR701 to GR709; GR100 of GR1001 to GR1009.
    return _PREFIX if check.code.upper().startswith(text.upper()) and len(text) == len(check.code) - 1 else _NONE


def validate(selectors: Iterable[str], checks: Sequence[Check]) -> list[UnknownSelector]:
    """The selectors that name nothing, each with a suggestion."""
    return [
        UnknownSelector(selector, suggest(selector, checks))
        for selector in selectors
        if not _names_a_rule(selector) and not any(specificity(selector, check) for check in checks)
    ]


def suggest(selector: str, checks: Sequence[Check]) -> str | None:
    """The code or name nearest to a mistyped selector."""
    from difflib import get_close_matches

    words = [check.name for check in checks] + [check.code for check in checks]
    lowered = {word.lower(): word for word in words}
    near = get_close_matches(selector.strip().lower(), sorted(lowered), n=1, cutoff=0.6)
    return lowered[near[0]] if near else None


def selected(checks: Sequence[Check], options: Options) -> tuple[Check, ...]:
    """The checks that run under ``options``, in the given order.

    Without ``select``, those that are on by default, or that the configuration weighs as error or warning.
    """
    return tuple(check for check in checks if _is_selected(check, options))


def severity_of(check: Check, options: Options) -> Severity | None:
    """The check's severity under ``options``; None where the configuration turns it off."""
    best, value = _NONE, check.severity.value
    for selector, configured in options.severities.items():
        closeness = specificity(selector, check)
        if closeness >= best and closeness != _NONE:
            best, value = closeness, configured
    return None if value == "off" else Severity(value)


def _is_selected(check: Check, options: Options) -> bool:
    severity = severity_of(check, options)
    if severity is None:
        return False
    if options.select:
        wanted = _closest(options.select, check)
    else:
        wanted = _DEFAULT if check.on_by_default or severity is not Severity.INFO else _NONE
    wanted = max(wanted, _closest(options.extend_select, check))
    return wanted > _closest(options.ignore, check)


def _closest(selectors: Iterable[str], check: Check) -> int:
    return max((specificity(selector, check) for selector in selectors), default=_NONE)


def _names_a_rule(selector: str) -> bool:
    match = _CODE_START.match(selector.strip())
    return match is not None and int(match.group(1)) in RULES
