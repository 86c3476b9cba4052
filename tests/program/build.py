"""A program of a few sources, without a disk: ``build({"app/main.py": "..."})``."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from textwrap import dedent

from guardrails.facts.extract import extract
from guardrails.facts.records import Ref
from guardrails.options import Options
from guardrails.program import Program, link
from guardrails.program.model import Code
from guardrails.program.values import Values
from guardrails.project.model import Project, SourceFile


def build(files: dict[str, str], *, roots: tuple[str, ...] = ("",), options: Options | None = None) -> Program:
    """The linked program of ``files`` (path -> source)."""
    sources = []
    for path in sorted(files):
        parts = PurePosixPath(path).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        module = ".".join(parts[:-1] if is_package else parts)
        sources.append(
            SourceFile(
                display=path,
                path=Path("/nowhere") / path,
                module=module,
                is_package=is_package,
                application=not path.startswith(("tests/", "scripts/")),
                reached=False,
                shared=False,
                size=0,
                mtime_ns=0,
            )
        )
    root = Path("/nowhere")
    project = Project(root, ".", root, "nowhere", tuple(sources), (), (), roots)
    facts = {path: extract(dedent(text)) for path, text in files.items()}
    return link(project, facts, options or Options())


def code_at(program: Program, qualname: str) -> Code:
    """The module, class or function with this whole dotted name."""
    for module in program.modules.ordered:
        for code in module.codes():
            if code.qualname == qualname:
                return code
    raise LookupError(qualname)


def revealed(program: Program, qualname: str) -> Values:
    """What the argument of the first ``reveal(...)`` in the function may be."""
    code = code_at(program, qualname)
    for call in code.body.calls:
        if isinstance(call.func, Ref) and call.func.name == "reveal":
            return program.types.expand(program.types.infer(call.args[0], code, call.block))
    raise LookupError(f"no reveal in {qualname}")
