"""Every page has the agreed form, and every example on it is reported exactly as marked."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from guardrails.checks.registry import all_checks
from guardrails.rulebook import SECTIONS, Page, pages
from tests.rulebook.test_same_list import LIVE_DATABASE
from tests.support import Example, check, examples, write

PAGES = pages()
REGISTERED = {entry.code for entry in all_checks()} - LIVE_DATABASE
"""What ``check`` reports; the page of a check that needs a database is run in ``tests/live``."""
CASES = [
    (page, example)
    for page in PAGES
    for example in examples(page.text)
    if example.codes | {page.code} <= REGISTERED  # test_same_list demands that this leaves none out
]
IDS = [f"{page.code}:{example.line}:{example.title}" for page, example in CASES]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.code)
def test_page_has_the_agreed_form(page: Page) -> None:
    assert page.path.name == f"{page.code}-{page.name}.md"
    assert tuple(page.sections) == SECTIONS
    assert all(page.sections.values()), "a section is empty"
    assert "guide" in page.sections["Why"].lower(), "Why names the guide's section"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.code)
def test_page_shows_bad_and_good(page: Page) -> None:
    shown: dict[str, list[Example]] = {heading: [] for heading in SECTIONS}
    for example in examples(page.text):
        shown[example.section].append(example)
    assert shown["Bad"]
    assert shown["Good"]
    for example in shown["Bad"]:
        assert page.code in {code for _, _, code in example.expected}, f"line {example.line} marks nothing"
    for example in shown["Good"] + shown["When it stays silent"]:
        assert page.code not in {code for _, _, code in example.expected}, f"line {example.line} marks the check"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.code)
def test_examples_parse(page: Page) -> None:
    for example in examples(page.text):
        if (example.codes | {page.code}) & {"GR001", "GR003"}:
            continue
        for path, content in example.files.items():
            if path.endswith(".py"):
                ast.parse(content.decode(), filename=f"{page.path.name}:{example.line}:{path}")


@pytest.mark.parametrize(("page", "example"), CASES, ids=IDS)
def test_example_is_reported_as_marked(page: Page, example: Example, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    write(example, folder)
    assert check(folder, example.codes | {page.code}) == sorted(example.expected)
