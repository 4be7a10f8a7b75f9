"""Sends records to Kafka: all of a batch, or it did not happen and is sent again.

On any failure the producer is given up and a new one starts from the committed position: aiokafka's is unusable
after one failed batch, and its idempotence accepts a gap. So Kafka may hold copies, never a record less.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from services.runtime.log.kafka import NoKafka
from services.runtime.log.kafka_records import to_kafka
from services.runtime.log.port import StoredRecord

_REQUEST_BYTES_MAX: Final = 1_048_576  # a record at the limit of the log, with its place and the frame
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
        """
        try:
            async with asyncio.timeout(SEND_SECONDS):
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
        except (KafkaError, OSError, TimeoutError) as error:
            await self.close()
            raise NoKafka(
                f"Kafka did not take a batch ({type(error).__name__})", remedy="Look at the brokers."
            ) from None

    async def close(self) -> None:
        """Give the producer up, whatever it still holds."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                async with asyncio.timeout(1):
                    await producer.stop()
            except (KafkaError, OSError, TimeoutError):
                pass

    async def _started(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            **self._kafka, acks="all", enable_idempotence=True, max_request_size=_REQUEST_BYTES_MAX
        )
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        return producer
