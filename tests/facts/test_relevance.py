"""The filter on bytes must let through all that a check looks for outside the application."""

from __future__ import annotations

import pytest

from guardrails.facts.relevance import matters, matters_as_test
from tests.knowledge.test_secrets_tokens import TOKENS, TOKENS_IN_CONTEXT


@pytest.mark.parametrize(("label", "token"), TOKENS, ids=[f"{i}-{label}" for i, (label, _) in enumerate(TOKENS)])
def test_every_token_format_matters(label: str, token: str) -> None:
    source = f"def test_it():\n    assert call('x', [{token!r}])\n".encode()
    assert matters_as_test(source)
    assert matters(source)


@pytest.mark.parametrize(("label", "before", "token", "after"), TOKENS_IN_CONTEXT)
def test_every_token_that_is_known_by_its_context_matters(label: str, before: str, token: str, after: str) -> None:
    assert matters_as_test(f"assert call({before + token + after!r})\n".encode())


@pytest.mark.parametrize("text", ["URL = 'mongodb://user:hunter2@host/db'", "login(password='hunter2')"])
def test_passwords_in_tests_do_not_matter(text: str) -> None:
    assert not matters_as_test(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "db.users.create_index('email')",
        "class Meta:\n    indexes = ['email']",
        "email: Indexed(str)",
        "db.users.create_indexes([IndexModel('email')])",
        "URL = 'mongodb://user:hunter2@host/db'",
        "URL = 'redis://:hunter2@host'",
        "PASSWORD = 'hunter2'",
        "client = connect(password='hunter2')",
        "config['jwt_secret'] = 'hunter2'",
        "data = {'api_key': 'hunter2'}",
        "class Settings:\n    db_password: str = 'hunter2'",
        "key = os.getenv('SECRET_KEY', 'hunter2')",
        "KEY = '''-----BEGIN RSA PRIVATE KEY-----'''",
    ],
)
def test_indexes_urls_and_named_secrets_matter(text: str) -> None:
    assert matters(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "def test_addition():\n    assert 1 + 1 == 2\n",
        "USER_ID = '507f1f77bcf86cd799439011'\n",
        "UUID = '8f14e45f-ceea-467f-a8f5-b1c2d3e4f506'\n",
        "ADDRESS = 0x60D31793D5F1FB7E6E3C1A4F\n",
        "response = client.get('/api/v1/organizations/7/members?token_type=x')\n",
        "from very_long_package_name.of_some_module_2024 import something_with_a_long_name\n",
    ],
)
def test_ordinary_tests_do_not(text: str) -> None:
    assert not matters(text.encode())
