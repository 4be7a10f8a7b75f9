"""Intake over HTTP: sealed submissions one by one or in batches, and plain JSON through the assisted edge.

The two sealed paths are raw routes: validated once, on the bytes, by intake itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final
from uuid import UUID

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from contracts.api import SubmitReceipt
from contracts.errors import InvalidInput, SampanError
from services.intake.batcher import Batcher
from services.intake.candidate import Handed, Result
from services.runtime.http import problem_of, respond
from services.runtime.registry import Caller

SEALED_TYPE: Final = "application/vnd.sampan.sealed"
SUBMISSION_BYTES_MAX: Final = 800_000
BATCH_BYTES_MAX: Final = 32_000_000
BATCH_COUNT_MAX: Final = 1000

CallerOf = Callable[[Request], Awaitable[Caller]]
Assist = Callable[[bytes, UUID], Awaitable[SubmitReceipt]]


def routes(batcher: Batcher, caller_of: CallerOf, assist: Assist) -> list[Route]:
    """The submit paths.

    Args:
        caller_of: who stands behind a request's token.
        assist: prepares and submits plain JSON for an agency whose edge runs here.
    """

    async def submit(request: Request) -> Response:
        caller = await caller_of(request)
        raw = await read_body(request, SUBMISSION_BYTES_MAX)
        return respond(await batcher.submit(raw, caller.agency_id))

    async def submit_batch(request: Request) -> Response:
        caller = await caller_of(request)
        batcher.check_room()
        parts = split_batch(await read_body(request, BATCH_BYTES_MAX))
        return StreamingResponse(_lines(batcher, parts, caller.agency_id), media_type="application/x-ndjson")

    async def submit_assisted(request: Request) -> Response:
        caller = await caller_of(request)
        raw = await read_body(request, SUBMISSION_BYTES_MAX)
        return respond(await assist(raw, caller.agency_id))

    return [
        Route("/v1/submissions", submit, methods=["POST"]),
        Route("/v1/submissions:batch", submit_batch, methods=["POST"]),
        Route("/v1/assisted/submissions", submit_assisted, methods=["POST"]),
    ]


async def _lines(batcher: Batcher, parts: list[bytes], caller: UUID) -> AsyncIterator[bytes]:
    for start in range(0, len(parts), 50):
        for result in await batcher.submit_many([Handed(part, caller) for part in parts[start : start + 50]]):
            yield _line(result)


def _line(result: Result) -> bytes:
    if isinstance(result, SampanError):
        content: dict[str, Any] = {"problem": problem_of(result).model_dump(mode="json", exclude_none=True)}
    else:
        content = {"receipt": result.model_dump(mode="json")}
    return orjson.dumps(content) + b"\n"


async def read_body(request: Request, limit: int) -> bytes:
    """The request's body, refused as soon as it grows beyond ``limit`` bytes.

    Raises:
        InvalidInput: too large, or the sender went away in the middle.
    """
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                error = InvalidInput(
                    f"a submission may have {limit:,} bytes at most", code="too-large", field="body",
                    remedy="Send documents as references, and rows one by one.",
                )  # fmt: skip
                error.http_status = 413  # type: ignore[misc]
                raise error
    except ClientDisconnect:
        raise InvalidInput(
            "the request broke off", code="cut-short", field="body", remedy="Send it again."
        ) from None
    return bytes(body)


def split_batch(body: bytes) -> list[bytes]:
    """Cut a batch into its submissions: each with a 4-byte big-endian length in front.

    Raises:
        InvalidInput: the lengths do not add up, or there are too many.
    """
    parts: list[bytes] = []
    position = 0
    while position < len(body):
        size = int.from_bytes(body[position : position + 4], "big")
        part = body[position + 4 : position + 4 + size]
        if len(part) != size or position + 4 > len(body) or len(parts) == BATCH_COUNT_MAX:
            raise InvalidInput(
                "the batch cannot be cut into submissions", code="bad-batch", field="body",
                remedy=f"Put a 4-byte big-endian length before each, {BATCH_COUNT_MAX} at most.",
            )  # fmt: skip
        parts.append(part)
        position += 4 + size
    return parts
