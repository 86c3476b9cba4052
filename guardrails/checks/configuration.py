"""Rule 6: configuration."""

from __future__ import annotations

from collections.abc import Iterator

from guardrails.checks.registry import check
from guardrails.finding import Finding, Severity
from guardrails.program import Program


@check("GR601", "environment-read-outside-config", Severity.ERROR)
def environment_read_outside_config(program: Program) -> Iterator[Finding]:
    """A module other than the configuration reads the environment."""
    for read in program.settings.reads:
        if read.code.module not in program.roles.config_modules:
            yield Finding(
                "GR601",
                read.code.place(read.span),
                read.code.qualname,
                read.what,
                f"{read.code.qualname} reads the environment with {read.what}",
                "make it a field of the settings class, and pass the settings on",
            )


@check("GR602", "hardcoded-secret", Severity.ERROR)
def hardcoded_secret(program: Program) -> Iterator[Finding]:
    """A secret is written into the code."""
    for secret in program.secrets.hardcoded:
        given = f" as {secret.name}" if secret.name else ""
        yield Finding(
            "GR602",
            secret.code.place(secret.span),
            secret.code.qualname,
            secret.name or secret.kind,
            f"{secret.code.qualname} holds a literal {secret.kind}{given}: {secret.shown}",
            "revoke it, and read it from the environment through a SecretStr field of the settings",
        )


@check("GR603", "hardcoded-connection-url", Severity.ERROR)
def hardcoded_connection_url(program: Program) -> Iterator[Finding]:
    """A connection URL of a database, a cache or a broker is written into the code."""
    for address in program.secrets.addresses:
        module, url = address.code.module, address.url
        outside = module.application and module not in program.roles.config_modules
        secret = url.password == "literal"
        if secret or (outside and url.password == "none" and url.literal_host):
            held = "with its password " if secret else ""
            yield Finding(
                "GR603",
                address.code.place(address.span),
                address.code.qualname,
                url.shown,
                f"{address.code.qualname} holds the {url.system} URL {url.shown} {held}".rstrip(),
                "make the URL a field of the settings class, a SecretStr where it has a password",
            )


@check("GR604", "missing-settings", Severity.ERROR, project=True)
def missing_settings(program: Program) -> Iterator[Finding]:
    """The application has no Pydantic BaseSettings class."""
    settings = program.settings
    if not settings.classes and not settings.may_be_elsewhere:
        place, symbol = program.project_place(settings.module)
        yield Finding(
            "GR604",
            place,
            symbol,
            "BaseSettings",
            f"{symbol}: no class of the application derives from BaseSettings",
            "write one class Settings(BaseSettings) in app/core/config.py",
        )


@check("GR605", "secret-with-default", Severity.ERROR)
def secret_with_default(program: Program) -> Iterator[Finding]:
    """A secret field of a settings class has a literal default."""
    for field in program.settings.secret_fields:
        if program.settings.literal_default(field):
            yield Finding(
                "GR605",
                field.owner.place(field.bind.span),
                field.owner.qualname,
                field.name,
                f"{field.owner.qualname} has a literal default for {field.name}",
                "remove the default, so that the variable is required",
            )


@check("GR606", "secret-not-secretstr", Severity.WARNING)
def secret_not_secretstr(program: Program) -> Iterator[Finding]:
    """A secret field of a settings class is a str instead of a SecretStr."""
    for field in program.settings.secret_fields:
        if program.settings.is_plain_text(field):
            yield Finding(
                "GR606",
                field.owner.place(field.bind.span),
                field.owner.qualname,
                field.name,
                f"{field.owner.qualname} types the secret {field.name} as str",
                "type it SecretStr, and call get_secret_value() where it is used",
            )


@check("GR607", "dotenv-not-ignored", Severity.ERROR, project=True)
def dotenv_not_ignored(program: Program) -> Iterator[Finding]:
    """A dotenv file with settings is in git, or can get there."""
    exposed = program.settings.exposed_dotenv
    if exposed:
        place, symbol = program.project_place(program.settings.module)
        said = {
            "tracked": "git tracks {}",
            "exists": "no .gitignore excludes {}",
            "loaded": "no .gitignore excludes {}, which the code loads",
        }
        reasons = ", ".join(said[why].format(name) for name, why in exposed)
        yield Finding(
            "GR607",
            place,
            symbol,
            ".env",
            f"{symbol}: {reasons}",
            "add .env to .gitignore; where git has the file, remove it and change every secret in it",
        )


@check("GR608", "env-example-out-of-sync", Severity.WARNING, project=True)
def env_example_out_of_sync(program: Program) -> Iterator[Finding]:
    """No example file shows which variables the application needs, or it lacks one."""
    settings = program.settings
    missing = settings.undocumented
    if not settings.from_environment:
        return
    if not settings.examples:
        said, remedy = "no .env.example names the variables that the application reads", "write .env.example"
    elif all(file.ignored and not file.tracked for file in settings.examples):
        said, remedy = f".gitignore excludes {settings.examples[0].path.name}", "add !.env.example to .gitignore"
    elif missing:
        said = f"{settings.examples[0].path.name} lacks {', '.join(missing)}"
        remedy = "add a line for each, with an empty or harmless value"
    else:
        return
    place, symbol = program.project_place(settings.module)
    yield Finding("GR608", place, symbol, ".env.example", f"{symbol}: {said}", remedy)


@check("GR609", "no-environment-separation", Severity.INFO, project=True)
def no_environment_separation(program: Program) -> Iterator[Finding]:
    """The settings do not tell development, staging and production apart."""
    settings = program.settings
    if settings.classes and not settings.separates_environments:
        place, symbol = program.project_place(settings.module)
        yield Finding(
            "GR609",
            place,
            symbol,
            "environment",
            f"{symbol}: no setting tells development, staging and production apart",
            'add environment: Literal["development", "staging", "production"] to the settings',
        )
