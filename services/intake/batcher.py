"""Group commit: single submits that wait at the same moment share one transaction. No linger, no timer.

While one batch commits, the next gathers; so a lone submit waits for nobody, and a flood pays one commit for
many. The queue is bounded: beyond it the answer is 503 with Retry-After, and the sender's spool keeps the rest.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from uuid import UUID

from contracts.api import SubmitReceipt
from contracts.errors import SampanError, TryLater
from services.intake.candidate import Handed, Result

BATCH_MAX: Final = 128
QUEUE_MAX: Final = 4096

SubmitMany = Callable[[Sequence[Handed]], Awaitable[list[Result]]]


class Batcher:
    """Feeds single submissions to ``submit_many`` in batches of what is waiting."""

    def __init__(
        self, submit_many: SubmitMany, *, batch_max: int = BATCH_MAX, queue_max: int = QUEUE_MAX
    ) -> None:
        self._submit_many = submit_many
        self._batch_max, self._queue_max = batch_max, queue_max
        self._waiting: deque[tuple[Handed, asyncio.Future[Result]]] = deque()
        self._running: asyncio.Task[None] | None = None

    async def submit(self, raw: bytes, caller: UUID, said: bytes | None = None) -> SubmitReceipt:
        """As :meth:`Intake.submit`.

        Args:
            said: of a document that was sealed here, its content (see :class:`Handed`).

        Raises:
            TryLater: the queue is full; nothing was taken.
            SampanError: as intake refuses.
        """
        self.check_room()
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((Handed(raw, caller, said), future))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._drain())
        result = await future
        if isinstance(result, SampanError):
            raise result
        return result

    def check_room(self) -> None:
        """Raises TryLater: the queue is full."""
        if len(self._waiting) >= self._queue_max:
            raise TryLater(
                "too many submissions are waiting", code="queue-full", remedy="Send it again shortly."
            )

    async def submit_many(self, batch: Sequence[Handed]) -> list[Result]:
        """A batch that came as one, in a transaction of its own."""
        return await self._submit_many(batch)

    async def close(self) -> None:
        """Finish what waits."""
        while self._running is not None and not self._running.done():
            await asyncio.wait([self._running])

    async def _drain(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(self._batch_max, len(self._waiting)))]
            try:
                results: Sequence[Result | BaseException] = await self._submit_many(
                    [handed for handed, _ in batch]
                )
            except Exception as error:  # noqa: BLE001 (told to each sender, who sends again)
                results = [error] * len(batch)
            for (_, future), result in zip(batch, results, strict=True):
                if future.done():  # its request went away; the submission stands all the same
                    continue
                if isinstance(result, BaseException) and not isinstance(result, SampanError):
                    future.set_exception(result)
                else:
                    future.set_result(result)
