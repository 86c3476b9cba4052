"""The ways in which a repository obtains its collection, restated from ``NamespaceExtractorTest`` of mongodb/intellij.

There the database's name counts too; a collection is known to us by its own name, since an application has one
database. So the case in which only the collection can be told is as good as the others, and so are two databases
with a collection of the same name.
"""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from guardrails.checks.registry import all_checks
from tests.queries.program import program_of

HEAD = """\
from abc import ABC
from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase

"""


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(
            """
            class Repository:
                def __init__(self, client: AsyncMongoClient):
                    self.database = client["db"]
                    self.collection = self.database["coll"]

                async def find(self, x):
                    return await self.collection.find_one({"x": x})
            """,
            id="both stored by the constructor",
        ),
        pytest.param(
            """
            class Repository:
                def __init__(self, database: AsyncDatabase):
                    self.database = database

                @property
                def collection_name(self) -> str:
                    return "coll"

                async def find(self, x):
                    return await self.database[self.collection_name].find_one({"x": x})
            """,
            id="named by a property",
        ),
        pytest.param(
            """
            class Base:
                def __init__(self, database: AsyncDatabase):
                    self.database = database

                @property
                def collection_name(self) -> str:
                    raise NotImplementedError

                async def find(self, x):
                    return await self.database[self.collection_name].find_one({"x": x})

            class Repository(Base):
                @property
                def collection_name(self) -> str:
                    return "coll"

            async def found(client: AsyncMongoClient, x):
                return await Repository(client["db"]).find(x)
            """,
            id="named by a property of the subclass",
        ),
        pytest.param(
            """
            class Repository:
                database: AsyncDatabase
                collection: AsyncCollection

                async def find(self, x):
                    self.collection = self.database["coll"]
                    return await self.collection.find_one({"x": x})
            """,
            id="stored by the method itself",
        ),
        pytest.param(
            """
            class Repository:
                def __init__(self, client: AsyncMongoClient):
                    self.client = client

                def get_collection(self):
                    return self.client["db"]["coll"]

                async def find(self, x):
                    return await self.get_collection().find_one({"x": x})
            """,
            id="a method gives it",
        ),
        pytest.param(
            """
            class Repository:
                def __init__(self, client: AsyncMongoClient):
                    self.client = client

                def get_database(self):
                    return self.client.get_database("db")

                def get_collection(self):
                    return self.get_database().get_collection("coll")

                async def find(self, x):
                    return await self.get_collection().find_one({"x": x})
            """,
            id="methods give both",
        ),
        pytest.param(
            """
            class Repository:
                def get_collection(self, db: AsyncDatabase):
                    return db["coll"]

                async def find(self, client: AsyncMongoClient, x):
                    return await self.get_collection(client["db2"]).find_one({"x": x})
            """,
            id="the database is an argument",
        ),
        pytest.param(
            """
            class Base(ABC):
                def __init__(self, client: AsyncMongoClient, database: str, collection: str):
                    self.client = client
                    self.database = database
                    self.collection = collection

                def get_collection(self):
                    return self.client[self.database][self.collection]


            class Repository(Base):
                DATABASE = "db"
                COLLECTION = "coll"

                def __init__(self, client: AsyncMongoClient):
                    super().__init__(client, self.DATABASE, self.COLLECTION)

                async def find(self, x):
                    return await self.get_collection().find_one({"x": x})
            """,
            id="a base class, constants handed up",
        ),
        pytest.param(
            """
            class Root(ABC):
                def __init__(self, client: AsyncMongoClient, name: str):
                    self.collection = client["db"][name]


            class Base(Root):
                def __init__(self, client: AsyncMongoClient, name: str):
                    super().__init__(client, name)


            class Repository(Base):
                def __init__(self, client: AsyncMongoClient):
                    super().__init__(client, "coll")

                async def find(self, x):
                    return await self.collection.find_one({"x": x})
            """,
            id="two base classes",
        ),
        pytest.param(
            """
            class Base(ABC):
                def __init__(self, client: AsyncMongoClient, name: str):
                    self.collection = client["db"][name].with_options()

                async def find_by(self, x):
                    return await self.collection.find_one({"x": x})


            class Repository(Base):
                NAME = "coll"

                def __init__(self, client: AsyncMongoClient):
                    super().__init__(client, self.NAME)

                async def find(self, x):
                    return await self.find_by(x)


            class Other(Base):
                def __init__(self, client: AsyncMongoClient):
                    super().__init__(client, "another")
            """,
            id="an inherited query, among several subclasses",
        ),
        pytest.param(
            """
            class Thing:
                __collection__ = "coll"


            class Base(ABC):
                def __init__(self, model):
                    self.model = model

                def _collection(self, db: AsyncDatabase):
                    return db[self.model.__collection__]


            class Things(Base):
                async def find(self, db: AsyncDatabase, x):
                    return await self._collection(db).find_one({"x": x})


            things = Things(Thing)
            """,
            id="a model class names it",
        ),
    ],
)
def test_the_collection_is_found(source: str, tmp_path: Path) -> None:
    program = program_of(tmp_path, {"app/main.py": HEAD + dedent(source)})
    assert {query.collection for query in program.indexing.queries} == {"coll"}


def test_each_query_has_its_own_collection(tmp_path: Path) -> None:
    source = """
    class Repository:
        def __init__(self, client: AsyncMongoClient):
            self.client = client

        async def books(self, x):
            movie = await self.client["b"]["movies"].find_one({"x": x})
            return movie, await self.client["a"]["books"].find_one({"x": x})
    """
    program = program_of(tmp_path, {"app/main.py": HEAD + dedent(source)})
    assert [query.collection for query in program.indexing.queries] == ["movies", "books"]


def test_a_finding_about_a_collection_without_a_name_says_so(tmp_path: Path) -> None:
    source = """
    async def find(database: AsyncDatabase, name, x):
        return await database[name].find_one({"x": x, "y": {"$regex": "z"}}) or await database[name].find_one(
            {"y": {"$regex": "z"}}
        )
    """
    program = program_of(tmp_path, {"app/main.py": HEAD + dedent(source)})
    codes = {"GR901", "GR909"}
    found = [finding for check in all_checks() if check.code in codes for finding in check.run(program)]
    assert {finding.code for finding in found} == codes
    shown = str([(f.subject, f.message, f.help, [step.message for step in f.related]) for f in found])
    assert "queries a collection by" in shown
    assert "reason=" not in shown
