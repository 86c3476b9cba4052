"""What modules call things: names that rule out most questions before they are asked.

The answers are by name alone, so they say too much rather than too little.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from guardrails.facts.records import Attr, Bind, Item, Ref
from guardrails.program.model import Code, Module


class Names(Struct, frozen=True):
    """``callables``: what functions and classes are known by anywhere; ``properties``: what properties are called;
    ``attributes``: what is bound as an attribute, in a class or on an object; ``bases``: what some class is derived
    from.
    """

    callables: frozenset[str]
    properties: frozenset[str]
    attributes: frozenset[str]
    bases: frozenset[str]


def names_of(modules: Iterable[Module]) -> Names:
    """The names of modules."""
    callables: set[str] = set()
    properties: set[str] = set()
    attributes: set[str] = set()
    bases: set[str] = set()
    for module in modules:
        callables.update(f.name for f in module.functions)
        callables.update(c.name for c in module.classes)
        properties.update(f.name for f in module.functions if f.is_property)
        aliases = {i.alias: i.name for i in module.facts.imports if i.alias and i.name}
        callables.update(i.alias for i in module.facts.imports if i.alias)
        callables.update(_assigned(module))
        for cls in module.classes:
            attributes.update(_assigned(cls))
        for code in module.codes():
            attributes.update(b.target.name.rpartition(".")[2] for b in code.attribute_bindings)  # type: ignore[union-attr]
        for cls in module.classes:
            for base in cls.facts.bases:
                expr = base.value if isinstance(base, Item) else base
                if isinstance(expr, (Ref, Attr)):
                    last = expr.name.rpartition(".")[2]
                    bases.update((last, aliases.get(last, last)))
    callables |= attributes
    return Names(frozenset(callables), frozenset(properties), frozenset(attributes), frozenset(bases))


def _assigned(owner: Code) -> Iterator[str]:
    return (name for name, found in owner.bindings.items() if any(isinstance(d, Bind) for d in found))
