"""Settings classes: their secrets, the variables they need, and who else reads the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrails.program.settings import Settings
from tests.program.build import build
from tests.queries.program import program_of

HEAD = "from pydantic import AliasChoices, BaseModel, Field\nfrom pydantic_settings import BaseSettings\n"


def missing(folder: Path, source: str, example: str) -> tuple[str, ...]:
    """The variables that the settings need and the example lacks."""
    files = {".env.example": example, "app/config.py": HEAD + source, "app/main.py": "from app import config\n"}
    return program_of(folder, files).settings.undocumented


class TestVariables:
    @pytest.mark.parametrize(
        ("fields", "needed"),
        [
            ("    uri: str", ("URI",)),
            ("    uri: str = 'x'", ()),
            ("    uri: str = Field(default='x')", ()),
            ("    uri: str = Field(...)", ("URI",)),
            ("    uri: str = ...", ("URI",)),
            ("    uri: list[str] = Field(default_factory=list)", ()),
            ("    uri: str | None", ("URI",)),
            ("    uri: str = Field(alias='DB')", ("DB",)),
            ("    uri: str = Field(validation_alias=AliasChoices('A', 'B'))", ("A",)),
            ("    model_config = {'env_prefix': 'shop_'}\n    uri: str", ("SHOP_URI",)),
            ("    class Config:\n        env_prefix = 'shop_'\n    uri: str", ("SHOP_URI",)),
            ("    _cache: str\n    model_config = {}", ()),
        ],
    )
    def test_of_a_field(self, tmp_path: Path, fields: str, needed: tuple[str, ...]) -> None:
        assert missing(tmp_path, f"class Settings(BaseSettings):\n{fields}\n", "OTHER=1\n") == needed

    def test_of_nested_models(self, tmp_path: Path) -> None:
        source = (
            "class Mail(BaseModel):\n    host: str\n    port: int\n"
            "class Settings(BaseSettings):\n    model_config = {'env_nested_delimiter': '__'}\n    mail: Mail\n"
        )
        assert missing(tmp_path, source, "MAIL__HOST=x\n") == ("MAIL__PORT",)
        assert missing(tmp_path, source, "MAIL={}\n") == ()

    def test_of_a_base_are_those_of_its_subclasses(self, tmp_path: Path) -> None:
        source = (
            "class Base(BaseSettings):\n    uri: str\nclass Development(Base):\n    uri: str = 'mongodb://localhost'\n"
        )
        assert missing(tmp_path, source, "OTHER=1\n") == ()

    def test_of_other_sources_are_not_known(self, tmp_path: Path) -> None:
        source = (
            "class Settings(BaseSettings):\n    uri: str\n"
            "    @classmethod\n    def settings_customise_sources(cls, *sources):\n        return ()\n"
        )
        assert missing(tmp_path, source, "OTHER=1\n") == ()

    def test_an_optional_field_of_pydantic_1_needs_none(self, tmp_path: Path) -> None:
        source = (
            "from typing import Optional\nfrom pydantic import BaseSettings\n"
            "class Settings(BaseSettings):\n    a: Optional[str]\n"
        )
        assert missing(tmp_path, source, "OTHER=1\n") == ()


def settings(source: str) -> Settings:
    return build({"app/config.py": HEAD + source}).settings


class TestSecrets:
    def test_are_those_of_nested_models_too(self) -> None:
        found = settings(
            "class Inner(BaseModel):\n    password: str\n    hits: int\n"
            "class Outer(BaseModel):\n    inner: list[Inner]\n"
            "class Other(BaseModel):\n    password: str\n"
            "class Settings(BaseSettings):\n    outer: Outer | None = None\n"
        ).secret_fields
        assert [(f.owner.name, f.name) for f in found] == [("Inner", "password")]

    @pytest.mark.parametrize(
        ("field", "default"),
        [
            ("secret: str = 'abc'", "abc"),
            ("secret = 'abc'", "abc"),
            ("secret: bytes = b'abc'", "abc"),
            ("secret: str = Field('abc', min_length=3)", "abc"),
            ("secret: str = Field(default_factory=make)", None),
            ("secret: str = make()", None),
            ("secret: str", None),
        ],
    )
    def test_have_literal_defaults(self, field: str, default: str | None) -> None:
        model = settings(f"class Settings(BaseSettings):\n    {field}\n")
        (secret,) = model.secret_fields
        assert model.literal_default(secret) == default


class TestReads:
    @pytest.mark.parametrize(
        ("source", "count"),
        [
            ("import os as system\nsystem.environ['A']", 1),
            ("from os import environ as env\nenv.get('A')\nenv['B']", 2),
            ("import os\ndef f(a=os.getenv('A')): ...", 1),
            ("import os\nf(lambda: os.getenv('A'))", 1),
            ("import os\nfor name in os.environ: ...", 1),
            ("import os\nos.environ['A'] = 'b'\ndel os.environ['A']\nos.environ.pop('A', None)", 0),
            ("import os\nold = os.environ.pop('A', None)", 1),
            ("import os, subprocess\nsubprocess.run(['ls'], env={**os.environ, 'A': 'b'})", 0),
            ("from starlette.config import Config\nconfig = Config('.env')\nA = config('A')\nB = config('B')", 2),
        ],
    )
    def test_are_counted_once_each(self, source: str, count: int) -> None:
        assert len(build({"app/mail.py": source}).settings.reads) == count


@pytest.mark.parametrize(
    ("source", "separate"),
    [
        ("class Settings(BaseSettings):\n    stage: str\n", True),
        ("class Settings(BaseSettings):\n    env_name: str\n", True),
        ("class Settings(BaseSettings):\n    log_mode: str\n", False),
        ("class DevSettings(BaseSettings):\n    a: str\nclass ProdSettings(BaseSettings):\n    a: str\n", True),
        ("class DevSettings(BaseSettings):\n    a: str\n", False),
    ],
)
def test_environments_are_told_apart(source: str, separate: bool) -> None:
    assert settings(source).separates_environments is separate
