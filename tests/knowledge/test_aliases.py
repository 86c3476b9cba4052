"""The table of aliases: every row ends at a fixed point, and the rows the tool leans on hold."""

from __future__ import annotations

import pytest

from guardrails.knowledge.aliases import ALIASES, canonical


@pytest.mark.parametrize(
    ("dotted", "expected"),
    [
        # PyMongo: one name for the public, the old and the private module.
        ("pymongo.MongoClient", "pymongo.MongoClient"),
        ("pymongo.mongo_client.MongoClient", "pymongo.MongoClient"),
        ("pymongo.synchronous.mongo_client.MongoClient", "pymongo.MongoClient"),
        ("pymongo.asynchronous.mongo_client.AsyncMongoClient", "pymongo.AsyncMongoClient"),
        ("pymongo.synchronous.collection.Collection", "pymongo.collection.Collection"),
        ("pymongo.database.Collection", "pymongo.collection.Collection"),
        ("pymongo.operations.UpdateOne", "pymongo.UpdateOne"),
        ("bson.objectid.ObjectId", "bson.ObjectId"),
        ("gridfs.synchronous.grid_file.GridFSBucket", "gridfs.GridFSBucket"),
        ("gridfs.asynchronous.grid_file.AsyncGridFSBucket", "gridfs.AsyncGridFSBucket"),
        ("motor.core.AgnosticCollection", "motor.motor_asyncio.AsyncIOMotorCollection"),
        ("motor.motor_tornado.MotorClient", "motor.motor_asyncio.AsyncIOMotorClient"),
        ("beanie.odm.documents.Document", "beanie.Document"),
        ("odmantic.engine.AIOEngine", "odmantic.AIOEngine"),
        ("mongoengine.document.Document", "mongoengine.Document"),
        ("mongoengine.fields.StringField", "mongoengine.StringField"),
        # FastAPI hands out Starlette's objects; its own keep their name.
        ("fastapi.Request", "starlette.requests.Request"),
        ("fastapi.requests.Request", "starlette.requests.Request"),
        ("fastapi.responses.JSONResponse", "starlette.responses.JSONResponse"),
        ("fastapi.responses.ORJSONResponse", "fastapi.responses.ORJSONResponse"),
        ("fastapi.middleware.cors.CORSMiddleware", "starlette.middleware.cors.CORSMiddleware"),
        ("fastapi.concurrency.run_in_threadpool", "starlette.concurrency.run_in_threadpool"),
        ("fastapi.exceptions.HTTPException", "fastapi.HTTPException"),
        ("starlette.exceptions.HTTPException", "starlette.exceptions.HTTPException"),
        ("fastapi.params.Depends", "fastapi.Depends"),
        ("fastapi.routing.APIRouter", "fastapi.APIRouter"),
        ("starlette.status.HTTP_404_NOT_FOUND", "fastapi.status.HTTP_404_NOT_FOUND"),
        ("pydantic.main.BaseModel", "pydantic.BaseModel"),
        # What follows the known name stays.
        ("requests.sessions.Session.get", "requests.Session.get"),
        ("pymongo.synchronous.collection.Collection.find_one", "pymongo.collection.Collection.find_one"),
        # The standard library.
        ("builtins.open", "open"),
        ("io.open", "open"),
        ("posixpath.exists", "os.path.exists"),
        ("pathlib._local.Path.read_text", "pathlib.Path.read_text"),
        ("asyncio.tasks.create_task", "asyncio.create_task"),
        ("concurrent.futures.thread.ThreadPoolExecutor", "concurrent.futures.ThreadPoolExecutor"),
        ("typing.List", "list"),
        ("typing_extensions.Annotated", "typing.Annotated"),
        ("typing_extensions.Awaitable", "collections.abc.Awaitable"),
    ],
)
def test_each_name_has_one_canonical_name(dotted: str, expected: str) -> None:
    assert canonical(dotted) == expected


@pytest.mark.parametrize(
    "dotted",
    [
        "app.pymongo.MongoClient",
        "pymongo_extras.MongoClient",
        "pymongo.mongo_clients.MongoClient",
        "redis.asyncio.Redis",
        "httpx.AsyncClient",
        "myapp.fastapi.Request",
        "open",
        "",
    ],
)
def test_other_names_stay_as_they_are(dotted: str) -> None:
    assert canonical(dotted) == dotted


def test_every_row_ends_at_a_name_that_is_canonical() -> None:
    for alias in ALIASES:
        name = canonical(alias)
        assert canonical(name) == name, alias
        assert canonical(f"{alias}.member") == canonical(f"{name}.member"), alias
        assert all(part.isidentifier() for part in f"{alias}.{name}".split(".")), alias


def test_synchronous_and_asynchronous_twins_stay_apart() -> None:
    assert canonical("redis.client.Redis") == "redis.Redis"
    assert canonical("redis.asyncio.client.Redis") == "redis.asyncio.Redis"
    assert canonical("openai.Client") == "openai.OpenAI"
    assert canonical("openai.AsyncClient") == "openai.AsyncOpenAI"
