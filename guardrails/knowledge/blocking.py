"""Calls that block: they keep their thread, and with it an event loop, while disk, network or CPU work.

:func:`blocking` answers for a canonical name (:func:`guardrails.knowledge.aliases.canonical`);
:data:`RETURNS` says of which class the value of a call is, so that ``client = boto3.client("s3")`` leads to
the methods of ``client``. What is not in the table is not known to block. An asynchronous twin has a name of
its own (``redis.asyncio.Redis``, ``httpx.AsyncClient``, ``aiofiles.open``, ``anyio.Path``) and so is never
meant.

Sources: the standard library's reference, "Developing with asyncio" (Running Blocking Code), and the API
references of the libraries named; compared with the names that other tools' rules for async code know.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from guardrails.knowledge import drivers

BlockingKind: TypeAlias = Literal[
    "sleep",
    "input",
    "file",
    "process",
    "socket",
    "http",
    "mail",
    "database",
    "cache",
    "queue",
    "cloud",
    "vendor",
    "hash",
    "image",
    "data",
    "thread",
    "mongo",
    "custom",
]


class Blocking(Struct, frozen=True):
    """One blocking call.

    ``why`` completes "it …" (``waits for an HTTP response``); ``instead`` names what an ``async def`` can
    use. ``argument`` (position, keyword): it blocks only where that argument is given and is neither None,
    ``False``, 0 nor an in-memory buffer (``io.BytesIO``, ``io.StringIO``): ``frame.to_csv()`` gives a
    string, ``ZipFile(BytesIO())`` touches no disk.
    """

    name: str
    kind: BlockingKind
    why: str
    instead: str
    argument: tuple[int, str] | None = None


class _Scope(Struct, frozen=True):
    """Every method of a class (``deep``: of the objects below it, too), or ``only`` some, or all ``but``
    some."""

    kind: BlockingKind
    why: str
    instead: str
    deep: bool
    only: frozenset[str]
    but: frozenset[str]

    def covers(self, segments: list[str]) -> bool:
        """Whether the method at the end of ``segments``, the names below the class, blocks.

        Private names, names of nested classes and of asynchronous twins (``create_async``, ``a_token``,
        ``aio``) do not.
        """
        last = segments[-1]
        if len(segments) > 1 and not self.deep:
            return False
        if self.only:
            return last in self.only and "aio" not in segments
        return not (
            last in self.but
            or last[0] == "_"
            or last[0].isupper()
            or last.endswith("_async")
            or last.startswith(("a_", "async_"))
            or "aio" in segments
        )


# A group: kind, why, instead, and its names, one or more a line:
#   a.b.c          the call itself
#   a.b: c d e     several of one module or class
#   a.B.* - c d    all methods of a class, but for c and d
#   a.B.** + c d   the methods c and d of a class and of every object below it (client.messages.create)

_TO_THREAD = "asyncio.to_thread"
_AIO_FILES = "aiofiles or anyio.Path, or asyncio.to_thread"
_WAITS_HTTP = "waits for an HTTP response"
_WAITS_DISK = "waits for the disk"
_WAITS_DATABASE = "waits for the database"
_WAITS_SERVICE = "waits for a remote service"

_GROUPS: Final[tuple[tuple[BlockingKind, str, str, str], ...]] = (
    (
        "sleep",
        "sleeps",
        "await asyncio.sleep",
        """
        time.sleep
        eventlet.sleep
        gevent.sleep
        """,
    ),
    (
        "input",
        "waits for a person",
        _TO_THREAD,
        """
        input
        getpass.getpass
        click: confirm getchar pause prompt
        sys.stdin: read readline readlines
        typer: confirm getchar pause prompt
        """,
    ),
    (
        "process",
        "waits for another process",
        "asyncio.create_subprocess_exec",
        """
        subprocess: Popen call check_call check_output getoutput getstatusoutput run
        subprocess.Popen: communicate wait
        os: popen posix_spawn posix_spawnp spawnl spawnle spawnlp spawnlpe spawnv spawnve spawnvp spawnvpe
        os: startfile system wait wait3 wait4 waitid waitpid
        pty.spawn
        pexpect: run spawn
        pexpect.spawn: expect expect_exact read readline wait
        invoke.run
        fabric.Connection: get local put run sudo
        plumbum.local.**
        ffmpeg: probe run
        git.Repo: clone clone_from
        git.Git.*
        psutil.Process.wait
        psutil: cpu_percent cpu_times_percent wait_procs
        psutil.Process.cpu_percent
        """,
    ),
    (
        "thread",
        "waits for another thread or process",
        "await asyncio.wrap_future(…), or an asyncio primitive",
        """
        threading.Thread.join
        threading.Timer.join
        threading.Event.wait
        threading.Condition: wait wait_for
        threading.Barrier.wait
        threading.Semaphore.acquire
        threading.BoundedSemaphore.acquire
        queue.Queue: get join
        queue.LifoQueue: get join
        queue.PriorityQueue: get join
        queue.SimpleQueue.get
        multiprocessing.Process.join
        multiprocessing.Queue.get
        multiprocessing.JoinableQueue: get join
        multiprocessing.connection.Connection: recv recv_bytes
        multiprocessing.Pool: apply join map starmap
        multiprocessing.pool.ThreadPool: apply join map starmap
        multiprocessing.pool.AsyncResult: get wait
        concurrent.futures: as_completed wait
        concurrent.futures.Future: exception result
        celery.result.AsyncResult: collect get wait
        celery.result.GroupResult: get join
        apscheduler.schedulers.blocking.BlockingScheduler.start
        """,
    ),
    (
        "file",
        _WAITS_DISK,
        _AIO_FILES,
        """
        open
        io: FileIO open_code
        io.TextIOWrapper: flush read readline readlines truncate write writelines
        io.BufferedReader: peek read read1 readinto readline readlines
        io.BufferedWriter: flush truncate write writelines
        io.BufferedRandom: flush read read1 readinto readline readlines truncate write writelines
        io.FileIO: read readall readinto readline readlines truncate write writelines
        codecs.open
        os: access chmod chown copy_file_range fdatasync fdopen fsync ftruncate fwalk lchown link listdir
        os: lockf lstat makedirs mkdir mkfifo mknod open pread pwrite read readlink readv remove removedirs
        os: rename renames replace rmdir scandir sendfile stat statvfs symlink sync truncate unlink utime
        os: walk write writev
        os.path: exists getatime getctime getmtime getsize isdevdrive isdir isfile isjunction islink ismount
        os.path: lexists realpath samefile sameopenfile
        pathlib.Path: chmod copy copy_into exists glob group hardlink_to is_block_device is_char_device
        pathlib.Path: is_dir is_fifo is_file is_junction is_mount is_socket is_symlink iterdir lchmod link_to
        pathlib.Path: lstat mkdir move move_into open owner read_bytes read_text readlink rename replace
        pathlib.Path: resolve rglob rmdir samefile stat symlink_to touch unlink walk write_bytes write_text
        shutil: chown copy copy2 copyfile copyfileobj copymode copystat copytree disk_usage make_archive move
        shutil: rmtree unpack_archive which
        tempfile: NamedTemporaryFile SpooledTemporaryFile TemporaryDirectory TemporaryFile mkdtemp mkstemp
        tempfile.NamedTemporaryFile: flush read readline readlines truncate write writelines
        tempfile.SpooledTemporaryFile: flush read readline readlines rollover truncate write writelines
        tempfile.TemporaryDirectory.cleanup
        glob: glob iglob
        filecmp: cmp cmpfiles dircmp
        fileinput: FileInput input
        linecache: checkcache getline getlines
        fcntl: flock lockf
        mmap.mmap
        shelve.open
        dbm.open
        dbm.dumb.open
        dbm.gnu.open
        dbm.ndbm.open
        bz2: BZ2File open
        gzip: GzipFile open
        lzma: LZMAFile open
        gzip.GzipFile: flush read readline readlines write writelines
        bz2.BZ2File: read readline readlines write writelines
        lzma.LZMAFile: read readline readlines write writelines
        zipfile: PyZipFile ZipFile is_zipfile
        zipfile.ZipFile: extract extractall open read testzip write writestr
        tarfile: TarFile is_tarfile open
        tarfile.TarFile: add addfile extract extractall extractfile getmember getmembers getnames next
        configparser.ConfigParser: read
        configparser.RawConfigParser: read
        tokenize.open
        xml.etree.ElementTree.parse
        defusedxml.ElementTree.parse
        lxml.etree.parse
        importlib.resources: open_binary open_text read_binary read_text
        pkgutil.get_data
        dotenv: dotenv_values load_dotenv
        ssl.SSLContext: load_cert_chain load_verify_locations
        diskcache.Cache.* - close memoize transact
        portalocker: Lock lock
        filelock.FileLock.acquire
        watchdog.observers.Observer.join
        """,
    ),
    (
        "socket",
        "waits for the network",
        "asyncio streams, or loop.getaddrinfo",
        """
        socket: create_connection getaddrinfo getfqdn gethostbyaddr gethostbyname gethostbyname_ex
        socket: getnameinfo
        socket.socket: accept connect connect_ex recv recv_into recvfrom recvfrom_into recvmsg recvmsg_into
        socket.socket: send sendall sendfile sendmsg sendto
        ssl.get_server_certificate
        ssl.SSLSocket: accept connect do_handshake read recv recv_into send sendall write
        select: poll select
        dns.resolver: query resolve resolve_address
        dns.resolver.Resolver: query resolve resolve_address
        whois.whois
        websocket.create_connection
        websocket.WebSocket: connect recv send
        websockets.sync.client.connect
        websockets.sync.client.ClientConnection: recv send
        zmq.Socket: poll recv recv_json recv_multipart recv_pyobj recv_string send send_json send_multipart
        zmq.Socket: send_pyobj send_string
        paramiko.SSHClient: connect exec_command invoke_shell open_sftp
        paramiko.SFTPClient.* - close get_channel getcwd
        paramiko.Transport: auth_password auth_publickey connect open_channel open_session start_client
        paramiko.Channel: exec_command recv recv_exit_status send sendall
        pysftp.Connection
        pysftp.Connection.* - close
        ftplib: FTP FTP_TLS
        ftplib.FTP.* - close set_debuglevel set_pasv
        ftplib.FTP_TLS.* - close set_debuglevel set_pasv
        telnetlib.Telnet
        telnetlib.Telnet.* - close get_socket
        ldap3.Connection: abandon add bind compare delete modify modify_dn open rebind search start_tls
        ldap3.Connection: unbind
        ldap.initialize
        """,
    ),
    (
        "http",
        _WAITS_HTTP,
        "httpx.AsyncClient or aiohttp",
        """
        requests: delete get head options patch post put request
        requests.Session: delete get head options patch post put request send
        requests_oauthlib.OAuth1Session: delete fetch_access_token fetch_request_token get head patch post
        requests_oauthlib.OAuth1Session: put request
        requests_oauthlib.OAuth2Session: delete fetch_token get head patch post put refresh_token request
        authlib.integrations.requests_client.OAuth2Session: delete fetch_token get head patch post put
        authlib.integrations.requests_client.OAuth2Session: request
        authlib.integrations.httpx_client.OAuth2Client: delete fetch_token get head patch post put request
        httpx: delete get head options patch post put request stream
        httpx.Client: close delete get head options patch post put request send stream
        httpx2: delete get head options patch post put request stream
        httpx2.Client: close delete get head options patch post put request send stream
        urllib.request: urlopen urlretrieve
        urllib.request.OpenerDirector.open
        urllib.robotparser.RobotFileParser.read
        urllib3.request
        urllib3.PoolManager: request request_encode_body request_encode_url urlopen
        urllib3.ProxyManager: request request_encode_body request_encode_url urlopen
        urllib3.HTTPConnectionPool: request request_encode_body request_encode_url urlopen
        urllib3.HTTPSConnectionPool: request request_encode_body request_encode_url urlopen
        http.client.HTTPConnection: connect endheaders getresponse request send
        http.client.HTTPSConnection: connect endheaders getresponse request send
        http.client.HTTPResponse: read read1 readinto
        xmlrpc.client.ServerProxy.**
        pycurl.Curl.perform
        requests_cache.CachedSession: delete get head options patch post put request send
        requests_html.HTMLSession: delete get head options patch post put request send
        cloudscraper.CloudScraper: delete get head options patch post put request
        zeep.Client
        zeep.Client.service.**
        jwt.PyJWKClient: fetch_data get_jwk_set get_signing_key get_signing_key_from_jwt get_signing_keys
        google.oauth2.id_token: fetch_id_token verify_firebase_token verify_oauth2_token verify_token
        google_auth_oauthlib.flow.Flow.fetch_token
        geopy.geocoders.Nominatim: geocode reverse
        geopy.geocoders.GoogleV3: geocode reverse
        """,
    ),
    (
        "mail",
        "talks to a mail server",
        "aiosmtplib",
        """
        smtplib: LMTP SMTP SMTP_SSL
        smtplib.SMTP: connect data ehlo helo login mail noop quit rcpt send_message sendmail starttls
        smtplib.SMTP_SSL: connect data ehlo helo login mail noop quit rcpt send_message sendmail starttls
        smtplib.LMTP: connect data ehlo helo login mail noop quit rcpt send_message sendmail starttls
        imaplib: IMAP4 IMAP4_SSL
        imaplib.IMAP4.* - abort error print_log readonly socket
        imaplib.IMAP4_SSL.* - abort error print_log readonly socket
        poplib: POP3 POP3_SSL
        poplib.POP3.* - close getwelcome set_debuglevel
        poplib.POP3_SSL.* - close getwelcome set_debuglevel
        yagmail.SMTP.send
        imap_tools.MailBox.** + append copy delete fetch flag login logout move uids
        sendgrid.SendGridAPIClient: send
        sendgrid.SendGridAPIClient.client.** + delete get patch post put
        mailjet_rest.Client.** + create delete get update
        postmarker.core.PostmarkClient.** + send
        resend.Emails: cancel get send update
        """,
    ),
    (
        "database",
        _WAITS_DATABASE,
        "an asynchronous driver",
        """
        sqlite3.connect
        sqlite3.Connection: backup commit execute executemany executescript iterdump rollback
        sqlite3.Cursor: execute executemany executescript fetchall fetchmany fetchone
        psycopg2.connect
        psycopg2.extensions.connection: commit rollback
        psycopg2.extensions.cursor: callproc copy_expert copy_from copy_to execute executemany fetchall
        psycopg2.extensions.cursor: fetchmany fetchone
        psycopg2.extras: execute_batch execute_values
        psycopg2.pool.SimpleConnectionPool.getconn
        psycopg2.pool.ThreadedConnectionPool.getconn
        psycopg: connect
        psycopg.Connection: commit connect execute rollback wait
        psycopg.Cursor: copy execute executemany fetchall fetchmany fetchone stream
        psycopg_pool.ConnectionPool: connection getconn wait
        pymysql.connect
        pymysql.connections.Connection: begin commit connect ping query rollback
        pymysql.cursors.Cursor: callproc execute executemany fetchall fetchmany fetchone
        MySQLdb.connect
        mysql.connector.connect
        mysql.connector.MySQLConnection: commit ping reconnect rollback
        mysql.connector.cursor.MySQLCursor: callproc execute executemany fetchall fetchmany fetchone
        pymssql.connect
        pyodbc.connect
        pyodbc.Connection: commit execute rollback
        pyodbc.Cursor: commit execute executemany fetchall fetchmany fetchone fetchval
        oracledb.connect
        oracledb.Connection: commit ping rollback
        oracledb.Cursor: callproc execute executemany fetchall fetchmany fetchone
        cx_Oracle.connect
        duckdb: connect execute query read_csv read_json read_parquet sql
        duckdb.DuckDBPyConnection: commit execute executemany fetchall fetchdf fetchone query rollback sql
        snowflake.connector.connect
        databricks.sql.connect
        clickhouse_driver.Client: execute execute_iter insert_dataframe query_dataframe
        clickhouse_connect.get_client
        clickhouse_connect.driver.client.Client: command insert insert_df ping query query_df raw_query
        cassandra.cluster.Cluster.connect
        cassandra.cluster.Session: execute
        sqlalchemy.Engine: begin connect raw_connection
        sqlalchemy.Connection: begin commit exec_driver_sql execute rollback scalar scalars
        sqlalchemy.CursorResult: all fetchall fetchmany fetchone first one one_or_none scalar scalar_one
        sqlalchemy.MetaData: create_all drop_all reflect
        sqlalchemy.orm.Session: bulk_insert_mappings bulk_save_objects bulk_update_mappings commit connection
        sqlalchemy.orm.Session: execute flush get get_one merge refresh rollback scalar scalars
        sqlalchemy.orm.scoped_session: bulk_insert_mappings bulk_save_objects bulk_update_mappings commit
        sqlalchemy.orm.scoped_session: connection execute flush get get_one merge refresh rollback scalar
        sqlalchemy.orm.scoped_session: scalars
        sqlalchemy.orm.Query: all count delete first get one one_or_none scalar update
        sqlmodel.Session: commit exec execute flush get get_one merge refresh rollback scalar scalars
        sqlalchemy_utils: create_database database_exists drop_database
        alembic.command: current downgrade ensure_version revision stamp upgrade
        peewee.Model: bulk_create create delete_by_id delete_instance get get_by_id get_or_create get_or_none
        peewee.Model: save
        peewee.Database: connect execute_sql
        neo4j.Driver: execute_query verify_connectivity
        neo4j.Session: execute_read execute_write read_transaction run write_transaction
        neo4j.Transaction: commit rollback run
        elasticsearch.Elasticsearch.** - close options transport
        elasticsearch.helpers: bulk parallel_bulk reindex scan streaming_bulk
        opensearchpy.OpenSearch.** - close transport
        opensearchpy.helpers: bulk parallel_bulk reindex scan streaming_bulk
        influxdb_client.InfluxDBClient: ping ready version
        influxdb_client.QueryApi: query query_csv query_data_frame query_raw query_stream
        influxdb_client.WriteApi: flush write
        qdrant_client.QdrantClient.* - close
        weaviate: connect_to_custom connect_to_local connect_to_wcs connect_to_weaviate_cloud
        chromadb.HttpClient
        chromadb.Client.** + add count create_collection delete get get_collection get_or_create_collection
        chromadb.Client.** + heartbeat list_collections peek query update upsert
        pymilvus.MilvusClient.* - close
        pymilvus.connections.connect
        pinecone.Index: delete describe_index_stats fetch list query update upsert
        pinecone.Pinecone: create_index delete_index describe_index list_indexes
        meilisearch.Client.** - index
        typesense.Client.** + create delete export import_ retrieve search update upsert
        arango.ArangoClient.db
        couchdb.Server.** + create delete save
        google.cloud.bigquery.Client: create_dataset create_table delete_table extract_table get_dataset
        google.cloud.bigquery.Client: get_job get_table insert_rows insert_rows_json list_rows list_tables
        google.cloud.bigquery.Client: load_table_from_dataframe load_table_from_file load_table_from_uri
        google.cloud.bigquery.Client: query query_and_wait
        google.cloud.bigquery.QueryJob: result to_dataframe
        google.cloud.firestore.Client.** + add commit create delete get get_all list_documents set stream
        google.cloud.firestore.Client.** + update
        """,
    ),
    (
        "cache",
        "waits for the cache server",
        "redis.asyncio, or another asynchronous client",
        """
        redis.Redis.* - bf cf client close cms connection_pool from_pool from_url ft get_cache
        redis.Redis.* - get_connection_kwargs get_encoder get_retry graph json keyspace_notifications
        redis.Redis.* - load_external_module lock monitor parse_response pipeline pubsub register_script
        redis.Redis.* - sentinel set_response_callback set_retry tdigest topk transaction_class ts vset
        redis.RedisCluster
        redis.RedisCluster.* - bf cf close cms determine_slot from_url ft get_connection_kwargs
        redis.RedisCluster.* - get_default_node get_encoder get_node get_node_from_key get_nodes
        redis.RedisCluster.* - get_nodes_from_slot get_primaries get_random_node get_random_primary_node
        redis.RedisCluster.* - get_random_primary_or_all_nodes get_redis_connection get_replicas
        redis.RedisCluster.* - get_special_nodes json keyslot keyspace_notifications load_external_module
        redis.RedisCluster.* - lock monitor on_connect pipeline pubsub register_script replace_default_node
        redis.RedisCluster.* - set_default_node set_response_callback set_retry tdigest topk ts vset
        redis.Sentinel: discover_master discover_slaves
        redis.client.Pipeline: execute watch
        redis.client.PubSub: check_health get_message listen ping psubscribe punsubscribe run_in_thread
        redis.client.PubSub: subscribe unsubscribe
        redis.commands.json.JSON.* - pipeline
        redis.commands.search.Search.* - batch_indexer get_params_args pipeline
        redis.lock.Lock: acquire extend locked owned reacquire release
        rq.Queue: count delete empty enqueue enqueue_at enqueue_call enqueue_in enqueue_many fetch_job
        rq.job.Job: cancel delete fetch get_status refresh requeue save
        pymemcache.client.base.Client.* - check_key close
        pymemcache.client.base.PooledClient.* - check_key client_class close
        pymemcache.client.hash.HashClient.* - add_server client_class close remove_server
        pylibmc.Client.*
        memcache.Client.*
        bmemcached.Client.*
        """,
    ),
    (
        "queue",
        "waits for the message broker",
        "aiokafka, aio-pika or aiomqtt",
        """
        kafka.KafkaProducer: close flush partitions_for send
        kafka.KafkaConsumer: close commit committed end_offsets partitions_for_topic poll position topics
        kafka.KafkaAdminClient.*
        confluent_kafka.Producer: flush list_topics
        confluent_kafka.Consumer: close commit committed consume list_topics poll
        pika.BlockingConnection
        pika.BlockingConnection: channel close process_data_events sleep
        pika.adapters.blocking_connection.BlockingChannel.* - add_on_cancel_callback add_on_return_callback
        kombu.Connection: connect drain_events ensure_connection
        kombu.Producer.publish
        paho.mqtt.client.Client: connect loop_forever reconnect
        paho.mqtt.publish: multiple single
        paho.mqtt.subscribe: callback simple
        stomp.Connection: connect send
        """,
    ),
    (
        "cloud",
        "waits for a cloud service",
        "aioboto3 or the SDK's asynchronous client, or asyncio.to_thread",
        """
        botocore.client.BaseClient.* - can_paginate close exceptions generate_presigned_post
        botocore.client.BaseClient.* - generate_presigned_url get_paginator get_waiter meta
        botocore.paginate.Paginator: paginate
        botocore.waiter.Waiter: wait
        boto3.resources.base.ServiceResource.** - all filter get_available_subresources limit meta name
        boto3.resources.base.ServiceResource.** - page_size
        google.cloud.storage.Client: create_bucket download_blob_to_file get_bucket list_blobs list_buckets
        google.cloud.storage.Client: lookup_bucket
        google.cloud.storage.Bucket: copy_blob create delete delete_blob delete_blobs exists get_blob
        google.cloud.storage.Bucket: list_blobs make_private make_public patch reload rename_blob update
        google.cloud.storage.Blob: compose delete download_as_bytes download_as_string download_as_text
        google.cloud.storage.Blob: download_to_file download_to_filename exists make_private make_public open
        google.cloud.storage.Blob: patch reload rewrite update upload_from_file upload_from_filename
        google.cloud.storage.Blob: upload_from_string
        google.cloud.secretmanager.SecretManagerServiceClient.* - common_project_path secret_path
        google.cloud.secretmanager.SecretManagerServiceClient.* - secret_version_path
        google.cloud.pubsub_v1.SubscriberClient: acknowledge pull
        google.cloud.pubsub_v1.publisher.futures.Future.result
        google.cloud.tasks_v2.CloudTasksClient: create_queue create_task delete_task get_task list_tasks
        google.cloud.tasks_v2.CloudTasksClient: run_task
        google.cloud.vision.ImageAnnotatorClient: annotate_image batch_annotate_images
        google.cloud.vision.ImageAnnotatorClient: document_text_detection face_detection label_detection
        google.cloud.vision.ImageAnnotatorClient: text_detection
        google.cloud.speech.SpeechClient: recognize
        google.cloud.texttospeech.TextToSpeechClient: synthesize_speech
        google.cloud.translate_v2.Client: detect_language get_languages translate
        googleapiclient.discovery: build
        googleapiclient.discovery.Resource.** + execute next_chunk
        azure.storage.blob.BlobServiceClient.** + create_container delete_container find_blobs_by_tags
        azure.storage.blob.BlobServiceClient.** + get_account_information get_service_properties
        azure.storage.blob.BlobServiceClient.** + get_user_delegation_key list_containers undelete_container
        azure.storage.blob.ContainerClient: create_container delete_blob delete_blobs delete_container
        azure.storage.blob.ContainerClient: download_blob exists get_container_properties list_blob_names
        azure.storage.blob.ContainerClient: list_blobs upload_blob walk_blobs
        azure.storage.blob.BlobClient: append_block commit_block_list delete_blob download_blob exists
        azure.storage.blob.BlobClient: get_blob_properties set_blob_metadata set_http_headers stage_block
        azure.storage.blob.BlobClient: start_copy_from_url upload_blob upload_blob_from_url
        azure.storage.blob.StorageStreamDownloader: content_as_bytes content_as_text read readall readinto
        azure.storage.queue.QueueClient.* - close from_connection_string from_queue_url
        azure.keyvault.secrets.SecretClient.* - close
        azure.identity.DefaultAzureCredential.get_token
        azure.identity.ClientSecretCredential.get_token
        azure.identity.ManagedIdentityCredential.get_token
        azure.cosmos.CosmosClient.** + create_container create_container_if_not_exists create_database
        azure.cosmos.CosmosClient.** + create_database_if_not_exists create_item delete_item list_databases
        azure.cosmos.CosmosClient.** + patch_item query_items read_all_items read_item replace_item
        azure.cosmos.CosmosClient.** + upsert_item
        azure.servicebus.ServiceBusSender: schedule_messages send_messages
        azure.servicebus.ServiceBusReceiver: complete_message receive_messages
        minio.Minio.* - disable_accelerate_endpoint disable_dualstack_endpoint disable_virtual_style_endpoint
        minio.Minio.* - enable_accelerate_endpoint enable_dualstack_endpoint enable_virtual_style_endpoint
        minio.Minio.* - get_presigned_url presigned_get_object presigned_post_policy presigned_put_object
        minio.Minio.* - set_app_info trace_off trace_on
        firebase_admin.auth.*
        firebase_admin.messaging: send send_all send_each send_each_for_multicast send_multicast
        firebase_admin.messaging: subscribe_to_topic unsubscribe_from_topic
        firebase_admin.db.Reference: delete get push set transaction update
        supabase.Client.** + create_bucket create_signed_url download exchange_code_for_session execute
        supabase.Client.** + get_session get_user list_buckets refresh_session remove sign_in_with_otp
        supabase.Client.** + sign_in_with_password sign_out sign_up upload
        hvac.Client.** - auth secrets sys
        docker.from_env
        docker.DockerClient.** - api close from_context from_env
        kubernetes.config: load_config load_incluster_config load_kube_config
        kubernetes.client.AppsV1Api.*
        kubernetes.client.BatchV1Api.*
        kubernetes.client.CoreV1Api.*
        kubernetes.client.CustomObjectsApi.*
        kubernetes.client.NetworkingV1Api.*
        """,
    ),
    (
        "vendor",
        _WAITS_SERVICE,
        "the SDK's asynchronous client, or asyncio.to_thread",
        """
        cloudinary.uploader: add_context add_tag create_archive create_zip destroy explicit explode
        cloudinary.uploader: generate_sprite multi remove_all_context remove_all_tags remove_tag rename
        cloudinary.uploader: replace_tag text unsigned_upload update_metadata upload upload_image
        cloudinary.uploader: upload_large upload_large_part upload_resource
        cloudinary.api.* - call_api call_json_api config only_keys
        keycloak.KeycloakAdmin.* - change_current_realm connection get_current_realm
        keycloak.KeycloakOpenID.* - connection decode_token
        keycloak.KeycloakOpenIDConnection: get_token refresh_token
        keycloak.KeycloakUMA.* - connection format_url
        stripe.** + attach cancel capture close confirm create create_reversal delete detach finalize_invoice
        stripe.** + list mark_uncollectible modify pay refund reject resume retrieve reverse search
        stripe.** + send_invoice update verify_microdeposits void_invoice
        twilio.rest.Client.** + create delete fetch list page stream update
        openai.OpenAI.** - close copy get_api_list is_closed platform_headers with_middleware with_options
        openai.OpenAI.** - with_raw_response with_streaming_response
        openai.AzureOpenAI.** - close copy get_api_list is_closed platform_headers with_middleware
        openai.AzureOpenAI.** - with_options with_raw_response with_streaming_response
        openai.ChatCompletion.create
        openai.Completion.create
        openai.Embedding.create
        openai.Image: create create_edit create_variation
        openai.Moderation.create
        openai.chat.completions: create parse
        openai.completions.create
        openai.embeddings.create
        openai.images: create_variation edit generate
        openai.responses: create parse
        anthropic.Anthropic.** - close copy get_api_list is_closed platform_headers with_middleware
        anthropic.Anthropic.** - with_options with_raw_response with_streaming_response
        anthropic.AnthropicBedrock.** - close copy get_api_list is_closed platform_headers with_middleware
        anthropic.AnthropicBedrock.** - with_options with_raw_response with_streaming_response
        anthropic.AnthropicVertex.** - close copy get_api_list is_closed platform_headers with_middleware
        anthropic.AnthropicVertex.** - with_options with_raw_response with_streaming_response
        groq.Groq.** - close copy get_api_list is_closed platform_headers with_middleware with_options
        groq.Groq.** - with_raw_response with_streaming_response
        together.Together.** + create generate list retrieve
        mistralai.Mistral.** + complete create embed get list moderate parse process stream
        cohere.Client: chat chat_stream classify embed generate rerank summarize tokenize
        cohere.ClientV2: chat chat_stream classify embed rerank
        google.generativeai: embed_content generate_text list_models upload_file
        google.generativeai.GenerativeModel: count_tokens generate_content
        google.genai.Client.** + count_tokens create delete edit_image embed_content generate_content
        google.genai.Client.** + generate_content_stream generate_images get list send_message update upload
        replicate.run
        langchain_anthropic.ChatAnthropic: batch invoke stream
        langchain_community.chat_models.ChatOllama: batch invoke stream
        langchain_google_genai.ChatGoogleGenerativeAI: batch invoke stream
        langchain_ollama.ChatOllama: batch invoke stream
        langchain_openai.AzureChatOpenAI: batch invoke stream
        langchain_openai.ChatOpenAI: batch invoke stream
        langchain_openai.OpenAIEmbeddings: embed_documents embed_query
        langchain.agents.AgentExecutor: batch invoke run stream
        langchain.chains.ConversationalRetrievalChain: batch invoke run stream
        langchain.chains.LLMChain: batch invoke predict run stream
        langchain.chains.RetrievalQA: batch invoke run stream
        replicate.Client: run stream
        huggingface_hub: hf_hub_download snapshot_download upload_file upload_folder
        huggingface_hub.InferenceClient.* - close
        ollama: chat create delete embed embeddings generate list ps pull push show
        ollama.Client: chat create delete embed embeddings generate list ps pull push show
        litellm: completion embedding image_generation transcription
        slack_sdk.WebClient.*
        slack_sdk.webhook.WebhookClient: send send_dict
        pusher.Pusher: channel_info channels_info trigger trigger_batch users_info
        razorpay.Client.** + all cancel capture create delete edit fetch payments refund
        braintree.BraintreeGateway.** + cancel create delete find generate refund sale search update void
        paypalrestsdk.** + all cancel capture create delete execute find refund update void
        jira.JIRA
        jira.JIRA.*
        simple_salesforce.Salesforce.** + create delete get query query_all query_more search update upsert
        mailchimp_marketing.Client.** + add_list_member delete_list_member get_list get_list_member
        mailchimp_marketing.Client.** + set_list_member
        googlemaps.Client.*
        tweepy.Client.*
        tweepy.API.*
        yfinance.download
        yfinance.Ticker: history
        gspread: authorize oauth service_account
        gspread.Client: create open open_by_key open_by_url
        gspread.Worksheet: append_row append_rows batch_get batch_update clear find get get_all_records
        gspread.Worksheet: get_all_values update update_cell
        wikipedia: page search summary
        atlassian.Confluence.*
        atlassian.Jira.*
        apprise.Apprise.notify
        pydantic_ai.Agent: run_stream_sync run_sync to_cli_sync
        github.Github.** + create_file create_issue create_pull delete_file get_contents get_issue get_issues
        github.Github.** + get_organization get_pull get_pulls get_repo get_repos get_user search_issues
        github.Github.** + search_repositories update_file
        gitlab.Gitlab.** + auth create delete get list save update
        msal.ConfidentialClientApplication: acquire_token_by_auth_code_flow
        msal.ConfidentialClientApplication: acquire_token_by_authorization_code
        msal.ConfidentialClientApplication: acquire_token_by_refresh_token acquire_token_for_client
        msal.ConfidentialClientApplication: acquire_token_on_behalf_of acquire_token_silent
        selenium.webdriver.Chrome
        selenium.webdriver.Edge
        selenium.webdriver.Firefox
        selenium.webdriver.Remote
        selenium.webdriver.Chrome.** + click find_element find_elements get quit refresh save_screenshot
        selenium.webdriver.Chrome.** + send_keys
        selenium.webdriver.Firefox.** + click find_element find_elements get quit refresh save_screenshot
        selenium.webdriver.Firefox.** + send_keys
        selenium.webdriver.Remote.** + click find_element find_elements get quit refresh save_screenshot
        selenium.webdriver.Remote.** + send_keys
        playwright.sync_api.sync_playwright
        """,
    ),
    (
        "hash",
        "computes a slow hash on purpose",
        _TO_THREAD,
        """
        bcrypt: checkpw hashpw kdf
        argon2.PasswordHasher: hash verify
        argon2: hash_password hash_password_raw verify_password
        argon2.low_level: hash_secret hash_secret_raw verify_secret
        passlib.context.CryptContext: dummy_verify encrypt hash verify verify_and_update
        passlib.hash.** + encrypt hash verify
        pwdlib.PasswordHash: hash verify verify_and_update
        pwdlib.hashers.argon2.Argon2Hasher: hash verify
        pwdlib.hashers.bcrypt.BcryptHasher: hash verify
        fastapi_users.password.PasswordHelper: hash verify_and_update
        hashlib: file_digest pbkdf2_hmac scrypt
        werkzeug.security: check_password_hash generate_password_hash
        django.contrib.auth.hashers: check_password make_password
        cryptography.hazmat.primitives.kdf.pbkdf2.PBKDF2HMAC: derive verify
        cryptography.hazmat.primitives.kdf.scrypt.Scrypt: derive verify
        cryptography.hazmat.primitives.kdf.argon2.Argon2id: derive verify
        cryptography.hazmat.primitives.asymmetric.rsa.generate_private_key
        Crypto.Protocol.KDF: PBKDF2 bcrypt bcrypt_check scrypt
        Crypto.PublicKey.RSA.generate
        nacl.pwhash: str verify
        nacl.pwhash.argon2id: kdf str verify
        """,
    ),
    (
        "image",
        "reads, writes or renders a whole file",
        _TO_THREAD,
        """
        PIL.Image.open
        PIL.Image.Image: save
        cv2: VideoCapture VideoWriter imread imwrite
        cv2.VideoWriter: write
        cv2.VideoCapture: read
        imageio: get_reader get_writer imread imwrite mimread mimwrite
        imageio.v2: get_reader get_writer imread imwrite mimread mimwrite
        imageio.v3: imopen imread imwrite
        skimage.io: imread imsave
        matplotlib.pyplot: imread imsave savefig
        matplotlib.figure.Figure.savefig
        pdf2image: convert_from_bytes convert_from_path
        pytesseract: image_to_boxes image_to_data image_to_pdf_or_hocr image_to_string
        pdfkit: from_file from_string from_url
        weasyprint.HTML: render write_pdf
        weasyprint.HTML
        pydub.AudioSegment: export from_file from_mp3 from_wav
        librosa.load
        soundfile: read write
        """,
    ),
    (
        "data",
        "reads or writes a whole file or table",
        _TO_THREAD,
        """
        pandas: ExcelFile ExcelWriter HDFStore read_clipboard read_csv read_excel read_feather read_fwf
        pandas: read_gbq read_hdf read_html read_json read_orc read_parquet read_pickle read_sas read_spss
        pandas: read_sql read_sql_query read_sql_table read_stata read_table read_xml
        pandas.DataFrame: to_csv to_excel to_feather to_gbq to_hdf to_html to_json to_orc to_parquet
        pandas.DataFrame: to_pickle to_sql to_stata to_xml
        pandas.Series: to_csv to_excel to_hdf to_json to_pickle to_sql
        numpy: fromfile genfromtxt load loadtxt memmap save savetxt savez savez_compressed
        numpy.ndarray: dump tofile
        polars: read_avro read_csv read_database read_delta read_excel read_ipc read_json read_ndjson
        polars: read_parquet
        polars.DataFrame: write_avro write_csv write_database write_delta write_excel write_ipc write_json
        polars.DataFrame: write_ndjson write_parquet
        pyarrow.csv: read_csv write_csv
        pyarrow.feather: read_feather write_feather
        pyarrow.parquet: read_table write_table
        geopandas.read_file
        scipy.io: loadmat savemat
        h5py.File
        netCDF4.Dataset
        xarray: open_dataset open_mfdataset
        joblib: dump load
        torch: load save
        transformers.** + from_pretrained save_pretrained
        transformers.pipeline
        sentence_transformers.SentenceTransformer
        spacy.load
        whisper.load_model
        keras.models.load_model
        tensorflow.keras.models.load_model
        openpyxl.load_workbook
        openpyxl.Workbook: save
        xlsxwriter.Workbook: close
        """,
    ),
)

_ARGUMENTS: Final[dict[str, tuple[int, str]]] = {
    "bz2.BZ2File": (0, "filename"),
    "bz2.open": (0, "filename"),
    "gzip.open": (0, "filename"),
    "lzma.LZMAFile": (0, "filename"),
    "lzma.open": (0, "filename"),
    "numpy.load": (0, "file"),
    "numpy.save": (0, "file"),
    "numpy.savez": (0, "file"),
    "numpy.savez_compressed": (0, "file"),
    "openpyxl.Workbook.save": (0, "filename"),
    "openpyxl.load_workbook": (0, "filename"),
    "pandas.DataFrame.to_csv": (0, "path_or_buf"),
    "pandas.DataFrame.to_excel": (0, "excel_writer"),
    "pandas.DataFrame.to_feather": (0, "path"),
    "pandas.DataFrame.to_html": (0, "buf"),
    "pandas.DataFrame.to_json": (0, "path_or_buf"),
    "pandas.DataFrame.to_orc": (0, "path"),
    "pandas.DataFrame.to_parquet": (0, "path"),
    "pandas.DataFrame.to_xml": (0, "path_or_buffer"),
    "pandas.ExcelFile": (0, "path_or_buffer"),
    "pandas.ExcelWriter": (0, "path"),
    "pandas.Series.to_csv": (0, "path_or_buf"),
    "pandas.Series.to_json": (0, "path_or_buf"),
    "pandas.read_csv": (0, "filepath_or_buffer"),
    "pandas.read_excel": (0, "io"),
    "pandas.read_json": (0, "path_or_buf"),
    "pandas.read_parquet": (0, "path"),
    "PIL.Image.Image.save": (0, "fp"),
    "PIL.Image.open": (0, "fp"),
    "polars.read_csv": (0, "source"),
    "polars.read_excel": (0, "source"),
    "polars.read_json": (0, "source"),
    "polars.read_parquet": (0, "source"),
    "polars.DataFrame.write_csv": (0, "file"),
    "polars.DataFrame.write_json": (0, "file"),
    "polars.DataFrame.write_parquet": (0, "file"),
    "xml.etree.ElementTree.parse": (0, "source"),
    "defusedxml.ElementTree.parse": (0, "source"),
    "lxml.etree.parse": (0, "source"),
    "psutil.Process.cpu_percent": (0, "interval"),
    "psutil.cpu_percent": (0, "interval"),
    "psutil.cpu_times_percent": (0, "interval"),
    "soundfile.read": (0, "file"),
    "soundfile.write": (0, "file"),
    "torch.load": (0, "f"),
    "torch.save": (1, "f"),
    "joblib.load": (0, "filename"),
    "zipfile.ZipFile": (0, "file"),
    "zipfile.is_zipfile": (0, "filename"),
}
"""Calls that block only with this argument (position, keyword), and not where it is an in-memory buffer."""

IN_MEMORY: Final = frozenset({"io.BytesIO", "io.StringIO"})
"""File objects that touch no disk."""

IN_MEMORY_KEYWORDS: Final[Mapping[str, str]] = MappingProxyType(
    {"tarfile.open": "fileobj", "tarfile.TarFile": "fileobj", "gzip.GzipFile": "fileobj"}
)
"""Calls that do not block where this keyword argument is an in-memory buffer."""

NON_BLOCKING: Final[Mapping[str, tuple[int, str]]] = MappingProxyType(
    {
        "multiprocessing.Queue.get": (0, "block"),
        "multiprocessing.JoinableQueue.get": (0, "block"),
        "queue.LifoQueue.get": (0, "block"),
        "queue.PriorityQueue.get": (0, "block"),
        "queue.Queue.get": (0, "block"),
        "queue.SimpleQueue.get": (0, "block"),
        "threading.BoundedSemaphore.acquire": (0, "blocking"),
        "threading.Lock.acquire": (0, "blocking"),
        "threading.RLock.acquire": (0, "blocking"),
        "threading.Semaphore.acquire": (0, "blocking"),
    }
)
"""Calls that do not block where this argument (position, keyword) is ``False``."""

LOCKS: Final = frozenset(
    {
        "multiprocessing.Lock",
        "multiprocessing.RLock",
        "threading.Condition",
        "threading.Lock",
        "threading.RLock",
        "threading.Semaphore",
        "threading.BoundedSemaphore",
    }
)
"""Locks of threads. Taking one is quick as long as nobody holds it for long: it blocks an event loop where
I/O or an ``await`` happens while it is held."""

_FILE_CLASSES: Final = ("io.TextIOWrapper", "io.BufferedReader", "io.BufferedWriter", "io.BufferedRandom")

RETURNS: Final[Mapping[str, str]] = MappingProxyType(
    {
        # The standard library.
        "asyncio.run_coroutine_threadsafe": "concurrent.futures.Future",
        "bz2.open": "bz2.BZ2File",
        "codecs.open": "io.TextIOWrapper",
        "concurrent.futures.Executor.submit": "concurrent.futures.Future",
        "concurrent.futures.ProcessPoolExecutor.submit": "concurrent.futures.Future",
        "concurrent.futures.ThreadPoolExecutor.submit": "concurrent.futures.Future",
        "gzip.open": "gzip.GzipFile",
        "http.client.HTTPConnection.getresponse": "http.client.HTTPResponse",
        "http.client.HTTPSConnection.getresponse": "http.client.HTTPResponse",
        "io.open_code": "io.BufferedReader",
        "logging.getLogger": "logging.Logger",
        "lzma.open": "lzma.LZMAFile",
        "multiprocessing.pool.ThreadPool.apply_async": "multiprocessing.pool.AsyncResult",
        "multiprocessing.Pool.apply_async": "multiprocessing.pool.AsyncResult",
        "multiprocessing.Pool.map_async": "multiprocessing.pool.AsyncResult",
        "open": "io.TextIOWrapper",
        "os.fdopen": "io.TextIOWrapper",
        "os.popen": "io.TextIOWrapper",
        "pathlib.Path": "pathlib.Path",
        "pathlib.Path.absolute": "pathlib.Path",
        "pathlib.Path.cwd": "pathlib.Path",
        "pathlib.Path.expanduser": "pathlib.Path",
        "pathlib.Path.home": "pathlib.Path",
        "pathlib.Path.joinpath": "pathlib.Path",
        "pathlib.Path.open": "io.TextIOWrapper",
        "pathlib.Path.__truediv__": "pathlib.Path",
        "pathlib.Path.relative_to": "pathlib.Path",
        "pathlib.Path.rename": "pathlib.Path",
        "pathlib.Path.replace": "pathlib.Path",
        "pathlib.Path.resolve": "pathlib.Path",
        "pathlib.Path.with_name": "pathlib.Path",
        "pathlib.Path.with_stem": "pathlib.Path",
        "pathlib.Path.with_suffix": "pathlib.Path",
        "queue.Queue": "queue.Queue",
        "socket.create_connection": "socket.socket",
        "socket.socket.dup": "socket.socket",
        "sqlite3.connect": "sqlite3.Connection",
        "sqlite3.Connection.cursor": "sqlite3.Cursor",
        "sqlite3.Connection.execute": "sqlite3.Cursor",
        "sqlite3.Connection.executemany": "sqlite3.Cursor",
        "sqlite3.Cursor.execute": "sqlite3.Cursor",
        "ssl.SSLContext.wrap_socket": "ssl.SSLSocket",
        "ssl.create_default_context": "ssl.SSLContext",
        "subprocess.Popen": "subprocess.Popen",
        "tarfile.open": "tarfile.TarFile",
        "tempfile.TemporaryFile": "tempfile.NamedTemporaryFile",
        "threading.Timer": "threading.Timer",
        "urllib.request.build_opener": "urllib.request.OpenerDirector",
        "urllib.request.urlopen": "http.client.HTTPResponse",
        "zipfile.ZipFile.open": "io.BufferedReader",
        # HTTP.
        "cloudscraper.create_scraper": "cloudscraper.CloudScraper",
        "requests.Session": "requests.Session",
        "urllib3.connection_from_url": "urllib3.HTTPConnectionPool",
        "urllib3.proxy_from_url": "urllib3.ProxyManager",
        # Databases.
        "clickhouse_connect.get_client": "clickhouse_connect.driver.client.Client",
        "cassandra.cluster.Cluster.connect": "cassandra.cluster.Session",
        "chromadb.EphemeralClient": "chromadb.Client",
        "chromadb.HttpClient": "chromadb.Client",
        "chromadb.PersistentClient": "chromadb.Client",
        "duckdb.connect": "duckdb.DuckDBPyConnection",
        "influxdb_client.InfluxDBClient.query_api": "influxdb_client.QueryApi",
        "influxdb_client.InfluxDBClient.write_api": "influxdb_client.WriteApi",
        "mysql.connector.connect": "mysql.connector.MySQLConnection",
        "mysql.connector.MySQLConnection.cursor": "mysql.connector.cursor.MySQLCursor",
        "neo4j.Driver.session": "neo4j.Session",
        "neo4j.GraphDatabase.driver": "neo4j.Driver",
        "neo4j.Session.begin_transaction": "neo4j.Transaction",
        "oracledb.connect": "oracledb.Connection",
        "oracledb.Connection.cursor": "oracledb.Cursor",
        "pinecone.Pinecone.Index": "pinecone.Index",
        "psycopg.connect": "psycopg.Connection",
        "psycopg.Connection.connect": "psycopg.Connection",
        "psycopg.Connection.cursor": "psycopg.Cursor",
        "psycopg.Connection.execute": "psycopg.Cursor",
        "psycopg.Cursor.execute": "psycopg.Cursor",
        "psycopg.AsyncConnection.connect": "psycopg.AsyncConnection",
        "psycopg_pool.ConnectionPool.connection": "psycopg.Connection",
        "psycopg_pool.ConnectionPool.getconn": "psycopg.Connection",
        "psycopg2.connect": "psycopg2.extensions.connection",
        "psycopg2.extensions.connection.cursor": "psycopg2.extensions.cursor",
        "psycopg2.pool.SimpleConnectionPool.getconn": "psycopg2.extensions.connection",
        "psycopg2.pool.ThreadedConnectionPool.getconn": "psycopg2.extensions.connection",
        "pymysql.connect": "pymysql.connections.Connection",
        "pymysql.connections.Connection.cursor": "pymysql.cursors.Cursor",
        "pyodbc.connect": "pyodbc.Connection",
        "pyodbc.Connection.cursor": "pyodbc.Cursor",
        "pyodbc.Connection.execute": "pyodbc.Cursor",
        "sqlalchemy.Connection.execute": "sqlalchemy.CursorResult",
        "sqlalchemy.Engine.begin": "sqlalchemy.Connection",
        "sqlalchemy.Engine.connect": "sqlalchemy.Connection",
        "sqlalchemy.create_engine": "sqlalchemy.Engine",
        "sqlalchemy.engine_from_config": "sqlalchemy.Engine",
        "sqlalchemy.ext.asyncio.async_sessionmaker": "sqlalchemy.ext.asyncio.async_sessionmaker",
        "sqlalchemy.ext.asyncio.async_sessionmaker.__call__": "sqlalchemy.ext.asyncio.AsyncSession",
        "sqlalchemy.ext.asyncio.create_async_engine": "sqlalchemy.ext.asyncio.AsyncEngine",
        "sqlalchemy.orm.Query.filter": "sqlalchemy.orm.Query",
        "sqlalchemy.orm.Query.filter_by": "sqlalchemy.orm.Query",
        "sqlalchemy.orm.Query.group_by": "sqlalchemy.orm.Query",
        "sqlalchemy.orm.Query.join": "sqlalchemy.orm.Query",
        "sqlalchemy.orm.Query.limit": "sqlalchemy.orm.Query",
        "sqlalchemy.orm.Query.offset": "sqlalchemy.orm.Query",
        "sqlalchemy.orm.Query.options": "sqlalchemy.orm.Query",
        "sqlalchemy.orm.Query.order_by": "sqlalchemy.orm.Query",
        "sqlalchemy.orm.Query.outerjoin": "sqlalchemy.orm.Query",
        "sqlalchemy.orm.Query.where": "sqlalchemy.orm.Query",
        "sqlalchemy.orm.Query.with_for_update": "sqlalchemy.orm.Query",
        "sqlalchemy.orm.Session.query": "sqlalchemy.orm.Query",
        "sqlalchemy.orm.scoped_session.query": "sqlalchemy.orm.Query",
        "sqlalchemy.orm.sessionmaker.__call__": "sqlalchemy.orm.Session",
        "supabase.create_client": "supabase.Client",
        # Caches.
        "redis.Redis": "redis.Redis",
        "redis.Redis.from_pool": "redis.Redis",
        "redis.Redis.from_url": "redis.Redis",
        "redis.Redis.ft": "redis.commands.search.Search",
        "redis.Redis.json": "redis.commands.json.JSON",
        "redis.Redis.lock": "redis.lock.Lock",
        "redis.Redis.pipeline": "redis.client.Pipeline",
        "redis.Redis.pubsub": "redis.client.PubSub",
        "redis.RedisCluster.from_url": "redis.RedisCluster",
        "redis.Sentinel.master_for": "redis.Redis",
        "redis.Sentinel.slave_for": "redis.Redis",
        "redis.from_url": "redis.Redis",
        "redis.asyncio.Redis.from_pool": "redis.asyncio.Redis",
        "redis.asyncio.Redis.from_url": "redis.asyncio.Redis",
        "redis.asyncio.from_url": "redis.asyncio.Redis",
        "rq.job.Job.fetch": "rq.job.Job",
        # Brokers.
        "pika.BlockingConnection.channel": "pika.adapters.blocking_connection.BlockingChannel",
        # Clouds and vendors.
        "azure.storage.blob.BlobClient.download_blob": "azure.storage.blob.StorageStreamDownloader",
        "azure.storage.blob.BlobClient.from_blob_url": "azure.storage.blob.BlobClient",
        "azure.storage.blob.BlobClient.from_connection_string": "azure.storage.blob.BlobClient",
        "azure.storage.blob.BlobServiceClient.from_connection_string": "azure.storage.blob.BlobServiceClient",
        "azure.storage.blob.BlobServiceClient.get_blob_client": "azure.storage.blob.BlobClient",
        "azure.storage.blob.BlobServiceClient.get_container_client": "azure.storage.blob.ContainerClient",
        "azure.storage.blob.ContainerClient.from_connection_string": "azure.storage.blob.ContainerClient",
        "azure.storage.blob.ContainerClient.get_blob_client": "azure.storage.blob.BlobClient",
        "boto3.Session.client": "botocore.client.BaseClient",
        "boto3.Session.resource": "boto3.resources.base.ServiceResource",
        "boto3.client": "botocore.client.BaseClient",
        "boto3.resource": "boto3.resources.base.ServiceResource",
        "botocore.client.BaseClient.get_paginator": "botocore.paginate.Paginator",
        "botocore.client.BaseClient.get_waiter": "botocore.waiter.Waiter",
        "botocore.session.Session.create_client": "botocore.client.BaseClient",
        "docker.from_env": "docker.DockerClient",
        "firebase_admin.db.Reference.child": "firebase_admin.db.Reference",
        "firebase_admin.db.reference": "firebase_admin.db.Reference",
        "firebase_admin.firestore.client": "google.cloud.firestore.Client",
        "firebase_admin.storage.bucket": "google.cloud.storage.Bucket",
        "google.cloud.bigquery.Client.query": "google.cloud.bigquery.QueryJob",
        "google.cloud.pubsub_v1.PublisherClient.publish": "google.cloud.pubsub_v1.publisher.futures.Future",
        "google.cloud.storage.Bucket.blob": "google.cloud.storage.Blob",
        "google.cloud.storage.Bucket.get_blob": "google.cloud.storage.Blob",
        "gspread.authorize": "gspread.Client",
        "gspread.oauth": "gspread.Client",
        "gspread.service_account": "gspread.Client",
        "websocket.create_connection": "websocket.WebSocket",
        "websockets.sync.client.connect": "websockets.sync.client.ClientConnection",
        "google.cloud.storage.Client.bucket": "google.cloud.storage.Bucket",
        "google.cloud.storage.Client.create_bucket": "google.cloud.storage.Bucket",
        "google.cloud.storage.Client.from_service_account_json": "google.cloud.storage.Client",
        "google.cloud.storage.Client.get_bucket": "google.cloud.storage.Bucket",
        "googleapiclient.discovery.build": "googleapiclient.discovery.Resource",
        # Hashing.
        "pwdlib.PasswordHash.recommended": "pwdlib.PasswordHash",
        # Images and tables.
        "PIL.Image.Image.convert": "PIL.Image.Image",
        "PIL.Image.Image.copy": "PIL.Image.Image",
        "PIL.Image.Image.crop": "PIL.Image.Image",
        "PIL.Image.Image.resize": "PIL.Image.Image",
        "PIL.Image.Image.rotate": "PIL.Image.Image",
        "PIL.Image.fromarray": "PIL.Image.Image",
        "PIL.Image.new": "PIL.Image.Image",
        "PIL.Image.open": "PIL.Image.Image",
        "cv2.VideoCapture": "cv2.VideoCapture",
        "matplotlib.pyplot.figure": "matplotlib.figure.Figure",
        "openpyxl.load_workbook": "openpyxl.Workbook",
        "pandas.concat": "pandas.DataFrame",
        "pandas.json_normalize": "pandas.DataFrame",
        "pandas.merge": "pandas.DataFrame",
        "pandas.read_csv": "pandas.DataFrame",
        "pandas.read_excel": "pandas.DataFrame",
        "pandas.read_json": "pandas.DataFrame",
        "pandas.read_parquet": "pandas.DataFrame",
        "pandas.read_sql": "pandas.DataFrame",
        "polars.read_csv": "polars.DataFrame",
        "polars.read_parquet": "polars.DataFrame",
        "pydub.AudioSegment.from_file": "pydub.AudioSegment",
    }
)
"""Canonical callable -> canonical class of what it gives. A class that is called gives itself and needs no
row; ``X.__call__`` is the call of an instance, ``X.__truediv__`` the operator."""

ATTRIBUTES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "pathlib.Path.parent": "pathlib.Path",
        "sqlalchemy.orm.DeclarativeBase.metadata": "sqlalchemy.MetaData",
        "sqlmodel.SQLModel.metadata": "sqlalchemy.MetaData",
        "subprocess.Popen.stderr": "io.BufferedReader",
        "subprocess.Popen.stdin": "io.BufferedWriter",
        "subprocess.Popen.stdout": "io.BufferedReader",
    }
)
"""Canonical attribute -> canonical class of its value."""

HANDLES: Final = frozenset(
    {
        *_FILE_CLASSES,
        "bz2.BZ2File",
        "ftplib.FTP",
        "ftplib.FTP_TLS",
        "gzip.GzipFile",
        "http.client.HTTPResponse",
        "imaplib.IMAP4",
        "imaplib.IMAP4_SSL",
        "io.FileIO",
        "lzma.LZMAFile",
        "poplib.POP3",
        "poplib.POP3_SSL",
        "smtplib.LMTP",
        "smtplib.SMTP",
        "smtplib.SMTP_SSL",
        "sqlite3.Connection",
        "sqlite3.Cursor",
        "subprocess.Popen",
        "tarfile.TarFile",
        "telnetlib.Telnet",
        "tempfile.NamedTemporaryFile",
        "tempfile.SpooledTemporaryFile",
        "tempfile.TemporaryDirectory",
        "zipfile.ZipFile",
    }
)
"""Classes whose instances stand for one piece of work: what is done through an instance belongs to the
finding of the call that opened it."""


def _parse() -> tuple[dict[str, Blocking], dict[str, _Scope]]:
    calls: dict[str, Blocking] = {}
    scopes: dict[str, _Scope] = {}
    for kind, why, instead, text in _GROUPS:
        for line in text.split("\n"):
            head, *words = line.split() or [""]
            if head.endswith("*"):
                sign, names = (words[0], frozenset(words[1:])) if words else ("-", frozenset[str]())
                prefix = head.rstrip("*.")
                known = scopes.get(prefix)
                scopes[prefix] = _Scope(
                    kind,
                    why,
                    instead,
                    head.endswith("**"),
                    (names if sign == "+" else frozenset()) | (known.only if known else frozenset()),
                    (names if sign == "-" else frozenset()) | (known.but if known else frozenset()),
                )
            elif head:
                names_here = [f"{head[:-1]}.{word}" for word in words] if words else [head]
                for name in names_here:
                    calls[name] = Blocking(name, kind, why, instead, _ARGUMENTS.get(name))
    for subclass in ("pathlib.PosixPath", "pathlib.WindowsPath"):
        for name in [name for name in calls if name.startswith("pathlib.Path.")]:
            twin = subclass + name[len("pathlib.Path") :]
            calls[twin] = Blocking(twin, "file", _WAITS_DISK, _AIO_FILES)
    for name in _mongo():
        calls[name] = Blocking(name, "mongo", _WAITS_DATABASE, "pymongo.AsyncMongoClient")
    return calls, scopes


def _mongo() -> Iterator[str]:
    """What the synchronous MongoDB drivers send to the server. ``find`` is among it: its cursor is read at
    once."""
    silent = {"start_session", "start_transaction", "session", "transaction"}
    for row in drivers.CLASSES.values():
        for method in row.methods.values():
            reaches = method.kind in drivers.OPERATION_KINDS or method.kind in ("fetch", "health", "session")
            if not row.is_async and reaches and method.name not in silent:
                yield f"{row.name}.{method.name}"


_CALLS, _SCOPES = _parse()

BLOCKING_CALLS: Final[Mapping[str, Blocking]] = MappingProxyType(_CALLS)
"""Every call that is known by its full name."""

BLOCKING_CLASSES: Final = frozenset(_SCOPES)
"""Prefixes of which :func:`blocking` also knows methods that it does not list one by one."""

DEEP_CLASSES: Final = frozenset(name for name, scope in _SCOPES.items() if scope.deep)
"""Those prefixes below which the objects are reached by further attributes and calls
(``client.chat.completions.create``, ``resource.Bucket("b").upload_file``): a name below is formed by
appending them all."""

BLOCKING_TAILS: Final = frozenset(name.rpartition(".")[2] for name in _CALLS) | frozenset(
    name for scope in _SCOPES.values() for name in scope.only
)
"""Last segments that a blocking call can have, methods of :data:`BLOCKING_CLASSES` without ``only`` apart: a
prefilter."""


@lru_cache(maxsize=16384)
def blocking(canonical: str) -> Blocking | None:
    """What is known of the call to ``canonical``, or None: exact names first, then the innermost class."""
    call = _CALLS.get(canonical)
    if call is not None:
        return call
    prefix, dot, _ = canonical.rpartition(".")
    while dot:
        scope = _SCOPES.get(prefix)
        if scope is not None:
            if scope.covers(canonical[len(prefix) + 1 :].split(".")):
                return Blocking(canonical, scope.kind, scope.why, scope.instead)
            return None
        prefix, dot, _ = prefix.rpartition(".")
    return None


@lru_cache(maxsize=16384)
def returned(canonical: str) -> str | None:
    """The class of what the call to ``canonical`` gives; None if no row says so, and for plain constructors.

    Below a deep class, what does no I/O itself gives another object of the same client, under a name made of
    the class and the call: ``google.cloud.firestore.Client.collection``, so that a ``get`` further down the
    chain is known to block. Of a chain only the last call stays in the name, which keeps such names few.
    """
    row = RETURNS.get(canonical)
    if row is not None:
        return row
    prefix, _, name = canonical.rpartition(".")
    while prefix and prefix not in _SCOPES:
        prefix = prefix.rpartition(".")[0]
    is_class = prefix.rpartition(".")[2][:1].isupper() or name[:1].isupper()
    if prefix in DEEP_CLASSES and is_class and blocking(canonical) is None:
        return f"{prefix}.{name}"
    return None


class Extension:
    """The project's own blocking calls, from its configuration.

    A pattern is a full dotted name (``vendor.sdk.Client.send``) or ends in ``.*``, which means everything
    below (``vendor.sdk.*``). ``ValueError`` names the first pattern that is neither.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        self._exact: set[str] = set()
        self._below: set[str] = set()
        for pattern in patterns:
            name = pattern.removesuffix(".*")
            if not all(part.isidentifier() for part in name.split(".")):
                raise ValueError(f"not a dotted name, nor one that ends in '.*': {pattern!r}")
            (self._below if name != pattern else self._exact).add(name)

    def blocking(self, canonical: str) -> Blocking | None:
        """What the project says of ``canonical``, else what the table knows."""
        prefix, matched = canonical, canonical in self._exact
        while self._below and not matched and (prefix := prefix.rpartition(".")[0]):
            matched = prefix in self._below
        if matched:
            return Blocking(canonical, "custom", "is configured as blocking", _TO_THREAD)
        return blocking(canonical)
