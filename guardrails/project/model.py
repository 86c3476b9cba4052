"""What discovery finds: applications, their files, and what was passed over."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from guardrails.patterns import pattern

_TEST_FOLDERS = frozenset({"test", "tests", "testing", "e2e"})
_TEST_FILE = pattern(r"test_.*\.py|.*_tests?\.py|tests?\.py|conftest\.py")


class SourceFile(msgspec.Struct, frozen=True, order=True):
    """One Python file of a project.

    ``display``: path relative to the working directory, with ``/``; the key of the file everywhere.
    ``module``: its dotted name, unique in its project, as the code itself would import it where that can be
    told (``app.users.router``); parts that are no identifiers (``my-app``) stay, dots become ``_``.
    ``application``: whether no ``not_application`` glob matches. The program promotes what the app imports.
    ``reached``: whether import statements of the application lead to it, as far as its bytes tell.
    ``shared``: whether it lies outside the application's own folder and belongs to other projects too.
    ``size`` in bytes.
    """

    display: str
    path: Path
    module: str
    is_package: bool
    application: bool
    reached: bool
    shared: bool
    size: int
    mtime_ns: int


class Skipped(msgspec.Struct, frozen=True, order=True):
    """A file or folder that is not read, and why."""

    display: str
    reason: str


class Project(msgspec.Struct, frozen=True):
    """One application and the files that belong to it.

    ``root``: the folder that holds it (for a checked path with one application: that path), absolute.
    ``base``: the repository's root around it, or the checked path where there is none.
    ``applications``: displays of the application files that construct ``FastAPI``.
    ``roots``: dotted prefixes of the folders that the code uses as import roots; ``""`` is always the first.
    With ``("", "app")``, ``import core.config`` means ``core.config`` or else ``app.core.config``.
    ``library``: whether it is what several applications leave over. No application, so it cannot lack what an
    application has to have.
    """

    root: Path
    display_root: str
    base: Path
    name: str
    files: tuple[SourceFile, ...]
    skipped: tuple[Skipped, ...]
    applications: tuple[str, ...]
    roots: tuple[str, ...]
    library: bool = False

    def relative(self, display: str) -> str:
        """A file's path from the checked root, as configured globs see it."""
        root = self.display_root.rstrip("/")
        return display[len(root) + 1 :] if root and display.startswith(root + "/") else display

    def is_test(self, display: str) -> bool:
        """Whether a file, where it is no application code, holds tests, by its path."""
        *folders, file = self.relative(display).lower().split("/")
        return not _TEST_FOLDERS.isdisjoint(folders) or _TEST_FILE.fullmatch(file) is not None

    def candidates(self, name: str, importer: str = "") -> Iterator[str]:
        """The module names of this project that the absolute import ``name`` may mean, likeliest first.

        ``importer``: the dotted name of the importing module. The import roots that it lies under come first,
        innermost first, the name as written among them; then the others. A name of the standard library means
        that library, unless there is a module of that name as written.
        """
        if len(self.roots) == 1 or name.partition(".")[0] in sys.stdlib_module_names:
            yield name
            return
        around = f"{importer}."
        own = [root for root in self.roots if not root or around.startswith(f"{root}.")]
        own.sort(key=len, reverse=True)
        for root in (*own, *(root for root in self.roots if root not in own)):
            yield f"{root}.{name}" if root else name
