"""What the run of the wiring works on: small values for what Python would have.

Plain strings, numbers, lists, tuples and dicts stand for themselves; the rest are the classes below. ``UNREAD`` is
what cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct, field

from guardrails.facts.records import Expr
from guardrails.knowledge.web import Registration
from guardrails.program.model import Class, Code, Function, Module
from guardrails.program.web import Site

_STRING_METHODS = frozenset(
    {
        "capitalize",
        "format",
        "lower",
        "lstrip",
        "removeprefix",
        "removesuffix",
        "replace",
        "rstrip",
        "strip",
        "title",
        "upper",
    }
)
PURE = frozenset({"list", "tuple", "set", "reversed", "iter", "enumerate", "zip"})


class Unread:
    """What cannot be read."""

    def __repr__(self) -> str:
        return "UNREAD"


UNREAD = Unread()

Conditions = tuple[tuple[int, int], ...]


class Endpoint(Struct, eq=False):
    """A handler on a router. ``function``: the project's own, where it is one; ``path``: as registered, without the
    router's prefix; ``full``: with it. None for what cannot be read. ``tags``, ``name``: its own. ``order``: when.
    """

    function: Function | None
    site: Site
    path: str | None
    full: str | None
    methods: tuple[str, ...] | None
    websocket: bool
    tags: tuple[str, ...] | None
    name: str | None
    response_model: tuple[Expr, Code] | None
    in_schema: bool
    dependencies: tuple[tuple[Expr, Code], ...]
    conditions: Conditions
    order: int


class Inclusion(Struct, eq=False):
    """A router in a router; a prefix or tags of None cannot be read."""

    router: Router
    site: Site
    prefix: str | None
    tags: tuple[str, ...] | None
    in_schema: bool
    conditions: Conditions
    order: int


class Mounted(Struct, eq=False):
    """An application under a path. ``app``: one of the project's own, or None."""

    app: Router | None
    site: Site
    path: str | None
    conditions: Conditions
    order: int


class Router(Struct, eq=False):
    """A router or an app, as constructed at ``site``. ``prefix`` and ``tags``: its own; None cannot be read.

    ``handed_on``: given to code that is not read. ``foreign``: its handlers lie in another package.
    """

    site: Site
    cls: Class | None
    is_app: bool
    prefix: str | None
    tags: tuple[str, ...] | None
    in_schema: bool
    foreign: bool
    conditions: Conditions
    entries: list[Endpoint | Inclusion | Mounted] = field(default_factory=list)
    attributes: dict[str, Any] = field(default_factory=dict)
    handed_on: bool = False

    @property
    def endpoints(self) -> list[Endpoint]:
        """Its own handlers, in order."""
        return [entry for entry in self.entries if isinstance(entry, Endpoint)]


class External(Struct, frozen=True):
    """Something third-party, by canonical name; an instance under its class's name."""

    name: str


class Instance(Struct, eq=False):
    """An instance of a class of the project."""

    cls: Class
    attributes: dict[str, Any] = field(default_factory=dict)


class Closure(Struct, frozen=True):
    """A function of the project with the frame it was defined in, and what it is bound to."""

    function: Function
    frame: Frame | None
    bound: Any = None


class Method(Struct, frozen=True):
    """A method that an object has from FastAPI or from Python: of a router, a list, a dict, a string."""

    owner: Any
    name: str


class Registrar(Struct, eq=False):
    """``router.get("/x")``: what decorates a handler."""

    routers: list[Router]
    row: Registration
    arguments: Arguments


class RouteObject(Struct, eq=False):
    """``Route("/x", endpoint)``, ``Mount("/x", app=app)``: an item of ``routes=[...]``."""

    kind: str
    arguments: Arguments


class RoutesOf(Struct, eq=False):
    """``router.routes``."""

    router: Router


class Super(Struct, frozen=True):
    """``super()`` in a method of ``cls``."""

    cls: Class
    bound: Any


class Choice(Struct, frozen=True):
    """One of several, by a condition."""

    options: tuple[Any, ...]


class Arguments(Struct, eq=False):
    """The arguments of a call. ``splat``: more of them cannot be read."""

    site: Site
    args: list[Any]
    keywords: dict[str, Any]
    written: dict[str, Expr]
    splat: bool = False

    def get(self, position: int | None, name: str, default: Any = None) -> Any:
        """An argument by keyword or position; ``UNREAD`` where it may be in what cannot be read."""
        if name in self.keywords:
            return self.keywords[name]
        if position is not None and position < len(self.args):
            return self.args[position]
        return UNREAD if self.splat else default


