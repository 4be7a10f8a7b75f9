"""A database restored to an earlier day beside a cluster that went on: a new log, carried from its first record."""

from __future__ import annotations

import psycopg
import pytest

from deploy.kafka.access import Access
from services.relay.bootstrap import NAME as RELAY
from services.runtime.failures import LogReplacedError
from services.runtime.log.kafka import reading
from services.runtime.postgres import mint_log_id
from tests.conformance.log.harness import NAME, OUTPUT, TOPIC, copy_to_output, key_number, numbered
from tests.support.database_copies import Days, days
from tests.support.kafka_log import NAMES, KafkaLog, kafka_log
from tests.support.postgres import FreshDatabase

__all__ = ["days"]  # a fixture

KEY = key_number(11)


async def applied(log: KafkaLog) -> list[int]:
    return [int(record.value) for record in await log.stored(OUTPUT)]


async def consume(log: KafkaLog, name: str = NAME) -> int:
    await log.carry()
    async with log.reading() as at:
        return await log.consumer(at, copy_to_output, name=name, owner=name).run_once()


async def test_a_restored_database_is_a_new_log_without_holes(
    days: Days, kafka: Access, kafka_prefix: str
) -> None:
    """The cluster holds what the restored database does not know, and the relay's position is ahead of a consumer's:
    every consumer, old or new, gets each record of the restored log once, and none of the lost day's."""
    yesterday = days.first()
    async with kafka_log(yesterday, kafka, prefix=kafka_prefix) as log:
        await log.append(numbered(KEY, range(3)))
        assert await consume(log) == 3
        await log.append(numbered(KEY, range(3, 6)))
        await log.carry()  # carried, and not consumed
    backup = days.backup(yesterday)
    async with kafka_log(yesterday, kafka, prefix=kafka_prefix) as log:
        await log.append(numbered(KEY, [666, 667]))
        assert await consume(log) == 5
    old_id = log.log_id
    assert mint_log_id(backup.owner_dsn, "restored to yesterday") != old_id
    async with kafka_log(backup, kafka, prefix=kafka_prefix) as log:
        await log.append(numbered(KEY, [6, 7]))
        assert await consume(log) == 5
        assert await applied(log) == list(range(8))
        assert await consume(log, "opened later") == 8
        assert 666 not in await applied(log)
        await log.append(numbered(KEY, [8]))
        assert await consume(log) == 1
        async with log.reading() as at:
            whole = await at.read(TOPIC, (await log.stored())[0].position.partition, -1, 100)
        assert whole == await log.stored()


async def test_the_records_of_the_lost_day_are_no_longer_followed(
    days: Days, kafka: Access, kafka_prefix: str
) -> None:
    """A process that still reads the old log is told that it was replaced, and applies nothing of it."""
    first = days.first()
    async with kafka_log(first, kafka, prefix=kafka_prefix) as log:
        await log.append(numbered(KEY, range(3)))
        await log.carry()
        old_id = log.log_id
    mint_log_id(first.owner_dsn, "restored")
    async with kafka_log(first, kafka, prefix=kafka_prefix) as log:
        async with reading(log.kafka, old_id, NAMES, prefix=log.prefix) as stale:
            with pytest.raises(LogReplacedError):
                await log.consumer(stale, copy_to_output).run_once()
        assert await applied(log) == []


def test_a_new_log_id_sends_the_relay_back(fresh_database: FreshDatabase) -> None:
    """Consumers keep their place under the new id; the relay alone begins again."""
    with psycopg.connect(fresh_database.owner_dsn) as connection:
        connection.execute(
            "insert into runtime.positions (consumer, topic, partition, log_id, applied_offset)"
            " select c, 't', 0, log_id, 7 from log.identity, unnest(%s::text[]) c", [[NAME, RELAY]],
        )  # fmt: skip
    new = mint_log_id(fresh_database.owner_dsn, "restored")
    with psycopg.connect(fresh_database.owner_dsn) as connection:
        rows = connection.execute("select consumer, applied_offset, log_id from runtime.positions").fetchall()
    assert {(name, offset, str(log_id)) for name, offset, log_id in rows} == {
        (NAME, 7, str(new)), (RELAY, -1, str(new))
    }  # fmt: skip


async def test_a_flood_of_others_records_hides_no_head(
    days: Days, kafka: Access, kafka_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the newest records are all another log's or a stranger's, a reader looks further back for ours."""
    monkeypatch.setattr("services.runtime.log.kafka.WINDOW_RECORDS", 4)
    async with kafka_log(days.first(), kafka, prefix=kafka_prefix) as log:
        await log.append(numbered(KEY, range(3)))
        await log.carry()
        partition = (await log.stored())[0].position.partition
        async with log.producer() as stranger:
            for _ in range(50):
                await stranger.send(kafka_prefix + TOPIC, b"junk", partition=partition)
        async with log.reading() as at:
            assert await at.heads(TOPIC) == {partition: 2}
            assert await log.consumer(at, copy_to_output).run_once() == 3
