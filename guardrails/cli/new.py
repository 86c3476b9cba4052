"""``guardrails new``: a project that follows the guide, made from the reference application."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

import click

from guardrails.cli import common
from guardrails.scaffold import DRIVERS, PARTS, new_project


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--name", metavar="NAME", help="The project's name; by default the folder's.")
@click.option(
    "--driver",
    type=click.Choice(DRIVERS),
    default=DRIVERS[0],
    help=f"PyMongo's async API or motor, which has come to its end.  [default: {DRIVERS[0]}]",
)
@click.option(
    "--without",
    type=click.Choice(list(PARTS)),
    multiple=True,
    help="A part to leave out; may be repeated. Orders need products.",
)
def command(folder: Path, name: str | None, driver: str, without: tuple[str, ...]) -> None:
    """Start a project in DIR, which must be new or empty.

    It is the reference application under a name of its own: users and authentication, a catalogue of products,
    and orders of them, with tests and configuration for pre-commit and continuous integration. It passes its own tests
    and every check.
    """
    chosen = name if name is not None else folder.resolve().name
    with common.usage_errors():
        try:
            new_project(folder, name=chosen, driver=driver, without=without)
        except (ValueError, OSError) as error:
            raise click.UsageError(str(error)) from None
    click.echo(_next_steps(chosen, folder))


def _next_steps(name: str, folder: Path) -> str:
    """What to do with a new project."""
    enter = "" if folder.resolve() == Path.cwd().resolve() else f"  cd {quote(str(folder))}\n"
    return (
        f"Made {name} in {folder}. Next:\n\n{enter}"
        "  python -m venv .venv && . .venv/bin/activate\n"
        "  pip install -r requirements-dev.txt fastapi-mongo-guardrails pre-commit\n"
        "  pytest                        # needs no MongoDB; about a minute\n"
        "  python -m scripts.dev         # starts it, with data; then see /docs\n"
        "  guardrails check app --strict --select ALL\n"
        "  git init && pre-commit install\n\n"
        "README.md tells how it is made."
    )
