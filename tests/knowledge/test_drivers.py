"""The model of the MongoDB drivers and ODMs, row by row where a row decides something."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from guardrails.knowledge import drivers
from guardrails.knowledge.aliases import canonical
from guardrails.knowledge.drivers import CLASSES, driver_class, driver_type, method, operation

SYNC, ASYNC, MOTOR = (
    "pymongo.collection.Collection",
    "pymongo.asynchronous.collection.AsyncCollection",
    "motor.motor_asyncio.AsyncIOMotorCollection",
)
METHOD_KINDS = {word for part in get_args(drivers.MethodKind) for word in get_args(part) or (part,)}


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_a_class_is_well_formed(name: str) -> None:
    row = CLASSES[name]
    assert canonical(name) == name
    assert row.kind in get_args(drivers.ClassKind)
    reached = [row.attribute, row.subscript, *row.attributes.values()]
    assert all(other in CLASSES for other in reached if other is not None)
    assert not row.own & set(row.methods)


@pytest.mark.parametrize("owner", sorted(CLASSES))
def test_methods_are_well_formed(owner: str) -> None:
    for name, row in CLASSES[owner].methods.items():
        assert row.name == name
        assert row.kind in METHOD_KINDS, name
        assert row.gives in get_args(drivers.Gives), name
        assert row.type is None or row.type in CLASSES, name
        assert not (row.awaited and not CLASSES[owner].is_async), name
        roles = [argument.role for argument in row.arguments]
        assert len(roles) == len(set(roles)), name
        assert all(re.fullmatch(r"[a-z]+", role) for role in roles), name
        positions = [a.position for a in row.arguments if a.position is not None]
        assert len(positions) == len(set(positions)), name


@pytest.mark.parametrize(
    ("owner", "member", "expected"),
    [
        ("pymongo.MongoClient", "shop", "pymongo.database.Database"),
        ("pymongo.AsyncMongoClient", "shop", "pymongo.asynchronous.database.AsyncDatabase"),
        ("motor.motor_asyncio.AsyncIOMotorClient", "shop", "motor.motor_asyncio.AsyncIOMotorDatabase"),
        ("pymongo.database.Database", "users", SYNC),
        ("pymongo.database.Database", "client", "pymongo.MongoClient"),
        (SYNC, "archive", SYNC),
        (SYNC, "database", "pymongo.database.Database"),
        ("motor.motor_asyncio.AsyncIOMotorDatabase", "delegate", "pymongo.database.Database"),
        ("odmantic.AIOEngine", "client", "motor.motor_asyncio.AsyncIOMotorClient"),
        # What the class really has is no database and no collection.
        ("pymongo.MongoClient", "address", None),
        ("pymongo.MongoClient", "close", None),
        ("pymongo.database.Database", "name", None),
        (SYNC, "full_name", None),
        (SYNC, "_private", None),
        ("pymongo.cursor.Cursor", "anything", None),
    ],
)
def test_attributes_lead_to_databases_and_collections(owner: str, member: str, expected: str | None) -> None:
    assert CLASSES[owner].member(member) == expected


def test_subscripts_lead_to_databases_and_collections() -> None:
    client = CLASSES["pymongo.AsyncMongoClient"]
    assert client.subscript is not None
    database = CLASSES[client.subscript]
    assert database.kind == "database"
    assert database.subscript == ASYNC


@pytest.mark.parametrize(
    ("owner", "name", "kind", "awaited"),
    [
        (SYNC, "find_one", "read", False),
        (ASYNC, "find_one", "read", True),
        (MOTOR, "find_one", "read", True),
        # find never has to be awaited, aggregate only with PyMongo's own asynchronous driver.
        (SYNC, "find", "read", False),
        (ASYNC, "find", "read", False),
        (MOTOR, "find", "read", False),
        (ASYNC, "aggregate", "aggregate", True),
        (MOTOR, "aggregate", "aggregate", False),
        (ASYNC, "list_indexes", "index", True),
        (MOTOR, "list_indexes", "index", False),
        (ASYNC, "watch", "watch", True),
        (MOTOR, "watch", "watch", False),
        (MOTOR, "insert_many", "write", True),
        (MOTOR, "create_index", "index", True),
        (MOTOR, "bulk_write", "bulk", True),
        ("motor.motor_asyncio.AsyncIOMotorDatabase", "command", "command", True),
        ("motor.motor_asyncio.AsyncIOMotorDatabase", "create_collection", "command", True),
        ("motor.motor_asyncio.AsyncIOMotorClient", "list_database_names", "command", True),
        ("motor.motor_asyncio.AsyncIOMotorGridFSBucket", "upload_from_stream", "write", True),
        ("motor.motor_asyncio.AsyncIOMotorGridFSBucket", "open_upload_stream", "write", False),
        ("gridfs.GridFS", "put", "write", False),
        ("gridfs.AsyncGridFS", "put", "write", True),
        ("beanie.Document", "find", "read", False),
        ("beanie.Document", "find_one", "read", True),
        ("beanie.Document", "get", "read", True),
        ("beanie.Document", "insert", "write", True),
        ("beanie.Document", "save", "write", True),
        ("beanie.Document", "aggregate", "aggregate", False),
        ("beanie.odm.queries.find.FindMany", "update", "write", True),
        ("beanie.odm.queries.find.FindMany", "count", "count", True),
        ("beanie.Link", "fetch", "read", True),
        ("odmantic.AIOEngine", "find", "read", False),
        ("odmantic.AIOEngine", "find_one", "read", True),
        ("odmantic.SyncEngine", "find_one", "read", False),
        ("odmantic.session.AIOTransaction", "save", "write", True),
        ("mongoengine.Document", "save", "write", False),
        ("mongoengine.Document", "objects", "read", False),
        ("mongoengine.QuerySet", "get", "read", False),
        ("mongoengine.QuerySet", "delete", "write", False),
    ],
)
def test_an_operation_has_its_kind_and_says_whether_to_await(owner: str, name: str, kind: str, awaited: bool) -> None:
    row = operation(owner, name)
    assert row is not None
    assert (row.kind, row.awaited) == (kind, awaited)


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        ("pymongo.MongoClient", "start_session"),
        ("pymongo.MongoClient", "server_info"),
        ("pymongo.MongoClient", "close"),
        ("pymongo.MongoClient", "get_database"),
        ("pymongo.client_session.ClientSession", "start_transaction"),
        ("pymongo.database.Database", "get_collection"),
        ("pymongo.database.Database", "with_options"),
        ("pymongo.cursor.Cursor", "sort"),
        ("pymongo.cursor.Cursor", "to_list"),
        ("pymongo.cursor.Cursor", "distinct"),
        ("beanie.Document", "get_motor_collection"),
        ("beanie.Document", "model_dump"),
        ("beanie.odm.queries.find.FindMany", "to_list"),
        ("odmantic.AIOEngine", "get_collection"),
        ("odmantic.AIOEngine", "session"),
        ("mongoengine.QuerySet", "filter"),
        ("mongoengine.QuerySet", "first"),
        ("app.repositories.UserRepository", "find_one"),
    ],
)
def test_other_members_are_no_operations(owner: str, name: str) -> None:
    assert operation(owner, name) is None


@pytest.mark.parametrize(
    ("owner", "name", "gives", "type_name"),
    [
        (SYNC, "find_one", "document", None),
        (SYNC, "find", "cursor", "pymongo.cursor.Cursor"),
        (MOTOR, "find", "cursor", "motor.motor_asyncio.AsyncIOMotorCursor"),
        (MOTOR, "aggregate", "cursor", "motor.motor_asyncio.AsyncIOMotorCommandCursor"),
        (ASYNC, "insert_one", "result", "pymongo.results.InsertOneResult"),
        (ASYNC, "count_documents", "number", None),
        (ASYNC, "distinct", "values", None),
        ("pymongo.cursor.Cursor", "sort", "cursor", "pymongo.cursor.Cursor"),
        ("pymongo.cursor.Cursor", "to_list", "documents", None),
        ("motor.motor_asyncio.AsyncIOMotorCursor", "to_list", "documents", None),
        ("pymongo.MongoClient", "get_default_database", "object", "pymongo.database.Database"),
        ("pymongo.MongoClient", "start_session", "object", "pymongo.client_session.ClientSession"),
        ("pymongo.database.Database", "create_collection", "object", SYNC),
        ("beanie.Document", "find", "query", "beanie.odm.queries.find.FindMany"),
        ("beanie.Document", "find_one", "model", "beanie.odm.queries.find.FindOne"),
        ("beanie.Document", "get_motor_collection", "object", MOTOR),
        ("beanie.Document", "get_pymongo_collection", "object", ASYNC),
        ("beanie.odm.queries.find.FindMany", "to_list", "models", None),
        ("odmantic.AIOEngine", "get_collection", "object", MOTOR),
        ("mongoengine.Document", "objects", "query", "mongoengine.QuerySet"),
        ("mongoengine.Document", "_get_collection", "object", SYNC),
        ("mongoengine.QuerySet", "__call__", "query", "mongoengine.QuerySet"),
    ],
)
def test_a_call_gives_what_the_library_says(owner: str, name: str, gives: str, type_name: str | None) -> None:
    row = method(owner, name)
    assert row is not None
    assert (row.gives, row.type) == (gives, type_name)


@pytest.mark.parametrize(
    ("owner", "name", "role", "position", "keyword"),
    [
        (SYNC, "find", "filter", 0, "filter"),
        (SYNC, "find", "projection", 1, "projection"),
        (SYNC, "find", "sort", 6, "sort"),
        (SYNC, "update_one", "update", 1, "update"),
        (SYNC, "find_one_and_update", "sort", 3, "sort"),
        (SYNC, "find_one_and_delete", "sort", 2, "sort"),
        (SYNC, "aggregate", "pipeline", 0, "pipeline"),
        (SYNC, "aggregate", "hint", None, "hint"),
        (SYNC, "distinct", "filter", 1, "filter"),
        (SYNC, "create_index", "keys", 0, "keys"),
        (SYNC, "bulk_write", "requests", 0, "requests"),
        ("pymongo.MongoClient", "bulk_write", "requests", 0, "models"),
        ("pymongo.cursor.Cursor", "sort", "sort", 0, "key_or_list"),
        ("pymongo.cursor.Cursor", "sort", "direction", 1, "direction"),
        ("odmantic.AIOEngine", "find", "sort", None, "sort"),
        ("beanie.Document", "find", "projection", None, "projection_model"),
        ("beanie.Document", "get", "id", 0, "document_id"),
    ],
)
def test_an_argument_stands_where_the_signature_has_it(
    owner: str, name: str, role: str, position: int | None, keyword: str
) -> None:
    row = method(owner, name)
    assert row is not None
    argument = row.argument(role)
    assert argument is not None
    assert (argument.position, argument.keyword, argument.rest) == (position, keyword, False)
    assert row.argument("nonsense") is None


def test_odm_filters_take_all_positional_arguments_from_theirs_on() -> None:
    beanie, odmantic, engine = (
        method(owner, name)
        for owner, name in (
            ("beanie.Document", "find"),
            ("odmantic.AIOEngine", "find"),
            ("mongoengine.QuerySet", "filter"),
        )
    )
    assert beanie is not None
    assert odmantic is not None
    assert engine is not None
    assert beanie.argument("filter") == drivers.Argument("filter", 0, None, rest=True)
    assert odmantic.argument("filter") == drivers.Argument("filter", 1, None, rest=True)
    assert engine.argument("lookups") == drivers.Argument("lookups", None, "**")


def test_asynchronous_drivers_have_what_the_synchronous_one_has() -> None:
    assert set(CLASSES[SYNC].methods) == set(CLASSES[ASYNC].methods) == set(CLASSES[MOTOR].methods)
    assert [CLASSES[name].is_async for name in (SYNC, ASYNC, MOTOR)] == [False, True, True]


def test_mongo_only_methods_are_operations_that_no_ordinary_class_has() -> None:
    only = drivers.MONGO_ONLY_METHODS
    assert {"insert_one", "find_one_and_update", "count_documents", "delete_many", "bulk_write"} <= set(only)
    assert not {
        "aggregate",
        "count",
        "create",
        "create_index",
        "create_indexes",
        "delete",
        "distinct",
        "drop",
        "find",
        "find_one",
        "get",
        "insert",
        "options",
        "remove",
        "rename",
        "save",
        "update",
        "watch",
    } & set(only)
    assert all(row.kind in drivers.OPERATION_KINDS for row in only.values())


def test_signatures_may_show_values_but_no_driver_types() -> None:
    for name in ("pymongo.results.InsertOneResult", "pymongo.cursor.Cursor", SYNC, "pymongo.UpdateOne"):
        assert driver_type(name)
    for name in ("bson.ObjectId", "beanie.PydanticObjectId", "beanie.Document", "beanie.Link", "dict"):
        assert not driver_type(name)
    assert not drivers.BSON_VALUES & set(CLASSES)
    assert not drivers.BSON_VALUES & drivers.BSON_DOCUMENTS
    assert drivers.OBJECT_IDS <= drivers.BSON_VALUES


def test_clients_and_documents_are_found_by_kind() -> None:
    clients = {row.name: row.is_async for row in CLASSES.values() if row.kind == "client"}
    assert clients == {
        "pymongo.MongoClient": False,
        "pymongo.AsyncMongoClient": True,
        "motor.motor_asyncio.AsyncIOMotorClient": True,
    }
    documents = {row.name for row in CLASSES.values() if row.kind == "document"}
    assert {"beanie.Document", "odmantic.Model", "mongoengine.Document"} <= documents
    assert driver_class("beanie.Document") is CLASSES["beanie.Document"]
    assert driver_class("app.models.User") is None


def test_functions_of_the_odms_are_canonical_and_lead_to_known_classes() -> None:
    for name, row in drivers.FUNCTIONS.items():
        assert canonical(name) == name
        assert row.type is None or row.type in CLASSES
    assert set(drivers.FUNCTIONS) >= drivers.CONNECTORS
    assert all(name in CLASSES for name in drivers.MONGO_ONLY_ACCESS.values())
