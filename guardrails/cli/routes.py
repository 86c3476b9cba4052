"""``guardrails routes``: the route table of every app, in FastAPI's order."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from guardrails.cli import common
from guardrails.runner import Request, programs

if TYPE_CHECKING:
    from guardrails.program import Program
    from guardrails.program.assembly import Router
    from guardrails.program.routes import App, Route
    from guardrails.program.web import Site


class Row(msgspec.Struct, frozen=True):
    """A route. ``methods``: empty for a websocket, None where they cannot be read; so is ``path``, and ``tags``.

    ``routers``: the routers through which the app reaches the handler, outermost first, the app itself apart.
    ``late``: registered after a router was included, which FastAPI sees from 0.137 on.
    """

    methods: tuple[str, ...] | None
    path: str | None
    handler: str
    file: str
    line: int
    tags: tuple[str, ...] | None
    response_model: str | None
    routers: tuple[str, ...]
    websocket: bool
    in_schema: bool
    conditional: bool
    late: bool


class Unread(msgspec.Struct, frozen=True):
    """A place where routes are added that the table does not have, and why."""

    file: str
    line: int
    reason: str


class Table(msgspec.Struct, frozen=True):
    """An app: where it is constructed, where it is mounted, and its routes."""

    app: str
    file: str
    line: int
    mounted_at: tuple[str | None, ...]
    routes: tuple[Row, ...]


class Answer(msgspec.Struct, frozen=True):
    """The apps of a root, and the places whose routes no table has."""

    root: str
    apps: tuple[Table, ...]
    unread: tuple[Unread, ...]


@click.command()
@common.paths_argument
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", help="[default: text]")
@click.option("--no-cache", is_flag=True, help="Neither read nor write stored facts.")
@common.config_option
def command(paths: tuple[Path, ...], format_: str, no_cache: bool, config: Path | None) -> None:
    """Show every app's routes in the order in which FastAPI tries them: methods, full path, handler, place, tags,
    response model, and the routers on the way.
    """
    request = Request(cwd=Path.cwd(), paths=paths, config=config, cache=not no_cache)
    with common.usage_errors(), common.Progress() as progress:
        answers = [answer_of(program) for program in programs(request, progress)]
    if format_ == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(answers), indent=2))
        return
    for answer in answers:
        for table in answer.apps:
            _show(table)
        for unread in answer.unread:
            click.echo(f"not in the tables: {unread.file}:{unread.line}: {unread.reason}")
        if not answer.apps:
            click.echo(f"{answer.root}: no app is constructed here")


def answer_of(program: Program) -> Answer:
    """The tables of the program's apps, by file and line."""
    routes = program.routes
    unread = [_unread(site, reason) for site, reason in routes.unread]
    foreign = {site: None for app in routes.apps for site in app.foreign}
    unread += [_unread(site, "its handlers lie in another package") for site in foreign]
    apps = tuple(_table(app) for app in routes.apps)
    return Answer(program.project.display_root, apps, tuple(unread))


def _table(app: App) -> Table:
    file, line = _place(app.site)
    return Table(name_of(app.router), file, line, app.mounted_at, tuple(_row(r) for r in app.routes))


def _unread(site: Site, reason: str) -> Unread:
    path, line = _place(site)
    return Unread(path, line, reason)


def _place(site: Site) -> tuple[str, int]:
    place = site.code.place(site.call.span)
    return place.path, place.line


def _row(route: Route) -> Row:
    return Row(
        methods=route.methods,
        path=route.path,
        handler=route.symbol,
        file=route.place.path,
        line=route.place.line,
        tags=route.tags,
        response_model=route.response_model,
        routers=tuple(name_of(router) for router in route.chain[1:]),
        websocket=route.endpoint.websocket,
        in_schema=route.in_schema,
        conditional=bool(route.conditions),
        late=route.late,
    )


def name_of(router: Router) -> str:
    """The router's name after that of the code that constructs it: ``app.routes.users.router``."""
    from guardrails.program.routes import label

    return label(router.site)


def _show(table: Table) -> None:
    mounted = "".join(f", mounted at {path or 'an unreadable path'}" for path in table.mounted_at)
    click.echo(f"{table.app}  {table.file}:{table.line}{mounted}")
    lines = [
        (
            "WEBSOCKET" if row.websocket else ",".join(row.methods or ("?",)),
            row.path if row.path is not None else "?",
            row.handler,
            f"{row.file}:{row.line}",
            ", ".join(row.tags) if row.tags is not None else "?",
            row.response_model or "",
            " > ".join(row.routers),
            " ".join(note for note, holds in (("late", row.late), ("conditional", row.conditional)) if holds),
        )
        for row in table.routes
    ]
    header = ("METHODS", "PATH", "HANDLER", "PLACE", "TAGS", "RESPONSE", "ROUTERS", "NOTES")
    columns = [index for index in range(len(header)) if any(line[index] for line in lines)]
    for line in [header, *lines] if lines else []:
        widths = [max(len(other[index]) for other in [header, *lines]) for index in columns]
        click.echo("  " + "  ".join(line[i].ljust(w) for i, w in zip(columns, widths)).rstrip())
    click.echo(f"  {len(lines)} route{'s' if len(lines) != 1 else ''}")
    click.echo()
