"""What an operator reads again, over every backend."""

from __future__ import annotations

from datetime import timedelta

from services.runtime.log import NewRecord, partition_of
from services.runtime.replay import positions_at, records_of, rewinds
from tests.conformance.log.harness import (
    NAME,
    OUTPUT,
    TOPIC,
    Backend,
    copy_to_output,
    key_number,
    numbered,
    same_partition_keys,
)

ONE, OTHER = same_partition_keys(2)
AWAY = next(key_number(n) for n in range(1, 99) if partition_of(key_number(n)) != partition_of(ONE))


class ReplayContract:
    """Reading again by time and by case; by position is an operator's rewind, which consumers' contract has."""

    async def test_a_replay_from_a_moment_applies_all_since_and_nothing_before(
        self, backend: Backend
    ) -> None:
        """What was appended at that moment or later is applied again, in order, in every partition."""
        for minute in range(7):
            await backend.append([*numbered(ONE, [minute]), *numbered(AWAY, [minute + 100])])
            backend.clock.advance(60)
        consumer = backend.consumer(copy_to_output)
        assert await consumer.run_once() == 14
        moment = backend.clock.now() - timedelta(minutes=3)
        wanted = await positions_at(backend.log, TOPIC, moment)
        for partition, offset in rewinds(await backend.log.heads(TOPIC), wanted).items():
            await backend.leases.rewind(NAME, TOPIC, partition, offset)
        await backend.append(numbered(ONE, [7]))
        await consumer.run_once()
        values = [int(record.value) for record in await backend.all_of(OUTPUT)]
        assert [value for value in values if value < 100] == [*range(7), 4, 5, 6, 7]
        assert [value for value in values if value >= 100] == [*range(100, 107), 104, 105, 106]

    async def test_a_moment_outside_the_log_is_its_beginning_or_its_end(self, backend: Backend) -> None:
        """Before the first record everything is read again, after the last nothing is."""
        await backend.append([*numbered(ONE, range(3)), *numbered(AWAY, [3])])
        now = backend.clock.now()
        assert set((await positions_at(backend.log, TOPIC, now)).values()) == {-1}
        later = await positions_at(backend.log, TOPIC, now + timedelta(microseconds=1))
        assert later == await backend.log.heads(TOPIC) == {partition_of(ONE): 2, partition_of(AWAY): 0}

    async def test_a_replay_never_skips_forward(self, backend: Backend) -> None:
        """A consumer that has not come as far as the wanted place stays where it is."""
        await backend.append(numbered(ONE, range(5)))
        wanted = await positions_at(backend.log, TOPIC, backend.clock.now() + timedelta(days=1))
        assert rewinds({partition_of(ONE): 2}, wanted) == rewinds({}, wanted) == {}
        assert rewinds({partition_of(ONE): 5}, wanted) == {partition_of(ONE): 4}

    async def test_a_case_is_read_again_alone(self, backend: Backend) -> None:
        """All its records come in order, none of another case of its partition, and nothing is appended."""
        for number in range(4):
            mine = [NewRecord(TOPIC, ONE, f"{number}".encode(), {"n": b"1"}), *numbered(OTHER, [number + 10])]
            await backend.append(mine)
        before = await backend.log.heads(TOPIC)
        found = [record async for record in records_of(backend.log, TOPIC, ONE)]
        assert [(record.key, record.value) for record in found] == [(ONE, b"%d" % n) for n in range(4)]
        assert found == [record for record in await backend.all_of(TOPIC) if record.key == ONE]
        assert (await backend.log.heads(TOPIC), await backend.all_of(OUTPUT)) == (before, [])
