"""Suppression comments: which findings they silence, and GR002 for those that silence nothing.

``# guardrails: ignore[GR301, GR703] -- reason`` silences findings on its own line; on the first or the last
line of a statement of several lines, findings anywhere in that statement (in a compound statement, its
header). ``# guardrails: ignore-file[GR301]`` silences findings in the whole file. Codes are codes or names of
checks. A bare ``ignore`` silences nothing and is itself reported. GR002 can be silenced like any other check,
but a comment's own ``GR002`` is never called unused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from guardrails.checks.registry import Check
from guardrails.facts.records import Comment, unpack
from guardrails.finding import Finding, Place

UNUSED = "GR002"

Comments = Mapping[str, Sequence[Comment]]
"""Displayed path -> the suppression comments of that file."""


class Suppressions:
    """The suppression comments of one application. ``checks``: all registered ones, by which names become
    codes.
    """

    def __init__(self, comments: Comments, checks: Iterable[Check]) -> None:
        self._comments = comments
        self._code_of = {check.name: check.code for check in checks}
        self._known = set(self._code_of.values())
        self._used: set[tuple[str, int, str]] = set()

    def silences(self, finding: Finding) -> bool:
        """Whether a comment suppresses the finding. Remembers every comment that does."""
        silenced = False
        for index, comment in enumerate(self._comments.get(finding.place.path, ())):
            if _covers(comment, finding.place.line):
                for written in comment.codes:
                    if self._code(written) == finding.code:
                        self._used.add((finding.place.path, index, written))
                        silenced = True
        return silenced

    def unused(self, judged: Collection[str], modules: Mapping[str, str]) -> Iterator[Finding]:
        """GR002 for every comment, or code of one, that silenced nothing.

        ``judged``: the codes of the checks that ran; others are not called unused.
        ``modules``: displayed path -> dotted module name of the files whose comments are judged.
        """
        for path in sorted(self._comments.keys() & modules.keys()):
            for index, comment in enumerate(self._comments[path]):
                faults = [
                    (written, fault)
                    for written in comment.codes
                    if (path, index, written) not in self._used and (fault := self._fault(written, judged)) is not None
                ]
                if not comment.codes:
                    yield _unused(
                        path,
                        modules[path],
                        comment,
                        "",
                        "the comment names no check, so it suppresses nothing",
                    )
                for written, fault in faults:
                    yield _unused(path, modules[path], comment, written, fault)

    def _code(self, written: str) -> str:
        return self._code_of.get(written.lower(), written.upper())

    def _fault(self, written: str, judged: Collection[str]) -> str | None:
        code = self._code(written)
        if code not in self._known:
            return f"{written} is no check, so the comment suppresses nothing"
        if code == UNUSED or code not in judged:
            return None
        return f"the comment ignores {written}, which finds nothing here"


def _covers(comment: Comment, line: int) -> bool:
    if comment.whole_file or line == comment.line:
        return True
    at_an_end = comment.line in (comment.statement, comment.last_line)
    return at_an_end and comment.statement <= line <= comment.last_line


def _unused(path: str, module: str, comment: Comment, written: str, message: str) -> Finding:
    line, column, end_line, end_column = unpack(comment.span)
    kind = "ignore-file" if comment.whole_file else "ignore"
    help_ = "Remove it." if written else f"Name the check: `# guardrails: {kind}[GR301] -- why`."
    return Finding(
        code=UNUSED,
        place=Place(path, line, column, end_line, end_column),
        symbol=module,
        subject=f"{kind}[{written}]",
        message=message[0].upper() + message[1:],
        help=help_,
    )
