"""Break the reference application one thing at a time: exactly the expected findings follow, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner

SERVER = Path(__file__).parents[2] / "fixtures" / "reference_app" / "server"


@dataclass(frozen=True)
class Mutation:
    """``edits``: per file, texts to replace (each stands there exactly once) by others; ``added``: new files.

    ``expected``: the codes that must be reported, each as often as it is listed.
    """

    name: str
    expected: tuple[str, ...]
    edits: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    added: dict[str, str] = field(default_factory=dict)


def broken(name: str, expected: str, path: str, old: str, new: str) -> Mutation:
    """A mutation of one place. An ``old`` that begins with ``+`` is kept, with ``new`` put after it."""
    if old.startswith("+"):
        old, new = old[1:], old[1:] + new
    return Mutation(name, tuple(expected.split()), {path: [(old, new)]})


USERS_ROUTE = "app/routes/users.py"
USER_SERVICE = "app/services/user_service.py"
USER_REPOSITORY = "app/repositories/user_repository.py"
PRODUCT_REPOSITORY = "app/repositories/product_repository.py"
INDEXES = "app/core/database_indexes.py"
ROUTER_END = "    responses=error_responses(HTTPStatus.UNAUTHORIZED),\n)\n"
SERVICE_GET = '        """Answer an account; raises `NotFoundError`."""\n'
SERVICE_IMPORTS = "from app.utils.pagination import Page, cut_page, decode_cursor, encode_cursor\n"
REGISTERED = "        await self._users.add(user)\n        return user\n"

MUTATIONS = [
    # Rule 1: layered architecture
    broken("a repository imports a service", "GR101", USER_REPOSITORY, "+from app.models.user import Role, User\n",
           "from app.services.product_service import ProductFilter\n"),
    broken("a model imports a route", "GR101", "app/models/user.py", "+from app.models.base import Entity, UtcDatetime\n",
           "from app.routes.operations import router\n"),
    broken("a service imports the app", "GR101", USER_SERVICE, "+" + SERVICE_IMPORTS, "from app.main import create_app\n"),
    broken("a route imports a repository", "GR102", USERS_ROUTE, "+from app.models.user import Role\n",
           "from app.repositories.user_repository import UserRepository\n"),
    Mutation("a chain through a module of no layer", ("GR103", "GR107"),
             {USERS_ROUTE: [("from app.models.user import Role\n", "from app.gateway import UserRepository\nfrom app.models.user import Role\n")]},
             {"app/gateway.py": "from app.repositories.user_repository import UserRepository\n\n__all__ = ['UserRepository']\n"}),
    broken("a service imports the request", "GR104", USER_SERVICE, "+" + SERVICE_IMPORTS, "from fastapi import Request\n"),
    broken("two modules of utils import each other", "GR105", "app/utils/clock.py", "+from datetime import datetime, timezone\n",
           "\nfrom app.core.security import Tokens\n"),
    # Rule 2: dependency injection for connections
    broken("a client per request", "GR202", USER_SERVICE, "+" + SERVICE_GET,
           "        from pymongo import AsyncMongoClient\n\n        AsyncMongoClient()\n"),
    broken("the client stays open", "GR204", "app/core/database.py",
           "    try:\n        yield client\n    finally:\n        await client.close()\n", "    yield client\n"),
    Mutation("a repository reads a global database", ("GR203", "GR204"), {
        "app/core/database.py": [('Result = TypeVar("Result")\n', 'Result = TypeVar("Result")\nshared = AsyncMongoClient()["shop"]\n')],
        USER_REPOSITORY: [
            ("from app.core.database import Database, Document\n", "from app.core.database import Database, Document, shared\n"),
            ('        self._users = database["users"]\n', '        self._users = shared["users"]\n'),
        ],
    }),
    Mutation("a handler fetches the database itself", ("GR205",), {USERS_ROUTE: [
        ("    get_current_user,\n    rate_limit,\n", "    ResourcesDep,\n    get_current_user,\n    get_database,\n    rate_limit,\n"),
        ("async def read_me(user: CurrentUserDep) -> UserResponse:\n", "async def read_me(user: CurrentUserDep, resources: ResourcesDep) -> UserResponse:\n"),
        ('    """Show the account of who asks."""\n', '    """Show the account of who asks."""\n    await get_database(resources)\n'),
    ]}),
    # Rule 3: repository pattern
    Mutation("a handler asks the database", ("GR301",), {USERS_ROUTE: [
        ("    CursorParam,\n", "    CursorParam,\n    DatabaseDep,\n"),
        ("async def read_me(user: CurrentUserDep) -> UserResponse:\n", "async def read_me(user: CurrentUserDep, database: DatabaseDep) -> UserResponse:\n"),
        ('    """Show the account of who asks."""\n', '    """Show the account of who asks."""\n    await database["users"].find_one({"username": user.username})\n'),
    ]}),
    broken("a repository returns the document", "GR302", USER_REPOSITORY,
           "        return None if document is None else User.from_document(document)\n\n    async def list_page", "        return document\n\n    async def list_page"),
    broken("a repository returns the driver's result", "GR303", USER_REPOSITORY,
           '        await self._users.update_one({"username": username}, {"$set": {"last_login_at": moment}})',
           '        return await self._users.update_one({"username": username}, {"$set": {"last_login_at": moment}})'),
    Mutation("a repository works on two collections", ("GR304",), {USER_REPOSITORY: [
        ('        self._users = database["users"]\n', '        self._users = database["users"]\n        self._products = database["products"]\n'),
        ('        """Answer the user, or None."""\n', '        """Answer the user, or None."""\n        await self._products.find_one({"sku": username})\n'),
    ]}),
    broken("a service imports the driver's errors", "GR305", USER_SERVICE, "+" + SERVICE_IMPORTS, "from pymongo.errors import PyMongoError\n"),
    # Rule 4: Pydantic models for requests and responses
    broken("a body without a model", "GR401", USERS_ROUTE, "request: ChangePasswordRequest, user", "request: dict, user"),
    broken("an answer without a model", "GR402", "app/routes/products.py",
           "async def list_categories(products: ProductServiceDep) -> CategoriesResponse:", "async def list_categories(products: ProductServiceDep):"),
    Mutation("the stored model is answered", ("GR403", "GR407"), {USERS_ROUTE: [
        ("from app.models.user import Role\n", "from app.models.user import Role, User\n"),
        ("async def read_me(user: CurrentUserDep) -> UserResponse:\n", "async def read_me(user: CurrentUserDep) -> User:\n"),
    ]}),
    broken("a model in routes", "GR404", USERS_ROUTE, "+" + ROUTER_END,
           "\nfrom pydantic import BaseModel\n\n\nclass Greeting(BaseModel):\n    text: str\n"),
    Mutation("a bare ObjectId in a schema", ("GR405",), {"app/schemas/users.py": [
        ("from pydantic import BaseModel, ConfigDict, SecretStr\n", "from bson import ObjectId\nfrom pydantic import BaseModel, ConfigDict, SecretStr\n"),
        ("    id: PyObjectId\n", "    id: ObjectId\n"),
    ]}),
    broken("a method of Pydantic 1", "GR406", "app/routes/products.py", "Product(**request.model_dump())", "Product(**request.dict())"),
    broken("a password hash in the answer", "GR407 GR407 GR407 GR407", "app/schemas/users.py", "+    email: str\n", "    password_hash: str\n"),
    # Rule 5: error handling
    broken("no exception handlers", "GR502", "app/main.py", "        exception_handlers=EXCEPTION_HANDLERS,\n", ""),
    broken("nothing catches Exception", "GR502", "app/core/exception_handlers.py", "    Exception: handle_unexpected_error,\n", ""),
    broken("a service raises HTTPException", "GR503", USER_SERVICE, '            raise NotFoundError("user", username)\n',
           "            from fastapi import HTTPException\n\n            raise HTTPException(404)\n"),
    broken("an exception is swallowed", "GR504", USER_SERVICE, REGISTERED,
           "        try:\n            await self._users.add(user)\n        except Exception:\n            pass\n        return user\n"),
    broken("an error is answered as a success", "GR505", USERS_ROUTE, '+    """Show the account of who asks."""\n',
           '    if not user.is_active:\n        return {"error": "not active"}\n'),
    broken("the exception's text reaches the client", "GR506", "app/core/exception_handlers.py",
           '"internal_error", "Something went wrong on our side."', '"internal_error", str(error)'),
    broken("an exception class in a service", "GR507", USER_SERVICE, "+" + SERVICE_IMPORTS, "\n\nclass TooManyUsersError(Exception):\n    pass\n"),
    broken("an HTTPException is masked", "GR508", USERS_ROUTE, '+    """Show the account of who asks."""\n',
           "    from fastapi import HTTPException\n\n    try:\n        if not user.is_active:\n            raise HTTPException(403)\n"
           "    except Exception as error:\n        raise HTTPException(500) from error\n"),
    # Rule 6: configuration
    broken("a service reads the environment", "GR601", USER_SERVICE, "+" + SERVICE_IMPORTS, 'import os\n\nLIMIT = os.getenv("USER_LIMIT")\n'),
    broken("a secret in the source", "GR602", USER_SERVICE, "+" + SERVICE_IMPORTS, '\nSIGNING_SECRET = "t0p-Secret-99-value"\n'),
    broken("a connection URL in the source", "GR603", USER_SERVICE, "+" + SERVICE_IMPORTS, '\nMIRROR = "mongodb://mirror:27017/shop"\n'),
    broken("a secret with a default", "GR605", "app/core/config.py", "    jwt_secret: SecretStr = Field(min_length=32)\n",
           '    jwt_secret: SecretStr = SecretStr("0123456789abcdef0123456789abcdef")\n'),
    broken("a secret as a plain string", "GR606", "app/core/config.py", "    jwt_secret: SecretStr = Field(min_length=32)\n",
           "    jwt_secret: str = Field(min_length=32)\n"),
    broken("the dotenv file is not ignored", "GR607", ".gitignore", ".env\n.env.*\n", ".env.*\n"),
    broken("the example misses a setting", "GR608", ".env.example", "JWT_SECRET=", "# JWT="),
    # Rule 7: async all the way
    broken("a def handler", "GR701", "app/routes/operations.py", "async def health() -> HealthResponse:", "def health() -> HealthResponse:"),
    broken("a synchronous client", "GR204 GR702", "app/core/database.py", '+Result = TypeVar("Result")\n',
           "\nfrom pymongo import MongoClient\n\narchive = MongoClient()\n"),
    broken("hashing on the loop", "GR703", "app/core/security.py", "            return await asyncio.to_thread(self._hasher.hash, password)\n",
           "            return self._hasher.hash(password)\n"),
    broken("a helper that sleeps", "GR704", USER_SERVICE, "+    def _key_in(cursor: str) -> str:\n", "        import time\n\n        time.sleep(1)\n"),
    broken("a coroutine that nobody awaits", "GR705", USER_SERVICE, REGISTERED, "        self._users.add(user)\n        return user\n"),
    broken("one query per item", "GR706", USER_SERVICE, "+" + SERVICE_GET,
           "        for name in (username, username.lower()):\n            await self._users.get(name)\n"),
    broken("an event loop in an event loop", "GR707", USER_SERVICE, "+" + SERVICE_GET, "        import asyncio\n\n        asyncio.run(self._users.get(username))\n"),
    broken("a task that nobody keeps", "GR708", USER_SERVICE, "+" + SERVICE_GET, "        import asyncio\n\n        asyncio.create_task(self._users.get(username))\n"),
    # Rule 8: modular routes
    broken("an endpoint on the app", "GR801", "app/main.py", "+    app.include_router(operations.router)\n",
           '\n    @app.get("/colours")\n    async def colours() -> list[str]:\n        return ["red"]\n\n'),
    broken("a router that no app includes", "GR802", "app/main.py", "    app.include_router(products.router, prefix=API_PREFIX, responses=COMMON_ERRORS)\n", ""),
    Mutation("a router without a prefix", ("GR803",), {"app/routes/products.py": [
        ('prefix="/products", ', ""),
        ('@router.get("")', '@router.get("/products")'),
        ('@router.get("/search"', '@router.get("/products/search"'),
        ('@router.get("/categories")', '@router.get("/products/categories")'),
        ('@router.get("/{sku}"', '@router.get("/products/{sku}"'),
        ('@router.post(\n    "",', '@router.post(\n    "/products",'),
        ('@router.put(\n    "/{sku}",', '@router.put(\n    "/products/{sku}",'),
        ('"/{sku}/stock"', '"/products/{sku}/stock"'),
        ('@router.delete(\n    "/{sku}",', '@router.delete(\n    "/products/{sku}",'),
    ]}),
    broken("a router without tags", "GR804", USERS_ROUTE, '    tags=["users"],\n', ""),
    broken("two handlers of one route", "GR805", USERS_ROUTE, "+" + ROUTER_END,
           '\n\n@router.get("/me")\nasync def read_self(user: CurrentUserDep) -> UserResponse:\n    return UserResponse.model_validate(user)\n'),
    Mutation("a route behind a parameter", ("GR806",), {USERS_ROUTE: [(
        "    return UserResponse.model_validate(await users.get(username))\n",
        "    return UserResponse.model_validate(await users.get(username))\n\n\n"
        '@router.get("/roles")\nasync def list_roles() -> list[Role]:\n    return list(Role)\n')]}),
    broken("a second router in the module", "GR802 GR807", USERS_ROUTE, "+" + ROUTER_END,
           '\nadmin = APIRouter(prefix="/admin", tags=["admin"])\n\n\n@admin.get("/roles")\nasync def list_roles() -> list[Role]:\n    return list(Role)\n'),
    # Rule 9: indexes
    broken("an index less for a filter", "GR903", INDEXES, '    IndexModel([("username", ASCENDING)], name="login_sessions_username"),\n', ""),
    broken("an index without its second field", "GR904", INDEXES, '[("step", ASCENDING), ("updated_at", ASCENDING)]', '[("step", ASCENDING)]'),
    broken("no text index", "GR905 GR907", INDEXES, '    [("name", TEXT), ("description", TEXT)],\n', '    [("name", ASCENDING), ("sku", ASCENDING)],\n'),
    broken("an index within an index", "GR906", INDEXES, '+    IndexModel([("price", ASCENDING), ("sku", ASCENDING)], name="products_price_sku"),\n',
           '    IndexModel([("price", ASCENDING)], name="products_price"),\n'),
    broken("an index for nothing", "GR907", INDEXES, '+    IndexModel([("email", ASCENDING)], name="users_email", unique=True),\n',
           '    IndexModel([("last_login_at", ASCENDING)], name="users_last_login"),\n'),
    broken("indexes that nobody applies", "GR908", "app/core/lifespan.py", "    text_search = await apply_indexes(database)\n", "    text_search = True\n"),
    broken("an unanchored pattern", "GR909", PRODUCT_REPOSITORY, 'await self._products.distinct("category")',
           'await self._products.distinct("category", {"name": {"$regex": "lamp"}})'),
    # Rule 10: logging and monitoring
    broken("a print", "GR1001", USER_SERVICE, "+" + SERVICE_GET, "        print(username)\n"),
    broken("the root logger", "GR1002", USER_SERVICE, "+" + SERVICE_GET, '        import logging\n\n        logging.info("asked")\n'),
    broken("no request id", "GR1003", "app/main.py",
           "    app.add_middleware(RequestIdMiddleware)  # added last, so it is outermost: all else knows the id\n", ""),
    broken("no readiness", "GR1004", "app/routes/operations.py", '@router.get("/ready", ', '@router.get("/able", '),
    broken("a secret in the log", "GR1006", "app/services/auth_service.py", "+logger = logging.getLogger(__name__)\n",
           '\n\ndef note(password: str) -> None:\n    logger.info("login with %s", password)\n'),
    broken("no configuration of logging", "GR1007", "app/main.py", "    configure_logging(settings)\n", ""),
    broken("a pool that nobody watches", "GR1008", "app/core/database.py",
           "        event_listeners=[CommandMonitor(settings.slow_query_ms), PoolMonitor()],\n", ""),
]  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the server to break; facts of unbroken files come from a cache, which speeds up the rest."""
    target = tmp_path_factory.mktemp("mutations") / "server"
    shutil.copytree(SERVER, target, ignore=shutil.ignore_patterns("__pycache__", ".venv"))
    return target


