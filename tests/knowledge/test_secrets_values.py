"""Which values beside a secret's name are secrets, and which only stand for one."""

from __future__ import annotations

import base64
import inspect
import random
import smtplib

import pytest

from guardrails.knowledge import secrets
from guardrails.knowledge.secrets import ENVIRONMENT_READS, SIGNING_CALLS, is_placeholder, secret_name

# Weak or strong, the program will use these as they stand.
REAL = [
    ("SECRET_KEY", "supersecret"),
    ("SECRET_KEY", "mysecretkey"),
    ("SECRET_KEY", "my-secret-key"),
    ("SECRET_KEY", "secret"),
    ("JWT_SECRET", "secret"),
    ("JWT_SECRET", "secretkey"),
    ("secret_key", "films_secret_key"),
    ("SECRET_KEY", "dev-secret"),
    ("SECRET_KEY", "09d25e094faa6ca2556c" + "818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7"),
    ("SECRET_KEY", "insecure"),
    ("password", "admin123"),
    ("password", "root"),
    ("password", "Passw0rd!"),
    ("password", "password123"),
    ("password", "mypassword"),
    ("password", "#Secret-2024"),
    ("password", "$ecret123"),
    ("password", "@dmin2024"),
    ("DB_PASSWORD", "password"),
    ("POSTGRES_PASSWORD", "postgres"),
    ("REDIS_PASSWORD", "secret"),
    ("SMTP_PASSWORD", "abcd efgh ijkl mnop"),
    ("API_KEY", "8f14e45fceea167a"),
    ("API_KEY", "my-secret-api-key"),
    ("X-API-Key", "secret"),
    ("token", "s3cr3t"),
    ("access_token", "Bearer 8f14e45fceea167a5a36dedd4bea2543"),
    ("Authorization", "Basic dXNlcjpodW50ZXIyMTM="),
    ("AWS_SECRET_ACCESS_KEY", "k3/Zr9" + "PqLm2Xv7Yt4Bn8Wc1Hs6Jd0Gf5Ra+UeToIyNz"),
    ("unknown", "hunter2"),
    ("", "secret"),
]
PLACEHOLDERS = [
    # it says so
    *(("SECRET_KEY", value) for value in ("changeme", "change-me", "CHANGE_ME_IN_PRODUCTION", "please-change-this")),
    *(("SECRET_KEY", value) for value in ("your-secret-key", "YOUR_SECRET", "yoursecretkey", "your_secret_here")),
    *(
        ("API_KEY", value)
        for value in ("<api-key>", "<your key>", "insert-key-here", "xxx", "XXXXXXXXXXXX", "sk-xxxxxx")
    ),
    *(("password", value) for value in ("test", "test123", "testpassword", "dummy", "fake_password", "example")),
    *(("password", value) for value in ("placeholder", "TODO", "replace-me", "not_a_password", "********", "...")),
    ("SECRET_KEY", "fake-super-secret-token"),
    ("STRIPE_SECRET_KEY", "sk_" + "test_4eC39HqLyjWDarjtT1zdp7dc"),
    ("AWS_SECRET_ACCESS_KEY", "wJalr" + "XUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    # the header and claims of jwt.io's token, and a JWT without a signature
    ("token", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0." + "Sf" + "lKxwRJ" * 7),
    ("token", "eyJhbGciOiJub25lIn0." + "eyJzdWIiOiJ1LTgxIn0."),
    # nothing is there
    *(
        ("password", value)
        for value in ("", "   ", "-", "*", "None", "null", "string", "required", "hidden", "aaaaaaaa")
    ),
    # a hole, or a reference to the real one
    *(("password", value) for value in ("{}", "{password}", "{{ db_password }}", "${DB_PASSWORD}", "$DB_PASSWORD")),
    *(
        ("password", value)
        for value in ("%s", "%(password)s", ":password", "$password", "$(cat secret)", "{cipher}9f3a")
    ),
    *(("password", value) for value in ("op://vault/db/password", "vault:secret/db#pw", "[password]", "env:DB_PASS")),
    ("SECRET_KEY", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:films"),
    ("SECRET_KEY", "projects/films/secrets/jwt/versions/latest"),
    # a message
    ("password", "This password is too short."),
    ("password", "Passwörter"),
    ("password", "密码错误"),
    ("token", "Token expired"),
    # an address, a path, a file, an algorithm, a selector, a public key
    *(("token", value) for value in ("/auth/token", "auth/token", "https://id.example.org/token", "./run/token.txt")),
    ("private_key", "certs/jwt.pem"),
    ("private_key", "jwt-private.key"),
    ("secret", "application/x-www-form-urlencoded"),
    *(("password", value) for value in ("bcrypt", "sha512_crypt", "argon2id", "pbkdf2_sha256")),
    ("secret", "HS256"),
    ("password", "[id='password']"),
    ("password", "#password"),
    ("password", "LDAP"),
    ("token", r"[-!#$%&'*+.^_`|~0-9a-zA-Z]+"),
    ("secret", "AWSSecretKey"),
    ("app_secret", "client_secret"),
    ("SECRET_KEY", "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE"),
    ("private_key", "-----BEGIN PRIVATE " + "KEY-----\n...\n-----END PRIVATE " + "KEY-----"),
    # the name itself, or the end of it
    *(("password", value) for value in ("password", "Password", "PASSWORD")),
    ("SECRET", "SECRET"),
    ("SECRET_KEY", "secret_key"),
    ("API_KEY", "X-API-Key"),
    ("X_API_KEY", "api-key"),
    ("ACCESS_TOKEN", "access_token"),
    ("ACCESS_TOKEN", "token"),
    ("CONF_PASSWORD", "password"),
    ("S3_SECRET_KEY", "secret_key"),
    # a thing: another field, a setting, an event, a state
    *(("password", value) for value in ("user_password", "trustStorePassword", "connection.password", "DB_PASSWORD")),
    *(("token", value) for value in ("bearer", "Bearer", "refresh", "access", "email_verification", "oauth2_token")),
    *(("secret", value) for value in ("JWT_SECRET_NAME", "app.jwt.secret", "films-jwt-config", "secret_updated")),
    ("api_key", "demo"),
    ("password", "password_reset_required"),
    ("Authorization", "Bearer"),
    ("Authorization", "Bearer {}"),
    ("Authorization", "JWT of the user"),
]


@pytest.mark.parametrize(("name", "value"), REAL)
def test_secrets_are_no_placeholders(name: str, value: str) -> None:
    assert not is_placeholder(value, name)


@pytest.mark.parametrize(("name", "value"), PLACEHOLDERS)
def test_placeholders(name: str, value: str) -> None:
    assert is_placeholder(value, name)


@pytest.mark.parametrize("piece", ["eyJ", "{", "<", "[a", "$(", "a_", "Ab", "/a", "{{", "xo"])
def test_long_texts_are_documents(piece: str) -> None:
    text = piece * 30_000
    assert is_placeholder(text, "password")
    assert secrets.token_format(text) is None


@pytest.mark.parametrize("name", ["password", "SECRET_KEY", "API_KEY", "access_token", ""])
def test_random_values_are_secrets(name: str) -> None:
    source = random.Random(name)
    for size in (12, 16, 24, 32, 48):
        for _ in range(200):
            value = source.randbytes(size)
            assert not is_placeholder(value.hex(), name)
            assert not is_placeholder(base64.urlsafe_b64encode(value).decode(), name)
            assert not is_placeholder(base64.b64encode(value).decode(), name)


def test_signing_calls_say_where_the_secret_is() -> None:
    for call, argument in SIGNING_CALLS.items():
        assert "." in call
        assert argument.keywords
        assert argument.position is None or argument.position >= 0
        assert secret_name(argument.keywords[0]) is not None or argument.keywords == ("key",), call


def test_signing_calls_fit_the_standard_library() -> None:
    login = SIGNING_CALLS["smtplib.SMTP.login"]
    assert login.position is not None
    parameters = list(inspect.signature(smtplib.SMTP.login).parameters)[1:]
    assert parameters[login.position] == login.keywords[0]


def test_fallbacks_are_the_second_argument() -> None:
    assert ENVIRONMENT_READS["os.getenv"] == 1
    assert set(ENVIRONMENT_READS.values()) == {1}


def test_tables_hold_no_token() -> None:
    with open(secrets.__file__, encoding="utf-8") as file:
        assert secrets.token_format(file.read()) is None
