"""The project's calls by what they call and by what they are given: most questions are about a few names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from guardrails.facts.records import Call
from guardrails.program.model import Code, Module, tail


class Site(Struct, frozen=True):
    """A call where it stands."""

    code: Code
    index: int

    @property
    def call(self) -> Call:
        return self.code.body.calls[self.index]


class Sites:
    """The calls of a project. All answers are by module and place."""

    def __init__(self, modules: Iterable[Module]) -> None:
        self._all: list[tuple[Code, int]] = []
        self._named: dict[str, list[int]] = {}
        self._given: dict[str, list[int]] = {}
        for module in modules:
            for code in module.codes():
                for index, call in enumerate(code.body.calls):
                    position = len(self._all)
                    self._all.append((code, index))
                    self._named.setdefault(tail(call.func), []).append(position)
                    for keyword in call.keywords:
                        if keyword.name is not None:
                            self._given.setdefault(keyword.name, []).append(position)

    @property
    def names(self) -> Iterable[str]:
        """The last parts of the names of all that is called; empty for what has no name (``f()()``)."""
        return self._named.keys()

    def named(self, names: Iterable[str], keywords: Iterable[str] = (), *, everywhere: bool = False) -> Iterator[Site]:
        """The application's calls of anything whose name ends in one of ``names``, and those that give one of
        ``keywords``. ``everywhere``: those of the other modules too.
        """
        positions = {position for name in names for position in self._named.get(name, ())}
        positions.update(position for name in keywords for position in self._given.get(name, ()))
        for position in sorted(positions):
            code, index = self._all[position]
            if everywhere or code.module.application:
                yield Site(code, index)
