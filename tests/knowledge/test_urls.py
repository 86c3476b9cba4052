"""Connection URLs: passwords are put together here, so that no file ever holds a URL with one."""

from __future__ import annotations

import pytest

from guardrails.knowledge.urls import SCHEMES, ConnectionUrl, connection_url

PASSWORD = "hun" + "ter2"


def url(scheme: str, user: str, password: str, rest: str) -> str:
    return scheme + "://" + user + ":" + password + "@" + rest


@pytest.mark.parametrize(
    ("scheme", "system"),
    [
        ("mongodb", "MongoDB"),
        ("mongodb+srv", "MongoDB"),
        ("redis", "Redis"),
        ("rediss", "Redis"),
        ("amqp", "AMQP"),
        ("amqps", "AMQP"),
        ("postgres", "PostgreSQL"),
        ("postgresql", "PostgreSQL"),
        ("postgresql+asyncpg", "PostgreSQL"),
        ("mysql", "MySQL"),
        ("mysql+aiomysql", "MySQL"),
        ("mariadb+pymysql", "MySQL"),
        ("kafka", "Kafka"),
        ("MongoDB", "MongoDB"),
    ],
)
def test_schemes(scheme: str, system: str) -> None:
    found = connection_url(url(scheme, "films", PASSWORD, "db.internal/films"))
    assert found is not None
    assert (found.scheme, found.system, found.password) == (scheme.lower(), system, "literal")


def test_every_part() -> None:
    text = url("mongodb+srv", "films", PASSWORD, "a.internal:27017,b.internal/films?w=majority")
    assert connection_url(text) == ConnectionUrl(
        scheme="mongodb+srv",
        system="MongoDB",
        password="literal",
        host="a.internal:27017,b.internal",
        literal_host=True,
        shown="mongodb+srv://…@a.internal:27017,b.internal",
    )


@pytest.mark.parametrize(
    "text",
    [
        url("redis", "", PASSWORD, "cache:6379/0"),
        url("postgresql", "postgres", "postgres", "localhost/films"),
        url("mongodb", "root", "password", "mongo:27017"),
        url("mongodb", "admin", "admin", "{}:27017"),
        url("mongodb", "{}", PASSWORD, "{}"),
        url("mongodb+srv", "films", "p%40ss%2Fw0rd", "cluster0.ab1cd.mongodb.net"),
        url("amqp", "guest", "guest", "rabbitmq:5672"),
        url("mongodb", "films", "p@ss", "db.internal"),
    ],
)
def test_literal_passwords(text: str) -> None:
    found = connection_url(text)
    assert found is not None
    assert found.password == "literal"
    assert PASSWORD not in found.shown


@pytest.mark.parametrize(
    "password",
    [
        "{}",
        "{password}",
        "{settings.password}",
        "{{ password }}",
        "<password>",
        "***",
        "****",
        "%s",
        "%(password)s",
        "$PASS",
        "${DB_PASSWORD}",
        "$(pw)",
        "xxx",
        "xxxxxx",
        "changeme",
        "your_password",
        "%7Bpassword%7D",
    ],
)
def test_masked_passwords(password: str) -> None:
    found = connection_url(url("mongodb", "films", password, "db.internal/films"))
    assert found is not None
    assert found.password == "masked"


@pytest.mark.parametrize(("user", "password"), [("user", "pass"), ("username", "password"), ("<user>", "<pw>")])
def test_the_password_of_documentation_is_masked(user: str, password: str) -> None:
    found = connection_url(url("mongodb", user, password, "localhost"))
    assert found is not None
    assert found.password == "masked"


@pytest.mark.parametrize("host", ["db.example.com", "host:27017", "your-cluster.mongodb.net"])
def test_a_password_for_a_host_of_documentation_is_masked(host: str) -> None:
    found = connection_url(url("mongodb", "films", PASSWORD, host))
    assert found is not None
    assert (found.password, found.literal_host) == ("masked", False)


@pytest.mark.parametrize(
    "text",
    [
        "mongodb://localhost:27017",
        "mongodb://localhost:27017/films?retryWrites=true",
        "redis://cache:6379/0",
        "mongodb://films@db.internal",
        "redis://:@cache",
        "kafka://broker:9092",
        " amqp://rabbitmq/ ",
        # RabbitMQ takes its built-in account from the same machine alone
        "amqp://guest:" + "guest@localhost:5672//",
        "amqp://guest:" + "guest@127.0.0.1",
    ],
)
def test_without_a_password(text: str) -> None:
    found = connection_url(text)
    assert found is not None
    assert (found.password, found.literal_host) == ("none", True)


@pytest.mark.parametrize(
    "text",
    [
        "mongodb://{}:{}",
        "mongodb://{host}:27017/films",
        "mongodb+srv://{}",
        "redis://${REDIS_HOST}:6379",
        "redis://%s:%d/0",
        "mongodb+srv://<cluster>.mongodb.net/films",
        "mongodb+srv://cluster0.xxxxx.mongodb.net",
        "mongodb://host:27017",
        "mongodb://hostname",
        "mongodb://your-host:27017",
        "mongodb://db.example.com",
        "postgresql+asyncpg://{user}:{password}@{host}/{name}",
    ],
)
def test_hosts_that_are_filled_in(text: str) -> None:
    found = connection_url(text)
    assert found is not None
    assert not found.literal_host


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mongodb://",
        "mongodb+srv://",
        "mongodb",
        "redis:",
        "redis:///var/run/redis.sock",
        "https://films.example.com",
        "http://user:" + PASSWORD + "@films.example.com",
        "sqlite:///films.db",
        "mongodbx://localhost",
        "Connect to mongodb://localhost:27017 first.",
        "mongodb://localhost:27017 is the default",
        r"mongodb(?:\+srv)?://.*",
        r"^mongodb://",
        "mongodb://...",
        "mongodb://…",
        r"mongodb://[^@]+@(?P<host>\w+)",
        "mongodb://" + "{" * 20_000,
    ],
)
def test_texts_that_are_no_connection_url(text: str) -> None:
    assert connection_url(text) is None


def test_every_scheme_belongs_to_a_system() -> None:
    assert set(SCHEMES.values()) == {"MongoDB", "Redis", "AMQP", "PostgreSQL", "MySQL", "Kafka"}
