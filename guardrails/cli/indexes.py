"""``guardrails indexes``: advice for the index registry, and its comparison with a live database."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from guardrails.cli import common
from guardrails.report import FORMATS, render
from guardrails.runner import Request, examine, programs

if TYPE_CHECKING:
    from guardrails.finding import Finding, Place
    from guardrails.live.connection import LiveDatabase
    from guardrails.program import Program
    from guardrails.program.queries.model import IndexKey
    from guardrails.program.queries.suggest import Suggestion


@click.group()
def command() -> None:
    """Suggest indexes for the application's queries, or compare the declared ones with a live database."""


# --- suggest


@command.command("suggest")
@common.paths_argument
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", help="[default: text]")
@click.option("--no-cache", is_flag=True, help="Neither read nor write stored facts.")
@common.config_option
def suggest_command(paths: tuple[Path, ...], format_: str, no_cache: bool, config: Path | None) -> None:
    """Print an index registry for the queries that no declared index serves whole: a ready module, or the entries
    that the existing one lacks. Each index names the queries it serves.
    """
    request = Request(cwd=Path.cwd(), paths=paths, config=config, cache=not no_cache)
    with common.usage_errors(), common.Progress() as progress:
        applications = programs(request, progress)
        found = [(program, program.indexing.suggestions()) for program in applications]
    if format_ == "json":
        listed = [{"root": p.project.display_root, "indexes": [_row(s) for s in several]} for p, several in found]
        click.echo(msgspec.json.format(msgspec.json.encode(listed), indent=2))
        return
    for program, several in found:
        if several:
            click.echo(registry(program, several), nl=False)
        else:
            click.echo(f"{program.project.display_root}: every query that can be read is served", err=True)


def _row(found: Suggestion) -> dict[str, object]:
    from guardrails.program.queries.documents import shape

    return {
        "collection": found.collection,
        "keys": [[key.path, key.kind] for key in found.keys],
        "queries": [
            {"path": q.place.path, "line": q.place.line, "symbol": q.symbol, "shape": shape(q)}
            for q in found.queries
            if q.place
        ],
    }


def registry(program: Program, several: tuple[Suggestion, ...]) -> str:
    """The advised indexes as Python: a whole module, or the missing entries of the registry that there is."""
    entries = "".join(_entries(several))
    existing = sorted(module.display for module in program.indexing.registries)
    if existing:
        return f"# Missing in {', '.join(existing)}:\nMISSING: dict[str, list[IndexModel]] = {{\n{entries}}}\n"
    module, database, wait = _driver(program)
    names = sorted({name for found in several for key in found.keys if (name := _DIRECTIONS.get(key.kind))})
    return (
        '"""The indexes of all collections. ``apply_indexes`` creates them when the application starts."""\n\n'
        f"from pymongo import {', '.join([*names, 'IndexModel'])}\n"
        f"from {module} import {database}\n\n"
        f"INDEXES: dict[str, list[IndexModel]] = {{\n{entries}}}\n\n\n"
        f"{'async ' if wait else ''}def apply_indexes(database: {database}) -> None:\n"
        '    """Create the indexes that are not there yet."""\n'
        "    for collection, models in INDEXES.items():\n"
        f"        {'await ' if wait else ''}database[collection].create_indexes(models)\n"
    )


_DIRECTIONS: dict[int | str, str] = {
    1: "ASCENDING",
    -1: "DESCENDING",
    "2dsphere": "GEOSPHERE",
    "text": "TEXT",
    "hashed": "HASHED",
    "2d": "GEO2D",
}


def _driver(program: Program) -> tuple[str, str, str]:
    """Module and class of a database of the driver in use, and whether calls are awaited."""
    classes = sorted({client.cls for client in program.mongo.clients})
    if classes and all(cls == "pymongo.MongoClient" for cls in classes):
        return "pymongo.database", "Database", ""
    if classes and all(cls.startswith("motor.") for cls in classes):
        return "motor.motor_asyncio", "AsyncIOMotorDatabase", "await"
    return "pymongo.asynchronous.database", "AsyncDatabase", "await"


def _entries(several: tuple[Suggestion, ...]) -> Iterator[str]:
    from guardrails.program.queries.documents import shape

    for collection in sorted({found.collection for found in several}):
        yield f'    "{collection}": [\n'
        for found in several:
            if found.collection == collection:
                for query in found.queries:
                    if query.place:
                        yield f"        # {query.place.path}:{query.place.line} {query.operation} {shape(query)}\n"
                yield f"        IndexModel([{', '.join(map(_key, found.keys))}]),\n"
        yield "    ],\n"


