"""The line of a process to Kafka: waited for with a word now and then, and given up with a clear sentence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

import structlog

from contracts.errors import SetupProblem, TryLater
from contracts.topics import TOPICS, Topic
from deploy.kafka.access import Access
from deploy.kafka.topics import ensure_topics
from routing.directory import Directory
from services.assembly.settings import KafkaSettings
from services.delivery.partner_topics import partner_topics
from services.runtime.batch import DEAD_LETTER_SUFFIX
from services.runtime.clock import Clock
from services.runtime.dead_letters import note
from services.runtime.failures import error_code, raised_at
from services.runtime.followed import Others
from services.runtime.log import PARTITIONS
from services.runtime.log.kafka import KafkaLogReader, KafkaLogs, Source, reading_logs
from services.runtime.log.kafka_dead_letters import dead_letters
from services.runtime.store.postgres import PostgresStore
from services.runtime.telemetry.metrics import Metrics

_POLL_SECONDS: Final = 2.0
_LEARN_SECONDS: Final = 2.0
_log = structlog.get_logger(__name__)
Say = Callable[[str], None]
Answer = TypeVar("Answer")
Elsewhere = Callable[[], Awaitable[Sequence[Source]]]
"""The logs of other databases that are known by now."""


async def nowhere() -> Sequence[Source]:
    """There is one database."""
    return ()


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
    await _patiently(
        brokers, access, clock, say,
        lambda: ensure_topics(access, topics, prefix=brokers.prefix, replicas=brokers.replicas),
    )  # fmt: skip


async def _patiently(
    brokers: KafkaSettings, access: Access, clock: Clock, say: Say, ask: Callable[[], Awaitable[Answer]]
) -> Answer:
    """``ask`` until the brokers answer. New topics have no leaders for a moment, and starting brokers none at all.

    Raises:
        SetupProblem: ``no-kafka``, nobody answered in time.
    """
    waited = 0.0
    while True:
        try:
            return await ask()
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


@dataclass(frozen=True, slots=True)
class Line:
    """The logs that a process follows on Kafka: its own database's, and others' as far as they are known."""

    own: KafkaLogReader
    others: Others


@asynccontextmanager
async def kafka_log(
    brokers: KafkaSettings, store: PostgresStore, reads: Collection[str], metrics: Metrics, say: Say, *,
    elsewhere: Elsewhere = nowhere, partitions: Collection[int] = range(PARTITIONS),
) -> AsyncIterator[Line | None]:  # fmt: skip
    """The instance's logs as Kafka holds them, and a wake-up for what comes; None where no brokers are named.

    Args:
        reads: the topics that this process follows, and may under the cluster's grants.
        metrics: counts what strangers put there.
        elsewhere: the logs of other databases that are known by now; asked again and again.
        partitions: those that this process follows.

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
        said = access.for_aiokafka()
        counted, noted = partial(metrics.count, "sampan_dead_letters_total"), partial(_noted, store, brokers.prefix)
        foreign = await stack.enter_async_context(dead_letters(said, counted, noted))
        own, more = await _own(store, reads), list(await elsewhere())
        logs = await _patiently(
            brokers, access, store.clock, say,
            lambda: stack.enter_async_context(
                reading_logs(said, [own, *more], reads, prefix=brokers.prefix, foreign=foreign, partitions=partitions)
            ),
        )  # fmt: skip
        others = [logs.of(source.log_id) for source in more]
        following = asyncio.create_task(logs.follow(stop, store.wake, reads))
        learning = asyncio.create_task(_learn(logs, elsewhere, others, store.clock))
        try:
            yield Line(logs.of(own.log_id), lambda: others)
        finally:
            learning.cancel()
            stop.set()
            await following


async def _own(store: PostgresStore, reads: Collection[str]) -> Source:
    """The own log. Where its table holds nothing, nobody need look back on Kafka."""
    return Source(
        await store.log.log_id(), {topic: frozenset(await store.log.heads(topic)) for topic in reads}
    )


async def _learn(logs: KafkaLogs, elsewhere: Elsewhere, others: list[KafkaLogReader], clock: Clock) -> None:
    """Follow logs that come up later; one that cannot be reached now is tried again."""
    known = {await log.log_id() for log in others}
    while True:
        await clock.sleep(_LEARN_SECONDS)
        try:
            for source in await elsewhere():
                if source.log_id not in known:
                    await logs.add(source)
                    known.add(source.log_id)
                    others.append(logs.of(source.log_id))
        except Exception as error:  # noqa: BLE001 (what is followed already goes on; the rest is tried again)
            _log.warning("logs_unknown", error=error_code(error), at=raised_at(error))


async def _noted(store: PostgresStore, prefix: str, record: Any) -> None:
    await note(store.pool, record, record.topic.removeprefix(prefix), store.clock.now())
