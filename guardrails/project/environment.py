"""What lies beside the code: dotenv files, requirements, and which of the expected files there are.

Everything is read when first asked for, from the project's root up to the repository's root. A file that
cannot be read or parsed says nothing; it is never an error.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from guardrails.patterns import pattern
from guardrails.project import practices
from guardrails.project.practices import Presence
from guardrails.project.scan import MARKERS, Display, Ignore, read_ignore
from guardrails.repository import repository_root

_EXAMPLE_WORDS = frozenset({"example", "sample", "template", "dist", "default", "defaults", "tpl", "tmpl", "skel"})
_TEST_FOLDERS = frozenset({"test", "tests", "testing", "fixtures", "e2e"})
_SIZE_LIMIT = 16 * 1024 * 1024
"""Bytes. Lock files of large projects are a few MB."""


class DotenvFile(msgspec.Struct, frozen=True, order=True):
    """A dotenv file, or an example of one.

    ``variables``: names in order of appearance with their literal values (None for a name without ``=``).
    ``tracked``: whether git has it, None where that cannot be told. ``ignored``: whether a ``.gitignore`` up
    to the repository's root leaves it out.
    """

    display: str
    path: Path
    example: bool
    variables: tuple[tuple[str, str | None], ...]
    tracked: bool | None
    ignored: bool


class Requirement(msgspec.Struct, frozen=True, order=True):
    """A distribution that the project needs, by normalised name (``pydantic-settings``).

    ``specifier``: what it asks for (``>=2,<3``; empty for any). ``locked_version``: that in a lock file.
    """

    name: str
    specifier: str
    locked_version: str | None


class Environment:
    """The surroundings of the project at ``root``, up to its repository's root.

    ``inner``: folders below the root that count as well, such as ``backend`` where the code is ``backend/app``.
    """

    def __init__(self, root: Path, cwd: Path, inner: Iterable[Path] = ()) -> None:
        self.root = Path(os.path.abspath(root))
        self.inner = tuple(inner)
        top = repository_root(str(self.root))
        self.base = Path(top) if top is not None else self.root
        """The repository's root; the project's own where there is no repository."""
        self.has_repository = top is not None
        self._display = Display(os.path.abspath(cwd))

    @cached_property
    def folders(self) -> tuple[Path, ...]:
        """The inner folders, the project's root and those above up to the repository's root, innermost first."""
        if self.root == self.base:
            return (*self.inner, self.root)
        above = self.root.relative_to(self.base).parents
        return (*self.inner, self.root, *(self.base / part for part in above))

    def display(self, path: Path) -> str:
        """``path`` as findings show it: relative to the working directory, with ``/``."""
        return self._display(str(path))

    # -- dotenv --------------------------------------------------------------------------------------------

    @cached_property
    def dotenv_files(self) -> tuple[DotenvFile, ...]:
        """Dotenv files and their examples, those nearest to the code first."""
        found: list[DotenvFile] = []
        for folder in self.folders:
            for name in names_in(folder):
                kind = dotenv_kind(name)
                path = folder / name
                if kind is None or not path.is_file():
                    continue
                found.append(self._dotenv(path, kind))
        return tuple(found)

    def _dotenv(self, path: Path, kind: str) -> DotenvFile:
        return DotenvFile(
            display=self.display(path),
            path=path,
            example=kind == "example",
            variables=tuple(parse_dotenv(read_text(path))),
            tracked=self.tracked(path),
            ignored=self.ignored(path),
        )

    @cached_property
    def dotenv_elsewhere(self) -> tuple[DotenvFile, ...]:
        """Tracked dotenv files and examples in other folders of the repository (``deploy/.env``), by path.

        Folders of tests are left out, and those that are programs of their own (``frontend/package.json``).
        """
        found: list[DotenvFile] = []
        for name in sorted(self._tracked or ()):
            kind, path = dotenv_kind(name.rpartition("/")[2]), self.base / name
            if kind is None or path.parent in self.folders or not path.is_file():
                continue
            between = [self.base / part for part in path.relative_to(self.base).parents]
            other = [folder for folder in between if folder not in self.folders]
            if not any(_is_program(folder) or folder.name.lower() in _TEST_FOLDERS for folder in other):
                found.append(self._dotenv(path, kind))
        return tuple(found)

    @cached_property
    def _tracked(self) -> frozenset[str] | None:
        """The files that git tracks under the base whose names may be dotenv files; None without git."""
        import subprocess

        if not self.has_repository:
            return None
        try:
            done = subprocess.run(
                ["git", "-C", str(self.base), "ls-files", "-z", "--", ":(top,glob,icase)**/*env*"],
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=20,
                check=False,
                env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
            )
        except (OSError, subprocess.SubprocessError):
            return None
        if done.returncode != 0:
            return None
        return frozenset(os.fsdecode(name) for name in done.stdout.split(b"\0") if name)

    def tracked(self, path: Path) -> bool | None:
        """Whether git tracks ``path``, a dotenv file; None where there is no git to ask."""
        if self._tracked is None:
            return None
        try:
            return path.relative_to(self.base).as_posix() in self._tracked
        except ValueError:
            return None

    def ignored(self, path: Path) -> bool:
        """Whether a ``.gitignore`` up to the repository's root leaves out ``path``, which need not exist."""
        ignore: Ignore | None = None
        try:
            parts = path.relative_to(self.base).parts
        except ValueError:
            return False
        folder = self.base
        for part in parts:
            ignore = read_ignore(str(folder), ignore)
            folder = folder / part
            if ignore is not None and ignore.ignored(str(folder), folder != path):
                return True
        return False

    # -- requirements --------------------------------------------------------------------------------------

    @cached_property
    def requirements(self) -> tuple[Requirement, ...]:
        """Everything that requirement and lock files from the root up name, by name.

        The file nearest to the code decides where several name one distribution.
        """
        wanted: dict[str, str] = {}
        locked: dict[str, str] = {}
        for folder in self.folders:
            for name, specifier in _declared(folder):
                wanted.setdefault(name, specifier)
            for name, version in _locked(folder):
                locked.setdefault(name, version)
        names = sorted(wanted.keys() | locked.keys())
        return tuple(Requirement(name, wanted.get(name, ""), locked.get(name)) for name in names)

    def requirement(self, name: str) -> Requirement | None:
        """The requirement with this name, however it is spelled."""
        wanted = normal_name(name)
        return next((each for each in self.requirements if each.name == wanted), None)

    def pydantic_major(self) -> int | None:
        """1 or 2: the Pydantic that the project runs on; None where its files do not tell.

        The locked version, else the specifier where all its versions are of one major, else what others
        imply: ``pydantic-settings`` needs 2.
        """
        pydantic = self.requirement("pydantic")
        if pydantic is not None:
            if pydantic.locked_version is not None:
                return _major(pydantic.locked_version)
            major = _only_major(pydantic.specifier)
            if major is not None:
                return major
        return 2 if self.requirement("pydantic-settings") is not None else None

    # -- presence ------------------------------------------------------------------------------------------

    @cached_property
    def presence(self) -> Presence:
        """What of the guide's additional practices the files show."""
        return practices.presence(self)


