"""Several databases' logs on the same topics of one cluster, each read as if it were alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from deploy.kafka.access import Access
from services.runtime.log import partition_of
from services.runtime.log.kafka import Source, reading_logs
from tests.conformance.log.harness import OUTPUT, TOPIC, copy_to_output, key_number, numbered
from tests.support.database_copies import Days, days
from tests.support.kafka_log import NAMES, KafkaLog, kafka_log

__all__ = ["days"]  # a fixture

KEY = key_number(11)
PARTITION = partition_of(KEY)


@pytest.fixture
async def logs(days: Days, kafka: Access, kafka_prefix: str) -> AsyncIterator[list[KafkaLog]]:
    """Three databases: a consumer's, another's that it follows, and one that it does not know."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(kafka_log(days.first(), kafka, prefix=kafka_prefix))
            for _ in range(3)
        ]


async def test_each_log_is_read_whole_and_the_unknown_one_is_passed_over(logs: list[KafkaLog]) -> None:
    """Records of three logs lie mixed in one partition: two are followed, each in its order, and none of the third."""
    mine, theirs, unknown = logs
    for number in range(6):
        for log, first in ((mine, 0), (theirs, 100), (unknown, 666)):
            await log.append(numbered(KEY, [first + number]))
            await log.carry()
    sources = [Source(mine.log_id), Source(theirs.log_id)]
    async with reading_logs(mine.kafka, sources, NAMES, prefix=mine.prefix) as both:
        for log in (mine, theirs):
            assert await both.of(log.log_id).read(TOPIC, PARTITION, -1, 100) == await log.stored()
        loop = mine.consumer(both.of(mine.log_id), copy_to_output, others=lambda: [both.of(theirs.log_id)])
        assert await loop.run_once() == 12
    found = [int(record.value) for record in await mine.stored(OUTPUT)]
    assert [n for n in found if n < 100] == list(range(6))
    assert [n for n in found if n >= 100] == list(range(100, 106))


async def test_a_log_that_is_added_later_is_found_however_far_back_it_lies(
    logs: list[KafkaLog], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its records were passed over before it was known, and many others' lie behind them: none is missed, and what
    is in the windows of the others stays."""
    monkeypatch.setattr("services.runtime.log.kafka.WINDOW_RECORDS", 4)
    mine, theirs, _ = logs
    await theirs.append(numbered(KEY, range(100, 103)))
    await theirs.carry()
    await mine.append(numbered(KEY, range(40)))
    await mine.carry()
    async with reading_logs(mine.kafka, [Source(mine.log_id)], NAMES, prefix=mine.prefix) as read:
        reader, other = read.of(mine.log_id), read.of(theirs.log_id)
        assert await reader.heads(TOPIC) == {PARTITION: 39}
        assert await other.heads(TOPIC) == {}
        await read.add(Source(theirs.log_id))
        assert await other.heads(TOPIC) == {PARTITION: 2}
        assert await other.read(TOPIC, PARTITION, -1, 10) == await theirs.stored()
        assert await reader.read(TOPIC, PARTITION, -1, 100) == await mine.stored()


async def test_nobody_looks_back_for_a_log_where_it_never_spoke(
    logs: list[KafkaLog], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log that is known to have said nothing in a partition costs no search of it; what it says later is read."""
    monkeypatch.setattr("services.runtime.log.kafka.WINDOW_RECORDS", 4)
    mine, theirs, _ = logs
    await theirs.append(numbered(KEY, range(100, 140)))
    await theirs.carry()
    sources = [Source(mine.log_id, {}), Source(theirs.log_id)]
    async with reading_logs(mine.kafka, sources, NAMES, prefix=mine.prefix) as read:
        fetched = await read._newest.position(read.place(TOPIC, PARTITION))
        assert (fetched, len(read.window(theirs.log_id, read.place(TOPIC, PARTITION)).behind(-1, 100))) == (
            40,
            4,
        )
        await mine.append(numbered(KEY, [1]))
        await mine.carry()
        assert await read.of(mine.log_id).read(TOPIC, PARTITION, -1, 10) == await mine.stored()


async def test_a_shard_fetches_its_own_partitions_alone(logs: list[KafkaLog]) -> None:
    """What stands in another shard's partitions is neither fetched nor applied."""
    mine, theirs, _ = logs
    away = next(key for number in range(100) if partition_of(key := key_number(number)) != PARTITION)
    await theirs.append([*numbered(KEY, [1]), *numbered(away, [2])])
    await theirs.carry()
    sources = [Source(mine.log_id), Source(theirs.log_id)]
    async with reading_logs(mine.kafka, sources, NAMES, prefix=mine.prefix, partitions=[PARTITION]) as read:
        loop = mine.consumer(
            read.of(mine.log_id),
            copy_to_output,
            others=lambda: [read.of(theirs.log_id)],
            partitions=[PARTITION],
        )
        assert await read.of(theirs.log_id).heads(TOPIC) == {PARTITION: 0}
        assert await loop.run_once() == 1
    assert [int(record.value) for record in await mine.stored(OUTPUT)] == [1]
    owned = await mine.store.pool.fetch("select partition from runtime.leases where consumer = 'router'")
    assert [row["partition"] for row in owned] == [PARTITION]
