"""One name for one thing: the names by which libraries re-export a class, a function or a module.

The same class is reachable as ``pymongo.MongoClient``, ``pymongo.mongo_client.MongoClient`` and
``pymongo.synchronous.mongo_client.MongoClient``; every other table of this package knows it by one of them,
the *canonical* name: the shortest one that the library documents. :func:`canonical` translates.

Sources: the packages' own ``__init__`` modules and the ``__module__`` of their objects, read from CPython
3.11 and the releases current in 2026, and the API references of the libraries for names of older releases.
"""

from __future__ import annotations

from typing import Final

from guardrails.patterns import pattern


def _spread(canonical_prefix: str, alias_prefixes: str, names: str) -> dict[str, str]:
    """Rows for many names that live in the same two modules: ``a.X`` is really ``b.X``."""
    return {
        f"{alias}.{name}": f"{canonical_prefix}.{name}" for alias in alias_prefixes.split() for name in names.split()
    }


_STANDARD_LIBRARY: Final[dict[str, str]] = {
    "_asyncio": "asyncio",
    "_bootlocale": "locale",
    "_io": "io",
    "_socket": "socket",
    "_sqlite3": "sqlite3",
    "_thread.allocate_lock": "threading.Lock",
    "io.open": "open",
    "ntpath": "os.path",
    "posix": "os",
    "posixpath": "os.path",
    "nt": "os",
    "_pyio": "io",
    "pathlib._local": "pathlib",
    "pathlib._abc": "pathlib",
    "sqlite3.dbapi2": "sqlite3",
    "urllib2.urlopen": "urllib.request.urlopen",
    "threading._RLock": "threading.RLock",
    "typing_extensions": "typing",
    "logging.Logger.warn": "logging.Logger.warning",
    "logging.warn": "logging.warning",
    **_spread("asyncio", "asyncio.tasks", "create_task ensure_future gather wait wait_for shield sleep as_completed"),
    **_spread("asyncio", "asyncio.tasks", "run_coroutine_threadsafe Task current_task all_tasks"),
    "asyncio.BaseEventLoop": "asyncio.AbstractEventLoop",
    "asyncio.ProactorEventLoop": "asyncio.AbstractEventLoop",
    "asyncio.SelectorEventLoop": "asyncio.AbstractEventLoop",
    "asyncio.base_events.BaseEventLoop": "asyncio.AbstractEventLoop",
    "uvloop.Loop": "asyncio.AbstractEventLoop",
    **_spread("asyncio", "asyncio.runners", "run Runner"),
    **_spread("asyncio", "asyncio.threads", "to_thread"),
    **_spread("asyncio", "asyncio.taskgroups", "TaskGroup"),
    **_spread("asyncio", "asyncio.timeouts", "timeout timeout_at Timeout"),
    **_spread("asyncio", "asyncio.locks", "Lock Event Condition Semaphore BoundedSemaphore Barrier"),
    **_spread("asyncio", "asyncio.queues", "Queue PriorityQueue LifoQueue"),
    **_spread("asyncio", "asyncio.futures", "Future wrap_future"),
    **_spread(
        "asyncio",
        "asyncio.events",
        "AbstractEventLoop get_event_loop get_running_loop new_event_loop set_event_loop",
    ),
    **_spread("asyncio", "asyncio.subprocess", "create_subprocess_exec create_subprocess_shell"),
    **_spread("concurrent.futures", "concurrent.futures.thread", "ThreadPoolExecutor"),
    **_spread("concurrent.futures", "concurrent.futures.process", "ProcessPoolExecutor"),
    **_spread("concurrent.futures", "concurrent.futures._base", "Executor Future wait as_completed"),
    "multiprocessing.context.Process": "multiprocessing.Process",
    "multiprocessing.pool.Pool": "multiprocessing.Pool",
    "multiprocessing.queues.Queue": "multiprocessing.Queue",
    "tempfile._TemporaryFileWrapper": "tempfile.NamedTemporaryFile",
    **_spread(
        "collections.abc",
        "typing",
        "AsyncGenerator AsyncIterable AsyncIterator Awaitable Callable Collection Container Coroutine "
        "Generator Hashable ItemsView Iterable Iterator KeysView Mapping MappingView MutableMapping "
        "MutableSequence MutableSet Reversible Sequence Sized ValuesView",
    ),
    "typing.AbstractSet": "collections.abc.Set",
    "typing.ChainMap": "collections.ChainMap",
    "typing.Counter": "collections.Counter",
    "typing.DefaultDict": "collections.defaultdict",
    "typing.Deque": "collections.deque",
    "typing.Dict": "dict",
    "typing.FrozenSet": "frozenset",
    "typing.List": "list",
    "typing.OrderedDict": "collections.OrderedDict",
    "typing.Set": "set",
    "typing.Tuple": "tuple",
    "typing.Type": "type",
    "typing.Text": "str",
    "typing.AsyncContextManager": "contextlib.AbstractAsyncContextManager",
    "typing.ContextManager": "contextlib.AbstractContextManager",
}

