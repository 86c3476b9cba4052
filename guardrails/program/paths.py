"""Which requests a path answers: Starlette's matching, on patterns instead of requests."""

from __future__ import annotations

import re
from functools import lru_cache

from guardrails.knowledge.web import PATH_CONVERTERS, PATH_PARAMETER

# One private character stands for whatever one parameter of the other path matches. A converter admits the
# characters of those whose matches are all its own.
_ANY = dict(zip(PATH_CONVERTERS, "\ue000\ue001\ue002\ue003\ue004"))
_DIGITS = f"[0-9{_ANY['int']}]+"
_HEX = "[0-9a-fA-F]"
_MATCHES = {
    "float": rf"(?:{_DIGITS}(?:\.{_DIGITS})?|{_ANY['float']})",
    "int": _DIGITS,
    "path": "(?s:.*)",
    "str": f"[^/{_ANY['path']}]+",
    "uuid": rf"(?:{_HEX}{{8}}-?{_HEX}{{4}}-?{_HEX}{{4}}-?{_HEX}{{4}}-?{_HEX}{{12}}|{_ANY['uuid']})",
}


def key(path: str) -> str:
    """The path without the names of its parameters: equal for paths that match the same requests by their form."""
    return PATH_PARAMETER.sub(lambda match: "{" + (match[2] or "str") + "}", path)


def is_catch_all(path: str) -> bool:
    """Whether the path is one parameter that matches every path."""
    return key(path) in {"/{path}", "{path}"}


def first_literal(path: str) -> str | None:
    """The path's first segment, if it is there and literal."""
    segment = path.lstrip("/").partition("/")[0]
    return segment if segment and "{" not in segment else None


def beginnings(path: str) -> list[str]:
    """What a path begins with before its first parameter, in whole segments, the longest first; all of a path without
    parameters is one. Another path covers it, or has its ``key``, only if the longest of the other is among these.
    """
    first = PATH_PARAMETER.search(path)
    found = [path if first is None else path[: first.start()].rpartition("/")[0]]
    while found[-1]:
        found.append(found[-1].rpartition("/")[0])
    return found


def covers(earlier: str, later: str) -> bool:
    """Whether every path that ``later`` matches is one that ``earlier`` matches. False where that is not sure:
    a converter that is not Starlette's own matches what nobody here knows.
    """
    if "{" not in earlier:
        return earlier == later
    if ":path" not in earlier:  # nothing else matches a slash: segment answers to segment, a literal one to itself
        own, theirs = earlier.split("/"), later.split("/")
        if len(own) != len(theirs) or any("{" not in mine and mine != other for mine, other in zip(own, theirs)):
            return False
    pattern, sample = _pattern(earlier), _sample(later)
    return pattern is not None and sample is not None and pattern.fullmatch(sample) is not None


@lru_cache(maxsize=4096)
def _pattern(path: str) -> re.Pattern[str] | None:
    text, position = "", 0
    for match in PATH_PARAMETER.finditer(path):
        matches = _MATCHES.get(match[2] or "str")
        if matches is None:
            return None
        text += re.escape(path[position : match.start()]) + matches
        position = match.end()
    return re.compile(text + re.escape(path[position:]))


@lru_cache(maxsize=4096)
def _sample(path: str) -> str | None:
    if any((match[2] or "str") not in _ANY for match in PATH_PARAMETER.finditer(path)):
        return None
    return PATH_PARAMETER.sub(lambda match: _ANY[match[2] or "str"], path)
