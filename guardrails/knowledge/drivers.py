"""MongoDB drivers and object-document mappers: their classes, and what each member of them gives and does.

A class is a :class:`DriverClass`; its methods are :class:`Method` rows that say whether the method reaches
the server (:data:`OPERATION_KINDS`), what comes out of it, whether it has to be awaited, and where the parts
of a query stand among its arguments. Names are canonical (:func:`guardrails.knowledge.aliases.canonical`).

Sources: the API references of PyMongo 3.13 and 4.x (synchronous and asynchronous), Motor 3, Beanie 1 and 2,
ODMantic 1 and MongoEngine 0.29, checked against the signatures of the installed packages; the MongoDB manual,
"Database Commands", for the commands that only ask how the server is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, get_args

from msgspec import Struct

ClassKind: TypeAlias = Literal[
    "client",  # owns the connections
    "database",
    "collection",
    "session",
    "cursor",  # yields raw documents
    "query",  # an ODM's lazy query: yields models
    "change_stream",
    "document",  # base class of an ODM's documents
    "embedded",  # base class of an ODM's sub-documents
    "engine",  # ODMantic's engine and its sessions
    "gridfs",
    "gridfs_file",
    "bulk_writer",
    "link",  # a reference that can be fetched
    "result",  # what a write returns
    "request",  # IndexModel, UpdateOne: what a bulk or index call takes
    "option",  # ReadPreference, WriteConcern
]
"""What a driver's class is."""

OperationKind: TypeAlias = Literal[
    "read", "write", "bulk", "aggregate", "count", "distinct", "index", "command", "watch"
]
"""What a Mongo operation does on the server. ``index`` and ``command`` include the management of
collections."""

MethodKind: TypeAlias = Literal[
    OperationKind,
    "access",  # hands out a database, a collection or another setting of the same object
    "refine",  # a step of a chain: sort, limit, hint
    "fetch",  # takes results out of a cursor or query that an operation gave
    "session",  # start_session, start_transaction, commit
    "health",  # server_info
    "close",
]
"""Every role of a method; those of :data:`OperationKind` reach the server as an operation of their own."""

Gives: TypeAlias = Literal[
    "document",  # one raw document or None
    "documents",  # a list of raw documents
    "model",  # one ODM document or None
    "models",  # a list of ODM documents
    "cursor",  # of raw documents
    "query",  # of ODM documents
    "result",  # what the driver reports of a write
    "number",
    "boolean",
    "value",  # a scalar taken out of a document
    "values",  # a list of them
    "id",
    "names",  # of collections, databases, indexes
    "information",  # metadata, as a dict or a list or cursor of them
    "object",  # a driver object: ``type`` says which
    "bytes",
    "nothing",
]
"""The shape of what a method gives once awaited, where it has to be."""

OPERATION_KINDS: Final[frozenset[str]] = frozenset(get_args(OperationKind))


class Argument(Struct, frozen=True):
    """Where one part of a query stands in a call.

    ``position`` counts positional arguments from 0 (``None``: by keyword only) and with ``rest`` means that
    one and all after it; ``keyword`` is its name (``None``: by position only; ``**``: all keywords that the
    method does not name otherwise, as in MongoEngine's look-ups).
    """

    role: str
    position: int | None
    keyword: str | None
    rest: bool = False


class Method(Struct, frozen=True):
    """A method of a driver's class.

    ``type`` is the canonical class of what the call gives, where that is a driver's: the awaited value, or,
    for Beanie's queries, which are awaitable themselves, the query. ``attribute``: it is read, not called
    (MongoEngine's ``Model.objects``).
    """

    name: str
    kind: MethodKind
    gives: Gives
    type: str | None
    awaited: bool
    arguments: tuple[Argument, ...] = ()
    attribute: bool = False

    def argument(self, role: str) -> Argument | None:
        """Where ``role`` stands: filter, update, sort, projection, hint, pipeline, keys, … None if it takes
        none."""
        return next((argument for argument in self.arguments if argument.role == role), None)


class DriverClass(Struct, frozen=True, eq=False):
    """A class of a driver or ODM.

    ``subscript`` and ``attribute`` are the classes that ``x[...]`` and ``x.anything`` give (a database of a
    client, a collection of a database), ``attributes`` the classes of the attributes that it really has,
    ``own`` the names of such attributes that are no driver object. ``yields`` is what iterating gives;
    ``awaitable``: awaiting the object itself runs it.
    """

    name: str
    kind: ClassKind
    is_async: bool
    methods: Mapping[str, Method]
    attributes: Mapping[str, str]
    attribute: str | None = None
    subscript: str | None = None
    own: frozenset[str] = frozenset()
    yields: Gives | None = None
    awaitable: bool = False

    def member(self, name: str) -> str | None:
        """The class of the attribute ``name``: ``client.shop`` -> a database; None where it is no driver
        object."""
        if name in self.attributes:
            return self.attributes[name]
        if name in self.methods or name in self.own or name.startswith("_"):
            return None
        return self.attribute


# --- the drivers: one table of methods, three flavours
# -----------------------------------------------------------
#
# A row: method, kind, must be awaited (no, yes, or only in the one of the two asynchronous drivers), what it
# gives (with its class after a colon), and its arguments: role=position, role=position:keyword where the
# keyword is not the role, `-` for keyword only, `+` for "this and all later positional ones", `**` for all
# keywords.

