"""What a program asks of its database and which indexes it declares, together: what the checks of rule 9 ask."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from guardrails.facts.records import Expr, Import, Op, Ref
from guardrails.finding import Place
from guardrails.program.model import Code, Function, Module
from guardrails.program.mongo import Operation
from guardrails.program.queries.declarations import Declarations, Unread
from guardrails.program.queries.documents import fields, shape, show_filter
from guardrails.program.queries.model import Index, Query, Unknown, unknowns
from guardrails.program.queries.planner import Plan, branches, plan
from guardrails.program.queries.reader import Reader, empty
from guardrails.program.queries.suggest import Suggestion, redundant, suggest, uses

if TYPE_CHECKING:
    from guardrails.program.program import Program


class Declaring(Struct, frozen=True):
    """A call that declares indexes, and what it declares."""

    operation: Operation
    found: tuple[Index | Unread, ...]

    @property
    def code(self) -> Code:
        """The code that makes the call."""
        return self.operation.code

    @property
    def place(self) -> Place:
        """Where the call stands."""
        return self.code.place(self.operation.span)


class Indexing:
    """Answers about queries and indexes, lazily and once."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.reader = Reader(program.types, program.mongo)
        self.declarations = Declarations(self.reader)
        # The query is kept beside its plan: its address is the key.
        self._plans: dict[int, tuple[Query, Plan]] = {}

    # --- queries

    @cached_property
    def every_query(self) -> tuple[Query, ...]:
        """What all readable files ask, tests and scripts included, by place."""
        found: dict[tuple[object, ...], Query] = {}
        for operation in self.program.mongo.operations:
            for query in self.reader.queries(operation):
                # Callers that differ in values alone ask one query, at the place of its filter.
                found.setdefault((query.place, str(query.collection), shape(query), query.operation), query)
        return tuple(sorted(found.values(), key=_order))

    @cached_property
    def queries(self) -> tuple[Query, ...]:
        """What the application asks: its filters and sorts, by place. Operations without either are none."""
        own = {module.display for module in self.program.application}
        return tuple(q for q in self.every_query if q.place and q.place.path in own and not empty(q))

    # --- indexes

    @cached_property
    def calls(self) -> tuple[Declaring, ...]:
        """The calls that declare indexes, by module and place."""
        found = []
        for operation in self.program.mongo.operations:
            declared = self.declarations.of_call(operation)
            if declared:
                found.append(Declaring(operation, declared))
        return tuple(found)

    @cached_property
    def _declared(self) -> tuple[Index | Unread, ...]:
        found: list[Index | Unread] = [part for call in self.calls for part in call.found]
        for module in self.program.modules.ordered:
            for cls in module.classes:
                found += self.declarations.of_class(cls)
        distinct: list[Index | Unread] = []
        for part in found:
            if part not in distinct:
                distinct.append(part)
        return tuple(distinct)

    @cached_property
    def indexes(self) -> tuple[Index, ...]:
        """The declared indexes, wherever they are declared, by module and place."""
        return tuple(part for part in self._declared if isinstance(part, Index))

    @cached_property
    def unread(self) -> tuple[Unread, ...]:
        """Declarations that cannot be read whole."""
        return tuple(part for part in self._declared if isinstance(part, Unread))

    @cached_property
    def _by_collection(self) -> dict[str, tuple[Index, ...]]:
        found: dict[str, list[Index]] = {}
        for index in self.indexes:
            if isinstance(index.collection, str):
                found.setdefault(index.collection, []).append(index)
        return {collection: tuple(indexes) for collection, indexes in found.items()}

    def of(self, collection: str) -> tuple[Index, ...]:
        """The declared indexes of a collection, the one on ``_id`` apart."""
        return self._by_collection.get(collection, ())

    def complete(self, collection: str) -> bool:
        """Whether all declarations that may be of this collection could be read."""
        return not any(isinstance(part.collection, Unknown) or part.collection == collection for part in self.unread)

    def plan(self, query: Query) -> Plan:
        """The verdict on a query, by the indexes of its collection; unread where either is not known."""
        known = self._plans.get(id(query))
        if known is None:
            known = self._plans[id(query)] = query, self._plan(query)
        return known[1]

    def _plan(self, query: Query) -> Plan:
        if isinstance(query.collection, Unknown):
            return Plan(query, unread=query.collection.reason)
        verdict = plan(query, self.of(query.collection))
        if verdict.judged and not self.complete(query.collection):
            return Plan(query, unread=f"not all indexes of {query.collection} can be read")
        return verdict

    def asks_for_index(self, query: Query) -> bool:
        """Whether a query filters or sorts by anything but ``_id``, and ``_id`` does not already pin its document."""
        return any(path != "_id" for path in fields(query)) and not plan(query, ()).pinned

    def patterns_alone(self, query: Query) -> tuple[str, ...]:
        """The fields of the branches whose only conditions are patterns that no index bounds."""
        if any(unknowns(query.filter)):
            return ()
        alone = [branch for branch in branches(query) or () if branch.pattern_only]
        return tuple(dict.fromkeys(c.path for branch in alone for c in branch.conditions))

    def suggestions(self) -> tuple[Suggestion, ...]:
        """The indexes that the application's queries lack, for collections whose declarations can be read."""
        asked = [q for q in self.judged if isinstance(q.collection, str) and self.complete(q.collection)]
        return suggest(asked, self.indexes)

    @cached_property
    def redundant(self) -> tuple[tuple[Index, Index], ...]:
        """The application's indexes that are prefixes of others, with the longer one."""
        found = []
        for index in self._own_indexes:
            longer = redundant(index, self.indexes)
            if longer is not None:
                found.append((index, longer))
        return tuple(found)

    @cached_property
    def unused(self) -> tuple[Index, ...]:
        """The application's indexes that no query uses, where all queries of the collection can be read."""
        if any(o.method.name in ("command", "cursor_command") for o in self.program.mongo.operations):
            return ()
        if any(isinstance(query.collection, Unknown) for query in self.every_query):
            return ()
        found = []
        for index in self._own_indexes:
            answers = [uses(q, index) for q in self.every_query if q.collection == index.collection]
            if not index.unique and not index.ttl and not any(answer is not False for answer in answers):
                found.append(index)
        return tuple(found)

    @cached_property
    def _own_indexes(self) -> tuple[Index, ...]:
        """The indexes that application modules declare, each once."""
        own = {module.display for module in self.program.application}
        return tuple(index for index in self.indexes if index.place and index.place.path in own)

    @cached_property
    def judged(self) -> tuple[Query, ...]:
        """The application's queries, each filter once: where its sort has forms that are served differently, none of
        them is sure, and the filter is judged without a sort.
        """
        forms: dict[tuple[object, ...], list[Query]] = {}
        for query in self.queries:
            key = (query.place, str(query.collection), show_filter(query.filter), query.operation)
            forms.setdefault(key, []).append(query)
        found = []
        for several in forms.values():
            verdicts = [self.plan(query) for query in several]
            agree = len({verdict.reach for verdict in verdicts}) == 1
            doubtful = replace(several[0], sort=Unknown("the sort has several forms"))
            found.append(several[0] if agree else doubtful)
        return tuple(found)

    # --- the registry

    @cached_property
    def declares(self) -> bool:
        """Whether some application module declares an index, read or not."""
        own = {module.display for module in self.program.application}
        return any(part.place is not None and part.place.path in own for part in self._declared)

    @cached_property
    def registries(self) -> frozenset[Module]:
        """The index registry: modules named so; else those of document settings; else the one that declares."""
        named = self.program.roles.named_registries
        if named:
            return named
        application = {module.display: module for module in self.program.application}
        called = {id(part) for call in self.calls for part in call.found}
        settings = {
            application[part.place.path]
            for part in self._declared
            if part.place and part.place.path in application and id(part) not in called
        }
        if settings:
            return frozenset(settings)
        declaring = {call.code.module for call in self.calls if call.code.module.application}
        return frozenset(declaring) if len(declaring) == 1 else frozenset()

    def applies_registry(self, call: Declaring) -> bool:
        """Whether an index call stands in the registry, or in a function that reads the registry."""
        module = call.code.module
        if module in self.registries:
            return True
        names = {
            item.alias or item.name or item.module.partition(".")[0]
            for item in module.facts.imports
            if self._imports_registry(module, item)
        }
        scope: Code | None = call.code
        while scope is not None and not isinstance(scope, Module):
            if any(load.partition(".")[0] in names for load in scope.body.loads):
                return True
            scope = scope.outer
        return False

    def _imports_registry(self, module: Module, item: Import) -> bool:
        source = self.program.modules.imported_module(module, item)
        if source in self.registries:
            return True
        base = self.program.modules.absolute(module, item)
        inner = self.program.modules.find(f"{base}.{item.name}", module) if base and item.name else None
        return inner in self.registries

    @cached_property
    def unapplied_registry(self) -> Module | None:
        """The registry, if there is one with indexes and nothing on the app's start-up path applies it."""
        program = self.program
        appliers = self._appliers
        if not program.web.app_sites or not self.registries or not self.declares or appliers is None:
            return None
        roots: set[Function] = set(program.web.startup)
        for module in program.application:
            # Importing a module runs its body, but for what it does as a script.
            roots.update(e.target for e in program.calls.edges(module) if not _as_script(module, e.block))
        reached: set[Code] = {*program.calls.reachable(sorted(roots, key=lambda f: f.qualname)), *program.application}
        if any(code in reached and not self._only_as_script(code) for code in appliers):
            return None
        # A call that cannot be resolved may be one of theirs.
        names = {code.name for code in self._callers_of(appliers)}
        for code in reached:
            for call in code.body.calls:
                if _tail(call.func) in names and not program.types.targets(call, code):
                    return None
        return min(self.registries, key=lambda module: module.name)

    @cached_property
    def _appliers(self) -> set[Code] | None:
        """The code that creates the registry's indexes; ``None`` where a library does so by itself."""
        found: set[Code] = {call.code for call in self.calls if call.code.module.application}
        for operation in self.program.mongo.operations:
            if operation.name == "beanie.init_beanie" or operation.method.name in _APPLYING:
                found.add(operation.code)
        classes = [cls for module in self.registries for cls in module.classes]
        if not found and any(self.program.types.is_a(cls, *_SELF_APPLYING) for cls in classes):
            return None
        return found

    def _only_as_script(self, code: Code) -> bool:
        """Whether a module's own index calls run only where it is run as a script."""
        own = [call.operation.call for call in self.calls if call.code is code]
        return isinstance(code, Module) and bool(own) and all(_as_script(code, call.block) for call in own)

    def _callers_of(self, appliers: set[Code]) -> set[Function]:
        """The functions that apply the registry, and those that call them by name."""
        found = {code for code in appliers if isinstance(code, Function)}
        pending = list(found)
        while pending:
            for code, _ in self.program.types.calls_of(pending.pop()):
                if isinstance(code, Function) and code not in found:
                    found.add(code)
                    pending.append(code)
        return found


_APPLYING = frozenset({"configure_database", "ensure_indexes"})
_SELF_APPLYING = ("mongoengine.Document", "mongoengine.DynamicDocument")


def _as_script(module: Module, block: int) -> bool:
    """Whether a block of a module's body stands under ``if __name__ == "__main__"``."""
    return any(
        isinstance(record.expr, Op) and any(isinstance(o, Ref) and o.name == "__name__" for o in record.expr.operands)
        for _, record in module.ancestors_of(block)
    )


def _tail(func: Expr) -> str:
    name = getattr(func, "name", "")
    return str(name).rpartition(".")[2]


def _order(query: Query) -> tuple[object, ...]:
    return (query.place, query.symbol, str(query.collection), query.operation, repr(query.filter))
