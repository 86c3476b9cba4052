"""Which layer of the guide each module belongs to: by configuration, by content, by names, in this order."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from guardrails.facts.records import Bind, CallRef, Ref
from guardrails.knowledge.web import INCLUDE_ROUTER
from guardrails.options import Options
from guardrails.program.model import Module
from guardrails.program.modules import Modules
from guardrails.program.sites import Site
from guardrails.program.web import Web

if TYPE_CHECKING:
    from pathspec import PathSpec

LAYERS = ("routes", "services", "repositories", "models", "schemas", "core", "utils", "wiring")

_STRONG = {
    word: layer
    for layer, words in {
        "routes": "route router api endpoint view controller",
        "services": "service usecase manager business logic",
        "repositories": "repository repo crud dao dal dataaccess store persistence",
        "models": "model entity document domain",
        "schemas": "schema dto serializer response request",
        "wiring": "main app asgi dependency dependencies deps dep lifespan startup event",
    }.items()
    for word in words.split()
}
_WEAK = {
    word: layer
    for layer, words in {
        "core": "core config configuration conf setting db database mongo mongodb connection security auth error "
        "exception middleware",
        "utils": "util utility utils helper common lib shared",
    }.items()
    for word in words.split()
}
# Words that also name things of a domain: a shop has a store, an API of documents has a document.
_EVERYDAY = frozenset(
    [
        "store",
        "document",
        "entity",
        "domain",
        "manager",
        "business",
        "logic",
        "view",
        "api",
        "request",
        "response",
        "event",
    ]
)
_WIRING_FOLDERS = frozenset({"dependencies", "dependency", "deps"})
_CONNECTION_FOLDERS = frozenset(["db", "database", "mongo", "mongodb", "connection", "security", "auth"])

# What each layer may import, by default; the same layer always, wiring everything.
_ALLOWED: dict[str, frozenset[str]] = {
    "routes": frozenset({"services", "models", "schemas", "core", "utils", "wiring"}),
    "services": frozenset({"repositories", "models", "schemas", "core", "utils", "wiring"}),
    "repositories": frozenset({"models", "schemas", "core", "utils"}),
    "models": frozenset({"schemas", "core", "utils"}),
    "schemas": frozenset({"models", "core", "utils"}),
    "core": frozenset({"models", "schemas", "utils"}),
    "utils": frozenset({"models", "schemas", "core"}),
    "wiring": frozenset(LAYERS),
}


@lru_cache(maxsize=16_384)
def words_of(name: str) -> tuple[str, ...]:
    """The words of a module's or folder's name, lower case: ``userService`` and ``user_services`` are user, service."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return tuple(word for word in re.split(r"[^A-Za-z0-9]+|_", spaced.lower()) if word)


