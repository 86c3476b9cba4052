"""What names and expressions may be, across modules."""

from __future__ import annotations

import pytest

from guardrails.program.values import (
    ClassValue,
    DocumentValue,
    ExternalInstance,
    ExternalValue,
    FunctionValue,
    InstanceValue,
    LiteralValue,
    SequenceValue,
    UnknownValue,
    Value,
)  # fmt: skip
from tests.program.build import build, code_at, revealed


def shown(value: Value) -> str:
    """A value in a few words."""
    if isinstance(value, InstanceValue):
        return f"a {value.cls.name}"
    if isinstance(value, ExternalInstance):
        label = f" {value.label.value}" if isinstance(value.label, LiteralValue) else ""
        return f"a {value.cls}{label}"
    if isinstance(value, FunctionValue):
        return f"def {value.function.qualname}"
    if isinstance(value, ClassValue):
        return f"class {value.cls.name}"
    if isinstance(value, ExternalValue):
        return value.name
    if isinstance(value, LiteralValue):
        return repr(value.value)
    if isinstance(value, SequenceValue):
        return f"[{', '.join(shown(v) for v in value.items)}]"
    if isinstance(value, DocumentValue):
        return "a document"
    return "?" if isinstance(value, UnknownValue) else type(value).__name__


def answer(files: dict[str, str], qualname: str) -> str:
    return " | ".join(shown(value) for value in revealed(build(files), qualname))


ASYNC_DB = "a pymongo.asynchronous.database.AsyncDatabase"
ASYNC_USERS = "a pymongo.asynchronous.collection.AsyncCollection users"

LOCAL = [
    ("x = 1\n    reveal(x)", "1"),
    ("x = 1\n    x = 'a'\n    reveal(x)", "'a'"),
    ("if y:\n        x = 1\n    else:\n        x = 2\n    reveal(x)", "1 | 2"),
    ("x = 1\n    if y:\n        x = 2\n    reveal(x)", "1 | 2"),
    ("if y:\n        x = 1\n    else:\n        reveal(x)\n        x = 2", "2"),
    ("for x in [1, 2]:\n        reveal(x)", "1 | 2"),
    ("a, b = 1, 'b'\n    reveal(b)", "'b'"),
    ("x = []\n    x.append(1)\n    reveal(x)", "[1]"),
    ("reveal(f'a{1}b')", "'a1b'"),
    ("d = {'a': 1, 'b': 2}\n    reveal(d['b'])", "2"),
    ("reveal(x if y else 3)", "? | 3"),
    ("if (n := 4):\n        reveal(n)", "4"),
    ("reveal([i async for i in y])", "[?]"),
]


@pytest.mark.parametrize(("body", "expected"), LOCAL)
def test_local_names(body: str, expected: str) -> None:
    assert answer({"m.py": f"async def f(y):\n    {body}\n"}, "m.f") == expected


def test_an_assignment_holds_after_its_statement() -> None:
    source = """
        class User:
            def copy(self) -> "User": ...
        def f(user: User):
            user = user.copy()
            reveal(user)
    """
    assert answer({"m.py": source}, "m.f") == "a User"


