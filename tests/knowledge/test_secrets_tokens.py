"""Token formats. Every token is put together here, so that no file ever holds one."""

from __future__ import annotations

import base64
import json
import random
import string

import pytest

from guardrails.knowledge.secrets import _FORMATS, masked, token_format

LETTERS = string.ascii_letters + string.digits
UPPER = string.ascii_uppercase + string.digits
HEX = "0123456789abcdef"


def body(length: int, alphabet: str = LETTERS) -> str:
    """A random-looking text, the same at every run."""
    return "".join(random.Random(f"{length}{alphabet}").choices(alphabet, k=length))


def jwt(header: dict[str, object], claims: dict[str, object], signature: str) -> str:
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims))
    return ".".join((*parts, signature))


def pem(kind: str, content: str) -> str:
    return f"-----BEGIN {kind}-----\n{content}\n-----END {kind}-----"


DISCORD_ID = base64.b64encode(b"918273645546372819").decode()
HS256: dict[str, object] = {"alg": "HS256", "typ": "JWT"}

# One text for every format, with the token as it stands in it.
TOKENS = [
    ("AWS access key id", "AK" + "IA" + body(16, UPPER)),
    ("AWS access key id", "AS" + "IA" + body(16, UPPER)),
    ("AWS access key id", "AB" + "IA" + body(16, UPPER)),
    ("AWS access key id", "AC" + "CA" + body(16, UPPER)),
    ("Google API key", "AI" + "za" + body(35)),
    ("Google OAuth client secret", "GOC" + "SPX-" + body(28)),
    ("DigitalOcean token", "dop" + "_v1_" + body(64, HEX)),
    ("MongoDB Atlas service account secret", "mdb_" + "sa_sk_" + body(40)),
    *(("GitHub token", f"gh{kind}" + "_" + body(36)) for kind in "pousr"),
    ("GitHub token", "github" + "_pat_" + body(22) + "_" + body(59)),
    ("GitLab token", "gl" + "pat-" + body(20)),
    ("GitLab token", "gl" + "pat-" + body(30) + ".01.0w1" + body(6)),
    ("GitLab token", "gl" + "rt-" + body(20)),
    ("GitLab runner registration token", "GR13" + "48941" + body(20)),
    ("npm token", "np" + "m_" + body(36)),
    ("PyPI token", "pypi-" + "AgEIcHlwaS5vcmc" + body(120)),
    ("PyPI token", "pypi-" + "AgENdGVzdC5weXBpLm9yZw" + body(120)),
    ("Slack token", "xo" + "xb-2837465920-9182736450192-" + body(24)),
    ("Slack token", "xo" + "xp-2837465920-2837465920-9182736450192-" + body(32, HEX)),
    ("Slack token", "xo" + "xe.xo" + "xp-1-" + body(140)),
    ("Slack app token", "xa" + "pp-1-A0" + body(9, UPPER) + "-9182736450192-" + body(64, HEX)),
    ("Discord bot token", DISCORD_ID + "." + body(6) + "." + body(38)),
    ("SendGrid API key", "S" + "G." + body(22) + "." + body(43)),
    ("Twilio API key", "S" + "K" + body(32, HEX)),
    ("Mailgun API key", "ke" + "y-" + body(32, HEX)),
    ("Mailchimp API key", body(32, HEX) + "-u" + "s14"),
    ("Stripe live key", "sk_" + "live_" + body(24)),
    ("Stripe live key", "rk_" + "live_" + body(99)),
    ("Square secret", "sq0" + "csp-" + body(43)),
    ("Shopify token", "shp" + "at_" + body(32, HEX)),
    ("OpenAI API key", "sk" + "-" + body(20) + "T3Blbk" + "FJ" + body(20)),
    ("OpenAI API key", "sk" + "-proj-" + body(74) + "T3Blbk" + "FJ" + body(74)),
    ("Anthropic API key", "sk-" + "ant-api03-" + body(93) + "AA"),
    ("Hugging Face token", "h" + "f_" + body(34)),
    ("Groq API key", "gs" + "k_" + body(52)),
    ("OpenRouter API key", "sk-" + "or-v1-" + body(64, HEX)),
    ("Replicate token", "r" + "8_" + body(37)),
    ("signed JWT", jwt(HS256, {"sub": "u-81", "exp": 1893456000}, body(43))),
    ("signed JWT", jwt({"alg": "RS256"}, {"sub": "u-81"}, body(342))),
]
# The token is a part of what makes it recognisable.
TOKENS_IN_CONTEXT = [
    ("AWS secret access key", "aws_secret_access_key = ", body(40), "\n"),
    ("AWS secret access key", '{"AWSSecretKey": "', body(40), '"}'),
    ("Azure storage account key", "AccountName=films;Account" + "Key=", body(86) + "==", ";"),
    ("Azure shared access key", "SharedAccess" + "Key=", body(43) + "=", ""),
    (
        "Slack webhook",
        "https://hooks.slack.com/services/",
        f"T{body(9, UPPER)}/B{body(9, UPPER)}/{body(24)}",
        "",
    ),
    ("Discord webhook", "https://discord.com/api/webhooks/", "918273645546372819/" + body(68), "?wait=true"),
    ("Telegram bot token", "https://api.telegram.org/bot", "734561982:A" + "A" + body(33), "/sendMessage"),
    (
        "private key",
        "key: ",
        pem("RSA PRIVATE " + "KEY", body(64) + "\n" + body(40)).partition("\n-----END")[0],
        "",
    ),
]


@pytest.mark.parametrize(("label", "token"), TOKENS)
@pytest.mark.parametrize(("before", "after"), [("", ""), ("Bearer ", ""), ('headers = {"k": "', '"}\n')])
def test_finds_a_token_anywhere_and_says_where(label: str, token: str, before: str, after: str) -> None:
    found = token_format(before + token + after)
    assert found is not None
    assert (found.label, found.start, found.length) == (label, len(before), len(token))
    assert found.source.startswith("https://")


