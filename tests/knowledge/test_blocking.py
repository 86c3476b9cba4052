"""The table of blocking calls: what it knows, what it leaves alone, and the names that only look alike."""

from __future__ import annotations

from typing import get_args

import pytest

from guardrails.knowledge import blocking as table
from guardrails.knowledge.aliases import canonical
from guardrails.knowledge.blocking import Extension, blocking, returned


def _names(text: str) -> list[str]:
    return text.split()


KNOWN = _names(
    """
    time.sleep input getpass.getpass sys.stdin.readline subprocess.run subprocess.Popen subprocess.call
    subprocess.check_call subprocess.check_output subprocess.getoutput subprocess.getstatusoutput
    subprocess.Popen.communicate subprocess.Popen.wait os.popen os.system os.posix_spawn os.posix_spawnp
    os.spawnl os.spawnle os.spawnlp os.spawnlpe os.spawnv os.spawnve os.spawnvp os.spawnvpe os.wait
    os.wait3 os.wait4 os.waitid os.waitpid open io.open_code codecs.open os.open os.fdopen gzip.open
    bz2.open lzma.open zipfile.ZipFile tarfile.open tempfile.TemporaryFile tempfile.NamedTemporaryFile
    tempfile.SpooledTemporaryFile tempfile.mkdtemp tempfile.TemporaryDirectory io.TextIOWrapper.read
    io.BufferedReader.read io.BufferedWriter.write os.remove os.listdir os.makedirs os.rename os.stat
    os.walk os.path.exists os.path.isfile os.path.getsize os.path.realpath pathlib.Path.read_text
    pathlib.Path.write_bytes pathlib.Path.exists pathlib.Path.mkdir pathlib.Path.open
    pathlib.Path.iterdir pathlib.Path.glob pathlib.PosixPath.read_text shutil.copyfile shutil.copyfileobj
    shutil.rmtree glob.glob socket.create_connection socket.getaddrinfo socket.socket.connect
    socket.socket.recv dns.resolver.resolve paramiko.SSHClient.exec_command paramiko.SFTPClient.put
    ftplib.FTP ftplib.FTP.storbinary ldap3.Connection.search requests.get requests.post requests.request
    requests.Session.get requests.Session.send httpx.get httpx.stream httpx.Client.get httpx.Client.send
    urllib.request.urlopen urllib3.request urllib3.PoolManager.request
    urllib3.HTTPSConnectionPool.urlopen http.client.HTTPSConnection.request smtplib.SMTP smtplib.SMTP_SSL
    smtplib.SMTP.sendmail imaplib.IMAP4_SSL.search sqlite3.connect sqlite3.Cursor.execute
    psycopg2.connect psycopg2.extensions.cursor.execute psycopg.connect pymysql.connect
    mysql.connector.connect sqlalchemy.orm.Session.execute sqlalchemy.orm.Session.commit
    sqlalchemy.orm.Query.all sqlalchemy.Engine.connect sqlmodel.Session.exec neo4j.Session.run
    elasticsearch.Elasticsearch.search elasticsearch.Elasticsearch.indices.create
    qdrant_client.QdrantClient.upsert pymongo.collection.Collection.find_one
    pymongo.collection.Collection.find pymongo.database.Database.command pymongo.cursor.Cursor.to_list
    gridfs.GridFS.put gridfs.GridFSBucket.upload_from_stream mongoengine.Document.save
    mongoengine.QuerySet.first odmantic.SyncEngine.find
    pymongo.client_session.ClientSession.commit_transaction redis.Redis.get redis.Redis.hset
    redis.RedisCluster.get redis.client.Pipeline.execute redis.lock.Lock.acquire kafka.KafkaProducer.send
    kafka.KafkaConsumer.poll pika.BlockingConnection confluent_kafka.Producer.flush
    pika.adapters.blocking_connection.BlockingChannel.basic_publish paho.mqtt.publish.single
    botocore.client.BaseClient.put_object boto3.resources.base.ServiceResource.Bucket.upload_file
    google.cloud.storage.Blob.upload_from_string azure.storage.blob.BlobClient.upload_blob
    minio.Minio.put_object firebase_admin.messaging.send firebase_admin.auth.verify_id_token
    cloudinary.uploader.upload cloudinary.uploader.destroy cloudinary.api.resources
    keycloak.KeycloakOpenID.token keycloak.KeycloakAdmin.get_users stripe.Customer.create
    stripe.checkout.Session.create stripe.StripeClient.customers.create
    twilio.rest.Client.messages.create openai.OpenAI.chat.completions.create
    openai.AzureOpenAI.embeddings.create anthropic.Anthropic.messages.create
    sendgrid.SendGridAPIClient.send slack_sdk.WebClient.chat_postMessage bcrypt.hashpw bcrypt.checkpw
    argon2.PasswordHasher.hash argon2.PasswordHasher.verify passlib.context.CryptContext.hash
    passlib.context.CryptContext.verify passlib.hash.bcrypt.verify hashlib.scrypt hashlib.pbkdf2_hmac
    pwdlib.PasswordHash.verify PIL.Image.open PIL.Image.Image.save cv2.imread cv2.imwrite pandas.read_csv
    pandas.DataFrame.to_csv numpy.load numpy.save polars.read_csv concurrent.futures.Future.result
    concurrent.futures.wait threading.Thread.join threading.Event.wait queue.Queue.get
    multiprocessing.Process.join celery.result.AsyncResult.get
    """
)


