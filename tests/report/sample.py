"""One outcome with everything that a report can meet, and the code that it is about."""

from __future__ import annotations

from pathlib import Path

from guardrails.analysis import Outcome, SkippedPath
from guardrails.baseline import Entry
from guardrails.finding import Diagnostic, DiagnosticRelated, Result, RuleScore, Severity, Summary
from tests.engine.fakes import write

FILES = {
    "app/routes/users.py": """
        import requests

        router = APIRouter()


        @router.post("/users")
        async def create(user: UserIn, db: Database = Depends(get_database)):
            if await db.users.find_one({"email": user.email}):  # a long comment that no eighty columns hold
                raise Conflict()
            notify_everyone(
                user,
            )
        """,
    "app/services/größe.py": """
        def grüße(名前):
        \tprint("äöü€𝄞", 名前)
        """,
}


def diagnostic(
    code: str, name: str, severity: Severity, path: str, span: tuple[int, int, int, int], **more: object
) -> Diagnostic:
    values: dict[str, object] = {
        "code": code,
        "name": name,
        "rule": int(code[2:-2]),
        "severity": severity,
        "path": path,
        "line": span[0],
        "column": span[1],
        "end_line": span[2],
        "end_column": span[3],
        "symbol": "app.routes.users.create",
        "message": "",
        "help": "",
        "related": (),
        "fingerprint": f"{abs(hash((code, span))) % 10**8:032d}",
    }
    return Diagnostic(**{**values, **more})  # type: ignore[arg-type]


USERS = "app/routes/users.py"

FINDINGS = (
    diagnostic(
        "GR402",
        "missing-response-model",
        Severity.WARNING,
        USERS,
        (7, 1, 7, 17),
        message="`create` (POST /users) names no response model",
        help="Declare `response_model=` or a return annotation.",
        fingerprint="0" * 31 + "1",
    ),
    diagnostic(
        "GR301",
        "mongo-outside-repository",
        Severity.ERROR,
        USERS,
        (8, 14, 8, 54),
        message="app.routes.users.create reads the collection `users` itself",
        help="Move the query into a repository, and take the repository through a service, so that the "
        "handler knows neither the collection nor the driver.",
        fingerprint="0" * 31 + "2",
    ),
    diagnostic(
        "GR704",
        "blocking-call-reached-from-async",
        Severity.ERROR,
        USERS,
        (10, 5, 12, 6),
        message="app.routes.users.create blocks the event loop: notify_everyone ends in requests.post",
        help="Call it with `await asyncio.to_thread(…)`, or use httpx.AsyncClient.",
        related=(
            DiagnosticRelated("app/services/notify.py", 12, 5, "app.services.notify.notify_everyone calls send_mail"),
            DiagnosticRelated("app/utils/mail.py", 30, 9, "app.utils.mail.send_mail calls requests.post, which blocks"),
        ),
        fingerprint="0" * 31 + "3",
    ),
    diagnostic(
        "GR1001",
        "print-call",
        Severity.ERROR,
        "app/services/größe.py",
        (2, 2, 2, 20),
        message="app.services.größe.grüße prints \x1b[31m100%, with <tags> & |pipes|",
        symbol="app.services.größe.grüße",
        fingerprint="0" * 31 + "4",
    ),
    diagnostic(
        "GR709",
        "motor-deprecated",
        Severity.INFO,
        "pyproject.toml",
        (1, 1, 1, 1),
        message="the application uses motor, which its maintainers ended",
        symbol="",
        fingerprint="0" * 31 + "5",
    ),
)

RULES = {str(rule): RuleScore(holds=True, findings=0) for rule in range(1, 11)} | {
    "2": RuleScore(holds=False, findings=0),
    "3": RuleScore(holds=False, findings=1),
    "4": RuleScore(holds=False, findings=1),
    "7": RuleScore(holds=False, findings=2),
    "9": RuleScore(holds=None, findings=0),
    "10": RuleScore(holds=False, findings=1),
}

OUTCOME = Outcome(
    result=Result(1, ".", 42, FINDINGS, Summary(3, 1, 1, suppressed=4, baselined=20, rules=RULES)),
    stale=(Entry("app/old.py", "GR301", "app.old.read", "users", 2),),
    problems=(),
    skipped=(SkippedPath("app/data.py", "larger than 2 MiB"),),
    exit_status=1,
)

CLEAN = Outcome(
    result=Result(1, "app", 3, (), Summary(0, 0, 0, 0, 0, {str(rule): RuleScore(True, 0) for rule in range(1, 11)})),
    stale=(),
    problems=(),
    skipped=(),
    exit_status=0,
)


def project(folder: Path) -> Path:
    """The code of the sample, under ``folder``."""
    return write(folder, FILES)
