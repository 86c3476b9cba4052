"""Which files outside the application are worth parsing: tests, scripts, migrations.

They matter only for the indexes they declare (rule 9) and for text that looks like a secret (GR602, GR603); in tests,
where a password is the test's own, for tokens whose form gives them away.
``matters`` finds every such file and some more, from its bytes; most of a test suite is then never parsed.
"""

from __future__ import annotations

from guardrails.patterns import pattern

_INDEXES = (b"create_index", b"ensure_index", b"IndexModel", b"Indexed(", b"indexes")

_SECRET_WORDS = (
    b"secret", b"passw", b"pwd", b"token", b"api_key", b"apikey", b"private_key", b"privatekey",
    b"credential", b"accesskey", b"accountkey", b"auth_key", b"authkey", b"signing_key", b"encryption_key",
    b"webhook",
)  # fmt: skip
"""In lower case. Substring search is many times faster than a pattern."""
_TOKEN_WORDS = (
    b"aws_secret", b"awssecret", b"accountkey=", b"sharedaccesskey=", b"hooks.slack.com/", b"/api/webhooks/"
)  # fmt: skip
"""What stands, in lower case, before tokens that have no part that tells them from other words."""
_NAMED = pattern(rb"(?:secret|passw|pwd|token|key|credential)\w*['\"\]]*\s*(?::\s*\w+\s*)?[=:(,]\s*[rbf]*['\"]|webhook")
"""A text given to a name, an item or a keyword that says secret."""

_URL_WITH_PASSWORD = pattern(rb"://[^\s/:@'\"]*:[^\s/@'\"]+@")

_RUN = pattern(rb"[A-Za-z0-9_-]{20,}")
_MIXED = pattern(
    rb"(?<![A-Za-z0-9])(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])"
    rb"(?!(?:0x)?[0-9a-fA-F]+(?![A-Za-z0-9]))[A-Za-z0-9]{8,}"
    rb"|(?<=[_-])[0-9a-f]{32}|[0-9a-f]{32}(?=-us)"
)
"""Every token format has a long part of letters and digits, or of hexadecimal digits beside its own mark;
object ids, hashes and UUIDs are hexadecimal alone."""
_DIGITS = b"0123456789"


def matters(data: bytes) -> bool:
    """Whether a file with these bytes may declare an index or hold a secret."""
    if matters_as_test(data) or (b"://" in data and _URL_WITH_PASSWORD.search(data)):
        return True
    lower = data.lower()
    return any(word in lower for word in _SECRET_WORDS) and _NAMED.search(lower) is not None


def matters_as_test(data: bytes) -> bool:
    """Whether a test with these bytes may declare an index or hold a token."""
    if any(word in data for word in _INDEXES) or b"PRIVATE KEY" in data:
        return True
    lower = data.lower()
    if any(word in lower for word in _TOKEN_WORDS):
        return True
    return any(run.translate(None, _DIGITS) != run and _MIXED.search(run) is not None for run in _RUN.findall(data))
