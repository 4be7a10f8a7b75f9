"""Group commit: requests that wait at the same moment share one transaction. No linger, no timer.

While one batch commits, the next gathers; so a lone request waits for nobody, and a flood pays one commit for many.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

import structlog

from services.runtime.failures import concerns_operator, error_code, raised_at

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")

BATCH_MAX: Final = 128
_log = structlog.get_logger(__name__)


class GroupCommit(Generic[Asked, Answer]):
    """Feeds single requests to ``together`` in batches of what is waiting.

    Args:
        together: one answer a request, in order; an exception as an answer is raised to who asked. What it
            raises itself is raised to all of the batch, and logged once.
    """

    def __init__(
        self,
        together: Callable[[Sequence[Asked]], Awaitable[Sequence[Answer | BaseException]]],
        *,
        batch_max: int = BATCH_MAX,
    ) -> None:
        self._together, self._batch_max = together, batch_max
        self._waiting: deque[tuple[Asked, asyncio.Future[Answer]]] = deque()
        self._running: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many wait for the next batch; those of the batch under way are not among them."""
        return len(self._waiting)

    async def close(self) -> None:
        """Finish what waits."""
        while self._running is not None and not self._running.done():
            await asyncio.wait([self._running])

    async def ask(self, asked: Asked) -> Answer:
        """Return when ``asked`` has been committed with whatever else was waiting."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, future))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._drain())
        return await future

    async def _drain(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(self._batch_max, len(self._waiting)))]
            try:
                answers: Sequence[Answer | BaseException] = await self._together(
                    [asked for asked, _ in batch]
                )
            except Exception as error:  # noqa: BLE001 (told to each who asked)
                _log.error("batch_failed", error=error_code(error), at=raised_at(error))
                answers = [error] * len(batch)
            for (_, future), answer in zip(batch, answers, strict=True):
                _tell(future, answer)


def _tell(future: asyncio.Future[Answer], answer: Answer | BaseException) -> None:
    if future.done():  # who asked went away; what was done stands all the same
        if isinstance(answer, BaseException) and concerns_operator(answer):
            _log.error("failed_unheard", error=error_code(answer), at=raised_at(answer))
    elif isinstance(answer, BaseException):
        future.set_exception(answer)
    else:
        future.set_result(answer)