@pytest.mark.parametrize("name", KNOWN)
def test_a_blocking_call_is_known(name: str) -> None:
    assert canonical(name) == name
    row = blocking(name)
    assert row is not None
    assert row.name == name
    assert row.kind in get_args(table.BlockingKind)
    assert row.why
    assert row.instead


SILENT = _names(
    """
    asyncio.sleep anyio.sleep time.time time.monotonic aiofiles.open aiofiles.os.remove anyio.open_file
    anyio.Path.read_text anyio.run_process asyncio.create_subprocess_exec asyncio.open_connection
    asyncio.Future.result asyncio.Task.result asyncio.Queue.get asyncio.Event.wait asyncio.Lock.acquire
    httpx.AsyncClient.get httpx.Request requests.Session requests.Session.headers requests.Session.close
    requests.Response.json aiohttp.ClientSession.get urllib.parse.quote urllib3.PoolManager
    redis.asyncio.Redis.get redis.asyncio.from_url redis.Redis redis.from_url redis.Redis.pipeline
    redis.Redis.pubsub redis.Redis.lock redis.Redis._execute redis.exceptions.ConnectionError
    pymongo.asynchronous.collection.AsyncCollection.find_one
    motor.motor_asyncio.AsyncIOMotorCollection.find_one pymongo.MongoClient
    pymongo.MongoClient.get_database pymongo.MongoClient.start_session pymongo.cursor.Cursor.sort
    pymongo.UpdateOne beanie.Document.find_one odmantic.AIOEngine.save mongoengine.QuerySet.filter
    openai.AsyncOpenAI.chat.completions.create openai.OpenAI openai.OpenAI.with_options
    anthropic.AsyncAnthropic.messages.create elasticsearch.AsyncElasticsearch.search
    elasticsearch.Elasticsearch.options psycopg.AsyncConnection.connect sqlalchemy.create_engine
    sqlalchemy.ext.asyncio.AsyncSession.execute sqlalchemy.orm.Session.add sqlalchemy.orm.Query.filter
    boto3.client boto3.resource botocore.client.BaseClient.generate_presigned_url
    boto3.resources.base.ServiceResource.Bucket aioboto3.Session.client stripe.Customer.create_async
    stripe.Webhook.construct_event stripe.error.StripeError keycloak.KeycloakAdmin.a_get_users
    keycloak.KeycloakOpenID.decode_token twilio.rest.Client.messages.create_async
    google.genai.Client.aio.models.generate_content google.cloud.storage.Client
    google.cloud.storage.Client.bucket azure.storage.blob.aio.BlobClient.upload_blob
    azure.storage.blob.BlobServiceClient.get_blob_client os.path.join os.path.basename os.path.splitext
    os.getenv os.environ.get os.getpid os.urandom pathlib.Path pathlib.Path.joinpath
    pathlib.Path.with_suffix pathlib.Path.name pathlib.PurePath.match io.BytesIO.read io.StringIO.write
    json.dumps json.loads hashlib.sha256 bcrypt.gensalt secrets.token_hex queue.Queue.put
    queue.Queue.get_nowait threading.Thread threading.Thread.start concurrent.futures.Executor.submit
    PIL.Image.new PIL.Image.Image.size pandas.DataFrame pandas.DataFrame.to_dict numpy.array
    logging.Logger.info fastapi.UploadFile.read starlette.responses.FileResponse app.files.open
    app.time.sleep mysubprocess.run requests_mock.get get sleep read
    """
)


