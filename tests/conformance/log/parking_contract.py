"""What a record that cannot be applied may stop: its own key, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.runtime.failures import NotOurs
from services.runtime.log import NewRecord, StoredRecord
from services.runtime.store import UnitOfWork
from tests.conformance.log.harness import (
    OUTPUT,
    TOPIC,
    Backend,
    copy_to_output,
    numbered,
    same_partition_keys,
)

SICK, WELL = same_partition_keys(2)


@dataclass
class PoisonStep:
    """Copies records to the output, and fails at the values in ``poison``."""

    poison: set[bytes] = field(default_factory=lambda: {b"2"})
    error: Exception = field(default_factory=lambda: ValueError("a value that no log may show"))

    async def __call__(self, work: UnitOfWork, records: Sequence[StoredRecord]) -> None:
        for record in records:
            await copy_to_output(work, [record])
            if record.key == SICK and record.value in self.poison:
                raise self.error


async def output_of(backend: Backend, key: object) -> list[bytes]:
    return [record.value for record in await backend.all_of(OUTPUT) if record.key == key]


class ParkingContract:
    """Parking, overtaking, releasing."""

    async def test_poison_parks_only_its_key(self, backend: Backend) -> None:
        """What follows the failed record under its key waits; another key of the same partition flows."""
        await backend.append(numbered(SICK, range(1, 5)) + numbered(WELL, range(1, 5)))
        consumer = backend.consumer(PoisonStep())
        assert await consumer.run_once() == 8
        await backend.append(numbered(SICK, [5]) + numbered(WELL, [5]))
        assert await consumer.run_once() == 2
        assert await output_of(backend, SICK) == [b"1"]
        assert await output_of(backend, WELL) == [b"1", b"2", b"3", b"4", b"5"]

    async def test_a_parked_key_stays_parked_for_a_successor(self, backend: Backend) -> None:
        """Another process that takes the partition over finds the key parked."""
        await backend.append(numbered(SICK, [2]))
        first = backend.consumer(PoisonStep(), owner="first")
        await first.run_once()
        await backend.leases.release(first.name, "first")
        await backend.append(numbered(SICK, [3]))
        await backend.consumer(copy_to_output, owner="second").run_once()
        assert await output_of(backend, SICK) == []

    async def test_another_consumer_is_not_concerned(self, backend: Backend) -> None:
        """A key is parked for the consumer that failed, not for the others."""
        await backend.append(numbered(SICK, [2, 3]))
        await backend.consumer(PoisonStep(), name="router").run_once()
        await backend.consumer(copy_to_output, name="ledger").run_once()
        assert await output_of(backend, SICK) == [b"2", b"3"]

    async def test_a_release_applies_in_order_and_frees_the_key(self, backend: Backend) -> None:
        """Released records come in the order they arrived, then new ones flow again."""
        step = PoisonStep()
        consumer = backend.consumer(step, batch_max=2)
        await backend.append(numbered(SICK, range(1, 7)))
        await consumer.run_once()
        step.poison.clear()
        assert await consumer.release_parked(SICK) == 5
        await backend.append(numbered(SICK, [7]))
        await consumer.run_once()
        assert await output_of(backend, SICK) == [str(n).encode() for n in range(1, 8)]
        assert await consumer.release_parked(SICK) == 0

    async def test_a_release_stops_where_it_fails_again(self, backend: Backend) -> None:
        """What comes before the record that fails again counts; that record and the rest stay parked."""
        step = PoisonStep()
        consumer = backend.consumer(step)
        await backend.append(numbered(SICK, [2, 3, 4, 5]))
        await consumer.run_once()
        step.poison = {b"4"}
        assert await consumer.release_parked(SICK) == 2
        await backend.append(numbered(SICK, [6]))
        await consumer.run_once()
        assert await output_of(backend, SICK) == [b"2", b"3"]
        step.poison = set()
        assert await consumer.release_parked(SICK) == 3
        assert await output_of(backend, SICK) == [b"2", b"3", b"4", b"5", b"6"]

    async def test_bytes_that_are_not_ours_go_to_the_dead_letters(self, backend: Backend) -> None:
        """They are kept with their bytes and headers, and neither their key nor the position waits."""
        step = PoisonStep(error=NotOurs("The record cannot be framed."))
        headers = {"from": b"\x00 elsewhere"}
        await backend.append([NewRecord(TOPIC, SICK, b"2", headers), *numbered(SICK, [3])])
        assert await backend.consumer(step).run_once() == 2
        assert await output_of(backend, SICK) == [b"3"]
        (dead,) = await backend.all_of(TOPIC + "-dlq")
        assert (dead.key, dead.value, dead.headers["from"]) == (SICK, b"2", headers["from"])
        log_id, topic, _, offset = dead.headers["sampan_origin"].decode().split("/")
        assert (log_id, topic, offset) == (str(await backend.log.log_id()), TOPIC, "0")