def reported(server: Path) -> list[dict[str, str]]:
    """All findings of all checks on the server."""
    from guardrails.cli import main

    here = Path.cwd()
    os.chdir(server)
    try:
        outcome = CliRunner().invoke(main, ["check", "app", "--select", "ALL", "--format", "json"])
    finally:
        os.chdir(here)
    assert outcome.exit_code in (0, 1), outcome.output
    findings: list[dict[str, str]] = json.loads(outcome.stdout)["findings"]
    return findings


def test_unbroken_it_is_clean(server: Path) -> None:
    assert reported(server) == []


def test_every_rule_is_broken_in_three_ways_at_least() -> None:
    rules = Counter(int(code[2:-2]) for mutation in MUTATIONS for code in set(mutation.expected))
    assert len(MUTATIONS) >= 40
    assert all(rules[rule] >= 3 for rule in range(1, 11))


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mutation_is_reported(server: Path, mutation: Mutation) -> None:
    originals: dict[Path, str] = {}
    try:
        for path, edits in mutation.edits.items():
            file = server / path
            originals[file] = text = file.read_text(encoding="utf-8")
            for old, new in edits:
                assert text.count(old) == 1, f"{path} has {old!r} {text.count(old)} times"
                text = text.replace(old, new)
            file.write_text(text, encoding="utf-8")
        for path, text in mutation.added.items():
            (server / path).write_text(text, encoding="utf-8")
        found = reported(server)
        assert sorted(f["code"] for f in found) == sorted(mutation.expected), [
            f"{f['path']}:{f['line']} {f['code']} {f['message']}" for f in found
        ]
    finally:
        for file, text in originals.items():
            file.write_text(text, encoding="utf-8")
        for path in mutation.added:
            (server / path).unlink()
