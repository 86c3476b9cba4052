"""What FastAPI itself makes of an application: its table, and the handler that answers a request."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import fastapi.routing
from fastapi import FastAPI

SEES_LATE_ROUTES = hasattr(fastapi.routing, "iter_route_contexts")
"""Whether FastAPI (from 0.137 on) serves routes that are added to a router after its inclusion."""


class Served(NamedTuple):
    """A route as FastAPI has it: methods (none for a websocket), full path, handler, tags, whether documented."""

    methods: tuple[str, ...]
    path: str
    handler: str
    tags: tuple[str, ...]
    in_schema: bool


@contextmanager
def imported(folder: Path, files: dict[str, str], name: str) -> Iterator[Any]:
    """The module ``name`` of an application, written to ``folder`` and imported; forgotten afterwards."""
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    package = name.partition(".")[0]
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield importlib.import_module(name)
    finally:
        sys.path.remove(str(folder))
        sys.dont_write_bytecode = writes
        for loaded in [m for m in sys.modules if m.partition(".")[0] == package]:
            del sys.modules[loaded]


def served(app: FastAPI, package: str = "app") -> list[Served]:
    """The app's routes to handlers of ``package``, in order."""
    walk = getattr(fastapi.routing, "iter_route_contexts", iter)
    found = []
    for route in walk(app.routes):
        # A walk gives contexts, which lack what only the route of a websocket has.
        original = getattr(route, "starlette_route", None) or route
        endpoint = getattr(original, "endpoint", None) or getattr(route, "endpoint", None)
        if endpoint is None or endpoint.__module__.partition(".")[0] != package:
            continue
        handler = f"{endpoint.__module__}.{endpoint.__qualname__}".replace("<locals>.", "")
        methods = tuple(sorted(getattr(route, "methods", None) or ()))
        tags = tuple(str(getattr(tag, "value", tag)) for tag in getattr(route, "tags", None) or ())
        documented = bool(methods) and bool(route.include_in_schema)
        found.append(Served(methods, original.path, handler, tags, documented))
    return found


def answers(app: FastAPI, method: str, path: str) -> str | None:
    """What the app answers to a request, as the JSON string it is; None for an error."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": [],
        "client": ("test", 1), "server": ("test", 80),
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    if sent[0]["status"] != 200:
        return None
    answer = json.loads(b"".join(message.get("body", b"") for message in sent[1:]))
    return answer if isinstance(answer, str) else None