_PYMONGO: Final[dict[str, str]] = {
    "pymongo.synchronous": "pymongo",
    "pymongo.mongo_client.MongoClient": "pymongo.MongoClient",
    "pymongo.asynchronous.mongo_client.AsyncMongoClient": "pymongo.AsyncMongoClient",
    "pymongo.read_preferences.ReadPreference": "pymongo.ReadPreference",
    "pymongo.write_concern.WriteConcern": "pymongo.WriteConcern",
    **_spread(
        "pymongo",
        "pymongo.operations",
        "DeleteMany DeleteOne IndexModel InsertOne ReplaceOne UpdateMany UpdateOne",
    ),
    **_spread("pymongo", "pymongo.collection", "ASCENDING DESCENDING GEO2D GEOSPHERE HASHED TEXT ReturnDocument"),
    **_spread(
        "pymongo",
        "pymongo.collection",
        "DeleteMany DeleteOne IndexModel InsertOne ReplaceOne UpdateMany UpdateOne",
    ),
    **_spread("pymongo.cursor", "pymongo.collection", "Cursor RawBatchCursor"),
    **_spread("pymongo.command_cursor", "pymongo.collection pymongo.database pymongo.mongo_client", "CommandCursor"),
    **_spread("pymongo.collection", "pymongo.database", "Collection"),
    **_spread("pymongo.database", "pymongo.mongo_client", "Database"),
    **_spread("pymongo.asynchronous.collection", "pymongo.asynchronous.database", "AsyncCollection"),
    **_spread("pymongo.asynchronous.database", "pymongo.asynchronous.mongo_client", "AsyncDatabase"),
    **_spread("pymongo.asynchronous.cursor", "pymongo.asynchronous.collection", "AsyncCursor AsyncRawBatchCursor"),
    **_spread("pymongo", "pymongo.cursor pymongo.cursor_shared", "CursorType"),
    "bson.binary.Binary": "bson.Binary",
    "bson.binary.UuidRepresentation": "bson.UuidRepresentation",
    "bson.code.Code": "bson.Code",
    "bson.codec_options.CodecOptions": "bson.CodecOptions",
    "bson.dbref.DBRef": "bson.DBRef",
    "bson.decimal128.Decimal128": "bson.Decimal128",
    "bson.int64.Int64": "bson.Int64",
    "bson.json_util.ObjectId": "bson.ObjectId",
    "bson.max_key.MaxKey": "bson.MaxKey",
    "bson.min_key.MinKey": "bson.MinKey",
    "bson.objectid.ObjectId": "bson.ObjectId",
    "bson.regex.Regex": "bson.Regex",
    "bson.son.SON": "bson.SON",
    "bson.timestamp.Timestamp": "bson.Timestamp",
    "gridfs.synchronous": "gridfs",
    "gridfs.asynchronous": "gridfs",
    "gridfs.grid_file": "gridfs",
}

# Tornado's flavour of motor has the same API as asyncio's: one model serves both.
_MOTOR: Final[dict[str, str]] = {
    alias + name: "motor.motor_asyncio.AsyncIOMotor" + name
    for alias in (
        "motor.core.Agnostic",
        "motor.motor_gridfs.Agnostic",
        "motor.motor_tornado.Motor",
        "motor.Motor",
    )
    for name in (
        "ChangeStream",
        "Client",
        "ClientEncryption",
        "ClientSession",
        "Collection",
        "CommandCursor",
        "Cursor",
        "Database",
        "GridFSBucket",
        "GridIn",
        "GridOut",
        "GridOutCursor",
        "LatentCommandCursor",
    )
}

