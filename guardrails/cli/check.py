"""``guardrails check``: the one command that most people ever run."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import msgspec

from guardrails.analysis import Outcome
from guardrails.cli import common
from guardrails.report import FORMATS, SUFFIXES, render
from guardrails.runner import Answer, Request, answer, outcome


@click.command()
@common.paths_argument
@common.selection_options
@click.option("--format", "format_", type=click.Choice(list(FORMATS)), help="The report's format. [default: text]")
@click.option(
    "--output",
    "-o",
    "outputs",
    multiple=True,
    metavar="[FORMAT:]FILE",
    help="Also write a report to FILE; repeatable. Without FORMAT, --format or the file's suffix decides.",
)
@click.option("--strict", is_flag=True, help="Warnings fail the run too.")
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "info", "never"]),
    help="The least severity that fails the run.",
)
@click.option("--diff", "revision", metavar="REV", help="Report only what the change since REV brings in.")
@click.option("--statistics", is_flag=True, help="Count findings per check instead of showing them.")
@click.option("--add-ignores", is_flag=True, help="Write suppression comments for the findings into the code.")
@click.option("--reason", metavar="TEXT", help="The reason that --add-ignores writes after the codes.")
@click.option("--no-baseline", is_flag=True, help="Report what the baseline holds, too.")
@click.option("--watch", is_flag=True, help="Check again whenever a file changes.")
@click.option("--no-cache", is_flag=True, help="Neither read nor write stored facts and results.")
@click.option(
    "--workers",
    type=click.IntRange(1),
    metavar="N",
    help="Processes that read files. [default: one per core]",
)
@click.option(
    "--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colours. [default: auto]"
)
@common.config_option
def command(
    paths: tuple[Path, ...],
    select: tuple[str, ...],
    extend_select: tuple[str, ...],
    ignore: tuple[str, ...],
    format_: str | None,
    outputs: tuple[str, ...],
    strict: bool,
    fail_on: str | None,
    revision: str | None,
    statistics: bool,
    add_ignores: bool,
    reason: str | None,
    no_baseline: bool,
    watch: bool,
    no_cache: bool,
    workers: int | None,
    color: str,
    config: Path | None,
) -> None:
    """Check the applications under PATHS; by default what the configuration names, else the working
    directory.

    Files given narrow the report, never the analysis.
    """
    request = Request(
        cwd=Path.cwd(),
        paths=paths,
        config=config,
        overrides=common.overrides(
            select=select,
            extend_select=extend_select,
            ignore=ignore,
            fail_on=fail_on or ("warning" if strict else None),
        ),
        cache=not no_cache,
        workers=workers,
    )
    files = [_parse_output(written, format_) for written in outputs]
    plain = any(":" not in written or written.partition(":")[0] not in FORMATS for written in outputs)
    on_screen = "text" if format_ is None or plain else format_

    def once() -> int:
        with common.usage_errors(), common.Progress() as progress:
            got = answer(request, progress)
            if revision is None:
                reply = outcome(got, use_baseline=not no_baseline)
            else:
                from guardrails.revision import before

                known, problems = before(revision, got, request, progress)
                reply = outcome(got, use_baseline=not no_baseline, known=known)
                if problems:
                    problems = (*reply.problems, *problems)
                    reply = msgspec.structs.replace(reply, problems=problems, exit_status=common.BUG)
        if add_ignores:
            return _add_ignores(request, got, reply, reason)
        _show(reply, got, on_screen, statistics, color)
        for name, path in files:
            _write(path, render(name, reply, common.view(got.cwd, to_terminal=False)))
        common.tell_bugs(reply.problems)
        return reply.exit_status

    if watch:
        from guardrails.cli.watch import watching

        watching(once, request)
    else:
        sys.exit(once())


def _show(reply: Outcome, got: Answer, format_: str, statistics: bool, color: str) -> None:
    view = common.view(got.cwd, color)
    if statistics:
        from guardrails.report import statistics as table

        text = table.render(reply, view)
    else:
        text = render(format_, reply, view)
    click.echo(text, nl=False, color=view.color)
    if format_ not in ("text", "concise"):
        for note in _notes(reply):
            click.echo(note, err=True)
    for note in got.notes:
        click.echo(f"note: {note}", err=True)


def _notes(reply: Outcome) -> list[str]:
    """What machine-readable formats have no place for."""
    if not reply.stale:
        return []
    return ["note: the baseline holds findings that no longer occur; `guardrails baseline --prune` takes them out"]


def _parse_output(written: str, format_: str | None) -> tuple[str, Path]:
    name, colon, path = written.partition(":")
    if colon and name in FORMATS:
        if not path:
            raise click.BadParameter(f"{written!r} names no file", param_hint="--output")
        return name, Path(path)
    return SUFFIXES.get(Path(written).suffix.lower(), format_ or "text") if format_ is None else format_, Path(written)


def _write(path: Path, text: str) -> None:
    from guardrails.baseline import write_atomically

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path.absolute(), text.encode("utf-8"))
    except OSError as error:
        raise click.FileError(str(path), error.strerror) from error


def _add_ignores(request: Request, got: Answer, reply: Outcome, reason: str | None) -> int:
    from guardrails.cli.ignores import add_ignores

    written, left = add_ignores(got.cwd, reply.result.findings, reason)
    click.echo(f"Wrote {written} suppression comments.")
    for diagnostic in left:
        click.echo(f"{diagnostic.path}:{diagnostic.line}: no place for a comment about {diagnostic.code}", err=True)
    common.tell_bugs(reply.problems)
    return common.BUG if reply.problems else int(bool(left))
