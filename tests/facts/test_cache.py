"""The cache of facts: what it saves, what it must never break."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from guardrails.facts import cache as caching
from guardrails.facts import load as loading
from guardrails.facts.cache import Cache, Entry, location, replace
from guardrails.facts.load import load
from guardrails.options import Options
from guardrails.project import discover

OLD = time.time_ns() - 3_600_000_000_000
FILES = {
    "app/a.py": "x = 1\n",
    "app/b.py": "def\n",
    "app/c.py": "import app.a\n",
    "tests/test_a.py": "y = 1\n",
}


class Tree:
    """A project on disk whose files are an hour old, and a count of what is parsed."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.options = Options()
        self.parsed: list[str] = []
        extract = loading.extract

        def counted(source: str) -> object:
            self.parsed.append(source)
            return extract(source)

        monkeypatch.setattr(loading, "extract", counted)
        for name, text in FILES.items():
            self.write(name, text)

    def write(self, name: str, text: str, mtime_ns: int = OLD) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, ns=(mtime_ns, mtime_ns))

    def load(self) -> dict[str, loading.Facts]:
        self.parsed.clear()
        return load(discover([self.root], self.options, self.root), self.options, workers=1)

    @property
    def file(self) -> Path:
        (found,) = (self.root / caching.FOLDER).glob("facts-*")
        return found


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    return Tree(tmp_path, monkeypatch)


