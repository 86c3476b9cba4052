"""What the tables of ``guardrails.knowledge`` say of third-party things, as values.

Everything third-party is a canonical dotted name. A name that no table knows is still useful: calling something
whose last part is capitalised makes an instance of it.
"""

from __future__ import annotations

from functools import cache, lru_cache

from guardrails.facts.records import Call, Expr
from guardrails.knowledge import aliases, blocking, drivers, frameworks, handoff, web
from guardrails.program.model import Class, Code
from guardrails.program.values import (
    ClassValue,
    CoroutineValue,
    DocumentValue,
    ExternalInstance,
    ExternalValue,
    InstanceValue,
    LiteralValue,
    MappingValue,
    ParameterValue,
    SequenceValue,
    Value,
    Values,
    unknown,
)  # fmt: skip

DEPENDS = frozenset({"fastapi.Depends", "fastapi.Security"})
PARTIALS = handoff.PARTIALS
SEQUENCES = frozenset({"list", "tuple", "set", "frozenset", "sorted", "reversed", "iter", "aiter"})
FIRST_ITEM = frozenset({"next", "anext", "min", "max"})
AWAITS_FIRST = frozenset({"asyncio.wait_for", "asyncio.shield", "asyncio.create_task", "asyncio.ensure_future"})

# Handing a function to these and awaiting the call gives the function's own result.
AWAITED_HANDOFFS = frozenset(
    {
        "asyncio.to_thread", "starlette.concurrency.run_in_threadpool", "anyio.to_thread.run_sync",
        "asyncio.AbstractEventLoop.run_in_executor",
    }
)  # fmt: skip

# Bases that give a class nothing of their own.
_BARE_BASES = frozenset({"typing.Generic", "typing.Protocol", "object", "abc.ABC", "typing.NamedTuple", "type"})

# What third-party classes descend from, as far as a check asks (their own documentation).
_BASES: dict[str, tuple[str, ...]] = {
    "fastapi.HTTPException": ("starlette.exceptions.HTTPException",),
    "starlette.exceptions.HTTPException": ("Exception",),
    "fastapi.FastAPI": ("starlette.applications.Starlette",),
    "fastapi.APIRouter": ("starlette.routing.Router",),
    "pydantic_settings.BaseSettings": ("pydantic.BaseModel",),
    "pydantic.BaseSettings": ("pydantic.BaseModel",),
    "pydantic.RootModel": ("pydantic.BaseModel",),
    "pydantic.generics.GenericModel": ("pydantic.BaseModel",),
    "sqlmodel.SQLModel": ("pydantic.BaseModel",),
    "beanie.Document": ("pydantic.BaseModel",),
    "beanie.DocumentWithSoftDelete": ("beanie.Document",),
    "beanie.View": ("pydantic.BaseModel",),
    "odmantic.Model": ("pydantic.BaseModel",),
    "odmantic.EmbeddedModel": ("pydantic.BaseModel",),
    "enum.IntEnum": ("enum.Enum",),
    "enum.StrEnum": ("enum.Enum",),
    "enum.Flag": ("enum.Enum",),
    "enum.IntFlag": ("enum.Enum",),
    "Exception": ("BaseException",),
    **dict.fromkeys(
        (
            "ArithmeticError", "AssertionError", "AttributeError", "EOFError", "ImportError", "LookupError",
            "NameError", "OSError", "RuntimeError", "TypeError", "ValueError", "Warning",
        ),
        ("Exception",),
    ),
    "KeyError": ("LookupError",), "IndexError": ("LookupError",), "PermissionError": ("OSError",),
    "FileNotFoundError": ("OSError",), "ConnectionError": ("OSError",), "TimeoutError": ("OSError",),
    "NotImplementedError": ("RuntimeError",), "UnicodeError": ("ValueError",),
    "pydantic.ValidationError": ("ValueError",),
}  # fmt: skip


@lru_cache(maxsize=65536)
def canonical(dotted: str) -> str:
    """The one name of what ``dotted`` names (see ``guardrails.knowledge.aliases``)."""
    return aliases.canonical(dotted)


@cache
def last_names(names: frozenset[str]) -> frozenset[str]:
    """What third-party things are called where nobody renames them: the last parts of their names and aliases."""
    known = (*names, *(alias for alias, name in aliases.ALIASES.items() if name in names))
    return frozenset(name.rpartition(".")[2] for name in known)


def ancestry(name: str) -> tuple[str, ...]:
    """A third-party class and what it is known to descend from, nearest first."""
    order: dict[str, None] = {name: None}
    for base in _BASES.get(name, ()):
        order.update(dict.fromkeys(ancestry(base)))
    return tuple(order)


def is_driver(cls: str) -> bool:
    """Whether a class is one of a MongoDB driver or ODM."""
    return cls in drivers.CLASSES


