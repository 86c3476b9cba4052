"""The configuration's schema: every option, its type and its meaning. Imported only to judge one."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from guardrails.options import DEFAULT_EXCLUDE, DEFAULT_NOT_APPLICATION, Options

Layer = Literal["routes", "services", "repositories", "models", "schemas", "core", "utils", "wiring"]


class Configuration(BaseModel):
    """Options of guardrails: `[tool.guardrails]` in pyproject.toml, or guardrails.toml."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, alias_generator=lambda name: name.replace("_", "-")
    )

    root: str | list[str] = Field([], description="What is checked when no path is given; relative to this file.")
    select: list[str] = Field(
        [], description="Checks that run, instead of those on by default: codes, names, rules, prefixes, ALL."
    )
    extend_select: list[str] = Field([], description="Checks that run besides.")
    ignore: list[str] = Field([], description="Checks that do not run; the closer selector wins.")
    fail_on: Literal["error", "warning", "info", "never"] = Field(
        "error", description="The least severity that fails a run."
    )
    severities: dict[str, Literal["error", "warning", "info", "off"]] = Field(
        {}, description="Severity by selector. A check raised to error or warning runs by default."
    )
    per_path_ignores: dict[str, list[str]] = Field(
        {}, description="Glob of files, relative to this file, to selectors of checks that say nothing there."
    )
    exclude: list[str] = Field(list(DEFAULT_EXCLUDE), description="Globs of files and folders that are never read.")
    extend_exclude: list[str] = Field([], description="More of them.")
    not_application: list[str] = Field(
        list(DEFAULT_NOT_APPLICATION), description="Globs of code that is read but is no application code."
    )
    layers: dict[Layer, list[str]] = Field(
        {}, description="Layer to globs of the modules in it; decides before content and names."
    )
    allowed_imports: dict[Layer, list[Layer]] = Field(
        {}, description="Layer to the layers that it may import; replaces that layer's row."
    )
    required_layers: list[Layer] = Field(
        [], description="Layers that an application must have, instead of the guide's."
    )
    type_checking_imports: bool = Field(False, description="Whether imports under TYPE_CHECKING count.")
    blocking_calls: list[str] = Field(
        [], description="More calls that block, by dotted name; `vendor.sdk.*` for all of a module."
    )
    mongo_methods: list[str] = Field([], description="More calls that are Mongo operations, by dotted name.")
    config_modules: list[str] = Field([], description="Globs of the modules that read the environment.")
    database_modules: list[str] = Field([], description="Globs of the modules that connect to MongoDB.")
    index_registries: list[str] = Field([], description="Globs of the modules that declare indexes.")
    import_linter_config: str | None = Field(
        None, description="The file with the project's import-linter contracts, if it is not a usual one."
    )
    baseline: str | None = Field(None, description="The baseline file; relative to this file.")
    cache_dir: str | None = Field(None, description="Where facts and results are kept; relative to this file.")

    @field_validator("root", "baseline", "cache_dir", "import_linter_config")
    @classmethod
    def _not_empty(cls, value: Any) -> Any:
        if value == "" or (isinstance(value, list) and "" in value):
            raise ValueError("a path must not be empty")
        return value

    @field_validator(
        "exclude",
        "extend_exclude",
        "not_application",
        "per_path_ignores",
        "layers",
        "config_modules",
        "database_modules",
        "index_registries",
    )
    @classmethod
    def _globs(cls, value: Any) -> Any:
        from pathspec import GitIgnoreSpec

        several = value.values() if isinstance(value, dict) and all(isinstance(v, list) for v in value.values()) else []
        globs = [*value, *(glob for group in several for glob in group)] if isinstance(value, dict) else value
        for glob in globs:
            try:
                GitIgnoreSpec.from_lines([glob])
            except ValueError as error:
                raise ValueError(f"{glob!r} is no glob: {error}") from error
        return value

    @field_validator("blocking_calls", "mongo_methods")
    @classmethod
    def _dotted(cls, value: list[str]) -> list[str]:
        for name in value:
            if not all(part.isidentifier() for part in name.removesuffix(".*").split(".")):
                raise ValueError(f"{name!r} is no dotted name")
        return value

    @classmethod
    def names(cls) -> list[str]:
        """The options as written in the file."""
        return [field.alias or name for name, field in cls.model_fields.items()]

    def options(self) -> Options:
        """The same as plain values."""

        def plain(value: Any) -> Any:
            if isinstance(value, list):
                return tuple(value)
            if isinstance(value, dict):
                return {key: plain(inner) for key, inner in value.items()}
            return value

        values = {name: plain(getattr(self, name)) for name in type(self).model_fields}
        values["root"] = (self.root,) if isinstance(self.root, str) else tuple(self.root)
        return Options(**values)


def json_schema() -> dict[str, Any]:
    """The JSON schema of ``[tool.guardrails]`` and guardrails.toml."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "guardrails",
        **{key: value for key, value in Configuration.model_json_schema(by_alias=True).items() if key != "title"},
    }
