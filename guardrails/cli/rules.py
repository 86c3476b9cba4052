"""``guardrails rules``: every check, by rule."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import click
import msgspec

from guardrails.checks.registry import all_checks
from guardrails.cli import common
from guardrails.config import locate, validate
from guardrails.guide import RULES
from guardrails.selection import selected, severity_of


@click.command()
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", help="[default: text]")
@common.selection_options
@common.config_option
def command(
    format_: str,
    select: tuple[str, ...],
    extend_select: tuple[str, ...],
    ignore: tuple[str, ...],
    config: Path | None,
) -> None:
    """List the checks, with the severity that the configuration gives them and whether they run."""
    with common.usage_errors():
        given = common.overrides(select=select, extend_select=extend_select, ignore=ignore)
        options = validate(locate(Path.cwd(), config and config.absolute()), given)
    checks = all_checks()
    running = {check.code for check in selected(checks, options)}
    rows = [
        {
            "code": check.code,
            "name": check.name,
            "rule": check.rule,
            "severity": (severity_of(check, options) or check.severity).value,
            "selected": check.code in running,
            "project": check.project,
            "summary": check.summary,
        }
        for check in checks
    ]
    if format_ == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(rows), indent=2))
        return
    for rule, group in groupby(rows, key=lambda row: row["rule"]):
        click.echo(f"{rule}  {RULES[int(str(rule))]}")
        for row in group:
            severity = row["severity"] if row["selected"] else "off"
            click.echo(f"   {row['code']:<7} {severity:<8} {row['name']}: {row['summary']}")
        click.echo()