class Frame(Struct, eq=False):
    """A body that runs: its names, the frame around it, what it gives back."""

    code: Code
    outer: Frame | None
    serial: int
    names: dict[str, Any] = field(default_factory=dict)
    block: int = 0
    returned: list[Any] = field(default_factory=list)
    yielded: list[Any] = field(default_factory=list)
    arms: dict[int, tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=dict)
    value: Any = None
    stopped: bool = False


def choice(*values: Any) -> Any:
    """One of these, once each; a single one is itself, and what may be unread is unread."""
    flat: list[Any] = []
    for value in values:
        for option in value.options if isinstance(value, Choice) else (value,):
            if option is UNREAD:
                return UNREAD
            if not any(option is kept or (type(option) is type(kept) and option == kept) for kept in flat):
                flat.append(option)
    if not flat:
        return UNREAD
    return flat[0] if len(flat) == 1 else Choice(tuple(flat))


KEYS = (str, int, Module, Router)
"""What a dict may be asked for by."""


def text(value: Any) -> str | None:
    """A string; None for what cannot be read. No string at all (None) is the empty one."""
    if value is None:
        return ""
    return value if isinstance(value, str) else None


def tags_of(value: Any) -> tuple[str, ...] | None:
    if value is None:
        return ()
    items = items_of(value)
    return None if items is None else tuple(item if isinstance(item, str) else "?" for item in items)


def items_of(value: Any) -> list[Any] | None:
    """What iterating gives, where it is known."""
    if isinstance(value, (list, tuple, dict)):
        return list(value)
    return None


def flat(value: Any, budget: int = 4) -> Iterator[Any]:
    """A value and what it holds."""
    yield value
    if budget:
        inner: Iterable[Any] = ()
        if isinstance(value, (list, tuple)):
            inner = value
        elif isinstance(value, dict):
            inner = value.values()
        elif isinstance(value, Choice):
            inner = value.options
        elif isinstance(value, RoutesOf):
            inner = (value.router,)
        for item in inner:
            yield from flat(item, budget - 1)


def joined(parts: list[Any]) -> Any:
    if all(isinstance(part, (str, int)) and not isinstance(part, bool) for part in parts):
        return "".join(str(part) for part in parts)
    return UNREAD


def pure(name: str, args: list[Any]) -> Any:
    if not args:
        return []
    sequences = [items_of(arg) for arg in args]
    lists = [items for items in sequences if items is not None]
    if len(lists) != len(sequences):
        return UNREAD
    if name == "enumerate":
        return [(number, item) for number, item in enumerate(lists[0])]
    if name == "zip":
        return [tuple(items) for items in zip(*lists)]
    return lists[0][::-1] if name == "reversed" else lists[0]


def native(owner: Any, name: str, arguments: Arguments) -> Any:
    """A method of a string, list or dict."""
    args = arguments.args
    if isinstance(owner, str):
        if name in _STRING_METHODS and all(isinstance(a, str) for a in (*args, *arguments.keywords.values())):
            try:
                return getattr(owner, name)(*args, **arguments.keywords)
            except (TypeError, ValueError, IndexError, KeyError, AttributeError):
                return UNREAD
        items = items_of(args[0]) if name == "join" and args else None
        if items is not None and all(isinstance(item, str) for item in items):
            return owner.join(items)
    elif isinstance(owner, list):
        if name == "append" and len(args) == 1:
            owner.append(args[0])
        elif name in {"extend", "insert"} and args:
            added = items_of(args[-1]) if name == "extend" else [args[-1]]
            where = args[0] if name == "insert" and isinstance(args[0], int) else len(owner)
            owner[where:where] = added if added is not None else [UNREAD]
    elif isinstance(owner, dict):
        if name == "items":
            return [(key if isinstance(key, KEYS) else UNREAD, value) for key, value in owner.items()]
        if name in {"values", "keys"}:
            return list(owner.values() if name == "values" else owner)
        if name in {"get", "pop"} and args and isinstance(args[0], (str, int)):
            return owner.get(args[0], args[1] if len(args) > 1 else UNREAD)
        if name == "update" and args and isinstance(args[0], dict):
            owner.update(args[0])
    return UNREAD


def no_arguments(function: Function) -> Arguments:
    return Arguments(Site(function, 0), [], {}, {})
