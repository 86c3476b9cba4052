"""The import graph: which module imports which, where, and the same as a ``grimp.ImportGraph``."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from guardrails.facts.records import Import, Span, line_of
from guardrails.finding import Place
from guardrails.program.model import Module
from guardrails.program.modules import Modules

if TYPE_CHECKING:
    from grimp import ImportGraph


class ImportEdge(Struct, frozen=True):
    """One import statement's name: ``importer`` imports ``imported``. ``lazy``: inside a function."""

    importer: Module
    imported: Module
    item: Import
    type_checking: bool
    lazy: bool

    @property
    def span(self) -> Span:
        return self.item.span

    @property
    def place(self) -> Place:
        return self.importer.place(self.item.span)

    @property
    def line(self) -> int:
        return line_of(self.item.span)


class Imports:
    """Answers about imports between the project's modules."""

    def __init__(self, modules: Modules) -> None:
        self.modules = modules

    @cached_property
    def edges(self) -> tuple[ImportEdge, ...]:
        """Every import of a project module by another, by importer and place."""
        found = [
            ImportEdge(module, target, item, item.type_checking, item.function >= 0)
            for module, item, target in self._targets
            if target is not None and target is not module
        ]
        return tuple(sorted(found, key=lambda e: (e.importer.name, e.span, e.imported.name)))

    @cached_property
    def _targets(self) -> list[tuple[Module, Import, Module | None]]:
        """Every import with the module of the project that it means."""
        return [
            (module, item, self.target(module, item))
            for module in self.modules.ordered
            for item in module.facts.imports
        ]  # fmt: skip

    def target(self, module: Module, item: Import) -> Module | None:
        """The module of the project that an import means: a submodule before a name of the same spelling."""
        if not item.level and item.module.partition(".")[0] not in self.modules.parts:
            return None
        if item.name is None:
            return self._longest(item.module, module)
        base = self.modules.absolute(module, item)
        if not base:
            return self.modules.find(item.name, module) if item.level else None
        found = self.modules.find(f"{base}.{item.name}", module)
        if found is not None:
            return found
        package = self.modules.find(base, module)
        if package is not None and self.modules.is_unread(f"{base}.{item.name}", module):
            return None  # not its package either: what the module holds is unknown
        return package

    def _longest(self, name: str, module: Module) -> Module | None:
        while name:
            found = self.modules.find(name, module)
            if found is not None:
                return found
            name = name.rpartition(".")[0]
        return None

    @cached_property
    def of(self) -> dict[Module, tuple[ImportEdge, ...]]:
        """The imports of each module, in source order."""
        table: dict[Module, list[ImportEdge]] = {}
        for edge in self.edges:
            table.setdefault(edge.importer, []).append(edge)
        return {module: tuple(found) for module, found in table.items()}

    @cached_property
    def external(self) -> dict[Module, tuple[tuple[Import, str], ...]]:
        """Imports of third-party names: per module, each import with the dotted name as written."""
        table: dict[Module, list[tuple[Import, str]]] = {}
        for module, item, target in self._targets:
            if item.level == 0 and target is None:
                name = item.module if item.name is None else f"{item.module}.{item.name}"
                table.setdefault(module, []).append((item, name))
        return {module: tuple(found) for module, found in table.items()}

    def graph(self, *, type_checking: bool = True, lazy: bool = True, application_only: bool = False) -> ImportGraph:
        """The graph as grimp knows it, with line numbers and the statements' text."""
        import grimp

        graph = grimp.ImportGraph()
        for module in self.modules.ordered:
            if module.application or not application_only:
                graph.add_module(module.name)
        for edge in self.edges:
            if application_only and not (edge.importer.application and edge.imported.application):
                continue
            if (edge.type_checking and not type_checking) or (edge.lazy and not lazy):
                continue
            graph.add_import(
                importer=edge.importer.name,
                imported=edge.imported.name,
                line_number=edge.line,
                line_contents=statement(edge.item),
            )
        return graph


def statement(item: Import) -> str:
    """An import as a line of source."""
    alias = f" as {item.alias}" if item.alias else ""
    if item.name is None:
        return f"import {item.module}{alias}"
    return f"from {'.' * item.level}{item.module} import {item.name}{alias}"
