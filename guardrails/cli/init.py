"""``guardrails init``: look at a project, propose a configuration, a hook and a CI step, and write them."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING

import click
import tomlkit

from guardrails import __version__
from guardrails.baseline import write_atomically
from guardrails.cli import common
from guardrails.config import ConfigError, Mistake, locate
from guardrails.report.view import plural
from guardrails.runner import Request, programs

if TYPE_CHECKING:
    from guardrails.program import Program
    from guardrails.program.model import Module

DISTRIBUTION = f"fastapi-mongo-guardrails=={__version__}"


@click.command()
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path())
@click.option("--yes", "-y", is_flag=True, help="Write without asking.")
@click.option("--preview", is_flag=True, help="Show what would be written, and write nothing.")
@click.option("--no-hook", is_flag=True, help="Leave pre-commit alone.")
@click.option("--no-ci", is_flag=True, help="Leave the CI alone.")
def command(folder: Path, yes: bool, preview: bool, no_hook: bool, no_ci: bool) -> None:
    """Set guardrails up in FOLDER, by default the working directory.

    Looks for applications and their layers, proposes layers for folders that it cannot place, and shows what
    it would write before it asks.
    """
    top = folder.resolve()
    with common.usage_errors():
        _refuse_a_second_time(top)
        with common.Progress() as progress:
            linked = programs(Request(cwd=top, cache=False), progress)
        if not any(program.application for program in linked):
            raise ConfigError([Mistake("", 0, f"no Python application under {top}")])
        _describe(linked)
        changes = _changes(top, linked, hook=not no_hook, ci=not no_ci)
        for path, before, after in changes:
            click.echo(_difference(path, before, after, top))
        if preview:
            return
        if not yes:
            what = "this file" if len(changes) == 1 else f"these {len(changes)} files"
            click.confirm(f"Write {what}?", abort=True)
        for path, _, after in changes:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, after.encode("utf-8"))
    click.echo("Written. Next: `guardrails check`; if it finds more than you can mend now, `guardrails baseline`.")


def _refuse_a_second_time(top: Path) -> None:
    found = locate(top)
    if found.path is not None:
        raise ConfigError([Mistake(str(found.path), 0, "guardrails is configured here already")])


def _changes(top: Path, linked: tuple[Program, ...], *, hook: bool, ci: bool) -> list[Change]:
    repository = next((f for f in (top, *top.parents) if (f / ".git").exists()), top)
    changes = [_configuration(top, linked)]
    if hook:
        changes.append(_hook(repository, top))
    if ci:
        changes += _ci(repository, top)
    return [(path, before, after) for path, before, after in changes if before != after]


Change = tuple[Path, str, str]
"""A file, its text before (empty for none) and after."""


# --- what is there


def _describe(linked: tuple[Program, ...]) -> None:
    for program in linked:
        modules = [module for module in program.application if not module.facts.empty]
        if not modules:
            continue
        counts = Counter(program.layers.of(module) or "no layer" for module in modules)
        apps = ", ".join(program.project.applications) or "no FastAPI() found"
        click.echo(f"{program.project.display_root}: {plural(len(modules), 'module')}; application: {apps}")
        click.echo("  " + ", ".join(f"{layer} {count}" for layer, count in sorted(counts.items())))
    click.echo()


def propose_layers(program: Program) -> dict[str, list[str]]:
    """Layer -> globs, relative to the checked root, of folders and modules that no rule of names could place.

    The evidence: they define nothing but Pydantic models, stand between routes and repositories, or ask
    MongoDB. The last speaks only for a folder of which most modules do so; a lone module that asks MongoDB is
    as likely a fault that the checker is there to find.
    """
    paths = {module: _relative(program, module) for module in program.application}
    folders: dict[str, list[Module]] = defaultdict(list)
    for module in _homeless(program):
        folders[paths[module].rpartition("/")[0]].append(module)
    proposals: dict[str, list[str]] = defaultdict(list)
    for folder, modules in sorted(folders.items()):
        votes = [(module, _evidence(program, module)) for module in modules]
        layers = Counter(layer for _, layer in votes if layer)
        below = [m for m in paths if not m.facts.empty and paths[m].startswith(f"{folder}/")]
        [(likeliest, count)] = layers.most_common(1) or [("", 0)]
        if folder and len(below) == len(modules) > 1 and len(layers) == 1 and count * 2 > len(modules):
            proposals[likeliest].append(f"{folder}/**")
            continue
        for module, layer in votes:
            if layer and layer != "repositories":
                proposals[layer].append(paths[module])
    return {layer: sorted(globs) for layer, globs in sorted(proposals.items())}


def _homeless(program: Program) -> list[Module]:
    return [m for m in program.application if not m.facts.empty and program.layers.of(m) is None]


def _evidence(program: Program, module: Module) -> str | None:
    """The layer that what a module does speaks for, or None."""
    if any(code in program.mongo.by_code for code in module.codes()):
        return "repositories"
    bases = [{str(base) for base in program.types.mro(cls)[1:]} for cls in module.classes]
    if bases and all("pydantic.BaseModel" in several for several in bases):
        return "schemas"
    imports = {program.layers.of(edge.imported) for edge in program.imports.of.get(module, ())}
    importers = {program.layers.of(edge.importer) for edge in program.imports.edges if edge.imported is module}
    if "repositories" in imports and importers & {"routes", "wiring"}:
        return "services"
    return None


def _relative(program: Program, module: Module) -> str:
    root = program.project.display_root
    path = os.path.relpath(module.display, root).replace(os.sep, "/") if root != "." else module.display
    return module.display if path.startswith("../") else path


# --- what is written


def _configuration(top: Path, linked: tuple[Program, ...]) -> Change:
    """``[tool.guardrails]`` at the end of pyproject.toml, else guardrails.toml."""
    applications = [program for program in linked if program.project.applications]
    roots = sorted({program.project.display_root for program in applications} - {"."})
    layers: dict[str, list[str]] = defaultdict(list)
    for program in linked:
        for layer, globs in propose_layers(program).items():
            layers[layer] += globs
    table = tomlkit.table()
    if roots and len(roots) == len(applications):
        table.add(tomlkit.comment("What `guardrails check` looks at when no path is given."))
        table.add("root", roots)
    table.add(tomlkit.comment('The least severity that fails a run; "warning" is stricter.'))
    table.add("fail-on", "error")
    table.add(tomlkit.comment("Checks to leave out, by code, name or rule; `guardrails rules` lists them."))
    table.add("ignore", [])
    if layers:
        placed = tomlkit.table()
        placed.add(tomlkit.comment("Modules whose layer no name tells; please look at these proposals."))
        for layer, globs in sorted(layers.items()):
            listed = tomlkit.array()
            listed.extend(sorted(set(globs)))
            placed.add(layer, listed.multiline(len(listed) > 3))
        table.add(tomlkit.nl())
        table.add("layers", placed)
    elif homeless := sum(len(_homeless(program)) for program in linked):
        table.add(
            tomlkit.comment(
                f"No name tells the layer of {plural(homeless, 'module')} (`guardrails layers --unassigned`);"
            )
        )
        table.add(tomlkit.comment('place them by globs, such as: layers = { services = ["app/domain/**"] }'))

    shared, own = top / "pyproject.toml", top / "guardrails.toml"
    document = tomlkit.document()
    if shared.exists():
        document.add("tool", tomlkit.table(is_super_table=True).add("guardrails", table))
        before = shared.read_bytes().decode("utf-8")
        newline = "\r\n" if "\r\n" in before else "\n"
        after = before.rstrip() + newline * 2 + tomlkit.dumps(document).replace("\n", newline)
        if _is_toml(after):  # [tool] may be written in a way that nothing can be added to
            return shared, before, after
    document = tomlkit.document()
    for key, item in table.value.body:
        document.add(item) if key is None else document.add(key, item)
    return own, "", tomlkit.dumps(document)


def _is_toml(text: str) -> bool:
    try:
        tomlkit.parse(text)
    except ValueError:
        return False
    return True


_HOOK = """\
- repo: local
  hooks:
    - id: guardrails
      name: guardrails
      entry: {entry}
      language: python
      additional_dependencies: ["{distribution}"]
      types_or: [python, toml]
      pass_filenames: false
      require_serial: true
