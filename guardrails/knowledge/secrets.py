"""What a secret looks like: token formats, names that say secret, values that are no secret after all.

Everything here is a pure function of strings or a table. Three questions decide whether a literal is a
hard-coded secret:

1. `token_format`: does the text carry a token whose format gives it away, whatever the name beside it?
2. `secret_name`: does the name beside it say password, secret, private key, API key or token?
3. `is_placeholder`: is the value no secret after all: a hole, a message, a field's name, a dummy?

**What counts as a placeholder.** A value is a placeholder only if it *announces* that it is not the value: it
says so (`changeme`, `your-key`, `dummy`, `test`, `<secret>`, `xxx`), it is a hole or a reference to the real
one (`${SECRET}`, `{}`, `op://…`), or it names or describes a thing (a message, a path, a field, a state). A
weak value is not a placeholder: `supersecret`, `admin123`, `mysecretkey`, `root` and `secret` are what the
program will really use, and whoever reads the code can use it too. One word alone is ambiguous: the value
that repeats its own name (`PASSWORD = "password"`) is taken for a field's name, `SECRET_KEY = "secret"` for a
key.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, Literal

from msgspec import Struct

from guardrails.patterns import pattern

SecretKind = Literal["password", "password_hash", "secret", "private_key", "api_key", "token", "credentials"]


class TokenFormat(Struct, frozen=True):
    """A token found in a text.

    `label` is for people ("GitHub token"), `source` the page that documents the format, `start` and `length`
    are in characters of the text. The token itself is left out, so that it cannot slip into a report.
    """

    label: str
    source: str
    start: int
    length: int


class SecretName(Struct, frozen=True):
    """What a name says: the kind of secret, and whether it names several of them (`API_KEYS`)."""

    kind: SecretKind
    plural: bool = False


class SecretArgument(Struct, frozen=True):
    """Where a call takes its secret: position from zero without `self` (none: by keyword only), keywords."""

    kind: SecretKind
    position: int | None
    keywords: tuple[str, ...]


def _vocabulary(words: str) -> frozenset[str]:
    return frozenset(words.split())


# ----------------------------------------------------------------------------------------------------------
# Token formats


class _Format(Struct, frozen=True):
    label: str
    hint: str  # a text without it is not searched: substring search is many times faster than a pattern
    pattern: re.Pattern[str]
    source: str
    valid: Callable[[str], bool] = lambda token: True


def _decoded(part: str) -> bytes:
    """The bytes of an unpadded base64url text; empty where it is none."""
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        return b""


def _claims(part: str) -> dict[str, object]:
    """The JSON object in one part of a JWT; empty where there is none."""
    try:
        loaded = json.loads(_decoded(part))
    except ValueError:
        return {}
    return loaded if isinstance(loaded, dict) else {}


# Subjects and names in the tokens of jwt.io and of FastAPI's tutorial, signed with published keys.
_DUMMY_SUBJECTS: Final = frozenset({"1234567890", "johndoe"})
_DUMMY_NAMES: Final = frozenset({"John Doe", "Jane Doe"})


def _is_signed_jwt(token: str) -> bool:
    """A JSON header with an algorithm, JSON claims, and claims of nobody's documentation.

    Supabase's `anon` role is published with every front end (https://supabase.com/docs/guides/api/api-keys).
    """
    header, payload, _ = token.split(".")
    algorithm, claims = _claims(header).get("alg"), _claims(payload)
    return (
        isinstance(algorithm, str)
        and algorithm.lower() != "none"
        and bool(claims)
        and claims.get("sub") not in _DUMMY_SUBJECTS
        and claims.get("name") not in _DUMMY_NAMES
        and claims.get("role") != "anon"
    )


def _is_whole_key(token: str) -> bool:
    """DER says at its start how long it is: documentation shows the first line of a key alone.

    Other contents (encrypted keys, OpenSSH's) do not begin with DER's sequence and are taken as they are.
    """
    content = re.sub(r"-----BEGIN.*?-----|[A-Z][\w-]+: .*|\\[nr]|\s", "", token)
    der = _decoded(content[: len(content) // 4 * 4])
    if der[:1] != b"\x30":
        return True
    if der[1] < 0x80:
        return len(der) >= 2 + der[1]
    size = der[1] & 0x7F
    return len(der) >= 2 + size + int.from_bytes(der[2 : 2 + size], "big")


def _is_discord(token: str) -> bool:
    """The first part is the bot's id, a decimal number in base64."""
    return _decoded(token.split(".")[0]).isdigit()


_B64 = "[A-Za-z0-9+/]"
_NOT_AFTER_WORD = r"(?<![A-Za-z0-9_])"
_NOT_BEFORE_WORD = r"(?![A-Za-z0-9_])"


def _row(label: str, hint: str, text: str, source: str, valid: Callable[[str], bool] = lambda token: True) -> _Format:
    return _Format(label, hint, pattern(text), source, valid)


def _word(body: str) -> str:
    return _NOT_AFTER_WORD + body + _NOT_BEFORE_WORD


# Formats with a fixed mark of their own. Left out on purpose: identifiers that give no access by themselves
# (Twilio account SIDs, AWS user ids, Stripe publishable keys), keys that reach test data alone (Stripe
# `sk_test_`: such keys are found by the name beside them), and bare hexadecimal or base64, which no pattern
# tells from hashes.
_FORMATS: Final[tuple[_Format, ...]] = (
    # cloud providers
    *(
        _row(
            "AWS access key id",
            prefix,
            _word(prefix + "[A-Z0-9]{16}"),
            "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html",
        )
        for prefix in ("AKIA", "ASIA", "ABIA", "ACCA")
    ),
    _row(
        "AWS secret access key",  # forty characters of base64 say nothing alone: the text must name them
        "ecret",
        rf"(?i:aws_?secret_?(?:access_?)?key(?:id)?[\"']?\s*[=:]+\s*[\"']?)(?P<token>{_B64}{{40}})(?!{_B64}|=)",
        "https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html",
    ),
    _row(
        "Google API key",
        "AIza",
        r"(?<![\w-])AIza[\w-]{35}(?![\w-])",
        "https://cloud.google.com/docs/authentication/api-keys",
    ),
    _row(
        "Google OAuth client secret",
        "GOCSPX-",
        r"(?<![\w-])GOCSPX-[\w-]{28}(?![\w-])",
        "https://support.google.com/cloud/answer/15549257",
    ),
    _row(
        "Azure storage account key",
        "AccountKey=",
        rf"AccountKey=(?P<token>{_B64}{{86}}==)",
        "https://learn.microsoft.com/en-us/azure/storage/common/storage-configure-connection-string",
    ),
    _row(
        "Azure shared access key",
        "SharedAccessKey=",
        rf"SharedAccessKey=(?P<token>{_B64}{{43}}=)",
        "https://learn.microsoft.com/en-us/azure/service-bus-messaging/service-bus-sas",
    ),
    _row(
        "DigitalOcean token",
        "_v1_",
        _word("do[opr]_v1_[0-9a-f]{64}"),
        "https://docs.digitalocean.com/reference/api/create-personal-access-token/",
    ),
    _row(
        "MongoDB Atlas service account secret",
        "mdb_sa_sk_",
        r"(?<![\w-])mdb_sa_sk_[\w-]{32,}",
        "https://www.mongodb.com/docs/atlas/api/service-accounts-overview/",
    ),
    # source code and packages
    *(
        _row(
            "GitHub token",
            f"gh{letter}_",
            _word(f"gh{letter}_[A-Za-z0-9]{{36,255}}"),
            "https://github.blog/changelog/2021-03-31-authentication-token-format-updates-are-generally-available/",
        )
        for letter in "pousr"
    ),
    _row(
        "GitHub token",
        "github_pat_",
        _word("github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
        "https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github",
    ),
    _row(
        "GitLab token",
        "gl",
        r"(?<![\w-])gl(?:pat|oas|soat|dt|rt|rtr|cbt|ptt|ft|imt|agent|ffct)-(?=[\w-]*\d)[\w-]{20,}(?:\.[\w-]+)*",
        "https://docs.gitlab.com/security/tokens/",
    ),
    _row(
        "GitLab runner registration token",
        "GR1348941",
        r"(?<![\w-])GR1348941[\w-]{20,}",
        "https://docs.gitlab.com/security/tokens/",
    ),
    _row(
        "npm token",
        "npm_",
        _word("npm_[A-Za-z0-9]{36}"),
        "https://github.blog/changelog/2021-09-23-npm-has-a-new-access-token-format/",
    ),
    _row(
        "PyPI token",
        "pypi-AgE",
        # a macaroon: its first bytes name pypi.org or test.pypi.org
        r"(?<![\w-])pypi-AgE(?:IcHlwaS5vcmc|NdGVzdC5weXBpLm9yZw)[\w-]{70,}",
        "https://pypi.org/help/#apitoken",
    ),
    # chat and mail
    _row(
        "Slack token",
        "xox",
        r"(?<![\w-])xox[abeoprs](?:\.xox[bp])?(?:-\d+){1,4}-[A-Za-z0-9]{16,}",
        "https://docs.slack.dev/authentication/tokens",
    ),
    _row(
        "Slack app token",
        "xapp-",
        r"(?<![\w-])xapp-\d-[A-Z0-9]{8,}-\d+-[0-9a-f]{64}",
        "https://docs.slack.dev/authentication/tokens",
    ),
    _row(
        "Slack webhook",
        "hooks.slack.com/",
        r"hooks\.slack\.com/services/(?P<token>T[A-Z0-9]{8,}/B[A-Z0-9]{8,}/[A-Za-z0-9]{20,})",
        "https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks",
    ),
    _row(
        "Discord webhook",
        "/api/webhooks/",
        r"discord(?:app)?\.com/api/webhooks/(?P<token>\d{17,20}/[\w-]{60,})",
        "https://discord.com/developers/docs/resources/webhook",
    ),
    _row(
        "Discord bot token",
        ".",
        r"(?<![\w.-])[MNO][\w-]{22,27}\.[\w-]{6}\.[\w-]{27,38}(?![\w.-])",
        "https://discord.com/developers/docs/reference#authentication",
        _is_discord,
    ),
    _row(
        "Telegram bot token",
        ":AA",
        r"(?<![\w:])(?:bot)?(?P<token>\d{8,10}:AA[\w-]{33})(?![\w-])",
        "https://core.telegram.org/bots/features#botfather",
    ),
    _row(
        "SendGrid API key",
        "SG.",
        r"(?<![\w.-])SG\.[\w-]{22}\.[\w-]{43}(?![\w-])",
        "https://www.twilio.com/docs/sendgrid/ui/account-and-settings/api-keys",
    ),
    _row("Twilio API key", "SK", _word("SK[0-9a-f]{32}"), "https://www.twilio.com/docs/iam/api-keys"),
    _row(
        "Mailgun API key",
        "key-",
        r"(?<![\w-])key-[0-9a-f]{32}(?![\w-])",
        "https://documentation.mailgun.com/docs/mailgun/api-reference/mg-auth",
    ),
    _row(
        "Mailchimp API key",
        "-us",
        r"(?<![\w-])[0-9a-f]{32}-us\d{1,2}(?![\w-])",
        "https://mailchimp.com/developer/marketing/docs/fundamentals/",
    ),
    # money
    *(
        _row(
            "Stripe live key",
            f"{letter}k_live_",
            _word(f"{letter}k_live_[A-Za-z0-9]{{20,250}}"),
            "https://docs.stripe.com/keys",
        )
        for letter in "sr"
    ),
    _row(
        "Square secret",
        "sq0",
        r"(?<![\w-])sq0(?:csp-[\w-]{43}|atp-[\w-]{22})(?![\w-])",
        "https://developer.squareup.com/docs/build-basics/access-tokens",
    ),
    _row(
        "Shopify token",
        "shp",
        _word("shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
        "https://shopify.dev/docs/apps/build/authentication-authorization",
    ),
    # language models
    _row(
        "OpenAI API key",
        "T3BlbkFJ",  # every key carries "OpenAI" in base64
        r"(?<![\w-])sk-[\w-]{10,}T3BlbkFJ[\w-]{20,}",
        "https://platform.openai.com/docs/api-reference/authentication",
    ),
    _row(
        "Anthropic API key",
        "sk-ant-",
        r"(?<![\w-])sk-ant-[a-z]{3,6}\d\d-[\w-]{80,}",
        "https://docs.anthropic.com/en/api/overview",
    ),
    _row(
        "Hugging Face token",
        "hf_",
        _word("hf_[A-Za-z0-9]{34}"),
        "https://huggingface.co/docs/hub/security-tokens",
    ),
    _row("Groq API key", "gsk_", _word("gsk_[A-Za-z0-9]{52}"), "https://console.groq.com/docs/quickstart"),
    _row(
        "OpenRouter API key",
        "sk-or-v1-",
        r"(?<![\w-])sk-or-v1-[0-9a-f]{64}(?![\w-])",
        "https://openrouter.ai/docs/api-reference/authentication",
    ),
    _row(
        "Replicate token",
        "r8_",
        _word("r8_[A-Za-z0-9]{37}"),
        "https://replicate.com/docs/topics/security/api-tokens",
    ),
    # keys and signed tokens
    _row(
        "private key",
        "PRIVATE KEY",
        # A header alone is documentation or a check of the format: at least forty characters of key must
        # follow. Line ends may be escaped, as in Google's service-account JSON. `Proc-Type` and `DEK-Info`
        # may come first.
        r"-----BEGIN (?:[A-Z0-9]+ ){0,2}PRIVATE KEY(?: BLOCK)?-----(?:\s|\\[nr])*"
        r"(?:[A-Z][\w-]+: [^\n\\]*(?:\s|\\[nr])+)*(?:[A-Za-z0-9+/=](?:\s|\\[nr])*){40,}",
        "https://www.rfc-editor.org/rfc/rfc7468",
        _is_whole_key,
    ),
    _row(
        "signed JWT",
        "eyJ",
        # The shortest signature of RFC 7518, HS256's thirty-two bytes, takes forty-three characters.
        r"(?<![\w.-])eyJ[\w-]{10,}\.eyJ[\w-]{4,}\.[\w-]{43,}(?![\w-])",
        "https://www.rfc-editor.org/rfc/rfc7519",
        _is_signed_jwt,
    ),
)

# Parts of tokens that vendors publish in their own documentation or emulators. A part is enough to know the
# token and too little to be one.
PUBLISHED_DUMMIES: Final[tuple[str, ...]] = (
    "4eC39HqLyjWDarj",  # Stripe's API reference, test key
    "26PHem9AhJZvU623",  # Stripe's API reference, newer test key
    "Eby8vdM02xNOcqFl",  # Azure's storage emulator and Azurite
    "C2y6yDjf5/R+ob0N",  # Azure's Cosmos DB emulator
    "AAHdqTcvCH1vGWJx",  # Telegram's Bot API manual
    "ABC-DEF1234ghIkl",  # Telegram's Bot API manual
    "MTk4NjIyNDgzNDcxOTI1",  # Discord's API reference
    "wJalrXUtnFEMI",  # AWS's documentation, secret access key
    "je7MtGbClwBF",  # AWS's documentation, second secret access key
)

# What people write into the body of a token to show its shape, and what generated dummies look like.
_DUMMY_BODY: Final = pattern(
    r"(?i)example|dummy|placeholder|redacted|changeme|your[-_]?|fake|sample|(.)\1{5}|1234567|abcdefg|deadbeef"
)


def _is_dummy(token: str) -> bool:
    body = token[4:]
    return (
        any(part in token for part in PUBLISHED_DUMMIES)
        or (_DUMMY_BODY.search(body) is not None and not token.startswith("-----"))
        or len(set(body)) < 7
    )


def token_format(text: str) -> TokenFormat | None:
    """The first token of a known format in a text, or none.

    Looks anywhere in the text, passes over published dummies and made-up ones (`AKIAIOSFODNN7EXAMPLE`,
    jwt.io's token, bodies of one repeated character), and over unsigned or undecodable JWTs and key headers
    without a key.
    """
    if len(text) < 20:
        return None
    found: list[TokenFormat] = []
    for row in _FORMATS:
        if row.hint not in text:
            continue
        group = "token" if "token" in row.pattern.groupindex else 0
        for match in row.pattern.finditer(text):
            token = match[group]
            if row.valid(token) and not _is_dummy(token):
                found.append(TokenFormat(row.label, row.source, match.start(group), len(token)))
                break
    return min(found, key=lambda token: (token.start, -token.length), default=None)


def masked(value: str) -> str:
    """A secret as findings may show it: its first characters, at most four and a quarter of it, and its
    length.
    """
    shown = value[: min(4, len(value) // 4)]
    start = "".join(character if character.isprintable() else "·" for character in shown)
    unit = "character" if len(value) == 1 else "characters"
    return f"{start}… ({len(value)} {unit})"


# ----------------------------------------------------------------------------------------------------------
# Names

# Words of a name, whatever its style: DB_PASSWORD, jwtSecretKey, X-API-Key, JWTSecret, ssl.key.password.
_WORD: Final = pattern(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

# The last words of a name, joined: what the thing is.
_HEADS: Final[dict[str, SecretKind]] = {
    **dict.fromkeys(("password", "passwd", "pwd", "pswd", "passphrase", "passcode"), "password"),
    **dict.fromkeys(("passwordhash", "passwordhashed", "passworddigest", "pwdhash", "passwdhash"), "password_hash"),
    **dict.fromkeys(("secret", "secretkey", "secretaccesskey"), "secret"),
    # keys that sign or encrypt; `key` alone, `public_key`, `access_key` (a user name at AWS) say nothing
    **dict.fromkeys(("signingkey", "encryptionkey", "fernetkey", "hmackey", "jwtkey", "masterkey", "aeskey"), "secret"),
    **dict.fromkeys(("privatekey", "rsaprivatekey", "privatepem"), "private_key"),
    **dict.fromkeys(
        ("apikey", "apitoken", "accountkey", "authkey", "subscriptionkey", "servicerolekey"),
        "api_key",
    ),
    "token": "token",
    **dict.fromkeys(("credential", "credentials"), "credentials"),
}
# Heads that people glue to the word before: dbpassword, jwtsecret, openaiapikey, accesstoken.
_GLUED: Final = ("password", "passwd", "passphrase", "apikey", "secretkey", "privatekey", "secret", "token")
# What a password opens. `pass` is one only after these or an account (elsewhere it is a test's result).
SYSTEMS: Final = _vocabulary(
    """
    admin amqp celery database db elastic es ftp imap influx jwt kafka kc keycloak ldap mail maria
    mariadb mongo mongodb mq mssql mysql neo pg pop postgres postgresql proxy rabbit rabbitmq
    redis root service smtp sql ssh su sudo superuser superadmin
    """
)
_OPENED: Final = SYSTEMS | {"account", "auth", "basic", "email", "login", "user"}
# A name that begins so is a question, an action or a switch, and not the secret itself.
_NOT_FIRST: Final = _vocabulary(
    """
    allow allows ask can change check compare create decode delete disable display do does enable
    enforce ensure fetch find forget forgot forgotten generate get grant has hash hide include input is
    load lost make mask match must need needs no not parse read recover refreshing remove request
    require required requires reset retrieve revoke rotate save send set should show store strip support
    supports update use uses using validate verify want with without
    """
)
# A name with one of these speaks of a state, a message or a model's vocabulary.
_NOT_ANYWHERE: Final = _vocabulary(
    """
    bad blank correct empty exists expired failed fail failure forbidden incorrect insecure invalid
    malformed mismatch missing revoked same short unauthorized unknown unsupported used weak wrong
    """
)
# Tokens that open nothing: language models' and parsers' tokens, and cursors.
_NOT_BEFORE_TOKEN: Final = _vocabulary(
    """
    begin bos cancel cancellation change class cls completion concurrency continuation cursor current
    delimiter end eos eot fencing fill first idempotency image input last lexer lock mask max min next
    output pad padding page paging pagination placeholder prev previous prompt reasoning resume sep
    separator size special start stop sync syntax text total trigger unk word
    """
)
# Plural tokens are mostly a language model's; these are not.
_BEFORE_TOKENS: Final = _vocabulary("access api auth bearer bot jwt refresh service session user valid")
# Names of Kubernetes objects; Google's application credentials are a path, CORS's a flag.
_NOT_BEFORE_SECRET: Final = frozenset({"pull", "tls", "kube", "kubernetes"})
_NOT_BEFORE_CREDENTIALS: Final = frozenset({"application", "allow", "cors"})
# Words after the secret that leave it one: DB_PASSWORD_PROD, secret_key_value, password_default.
_TAILS: Final = _vocabulary(
    """
    base bytes clear confirm confirmation current default dev development encoded hex literal live
    local main new old plain plaintext prod production raw repeat staging str string test testing text
    value
    """
)
_PREPOSITIONS: Final = _vocabulary("for from in of to via")
_HASHING: Final = _vocabulary("bcrypt crypted digest encrypted hash hashed salted")


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]


def _core(name: str) -> list[str]:
    """The words of a name up to its head: no phrase after it, no numbers, no words that change nothing."""
    words = _words(name)
    for index, word in enumerate(words):
        # `log_in_password` and `sign_in_token` go on after the preposition
        if word in _PREPOSITIONS and index and not (word == "in" and words[index - 1] in {"log", "logged", "sign"}):
            words = words[:index]
            break
    while words and (words[-1].isdigit() or (words[-1] in _TAILS and len(words) > 1)):
        words.pop()
    return words


@lru_cache(maxsize=16_384)
def secret_name(name: str) -> SecretName | None:
    """What a name says of its value, or none where it does not say that the value is a secret.

    `name` is a variable, attribute, parameter, keyword, dictionary key, header or environment variable, in
    any style. Its last words decide, so `password_field`, `token_url`, `secret_name` and `api_key_header` are
    none; neither are questions and actions (`is_password`, `reset_password`), states (`invalid_token`), and
    tokens that open nothing (`pad_token`, `next_page_token`, `max_tokens`).
    """
    if len(name) > 80 or any(character.isspace() for character in name):
        return None
    if name.lower() in {"authorization", "proxy-authorization", "proxy_authorization"}:
        return SecretName("token")
    if name != name.strip("_") and name.strip("_").lower() == "pass":  # `pass` is a keyword of the language
        return SecretName("password")
    words = _core(name)
    if not words or words[0] in _NOT_FIRST or not _NOT_ANYWHERE.isdisjoint(words):
        return None
    plural = words[-1].endswith("s") and words[-1] not in {"pass", "credentials"}
    if plural:
        words[-1] = words[-1][:-1]
    kind, before = _head(words)
    last = before[-1] if before else ""
    if kind is None:
        return None
    if kind == "token" and (last in _NOT_BEFORE_TOKEN or (plural and last not in _BEFORE_TOKENS)):
        return None
    if kind == "secret" and last in _NOT_BEFORE_SECRET:
        return None
    if kind == "credentials" and last in _NOT_BEFORE_CREDENTIALS:
        return None
    if kind == "password" and not _HASHING.isdisjoint(before):
        kind = "password_hash"
    return SecretName(kind, plural)


def _head(words: list[str]) -> tuple[SecretKind | None, list[str]]:
    """The kind that the last words name, and the words before them."""
    for count in range(min(3, len(words)), 0, -1):
        kind = _HEADS.get("".join(words[-count:]))
        if kind is not None:
            return kind, words[:-count]
    last = words[-1]
    if len(words) > 1 and (last in {"pw", "psw"} or (last == "pass" and not _OPENED.isdisjoint(words[-3:-1]))):
        return "password", words[:-1]
    for head in _GLUED:
        if last.endswith(head):
            return _HEADS[head], [*words[:-1], last[: -len(head)]]
    return None, words


# ----------------------------------------------------------------------------------------------------------
# Values

# Words by which a value says that it is not the value, as whole words of it (`test-key`, `Fake_Token`).
PLACEHOLDER_WORDS: Final = _vocabulary(
    """
    change changed changeit changeme changethis dummy example fake fixme here insert mock mocked
    placeholder redacted removed replace replaced replaceme sample stub test testing todo your yours
    """
)
# The same glued to others. Long enough not to turn up in a random value.
_PLACEHOLDER_PARTS: Final = pattern(
    r"(?i)(?:change|replace)[-_ ]?(?:me|this|it)|placeholder|example|dummy|redacted|insert[-_]?your"
    r"|^not[-_]?an?[-_]?(?:real|pass|secret|token|key)|not[-_]real"
    r"|^(?:your|test|fake|mock|sample)[-_]?(?:pass|secret|token|key|api|user|jwt|access)"
    r"|(?:fake|mock)[-_]?(?:pass|secret|token|key|api)|(?:set|fill)[-_](?:me|this|in)(?![a-z])"
)
# Whole values that are no secret beside any name: types, inputs of forms, states, carriers of tokens,
# the label "password" in other languages.
_NOT_VALUES: Final = _vocabulary(
    """
    apikey basic bearer body boolean bytes cookie credentials disabled empty enabled expired false foobar
    form header hidden integer invalid kennwort masked missing none null number oauth oauth2 object optional
    parola passwort path query required secretstr senha string text true undefined unknown unset varchar
    wachtwoord
    """
)
_ALGORITHM: Final = pattern(
    r"(?i)(?:hs|rs|es|ps)(?:256|384|512)|eddsa|ed25519|md5|sha-?\d+\w*|bcrypt\w*|argon2\w*|scrypt\w*"
    r"|pbkdf2\w*|(?:aes|rsa|ecdsa|dsa)(?:[-_]?\w+)*|django_\w+"
)
# A hole to be filled: {}, {name}, {{ name }}, ${NAME}, $(cmd), %s, %(name)s, <name>.
_HOLE: Final = pattern(
    r"\{\{[^{}]*\}\}|\$\{[\w.:?-]*\}|\$\([^)]*\)|\{[\w.\[\]()'\"!:,\- ]*\}|%\(\w+\)[sdr]|%[sdr](?![A-Za-z])"
    r"|<[^<>]+>"
)
# Text that stands for the value elsewhere: a shell or Mongo variable, an SQL parameter, a secret store's
# address.
_REFERENCE: Final = pattern(
    r"\$[A-Z_][A-Z0-9_]*|\$[a-z_.]+|:[a-z_]+|%[A-Z_]+%|\[[A-Za-z _-]+\]|arn:aws[\w:/.-]+|vault:.+|ENC\[.*\]"
    r"|@Microsoft\.KeyVault\(.*\)|projects/[\w-]+/secrets/.*|env[:.]\w+"
)
_URL: Final = pattern(r"[A-Za-z][\w+.-]*://")
_FILE: Final = pattern(
    r"[\w./~@+\\:-]+\.(?:json|pem|key|crt|cer|p12|pfx|txt|ya?ml|toml|ini|cfg|conf|env|html?|py|js|css|csv|db)"
)
# Parts in lower case or of joined words: a random base64 text may well begin with a slash.
_PATH: Final = pattern(
    r"(?:\.{0,2}|~)(?:/(?:[a-z0-9_.:@%+~?=&-]*|[A-Z]?[a-z]+(?:[A-Z][a-z]+)*))+|[a-z_.+-]+(?:/[a-z0-9_.+-]+)+"
)
_HEADER: Final = pattern(r"(?i)x(?:-[a-z]+)+")
_SELECTOR: Final = pattern(r"[#.][a-z][a-z_-]*|[\w#. ]*\[[\w-]+[*^$~|]?=.*\].*|//\w.*")
_MASK: Final = pattern(r"(?i)(?<![a-z0-9])x{3,}(?![a-z0-9])|x{5,}|\*{3,}|\.{3,}|…|•{2,}|_{5,}|-{5,}(?!BEGIN)")
_PUBLIC: Final = pattern(r"-----BEGIN (?:[A-Z]+ )*(?:PUBLIC KEY|CERTIFICATE)|(?:ssh|ecdsa)-[\w-]+ AAAA")
# Google's app passwords are shown, and pasted, as four groups of four letters
# (https://support.google.com/accounts/answer/185833).
_APP_PASSWORD: Final = pattern(r"[a-z]{4}(?: [a-z]{4}){3}")
_SCHEME: Final = pattern(r"(?i)(?:bearer|basic|token|apikey|api-key|key|jwt) +(?=\S+$)")
# A value that boasts of being secret is one: my-secret-key, supersecret, TopSecretToken.
_BOAST: Final = pattern(
    r"(?i)(?<![a-z])(?:my|our|super|top|very|ultra|mega|strong|secure)[-_ ]?(?:super|very|own|strong)?[-_]?"
    r"(?:secret|secure|strong|pass|pwd|token|jwt|api|key|private|signing|encryption)"
)
# A regular expression, as parsers call their tokens.
_PATTERN: Final = pattern(r"\[[^\]]+\][+*{]|\\[wdsb]|\(\?[:=!P<]|\.\*")
# Names that vendors give their own fields.
_FIELD_NAMES: Final = frozenset(
    {"awssecretaccesskey", "awssecretkey", "clientsecret", "consumersecret", "secretaccesskey", "apisecret"}
)
# A mark for accounts that have no password here: LDAP, OIDC, NONE.
_ACRONYM: Final = pattern(r"[A-Z]{4,5}")
# Words joined as identifiers, keys of configuration and events are: user_password, x-api-key, auth.token,
# authToken.
_IDENTIFIER: Final = pattern(
    r"[A-Z]?[a-z]+\d?(?:[_.:-][A-Z]?[a-z]+\d?)+|[A-Z]+\d?(?:[_.-][A-Z]+\d?)+"
    r"|[a-z]+(?:[A-Z][a-z]+)+|(?:[A-Z][a-z]+){2,}"
)
_CREDENTIAL_WORDS: Final = _vocabulary(
    """
    api apikey auth authorization credential credentials key keys passphrase passwd password passwords
    pwd secret secrets token tokens
    """
)
# Last words of the names of things: Kubernetes objects, settings, fields, places.
_THING_WORDS: Final = _vocabulary(
    """
    config configuration cookie endpoint field file header id name path settings tls type url
    """
)
_STATE_WORDS: Final = _NOT_ANYWHERE | _vocabulary(
    """
    change changed confirm error forgot not recovery refresh request required reset set success update
    updated verification verify
    """
)


def is_placeholder(value: str, name: str = "") -> bool:
    """Whether a value beside a name that says secret is none: a hole, a dummy, a message, a thing's name.

    `name` sharpens the judgement where there is one: a value that repeats its name is a field's name, and a
    token or API key of letters alone is one too, while a password or signing key may well be a word. Leave it
    out where the secret's place is certain, as in the key of `jwt.encode`. The module's text says what the
    rule is.
    """
    text = value.strip()
    found = secret_name(name) if name else None
    kind = found.kind if found else "secret"
    if "PRIVATE KEY-----" in text:
        return token_format(text) is None
    scheme = _SCHEME.match(text) if kind in {"token", "api_key"} else None
    if scheme:
        text = text[scheme.end() :]
    elif "authorization" in name.lower():
        return True  # the header's value is a scheme and a secret: anything else describes it
    if len(text) < (6 if kind in {"token", "api_key"} else 4) or not any(map(str.isalnum, text)):
        return True
    if len(text) > 4096:
        return True  # a document: the longest keys that people paste are private ones, judged above
    if any(character.isspace() for character in text) and not (kind == "password" and _APP_PASSWORD.fullmatch(text)):
        return True  # prose
    if any(character.isalpha() and not character.isascii() for character in text):
        return True  # prose in a language of the world
    return _announces(text) or _refers(text) or _names(text, kind, name)


def _announces(text: str) -> bool:
    """It says itself that it is not the value."""
    holes = _HOLE.sub("", text)
    return (
        len(set(text)) == 1
        or _MASK.search(text) is not None
        or (holes != text and not set("{}<>") & set(holes))
        or any(part in text for part in PUBLISHED_DUMMIES)
        or (text.startswith("eyJ") and text.count(".") == 2 and token_format(text) is None)
        or not PLACEHOLDER_WORDS.isdisjoint(_words(text))
        or _PLACEHOLDER_PARTS.search(text) is not None
        or text.lower() in _NOT_VALUES
    )


def _refers(text: str) -> bool:
    """It stands for something else: an address, a path, a file, an algorithm, a header, a public key."""
    return any(
        match is not None
        for match in (
            _URL.match(text),
            _PUBLIC.match(text),
            _REFERENCE.fullmatch(text),
            _PATH.fullmatch(text),
            _FILE.fullmatch(text),
            _HEADER.fullmatch(text),
            _ALGORITHM.fullmatch(text),
            _SELECTOR.fullmatch(text),
            _PATTERN.search(text),
        )
    )


def _names(text: str, kind: SecretKind, name: str) -> bool:
    """It names a thing: the field that the name stands for, another field, an event, a state."""
    words = _words(text)
    if "".join(words) in _FIELD_NAMES or _ACRONYM.fullmatch(text) or _repeats(words, kind, name):
        return True
    if _BOAST.search(text):
        return False
    if kind in {"token", "api_key", "credentials"}:
        # real ones are long and random: one short word is a name, unless they say secret
        word = text.isalpha() and len(text) < 20 and (text[1:].islower() or text.isupper())
        return (word or _IDENTIFIER.fullmatch(text) is not None) and "secret" not in text.lower()
    if not _IDENTIFIER.fullmatch(text):
        return False
    if not _STATE_WORDS.isdisjoint(words) or words[-1] in _THING_WORDS:
        return True
    if kind in {"password", "password_hash"}:
        return not _CREDENTIAL_WORDS.isdisjoint(words)
    # signing keys are often words, so only the names of settings and of environment variables are left
    return not _CREDENTIAL_WORDS.isdisjoint(words) and ("." in text or text.isupper())


def _repeats(words: list[str], kind: SecretKind, name: str) -> bool:
    """The value repeats its name or the name's end: `PASSWORD = "password"`, `CONF_TOKEN = "token"`.

    Not where a system's name comes first (`DB_PASSWORD = "password"` is a password), nor for one word beside
    a longer secret's name (`JWT_SECRET = "secret"` is a key).
    """
    value = "".join(words)
    for own in (_words(name), _core(name)):
        for start in range(len(own)):
            if "".join(own[start:]) != value:
                continue
            if start == 0:
                return True
            if kind == "password":
                return SYSTEMS.isdisjoint(own[:start])
            return kind not in {"secret", "private_key"} or len(own) - start > 1
    return False


# ----------------------------------------------------------------------------------------------------------
# Where a literal is an example or a name by its place

# Keywords, and keys of dictionaries, whose values document a model or a route for the API's users.
EXAMPLE_KEYWORDS: Final = frozenset(
    {
        "example",
        "examples",
        "json_schema_extra",
        "openapi_examples",
        "openapi_extra",
        "responses",
        "schema_extra",
    }
)
# Keywords whose values name or describe a thing: no literal in them is a secret.
NAMING_KEYWORDS: Final = _vocabulary(
    """
    alias description detail env env_prefix help key_builder label media_type message msg name
    operation_id pattern placeholder prefix reason regex scheme_name serialization_alias summary tags
    title tokenUrl token_type token_url validation_alias verbose_name
    """
)
# Functions that read the setting that their first argument names: the position of the fallback.
ENVIRONMENT_READS: Final[dict[str, int]] = {
    "os.getenv": 1,
    "os.environ.get": 1,
    "os.environ.setdefault": 1,
    "os.environ.pop": 1,
    "decouple.config": 1,
    "environs.Env.str": 1,
}


def _at(kind: SecretKind, position: int | None, *keywords: str) -> SecretArgument:
    return SecretArgument(kind, position, keywords)


# Calls that take a secret where no name beside it need say so. Methods by the class that defines them.
SIGNING_CALLS: Final[dict[str, SecretArgument]] = {
    # PyJWT: https://pyjwt.readthedocs.io/en/stable/api.html
    "jwt.encode": _at("secret", 1, "key"),
    "jwt.decode": _at("secret", 1, "key"),
    "jwt.decode_complete": _at("secret", 1, "key"),
    "jwt.PyJWT.encode": _at("secret", 1, "key"),
    "jwt.PyJWT.decode": _at("secret", 1, "key"),
    # python-jose: https://python-jose.readthedocs.io/en/latest/
    "jose.jwt.encode": _at("secret", 1, "key"),
    "jose.jwt.decode": _at("secret", 1, "key"),
    "jose.jws.sign": _at("secret", 1, "key"),
    "jose.jws.verify": _at("secret", 1, "key"),
    "jose.jwe.encrypt": _at("secret", 1, "key"),
    "jose.jwe.decrypt": _at("secret", 1, "key"),
    # Authlib: https://docs.authlib.org/en/latest/jose/jwt.html
    "authlib.jose.jwt.encode": _at("secret", 2, "key"),
    "authlib.jose.jwt.decode": _at("secret", 1, "key"),
    "authlib.jose.JsonWebToken.encode": _at("secret", 2, "key"),
    "authlib.jose.JsonWebToken.decode": _at("secret", 1, "key"),
    # cryptography: https://cryptography.io/en/latest/fernet/
    "cryptography.fernet.Fernet": _at("secret", 0, "key"),
    "cryptography.hazmat.primitives.ciphers.aead.AESGCM": _at("secret", 0, "key"),
    "cryptography.hazmat.primitives.ciphers.aead.ChaCha20Poly1305": _at("secret", 0, "key"),
    "cryptography.hazmat.primitives.ciphers.algorithms.AES": _at("secret", 0, "key"),
    "Crypto.Cipher.AES.new": _at("secret", 0, "key"),
    # the standard library: https://docs.python.org/3/library/hmac.html
    "hmac.new": _at("secret", 0, "key"),
    "hmac.digest": _at("secret", 0, "key"),
    "hmac.HMAC": _at("secret", 0, "key"),
    "smtplib.SMTP.login": _at("password", 1, "password"),
    "smtplib.SMTP_SSL.login": _at("password", 1, "password"),
    "imaplib.IMAP4.login": _at("password", 1, "password"),
    "imaplib.IMAP4_SSL.login": _at("password", 1, "password"),
    "ftplib.FTP": _at("password", 2, "passwd"),
    # itsdangerous: https://itsdangerous.palletsprojects.com/
    "itsdangerous.Signer": _at("secret", 0, "secret_key"),
    "itsdangerous.TimestampSigner": _at("secret", 0, "secret_key"),
    "itsdangerous.Serializer": _at("secret", 0, "secret_key"),
    "itsdangerous.TimedSerializer": _at("secret", 0, "secret_key"),
    "itsdangerous.URLSafeSerializer": _at("secret", 0, "secret_key"),
    "itsdangerous.URLSafeTimedSerializer": _at("secret", 0, "secret_key"),
    # web frameworks: https://www.starlette.io/middleware/, https://fastapi-users.github.io/fastapi-users/
    "starlette.middleware.sessions.SessionMiddleware": _at("secret", 1, "secret_key"),
    "fastapi_users.authentication.JWTStrategy": _at("secret", 0, "secret"),
    "fastapi_users.jwt.generate_jwt": _at("secret", 1, "secret"),
    "fastapi_users.jwt.decode_jwt": _at("secret", 1, "secret"),
    "fastapi_login.LoginManager": _at("secret", 0, "secret"),
    # database, cache and broker clients
    "pymongo.MongoClient": _at("password", None, "password"),
    "pymongo.AsyncMongoClient": _at("password", None, "password"),
    "motor.motor_asyncio.AsyncIOMotorClient": _at("password", None, "password"),
    "mongoengine.connect": _at("password", None, "password"),
    "redis.Redis": _at("password", 3, "password"),
    "redis.StrictRedis": _at("password", 3, "password"),
    "redis.asyncio.Redis": _at("password", None, "password"),
    "redis.from_url": _at("password", None, "password"),
    "redis.asyncio.from_url": _at("password", None, "password"),
    "asyncpg.connect": _at("password", None, "password"),
    "asyncpg.create_pool": _at("password", None, "password"),
    "psycopg.connect": _at("password", None, "password"),
    "psycopg2.connect": _at("password", None, "password"),
    "pymysql.connect": _at("password", None, "password", "passwd"),
    "mysql.connector.connect": _at("password", None, "password", "passwd"),
    "aiomysql.connect": _at("password", 2, "password"),
    "aiomysql.create_pool": _at("password", None, "password"),
    "pika.PlainCredentials": _at("password", 1, "password"),
    "aio_pika.connect": _at("password", None, "password"),
    "aio_pika.connect_robust": _at("password", None, "password"),
    "neo4j.basic_auth": _at("password", 1, "password"),
    # HTTP and vendors
    "requests.auth.HTTPBasicAuth": _at("password", 1, "password"),
    "httpx.BasicAuth": _at("password", 1, "password"),
    "aiohttp.BasicAuth": _at("password", 1, "password"),
    "boto3.client": _at("secret", None, "aws_secret_access_key"),
    "boto3.resource": _at("secret", None, "aws_secret_access_key"),
    "boto3.Session": _at("secret", 1, "aws_secret_access_key"),
    "openai.OpenAI": _at("api_key", None, "api_key"),
    "openai.AsyncOpenAI": _at("api_key", None, "api_key"),
    "anthropic.Anthropic": _at("api_key", None, "api_key"),
    "anthropic.AsyncAnthropic": _at("api_key", None, "api_key"),
    "sendgrid.SendGridAPIClient": _at("api_key", 0, "api_key"),
    "slack_sdk.WebClient": _at("token", 0, "token"),
    "twilio.rest.Client": _at("token", 1, "password"),
}
