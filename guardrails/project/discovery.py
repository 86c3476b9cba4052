"""From the paths a user gives to applications, their files, and the names the code knows its files by.

Nothing is imported. How a project imports its own modules is read off its import statements: an import that
resolves to a file from some folder above it makes that folder an import root. A module is named from the
outermost root that the code itself uses for it (``app.core.config``); other roots in use become
``Project.roots``, by which ``import core.config`` still finds it.

Where several folders construct ``FastAPI``, each is an application: its folder is the largest one that holds
no other. A module outside all of them belongs to every application whose code imports it; the packages of
which some module is imported by none are projects of their own, so that nothing under the checked paths goes
unread.
"""

from __future__ import annotations

import io
import os
import re
import sys
import tokenize
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from guardrails.options import Options
from guardrails.patterns import pattern
from guardrails.project.model import Project, SourceFile
from guardrails.project.scan import Display, Entry, Tree, scan
from guardrails.repository import repository_root

_IMPORT = re.compile(
    rb"[ \t]*(?:from[ \t]*([.\w]+)[ \t]+import[ \t]*(\([^)]*|[^\n#]*)"
    rb"|import[ \t]+(\w[\w.]*(?:[ \t]+as[ \t]+\w+)?(?:[ \t]*,[ \t]*\w[\w.]*(?:[ \t]+as[ \t]+\w+)?)*))"
)
_WORD = pattern(rb"\w")
_IMPORTED = re.compile(rb"(?:^|,)[ \t(\\\r\n]*(\w+)")

Names = tuple[str, ...]


def discover(paths: Sequence[Path], options: Options, cwd: Path) -> tuple[Project, ...]:
    """The applications under ``paths`` (folders or files, taken from ``cwd``), sorted by display root.

    Without any application, everything found is one project. Raises ``FileNotFoundError`` for a path that
    does not exist; whatever else cannot be read is told in ``Project.skipped``.
    """
    here = os.path.abspath(cwd)
    display = Display(here)
    tree = Tree(display)
    given = sorted({os.path.normpath(os.path.join(here, path)) for path in paths})
    folders = [path for path in given if os.path.isdir(path)]
    folders = [path for path in folders if not any(_inside(path, other) for other in folders if other != path)]
    for folder in folders:
        scan(folder, tree, (*options.exclude, *options.extend_exclude), options.not_application)
    for path in given:
        if not os.path.isdir(path) and not any(_inside(path, folder) for folder in folders):
            tree.add(path, os.stat(path), True)  # named by the user, so wanted whatever it is called
            folders.append(_parent(path))
    roots = sorted(set(folders))
    return _Discovery(tree, roots, display).projects()


_parent = lru_cache(1 << 16)(os.path.dirname)
"""The folder around a path: asked for the same few folders by every import."""


def _inside(path: str, folder: str) -> bool:
    """Whether ``path`` is ``folder`` or lies under it."""
    if not path.startswith(folder):
        return False
    return len(path) == len(folder) or folder.endswith(os.sep) or path[len(folder)] == os.sep