_ODMS: Final[dict[str, str]] = {
    "beanie.BeanieObjectId": "beanie.PydanticObjectId",
    "beanie.odm.bulk.BulkWriter": "beanie.BulkWriter",
    "beanie.odm.custom_types.bson.binary.BsonBinary": "beanie.BsonBinary",
    "beanie.odm.utils.init.init_beanie": "beanie.init_beanie",
    "beanie.odm.utils.general.init_beanie": "beanie.init_beanie",
    "beanie.odm.union_doc.UnionDoc": "beanie.UnionDoc",
    "beanie.odm.views.View": "beanie.View",
    **_spread("beanie", "beanie.odm.documents", "Document DocumentWithSoftDelete PydanticObjectId"),
    **_spread(
        "beanie",
        "beanie.odm.fields",
        "BackLink BeanieObjectId DeleteRules Indexed Link PydanticObjectId SortDirection WriteRules",
    ),
    **_spread("beanie", "beanie.odm.actions", "after_event before_event"),
    "odmantic.bson.ObjectId": "odmantic.ObjectId",
    "odmantic.engine.AIOEngine": "odmantic.AIOEngine",
    "odmantic.engine.SyncEngine": "odmantic.SyncEngine",
    "odmantic.field.Field": "odmantic.Field",
    "odmantic.index.Index": "odmantic.Index",
    "odmantic.model.EmbeddedModel": "odmantic.EmbeddedModel",
    "odmantic.model.Model": "odmantic.Model",
    "odmantic.reference.Reference": "odmantic.Reference",
    **_spread(
        "mongoengine",
        "mongoengine.document",
        "Document DynamicDocument DynamicEmbeddedDocument EmbeddedDocument MapReduceDocument",
    ),
    **_spread(
        "mongoengine",
        "mongoengine.connection",
        "connect disconnect disconnect_all get_connection get_db register_connection",
    ),
    **_spread(
        "mongoengine",
        "mongoengine.queryset mongoengine.queryset.queryset mongoengine.queryset.visitor",
        "Q QuerySet QuerySetNoCache",
    ),
    "mongoengine.queryset.base.BaseQuerySet": "mongoengine.QuerySet",
    "mongoengine.queryset.BaseQuerySet": "mongoengine.QuerySet",
    "mongoengine.queryset.QuerySetManager": "mongoengine.QuerySetManager",
    "mongoengine.queryset.manager.QuerySetManager": "mongoengine.QuerySetManager",
    "mongoengine.queryset.queryset_manager": "mongoengine.queryset_manager",
    "mongoengine.queryset.manager.queryset_manager": "mongoengine.queryset_manager",
    "mongoengine.fields": "mongoengine",
}

