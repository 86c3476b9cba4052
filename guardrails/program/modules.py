"""The modules of a project by name, and which of them an import means."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from guardrails.facts.records import Import, ModuleFacts
from guardrails.program.model import Module
from guardrails.program.names import Names, all_names
from guardrails.program.sites import Sites
from guardrails.project.model import Project

Pool = dict[tuple[str, str, bool], Module]
"""Modules by display, name and whether they are the application's: the views that several programs share."""


class Modules:
    """The project's readable modules. ``ordered`` is by name; ``by_display`` finds one by its path.

    ``shared``: those that lie outside the application's own folder and belong to other projects too. ``context``: the
    application's, and where these are what several applications leave over, those that the applications import: their
    meaning counts here, though they are judged there.
    """

    def __init__(self, project: Project, facts: Mapping[str, ModuleFacts], pool: Pool | None = None) -> None:
        """``pool``: the modules of the programs before, to which these are added."""
        self.project = project
        pool = {} if pool is None else pool
        shared: set[Module] = set()
        self.by_name: dict[str, Module] = {}
        self.by_display: dict[str, Module] = {}
        for file in project.files:
            found = facts.get(file.display)
            if found is not None and file.module not in self.by_name:
                key = (file.display, file.module, file.application or file.reached)
                module = pool.get(key)
                if module is None:
                    module = Module(file.module, file.display, found, is_package=file.is_package, application=key[2])
                    pool[key] = module
                self.by_name[file.module] = self.by_display[file.display] = module
                if file.shared:
                    shared.add(module)
        self.shared = frozenset(shared)
        self.ordered = tuple(self.by_name[name] for name in sorted(self.by_name))
        left_over = self.shared if project.library else frozenset[Module]()
        self.context = frozenset(m for m in self.ordered if m.application or m in left_over)
        self._found: dict[tuple[str, str], Module | None] = {}
        self._unread = frozenset(file.module for file in project.files) - self.by_name.keys()

    @cached_property
    def sites(self) -> Sites:
        """All calls, by name."""
        return Sites(self.ordered)

    @cached_property
    def names(self) -> Names:
        """What the modules call things."""
        return all_names(self.ordered)

    def relative(self, module: Module) -> str:
        """The module's path from the checked root, as configured globs see it."""
        return self.project.relative(module.display)

    def find(self, name: str, importer: Module) -> Module | None:
        """The module that the absolute name means where ``importer`` writes it; None for third parties.

        The project's import roots are tried in turn (``core.config`` may be ``app.core.config``).
        """
        if name.partition(".")[0] not in self.parts:
            return None
        key = (name, importer.package)
        if key not in self._found:
            candidates = self.project.candidates(name, importer.name)
            self._found[key] = next((self.by_name[c] for c in candidates if c in self.by_name), None)
        return self._found[key]

    @cached_property
    def parts(self) -> frozenset[str]:
        """The parts of the modules' names: what means one of them begins with one, wherever its import root is."""
        return frozenset(part for name in self.by_name for part in name.split("."))

    def is_unread(self, name: str, importer: Module) -> bool:
        """Whether the absolute name means a module of the project that could not be read or parsed."""
        return bool(self._unread) and any(
            candidate in self._unread for candidate in self.project.candidates(name, importer.name)
        )

    def absolute(self, module: Module, item: Import) -> str | None:
        """The dotted name of the module that a ``from`` import names; None where it climbs out of the project."""
        if item.level == 0:
            return item.module
        parts = module.package.split(".") if module.package else []
        climb = item.level - 1
        if climb > len(parts):
            return None
        kept = parts[: len(parts) - climb] if climb else parts
        return ".".join([*kept, item.module] if item.module else kept)

    def imported_module(self, module: Module, item: Import) -> Module | None:
        """The module of the project that an import statement names (for a ``from`` import: what stands after it)."""
        name = self.absolute(module, item)
        return self.find(name, module) if name else None
