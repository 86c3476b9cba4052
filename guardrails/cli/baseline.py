"""``guardrails baseline``: take today's findings as given, so that only new ones fail."""

from __future__ import annotations

import os
from pathlib import Path

import click

from guardrails import baseline
from guardrails.cli import common
from guardrails.config import ConfigError, Mistake
from guardrails.report.view import plural
from guardrails.runner import Request, answer, baseline_path


@click.command()
@common.paths_argument
@click.option("--prune", is_flag=True, help="Only take out what no longer occurs; never add.")
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
@click.option("--no-cache", is_flag=True, help="Neither read nor write stored facts and results.")
@common.selection_options
@common.config_option
def command(
    paths: tuple[Path, ...],
    prune: bool,
    output: Path | None,
    no_cache: bool,
    select: tuple[str, ...],
    extend_select: tuple[str, ...],
    ignore: tuple[str, ...],
    config: Path | None,
) -> None:
    """Write the findings under PATHS to the baseline, a file to commit; `check` passes over what it holds.

    Entries are made of check, path, symbol and subject, never of lines. Entries of checks that do not run are
    kept.
    """
    given = common.overrides(select=select, extend_select=extend_select, ignore=ignore)
    request = Request(cwd=Path.cwd(), paths=paths, config=config, overrides=given, cache=not no_cache)
    with common.usage_errors():
        with common.Progress() as progress:
            got = answer(request, progress)
        if got.shown is not None:
            raise ConfigError([Mistake("", 0, "the baseline is of whole applications; give folders, or no path")])
        path = output.absolute() if output else baseline_path(got)
        try:
            before = baseline.read(path) if path.exists() else ()
        except baseline.InvalidBaseline as error:
            raise ConfigError([Mistake("", 0, str(error))]) from error
        if got.analysis.problems:
            common.bug(got.analysis.problems)
        keys = [judged.key for judged in got.analysis.findings if not judged.suppressed]
        judged_before = [entry for entry in before if entry.code in got.analysis.checked]
        others = [entry for entry in before if entry.code not in got.analysis.checked]
        if prune:
            laid = baseline.match(keys, judged_before)
            entries = baseline.entries_of(keys[index] for index in sorted(laid.held))
        else:
            entries = baseline.entries_of(keys)
        try:
            baseline.write(path, (*entries, *others))
        except OSError as error:
            raise click.FileError(str(path), error.strerror) from error
    was, now = (sum(entry.count for entry in several) for several in (before, (*entries, *others)))
    change = f", {was} before" if before else ""
    shown = os.path.relpath(path) if path.is_relative_to(Path.cwd()) else path
    click.echo(f"Wrote {shown}: {plural(now, 'finding')}{change}.")
