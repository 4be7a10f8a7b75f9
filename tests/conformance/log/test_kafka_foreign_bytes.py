"""What somebody else puts onto our topics: passed over, kept as dead letters, and nobody's reading ends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from deploy.kafka.access import Access
from services.router.reading import VersionSkew, read
from services.runtime.batch import ORIGIN
from services.runtime.failures import NotOurs
from services.runtime.log import NewRecord, StoredRecord, partition_of
from services.runtime.log.kafka_dead_letters import dead_letters
from services.runtime.log.kafka_records import LOG_ID, RECORDED, SEQUENCE, from_kafka
from services.runtime.store import UnitOfWork
from tests.conformance.log.harness import OUTPUT, TOPIC, copy_to_output, key_number, numbered
from tests.support.kafka_log import KafkaLog, eventually, kafka_log
from tests.support.kafka_raw import send_with_header_name
from tests.support.postgres import FreshDatabase

KEY = key_number(11)
PARTITION = partition_of(KEY)
PLACE = {
    LOG_ID: b"00000000-0000-0000-0000-000000000001",
    SEQUENCE: b"0" * 20,
    RECORDED: b"2026-01-01T00:00:00+00:00",
}
KEY_TEXT = str(KEY).encode()

Pairs = Sequence[tuple[str, bytes | None]]
STRANGE: dict[str, tuple[bytes | None, bytes | None, Pairs]] = {
    "no place": (b"any key", b"any bytes", [("from", b"\x00 elsewhere")]),
    "nothing at all": (None, b"", []),
    "truncated frame": (KEY_TEXT, b"\x00\x00", [("ce_type", b"sampan.event")]),
    "tombstone": (KEY_TEXT, None, list(PLACE.items())),
    "no key": (None, b"x", list(PLACE.items())),
    "header without a value": (KEY_TEXT, b"x", [*PLACE.items(), ("ce_id", None)]),
    "place without a value": (KEY_TEXT, b"x", list((PLACE | {LOG_ID: None}).items())),
    "place said twice": (KEY_TEXT, b"x", [*PLACE.items(), (SEQUENCE, b"9" * 20)]),
    "sequence of another spelling": (KEY_TEXT, b"x", list((PLACE | {SEQUENCE: b" 1_0 "}).items())),
    "id of another spelling": (KEY_TEXT.upper(), b"x", list(PLACE.items())),
    "time without a zone": (KEY_TEXT, b"x", list((PLACE | {RECORDED: b"2026-01-01"}).items())),
    "header soup": (b"\xff" * 99, b"\xfe" * 999, [("", b""), ("ce_id", b"\x00"), ("ce_id", b"\x01")] * 40),
}


@pytest.fixture
async def log(fresh_database: FreshDatabase, kafka: Access, kafka_prefix: str) -> AsyncIterator[KafkaLog]:
    """A log whose topics are the test's own, since strangers' records bear no log id."""
    async with kafka_log(fresh_database, kafka, prefix=kafka_prefix) as opened:
        yield opened


async def applied(log: KafkaLog) -> list[int]:
    return [int(record.value) for record in await log.stored(OUTPUT)]


async def put(log: KafkaLog, key: bytes | None, value: bytes | None, headers: Any) -> int:
    async with log.producer() as producer:
        topic = log.prefix + TOPIC
        sent = await producer.send_and_wait(topic, value, key, PARTITION, headers=list(headers))
    return int(sent.offset)


@pytest.mark.parametrize("name", STRANGE)
def test_only_what_a_relay_writes_is_ours(name: str) -> None:
    """Each of these differs from what a relay writes, and is told apart without an error of another kind."""
    key, value, headers = STRANGE[name]
    with pytest.raises(NotOurs):
        from_kafka(TOPIC, PARTITION, key, value, headers)  # type: ignore[arg-type] # None is what Kafka may give
    from_kafka(TOPIC, PARTITION, KEY_TEXT, b"x", PLACE.items())


async def test_strangers_records_become_dead_letters(log: KafkaLog) -> None:
    """Each goes to the dead letters with key, bytes and headers as they came, once from a process, and is counted;
    what is ours among them is applied."""
    await log.append(numbered(KEY, [0]))
    await log.carry()
    offsets = {name: await put(log, *said) for name, said in STRANGE.items()}
    counts: list[None] = []
    async with dead_letters(log.kafka, lambda: counts.append(None)) as letters, log.reading(letters) as at:
        async with log.reading(letters) as also:  # two readers of one process
            assert await also.heads(TOPIC) == {PARTITION: 0}
        consumer = log.consumer(at, copy_to_output)
        assert await consumer.run_once() == 1
        await log.append(numbered(KEY, [1]))
        await log.carry()
        assert await consumer.run_once() == 1
        await eventually(lambda: len(counts) == len(STRANGE))
    assert await applied(log) == [0, 1]
    dead = {dict(record.headers)[ORIGIN].decode(): record for record in await log.raw_all(f"{TOPIC}-dlq")}
    assert len(await log.raw_all(f"{TOPIC}-dlq")) == len(counts) == len(STRANGE)
    for name, (key, value, headers) in STRANGE.items():
        found = dead[f"kafka/{log.prefix}{TOPIC}/{PARTITION}/{offsets[name]}"]
        assert (found.key, found.value, found.partition) == (key, value, PARTITION)
        assert [pair for pair in found.headers if pair[0] != ORIGIN] == list(headers)


async def test_dead_letters_are_not_buried_twice(log: KafkaLog) -> None:
    """A reader that also reads the dead letters makes no dead letters of them."""
    counts: list[None] = []
    async with dead_letters(log.kafka, lambda: counts.append(None)) as letters, log.reading(letters) as at:
        await put(log, *STRANGE["no place"])
        await at.heads(TOPIC)
        await eventually(lambda: counts)
        assert await at.heads(f"{TOPIC}-dlq") == {}
    assert len(await log.raw_all(f"{TOPIC}-dlq")) == 1


async def test_dead_letters_wait_for_their_topic(log: KafkaLog, kafka: Access) -> None:
    """Where they cannot be sent they hold up nobody, and are sent when they can be."""
    counts: list[None] = []
    nowhere = dict(log.kafka) | {"bootstrap_servers": "127.0.0.1:1"}
    async with dead_letters(nowhere, lambda: counts.append(None)) as letters:
        async with log.reading(letters) as at:
            await put(log, *STRANGE["no place"])
            await log.append(numbered(KEY, [0]))
            await log.carry()
            assert await log.consumer(at, copy_to_output).run_once() == 1
        assert not counts
        letters._kafka = log.kafka  # the brokers are back
        await eventually(lambda: counts)


async def test_a_record_that_the_client_cannot_read_ends_no_reading(log: KafkaLog) -> None:
    """A header name that is no text is passed over by who reads along and by who searches, and by nothing else's
    loss: other partitions' records of the same fetch are applied too."""
    other = next(key_number(n) for n in range(1, 99) if partition_of(key_number(n)) != PARTITION)
    await log.append([*numbered(KEY, range(3)), *numbered(other, range(3))])
    stored = {(r.key, int(r.value)): r for r in await log.stored()}
    async with log.reading() as at:
        topic = log.prefix + TOPIC
        await log.send([stored[KEY, 0], stored[other, 0]])
        for _ in range(2):
            await send_with_header_name(dict(log.kafka), topic, PARTITION, b"unreadable", b"\xff\xfe")
        await log.send([stored[KEY, 1], stored[other, 1]])
        await send_with_header_name(dict(log.kafka), topic, PARTITION, b"unreadable", b"\xff\xfe")
        await log.send([stored[KEY, 2], stored[other, 2]])
        assert await log.consumer(at, copy_to_output).run_once() == 6
        place = [record async for record in _searched(at, PARTITION)]
    assert [record.value for record in place] == [b"0", b"1", b"2"]
    async with log.reading() as later:
        assert await log.consumer(later, copy_to_output, name="ledger").run_once() == 6


