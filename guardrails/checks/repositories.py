"""Rule 3: repository pattern."""

from __future__ import annotations

from collections.abc import Iterator

from guardrails.checks.registry import check
from guardrails.finding import Finding, Related, Severity
from guardrails.program import Program

_DATA_LAYERS = {"repositories", "models", "core", "wiring"}
_IDENTIFIER_LAYERS = {"schemas", "services", "utils"}
_DRIVERS = ("pymongo", "motor", "bson", "gridfs")


@check("GR301", "mongo-outside-repository", Severity.ERROR)
def mongo_outside_repository(program: Program) -> Iterator[Finding]:
    """A Mongo operation stands outside repositories, the index registry and start-up code."""
    for operation in program.repositories.operations_outside():
        code = operation.code
        yield Finding(
            "GR301",
            code.place(operation.span),
            code.qualname,
            operation.shown,
            f"{code.qualname} calls {operation.shown}",
            "move the query into a repository method and call that",
        )


@check("GR302", "raw-document-returned", Severity.ERROR)
def raw_document_returned(program: Program) -> Iterator[Finding]:
    """A repository method returns a raw document or a cursor."""
    for function in program.repositories.methods:
        raw = program.repositories.raw_result(function)
        if raw is not None:
            yield Finding(
                "GR302",
                function.place_here,
                function.qualname,
                function.name,
                f"{function.qualname} returns {raw}",
                "build a model from the document, and return that",
            )


@check("GR303", "driver-type-in-signature", Severity.ERROR)
def driver_type_in_signature(program: Program) -> Iterator[Finding]:
    """A repository method returns or takes a driver type."""
    for function in program.repositories.methods:
        for where, name, _ in program.repositories.driver_types(function):
            short = name.rpartition(".")[2]
            verb = f"returns {short}" if where == "returns" else f"takes {short} as {where}"
            yield Finding(
                "GR303",
                function.place_here,
                function.qualname,
                f"{where}: {name}",
                f"{function.qualname} {verb}",
                "return a model, an id, a number or a bool; keep the driver's types inside",
            )
            break


@check("GR304", "repository-not-per-entity", Severity.WARNING)
def repository_not_per_entity(program: Program) -> Iterator[Finding]:
    """A repository class and a collection do not correspond one to one."""
    for cls in program.repositories.classes:
        collections = program.repositories.collections_of(cls)
        if len(collections) > 1:
            yield Finding(
                "GR304",
                cls.place_here,
                cls.qualname,
                cls.name,
                f"{cls.qualname} works on {len(collections)} collections: {', '.join(collections)}",
                "one repository class per entity; join them in a service",
            )
    for first, cls, collection in program.repositories.shared_collections():
        yield Finding(
            "GR304",
            cls.place_here,
            cls.qualname,
            collection,
            f"{cls.qualname} works on {collection}, as {first.qualname} does",
            "keep all queries of a collection in one class",
            (Related(first.place_here, f"{first.qualname} works on {collection}"),),
        )
    for function, operation in program.repositories.loose_functions():
        yield Finding(
            "GR304",
            function.place_here,
            function.qualname,
            function.name,
            f"{function.module.name} has data-access functions and no repository class: {function.name} calls "
            f"{operation.shown}",
            "make the functions methods of a repository class that receives the collection",
        )


@check("GR305", "driver-import-outside-data-layer", Severity.WARNING)
def driver_import_outside_data_layer(program: Program) -> Iterator[Finding]:
    """The driver is imported outside repositories, models, core, wiring and the index registry."""
    for module in program.application:
        layer = program.layers.of(module)
        if layer in _DATA_LAYERS or module in program.roles.named_registries:
            continue
        if module in program.roles.database_modules:
            continue
        statements: dict[int, list[str]] = {}
        for item, name in program.imports.external.get(module, ()):
            if name.partition(".")[0] not in _DRIVERS or item.type_checking:
                continue
            if name.rpartition(".")[2] == "ObjectId" and layer in _IDENTIFIER_LAYERS:
                continue
            statements.setdefault(item.span, []).append(name)
        for span, names in sorted(statements.items()):
            yield Finding(
                "GR305",
                module.place(span),
                module.name,
                ", ".join(names),
                f"{module.name} ({layer or 'no layer'}) imports {' and '.join(names)}",
                "leave the driver to repositories, models, core and wiring",
            )