_CLIENT = """
get_database          access   no       object:database    name=0
get_default_database  access   no       object:database    name=0:default
start_session         session  motor    object:session
list_databases        command  yes      information:command_cursor
list_database_names   command  yes      names
database_names        command  yes      names
drop_database         command  yes      nothing            name=0:name_or_database
bulk_write            bulk     yes      result:ClientBulkWriteResult  requests=0:models
watch                 watch    pymongo  object:change_stream  pipeline=0
server_info           health   yes      information
close                 close    pymongo  nothing
aclose                close    yes      nothing
"""
_CLIENT_OWN = """
HOST PORT address arbiters codec_options event_listeners io_loop is_mongos is_primary local_threshold_ms
max_bson_size max_idle_time_ms max_message_size max_pool_size max_write_batch_size min_pool_size nodes options
primary read_concern read_preference retry_reads retry_writes secondaries server_selection_timeout
topology_description write_concern get_io_loop append_metadata aconnect eq_props next
"""

_DATABASE = """
get_collection         access     no       object:collection  name=0
with_options           access     no       object:database
create_collection      command    yes      object:collection  name=0
command                command    yes      document           command=0 value=1
cursor_command         command    pymongo  cursor:command_cursor  command=0 value=1
aggregate              aggregate  pymongo  cursor:command_cursor  pipeline=0
list_collections       command    yes      information:command_cursor  filter=1
list_collection_names  command    yes      names              filter=1
collection_names       command    yes      names
drop_collection        command    yes      nothing            name=0:name_or_collection
validate_collection    command    yes      information        name=0:name_or_collection
dereference            read       yes      document
watch                  watch      pymongo  object:change_stream  pipeline=0
"""
_DATABASE_OWN = """
name codec_options read_concern read_preference write_concern get_io_loop io_loop wrap next
"""

_COLLECTION = """
with_options              access     no       object:collection
find                      read       no  cursor:cursor   filter=0 projection=1 skip=2 limit=3 sort=6 hint=11
find_raw_batches          read       no  cursor:raw_cursor filter=0 projection=1 skip=2 limit=3 sort=6 hint=11
find_one                  read       yes      document   filter=0 projection=1 skip=2 limit=3 sort=6 hint=11
find_one_and_delete       write      yes      document        filter=0 projection=1 sort=2 hint=3
find_one_and_replace      write      yes      document   filter=0 replacement=1 projection=2 sort=3 hint=6
find_one_and_update       write      yes      document        filter=0 update=1 projection=2 sort=3 hint=7
insert_one                write      yes      result:InsertOneResult   document=0
insert_many               write      yes      result:InsertManyResult  documents=0
replace_one               write      yes      result:UpdateResult  filter=0 replacement=1 hint=5 sort=8
update_one                write      yes      result:UpdateResult  filter=0 update=1 hint=6 sort=9
update_many               write      yes      result:UpdateResult  filter=0 update=1 hint=6
delete_one                write      yes      result:DeleteResult  filter=0 hint=2
delete_many               write      yes      result:DeleteResult  filter=0 hint=2
bulk_write                bulk       yes      result:BulkWriteResult  requests=0
aggregate                 aggregate  pymongo  cursor:command_cursor  pipeline=0 hint=-
aggregate_raw_batches     aggregate  pymongo  cursor:raw_command_cursor  pipeline=0 hint=-
count_documents           count      yes      number          filter=0 hint=-
estimated_document_count  count      yes      number
distinct                  distinct   yes      values          key=0 filter=1 hint=4
create_index              index      yes      names           keys=0
create_indexes            index      yes      names           indexes=0
drop_index                index      yes      nothing         name=0:index_or_name
drop_indexes              index      yes      nothing
list_indexes              index      pymongo  information:command_cursor
index_information         index      yes      information
create_search_index       index      yes      names           model=0
create_search_indexes     index      yes      names           models=0
update_search_index       index      yes      nothing         name=0 definition=1
drop_search_index         index      yes      nothing         name=0
list_search_indexes       index      pymongo  information:command_cursor  name=0
drop                      command    yes      nothing
rename                    command    yes      information     name=0:new_name
options                   command    yes      information
watch                     watch      pymongo  object:change_stream  pipeline=0
"""
# PyMongo 3 and Motor 1 had these; in PyMongo 4 the names are sub-collections, which nobody calls.
_COLLECTION_LEGACY = """
count                     count      yes      number          filter=0
ensure_index              index      yes      names           keys=0:key_or_list
find_and_modify           write      yes      document        filter=0:query update=1 sort=4
insert                    write      yes      id              documents=0:doc_or_docs
map_reduce                aggregate  yes      object:collection  filter=-:query
inline_map_reduce         aggregate  yes      documents       filter=-:query
reindex                   index      yes      information
remove                    write      yes      information     filter=0:spec_or_id
save                      write      yes      id              document=0:to_save
update                    write      yes      information     filter=0:spec update=1:document
"""
_COLLECTION_OWN = """
name full_name codec_options read_concern read_preference write_concern get_io_loop io_loop wrap next
"""

