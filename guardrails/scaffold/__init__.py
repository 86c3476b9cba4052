"""Makes a project of one's own from the reference application.

The application and what another driver changes in it lie in ``fixtures/reference_app/`` of a source checkout
and in ``guardrails/template/`` of an installed package (the wheel copies them there): ``server/``, and
``server-<driver>/`` with the files that are laid over it. What belongs to a part that can be left out stands in
`guardrails.scaffold.removals`.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory

from guardrails.scaffold.removals import NEEDS, PARTS, Removal
from guardrails.scaffold.sources import cut_definitions, prune_imports

__all__ = ["DRIVERS", "PARTS", "copy_template", "new_project", "template"]

DRIVERS = ("pymongo", "motor")
"""PyMongo's async API, which the application is written for, and those with files of their own."""

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,30}")
_TAKEN = frozenset({"admin", "config", "local"})
"""Databases that MongoDB keeps for itself; a project's database bears its name."""
_LEFT_OUT = shutil.ignore_patterns(
    "__pycache__", ".*_cache", ".hypothesis", ".coverage", "htmlcov", ".venv", ".env", ".ruff.toml", "data"
)


def new_project(
    destination: Path, *, name: str = "shop", driver: str = "pymongo", without: Collection[str] = ()
) -> Path:
    """Write a project into a folder that is new or empty, and answer the folder.

    Raises `ValueError` for a name, a driver or parts that cannot be, `FileExistsError` if the folder has
    something in it or is no folder, and `LookupError` if the reference application is no longer what `removals`
    says. Whatever it raises but for `OSError`, nothing has been written.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} cannot be the name (--name): up to 31 small letters, digits, - and _, beginning with a letter"
        )
    if name in _TAKEN:
        raise ValueError(f"{name!r} cannot be the name (--name): MongoDB keeps the database of that name for itself")
    if driver not in DRIVERS:
        raise ValueError(f"{driver!r} is no driver: choose one of {', '.join(DRIVERS)}")
    for part in without:
        if part not in PARTS:
            raise ValueError(f"{part!r} cannot be left out: choose among {', '.join(PARTS)}")
        for needing in NEEDS.get(part, ()):
            if needing not in without:
                raise ValueError(f"{needing} need {part}: leave out {needing} too, or keep {part}")
    if destination.exists() and not (destination.is_dir() and not any(destination.iterdir())):
        raise FileExistsError(f"{destination} is there already, and is not an empty folder")
    with TemporaryDirectory() as workshop:
        project = copy_template(driver, Path(workshop) / "project")
        for part in (part for part in PARTS if part in without):
            _remove(project, PARTS[part])
        _rename(project, name)
        shutil.copytree(project, destination, dirs_exist_ok=True)
    return destination


def copy_template(driver: str, destination: Path) -> Path:
    """Write the reference application for a driver, whole and as it is; answer its folder, which must be new."""
    home = template()
    shutil.copytree(home / "server", destination, ignore=_LEFT_OUT)
    if driver != DRIVERS[0]:
        shutil.copytree(home / f"server-{driver}", destination, ignore=_LEFT_OUT, dirs_exist_ok=True)
    return destination


def template() -> Path:
    """The folder of the reference application."""
    package = Path(__file__).parents[1]
    shipped = package / "template"
    return shipped if shipped.is_dir() else package.parent / "fixtures" / "reference_app"


def _remove(project: Path, part: Removal) -> None:
    for file in part.files:
        (project / file).unlink()
    for file in sorted(part.definitions.keys() | part.replacements.keys()):
        text = _read(project / file)
        text = cut_definitions(text, part.definitions.get(file, []), file)
        for old, new in part.replacements.get(file, []):
            if text.count(old) != 1:
                raise LookupError(f"{file}: found {text.count(old)} times, not once: {old!r}")
            text = text.replace(old, new)
        _write(project / file, prune_imports(text) if file.endswith(".py") else text)


def _rename(project: Path, name: str) -> None:
    """Put the project's name in place of the reference application's."""
    title = re.sub(r"[_-]+", " ", name).capitalize()
    for path in sorted(project.rglob("*")):
        if path.suffix in (".py", ".md", ".example"):
            text = _read(path)
            renamed = re.sub(r"\bShop\b", title, re.sub(r"\bshop\b", name, text))
            if renamed != text:
                _write(path, renamed)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