async def _searched(reader: Any, partition: int) -> AsyncIterator[StoredRecord]:
    """One partition as a search finds it, the newest records left aside."""
    place, log_id = reader.logs.place(TOPIC, partition), await reader.log_id()
    after = -1
    while found := await reader.logs.search.behind(log_id, place, after, 2):
        for record in found:
            after = record.position.offset
            yield record


async def test_a_schema_that_we_do_not_know_holds_its_key(log: KafkaLog) -> None:
    """On a record of ours it is version skew: the key is parked, nothing becomes a dead letter, others flow.
    Bytes that cannot be framed are no skew: they become one, and their key flows."""
    skewed, cut, well = KEY, key_number(12), key_number(13)
    ours = {"ce_type": b"org.sampan.event"}
    later = b"\x00" + (2**31 - 1).to_bytes(4, "big") + b"a schema of next year"

    async def step(work: UnitOfWork, records: Sequence[StoredRecord]) -> None:
        for record in records:
            if not record.value.isdigit():
                read(record)
            await copy_to_output(work, [record])

    await log.append([NewRecord(TOPIC, skewed, later, ours), *numbered(skewed, [1])])
    await log.append([NewRecord(TOPIC, cut, later[:3], ours), *numbered(cut, [2]), *numbered(well, [3])])
    await log.carry()
    counts: list[None] = []
    async with dead_letters(log.kafka, lambda: counts.append(None)) as letters, log.reading(letters) as at:
        assert await log.consumer(at, step).run_once() == 5
    assert sorted(await applied(log)) == [2, 3]
    rows = await log.store.pool.fetch("select key, error_code from runtime.parked_keys")
    assert [tuple(row) for row in rows] == [(skewed, VersionSkew.default_code)]
    assert [(record.key, record.value) for record in await log.stored(f"{TOPIC}-dlq")] == [(cut, later[:3])]
    assert counts == []
