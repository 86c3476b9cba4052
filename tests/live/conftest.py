"""One database server for all tests that need one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.live.server import AVAILABLE, running


@pytest.fixture(scope="session")
def uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running server."""
    if not AVAILABLE:
        pytest.skip("secantusdb is not installed")
    with running(tmp_path_factory.mktemp("server")) as address:
        yield address


@pytest.fixture(scope="session")
def client(uri: str) -> Iterator[Any]:
    """A client that may write, to prepare databases."""
    import pymongo

    with pymongo.MongoClient(uri) as opened:
        yield opened
