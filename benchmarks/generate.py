"""A FastAPI + MongoDB application of any size, the same for the same size, with the habits of real ones.

Each domain has the guide's layers, each layer of a domain its module; domains import a shared core and one
another's services, so that names, calls and dependencies cross modules as they do in large projects.
"""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

CORE = {
    "main.py": '''
        """The application."""

        from contextlib import asynccontextmanager

        from fastapi import FastAPI

        from app.core.database import close_client, ensure_indexes, open_client
        from app.core.errors import register_exception_handlers
        {imports}


        @asynccontextmanager
        async def lifespan(app: FastAPI):
            """Open what the application needs, and close it."""
            app.state.client = open_client()
            await ensure_indexes(app.state.client)
            yield
            await close_client(app.state.client)


        app = FastAPI(title="Shop", lifespan=lifespan)
        register_exception_handlers(app)
        {includes}
        ''',
    "core/config.py": '''
        """Settings from the environment."""

        from functools import lru_cache

        from pydantic import SecretStr
        from pydantic_settings import BaseSettings


        class Settings(BaseSettings):
            """What the environment decides."""

            environment: str = "development"
            mongo_url: SecretStr
            database: str = "shop"
            page_size: int = 50


        @lru_cache
        def get_settings() -> Settings:
            """The settings, read once."""
            return Settings()
        ''',
    "core/database.py": '''
        """The connection."""

        from fastapi import Request
        from pymongo import ASCENDING, DESCENDING, AsyncMongoClient

        from app.core.config import get_settings


        def open_client() -> AsyncMongoClient:
            """A client for the process."""
            return AsyncMongoClient(get_settings().mongo_url.get_secret_value())


        async def close_client(client: AsyncMongoClient) -> None:
            """Close it."""
            await client.close()


        def get_database(request: Request):
            """The database of this request."""
            return request.app.state.client[get_settings().database]


        async def ensure_indexes(client: AsyncMongoClient) -> None:
            """Create what the queries need."""
            database = client[get_settings().database]
            for name in {names}:
                await database[name].create_index([("owner_id", ASCENDING), ("created_at", DESCENDING)])
                await database[name].create_index("slug", unique=True)
        ''',
    "core/errors.py": '''
        """What can go wrong, and how clients are told."""

        import logging

        from fastapi import FastAPI, Request
        from fastapi.responses import JSONResponse

        logger = logging.getLogger(__name__)


        class ApplicationError(Exception):
            """The base of the application's own errors."""

            status_code = 500

            def __init__(self, message: str) -> None:
                super().__init__(message)
                self.message = message


        class NotFoundError(ApplicationError):
            """There is no such thing."""

            status_code = 404


        class ConflictError(ApplicationError):
            """It is there already."""

            status_code = 409


        async def handle_application_error(request: Request, error: ApplicationError) -> JSONResponse:
            """An error of ours, as JSON."""
            logger.warning("request failed", extra={"path": request.url.path, "error": error.message})
            return JSONResponse({"error": {"message": error.message}}, status_code=error.status_code)


        async def handle_any_error(request: Request, error: Exception) -> JSONResponse:
            """Any other error, without its details."""
            logger.exception("unexpected error", extra={"path": request.url.path})
            return JSONResponse({"error": {"message": "internal error"}}, status_code=500)


        def register_exception_handlers(app: FastAPI) -> None:
            """Register both."""
            app.add_exception_handler(ApplicationError, handle_application_error)
            app.add_exception_handler(Exception, handle_any_error)
        ''',
}

