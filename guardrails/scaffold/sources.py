"""Taking definitions and imports out of Python sources, as one would by hand.

Works on sources that a formatter has been over: a definition begins at its own indentation and ends before
the next line that stands no deeper.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from guardrails.facts.extract import extract
from guardrails.facts.records import Import, unpack

LINE_LENGTH = 110
"""Of the application that projects are made from."""


def cut_definitions(source: str, names: Iterable[str], file: str) -> str:
    """Take definitions out of a source, with the comments above and the docstring below them.

    ``names`` are functions, classes and variables of the module, or ``Class.member``; ``file`` is named in the
    `LookupError` that says what the source does not define.
    """
    lines = source.splitlines(keepends=True)
    missing: list[str] = []
    for name in names:
        first, last, indent = 0, len(lines), ""
        for part in name.split("."):
            start = next((n for n in range(first, last) if _defines(lines[n], indent, part)), None)
            if start is None:
                missing.append(name)
                break
            first, last, indent = start, _end(lines, start, last, indent), f"{indent}    "
        else:
            del lines[_begin(lines, first, indent[4:]) : last]
    if missing:
        raise LookupError(f"{file}: does not define {', '.join(sorted(missing))}")
    return "".join(lines)


def _defines(line: str, indent: str, name: str) -> bool:
    return bool(re.match(rf"{indent}(?:(?:async def|def|class) {name}\b|{name}(?:: | = ))", line))


def _begin(lines: Sequence[str], start: int, indent: str) -> int:
    """Where the decorators, the comments and the empty lines above a definition begin."""
    while start and lines[start - 1].startswith((f"{indent}@", f"{indent}#")):
        start -= 1
    while start and not lines[start - 1].strip():
        start -= 1
    return start


def _end(lines: Sequence[str], start: int, last: int, indent: str) -> int:
    """Where a definition ends: behind its last deeper line, its closing bracket, its docstring."""
    end = start + 1
    for number in range(start + 1, last):
        line = lines[number]
        if line.startswith((f"{indent} ", f"{indent})", f"{indent}]", f"{indent}}}")):
            end = number + 1
        elif line.strip():
            break
    if end < last and lines[end].startswith(f'{indent}"""'):
        while not lines[end].endswith('"""\n') or lines[end].strip() == '"""':
            end += 1
        end += 1
    return end


def prune_imports(source: str) -> str:
    """Take imports that nothing uses out of a source, and write shortened ones as a formatter would."""
    facts = extract(source)
    bodies = [facts.body, *(one.body for one in facts.classes), *(one.body for one in facts.functions)]
    used = {name.partition(".")[0] for body in bodies for name in body.loads}
    lines = source.splitlines(keepends=True)
    statements = groupby((one for one in facts.imports if one.function < 0), lambda one: one.span)
    for span, names in reversed([(span, list(names)) for span, names in statements]):
        kept = [one for one in names if (one.alias or one.name or one.module.partition(".")[0]) in used]
        if len(kept) < len(names):
            first, _, last, _ = unpack(span)
            lines[first - 1 : last] = [_written(kept)] if kept else []
    return re.sub(r"\n{3,}(?=from |import )", "\n\n", "".join(lines))


def _written(imports: Sequence[Import]) -> str:
    """One import statement of these names, which come from the same."""
    names = [f"{one.name or one.module}{f' as {one.alias}' if one.alias else ''}" for one in imports]
    first = imports[0]
    head = f"from {'.' * first.level}{first.module} import " if first.name else "import "
    line = head + ", ".join(names)
    if len(line) > LINE_LENGTH:
        line = f"{head}(\n" + "".join(f"    {name},\n" for name in names) + ")"
    return f"{line}\n"
