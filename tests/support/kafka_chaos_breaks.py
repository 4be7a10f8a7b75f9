"""Promises broken on purpose in a process under test: a checker that has never failed proves nothing.
``SAMPAN_CHAOS_BREAK=relay-does-not-wait make chaos-kafka SEED=7`` must fail.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from services.relay.send import Sender
from services.runtime.consumer import ConsumerLoop
from services.runtime.log import StoredRecord
from services.runtime.log.kafka_records import to_kafka
from services.runtime.store.port import Advance
from services.runtime.store.postgres import PostgresUnitOfWork


def _relay_does_not_wait() -> None:
    """It advances when a record is handed to the client, not when the brokers have it."""

    async def send(self: Any, records: Sequence[StoredRecord]) -> None:
        producer = self._producer = self._producer or await self._started()
        for record in records:
            out = to_kafka(record, self._prefix)
            await producer.send(
                out.topic, out.value, out.key, out.partition, out.timestamp_ms, list(out.headers)
            )

    vars_of: Any = Sender
    vars_of._send = send


def _consumer_skips_holes() -> None:
    """It applies whatever comes next, so what the relay lost is never missed."""

    def in_sequence(
        self: Any, topic: str, log_id: UUID, behind: Mapping[int, int], read: Sequence[StoredRecord]
    ) -> Any:
        return [r for r in read if r.position.offset > behind[r.position.partition]], None

    vars_of: Any = ConsumerLoop
    vars_of._in_sequence = in_sequence


def _nobody_is_fenced() -> None:
    """A step commits wherever the position stands and whoever owns it: a paused owner goes on when it wakes."""

    async def advance(self: Any, advances: Sequence[Advance]) -> None:
        for a in advances:
            await self._connection.execute(
                "update runtime.positions set applied_offset = $4 where consumer = $1 and topic = $2"
                " and partition = $3 and log_id = $5",
                *(a.consumer, a.topic, a.partition, a.to, a.log_id),
            )

    vars_of: Any = PostgresUnitOfWork
    vars_of.advance = advance


def _lossy_and_blind() -> None:
    _relay_does_not_wait()
    _consumer_skips_holes()


BREAKS: Final[Mapping[str, Callable[[], None]]] = {
    "relay-does-not-wait": _relay_does_not_wait,
    "consumer-skips-holes": _consumer_skips_holes,
    "lossy-and-blind": _lossy_and_blind,
    "nobody-is-fenced": _nobody_is_fenced,
}
