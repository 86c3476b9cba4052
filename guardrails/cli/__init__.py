"""The command line: thin commands that ask the engine and hand its answer to a reporter.

Each command lives in a module of its own and is imported when it is called, so that ``check`` stays quick. To
add one, write ``guardrails/cli/<module>.py`` with a click command named ``command`` and add a row to
``COMMANDS``.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec

import click

from guardrails import __version__

COMMANDS: dict[str, tuple[str, str]] = {
    "check": ("check", "Check FastAPI + MongoDB code against the ten rules."),
    "explain": ("explain", "Explain a check, or a rule."),
    "rules": ("rules", "List the checks."),
    "layers": ("layers", "Show the layer of every module, and why."),
    "init": ("init", "Set guardrails up in a project."),
    "baseline": ("baseline", "Write down today's findings, so that only new ones fail."),
    "config": ("config", "Look at the configuration and its schema."),
    "routes": ("routes", "Show the route table."),
    "queries": ("queries", "Show the MongoDB operations and their filters."),
    "graph": ("graph", "Draw the import graph."),
    "indexes": ("indexes", "Suggest indexes, or compare them with a live database."),
    "lsp": ("lsp", "Serve an editor."),
    "new": ("new", "Start a project that follows the guide."),
}
"""Command -> its module in this package, and one line about it. Commands whose module is not there do not
show.
"""


class _Commands(click.Group):
    """A group that imports a command's module only when the command is called; help lists them without."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name, (module, _) in COMMANDS.items() if find_spec(f"{__name__}.{module}")]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = import_module(f"{__name__}.{COMMANDS[cmd_name][0]}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from difflib import get_close_matches

        if args and args[0] not in self.list_commands(ctx):
            near = get_close_matches(args[0], self.list_commands(ctx), n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="guardrails", message="%(prog)s %(version)s")
def main() -> None:
    """Check FastAPI + MongoDB code against the ten rules of the guide.

    Exit status: 0 clean, 1 findings at or above the failing severity, 2 wrong usage or configuration or output
    that cannot be written, 3 a bug in guardrails.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
