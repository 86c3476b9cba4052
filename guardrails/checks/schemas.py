"""Rule 4: Pydantic models for requests and responses."""

from __future__ import annotations

from collections.abc import Iterator

from guardrails.checks.registry import check
from guardrails.finding import Finding, Related, Severity
from guardrails.program import Program
from guardrails.program.model import Class


@check("GR401", "untyped-request-body", Severity.ERROR)
def untyped_request_body(program: Program) -> Iterator[Finding]:
    """A handler takes its body as a bare dict, list or Any, or reads request.json() itself."""
    for body in program.schemas.untyped_bodies:
        yield Finding(
            "GR401",
            body.handler.place(body.span),
            body.handler.qualname,
            body.what,
            f"{body.handler.qualname} takes its body untyped, from {body.what}",
            "write a Pydantic model with the fields that the handler uses, and annotate the parameter with it",
        )


@check("GR402", "missing-response-model", Severity.WARNING)
def missing_response_model(program: Program) -> Iterator[Finding]:
    """A handler declares no type of its answer."""
    for handler in program.schemas.without_response_model:
        yield Finding(
            "GR402",
            handler.place_here,
            handler.qualname,
            handler.name,
            f"{handler.qualname} declares no model of its answer",
            "annotate the handler with what it returns, or give response_model",
        )


@check("GR403", "database-model-exposed", Severity.ERROR)
def database_model_exposed(program: Program) -> Iterator[Finding]:
    """A handler takes or answers with a model of what the database stores."""
    for exposed in program.schemas.exposed:
        handler = exposed.handler
        said = [f"takes {_names(exposed.taken)}"] if exposed.taken else []
        said += [f"answers with {_names(exposed.answered)}"] if exposed.answered else []
        classes = tuple(dict.fromkeys((*exposed.taken, *exposed.answered)))
        yield Finding(
            "GR403",
            handler.place_here,
            handler.qualname,
            _names(classes),
            f"{handler.qualname} {' and '.join(said)}, which the database stores",
            "give the interface its own classes in schemas, and convert in the service",
            tuple(Related(cls.place_here, f"{cls.qualname} is a database model") for cls in classes),
        )


@check("GR404", "schema-in-wrong-layer", Severity.WARNING)
def schema_in_wrong_layer(program: Program) -> Iterator[Finding]:
    """A Pydantic model is defined in routes, services or repositories."""
    for cls in program.schemas.misplaced:
        yield Finding(
            "GR404",
            cls.place_here,
            cls.qualname,
            cls.name,
            f"{cls.qualname} is a Pydantic model among the {program.layers.of(cls.module)}",
            "move it to schemas, or to models if the database stores it",
        )


@check("GR405", "objectid-not-serializable", Severity.ERROR)
def objectid_not_serializable(program: Program) -> Iterator[Finding]:
    """A Pydantic model has a field of bson's ObjectId as it is."""
    for field in program.schemas.raw_object_ids:
        yield Finding(
            "GR405",
            field.owner.place(field.bind.span),
            field.owner.qualname,
            field.name,
            f"{field.owner.qualname}.{field.name} is a bson ObjectId, which Pydantic cannot serialise",
            "annotate it with PyObjectId = Annotated[str, BeforeValidator(str)]",
        )


@check("GR406", "pydantic-v1-style", Severity.WARNING)
def pydantic_v1_style(program: Program) -> Iterator[Finding]:
    """A project on Pydantic 2 writes models the way of Pydantic 1."""
    # Few projects have any, and only they need look for the Pydantic that they run on.
    found = program.schemas.old_style
    for old in found if found and program.schemas.on_pydantic_2 else ():
        yield Finding(
            "GR406",
            old.code.place(old.span),
            old.code.qualname,
            old.what,
            f"{old.code.qualname} uses {old.what} of Pydantic 1",
            "use model_config, field_validator, model_dump and the other names of Pydantic 2",
        )


@check("GR407", "secret-in-response", Severity.ERROR)
def secret_in_response(program: Program) -> Iterator[Finding]:
    """A handler returns a model that has a password, password-hash, secret or private-key field."""
    for handler in program.schemas.handlers:
        fields = program.schemas.secrets_answered(handler)
        if fields:
            yield Finding(
                "GR407",
                handler.place_here,
                handler.qualname,
                ", ".join(fields),
                f"{handler.qualname} answers with {', '.join(fields)}",
                "return a schema without the field",
            )


def _names(classes: tuple[Class, ...]) -> str:
    return ", ".join(cls.name for cls in classes)
