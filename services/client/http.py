"""Calls to the server: time-outs, retries with jitter, and problems in words.

A call is repeated when the server says "later" (503, 429, its ``Retry-After`` honoured), and after a broken
line where repeating does no harm: reads, and submissions, which carry the same bytes and the same id.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError

from contracts.api import Problem
from contracts.errors import (
    Conflict,
    InvalidInput,
    NotAllowed,
    NotAuthentic,
    NotFound,
    SampanError,
    TryLater,
)
from services.client.errors import NoConnection, NotSampan, ServerFault
from services.client.home import LOOPBACK

ATTEMPTS_MAX: Final = 4
FIRST_PAUSE_SECONDS: Final = 0.5
RETRY_AFTER_SECONDS_MAX: Final = 30.0
TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0)
_BUSY: Final = frozenset({429, 503})
_BY_STATUS: Final[dict[int, type[SampanError]]] = {
    400: InvalidInput,
    401: NotAuthentic,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    413: InvalidInput,
    415: InvalidInput,
    422: InvalidInput,
    429: TryLater,
    503: TryLater,
}
_REMEDIES: Final[dict[int, str]] = {
    401: "Its token may have expired; ask whoever runs the server for a new one.",
    404: "Check the code; you see only what was sent to you or by you.",
}


class Connection:
    """The line to one server in one agency's name.

    Args:
        url: base address, checked by :mod:`services.client.home`.
        token: the agency's bearer token.
        sleep: pauses between attempts, in seconds.
        jitter: a number from 0 to 1, new at each call.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float],
        timeout: httpx.Timeout = TIMEOUT,
    ) -> None:
        self._url = url
        self._sleep = sleep
        self._jitter = jitter
        self._client = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {token}", "User-Agent": "sampan"},
            timeout=timeout,
            follow_redirects=False,
            # A proxy named in the environment has no business between a machine and itself.
            trust_env=urlsplit(url).hostname not in LOOPBACK,
        )

    def close(self) -> None:
        """Let go of the line."""
        self._client.close()

    def get(self, path: str, **params: object) -> Any:
        """JSON of a read. Raises :class:`SampanError` by the server's answer, or :class:`NoConnection`."""
        return _decoded(self._call("GET", path, params=params))

    def post(self, path: str, body: object = None, *, repeatable: bool = False) -> Any:
        """JSON of a request with a JSON body; ``repeatable`` says that doing it twice does no harm."""
        content = json.dumps(body).encode() if body is not None else b""
        kind = {"Content-Type": "application/json"} if content else {}
        return _decoded(self._call("POST", path, content=content, headers=kind, repeatable=repeatable))

    def post_bytes(self, path: str, content: bytes, content_type: str) -> Any:
        """JSON of a submission: idempotent, so repeated after a broken line."""
        headers = {"Content-Type": content_type}
        return _decoded(self._call("POST", path, content=content, headers=headers, repeatable=True))

    @contextmanager
    def lines(self, path: str, *, quiet_seconds_max: float, **params: object) -> Iterator[Iterator[str]]:
        """Lines of a lasting answer (server-sent events); silence beyond the limit is a broken line."""
        timeout = httpx.Timeout(quiet_seconds_max, connect=5.0)
        try:
            with self._client.stream(
                "GET", path, params=_query(params), headers={"Accept": "text/event-stream"}, timeout=timeout
            ) as response:
                if response.status_code != 200:
                    response.read()
                    raise as_error(response)
                if not response.headers.get("content-type", "").startswith("text/event-stream"):
                    raise NotFound("the server offers no live feed.", code="no-live-feed")
                yield response.iter_lines()
        except httpx.HTTPError as error:
            raise self._broken(error) from None

    def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, object] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = True,
    ) -> httpx.Response:
        attempt = 0
        while True:
            attempt += 1
            last = attempt >= ATTEMPTS_MAX
            try:
                response = self._client.request(
                    method, path, params=_query(params or {}), content=content, headers=dict(headers or {})
                )
            except httpx.ConnectError as error:
                # Nobody listens: waiting seconds at a shell for that to change helps nobody. One more try.
                if attempt >= 2:
                    raise self._broken(error) from None
                self._sleep(self._pause(attempt))
            except httpx.HTTPError as error:
                if last or not repeatable:
                    raise self._broken(error) from None
                self._sleep(self._pause(attempt))
            else:
                if response.status_code not in _BUSY or last:
                    return response
                self._sleep(_retry_after(response) or self._pause(attempt))

    def _pause(self, attempt: int) -> float:
        return FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 1) * (0.5 + self._jitter())

    def _broken(self, error: httpx.HTTPError) -> NoConnection:
        # httpx.InvalidURL and the like carry input; only the kind of trouble goes into the sentence.
        if isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout):
            return NoConnection(
                f"the server at {self._url} did not answer in time.", remedy="Try again in a moment."
            )
        return NoConnection(
            f"no connection to the server at {self._url}.",
            remedy="Is it running (`make run`), and is this machine online?",
        )


def as_error(response: httpx.Response) -> SampanError:
    """The server's answer as an error: its own words where it gave RFC 9457 problem details."""
    status = response.status_code
    if 300 <= status < 400:
        return _not_sampan("the address answers with a redirect, as no Sampan server does.")
    kind = _BY_STATUS.get(status, partial(ServerFault, status=status) if status >= 500 else SampanError)
    try:
        problem = Problem.model_validate(response.json())
    except (ValueError, ValidationError):
        return kind(f"the server answered {status} without saying why.", remedy=_REMEDIES.get(status))
    return kind(
        problem.detail or problem.title,
        code=problem.code,
        field=problem.field,
        remedy=problem.remedy or _REMEDIES.get(status),
    )


def _not_sampan(sentence: str) -> NotSampan:
    """An error of the address rather than of the request."""
    return NotSampan(sentence, remedy="Check SAMPAN_URL or client.json.")


def _decoded(response: httpx.Response) -> Any:
    if response.status_code >= 300:
        raise as_error(response)
    try:
        return response.json()
    except ValueError:
        raise _not_sampan("the server's answer is not one that Sampan gives.") from None


def _query(params: Mapping[str, object]) -> dict[str, str]:
    return {key: str(value) for key, value in params.items() if value is not None}


def _retry_after(response: httpx.Response) -> float:
    """Seconds to wait as the server asks, at most :data:`RETRY_AFTER_SECONDS_MAX`; 0 if it does not say."""
    text = response.headers.get("retry-after", "")
    return min(float(text), RETRY_AFTER_SECONDS_MAX) if text.isascii() and text.isdigit() else 0.0
