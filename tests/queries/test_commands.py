"""``guardrails queries`` and ``guardrails indexes suggest``."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from guardrails.cli import main
from tests.support import Example, project, write

APPLICATION = project(
    {
        "app/main.py": """
        from fastapi import FastAPI

        app = FastAPI()
        """,
        "app/users.py": """
        from pymongo.asynchronous.database import AsyncDatabase


        async def ask(database: AsyncDatabase, email: str, name: str, extra: dict):
            await database.users.find_one({"email": email})
            await database.users.find({"email": email, "name": name}).sort("created_at", -1).to_list()
            await database.users.find(extra).to_list()
            await database.users.find({"$text": {"$search": name}}).to_list()
            await database.orders.find_one({"_id": name})
        """,
    }
)
REGISTRY = """
from pymongo import IndexModel
from pymongo.asynchronous.database import AsyncDatabase

INDEXES = {"users": [IndexModel("email")]}


async def apply(database: AsyncDatabase) -> None:
    for collection, models in INDEXES.items():
        await database[collection].create_indexes(models)
"""


def run(example: Example, folder: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    write(example, folder)
    monkeypatch.chdir(folder)
    outcome = CliRunner().invoke(main, [*arguments, "--no-cache"], catch_exceptions=False)
    assert outcome.exit_code == 0, outcome.output
    return outcome.stdout


def with_registry() -> Example:
    example = Example(files=dict(APPLICATION.files))
    example.add("app/database_indexes.py", REGISTRY)
    return example


def test_queries_shows_collection_shape_index_and_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = run(with_registry(), tmp_path, monkeypatch, "queries", ".")
    assert text.splitlines() == [
        ".",
        "  app/users.py:5  find_one  users  {email: =}",
        "    served by (email: 1)  in app.users.ask",
        "  app/users.py:6  find  users  {email: =, name: =} sort (created_at: -1)",
        "    partly by (email: 1): a prefix only  in app.users.ask",
        "  app/users.py:7  find  users  {unknown (the callers of ask pass extra)}",
        "    unread: the callers of ask pass extra  in app.users.ask",
        "  app/users.py:8  find  users  {$text}",
        "    text  in app.users.ask",
        "  app/users.py:9  find_one  orders  {_id: =}",
        "    served by (_id: 1)  in app.users.ask",
        "  5 queries, 4 read",
        "",
    ]


def test_queries_as_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (application,) = json.loads(run(with_registry(), tmp_path, monkeypatch, "queries", ".", "--format", "json"))
    assert application["queries"][0] == {
        "path": "app/users.py",
        "line": 5,
        "symbol": "app.users.ask",
        "operation": "find_one",
        "collection": "users",
        "shape": "{email: =}",
        "verdict": "served",
        "indexes": ["(email: 1)"],
        "reason": "",
    }


def test_queries_can_be_narrowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = run(with_registry(), tmp_path, monkeypatch, "queries", ".", "--unserved")
    assert "1 query, 1 read" in text
    assert "orders" in run(with_registry(), tmp_path, monkeypatch, "queries", ".", "--collection", "orders")


def test_suggest_prints_a_module_that_declares_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = run(APPLICATION, tmp_path, monkeypatch, "indexes", "suggest", ".")
    ast.parse(text)
    assert '        IndexModel([("email", ASCENDING), ("name", ASCENDING), ("created_at", DESCENDING)]),\n' in text
    assert "        # app/users.py:5 find_one {email: =}\n" in text
    assert "from pymongo import ASCENDING, DESCENDING, IndexModel\n" in text


def test_what_suggest_prints_leaves_nothing_to_suggest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = run(APPLICATION, tmp_path, monkeypatch, "indexes", "suggest", ".")
    (tmp_path / "app" / "database_indexes.py").write_text(text)
    assert run(Example(), tmp_path, monkeypatch, "indexes", "suggest", ".") == ""


def test_suggest_prints_what_an_existing_registry_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = run(with_registry(), tmp_path, monkeypatch, "indexes", "suggest", ".")
    assert text.startswith("# Missing in app/database_indexes.py:\n")
    assert "apply_indexes" not in text


def test_suggest_as_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (application,) = json.loads(run(APPLICATION, tmp_path, monkeypatch, "indexes", "suggest", ".", "--format", "json"))
    (index,) = application["indexes"]
    assert index["keys"] == [["email", 1], ["name", 1], ["created_at", -1]]
    assert [query["line"] for query in index["queries"]] == [5, 6]