DOMAIN = {
    "models/{name}.py": (
        '''
        """The documents of {name}."""

        from datetime import datetime

        from pydantic import BaseModel, Field


        class {cls}(BaseModel):
            """A {name} as it is stored."""

            id: str | None = Field(default=None, alias="_id")
            owner_id: str
            slug: str
            title: str
            tags: list[str] = []
            created_at: datetime
        ''',
        '''
        class {cls}Detail{i}(BaseModel):
            """Part {i} of a {name}."""

            label: str = Field(min_length=1, max_length={i}00)
            amount: int = Field(default={i}, ge=0)
            unit: str | None = None
            parts: dict[str, list[int]] = Field(default_factory=dict)

            def total(self, factor: int = 1) -> int:
                """The amount with all parts, times a factor."""
                amounts = [value for values in self.parts.values() for value in values if value > {i}]
                return (self.amount + sum(amounts)) * factor if amounts else self.amount
        ''',
    ),
    "schemas/{name}.py": (
        '''
        """What clients send and get about {name}."""

        from pydantic import BaseModel, ConfigDict, Field, field_validator


        class {cls}Out(BaseModel):
            """A {name} for clients."""

            model_config = ConfigDict(from_attributes=True)

            id: str
            title: str
            tags: list[str]
        ''',
        '''
        class {cls}Command{i}(BaseModel):
            """Command {i} of clients."""

            title: str = Field(min_length=3, max_length=120, examples=["Title {i}"])
            slug: str = Field(pattern=r"^[a-z0-9-]+$")
            quantity: int = Field(default=1, ge=1, le={i}000)
            note: str | None = None

            @field_validator("title")
            @classmethod
            def strip_title(cls, value: str) -> str:
                """Titles have no space around them."""
                stripped = value.strip()
                if not stripped:
                    raise ValueError("title {i} is empty")
                return stripped
        ''',
    ),
    "repositories/{name}_repository.py": (
        '''
        """Data access for {name}."""

        from typing import Any

        from bson import ObjectId
        from pymongo.asynchronous.database import AsyncDatabase

        from app.core.errors import NotFoundError
        from app.models.{name} import {cls}


        class {cls}Repository:
            """All queries on the collection ``{name}s``."""

            def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
                self._collection = database["{name}s"]

            def _model(self, document: dict[str, Any]) -> {cls}:
                document["_id"] = str(document["_id"])
                return {cls}.model_validate(document)
        ''',
        '''
            async def find_{i}(self, owner_id: str, limit: int = {i}0, tag: str | None = None) -> list[{cls}]:
                """The owner's newest, perhaps with a tag."""
                criteria: dict[str, Any] = {{"owner_id": owner_id, "version": {{"$gte": {i}}}}}
                if tag is not None:
                    criteria["tags"] = {{"$in": [tag, f"{{tag}}-{i}"]}}
                cursor = self._collection.find(criteria).sort("created_at", -1).limit(limit)
                return [self._model(document) async for document in cursor]

            async def change_{i}(self, identifier: str, title: str) -> {cls}:
                """Give it another title."""
                document = await self._collection.find_one_and_update(
                    {{"_id": ObjectId(identifier)}},
                    {{"$set": {{"title": title, "version": {i}}}, "$inc": {{"changes": 1}}}},
                )
                if document is None:
                    raise NotFoundError(f"there is no {name} {{identifier}}")
                return self._model(document)
        ''',
    ),
    "services/{name}_service.py": (
        '''
        """What can be done with {name}."""

        import logging

        from app.core.errors import ConflictError
        from app.models.{name} import {cls}
        from app.repositories.{name}_repository import {cls}Repository
        from app.schemas import {name} as schemas
        {neighbour}

        logger = logging.getLogger(__name__)
        {use}


        class {cls}Service:
            """The use cases of {name}."""

            def __init__(self, repository: {cls}Repository) -> None:
                self._repository = repository
        ''',
        '''
            async def execute_{i}(self, identifier: str, command: schemas.{cls}Command{i}, owner: str):
                """Do command {i} for its owner, once."""
                known = await self._repository.find_{i}(owner, limit=command.quantity)
                if any(item.slug == command.slug and item.id != identifier for item in known):
                    logger.info("conflict", extra={{"slug": command.slug, "owner": owner, "step": {i}}})
                    raise ConflictError(f"{{command.slug}} is taken")
                try:
                    changed = await self._repository.change_{i}(identifier, command.title)
                except TimeoutError:
                    logger.exception("could not change", extra={{"identifier": identifier}})
                    raise
                return changed if command.note is None else self._annotate_{i}(changed, command.note)

            def _annotate_{i}(self, item: {cls}, note: str) -> {cls}:
                words = sorted({{word.lower() for word in note.split() if len(word) > {i} % 7}})
                item.tags.extend(word for word in words if word not in item.tags)
                return item
        ''',
    ),
    "routes/{name}s.py": (
        '''
        """Endpoints of {name}."""

        from typing import Annotated

        from fastapi import APIRouter, Depends, Query

        from app.core.database import get_database
        from app.repositories.{name}_repository import {cls}Repository
        from app.schemas import {name} as schemas
        from app.services.{name}_service import {cls}Service

        router = APIRouter(prefix="/{name}s", tags=["{name}"])


        def get_service(database=Depends(get_database)) -> {cls}Service:
            """The service of this request."""
            return {cls}Service({cls}Repository(database))
        ''',
        '''
        @router.post("/{{identifier}}/command-{i}", response_model=schemas.{cls}Out, status_code=201)
        async def run_command_{i}(
            identifier: str,
            command: schemas.{cls}Command{i},
            service: Annotated[{cls}Service, Depends(get_service)],
            owner: Annotated[str, Query(min_length=1)] = "nobody",
        ) -> schemas.{cls}Out:
            """Run command {i}."""
            item = await service.execute_{i}(identifier, command, owner)
            return schemas.{cls}Out.model_validate(item)
        ''',
    ),
}

