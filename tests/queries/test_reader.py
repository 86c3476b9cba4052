"""Queries are read from code: filters through variables, helpers, merges, ODM expressions and generic repositories."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

import pytest

from guardrails.program.queries.documents import shape
from guardrails.program.queries.model import Query, Unknown
from tests.queries.program import program_of

HEAD = """\
import re
from enum import Enum
from pymongo import ASCENDING, DESCENDING, DeleteOne, InsertOne, UpdateOne
from pymongo.asynchronous.database import AsyncDatabase

ACTIVE = {"active": True}
NAME = "name"


class State(str, Enum):
    OPEN = "open"


def owned(owner, city=None):
    query = {"owner": owner}
    if city:
        query["city"] = city
    return query


def add_tenant(query, tenant):
    query["tenant"] = tenant


async def ask(db: AsyncDatabase, a, b, flag: bool, state: State, ids: list, extra: dict):
"""


def queries(folder: Path, source: str, path: str = "app/main.py") -> list[Query]:
    """The queries of one module."""
    return list(program_of(folder, {path: source}).indexing.queries)


def shapes(folder: Path, body: str) -> list[str]:
    """What a function's statements ask: collection and shape, in order."""
    found = queries(folder, HEAD + indent(dedent(body), "    "))
    return [f"{query.collection if isinstance(query.collection, str) else '?'} {shape(query)}" for query in found]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        # Where the filter stands
        ('await db.users.find_one({"a": a})', "users {a: =}"),
        ('await db["users"].find_one(filter={"a": a})', "users {a: =}"),
        ('await db.get_collection("users").count_documents({"a": a})', "users {a: =}"),
        ('await db.users.update_one({"a": a}, {"$set": {"b": b}}, upsert=True)', "users {a: =}"),
        ('await db.users.delete_many({"a": {"$lt": a}})', "users {a: range}"),
        ('await db.users.find_one_and_update({"a": a}, {"$set": {"b": b}})', "users {a: =}"),
        ('await db.users.distinct("b", {"a": a})', "users {a: =}"),
        ('await db.users.find_one("an id")', "users {_id: =}"),
        # Variables
        ('query = {"a": a}\nawait db.users.find_one(query)', "users {a: =}"),
        ('query = {"a": a}\nquery["b"] = b\nawait db.users.find_one(query)', "users {a: =, b: =}"),
        ('query = {"a": a}\nquery.update({"b": b})\nawait db.users.find_one(query)', "users {a: =, b: =}"),
        ('query = {"a": a}\nquery.update(b=b)\nawait db.users.find_one(query)', "users {a: =, b: =}"),
        ('query = {"a": a}\nquery |= {"b": b}\nawait db.users.find_one(query)', "users {a: =, b: =}"),
        ('query = {"a": a}\nquery.setdefault("b", b)\nawait db.users.find_one(query)', "users {a: =, b: =}"),
        ('query = {"a": a, "b": b}\nquery.pop("b")\nawait db.users.find_one(query)', "users {a: =}"),
        ("query = dict(a=a)\nawait db.users.find_one(query)", "users {a: =}"),
        ('first = {"a": a}\nsecond = first.copy()\nawait db.users.find_one(second)', "users {a: =}"),
        ('collection = db["users"]\nawait collection.find_one({"a": a})', "users {a: =}"),
        (
            'query = {}\nquery["age"] = {}\nquery["age"]["$gte"] = a\nawait db.users.find_one(query)',
            "users {age: range}",
        ),
        # After the read, or on another way, nothing counts
        ('query = {"a": a}\nawait db.users.find_one(query)\nquery["b"] = b', "users {a: =}"),
        ('query = {"a": a}\nif b:\n    query["b"] = b\n    return\nawait db.users.find_one(query)', "users {a: =}"),
        # Merges
        ('await db.users.find_one({**ACTIVE, "a": a})', "users {active: =, a: =}"),
        ('await db.users.find_one(ACTIVE | {"a": a})', "users {active: =, a: =}"),
        ('await db.users.find_one({"a": a, **({"b": b} if flag else {})})', "users {a: =, b: =?}"),
        # Conditional additions
        ('query = {"a": a}\nif b:\n    query["b"] = b\nawait db.users.find_one(query)', "users {a: =, b: =?}"),
        (
            'query = {}\nif a:\n    query["a"] = a\nelse:\n    query["b"] = b\nawait db.users.find_one(query)',
            "users {a: =?, b: =?}",
        ),
        (
            'query = {}\nif a:\n    query.setdefault("$and", []).append({"a": a})\nawait db.users.find_one(query)',
            "users {a: =?}",
        ),
        # Helpers
        ("await db.users.find_one(owned(a))", "users {owner: =, city: =?}"),
        ('query = {"a": a}\nadd_tenant(query, b)\nawait db.users.find_one(query)', "users {a: =, tenant: =}"),
        # Keys
        ("await db.users.find_one({NAME: a})", "users {name: =}"),
        ('await db.users.find_one({f"{NAME}.first": a})', "users {name.first: =}"),
        ('for field in ("x", "y"):\n    await db.users.find_one({field: a})', "users {x: =}"),
        # Lists
        ('await db.users.find_one({"$or": [{f: a} for f in ("x", "y")]})', "users {or({x: =} | {y: =})}"),
        ('parts = [{"a": a}]\nparts.append({"b": b})\nawait db.users.find_one({"$and": parts})', "users {a: =, b: =}"),
        # Sorts
        ('await db.users.find({}).sort("a", DESCENDING).to_list()', "users {} sort (a: -1)"),
        ('await db.users.find({}).sort([("a", ASCENDING), ("b", -1)]).to_list()', "users {} sort (a: 1, b: -1)"),
        ('await db.users.find({"a": a}, sort={"b": -1}).to_list()', "users {a: =} sort (b: -1)"),
        ('await db.users.find({"a": a}).sort(b).to_list()', "users {a: =} sort ?"),
        ('await db.users.find({"a": a}).sort("b", extra).to_list()', "users {a: =} sort (b: ?)"),
        (
            'cursor = db.users.find({"a": a})\nif flag:\n    cursor = cursor.sort("b")\nawait cursor.to_list()',
            "users {a: =} sort (b: 1)",
        ),
        # Pipelines
        (
            'stages = [{"$match": {"a": a}}]\nstages.append({"$sort": {"b": -1}})\nawait db.users.aggregate(stages)',
            "users {a: =} sort (b: -1)",
        ),
        # Requests
        ('await db.users.bulk_write([UpdateOne({"a": a}, {"$set": {"b": b}})])', "users {a: =}"),
        ('await db.users.bulk_write([DeleteOne({"_id": i}) for i in ids])', "users {_id: =}"),
    ],
)
def test_filters_are_followed(body: str, expected: str, tmp_path: Path) -> None:
    assert shapes(tmp_path, body)[0] == expected


