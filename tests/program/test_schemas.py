"""Annotations, fields, and what FastAPI takes from the body."""

from __future__ import annotations

import pytest

from guardrails.facts.records import Bind
from guardrails.program.fields import Type
from tests.program.build import build

HEAD = """
import datetime
from typing import Annotated, Any, Generic, List, Literal, NewType, Optional, TypeVar
from pydantic import BaseModel, Field
"""


def read(annotation: str, before: str = "") -> Type:
    """What an annotation names, after these lines."""
    program = build({"app/a.py": f"{HEAD}{before}\nvalue: {annotation}\n"})
    module = program.modules.by_name["app.a"]
    bind = module.body.events[-1]
    assert isinstance(bind, Bind)
    return program.fields.read(bind.annotation, module)


def shown(kind: Type) -> str:
    inside = f"[{', '.join(shown(a) for a in kind.arguments)}]" if kind.arguments else ""
    return (kind.name.rpartition(".")[2] or "?") + inside


class TestAnnotations:
    @pytest.mark.parametrize(
        ("annotation", "expected"),
        [
            ("str", "str"),
            ("List[str]", "list[str]"),
            ("Optional[int]", "Union[int, None]"),
            ("'int | None'", "Union[int, None]"),
            ("dict[str, Any]", "dict[str, Any]"),
            ("Annotated[str, Field(alias='a')]", "str"),
            ("Literal['a', 'b']", "Literal"),
            ("datetime.date", "date"),
            ("missing", "?"),
        ],
    )
    def test_are_read(self, annotation: str, expected: str) -> None:
        assert shown(read(annotation)) == expected

    @pytest.mark.parametrize(
        ("before", "expected"),
        [
            ("Alias = list[int]", "list[int]"),
            ("Inner = Annotated[int, 'x']\nAlias = Inner | None", "Union[int, None]"),
            ("Alias = NewType('Alias', str)", "str"),
            ("class Alias: ...", "Alias"),
            ("T = TypeVar('T')\nclass Page(BaseModel, Generic[T]):\n    x: T\nAlias = Page[int]", "Page[int]"),
        ],
    )
    def test_are_followed_through_names(self, before: str, expected: str) -> None:
        assert shown(read("Alias", before)) == expected

    def test_aliases_in_a_circle_end(self) -> None:
        assert shown(read("A", "A = list[B]\nB = list[A]")).startswith("list[list[")


def test_fields_are_inherited_and_declared_again() -> None:
    program = build(
        {
            "app/a.py": """
            from typing import ClassVar
            from pydantic import BaseModel, Field

            class Base(BaseModel):
                kind: ClassVar[str] = "a"
                _private: int = 1
                id: str
                secret: str

                def method(self) -> None: ...

            class Out(Base):
                secret: str = Field(default="", exclude=True)
                more: list[int] = Field(default_factory=list)
            """
        }
    )
    fields = program.fields.all(program.modules.by_name["app.a"].classes[1])
    assert [(f.name, f.owner.name, f.required) for f in fields] == [
        ("id", "Base", True),
        ("secret", "Out", False),
        ("more", "Out", False),
    ]


PARAMETERS = """
    a: str, b: int = 1
    item: Item
    item: Item | None = None
    item: Optional[Item] = None
    items: list[Item]
    items: List[Item]
    data: dict
    data: dict[str, int] | None = None
    data: Any
    names: list[str]
    names: list[str] = Query()
    names: Annotated[list[str], Query()]
    name: str = Body()
    name: Annotated[str, Body(embed=True)]
    size: int = Body(...), item: Item = Body(...)
    kind: Kind
    kind: Kind = Body()
    item_id: dict
    request: Request, response: Response
    item: Item = Depends(provide)
    item: Annotated[Item, Depends(provide)]
    token: str = Header()
    point: Point
    when: datetime.datetime
"""

HANDLER = """
import datetime
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, List, Optional
from fastapi import Body, Depends, FastAPI, Header, Query, Request, Response
from pydantic import BaseModel

app = FastAPI()

class Item(BaseModel):
    name: str

class Kind(str, Enum):
    A = "a"

@dataclass
class Point:
    x: int

def provide() -> Item:
    return Item(name="a")

@app.post({path!r})
async def handle({parameters}): ...
"""


@pytest.mark.parametrize("parameters", [line.strip() for line in PARAMETERS.strip().splitlines()])
def test_bodies_are_those_of_fastapi(parameters: str) -> None:
    """FastAPI itself says which parameters it takes from a JSON body."""
    path = "/items/{item_id}" if parameters.startswith("item_id") else "/items"
    if parameters.startswith("item_id"):
        parameters = "item_id: str"
    source = HANDLER.format(path=path, parameters=parameters)
    namespace: dict[str, object] = {}
    exec(compile(source, "handler", "exec"), namespace)
    (route,) = [r for r in namespace["app"].routes if getattr(r, "name", "") == "handle"]  # type: ignore[attr-defined]
    expected = [parameter.name for parameter in route.dependant.body_params]

    program = build({"app/main.py": source})
    (handler,) = program.schemas.handlers
    assert [parameter.name for parameter, _ in program.schemas.bodies(handler)] == expected
