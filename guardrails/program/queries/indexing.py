"""What a program asks of its database and which indexes it declares, together: what the checks of rule 9 ask."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from guardrails.program.model import Module
from guardrails.program.mongo import Operation
from guardrails.program.queries.declarations import Declarations, Unread
from guardrails.program.queries.model import ID_INDEX, Index, Query, Unknown
from guardrails.program.queries.planner import Plan, plan
from guardrails.program.queries.reader import Reader, empty

if TYPE_CHECKING:
    from guardrails.program.program import Program


@dataclass(frozen=True, slots=True)
class Declaring:
    """A call that declares indexes, and what it declares."""

    operation: Operation
    found: tuple[Index | Unread, ...]


class Indexing:
    """Answers about queries and indexes, lazily and once."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.reader = Reader(program.types, program.mongo)
        self.declarations = Declarations(self.reader)

    # --- queries

    @cached_property
    def every_query(self) -> tuple[Query, ...]:
        """What all readable files ask, tests and scripts included, by place."""
        found: list[Query] = []
        for operation in self.program.mongo.operations:
            for query in self.reader.queries(operation):
                if query not in found[-40:]:
                    found.append(query)
        return tuple(sorted(found, key=_order))

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

    def of(self, collection: str) -> tuple[Index, ...]:
        """The declared indexes of a collection, the one on ``_id`` apart."""
        return tuple(index for index in self.indexes if index.collection == collection)

    def complete(self, collection: str) -> bool:
        """Whether all declarations that may be of this collection could be read."""
        return not any(
            isinstance(part.collection, Unknown) or part.collection == collection for part in self.unread
        )

    def plan(self, query: Query) -> Plan:
        """The verdict on a query, by the indexes of its collection; unread where either is not known."""
        if isinstance(query.collection, Unknown):
            return Plan(query, unread=query.collection.reason)
        verdict = plan(query, self.of(query.collection))
        if verdict.judged and not self.complete(query.collection):
            return Plan(query, unread=f"not all indexes of {query.collection} can be read")
        return verdict

    # --- the registry

    @cached_property
    def registries(self) -> frozenset[Module]:
        """The index registry: modules named so; else those of document settings; else the one that declares."""
        named = self.program.roles.named_registries
        if named:
            return named
        application = {module.display: module for module in self.program.application}
        settings = {
            application[index.place.path]
            for index in self.indexes
            if index.place and index.place.path in application and not self._by_call(index)
        }
        if settings:
            return frozenset(settings)
        declaring = {
            call.operation.code.module for call in self.calls if call.operation.code.module.application
        }
        return frozenset(declaring) if len(declaring) == 1 else frozenset()

    def _by_call(self, index: Index) -> bool:
        return any(index in call.found for call in self.calls)


def _order(query: Query) -> tuple[object, ...]:
    return (query.place, query.symbol, str(query.collection), query.operation, repr(query.filter))


__all__ = ["ID_INDEX", "Declaring", "Indexing"]
