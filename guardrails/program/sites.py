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
        self._rank: dict[Module, int] = {}
        self._named: dict[str, list[Site]] = {}
        self._given: dict[str, list[Site]] = {}
        for rank, module in enumerate(modules):
            self._rank[module] = rank
            read = module.reading(_Read)
            for name, sites in read.named.items():
                self._named.setdefault(name, []).extend(sites)
            for name, sites in read.given.items():
                self._given.setdefault(name, []).extend(sites)

    @property
    def names(self) -> Iterable[str]:
        """The last parts of the names of all that is called; empty for what has no name (``f()()``)."""
        return self._named.keys()

    def named(self, names: Iterable[str], keywords: Iterable[str] = (), *, everywhere: bool = False) -> Iterator[Site]:
        """The application's calls of anything whose name ends in one of ``names``, and those that give one of
        ``keywords``. ``everywhere``: those of the other modules too.
        """
        tables = [self._named[name] for name in names if name in self._named]
        tables += [self._given[name] for name in keywords if name in self._given]
        sites: Iterable[Site] = tables[0] if tables else ()
        if len(tables) > 1:
            once = {id(site): site for table in tables for site in table}
            sites = sorted(once.values(), key=self._place)
        for site in sites:
            if everywhere or site.code.module.application:
                yield site

    def _place(self, site: Site) -> tuple[int, int, int]:
        return self._rank[site.code.module], site.code.order, site.index


class _Read:
    """The calls of one module, by the last part of what they call and by the keywords that they give."""

    def __init__(self, module: Code) -> None:
        self.named: dict[str, list[Site]] = {}
        self.given: dict[str, list[Site]] = {}
        for code in module.module.codes():
            for index, call in enumerate(code.body.calls):
                site = Site(code, index)
                self.named.setdefault(tail(call.func), []).append(site)
                for keyword in call.keywords:
                    if keyword.name is not None:
                        self.given.setdefault(keyword.name, []).append(site)
