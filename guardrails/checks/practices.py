"""The guide's additional practices: versions, limits, and what lies beside the code. All off until selected."""

from __future__ import annotations

from collections.abc import Iterator

from guardrails.checks.registry import check
from guardrails.finding import Finding, Severity
from guardrails.program import Program


@check("GR1101", "no-api-version", Severity.INFO, project=True)
def no_api_version(program: Program) -> Iterator[Finding]:
    """No endpoint has a version in its path."""
    if program.operations.has_app and not program.operations.has_version:
        yield _absent(
            program, "GR1101", "no endpoint has a version in its path", "include the routers with prefix='/api/v1'"
        )


@check("GR1102", "no-rate-limit", Severity.INFO, project=True)
def no_rate_limit(program: Program) -> Iterator[Finding]:
    """Nothing limits how often a client may call."""
    if program.operations.has_app and not program.operations.has_rate_limit:
        yield _absent(
            program,
            "GR1102",
            "nothing limits the rate of requests",
            "add slowapi with a default limit, or limit at the gateway",
        )


@check("GR1103", "no-changelog", Severity.INFO, project=True)
def no_changelog(program: Program) -> Iterator[Finding]:
    """The project has no changelog."""
    if not program.environment.presence.changelog:
        yield _absent(
            program, "GR1103", "the project has no changelog", "add CHANGELOG.md with a section for each version"
        )


@check("GR1104", "no-tests", Severity.INFO, project=True)
def no_tests(program: Program) -> Iterator[Finding]:
    """Unit tests or integration tests are missing."""
    presence = program.environment.presence
    if presence.unit_tests and presence.integration_tests:
        return
    missing = "tests"
    if presence.unit_tests or presence.integration_tests:
        missing = "integration tests" if presence.unit_tests else "unit tests"
    yield _absent(
        program,
        "GR1104",
        f"the project has no {missing}",
        "keep tests/unit for services with fake repositories, and tests/integration for requests against the app",
    )


@check("GR1105", "no-type-checker", Severity.INFO, project=True)
def no_type_checker(program: Program) -> Iterator[Finding]:
    """No type checker is configured."""
    if not program.environment.presence.type_checker:
        yield _absent(
            program, "GR1105", "no type checker is configured", "add [tool.mypy] with strict = true to pyproject.toml"
        )


@check("GR1106", "no-formatter", Severity.INFO, project=True)
def no_formatter(program: Program) -> Iterator[Finding]:
    """No formatter is configured."""
    if not program.environment.presence.formatter:
        yield _absent(program, "GR1106", "no formatter is configured", "add [tool.ruff.format] to pyproject.toml")


@check("GR1107", "no-coverage-threshold", Severity.INFO, project=True)
def no_coverage_threshold(program: Program) -> Iterator[Finding]:
    """Nothing fails when the tests cover too little."""
    if not program.environment.presence.coverage_threshold:
        yield _absent(
            program, "GR1107", "no threshold of coverage is set", "add fail_under = 80 to [tool.coverage.report]"
        )


@check("GR1108", "no-requirements", Severity.INFO, project=True)
def no_requirements(program: Program) -> Iterator[Finding]:
    """Nothing says which packages the application needs."""
    if not program.environment.presence.requirements:
        yield _absent(
            program,
            "GR1108",
            "nothing says which packages the application needs",
            "list the dependencies in pyproject.toml under [project]",
        )


def _absent(program: Program, code: str, message: str, help_: str) -> Finding:
    """A finding about what the whole project lacks, on the module that constructs the app."""
    place, symbol = program.project_place()
    return Finding(code, place, symbol, "", f"{symbol}: {message}", help_)