def singular(word: str) -> str:
    """An English plural without its ending, much as one reads it; other words as they are."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


@lru_cache(maxsize=16_384)
def _strong(name: str) -> str | None:
    """The word of ``_STRONG`` that a name ends in."""
    return _key(name, _STRONG, _STRONG_GLUED)


@lru_cache(maxsize=16_384)
def _weak(name: str) -> str | None:
    """The word of ``_WEAK`` that a name ends in."""
    return _key(name, _WEAK, _WEAK_GLUED)


def _key(name: str, table: dict[str, str], glued: tuple[str, ...]) -> str | None:
    """The word of ``table`` that a name ends in: as its last word, its last two written apart, or glued to it."""
    words = words_of(name)
    if not words:
        return None
    for candidate in ("".join(words[-2:]) if len(words) > 1 else "", words[-1]):
        for form in (candidate, singular(candidate)):
            if form in table:
                return form
    last = singular(words[-1])
    return next((word for word in glued if last.endswith(word)), None)


def _unmistakable(table: dict[str, str]) -> tuple[str, ...]:
    """The words to which a prefix may be glued (``userservice``), the longest first."""
    return tuple(w for w in sorted(table, key=len, reverse=True) if len(w) > 6 and w not in _EVERYDAY)


_STRONG_GLUED = _unmistakable(_STRONG)
_WEAK_GLUED = _unmistakable(_WEAK)


def _without_handlers(named: tuple[str, str]) -> str:
    """The layer of a name where no handler says it: a controller that registers none holds the decisions."""
    return "services" if named[0] == "controller" else named[1]


def _mentions(module: Module, name: str) -> bool:
    """Whether a module reads a name of its own again, stores something on it or decorates with it."""
    for code in module.codes():
        targets = (b.target.name for b in code.attribute_bindings if isinstance(b.target, Ref))
        if any(dotted.partition(".")[0] == name for dotted in (*code.body.loads, *targets)):
            return True
    return any(name == d.partition(".")[0] for f in module.functions for d in f.decorator_names)


def path_globs(patterns: Iterable[str]) -> PathSpec[Any]:
    """Configured globs, to be asked about paths; most projects configure none."""
    from pathspec import PathSpec

    return PathSpec.from_lines("gitignore", patterns)


class Layers:
    """Answers which layer a module is in, and what a layer may import."""

    def __init__(self, modules: Modules, web: Web, options: Options) -> None:
        self.modules = modules
        self.web = web
        self.options = options
        self._layers: dict[Module, str | None] = {}
        self._configured = [(layer, path_globs(patterns)) for layer, patterns in options.layers.items()]

    def of(self, module: Module) -> str | None:
        """The module's layer, or None."""
        if module not in self._layers:
            self._layers[module] = self.configured(module) or self.by_content(module) or self.by_name(module)
        return self._layers[module]

    def configured(self, module: Module) -> str | None:
        """The layer whose globs match the module's path (from the checked root)."""
        if not self._configured:
            return None
        paths = {module.display, self.modules.relative(module)}
        return next(
            (layer for layer, spec in self._configured if any(spec.match_file(path) for path in sorted(paths))), None
        )

    def by_content(self, module: Module) -> str | None:
        """``wiring`` for a module that builds the app, ``routes`` for one that registers handlers on a router."""
        if module in self.building:
            return "wiring"
        return "routes" if module in self._registering else None

    @cached_property
    def building(self) -> frozenset[Module]:
        """The modules that construct the app or put routers into it."""
        including = {s.code.module for s in self.modules.sites.named({INCLUDE_ROUTER}) if self._includes_into_app(s)}
        return self.app_modules | including

    def _includes_into_app(self, site: Site) -> bool:
        func = site.call.func
        if not isinstance(func, Ref) or "." not in func.name:
            return False
        values = self.web.types.infer(Ref(func.name.rpartition(".")[0], func.span), site.code, site.call.block)
        return any(self.web.is_app(value) for value in values)

    @cached_property
    def _registering(self) -> frozenset[Module]:
        return frozenset(
            r.site.code.module for r in self.web.registered if any(self.web.is_router(v) for v in r.owners)
        )  # fmt: skip

    # --- names

    @cached_property
    def _root(self) -> int:
        """How many leading parts of every name are the checked root's own, which lends no layer."""
        own = [m for m in self.modules.ordered if m not in self.modules.shared]
        if not own:
            return 0
        module = own[0]
        path = self.modules.relative(module).removesuffix(".py").removesuffix("__init__").rstrip("/")
        return max(0, len(module.name.split(".")) - len([part for part in path.split("/") if part]))

    def by_name(self, module: Module) -> str | None:
        """The layer that the module's own name and its folders say, from the inside out."""
        parts = module.name.split(".")
        own, folders = parts[-1], parts[self._root : -1]
        if len(parts) <= self._root:
            return None
        prefixes = [".".join(parts[: self._root + i + 1]) for i in range(len(folders))]
        strong_folders = [self._lent(prefix, folder) for prefix, folder in zip(prefixes, folders)]
        enclosing = next((layer for layer in reversed(strong_folders) if layer), None)
        named = self._own_strong(own, module.is_package)
        if named is not None and not (named[0] in _EVERYDAY and enclosing):
            if module.is_package and not self._lends(module.name, named[1], named[0]):
                named = None
            elif named[1] == "wiring" and any(set(words_of(f)) & _CONNECTION_FOLDERS for f in folders):
                return "core"
            else:
                return enclosing if named[0] == "controller" and enclosing == "routes" else _without_handlers(named)
        if enclosing is not None:
            return enclosing
        for name in (own, *reversed(folders)):
            weak = _weak(name)
            if weak is not None:
                return _WEAK[weak]
        return None

    def claimed(self, module: Module) -> str | None:
        """The layer with endpoints of its own nowhere (services, repositories, models, schemas) that configuration
        or an unmistakable word of the module's name assigns it to; None where the word also names a thing, or
        where a folder says routes (``routes/services.py`` has the endpoints of services).
        """
        configured = self.configured(module)
        layer = configured or self.by_name(module)
        if layer not in {"services", "repositories", "models", "schemas"}:
            return None
        parts = module.name.split(".")
        words = {_strong(part) for part in parts[self._root :]} - {None}
        deciding = {word for word in words if _STRONG[word or ""] == layer and word not in _EVERYDAY}
        routes = any(_STRONG[word or ""] == "routes" for word in words)
        return layer if configured or (deciding and not routes) else None

    @staticmethod
    def _own_strong(name: str, is_folder: bool) -> tuple[str, str] | None:
        word = _strong(name)
        if word is None:
            return None
        layer = _STRONG[word]
        if layer == "wiring" and is_folder and name.lower() not in _WIRING_FOLDERS:
            return None
        if layer == "wiring" and words_of(name)[:-1] and word in {"main", "app", "event"}:
            return None  # ``mobile_app`` and ``calendar_events`` are things, not wiring
        return word, layer

    def _lent(self, prefix: str, folder: str) -> str | None:
        """The layer that a folder lends to what lies in it."""
        named = self._own_strong(folder, True)
        if named is None or not self._lends(prefix, named[1], named[0]):
            return None
        return _without_handlers(named)

    def _lends(self, prefix: str, layer: str, word: str) -> bool:
        """Whether the folder keeps its layer: one that holds folders or modules of several layers lends none."""
        folders, modules = self._children.get(prefix, (frozenset(), frozenset()))
        of_folders = {n[1] for f in folders if (n := self._own_strong(f, True)) and n[1] != "wiring"}
        of_modules = {
            n[1] for m in modules if (n := self._own_strong(m, False)) and n[1] != "wiring" and n[0] not in _EVERYDAY
        }
        if of_folders - {layer}:
            return False
        if word in _EVERYDAY and of_modules - {layer}:
            return False
        return len(of_folders | of_modules) < 2

    @cached_property
    def _children(self) -> dict[str, tuple[frozenset[str], frozenset[str]]]:
        folders: dict[str, set[str]] = {}
        files: dict[str, set[str]] = {}
        for module in self.modules.ordered:
            parts = module.name.split(".")
            depth = len(parts) if module.is_package else len(parts) - 1
            for index in range(1, depth):
                folders.setdefault(".".join(parts[:index]), set()).add(parts[index])
            if not module.is_package:
                files.setdefault(".".join(parts[:-1]), set()).add(parts[-1])
        return {
            prefix: (frozenset(folders.get(prefix, ())), frozenset(files.get(prefix, ())))
            for prefix in folders.keys() | files.keys()
        }

    # --- what may be imported

    def allows(self, importer: str, imported: Module) -> bool:
        """Whether a module of the layer ``importer`` may import the module."""
        layer = self.of(imported)
        if layer is None or layer == importer:
            return True
        if importer in self.options.allowed_imports:
            return layer in self.options.allowed_imports[importer]
        if imported in self.app_modules and importer != "wiring":
            return False
        return layer in _ALLOWED[importer]

    @cached_property
    def app_modules(self) -> frozenset[Module]:
        """The modules that construct the app: only wiring may import them.

        Where there are several, one that is given to nobody (``app = FastAPI()`` and no further word of it) is none.
        """
        sites = self.web.app_sites
        used = {site.code.module for site in sites if not self._is_idle(site)}
        return frozenset(used or {site.code.module for site in sites})

    def _is_idle(self, site: Site) -> bool:
        """Whether an app is bound to a module's name that nothing in the project mentions again."""
        module = site.code
        names = [
            e.target.name for e in module.body.events
            if isinstance(e, Bind) and isinstance(e.target, Ref)
            and isinstance(e.value, CallRef) and e.value.index == site.index
        ]  # fmt: skip
        if not isinstance(module, Module) or len(names) != 1 or site.call.args or site.call.keywords:
            return False
        name = names[0]
        return not any(
            self._takes(other, module, name) if other is not module else _mentions(other, name)
            for other in self.modules.ordered
        )

    def _takes(self, importer: Module, module: Module, name: str) -> bool:
        """Whether one module uses a name of another: ``from m import app``, ``import m`` and then ``m.app``."""
        for item in importer.facts.imports:
            if self.modules.imported_module(importer, item) is module and item.name in {name, "*"}:
                return True
        own = module.name.rpartition(".")[2]
        return any(
            f".{own}.{name}." in f".{load}."
            for code in importer.codes() if own in code.words and name in code.words
            for load in code.body.loads
        )  # fmt: skip

    def in_layer(self, *layers: str) -> tuple[Module, ...]:
        """The application's modules of these layers, by name; packages with nothing in them are no layer."""
        return tuple(
            m for m in self.modules.ordered if m.application and not m.facts.empty and self.of(m) in layers
        )  # fmt: skip
