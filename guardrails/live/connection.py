"""A read-only view of one database: it lists collections and indexes, and explains queries. Nothing else.

The client stays inside; what leaves is data. So no caller can write, whatever rights its user has. No message
holds the user name or the password of the URI.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

TIMEOUT = 5.0
"""Seconds until a server that does not answer counts as unreachable."""


class LiveProblem(Exception):
    """The database cannot be read. The message is for the user and holds no credentials."""


def shown(uri: str) -> str:
    """The URI's scheme and hosts, without user, password, database and options."""
    scheme, found, rest = uri.partition("://")
    hosts = re.split(r"[/?]", rest.rpartition("@")[2], maxsplit=1)[0]
    return f"{scheme}://{hosts}" if found and hosts else "the given URI"


def _credentials(uri: str) -> set[str]:
    user_info = uri.partition("://")[2].rpartition("@")[0]
    parts = {user_info, *user_info.split(":", 1)}
    return {text for part in parts for text in (part, unquote(part)) if text}


class LiveDatabase:
    """One database of a server. A context manager; closing it closes the connection."""

    def __init__(self, uri: str, name: str, timeout: float = TIMEOUT) -> None:
        """Connect. Raises ``LiveProblem``: pymongo is missing, the URI is wrong, the server does not answer,
        the user may not log in, or there is no such database.
        """
        try:
            import pymongo
            from pymongo.errors import ConfigurationError, InvalidURI, PyMongoError
        except ImportError:
            raise LiveProblem("this command needs pymongo: pip install 'fastapi-mongo-guardrails[mongo]'") from None
        self.name = name
        self.server = shown(uri)
        self._secrets = _credentials(uri)
        self._failure: type[Exception] = PyMongoError
        try:
            self._client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(
                uri,
                serverSelectionTimeoutMS=int(timeout * 1000),
                connectTimeoutMS=int(timeout * 1000),
                appname="guardrails",
                readPreference="primaryPreferred",
            )
        except (ConfigurationError, ValueError, TypeError) as error:
            if isinstance(error, ConfigurationError) and not isinstance(error, InvalidURI):
                # The URI can be read, but not used: its host has no DNS entry, a package is missing.
                raise self._problem(error) from None
            # The driver's message can repeat any part of the URI, so only its kind is told.
            raise LiveProblem(
                f"{self.server}: not a valid MongoDB URI ({type(error).__name__}); "
                "reserved characters in user name and password must be percent-encoded"
            ) from None
        try:
            self._database = self._client[name]
            self._check_name()
        except Exception as error:
            self._client.close()
            if isinstance(error, PyMongoError):
                raise self._problem(error) from None
            raise

    def __enter__(self) -> LiveDatabase:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def _check_name(self) -> None:
        from pymongo.errors import OperationFailure

        try:
            found = self._client.list_databases(nameOnly=True, authorizedDatabases=True)
            names = [database["name"] for database in found]
        except OperationFailure as error:
            if error.code == 18:
                raise
            # Some users may list the collections of their database, but not the databases.
            names = [self.name] if self._database.list_collection_names() else []
        if self.name not in names:
            known = ", ".join(sorted(names)) or "none that this user may see"
            raise LiveProblem(f"{self.server} has no database {self.name!r} (it has: {known})")

    def _problem(self, error: Exception) -> LiveProblem:
        from pymongo.errors import OperationFailure, ServerSelectionTimeoutError

        if isinstance(error, ServerSelectionTimeoutError):
            return LiveProblem(f"{self.server} does not answer: {self._clean(error)}")
        if isinstance(error, OperationFailure):
            if error.code == 18:
                return LiveProblem(f"{self.server} refuses the user or the password")
            if error.code == 13:
                return LiveProblem(
                    f"{self.server}: the user may not do this on {self.name!r}; it needs listCollections, "
                    f"listIndexes and, for --explain, find: {self._clean(error)}"
                )
        return LiveProblem(f"{self.server}: {self._clean(error)}")

    def _clean(self, error: Exception) -> str:
        text = re.sub(r", Timeout: .*", "", " ".join(str(error).split()))
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text[:300]

    def collections(self) -> tuple[str, ...]:
        """The names of the collections, views and the server's own apart, sorted. Raises ``LiveProblem``."""
        try:
            found = self._database.list_collections(filter={"type": {"$in": ["collection", "timeseries"]}})
            return tuple(sorted(c["name"] for c in found if not c["name"].startswith("system.")))
        except self._failure as error:
            raise self._problem(error) from None

    def indexes(self, collection: str) -> tuple[dict[str, Any], ...]:
        """The collection's indexes as the server lists them, sorted by name. Raises ``LiveProblem``."""
        try:
            found = [dict(index) for index in self._database[collection].list_indexes()]
        except self._failure as error:
            raise self._problem(error) from None
        return tuple(sorted(found, key=lambda index: str(index.get("name"))))

    def explain(self, collection: str, find: Mapping[str, Any]) -> dict[str, Any]:
        """The server's winning plan for a ``find`` with these options; it is planned, not run.

        Raises ``LiveProblem``.
        """
        try:
            answer = self._database.command({"explain": {"find": collection, **find}, "verbosity": "queryPlanner"})
        except self._failure as error:
            raise self._problem(error) from None
        return dict(answer["queryPlanner"]["winningPlan"])