# -- dotenv --------------------------------------------------------------------------------------------------


def dotenv_kind(name: str) -> str | None:
    """``dotenv`` (``.env``, ``prod.env``), ``example`` (``.env.example``, ``template.env``), or None."""
    words = [word for word in re.split(r"[._-]", name.lower()) if word]
    if "env" not in words or not (name.startswith(".env") or words[-1] == "env" or words[0] == "env"):
        return None
    if not _EXAMPLE_WORDS.isdisjoint(words):
        return "example"
    if words[0] == "env" and not name.startswith("."):  # env.py, env.d.ts: only the examples have such names
        return "dotenv" if len(words) == 1 and "." in name else None
    return None if words[-1] in _NOT_DOTENV else "dotenv"


_NOT_DOTENV = frozenset(
    {"py", "ts", "js", "json", "yml", "yaml", "toml", "sh", "md", "txt", "gpg", "enc", "age", "vault"}
)
"""Ends of names that are another format, or encrypted."""


def parse_dotenv(text: str) -> Iterator[tuple[str, str | None]]:
    """Names and values as python-dotenv reads them, without interpolation; broken lines are left out."""
    from dotenv.parser import parse_stream

    for binding in parse_stream(io.StringIO(text)):
        if binding.key is not None and not binding.error:
            yield binding.key, binding.value


# -- requirements --------------------------------------------------------------------------------------------


