"""``guardrails indexes diff``: drift in every format, the exit status, and what it says of failures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from guardrails.cli import main
from guardrails.report import FORMATS
from guardrails.rulebook import pages
from tests.live.server import AVAILABLE
from tests.support import Example, examples, project, write

DATABASE = "diffed"
(PAGE,) = [page for page in pages() if page.code == "GR910"]

APPLICATION = {
    "app/main.py": """
    from contextlib import asynccontextmanager

    from fastapi import FastAPI
    from pymongo import AsyncMongoClient

    from app.database_indexes import apply


    @asynccontextmanager
    async def lifespan(app: FastAPI):
        await apply(AsyncMongoClient()["shop"])
        yield


    app = FastAPI(lifespan=lifespan)
    """,
    "app/database_indexes.py": """
    from pymongo import IndexModel
    from pymongo.asynchronous.database import AsyncDatabase

    INDEXES = {"users": [IndexModel("email", unique=True)]}


    async def apply(database: AsyncDatabase) -> None:
        for collection, models in INDEXES.items():
            await database[collection].create_indexes(models)


    async def by_email(database: AsyncDatabase, email: str) -> dict | None:
        return await database.users.find_one({"email": email})


    async def by_name(database: AsyncDatabase, name: str) -> dict | None:
        return await database.users.find_one({"name": name})
    """,
}


@pytest.fixture
def database(client: Any) -> Iterator[Any]:
    """An empty database."""
    client.drop_database(DATABASE)
    client[DATABASE].create_collection("users")
    yield client[DATABASE]
    client.drop_database(DATABASE)


@pytest.fixture
def diff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs the command on a project."""

    def run(example: Example, uri: str, *arguments: str) -> Result:
        write(example, tmp_path)
        monkeypatch.chdir(tmp_path)
        command = ["indexes", "diff", ".", "--database", DATABASE, "--no-cache", *arguments]
        return CliRunner().invoke(main, command, env={"GUARDRAILS_MONGODB_URI": uri}, catch_exceptions=False)

    return run


@pytest.mark.parametrize("example", examples(PAGE.text), ids=lambda example: example.title)
def test_page_is_reported_as_marked(example: Example, uri: str, database: Any, diff: Callable[..., Result]) -> None:
    for collection, indexes in json.loads(example.files["live.json"]).items():
        for options in indexes:
            keys = [tuple(key) for key in options.pop("key")]
            database[collection].create_index(keys, **options)
    outcome = diff(example, uri, "--format", "json")
    findings = json.loads(outcome.stdout)["findings"]
    assert [(f["path"], f["line"], f["code"]) for f in findings] == sorted(example.expected)
    assert outcome.exit_code == (1 if example.expected else 0)


def test_equal_indexes_are_clean(uri: str, database: Any, diff: Callable[..., Result]) -> None:
    database.users.create_index("email", unique=True)
    outcome = diff(project(APPLICATION), uri)
    assert outcome.exit_code == 0, outcome.output


@pytest.mark.parametrize("format_", FORMATS)
def test_drift_is_reported_in_every_format(format_: str, uri: str, database: Any, diff: Callable[..., Result]) -> None:
    outcome = diff(project(APPLICATION), uri, "--format", format_)
    assert outcome.exit_code == 1
    assert "GR910" in outcome.stdout
    assert "is missing in" in outcome.stdout


def test_the_failing_severity_decides_as_for_check(uri: str, database: Any, diff: Callable[..., Result]) -> None:
    assert diff(project(APPLICATION), uri, "--fail-on", "never").exit_code == 0


def test_a_comment_suppresses_drift(uri: str, database: Any, diff: Callable[..., Result]) -> None:
    files = dict(APPLICATION)
    files["app/database_indexes.py"] = files["app/database_indexes.py"].replace(
        "unique=True)]}", "unique=True)]}  # guardrails: ignore[GR910] -- built by hand"
    )
    assert diff(project(files), uri).exit_code == 0


def test_nothing_is_written(uri: str, client: Any, database: Any, diff: Callable[..., Result]) -> None:
    database.users.insert_one({"_id": 1, "email": "a"})
    database.users.create_index("other")

    def state() -> Any:
        names = sorted(client.list_database_names())
        indexes = [list(database[name].list_indexes()) for name in database.list_collection_names()]
        return names, indexes, list(database.users.find())

    before = state()
    assert diff(project(APPLICATION), uri, "--explain").exit_code == 1
    assert state() == before


def test_explain_says_where_the_server_plans_otherwise(uri: str, database: Any, diff: Callable[..., Result]) -> None:
    database.users.create_index("email", unique=True)
    database.users.create_index("name")
    outcome = diff(project(APPLICATION), uri, "--explain")
    assert "users {email: =}: index email_1\n" in outcome.output
    assert "users {name: =}: index name_1  (differs from the declared indexes)\n" in outcome.output
    assert "2 queries explained, 1 planned otherwise than the declared indexes say" in outcome.output


@pytest.mark.skipif(not AVAILABLE, reason="pymongo is not installed")
@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("mongodb://anna:s3cret@127.0.0.1:9/", "does not answer"),
        ("mongodb://anna:s3:cret@127.0.0.1/", "not a valid MongoDB URI"),
    ],
)
def test_failures_exit_with_2_and_keep_the_credentials(address: str, message: str, diff: Callable[..., Result]) -> None:
    outcome = diff(project(APPLICATION), address, "--timeout", "0.3")
    assert outcome.exit_code == 2
    assert message in outcome.output
    assert "s3" not in outcome.output
    assert "anna" not in outcome.output


def test_an_unknown_database_exits_with_2(uri: str, client: Any, diff: Callable[..., Result]) -> None:
    client.drop_database(DATABASE)
    outcome = diff(project(APPLICATION), uri)
    assert outcome.exit_code == 2
    assert f"has no database '{DATABASE}'" in outcome.output
