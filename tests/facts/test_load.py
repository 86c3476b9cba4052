"""Facts of all files of a project: what is read, how failures look, and that workers change nothing."""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
from pathlib import Path

import msgspec
import pytest

from guardrails.facts import load as loading
from guardrails.facts.cache import FactsFailure
from guardrails.facts.load import decode_source, facts_of, load
from guardrails.facts.records import ModuleFacts, Unknown, expressions
from guardrails.options import Options
from guardrails.project import Project, discover

OPTIONS = Options()


def project(root: Path, files: dict[str, str | bytes]) -> Project:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    (found,) = discover([root], OPTIONS, root)
    return found


def failure(data: bytes) -> FactsFailure:
    result = facts_of(data)
    assert isinstance(result, FactsFailure)
    return result


class TestOneFile:
    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"\xef\xbb\xbfname = '\xc3\xa9'\n",
            b"# -*- coding: latin-1 -*-\nname = '\xe9'\n",
            b"name = 1\r\nother = 2\r\n",
            b"name = 1\rother = 2\r",
            b"name = '\\ud800'\n",
            b"name = 0x" + b"f" * 5000,
            b"name = a" + b".b" * 3000,
            b"name = " + b"-" * 2000 + b"1",
        ],
    )
    def test_what_python_reads_has_facts_that_survive_encoding(self, data: bytes) -> None:
        with loading._undisturbed():
            facts = facts_of(data)
            assert isinstance(facts, ModuleFacts)
            assert msgspec.msgpack.decode(msgspec.msgpack.encode(facts), type=ModuleFacts) == facts

    @pytest.mark.parametrize(
        "expression",
        [
            "+".join(["f(a)"] * 5000),
            "-" * 1500 + "a",
            "a" + ".b()" * 1500,
            "a" + "[0]" * 1500,
            "a if b else " * 700 + "c",
            "[" * 90 + "]" * 90,
        ],
        ids=["sum", "minus", "calls", "items", "conditions", "lists"],
    )
    def test_facts_never_nest_deeply(self, expression: str) -> None:
        facts = facts_of(f"x = {expression}\ny = 1\n".encode())
        assert isinstance(facts, ModuleFacts)
        assert len(facts.body.events) == 2
        assert len([part for part in expressions(facts.body) if not isinstance(part, Unknown)]) > 80

    def test_the_encoding_is_the_one_that_the_file_declares(self) -> None:
        assert decode_source(b"# coding: latin-1\n'\xe9'\r\n") == "# coding: latin-1\n'é'\n"
        assert decode_source(b"\xef\xbb\xbf'\xc3\xa9'\r") == "'é'\n"

    @pytest.mark.parametrize(
        ("data", "message", "line"),
        [
            (b"x = 1\n\0\n", "the file has NUL bytes", 2),
            ("x = 1\n".encode("utf-16"), "the file has NUL bytes", 1),
            (b"x = 1\ny = '\xff'\n", "the file is not utf-8: invalid start byte", 2),
            (b"# coding: klingon\n", "the encoding is not known: unknown encoding: klingon", 1),
            (b"x = " + b"(" * 5000 + b")" * 5000, "too many nested parentheses", 1),
            (b"x = " + b"-" * 100_000 + b"1", "the file nests too deeply to be parsed", 1),
        ],
    )
    def test_what_nobody_can_read(self, data: bytes, message: str, line: int) -> None:
        found = failure(data)
        assert (found.kind, found.message, found.line) == ("unreadable", message, line)

    def test_a_syntax_error_has_its_place_in_bytes(self) -> None:
        found = failure("x = 1\nname = 'é' +* 1\n".encode())
        assert (found.kind, found.line, found.column) == ("syntax-error", 2, len("name = 'é' +".encode()))

    def test_the_warnings_of_the_compiler_stay_inside(self, tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
        facts = load(project(tmp_path, {"a.py": "x = '\\d'\nassert (1, 2)\n"}), OPTIONS, use_cache=False)
        assert isinstance(facts["a.py"], ModuleFacts)
        assert [str(w.message) for w in recwarn if issubclass(w.category, SyntaxWarning)] == []


class TestWhichFiles:
    def test_outside_the_application_only_what_matters_is_parsed(self, tmp_path: Path) -> None:
        found = project(
            tmp_path,
            {
                "app/main.py": "from scripts.helper import run\n",
                "scripts/helper.py": "def run(): ...\n",
                "scripts/indexes.py": "db.users.create_index('email')\n",
                "scripts/secret.py": "PASSWORD = 'hunter2'\n",
                "scripts/url.py": "URL = 'mongodb://user:hunter2@host'\n",
                "scripts/other.py": "print('hunter2')\n",
                "tests/test_indexes.py": "db.users.create_index('email')\n",
                "tests/test_token.py": f"call('{'gh' + 'p_' + 'a1' * 18}')\n",
                "tests/test_secret.py": "PASSWORD = 'hunter2'\n",
                "tests/test_url.py": "URL = 'mongodb://user:hunter2@host'\n",
                "tests/test_other.py": "def test(): assert 1\n",
                "tests/test_broken.py": "def\n",
            },
        )
        facts = load(found, OPTIONS, use_cache=False)
        assert list(facts) == [
            "app/main.py",
            "scripts/helper.py",
            "scripts/indexes.py",
            "scripts/secret.py",
            "scripts/url.py",
            "tests/test_indexes.py",
            "tests/test_token.py",
        ]

    def test_a_file_that_cannot_be_read_is_a_failure(self, tmp_path: Path) -> None:
        found = project(tmp_path, {"a.py": "x = 1\n", "b.py": "y = 1\n"})
        (tmp_path / "a.py").unlink()
        facts = load(found, OPTIONS)
        assert facts["a.py"] == FactsFailure("unreadable", "the file cannot be read: No such file or directory", 1, 0)
        assert isinstance(facts["b.py"], ModuleFacts)

    def test_no_projects_have_no_facts(self) -> None:
        assert load([], OPTIONS) == {}

    def test_several_projects_share_one_answer(self, tmp_path: Path) -> None:
        app = "from fastapi import FastAPI\napp = FastAPI()\nimport common.x\n"
        for name, text in {"a/main.py": app, "b/main.py": app, "common/x.py": "y = 1\n"}.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
        projects = discover([tmp_path], OPTIONS, tmp_path)
        assert len(projects) == 2
        assert list(load(projects, OPTIONS)) == ["a/main.py", "b/main.py", "common/x.py"]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Enough for several chunks of work, with failures among them."""
    body = "".join(f"async def f{i}(db):\n    return await db.items.find_one({{'k': {i}}})\n" for i in range(600))
    files: dict[str, str | bytes] = {f"app/m{i:02}.py": f"N = {i}\n{body}" for i in range(16)}
    files |= {"app/bad.py": "def\n", "app/nul.py": b"\0", "app/test_skip.py": "x = 1\n"}
    return project(tmp_path_factory.mktemp("large"), files)


@pytest.fixture(scope="module")
def serial(large: Project) -> dict[str, loading.Facts]:
    return load(large, OPTIONS, workers=1, use_cache=False)


class TestWorkers:
    def test_any_number_of_workers_gives_the_same(self, large: Project, serial: dict[str, loading.Facts]) -> None:
        assert len(serial) == 18
        assert load(large, OPTIONS, workers=2, use_cache=False) == serial
        assert list(load(large, OPTIONS, workers=4, use_cache=False)) == list(serial)

    def test_the_order_of_files_does_not_matter(self, large: Project, serial: dict[str, loading.Facts]) -> None:
        files = list(large.files)
        random.Random(7).shuffle(files)
        shuffled = msgspec.structs.replace(large, files=tuple(files))
        found = load(shuffled, OPTIONS, workers=2, use_cache=False)
        assert list(found.items()) == list(serial.items())

    @pytest.mark.parametrize("method", sorted(set(multiprocessing.get_all_start_methods()) - {"fork"}))
    def test_other_ways_of_starting_processes_work(
        self, large: Project, serial: dict[str, loading.Facts], monkeypatch: pytest.MonkeyPatch, method: str
    ) -> None:
        monkeypatch.setattr(loading, "_context", lambda: multiprocessing.get_context(method))
        assert load(large, OPTIONS, workers=2, use_cache=False) == serial

    def test_without_processes_everything_is_done_here(
        self, large: Project, serial: dict[str, loading.Facts], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import concurrent.futures

        def no_processes(*args: object, **kwargs: object) -> None:
            raise OSError("no processes")

        monkeypatch.setattr(concurrent.futures, "ProcessPoolExecutor", no_processes)
        assert load(large, OPTIONS, workers=2, use_cache=False) == serial

    @pytest.mark.skipif(sys.platform == "win32", reason="forks")
    def test_workers_that_die_are_done_without(
        self, large: Project, serial: dict[str, loading.Facts], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        here = os.getpid()
        extract_all = loading._extract_all

        def die_elsewhere(jobs: object, encoded: bool) -> object:
            if os.getpid() != here:
                os._exit(1)
            return extract_all(jobs, encoded)  # type: ignore[arg-type]

        monkeypatch.setattr(loading, "_context", lambda: multiprocessing.get_context("fork"))
        monkeypatch.setattr(loading, "_extract_all", die_elsewhere)
        assert load(large, OPTIONS, workers=2, use_cache=False) == serial
