"""Sends records to Kafka: all of a batch, or it did not happen and is sent again.

On any failure the producer is given up and a new one starts from the committed position: aiokafka's is unusable
after one failed batch, and its idempotence accepts a gap. So Kafka may hold copies, never a record less.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaProducer

from services.runtime.log.kafka_failures import ASK_SECONDS, asking, give_up, start
from services.runtime.log.kafka_records import to_kafka
from services.runtime.log.port import StoredRecord

_REQUEST_BYTES_MAX: Final = 1_048_576  # a record at the limit of the log, with its place and the frame
_BATCH_BYTES: Final = 131_072
SEND_SECONDS: Final = 30.0
"""A paused broker leaves futures open past the client's own time-outs."""


class Sender:
    """Sends batches through one producer, made when it is needed.

    Args:
        kafka: how to reach it, in aiokafka's words.
        prefix: what stands before the topics' names on the brokers.
    """

    def __init__(self, kafka: Mapping[str, Any], *, prefix: str = "") -> None:
        self._kafka, self._prefix = kafka, prefix
        self._producer: AIOKafkaProducer | None = None

    async def __call__(self, records: Sequence[StoredRecord]) -> None:
        """Return when every replica in sync has all of ``records``, in order by partition.

        Raises:
            NoKafka: it is not known what arrived; the same records must be sent again.
            KafkaRefuses: the brokers do not let the relay in, or not at one of its topics.
        """
        try:
            with asking(self._kafka):
                async with asyncio.timeout(SEND_SECONDS):
                    await self._send(records)
        except BaseException:
            await self.close()
            raise

    async def _send(self, records: Sequence[StoredRecord]) -> None:
        producer = self._producer = self._producer or await self._started()
        sent = []
        for record in records:
            out = to_kafka(record, self._prefix)
            sent.append(
                await producer.send(
                    out.topic, out.value, out.key, out.partition, out.timestamp_ms, list(out.headers)
                )
            )
        await asyncio.gather(*sent)

    async def close(self) -> None:
        """Give the producer up, whatever it still holds."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await give_up(producer)

    async def _started(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            **self._kafka, acks="all", enable_idempotence=True, max_request_size=_REQUEST_BYTES_MAX,
            max_batch_size=_BATCH_BYTES, request_timeout_ms=round(ASK_SECONDS * 1000),
        )  # fmt: skip
        await start(producer, self._kafka)
        return producer
