"""The reader of examples: what makes a project, a file and a mark."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from guardrails.rulebook import page, pages, parse
from tests.support import examples, marks, project, write


def test_headings_separate_projects() -> None:
    text = dedent(
        """\
        # GR301 mongo-outside-repository

        ## Bad

        ### One

        `app/a.py`

        ```python
        x = 1
        ```

        `app/b.py`

        ```python
        y = 2  # error: GR301, GR703
        ```

        ### Two

        Also selected: `GR302`.

        `app/a.py`

        ```python error: GR107
        ```
        """
    )
    one, two = examples(text)
    assert (one.section, one.title) == ("Bad", "One")
    assert one.files == {"app/a.py": b"x = 1\n", "app/b.py": b"y = 2\n"}
    assert one.expected == [("app/b.py", 1, "GR301"), ("app/b.py", 1, "GR703")]
    assert two.files == {"app/a.py": b""}
    assert two.expected == [("app/a.py", 1, "GR107")]
    assert two.codes == {"GR107", "GR302"}


def test_escapes_become_bytes(tmp_path: Path) -> None:
    (example,) = examples("## Bad\n\n`a.py`\n\n```python escaped error: GR003\nname = '\\xe9\\x00'\n```\n")
    write(example, tmp_path)
    assert (tmp_path / "a.py").read_bytes() == b"name = '\xe9\x00'\n"


def test_a_longer_fence_holds_a_fence() -> None:
    (example,) = examples("## Bad\n\n`README.md`\n\n````text\n```\ninner\n```\n````\n")
    assert example.files == {"README.md": b"```\ninner\n```\n"}


def test_tracked_files_make_a_repository(tmp_path: Path) -> None:
    (example,) = examples("## Bad\n\nTracked by git: `.env`.\n\n`.env`\n\n```text\nA=1\n```\n")
    write(example, tmp_path)
    assert (tmp_path / ".git").is_dir()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("```python\nx = 1\n```\n", "line 1: a python block needs a path"),
        ("`a.py`\n\nprose\n", "line 3: the path a.py is not followed"),
        ("`a.py`\n", "the path a.py is not followed"),
        ("`a.py`\n\n```python\nx = 1\n", "line 3: the block does not end"),
        ("`a.py`\n\n```python\n```\n\n`a.py`\n\n```python\n```\n", "line 8: a.py is given twice"),
    ],
)
def test_mistakes_are_reported_with_their_line(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        examples(text)


def test_marks_may_repeat_a_code_and_need_the_end_of_the_line() -> None:
    assert marks("x\ny  # error: GR106, GR106\nz = '# error: GR301'\n") == [(2, "GR106"), (2, "GR106")]


def test_projects_can_be_written_as_a_dictionary() -> None:
    example = project({"app/a.py": "\n        x = 1  # error: GR301\n        y = 2\n"})
    assert example.files == {"app/a.py": b"x = 1\ny = 2\n"}
    assert example.expected == [("app/a.py", 1, "GR301")]


def test_a_page_is_found_by_its_code() -> None:
    found = page("GR301")
    assert (found.code, found.name) == ("GR301", "mongo-outside-repository")
    assert found.summary in found.text
    assert found in pages()


def test_an_unknown_code_has_no_page() -> None:
    with pytest.raises(LookupError, match="GR999"):
        page("GR999")


def test_a_page_without_summary_is_refused() -> None:
    with pytest.raises(ValueError, match="one-line summary"):
        parse("# GR301 mongo-outside-repository\n## What\n", Path("page.md"))


def test_sections_do_not_end_at_headings_inside_fences() -> None:
    title = "# GR301 mongo-outside-repository\n\nSays so.\n\n"
    text = title + "## What\n\n```text\n## Why\n```\n\n## Why\n\nGuide.\n"
    assert parse(text, Path("page.md")).sections == {"What": "```text\n## Why\n```", "Why": "Guide."}
