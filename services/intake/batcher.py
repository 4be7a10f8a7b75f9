"""Single submits that wait at the same moment share one transaction (:mod:`services.runtime.group_commit`).

The queue is bounded: beyond it the answer is 503 with Retry-After, and the sender's spool keeps the rest.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from uuid import UUID

import structlog

from contracts.api import SubmitReceipt
from contracts.errors import SampanError, TryLater
from services.intake.candidate import Handed, Result
from services.runtime.failures import concerns_operator, raised_at
from services.runtime.group_commit import BATCH_MAX, GroupCommit

QUEUE_MAX: Final = 4096
_log = structlog.get_logger(__name__)

SubmitMany = Callable[[Sequence[Handed]], Awaitable[list[Result]]]


class Batcher:
    """Feeds single submissions to ``submit_many`` in batches of what is waiting.

    Args:
        may_accept: raises TryLater while what is behind intake has fallen too far behind.
    """

    def __init__(
        self, submit_many: SubmitMany, *, batch_max: int = BATCH_MAX, queue_max: int = QUEUE_MAX,
        may_accept: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._submit_many, self._queue_max, self._may_accept = submit_many, queue_max, may_accept
        self._commit: GroupCommit[Handed, SubmitReceipt] = GroupCommit(submit_many, batch_max=batch_max)

    @property
    def waiting(self) -> int:
        """How many wait for the next transaction."""
        return self._commit.waiting

    async def submit(self, raw: bytes, caller: UUID, said: bytes | None = None) -> SubmitReceipt:
        """As :meth:`Intake.submit`.

        Args:
            said: of a document that was sealed here, its content (see :class:`Handed`).

        Raises:
            TryLater: the queue is full; nothing was taken.
            SampanError: as intake refuses.
        """
        self.check_room()
        return await self._commit.ask(Handed(raw, caller, said))

    def check_room(self) -> None:
        """Raises TryLater: the queue is full, or what is behind intake cannot follow."""
        self._may_accept()
        if self._commit.waiting >= self._queue_max:
            raise TryLater(
                "too many submissions are waiting", code="queue-full", remedy="Send it again shortly."
            )

    async def submit_many(self, batch: Sequence[Handed]) -> list[Result]:
        """A batch that came as one, in a transaction of its own. Its answer names errors and raises none."""
        results = await self._submit_many(batch)
        for result in results:
            if isinstance(result, SampanError) and concerns_operator(result):
                _log.error("submission_not_taken", error=result.code, at=raised_at(result))
        return results

    async def close(self) -> None:
        """Finish what waits."""
        await self._commit.close()
