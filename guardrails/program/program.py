"""The program: what the files mean together. Checks ask it; it answers lazily and once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from guardrails.facts.cache import FactsFailure
from guardrails.facts.records import ModuleFacts
from guardrails.finding import Place
from guardrails.options import Options
from guardrails.program.answers import Answers
from guardrails.program.architecture import Architecture
from guardrails.program.blocking import Blocks
from guardrails.program.calls import CallGraph
from guardrails.program.connections import Connections
from guardrails.program.contracts import Contracts
from guardrails.program.coroutines import Coroutines
from guardrails.program.edges import Edges
from guardrails.program.errors import Errors
from guardrails.program.fields import Fields
from guardrails.program.imports import Imports
from guardrails.program.layers import Layers
from guardrails.program.logs import Logs
from guardrails.program.model import Module
from guardrails.program.modules import Modules, Pool
from guardrails.program.mongo import Mongo
from guardrails.program.operations import Operations
from guardrails.program.queries.indexing import Indexing
from guardrails.program.repositories import Repositories
from guardrails.program.roles import Roles
from guardrails.program.routes import Routes
from guardrails.program.schemas import Schemas
from guardrails.program.secrets import Secrets
from guardrails.program.settings import Settings
from guardrails.program.types import Types
from guardrails.program.web import Web
from guardrails.project.environment import Environment
from guardrails.project.model import Project


class Program:
    """One application. Its parts: ``types`` (names and values), ``imports``, ``layers``, ``calls``, ``web``,
    ``routes``, ``mongo``, ``indexing`` (queries and indexes), ``blocking``, ``roles`` (database module, config
    module, index registry), and the questions of each rule.
    """

    def __init__(
        self,
        project: Project,
        facts: Mapping[str, ModuleFacts | FactsFailure],
        options: Options,
        pool: Pool | None = None,
    ) -> None:
        self.project = project
        self.options = options
        self.modules = Modules(project, {d: f for d, f in facts.items() if isinstance(f, ModuleFacts)}, pool)
        self.failures = {d: f for d, f in sorted(facts.items()) if isinstance(f, FactsFailure)}

    @cached_property
    def application(self) -> tuple[Module, ...]:
        """The application's modules, by name."""
        return tuple(m for m in self.modules.ordered if m.application)

    @cached_property
    def types(self) -> Types:
        return Types(self.modules)

    @cached_property
    def imports(self) -> Imports:
        return Imports(self.modules)

    @cached_property
    def web(self) -> Web:
        return Web(self.modules, self.types)

    @cached_property
    def routes(self) -> Routes:
        return Routes(self)

    @cached_property
    def layers(self) -> Layers:
        return Layers(self.modules, self.web, self.options)

    @cached_property
    def architecture(self) -> Architecture:
        return Architecture(self.modules, self.imports, self.layers, self.options)

    @cached_property
    def contracts(self) -> Contracts:
        return Contracts(self.modules, self.imports, self.options)

    @cached_property
    def connections(self) -> Connections:
        return Connections(self)

    @cached_property
    def repositories(self) -> Repositories:
        return Repositories(self)

    @cached_property
    def coroutines(self) -> Coroutines:
        return Coroutines(self)

    @cached_property
    def edges(self) -> Edges:
        return Edges(self.modules, self.types)

    @cached_property
    def calls(self) -> CallGraph:
        return CallGraph(self.modules, self.types, self.web, self.layers, self.edges)

    @cached_property
    def mongo(self) -> Mongo:
        return Mongo(self.modules, self.types, self.options.mongo_methods)

    @cached_property
    def blocking(self) -> Blocks:
        return Blocks(self.modules, self.types, self.calls, self.options.blocking_calls, self.mongo)

    @cached_property
    def indexing(self) -> Indexing:
        return Indexing(self)

    @cached_property
    def logs(self) -> Logs:
        return Logs(self)

    @cached_property
    def operations(self) -> Operations:
        return Operations(self)

    @cached_property
    def errors(self) -> Errors:
        return Errors(self)

    @cached_property
    def answers(self) -> Answers:
        return Answers(self)

    @cached_property
    def roles(self) -> Roles:
        return Roles(self.modules, self.types, self.layers, self.options)

    @cached_property
    def environment(self) -> Environment:
        """What lies beside the code, from the folders of the apps up to the repository's root."""
        root = self.project.root
        apps = self.project.applications or [f.display for f in self.project.files if f.application]
        homes = {f.path.parent for f in self.project.files if f.display in set(apps)}
        inner = {folder for home in homes for folder in (home, *home.parents) if root in folder.parents}
        return Environment(root, self.project.base, sorted(inner, key=lambda f: (-len(f.parts), f)))

    @cached_property
    def fields(self) -> Fields:
        return Fields(self.types)

    @cached_property
    def settings(self) -> Settings:
        return Settings(self)

    @cached_property
    def schemas(self) -> Schemas:
        return Schemas(self)

    @cached_property
    def secrets(self) -> Secrets:
        return Secrets(self)

    def project_place(self, *candidates: Module | None) -> tuple[Place, str]:
        """Where a finding about the whole project stands, and its symbol: the first module given that exists, else
        the module that constructs the app, else the first package.
        """
        for module in candidates:
            if module is not None:
                return module.place_of_module, module.name
        if self.web.app_sites:
            module = self.web.app_sites[0].code.module
            return module.place_of_module, module.name
        if not self.modules.ordered:
            return Place(self.project.display_root or "."), self.project.name
        packages = [m for m in self.application if m.is_package]
        chosen = min(packages or self.application or self.modules.ordered, key=lambda m: (m.name.count("."), m.name))
        return chosen.place_of_module, chosen.name


def link(
    project: Project,
    facts: Mapping[str, ModuleFacts | FactsFailure],
    options: Options,
    pool: Pool | None = None,
) -> Program:
    """A program of the project's files: ``facts``, or why there are none, by display path.

    ``pool``: the modules of programs linked before. What is the same file under the same name there is the same
    module here, with all that was found out about its text alone.
    """
    return Program(project, facts, options, pool)
