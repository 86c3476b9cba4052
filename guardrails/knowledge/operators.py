"""MongoDB's query operators and aggregation stages, with the part each plays in the choice of an index.

One row per operator of the manual's list of query predicates, and one per aggregation stage. ``role`` says
what a condition with this operator can ask of an index; the planner (``guardrails.program.queries.planner``)
reads nothing else about operators. ``page`` is the manual's page on the operator.
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

_QUERY = "https://www.mongodb.com/docs/manual/reference/operator/query/"
_STAGE = "https://www.mongodb.com/docs/manual/reference/operator/aggregation/"


class Role(str, Enum):
    """What a condition asks of an index."""

    EQUALITY = "equality"
    """One point of the index."""
    SET = "set"
    """Several points; sorted by merging them, so it stands where an equality stands."""
    RANGE = "range"
    """One interval."""
    REGEX = "regex"
    """An interval if the pattern has a case-sensitive literal beginning, else nothing."""
    EXISTS = "exists"
    """Presence or type of a field: readable from an index, but selecting little."""
    ARRAY = "array"
    """Conditions on the elements of an array."""
    GEO = "geo"
    """Needs a ``2dsphere`` or ``2d`` index on the field."""
    TEXT = "text"
    """Needs the collection's text index."""
    AND = "and"
    OR = "or"
    NEGATION = "negation"
    """Excludes; constrains nothing."""
    EXPRESSION = "expression"
    """Computed per document; constrains nothing."""
    OPTION = "option"
    """Belongs to another operator or changes no result."""


class StageRole(str, Enum):
    """What an aggregation stage does for the indexes of the collections it touches."""

    FILTER = "filter"
    """A query; at the start of the pipeline it can use an index."""
    SORT = "sort"
    """An order; at the start, or after the filters there, it can use an index."""
    CUT = "cut"
    """Passes documents through in order, fewer of them: sorts and filters end here."""
    GEO = "geo"
    """A geo query by itself, always the first stage."""
    SEARCH = "search"
    """Answered by a search index, which no code declares in the database."""
    JOIN = "join"
    """Looks up another collection, by equality on a field of it."""
    PIPELINE = "pipeline"
    """Holds pipelines of its own."""
    WRITE = "write"
    """Writes the result to a collection."""
    SOURCE = "source"
    """Makes documents from something that is not the collection's data."""
    TRANSFORM = "transform"
    """Changes documents; what follows no longer speaks of the collection's fields."""


class Operator(Struct, frozen=True):
    """A query operator: ``$gt``. ``family`` is the manual's heading."""

    name: str
    role: Role
    family: str
    page: str


class Stage(Struct, frozen=True):
    """An aggregation stage: ``$match``."""

    name: str
    role: StageRole
    page: str


