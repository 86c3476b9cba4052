"""What a connection URL to a database, cache or broker is, and whether it carries a password.

The URL forms are those of the clients' own manuals: MongoDB's connection strings
(https://www.mongodb.com/docs/manual/reference/connection-string/), redis-py, Kombu and aio-pika for AMQP,
libpq (https://www.postgresql.org/docs/current/libpq-connect.html) and SQLAlchemy's `dialect+driver://`.
"""

from __future__ import annotations

import re
from typing import Final, Literal
from urllib.parse import unquote

from msgspec import Struct

from guardrails.knowledge.secrets import is_placeholder
from guardrails.patterns import pattern

# Scheme without its driver (`postgresql+asyncpg`) -> what it connects to.
SCHEMES: Final[dict[str, str]] = {
    "mongodb": "MongoDB",
    "redis": "Redis",
    "rediss": "Redis",
    "amqp": "AMQP",
    "amqps": "AMQP",
    "pyamqp": "AMQP",
    "postgres": "PostgreSQL",
    "postgresql": "PostgreSQL",
    "mysql": "MySQL",
    "mariadb": "MySQL",
    "kafka": "Kafka",
}


class ConnectionUrl(Struct, frozen=True):
    """A connection URL taken apart.

    `scheme` is as written, in lower case; `system` names what it connects to. `password` is "none", "literal"
    or "masked": a hole, asterisks, a placeholder, or whatever is sent to a host of documentation.
    `literal_host` is false where the host, or the whole address, is a hole or a placeholder. `shown` is the
    URL as a finding may print it: without user, password and query.
    """

    scheme: str
    system: str
    password: Literal["none", "literal", "masked"]
    host: str
    literal_host: bool
    shown: str


_URL: Final = pattern(r"(?P<scheme>[a-z][a-z0-9]*)(?P<driver>\+[a-z0-9_]+)?://(?P<authority>[^/?#]*)", re.IGNORECASE)
# Holes of f-strings (handed over as `{}`), `str.format`, `%`, templates and shells; `<…>` of documentation.
_HOLE: Final = pattern(
    r"\{\{.*?\}\}|\$\{[^}]*\}|\$\([^)]*\)|\{[^{}]*\}|<[^<>]*>|%\(\w+\)[sdr]|%[sdr](?![0-9A-Fa-f])"
    r"|\$[A-Za-z_]\w*"
)
# What only a regular expression or a sentence has.
_NO_URL: Final = pattern(r"\(\?|\.[*+]|\\[wdSs/]|\[\^|[\s…`\"]|\.\.\.")
# Hosts and users that documentation writes where a real one goes.
_EXAMPLE_HOST: Final = pattern(
    r"(?:.*[.@-])?(?:example\.(?:com|org|net)|.*\.example|host(?:name)?\d?|your.*|x{3,}.*|.*\.x{3,}\..*|my-?host)",
    re.IGNORECASE,
)
_EXAMPLE_USERS: Final = frozenset({"user", "username", "login", "usr", "myuser", "dbuser", "db_user"})
_EXAMPLE_PASSWORDS: Final = frozenset(
    {"pass", "passwd", "password", "pwd", "pw", "secret", "mypass", "mypassword", "dbpass"}
)
# RabbitMQ's built-in account, which it accepts from the same machine alone
# (https://www.rabbitmq.com/docs/access-control#default-state): there, it protects nothing and is no secret.
_LOCAL_GUEST: Final = pattern(r"guest:guest@(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?", re.IGNORECASE)


def connection_url(text: str) -> ConnectionUrl | None:
    """The connection URL that a text is, or none.

    The whole text has to be the URL: one within a sentence is documentation, and a bare scheme, a pattern or
    a text with an ellipsis connects to nothing. Holes of an f-string are written `{}`.
    """
    text = text.strip()
    found = _URL.match(text)
    if found is None or found["scheme"].lower() not in SCHEMES or len(text) > 2048:
        return None
    plain = _HOLE.sub("{}", text)
    found = _URL.match(plain)
    if found is None or not found["authority"] or _NO_URL.search(plain):
        return None
    scheme = (found["scheme"] + (found["driver"] or "")).lower()
    userinfo, _, host = found["authority"].rpartition("@")
    user, colon, password = userinfo.partition(":")
    address = _without_port(host)
    documentation = _EXAMPLE_HOST.fullmatch(address) is not None
    state: Literal["none", "literal", "masked"] = "none"
    if colon and password and not _LOCAL_GUEST.fullmatch(found["authority"]):
        state = "masked" if documentation or _is_masked(user, password) else "literal"
    return ConnectionUrl(
        scheme=scheme,
        system=SCHEMES[found["scheme"].lower()],
        password=state,
        host=host,
        literal_host="{}" not in address and not documentation,
        shown=f"{scheme}://{'…@' if userinfo else ''}{host}",
    )


def _without_port(host: str) -> str:
    return re.sub(r":(?:\d+|\{\})$", "", host)


def _is_masked(user: str, password: str) -> bool:
    plain = unquote(password)
    return (
        "{}" in plain
        or (len(plain) >= 4 and is_placeholder(plain))
        or not any(map(str.isalnum, plain))
        or (user.lower() in _EXAMPLE_USERS and plain.lower() in _EXAMPLE_PASSWORDS)
        or plain.lower() in {"xxx", "pwd"}
    )
