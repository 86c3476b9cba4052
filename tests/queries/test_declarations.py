"""Index declarations are read in every form; what cannot be read whole makes its collection incomplete."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from guardrails.program.queries.documents import show_filter
from guardrails.program.queries.indexing import Indexing
from guardrails.program.queries.model import Index
from tests.queries.program import program_of

HEAD = """\
from dataclasses import dataclass, field
from typing import Annotated

import pymongo
from pymongo import ASCENDING, DESCENDING, GEOSPHERE, HASHED, TEXT, IndexModel
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase

"""


def declared(folder: Path, source: str) -> Indexing:
    """What one module declares."""
    return program_of(folder, {"app/indexes.py": HEAD + dedent(source)}).indexing


def shown(index: Index) -> str:
    """An index in one line, with its options."""
    options = [name for name in ("unique", "sparse") if getattr(index, name) is True]
    if index.expire_after is not None:
        options.append(f"ttl={index.expire_after}")
    if index.partial is not None:
        options.append(f"partial={show_filter(index.partial)}")
    if index.collation is not None:
        options.append(f"collation={index.collation}")
    if isinstance(index.name, str):
        options.append(f"name={index.name}")
    return " ".join([str(index.collection), str(index), *options])


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ('create_index("a")', "users (a: 1)"),
        ('create_index([("a", 1), ("b", DESCENDING)])', "users (a: 1, b: -1)"),
        ('create_index({"a": 1, "b": -1})', "users (a: 1, b: -1)"),
        ('create_index(["a", ("b", -1)])', "users (a: 1, b: -1)"),
        ('create_index(keys=[("a", pymongo.ASCENDING)])', "users (a: 1)"),
        ('create_index("a", unique=True, sparse=True, name="by_a")', "users (a: 1) unique sparse name=by_a"),
        ('create_index("a", expireAfterSeconds=60 * 60)', "users (a: 1)"),
        ('create_index("a", expireAfterSeconds=3600)', "users (a: 1) ttl=3600"),
        ('create_index("a", partialFilterExpression={"b": {"$gt": 1}})', "users (a: 1) partial={b: range}"),
        ('create_index("a", collation={"locale": "en"})', "users (a: 1) collation=(('locale', 'en'),)"),
        ('create_index([("a", TEXT), ("b", "text")])', "users (a: text, b: text)"),
        ('create_index([("a", GEOSPHERE)])', "users (a: 2dsphere)"),
        ('create_index([("a", HASHED)])', "users (a: hashed)"),
        ('create_index("$**")', "users ($**: 1)"),
        ('create_index(IndexModel("a", unique=True))', "users (a: 1) unique"),
        ('create_indexes([IndexModel([("a", 1)], unique=True)])', "users (a: 1) unique"),
    ],
)
def test_calls(call: str, expected: str, tmp_path: Path) -> None:
    source = f"""
    async def apply(db: AsyncDatabase):
        await db.users.{call}
    """
    (index,) = declared(tmp_path, source).indexes
    if "60 * 60" in call:
        assert index.ttl
        return
    assert shown(index) == expected


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(
            """
            INDEXES = {"users": [IndexModel("a"), IndexModel("b")]}

            async def apply(db: AsyncDatabase):
                for name, models in INDEXES.items():
                    await db[name].create_indexes(models)
            """,
            id="a dict of models",
        ),
        pytest.param(
            """
            INDEXES = [("users", "a", {}), ("users", [("b", 1)], {"unique": False})]

            async def apply(db: AsyncDatabase):
                for name, keys, options in INDEXES:
                    await db.get_collection(name).create_index(keys, **options)
            """,
            id="a list of tuples",
        ),
        pytest.param(
            """
            INDEXES = {"users": [{"keys": [("a", 1)]}, {"keys": [("b", 1)], "unique": True}]}

            async def apply(db: AsyncDatabase):
                for name, specs in INDEXES.items():
                    for spec in specs:
                        await db[name].create_index(spec["keys"], unique=spec.get("unique", False))
            """,
            id="dicts of options",
        ),
        pytest.param(
            """
            @dataclass
            class Spec:
                collection: str
                keys: list
                unique: bool = False

            SPECS = [Spec("users", [("a", 1)]), Spec(collection="users", keys=[("b", 1)], unique=True)]

            async def apply(db: AsyncDatabase):
                for spec in SPECS:
                    await db[spec.collection].create_index(spec.keys, unique=spec.unique)
            """,
            id="records",
        ),
        pytest.param(
            """
            USERS = [IndexModel("a"), IndexModel("b")]

            async def create(collection: AsyncCollection, models):
                await collection.create_indexes(models)

            async def apply(db: AsyncDatabase):
                await create(db["users"], USERS)
            """,
            id="a helper",
        ),
        pytest.param(
            """
            async def apply(db: AsyncDatabase):
                for name in ("a", "b"):
                    await db.users.create_index(name)
            """,
            id="a loop over fields",
        ),
    ],
)
def test_registries(source: str, tmp_path: Path) -> None:
    indexing = declared(tmp_path, source)
    assert [str(index) for index in indexing.of("users")] == ["(a: 1)", "(b: 1)"]
    assert indexing.unread == ()


def test_an_index_model_stands_where_it_is_written(tmp_path: Path) -> None:
    source = """
    INDEXES = {"users": [IndexModel("a")]}

    async def apply(db: AsyncDatabase):
        for name, models in INDEXES.items():
            await db[name].create_indexes(models)
    """
    (index,) = declared(tmp_path, source).indexes
    assert index.place is not None
    assert index.place.line == HEAD.count("\n") + 2


def test_beanie(tmp_path: Path) -> None:
    source = """
    from beanie import Document, Indexed

    class User(Document):
        email: Indexed(str, unique=True)
        city: Annotated[str, Indexed(pymongo.DESCENDING)]
        bio: Annotated[str, Indexed(index_type=pymongo.TEXT)]

        class Settings:
            name = "users"
            indexes = ["age", [("age", DESCENDING), ("city", 1)], IndexModel("at", expireAfterSeconds=5)]
    """
    assert [shown(index) for index in declared(tmp_path, source).indexes] == [
        "users (age: 1)",
        "users (age: -1, city: 1)",
        "users (at: 1) ttl=5",
        "users (email: 1) unique",
        "users (city: -1)",
        "users (bio: text)",
    ]


def test_odmantic(tmp_path: Path) -> None:
    source = """
    from odmantic import Field, Index, Model
    from odmantic.query import asc, desc

    class Book(Model):
        title: str = Field(index=True)
        number: str = Field(unique=True, key_name="isbn")
        year: int

        model_config = {
            "collection": "books",
            "indexes": lambda: [Index(Book.title, desc(Book.year), unique=True), IndexModel([("x", 1)])],
        }
    """
    assert [shown(index) for index in declared(tmp_path, source).indexes] == [
        "books (title: 1, year: -1) unique",
        "books (x: 1)",
        "books (title: 1)",
        "books (isbn: 1) unique",
    ]


def test_mongoengine(tmp_path: Path) -> None:
    source = """
    from mongoengine import Document, IntField, StringField

    class Person(Document):
        email = StringField(unique=True)
        first = StringField(db_field="fn", unique_with="last")
        last = StringField()
        age = IntField()
        meta = {
            "collection": "people",
            "indexes": [
                "age",
                ("first", "-age"),
                "#last",
                "$bio",
                {"fields": ["-created"], "expireAfterSeconds": 5, "sparse": True},
            ],
        }
    """
    assert [shown(index) for index in declared(tmp_path, source).indexes] == [
        "people (age: 1)",
        "people (fn: 1, age: -1)",
        "people (last: hashed)",
        "people (bio: text)",
        "people (created: -1) sparse ttl=5",
        "people (email: 1) unique",
        "people (fn: 1, last: 1) unique",
    ]


@pytest.mark.parametrize(
    ("source", "incomplete"),
    [
        ("async def apply(db: AsyncDatabase, field):\n    await db.users.create_index(field)\n", {"users"}),
        (
            "async def apply(db: AsyncDatabase, name):\n    await db[name].create_index('a')\n",
            {"users", "orders"},
        ),
        ("async def apply(db: AsyncDatabase, models):\n    await db.users.create_indexes(models)\n", {"users"}),
    ],
)
def test_what_cannot_be_read_is_not_complete(source: str, incomplete: set[str], tmp_path: Path) -> None:
    indexing = declared(tmp_path, source)
    assert {name for name in ("users", "orders") if not indexing.complete(name)} == incomplete
    assert indexing.declares


def test_options_that_cannot_be_read_are_unknown(tmp_path: Path) -> None:
    source = """
    async def apply(db: AsyncDatabase, options):
        await db.users.create_index("a", **options)
    """
    (index,) = declared(tmp_path, source).indexes
    assert str(index) == "(a: 1)"
    assert index.unique is not True
    assert index.unique is not False


def test_scripts_and_migrations_declare_too(tmp_path: Path) -> None:
    script = HEAD + "async def upgrade(db: AsyncDatabase):\n    await db.users.create_index('a')\n"
    program = program_of(tmp_path, {"app/main.py": "x = 1\n", "migrations/one.py": script})
    assert [shown(index) for index in program.indexing.indexes] == ["users (a: 1)"]
    assert not program.indexing.declares
