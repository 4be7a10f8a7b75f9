"""What every log and every unit of work must do. A backend inherits this and gives ``backend``."""

from __future__ import annotations

import asyncio
import random
from uuid import UUID

import pytest

from services.runtime.log import MAX_RECORD_BYTES, NewRecord, RecordTooLarge, partition_of
from services.runtime.store import UnitOfWork
from tests.conformance.log.harness import OUTPUT, TOPIC, Backend, key_number, numbered

WRITERS = 6
APPENDS = 12


class LogContract:
    """Appending and reading."""

    async def test_offsets_are_dense_in_each_partition(self, backend: Backend) -> None:
        """Offsets of a partition are 0, 1, 2 and so on, and the head is the newest."""
        await backend.append([NewRecord(TOPIC, key_number(n), b"") for n in range(100)])
        offsets: dict[int, list[int]] = {}
        for record in await backend.all_of(TOPIC):
            offsets.setdefault(record.position.partition, []).append(record.position.offset)
        assert len(offsets) > 6
        for partition, found in offsets.items():
            assert found == list(range(len(found)))
            assert await backend.log.head(TOPIC, partition) == len(found) - 1

    async def test_records_of_one_key_keep_their_order(self, backend: Backend) -> None:
        """What was emitted first for a key is read first, within and across units of work."""
        key = key_number(7)
        await backend.append(numbered(key, range(5)))
        await backend.append(numbered(key_number(8), range(3)) + numbered(key, range(5, 9)))
        values = [record.value for record in await backend.all_of(TOPIC) if record.key == key]
        assert values == [str(n).encode() for n in range(9)]

    async def test_a_record_is_read_as_it_was_written(self, backend: Backend) -> None:
        """Key, bytes, headers, record time and place are exactly those of the append."""
        key, headers = key_number(3), {"ce_id": b"\x00\xff", "empty": b"", "ü": b"x" * 300}
        async with backend.store.unit_of_work() as work:
            work.emit(NewRecord(TOPIC, key, bytes(range(256)), headers))
        (record,) = await backend.all_of(TOPIC)
        assert (record.key, record.value, record.headers) == (key, bytes(range(256)), headers)
        assert record.appended_at == work.now == backend.clock.now()
        assert [record.position] == list(work.appended)
        assert record.position.partition == partition_of(key)
        assert record.position.log_id == await backend.log.log_id()

    async def test_reading_starts_behind_an_offset_and_stops_at_the_limit(self, backend: Backend) -> None:
        """``after_offset`` is not repeated, and no more than ``limit`` records come."""
        key = key_number(4)
        await backend.append(numbered(key, range(10)))
        read = await backend.log.read(TOPIC, partition_of(key), 3, 4)
        assert [record.position.offset for record in read] == [4, 5, 6, 7]
        assert not await backend.log.read(TOPIC, partition_of(key), 9, 4)

    async def test_places_are_read_where_they_are(self, backend: Backend) -> None:
        """Each record of the places asked for comes once; a place where nothing stands gives nothing."""
        one = key_number(1)
        other = next(key for n in range(2, 99) if partition_of(key := key_number(n)) != partition_of(one))
        await backend.append(numbered(one, range(3)) + numbered(other, range(2)))
        here, there = partition_of(one), partition_of(other)
        read = await backend.log.read_at(TOPIC, [(here, 2), (there, 1), (here, 2), (here, 3), (here, -1)])
        found = {(record.position.partition, record.position.offset): record.value for record in read}
        assert (len(read), found) == (2, {(here, 2): b"2", (there, 1): b"1"})
        assert not await backend.log.read_at(OUTPUT, [(here, 0)])

    async def test_an_empty_partition_has_no_head(self, backend: Backend) -> None:
        """The head of what was never written is -1."""
        assert await backend.log.head(TOPIC, 0) == -1
        assert await backend.log.heads(TOPIC) == {}

    async def test_a_failed_unit_of_work_appends_nothing(self, backend: Backend) -> None:
        """An exception inside a unit of work leaves no record and no hole."""
        with pytest.raises(RuntimeError):
            await self._fail_after_emitting(backend, key_number(1))
        assert await backend.all_of(TOPIC) == []
        await backend.append(numbered(key_number(1), [1]))
        assert [record.position.offset for record in await backend.all_of(TOPIC)] == [0]

    async def _fail_after_emitting(self, backend: Backend, key: UUID) -> None:
        async with backend.store.unit_of_work() as work:
            work.emit(NewRecord(TOPIC, key, b"lost"))
            raise RuntimeError

    async def test_a_failed_savepoint_undoes_only_itself(self, backend: Backend) -> None:
        """Records emitted in a failed part disappear; those before and after it stay."""
        key = key_number(2)
        async with backend.store.unit_of_work() as work:
            work.emit(NewRecord(TOPIC, key, b"before"))
            with pytest.raises(RuntimeError):
                await self._fail_in_a_savepoint(work, key)
            work.emit(NewRecord(TOPIC, key, b"after"))
        assert [record.value for record in await backend.all_of(TOPIC)] == [b"before", b"after"]

    async def _fail_in_a_savepoint(self, work: UnitOfWork, key: UUID) -> None:
        async with work.savepoint():
            work.emit(NewRecord(TOPIC, key, b"inside"))
            raise RuntimeError

    async def test_an_oversize_record_is_refused(self, backend: Backend) -> None:
        """A record beyond the limit is refused with a code, headers count, and one at the limit passes."""
        key = key_number(5)
        async with backend.store.unit_of_work() as work:
            work.emit(NewRecord(TOPIC, key, b"x" * (MAX_RECORD_BYTES - 4), {"ab": b"cd"}))
            with pytest.raises(RecordTooLarge) as refused:
                work.emit(NewRecord(TOPIC, key, b"x" * (MAX_RECORD_BYTES - 3), {"ab": b"cd"}))
        assert refused.value.code == "record-too-large"
        assert len(await backend.all_of(TOPIC)) == 1

    async def test_one_unit_of_work_may_write_several_topics(self, backend: Backend) -> None:
        """Each topic counts its own offsets."""
        key = key_number(6)
        await backend.append([*numbered(key, [1]), NewRecord(OUTPUT, key, b"a"), *numbered(key, [2])])
        assert [record.position.offset for record in await backend.all_of(TOPIC)] == [0, 1]
        assert [record.position.offset for record in await backend.all_of(OUTPUT)] == [0]

    async def test_every_reader_sees_every_offset_in_order(self, backend: Backend) -> None:
        """Writers that pause between taking an offset and committing make no reader skip a record."""
        dice = random.Random(20260101)
        finished = asyncio.Event()
        readers = [asyncio.create_task(_follow(backend, finished)) for _ in range(3)]
        await asyncio.gather(*(_write_slowly(backend, dice, writer) for writer in range(WRITERS)))
        finished.set()
        written = WRITERS * APPENDS * 3
        for seen in await asyncio.gather(*readers):
            assert sum(len(offsets) for offsets in seen.values()) == written
            for offsets in seen.values():
                assert offsets == list(range(len(offsets)))

    async def test_appending_wakes_the_waiting_reader(self, backend: Backend) -> None:
        """Whoever waits for a topic is woken by a commit to it, also by one just before it began to wait."""
        seen = backend.wake.seen([TOPIC])
        await backend.append(numbered(key_number(9), [1]))
        await backend.wake.wait([TOPIC], seen, timeout_seconds=3600)
        assert backend.wake.seen([TOPIC]) == seen + 1


async def _write_slowly(backend: Backend, dice: random.Random, writer: int) -> None:
    for turn in range(APPENDS):
        keys = [key_number(dice.randrange(50)) for _ in range(3)]
        records = [NewRecord(TOPIC, key, f"{writer}/{turn}".encode()) for key in keys]
        await backend.append_slowly(records, dice.randrange(20))


async def _follow(backend: Backend, finished: asyncio.Event) -> dict[int, list[int]]:
    """Read as a consumer does, from the newest offset seen, until all writers have finished."""
    seen: dict[int, list[int]] = {partition: [] for partition in range(12)}
    last_round = False
    while True:
        after = {partition: offsets[-1] if offsets else -1 for partition, offsets in seen.items()}
        for record in await backend.log.read_many(TOPIC, after, 1000):
            seen[record.position.partition].append(record.position.offset)
        if last_round:
            return seen
        last_round = finished.is_set()
        await asyncio.sleep(0)