def normal_name(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared_names(folder: Path) -> frozenset[str]:
    """The distributions, by normalised name, that the requirement files directly in ``folder`` name."""
    return frozenset(name for name, _ in _declared(folder))


def _declared(folder: Path) -> Iterator[tuple[str, str]]:
    """Names and specifiers from the files in ``folder`` that people write, the most telling formats first."""
    for name, reader in READERS.items():
        yield from reader(read_text(folder / name))
    for name in names_in(folder):
        if re.match(r"(?i)requirements[^/]*\.(txt|in)\Z", name):
            yield from _requirements_txt(folder / name, set())
    for name in names_in(folder / "requirements"):
        if name.endswith((".txt", ".in")):
            yield from _requirements_txt(folder / "requirements" / name, set())


def _requirements_txt(path: Path, seen: set[Path]) -> Iterator[tuple[str, str]]:
    """pip's format: continued lines, comments, ``-r`` and ``-c``, hashes, options, editable and URL lines."""
    path = Path(os.path.normpath(path))
    if path in seen:
        return
    seen.add(path)
    for line in re.sub(r"\\\n", " ", read_text(path)).splitlines():
        line = re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip()
        include = re.match(r"(?:-r|--requirement|-c|--constraint)[\s=]*(\S+)", line)
        if include is not None:
            yield from _requirements_txt(path.parent / include.group(1), seen)
        elif egg := re.match(r"(?:-e\s+|--editable[\s=]+)?\S+#(?:.*&)?egg=([\w.-]+)", line):
            yield normal_name(egg.group(1)), ""
        elif line and not line.startswith("-"):
            yield from _pep508(re.split(r"\s--", line, maxsplit=1)[0])


_PLAIN = pattern(
    r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?:\[[A-Za-z0-9]+(?:,[A-Za-z0-9]+)*\])?"
    r"((?:==|>=|<=|<|>)[0-9]+(?:\.[0-9]+)*)?"
)
"""The requirements that most projects have. The grammar of all of them takes longer to import than a small project
to check."""


def _pep508(text: str) -> Iterator[tuple[str, str]]:
    plain = _PLAIN.fullmatch(text)
    if plain is not None:
        yield normal_name(plain[1]), plain[2] or ""
        return
    from packaging.requirements import InvalidRequirement
    from packaging.requirements import Requirement as Pep508

    try:
        requirement = Pep508(text)
    except InvalidRequirement:
        return
    yield normal_name(requirement.name), str(requirement.specifier)


def _pyproject(text: str) -> Iterator[tuple[str, str]]:
    document = _parse_toml(text)
    project = _table(document, "project")
    groups = [project.get("dependencies"), *_table(project, "optional-dependencies").values()]
    groups += _table(document, "dependency-groups").values()
    for group in groups:
        for line in group if isinstance(group, list) else ():
            if isinstance(line, str):  # else {include-group = ...}, which is read by itself
                yield from _pep508(line)
    poetry = _table(document, "tool", "poetry")
    tables = [_table(poetry, "dependencies"), _table(poetry, "dev-dependencies")]
    tables += [_table(poetry, "group", name, "dependencies") for name in _table(poetry, "group")]
    for table in tables:
        yield from _version_table(table)
    for group in (_table(document, "tool", "pdm", "dev-dependencies"), _table(document, "tool", "uv")):
        for lines in group.values():
            for line in lines if isinstance(lines, list) else ():
                if isinstance(line, str):
                    yield from _pep508(line)


