"""``check --watch``: the same run again, whenever a file that matters has changed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import click

from guardrails.options import Options
from guardrails.runner import Request
from guardrails.stored import skipped_names, take, unchanged

_PAUSE = 0.5


def watching(once: Callable[[], int], request: Request) -> None:
    """Run until interrupted. A wrong configuration is told, and looked at again when it changes."""
    given = [path if path.is_dir() else path.parent for path in (request.cwd / path for path in request.paths)]
    folders = sorted({str(folder) for folder in given} | {str(request.cwd)})
    skip = skipped_names(Options())
    try:
        while True:
            state = take(folders, skip)
            if sys.stdout.isatty():
                click.clear()
            with suppress(SystemExit):  # the mistake has been told
                once()
            click.echo(f"Watching {', '.join(sorted(Path(f).name or f for f in folders))}; Ctrl+C ends.")
            while unchanged(state, folders, skip):
                time.sleep(_PAUSE)
    except KeyboardInterrupt:
        click.echo()