@pytest.mark.parametrize(
    "body",
    [
        "await db.users.find_one(extra)",
        'await db.users.find_one({"a": a, **extra})',
        "await db.users.find_one({a: b})",
        'await db.users.find_one({"$or": ids})',
        'query = {"a": a}\nfor key in extra:\n    query[key] = extra[key]\nawait db.users.find_one(query)',
        'query = {"a": a}\ndel query["a"]\nawait db.users.find_one(query)',
        "await db.users.aggregate(ids)",
    ],
)
def test_what_cannot_be_read_is_unknown(body: str, tmp_path: Path) -> None:
    (query,) = queries(tmp_path, HEAD + indent(body, "    "))
    assert "unknown" in shape(query)


def test_alternatives_are_queries_of_their_own(tmp_path: Path) -> None:
    body = 'query = {"a": a} if flag else {"b": b}\nawait db.users.find_one(query)'
    assert shapes(tmp_path, body) == ["users {a: =}", "users {b: =}"]


def test_an_empty_default_is_no_alternative(tmp_path: Path) -> None:
    source = """
    from pymongo.asynchronous.database import AsyncDatabase


    async def find(db: AsyncDatabase, query: dict | None = None):
        if query is None:
            query = {}
        return await db.users.find(query).to_list()


    async def use(db: AsyncDatabase, a):
        await find(db, {"a": a})
    """
    found = queries(tmp_path, dedent(source))
    assert [shape(query) for query in found] == ["{a: =}"]


def test_inserts_and_reads_of_everything_are_no_queries(tmp_path: Path) -> None:
    body = """
    await db.users.insert_one({"a": a})
    await db.users.find().to_list()
    await db.users.bulk_write([InsertOne({})])
    """
    assert shapes(tmp_path, body) == []


def test_patterns_are_read_as_far_as_they_are_known(tmp_path: Path) -> None:
    body = """
    await db.users.find_one({"a": {"$regex": f"^{re.escape(a)}"}})
    await db.users.find_one({"b": re.compile("^x", re.I)})
    await db.users.find_one({"c": {"$regex": a, "$options": "i"}})
    await db.users.find_one({"d": {"$regex": ".*" + a}})
    """
    found = queries(tmp_path, HEAD + indent(dedent(body), "    "))
    selective = [query.filter.value.selective for query in found]  # type: ignore[union-attr]
    assert selective == [True, False, None, False]


