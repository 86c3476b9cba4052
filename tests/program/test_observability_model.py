"""What the program model says of logging and of running the application, apart from any check."""

from __future__ import annotations

import pytest

from tests.program.build import build


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("logger.info(password)", "password"),
        ("logger.info('login %s', user.api_key)", "api_key"),
        ("logger.info(f'{token!r}')", "token"),
        ("logger.info('token ' + str(token))", "token"),
        ("logger.info('x', extra={'token': token})", "token"),
        ("logger.info(settings['jwt_secret'])", "jwt_secret"),
        ("logger.info(settings.get('jwt_secret'))", "jwt_secret"),
        ("logger.info(body)", "the request's body"),
        ("logger.info(request.headers)", "the request's headers"),
        ("logger.info(dict(request.headers))", "the request's headers"),
        ("print(await request.body())", "the request's body"),
        ("logger.info('password changed')", None),
        ("logger.info(len(password))", None),
        ("logger.info(token[:4])", None),
        ("logger.info(mask(token))", None),
        ("logger.info(password is None)", None),
        ("logger.info(is_token)", None),
        ("logger.info(secret)", None),
        ("logger.info(request.headers.get('user-agent'))", None),
        ("logger.info('x', extra={'token': '***'})", None),
        ("send(password)", None),
    ],
)
def test_secrets_in_log_calls(call: str, expected: str | None) -> None:
    source = f"""
        import logging
        from fastapi import Request
        from pydantic import SecretStr

        logger = logging.getLogger(__name__)

        async def log(request: Request, user, settings, password: str, token: str, is_token: bool, secret: SecretStr):
            body = await request.json()
            {call}
        """
    program = build({"app/core/things.py": source})
    found = [exposure.what for exposure in program.logs.exposures]
    assert found == ([expected] if expected else [])


def test_paths_are_whole() -> None:
    program = build(
        {
            "app/main.py": """
                from fastapi import APIRouter, FastAPI
                from prometheus_client import make_asgi_app

                router = APIRouter(prefix="/health")

                @router.get("/live")
                async def live(): ...

                app = FastAPI(root_path="/shop")
                app.include_router(router, prefix="/api/v2")
                app.mount("/metrics", make_asgi_app())
                """
        },
    )
    operations = program.operations
    assert operations.paths == ("/shop/api/v2/health/live", "/metrics")
    assert (operations.has_health, operations.has_readiness, operations.has_metrics) == (True, False, True)
    assert [f.name for f in operations.operational] == ["live"]


def test_a_path_that_cannot_be_read_may_be_any() -> None:
    program = build(
        {
            "app/main.py": """
                import os
                from fastapi import FastAPI

                app = FastAPI()

                @app.get(os.environ["HEALTH"])
                async def health(): ...
                """
        },
    )
    assert program.operations.paths == (None,)
    assert program.operations.has_health
    assert program.operations.has_version


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import company\ncompany.telemetry.setup()\n", True),
        ("import company\nt = company.telemetry\nt.setup()\n", True),
        ("import opentelemetry as o\nmetrics = o.metrics\nmetrics.get_meter('x')\n", True),
        ("import opentelemetry as o\no.trace.get_tracer('x')\n", True),
        ("import logfire as fire\ninstrument = fire.instrument_fastapi\ninstrument(app)\n", True),
        ("import logfire as fire\nfire.instrument_pymongo()\n", False),
    ],
)
def test_metrics_are_found_under_other_names(code: str, found: bool) -> None:
    source = f"from fastapi import FastAPI\n\napp = FastAPI()\n{code}"
    assert build({"main.py": source}).operations.has_metrics is found
