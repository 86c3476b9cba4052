"""Rule 5: error handling."""

from __future__ import annotations

from collections.abc import Iterator

from guardrails.checks.registry import check
from guardrails.finding import Finding, Related, Severity
from guardrails.program import Program
from guardrails.program.errors import HttpRaise
from guardrails.program.model import Class


@check("GR501", "missing-exceptions-module", Severity.ERROR, project=True)
def missing_exceptions_module(program: Program) -> Iterator[Finding]:
    """No module of the application defines exception classes of its own."""
    if program.operations.has_app and not program.errors.has_home:
        place, symbol = program.project_place(program.errors.empty_home)
        yield Finding(
            "GR501",
            place,
            symbol,
            "exceptions",
            f"{symbol}: no module defines exception classes of the application",
            "create app/core/exceptions.py with a base class and one class for each thing that can go wrong",
        )


@check("GR502", "missing-exception-handler", Severity.ERROR, project=True)
def missing_exception_handler(program: Program) -> Iterator[Finding]:
    """The app registers no exception handlers, or none for what nobody expected."""
    if not program.operations.has_app or program.errors.catches_all:
        return
    place, symbol = program.project_place()
    some = bool(program.errors.registered)
    yield Finding(
        "GR502",
        place,
        symbol,
        "exception handlers",
        f"{symbol}: no exception handler catches Exception" if some else f"{symbol}: the app has no exception handlers",
        "register a handler for the application's base exception and one for Exception, where the app is built",
    )


@check("GR503", "http-exception-outside-routes", Severity.ERROR)
def http_exception_outside_routes(program: Program) -> Iterator[Finding]:
    """HTTPException is raised where nothing should know about HTTP."""
    help_ = "raise an exception of the application, and let an exception handler decide the status"
    of_classes: dict[Class, HttpRaise] = {}
    for raised in program.errors.http_raises():
        if raised.cls is not None:
            of_classes.setdefault(raised.cls, raised)
            continue
        code = raised.code
        yield Finding(
            "GR503",
            code.place(raised.span),
            code.qualname,
            "HTTPException",
            f"{code.qualname} raises HTTPException, though it is no route",
            help_,
        )
    for cls, raised in of_classes.items():
        yield Finding(
            "GR503",
            cls.place_here,
            cls.qualname,
            cls.name,
            f"{cls.qualname} is an HTTPException, and {raised.code.qualname} raises it",
            help_,
            (Related(raised.code.place(raised.span), f"{raised.code.qualname} raises it"),),
        )


@check("GR504", "swallowed-exception", Severity.ERROR)
def swallowed_exception(program: Program) -> Iterator[Finding]:
    """An exception is caught and nothing remembers it."""
    for code in program.errors.catching:
        for clause in program.errors.swallowed(code):
            yield Finding(
                "GR504",
                clause.place,
                code.qualname,
                clause.shown,
                f"{code.qualname} swallows what {clause.shown} catches",
                "catch only what can be dealt with, and log the rest: logger.exception(...)",
            )
        for call in program.errors.suppressed(code):
            yield Finding(
                "GR504",
                code.place(call.span),
                code.qualname,
                "suppress",
                f"{code.qualname} suppresses every exception",
                "suppress only what can be dealt with, and log the rest: logger.exception(...)",
            )


@check("GR505", "inconsistent-error-response", Severity.ERROR)
def inconsistent_error_response(program: Program) -> Iterator[Finding]:
    """An error is answered as a success, or by a response made by hand."""
    for module in program.application:
        for code in module.codes():
            for answer in program.answers.inconsistent(code):
                yield Finding(
                    "GR505",
                    code.place(answer.span),
                    code.qualname,
                    answer.subject,
                    f"{code.qualname} {answer.what}",
                    "raise an exception, and let the exception handlers answer with its status",
                )


@check("GR506", "exception-detail-leak", Severity.WARNING)
def exception_detail_leak(program: Program) -> Iterator[Finding]:
    """The text of an exception reaches the client."""
    for module in program.application:
        for code in module.codes():
            for answer in program.answers.leaks(code):
                yield Finding(
                    "GR506",
                    code.place(answer.span),
                    code.qualname,
                    answer.subject,
                    f"{code.qualname} {answer.what}",
                    "log the exception, and answer with a message of your own",
                )


@check("GR507", "exception-outside-exceptions-module", Severity.WARNING)
def exception_outside_exceptions_module(program: Program) -> Iterator[Finding]:
    """An exception class is defined elsewhere than in an exceptions module."""
    for cls in program.errors.classes:
        if not program.errors.is_home(cls.module):
            yield Finding(
                "GR507",
                cls.place_here,
                cls.qualname,
                cls.name,
                f"{cls.module.name} defines the exception {cls.name}",
                "move it to app/core/exceptions.py, or to the exceptions.py of its domain",
            )


@check("GR508", "http-exception-masked", Severity.ERROR)
def http_exception_masked(program: Program) -> Iterator[Finding]:
    """An HTTPException is raised inside a try whose except answers with another status."""
    for code in program.errors.catching:
        for clause, raised, answered in program.answers.masked(code):
            yield Finding(
                "GR508",
                clause.place,
                code.qualname,
                f"{raised} -> {answered}",
                f"{code.qualname}: {clause.shown} turns the {raised} that its try raises into a {answered}",
                "put 'except HTTPException: raise' before it, or take the check out of the try",
            )
