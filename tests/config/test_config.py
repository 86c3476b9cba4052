"""Where the configuration is found, what it says, and how its mistakes are told."""

from __future__ import annotations

import json
import re
from pathlib import Path
from textwrap import dedent

import jsonschema
import msgspec
import pytest

from guardrails.config import ConfigError, Found, line_of, locate, validate
from guardrails.options import DEFAULT_EXCLUDE, Options
from guardrails.schema import Configuration, json_schema
from tests.engine.fakes import install


@pytest.fixture(autouse=True)
def _fake_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)


def written(folder: Path, text: str, name: str = "pyproject.toml") -> Found:
    (folder / name).write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    return locate(folder)


def mistakes(folder: Path, text: str, name: str = "pyproject.toml") -> list[str]:
    with pytest.raises(ConfigError) as raised:
        validate(written(folder, text, name))
    return [str(mistake) for mistake in raised.value.mistakes]


# --- finding it


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    found = locate(tmp_path)
    assert found.path is None
    assert validate(found) == Options()


def test_the_nearest_file_with_the_table_counts(tmp_path: Path) -> None:
    inner = tmp_path / "services" / "a"
    inner.mkdir(parents=True)
    (inner / "pyproject.toml").write_text("[tool.ruff]\nline-length = 100\n")
    (tmp_path / "pyproject.toml").write_text("[tool.guardrails]\nfail-on = 'warning'\n")
    assert locate(inner).path == tmp_path / "pyproject.toml"
    (inner / "guardrails.toml").write_text("fail-on = 'info'\n")
    assert validate(locate(inner)).fail_on == "info"


def test_the_search_ends_at_the_repository(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.guardrails]\n")
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    assert locate(tmp_path / "repo").path is None


def test_a_file_of_its_own_goes_before_pyproject_and_needs_no_heading(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.guardrails]\nselect = ['GR7']\n")
    assert validate(written(tmp_path, "select = ['GR3']\n", "guardrails.toml")).select == ("GR3",)
    assert validate(written(tmp_path, "[tool.guardrails]\nselect = ['GR1']\n", "guardrails.toml")).select == ("GR1",)


def test_a_named_file_is_used_whatever_lies_nearer(tmp_path: Path) -> None:
    other = tmp_path / "strict.toml"
    other.write_text("fail-on = 'warning'\n")
    assert validate(locate(tmp_path, other)).fail_on == "warning"


# --- reading it


def test_every_option_reaches_the_options(tmp_path: Path) -> None:
    found = written(
        tmp_path,
        """
        [tool.guardrails]
        root = "app"
        select = ["GR3", "blocking-call-in-async"]
        extend-select = ["GR706"]
        ignore = ["GR301"]
        fail-on = "never"
        severities = { GR305 = "error" }
        per-path-ignores = { "legacy/**" = ["3"] }
        extend-exclude = ["generated"]
        layers = { services = ["app/domain/**"] }
        allowed-imports = { routes = ["services", "schemas"] }
        required-layers = ["routes"]
        type-checking-imports = true
        blocking-calls = ["vendor.sdk.*"]
        baseline = "known.json"
        """,
    )
    assert validate(found) == Options(
        root=("app",),
        select=("GR3", "blocking-call-in-async"),
        extend_select=("GR706",),
        ignore=("GR301",),
        fail_on="never",
        severities={"GR305": "error"},
        per_path_ignores={"legacy/**": ("3",)},
        exclude=DEFAULT_EXCLUDE,
        extend_exclude=("generated",),
        layers={"services": ("app/domain/**",)},
        allowed_imports={"routes": ("services", "schemas")},
        required_layers=("routes",),
        type_checking_imports=True,
        blocking_calls=("vendor.sdk.*",),
        baseline="known.json",
    )


def test_the_schema_has_every_option_and_the_same_defaults() -> None:
    assert Configuration().options() == Options()
    assert set(Configuration.model_fields) == set(Options.__struct_fields__)


def test_a_selection_on_the_command_line_replaces_the_files(tmp_path: Path) -> None:
    found = written(tmp_path, "[tool.guardrails]\nselect=['GR3']\nignore=['GR301']\nextend-select=['GR7']\n")
    options = validate(found, {"select": ("GR301",)})
    assert (options.select, options.ignore, options.extend_select) == (("GR301",), (), ())
    added = validate(found, {"ignore": ("GR305",)})
    assert (added.select, added.ignore, added.extend_select) == (("GR3",), ("GR301", "GR305"), ("GR7",))