@pytest.mark.parametrize(
    ("importing", "expected"),
    [
        ("from pkg.deep import Thing\nreveal = 0\ndef f(): reveal(Thing)", "class Thing"),
        ("from pkg import Thing\ndef f(): reveal(Thing)", "class Thing"),
        ("from pkg import Renamed as R\ndef f(): reveal(R)", "class Thing"),
        ("import pkg.deep\ndef f(): reveal(pkg.deep.Thing)", "class Thing"),
        ("import pkg.deep as d\ndef f(): reveal(d.Thing)", "class Thing"),
        ("from .pkg.deep import Thing\ndef f(): reveal(Thing)", "class Thing"),
        ("from pkg.star import *\ndef f(): reveal(Thing)", "class Thing"),
        ("from pkg.star import *\ndef f(): reveal(_hidden)", "?"),
        ("def f():\n    from pkg import deep\n    reveal(deep.Thing)", "class Thing"),
        ("from requests import get as fetch\ndef f(): reveal(fetch)", "requests.get"),
        ("import pymongo.synchronous.collection as c\ndef f(): reveal(c.Collection)", "pymongo.collection.Collection"),
    ],
)
def test_imports_and_re_exports(importing: str, expected: str) -> None:
    files = {
        "pkg/__init__.py": "from pkg.deep import Thing\nfrom .deep import Thing as Renamed\n",
        "pkg/deep.py": "class Thing: ...\n",
        "pkg/star.py": "from .deep import *\n_hidden = 1\n",
        "m.py": importing,
    }
    assert answer(files, "m.f") == expected


CLASSES = (
    "from collections import defaultdict\nfrom pathlib import Path\nfrom typing import Dict, Mapping\n"
    "class A: ...\nclass B(A): ...\nclass C: ...\n"
)
HELD = "class Holder:\n    held: dict[str, A] = {}\n    def __init__(self):\n        self.own: dict[str, A] = {}\n"


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("def f(d: dict[str, A]): reveal(d['x'])", "a A"),
        ("def f(d: Dict[str, A]): reveal(d.get('x'))", "a A"),
        ("def f(d: Mapping[str, A]): reveal(d.values())", "[a A]"),
        ("def f(d: dict[str, A | None]): reveal(d.pop('x'))", "a A | None"),
        ("def f():\n    d: dict[str, A] = {}\n    reveal(d['x'])", "a A"),
        ("def f():\n    d: dict[str, A] = defaultdict(A)\n    reveal(d['x'])", "a A"),
        (HELD + "def f(h: Holder): reveal(h.held['x'])", "a A"),
        (HELD + "def f(h: Holder): reveal(h.own.get('x'))", "a A"),
        # A display says what its keys hold; values without a class stay unsaid.
        ("def f():\n    d: dict[str, A] = {'b': C()}\n    reveal(d['b'])", "a C"),
        ("def f(d: dict[str, int]): reveal(d['x'])", "?"),
        ("def f(d: dict[str, A]): reveal(d.keys())", "?"),
    ],
)
def test_the_values_of_an_annotated_dict(function: str, expected: str) -> None:
    assert answer({"m.py": CLASSES + function}, "m.f") == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("if x.__class__ == B:\n        reveal(x)", "a B"),
        ("if type(x) is B:\n        reveal(x)", "a B"),
        ("if isinstance(x, B) and y:\n        reveal(x)", "a B"),
        ("if isinstance(x, A):\n        reveal(x)", "a A"),
        ("if x.__class__ == Path:\n        reveal(x)", "a pathlib.Path"),
        ("if isinstance(x, Path):\n        reveal(x)", "a A | a C"),
        ("if x.__class__ == B:\n        x = C()\n        reveal(x)", "a C"),
        ("if x.__class__ == B:\n        pass\n    reveal(x)", "a A | a C"),
        ("if not isinstance(x, B):\n        reveal(x)", "a A | a C"),
    ],
)
def test_a_branch_that_tests_for_a_class_narrows(body: str, expected: str) -> None:
    source = CLASSES + f"def f(x: A | C, y):\n    {body}\n"
    assert answer({"m.py": source}, "m.f") == expected