_WEB: Final[dict[str, str]] = {
    # FastAPI's modules that hand out Starlette's objects as they are.
    "fastapi.middleware": "starlette.middleware",
    "fastapi.middleware.asyncexitstack": "fastapi.middleware.asyncexitstack",
    "fastapi.requests": "starlette.requests",
    "fastapi.responses": "starlette.responses",
    "fastapi.staticfiles": "starlette.staticfiles",
    "fastapi.templating": "starlette.templating",
    "fastapi.testclient": "starlette.testclient",
    "fastapi.websockets": "starlette.websockets",
    "fastapi.Request": "starlette.requests.Request",
    "fastapi.Response": "starlette.responses.Response",
    "fastapi.WebSocket": "starlette.websockets.WebSocket",
    "fastapi.WebSocketDisconnect": "starlette.websockets.WebSocketDisconnect",
    "starlette.status": "fastapi.status",
    # Those classes in them that are FastAPI's own.
    "fastapi.responses.ORJSONResponse": "fastapi.responses.ORJSONResponse",
    "fastapi.responses.UJSONResponse": "fastapi.responses.UJSONResponse",
    "fastapi.responses.EventSourceResponse": "fastapi.sse.EventSourceResponse",
    "fastapi.applications.FastAPI": "fastapi.FastAPI",
    "fastapi.background.BackgroundTasks": "fastapi.BackgroundTasks",
    "fastapi.datastructures.UploadFile": "fastapi.UploadFile",
    "fastapi.exceptions.HTTPException": "fastapi.HTTPException",
    "fastapi.exceptions.WebSocketException": "fastapi.WebSocketException",
    "fastapi.exceptions.StarletteHTTPException": "starlette.exceptions.HTTPException",
    "fastapi.routing.APIRouter": "fastapi.APIRouter",
    "fastapi.routing.run_in_threadpool": "starlette.concurrency.run_in_threadpool",
    **_spread(
        "fastapi",
        "fastapi.param_functions fastapi.params",
        "Body Cookie Depends File Form Header Path Query Security",
    ),
    **_spread("starlette.datastructures", "fastapi.datastructures", "Address FormData Headers QueryParams State URL"),
    **_spread(
        "starlette.concurrency",
        "fastapi.concurrency",
        "iterate_in_threadpool run_in_threadpool run_until_first_complete",
    ),
    **_spread("starlette.routing", "fastapi.routing", "BaseRoute Match Mount NoMatchFound Route WebSocketRoute"),
    **_spread("fastapi.security", "fastapi.security.api_key", "APIKeyCookie APIKeyHeader APIKeyQuery"),
    **_spread(
        "fastapi.security",
        "fastapi.security.http",
        "HTTPAuthorizationCredentials HTTPBasic HTTPBasicCredentials HTTPBearer HTTPDigest",
    ),
    **_spread(
        "fastapi.security",
        "fastapi.security.oauth2",
        "OAuth2 OAuth2AuthorizationCodeBearer OAuth2PasswordBearer OAuth2PasswordRequestForm "
        "OAuth2PasswordRequestFormStrict SecurityScopes",
    ),
    "fastapi.security.open_id_connect_url.OpenIdConnect": "fastapi.security.OpenIdConnect",
    "starlette.responses.BackgroundTask": "starlette.background.BackgroundTask",
    "sse_starlette.sse.EventSourceResponse": "sse_starlette.EventSourceResponse",
}

_PYDANTIC: Final[dict[str, str]] = {
    "pydantic.main.BaseModel": "pydantic.BaseModel",
    "pydantic.env_settings.BaseSettings": "pydantic.BaseSettings",
    "pydantic.v1.env_settings.BaseSettings": "pydantic.v1.BaseSettings",
    "pydantic.v1.main.BaseModel": "pydantic.v1.BaseModel",
    "pydantic.root_model.RootModel": "pydantic.RootModel",
    "pydantic.type_adapter.TypeAdapter": "pydantic.TypeAdapter",
    "pydantic.config.ConfigDict": "pydantic.ConfigDict",
    "pydantic.config.BaseConfig": "pydantic.BaseConfig",
    "pydantic.config.Extra": "pydantic.Extra",
    "pydantic.deprecated.class_validators.root_validator": "pydantic.root_validator",
    "pydantic.deprecated.class_validators.validator": "pydantic.validator",
    "pydantic.class_validators.root_validator": "pydantic.root_validator",
    "pydantic.class_validators.validator": "pydantic.validator",
    **_spread("pydantic", "pydantic.fields", "AliasChoices AliasPath Field PrivateAttr computed_field"),
    **_spread(
        "pydantic",
        "pydantic.functional_validators",
        "AfterValidator BeforeValidator PlainValidator WrapValidator field_validator model_validator",
    ),
    **_spread(
        "pydantic",
        "pydantic.functional_serializers",
        "PlainSerializer WrapSerializer field_serializer model_serializer",
    ),
    **_spread("pydantic", "pydantic.types", "SecretBytes SecretStr Secret"),
    **_spread(
        "pydantic",
        "pydantic.networks",
        "AnyHttpUrl AnyUrl AmqpDsn EmailStr HttpUrl KafkaDsn MongoDsn MySQLDsn PostgresDsn RedisDsn",
    ),
    **_spread("pydantic_settings", "pydantic_settings.main", "BaseSettings SettingsConfigDict"),
}

