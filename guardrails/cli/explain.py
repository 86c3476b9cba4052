"""``guardrails explain``: the page of a check, or the checks of a rule."""

from __future__ import annotations

import sys

import click

from guardrails.checks.registry import all_checks
from guardrails.cli import common
from guardrails.guide import RULES
from guardrails.rulebook import page
from guardrails.selection import UnknownSelector, specificity, validate


@click.command()
@click.argument("check", metavar="CHECK")
def command(check: str) -> None:
    """Print the rulebook's page of CHECK, a code or a name; for a rule (`7`, `GR7`), its checks."""
    checks = all_checks()
    chosen = [known for known in checks if specificity(check, known)]
    if not chosen or check.upper() == "ALL":
        unknown = (validate([check], checks) or [UnknownSelector(check, None)])[0]
        click.echo(f"error: {unknown}", err=True)
        sys.exit(common.USAGE)
    if len(chosen) > 1:
        click.echo(f"Rule {chosen[0].rule}: {RULES[chosen[0].rule]}\n")
        for known in chosen:
            click.echo(f"{known.code:<7} {known.severity.value:<8} {known.name}: {known.summary}")
        return
    try:
        text = page(chosen[0].code).text
    except LookupError:
        text = f"# {chosen[0].code} {chosen[0].name}\n\n{chosen[0].summary}\n"
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(text))
    else:
        click.echo(text, nl=False)