def test_flags_and_small_enumerations_take_few_values(tmp_path: Path) -> None:
    body = """
    await db.users.find_one({"a": flag})
    await db.users.find_one({"b": state})
    await db.users.find_one({"c": State.OPEN})
    await db.users.find_one({"d": State.OPEN.value})
    await db.users.find_one({"e": a})
    """
    found = queries(tmp_path, HEAD + indent(dedent(body), "    "))
    assert [query.filter.few for query in found] == [True, True, True, True, False]  # type: ignore[union-attr]


def test_hints_and_collations_are_read(tmp_path: Path) -> None:
    body = """
    await db.users.find({"a": a}, collation={"locale": "en"}).hint("a_1").to_list()
    await db.users.find_one({"b": a}, hint=[("b", 1)])
    """
    first, second = queries(tmp_path, HEAD + indent(dedent(body), "    "))
    assert (first.hint, first.collation) == ("a_1", (("locale", "en"),))
    assert str(second.hint) == "(IndexKey(path='b', kind=1),)"


def test_limits_and_projections_are_read(tmp_path: Path) -> None:
    body = """
    await db.users.find({"a": a}, {"b": 1, "c": 0}).limit(5).to_list()
    await db.users.find({"a": a}, projection=["b", "c"], limit=len(ids)).to_list()
    """
    first, second = queries(tmp_path, HEAD + indent(dedent(body), "    "))
    assert (first.limit, first.projection) == (5, ("b",))
    assert isinstance(second.limit, Unknown)
    assert second.projection == ("b", "c")


# Object-document mappers


def test_beanie(tmp_path: Path) -> None:
    source = """
    from beanie import Document, PydanticObjectId, View
    from beanie.operators import In, Or, RegEx, Text


    class User(Document):
        email: str
        age: int

        class Settings:
            name = "users"


    class Ages(View):
        age: int

        class Settings:
            source = User


    async def ask(email, ids, age: int):
        await User.find(User.email == email, User.age > age).sort(-User.age, "email").to_list()
        await User.find_one(Or(User.email == email, In(User.id, ids)))
        await User.find(RegEx(User.email, "^x"), {"age": age}).count()
        await User.find({"email": email}).delete()
        await User.find(Text("x")).to_list()
        await User.get(email)
        await User.aggregate([{"$match": {"age": age}}]).to_list()
        await Ages.find(Ages.age == age).to_list()
        await User.find_all().sort("-age").to_list()
    """
    found = queries(tmp_path, dedent(source))
    assert [(query.collection if isinstance(query.collection, str) else "?", shape(query)) for query in found] == [
        ("users", "{email: =, age: range} sort (age: -1, email: 1)"),
        ("users", "{or({email: =} | {_id: in})}"),
        ("users", "{email: regex, age: =}"),
        ("users", "{email: =}"),
        ("users", "{$text}"),
        ("users", "{_id: =}"),
        ("users", "{age: =}"),
        ("?", "{age: =}"),
        ("users", "{} sort (age: -1)"),
    ]


def test_odmantic(tmp_path: Path) -> None:
    source = """
    from odmantic import AIOEngine, Field, Model
    from odmantic.query import desc


    class Book(Model):
        title: str
        number: str = Field(key_name="isbn")


    async def ask(engine: AIOEngine, a, b):
        await engine.find(Book, (Book.title == a) | (Book.number == b), sort=desc(Book.title))
        await engine.find_one(Book, Book.title.in_([a]), {"x": b})
        await engine.count(Book, Book.id == a)
    """
    found = queries(tmp_path, dedent(source))
    assert [f"{query.collection} {shape(query)}" for query in found] == [
        "book {or({title: =} | {isbn: =})} sort (title: -1)",
        "book {title: in, x: =}",
        "book {_id: =}",
    ]


def test_mongoengine(tmp_path: Path) -> None:
    source = """
    from mongoengine import Document, IntField, Q, StringField


    class Person(Document):
        email = StringField()
        first = StringField(db_field="fn")
        age = IntField()
        meta = {"collection": "people"}


    def ask(a):
        Person.objects(email=a, age__gte=5).order_by("-age").first()
        Person.objects.filter(first__startswith=a)
        Person.objects.get(id=a)
        Person.objects(Q(age=1) | Q(email=a)).count()
        Person.objects(age__ne=a)
    """
    found = queries(tmp_path, dedent(source))
    assert [f"{query.collection} {shape(query)}" for query in found] == [
        "people {email: =, age: range} sort (age: -1)",
        "people {fn: regex}",
        "people {_id: =}",
        "people {or({age: =} | {email: =})}",
        "people {age: ne}",
    ]