_CURSOR = """
sort                refine    no       cursor:cursor   sort=0:key_or_list direction=1
limit               refine    no       cursor:cursor   limit=0
skip                refine    no       cursor:cursor   skip=0
hint                refine    no       cursor:cursor   hint=0:index
min                 refine    no       cursor:cursor
max                 refine    no       cursor:cursor
where               refine    no       cursor:cursor
collation           refine    no       cursor:cursor
comment             refine    no       cursor:cursor
batch_size          refine    no       cursor:cursor
allow_disk_use      refine    no       cursor:cursor
max_time_ms         refine    no       cursor:cursor
max_await_time_ms   refine    no       cursor:cursor
max_scan            refine    no       cursor:cursor
add_option          refine    pymongo  cursor:cursor
remove_option       refine    no       cursor:cursor
clone               refine    no       cursor:cursor
rewind              refine    pymongo  cursor:cursor
to_list             fetch     yes      documents
next                fetch     yes      document
try_next            fetch     yes      document
next_object         fetch     no       document
each                fetch     no       nothing
count               fetch     yes      number
distinct            fetch     yes      values          key=0
explain             fetch     yes      information
close               close     yes      nothing
"""
_COMMAND_CURSOR = """
batch_size          refine    no       cursor:command_cursor
to_list             fetch     yes      documents
next                fetch     yes      document
try_next            fetch     yes      document
next_object         fetch     no       document
each                fetch     no       nothing
close               close     yes      nothing
"""
_CHANGE_STREAM = """
next                fetch     yes      document
try_next            fetch     yes      document
close               close     yes      nothing
"""
_SESSION = """
start_transaction   session   pymongo  nothing
with_transaction    session   yes      nothing
commit_transaction  session   yes      nothing
abort_transaction   session   yes      nothing
end_session         close     yes      nothing
"""

_BUCKET = """
open_upload_stream            write  no   object:grid_in
open_upload_stream_with_id    write  no   object:grid_in
upload_from_stream            write  yes  id
upload_from_stream_with_id    write  yes  nothing
open_download_stream          read   yes  object:grid_out
open_download_stream_by_name  read   yes  object:grid_out
download_to_stream            read   yes  nothing
download_to_stream_by_name    read   yes  nothing
find                          read   no   cursor:grid_out_cursor  filter=0
rename                        write  yes  nothing
rename_by_name                write  yes  nothing
delete                        write  yes  nothing
delete_by_name                write  yes  nothing
"""
_GRIDFS = """
put                 write  yes  id
new_file            write  no   object:grid_in
get                 read   yes  object:grid_out
get_version         read   yes  object:grid_out
get_last_version    read   yes  object:grid_out
find                read   no   cursor:grid_out_cursor  filter=0
find_one            read   yes  object:grid_out  filter=0
exists              read   yes  boolean
list                read   yes  names
delete              write  yes  nothing
"""
_GRID_OUT = """
open       fetch  yes  object:grid_out
read       fetch  yes  bytes
readchunk  fetch  yes  bytes
readline   fetch  yes  bytes
readlines  fetch  yes  bytes
to_list    fetch  yes  bytes
close      close  yes  nothing
"""
_GRID_IN = """
write       fetch  yes  nothing
writelines  fetch  yes  nothing
set         fetch  yes  nothing
abort       close  yes  nothing
close       close  yes  nothing
"""

_RESULTS: Final[dict[str, str]] = {
    name: f"pymongo.results.{name}"
    for name in (
        "BulkWriteResult",
        "ClientBulkWriteResult",
        "DeleteResult",
        "InsertManyResult",
        "InsertOneResult",
        "UpdateResult",
    )
}

_PYMONGO: Final[dict[str, str]] = {
    "client": "pymongo.MongoClient",
    "database": "pymongo.database.Database",
    "collection": "pymongo.collection.Collection",
    "cursor": "pymongo.cursor.Cursor",
    "raw_cursor": "pymongo.cursor.RawBatchCursor",
    "command_cursor": "pymongo.command_cursor.CommandCursor",
    "raw_command_cursor": "pymongo.command_cursor.RawBatchCommandCursor",
    "session": "pymongo.client_session.ClientSession",
    "change_stream": "pymongo.change_stream.ChangeStream",
    "bucket": "gridfs.GridFSBucket",
    "gridfs": "gridfs.GridFS",
    "grid_in": "gridfs.GridIn",
    "grid_out": "gridfs.GridOut",
    "grid_out_cursor": "gridfs.GridOutCursor",
}
_PYMONGO_ASYNC: Final[dict[str, str]] = {
    "client": "pymongo.AsyncMongoClient",
    "database": "pymongo.asynchronous.database.AsyncDatabase",
    "collection": "pymongo.asynchronous.collection.AsyncCollection",
    "cursor": "pymongo.asynchronous.cursor.AsyncCursor",
    "raw_cursor": "pymongo.asynchronous.cursor.AsyncRawBatchCursor",
    "command_cursor": "pymongo.asynchronous.command_cursor.AsyncCommandCursor",
    "raw_command_cursor": "pymongo.asynchronous.command_cursor.AsyncRawBatchCommandCursor",
    "session": "pymongo.asynchronous.client_session.AsyncClientSession",
    "change_stream": "pymongo.asynchronous.change_stream.AsyncChangeStream",
    "bucket": "gridfs.AsyncGridFSBucket",
    "gridfs": "gridfs.AsyncGridFS",
    "grid_in": "gridfs.AsyncGridIn",
    "grid_out": "gridfs.AsyncGridOut",
    "grid_out_cursor": "gridfs.AsyncGridOutCursor",
}
_MOTOR: Final[dict[str, str]] = {
    "client": "motor.motor_asyncio.AsyncIOMotorClient",
    "database": "motor.motor_asyncio.AsyncIOMotorDatabase",
    "collection": "motor.motor_asyncio.AsyncIOMotorCollection",
    "cursor": "motor.motor_asyncio.AsyncIOMotorCursor",
    "raw_cursor": "motor.motor_asyncio.AsyncIOMotorCursor",
    "command_cursor": "motor.motor_asyncio.AsyncIOMotorCommandCursor",
    "raw_command_cursor": "motor.motor_asyncio.AsyncIOMotorCommandCursor",
    "session": "motor.motor_asyncio.AsyncIOMotorClientSession",
    "change_stream": "motor.motor_asyncio.AsyncIOMotorChangeStream",
    "bucket": "motor.motor_asyncio.AsyncIOMotorGridFSBucket",
    "grid_in": "motor.motor_asyncio.AsyncIOMotorGridIn",
    "grid_out": "motor.motor_asyncio.AsyncIOMotorGridOut",
    "grid_out_cursor": "motor.motor_asyncio.AsyncIOMotorGridOutCursor",
}

