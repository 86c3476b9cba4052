"""Small projects for tests: from a dictionary or from Markdown, written to disk and checked.

``rules/README.md`` describes the Markdown: ``###`` headings separate projects, a fence preceded by a path in
backticks is a file, ``# error: GR301`` at the end of a line expects that finding there.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

from click.testing import CliRunner

Expectation = tuple[str, int, str]
"""Path relative to the project, line from 1, code."""

_MARK = re.compile(r"[ \t]*# error: (GR\d{3,4}(?:, GR\d{3,4})*)[ \t]*$", re.MULTILINE)
_INFO_MARK = re.compile(r"error: (GR\d{3,4}(?:, GR\d{3,4})*)")
_FENCE = re.compile(r"(`{3,})([^`]*)$")
_PATH = re.compile(r"`([^`]+)`$")
_CODE_SPAN = re.compile(r"`([^`]+)`")
_OBJECT = re.compile(r"\(reason=|<(Module|Class|Function) ")
"""An object of the model where a text should name what it stands for."""
_ESCAPE = re.compile(rb"\\x([0-9a-f]{2})")


@dataclass
class Example:
    """A small project: its files (path -> content, marks removed) and the findings expected of it."""

    section: str = ""
    title: str = ""
    line: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    expected: list[Expectation] = field(default_factory=list)
    also_selected: set[str] = field(default_factory=set)
    tracked: set[str] = field(default_factory=set)

    @property
    def codes(self) -> set[str]:
        """The codes marked in the example and those selected beside them."""
        return {code for _, _, code in self.expected} | self.also_selected

    def add(self, path: str, text: str) -> None:
        """Add a file given as text with marks. Raises ``ValueError`` if the example has it already."""
        if path in self.files:
            raise ValueError(f"{path} is given twice in one example")
        self.expected.extend((path, line, code) for line, code in marks(text))
        self.files[path] = _MARK.sub("", text).encode()


def marks(text: str) -> list[tuple[int, str]]:
    """The ``# error:`` marks of a file: (line, code), a code as often as it is given."""
    found: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        match = _MARK.search(line)
        if match:
            found.extend((number, code) for code in match.group(1).split(", "))
    return found


def project(files: Mapping[str, str]) -> Example:
    """An example from path -> source with marks; each source may be indented like a triple-quoted string."""
    example = Example()
    for path, source in files.items():
        example.add(path, dedent(source).lstrip("\n"))
    return example


def examples(markdown: str) -> list[Example]:
    """The projects of a Markdown text, in order.

    Raises ``ValueError``, with the line, for a path without a fence, a Python fence without a path, a path
    given twice in one project, and a fence that does not end.
    """
    return [example for example in _examples(markdown) if example.files]


def _examples(markdown: str) -> Iterator[Example]:
    current = Example()
    path = ""
    lines = enumerate(markdown.split("\n"), start=1)
    for number, line in lines:
        fence = _FENCE.match(line)
        if fence:
            ticks, info = fence.groups()
            body = _body(lines, ticks, number)
            if path:
                _add_file(current, path, info, body, number)
            elif info.split()[:1] == ["python"]:
                raise ValueError(f"line {number}: a python block needs a path before it")
            path = ""
            continue
        if path and line.strip():
            raise ValueError(f"line {number}: the path {path} is not followed by a block")
        span = _PATH.match(line)
        if line.startswith("## "):
            yield current
            current = Example(line[3:].strip(), line[3:].strip(), number)
        elif line.startswith("### "):
            yield current
            current = Example(current.section, line[4:].strip(), number)
        elif line.startswith("Also selected:"):
            current.also_selected.update(_CODE_SPAN.findall(line))
        elif line.startswith("Tracked by git:"):
            current.tracked.update(_CODE_SPAN.findall(line))
        elif span:
            path = span.group(1)
    if path:
        raise ValueError(f"the path {path} is not followed by a block")
    yield current


def _body(lines: Iterator[tuple[int, str]], ticks: str, start: int) -> str:
    body: list[str] = []
    for _, line in lines:
        if line == ticks:
            return "".join(line + "\n" for line in body)
        body.append(line)
    raise ValueError(f"line {start}: the block does not end")


def _add_file(example: Example, path: str, info: str, body: str, number: int) -> None:
    try:
        example.add(path, body)
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from None
    whole = _INFO_MARK.search(info)
    if whole:
        example.expected.extend((path, 1, code) for code in whole.group(1).split(", "))
    if "escaped" in info.split():
        example.files[path] = _ESCAPE.sub(lambda match: bytes([int(match.group(1), 16)]), example.files[path])


def write(example: Example, folder: Path) -> None:
    """Write the example's files under ``folder``, and make it a git repository if it tracks files."""
    for path, content in example.files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    if example.tracked:
        for command in (["init", "--quiet"], ["add", "--force", "--", *sorted(example.tracked)]):
            subprocess.run(["git", *command], cwd=folder, check=True)


def check(folder: Path, select: Iterable[str], arguments: Sequence[str] = ()) -> list[Expectation]:
    """What ``guardrails check`` reports on ``folder`` with these codes selected: sorted (path, line, code).

    Raises ``AssertionError`` with the output if the run itself fails (status 2 or 3).
    """
    from guardrails.cli import main

    here = Path.cwd()
    os.chdir(folder)
    try:
        command = [
            "check",
            ".",
            "--select",
            ",".join(sorted(select)),
            "--format",
            "json",
            "--no-cache",
            *arguments,
        ]
        outcome = CliRunner().invoke(main, command, catch_exceptions=False)
    finally:
        os.chdir(here)
    assert outcome.exit_code in (0, 1), outcome.output
    assert not _OBJECT.search(outcome.stdout), outcome.output
    findings = json.loads(outcome.stdout)["findings"]
    return sorted((finding["path"], finding["line"], finding["code"]) for finding in findings)
