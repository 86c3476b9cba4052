"""Rule 6's questions: settings classes, their secrets, the variables they need, who else reads the environment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import PurePath
from typing import TYPE_CHECKING

from msgspec import Struct

from guardrails.facts.records import (
    Bind,
    Bytes,
    Call,
    CallRef,
    Delete,
    Expr,
    FString,
    Item,
    Items,
    Ref,
    Span,
)  # fmt: skip
from guardrails.knowledge.frameworks import (
    ENVIRONMENT,
    ENVIRONMENT_READER_CLASSES,
    ENVIRONMENT_READERS,
    SECRET_TYPES,
    SETTINGS_BASES,
)  # fmt: skip
from guardrails.knowledge.secrets import secret_name
from guardrails.program.expressions import evaluated, keyword, text_of, words_in
from guardrails.program.fields import NONE, Field
from guardrails.program.layers import words_of
from guardrails.program.model import Class, Code, Module, tail
from guardrails.program.values import ExternalInstance, ExternalValue, Value
from guardrails.project.environment import DotenvFile, dotenv_kind

if TYPE_CHECKING:
    from guardrails.program.program import Program

# What only changes a variable, where its result is dropped.
_WRITERS = frozenset({"setdefault", "pop", "update", "clear", "__setitem__", "__delitem__", "popitem"})
_LOADERS = frozenset({"dotenv.load_dotenv", "dotenv.dotenv_values"})
_NAMES = frozenset(name.rpartition(".")[2] for name in ENVIRONMENT | ENVIRONMENT_READERS)
_ENVIRONMENT_WORDS = frozenset({"env", "environment", "stage", "profile", "deployment"})
_ENVIRONMENT_FIELDS = (("env", "name"), ("environment", "name"), ("mode",), ("app", "mode"), ("run", "mode"))
# Words in the name of a dotenv file that is committed on purpose: what the tests run with.
_TESTING = frozenset({"test", "tests", "testing", "ci"})
_PRODUCTION = frozenset({"production", "prod"})
_ENVIRONMENT_NAMES = frozenset({"dev", "development", "local", "stage", "staging", "prod", "production", "live"})


class EnvironmentRead(Struct, frozen=True):
    """A read of the environment. ``what``: as the message names it (``os.getenv``)."""

    code: Code
    span: Span
    what: str


class Settings:
    """Answers about the configuration."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.types = program.types
        self.fields = program.fields

    @cached_property
    def classes(self) -> tuple[Class, ...]:
        """The application's ``BaseSettings`` classes, by module and line."""
        return self.program.roles.settings_classes

    @cached_property
    def module(self) -> Module | None:
        """The module that the configuration is at home in: one with a settings class, else one named so."""
        named = [m for m in self.program.roles.config_modules if m.application and not m.facts.empty]
        homes = [cls.module for cls in self.classes] or named
        return min(homes, key=lambda m: (not _is_named_config(m), m.name.count("."), m.name), default=None)

    @cached_property
    def may_be_elsewhere(self) -> bool:
        """Whether a class named after settings has a base that cannot be read: it may be ``BaseSettings``."""
        return any(
            words_of(cls.name)[-1:] in (("settings",), ("config",), ("setting",)) and self.types.has_unknown_base(cls)
            for module in self.program.application
            for cls in module.classes
        )

    @cached_property
    def nested(self) -> tuple[Class, ...]:
        """The settings classes and the models that their fields name, each before what it names."""
        found = dict.fromkeys(self.classes)
        pending = list(self.classes)
        while pending:
            for each in self.fields.all(pending.pop(0)):
                for part in each.type.parts():
                    if part.cls is not None and part.cls not in found and self.fields.is_model(part.cls):
                        found[part.cls] = None
                        pending.append(part.cls)
        return tuple(found)

    # --- secrets

    @cached_property
    def secret_fields(self) -> tuple[Field, ...]:
        """The fields of settings whose names say secret, where they are declared."""
        return tuple(each for cls in self.nested for each in self.fields.own(cls) if _says_secret(each.name))

    def literal_default(self, field: Field) -> str | None:
        """The text that a field has by default, also inside ``SecretStr(...)``; None where there is none."""
        expr = field.default
        call = field.owner.call(expr)
        if call is not None and call.args and self._names(call, field.owner) & SECRET_TYPES:
            expr = call.args[0]
        return expr.value if isinstance(expr, Bytes) else text_of(expr)

    @staticmethod
    def is_plain_text(field: Field) -> bool:
        """Whether a field's type is ``str``, or ``str`` or None."""
        return [part.name for part in field.type.alternatives()] == ["str"]

    def _names(self, call: Call, code: Code) -> set[str]:
        return {v.name for v in self.types.infer(call.func, code, call.block) if isinstance(v, ExternalValue)}

    # --- reads of the environment

    @cached_property
    def reads(self) -> tuple[EnvironmentRead, ...]:
        """Every read of the environment in application code, by module and place."""
        return tuple(
            read
            for module in self.program.application
            for aliases in [_aliases(module)]
            if self._has_readers or not aliases.isdisjoint(module.reading(words_in))
            for code in module.codes()
            for read in sorted(self._reads_in(code, aliases), key=lambda r: r.span)
        )

    def _reads_in(self, code: Code, aliases: frozenset[str]) -> Iterator[EnvironmentRead]:
        if not self._has_readers and aliases.isdisjoint(code.words):
            return
        written = {id(expr) for expr in self._written(code)}
        seen: set[int] = set()
        for block, expr in evaluated(code):
            if id(expr) in written or id(expr) in seen:
                continue
            seen.add(id(expr))
            if isinstance(expr, Ref) and not aliases.isdisjoint(expr.name.split(".")):
                for value in self.types.infer(expr, code, block):
                    if isinstance(value, ExternalValue) and _is_environment(value.name):
                        yield EnvironmentRead(code, expr.span, ".".join(value.name.split(".")[:3]))
            elif isinstance(expr, CallRef):
                call = code.body.calls[expr.index]
                if not self._has_readers and tail(call.func) not in aliases:
                    continue
                for value in self.types.infer(call.func, code, call.block):
                    what = self._reader(value)
                    if what is not None:
                        yield EnvironmentRead(code, call.span, what)
                        break
            elif isinstance(expr, Item) and self._has_readers:
                for value in self.types.infer(expr.value, code, block):
                    if isinstance(value, ExternalInstance) and value.cls in ENVIRONMENT_READER_CLASSES:
                        yield EnvironmentRead(code, expr.span, value.cls)

    @cached_property
    def _has_readers(self) -> bool:
        """Whether any module imports a library whose objects read the environment, under whatever name."""
        packages = {name.rpartition(".")[0] for name in ENVIRONMENT_READER_CLASSES}
        return any(
            item.module in packages or f"{item.module}.{item.name}" in packages
            for module in self.program.modules.ordered
            for item in module.facts.imports
        )

    @staticmethod
    def _reader(value: Value) -> str | None:
        """What a call of ``value`` reads the environment with, if it does."""
        if isinstance(value, ExternalInstance):
            return value.cls if value.cls in ENVIRONMENT_READER_CLASSES else None
        if isinstance(value, ExternalValue):
            receiver = value.receiver
            if isinstance(receiver, ExternalInstance) and receiver.cls in ENVIRONMENT_READER_CLASSES:
                return value.name
            return value.name if value.name in ENVIRONMENT_READERS else None
        return None

    @staticmethod
    def _written(code: Code) -> Iterator[Expr]:
        """The names through which a body only writes variables, or hands all of them to another process."""
        for event in code.body.events:
            if isinstance(event, Bind):
                targets: tuple[Expr, ...] = (event.target,)
            else:
                targets = event.targets if isinstance(event, Delete) else ()
            for target in targets:
                yield target.value if isinstance(target, Item) else target
        for call in code.body.calls:
            if tail(call.func) in _WRITERS and call.use == "drop":
                yield call.func
            handed = keyword(call.keywords, "env")
            if handed is not None:
                yield from code.walk(handed)

    # --- dotenv files

    @cached_property
    def loaded_names(self) -> tuple[str, ...]:
        """The names of the dotenv files that the application loads, where they can be read."""
        found: set[str] = set()
        for cls in self.classes:
            for expr in self.fields.config(cls, "env_file"):
                parts = expr.items if isinstance(expr, Items) else (expr,)
                found.update(PurePath(text).name for part in parts if (text := text_of(part)))
        for site in self.program.modules.sites.named({"load_dotenv", "dotenv_values"}):
            call = site.call
            if self._names(call, site.code) & _LOADERS:
                path = call.args[0] if call.args else keyword(call.keywords, "dotenv_path")
                found.add(PurePath(text_of(path) or "").name if path is not None else ".env")
        return tuple(sorted(name for name in found if dotenv_kind(name) == "dotenv"))

    @cached_property
    def exposed_dotenv(self) -> tuple[tuple[str, str], ...]:
        """Dotenv files that git has or may get, each with why: ``tracked``, ``exists`` or ``loaded``."""
        environment = self.program.environment
        found: dict[str, str] = {}
        here = [f for f in (*environment.dotenv_files, *environment.dotenv_elsewhere) if not f.example]
        for file in here:
            if (
                _TESTING.isdisjoint(re.split(r"[._-]", file.path.name.lower()))
                and file.variables
                and (file.tracked or not file.ignored)
            ):
                found[environment.display(file.path)] = "tracked" if file.tracked else "exists"
        for name in self.loaded_names:
            if any(file.path.name == name for file in here):
                continue
            if not any(environment.ignored(folder / name) for folder in environment.folders):
                found.setdefault(name, "loaded")
        return tuple(sorted(found.items()))

    @cached_property
    def examples(self) -> tuple[DotenvFile, ...]:
        """The example dotenv files, those nearest to the code first; those elsewhere only where there are no others."""
        environment = self.program.environment
        near = tuple(file for file in environment.dotenv_files if file.example)
        return near or tuple(file for file in environment.dotenv_elsewhere if file.example)

    @cached_property
    def from_environment(self) -> bool:
        """Whether anything is read from the environment."""
        return any(self.fields.all(cls) for cls in self.classes) or bool(self.reads)

    @cached_property
    def undocumented(self) -> tuple[str, ...]:
        """The variables that settings require and no example file has, sorted.

        Empty where all examples lie elsewhere: they may be for other programs.
        """
        if not any(file in self.program.environment.dotenv_files for file in self.examples):
            return ()
        known = {name.lower() for file in self.examples for name, _ in file.variables}
        missing: set[str] = set()
        for cls in self.classes:
            if self.types.subclasses(cls) and not self._constructed(cls):
                continue  # its subclasses say what they need
            if any(self._method(cls, name) for name in ("settings_customise_sources", "customise_sources")):
                continue  # other sources than the environment
            missing.update(self._missing(cls, cls, self._text_option(cls, "env_prefix"), "", known))
        return tuple(sorted(missing))

    def _missing(self, cls: Class, settings: Class, prefix: str, path: str, known: set[str]) -> Iterator[str]:
        delimiter = self._text_option(settings, "env_nested_delimiter")
        old = self._is_old(settings)
        for each in self.fields.all(cls):
            if not each.required or (old and any(p.name == NONE for p in each.type.parts())):
                continue
            names = [path + name for name in self._variables(each, "" if path else prefix)]
            if any(name.lower() in known for name in names) or not names:
                continue
            inner = [p.cls for p in each.type.alternatives() if p.cls is not None and self.fields.is_model(p.cls)]
            if any(self.types.is_a(c, *SETTINGS_BASES) for c in inner):
                continue  # it reads its own variables
            if inner and delimiter:
                yield from self._missing(inner[0], settings, "", names[0] + delimiter, known)
            else:
                yield names[0]

    def _variables(self, each: Field, prefix: str) -> list[str]:
        """The variables that a field may come from, its usual name first."""
        given: list[str] = []
        for option in ("validation_alias", "alias", "env"):
            expr = each.options.get(option)
            if expr is not None:
                call = each.owner.call(expr)
                parts = call.args if call is not None else expr.items if isinstance(expr, Items) else (expr,)
                given += [text for part in parts if (text := text_of(part))]
                if not given:
                    return []  # an alias that cannot be read
        return given or [(prefix + each.name).upper()]

    # --- options of settings classes

    def _text_option(self, cls: Class, name: str) -> str:
        return next((text_of(expr) or "" for expr in self.fields.config(cls, name)), "")

    def _is_old(self, cls: Class) -> bool:
        """Whether settings are those of Pydantic 1, where an optional field needs no value."""
        return self.types.is_a(cls, "pydantic.BaseSettings", "pydantic.v1.BaseSettings")

    def _constructed(self, cls: Class) -> bool:
        return any(True for _ in self.types.calls_named(cls.name))

    def _method(self, cls: Class, name: str) -> bool:
        owners = [c for c in self.types.mro(cls) if isinstance(c, Class)]
        inner = [config for owner in owners for config in self.fields.inner_config(owner)]
        return any(owner.method(name) for owner in (*owners, *inner))

    # --- environments

    @cached_property
    def separates_environments(self) -> bool:
        """Whether a field names the environment, or each has a class or a dotenv file of its own."""
        for cls in self.nested:
            for each in self.fields.own(cls):
                words = words_of(each.name)
                if words[-1] in _ENVIRONMENT_WORDS | _PRODUCTION or words in _ENVIRONMENT_FIELDS:
                    return True
        if any(
            isinstance(expr, (FString, CallRef)) for cls in self.classes for expr in self.fields.config(cls, "env_file")
        ):
            return True
        named = {word for cls in self.classes for word in words_of(cls.name)} & _ENVIRONMENT_NAMES
        filed = {
            w for f in self.program.environment.dotenv_files for w in re.split(r"[._-]", f.path.name.lower())
        } & _ENVIRONMENT_NAMES
        return len(named) > 1 or len(filed) > 1


def _is_named_config(module: Module) -> bool:
    return words_of(module.name.rpartition(".")[2])[-1:] in (("config",), ("settings",), ("conf",))


def _says_secret(name: str) -> bool:
    found = secret_name(name)
    return found is not None and found.kind != "password_hash"


def _is_environment(name: str) -> bool:
    return any(name == environment or name.startswith(f"{environment}.") for environment in ENVIRONMENT)


def _aliases(module: Module) -> frozenset[str]:
    """The names by which a module may call the environment and what reads it."""
    return _NAMES.union(i.alias for i in module.facts.imports if i.name in _NAMES and i.alias)