@pytest.mark.parametrize(
    ("maker", "expected"),
    [
        ("from sqlalchemy.orm import sessionmaker\nmake = sessionmaker(bind=1)", "a sqlalchemy.orm.Session"),
        (
            "from sqlalchemy.ext.asyncio import async_sessionmaker\nmake = async_sessionmaker(1)",
            "a sqlalchemy.ext.asyncio.AsyncSession",
        ),
        (
            "from sqlalchemy.orm import sessionmaker\nfrom sqlalchemy.ext.asyncio import AsyncSession\n"
            "make = sessionmaker(1, class_=AsyncSession)",
            "a sqlalchemy.ext.asyncio.AsyncSession",
        ),
        ("from sqlalchemy.orm import sessionmaker\nfrom own import S\nmake = sessionmaker(class_=S)", "?"),
    ],
)  # fmt: skip
def test_a_sessionmaker_makes_sessions(maker: str, expected: str) -> None:
    assert answer({"m.py": maker + "\ndef f(): reveal(make())"}, "m.f") == expected


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("User", "a User"),  # nothing descends from it, so the body can say no more
        ("Base", "a Admin"),  # the body says which of them
        ("int", "a int"),
        ("str", "'guests'"),  # written out
        ("Cursor", "a Guest"),  # a protocol names no class
    ],
)
def test_a_return_annotation_is_believed_where_it_leaves_nothing_open(declared: str, expected: str) -> None:
    given = {"Base": "Admin()", "str": "'guests'"}
    source = f"""
        from typing import Protocol
        class Base: pass
        class Admin(Base): pass
        class Cursor(Protocol): pass
        class Guest: pass
        class User: pass
        def find() -> {declared}: return {given.get(declared, "Guest()")}
        def f(): reveal(find())
    """
    assert answer({"app/x.py": source}, "app.x.f") == expected


def test_super_reaches_the_next_class_of_the_receiver() -> None:
    source = """
        class Base:
            def save(self): return 1
        class Stamped(Base):
            def save(self): super().save()
        class Audited(Base):
            def save(self): super().save()
        class User(Stamped, Audited): ...
    """
    program = build({"m.py": source})
    save = code_at(program, "m.Stamped.save")
    call = next(c for c in save.body.calls if program.types.targets(c, save))
    assert {f.qualname for f in program.types.targets(call, save)} == {"m.Base.save", "m.Audited.save"}
    save = code_at(program, "m.Audited.save")
    call = next(c for c in save.body.calls if program.types.targets(c, save))
    assert {f.qualname for f in program.types.targets(call, save)} == {"m.Base.save"}


def test_exports_limit_a_star_import() -> None:
    files = {"a.py": "__all__ = ['x']\nx = 1\ny = 2\n", "m.py": "from a import *\ndef f(): reveal([x, y])"}
    assert answer(files, "m.f") == "[1, ?]"


def test_a_constructor_s_argument_becomes_an_attribute() -> None:
    files = {
        "repo.py": "class Repo:\n    def __init__(self, db):\n        self.users = db['users']\n"
        "    def f(self): reveal(self.users)\n",
        "main.py": "from pymongo import AsyncMongoClient\nfrom repo import Repo\n"
        "repo = Repo(AsyncMongoClient()['shop'])\n",
    }
    assert answer(files, "repo.Repo.f") == ASYNC_USERS


def test_depends_gives_what_the_provider_yields() -> None:
    source = """
        from typing import Annotated
        from fastapi import Depends
        from pymongo import AsyncMongoClient

        async def get_db():
            client = AsyncMongoClient()
            yield client["shop"]

        Db = Annotated[object, Depends(get_db)]

        async def f(db: Db):
            reveal(db)

        async def g(db=Depends(get_db)):
            reveal(db)
    """
    assert answer({"m.py": source}, "m.f") == ASYNC_DB + " shop"
    assert answer({"m.py": source}, "m.g") == ASYNC_DB + " shop"


def test_a_base_class_s_collection_is_what_the_subclass_says() -> None:
    source = """
        from pymongo.asynchronous.database import AsyncDatabase

        class Base:
            name = "things"
            def __init__(self, db: AsyncDatabase):
                self.collection = db[self.name]

        class Users(Base):
            name = "users"

        def f(db: AsyncDatabase):
            reveal(Users(db).collection)
    """
    assert answer({"m.py": source}, "m.f") == ASYNC_USERS


