"""The import graph, held against grimp's own builder and import-linter's own command."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import grimp
import pytest

from guardrails.facts.extract import extract
from guardrails.options import Options
from guardrails.program import Program, link
from guardrails.project.model import Project, SourceFile

PACKAGES = (
    "click", "rich", "pydantic", "pymongo", "pathspec", "importlinter", "grimp", "dotenv", "packaging", "tomlkit",
    "hypothesis", "guardrails",
)  # fmt: skip


def program_of(package: str) -> Program:
    """The program of an installed package, every file of it."""
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    root = Path(spec.origin).parent
    sources, facts = [], {}
    for path in sorted(root.rglob("*.py")):
        parts = (package, *path.relative_to(root).with_suffix("").parts)
        folder = path.parent
        while folder != root and (folder / "__init__.py").exists():
            folder = folder.parent
        if folder != root:
            continue  # grimp leaves folders without __init__.py out
        is_package = parts[-1] == "__init__"
        display = path.relative_to(root.parent).as_posix()
        facts[display] = extract(path.read_text(encoding="utf-8"))
        module = ".".join(parts[:-1] if is_package else parts)
        sources.append(SourceFile(display, path, module, is_package, True, False, False, 0, 0))
    project = Project(root, package, root, package, tuple(sources), (), (), ("",))
    return link(project, facts, Options())


@pytest.mark.parametrize("package", PACKAGES)
def test_the_graph_is_grimp_s(package: str) -> None:
    theirs = grimp.build_graph(package, cache_dir=None)
    ours = program_of(package).imports.graph()
    assert ours.modules == theirs.modules

    def edges(graph: grimp.ImportGraph) -> set[tuple[str, str, int]]:
        return {
            (importer, imported, details["line_number"])
            for importer in graph.modules
            for imported in graph.find_modules_directly_imported_by(importer)
            for details in graph.get_import_details(importer=importer, imported=imported)
        }

    # A module that imports itself (under ``if __name__ == "__main__"``) depends on nothing by that.
    assert edges(ours) == {edge for edge in edges(theirs) if edge[0] != edge[1]}


SHOP = {
    "shop/__init__.py": "",
    "shop/api.py": "from shop import store\n",
    "shop/store.py": "import shop.model\nfrom shop.audit import log\n",
    "shop/model.py": "def late():\n    from shop import api\n",
    "shop/audit.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from shop.api import store\n",
}
CONTRACTS = [
    ("layers", 'type = "layers"\nlayers = ["shop.api", "shop.store", "shop.model"]', True),
    ("forbidden", 'type = "forbidden"\nsource_modules = ["shop.store"]\nforbidden_modules = ["shop.api"]', True),
    ("kept", 'type = "forbidden"\nsource_modules = ["shop.audit"]\nforbidden_modules = ["shop.model"]', None),
    ("independent", 'type = "independence"\nmodules = ["shop.audit", "shop.model"]', None),
    ("acyclic", 'type = "acyclic_siblings"\nancestors = ["shop"]', True),
]


@pytest.mark.parametrize("checking", [True, False])
@pytest.mark.parametrize(("name", "contract", "broken"), CONTRACTS)
def test_contracts_break_as_import_linter_says(
    tmp_path: Path, name: str, contract: str, broken: bool | None, checking: bool
) -> None:
    for path, text in SHOP.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "pyproject.toml").write_text(
        f'[tool.importlinter]\nroot_package = "shop"\nexclude_type_checking_imports = {str(checking).lower()}\n'
        f'[[tool.importlinter.contracts]]\nname = "{name}"\n{contract}\n'
    )
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    theirs = subprocess.run([*command, "--no-cache"], cwd=tmp_path, capture_output=True, text=True, check=False)
    sources, facts = [], {}
    for path, text in SHOP.items():
        module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        sources.append(
            SourceFile(path, tmp_path / path, module, path.endswith("__init__.py"), True, False, False, 0, 0)
        )
        facts[path] = extract(text)
    project = Project(tmp_path, "", tmp_path, "shop", tuple(sources), (), (), ("",))
    ours = link(project, facts, Options()).contracts.broken
    assert theirs.returncode in (0, 1), theirs.stdout + theirs.stderr
    assert bool(ours) == (theirs.returncode == 1), theirs.stdout
    if broken is not None:
        assert bool(ours) == broken
    for found in ours:
        assert found.place.path.startswith("shop/")
        assert found.related


@pytest.mark.parametrize(("readable", "expected"), [((), None), (("app/forms.py",), "app.forms")])
def test_a_module_that_does_not_parse_is_not_its_package(readable: tuple[str, ...], expected: str | None) -> None:
    texts = {"app/__init__.py": "name = 1\n", "app/forms.py": "", "app/users.py": "from app import forms, name\n"}
    root = Path("/nowhere")
    files = tuple(
        SourceFile(
            display=display,
            path=root / display,
            module=display.removesuffix(".py").removesuffix("/__init__").replace("/", "."),
            is_package=display.endswith("__init__.py"),
            application=True,
            reached=False,
            shared=False,
            size=0,
            mtime_ns=0,
        )
        for display in texts
    )
    facts = {d: extract(t) for d, t in texts.items() if d != "app/forms.py" or d in readable}
    program = link(Project(root, ".", root, "nowhere", files, (), (), ("",)), facts, Options())
    users = program.modules.by_name["app.users"]
    targets = [program.imports.target(users, item) for item in users.facts.imports]
    assert [t and t.name for t in targets] == [expected, "app"]