def kind(value: Value) -> str:
    """What a value is to MongoDB: ``client``, ``database``, ``collection``, ``cursor``, …; empty for anything else."""
    if isinstance(value, ExternalInstance):
        row = drivers.CLASSES.get(value.cls)
        return row.kind if row is not None else ""
    return ""


def is_state(cls: str) -> bool:
    """Whether a class is Starlette's bag of attributes, ``app.state``."""
    return cls == "starlette.datastructures.State"


def is_app(cls: str) -> bool:
    """Whether a class is that of an application."""
    return cls in web.APPS


def related(value: str, declared: str) -> bool:
    """Whether two driver classes are the same thing in another driver or generic form (a database is a database)."""
    mine, theirs = drivers.CLASSES.get(value), drivers.CLASSES.get(declared)
    return mine is not None and theirs is not None and mine.kind == theirs.kind


# --- attributes


def attribute(value: ExternalValue, name: str) -> Values:
    """An attribute of a third-party module or class."""
    return (ExternalValue(canonical(f"{value.name}.{name}"), value.receiver),)


_STATEFUL = frozenset(
    {
        "fastapi.FastAPI", "starlette.applications.Starlette", "starlette.requests.Request",
        "starlette.websockets.WebSocket", "starlette.requests.HTTPConnection",
    }
)  # fmt: skip


def member(value: ExternalInstance, name: str) -> Values:
    """An attribute of an instance of a third-party class."""
    if value.cls in _STATEFUL:
        if name == "state":
            return (ExternalInstance("starlette.datastructures.State"),)
        if name == "app":
            return (ExternalInstance("fastapi.FastAPI"),)
    row = drivers.CLASSES.get(value.cls)
    if row is not None and name not in row.methods:
        cls = row.member(name)
        if cls is not None:
            named = name not in row.attributes
            return (ExternalInstance(cls, _child_label(value, LiteralValue(name)) if named else None),)
    return (ExternalValue(canonical(f"{value.cls}.{name}"), value),)


def _child_label(
    parent: ExternalInstance, label: LiteralValue | ParameterValue | None
) -> LiteralValue | ParameterValue | None:
    """A collection's sub-collection has a dotted name: ``db.orders.archive`` is ``orders.archive``."""
    if kind(parent) != "collection":
        return label
    if isinstance(parent.label, LiteralValue) and isinstance(label, LiteralValue):
        return LiteralValue(f"{parent.label.value}.{label.value}")
    return None


def subscript(value: ExternalInstance, label: LiteralValue | ParameterValue | None) -> Values:
    """``client["shop"]``, ``db["users"]``, or an item of any other third-party object."""
    row = drivers.CLASSES.get(value.cls)
    if row is not None and row.subscript is not None:
        return (ExternalInstance(row.subscript, _child_label(value, label)),)
    if row is not None and row.yields is not None:
        return iterated(value)
    return unknown("an item of a third-party object")


def base_member(owner: str, name: str, receiver: Value) -> Values:
    """An attribute that a project's class, or an instance of it, has from a third-party base the tables know."""
    row = drivers.CLASSES.get(owner)
    if row is None or name not in row.methods:
        return ()
    method = row.methods[name]
    cls = getattr(receiver, "cls", None)
    if method.attribute and method.type is not None and isinstance(cls, Class):
        return (ExternalInstance(method.type, owner=cls),)
    return (ExternalValue(f"{owner}.{name}", receiver),)


def inherited(owner: str, name: str, receiver: Value) -> Values:
    """An attribute that only a third-party base can have; empty for bases that give nothing."""
    return () if owner in _BARE_BASES else (ExternalValue(canonical(f"{owner}.{name}"), receiver),)


# --- calls


def called(callee: ExternalValue, first: Values, origin: tuple[Code, int] | None) -> Values:
    """What calling a third-party function, method or class gives; ``first``: what its first argument may be."""
    receiver = callee.receiver
    owner, _, name = callee.name.rpartition(".")
    method = drivers.method(owner, name) if receiver is not None else drivers.FUNCTIONS.get(callee.name)
    if method is not None:
        return _given(method, receiver, first, origin)
    if name in drivers.MONGO_ONLY_ACCESS:
        return (ExternalInstance(drivers.MONGO_ONLY_ACCESS[name]),)
    if name in _MODEL_MAKERS and isinstance(receiver, (InstanceValue, ClassValue)):
        return (InstanceValue(receiver.cls),)
    if isinstance(receiver, (DocumentValue, MappingValue)) and name == "copy":
        return (receiver,)
    if isinstance(receiver, SequenceValue) and name in {"copy", "pop"}:
        return (receiver,) if name == "copy" else receiver.items
    returned_class = (
        blocking.returned(callee.name)
        or web.RETURNS.get(callee.name)
        or handoff.LOOPS.get(callee.name)
        or frameworks.LOGGERS.get(callee.name)
    )
    if returned_class is not None:
        return (ExternalInstance(returned_class, origin=origin),)
    if (receiver is None and name[:1].isupper()) or (name in _BUILTIN_CLASSES and not owner):
        return (ExternalInstance(callee.name, origin=origin),)
    return unknown(f"what {callee.name} returns")