"""


def _hook(repository: Path, top: Path) -> Change:
    """An entry at the end of the list of repositories in .pre-commit-config.yaml, or a new file."""
    path = repository / ".pre-commit-config.yaml"
    where = os.path.relpath(top, repository).replace(os.sep, "/")
    entry = "guardrails check" if where == "." else f"guardrails check {where}"
    hook = _HOOK.format(entry=entry, distribution=DISTRIBUTION)
    if not path.exists():
        return path, "", "repos:\n" + _indented(hook, "  ")
    before = path.read_text(encoding="utf-8")
    if "guardrails" in before:
        return path, before, before
    lines = before.splitlines(keepends=True)
    start = next((n for n, line in enumerate(lines) if re.match(r"repos\s*:\s*(#.*)?$", line)), None)
    if start is None:
        return path, before, before
    end = next((n for n in range(start + 1, len(lines)) if re.match(r"[^\s#-]", lines[n])), len(lines))
    while end > start + 1 and not lines[end - 1].strip():
        end -= 1
    first = next((m for line in lines[start + 1 : end] if (m := re.match(r"(\s*)- ", line))), None)
    indent = first.group(1) if first else "  "
    if not lines[end - 1].endswith("\n"):
        lines[end - 1] += "\n"
    return path, before, "".join([*lines[:end], _indented(hook, indent), *lines[end:]])


_WORKFLOW = """\
name: guardrails

