"""Rule 1's questions about the import graph: forbidden imports, chains through unassigned modules, circles."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from functools import cached_property

from msgspec import Struct

from guardrails.finding import Place
from guardrails.knowledge.web import forbidden_in_inner_layer
from guardrails.options import Options
from guardrails.program import external
from guardrails.program.imports import ImportEdge, Imports
from guardrails.program.layers import _ALLOWED, LAYERS, Layers
from guardrails.program.model import Module
from guardrails.program.modules import Modules

_REQUIRED = (("routes",), ("services",), ("repositories",), ("models", "schemas"), ("core",))


class Chain(Struct, frozen=True):
    """Imports that follow one another; in a circle the last leads back to the first."""

    edges: tuple[ImportEdge, ...]


class Architecture:
    """Answers about the layers' imports."""

    def __init__(self, modules: Modules, imports: Imports, layers: Layers, options: Options) -> None:
        self.modules = modules
        self.imports = imports
        self.layers = layers
        self.options = options

    def _counted(self, module: Module) -> Iterator[ImportEdge]:
        """The imports that rule 1 counts: between application modules, not for type checking alone."""
        for edge in self.imports.of.get(module, ()):
            if edge.imported in self.modules.context and (not edge.type_checking or self.options.type_checking_imports):
                yield edge

    @cached_property
    def forbidden(self) -> tuple[ImportEdge, ...]:
        """Imports that the table of layers forbids, one per statement and module."""
        found: dict[tuple[str, int], ImportEdge] = {}
        for module in self.modules.ordered:
            layer = self.layers.of(module) if module.application else None
            if layer is None:
                continue
            for edge in self._counted(module):
                if not self.layers.allows(layer, edge.imported):
                    found.setdefault((module.name, edge.span), edge)
        return tuple(found[key] for key in sorted(found))

    @cached_property
    def indirect(self) -> tuple[Chain, ...]:
        """The shortest chains from a layer through modules of no layer to a module it may not import, one per pair."""
        found: list[Chain] = []
        direct = {(edge.importer, edge.imported) for edge in self.forbidden}
        for module in self.modules.ordered:
            layer = self.layers.of(module) if module.application else None
            if layer is None:
                continue
            seen: set[Module] = {module}
            queue: deque[tuple[ImportEdge, ...]] = deque(
                (edge,) for edge in self._counted(module) if self.layers.of(edge.imported) is None
            )
            while queue:
                path = queue.popleft()
                here = path[-1].imported
                if here in seen:
                    continue
                seen.add(here)
                for edge in self._counted(here):
                    target = edge.imported
                    if target in seen:
                        continue
                    if self.layers.of(target) is None:
                        queue.append((*path, edge))
                    elif not self.layers.allows(layer, target):
                        seen.add(target)
                        if (module, target) not in direct:
                            found.append(Chain((*path, edge)))
        return tuple(found)

    @cached_property
    def cycles(self) -> tuple[Chain, ...]:
        """Circles of imports that happen when modules are imported: the shortest per group, from its first module."""
        following = {
            module: [e for e in self._counted(module) if not e.lazy and not e.type_checking]
            for module in self.modules.ordered if module.application
        }  # fmt: skip
        found = []
        for group in _components(following):
            start = min(group, key=lambda m: m.name)
            chain = self._circle(start, group, following)
            if chain is not None:
                found.append(chain)
        return tuple(sorted(found, key=lambda c: c.edges[0].importer.name))

    @staticmethod
    def _circle(start: Module, group: set[Module], following: dict[Module, list[ImportEdge]]) -> Chain | None:
        """The shortest way from ``start`` back to itself inside its group."""
        queue: deque[tuple[ImportEdge, ...]] = deque((e,) for e in following[start] if e.imported in group)
        seen: set[Module] = set()
        while queue:
            path = queue.popleft()
            here = path[-1].imported
            if here is start:
                return Chain(path)
            if here not in seen:
                seen.add(here)
                queue.extend((*path, e) for e in following[here] if e.imported in group)
        return None

    @cached_property
    def required_layers(self) -> tuple[tuple[str, ...], ...]:
        """The layers an application has to have; of several in one row, any."""
        if self.options.required_layers:
            return tuple((layer,) for layer in self.options.required_layers)
        return _REQUIRED

    def allowed_text(self, layer: str) -> str:
        """The layers that one may import, as a message lists them."""
        allowed = self.options.allowed_imports.get(layer) or [x for x in LAYERS if x in _ALLOWED[layer]]
        return ", ".join(sorted(allowed, key=LAYERS.index))

    def web_imports(self, module: Module) -> Iterator[tuple[Place, tuple[str, ...]]]:
        """The statements of a module that import web objects which inner layers may not use, with those names."""
        statements: dict[int, list[str]] = {}
        for item, name in self.imports.external.get(module, ()):
            if item.type_checking and not self.options.type_checking_imports:
                continue
            if forbidden_in_inner_layer(external.canonical(name)):
                statements.setdefault(item.span, []).append(name)
        for span in sorted(statements):
            yield module.place(span), tuple(statements[span])


def _components(following: dict[Module, list[ImportEdge]]) -> list[set[Module]]:
    """Groups of two or more modules that all reach each other (Tarjan, without recursion)."""
    index: dict[Module, int] = {}
    low: dict[Module, int] = {}
    stack: list[Module] = []
    on_stack: set[Module] = set()
    groups: list[set[Module]] = []
    for root in following:
        if root in index:
            continue
        work: list[tuple[Module, int]] = [(root, 0)]
        while work:
            node, position = work.pop()
            if position == 0:
                index[node] = low[node] = len(index)
                stack.append(node)
                on_stack.add(node)
            edges = following.get(node, [])
            descended = False
            for i in range(position, len(edges)):
                target = edges[i].imported
                if target not in following:
                    continue
                if target not in index:
                    work.append((node, i + 1))
                    work.append((target, 0))
                    descended = True
                    break
                if target in on_stack:
                    low[node] = min(low[node], index[target])
            if descended:
                continue
            if low[node] == index[node]:
                group: set[Module] = set()
                while True:
                    member = stack.pop()
                    on_stack.discard(member)
                    group.add(member)
                    if member is node:
                        break
                if len(group) > 1:
                    groups.append(group)
            if work:
                parent = work[-1][0]
                low[parent] = min(low[parent], low[node])
    return groups
