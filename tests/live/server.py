"""A database server for the tests: SecantusDB in a process of its own, speaking MongoDB's wire protocol.

It keeps names, directions and options of indexes and explains finds with IXSCAN or COLLSCAN. Its wheels exist
for Python 3.10 to 3.13; where it is missing, the tests that need it are skipped.
"""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

AVAILABLE = importlib.util.find_spec("secantus") is not None and importlib.util.find_spec("pymongo") is not None


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Start the server with its data under ``folder``; gives its URI."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = [
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--storage-path",
        str(folder / "data"),
        "--standalone",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "secantus", *arguments],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(port, process)
        yield f"mongodb://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with status {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server did not start within 30 seconds")
