"""What third-party classes descend from, read from the packages installed beside the project; nothing is imported.

The tables know the classes that checks ask for. A class of some other package may still be one of theirs further up:
a company's ``BaseDocument`` is a Beanie document. Such a name is looked up in the project's virtual environment: its
module's source is extracted like any other file, and its bases are followed through imports and re-exports.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from guardrails.facts.extract import extract
from guardrails.facts.records import Define, Import, Item, ModuleFacts, Ref

# How many classes one look-up may pass through, and how large a file it reads, in bytes.
_BUDGET = 40
_LARGEST = 2_000_000
_ENVIRONMENTS = (".venv", "venv", "env", ".env", "virtualenv")


def site_packages(root: Path, base: Path) -> tuple[Path, ...]:
    """The package folders of the virtual environments in ``root`` and the folders above it, up to ``base``."""
    found: list[Path] = []
    folder = root if root.is_dir() else root.parent
    while True:
        for name in _ENVIRONMENTS:
            if (folder / name / "pyvenv.cfg").is_file():
                found += [folder / name / "Lib" / "site-packages", *(folder / name).glob("lib/python*/site-packages")]
        if folder in (base, folder.parent):
            return tuple(sorted(path for path in found if path.is_dir()))
        folder = folder.parent


class Installed:
    """Answers about the packages under some folders. Unknown names have no ancestors."""

    def __init__(self, folders: tuple[Path, ...]) -> None:
        self.folders = folders
        self._facts: dict[str, tuple[ModuleFacts, bool] | None] = {}
        self._bases: dict[str, tuple[str, ...]] = {}

    def bases(self, name: str) -> tuple[str, ...]:
        """The direct bases of the class with this dotted name, as dotted names; none where it is not found."""
        if not self.folders:
            return ()
        if name not in self._bases:
            self._bases[name] = ()
            self._bases[name] = tuple(self._find_bases(name, _BUDGET))
        return self._bases[name]

    def _find_bases(self, name: str, budget: int) -> Iterator[str]:
        module, _, attribute = name.rpartition(".")
        while module and self._load(module) is None:
            module, _, last = module.rpartition(".")
            attribute = f"{last}.{attribute}"
        loaded = self._load(module) if module else None
        if loaded is None or "." in attribute or budget == 0:
            return
        facts, is_package = loaded
        for event in facts.body.events:
            if isinstance(event, Define) and event.kind == "class" and facts.classes[event.index].name == attribute:
                for base in facts.classes[event.index].bases:
                    written = base.value if isinstance(base, Item) else base
                    if isinstance(written, Ref):
                        yield self._absolute(written.name, facts, module, is_package)
                return
        imported = self._imported(attribute, facts, module, is_package)
        if imported is not None and imported != name:
            yield from self._find_bases(imported, budget - 1)

    def _absolute(self, name: str, facts: ModuleFacts, module: str, is_package: bool) -> str:
        """A name that a module writes, as seen from outside."""
        first, dot, rest = name.partition(".")
        if any(c.name == first and c.cls == c.function == -1 for c in facts.classes):
            return f"{module}.{name}"
        imported = self._imported(first, facts, module, is_package)
        return f"{imported}{dot}{rest}" if imported is not None else name

    def _imported(self, name: str, facts: ModuleFacts, module: str, is_package: bool) -> str | None:
        for item in facts.imports:
            if item.function == -1 and (item.alias or item.name or item.module.partition(".")[0]) == name:
                return self._target(item, module, is_package)
        return None

    @staticmethod
    def _target(item: Import, module: str, is_package: bool) -> str:
        if item.name is None:
            return item.module if item.alias else item.module.partition(".")[0]
        if item.level == 0:
            return f"{item.module}.{item.name}"
        parts = module.split(".")
        kept = parts[: len(parts) - item.level + is_package]
        return ".".join([*kept, *([item.module] if item.module else []), item.name])

    def _load(self, module: str) -> tuple[ModuleFacts, bool] | None:
        if module not in self._facts:
            self._facts[module] = self._read(module)
        return self._facts[module]

    def _read(self, module: str) -> tuple[ModuleFacts, bool] | None:
        relative = Path(*module.split("."))
        for folder in self.folders:
            for path, is_package in (
                (folder / relative / "__init__.py", True),
                ((folder / relative).with_suffix(".py"), False),
            ):
                try:
                    if path.is_file() and path.stat().st_size <= _LARGEST:
                        return extract(path.read_text(encoding="utf-8")), is_package
                except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
                    return None
        return None
