"""Every report of one sample, compared with a reviewed file, and judged by the formats' own schemas.

``GUARDRAILS_WRITE_GOLDEN=1 pytest tests/report`` writes the files anew; read what changed before committing.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import msgspec
import pytest

from guardrails import report
from guardrails.analysis import Outcome, Problem
from guardrails.finding import Result
from guardrails.report import FORMATS, render
from guardrails.report.view import View
from tests.report.sample import CLEAN, OUTCOME, project

HERE = Path(__file__).parent
SUFFIX = {
    "json": "json",
    "sarif": "sarif",
    "gitlab": "json",
    "junit": "xml",
    "markdown": "md",
    "rdjson": "json",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return project(tmp_path)


def rendered(name: str, folder: Path, outcome: Outcome = OUTCOME, **view: object) -> str:
    return render(name, outcome, View(cwd=folder, version="1.2.3", **view))  # type: ignore[arg-type]


def compare(file: str, text: str) -> None:
    path = HERE / "golden" / file
    if os.environ.get("GUARDRAILS_WRITE_GOLDEN"):
        path.write_bytes(text.encode())
    assert text == path.read_bytes().decode()


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("text", "sarif")])
def test_a_report_is_as_reviewed(name: str, folder: Path) -> None:
    compare(f"{name}.{SUFFIX.get(name, 'txt')}", rendered(name, folder))


@pytest.mark.parametrize(
    ("file", "view"),
    [
        ("text-80.txt", {"width": 80}),
        ("text-200.txt", {"width": 200}),
        ("text-ascii.txt", {"width": 80, "unicode": False}),
        ("text-color.txt", {"width": 100, "color": True}),
    ],
)
def test_the_text_report_is_as_reviewed(file: str, view: dict[str, object], folder: Path) -> None:
    compare(file, rendered("text", folder, **view))


@pytest.mark.parametrize("name", FORMATS)
def test_a_clean_run_has_a_report_in_every_format(name: str, folder: Path) -> None:
    text = rendered(name, folder, CLEAN)
    assert text.endswith("\n")
    if name in ("text", "concise", "github", "markdown"):
        assert "No findings in 3 files." in text


def test_reports_for_terminals_hold_no_control_characters_of_the_code(folder: Path) -> None:
    for name in ("text", "concise", "markdown"):
        assert "\x1b" not in rendered(name, folder)
        assert "\\x1b[31m" in rendered(name, folder).replace("\\\\", "\\").replace("\\[", "[")


def test_no_line_of_the_text_report_is_wider_than_the_view(folder: Path) -> None:
    for width in (72, 80, 120):
        lines = rendered("text", folder, width=width).splitlines()
        assert [line for line in lines if len(line) > width] == []


def test_without_colour_the_ascii_report_is_ascii(folder: Path) -> None:
    assert rendered("text", folder, unicode=False).isascii()


def test_the_underline_stands_under_the_span_in_terminal_columns(folder: Path) -> None:
    lines = rendered("text", folder, width=80).splitlines()
    [code] = [index for index, line in enumerate(lines) if "print(" in line]
    assert lines[code].index("print") == lines[code + 1].index("━")
    assert lines[code + 1].count("━") == len('print("äöü€𝄞", 名前)') + 2  # two characters are two columns wide


def test_the_json_report_is_as_its_schema_says_and_reads_back(folder: Path) -> None:
    schema = json.loads((Path(report.__file__).parent / "schemas" / "result-1.schema.json").read_text("utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    for outcome in (OUTCOME, CLEAN):
        text = rendered("json", folder, outcome)
        validator.validate(json.loads(text))
        assert msgspec.json.decode(text, type=Result) == outcome.result


def test_the_published_schema_names_the_fields_of_the_records() -> None:
    schema = json.loads((Path(report.__file__).parent / "schemas" / "result-1.schema.json").read_text("utf-8"))
    [finding] = msgspec.to_builtins(OUTCOME.result.findings[:1])
    assert list(schema["$defs"]["finding"]["properties"]) == list(finding)
    assert list(schema["$defs"]["summary"]["properties"]) == list(msgspec.to_builtins(OUTCOME.result.summary))
    assert list(schema["properties"]) == list(OUTCOME.result.to_builtins())


def test_sarif_is_valid_and_holds_chains_rules_and_fingerprints(folder: Path) -> None:
    schema = json.loads((HERE / "sarif-schema-2.1.0.json").read_text("utf-8"))
    broken = msgspec.structs.replace(OUTCOME, problems=(Problem("GR301", "app", "Traceback"),))
    validator = jsonschema.Draft7Validator(schema)
    for outcome in (OUTCOME, CLEAN, broken):
        validator.validate(json.loads(rendered("sarif", folder, outcome)))
    [run] = json.loads(rendered("sarif", folder))["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == ["GR301", "GR402", "GR704", "GR709", "GR1001"]
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    [chain] = [result for result in run["results"] if result["ruleId"] == "GR704"]
    steps = [step["location"] for step in chain["codeFlows"][0]["threadFlows"][0]["locations"]]
    assert [step["physicalLocation"]["region"]["startLine"] for step in steps] == [10, 12, 30]
    assert [step["id"] for step in chain["relatedLocations"]] == [1, 2]
    assert chain["partialFingerprints"]["guardrails/v1"] == "0" * 31 + "3"
    [umlaut] = [result for result in run["results"] if result["ruleId"] == "GR1001"]
    place = umlaut["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "app/services/gr%C3%B6%C3%9Fe.py"
    assert place["region"] == {"startLine": 2, "startColumn": 2, "endLine": 2, "endColumn": 20}


def test_sarif_tells_bugs_of_the_checker(folder: Path) -> None:
    broken = msgspec.structs.replace(CLEAN, problems=(Problem("GR301", "app", "Traceback"),))
    [invocation] = json.loads(rendered("sarif", folder, broken))["runs"][0]["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["toolExecutionNotifications"][0]["message"]["text"] == "Traceback"


def test_junit_counts_agree_with_its_cases(folder: Path) -> None:
    for outcome in (OUTCOME, CLEAN):
        root = ElementTree.fromstring(rendered("junit", folder, outcome))
        for element in (root, *root.findall("testsuite")):
            assert int(element.get("tests", "")) == len(element.findall(".//testcase"))
            assert int(element.get("failures", "")) == len(element.findall(".//failure"))
    assert len(ElementTree.fromstring(rendered("junit", folder, CLEAN)).findall("testsuite")) == 10


def test_github_commands_escape_what_would_end_them(folder: Path) -> None:
    outcome = msgspec.structs.replace(
        CLEAN,
        result=msgspec.structs.replace(
            CLEAN.result,
            findings=(msgspec.structs.replace(OUTCOME.result.findings[0], path="a,b:c.py", message="50%\nmore"),),
        ),
    )
    first, _ = rendered("github", folder, outcome).splitlines()
    properties, _, message = first.removeprefix("::").partition("::")
    assert properties.startswith("warning file=a%2Cb%3Ac.py,line=7,endLine=7,col=1,endColumn=17,title=GR402 ")
    assert message.startswith("50%25%0Amore%0AHelp: ")


def test_reviewdog_columns_are_bytes(folder: Path) -> None:
    diagnostics = json.loads(rendered("rdjson", folder))["diagnostics"]
    [umlaut] = [d for d in diagnostics if d["code"]["value"] == "GR1001"]
    text = '\tprint("äöü€𝄞", 名前)'
    assert umlaut["location"]["range"]["end"]["column"] == len(text[:19].encode()) + 1


def test_gitlab_fingerprints_are_unique(folder: Path) -> None:
    issues = json.loads(rendered("gitlab", folder))
    assert len({issue["fingerprint"] for issue in issues}) == len(issues) == 5
