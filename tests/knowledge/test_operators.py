"""The role table covers the manual's operators, row by row."""

from __future__ import annotations

import pytest

from guardrails.knowledge.operators import (
    OPERATORS,
    STAGES,
    Role,
    StageRole,
    operator_role,
    stage_role,
)

R = Role
ROWS: list[tuple[str, Role, str]] = [
    # Manual, "Comparison Query Predicate Operators"
    ("$eq", R.EQUALITY, "query/eq/"),
    ("$gt", R.RANGE, "query/gt/"),
    ("$gte", R.RANGE, "query/gte/"),
    ("$in", R.SET, "query/in/"),
    ("$lt", R.RANGE, "query/lt/"),
    ("$lte", R.RANGE, "query/lte/"),
    ("$ne", R.NEGATION, "query/ne/"),
    ("$nin", R.NEGATION, "query/nin/"),
    # "Logical Query Predicate Operators"
    ("$and", R.AND, "query/and/"),
    ("$not", R.NEGATION, "query/not/"),
    ("$nor", R.NEGATION, "query/nor/"),
    ("$or", R.OR, "query/or/"),
    # "Data Type Query Predicate Operators"
    ("$exists", R.EXISTS, "query/exists/"),
    ("$type", R.EXISTS, "query/type/"),
    # "Array Query Predicate Operators"
    ("$all", R.ARRAY, "query/all/"),
    ("$elemMatch", R.ARRAY, "query/elemMatch/"),
    ("$size", R.EXPRESSION, "query/size/"),
    # "Bitwise Query Predicate Operators"
    ("$bitsAllClear", R.EXPRESSION, "query/bitsAllClear/"),
    ("$bitsAllSet", R.EXPRESSION, "query/bitsAllSet/"),
    ("$bitsAnyClear", R.EXPRESSION, "query/bitsAnyClear/"),
    ("$bitsAnySet", R.EXPRESSION, "query/bitsAnySet/"),
    # "Geospatial Query Predicate Operators", with their specifiers
    ("$geoIntersects", R.GEO, "query/geoIntersects/"),
    ("$geoWithin", R.GEO, "query/geoWithin/"),
    ("$near", R.GEO, "query/near/"),
    ("$nearSphere", R.GEO, "query/nearSphere/"),
    ("$box", R.OPTION, "query/box/"),
    ("$center", R.OPTION, "query/center/"),
    ("$centerSphere", R.OPTION, "query/centerSphere/"),
    ("$geometry", R.OPTION, "query/geometry/"),
    ("$maxDistance", R.OPTION, "query/maxDistance/"),
    ("$minDistance", R.OPTION, "query/minDistance/"),
    ("$polygon", R.OPTION, "query/polygon/"),
    # "Miscellaneous Query Predicate Operators"
    ("$expr", R.EXPRESSION, "query/expr/"),
    ("$jsonSchema", R.EXPRESSION, "query/jsonSchema/"),
    ("$mod", R.EXISTS, "query/mod/"),
    ("$regex", R.REGEX, "query/regex/"),
    ("$options", R.OPTION, "query/regex/"),
    ("$where", R.EXPRESSION, "query/where/"),
    ("$text", R.TEXT, "query/text/"),
    ("$search", R.OPTION, "query/text/"),
    ("$language", R.OPTION, "query/text/"),
    ("$caseSensitive", R.OPTION, "query/text/"),
    ("$diacriticSensitive", R.OPTION, "query/text/"),
    ("$rand", R.EXPRESSION, "query/rand/"),
    ("$comment", R.OPTION, "query/comment/"),
    ("$natural", R.OPTION, "query/natural/"),
    ("$sampleRate", R.EXPRESSION, "aggregation/sampleRate/"),
]


@pytest.mark.parametrize(("name", "role", "page"), ROWS, ids=[row[0] for row in ROWS])
def test_operator_has_its_role_and_page(name: str, role: Role, page: str) -> None:
    assert operator_role(name) is role
    assert OPERATORS[name].page == f"https://www.mongodb.com/docs/manual/reference/operator/{page}"


def test_no_other_operator_is_listed() -> None:
    assert set(OPERATORS) == {name for name, _, _ in ROWS}
    assert operator_role("$nonsense") is None


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("$match", StageRole.FILTER),
        ("$sort", StageRole.SORT),
        ("$limit", StageRole.CUT),
        ("$skip", StageRole.CUT),
        ("$geoNear", StageRole.GEO),
        ("$search", StageRole.SEARCH),
        ("$vectorSearch", StageRole.SEARCH),
        ("$lookup", StageRole.JOIN),
        ("$graphLookup", StageRole.JOIN),
        ("$facet", StageRole.PIPELINE),
        ("$unionWith", StageRole.PIPELINE),
        ("$merge", StageRole.WRITE),
        ("$out", StageRole.WRITE),
        ("$documents", StageRole.SOURCE),
        ("$group", StageRole.TRANSFORM),
        ("$project", StageRole.TRANSFORM),
        ("$unwind", StageRole.TRANSFORM),
        ("$addFields", StageRole.TRANSFORM),
    ],
)
def test_stage_has_its_role_and_page(name: str, role: StageRole) -> None:
    assert stage_role(name) is role
    page = f"https://www.mongodb.com/docs/manual/reference/operator/aggregation/{name[1:]}/"
    assert STAGES[name].page == page


def test_unknown_stage_has_no_role() -> None:
    assert stage_role("$nonsense") is None
