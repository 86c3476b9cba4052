"""Which of the things exist that the guide asks for beside the code: a changelog, tests, a type checker, and so on.

Files are read as text; a file that cannot be read says nothing. Tests are told apart by their folders, by their names,
and by whether they call the app over HTTP.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from guardrails.patterns import pattern

if TYPE_CHECKING:
    from guardrails.project.environment import Environment

_CHANGELOG = r"(?i)(changelog|changes|history|release[-_]?notes|releases|news)(\.\w+)?\Z"
_REQUIREMENTS = r"(?i)requirements[^/]*\.(txt|in)\Z|Pipfile(\.lock)?\Z|uv\.lock\Z|poetry\.lock\Z|environment\.ya?ml\Z"
_TYPE_CHECKERS = ("mypy", "pyright", "basedpyright", "pyre", "pyrefly", "ty", "pytype")
_TYPE_CHECKER_FILES = (
    r"\.?mypy\.ini\Z|pyrightconfig\.json\Z|\.pyre_configuration\Z|pyrefly\.toml\Z|ty\.toml\Z|pytype\.cfg\Z"
)
_TYPE_CHECKER_COMMAND = r"\b(?:mypy|dmypy|pyright|basedpyright|pytype)\b|\b(?:pyre|pyrefly|ty) check\b"
_FORMATTERS = ("black", "ruff", "yapf", "autopep8", "blue")
_FORMATTER_FILES = r"\.?ruff\.toml\Z|\.style\.yapf\Z|\.?black\.toml\Z"
_FORMATTER_COMMAND = r"\bruff format\b|\b(?:black|yapf|autopep8|blue)\b"
_THRESHOLD = r"fail_under\s*=|--cov-fail-under|--fail-under"
_COMMANDS = (
    "Makefile",
    "makefile",
    "justfile",
    "Justfile",
    "noxfile.py",
    "tox.ini",
    ".gitlab-ci.yml",
    "azure-pipelines.yml",
)

_TEST_FILE = pattern(r"test_.*\.py\Z|.*_test\.py\Z")
_TEST_FOLDER = pattern(r"(?i)(?:unit|integration|functional|e2e)?[-_]?tests?\Z")
_TEST = pattern(
    r"^[ \t]*(?:async[ \t]+)?def[ \t]+test|^class[ \t]+Test\w*|^class[ \t]+\w+\([\w.]*TestCase\)", re.MULTILINE
)
_HTTP = pattern(r"\b(?:TestClient|AsyncClient|AsyncTestClient|ASGITransport)\b")
_CLIENT_FIXTURE = pattern(r"^[ \t]*(?:async[ \t]+)?def[ \t]+test\w*\([^)]*\b\w*client\b", re.MULTILINE)
_INTEGRATION = frozenset({"integration", "e2e", "functional", "api", "acceptance", "system"})
_PASSED_OVER = frozenset({"node_modules", "site-packages", "__pycache__", "venv", "env", "build", "dist"})
# Where the files of a container image lie, and with them what it installs.
_IMAGE_FOLDERS = ("config", "deploy", "deployment", "docker", "image", "build")
# More test files than any decision needs.
_ENOUGH = 5_000


class Presence(msgspec.Struct, frozen=True):
    """Which of the expected things exist, as paths to show; empty where there is none."""

    changelog: str
    unit_tests: str
    integration_tests: str
    type_checker: str
    formatter: str
    coverage_threshold: str
    requirements: str


def presence(environment: Environment) -> Presence:
    """What of the guide's additional practices the files of a project show."""
    found = _Search(environment)
    unit, integration = found.tests()
    return Presence(
        changelog=found.first(_CHANGELOG) or found.first(_CHANGELOG, "docs") or found.first(_CHANGELOG, "doc"),
        unit_tests=unit,
        integration_tests=integration,
        type_checker=found.configured(_TYPE_CHECKER_FILES, _TYPE_CHECKERS, _TYPE_CHECKER_COMMAND),
        formatter=found.configured(_FORMATTER_FILES, _FORMATTERS, _FORMATTER_COMMAND),
        coverage_threshold=found.mentioned(
            _THRESHOLD, ("pyproject.toml", "setup.cfg", ".coveragerc", "pytest.ini", "tox.ini")
        ),
        requirements=found.requirements(),
    )


