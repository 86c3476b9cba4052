"""One defect, one finding: which check is silent where another has spoken.

The catalogue says "silent where X speaks". Those relations are declared here, once; no check asks what
another found. The engine applies them to the findings of the selected checks: a finding that a comment or a
path rule suppresses, or that the baseline holds, still keeps silent what it outranks; a deselected check does
not, and neither does a finding that is itself silent.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

from msgspec import Struct

from guardrails.finding import Finding


class Overlap(Struct, frozen=True):
    """``silent`` says nothing where one of ``speaking`` has spoken in the same ``scope``.

    Scopes: ``place`` (starts at the same point), ``line`` (starts on a line that the speaking finding
    covers), ``symbol`` (the same function, class or module of the same file), ``module`` (the same file),
    ``project`` (the same application), ``key`` (both are about the same thing: they share an element of
    ``Finding.about``).
    """

    silent: str
    speaking: tuple[str, ...]
    scope: str


OVERLAPS: tuple[Overlap, ...] = (
    # Rule 1. Imports are keys; a circle is about its imports.
    Overlap("GR105", ("GR101", "GR102", "GR103", "GR108"), "key"),
    Overlap("GR108", ("GR101", "GR102", "GR103"), "key"),
    # Rule 2. One construction of a client, one finding.
    Overlap("GR201", ("GR202",), "place"),
    Overlap("GR203", ("GR301",), "symbol"),
    Overlap("GR204", ("GR202",), "key"),
    # Rule 3.
    Overlap("GR303", ("GR302",), "symbol"),
    Overlap("GR305", ("GR201", "GR202", "GR301"), "module"),
    # Rule 5.
    Overlap("GR501", ("GR507",), "project"),
    Overlap("GR506", ("GR505",), "line"),
    Overlap("GR506", ("GR505",), "key"),
    # Rule 6. A settings field with a literal secret.
    Overlap("GR602", ("GR605",), "line"),
    # Rule 7. Operations that block through a synchronous client.
    Overlap("GR703", ("GR702",), "key"),
    Overlap("GR704", ("GR702",), "key"),
    # Rule 8. A router stands at its construction, a handler at its definition.
    Overlap("GR803", ("GR802",), "place"),
    Overlap("GR804", ("GR802",), "place"),
    Overlap("GR806", ("GR805",), "place"),
    # Rule 9.
    Overlap("GR903", ("GR901",), "project"),
    Overlap("GR904", ("GR901",), "project"),
    Overlap("GR905", ("GR901",), "project"),
    Overlap("GR908", ("GR901",), "project"),
    # Rule 10. The same call.
    Overlap("GR1001", ("GR1006",), "place"),
)


def apply(findings: Sequence[Finding], table: Sequence[Overlap] = OVERLAPS) -> tuple[Finding, ...]:
    """The findings of one application without those that the table keeps silent, in the given order.

    Raises ``ValueError`` where the table goes in a circle.
    """
    rows: dict[str, list[Overlap]] = {}
    for row in table:
        rows.setdefault(row.silent, []).append(row)
    speaking: dict[str, list[Finding]] = {}
    for finding in findings:
        speaking.setdefault(finding.code, []).append(finding)

    settled: dict[str, list[Finding]] = {}
    for code in _speakers_first(sorted(speaking), rows):
        heard = [(row, _index(row, settled)) for row in rows.get(code, ())]
        settled[code] = [
            finding
            for finding in speaking.get(code, ())
            if not any(not index.isdisjoint(_SILENT[row.scope](finding)) for row, index in heard)
        ]
    kept = {id(finding) for several in settled.values() for finding in several}
    return tuple(finding for finding in findings if id(finding) in kept)


def _speakers_first(codes: Iterable[str], rows: dict[str, list[Overlap]]) -> Iterator[str]:
    """The codes and all that can silence them, each after its speakers."""
    done: set[str] = set()
    open_: list[str] = []

    def visit(code: str) -> Iterator[str]:
        if code in done:
            return
        if code in open_:
            raise ValueError("the table of overlaps goes in a circle: " + " > ".join([*open_, code]))
        open_.append(code)
        for row in rows.get(code, ()):
            for speaker in row.speaking:
                yield from visit(speaker)
        open_.pop()
        done.add(code)
        yield code

    for code in codes:
        yield from visit(code)


def _index(row: Overlap, settled: dict[str, list[Finding]]) -> set[Hashable]:
    keys = _SPEAKING[row.scope]
    return {key for code in row.speaking for finding in settled.get(code, ()) for key in keys(finding)}


Keys = Callable[[Finding], Iterable[Hashable]]


def _start(finding: Finding) -> Iterable[Hashable]:
    return ((finding.place.path, finding.place.line, finding.place.column),)


def _first_line(finding: Finding) -> Iterable[Hashable]:
    return ((finding.place.path, finding.place.line),)


def _lines(finding: Finding) -> Iterable[Hashable]:
    place = finding.place
    return ((place.path, line) for line in range(place.line, max(place.line, place.end_line) + 1))


def _symbol(finding: Finding) -> Iterable[Hashable]:
    return ((finding.place.path, finding.symbol),)


def _module(finding: Finding) -> Iterable[Hashable]:
    return (finding.place.path,)


def _project(finding: Finding) -> Iterable[Hashable]:
    return ("",)


def _about(finding: Finding) -> Iterable[Hashable]:
    return finding.about


_SILENT: dict[str, Keys] = {
    "place": _start,
    "line": _first_line,
    "symbol": _symbol,
    "module": _module,
    "project": _project,
    "key": _about,
}
_SPEAKING: dict[str, Keys] = {**_SILENT, "line": _lines}
