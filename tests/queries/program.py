"""Programs for the tests of the readers: from files to the linked program, without the command line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

from guardrails.facts.load import load
from guardrails.options import Options
from guardrails.program import Program, link
from guardrails.project import discover


def program_of(folder: Path, files: Mapping[str, str], options: Options | None = None) -> Program:
    """Write the files under ``folder`` and link the application that they make."""
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(dedent(text))
    return program_at(folder, options)


def program_at(folder: Path, options: Options | None = None) -> Program:
    """Link the one application under ``folder``."""
    chosen = options or Options()
    projects = discover([folder], chosen, folder)
    facts = load(projects, chosen, 1, use_cache=False)
    project = max(projects, key=lambda p: len(p.files))
    return link(project, {f.display: facts[f.display] for f in project.files if f.display in facts}, chosen)