# --- its mistakes


def test_all_mistakes_are_told_at_once_with_lines_and_the_nearest_names(tmp_path: Path) -> None:
    assert mistakes(
        tmp_path,
        """
        [tool.other]
        select = 1

        [tool.guardrails]
        selct = ["GR301"]
        per_path_ignores = {}
        fail-on = "warn"
        type-checking-imports = "yes"
        ignore = [
            "GR301",
            "GR302",
        ]
        severities = { GR301 = "eror", layer-skip = "error" }
        blocking-calls = ["vendor sdk"]

        [tool.guardrails.layers]
        service = ["app/**"]
        core = "app/core"

        [tool.guardrails.per-path-ignores]
        "tests/**" = ["GR3"]
        "legacy/**" = ["print-cal"]
        """,
    ) == [
        "pyproject.toml:5: unknown option 'selct'; did you mean 'select'?",
        "pyproject.toml:6: unknown option 'per_path_ignores'; did you mean 'per-path-ignores'?",
        "pyproject.toml:7: fail-on: 'warn' is not known; did you mean 'warning'?",
        "pyproject.toml:8: type-checking-imports: must be a valid boolean",
        "pyproject.toml:11: ignore: no check, rule or prefix is called 'GR302'; did you mean GR305?",
        "pyproject.toml:13: severities.GR301: 'eror' is not known; did you mean 'error'?",
        "pyproject.toml:13: severities: no check, rule or prefix is called 'layer-skip'",
        "pyproject.toml:14: blocking-calls: 'vendor sdk' is no dotted name",
        "pyproject.toml:17: layers.service: 'service' is not known; did you mean 'services'?",
        "pyproject.toml:18: layers.core: must be a valid list",
        "pyproject.toml:22: per-path-ignores: no check, rule or prefix is called 'print-cal'; did you mean print-call?",
    ]


def test_mistakes_in_a_file_of_its_own_have_lines_too(tmp_path: Path) -> None:
    assert mistakes(tmp_path, "# ours\n\nfail-on = 3\nroot = ''\n", "guardrails.toml") == [
        "guardrails.toml:3: fail-on: 3 is not known; it is one of error, warning, info, never",
        "guardrails.toml:4: root: a path must not be empty",
    ]


def test_broken_toml_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"guardrails\.toml:3: no TOML: "):
        written(tmp_path, "a = 1\nb = [1,\n= 2", "guardrails.toml")


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "guardrails.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not UTF-8"):
        locate(tmp_path)


def test_mistakes_on_the_command_line_have_no_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        validate(Found(None, "", {}), {"select": ("print-cal",)})
    assert [str(mistake) for mistake in raised.value.mistakes] == [
        "no check, rule or prefix is called 'print-cal'; did you mean print-call?"
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[tool.guardrails]\n\nlayers.core = 3\n", 3),
        ("[tool.guardrails.layers]\n\ncore = 3\n", 3),
        ("[tool]\n\nguardrails = { layers = { core = 3 } }\n", 3),
        ("[tool.guardrails]\nselect = []\nlayers = { core = 3 }\n", 3),
    ],
)
def test_the_line_of_an_option_is_found_however_it_is_written(tmp_path: Path, text: str, line: int) -> None:
    assert line_of(written(tmp_path, text), ("layers", "core")) == line


# --- its schema


def test_the_json_schema_accepts_what_is_accepted_and_refuses_what_is_refused() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(json.loads(json.dumps(schema)))
    assert validator.is_valid({"root": ["app"], "layers": {"core": ["a/**"]}, "fail-on": "warning"})
    for wrong in ({"selct": []}, {"fail-on": "warn"}, {"layers": {"service": []}}, {"root": 3}):
        assert not validator.is_valid(wrong)


def test_every_option_is_described() -> None:
    assert [name for name, field in Configuration.model_fields.items() if not field.description] == []


DOCS = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_page_on_configuration_explains_exactly_the_options() -> None:
    explained = re.findall(r"^\| `([a-z-]+)` \|", DOCS.read_text("utf-8"), re.MULTILINE)
    assert sorted(explained) == sorted(Configuration.names())


@pytest.mark.parametrize("page", [DOCS, DOCS.parents[1] / "README.md"])
def test_the_examples_of_configurations_are_accepted(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the examples name real checks
    examples = re.findall(r"^```toml\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert examples
    for example in examples:
        found = Found(None, example, msgspec.toml.decode(example)["tool"]["guardrails"])
        assert isinstance(validate(found), Options)