def test_a_helper_s_parameter_names_the_collection() -> None:
    source = """
        from pymongo import AsyncMongoClient
        client = AsyncMongoClient()

        def collection(name):
            return client.shop[name]

        def f():
            reveal(collection("users"))
    """
    assert answer({"m.py": source}, "m.f") == ASYNC_USERS


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("Thing", "a Thing"),
        ("'Thing'", "a Thing"),
        ("Thing | None", "a Thing | None"),
        ("Optional['Thing']", "a Thing"),
        ("list[Thing]", "[a Thing]"),
        ("Annotated[Thing, 'note']", "a Thing"),
        ("type[Thing]", "class Thing"),
        ("Alias", "a Thing"),
        ("T", "a Thing"),
    ],
)
def test_annotations(annotation: str, expected: str) -> None:
    source = f"""
        from typing import Annotated, Optional, TypeVar
        class Thing: ...
        Alias = Optional[Thing]
        T = TypeVar("T", bound=Thing)
        def f(x: {annotation}): reveal(x)
    """
    assert answer({"m.py": source}, "m.f") == expected


def test_isinstance_narrows_a_parameter() -> None:
    source = "class A: ...\ndef f(x):\n    if isinstance(x, A):\n        reveal(x)\n"
    assert answer({"m.py": source}, "m.f") == "a A"


def test_properties_super_and_class_methods() -> None:
    source = """
        class A:
            @property
            def value(self): return 1
            @classmethod
            def make(cls): return cls()
        class B(A):
            @property
            def value(self): return super().value
        def f(): reveal(B.make().value)
    """
    assert answer({"m.py": source}, "m.f") == "1"


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("await users.find_one({})", "a document"),
        ("[d async for d in users.find({})]", "[a document]"),
        ("await users.find({}).to_list(5)", "[a document]"),
        ("await users.insert_one({})", "a pymongo.results.InsertOneResult"),
        ("await users.count_documents({})", "a int"),
        ("users.database", "a pymongo.asynchronous.database.AsyncDatabase"),
        ("users.archive", "a pymongo.asynchronous.collection.AsyncCollection users.archive"),
    ],
)
def test_what_driver_calls_give(call: str, expected: str) -> None:
    source = f"""
        from pymongo import AsyncMongoClient
        users = AsyncMongoClient().shop.users
        async def f(): reveal({call})
    """
    assert answer({"m.py": source}, "m.f") == expected


def test_odm_queries_give_their_documents() -> None:
    source = """
        from beanie import Document
        class User(Document): ...
        async def f(): reveal(await User.find_one(User.name == "x"))
        async def g(): reveal(await User.find(User.name == "x").to_list())
        async def h():
            user = await User.get("1")
            reveal(user.model_copy())
    """
    assert answer({"m.py": source}, "m.f") == "a User"
    assert answer({"m.py": source}, "m.g") == "[a User]"
    assert answer({"m.py": source}, "m.h") == "a User"


def test_handing_to_a_thread_gives_the_function_s_result() -> None:
    source = "import asyncio\ndef work(): return 7\nasync def f(): reveal(await asyncio.to_thread(work))\n"
    assert answer({"m.py": source}, "m.f") == "7"


def test_recursion_ends_and_the_order_of_questions_does_not_matter() -> None:
    source = """
        def a(n): return b(n) if n else 1
        def b(n): return a(n) if n else "b"
        def f(): reveal(a(1))
        def g(): reveal(b(1))
    """
    first = build({"m.py": source})
    f_then_g = (revealed(first, "m.f"), revealed(first, "m.g"))
    second = build({"m.py": source})
    g_then_f = (revealed(second, "m.g"), revealed(second, "m.f"))
    assert [{shown(v) for v in values} for values in f_then_g] == [{shown(v) for v in v2} for v2 in g_then_f[::-1]]
    assert "1" in {shown(v) for v in f_then_g[0]}


