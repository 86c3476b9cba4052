"""Fake checks that read their findings off the source, so that the engine is tested without the program
model.

Each check ``GR301`` finds every line that holds ``GR301!``; what follows the ``!`` up to white space is the
subject. The symbol is the nearest ``def`` above. ``GR301!boom`` makes the check fail instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import guardrails.checks
from guardrails import engine
from guardrails.checks import registry
from guardrails.finding import Finding, Place, Related, Severity
from guardrails.project import Project

CHECKS = {
    "GR002": ("unused-suppression", Severity.WARNING),
    "GR101": ("layer-import-direction", Severity.ERROR),
    "GR108": ("contract-broken", Severity.ERROR),
    "GR201": ("client-outside-database-module", Severity.ERROR),
    "GR202": ("client-per-request", Severity.ERROR),
    "GR301": ("mongo-outside-repository", Severity.ERROR),
    "GR305": ("driver-import-outside-data-layer", Severity.WARNING),
    "GR703": ("blocking-call-in-async", Severity.ERROR),
    "GR706": ("await-in-loop", Severity.INFO),
    "GR1001": ("print-call", Severity.ERROR),
    "GR1002": ("root-logger", Severity.WARNING),
}

_MARK = re.compile(r"\b(GR\d+)!(\S*)")
_DEF = re.compile(r"\s*(?:async )?def (\w+)")


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the fake checks in the place of the real ones, for one test."""
    assert guardrails.checks  # imported, so that the real checks are registered elsewhere by now
    monkeypatch.setattr(registry, "_CHECKS", {})
    monkeypatch.setattr(engine, "_link", lambda project, facts, options, pool, run: project)
    for code, (name, severity) in CHECKS.items():
        registry.check(code, name, severity)(_fake(code))


def _fake(code: str) -> Any:
    def run(project: Project) -> Iterator[Finding]:
        for file in project.files:
            yield from _findings(file.display, file.module, file.path.read_text("utf-8"), code)

    run.__doc__ = f"Finds {code}."
    return run if code != "GR002" else _nothing


def _nothing(project: Project) -> Iterator[Finding]:
    """The engine itself finds unused suppressions."""
    return iter(())


def _findings(path: str, module: str, text: str, code: str) -> Iterator[Finding]:
    symbol = module
    for number, line in enumerate(text.splitlines(), 1):
        if defined := _DEF.match(line):
            symbol = f"{module}.{defined.group(1)}"
        for mark in _MARK.finditer(line):
            if mark.group(1) != code:
                continue
            if mark.group(2) == "boom":
                raise RuntimeError("the check is broken")
            start = len(line[: mark.start()].encode())
            yield Finding(
                code=code,
                place=Place(path, number, start, number, start + len(mark.group())),
                symbol=symbol,
                subject=mark.group(2),
                message=f"{symbol} does {mark.group(2) or 'it'}",
                help="Do not.",
                related=(Related(Place(path, 1, 0, 1, 1), "it starts here"),),
            )


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Write files, each dedented, and return the folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    return folder
