"""The same job on FastStream: the same bytes over the same hops, each by its plain handler.

Plain means as its guide begins: one record, one call, one acknowledged publish. FastStream says in its own words
what is put in here: nothing is decided, opened or stored, so this is the price of carrying alone.
"""

from __future__ import annotations

import asyncio
import logging
from itertools import pairwise
from typing import Any, Final

from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage, TopicPartition

from deploy.kafka.access import Access

PARTITIONS: Final = 12
_POLL_SECONDS: Final = 0.005


class Hops:
    """Handlers between ``topics``, each handing on to the next; ``arrived`` counts at the last hop."""

    def __init__(self, access: Access, topics: list[str], batch_bytes: int) -> None:
        self.broker: Any = KafkaBroker(
            access.bootstrap.split(","), acks="all", enable_idempotence=True, max_batch_size=batch_bytes, logger=None,
            log_level=logging.ERROR,
        )  # fmt: skip
        self.arrived = 0
        self._first = topics[0]
        for source, target in pairwise(topics):
            self._hop(source, target, is_last=target == topics[-1])

    def _hop(self, source: str, target: str, *, is_last: bool) -> None:
        @self.broker.subscriber(  # type: ignore[untyped-decorator] # FastStream leaves a decorated function's type open
            partitions=[TopicPartition(source, number) for number in range(PARTITIONS)],
            auto_offset_reset="earliest", ack_policy=AckPolicy.MANUAL,
        )  # fmt: skip
        async def hand_on(message: KafkaMessage) -> None:
            at: Any = message.raw_message
            await self.broker.publish(message.body, target, partition=at.partition)
            if is_last:
                self.arrived += 1

    async def carry(self, records: list[tuple[int, bytes]]) -> None:
        """Put ``records`` in and return when all have passed the last hop."""
        wanted = self.arrived + len(records)
        for partition, value in records:
            await self.broker.publish(value, self._first, partition=partition, no_confirm=True)
        while self.arrived < wanted:
            await asyncio.sleep(_POLL_SECONDS)