on:
  push:
    branches: [main]
  pull_request:

permissions:
  contents: read

jobs:
  guardrails:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.13"
      - run: pip install {distribution}
      - run: {entry} --format github
"""

_GITLAB = """
guardrails:
  image: python:3.13-slim
  script:
    - pip install {distribution}
    - {entry} --output gitlab:gl-code-quality-report.json
  artifacts:
    when: always
    reports:
      codequality: gl-code-quality-report.json
"""


def _ci(repository: Path, top: Path) -> list[Change]:
    """A workflow where GitHub's are, a job where GitLab's are; nothing where neither is."""
    where = os.path.relpath(top, repository).replace(os.sep, "/")
    entry = "guardrails check" if where == "." else f"guardrails check {where}"
    changes: list[Change] = []
    workflows = repository / ".github" / "workflows"
    if workflows.is_dir():
        path = workflows / "guardrails.yml"
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        changes.append((path, before, before or _WORKFLOW.format(distribution=DISTRIBUTION, entry=entry)))
    gitlab = repository / ".gitlab-ci.yml"
    if gitlab.is_file():
        before = gitlab.read_text(encoding="utf-8")
        job = "" if "guardrails" in before else _GITLAB.format(distribution=DISTRIBUTION, entry=entry)
        changes.append((gitlab, before, before.rstrip("\n") + "\n" + job if job else before))
    return changes


def _indented(text: str, indent: str) -> str:
    return "".join(f"{indent}{line}" for line in text.splitlines(keepends=True))


def _difference(path: Path, before: str, after: str, top: Path) -> str:
    name = os.path.relpath(path, top).replace(os.sep, "/")
    if not before:
        return f"New file {name}:\n\n" + _indented(after, "    ")
    lines = unified_diff(before.splitlines(), after.splitlines(), name, name, lineterm="", n=2)
    return "\n".join(lines) + "\n"
