"""The line of a process to Kafka: waited for with a word now and then, and given up with a clear sentence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from contracts.errors import SetupProblem, TryLater
from contracts.topics import TOPICS, Topic
from deploy.kafka.access import Access
from deploy.kafka.topics import ensure_topics
from routing.directory import Directory
from services.assembly.settings import KafkaSettings
from services.delivery.partner_topics import partner_topics
from services.runtime.batch import DEAD_LETTER_SUFFIX
from services.runtime.clock import Clock
from services.runtime.log.kafka import KafkaLogReader, reading
from services.runtime.log.kafka_dead_letters import dead_letters
from services.runtime.store.postgres import PostgresStore
from services.runtime.telemetry.metrics import Metrics

_POLL_SECONDS: Final = 2.0
Say = Callable[[str], None]


def carried_topics(directory: Directory) -> tuple[Topic, ...]:
    """Everything that the relay carries: the log's own topics, and those of agencies that read Kafka themselves."""
    return (*TOPICS.values(), *partner_topics(directory))


def topics_of(reads: Collection[str]) -> tuple[Topic, ...]:
    """What a process that follows ``reads`` touches: these, and where it puts aside what is not ours."""
    return tuple(TOPICS[name + suffix] for name in reads for suffix in ("", DEAD_LETTER_SUFFIX))


async def topics_ready(
    brokers: KafkaSettings, access: Access, topics: Sequence[Topic], clock: Clock, say: Say
) -> None:
    """Return when the brokers answer and hold these topics, as declared.

    Raises:
        SetupProblem: ``no-kafka``, nobody answered in time; ``topic-differs``; KafkaRefuses, at once.
    """
    waited = 0.0
    while True:
        try:
            await ensure_topics(access, topics, prefix=brokers.prefix, replicas=brokers.replicas)
            return
        except TryLater:
            if waited >= brokers.wait_seconds:
                raise SetupProblem(
                    f"Kafka at {access.bootstrap} did not answer within {brokers.wait_seconds:.0f} seconds.",
                    code="no-kafka", field="SAMPAN_BROKERS__BOOTSTRAP",
                    remedy="Start it (on this machine: make kafka-up), or correct its address.",
                ) from None  # fmt: skip
            say(f"waiting for Kafka at {access.bootstrap} …")
            await clock.sleep(_POLL_SECONDS)
            waited += _POLL_SECONDS


@asynccontextmanager
async def kafka_log(
    brokers: KafkaSettings, store: PostgresStore, reads: Collection[str], metrics: Metrics, say: Say
) -> AsyncIterator[KafkaLogReader | None]:  # fmt: skip
    """The instance's log as Kafka holds it, and a wake-up for what comes; None where no brokers are named.

    Args:
        reads: the topics that this process follows, and may under the cluster's grants.
        metrics: counts what strangers put there.

    Raises:
        SetupProblem: as :func:`topics_ready`.
    """
    access = brokers.access
    if access is None:
        yield None
        return
    await topics_ready(brokers, access, topics_of(reads), store.clock, say)
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        log_id, said = await store.log.log_id(), access.for_aiokafka()
        foreign = await stack.enter_async_context(
            dead_letters(said, lambda: metrics.count("sampan_dead_letters_total"))
        )
        reader = await stack.enter_async_context(
            reading(said, log_id, reads, prefix=brokers.prefix, foreign=foreign)
        )
        following = asyncio.create_task(reader.follow(stop, store.wake, reads))
        try:
            yield reader
        finally:
            stop.set()
            await following
