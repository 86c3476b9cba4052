"""What clients are told of errors: literal statuses, errors that look like successes, texts of exceptions."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from guardrails.facts.records import (
    Attr,
    Await,
    Bind,
    Call,
    CallRef,
    Cond,
    Const,
    Expr,
    FString,
    Item,
    Items,
    Mapping,
    Op,
    Ref,
    Return,
    Span,
    span_of,
)  # fmt: skip
from guardrails.knowledge import web as tables
from guardrails.program import external
from guardrails.program.edges import positions
from guardrails.program.errors import Except
from guardrails.program.expressions import keyword
from guardrails.program.model import Class, Code, Function, tail
from guardrails.program.values import (
    ClassValue,
    ExternalInstance,
    ExternalValue,
    InstanceValue,
    LiteralValue,
    MappingValue,
    Value,
    Values,
)  # fmt: skip

if TYPE_CHECKING:
    from guardrails.program.program import Program

_STATUS_KEYS = frozenset({"status", "status_code", "statuscode", "http_status"})
_ERROR_KEYS = frozenset({"error", "errors"})
_MESSAGE_KEYS = frozenset({"detail", "details", "error", "message", "msg"})
_ANSWERS = frozenset({"json", "plain"})
_TRACEBACKS = frozenset({"traceback.format_exc", "traceback.format_exception", "traceback.format_tb", "sys.exc_info"})
_TEXTS = frozenset(
    {"str", "repr", "format", "ascii", "traceback.format_exception", "fastapi.encoders.jsonable_encoder", "dict"}
)
_REQUEST_PARAMETERS = frozenset({"starlette.requests.Request", "starlette.websockets.WebSocket"})
# What exception handlers without annotations call their parameters.
_HANDLER_PARAMETERS = (frozenset({"request", "req"}), frozenset({"exc", "exception", "err", "error", "e", "ex"}))
_SENDERS = frozenset({"send_json", "send_text", "send_bytes"})
_DEPTH = 6


class Answer(Struct, frozen=True):
    """An answer that is wrong. ``what``: how a message names it; ``subject``: short and stable."""

    span: Span
    subject: str
    what: str


class Answers:
    """Answers about responses to errors."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.types = program.types
        self.web = program.web
        self.errors = program.errors

    # --- statuses

    def status(self, expr: Expr | None, code: Code, block: int) -> int | None:
        """The literal status that an expression is: a number, or a named constant."""
        if expr is None:
            return None
        values = self.types.infer(expr, code, block)
        if len(values) != 1:
            return None
        value = values[0]
        if isinstance(value, LiteralValue):
            return value.value if isinstance(value.value, int) and not isinstance(value.value, bool) else None
        return tables.status_code(value.name) if isinstance(value, ExternalValue) else None

    def response_kind(self, call: Call, code: Code) -> str | None:
        """``json``, ``plain``, ``redirect``, … where a call constructs a response; None where it does not."""
        if tail(call.func) not in self._response_names:
            return None
        for value in self.types.infer(call.func, code, call.block):
            if isinstance(value, ExternalValue) and value.name in tables.RESPONSES:
                return tables.RESPONSES[value.name]
        return None

    @cached_property
    def _response_names(self) -> frozenset[str]:
        """The names that a response's class may go by."""
        return external.last_names(frozenset(tables.RESPONSES)).union(
            self.web.renamed,
            (
                i.alias
                for m in self.program.application
                for i in m.facts.imports
                if i.alias and (i.name or "").endswith("Response")
            ),
        )

    @cached_property
    def _answering(self) -> dict[Code, list[Call]]:
        """The calls that make JSON or plain responses."""
        table: dict[Code, list[Call]] = {}
        for site in self.program.modules.sites.named(self._response_names):
            if self.response_kind(site.call, site.code) in _ANSWERS:
                table.setdefault(site.code, []).append(site.call)
        return table

    @staticmethod
    def _status_argument(call: Call) -> Expr | None:
        position, name = tables.STATUS_ARGUMENT
        given = keyword(call.keywords, name)
        return given if given is not None else (call.args[position] if len(call.args) > position else None)

    @staticmethod
    def _content(call: Call) -> Expr | None:
        given = keyword(call.keywords, "content")
        return given if given is not None else (call.args[0] if call.args else None)

    # --- inconsistent answers

    def inconsistent(self, code: Code) -> Iterator[Answer]:
        """Errors that a body answers as successes, or by a response of its own; each once, in source order."""
        if not isinstance(code, Function):
            return
        found: list[Answer] = []
        if code in self._answering:
            if self.answers_exceptions(code):
                found += self._without_status(code)
            else:
                by_hand = [*self._by_hand(code)]
                found += by_hand if by_hand and not self.errors.only_for(code, self._makers) else ()
        if code in self.web.handlers:
            found += self._as_success(code)
        if found and not self.errors.is_operational(code):
            yield from found

    def answers_exceptions(self, function: Function) -> bool:
        """Whether a function is an exception handler: registered, or by its two parameters."""
        if function in self.web.exception_handlers:
            return True
        parameters = function.parameters
        if len(parameters) != 2 or function in self.web.handlers or function in self.web.dependencies:
            return False
        outer = function.outer
        assert outer is not None
        if any(p.annotation is None for p in parameters):
            return [p.name.strip("_") in names for p, names in zip(parameters, _HANDLER_PARAMETERS)] == [True, True]
        first, second = (self.types.annotation(p.annotation, outer) for p in parameters if p.annotation is not None)
        return any(isinstance(v, ExternalInstance) and v.cls in _REQUEST_PARAMETERS for v in first) and any(
            self._is_exception(v) for v in second
        )

    def _is_exception(self, value: Value) -> bool:
        if isinstance(value, InstanceValue):
            return self.errors.is_exception(value.cls)
        return isinstance(value, ExternalInstance) and value.cls.rpartition(".")[2].endswith(
            ("Exception", "Error", "Exceeded")
        )

    @cached_property
    def _makers(self) -> frozenset[Function]:
        """Functions whose business error responses are: exception handlers, middleware, routes of their own class."""
        found = set(self.errors.middleware)
        for module in self.program.application:
            found.update(f for f in module.functions if self.answers_exceptions(f))
            found.update(f for c in module.classes if self.types.is_a(c, "fastapi.routing.APIRoute") for f in c.methods)
        return frozenset(found)

    def _without_status(self, function: Function) -> Iterator[Answer]:
        if any(tail(b.target) == "status_code" for b in function.attribute_bindings):
            return
        for call in self._answering.get(function, ()):
            splat = any(k.name is None for k in call.keywords)
            if self._status_argument(call) is None and not splat:
                yield Answer(
                    call.span, "200", f"answers an exception with {tail(call.func)} and no status, which is a 200"
                )

    def _by_hand(self, function: Function) -> Iterator[Answer]:
        for call in self._answering.get(function, ()):
            if self._is_page(call, function):
                continue
            status = self.status(self._status_argument(call), function, call.block)
            if status is not None and status >= 400 and not self._challenges(status, call, function):
                yield Answer(call.span, str(status), f"builds a {status} {tail(call.func)} by hand")

    def _is_page(self, call: Call, code: Code) -> bool:
        """HTML, which people read: no error of the interface."""
        named = self.web.text(keyword(call.keywords, "media_type"), code, call.block) or ""
        return tail(call.func) == "HTMLResponse" or named.startswith("text/html")

    def _challenges(self, status: int, call: Call, code: Code) -> bool:
        """A 401 with ``WWW-Authenticate``, or with headers that cannot be read."""
        headers = keyword(call.keywords, "headers")
        if status != 401 or headers is None:
            return False
        values = self.types.infer(headers, code, call.block)
        return not all(isinstance(v, MappingValue) for v in values) or any(
            isinstance(k, Const) and str(k.value).lower() == "www-authenticate"
            for v in values
            if isinstance(v, MappingValue)
            for k in v.expr.keys
        )

    def _as_success(self, handler: Function) -> Iterator[Answer]:
        if any(self._declared_error(handler)):
            return
        for event in handler.returned:
            assert event.value is not None
            body = self._returned_body(event.value, handler, event.block)
            if body is None or self._sets_status(handler, event):
                continue
            fault = self._tells_of_error(body, handler, event)
            if fault is not None:
                yield Answer(event.span, fault, f"answers an error as a success: {fault}")

    def _declared_error(self, handler: Function) -> Iterator[bool]:
        for registered in self.web.handlers[handler]:
            given = keyword(registered.site.call.keywords, "status_code")
            if given is not None:
                status = self.status(given, registered.site.code, registered.site.call.block)
                yield status is None or status >= 400
            yield registered.websocket

    def _returned_body(self, value: Expr, code: Code, block: int) -> dict[str, Expr] | None:
        """The dict that a return answers with: itself, a local name's, a 2xx response's content, or a helper's."""
        call = code.call(value)
        if call is not None and self.response_kind(call, code) in _ANSWERS:
            given = self._status_argument(call)
            status = self.status(given, code, block) if given is not None else 200
            content = self._content(call)
            if status is None or status >= 400 or content is None:
                return None
            value = content
        values = self.types.infer(value, code, block)
        if len(values) == 1 and isinstance(values[0], MappingValue) and values[0].code is code:
            return _items(values[0].expr)
        call = code.call(value.value if isinstance(value, Await) else value)
        return self._helpers_body(call, code) if call is not None else None

    def _helpers_body(self, call: Call, code: Code) -> dict[str, Expr] | None:
        """The dict that a function of the project makes of the arguments, where that is all it returns."""
        targets = self.types.targets(call, code)
        returned = targets[0].returned if len(targets) == 1 else ()
        display = returned[0].value if len(returned) == 1 else None
        if not isinstance(display, Mapping):
            return None
        given = targets[0].arguments(call)
        filled = {k: given.get(v.name, v) if isinstance(v, Ref) else v for k, v in _items(display).items()}
        return {k: v for k, v in filled.items() if v in given.values() or isinstance(v, (Const, FString, Mapping))}

    @staticmethod
    def _sets_status(function: Function, event: Return) -> bool:
        """``response.status_code = …`` on the way to the return."""
        return any(
            tail(bind.target) == "status_code" and bind.span < event.span and function.inside(event.block, bind.block)
            for bind in function.attribute_bindings
        )

    def _tells_of_error(self, body: dict[str, Expr], code: Function, event: Return) -> str | None:
        keys = {key.lower(): value for key, value in body.items()}
        for key, value in keys.items():
            if key in _STATUS_KEYS or (key == "code" and not _MESSAGE_KEYS.isdisjoint(keys)):
                status = self.status(value, code, event.block)
                if status is not None and 400 <= status < 600:
                    return f"{{{key}: {status}}}"
        for key in sorted(_ERROR_KEYS & keys.keys()):
            if self._is_error(keys[key], code, event, alone=len(keys) == 1 and key == "error"):
                return f"{{{key}: …}}"
        return None

    def _is_error(self, value: Expr, code: Function, event: Return, *, alone: bool) -> bool:
        """Whether what stands under ``error`` is one: a text, an exception; not None, a flag or a count."""
        if isinstance(value, (FString, Mapping)):
            return True
        if isinstance(value, Const):
            return isinstance(value.value, str) and bool(value.value)
        call = code.call(value)
        if call is not None and tail(call.func) in {"str", "repr", "format", "format_exc"}:
            return True
        if any(kind.kind == "except" for _, kind in code.ancestors_of(event.block)):
            return not isinstance(value, Items)
        return alone and isinstance(value, (Ref, Attr, CallRef, Op))

    # --- texts of exceptions

    def leaks(self, code: Code) -> Iterator[Answer]:
        """Where the text of a foreign exception enters a response of the same function."""
        if not isinstance(code, Function):
            return
        clauses = [c for c in self.errors.excepts(code) if self._is_foreign(c)]
        if not clauses and len(code.parameters) < 2:
            return
        names = {c.name for c in clauses if c.name is not None}
        handles = self.answers_exceptions(code)
        if handles and len(code.parameters) >= 2 and self._handles_foreign(code):
            names.add(code.parameters[1].name)
        elif not clauses:
            return
        seen: set[Span] = set()
        for block, expr, kind in self._entries(code, handles):
            inside = handles or any(c.holds(block) for c in clauses)
            if inside:
                local = {c.name for c in clauses if c.name is not None and c.holds(block)} | (
                    names if handles else set()
                )
                found = self._text_of(expr, code, block, local, _DEPTH)
                if found is not None and span_of(found, code.body) not in seen:
                    seen.add(span_of(found, code.body))
                    yield Answer(span_of(expr, code.body), kind, f"puts the text of an exception into {kind}")

    def _is_foreign(self, clause: Except) -> bool:
        """Whether an ``except`` catches what was not written for clients."""
        return clause.block.expr is None or any(self._is_foreign_class(v) for v in clause.caught)

    def _is_foreign_class(self, value: Value) -> bool:
        if isinstance(value, ExternalValue):
            return value.name not in tables.VALIDATION_ERRORS | tables.HTTP_EXCEPTIONS
        return False

    def _handles_foreign(self, function: Function) -> bool:
        """Whether an exception handler is for exceptions that are neither the application's nor a validation's."""
        parameter = function.parameters[1]
        outer = function.outer
        caught: Values = ()
        for site in self.web.exception_handlers.get(function, ()):
            call = site.call
            if tail(call.func) in tables.EXCEPTION_HANDLER_METHODS and call.args:
                caught += self.types.infer(call.args[0], site.code, call.block)
        if not caught and parameter.annotation is not None and outer is not None:
            caught = tuple(
                ExternalValue(v.cls) if isinstance(v, ExternalInstance) else v
                for v in self.types.annotation(parameter.annotation, outer)
            )
        return bool(caught) and all(
            self._is_foreign_class(v) or (isinstance(v, LiteralValue) and v.value == 500) for v in caught
        )

    def _entries(self, code: Function, handles: bool) -> Iterator[tuple[int, Expr, str]]:
        """What enters a response: details of HTTP exceptions, contents of responses, what handlers return."""
        for call in code.body.calls:
            if self._makes_http(call, code):
                arguments = [
                    *call.args[1:],
                    *(k.value for k in call.keywords if k.name not in {"status_code", "headers"}),
                ]
                if self._is_own(call, code):
                    arguments = [*call.args, *(k.value for k in call.keywords)]
                for argument in arguments:
                    yield call.block, argument, "the detail of an HTTPException"
            elif self.response_kind(call, code) in _ANSWERS:
                content = self._content(call)
                if content is not None:
                    yield call.block, content, "a response"
            elif tail(call.func) in _SENDERS and call.args and self._is_websocket(call, code):
                yield call.block, call.args[0], "a message to the client"
        if code in self.web.handlers or handles:
            for event in code.returned:
                if event.value is not None:
                    yield event.block, event.value, "what it returns"
                    for argument in self._given_to_maker(event.value, code):
                        yield event.block, argument, "a response"

    def _given_to_maker(self, value: Expr, code: Function) -> Iterator[Expr]:
        """The arguments of a returned call to a function of the project that makes a response of them.

        A plain name is left alone: whoever gets the exception itself decides what becomes of it.
        """
        call = code.call(value.value if isinstance(value, Await) else value)
        for target in self.types.targets(call, code) if call is not None else ():
            makes = self.types.returns(target)
            if call is not None and any(isinstance(v, ExternalInstance) and v.cls in tables.RESPONSES for v in makes):
                yield from (a for a in call.args if not isinstance(a, Ref))
                yield from (k.value for k in call.keywords if not isinstance(k.value, Ref))

    def _makes_http(self, call: Call, code: Code) -> bool:
        if not tail(call.func)[:1].isupper() or not self.errors.may_be_http(call.func, code):
            return False
        return any(
            isinstance(v, (ExternalValue, ClassValue)) and self.errors.is_http(v)
            for v in self.types.infer(call.func, code, call.block)
        )

    def _is_own(self, call: Call, code: Code) -> bool:
        return any(isinstance(v, ClassValue) for v in self.types.infer(call.func, code, call.block))

    def _is_websocket(self, call: Call, code: Code) -> bool:
        values = self.types.infer(call.func, code, call.block)
        return any(
            isinstance(v, ExternalValue) and v.name.startswith("starlette.websockets.WebSocket.") for v in values
        )

    def _text_of(self, expr: Expr, code: Function, block: int, names: set[str], depth: int) -> Expr | None:
        """The part of an expression that gives the text of one of the exceptions, or of a traceback."""
        if depth == 0:
            return None
        if isinstance(expr, Ref):
            base, _, attribute = expr.name.partition(".")
            if base in names and attribute in {"", "args"}:
                return expr
            return self._through_name(expr, code, names, depth) if not attribute else None
        if isinstance(expr, CallRef):
            return self._text_of_call(code.body.calls[expr.index], expr, code, block, names, depth)
        parts: tuple[Expr, ...] = ()
        if isinstance(expr, FString):
            parts = expr.parts
        elif isinstance(expr, Items):
            parts = expr.items
        elif isinstance(expr, Mapping):
            parts = expr.values
        elif isinstance(expr, (Await, Item)):
            parts = (expr.value,)
        elif isinstance(expr, Cond):
            parts = (expr.body, expr.orelse)
        elif isinstance(expr, Op) and expr.op in {"+", "%", "or", "and"}:
            parts = expr.operands
        return next((f for part in parts if (f := self._text_of(part, code, block, names, depth - 1))), None)

    def _through_name(self, ref: Ref, code: Function, names: set[str], depth: int) -> Expr | None:
        """A local name that was given the text before."""
        for bind in code.bindings.get(ref.name, ()):
            if isinstance(bind, Bind) and bind.op in {"=", "+="} and bind.value is not None and bind.span < ref.span:
                clause = self._clause_of(bind.block, code)
                local = {clause.name} if clause is not None and clause.name is not None else set()
                found = self._text_of(bind.value, code, bind.block, names | local, depth - 1)
                if found is not None:
                    return found
        return None

    def _clause_of(self, block: int, code: Function) -> Except | None:
        return next((c for c in self.errors.excepts(code) if c.holds(block) and self._is_foreign(c)), None)

    def _text_of_call(
        self, call: Call, expr: CallRef, code: Function, block: int, names: set[str], depth: int
    ) -> Expr | None:
        values = self.types.infer(call.func, code, block)
        external = {v.name for v in values if isinstance(v, ExternalValue)}
        if external & _TRACEBACKS:
            return expr
        name = tail(call.func)
        arguments = [*call.args, *(k.value for k in call.keywords)]
        if isinstance(call.func, Ref) and name == "format" and "." not in call.func.name:
            arguments = list(call.args[:1])
        elif name in {"format", "join"} or external & _TEXTS:
            pass
        elif isinstance(call.func, (Ref, Attr)) and name in {
            "strip",
            "replace",
            "splitlines",
            "split",
            "upper",
            "lower",
        }:
            arguments = [
                Ref(call.func.name.rpartition(".")[0], call.func.span)
                if isinstance(call.func, Ref)
                else call.func.value
            ]
        elif not any(isinstance(v, ClassValue) for v in values) or any(
            isinstance(v, ClassValue) and self.errors.is_exception(v.cls) for v in values
        ):
            return None  # what a function makes of it is not known; an exception is no answer
        return next((f for a in arguments if (f := self._text_of(a, code, block, names, depth - 1))), None)

    # --- masked answers

    def masked(self, code: Code) -> Iterator[tuple[Except, int, int]]:
        """The clauses that turn an ``HTTPException`` of their ``try`` into another status: which, into which."""
        clauses = list(self.errors.excepts(code))
        for clause in clauses:
            if not clause.is_broad or self._lets_through(clause, clauses):
                continue
            raised = self._raised_statuses(code, clause.block.of)
            answered = self._answered_statuses(clause)
            different = [(r, a) for r in raised for a in answered if r != a]
            if different:
                yield clause, *different[0]

    def _lets_through(self, clause: Except, clauses: list[Except]) -> bool:
        for other in clauses:
            if (
                other.block.of == clause.block.of
                and other.index < clause.index
                and any(self.errors.is_http(v) for v in other.caught)
            ):
                return True
        code = clause.code
        for block, expr in positions(code):
            if not clause.holds(block) or not isinstance(expr, CallRef):
                continue
            call = code.body.calls[expr.index]
            if tail(call.func) == "isinstance" and len(call.args) == 2:
                named = self.types.infer(call.args[1], code, block)
                if any(self.errors.is_http(v) for v in (*named, *self.types.items_of(named))):
                    return True
        return False

    def _raised_statuses(self, code: Code, body: int, depth: int = 2) -> list[int]:
        """The statuses of the HTTP exceptions that leave a block (the body of a ``try``, or a whole function), raised
        there or by a function of the project that is called there.
        """
        found = []
        for event in self.errors.raised(code):
            if event.exc is not None and self._escapes(event.block, code, body):
                status = self.raised_status(event.exc, code, event.block)
                if status is not None:
                    found.append(status)
        for call in code.body.calls if depth else ():
            if self._escapes(call.block, code, body):
                targets = self.types.targets(call, code)
                if len(targets) == 1 and targets[0] is not code:
                    found += self._raised_statuses(targets[0], 0, depth - 1)
        return found

    @staticmethod
    def _escapes(block: int, code: Code, body: int) -> bool:
        """Whether a block lies in the body of a ``try``, and in no ``try`` within."""
        for index, record in code.ancestors_of(block):
            if index == body:
                return True
            if record.kind == "try":
                return False
        return False

    def raised_status(self, expr: Expr, code: Code, block: int) -> int | None:
        """The status of the HTTP exception that an expression is, where it can be read."""
        call = code.call(expr)
        if call is None:
            bind = self._bound_call(expr, code)
            if bind is not None:
                return self.raised_status(bind, code, block)
        for value in self.types.infer(expr, code, block):
            if not self.errors.is_http(value):
                continue
            if isinstance(value, (ClassValue, InstanceValue)):
                return self._status_of_class(value.cls)
            if call is not None:
                given = keyword(call.keywords, "status_code")
                return self.status(given if given is not None else next(iter(call.args), None), code, block)
        return None

    @staticmethod
    def _bound_call(expr: Expr, code: Code) -> Expr | None:
        found = code.bindings.get(expr.name, []) if isinstance(expr, Ref) else []
        return (
            found[0].value
            if len(found) == 1 and isinstance(found[0], Bind) and isinstance(found[0].value, CallRef)
            else None
        )

    def _status_of_class(self, cls: Class) -> int | None:
        """The status that a subclass of ``HTTPException`` passes on in its constructor, or holds as an attribute."""
        for owner in self.types.mro(cls):
            if not isinstance(owner, Class):
                continue
            init = owner.method("__init__")
            for call in init.body.calls if init is not None else ():
                if tail(call.func) == "__init__":
                    given = keyword(call.keywords, "status_code")
                    status = self.status(
                        given if given is not None else next(iter(call.args), None), init or owner, call.block
                    )
                    if status is not None:
                        return status
            for bind in owner.bindings.get("status_code", ()):
                if isinstance(bind, Bind) and bind.value is not None:
                    return self.status(bind.value, owner, bind.block)
        return None

    def _answered_statuses(self, clause: Except) -> list[int]:
        code = clause.code
        found = []
        for event in self.errors.raised(code):
            if event.exc is not None and clause.holds(event.block):
                found.append(self.raised_status(event.exc, code, event.block))
        for call in self._answering.get(code, ()):
            if clause.holds(call.block):
                found.append(self.status(self._status_argument(call), code, call.block))
        return [status for status in found if status is not None]


def _items(display: Mapping) -> dict[str, Expr]:
    """The values of a dict display under its literal keys."""
    return {
        key.value: value
        for key, value in zip(display.keys, display.values)
        if isinstance(key, Const) and isinstance(key.value, str)
    }
