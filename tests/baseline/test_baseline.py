"""The baseline by keys and counts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guardrails.baseline import Entry, InvalidBaseline, Key, entries_of, match, read, write, write_atomically


def key(symbol: str = "app.users.create", subject: str = "users", path: str = "app/users.py") -> Key:
    return Key(path, "GR301", symbol, subject)


def test_as_many_findings_as_the_count_are_held_and_one_more_is_new() -> None:
    entries = entries_of([key(), key()])
    assert entries == (Entry("app/users.py", "GR301", "app.users.create", "users", 2),)
    assert match([key(), key(), key()], entries).held == {0, 1}


def test_what_no_longer_occurs_is_stale_by_count() -> None:
    entries = entries_of([key(), key(), key(subject="orders")])
    laid = match([key()], entries)
    assert laid.held == {0}
    assert laid.stale == entries_of([key(), key(subject="orders")])


def test_another_subject_symbol_or_code_is_new() -> None:
    entries = entries_of([key()])
    for other in (
        key(subject="orders"),
        key(symbol="app.users.delete"),
        Key("app/users.py", "GR302", "app.users.create", "users"),
    ):
        assert match([other], entries).held == frozenset()


def test_code_that_moved_to_another_file_is_held_one_for_one() -> None:
    entries = entries_of([key()])
    moved = key("app.accounts.create", path="app/accounts.py")
    assert match([moved, moved], entries).held == {0}
    assert match([moved], entries).stale == ()


def test_code_that_was_copied_is_new() -> None:
    entries = entries_of([key()])
    assert match([key("app.accounts.create", path="app/accounts.py"), key()], entries).held == {1}


def test_the_file_is_sorted_with_an_entry_a_line_and_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    entries = entries_of([key(subject="b"), key(subject="ä"), key(subject="b")])
    write(path, reversed(entries))
    assert read(path) == entries
    assert path.read_text("utf-8") == (
        '{\n  "version": 1,\n  "entries": [\n'
        '    {"path":"app/users.py","code":"GR301","symbol":"app.users.create","subject":"b","count":2},\n'
        '    {"path":"app/users.py","code":"GR301","symbol":"app.users.create","subject":"ä"}\n'
        "  ]\n}\n"
    )


def test_an_empty_baseline_is_json_too(tmp_path: Path) -> None:
    write(tmp_path / "b.json", ())
    assert json.loads((tmp_path / "b.json").read_text()) == {"version": 1, "entries": []}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "not a baseline"),
        (b"[]", "not a baseline"),
        (b'{"version": 1, "entries": [{"path": 3}]}', "not a baseline"),
        (b'{"version": 9, "entries": []}', "version 9"),
        (b"\xff\xfe", "not a baseline"),
    ],
)
def test_another_file_is_refused_with_a_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "b.json"
    path.write_bytes(content)
    with pytest.raises(InvalidBaseline, match=reason):
        read(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidBaseline, match="No such file"):
        read(tmp_path / "b.json")


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "b.json"
    path.write_text("old")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk")))
    with pytest.raises(OSError, match="disk"):
        write_atomically(path, b"new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["b.json"]