_PARTS = 8
"""Repeated parts per module: with them a domain has some 700 lines."""


def domains(lines: int) -> int:
    """How many domains make an application of about so many lines."""
    return max(1, round(lines / _lines_of_one()))


def _lines_of_one() -> int:
    return sum(text.count("\n") + 1 for text in _domain("x", "").values())


def _domain(name: str, other: str) -> dict[str, str]:
    """The modules of one domain, whose service knows the service of another (or of none)."""
    values = {
        "name": name,
        "cls": _class(name),
        "neighbour": f"from app.services import {other}_service as neighbour" if other else "",
        "use": f"Neighbour = neighbour.{_class(other)}Service" if other else "",
    }
    files: dict[str, str] = {}
    for path, (head, part) in DOMAIN.items():
        parts = [_shape(part).format(i=i, **values) for i in range(1, _PARTS + 1)]
        separator = "\n" if part.startswith("\n            ") else "\n\n"  # one blank line between methods
        files[path.format(name=name)] = separator.join([_shape(head).format(**values), *parts])
    return files


def _class(name: str) -> str:
    return name.title().replace("_", "")


def _shape(text: str) -> str:
    """Without the indentation that the text has in this file, and with that of a method where it has more."""
    lines = text.strip("\n").rstrip().split("\n")
    return "\n".join(line[8:] for line in lines) + "\n"


def generate(root: Path, lines: int) -> None:
    """Write an application of about ``lines`` lines under ``root``, as the package ``app``."""
    names = [f"thing_{number:03}" for number in range(domains(lines))]
    files: dict[str, str] = {}
    for number, name in enumerate(names):
        other = names[(number + 1) % len(names)]
        files |= _domain(name, other if number else "")
    imports = "\n".join(f"from app.routes import {name}s" for name in names)
    includes = "\n".join(f'app.include_router({name}s.router, prefix="/api/v1")' for name in names)
    for path, text in CORE.items():
        shaped = dedent(text).strip("\n") + "\n"
        shaped = shaped.replace("{imports}", imports).replace("{includes}", includes)
        files[path] = shaped.replace("{names}", repr([f"{name}s" for name in names]))
    for path, text in files.items():
        target = root / "app" / path
        for folder in (target.parent, root / "app"):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "__init__.py").touch()
        target.write_text(text, encoding="utf-8")
