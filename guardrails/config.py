"""Where the configuration is, and what it says: ``[tool.guardrails]`` in pyproject.toml, or guardrails.toml.

``locate`` is cheap and judges nothing but TOML's own syntax, so that a run which answers from its stored
result needs no more. ``validate`` turns what was found into ``Options`` and reports every mistake at once,
each with its line and, where a name is nearly right, the right one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from guardrails.options import DEFAULT_EXCLUDE, Options
from guardrails.patterns import pattern

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

OWN_FILE = "guardrails.toml"
SHARED_FILE = "pyproject.toml"


class Mistake(msgspec.Struct, frozen=True, order=True):
    """One thing wrong with the configuration. ``line`` counts from 1; 0 where it concerns no line."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.message}" if where else self.message


class ConfigError(ValueError):
    """The configuration or the command line is wrong; ``mistakes`` are all of them, in order of place."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(map(str, self.mistakes)))


class Found(msgspec.Struct, frozen=True):
    """A configuration as read: its file (None for none), text, and the table of options, unjudged.

    ``passed_over``: files that configure folders below, of which none could be chosen.
    """

    path: Path | None
    text: str
    table: dict[str, Any]
    passed_over: tuple[Path, ...] = ()


def locate(start: Path, explicit: Path | None = None) -> Found:
    """The configuration nearest to ``start`` (an absolute folder), at or above it, within its repository.

    In one folder guardrails.toml goes before pyproject.toml. Where nothing above configures, the only
    configuration up to two folders below does (``backend/pyproject.toml``, run from the repository's root).
    ``explicit`` names a file to use instead. Raises ``ConfigError`` for what cannot be read or is no TOML.
    """
    if explicit is not None:
        text = _text(explicit)
        table = _parse(explicit, text)
        return Found(explicit, text, _section(table) if explicit.name == SHARED_FILE else _own(table))
    for folder in (start, *start.parents):
        if found := _in_folder(folder):
            return found
        if (folder / ".git").exists():
            break
    below = [found for folder in _folders_below(start) if (found := _in_folder(folder))]
    if len(below) == 1:
        return below[0]
    return Found(None, "", {}, tuple(found.path for found in below if found.path))


def validate(found: Found, overrides: Mapping[str, Any] | None = None, display: str | None = None) -> Options:
    """The options that the file and the command line decide together. Raises ``ConfigError`` with every
    mistake.

    ``overrides``: options as the command line gives them, by their ``Options`` names; ``select`` there
    replaces the file's whole selection, ``ignore`` and ``extend_select`` add to it. ``display``: how messages
    name the file.
    """
    file = display or (found.path.name if found.path else "")
    mistakes: list[Mistake] = []
    options = Options()
    if found.table:  # pydantic takes longer to import than a small application to check
        from pydantic import ValidationError

        from guardrails.schema import Configuration

        try:
            options = Configuration.model_validate(found.table).options()
        except ValidationError as error:
            mistakes.extend(_mistakes(error, found, file))
    mistakes.extend(_unknown_selectors(found.table, found, file))
    if overrides:
        mistakes.extend(Mistake("", 0, message) for message in _selector_messages(_given(overrides)))
        options = _overridden(options, overrides)
    if mistakes:
        raise ConfigError(sorted(set(mistakes)))
    return options


def _overridden(options: Options, overrides: Mapping[str, Any]) -> Options:
    given = dict(overrides)
    if given.get("select"):
        options = msgspec.structs.replace(options, extend_select=(), ignore=())
    else:
        given.pop("select", None)
    for name in ("extend_select", "ignore"):
        given[name] = (*getattr(options, name), *given.get(name, ()))
    return msgspec.structs.replace(options, **given)


def _in_folder(folder: Path) -> Found | None:
    for name in (OWN_FILE, SHARED_FILE):
        path = folder / name
        if not path.is_file():
            continue
        text = _text(path)
        if name == SHARED_FILE and "guardrails" not in text:
            continue
        table = _parse(path, text)
        if name == OWN_FILE:
            return Found(path, text, _own(table))
        if "guardrails" in _tool(table):
            return Found(path, text, _section(table))
    return None


def _folders_below(start: Path, depth: int = 2) -> Iterator[Path]:
    try:
        folders = sorted(entry.name for entry in os.scandir(start) if entry.is_dir(follow_symlinks=False))
    except OSError:
        return
    for name in folders:
        if not name.startswith(".") and name not in DEFAULT_EXCLUDE:
            yield start / name
            if depth > 1:
                yield from _folders_below(start / name, depth - 1)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError([Mistake(str(path), 0, error.strerror or str(error))]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([Mistake(str(path), 0, "is not UTF-8")]) from error


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        table: dict[str, Any] = msgspec.toml.decode(text)
        return table
    except msgspec.DecodeError as error:
        place = re.search(r"at line (\d+)", str(error))
        reason = re.sub(r" \(at .*\)", "", str(error))
        raise ConfigError([Mistake(str(path), int(place.group(1)) if place else 0, f"no TOML: {reason}")]) from error


def _tool(table: Mapping[str, Any]) -> Mapping[str, Any]:
    tool = table.get("tool")
    return tool if isinstance(tool, dict) else {}


def _section(table: Mapping[str, Any]) -> dict[str, Any]:
    section = _tool(table).get("guardrails", {})
    return section if isinstance(section, dict) else {"guardrails": section}


def _own(table: dict[str, Any]) -> dict[str, Any]:
    """guardrails.toml holds the options at its top, or under the same heading as pyproject.toml."""
    return _section(table) if "guardrails" in _tool(table) else table


# --- mistakes


def _mistakes(error: ValidationError, found: Found, file: str) -> list[Mistake]:
    seen: dict[tuple[str | int, ...], Mistake] = {}
    for detail in error.errors(include_url=False):
        # A union reports every branch that failed, with the branch's name in the path.
        path = tuple(part for part in detail["loc"] if not _is_branch(part, found.table))
        if path not in seen:
            seen[path] = Mistake(file, line_of(found, path), _message(path, detail))
    return list(seen.values())


def _is_branch(part: str | int, table: Mapping[str, Any]) -> bool:
    return isinstance(part, str) and (part in ("str", "[key]") or part.startswith(("list[", "tuple[")))


def _message(path: Sequence[str | int], detail: ErrorDetails) -> str:
    from guardrails.schema import Configuration

    option = ".".join(str(part) for part in path if isinstance(part, str))
    if detail["type"] == "extra_forbidden":
        return f"unknown option {option!r}{_did_you_mean(option, Configuration.names())}"
    if detail["type"] in ("literal_error", "enum"):
        expected = str(detail.get("ctx", {}).get("expected", ""))
        value = path[-1] if detail["loc"][-1] == "[key]" else detail["input"]
        choices = re.findall(r"'([^']+)'", expected)
        hint = _did_you_mean(str(value), choices) or f"; it is one of {', '.join(choices)}"
        return f"{option}: {value!r} is not known{hint}"
    reason = detail["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    return f"{option}: {reason[0].lower()}{reason[1:]}"


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word.lower().replace("_", "-"), list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def _unknown_selectors(table: Mapping[str, Any], found: Found, file: str) -> list[Mistake]:
    """Selectors in the file that name no check, wherever an option takes selectors."""
    places: list[tuple[tuple[str | int, ...], str]] = []
    for option in ("select", "extend-select", "ignore"):
        if isinstance(table.get(option), list):
            places += [((option, i), s) for i, s in enumerate(table[option]) if isinstance(s, str)]
    if isinstance(table.get("severities"), dict):
        places += [(("severities", selector), selector) for selector in table["severities"]]
    if isinstance(table.get("per-path-ignores"), dict):
        for glob, selectors in table["per-path-ignores"].items():
            if isinstance(selectors, list):
                places += [(("per-path-ignores", glob, i), s) for i, s in enumerate(selectors) if isinstance(s, str)]
    if not places:
        return []
    return [
        Mistake(file, line_of(found, path), f"{path[0]}: {message}")
        for path, selector in places
        for message in _selector_messages([selector])
    ]


def _given(overrides: Mapping[str, Any]) -> list[str]:
    return [selector for option in ("select", "extend_select", "ignore") for selector in overrides.get(option, ())]


def _selector_messages(selectors: Sequence[str]) -> list[str]:
    if not selectors:
        return []
    from guardrails.checks.registry import all_checks
    from guardrails.selection import validate as validate_selectors

    return [str(unknown) for unknown in validate_selectors(selectors, all_checks())]


_HEADING = pattern(r"\s*\[+\s*([^\]#]+?)\s*\]+\s*(?:#.*)?$")
_KEY = pattern(r"""\s*((?:"[^"]*"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[\w-]+))*)\s*=""")
_PART = pattern(r""""([^"]*)"|'([^']*)'|([\w-]+)""")


def line_of(found: Found, path: Sequence[str | int]) -> int:
    """The line of the option at ``path``, or of the nearest thing around it that the file writes on a line;
    else 0.

    Inside a value of several lines, the first line that holds the last quoted part of the path.
    """
    prefix = ("tool", "guardrails") if "tool" in _headings(found.text) else ()
    wanted = (*prefix, *(str(part) for part in path if isinstance(part, str)))
    best, depth = 0, 0
    table: tuple[str, ...] = ()
    lines = found.text.splitlines()
    for number, line in enumerate(lines, 1):
        key: tuple[str, ...] = ()
        if heading := _HEADING.match(line):
            table = _parts(heading.group(1))
        elif assignment := _KEY.match(line):
            key = _parts(assignment.group(1))
        here = (*table, *key)
        common = len(here) if wanted[: len(here)] == here else 0
        if common > max(depth, len(prefix) - 1):
            best, depth = number, common
    return _inner_line(lines, best, path, found.table) if best else 0


def _inner_line(lines: Sequence[str], start: int, path: Sequence[str | int], table: Mapping[str, Any]) -> int:
    value: Any = table
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return start
    needles = [str(part) for part in (value, path[-1]) if isinstance(part, str)]
    for needle in needles:
        for number in range(start, len(lines) + 1):
            if number > start and (_HEADING.match(lines[number - 1]) or _KEY.match(lines[number - 1])):
                break
            if f'"{needle}"' in lines[number - 1] or f"'{needle}'" in lines[number - 1]:
                return number
    return start


def _headings(text: str) -> set[str]:
    return {_parts(heading.group(1))[0] for line in text.splitlines() if (heading := _HEADING.match(line))}


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(a or b or c for a, b, c in _PART.findall(dotted)) or ("",)
