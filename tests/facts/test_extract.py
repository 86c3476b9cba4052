"""Facts beside code: what ``extract`` says of small sources, and that it never fails on real ones."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import msgspec
import pytest

from guardrails.facts.extract import extract
from guardrails.facts.records import (
    Attr,
    Bind,
    Block,
    CallRef,
    Const,
    Do,
    FString,
    Import,
    Item,
    Items,
    Mapping,
    ModuleFacts,
    Op,
    Raise,
    Ref,
    Return,
    Unknown,
    end_of,
    expressions,
    line_of,
    pack,
    unpack,
)  # fmt: skip

DECODER = msgspec.msgpack.Decoder(ModuleFacts)


def facts_of(source: str) -> ModuleFacts:
    """The facts, pushed through the encoder and back: what the cache gives is what extraction gave."""
    facts = extract(source)
    decoded = DECODER.decode(msgspec.msgpack.encode(facts))
    assert decoded == facts
    return decoded


USES = [
    ("f()", "drop"),
    ("await f()", "await"),
    ("x = f()", "bind"),
    ("return f()", "return"),
    ("f().x()", "receiver"),
    ("g(f())", "argument"),
    ("g(k=f())", "argument"),
    ("[f()]", "item"),
    ("if f(): pass", "test"),
    ("for i in f(): pass", "iterate"),
    ("async for i in f(): pass", "async-iterate"),
    ("with f(): pass", "with"),
    ("async with f(): pass", "async-with"),
    ("f() + 1", "operand"),
    ("f() == 1", "operand"),
    ("x = f'{f()}'", "operand"),
    ("yield f()", "yield"),
    ("x = f() if y else 1", "bind"),
]


@pytest.mark.parametrize(("statement", "use"), USES)
def test_what_becomes_of_a_call(statement: str, use: str) -> None:
    function = facts_of(f"async def outer(y):\n    {statement}\n").functions[0]
    found = [c for c in function.body.calls if isinstance(c.func, Ref) and c.func.name == "f"]
    assert [call.use for call in found] == [use]


def test_a_dotted_name_is_one_reference_and_an_attribute_of_a_call_is_none() -> None:
    body = facts_of("a.b.c\nf().d.e\nx['k'].g\n").body
    first, second, third = (event.value for event in body.events if isinstance(event, Do))
    assert isinstance(first, Ref)
    assert first.name == "a.b.c"
    assert isinstance(second, Attr)
    assert (second.name, second.value.name) == ("e", "d")  # type: ignore[union-attr]
    assert isinstance(third, Attr)
    assert isinstance(third.value, Item)
    assert body.loads == ("a.b.c", "f", "x")


def test_calls_stand_in_order_of_evaluation() -> None:
    calls = facts_of("a(b(), c(d()))\n").body.calls
    assert [call.func.name for call in calls] == ["b", "d", "c", "a"]  # type: ignore[union-attr]


def test_blocks_say_how_statements_nest() -> None:
    source = """
try:
    if a:
        x = 1
    else:
        y = 2
except ValueError as error:
    raise
finally:
    z = 3
"""
    body = facts_of(source).body
    assert [block.kind for block in body.blocks] == ["body", "try", "if", "else", "except", "finally"]
    blocks: tuple[Block, ...] = body.blocks
    assert [blocks[i].of for i in (3, 4, 5)] == [2, 1, 1]
    assert blocks[2].parent == blocks[3].parent == 1
    where = {e.target.name: e.block for e in body.events if isinstance(e, Bind)}  # type: ignore[union-attr]
    assert where == {"x": 2, "y": 3, "error": 4, "z": 5}
    assert [e.block for e in body.events if isinstance(e, Raise)] == [4]


def test_decorators_defaults_and_bases_belong_to_the_body_around() -> None:
    facts = facts_of("@get('/x')\ndef f(a=Depends(g), *, b: 'list[User]' = 1): ...\nclass C(Base[make()], k=1): ...\n")
    assert [call.func.name for call in facts.body.calls] == ["get", "Depends", "make"]  # type: ignore[union-attr]
    function = facts.functions[0]
    assert isinstance(function.decorators[0], CallRef)
    assert [p.kind for p in function.parameters] == ["positional", "keyword-only"]
    annotation = function.parameters[1].annotation
    assert isinstance(annotation, Item)
    assert isinstance(annotation.index, Ref)
    assert facts.classes[0].keywords[0].name == "k"


def test_strings_in_annotations_are_read_but_not_in_literal() -> None:
    function = facts_of("def f(a: 'User | None', b: Literal['User'], c: Annotated['User', 'note'], d: 'not('): ...\n")
    a, b, c, d = (p.annotation for p in function.functions[0].parameters)
    assert isinstance(a, Op)
    assert isinstance(b, Item)
    assert isinstance(b.index, Const)
    assert isinstance(c, Item)
    assert isinstance(c.index, Items)
    assert isinstance(c.index.items[0], Ref)
    assert isinstance(d, Unknown)


def test_imports_say_where_and_how() -> None:
    source = """
