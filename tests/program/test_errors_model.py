"""What the program model says of exceptions and of answers to them, apart from any check."""

from __future__ import annotations

import pytest

from guardrails.program import Program
from guardrails.program.model import Function
from tests.program.build import build


def function(program: Program, name: str) -> Function:
    """The function with this qualified name."""
    return next(f for m in program.application for f in m.functions if f.qualname == name)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("app/core/exceptions.py", True),
        ("app/users/errors.py", True),
        ("app/core/user_exceptions.py", True),
        ("app/exceptions/payments.py", True),
        ("app/core/exception_handlers.py", True),
        ("app/services/error_service.py", False),
        ("app/services/user_service.py", False),
    ],
)
def test_homes_of_exceptions(path: str, expected: bool) -> None:
    program = build({path: "class Oops(Exception): ...\n", "app/main.py": "from fastapi import FastAPI\n"})
    (cls,) = program.errors.classes
    assert program.errors.is_home(cls.module) is expected


def test_exceptions_are_told_by_their_ancestry() -> None:
    program = build(
        {
            "app/core/things.py": """
                from pymongo.errors import PyMongoError
                from vendor import StrangeError

                class A(LookupError): ...
                class B(A): ...
                class C(PyMongoError): ...
                class D(StrangeError): ...
                class E(DeprecationWarning): ...
                class F: ...
                """
        },
    )
    assert [cls.name for cls in program.errors.classes] == ["A", "B", "C", "D"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("404", 404),
        ("status.HTTP_409_CONFLICT", 409),
        ("HTTPStatus.BAD_REQUEST", 400),
        ("NOT_THERE", 410),
        ("True", None),
        ("compute()", None),
        ("404 if gone else 200", None),
    ],
)
def test_statuses(written: str, expected: int | None) -> None:
    source = f"""
        from http import HTTPStatus
        from fastapi import status

        NOT_THERE = 410

        def answer(gone, compute):
            return {written}
        """
    program = build({"app/core/answers.py": source})
    code = function(program, "app.core.answers.answer")
    (event,) = code.returned
    assert program.answers.status(event.value, code, event.block) == expected


def test_what_exists_for_the_sake_of_others() -> None:
    program = build(
        {
            "app/core/things.py": """
                def root(): helper(); shared()
                def helper(): deeper()
                def deeper(): deeper()
                def other(): shared()
                def shared(): ...
                def unused(): ...
                """
        },
    )
    roots = frozenset({function(program, "app.core.things.root")})
    alone = {
        name: program.errors.only_for(function(program, f"app.core.things.{name}"), roots)
        for name in ("root", "helper", "deeper", "other", "shared", "unused")
    }
    assert alone == {
        "root": True, "helper": True, "deeper": False, "other": False, "shared": False, "unused": False,
    }  # fmt: skip


def test_handlers_that_cannot_be_read_may_catch_everything() -> None:
    program = build(
        {
            "app/main.py": """
                from fastapi import FastAPI
                from vendor import handlers

                app = FastAPI(exception_handlers=handlers())
                """
        },
    )
    assert program.errors.catches_all


def test_no_handler_catches_nothing() -> None:
    program = build({"app/main.py": "from fastapi import FastAPI\n\napp = FastAPI()\n"})
    assert not program.errors.registered
    assert not program.errors.catches_all


@pytest.mark.parametrize(
    "code",
    [
        "from fastapi import HTTPException\ndef f(): raise HTTPException(404)\n",
        "from fastapi import HTTPException as Refused\ndef f(): raise Refused(404)\n",
        "from fastapi.exceptions import StarletteHTTPException\ndef f(): raise StarletteHTTPException(404)\n",
        "import fastapi\nNOT_FOUND = fastapi.HTTPException(404)\ndef f(): raise NOT_FOUND\n",
        "import fastapi\nclass Gone(fastapi.HTTPException): ...\ndef f(): raise Gone(410)\n",
        "import fastapi\ndef Gone(): return fastapi.HTTPException(410)\ndef f(): raise Gone()\n",
        "import fastapi\ndef gone(): return fastapi.HTTPException(410)\ndef f(): raise gone()\n",
    ],
)
def test_http_exceptions_are_found_under_any_name(code: str) -> None:
    program = build({"app/things.py": code})
    assert [r.code.qualname for r in program.errors.http_raises()] == ["app.things.f"]