class _Search:
    """Looks through a project's folders, innermost first."""

    def __init__(self, environment: Environment) -> None:
        from guardrails.project import environment as files

        self.folders = environment.folders
        self.root = environment.root
        self.display = environment.display
        self.files = files

    def first(self, pattern: str, inside: str = "") -> str:
        """The first file with a name like this, in the folders or in those of the name ``inside`` in them."""
        for folder in self.folders:
            for name in self.files.names_in(folder / inside):
                if re.match(pattern, name):
                    return self.display(folder / inside / name)
        return ""

    def configured(self, files: str, tools: tuple[str, ...], command: str) -> str:
        """A configuration file of its own, a section in a shared one, a pre-commit hook, or a command that is run."""
        own = self.first(files)
        if own:
            return own
        for folder in self.folders:
            tables = self.files.read_toml(folder / "pyproject.toml").get("tool", {})
            if isinstance(tables, dict) and any(tool in tables for tool in tools):
                return self.display(folder / "pyproject.toml")
            for name in ("setup.cfg", "tox.ini"):
                sections = {
                    section.partition(":")[0].partition("-")[0] for section in self.files.read_ini(folder / name)
                }
                if not sections.isdisjoint(tools):
                    return self.display(folder / name)
            for name in (".pre-commit-config.yaml", ".pre-commit-config.yml"):
                hooks = re.findall(r"(?m)^\s*-?\s*id:\s*['\"]?([\w.-]+)", self.files.read_text(folder / name))
                if any(hook == tool or hook.startswith(f"{tool}-") for hook in hooks for tool in tools):
                    return self.display(folder / name)
        return self.mentioned(command)

    def mentioned(self, pattern: str, names: Iterable[str] = ()) -> str:
        """The first file with the pattern in it: of the named ones, those that hold commands, the CI workflows."""
        wanted = re.compile(rf"(?m)^[^#\n]*(?:{pattern})")
        for folder in self.folders:
            workflows = folder / ".github" / "workflows"
            paths = [folder / name for name in (*names, *_COMMANDS)]
            for path in (*paths, *(workflows / name for name in self.files.names_in(workflows))):
                if wanted.search(self.files.read_text(path)):
                    return self.display(path)
        return ""

    def requirements(self) -> str:
        """What says which packages are needed."""
        found = self.first(_REQUIREMENTS) or self.first(r"(?i).*\.(txt|in)\Z", "requirements")
        found = found or next((f for name in _IMAGE_FOLDERS if (f := self.first(_REQUIREMENTS, name))), "")
        if found:
            return found
        for folder in self.folders:
            for name, reader in self.files.READERS.items():
                if any(reader(self.files.read_text(folder / name))):
                    return self.display(folder / name)
        return ""

    # -- tests

    def tests(self) -> tuple[str, str]:
        """The first file with unit tests, and the first with integration tests."""
        unit = integration = ""
        for base, path in self._test_files():
            text = self.files.read_text(path)
            if not _TEST.search(text):
                continue
            if self._is_integration(path.relative_to(base), path, text):
                integration = integration or self.display(path)
            else:
                unit = unit or self.display(path)
            if unit and integration:
                break
        return unit, integration

    def _test_files(self) -> Iterator[tuple[Path, Path]]:
        """The test files below the root, then those of the tests folders beside the root and above it."""
        seen: set[Path] = set()
        roots = [self.root, *(f / n for f in self.folders for n in self.files.names_in(f) if _TEST_FOLDER.match(n))]
        for base in roots:
            for folder, inner, names in os.walk(base):
                inner[:] = sorted(n for n in inner if n not in _PASSED_OVER and not n.startswith("."))
                for name in sorted(names):
                    path = Path(folder, name)
                    if _TEST_FILE.match(name) and path not in seen and len(seen) < _ENOUGH:
                        seen.add(path)
                        yield base.parent if base != self.root else base, path

    def _is_integration(self, relative: Path, path: Path, text: str) -> bool:
        folders = {word for part in relative.parts[:-1] for word in re.split(r"[-_.]", part.lower())}
        if folders & _INTEGRATION:
            return True
        if "unit" in folders:
            return False
        if (_INTEGRATION - {"api", "system"}) & set(re.split(r"[-_.]", path.stem.lower())):
            return True
        return bool(_HTTP.search(text)) or (bool(_CLIENT_FIXTURE.search(text)) and self._has_client(path))

    def _has_client(self, path: Path) -> bool:
        """Whether a ``conftest.py`` beside the file or above it makes a client of the app."""
        return any(_HTTP.search(self.files.read_text(folder / "conftest.py")) for folder in list(path.parents)[:4])
