"""Which names say that their value is a secret."""

from __future__ import annotations

import pytest

from guardrails.knowledge.secrets import SecretName, secret_name

NAMES = {
    "password": """
        password PASSWORD Password PassWord db_password DB_PASSWORD dbPassword dbpassword userPassword passwd
        MYSQL_PWD pwd POSTGRES_PASSWORD PGPASSWORD MONGO_INITDB_ROOT_PASSWORD RABBITMQ_DEFAULT_PASS smtp_pass
        db_pass _pass pass_ passphrase sasl.password spring.datasource.password new_password old_password
        confirm_password password_confirm password1 password_2 DB_PASSWORD_PROD default_password
        secret_password_for_email cloudant_pw password_value log_in_password password_in_config
    """,
    "password_hash": "password_hash hashed_password passwordHash encrypted_password pwd_hash password_digest",
    "secret": """
        secret SECRET SECRET_KEY secretKey secretkey jwtSecretKey JWTSecret JWT_SECRET jwtsecret client_secret
        app_secret webhook_secret SESSION_SECRET AWS_SECRET_ACCESS_KEY S3_SECRET_KEY ENCRYPTION_KEY
        signing_key FERNET_KEY SECRET_KEY_BASE secret_for_jwt
    """,
    "private_key": "private_key PRIVATE_KEY privateKey jwt_private_key FIREBASE_PRIVATE_KEY",
    "api_key": """
        api_key API_KEY apiKey apikey X-API-Key x_api_key OPENAI_API_KEY openaiapikey api_token AccountKey
        subscription_key
    """,
    "token": """
        token TOKEN access_token ACCESS_TOKEN accessToken accesstoken refresh_token auth_token bot_token
        GITHUB_TOKEN sign_in_token X-Token csrf_token id_token Authorization authorization bearer_token
    """,
    "credentials": "credentials credential db_credentials awsCredentials",
}
PLURALS = [
    "API_KEYS",
    "passwords",
    "secrets",
    "access_tokens",
    "valid_api_keys",
    "VALID_TOKENS",
    "authTokens",
]
NO_SECRETS = """
    user username name key id value public_key primary_key cache_key sort_key partition_key idempotency_key
    access_key AWS_ACCESS_KEY_ID access_key_id key_id private_key_id secret_id
    password_field PASSWORD_FIELD password_min_length MIN_PASSWORD_LENGTH password_hash_rounds password_regex
    password_policy password_context pwd_context password_changed_at password_url password_reset password_form
    password_protected passwordless password_validator password_strength
    forgot_password reset_password forgot_password_template reset_password_url change_password verify_password
    hash_password get_password set_password check_password is_password has_password require_password
    use_token show_password no_password without_password
    token_url tokenUrl TOKEN_URL token_type token_expire_minutes ACCESS_TOKEN_EXPIRE_MINUTES
    access_token_expire
    token_lifetime token_prefix token_header token_name token_data token_payload token_id token_count
    token_algorithm
    verify_token decode_token create_access_token invalid_token INVALID_TOKEN token_expired expired_token
    wrong_password INCORRECT_PASSWORD weak_password missing_api_key
    max_tokens tokens MAX_TOKENS input_tokens total_tokens prompt_tokens completion_tokens tokenizer tokenize
    pad_token eos_token bos_token unk_token sep_token cls_token mask_token special_tokens stop_token
    next_token next_page_token page_token continuation_token resume_token cancellation_token
    secret_name SECRET_NAME secret_arn secret_path secretary image_pull_secret tls_secret
    api_key_header API_KEY_NAME api_key_cookie api_key_query X_API_KEY_HEADER apikey_id
    credentials_exception S3_CREDENTIALS_PROVIDER allow_credentials GOOGLE_APPLICATION_CREDENTIALS
    algorithm JWT_ALGORITHM jwt_expire_minutes salt author authority authorization_url authenticate
    bypass tests_pass passed pass passenger compass keyboard monkey secretly
"""


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in NAMES.items() for name in names.split()])
def test_names_that_say_secret(kind: str, name: str) -> None:
    found = secret_name(name)
    assert found is not None
    assert found.kind == kind


@pytest.mark.parametrize("name", PLURALS)
def test_names_of_several_secrets(name: str) -> None:
    found = secret_name(name)
    assert found is not None
    assert found.plural


def test_one_secret_is_not_plural() -> None:
    assert secret_name("db_pass") == SecretName("password", plural=False)
    assert secret_name("credentials") == SecretName("credentials", plural=False)


@pytest.mark.parametrize("name", NO_SECRETS.split())
def test_names_that_say_something_else(name: str) -> None:
    assert secret_name(name) is None


@pytest.mark.parametrize("name", ["", "_", "1", "Forgot your password", "the user's token", "x" * 80 + "_password"])
def test_texts_that_are_no_names(name: str) -> None:
    assert secret_name(name) is None
