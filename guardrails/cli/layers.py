"""``guardrails layers``: which layer each module is in, and what decided it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from guardrails.cli import common
from guardrails.runner import Request, programs

if TYPE_CHECKING:
    from guardrails.program import Program


class Row(msgspec.Struct, frozen=True):
    """A module, its layer or None, and what decided: configuration, content, name; empty for no layer."""

    path: str
    module: str
    layer: str | None
    decided_by: str


@click.command()
@common.paths_argument
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", help="[default: text]")
@click.option("--unassigned", is_flag=True, help="Only modules that belong to no layer.")
@click.option("--no-cache", is_flag=True, help="Neither read nor write stored facts.")
@common.config_option
def command(paths: tuple[Path, ...], format_: str, unassigned: bool, no_cache: bool, config: Path | None) -> None:
    """Show the layer of every application module, and whether configuration, content or a name decided it."""
    request = Request(cwd=Path.cwd(), paths=paths, config=config, cache=not no_cache)
    with common.usage_errors(), common.Progress() as progress:
        applications = [(program.project.display_root, rows_of(program)) for program in programs(request, progress)]
    if unassigned:
        applications = [(root, [row for row in rows if row.layer is None]) for root, rows in applications]
    if format_ == "json":
        listed = [{"root": root, "modules": rows} for root, rows in applications]
        click.echo(msgspec.json.format(msgspec.json.encode(listed), indent=2))
        return
    for root, rows in applications:
        click.echo(root)
        width = max((len(row.path) for row in rows), default=0)
        for row in rows:
            click.echo(f"  {row.path.ljust(width)}  {row.layer or 'none':<12}  {row.decided_by}".rstrip())
        counts = Counter(row.layer or "none" for row in rows)
        click.echo("  " + ", ".join(f"{layer} {count}" for layer, count in sorted(counts.items())) + "\n")


def rows_of(program: Program) -> list[Row]:
    """The application's modules with something in them, by path."""
    layers = program.layers
    rows = []
    for module in program.application:
        if module.facts.empty:
            continue
        if layers.configured(module):
            decided = "configuration"
        elif layers.by_content(module):
            decided = "content"
        else:
            decided = "name" if layers.of(module) else ""
        rows.append(Row(module.display, module.name, layers.of(module), decided))
    return sorted(rows, key=lambda row: row.path)
