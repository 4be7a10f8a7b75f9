"""Applies one batch inside an open unit of work; a record that fails stops its own key and nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from uuid import UUID

import structlog

from services.runtime.failures import NotOurs, error_code, is_transient, raised_at
from services.runtime.log import LogReader, NewRecord, StoredRecord
from services.runtime.store.port import ParkedRecord, UnitOfWork

Step = Callable[[UnitOfWork, Sequence[StoredRecord]], Awaitable[None]]

DEAD_LETTER_SUFFIX = "-dlq"
ORIGIN = "sampan_origin"
"""Header of a dead letter: where the record stands, or was found."""
CONSUMER = "sampan_consumer"
"""Header of a dead letter: who could not frame it."""
_log = structlog.get_logger(__name__)


class Batch:
    """How one consumer applies records: ``step`` for those that may run, parking for those that may not."""

    def __init__(self, consumer: str, step: Step) -> None:
        self._consumer = consumer
        self._step = step

    async def together(self, work: UnitOfWork, records: Sequence[StoredRecord]) -> None:
        """Apply all at once, the fast way.

        Raises:
            Exception: whatever the step raised; the unit of work must be given up.
        """
        parked = await self._parked(work, records)
        runnable = []
        for record in records:
            if record.key in parked:
                await work.park(self._consumer, record, "queued")
            else:
                runnable.append(record)
        if runnable:
            await self._step(work, runnable)

    async def one_by_one(self, work: UnitOfWork, records: Sequence[StoredRecord]) -> None:
        """Apply each alone, after a batch failed: the record to blame parks its key, the others count.

        Raises:
            Exception: a passing failure only.
        """
        parked = await self._parked(work, records)
        for record in records:
            if record.key in parked:
                await work.park(self._consumer, record, "queued")
            elif (code := await self._apply_alone(work, record)) is not None:
                await work.park(self._consumer, record, code)
                parked.add(record.key)

    async def released(self, work: UnitOfWork, key: UUID, logs: Mapping[UUID, LogReader], limit: int) -> int:
        """Apply at most ``limit`` records that wait behind ``key``, in order, up to the first that fails.

        Args:
            logs: the logs in which they stand, by id.
        """
        applied = 0
        for waiting in (await work.parked_records(self._consumer, key))[:limit]:
            record = await _read_back(logs, waiting)
            if await self._apply_alone(work, record) is not None:
                break
            await work.unpark(self._consumer, waiting)
            applied += 1
        return applied

    async def _parked(self, work: UnitOfWork, records: Sequence[StoredRecord]) -> set[UUID]:
        return await work.parked_among(self._consumer, {record.key for record in records})

    async def _apply_alone(self, work: UnitOfWork, record: StoredRecord) -> str | None:
        """Apply one record in a savepoint; returns the code of the error that must park it, if any."""
        try:
            async with work.savepoint():
                await self._step(work, [record])
        except NotOurs:
            work.emit(self._dead_letter(record))
            self._warn("record_not_ours", record, NotOurs.default_code, "")
        except Exception as error:
            if is_transient(error):
                raise
            self._warn("key_parked", record, error_code(error), raised_at(error))
            return error_code(error)
        return None

    def _dead_letter(self, record: StoredRecord) -> NewRecord:
        at = record.position
        origin = f"{at.log_id}/{at.topic}/{at.partition}/{at.offset}".encode()
        headers = {**record.headers, ORIGIN: origin, CONSUMER: self._consumer.encode()}
        return NewRecord(at.topic + DEAD_LETTER_SUFFIX, record.key, record.value, headers)

    def _warn(self, event: str, record: StoredRecord, code: str, where: str) -> None:
        at = record.position
        place = {"topic": at.topic, "partition": at.partition, "offset": at.offset}
        _log.warning(event, consumer=self._consumer, code=code, raised_at=where, **place)


async def _read_back(logs: Mapping[UUID, LogReader], waiting: ParkedRecord) -> StoredRecord:
    at = waiting.position
    log = logs.get(at.log_id)
    found = await log.read(at.topic, at.partition, at.offset - 1, 1) if log is not None else ()
    if not found or found[0].position != at:
        raise LookupError("a parked record is no longer in the log")
    return found[0]