# Pydantic's own ways to make an instance of the class they are called on ("Models", both versions).
_MODEL_MAKERS = frozenset(
    {
        "model_copy", "copy", "model_validate", "model_validate_json", "model_construct", "parse_obj", "parse_raw",
        "from_orm", "construct",
    }
)  # fmt: skip
_BUILTIN_CLASSES = frozenset({"str", "int", "float", "bool", "bytes", "dict", "object", "bytearray"})


def called_instance(value: ExternalInstance) -> Values:
    """What calling an instance gives, where the tables know it: a ``sessionmaker`` gives a session."""
    cls = blocking.returned(f"{value.cls}.__call__")
    return unknown(f"what an instance of {value.cls} gives") if cls is None else (ExternalInstance(cls),)


def returned(callee: ExternalValue) -> Values:
    """What calling it gives, whatever the arguments."""
    return called(callee, (), None)


def _given(method: drivers.Method, receiver: Value | None, first: Values, origin: tuple[Code, int] | None) -> Values:
    owner = getattr(receiver, "owner", None)
    if isinstance(getattr(receiver, "cls", None), Class):
        owner = receiver.cls  # type: ignore[union-attr]
    chosen = method.argument("model")
    if chosen is not None:
        owner = next((v.cls for v in first if isinstance(getattr(v, "cls", None), Class)), None)  # type: ignore[union-attr]
    values = _shape(method, owner, receiver, first, origin)
    if method.awaited and not (method.type is not None and _awaitable(method.type)):
        return (CoroutineValue(values),)
    return values


def _awaitable(cls: str) -> bool:
    row = drivers.CLASSES.get(cls)
    return row is not None and row.awaitable


def _shape(
    method: drivers.Method, owner: Class | None, receiver: Value | None, first: Values, origin: tuple[Code, int] | None
) -> Values:
    gives = method.gives
    if method.type is not None and gives not in {"names", "information"}:
        row = drivers.CLASSES.get(method.type)
        if gives == "object" and row is not None and row.kind in {"database", "collection"}:
            if method.argument("name") is None:
                return (receiver,) if isinstance(receiver, ExternalInstance) else (ExternalInstance(method.type),)
            label = first[0] if len(first) == 1 and isinstance(first[0], (LiteralValue, ParameterValue)) else None
            if isinstance(receiver, ExternalInstance):
                label = _child_label(receiver, label)
            return (ExternalInstance(method.type, label, owner),)
        if gives == "object" and owner is not None and row is not None and row.kind == "collection":
            return (ExternalInstance(method.type, owner=owner),)
        return (ExternalInstance(method.type, owner=owner, origin=origin),)
    if gives == "document":
        return (DocumentValue(),)
    if gives == "documents":
        return (SequenceValue((DocumentValue(),)),)
    if gives in {"model", "models"}:
        models: Values = (InstanceValue(owner),) if owner is not None else unknown("a model")
        return models if gives == "model" else (SequenceValue(models),)
    if gives == "nothing":
        return (LiteralValue(None),)
    if gives == "id":
        return (ExternalInstance("bson.ObjectId"),)
    if gives == "number":
        return (ExternalInstance("int"),)
    if gives == "boolean":
        return (ExternalInstance("bool"),)
    return unknown(f"what {method.name} gives")


# --- protocols


def awaited(value: ExternalInstance) -> Values:
    """What awaiting an instance gives: an ODM's query gives its model; a client, itself."""
    row = drivers.CLASSES.get(value.cls)
    if row is not None and row.kind == "query" and row.awaitable:
        return (InstanceValue(value.owner),) if value.owner is not None else unknown("a model")
    return (value,)


def iterated(value: ExternalInstance) -> Values:
    """What iterating over an instance gives: a cursor's documents, a query's models."""
    row = drivers.CLASSES.get(value.cls)
    if row is None or row.yields is None:
        return unknown("an item of a third-party object")
    if row.yields == "document":
        return (DocumentValue(),)
    return (InstanceValue(value.owner),) if value.owner is not None else unknown("a model")


def entered(value: ExternalInstance) -> Values:
    """What ``with`` binds: most context managers give themselves."""
    return (value,)


def handed_functions(name: str, call: Call) -> list[tuple[Expr, str]]:
    """The functions that a call is given to run, each with where it runs them (see ``knowledge.handoff``)."""
    row = handoff.handoff(name)
    if row is None or row.what == "coroutine":
        return []
    found: list[tuple[Expr, str]] = []
    if row.position is not None:
        chosen = call.args[row.position :] if row.rest else call.args[row.position : row.position + 1]
        found = [(argument, row.where) for argument in chosen]
    if row.keyword is not None:
        found += [(keyword.value, row.where) for keyword in call.keywords if keyword.name == row.keyword]
    return found
