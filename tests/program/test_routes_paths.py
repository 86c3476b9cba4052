"""Which requests a path answers, held against Starlette's own patterns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import compile_path

from guardrails.program import paths

SEGMENTS = st.sampled_from(["a", "b", "12", "x-{p}", "{p}", "{p:int}", "{p:float}", "{p:uuid}", "{p:path}", "{p}.json"])
WORDS = ["a", "b", "12", "1.5", "x-b", "x-", "b.json", "a/b", "", "6f1e0a9a-8a2e-4a4f-9d53-0c6a3f1b2c3d"]


def numbered(segments: list[str]) -> str:
    """A path whose parameters have names of their own, as Starlette wants them."""
    return "".join("/" + segment.replace("{p", f"{{p{number}") for number, segment in enumerate(segments))


@given(st.lists(SEGMENTS, min_size=1, max_size=3), st.lists(SEGMENTS, min_size=1, max_size=3), st.data())
def test_a_path_that_covers_another_matches_all_that_it_matches(
    first: list[str], second: list[str], data: st.DataObject
) -> None:
    earlier, later = numbered(first), numbered(second)
    request = "".join(f"/{data.draw(st.sampled_from(WORDS))}" for _ in second)
    if paths.covers(earlier, later) and compile_path(later)[0].match(request):
        assert compile_path(earlier)[0].match(request), f"{earlier} does not match {request}"


@pytest.mark.parametrize(
    ("earlier", "later", "covers"),
    [
        ("/{a}", "/me", True),
        ("/{a}", "/{b}", True),
        ("/{a}", "/me/x", False),
        ("/{a:int}", "/me", False),
        ("/{a:int}", "/12", True),
        ("/{a:float}", "/{b:int}", True),
        ("/{a:int}", "/{b:float}", False),
        ("/{a:path}", "/x/{b}", True),
        ("/{a:path}", "/", True),
        ("/x/{a:path}", "/x", False),
        ("/{a}", "/{b:path}", False),
        ("/{a}.json", "/{b}", False),
        ("/{a}", "/{b}.json", True),
        ("/{a}/{b}", "/x/{c}", True),
        ("/{a:own}", "/me", False),
        ("/{a}", "/{b:own}", False),
    ],
)
def test_covering(earlier: str, later: str, covers: bool) -> None:
    assert paths.covers(earlier, later) is covers


@given(st.lists(SEGMENTS, min_size=1, max_size=4), st.lists(SEGMENTS, min_size=1, max_size=4))
def test_a_path_begins_as_one_that_covers_it_or_has_its_key(first: list[str], second: list[str]) -> None:
    earlier, later = numbered(first), numbered(second)
    if paths.covers(earlier, later) or paths.key(earlier) == paths.key(later):
        assert paths.beginnings(earlier)[0] in paths.beginnings(later)


def test_keys_forget_names_and_keep_converters() -> None:
    assert paths.key("/a/{b}/{c:int}") == paths.key("/a/{x:str}/{y:int}")
    assert paths.key("/a/{b}") != paths.key("/a/{b:path}")


@pytest.mark.parametrize(
    ("path", "segment"),
    [("/users/{a}", "users"), ("users", "users"), ("/{a}/users", None), ("/", None), ("", None), ("/x{a}", None)],
)
def test_the_first_literal_segment(path: str, segment: str | None) -> None:
    assert paths.first_literal(path) == segment
