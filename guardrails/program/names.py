"""What modules call things: names that rule out most questions before they are asked.

The answers are by name alone, so they say too much rather than too little.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from guardrails.facts.records import Attr, Item, Ref
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


def names_in(module: Code) -> Names:
    """The names of a module: a reading of it."""
    module = module.module
    aliases = {i.alias: i.name for i in module.facts.imports if i.alias and i.name}
    attributes: set[str] = set()
    bases: set[str] = set()
    for cls in module.classes:
        attributes.update(cls.assigned)
        for base in cls.facts.bases:
            expr = base.value if isinstance(base, Item) else base
            if isinstance(expr, (Ref, Attr)):
                last = expr.name.rpartition(".")[2]
                bases.update((last, aliases.get(last, last)))
    for code in module.codes():
        attributes.update(b.target.name.rpartition(".")[2] for b in code.attribute_bindings)  # type: ignore[union-attr]
    functions = {function.name for function in module.functions}
    classes = {cls.name for cls in module.classes}
    imported = {item.alias for item in module.facts.imports if item.alias}
    return Names(
        callables=frozenset(functions | classes | imported | attributes).union(module.assigned),
        properties=frozenset(function.name for function in module.functions if function.is_property),
        attributes=frozenset(attributes),
        bases=frozenset(bases),
    )


def all_names(modules: Iterable[Module]) -> Names:
    """The names of modules together."""
    read = [module.reading(names_in) for module in modules]
    return Names(
        callables=frozenset().union(*(names.callables for names in read)),
        properties=frozenset().union(*(names.properties for names in read)),
        attributes=frozenset().union(*(names.attributes for names in read)),
        bases=frozenset().union(*(names.bases for names in read)),
    )