# --- Beanie
# ------------------------------------------------------------------------------------------------------

_BEANIE: Final[dict[str, str]] = {
    "find_many": "beanie.odm.queries.find.FindMany",
    "find_one": "beanie.odm.queries.find.FindOne",
    "aggregation": "beanie.odm.queries.aggregation.AggregationQuery",
    "update_many": "beanie.odm.queries.update.UpdateMany",
    "update_one": "beanie.odm.queries.update.UpdateOne",
    "delete_many": "beanie.odm.queries.delete.DeleteMany",
    "delete_one": "beanie.odm.queries.delete.DeleteOne",
    "bulk_writer": "beanie.BulkWriter",
    "motor_collection": "motor.motor_asyncio.AsyncIOMotorCollection",
    "async_collection": "pymongo.asynchronous.collection.AsyncCollection",
}

_BEANIE_FIND = """
find                    read no query:find_many filter=0+ projection=-:projection_model skip=- limit=- sort=-
find_many               read no query:find_many filter=0+ projection=-:projection_model skip=- limit=- sort=-
find_one                read       yes  model:find_one     filter=0+ projection=-:projection_model
find_all                read       no   query:find_many    skip=0 limit=1 sort=2
all                     read       no   query:find_many    skip=1 limit=2 sort=3
count                   count      yes  number
aggregate               aggregate  no   cursor:aggregation  pipeline=0:aggregation_pipeline
sum                     aggregate  yes  number             key=0:field
avg                     aggregate  yes  number             key=0:field
max                     aggregate  yes  value              key=0:field
min                     aggregate  yes  value              key=0:field
get_motor_collection    access     no   object:motor_collection
get_pymongo_collection  access     no   object:async_collection
"""
_BEANIE_DOCUMENT = (
    _BEANIE_FIND
    + """
get                     read       yes  model              id=0:document_id
distinct                distinct   yes  values             key=0 filter=1
insert                  write      yes  model
create                  write      yes  model
save                    write      yes  model
save_changes            write      yes  model
replace                 write      yes  model
update                  write      yes  model              update=0+
set                     write      yes  model              update=0:expression
inc                     write      yes  model              update=0:expression
current_date            write      yes  model              update=0:expression
delete                  write      yes  result:DeleteResult
sync                    read       yes  nothing
fetch_link              read       yes  nothing
fetch_all_links         read       yes  nothing
insert_one              write      yes  model              document=0
insert_many             bulk       yes  result:InsertManyResult  documents=0
replace_many            bulk       yes  nothing            documents=0
update_all              write      yes  result:update_many  update=0+
delete_all              write      yes  result:DeleteResult
hard_delete             write      yes  result:DeleteResult
find_many_in_all        read       no   query:find_many    filter=0+ sort=-
inspect_collection      command    yes  information
bulk_writer             access     no   object:bulk_writer
"""
)
_BEANIE_FIND_MANY = """
find            refine     no   query:find_many    filter=0+ sort=- skip=- limit=-
find_many       refine     no   query:find_many    filter=0+ sort=- skip=- limit=-
project         refine     no   query:find_many    projection=0:projection_model
sort            refine     no   query:find_many    sort=0+
limit           refine     no   query:find_many    limit=0:n
skip            refine     no   query:find_many    skip=0:n
set_session     refine     no   query:find_many
clone           refine     no   query:find_many
to_list         fetch      yes  models
first_or_none   fetch      yes  model
exists          count      yes  boolean
count           count      yes  number
distinct        distinct   yes  values             key=0
aggregate       aggregate  no   cursor:aggregation  pipeline=0:aggregation_pipeline
sum             aggregate  yes  number             key=0:field
avg             aggregate  yes  number             key=0:field
max             aggregate  yes  value              key=0:field
min             aggregate  yes  value              key=0:field
update          write      yes  result:update_many  update=0+
update_many     write      yes  result:update_many  update=0+
set             write      yes  result:update_many  update=0:expression
inc             write      yes  result:update_many  update=0:expression
current_date    write      yes  result:update_many  update=0:expression
upsert          write      yes  result:update_many  update=0+
delete          write      yes  result:delete_many
delete_many     write      yes  result:delete_many
"""
_BEANIE_FIND_ONE = """
find_one        refine     yes  model:find_one     filter=0+
project         refine     yes  model:find_one     projection=0:projection_model
set_session     refine     yes  model:find_one
clone           refine     yes  model:find_one
exists          count      yes  boolean
count           count      yes  number
update          write      yes  result:update_one  update=0+
update_one      write      yes  result:update_one  update=0+
replace_one     write      yes  result:UpdateResult  replacement=0:document
set             write      yes  result:update_one  update=0:expression
inc             write      yes  result:update_one  update=0:expression
current_date    write      yes  result:update_one  update=0:expression
upsert          write      yes  result:update_one  update=0+
delete          write      yes  result:delete_one
delete_one      write      yes  result:delete_one
"""
_BEANIE_AGGREGATION = """
set_session     refine     no   cursor:aggregation
clone           refine     no   cursor:aggregation
to_list         fetch      yes  documents
"""
_BEANIE_UPDATE_ONE = """
update          refine     yes  result:update_one  update=0+
set             refine     yes  result:update_one  update=0:expression
inc             refine     yes  result:update_one  update=0:expression
current_date    refine     yes  result:update_one  update=0:expression
upsert          refine     yes  result:update_one  update=0+
set_session     refine     yes  result:update_one
"""
_BEANIE_UPDATE_MANY = _BEANIE_UPDATE_ONE.replace("update_one", "update_many")
_BEANIE_BULK_WRITER = """
commit          bulk       yes  result:BulkWriteResult
"""
_BEANIE_LINK = """
fetch           read       yes  model
fetch_one       read       yes  model
fetch_list      read       yes  models
fetch_many      read       yes  models
"""