_HTTP: Final[dict[str, str]] = {
    "requests.sessions": "requests",
    "requests.api": "requests",
    "requests.session": "requests.Session",
    "requests.models.Response": "requests.Response",
    "requests.packages.urllib3": "urllib3",
    "httpx._api": "httpx",
    "httpx._client": "httpx",
    "httpx._models": "httpx",
    "httpx._exceptions": "httpx",
    "urllib3.poolmanager.PoolManager": "urllib3.PoolManager",
    "urllib3.poolmanager.ProxyManager": "urllib3.ProxyManager",
    "urllib3.poolmanager.proxy_from_url": "urllib3.proxy_from_url",
    "urllib3.connectionpool.HTTPConnectionPool": "urllib3.HTTPConnectionPool",
    "urllib3.connectionpool.HTTPSConnectionPool": "urllib3.HTTPSConnectionPool",
    "urllib3.connectionpool.connection_from_url": "urllib3.connection_from_url",
    "aiohttp.client.ClientSession": "aiohttp.ClientSession",
}

_DATABASES: Final[dict[str, str]] = {
    "redis.StrictRedis": "redis.Redis",
    "redis.client.Redis": "redis.Redis",
    "redis.client.StrictRedis": "redis.Redis",
    "redis.cluster.RedisCluster": "redis.RedisCluster",
    "redis.sentinel.Sentinel": "redis.Sentinel",
    "redis.utils.from_url": "redis.from_url",
    "redis.asyncio.StrictRedis": "redis.asyncio.Redis",
    "redis.asyncio.client.Redis": "redis.asyncio.Redis",
    "redis.asyncio.client.StrictRedis": "redis.asyncio.Redis",
    "redis.asyncio.cluster.RedisCluster": "redis.asyncio.RedisCluster",
    "redis.asyncio.sentinel.Sentinel": "redis.asyncio.Sentinel",
    "redis.asyncio.utils.from_url": "redis.asyncio.from_url",
    "aioredis.client.Redis": "aioredis.Redis",
    "psycopg2._psycopg": "psycopg2.extensions",
    "psycopg2.extensions.connect": "psycopg2.connect",
    "psycopg.connection.Connection": "psycopg.Connection",
    "psycopg.connection_async.AsyncConnection": "psycopg.AsyncConnection",
    "psycopg.cursor.Cursor": "psycopg.Cursor",
    "psycopg_pool.pool.ConnectionPool": "psycopg_pool.ConnectionPool",
    "psycopg_pool.pool_async.AsyncConnectionPool": "psycopg_pool.AsyncConnectionPool",
    "pymysql.Connect": "pymysql.connect",
    "pymysql.Connection": "pymysql.connections.Connection",
    "mysql.connector.connection.MySQLConnection": "mysql.connector.MySQLConnection",
    "mysql.connector.Connect": "mysql.connector.connect",
    "mysql.connector.pooling.connect": "mysql.connector.connect",
    "sqlalchemy.engine.create_engine": "sqlalchemy.create_engine",
    "sqlalchemy.engine.create.create_engine": "sqlalchemy.create_engine",
    "sqlalchemy.future.create_engine": "sqlalchemy.create_engine",
    "sqlmodel.create_engine": "sqlalchemy.create_engine",
    "sqlmodel.orm.session.Session": "sqlmodel.Session",
    "sqlalchemy.orm.session.Session": "sqlalchemy.orm.Session",
    "sqlalchemy.orm.session.sessionmaker": "sqlalchemy.orm.sessionmaker",
    "sqlalchemy.orm.scoping.scoped_session": "sqlalchemy.orm.scoped_session",
    "sqlalchemy.orm.query.Query": "sqlalchemy.orm.Query",
    "sqlalchemy.ext.asyncio.session.AsyncSession": "sqlalchemy.ext.asyncio.AsyncSession",
    "sqlalchemy.ext.asyncio.engine.create_async_engine": "sqlalchemy.ext.asyncio.create_async_engine",
    **_spread(
        "sqlalchemy",
        "sqlalchemy.engine sqlalchemy.engine.base sqlalchemy.future sqlalchemy.future.engine",
        "Connection Engine Transaction",
    ),
    **_spread("sqlalchemy", "sqlalchemy.schema sqlalchemy.sql.schema", "MetaData"),
    "sqlalchemy.engine.CursorResult": "sqlalchemy.CursorResult",
    "sqlalchemy.engine.Result": "sqlalchemy.Result",
    "elasticsearch._sync.client.Elasticsearch": "elasticsearch.Elasticsearch",
    "elasticsearch.client.Elasticsearch": "elasticsearch.Elasticsearch",
    "elasticsearch._async.client.AsyncElasticsearch": "elasticsearch.AsyncElasticsearch",
    "opensearchpy.client.OpenSearch": "opensearchpy.OpenSearch",
    "neo4j._sync.driver": "neo4j",
    "neo4j._sync.work.session": "neo4j",
    "neo4j._sync.work": "neo4j",
    "neo4j._async.driver": "neo4j",
    "influxdb_client.client.influxdb_client.InfluxDBClient": "influxdb_client.InfluxDBClient",
    "qdrant_client.qdrant_client.QdrantClient": "qdrant_client.QdrantClient",
    "qdrant_client.async_qdrant_client.AsyncQdrantClient": "qdrant_client.AsyncQdrantClient",
    "pymemcache.Client": "pymemcache.client.base.Client",
    "pymemcache.client.Client": "pymemcache.client.base.Client",
    "mongomock.mongo_client.MongoClient": "mongomock.MongoClient",
}

