"""Modules with a part of their own: the database module, the config module, the index registry."""

from __future__ import annotations

from functools import cached_property

from guardrails.knowledge.frameworks import SETTINGS_BASES
from guardrails.options import Options
from guardrails.program.layers import Layers, path_globs, words_of
from guardrails.program.model import Class, Module
from guardrails.program.modules import Modules
from guardrails.program.types import Types

_CONFIG_NAMES = frozenset({"config", "settings", "conf", "configs", "setting"})
_DATABASE_WORDS = frozenset({"db", "database", "databases", "mongo", "mongodb", "connection", "connections"})
# As a module's own last word only in a database package: ``db/session.py``, ``mongo/client.py``.
_IN_DATABASE_PACKAGE = frozenset({"session", "client", "base", "engine", "init", "motor", "mongo", "connect"})
REGISTRY_NAMES = frozenset({"database_indexes", "indexes", "indices"})


class Roles:
    """Answers which module plays which part."""

    def __init__(self, modules: Modules, types: Types, layers: Layers, options: Options) -> None:
        self.modules = modules
        self.types = types
        self.layers = layers
        self.options = options

    @cached_property
    def settings_classes(self) -> tuple[Class, ...]:
        """The application's settings classes (``BaseSettings``), by module and line."""
        return tuple(
            cls
            for module in self.modules.ordered if module in self.modules.context
            for cls in module.classes if self.types.is_a(cls, *SETTINGS_BASES)
        )  # fmt: skip

    @cached_property
    def config_modules(self) -> frozenset[Module]:
        """Modules that define settings, or that are named so and hold no connection."""
        found = {cls.module for cls in self.settings_classes}
        for module in self.modules.ordered:
            parts = module.name.lower().split(".")
            folders = parts if module.is_package else parts[:-1]
            named = parts[-1] in _CONFIG_NAMES or any(f in _CONFIG_NAMES for f in folders[1:])
            if (named and module not in self.database_modules) or self._matches(module, self.options.config_modules):
                found.add(module)
        return frozenset(found)

    @cached_property
    def database_modules(self) -> frozenset[Module]:
        """Modules named after the database or its connection in core or beside it, and wiring."""
        return frozenset(m for m in self.modules.ordered if self._is_database(m))

    @cached_property
    def database_module(self) -> Module | None:
        """The application module that the connection is at home in: the first that is no wiring, by name."""
        own = [
            m for m in self.database_modules if m.application and self.layers.of(m) != "wiring" and not m.facts.empty
        ]
        return min(own, key=lambda m: (m.is_package, m.name), default=None)

    def _is_database(self, module: Module) -> bool:
        if self._matches(module, self.options.database_modules):
            return True
        layer = self.layers.of(module)
        if layer == "wiring":
            return True
        if layer not in {"core", None, "utils"}:
            return False
        *folders, own = module.name.split(".")
        if set(words_of(own)) & _DATABASE_WORDS:
            return True
        inside = any(set(words_of(folder)) & _DATABASE_WORDS for folder in folders[-2:])
        return inside and (module.is_package or bool(set(words_of(own)) & _IN_DATABASE_PACKAGE) or layer == "core")

    @cached_property
    def named_registries(self) -> frozenset[Module]:
        """Modules named ``database_indexes``, ``indexes`` or ``indices``, or configured as such."""
        return frozenset(
            m
            for m in self.modules.ordered
            if m in self.modules.context
            and (m.name.rpartition(".")[2].lower() in REGISTRY_NAMES or self._matches(m, self.options.index_registries))
        )

    def _matches(self, module: Module, patterns: tuple[str, ...]) -> bool:
        if not patterns:
            return False
        spec = path_globs(patterns)
        return spec.match_file(module.display) or spec.match_file(self.modules.relative(module))