class TestWhatItSaves:
    def test_an_unchanged_tree_is_not_parsed_again(self, tree: Tree) -> None:
        first = tree.load()
        assert len(tree.parsed) == 3
        assert tree.load() == first
        assert tree.parsed == []

    def test_nor_read_nor_written_again(self, tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
        first = tree.load()
        written = tree.file.stat().st_mtime_ns
        monkeypatch.setattr(Cache, "recognise", lambda *_: pytest.fail("a file was read"))
        assert tree.load() == first
        assert tree.file.stat().st_mtime_ns == written

    def test_a_new_time_with_the_same_bytes_costs_a_read_only(self, tree: Tree) -> None:
        first = tree.load()
        tree.write("app/a.py", "x = 1\n", OLD + 5)
        assert tree.load() == first
        assert tree.parsed == []

    def test_what_a_test_may_hold_is_read_when_it_is_no_test_any_more(self, tree: Tree) -> None:
        text = "PASSWORD = 'hunter2'\n"
        tree.write("tests/given.py", text)
        assert "tests/given.py" not in tree.load()
        tree.load()
        assert text not in tree.parsed
        tree.write("scripts/given.py", text)
        assert "scripts/given.py" in tree.load()
        assert tree.parsed == [text]

    def test_a_moved_file_is_recognised(self, tree: Tree) -> None:
        first = tree.load()
        (tree.root / "app/a.py").rename(tree.root / "app/z.py")
        assert tree.load()["app/z.py"] == first["app/a.py"]
        assert tree.parsed == []

    def test_only_what_changed_is_parsed(self, tree: Tree) -> None:
        first = tree.load()
        tree.write("app/a.py", "x = 2\n", OLD + 5)
        assert tree.load()["app/a.py"] != first["app/a.py"]
        assert tree.parsed == ["x = 2\n"]

    def test_a_change_within_the_clocks_grain_is_seen(self, tree: Tree) -> None:
        now = time.time_ns()
        tree.write("app/a.py", "x = 1\n", now)
        tree.load()
        tree.write("app/a.py", "x = 2\n", now)  # same size, same time
        tree.load()
        assert tree.parsed == ["x = 2\n"]

    def test_a_test_that_becomes_application_code_is_parsed(self, tree: Tree) -> None:
        assert "tests/test_a.py" not in tree.load()
        tree.options = Options(not_application=())
        assert "tests/test_a.py" in tree.load()
        assert tree.parsed == ["y = 1\n"]

    def test_a_file_that_is_gone_leaves_the_cache(self, tree: Tree) -> None:
        tree.load()
        size = tree.file.stat().st_size
        (tree.root / "app/a.py").unlink()
        tree.write("app/c.py", "import app.z\n", OLD + 5)
        tree.load()
        assert tree.file.stat().st_size < size


class TestWhatItMustNotBreak:
    @pytest.mark.parametrize(
        "garbage",
        [
            b"",
            b"\x00",
            b"\xc1",
            b"not msgpack at all",
            b"\x91" * 100_000,
            msgspec.msgpack.encode([["guardrails facts 1"], 0, {}, {}, {}]),
            msgspec.msgpack.encode({"header": "x"}),
        ],
    )
    def test_garbage_is_ignored_and_replaced(self, tree: Tree, garbage: bytes) -> None:
        first = tree.load()
        tree.file.write_bytes(garbage)
        assert tree.load() == first
        assert len(tree.parsed) == 3
        assert tree.load() == first
        assert tree.parsed == []

    def test_every_truncation_is_ignored(self, tree: Tree) -> None:
        first = tree.load()
        whole = tree.file.read_bytes()
        for length in range(0, len(whole), 37):
            tree.file.write_bytes(whole[:length])
            assert tree.load() == first

    def test_every_broken_byte_leaves_no_exception(self, tree: Tree) -> None:
        displays = list(tree.load())
        whole = tree.file.read_bytes()
        for index in range(0, len(whole), 11):
            tree.file.write_bytes(whole[:index] + bytes([whole[index] ^ 0xFF]) + whole[index + 1 :])
            assert list(tree.load()) == displays

    @pytest.mark.parametrize("part", range(4))
    def test_another_version_of_anything_is_ignored(
        self, tree: Tree, monkeypatch: pytest.MonkeyPatch, part: int
    ) -> None:
        tree.load()
        header = list(caching._header())
        header[part] += "x"
        monkeypatch.setattr(caching, "_header", lambda: tuple(header))
        tree.load()
        assert len(tree.parsed) == 3

    def test_a_cache_that_cannot_be_written_is_no_error(self, tree: Tree) -> None:
        (tree.root / caching.FOLDER).write_text("a file where the folder goes")
        first = tree.load()
        assert tree.load() == first
        assert len(tree.parsed) == 3

    def test_a_run_killed_while_writing_leaves_the_old_file(self, tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tree.root / "file"
        path.write_bytes(b"old")

        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            replace(path, b"new")
        assert path.read_bytes() == b"old"
        assert [p.name for p in tree.root.iterdir() if p.name.startswith("file")] == ["file"]

    def test_runs_at_the_same_time_share_it(self, tree: Tree) -> None:
        code = (
            "import sys; from pathlib import Path; from guardrails.facts.load import load\n"
            "from guardrails.options import Options; from guardrails.project import discover\n"
            "root = Path(sys.argv[1]); options = Options()\n"
            "for _ in range(10): assert len(load(discover([root], options, root), options)) == 3"
        )
        runs = [subprocess.Popen([sys.executable, "-c", code, str(tree.root)]) for _ in range(3)]
        assert [run.wait(60) for run in runs] == [0, 0, 0]
        tree.load()
        assert tree.parsed == []
        assert {p.name for p in tree.file.parent.iterdir()} == {".gitignore", tree.file.name}


class TestWhereItLies:
    def test_in_the_repository_and_out_of_git(self, tree: Tree) -> None:
        (tree.root / ".git").mkdir()
        load(discover([tree.root / "app"], tree.options, tree.root), tree.options)
        assert tree.file.parent == tree.root / ".guardrails_cache"
        assert "*" in (tree.file.parent / ".gitignore").read_text().splitlines()

    def test_where_the_options_say(self, tree: Tree) -> None:
        tree.options = Options(cache_dir="build/cache")
        tree.load()
        assert len(list((tree.root / "build/cache").glob("facts-*.msgpack"))) == 1

    def test_each_checked_root_has_its_own(self, tmp_path: Path) -> None:
        one, other = (location(tmp_path, [tmp_path / name], None) for name in ("a", "b"))
        assert one.parent == other.parent
        assert one != other

    def test_old_ones_and_what_killed_runs_left_are_removed(self, tree: Tree) -> None:
        tree.load()
        folder = tree.file.parent
        for number in range(12):
            for name in (f"facts-3.9-{number}.msgpack", f"facts-3.9-{number}.msgpack.tmp{number}", f"else-{number}"):
                (folder / name).write_bytes(b"")
                os.utime(folder / name, ns=(OLD, OLD - (number + 1) * 1_000_000_000))
        tree.write("app/a.py", "x = 2\n", OLD + 5)
        tree.load()
        left = sorted(path.name for path in folder.iterdir() if path.name.startswith("facts-3.9"))
        assert left == [f"facts-3.9-{number}.msgpack" for number in range(7)]
        assert len([path for path in folder.iterdir() if path.name.startswith("else-")]) == 12

    def test_no_path_remembers_nothing(self, tmp_path: Path) -> None:
        cache = Cache(None)
        cache.keep("a", Entry(1, 1, b"x", True, False))
        cache.put(b"x", b"y")
        cache.save()
        assert cache.known("a", 1, 1) is None
        assert list(tmp_path.iterdir()) == []
