"""``sampan kafka dead-letters`` for what a stranger put on Kafka, and how many ``sampan lanes`` tells of."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from functools import partial

import pytest

from deploy.kafka.access import Access
from services.runtime.dead_letters import note
from services.runtime.log.kafka_dead_letters import dead_letters
from services.runtime.log.kafka_records import to_kafka
from tests.conformance.log.harness import TOPIC, key_number, numbered
from tests.support.kafka_log import KafkaLog, eventually, kafka_log
from tests.support.operator_command import answered, typed
from tests.support.postgres import FreshDatabase

KEY = key_number(11)
LETTERS = ("kafka", "dead-letters")


@pytest.fixture
async def log(fresh_database: FreshDatabase, kafka: Access, kafka_prefix: str) -> AsyncIterator[KafkaLog]:
    async with kafka_log(fresh_database, kafka, prefix=kafka_prefix) as opened:
        yield opened


async def _noted(log: KafkaLog, record: object) -> None:
    await note(log.store.pool, record, TOPIC, log.clock.now())


async def test_a_strangers_record_is_listed_once_and_only_ours_is_read_again(
    log: KafkaLog, kafka: Access, fresh_database: FreshDatabase
) -> None:
    """Two readers find it, one line stands; its content stays on Kafka, and it stays foreign. What today's reading
    takes for ours may be read again."""
    said = {"SAMPAN_BROKERS__BOOTSTRAP": kafka.bootstrap, "SAMPAN_BROKERS__PREFIX": log.prefix}
    async with log.producer() as producer:
        foreign = await producer.send_and_wait(log.prefix + TOPIC, b"a name in clear", b"k", 3)
    counts: list[None] = []
    for reader in (1, 2):
        async with dead_letters(log.kafka, lambda: counts.append(None), partial(_noted, log)) as letters:
            async with log.reading(letters) as at:
                await at.heads(TOPIC)
            await eventually(lambda reader=reader: len(counts) == reader)  # type: ignore[misc]
    (letter,) = await answered(fresh_database, *LETTERS, "list", **said)
    assert letter["place"] == f"kafka/{log.prefix}{TOPIC}/3/{foreign.offset}"
    assert letter["sha256"] == hashlib.sha256(b"a name in clear").hexdigest()
    refused = await typed(fresh_database, *LETTERS, "reread", letter["letter"], "--reason", "mended", **said)
    assert (refused.exit_code, "still none of ours" in " ".join(refused.output.split())) == (1, True), refused.output
    assert await answered(fresh_database, *LETTERS, "list", **said) == [letter]

    await log.append(numbered(KEY, [0]))
    (stored,) = await log.stored()
    out = to_kafka(stored, log.prefix)
    async with log.producer() as producer:
        sent = await producer.send_and_wait(out.topic, out.value, out.key, out.partition, headers=list(out.headers))
    (ours,) = [one for one in await log.raw_all() if one.offset == sent.offset and one.partition == out.partition]
    log.clock.advance(1)
    await _noted(log, ours)  # as an older reader would have, which did not know it
    (_, later) = await answered(fresh_database, *LETTERS, "list", **said)
    done = await answered(fresh_database, *LETTERS, "reread", later["letter"], "--reason", "a new version", **said)
    assert done == {"reread": later["letter"]}
    assert await answered(fresh_database, *LETTERS, "list", **said) == [letter]
