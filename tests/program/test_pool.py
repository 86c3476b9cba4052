"""Programs that are linked one after the other share the modules that are the same file under the same name."""

from __future__ import annotations

from pathlib import Path

from guardrails.facts.extract import extract
from guardrails.options import Options
from guardrails.program import link
from guardrails.program.modules import Pool
from guardrails.program.values import InstanceValue
from guardrails.project.model import Project, SourceFile

SOURCES = {
    "libs/store.py": "from settings import Settings\n\n\ndef settings():\n    return Settings()\n",
    "one/settings.py": "class Settings:\n    pass\n",
    "two/settings.py": "class Settings:\n    pass\n",
}
FACTS = {display: extract(source) for display, source in SOURCES.items()}


def project(name: str, **modules: str) -> Project:
    """A project of modules, by the displays of their files."""
    root = Path("/nowhere") / name
    files = tuple(
        SourceFile(display, Path("/nowhere") / display, module, False, True, False, False, 0, 0)
        for module, display in sorted(modules.items())
    )
    return Project(root, name, root.parent, name, files, (), (), ("",))


def test_a_file_of_two_programs_is_one_module_that_each_understands_its_own_way() -> None:
    pool: Pool = {}
    one = link(project("one", store="libs/store.py", settings="one/settings.py"), FACTS, Options(), pool)
    two = link(project("two", store="libs/store.py", settings="two/settings.py"), FACTS, Options(), pool)
    store = one.modules.by_name["store"]
    assert two.modules.by_name["store"] is store
    assert one.modules.by_name["settings"] is not two.modules.by_name["settings"]
    for program in (one, two):
        own = program.modules.by_name["settings"].classes[0]
        assert program.types.returns(store.functions[0]) == (InstanceValue(own),)


def test_a_file_under_two_names_is_two_modules() -> None:
    pool: Pool = {}
    one = link(project("one", store="libs/store.py"), FACTS, Options(), pool)
    two = link(project("two", libs_store="libs/store.py"), FACTS, Options(), pool)
    assert one.modules.ordered[0] is not two.modules.ordered[0]
    assert two.modules.ordered[0].functions[0].qualname == "libs_store.settings"