def _operators() -> dict[str, Operator]:
    rows: tuple[tuple[str, Role, str, str], ...] = (
        # Comparison
        ("$eq", Role.EQUALITY, "comparison", "eq"),
        ("$gt", Role.RANGE, "comparison", "gt"),
        ("$gte", Role.RANGE, "comparison", "gte"),
        ("$in", Role.SET, "comparison", "in"),
        ("$lt", Role.RANGE, "comparison", "lt"),
        ("$lte", Role.RANGE, "comparison", "lte"),
        ("$ne", Role.NEGATION, "comparison", "ne"),
        ("$nin", Role.NEGATION, "comparison", "nin"),
        # Logical
        ("$and", Role.AND, "logical", "and"),
        ("$or", Role.OR, "logical", "or"),
        ("$nor", Role.NEGATION, "logical", "nor"),
        ("$not", Role.NEGATION, "logical", "not"),
        # Data type
        ("$exists", Role.EXISTS, "data type", "exists"),
        ("$type", Role.EXISTS, "data type", "type"),
        # Array. $all is an equality per element; $elemMatch holds conditions; $size reads the whole array.
        ("$all", Role.ARRAY, "array", "all"),
        ("$elemMatch", Role.ARRAY, "array", "elemMatch"),
        ("$size", Role.EXPRESSION, "array", "size"),
        # Bitwise: the manual says that no index serves them.
        ("$bitsAllClear", Role.EXPRESSION, "bitwise", "bitsAllClear"),
        ("$bitsAllSet", Role.EXPRESSION, "bitwise", "bitsAllSet"),
        ("$bitsAnyClear", Role.EXPRESSION, "bitwise", "bitsAnyClear"),
        ("$bitsAnySet", Role.EXPRESSION, "bitwise", "bitsAnySet"),
        # Geospatial
        ("$geoIntersects", Role.GEO, "geospatial", "geoIntersects"),
        ("$geoWithin", Role.GEO, "geospatial", "geoWithin"),
        ("$near", Role.GEO, "geospatial", "near"),
        ("$nearSphere", Role.GEO, "geospatial", "nearSphere"),
        ("$box", Role.OPTION, "geospatial", "box"),
        ("$center", Role.OPTION, "geospatial", "center"),
        ("$centerSphere", Role.OPTION, "geospatial", "centerSphere"),
        ("$geometry", Role.OPTION, "geospatial", "geometry"),
        ("$maxDistance", Role.OPTION, "geospatial", "maxDistance"),
        ("$minDistance", Role.OPTION, "geospatial", "minDistance"),
        ("$polygon", Role.OPTION, "geospatial", "polygon"),
        # Miscellaneous. An index holds the values that $mod tests, but bounds it to "all numbers" only.
        ("$expr", Role.EXPRESSION, "miscellaneous", "expr"),
        ("$jsonSchema", Role.EXPRESSION, "miscellaneous", "jsonSchema"),
        ("$mod", Role.EXISTS, "miscellaneous", "mod"),
        ("$regex", Role.REGEX, "miscellaneous", "regex"),
        ("$options", Role.OPTION, "miscellaneous", "regex"),
        ("$where", Role.EXPRESSION, "miscellaneous", "where"),
        ("$text", Role.TEXT, "miscellaneous", "text"),
        ("$search", Role.OPTION, "miscellaneous", "text"),
        ("$language", Role.OPTION, "miscellaneous", "text"),
        ("$caseSensitive", Role.OPTION, "miscellaneous", "text"),
        ("$diacriticSensitive", Role.OPTION, "miscellaneous", "text"),
        ("$rand", Role.EXPRESSION, "miscellaneous", "rand"),
        ("$comment", Role.OPTION, "miscellaneous", "comment"),
        ("$natural", Role.OPTION, "miscellaneous", "natural"),
    )
    table = {name: Operator(name, role, family, f"{_QUERY}{page}/") for name, role, family, page in rows}
    # Documented with the aggregation operators, allowed in a filter as well.
    table["$sampleRate"] = Operator("$sampleRate", Role.EXPRESSION, "miscellaneous", f"{_STAGE}sampleRate/")
    return table


def _stages() -> dict[str, Stage]:
    rows: tuple[tuple[StageRole, tuple[str, ...]], ...] = (
        (StageRole.FILTER, ("match",)),
        (StageRole.SORT, ("sort",)),
        (StageRole.CUT, ("limit", "skip")),
        (StageRole.GEO, ("geoNear",)),
        (StageRole.SEARCH, ("search", "searchMeta", "vectorSearch", "rankFusion", "scoreFusion")),
        (StageRole.JOIN, ("lookup", "graphLookup")),
        (StageRole.PIPELINE, ("facet", "unionWith")),
        (StageRole.WRITE, ("merge", "out")),
        (
            StageRole.SOURCE,
            (
                "changeStream",
                "changeStreamSplitLargeEvent",
                "collStats",
                "currentOp",
                "documents",
                "indexStats",
                "listClusterCatalog",
                "listLocalSessions",
                "listSampledQueries",
                "listSearchIndexes",
                "listSessions",
                "planCacheStats",
                "querySettings",
                "queryStats",
                "shardedDataDistribution",
            ),
        ),
        (
            StageRole.TRANSFORM,
            (
                "addFields",
                "bucket",
                "bucketAuto",
                "count",
                "densify",
                "fill",
                "group",
                "project",
                "redact",
                "replaceRoot",
                "replaceWith",
                "sample",
                "score",
                "set",
                "setWindowFields",
                "sortByCount",
                "unset",
                "unwind",
            ),
        ),
    )
    return {f"${name}": Stage(f"${name}", role, f"{_STAGE}{name}/") for role, names in rows for name in names}


OPERATORS: dict[str, Operator] = _operators()
"""Every query operator of the manual, by name. Source: manual, "Query Predicates" and the pages below it."""

STAGES: dict[str, Stage] = _stages()
"""Every aggregation stage of the manual, by name. Source: manual, "Aggregation Stages"."""


def operator_role(name: str) -> Role | None:
    """The role of a query operator; ``None`` for a name that the manual does not list."""
    operator = OPERATORS.get(name)
    return operator.role if operator else None


def stage_role(name: str) -> StageRole | None:
    """The role of an aggregation stage; ``None`` for a name that the manual does not list."""
    stage = STAGES.get(name)
    return stage.role if stage else None
