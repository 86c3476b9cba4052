"""Where literals are secrets or addresses, and that none of them is ever shown."""

from __future__ import annotations

import pytest

from guardrails.checks import configuration
from tests.program.build import build

SECRET = "n3Vb8Yc5Hj72Qw"


def spots(source: str, path: str = "app/keys.py") -> list[tuple[str, int]]:
    """(name, line) of the secrets in one module."""
    program = build({path: source})
    return [(s.name, s.code.place(s.span).line) for s in program.secrets.hardcoded]


class TestWhatANameIsGiven:
    @pytest.mark.parametrize(
        "source",
        [
            "api_key = '{}'",
            "api_key: str = '{}'",
            "user, api_key = 'shop', '{}'",
            "settings['api_key'] = '{}'",
            "settings.api_key = '{}'",
            "api_key = given or '{}'",
            "api_key = '{}' if local else read()",
            "api_key = b'{}'",
            "api_key = f'{}'",
            "api_key = '{}'.encode()",
            "api_key = str('{}')",
            "connect(api_key='{}')",
            "dict(api_key='{}')",
            "{{'api_key': '{}'}}",
            "def connect(*, api_key='{}'): ...",
            "class Client:\n    api_key = '{}'",
            "print(api_key := '{}')",
            "api_keys = ['{}']",
            "import os\nread(os.getenv('API_KEY', '{}'))",
            "import os\nread(os.environ.get('API_KEY', default='{}'))",
            "from environs import Env\nenv = Env()\nread(env.str('API_KEY', '{}'))",
            "from pydantic import BaseModel, Field\nclass A(BaseModel):\n    api_key: str = Field(default='{}')",
        ],
    )
    def test_is_a_secret(self, source: str) -> None:
        assert len(spots(source.format(SECRET))) == 1

    @pytest.mark.parametrize(
        "source",
        [
            "key = '{}'",
            "if api_key == '{}': ...",
            "api_key = read('{}')",
            "api_key = table['{}']",
            "raise ValueError('api_key', '{}')",
            "from enum import Enum\nclass Key(Enum):\n    API_KEY = '{}'",
            "show(example={{'api_key': '{}'}})",
            "class Config:\n    schema_extra = {{'example': {{'api_key': '{}'}}}}",
        ],
    )
    def test_is_none(self, source: str) -> None:
        assert spots(source.format(SECRET)) == []

    def test_a_literal_with_two_names_is_one_secret(self) -> None:
        assert spots(f"import os\nTOKEN_SECRET = os.getenv('API_KEY', '{SECRET}')") == [("TOKEN_SECRET", 2)]

    def test_the_key_of_a_signature_needs_no_name(self) -> None:
        assert spots(f"import jwt\njwt.encode({{}}, '{SECRET}')") == [("encode", 2)]
        assert spots(f"import jwt\njwt.encode({{'text': '{SECRET}'}}, read())") == []


class TestFiles:
    def test_a_script_is_read_and_a_test_is_not(self) -> None:
        assert spots(f"api_key = '{SECRET}'", "scripts/deploy.py") != []
        assert spots(f"api_key = '{SECRET}'", "tests/test_login.py") == []


class TestAddresses:
    @pytest.mark.parametrize(
        ("source", "shown"),
        [
            ("URL = 'redis://cache:6379/0'", ["redis://cache:6379"]),
            ("URL = f'redis://cache:6379/{n}'", ["redis://cache:6379"]),
            ("URL = 'redis://cache:6379/' + name", ["redis://cache:6379"]),
            ("URL = 'amqp://' + user + ':' + password + '@' + host + '/'", ["amqp://…@{}"]),
            ("URL = 'see redis://cache:6379/0'", []),
            ("URL = Field(examples=['redis://cache:6379/0'])", []),
        ],
    )
    def test_whole_texts_are_addresses(self, source: str, shown: list[str]) -> None:
        assert [a.url.shown for a in build({"app/cache.py": source}).secrets.addresses] == shown


def test_no_finding_shows_a_secret() -> None:
    program = build(
        {
            "app/config.py": f"""
                from pydantic_settings import BaseSettings

                class Settings(BaseSettings):
                    jwt_secret: str = "{SECRET}"
                """,
            "app/keys.py": f"""
                api_key = "{SECRET}"
                url = "mongodb://shop:{SECRET}@db.shop.internal/shop"
                """,
        }
    )
    checks = (
        configuration.hardcoded_secret,
        configuration.hardcoded_connection_url,
        configuration.secret_with_default,
        configuration.secret_not_secretstr,
    )
    findings = [finding for run in checks for finding in run(program)]
    assert {f.code for f in findings} == {"GR602", "GR603", "GR605", "GR606"}
    assert not any(SECRET[:5] in repr(finding) for finding in findings)