def _bytes(path: str) -> bytes:
    """The bytes of a file; none where it cannot be read, which is reported when its facts are."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _has_word(text: bytes, word: bytes) -> bool:
    """Whether ``word`` stands in ``text`` as a word of its own."""
    start = text.find(word)
    while start >= 0:
        end = start + len(word)
        if not _WORD.match(text[start - 1 : start]) and not _WORD.match(text, end):
            return True
        start = text.find(word, end)
    return False


def _calls(data: bytes, name: str) -> bool:
    """Whether the code, not a comment nor a docstring, calls ``name``. What is no Python calls nothing."""
    before = ""
    try:
        for token in tokenize.tokenize(io.BytesIO(data).readline):
            if before == name and token.string == "(":
                return True
            before = token.string
    except (tokenize.TokenError, SyntaxError, ValueError):
        return False
    return False


class _File:
    """A file, and what its bytes say about names: no syntax tree, two patterns."""

    __slots__ = (
        "base",
        "constructs",
        "display",
        "dotted",
        "entry",
        "folder",
        "imports",
        "path",
        "reached",
        "relative",
        "stem",
    )

    def __init__(self, entry: Entry, display: str) -> None:
        self.entry = entry
        self.display = display
        self.path = Path(entry.path)
        self.folder, name = os.path.split(entry.path)
        self.stem = name[:-3]
        self.base = self.dotted = ""
        self.constructs = False
        self.imports: dict[Names, Names] = {}
        """Absolute imports: the parts of the module -> the names taken from it, if any."""
        self.relative: dict[tuple[int, Names], Names] = {}
        """Relative imports: number of dots and parts of the module -> the names taken from it."""
        self.reached: dict[str, _File] | None = None
        """The files that its imports mean, by path; None before they have been looked at."""

    def read(self, tops: frozenset[bytes]) -> None:
        """Find its imports, and whether it constructs ``FastAPI``.

        ``tops``: what absolute imports must begin with to mean anything that is checked. Most mean a library.
        """
        data = _bytes(self.entry.path)
        if self.entry.application:
            self.constructs = b"FastAPI(" in data and _calls(data, "FastAPI")
        position = data.find(b"import")
        while position >= 0:  # quicker than a pattern on every line
            start = data.rfind(b"\n", 0, position) + 1
            match = _IMPORT.match(data, start)
            if match is not None:
                self._note(tops, *match.groups(b""))
            position = data.find(b"import", max(position + 6, match.end() if match is not None else 0))

    def _note(self, tops: frozenset[bytes], source: bytes, names: bytes, modules: bytes) -> None:
        for each in modules.split(b",") if modules else ():
            name = each.split()[0]
            if name.partition(b".")[0] in tops:
                self.imports.setdefault(tuple(name.decode().split(".")), ())
        if not source or not (source.startswith(b".") or source.partition(b".")[0] in tops):
            return
        text = source.decode()
        module = text.lstrip(".")
        parts = tuple(module.split(".")) if module else ()
        taken = tuple(map(bytes.decode, _IMPORTED.findall(names)))
        if len(text) > len(module):
            key = (len(text) - len(module), parts)
            self.relative[key] = self.relative.get(key, ()) + taken
        else:
            self.imports[parts] = self.imports.get(parts, ()) + taken


class _Discovery:
    """One run: the folders seen, who imports what from where, the names and the applications that follow."""

    def __init__(self, tree: Tree, roots: Sequence[str], display: Display) -> None:
        self.tree = tree
        self.roots = roots
        self.display = display
        self.top = repository_root(roots[0]) or roots[0] if roots else ""
        """The root of the repository."""
        self.files = [_File(entry, display(entry.path)) for entry in sorted(tree.entries, key=lambda e: e.path)]
        self.by_path = {file.entry.path: file for file in self.files}
        self.folders: set[str] = set()
        """Folders that hold Python files at any depth, and the folders around the checked roots."""
        for file in self.files:
            folder = file.folder
            while folder not in self.folders:
                self.folders.add(folder)
                folder = _parent(folder)
        self.around: set[str] = set()
        """The folders around the checked roots."""
        for root in roots:
            while _parent(root) != root:
                root = _parent(root)
                self.around.add(root)
        self.holders: dict[str, set[str]] = defaultdict(set)
        """Name of a folder or module -> the folders that hold one of that name."""
        self.inside: dict[str, dict[str, str]] = {folder: {} for folder in self.folders}
        """Folder -> name -> the folder of that name in it, else the module."""
        for file in self.files:
            self.holders[file.stem].add(file.folder)
            if file.entry.path.endswith(".py"):
                self.inside[file.folder][file.stem] = file.entry.path
        for folder in self.folders:
            name = os.path.basename(folder)
            self.holders[name].add(_parent(folder))
            self.inside[_parent(folder)][name] = folder
        self.importable = frozenset(name.encode() for name in self.holders.keys() - sys.stdlib_module_names)
        """What absolute imports may begin with to mean one of these folders and modules."""
        self.virtual: set[str] = set()
        """Folders that a relative import shows to be packages, ``__init__.py`` or not."""
        self._packages: dict[str, bool] = {}
        self._exists: dict[str, bool] = {}
        self._requirements: dict[str, frozenset[str]] = {}
        self._texts: dict[str, bytes] = {}
        self._bases: dict[tuple[str, bool], str] = {}
        self.loose: set[str] = set()
        """Folders under which modules of the application lie that are in no package."""
        for file in self.files:
            folder = file.folder
            while file.entry.application and folder not in self.loose and not self.has_init(folder):
                self.loose.add(folder)
                folder = _parent(folder)
        self._best: dict[tuple[str, Names, Names], str] = {}
        self.votes: dict[str, set[str]] = {}
        """Import root -> its entries (files or folders) that the application imports through it."""
        self.tops: dict[str, set[str]] = defaultdict(set)
        """Name of a top package -> the packages of that name."""
        self._nearest: dict[tuple[str, str], str] = {}
        code = [file for file in self.files if file.entry.application]
        for file in code:
            file.read(self.importable)
            self._note_packages(file)
        for file in code:
            self._vote(file)
        for file in self.files:
            voted = file.stem in self.votes.get(file.folder, ())
            place = (file.folder, voted)  # the files of a folder differ in nothing else
            if place not in self._bases:
                self._bases[place] = self._base(*place)
            file.base = self._bases[place]
            file.dotted = _dotted(file)
            top = self._top(file)
            if top != file.entry.path and self.is_package(top):
                self.tops[os.path.basename(top)].add(top)

    # -- names ---------------------------------------------------------------------------------------------

    def has_init(self, folder: str) -> bool:
        """Whether ``folder`` has an ``__init__.py``, also around the checked roots."""
        known = self._packages.get(folder)
        if known is None:
            known = folder in self.tree.packages or os.path.isfile(os.path.join(folder, "__init__.py"))
            self._packages[folder] = known
        return known

    def is_package(self, folder: str) -> bool:
        """Whether ``folder`` is a package: it has an ``__init__.py``, or its modules import relatively."""
        return folder in self.virtual or self.has_init(folder)

    def _package_parent(self, folder: str) -> str:
        """The folder that holds the outermost package around ``folder``; ``folder`` itself if it is none."""
        while self.is_package(folder) and _parent(folder) != folder:
            folder = _parent(folder)
        return folder

    def _resolve(self, root: str, parts: Names) -> tuple[int, str]:
        """How many of ``parts`` are modules, starting at ``root``; and the path of the last one."""
        path = root
        for count, part in enumerate(parts):
            below = self._below(path, part)
            if not below:
                return count, path
            path = below
        return len(parts), path

    def _below(self, path: str, name: str) -> str:
        """The folder or module of that name in a folder; empty where there is none."""
        inside = self.inside.get(path)
        if inside is not None and name in inside:
            return inside[name]
        if path in self.around and self._outside(f"{path}{os.sep}{name}"):
            return f"{path}{os.sep}{name}"  # not checked in this run, but there
        return ""

    def _outside(self, path: str) -> bool:
        """Whether ``path`` or ``path.py`` lies, unread, beside the checked roots."""
        if path in self.roots:
            return False
        if path not in self._exists:
            self._exists[path] = os.path.isdir(path) or os.path.isfile(f"{path}.py")
        return self._exists[path]

    def _note_packages(self, file: _File) -> None:
        """Relative imports show folders to be packages."""
        for level, parts in file.relative:
            folder = file.folder
            for _ in range(level - 1):
                self.virtual.add(folder)
                folder = _parent(folder)
            self.virtual.add(folder)
            for part in parts[:-1]:
                folder = f"{folder}{os.sep}{part}"
                self.virtual.add(folder)

    def _vote(self, file: _File) -> None:
        """Note the import roots that the file's imports show."""
        for parts, names in file.imports.items():
            root = self._root_of(file.folder, parts, names)
            if root and self._resolve(root, parts)[1] != file.entry.path:
                self.votes.setdefault(root, set()).add(parts[0])

    def _root_of(self, folder: str, parts: Names, names: Names) -> str:
        """The folder above from which an import resolves best, the innermost of equals; empty for none."""
        key = (folder, parts, names)
        root = self._best.get(key)
        if root is None:
            root = self._best_root(folder, parts, names)
            if root and not self._plausible(root, parts, names):
                root = ""
            self._best[key] = root
        return root

    def _best_root(self, folder: str, parts: Names, names: Names) -> str:
        best, chosen = 0, ""
        holders = self.holders[parts[0]]
        while True:
            parent = _parent(folder)
            if parent == folder:
                return chosen
            if folder in holders:
                count, path = self._resolve(folder, parts)
                if count == len(parts) and any(self._below(path, name) for name in names):
                    count += 1
                if count >= min(2, len(parts)) and count > best:
                    best, chosen = count, folder
            folder = parent

    def _plausible(self, root: str, parts: Names, names: Names) -> bool:
        """Whether an import may mean what lies at ``root``, where that is a package, seldom on the path.

        ``from redis import Redis`` beside ``app/redis.py`` means the library if the module itself imports
        ``redis``, if the project requires it, or if the module has no such names.
        """
        if not self.is_package(root):
            return True
        module = self.by_path.get(os.path.join(root, f"{parts[0]}.py"))
        if module is not None and any(other[0] == parts[0] for other in module.imports):
            return False
        _, path = self._resolve(root, parts)
        file = self.by_path.get(path) or self.by_path.get(os.path.join(path, "__init__.py"))
        if file is not None and names and not any(self._below(path, name) for name in names):
            return self._mentions(file.entry.path, names) and not self._required(root, parts[0])
        return not self._required(root, parts[0])

    def _mentions(self, path: str, names: Names) -> bool:
        """Whether one of the names is a word in the file, or may come from a star import there."""
        text = self._texts.get(path)
        if text is None:
            text = self._texts[path] = _bytes(path)
        return b"import *" in text or any(_has_word(text, name.encode()) for name in names)

    def _required(self, folder: str, name: str) -> bool:
        """Whether requirement files from ``folder`` up to the repository's root name this distribution."""
        from guardrails.project.environment import declared_names, normal_name

        while _inside(folder, self.top):
            if folder not in self._requirements:
                self._requirements[folder] = declared_names(Path(folder))
            if normal_name(name) in self._requirements[folder]:
                return True
            folder = _parent(folder)
        return False

    def _base(self, folder: str, voted: bool) -> str:
        """The folder that the dotted names of a folder's files start from.

        ``voted``: of those that the application imports with the folder as import root.
        """
        root = max((root for root in self.roots if _inside(folder, root)), key=len)
        package = folder  # a folder without __init__.py in a package is a namespace of that package
        while package != root and not self.has_init(package):
            package = _parent(package)
        packaged = self.has_init(package)
        package_parent = self._package_parent(package if packaged else folder)
        outermost = nearest = ""
        while _parent(folder) != folder:
            if folder in self.votes:
                if voted and _inside(package_parent, folder):
                    outermost = folder
                nearest = nearest or folder
            below, folder = os.path.basename(folder), _parent(folder)
            voted = below in self.votes.get(folder, ())
        if outermost:
            return outermost
        if not _inside(package_parent, root):
            return package_parent
        if not packaged:  # nothing but folders: named as they lie
            return nearest or root
        # A folder around the outermost package with other modules, none imported from there, is a package too.
        while package_parent != root and package_parent not in self.votes and package_parent in self.loose:
            package_parent = _parent(package_parent)
        return package_parent

    def _top(self, file: _File) -> str:
        """The entry of its base that the file lies in: its top package, a folder, or itself."""
        length = len(file.base.rstrip(os.sep)) + 1
        end = file.entry.path.find(os.sep, length)
        return file.entry.path if end < 0 else file.entry.path[:end]

    # -- what imports lead to ------------------------------------------------------------------------------

    def _leads_to(self, start: Iterable[_File]) -> set[str]:
        """The files that imports lead to from ``start``, itself included."""
        found: set[str] = set()
        pending = list(start)
        while pending:
            file = pending.pop()
            if file.entry.path in found:
                continue
            found.add(file.entry.path)
            pending += self._follow(file).values()
        return found

    def _follow(self, file: _File) -> dict[str, _File]:
        """The files that the file's imports mean, by path; for a package its ``__init__.py``."""
        if file.reached is None:
            file.reached = {}
            if not file.entry.application:
                file.read(self.importable)
            for (level, parts), names in file.relative.items():
                start = file.folder
                for _ in range(level - 1):
                    start = _parent(start)
                self._take(file.reached, start, parts, names)
            for parts, names in file.imports.items():
                root = self._root_of(file.folder, parts, names) or self._elsewhere(file.folder, parts[0])
                if root:
                    self._take(file.reached, root, parts, names)
        return file.reached

    def _elsewhere(self, folder: str, name: str) -> str:
        """The folder that holds the nearest top package of that name, where none lies above; or empty."""
        if name not in self.tops:
            return ""
        key = (folder, name)
        if key not in self._nearest:
            nearby = sorted(self.tops[name], key=lambda top: (-len(os.path.commonpath((top, folder))), top))
            around = any(_inside(folder, top) for top in nearby)
            self._nearest[key] = "" if around else _parent(nearby[0])
        return self._nearest[key]

    def _take(self, reached: dict[str, _File], path: str, parts: Names, names: Names) -> None:
        """Add what an import reaches: the packages on the way, the module, the submodules taken from it."""
        paths = [] if parts else [path]
        for part in parts:
            path = self._below(path, part)
            paths.append(path)
        if path:
            paths += [self._below(path, name) for name in names]
        for path in filter(None, paths):
            file = self.by_path.get(path) or self.by_path.get(f"{path}{os.sep}__init__.py")
            if file is not None:
                reached[file.entry.path] = file

    # -- applications --------------------------------------------------------------------------------------

    def projects(self) -> tuple[Project, ...]:
        """The projects, sorted by their display root."""
        if not self.roots:
            return ()
        homes = self._homes()
        if len(homes) <= 1:
            home = next(iter(homes), self.roots[0])
            root = next((root for root in self.roots if _inside(home, root)), self.roots[0])
            reached = self._leads_to(file for file in self.files if file.entry.application)
            return (self._project(root, self.files, reached, frozenset()),)
        owned: dict[str, list[_File]] = {home: [] for home in homes}
        groups: dict[str, list[_File]] = defaultdict(list)
        holding: dict[str, list[_File]] = {}
        for file in self.files:
            if file.folder not in holding:
                owner = max((home for home in homes if _inside(file.folder, home)), key=len, default=None)
                folder = file.folder if owner else self._largest(file.folder, homes)
                holding[file.folder] = owned[owner] if owner else groups[folder]
            holding[file.folder].append(file)
        found: list[Project] = []
        imported: set[str] = set()
        for home, files in owned.items():
            reached = self._leads_to(file for file in files if file.entry.application)
            beside = reached.difference(file.entry.path for file in files)
            imported |= beside
            shared = {path: self.by_path[path] for path in beside}
            for group in groups.values():
                code = [file for file in group if file.entry.application]
                if not code or any(file.entry.path in beside for file in code):
                    shared.update((file.entry.path, file) for file in group if not file.entry.application)
            found.append(self._project(home, [*files, *shared.values()], reached, frozenset(shared)))
        for folder, group in groups.items():
            units: dict[str, list[str]] = defaultdict(list)
            for file in group:
                if file.entry.application:
                    units[self._top(file)].append(file.entry.path)
            left = {top for top, paths in units.items() if not imported.issuperset(paths)}
            if left:
                rest = [file for file in group if not file.entry.application or self._top(file) in left]
                own = (file for file in rest if file.entry.application and file.entry.path not in imported)
                reached = self._leads_to(own)
                found.append(self._project(folder, rest, reached, frozenset(imported), library=True))
        return tuple(sorted(found, key=lambda project: project.display_root))

    def _homes(self) -> list[str]:
        """The folder of each application: the largest that holds no other."""
        seeds: set[str] = set()
        for file in self.files:
            if file.constructs:
                folder = file.folder
                while folder not in self.tree.markers and folder not in self.roots:
                    if not (self.is_package(folder) and self.is_package(_parent(folder))):
                        break
                    folder = _parent(folder)
                seeds.add(folder)
        for seed in sorted(seeds):
            if seed not in self.tree.markers and any(_inside(seed, other) for other in seeds - {seed}):
                seeds.discard(seed)  # a sub-application of the one around it
        return sorted({self._largest(seed, seeds) for seed in seeds})

    def _largest(self, folder: str, others: Iterable[str]) -> str:
        """The outermost folder around ``folder``, within its checked root, that holds none of ``others``."""
        others = [other for other in others if not _inside(other, folder)]
        while folder not in self.roots:
            parent = _parent(folder)
            if any(_inside(other, parent) for other in others):
                break
            folder = parent
        return folder

    # -- records -------------------------------------------------------------------------------------------

    def _project(
        self, root: str, files: list[_File], reached: set[str], shared: frozenset[str], library: bool = False
    ) -> Project:
        names, prefixes = self._name(files, shared)
        # What applications import is judged as a part of them, and not once more with what they leave over.
        judged = shared if library else frozenset()
        sources = [
            SourceFile(
                display=file.display,
                path=file.path,
                module=names[file.entry.path],
                is_package=file.stem == "__init__",
                application=file.entry.application and file.entry.path not in judged,
                reached=file.entry.path in reached and file.entry.path not in judged,
                shared=file.entry.path in shared,
                size=file.entry.size,
                mtime_ns=file.entry.mtime_ns,
            )
            for file in sorted(files, key=lambda f: f.display)
        ]
        inside = f"{self.display(root)}/"
        skipped = {s for s in self.tree.skipped if inside == "./" or s.display.startswith(inside)}
        return Project(
            root=Path(root),
            display_root=self.display(root),
            base=Path(repository_root(root) or root),
            name=os.path.basename(root) or root,
            files=tuple(sources),
            skipped=tuple(sorted(skipped)),
            applications=tuple(sorted(file.display for file in files if file.constructs)),
            roots=prefixes,
            library=library,
        )

    def _name(self, files: list[_File], shared: frozenset[str]) -> tuple[dict[str, str], Names]:
        """The dotted name of each file, unique, and the dotted prefixes of the import roots.

        Where two bases hold modules of one name, the lesser base's modules are named from further out.
        """
        by_base: dict[str, list[_File]] = defaultdict(list)
        for file in files:
            by_base[file.base].append(file)

        def rank(base: str) -> tuple[bool, bool, int, str]:
            own = [file for file in by_base[base] if file.entry.path not in shared]
            return (
                not any(file.constructs for file in own),
                not any(file.entry.application for file in own),
                base.count(os.sep),
                base,
            )

        names: dict[str, str] = {}
        taken: set[str] = set()
        prefixes: list[str] = []
        prefix_of: dict[str, str] = {}
        for base in sorted(by_base, key=rank):
            prefix = ""
            outer = base
            own = [file.dotted for file in by_base[base]]
            while _parent(outer) != outer and not taken.isdisjoint(_join(prefix, name) for name in own):
                outer, part = os.path.split(outer)
                prefix = _join(part.replace(".", "_"), prefix)
            prefix_of[base] = prefix
            prefixes.append(prefix)
            # A package hides a module of its name, so packages come first; the hidden one gets a name apart.
            for file in sorted(by_base[base], key=lambda f: (f.stem != "__init__", f.entry.path)):
                name = _join(prefix, file.dotted)
                while name in taken:
                    name += "_"
                taken.add(name)
                names[file.entry.path] = name
        packages: set[str] = set()
        for name in taken:
            while (name := name.rpartition(".")[0]) and name not in packages:
                packages.add(name)
        for folder in sorted(self.votes):
            for base, prefix in prefix_of.items():
                if folder != base and _inside(folder, base) and folder in self.folders:
                    parts = folder[len(base) :].lstrip(os.sep).split(os.sep)
                    dotted = _join(prefix, ".".join(part.replace(".", "_") for part in parts))
                    if dotted in packages:
                        prefixes.append(dotted)
        return names, ("", *sorted(set(prefixes) - {""}, key=lambda p: (p.count("."), p)))


def _join(first: str, second: str) -> str:
    return f"{first}.{second}" if first and second else first or second


def _dotted(file: _File) -> str:
    """The name of ``file`` from its base; a dot inside a part would look like a level: ``_`` for it."""
    parts = file.folder[len(file.base) :].strip(os.sep).split(os.sep) if file.folder != file.base else []
    if file.stem != "__init__":
        parts.append(file.stem)
    return ".".join(part.replace(".", "_") for part in parts) or os.path.basename(file.base)
