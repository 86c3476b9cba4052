"""The contract between a check and the engine: metadata on a function, nothing else.

A check is a function ``Program -> Iterator[Finding]`` decorated with :func:`check`. The decorator
validates the metadata at import time and records it; the engine runs what is selected, in order of code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from guardrails.finding import Finding, Severity

if TYPE_CHECKING:
    from guardrails.program import Program

CheckFunction = Callable[["Program"], Iterator[Finding]]

_CODE = re.compile(r"GR(\d{1,2})\d\d\Z")
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)+\Z")


class Check(Struct, frozen=True):
    """A registered check. ``project``: one finding for the whole project rather than per place."""

    code: str
    name: str
    severity: Severity
    project: bool
    summary: str
    run: CheckFunction

    @property
    def rule(self) -> int:
        """The guide's rule that the check enforces: 0 for the run itself, 11 for the additional practices."""
        return rule_of(self.code)

    @property
    def on_by_default(self) -> bool:
        """Info checks are off until selected."""
        return self.severity is not Severity.INFO


_CHECKS: dict[str, Check] = {}


def rule_of(code: str) -> int:
    """``GR301`` -> 3, ``GR1001`` -> 10. Raises ``ValueError`` on anything that is no code."""
    match = _CODE.match(code)
    if match is None:
        raise ValueError(f"not a check code: {code!r}")
    return int(match.group(1))


def check(
    code: str, name: str, severity: Severity, *, project: bool = False
) -> Callable[[CheckFunction], CheckFunction]:
    """Register the decorated function as the check ``code``. Its docstring's first line is the summary.

    Raises ``ValueError`` for a malformed or duplicate code or name, or a missing docstring.
    """

    def register(function: CheckFunction) -> CheckFunction:
        rule_of(code)
        if not _NAME.match(name):
            raise ValueError(f"{code}: name {name!r} is not kebab-case of two words or more")
        if code in _CHECKS or any(other.name == name for other in _CHECKS.values()):
            raise ValueError(f"{code} ({name}) is registered twice")
        summary = (function.__doc__ or "").strip().splitlines()
        if not summary:
            raise ValueError(f"{code}: a check needs a docstring")
        _CHECKS[code] = Check(code, name, severity, project, summary[0], function)
        return function

    return register


def all_checks() -> tuple[Check, ...]:
    """Every registered check, by rule and number."""
    import guardrails.checks  # noqa: F401  (importing the package registers its modules)

    return tuple(sorted(_CHECKS.values(), key=lambda c: (c.rule, c.code)))
