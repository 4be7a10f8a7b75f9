"""The vault's door over HTTP: one path a method, for the services of this instance and nobody else.

Nothing of a body is ever logged, whatever goes wrong with it: keys travel in bodies.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from contracts.errors import InvalidInput, SampanError
from contracts.sealing import decode_event, decode_submission
from contracts.sealing.release import EdgePublicKey
from services.runtime.failures import concerns_operator, error_code, raised_at
from services.vault import wire
from services.vault.apart import VaultApart
from services.vault.errors import away
from services.vault.port import Admission

Handler = Callable[[Any], Awaitable[Any]]
Counted = Callable[[str, str], None]
_log = structlog.get_logger(__name__)


def routes(vault: VaultApart, hello: wire.Hello, token: bytes, counted: Counted) -> list[Route]:
    """The paths.

    Args:
        token: what every caller must show.
        counted: told the method and ``done``, ``refused`` or ``failed`` of each call.
    """
    expected = hashlib.sha256(token).digest()
    greeting = wire.encode(hello)

    async def names(request: Request) -> Response:
        return _response(greeting) if _is_ours(request, expected) else Response(status_code=401)

    def path(method: str, handler: Handler) -> Route:
        async def call(request: Request) -> Response:
            if not _is_ours(request, expected):
                return Response(status_code=401)
            answer = await _answered(method, handler, request)
            counted(method, _outcome(answer))
            return _response(wire.encode(answer))

        return Route(wire.PATH + method, call, methods=["POST"])

    return [Route(wire.PATH + "names", names), *(path(*one) for one in _handlers(vault).items())]


def _is_ours(request: Request, expected: bytes) -> bool:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    given = hashlib.sha256(token.encode()).digest()  # of one length, so that the comparison tells nothing of it
    return scheme.lower() == "bearer" and hmac.compare_digest(given, expected)


async def _answered(method: str, handler: Handler, request: Request) -> wire.Answer:
    try:
        asked = _asked(method, await _body(request))
        return wire.Answer(wire.encode(await handler(asked)))
    except SampanError as error:
        if concerns_operator(error):
            _log.error("vault_call_failed", method=method, error=error.code, at=raised_at(error))
        return wire.Answer(refused=wire.refused(error))
    except Exception as error:  # noqa: BLE001 (its message may echo a value: the log gets the place alone)
        _log.error("vault_call_failed", method=method, error=error_code(error), at=raised_at(error))
        return wire.Answer(refused=wire.refused(away()))


def _asked(method: str, body: bytes) -> Any:
    try:
        return wire.decode(body, wire.METHODS[method].asked)
    except msgspec.MsgspecError:
        raise wire.malformed() from None


async def _body(request: Request) -> bytes:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > wire.BODY_BYTES_MAX:
                raise InvalidInput("The request is too large for the vault.", code="too-large")
    except ClientDisconnect:
        raise InvalidInput("The request broke off.", code="broken-off") from None
    return bytes(body)


def _response(content: bytes) -> Response:
    return Response(content, media_type=wire.TYPE, headers={"Cache-Control": "no-store"})


def _outcome(answer: wire.Answer) -> str:
    if answer.refused is None:
        return "done"
    return "failed" if answer.refused.code == away().code else "refused"


def _handlers(vault: VaultApart) -> Mapping[str, Handler]:
    """By method: from what is asked to what is answered. The caller keeps the fence: no connection here."""
    found: Final[dict[str, Handler]] = {
        "open_submissions": lambda asked: _open_submissions(vault, asked),
        "admit": lambda asked: vault.admit(None, [_admission(one) for one in asked.admissions], asked.now),
        "narrow": lambda asked: vault.narrow(None, asked.narrowings),
        "facts_keys": lambda asked: vault.facts_keys(None, asked.subject_ids),
        "open_records": lambda asked: vault.open_records(
            None, [(decode_event(event), subjects) for event, subjects in asked.records]
        ),
        "grant": lambda asked: vault.grant(None, asked.grants, asked.facts_keys),
        "change_grants": lambda asked: vault.change_grants(None, asked.changes, asked.versions),
        "release_keys": lambda asked: _release_keys(vault, asked),
        "release_to_edge": lambda asked: _release_to_edge(vault, asked),
        "count_bundles": lambda asked: vault.count_bundles(None, asked.subject_id),
        "erase_subject": lambda asked: vault.erase_subject(None, asked.subject_id),
        "erase_groups": lambda asked: vault.erase_groups(None, asked.subject_id, asked.labels),
    }
    return found


async def _open_submissions(vault: VaultApart, asked: wire.Sealed) -> list[wire.OneSubmission]:
    submissions = [decode_submission(raw) for raw in asked.submissions]
    results = await vault.open_submissions([(one, decode_event(one.event)) for one in submissions])
    return [
        wire.OneSubmission(refused=wire.refused(one)) if isinstance(one, SampanError) else wire.OneSubmission(one)
        for one in results
    ]


async def _release_keys(vault: VaultApart, asked: wire.Tickets) -> list[wire.OneRelease]:
    results = await vault.release_keys(None, asked.tickets, asked.now)
    return [
        wire.OneRelease(refused=wire.refused(one)) if isinstance(one, SampanError) else wire.OneRelease(one)
        for one in results
    ]


async def _release_to_edge(vault: VaultApart, asked: wire.EdgeTickets) -> list[wire.OneSealed]:
    results = await vault.release_to_edge(None, asked.tickets, EdgePublicKey(asked.edge), asked.now)
    return [
        wire.OneSealed(refused=wire.refused(one)) if isinstance(one, SampanError) else wire.OneSealed(one)
        for one in results
    ]


def _admission(one: wire.OneAdmission) -> Admission:
    return Admission(event=decode_event(one.event), keys=one.keys, subjects=dict(one.subjects))