@pytest.mark.parametrize(("label", "before", "token", "after"), TOKENS_IN_CONTEXT)
def test_finds_a_token_by_the_words_around_it(label: str, before: str, token: str, after: str) -> None:
    found = token_format(before + token + after)
    assert found is not None
    assert (found.label, found.start, found.length) == (label, len(before), len(token))


def test_every_format_has_a_test() -> None:
    tested = {label for label, _ in TOKENS} | {row[0] for row in TOKENS_IN_CONTEXT}
    assert tested == {row.label for row in _FORMATS}


def test_the_first_of_several_is_reported() -> None:
    first, second = "np" + "m_" + body(36), "gh" + "p_" + body(36)
    found = token_format(f"a = {first}; b = {second}")
    assert found is not None
    assert (found.label, found.start) == ("npm token", 4)


@pytest.mark.parametrize(
    "kind",
    ["PRIVATE " + "KEY", "EC PRIVATE " + "KEY", "OPENSSH PRIVATE " + "KEY", "PGP PRIVATE " + "KEY BLOCK"],
)
@pytest.mark.parametrize(
    "content",
    [
        body(64) + "\n" + body(64),
        "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0A1B\n\n" + body(64),
        body(64) + "\\n" + body(64),
    ],
)
def test_finds_private_keys_with_content(kind: str, content: str) -> None:
    found = token_format(pem(kind, content))
    assert found is not None
    assert found.label == "private key"


@pytest.mark.parametrize(
    ("header", "length", "whole"),
    [
        (b"\x30\x2e", 48, True),  # Ed25519
        (b"\x30\x81\x87", 138, True),  # P-256
        (b"\x30\x82\x04\xa5", 1193, True),  # RSA, 2048 bits
        (b"\x30\x82\x04\xa5", 48, False),  # its first line
    ],
)
def test_a_key_is_as_long_as_it_says(header: bytes, length: int, whole: bool) -> None:
    content = header + random.Random(length).randbytes(length - len(header))
    text = pem("PRIVATE " + "KEY", base64.encodebytes(content).decode().strip())
    assert (token_format(text) is not None) is whole


def test_finds_the_key_in_a_service_account() -> None:
    account = json.dumps(
        {"type": "service_account", "private_key": pem("PRIVATE " + "KEY", body(64) + "\n" + body(64))}
    )
    assert token_format(account) is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a sentence of words that holds no token at all",
        # published dummies
        "AK" + "IAIOSFODNN7EXAMPLE",
        "aws_secret_access_key = wJalr" + "XUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "Account" + "Key=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
        jwt(HS256, {"sub": "1234567890", "name": "John Doe", "iat": 1516239022}, body(43)),
        jwt(HS256, {"sub": "johndoe", "exp": 1529604451}, body(43)),
        "11020" + "1543:AAHdqTcvCH1vGWJxfSe1ofSAs0K5PALDsaw",
        # shapes, not tokens
        "gh" + "p_" + "x" * 36,
        "AK" + "IA" + "Z" * 16,
        "sk_" + "live_" + "your_key_goes_right_here",
        "h" + "f_" + "abcdefghijklmnopqrstuvwxyz01234567",
        "xo" + "xb-not-a-real-token-this-will-not-work",
        "xo" + "xb-your-token-here",
        # test keys and identifiers reach nothing
        "sk_" + "test_" + body(24),
        "pk_" + "live_" + body(24),
        "A" + "C" + body(32, HEX),
        # inside a longer word, too long or too short
        "x" + "AK" + "IA" + body(16, UPPER),
        "AK" + "IA" + body(17, UPPER),
        "gh" + "p_" + body(20),
        # bare hexadecimal and base64 are hashes as often as keys
        body(64, HEX),
        body(40),
        # no signature, no algorithm, no JSON, a role that is public
        jwt(HS256, {"sub": "u-81"}, ""),
        jwt(HS256, {"sub": "u-81"}, "signature"),
        jwt({"alg": "none"}, {"sub": "u-81"}, body(43)),
        jwt({"typ": "JWT"}, {"sub": "u-81"}, body(43)),
        "eyJ" + body(20) + ".eyJ" + body(20) + "." + body(43),
        jwt(HS256, {"iss": "supabase", "role": "anon"}, body(43)),
        # a bot's id is a number
        "M" + body(23) + "." + body(6) + "." + body(27),
        # a header without a key, and keys that everybody may see
        "-----BEGIN RSA PRIVATE " + "KEY-----",
        pem("RSA PRIVATE " + "KEY", "..."),
        pem("RSA PRIVATE " + "KEY", "your private key here"),
        pem("PUBLIC KEY", body(64) + "\n" + body(64)),
        pem("CERTIFICATE", body(64) + "\n" + body(64)),
    ],
)
def test_passes_over_what_is_no_secret(text: str) -> None:
    assert token_format(text) is None


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("", "… (0 characters)"),
        ("x", "… (1 character)"),
        ("root", "r… (4 characters)"),
        ("admin123", "ad… (8 characters)"),
        ("S" + "G." + "k" * 66, "SG.k… (69 characters)"),
        ("a\nb\tcdefghijklmnop", "a·b·… (18 characters)"),
    ],
)
def test_masked_shows_the_start_and_the_length(value: str, shown: str) -> None:
    assert masked(value) == shown


@pytest.mark.parametrize(("_label", "token"), TOKENS)
def test_masked_never_shows_more_than_four_characters(_label: str, token: str) -> None:
    assert token[4:] not in masked(token)
    assert masked(token).startswith(token[:4] + "…")
