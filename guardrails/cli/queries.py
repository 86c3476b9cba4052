"""``guardrails queries``: what the checker understood of the application's queries."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from guardrails.cli import common
from guardrails.runner import Request, programs

if TYPE_CHECKING:
    from guardrails.program import Program
    from guardrails.program.queries.planner import Plan


class Row(msgspec.Struct, frozen=True):
    """A query as it is shown.

    ``collection``: None where the code does not name it. ``verdict``: ``served``, ``partly``, ``scan``, ``text``,
    ``unread`` or ``idle``. ``indexes``: those that serve it. ``reason``: why it is only partly served or unread.
    """

    path: str
    line: int
    symbol: str
    operation: str
    collection: str | None
    shape: str
    verdict: str
    indexes: tuple[str, ...]
    reason: str


@click.command()
@common.paths_argument
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", help="[default: text]")
@click.option("--collection", metavar="NAME", help="Only queries of this collection.")
@click.option("--unserved", is_flag=True, help="Only queries that no index serves whole.")
@click.option("--no-cache", is_flag=True, help="Neither read nor write stored facts.")
@common.config_option
def command(
    paths: tuple[Path, ...],
    format_: str,
    collection: str | None,
    unserved: bool,
    no_cache: bool,
    config: Path | None,
) -> None:
    """Show every filter and sort of the application: its collection, its shape, and the index that serves it.

    In a shape, `=` is an equality, `in` a set, `range` an interval, and `?` marks what is added only sometimes.
    """
    request = Request(cwd=Path.cwd(), paths=paths, config=config, cache=not no_cache)
    with common.usage_errors(), common.Progress() as progress:
        applications = [(program.project.display_root, rows_of(program)) for program in programs(request, progress)]
    applications = [
        (
            root,
            [
                row
                for row in rows
                if collection in (None, row.collection) and not (unserved and row.verdict not in ("scan", "partly"))
            ],
        )
        for root, rows in applications
    ]
    if format_ == "json":
        listed = [{"root": root, "queries": rows} for root, rows in applications]
        click.echo(msgspec.json.format(msgspec.json.encode(listed), indent=2))
        return
    for root, rows in applications:
        click.echo(root)
        for row in rows:
            click.echo(f"  {row.path}:{row.line}  {row.operation}  {row.collection or '?'}  {row.shape}")
            click.echo(f"    {_verdict(row)}  in {row.symbol}")
        read = sum(row.verdict != "unread" for row in rows)
        click.echo(f"  {len(rows)} {'query' if len(rows) == 1 else 'queries'}, {read} read\n")


def _verdict(row: Row) -> str:
    by = f" by {', '.join(row.indexes)}" if row.indexes else ""
    because = f": {row.reason}" if row.reason else ""
    return f"{row.verdict}{by}{because}"


def rows_of(program: Program) -> list[Row]:
    """The application's queries, by place."""
    from guardrails.program.queries.documents import shape

    rows = []
    for query in program.indexing.queries:
        if query.place is None:
            continue
        verdict = program.indexing.plan(query)
        label, reason = _label(verdict)
        rows.append(
            Row(
                path=query.place.path,
                line=query.place.line,
                symbol=query.symbol,
                operation=query.operation,
                collection=query.collection if isinstance(query.collection, str) else None,
                shape=shape(query),
                verdict=label,
                indexes=tuple(str(index) for index in verdict.indexes),
                reason=reason,
            )
        )
    return rows


def _label(verdict: Plan) -> tuple[str, str]:
    from guardrails.program.queries.planner import Reach

    if verdict.unread:
        return "unread", verdict.unread
    if verdict.text:
        return "text", ""
    if verdict.idle:
        return "idle", ""
    if verdict.reach is Reach.NONE:
        return "scan", ""
    if verdict.reach is Reach.FULLY or verdict.pinned:
        return "served", ""
    reasons = [part.best.why for part in verdict.branches if part.best and part.reach is Reach.PARTLY]
    return "partly", reasons[0] if reasons else ""