_SERVICES: Final[dict[str, str]] = {
    "boto3.session.Session": "boto3.Session",
    "openai.Client": "openai.OpenAI",
    "openai._client.Client": "openai.OpenAI",
    "openai._client.OpenAI": "openai.OpenAI",
    "openai.AsyncClient": "openai.AsyncOpenAI",
    "openai._client.AsyncClient": "openai.AsyncOpenAI",
    "openai._client.AsyncOpenAI": "openai.AsyncOpenAI",
    "openai.lib.azure.AzureOpenAI": "openai.AzureOpenAI",
    "openai.lib.azure.AsyncAzureOpenAI": "openai.AsyncAzureOpenAI",
    "anthropic.Client": "anthropic.Anthropic",
    "anthropic._client.Client": "anthropic.Anthropic",
    "anthropic._client.Anthropic": "anthropic.Anthropic",
    "anthropic.AsyncClient": "anthropic.AsyncAnthropic",
    "anthropic._client.AsyncAnthropic": "anthropic.AsyncAnthropic",
    "keycloak.keycloak_openid": "keycloak",
    "keycloak.keycloak_admin": "keycloak",
    "keycloak.keycloak_uma": "keycloak",
    "keycloak.openid_connection": "keycloak",
    "stripe._stripe_client.StripeClient": "stripe.StripeClient",
    "kafka.producer.KafkaProducer": "kafka.KafkaProducer",
    "kafka.producer.kafka.KafkaProducer": "kafka.KafkaProducer",
    "kafka.consumer.KafkaConsumer": "kafka.KafkaConsumer",
    "kafka.consumer.group.KafkaConsumer": "kafka.KafkaConsumer",
    "kafka.admin.KafkaAdminClient": "kafka.KafkaAdminClient",
    "kafka.admin.client.KafkaAdminClient": "kafka.KafkaAdminClient",
    "pika.adapters.BlockingConnection": "pika.BlockingConnection",
    "pika.adapters.blocking_connection.BlockingConnection": "pika.BlockingConnection",
    "paramiko.client.SSHClient": "paramiko.SSHClient",
    "paramiko.sftp_client.SFTPClient": "paramiko.SFTPClient",
    "paramiko.transport.Transport": "paramiko.Transport",
    "sendgrid.sendgrid.SendGridAPIClient": "sendgrid.SendGridAPIClient",
    "minio.api.Minio": "minio.Minio",
    "ldap3.core.connection.Connection": "ldap3.Connection",
    "google.cloud.storage.client.Client": "google.cloud.storage.Client",
    "google.cloud.storage.blob.Blob": "google.cloud.storage.Blob",
    "google.cloud.storage.bucket.Bucket": "google.cloud.storage.Bucket",
    "azure.storage.blob._blob_service_client.BlobServiceClient": "azure.storage.blob.BlobServiceClient",
    "azure.storage.blob._container_client.ContainerClient": "azure.storage.blob.ContainerClient",
    "azure.storage.blob._blob_client.BlobClient": "azure.storage.blob.BlobClient",
    "celery.app.base.Celery": "celery.Celery",
    "celery.app.Celery": "celery.Celery",
    "openpyxl.open": "openpyxl.load_workbook",
    "openpyxl.reader.excel.load_workbook": "openpyxl.load_workbook",
    "argon2._password_hasher.PasswordHasher": "argon2.PasswordHasher",
    "bcrypt._bcrypt": "bcrypt",
    "passlib.handlers.bcrypt.bcrypt": "passlib.hash.bcrypt",
    "passlib.handlers.argon2.argon2": "passlib.hash.argon2",
    "pandas.core.frame.DataFrame": "pandas.DataFrame",
    "pandas.core.series.Series": "pandas.Series",
    "pandas.core.api": "pandas",
    "pandas.io.api": "pandas",
    "pandas.io.parsers": "pandas",
}