def test_state_on_the_app_is_found_again() -> None:
    source = """
        from fastapi import FastAPI, Request
        from pymongo import AsyncMongoClient
        async def lifespan(app: FastAPI):
            app.state.client = AsyncMongoClient()
        async def f(request: Request): reveal(request.app.state.client)
    """
    assert answer({"m.py": source}, "m.f") == "a pymongo.AsyncMongoClient"


def test_many_functions_of_one_name_that_hand_their_parameter_on() -> None:
    files = {"app/session.py": "class Session:\n    def delete(self, item): ...\n"}
    for index in range(40):
        files[f"app/service{index}.py"] = f"""
            from app import service{(index + 1) % 40}
            def delete(session, item):
                session.delete(item)
                if item: service{(index + 1) % 40}.delete(session, item)
                reveal(session)
        """
    services = ", ".join(f"service{index}" for index in range(40))
    calls = "; ".join(f"service{index}.delete(Session(), item)" for index in range(40))
    files["app/main.py"] = f"""
        from app import {services}
        from app.session import Session
        def main(item): {calls}
    """
    program = build(files)
    for index in (3, 7, 30):
        assert "a Session" in {shown(v) for v in revealed(program, f"app.service{index}.delete")}


def test_many_methods_of_one_name_that_hand_their_parameter_on() -> None:
    services = "".join(
        f"""
class Service{index}:
    def delete(self, session, item):
        session.delete(item)
        if item: item.next.delete(session, item.next)
        reveal(session)
"""
        for index in range(12)
    )
    calls = "; ".join(f"Service{index}().delete(Session(), item)" for index in range(12))
    session = "class Session:\n    def delete(self, item): ...\n"
    program = build({"app/services.py": f"{session}{services}\ndef main(item): {calls}\n"})
    for index in (3, 7, 11):
        assert "a Session" in {shown(v) for v in revealed(program, f"app.services.Service{index}.delete")}


def test_a_function_that_a_module_by_another_name_calls_has_its_callers() -> None:
    files = {
        "app/users.py": "def delete(item): reveal(item)\n",
        "app/main.py": """
            from app import users
            class User: pass
            def main():
                service = users
                service.delete(User())
        """,
    }
    assert answer(files, "app.users.delete") == "a User"


def test_an_object_s_method_is_no_caller_of_a_function_of_the_same_name() -> None:
    files = {
        "app/users.py": "def delete(item): reveal(item)\n",
        "app/main.py": """
            from app import users
            class User: pass
            class Other: pass
            def main(store):
                users.delete(User())
                store.delete(Other())
        """,
    }
    assert answer(files, "app.users.delete") == "a User"


def test_a_function_given_to_objects_is_called_by_them() -> None:
    files = {
        "app/users.py": "def delete(item): reveal(item)\n",
        "app/main.py": """
            from app.users import delete
            class User: pass
            class Store:
                def __init__(self): self.delete = delete
            def main():
                store = Store()
                store.delete(User())
        """,
    }
    assert answer(files, "app.users.delete") == "a User"


@pytest.mark.parametrize(("folder", "expected"), [("app", "a Fake | a Real"), ("tests", "a Real")])
def test_what_tests_put_in_the_place_of_things_is_not_what_the_application_has(folder: str, expected: str) -> None:
    files = {
        "app/store.py": """
            class Real: pass
            class Store:
                def __init__(self): self.client = Real()
            store = Store()
            def f(): reveal(store.client)
            def g(client): reveal(client)
            def main(): g(Real())
        """,
        f"{folder}/change.py": """
            from app.store import g, store
            class Fake: pass
            def test():
                store.client = Fake()
                g(Fake())
        """,
    }
    assert " | ".join(sorted(answer(files, "app.store.f").split(" | "))) == expected
    assert " | ".join(sorted(answer(files, "app.store.g").split(" | "))) == expected
