"""Takes what strangers put on our topics to ``<topic>-dlq``, as it came: bytes, key, headers, partition.

Beside the reading and never in its way: where dead letters cannot be sent now, they wait and are tried again, and
what does not fit into the wait still lies where it was found. A process tells of each record once. A process that
starts again may tell of the newest once more, so ``sampan_origin`` says where each was found.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError

from contracts.errors import SampanError
from services.runtime.batch import DEAD_LETTER_SUFFIX, ORIGIN
from services.runtime.log.kafka_failures import ASK_SECONDS, asking, give_up, start

WAITING_MAX: Final = 1_000
_AGAIN_SECONDS: Final = 1.0
_SIZE_MAX: Final = 1_048_576
_log = structlog.get_logger(__name__)
Noted = Callable[[Any], Awaitable[None]]


async def _not_noted(record: Any) -> None:
    """Nobody keeps a list."""


class DeadLetters:
    """Told of records that are not ours, one at a time, by a reader (see :data:`services.runtime.log.kafka.Foreign`).

    Args:
        kafka: how to reach it, in aiokafka's words; the user must be allowed to write to the ``-dlq`` topics.
        counted: told of each record that arrived there.
        noted: told of each before it is sent, perhaps more than once; a SampanError of it is tried again.
    """

    def __init__(
        self, kafka: Mapping[str, Any], counted: Callable[[], None] = lambda: None, noted: Noted = _not_noted
    ) -> None:
        self._kafka, self._counted, self._noted = kafka, counted, noted
        self._told: dict[tuple[str, int], int] = {}
        self._waiting: deque[Any] = deque(maxlen=WAITING_MAX)
        self._came = asyncio.Event()
        self._producer: AIOKafkaProducer | None = None

    def __call__(self, record: Any) -> None:
        """Take in one of aiokafka's ``ConsumerRecord``; it is sent later."""
        place = (record.topic, record.partition)
        if record.topic.endswith(DEAD_LETTER_SUFFIX) or record.offset <= self._told.get(place, -1):
            return
        self._told[place] = record.offset
        _warn("record_not_ours", record)
        self._waiting.append(record)
        self._came.set()

    async def run(self, ended: asyncio.Event) -> None:
        """Send what comes until ``ended``, then what waits, once."""
        ending = asyncio.ensure_future(ended.wait())
        try:
            while not ended.is_set():
                coming = asyncio.ensure_future(self._came.wait())
                await asyncio.wait([ending, coming], return_when=asyncio.FIRST_COMPLETED)
                coming.cancel()
                if not await self._send_waiting():
                    await asyncio.wait([ending], timeout=_AGAIN_SECONDS)
            await self._send_waiting()
        finally:
            ending.cancel()
            await self._give_up()

    async def _send_waiting(self) -> bool:
        """Send each once; says whether nothing waits any more."""
        for _ in range(len(self._waiting)):
            record = self._waiting.popleft()
            try:
                await self._noted(record)
                with asking(self._kafka):
                    async with asyncio.timeout(ASK_SECONDS):
                        await self._send(record)
            except SampanError as error:
                _log.warning("dead_letter_waits", code=error.code)
                self._waiting.append(record)
                await self._give_up()
        if not self._waiting:
            self._came.clear()
        return not self._waiting

    async def _send(self, record: Any) -> None:
        origin = f"kafka/{record.topic}/{record.partition}/{record.offset}".encode()
        producer = self._producer = self._producer or await self._started()
        try:
            # Without its time: a retention counts from when it was found, and brokers refuse strange times.
            await producer.send_and_wait(
                record.topic + DEAD_LETTER_SUFFIX, record.value, record.key, record.partition,
                headers=[*record.headers, (ORIGIN, origin)],
            )  # fmt: skip
        except MessageSizeTooLargeError:
            _warn("dead_letter_too_large", record)
            return
        self._counted()

    async def _started(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            **self._kafka, acks="all", enable_idempotence=True, max_request_size=_SIZE_MAX,
            request_timeout_ms=round(ASK_SECONDS * 1000),
        )  # fmt: skip
        await start(producer, self._kafka)
        return producer

    async def _give_up(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await give_up(producer)


@asynccontextmanager
async def dead_letters(
    kafka: Mapping[str, Any], counted: Callable[[], None] = lambda: None, noted: Noted = _not_noted
) -> AsyncIterator[DeadLetters]:
    """Dead letters that are sent for the length of a block; give them to a reader as ``foreign``."""
    letters, ended = DeadLetters(kafka, counted, noted), asyncio.Event()
    sending = asyncio.create_task(letters.run(ended))
    try:
        yield letters
    finally:
        ended.set()
        await sending


def _warn(event: str, record: Any) -> None:
    _log.warning(event, topic=record.topic, partition=record.partition, kafka_offset=record.offset)
