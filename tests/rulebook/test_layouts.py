"""An example's findings do not depend on where its package lies, nor on empty ``__init__.py`` files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from tests.rulebook.test_pages import CASES
from tests.support import Example, check, write

ABOUT_THE_LAYOUT = {"GR106", "GR107", "GR108"}
EVERY = 15
"""The sample: all examples take half a minute."""

SAMPLE = [
    (page.code, example)
    for page, example in CASES
    if page.code not in ABOUT_THE_LAYOUT and all(path.endswith(".py") for path in example.files)
][::EVERY]


def below(folder: str) -> Callable[[Example], Example]:
    """Move the whole project into a folder."""

    def moved(example: Example) -> Example:
        return Example(
            files={f"{folder}/{path}": content for path, content in example.files.items()},
            expected=[(f"{folder}/{path}", line, code) for path, line, code in example.expected],
        )

    return moved


def with_inits(example: Example) -> Example:
    """Make every folder a regular package."""
    folders = {folder for path in example.files for folder in PurePosixPath(path).parents if folder.name}
    inits = {f"{folder}/__init__.py": b"" for folder in folders}
    return Example(files={**inits, **example.files}, expected=example.expected)


@pytest.mark.parametrize("layout", [below("backend"), below("src"), with_inits], ids=["backend", "src", "inits"])
@pytest.mark.parametrize(("code", "example"), SAMPLE, ids=[f"{code}:{example.line}" for code, example in SAMPLE])
def test_layout_changes_nothing(
    code: str, example: Example, layout: Callable[[Example], Example], tmp_path: Path
) -> None:
    moved = layout(example)
    folder = tmp_path / "project"
    folder.mkdir()
    write(moved, folder)
    assert check(folder, example.codes | {code}) == sorted(moved.expected)