_OBSERVABILITY: Final[dict[str, str]] = {
    "structlog.getLogger": "structlog.get_logger",
    "structlog.stdlib.get_logger": "structlog.get_logger",
    "structlog._config.get_logger": "structlog.get_logger",
    "structlog._config.configure": "structlog.configure",
    "loguru._logger.Logger": "loguru.Logger",
    "asgi_correlation_id.middleware.CorrelationIdMiddleware": "asgi_correlation_id.CorrelationIdMiddleware",
    "asgi_correlation_id.context.correlation_id": "asgi_correlation_id.correlation_id",
    **_spread("starlette_context.middleware", "starlette_context.middleware.context_middleware", "ContextMiddleware"),
    **_spread("starlette_context.middleware", "starlette_context.middleware.raw_middleware", "RawContextMiddleware"),
    "starlette_exporter.middleware.PrometheusMiddleware": "starlette_exporter.PrometheusMiddleware",
    "prometheus_fastapi_instrumentator.PrometheusFastApiInstrumentator": (
        "prometheus_fastapi_instrumentator.Instrumentator"
    ),
    "prometheus_fastapi_instrumentator.instrumentation.PrometheusFastApiInstrumentator": (
        "prometheus_fastapi_instrumentator.Instrumentator"
    ),
    "slowapi.extension.Limiter": "slowapi.Limiter",
    "prometheus_client.metrics": "prometheus_client",
    "prometheus_client.asgi": "prometheus_client",
    "prometheus_client.exposition": "prometheus_client",
    "dotenv.main.load_dotenv": "dotenv.load_dotenv",
    "dotenv.main.dotenv_values": "dotenv.dotenv_values",
    "environs.environs.Env": "environs.Env",
}

ALIASES: Final[dict[str, str]] = {
    alias: name
    for table in (
        _STANDARD_LIBRARY,
        _PYMONGO,
        _MOTOR,
        _ODMS,
        _WEB,
        _PYDANTIC,
        _HTTP,
        _DATABASES,
        _SERVICES,
        _OBSERVABILITY,
    )
    for alias, name in table.items()
}
"""Alias (a class, a function, or a whole module) -> the name it stands for. A row that maps a name to itself
keeps it from a shorter row: ``fastapi.responses`` is Starlette's, ``fastapi.responses.ORJSONResponse`` is
not."""

# The stubs of boto3's generated classes: one package a service.
_BOTO3_STUB: Final = pattern(r"mypy_boto3_\w+(?:\.\w+)*\.(?:\w+Client|(\w*ServiceResource))(?=\.|$)")

_ROOTS: Final = frozenset(alias.partition(".")[0] for alias in ALIASES)


def canonical(dotted: str) -> str:
    """The one name of what ``dotted`` names, by its longest known prefix, until nothing more is known.

    ``pymongo.synchronous.collection.Collection.find_one`` -> ``pymongo.collection.Collection.find_one``. A
    name that no row knows comes back as it is, ``builtins.`` apart, which is dropped: ``builtins.open`` ->
    ``open``.
    """
    if dotted.startswith("builtins."):
        dotted = dotted[len("builtins.") :]
    if dotted.startswith("mypy_boto3_") and (stub := _BOTO3_STUB.match(dotted)):
        base = "boto3.resources.base.ServiceResource" if stub.group(1) else "botocore.client.BaseClient"
        return base + dotted[stub.end() :]
    while dotted.partition(".")[0] in _ROOTS:
        head = dotted
        while (target := ALIASES.get(head)) is None:
            head, dot, _ = head.rpartition(".")
            if not dot:
                return dotted
        if target == head:
            return dotted
        dotted = target + dotted[len(head) :]
    return dotted
