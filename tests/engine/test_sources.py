"""Lines and columns of files as Python counts them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from guardrails.sources import Sources, decode


@pytest.mark.parametrize(
    "raw",
    [
        "x = 'ä'\ny = 1\n".encode(),
        b"\xef\xbb\xbf" + "x = 'ä'\ny = 1\n".encode(),
        "# coding: latin-1\nx = 'ä'\ny = 1\n".encode("latin-1"),
        "x = 'ä'\r\ny = 1\r\n".encode(),
        "x = 'ä'\ry = 1\r".encode(),
        "x = 'ä'\n\x0c\ny = 1\n".encode(),
        "x = 'a\u2028b'\ny = 1\n".encode(),
    ],
)
def test_lines_are_counted_as_python_counts_them(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "a.py").write_bytes(raw)
    last = ast.parse(raw).body[-1]
    assert Sources(tmp_path).line("a.py", last.lineno) == "y = 1"


def test_byte_columns_become_columns_in_characters(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("äöü = call('𝄞', x)\n", encoding="utf-8")
    sources = Sources(tmp_path)
    statement = ast.parse((tmp_path / "a.py").read_bytes()).body[0]
    assert isinstance(statement, ast.Assign)
    assert isinstance(statement.value, ast.Call)
    columns = [sources.column("a.py", 1, node.col_offset) for node in (statement.value, statement.value.args[1])]
    assert columns == [7, 17]
    assert sources.column("a.py", 1, 0) == 1
    assert sources.column("a.py", 99, 4) == 5


def test_what_cannot_be_read_or_decoded_is_no_error(tmp_path: Path) -> None:
    assert Sources(tmp_path).lines("missing.py") == ()
    assert Sources(tmp_path).line("missing.py", 1) is None
    assert decode(b"x = '\xff'") == "x = '\ufffd'"
    assert decode(b"# coding: nonsense\nx = 1\n") == "# coding: nonsense\nx = 1\n"
