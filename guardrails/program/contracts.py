"""GR108: the project's own import-linter contracts, run by import-linter's classes on our graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cached_property
from pathlib import Path
from typing import Any

from msgspec import Struct

from guardrails.finding import Place, Related
from guardrails.options import Options
from guardrails.program.imports import ImportEdge, Imports
from guardrails.program.modules import Modules

_FILES = ("setup.cfg", ".importlinter", "pyproject.toml")


class Broken(Struct, frozen=True):
    """One illegal chain of a broken contract."""

    contract: str
    subject: str
    message: str
    symbol: str
    place: Place
    related: tuple[Related, ...]
    about: tuple[str, ...]


class Contracts:
    """Answers which import-linter contracts are broken."""

    def __init__(self, modules: Modules, imports: Imports, options: Options) -> None:
        self.modules = modules
        self.imports = imports
        self.options = options

    @cached_property
    def _options(self) -> tuple[Any, Path] | None:
        """import-linter's own reading of its configuration, and the file; None where there is none."""
        for path in self._files():
            if "importlinter" in path.read_text(encoding="utf-8", errors="replace"):
                from importlinter.application.use_cases import read_user_options
                from importlinter.configuration import configure

                configure()
                try:
                    options = read_user_options(str(path))
                except (FileNotFoundError, KeyError, ValueError):
                    continue  # no contracts in it, or none that import-linter itself could read
                if self._is_about_this(options.session_options):
                    return options, path
        return None

    def _is_about_this(self, session: Mapping[str, Any]) -> bool:
        """Whether a root package of the contracts is one of the project; a repository may hold other projects."""
        roots = session.get("root_packages") or session.get("root_package") or ()
        several = [roots] if isinstance(roots, str) else list(roots)
        names = {name.partition(".")[0] for name in self.modules.by_name}
        return any(str(root).partition(".")[0] in names for root in several)

    def _files(self) -> Iterator[Path]:
        root, base = self.modules.project.root, self.modules.project.base
        if self.options.import_linter_config:
            candidate = Path(self.options.import_linter_config)
            yield candidate if candidate.is_absolute() else base / candidate
            return
        folder = root if root.is_dir() else root.parent
        while True:
            for name in _FILES:
                if (folder / name).is_file():
                    yield folder / name
            if folder in (base, folder.parent):
                return
            folder = folder.parent

    @cached_property
    def broken(self) -> tuple[Broken, ...]:
        """Every illegal chain, by contract and place."""
        found = self._options
        if found is None:
            return ()
        options, path = found
        results: list[Broken] = []
        graph = self.imports.graph(
            type_checking=str(options.session_options.get("exclude_type_checking_imports", "false")).lower() != "true"
        )
        for external_name in self._external_names():
            if external_name not in graph.modules:
                graph.add_module(external_name, is_squashed=True)
        self._add_external_imports(graph)
        for contract_options in options.contracts_options:
            results.extend(self._check(options, contract_options, graph, path))
        return tuple(sorted(set(results), key=lambda b: (b.place, b.contract, b.subject)))

    def _external_names(self) -> list[str]:
        return sorted(
            {name.partition(".")[0] for found in self.imports.external.values() for _, name in found}
            - {m.name for m in self.modules.ordered}
        )

    def _add_external_imports(self, graph: Any) -> None:
        for module, found in self.imports.external.items():
            for item, name in found:
                top = name.partition(".")[0]
                if top in graph.modules and top != module.name:
                    from guardrails.facts.records import line_of
                    from guardrails.program.imports import statement

                    graph.add_import(
                        importer=module.name, imported=top,
                        line_number=line_of(item.span), line_contents=statement(item),
                    )  # fmt: skip

    def _check(self, options: Any, contract_options: Mapping[str, Any], graph: Any, path: Path) -> Iterator[Broken]:
        from importlinter.application.use_cases import _register_contract_types
        from importlinter.domain.contract import InvalidContractOptions, registry
        from importlinter.domain.helpers import MissingImport

        name = str(contract_options.get("name", "unnamed"))
        place = Place(self._display(path), 1, 0, 1, 0)
        try:
            _register_contract_types(options)
            cls = registry.get_contract_class(contract_options["type"])
            contract = cls(
                name=name,
                session_options=options.session_options,
                contract_options={k: v for k, v in contract_options.items() if k not in {"name", "type"}},
            )
            check = contract.check(graph=deepcopy(graph), verbose=False)
        except (InvalidContractOptions, MissingImport, KeyError, ValueError, ImportError, AttributeError) as error:
            message = f"{name} cannot be run: {type(error).__name__}: {error}"
            yield Broken(name, "invalid", message.splitlines()[0], name, place, (), ())
            return
        if check.kept:
            return
        chains = sorted(set(_chains(check.metadata)))
        for chain in chains:
            yield self._of_chain(name, chain, place)
        if not chains:
            yield Broken(name, "broken", f"{name} is broken", name, place, (), ())

    def _of_chain(self, name: str, chain: tuple[tuple[str, str, int], ...], fallback: Place) -> Broken:
        importer, _, line = chain[0]
        last = chain[-1][1]
        edges = [self._edge(*link) for link in chain]
        first = edges[0]
        place = first.place if first is not None else self._line(importer, line, fallback)
        through = f" through {', '.join(link[0] for link in chain[1:])}" if len(chain) > 1 else ""
        related = tuple(
            Related(
                e.place if e is not None else self._line(link[0], link[2], fallback), f"{link[0]} imports {link[1]}"
            )
            for e, link in zip(edges, chain)
        )
        about = tuple(f"{a}:{number}->{b}" for a, b, number in chain[:1])
        message = f"{importer} imports {last}{through}"
        return Broken(name, f"{importer} -> {last}", message, importer, place, related, about)

    def _edge(self, importer: str, imported: str, line: int) -> ImportEdge | None:
        module = self.modules.by_name.get(importer)
        for edge in self.imports.of.get(module, ()) if module is not None else ():
            if edge.imported.name == imported and line in (0, edge.line):
                return edge
        return None

    def _line(self, module: str, line: int, fallback: Place) -> Place:
        found = self.modules.by_name.get(module)
        return Place(found.display, max(line, 1), 0, max(line, 1), 0) if found is not None else fallback

    def _display(self, path: Path) -> str:
        root = self.modules.project
        try:
            relative = path.relative_to(root.root).as_posix()
            return f"{root.display_root}/{relative}" if root.display_root not in {"", "."} else relative
        except ValueError:
            return path.name


