"""What every HTTP surface here shares: problems in words (RFC 9457), the caller behind a token, JSON answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

import structlog
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.api import Problem
from contracts.errors import InvalidInput, SampanError
from services.runtime import registry
from services.runtime.failures import concerns_operator, error_code, is_transient, raised_at
from services.runtime.registry import Caller

PROBLEM_TYPE: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = "2"
_log = structlog.get_logger(__name__)

_REMEDIES: Final = {400: "Send whole JSON in UTF-8.", 404: "See /docs for the paths there are."}
TITLES: Final = {
    400: "The request cannot be read",
    401: "Not signed in",
    403: "Not allowed",
    404: "Nothing here",
    405: "Not possible here",
    409: "It was done before, differently",
    413: "Too large",
    422: "Something in the document is wrong",
    500: "Something went wrong on our side",
    503: "Please try again shortly",
}


def problem_of(error: SampanError) -> Problem:
    """An error as a problem: what, where, what to do; never a value."""
    status = error.http_status
    return Problem(
        title=TITLES.get(status, "The request was refused"), status=status, code=error.code,
        detail=error.message, field=error.field, remedy=error.remedy,
    )  # fmt: skip


def respond_problem(problem: Problem) -> Response:
    """A problem as a response; 503 says when to come back."""
    headers = {"Retry-After": RETRY_AFTER_SECONDS} if problem.status == 503 else {}
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(
        problem.model_dump(exclude_none=True),
        status_code=problem.status,
        headers=headers,
        media_type=PROBLEM_TYPE,
    )


def respond(model: BaseModel, status: int = 200) -> Response:
    """A model as JSON, without unset fields."""
    return Response(
        model.model_dump_json(exclude_none=True), status_code=status, media_type="application/json"
    )


async def on_sampan_error(request: Request, error: Exception) -> Response:
    """Every coded error becomes its problem. The log hears of those that no caller can mend, without a message."""
    assert isinstance(error, SampanError)
    if concerns_operator(error):
        _log.error("request_failed", error=error.code, at=raised_at(error))
    return respond_problem(problem_of(error))


async def on_bad_request(request: Request, error: Exception) -> Response:
    """FastAPI's own answer echoes the input; ours names the field and keeps the value to itself."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    path = first["loc"][1:]
    if first["type"] in (
        "extra_forbidden",
        "json_invalid",
    ):  # the last part is the sender's own word, or a place
        path = path[:-1]
    where = ".".join(str(part) for part in path)
    refused = InvalidInput(
        "this field is missing or of the wrong kind",
        code="bad-field",
        field=where or None,
        remedy="See /docs for what this call takes.",
    )
    return respond_problem(problem_of(refused))


async def on_http_error(request: Request, error: Exception) -> Response:
    """Unknown paths and methods, as problems too."""
    assert isinstance(error, HTTPException)
    status = error.status_code
    title = TITLES.get(status, "The request was refused")
    remedy = _REMEDIES.get(status, "See /docs for what can be asked here.")
    return respond_problem(Problem(title=title, status=status, code=f"http-{status}", remedy=remedy))


def problem_of_fault(error: Exception) -> Problem:
    """A fault of ours, or a database that is away for a moment: nobody gets the message, it may echo a value."""
    if is_transient(error):
        return Problem(title=TITLES[503], status=503, code="try-later", remedy="Send it again shortly.")
    return Problem(
        title=TITLES[500], status=500, code="internal",
        remedy="Try again; if it stays, tell the operator the time and what you did.",
    )  # fmt: skip


class LastResort:
    """Outermost: what nobody else caught ends here, as a problem; the log gets the place and no message.

    Raised further, the server itself would write it to its log, with a traceback and whatever value it names.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or, where an answer had begun, let the line end short of its end."""
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:  # noqa: BLE001
            told = _unwrapped(error)
            _log.error("request_failed", error=error_code(told), at=raised_at(told))
            if scope["type"] == "http" and not begun:
                await respond_problem(problem_of_fault(error))(scope, receive, send)


def _unwrapped(error: Exception) -> Exception:
    """What went wrong, out of what the framework wraps around it once an answer has begun."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error.__cause__ if isinstance(error.__cause__, SampanError) else error


ERROR_HANDLERS: Final[dict[Any, Callable[[Request, Exception], Awaitable[Response]]]] = {
    SampanError: on_sampan_error,
    RequestValidationError: on_bad_request,
    HTTPException: on_http_error,
}


def bearer(request: Request) -> bytes:
    """The hash of the request's token.

    Raises:
        NotAuthentic: no bearer token, or one that no token of ours can be.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.startswith(registry.PREFIX) or len(token) > 200:
        raise registry.not_authenticated()
    return registry.token_hash(token)


async def caller_of(request: Request, connection: Any, now: Any) -> Caller:
    """Who calls.

    Raises:
        NotAuthentic: the token does not hold.
    """
    hashed = bearer(request)
    found = await registry.callers(connection, [hashed], now)
    if hashed not in found:
        raise registry.not_authenticated()
    return found[hashed]


def as_uuid(text: str, field: str) -> UUID:
    """A path or body part that must be an id.

    Raises:
        InvalidInput: it is not.
    """
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput(
            "not a reference",
            code="bad-reference",
            field=field,
            remedy="Copy it from the receipt or the inbox.",
        ) from None