# --- ODMantic
# ----------------------------------------------------------------------------------------------------

_ODMANTIC: Final[dict[str, str]] = {
    "query": "odmantic.engine.AIOCursor",
    "collection": "motor.motor_asyncio.AsyncIOMotorCollection",
    "session": "odmantic.session.AIOSession",
    "transaction": "odmantic.session.AIOTransaction",
    "driver_session": "motor.motor_asyncio.AsyncIOMotorClientSession",
}
_ODMANTIC_SYNC: Final[dict[str, str]] = {
    "query": "odmantic.engine.SyncCursor",
    "collection": "pymongo.collection.Collection",
    "session": "odmantic.session.SyncSession",
    "transaction": "odmantic.session.SyncTransaction",
    "driver_session": "pymongo.client_session.ClientSession",
}
_ODMANTIC_ENGINE = """
find                read    no   query:query    model=0 filter=1+ sort=- skip=- limit=-
find_one            read    yes  model          model=0 filter=1+ sort=-
count               count   yes  number         model=0 filter=1+
save                write   yes  model          document=0:instance
save_all            bulk    yes  models         documents=0:instances
delete              write   yes  nothing        document=0:instance
remove              write   yes  number         model=0 filter=1+
configure_database  index   yes  nothing
get_collection      access  no   object:collection  model=0
session             session  no  object:session
transaction         session  no  object:transaction
"""
_ODMANTIC_SESSION = """
find                read    no   query:query    model=0 filter=1+ sort=- skip=- limit=-
find_one            read    yes  model          model=0 filter=1+ sort=-
count               count   yes  number         model=0 filter=1+
save                write   yes  model          document=0:instance
save_all            bulk    yes  models         documents=0:instances
delete              write   yes  nothing        document=0:instance
remove              write   yes  number         model=0 filter=1+
start               session  yes  nothing
end                 session  yes  nothing
commit              session  yes  nothing
abort               session  yes  nothing
transaction         session  no   object:transaction
get_driver_session  access  no   object:driver_session
"""

# --- MongoEngine
# -------------------------------------------------------------------------------------------------

_MONGOENGINE: Final[dict[str, str]] = {
    "query": "mongoengine.QuerySet",
    "collection": "pymongo.collection.Collection",
    "client": "pymongo.MongoClient",
    "database": "pymongo.database.Database",
    "command_cursor": "pymongo.command_cursor.CommandCursor",
}
_MONGOENGINE_DOCUMENT = """
objects           read     no  query:query
save              write    no  model
update            write    no  number         update=**
modify            write    no  boolean        filter=0:query update=**
delete            write    no  nothing
cascade_save      write    no  nothing
reload            read     no  model
select_related    read     no  model
create_index      index    no  names          keys=0
ensure_indexes    index    no  nothing
ensure_index      index    no  names          keys=0:key_or_list
list_indexes      index    no  information
compare_indexes   index    no  information
drop_collection   command  no  nothing
_get_collection   access   no  object:collection
_get_db           access   no  object:database
"""
_MONGOENGINE_QUERY = """
__call__          refine     no  query:query    filter=0+ lookups=**
filter            refine     no  query:query    filter=0+ lookups=**
all               refine     no  query:query
order_by          refine     no  query:query    sort=0+
limit             refine     no  query:query    limit=0:n
skip              refine     no  query:query    skip=0:n
hint              refine     no  query:query    hint=0:index
only              refine     no  query:query    projection=0+
exclude           refine     no  query:query
fields            refine     no  query:query
all_fields        refine     no  query:query
scalar            refine     no  query:query
values_list       refine     no  query:query
as_pymongo        refine     no  query:query
search_text       refine     no  query:query    text=0
where             refine     no  query:query
none              refine     no  query:query
clone             refine     no  query:query
rewind            refine     no  query:query
using             refine     no  query:query
no_cache          refine     no  query:query
no_dereference    refine     no  query:query
no_sub_classes    refine     no  query:query
clear_cls_query   refine     no  query:query
select_related    refine     no  query:query
batch_size        refine     no  query:query
collation         refine     no  query:query
comment           refine     no  query:query
max_time_ms       refine     no  query:query
allow_disk_use    refine     no  query:query
timeout           refine     no  query:query
read_preference   refine     no  query:query
read_concern      refine     no  query:query
first             fetch      no  model
get               read       no  model          filter=0+ lookups=**
with_id           read       no  model          id=0:object_id
in_bulk           read       no  models         ids=0:object_ids
count             count      no  number
distinct          distinct   no  values         key=0:field
sum               aggregate  no  number         key=0:field
average           aggregate  no  number         key=0:field
item_frequencies  aggregate  no  information    key=0:field
map_reduce        aggregate  no  documents
aggregate         aggregate  no  cursor:command_cursor  pipeline=0
create            write      no  model
insert            bulk       no  models         documents=0:doc_or_docs
update            write      no  number         update=**
update_one        write      no  number         update=**
upsert_one        write      no  model          update=**
modify            write      no  model          update=**
delete            write      no  number
explain           fetch      no  information
to_json           fetch      no  value
"""


