"""Registry, rulebook, broken app and changelog name the same checks."""

from __future__ import annotations

import re
from pathlib import Path

from guardrails.checks.registry import all_checks
from guardrails.rulebook import pages
from tests.rulebook.test_broken_app import APPLICATIONS, marked

REGISTERED = {check.code: check.name for check in all_checks()}
LIVE_DATABASE = {"GR910"}
"""Checks that need a running database: a broken application in a folder cannot show them."""


def test_every_check_has_its_page_and_every_page_its_check() -> None:
    assert {page.code: page.name for page in pages()} == REGISTERED


def test_every_check_occurs_in_the_broken_app() -> None:
    shown = {code for application in APPLICATIONS for _, _, code in marked(application)}
    assert shown == set(REGISTERED) - LIVE_DATABASE


def test_the_changelog_lists_every_check() -> None:
    changelog = (Path(__file__).parents[2] / "CHANGELOG.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\bGR\d{3,4}\b", changelog)) == set(REGISTERED)
