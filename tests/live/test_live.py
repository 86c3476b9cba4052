"""The read-only view of a database, the comparison of indexes, and the server's own plans."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from guardrails.live.compare import compare, live_index
from guardrails.live.connection import LiveDatabase, LiveProblem, shown
from guardrails.live.explain import Answer, ask, differs, find_options
from guardrails.program.queries.documents import Optional
from guardrails.program.queries.model import Index, Pattern, Unknown
from guardrails.program.queries.planner import plan
from tests.queries.builder import ANY, index
from tests.queries.builder import ask as query


@pytest.fixture
def database(client: Any) -> Iterator[Any]:
    """An empty database that the test may fill."""
    client.drop_database("shop")
    client.shop.create_collection("users")
    yield client.shop
    client.drop_database("shop")


def live(uri: str, collection: str = "users") -> list[Index]:
    with LiveDatabase(uri, "shop") as opened:
        found = [live_index(collection, listed) for listed in opened.indexes(collection)]
    return [each for each in found if each is not None]


def kinds(declared: list[Index], found: list[Index], **options: bool) -> list[tuple[str, str]]:
    return [(drift.kind, drift.detail) for drift in compare("users", declared, found, **options)]


# Comparing with a server


def test_equal_indexes_do_not_differ_whatever_their_names(uri: str, database: Any) -> None:
    database.users.create_index([("a", 1), ("b", -1)], name="odd", unique=True)
    database.users.create_index("at", expireAfterSeconds=60)
    database.users.create_index("s", sparse=True)
    database.users.create_index("p", partialFilterExpression={"p": {"$gt": 5}})
    declared = [
        index("a", "-b", unique=True, name="even"),
        index("at", expire_after=60),
        index("s", sparse=True),
        index("p", partial={"p": {"$gt": 5}}),
    ]
    assert kinds(declared, live(uri)) == []


def test_a_missing_and_an_extra_index(uri: str, database: Any) -> None:
    database.users.create_index("extra")
    assert kinds([index("wanted")], live(uri)) == [("missing", ""), ("extra", "")]


def test_a_changed_direction(uri: str, database: Any) -> None:
    database.users.create_index([("a", 1), ("b", 1)])
    assert kinds([index("a", "-b")], live(uri)) == [("direction", "declared (a: 1, b: -1), live (a: 1, b: 1)")]


def test_a_changed_order(uri: str, database: Any) -> None:
    database.users.create_index([("b", 1), ("a", 1)])
    assert kinds([index("a", "b")], live(uri)) == [("order", "declared (a: 1, b: 1), live (b: 1, a: 1)")]


def test_changed_options(uri: str, database: Any) -> None:
    database.users.create_index("a")
    database.users.create_index("at", expireAfterSeconds=60)
    database.users.create_index("p", partialFilterExpression={"p": 1})
    declared = [index("a", unique=True), index("at", expire_after=3600), index("p", partial={"p": 2})]
    assert kinds(declared, live(uri)) == [
        ("options", "unique: declared yes, live no"),
        ("options", "expireAfterSeconds: declared 3600, live 60"),
        ("options", "partialFilterExpression differs"),
    ]


def test_nothing_is_written(uri: str, database: Any) -> None:
    database.users.create_index("a")

    def state() -> Any:
        names = database.list_collection_names()
        return {name: list(database[name].list_indexes()) for name in names}, database.users.count_documents({})

    before = state()
    with LiveDatabase(uri, "shop") as opened:
        assert opened.collections() == ("users",)
        opened.indexes("users")
        opened.indexes("nowhere")
        opened.explain("users", {"filter": {"a": 1}})
        opened.explain("nowhere", {"filter": {"a": 1}})
    assert state() == before


def test_the_view_offers_nothing_but_reading() -> None:
    offered = {name for name in vars(LiveDatabase) if not name.startswith("_")}
    assert offered == {"collections", "indexes", "explain"}


# Comparing without one


def test_a_text_index_is_listed_by_weights() -> None:
    listed = {
        "key": {"kind": 1, "_fts": "text", "_ftsx": 1},
        "name": "t",
        "weights": {"title": 1, "body": 1},
    }
    found = live_index("users", listed)
    assert found is not None
    assert kinds([index("kind", "title:text", "body:text")], [found]) == []
    assert kinds([index("title:text")], [found])[0][0] == "missing"


def test_the_index_on_id_is_passed_over() -> None:
    assert live_index("users", {"key": {"_id": 1}, "name": "_id_"}) is None


def test_a_declaration_in_two_places_is_one_index() -> None:
    assert kinds([index("a"), index("a")], [index("a")]) == []


def test_nothing_is_extra_where_declarations_are_unread() -> None:
    assert kinds([], [index("a")], complete=False) == []


def test_unknown_options_are_not_compared() -> None:
    declared = index("a", unique=Unknown(), expire_after=Unknown(), partial={"x": ANY})
    assert kinds([declared], [index("a", unique=True, expire_after=5, partial={"x": 1})]) == []


def test_the_server_fills_in_a_collation() -> None:
    full = {"locale": "en", "strength": 2, "caseLevel": False}
    assert kinds([index("a", collation={"locale": "en"})], [index("a", collation=full)]) == []
    assert kinds([index("a")], [index("a", collation=full)])[0][0] == "options"


# Failures


def test_an_unknown_database_is_named_with_those_that_exist(uri: str, database: Any) -> None:
    with pytest.raises(LiveProblem, match=r"has no database 'nowhere' \(it has: .*shop"):
        LiveDatabase(uri, "nowhere")


def test_a_server_that_does_not_answer() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(LiveProblem, match="does not answer") as caught:
        LiveDatabase(f"mongodb://anna:s3cret@127.0.0.1:{port}", "shop", timeout=0.3)
    assert "s3cret" not in str(caught.value)
    assert "anna" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "mongodb://anna:s3cret@local@host/",
        "mongodb://anna:s3:cret@localhost/",
        "mongodb://anna:s3cret@localhost:port/",
        "postgres://anna:s3cret@localhost/",
        "anna:s3cret",
        "",
    ],
)
def test_a_wrong_uri_is_not_repeated(address: str) -> None:
    with pytest.raises(LiveProblem, match="URI") as caught:
        LiveDatabase(address, "shop")
    assert "s3" not in str(caught.value)
    assert "anna" not in str(caught.value)


def test_a_uri_is_shown_by_its_hosts() -> None:
    assert shown("mongodb+srv://u:p@cluster.example.net/db?x=1") == "mongodb+srv://cluster.example.net"
    assert shown("mongodb://u:p@a:1,b:2") == "mongodb://a:1,b:2"
    assert shown("nonsense") == "the given URI"


# Explaining


def test_the_server_explains_a_shape(uri: str, database: Any) -> None:
    database.users.create_index("a")
    declared = [index("a")]
    with LiveDatabase(uri, "shop") as opened:
        served = ask(opened, query({"a": ANY}))
        scanned = ask(opened, query({"b": ANY}))
        assert ask(opened, query(ANY)) is None
    assert served == Answer(False, ("a_1",))
    assert scanned == Answer(True, ())
    assert not differs(plan(query({"a": ANY}), declared), served)
    assert differs(plan(query({"a": ANY}), []), served)
    assert not differs(plan(query(ANY), []), served)


def test_every_shape_gets_values_that_a_server_takes(uri: str, database: Any) -> None:
    shapes = [
        {"a": ANY, "b": {"$in": ANY}, "c": {"$gt": ANY, "$lt": ANY}, "d": {"$ne": ANY}, "e": Optional(ANY)},
        {"a": {"$regex": Pattern(Unknown())}, "b": {"$exists": ANY}, "c": {"$size": ANY}, "d": {"$all": ANY}},
        {"$or": [{"a": ANY}, {"b": ANY}], "$and": [{"a": ANY}, {"a": {"$gt": 1}}]},
        {"items": {"$elemMatch": {"sku": ANY}}, "n": {"$elemMatch": {"$gt": ANY}}},
        {"loc": {"$geoWithin": ANY}, "$nor": ANY, "$expr": ANY, "t": {"$type": ANY}, "m": {"$mod": ANY}},
        {"n": {"$not": ANY}},
    ]
    with LiveDatabase(uri, "shop") as opened:
        for shape in shapes:
            assert ask(opened, query(shape, sort="a -b")) == Answer(True, ())


def test_what_is_known_is_asked_as_it_is() -> None:
    options = find_options(query({"a": 5, "b": {"$in": [1, 2]}, "c": {"$regex": "^x"}}, sort="-a"))
    assert options == {
        "filter": {"a": {"$eq": 5}, "b": {"$in": [1, 2]}, "c": {"$regex": "^x"}},
        "sort": {"a": -1},
    }
