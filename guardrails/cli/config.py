"""``guardrails config``: the configuration's schema, and what it comes to."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from guardrails.cli import common


@click.group()
def command() -> None:
    """Look at the configuration and its schema."""


@command.command()
@click.option("--of", type=click.Choice(["config", "result"]), default="config", help="[default: config]")
def schema(of: str) -> None:
    """Print the JSON schema of the configuration, or of the JSON report."""
    if of == "result":
        from guardrails import report

        path = Path(report.__file__).parent / "schemas" / "result-1.schema.json"
        click.echo(path.read_text(encoding="utf-8"), nl=False)
    else:
        from guardrails.schema import json_schema

        click.echo(msgspec.json.format(msgspec.json.encode(json_schema()), indent=2))


@command.command()
@common.config_option
def show(config: Path | None) -> None:
    """Print which file is in force here, and every option's value; or all mistakes of the file."""
    from guardrails.config import locate, validate

    with common.usage_errors():
        found = locate(Path.cwd(), config and config.absolute())
        options = validate(found)
    click.echo(f"# {found.path or 'no configuration file; these are the defaults'}")
    for name, value in sorted(msgspec.to_builtins(options).items()):
        if value is not None:
            click.echo(f"{name.replace('_', '-')} = {_toml(value)}")


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml(key)} = {_toml(inner)}" for key, inner in sorted(value.items())) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return msgspec.json.encode(value).decode()
