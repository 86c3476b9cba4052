"""``python -m guardrails``, and the console script."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from guardrails.cli import main


def run() -> None:
    """The command line, as the whole of a process: it ends without taking the model of the program apart.

    That would cost a thirtieth of a run, for memory that the system takes back anyway.
    """
    try:
        main(prog_name="guardrails")
    except SystemExit as end:
        with suppress(OSError):  # a reader that has gone: Python's own way out says what there is to say
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:
                    stream.flush()
            if isinstance(end.code, int):
                os._exit(end.code)
        raise


if __name__ == "__main__":
    run()