def _parse_argument(text: str) -> Argument:
    role, _, place = text.partition("=")
    if place == "**":
        return Argument(role, None, "**")
    position, _, keyword = place.partition(":")
    rest = position.endswith("+")
    if rest:
        return Argument(role, int(position[:-1]), None, rest=True)
    return Argument(role, None if position == "-" else int(position), keyword or role)


_FAMILIES: Final[Mapping[str, dict[str, str]]] = {
    "sync": _PYMONGO,
    "pymongo": _PYMONGO_ASYNC,
    "motor": _MOTOR,
    "beanie": _BEANIE,
    "odmantic": _ODMANTIC,
    "odmantic-sync": _ODMANTIC_SYNC,
    "mongoengine": _MONGOENGINE,
}
"""The drivers and ODMs, each with the classes that its tables name by a role."""

_SYNCHRONOUS: Final = frozenset({"sync", "odmantic-sync", "mongoengine"})


@cache
def _methods(text: str, family: str) -> Mapping[str, Method]:
    """The rows of ``text`` as ``family`` has them."""
    classes = _RESULTS | _FAMILIES[family]
    rows: dict[str, Method] = {}
    for line in text.splitlines():
        if line:
            name, kind, awaited, gives, *arguments = line.split()
            shape, _, role = gives.partition(":")
            rows[name] = Method(
                name,
                kind,  # type: ignore[arg-type]  # the words of the tables are checked by the tests
                shape,  # type: ignore[arg-type]
                classes[role] if role else None,
                family not in _SYNCHRONOUS and awaited in ("yes", family),
                tuple([_parse_argument(argument) for argument in arguments]),
                name == "objects",
            )
    return MappingProxyType(rows)


def _driver(family: str) -> Iterator[DriverClass]:
    """The classes of one driver: PyMongo's two and Motor have the same shape."""
    names = _FAMILIES[family]
    is_async = family not in _SYNCHRONOUS
    owner = {"client": names["client"], "database": names["database"], "collection": names["collection"]}

    def make(role: str, kind: ClassKind, text: str, *attributes: str, yields: Gives | None = None) -> DriverClass:
        return DriverClass(
            names[role],
            kind,
            is_async,
            _methods(text, family),
            MappingProxyType({name: owner[name] for name in attributes}),
            yields=yields,
        )

    yield DriverClass(
        names["client"],
        "client",
        is_async,
        _methods(_CLIENT, family),
        MappingProxyType({"delegate": _PYMONGO["client"]} if family == "motor" else {}),
        attribute=names["database"],
        subscript=names["database"],
        own=frozenset(_CLIENT_OWN.split()),
    )
    yield DriverClass(
        names["database"],
        "database",
        is_async,
        _methods(_DATABASE, family),
        MappingProxyType(
            {"client": names["client"]} | ({"delegate": _PYMONGO["database"]} if family == "motor" else {})
        ),
        attribute=names["collection"],
        subscript=names["collection"],
        own=frozenset(_DATABASE_OWN.split()),
    )
    yield DriverClass(
        names["collection"],
        "collection",
        is_async,
        _methods(_COLLECTION + _COLLECTION_LEGACY, family),
        MappingProxyType(
            {"database": names["database"]} | ({"delegate": _PYMONGO["collection"]} if family == "motor" else {})
        ),
        attribute=names["collection"],
        subscript=names["collection"],
        own=frozenset(_COLLECTION_OWN.split()),
    )
    yield make("cursor", "cursor", _CURSOR, "collection", yields="document")
    yield make("command_cursor", "cursor", _COMMAND_CURSOR, yields="document")
    if family != "motor":
        yield make("raw_cursor", "cursor", _CURSOR, "collection", yields="bytes")
        yield make("raw_command_cursor", "cursor", _COMMAND_CURSOR, yields="bytes")
        yield make("gridfs", "gridfs", _GRIDFS)
    yield make("session", "session", _SESSION, "client")
    yield make("change_stream", "change_stream", _CHANGE_STREAM, yields="document")
    yield make("bucket", "gridfs", _BUCKET)
    yield make("grid_in", "gridfs_file", _GRID_IN)
    yield make("grid_out", "gridfs_file", _GRID_OUT, yields="bytes")
    yield make("grid_out_cursor", "cursor", _CURSOR, yields="object")
    if family == "motor":  # what aggregate() gives before its first batch
        yield DriverClass(
            "motor.motor_asyncio.AsyncIOMotorLatentCommandCursor",
            "cursor",
            True,
            _methods(_COMMAND_CURSOR, family),
            _NONE,
            yields="document",
        )