def _chains(metadata: object) -> Iterator[tuple[tuple[str, str, int], ...]]:
    """The chains in a broken contract's report, whatever its type: lists of links with importer, imported and lines."""
    if isinstance(metadata, Mapping):
        if "importer" in metadata and ("line_numbers" in metadata or "line_number" in metadata):
            yield (_link(metadata),)
            return
        if isinstance(metadata.get("chain"), (list, tuple)):
            # Layers and forbidden: a chain may have several first and last links.
            links = [_link(link) for link in metadata["chain"] if isinstance(link, Mapping)]
            firsts = [_link(link) for link in metadata.get("extra_firsts") or ()]
            for first in links[:1] + firsts:
                yield (first, *links[1:])
            return
        for value in metadata.values():
            yield from _chains(value)
    elif isinstance(metadata, (set, frozenset)):
        # Single imports without lines: what breaks the circles of siblings.
        pairs = [item for item in metadata if isinstance(item, tuple) and len(item) == 2]
        yield from (((str(importer), str(imported), 0),) for importer, imported in sorted(pairs))
    elif isinstance(metadata, (list, tuple)):
        if metadata and all(isinstance(link, Mapping) and "line_numbers" in link for link in metadata):
            yield tuple(_link(link) for link in metadata)
            return
        for value in metadata:
            yield from _chains(value)


def _link(link: Mapping[str, Any]) -> tuple[str, str, int]:
    numbers = [n for n in (link.get("line_numbers") or [link.get("line_number")]) if n]
    return str(link["importer"]), str(link["imported"]), min(numbers) if numbers else 1