# Where a query stands


def test_a_query_stands_at_the_start_of_its_chain(tmp_path: Path) -> None:
    (query,) = queries(tmp_path, HEAD + '    await db.users.find({"a": a}).sort("b").to_list()\n')
    assert query.place is not None
    assert (query.place.line, query.place.column, query.symbol) == (HEAD.count("\n") + 1, 10, "app.main.ask")


def test_a_filter_that_is_handed_in_stands_at_the_call(tmp_path: Path) -> None:
    source = """\
    from pymongo.asynchronous.database import AsyncDatabase


    class Repository:
        def __init__(self, db: AsyncDatabase):
            self.users = db["users"]

        async def one(self, query):
            return await self.users.find_one({**query, "deleted": False})

        async def by_email(self, email):
            return await self.one({"email": email})


    async def use(repository: Repository, name):
        await repository.one({"name": name})
        await repository.by_email(name)
        await repository.by_email("another")
    """
    found = queries(tmp_path, dedent(source))
    assert [(query.place.line, shape(query)) for query in found if query.place] == [
        (12, "{email: =, deleted: =}"),
        (16, "{name: =, deleted: =}"),
    ]


def test_a_handed_in_sort_is_read_at_the_call(tmp_path: Path) -> None:
    source = """\
    from pymongo.asynchronous.database import AsyncDatabase


    async def page(db: AsyncDatabase, query, order):
        return await db.users.find(query).sort(order).to_list()


    async def use(db: AsyncDatabase, a):
        await page(db, {"a": a}, [("b", -1)])
    """
    found = queries(tmp_path, dedent(source))
    assert [shape(query) for query in found] == ["{a: =} sort (b: -1)"]


def test_a_sort_of_several_forms_is_judged_only_where_they_agree(tmp_path: Path) -> None:
    source = """
    from pymongo.asynchronous.database import AsyncDatabase


    async def prepare(db: AsyncDatabase):
        await db.users.create_index([("a", 1), ("b", 1)])


    async def ask(db: AsyncDatabase, a, flag):
        await db.users.find({"a": a}).sort([("b", 1)] if flag else [("b", 1), ("_id", 1)]).to_list()
        await db.users.find({"a": a}).sort([("c", 1)] if flag else [("d", 1)]).to_list()
    """
    indexing = program_of(tmp_path, {"app/main.py": dedent(source)}).indexing
    assert [shape(query) for query in indexing.queries] == [
        "{a: =} sort (b: 1)",
        "{a: =} sort (b: 1, _id: 1)",
        "{a: =} sort (c: 1)",
        "{a: =} sort (d: 1)",
    ]
    assert [shape(query) for query in indexing.judged] == ["{a: =} sort ?", "{a: =} sort (c: 1)"]


def test_code_outside_the_application_asks_nothing(tmp_path: Path) -> None:
    source = HEAD + '    await db.users.find({"a": a}).to_list()\n'
    program = program_of(tmp_path, {"app/main.py": "x = 1\n", "tests/test_users.py": source})
    assert program.indexing.queries == ()


def test_a_function_that_hands_the_filter_to_itself_is_not_followed_for_ever(tmp_path: Path) -> None:
    source = """\
    from pymongo.asynchronous.database import AsyncDatabase


    def fill(query, tenants):
        query["tenant"] = tenants.pop()
        fill(query, tenants)


    async def use(db: AsyncDatabase, tenants):
        query = {"a": 1}
        fill(query, tenants)
        await db.users.find_one(query)
    """
    (query,) = queries(tmp_path, dedent(source))
    assert query.filter == Unknown("changed by a function that calls itself")


def test_what_is_read_once_for_all_callers_differs_where_the_callers_do(tmp_path: Path) -> None:
    source = """\
    from pymongo.asynchronous.database import AsyncDatabase


    def base():
        return {"deleted": False}


    def named(field, value):
        return {**base(), field: value}


    def twice(field, value):
        return {"$or": [named(field, value), named("nick", value)]}


    async def use(db: AsyncDatabase, value):
        await db.users.find_one(twice("name", value))
        await db.users.find_one(twice("mail", value))
        for field in ("a", "b"):
            await db.users.find_one(named(field, value))
    """
    found = queries(tmp_path, dedent(source))
    assert [shape(query) for query in found] == [
        "{or({deleted: =, name: =} | {deleted: =, nick: =})}",
        "{or({deleted: =, mail: =} | {deleted: =, nick: =})}",
        "{deleted: =, a: =}",
        "{deleted: =, b: =}",
    ]