def _version_table(table: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """``name = "^2.1"`` and ``name = {version = "*"}``, as Poetry and Pipenv write them."""
    for name, value in table.items():
        if name.lower() in {"python", "python_version"}:
            continue
        version = value.get("version", "") if isinstance(value, dict) else value
        yield normal_name(name), _from_poetry(version) if isinstance(version, str) else ""


def _from_poetry(version: str) -> str:
    """Poetry's ``^2.1``, ``~2.1`` and ``2.*`` as PEP 440 says them; what neither knows becomes empty."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    parts: list[str] = []
    for part in (part.strip() for part in version.split(",")):
        match = re.match(r"([\^~])\s*(\d+(?:\.\d+)*)", part)
        if match is not None:
            numbers = [int(number) for number in match.group(2).split(".")]
            if match.group(1) == "~":
                upper = numbers[:2] if len(numbers) > 1 else numbers[:1]
            else:
                first = next((i for i, number in enumerate(numbers) if number), len(numbers) - 1)
                upper = numbers[: first + 1]
            upper = [*upper[:-1], upper[-1] + 1]
            parts += [f">={match.group(2)}", f"<{'.'.join(map(str, upper))}"]
        elif re.match(r"\d", part):
            parts.append(f"=={part}")
        elif part not in {"", "*"}:
            parts.append(part)
    try:
        return str(SpecifierSet(",".join(parts)))
    except InvalidSpecifier:
        return ""


def _setup_cfg(text: str) -> Iterator[tuple[str, str]]:
    sections = _parse_ini(text)
    values = [sections.get("options", {}).get("install_requires", "")]
    values += sections.get("options.extras_require", {}).values()
    for value in values:
        for line in (value or "").splitlines():
            yield from _pep508(line.strip())


def _setup_py(text: str) -> Iterator[tuple[str, str]]:
    """Read as text, since it is not to be run: the strings of a literal ``install_requires``."""
    match = re.search(
        r"(?:install_requires|requires|requirements)\s*=\s*[\[(](.*?)[\])]\s*(?:,|\)|\n|\Z)", text, re.DOTALL
    )
    for line in re.findall(r"['\"]([A-Za-z][^'\"\n]*)['\"]", match.group(1)) if match is not None else ():
        yield from _pep508(line)


def _pipfile(text: str) -> Iterator[tuple[str, str]]:
    document = _parse_toml(text)
    yield from _version_table(_table(document, "packages"))
    yield from _version_table(_table(document, "dev-packages"))


def _conda(text: str) -> Iterator[tuple[str, str]]:
    """The pip part of a conda environment, and its own ``name=1.2`` lines."""
    for line in re.findall(r"(?m)^\s*-\s+([A-Za-z][^#\n:]*)$", text):
        yield from _pep508(re.sub(r"(?<![=<>!~])=(?!=)", "==", line.strip()))


READERS = {
    "pyproject.toml": _pyproject,
    "setup.cfg": _setup_cfg,
    "setup.py": _setup_py,
    "Pipfile": _pipfile,
    "environment.yml": _conda,
    "environment.yaml": _conda,
}


def _locked(folder: Path) -> Iterator[tuple[str, str]]:
    """Names and versions from the lock files in ``folder``."""
    for name in ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml"):
        document = read_toml(folder / name)
        packages = document.get("package", document.get("packages"))
        for package in packages if isinstance(packages, list) else ():
            if isinstance(package, dict) and isinstance(package.get("name"), str):
                version = package.get("version")
                if isinstance(version, str):
                    yield normal_name(package["name"]), version
    try:
        pipfile = msgspec.json.decode(read_text(folder / "Pipfile.lock") or "{}")
    except (msgspec.DecodeError, RecursionError):
        pipfile = {}
    for section in ("default", "develop"):
        for name, package in _table(pipfile, section).items():
            version = package.get("version") if isinstance(package, dict) else None
            if isinstance(version, str):
                yield normal_name(name), version.lstrip("=")
    for name, specifier in _declared(folder):  # pip-tools and `pip freeze` pin every version
        if specifier.startswith("==") and "," not in specifier and "*" not in specifier:
            yield name, specifier[2:]


def _major(version: str) -> int | None:
    plain = re.fullmatch(r"([0-9]+)(?:\.[0-9]+)*", version)
    if plain is not None:
        return int(plain[1])
    from packaging.version import InvalidVersion, Version

    try:
        return Version(version).major
    except InvalidVersion:
        return None


def _only_major(specifier: str) -> int | None:
    """1 or 2 where every version of Pydantic that the specifier allows has that major."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        allowed = SpecifierSet(specifier)
    except InvalidSpecifier:
        return None
    ones = any(allowed.contains(f"1.{minor}.{patch}") for minor in range(11) for patch in range(30))
    twos = any(allowed.contains(f"2.{minor}.{patch}") for minor in range(40) for patch in range(15))
    if ones == twos:
        return None
    return 1 if ones else 2


# -- reading -------------------------------------------------------------------------------------------------


def names_in(folder: Path) -> list[str]:
    """The entries of a folder, sorted; none where it cannot be read."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _is_program(folder: Path) -> bool:
    """Whether the folder holds a program of its own: requirements or a Dockerfile alone are part of another."""
    names = names_in(folder)
    code = any(name.endswith(".py") or (folder / name).is_dir() for name in names)
    return "package.json" in names or (code and not MARKERS.isdisjoint(names))


def read_text(path: Path) -> str:
    """The text of a small file, also as Windows tools write it (UTF-16, BOM); empty where there is none."""
    try:
        if path.stat().st_size > _SIZE_LIMIT:
            return ""
        data = path.read_bytes()
    except (OSError, ValueError):
        return ""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", "replace")
    else:
        text = data.decode("utf-8-sig", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _parse_toml(text: str) -> dict[str, Any]:
    try:
        table: dict[str, Any] = msgspec.toml.decode(text)
        return table
    except (msgspec.DecodeError, RecursionError):
        return {}


def read_toml(path: Path) -> dict[str, Any]:
    return _parse_toml(read_text(path))


def _parse_ini(text: str) -> dict[str, dict[str, str]]:
    import configparser

    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string(text)
    except configparser.Error:
        return {}
    return {section: {k: v or "" for k, v in parser.items(section)} for section in parser.sections()}


def read_ini(path: Path) -> dict[str, dict[str, str]]:
    return _parse_ini(read_text(path))


def _table(document: object, *names: str) -> dict[str, Any]:
    """The table at this path of keys; empty where there is none."""
    for name in names:
        document = document.get(name) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}