import a.b as c
from ..d import e as f
from g import *
if TYPE_CHECKING:
    import h
try:
    import i
except ImportError:
    import j
def late():
    import k
"""
    found = {(item.name or item.module): item for item in facts_of(source).imports}
    assert found["a.b"].alias == "c"
    assert (found["e"].module, found["e"].level, found["e"].alias) == ("d", 2, "f")
    assert found["*"] == Import("g", 0, "*", None, False, False, -1, found["*"].span)
    assert found["h"].type_checking
    assert found["i"].guarded
    assert not found["j"].guarded
    assert found["k"].function == 0
    assert facts_of("__all__ = ['a']\n__all__ += ['b']\n").exports == ("a", "b")
    assert facts_of("__all__ = [n for n in x]\n").exports is None


def test_literals() -> None:
    source = "x = {'a': 1, **b}\ny = -5\nz = f'{a}b'\nw = 10**400 if q else 99999999999999999999\ns = '\\ud800'\n"
    values = [event.value for event in facts_of(source).body.events if isinstance(event, Bind)]
    assert isinstance(values[0], Mapping)
    assert values[0].keys[1] is None
    assert isinstance(values[1], Const)
    assert values[1].value == -5
    assert isinstance(values[2], FString)
    assert isinstance(values[4], Const)
    assert values[4].value == "?"


def test_a_lambda_is_a_function_that_returns() -> None:
    facts = facts_of("key = lambda user: user.name\n")
    assert facts.functions[0].name == "<lambda>"
    assert [type(event) for event in facts.functions[0].body.events] == [Return]


def test_suppressions_are_comments_on_their_statement() -> None:
    source = """
x = call(
    1,
    2,  # guardrails: ignore[GR301, GR703] -- measured
)
text = "# guardrails: ignore[GR301]"
# guardrails: ignore-file[GR101]
y = 1  # guardrails: ignore
"""
    first, whole, bare = facts_of(source).comments
    assert (first.codes, first.reason, first.line, first.statement) == (("GR301", "GR703"), "measured", 4, 2)
    assert whole.whole_file
    assert bare.codes == ()


def test_docstrings_and_empty_modules() -> None:
    assert facts_of('"""Only words."""\n').empty
    assert facts_of("").empty
    assert not facts_of("x = 1\n").empty
    assert facts_of('def f():\n    """Words."""\n').functions[0].body.events == ()


@pytest.mark.parametrize("place", [(1, 0, 1, 0), (7, 3, 9, 12), (100_000, 200, 100_050, 1)])
def test_spans_are_packed_and_unpacked(place: tuple[int, int, int, int]) -> None:
    assert unpack(pack(*place)) == place
    assert line_of(pack(*place)) == place[0]
    assert end_of(pack(*place)) >= pack(*place) or place[0] == place[2]


def test_what_does_not_fit_a_span_is_cut() -> None:
    line, column, end_line, end_column = unpack(pack(5_000_000, 70_000, 9_000_000, 70_000))
    assert (line, column) == (2_097_151, 16_383)
    assert end_line >= line
    assert end_column == 16_383


@pytest.mark.parametrize(
    "source",
    [
        "x = " + " + ".join(["a"] * 3000),
        "if a: pass\n" + "elif a: pass\n" * 400,
        "x = " + "[" * 90 + "]" * 90,
        "x = a" + ".b" * 2000,
        "match x:\n    case {'a': [b, *c], **d}: pass\n",
        "type X = int\n" if __import__("sys").version_info >= (3, 12) else "X = int\n",
        "async def f():\n    return [x async for y in z if y for x in y]\n",
        "def f[T](x: T) -> T: ...\n" if __import__("sys").version_info >= (3, 12) else "def f(x): ...\n",
    ],
)
def test_long_and_unusual_sources(source: str) -> None:
    facts_of(source)


def test_null_bytes_and_syntax_errors_are_said() -> None:
    with pytest.raises((ValueError, SyntaxError)):
        extract("x = '\0'")
    with pytest.raises(SyntaxError):
        extract("def f(:\n")


def test_every_installed_package_can_be_extracted() -> None:
    """Thousands of files of other people: no crash, and every expression has a place within its file."""
    root = Path(sysconfig.get_paths()["purelib"])
    seen = 0
    for path in sorted(root.rglob("*.py"))[::7]:
        try:
            source = path.read_text(encoding="utf-8")
            facts = extract(source)
        except (SyntaxError, UnicodeDecodeError, ValueError):
            continue
        seen += 1
        for body in (facts.body, *(f.body for f in facts.functions), *(c.body for c in facts.classes)):
            for expr in expressions(body):
                if not isinstance(expr, CallRef):
                    assert 1 <= line_of(expr.span) <= facts.lines
    assert seen > 100