def _key(key: IndexKey) -> str:
    return f'("{key.path}", {_DIRECTIONS.get(key.kind, key.kind)})'


# --- diff


@command.command("diff")
@common.paths_argument
@click.option(
    "--uri",
    required=True,
    envvar="GUARDRAILS_MONGODB_URI",
    metavar="URI",
    help="The server, as mongodb://… or mongodb+srv://…; better given in GUARDRAILS_MONGODB_URI.",
)
@click.option("--database", required=True, metavar="NAME", help="The database to compare with.")
@click.option("--format", "format_", type=click.Choice(list(FORMATS)), default="text", help="[default: text]")
@click.option("--strict", is_flag=True, help="Warnings fail the run too.")
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "info", "never"]),
    help="The least severity that fails the run.",
)
@click.option("--explain", is_flag=True, help="Also ask the server for its plan of every query that can be read.")
@click.option(
    "--timeout", type=click.FloatRange(0.1), default=5.0, metavar="SECONDS", help="For the server. [default: 5]"
)
@click.option("--no-cache", is_flag=True, help="Neither read nor write stored facts.")
@click.option(
    "--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colours. [default: auto]"
)
@common.config_option
def diff_command(
    paths: tuple[Path, ...],
    uri: str,
    database: str,
    format_: str,
    strict: bool,
    fail_on: str | None,
    explain: bool,
    timeout: float,
    no_cache: bool,
    color: str,
    config: Path | None,
) -> None:
    """Compare the declared indexes with those of a live database, and report each difference as GR910.

    The database is only read: collections and indexes are listed and, with --explain, queries are planned. The exit
    status is that of `check`, and 2 if the database cannot be read.
    """
    from guardrails.live.connection import LiveDatabase, LiveProblem

    given = common.overrides(fail_on=fail_on or ("warning" if strict else None))
    request = Request(cwd=Path.cwd(), paths=paths, config=config, overrides=given, cache=not no_cache)
    notes: list[str] = []

    def ask(applications: tuple[Program, ...]) -> list[Finding]:
        with LiveDatabase(uri, database, timeout) as live:
            found = [finding for program in applications for finding in _drift(program, live)]
            if explain:
                notes.extend(note for program in applications for note in _explained(program, live))
            return found

    with common.usage_errors(), common.Progress() as progress:
        try:
            reply = examine(request, ask, progress)
        except LiveProblem as problem:
            click.echo(f"error: {problem}", err=True)
            sys.exit(common.USAGE)
    view = common.view(request.cwd, color)
    click.echo(render(format_, reply, view), nl=False, color=view.color)
    for note in notes:
        click.echo(note, err=format_ not in ("text", "concise"))
    sys.exit(reply.exit_status)


def _drift(program: Program, live: LiveDatabase) -> Iterator[Finding]:
    from guardrails.live.findings import drift

    indexing = program.indexing
    collections = {str(index.collection) for index in indexing.indexes}
    asked = frozenset(query.collection for query in indexing.queries if isinstance(query.collection, str))
    yield from drift(
        live,
        {name: indexing.of(name) for name in sorted(collections)},
        {name: indexing.complete(name) for name in sorted(collections | asked)},
        asked,
        _registry_place(program),
    )


def _registry_place(program: Program) -> tuple[Place, str]:
    return program.project_place(*sorted(program.indexing.registries, key=lambda module: module.name))


def _explained(program: Program, live: LiveDatabase) -> Iterator[str]:
    """What the server plans for each query, and where that is not what the code says."""
    from guardrails.live.explain import ask, differs
    from guardrails.program.queries.documents import shape

    different = asked = 0
    for query in program.indexing.queries:
        answer = ask(live, query)
        if answer is None or query.place is None:
            continue
        asked += 1
        plan = "nothing to plan" if answer.scans is None else "collection scan" if answer.scans else "index"
        by = f" {', '.join(answer.index)}" if answer.index else ""
        contrary = differs(program.indexing.plan(query), answer)
        different += contrary
        mark = "  (differs from the declared indexes)" if contrary else ""
        yield f"{query.place.path}:{query.place.line} {query.collection} {shape(query)}: {plan}{by}{mark}"
    yield f"{asked} queries explained, {different} planned otherwise than the declared indexes say"