_NONE: Final[Mapping[str, str]] = MappingProxyType({})


def _beanie() -> Iterator[DriverClass]:
    def make(name: str, kind: ClassKind, text: str, yields: Gives | None = None, run: bool = False) -> DriverClass:
        methods = _methods(text, "beanie")
        return DriverClass(_BEANIE.get(name, name), kind, True, methods, _NONE, yields=yields, awaitable=run)

    yield make("beanie.Document", "document", _BEANIE_DOCUMENT)
    yield make("beanie.DocumentWithSoftDelete", "document", _BEANIE_DOCUMENT)
    # fastapi-users' own documents.
    yield make("fastapi_users_db_beanie.BeanieBaseUserDocument", "document", _BEANIE_DOCUMENT)
    yield make("fastapi_users_db_beanie.access_token.BeanieBaseAccessTokenDocument", "document", _BEANIE_DOCUMENT)
    yield make("beanie.View", "document", _BEANIE_FIND)
    yield make("beanie.UnionDoc", "document", _BEANIE_FIND)
    yield make("beanie.Link", "link", _BEANIE_LINK)
    yield make("beanie.BackLink", "link", "")
    yield make("bulk_writer", "bulk_writer", _BEANIE_BULK_WRITER)
    yield make("find_many", "query", _BEANIE_FIND_MANY, "model")
    yield make("find_one", "query", _BEANIE_FIND_ONE, run=True)
    # An aggregation without a projection model yields raw documents.
    yield make("aggregation", "cursor", _BEANIE_AGGREGATION, "document")
    yield make("update_many", "query", _BEANIE_UPDATE_MANY, run=True)
    yield make("update_one", "query", _BEANIE_UPDATE_ONE, run=True)
    yield make("delete_many", "query", "", run=True)
    yield make("delete_one", "query", "", run=True)


def _odmantic() -> Iterator[DriverClass]:
    for family, prefix in (("odmantic", "AIO"), ("odmantic-sync", "Sync")):
        names = _FAMILIES[family]
        is_async = family not in _SYNCHRONOUS
        owner = _MOTOR if is_async else _PYMONGO
        yield DriverClass(
            f"odmantic.{prefix}Engine",
            "engine",
            is_async,
            _methods(_ODMANTIC_ENGINE, family),
            MappingProxyType({"client": owner["client"], "database": owner["database"]}),
        )
        session = _methods(_ODMANTIC_SESSION, family)
        yield DriverClass(names["session"], "engine", is_async, session, _NONE)
        yield DriverClass(names["transaction"], "engine", is_async, session, _NONE)
        yield DriverClass(names["query"], "query", is_async, {}, _NONE, yields="model", awaitable=is_async)
    yield DriverClass("odmantic.Model", "document", True, {}, _NONE)
    yield DriverClass("odmantic.EmbeddedModel", "embedded", True, {}, _NONE)


def _mongoengine() -> Iterator[DriverClass]:
    document = _methods(_MONGOENGINE_DOCUMENT, "mongoengine")
    query = _methods(_MONGOENGINE_QUERY, "mongoengine")
    for name in ("Document", "DynamicDocument"):
        yield DriverClass(f"mongoengine.{name}", "document", False, document, _NONE)
    for name in ("EmbeddedDocument", "DynamicEmbeddedDocument"):
        yield DriverClass(f"mongoengine.{name}", "embedded", False, {}, _NONE)
    for name in ("QuerySet", "QuerySetNoCache"):
        yield DriverClass(f"mongoengine.{name}", "query", False, query, _NONE, yields="model")


def _signature_classes() -> Iterator[DriverClass]:
    """Classes without methods of interest, known so that signatures can be judged."""
    for name in _RESULTS.values():
        yield DriverClass(name, "result", False, {}, _NONE)
    for name in (
        "DeleteMany",
        "DeleteOne",
        "IndexModel",
        "InsertOne",
        "ReplaceOne",
        "UpdateMany",
        "UpdateOne",
        "operations.SearchIndexModel",
    ):
        yield DriverClass(f"pymongo.{name}", "request", False, {}, _NONE)
    for name in (
        "bson.CodecOptions",
        "bson.DBRef",
        "pymongo.ReadPreference",
        "pymongo.ReturnDocument",
        "pymongo.WriteConcern",
        "pymongo.collation.Collation",
        "pymongo.read_concern.ReadConcern",
    ):
        yield DriverClass(name, "option", False, {}, _NONE)
    for scope in ("Cluster", "Database", "Collection"):
        for family, prefix in (("sync", ""), ("pymongo", "Async")):
            module = _FAMILIES[family]["change_stream"].rpartition(".")[0]
            yield DriverClass(
                f"{module}.{prefix}{scope}ChangeStream",
                "change_stream",
                family not in _SYNCHRONOUS,
                _methods(_CHANGE_STREAM, family),
                _NONE,
                yields="document",
            )


