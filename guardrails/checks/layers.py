"""Rule 1: layered architecture."""

from __future__ import annotations

from collections.abc import Iterator

from guardrails.checks.registry import check
from guardrails.finding import Finding, Place, Related, Severity
from guardrails.program import Program
from guardrails.program.architecture import Chain
from guardrails.program.imports import ImportEdge, statement

_INNER = {"services", "repositories", "models"}


@check("GR101", "layer-import-direction", Severity.ERROR)
def layer_import_direction(program: Program) -> Iterator[Finding]:
    """A module imports a layer that its own layer may not import."""
    for edge in program.architecture.forbidden:
        importer, imported = program.layers.of(edge.importer), program.layers.of(edge.imported)
        if importer == "routes" and imported == "repositories":
            continue  # GR102
        builds = edge.imported in program.layers.app_modules
        what = "the module that builds the app" if builds else str(imported)
        yield _on_import(
            "GR101",
            edge,
            f"{edge.importer.name} ({importer}) imports {edge.imported.name} ({what})",
            f"{importer} may import {program.architecture.allowed_text(str(importer))}; turn the dependency around "
            "or pass the value in",
        )


@check("GR102", "layer-skip", Severity.ERROR)
def layer_skip(program: Program) -> Iterator[Finding]:
    """Routes import repositories directly."""
    for edge in program.architecture.forbidden:
        if program.layers.of(edge.importer) == "routes" and program.layers.of(edge.imported) == "repositories":
            yield _on_import(
                "GR102",
                edge,
                f"{edge.importer.name} (routes) imports {edge.imported.name} (repositories), past the services",
                "take it through a service, or move the provider to dependencies.py",
            )


@check("GR103", "indirect-layer-import", Severity.ERROR)
def indirect_layer_import(program: Program) -> Iterator[Finding]:
    """A forbidden dependency through modules that belong to no layer."""
    reported: set[Place] = set()
    for chain in program.architecture.indirect:
        first, last = chain.edges[0], chain.edges[-1]
        if first.place in reported:  # one import may lead to many modules: one finding per statement
            continue
        reported.add(first.place)
        through = ", ".join(edge.importer.name for edge in chain.edges[1:])
        yield Finding(
            "GR103",
            first.place,
            first.importer.name,
            f"{first.imported.name} -> {last.imported.name}",
            f"{first.importer.name} ({program.layers.of(first.importer)}) reaches {last.imported.name} "
            f"({program.layers.of(last.imported)}) through {through}",
            "break the chain, or give the modules in between a layer ([tool.guardrails.layers])",
            _related(chain),
            tuple(_key(edge) for edge in chain.edges),
        )


@check("GR104", "web-framework-in-inner-layer", Severity.ERROR)
def web_framework_in_inner_layer(program: Program) -> Iterator[Finding]:
    """Services, repositories or models import FastAPI's request, response, app or router objects."""
    for module in program.application:
        layer = program.layers.of(module)
        if layer not in _INNER:
            continue
        for place, names in program.architecture.web_imports(module):
            yield Finding(
                "GR104",
                place,
                module.name,
                ", ".join(names),
                f"{module.name} ({layer}) imports {' and '.join(names)}",
                "keep web objects in routes: pass plain values in, return models, raise the application's exceptions",
            )


@check("GR105", "import-cycle", Severity.ERROR)
def import_cycle(program: Program) -> Iterator[Finding]:
    """Modules import each other in a circle."""
    for chain in program.architecture.cycles:
        first = chain.edges[0]
        circle = " -> ".join([*(edge.importer.name for edge in chain.edges), first.importer.name])
        yield Finding(
            "GR105",
            first.place,
            first.importer.name,
            circle,
            f"{first.importer.name} imports itself in a circle: {circle}",
            "move what both need into a module that imports neither, or import inside the function that needs it",
            _related(chain),
            tuple(_key(edge) for edge in chain.edges),
        )


@check("GR106", "missing-layer", Severity.WARNING, project=True)
def missing_layer(program: Program) -> Iterator[Finding]:
    """The application has no module of a layer that the guide requires."""
    place, symbol = program.project_place()
    for wanted in program.architecture.required_layers if program.application else ():
        if not program.layers.in_layer(*wanted):
            name = " or ".join(wanted)
            yield Finding(
                "GR106",
                place,
                symbol,
                name,
                f"{symbol}'s application has no {name} layer",
                f"add a module or package for {name}, or say where it is in [tool.guardrails.layers]",
            )


@check("GR107", "unassigned-module", Severity.INFO)
def unassigned_module(program: Program) -> Iterator[Finding]:
    """An application module belongs to no layer."""
    for module in program.application:
        if program.layers.of(module) is None and not (module.is_package and module.facts.empty):
            yield Finding(
                "GR107",
                module.place_of_module,
                module.name,
                module.name,
                f"{module.name} belongs to no layer",
                "move it into a layer's package, or assign it in [tool.guardrails.layers]",
            )


@check("GR108", "contract-broken", Severity.ERROR)
def contract_broken(program: Program) -> Iterator[Finding]:
    """A contract of the project's own import-linter configuration is broken."""
    for broken in program.contracts.broken:
        yield Finding(
            "GR108",
            broken.place,
            broken.symbol,
            f"{broken.contract}: {broken.subject}",
            f"{broken.message} (contract {broken.contract!r})",
            "keep to the contract, or change it in the import-linter configuration",
            broken.related,
            broken.about,
        )


def _on_import(code: str, edge: ImportEdge, message: str, help_: str) -> Finding:
    return Finding(code, edge.place, edge.importer.name, edge.imported.name, message, help_, (), (_key(edge),))


def _key(edge: ImportEdge) -> str:
    return f"{edge.importer.name}:{edge.line}->{edge.imported.name}"


def _related(chain: Chain) -> tuple[Related, ...]:
    return tuple(
        Related(Place(e.place.path, e.place.line, e.place.column, e.place.end_line, e.place.end_column), _step(e))
        for e in chain.edges
    )


def _step(edge: ImportEdge) -> str:
    return f"{edge.importer.name}: {statement(edge.item)}"