@pytest.mark.parametrize("name", SILENT)
def test_other_calls_are_not_known_to_block(name: str) -> None:
    assert blocking(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "os.path.abspath",
        "os.path.expanduser",
        "os.path.normpath",
        "os.path.relpath",
        "pathlib.Path.absolute",
        "pathlib.Path.cwd",
        "pathlib.Path.expanduser",
        "pathlib.Path.home",
    ],
)
def test_names_of_paths_are_computed_without_touching_the_disk(name: str) -> None:
    assert blocking(name) is None


def test_every_name_in_the_tables_is_canonical() -> None:
    names = {
        *table.BLOCKING_CALLS,
        *table.BLOCKING_CLASSES,
        *table.HANDLES,
        *table.LOCKS,
        *table.NON_BLOCKING,
    }
    names |= {*table.RETURNS, *table.RETURNS.values(), *table.ATTRIBUTES, *table.ATTRIBUTES.values()}
    assert {name for name in names if canonical(name) != name} == set()
    assert all(part.isidentifier() for name in names for part in name.split("."))


def test_rows_about_arguments_belong_to_calls_that_block() -> None:
    for name, row in table.BLOCKING_CALLS.items():
        assert row.name == name
        if row.argument is not None:
            assert row.argument[0] >= 0
            assert row.argument[1].isidentifier()
    assert {name for name in table.IN_MEMORY_KEYWORDS if blocking(name) is None} == set()
    taken = {name for name in table.NON_BLOCKING if blocking(name) is None}
    assert taken == {"threading.Lock.acquire", "threading.RLock.acquire"}  # judged by what happens inside


def test_a_table_without_a_path_is_a_string() -> None:
    row = blocking("pandas.DataFrame.to_csv")
    assert row is not None
    assert row.argument == (0, "path_or_buf")
    unconditional = blocking("pandas.read_sql")
    assert unconditional is not None
    assert unconditional.argument is None


def test_the_prefilter_misses_no_call() -> None:
    for name in KNOWN:
        prefixes = [name[:i] for i, letter in enumerate(name) if letter == "."]
        of_class = any(prefix in table.BLOCKING_CLASSES for prefix in prefixes)
        assert of_class or name.rpartition(".")[2] in table.BLOCKING_TAILS, name


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("sqlite3.connect", "sqlite3.Connection"),
        ("redis.from_url", "redis.Redis"),
        ("redis.asyncio.from_url", "redis.asyncio.Redis"),
        ("boto3.client", "botocore.client.BaseClient"),
        ("boto3.Session.resource", "boto3.resources.base.ServiceResource"),
        ("open", "io.TextIOWrapper"),
        ("logging.getLogger", "logging.Logger"),
        ("psycopg2.extensions.connection.cursor", "psycopg2.extensions.cursor"),
        ("sqlalchemy.orm.sessionmaker.__call__", "sqlalchemy.orm.Session"),
        # Below a deep class: another object of the same client.
        ("google.cloud.firestore.Client.collection", "google.cloud.firestore.Client.collection"),
        ("google.cloud.firestore.Client.collection.document", "google.cloud.firestore.Client.document"),
        ("boto3.resources.base.ServiceResource.Bucket", "boto3.resources.base.ServiceResource.Bucket"),
        # What a request gives is data, and what a module's helper gives is no client.
        ("openai.OpenAI.chat.completions.create", None),
        ("stripe.Webhook.construct_event", None),
        ("requests.get", None),
        ("app.clients.make", None),
    ],
)
def test_a_call_leads_to_the_class_of_its_value(call: str, expected: str | None) -> None:
    assert returned(call) == expected


def test_the_objects_below_a_client_block_too() -> None:
    document = returned("google.cloud.firestore.Client.collection.document")
    assert document is not None
    assert blocking(f"{document}.set") is not None
    assert blocking(f"{document}.on_snapshot") is None


def test_a_project_extends_the_table() -> None:
    own = Extension(["vendor.sdk.Client.send", "legacy.io.*"])
    assert own.blocking("vendor.sdk.Client.send") is not None
    assert own.blocking("vendor.sdk.Client.close") is None
    assert own.blocking("legacy.io.load") is not None
    assert own.blocking("legacy.io.files.File.read") is not None
    assert own.blocking("legacy.iostreams.load") is None
    assert own.blocking("legacy.io") is None
    row = own.blocking("time.sleep")
    assert row == blocking("time.sleep")


@pytest.mark.parametrize("pattern", ["", ".*", "*", "vendor.*.send", "vendor.send()", "vendor..send", "a b"])
def test_a_malformed_pattern_is_named(pattern: str) -> None:
    with pytest.raises(ValueError, match="not a dotted name") as error:
        Extension([pattern])
    assert repr(pattern) in str(error.value)