CLASSES: Final[Mapping[str, DriverClass]] = MappingProxyType(
    {
        row.name: row
        for rows in (
            _driver("sync"),
            _driver("pymongo"),
            _driver("motor"),
            _beanie(),
            _odmantic(),
            _mongoengine(),
            _signature_classes(),
        )
        for row in rows
    }
)
"""Canonical name -> class, for every class of the drivers and ODMs."""

FUNCTIONS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "mongoengine.connect": Method("connect", "access", "object", _PYMONGO["client"], False),
        "mongoengine.register_connection": Method("register_connection", "access", "nothing", None, False),
        "mongoengine.get_connection": Method("get_connection", "access", "object", _PYMONGO["client"], False),
        "mongoengine.get_db": Method("get_db", "access", "object", _PYMONGO["database"], False),
        "mongoengine.disconnect": Method("disconnect", "close", "nothing", None, False),
        "mongoengine.disconnect_all": Method("disconnect_all", "close", "nothing", None, False),
        "beanie.init_beanie": Method("init_beanie", "index", "nothing", None, True),
    }
)
"""Module-level functions of the ODMs that connect, disconnect, initialise or hand out a connection."""

CONNECTORS: Final = frozenset({"mongoengine.connect", "mongoengine.register_connection"})
"""Functions that open a connection as a client's constructor does; both are synchronous."""

HEALTH_COMMANDS: Final = frozenset({"ping", "hello", "isMaster", "ismaster", "buildInfo", "buildinfo"})
"""Commands that ask only whether and how the server is: ``db.command("ping")`` is no Mongo operation."""

MONGO_ONLY_METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        name: CLASSES[_PYMONGO["collection"]].methods[name]
        for name in (
            "aggregate_raw_batches",
            "bulk_write",
            "count_documents",
            "delete_many",
            "delete_one",
            "estimated_document_count",
            "find_one_and_delete",
            "find_one_and_replace",
            "find_one_and_update",
            "find_raw_batches",
            "index_information",
            "insert_many",
            "insert_one",
            "list_search_indexes",
            "replace_one",
            "update_many",
            "update_one",
        )
    }
    | {"list_collection_names": CLASSES[_PYMONGO["database"]].methods["list_collection_names"]}
    | {"list_database_names": CLASSES[_PYMONGO["client"]].methods["list_database_names"]}
)
"""Methods whose name alone says MongoDB, for receivers of which nothing is known. ``awaited`` is the
synchronous driver's and says nothing here. Left out, because other libraries or ordinary repositories have
them: ``find``, ``find_one`` (dataset, repositories), ``aggregate``, ``distinct``, ``count``,
``create_index(es)``, ``rename``."""

MONGO_ONLY_ACCESS: Final[Mapping[str, str]] = MappingProxyType(
    {"get_motor_collection": _MOTOR["collection"], "get_pymongo_collection": _PYMONGO_ASYNC["collection"]}
)
"""Methods whose name alone says which driver class they give, whatever the receiver."""

INDEX_CONSTANTS: Final[Mapping[str, int | str]] = MappingProxyType(
    {
        "pymongo.ASCENDING": 1,
        "pymongo.DESCENDING": -1,
        "pymongo.GEO2D": "2d",
        "pymongo.GEOSPHERE": "2dsphere",
        "pymongo.HASHED": "hashed",
        "pymongo.TEXT": "text",
        "beanie.SortDirection.ASCENDING": 1,
        "beanie.SortDirection.DESCENDING": -1,
    }
)
"""The named directions and kinds of index keys and sorts, and their values."""

BSON_VALUES: Final = frozenset(
    {
        "beanie.BsonBinary",
        "beanie.PydanticObjectId",
        "bson.Binary",
        "bson.Decimal128",
        "bson.Int64",
        "bson.MaxKey",
        "bson.MinKey",
        "bson.ObjectId",
        "bson.Regex",
        "bson.Timestamp",
        "odmantic.ObjectId",
    }
)
"""BSON types that are plain values: fine in a signature."""

BSON_DOCUMENTS: Final = frozenset({"bson.SON", "bson.raw_bson.RawBSONDocument"})
"""BSON types that are raw documents under another name."""

OBJECT_IDS: Final = frozenset({"bson.ObjectId", "beanie.PydanticObjectId", "odmantic.ObjectId"})
"""The identifier type, and the ODMs' own versions of it (which Pydantic can serialise; bson's it cannot)."""


def driver_class(name: str) -> DriverClass | None:
    """The class with this canonical name, or None."""
    return CLASSES.get(name)


def method(class_name: str, name: str) -> Method | None:
    """The row of any method of a driver's class, or None."""
    row = CLASSES.get(class_name)
    return row.methods.get(name) if row is not None else None


def operation(class_name: str, name: str) -> Method | None:
    """The method's row if it is a Mongo operation. Not: chain steps, fetches, sessions, ``server_info``,
    ``close``.

    ``command`` counts; whether it is a mere ping is for the caller to see (:data:`HEALTH_COMMANDS`).
    """
    row = method(class_name, name)
    return row if row is not None and row.kind in OPERATION_KINDS else None


def driver_type(name: str) -> bool:
    """Whether the canonical name is a driver's own type, which a repository's signature does not show
    (GR303).

    ODM documents and BSON values are none; which of the driver's types a parameter may have is the check's
    business (client, database, collection and session: by :attr:`DriverClass.kind`).
    """
    row = CLASSES.get(name)
    return row is not None and row.kind not in ("document", "embedded", "link")
