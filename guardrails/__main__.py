"""``python -m guardrails``, and the console script."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import NoReturn

from guardrails.cli import main
from guardrails.cli.common import USAGE


def run() -> NoReturn:
    """The command line, as the whole of a process: it ends without taking the model of the program apart.

    That would cost a thirtieth of a run, for memory that the system takes back anyway. Where the output cannot be
    written, on a full disk for instance, nobody shall take the status for that of an answer.
    """
    status = 1
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  (open until the end)
    try:
        try:
            main(prog_name="guardrails")
        except SystemExit as end:
            if not isinstance(end.code, int):
                raise
            status = end.code
            sys.stdout.flush()
            sys.stderr.flush()
    except BrokenPipeError:
        pass  # the reader has gone, and knows
    except OSError as error:
        status = USAGE
        with suppress(OSError, ValueError):
            print(f"error: the output cannot be written: {error.strerror or error}", file=sys.stderr, flush=True)
    os._exit(status)


if __name__ == "__main__":
    run()
