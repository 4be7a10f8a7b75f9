"""What every consumer must do over every backend: each record once, in order, under one owner."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest

from services.runtime.failures import GapError, LogReplacedError
from services.runtime.lease import LEASE_SECONDS
from services.runtime.log import NewRecord, StoredRecord, partition_of
from services.runtime.store import Advance, FencedError, UnitOfWork
from tests.conformance.log.harness import (
    NAME,
    OUTPUT,
    TOPIC,
    Backend,
    CrashingStore,
    FaultyReader,
    ProcessKilled,
    copy_to_output,
    key_number,
    line_breaks,
    numbered,
)

KEY = key_number(11)
SEAMS = ["before begin", "position set", "step done", "committed"]


async def output_values(backend: Backend) -> list[int]:
    return [int(record.value) for record in await backend.all_of(OUTPUT)]


class ConsumerContract:
    """Applying records."""

    async def test_everything_that_waits_is_applied_once(self, backend: Backend) -> None:
        """One round handles all records in order; the next finds nothing."""
        await backend.append(numbered(KEY, range(30)))
        consumer = backend.consumer(copy_to_output, batch_max=8)
        assert await consumer.run_once() == 30
        assert await consumer.run_once() == 0
        assert await output_values(backend) == list(range(30))

    async def test_all_partitions_are_followed(self, backend: Backend) -> None:
        """A round covers every partition, however small its batches are."""
        await backend.append([NewRecord(TOPIC, key_number(n), b"1") for n in range(60)])
        assert await backend.consumer(copy_to_output, batch_max=2).run_once() == 60
        assert len(await backend.all_of(OUTPUT)) == 60

    async def test_two_consumers_each_get_everything(self, backend: Backend) -> None:
        """Positions belong to a consumer's name."""
        await backend.append(numbered(KEY, range(3)))
        assert await backend.consumer(copy_to_output, name="router").run_once() == 3
        assert await backend.consumer(copy_to_output, name="ledger").run_once() == 3

    @pytest.mark.parametrize("seam", SEAMS)
    async def test_no_step_counts_twice_after_a_kill(self, backend: Backend, seam: str) -> None:
        """Killed between any two statements, the next process applies exactly what was not committed."""
        await backend.append(numbered(KEY, range(10)))
        killed = backend.consumer(
            copy_to_output, store=CrashingStore(backend.store, seam), batch_max=4, owner="killed"
        )
        with pytest.raises(ProcessKilled):
            await killed.run_once()
        backend.clock.advance(LEASE_SECONDS)
        await backend.consumer(copy_to_output, owner="successor").run_once()
        assert await output_values(backend) == list(range(10))

    @pytest.mark.parametrize("seam", ["step done", "committed"])
    async def test_an_unknown_commit_is_looked_up(self, backend: Backend, seam: str) -> None:
        """When the line breaks around the commit, the stored position decides whether the step counts."""
        await backend.append(numbered(KEY, range(6)))
        consumer = backend.consumer(copy_to_output, store=line_breaks(backend.store, seam), batch_max=3)
        assert await consumer.run_once() == 6
        assert await output_values(backend) == list(range(6))

    async def test_a_zombie_is_fenced(self, backend: Backend) -> None:
        """An owner that did not notice the loss of its lease commits nothing."""
        await backend.append(numbered(KEY, range(4)))
        zombie = backend.consumer(copy_to_output, owner="zombie")
        assert await zombie.run_once() == 4
        backend.clock.advance(LEASE_SECONDS)
        await backend.append(numbered(KEY, range(4, 6)))
        assert await backend.consumer(copy_to_output, owner="successor").run_once() == 2
        backend.clock.advance(-LEASE_SECONDS)  # the zombie's clock stood still meanwhile
        await backend.append(numbered(KEY, [6]))
        assert await zombie.run_once() == 0
        assert await output_values(backend) == list(range(6))

    async def test_an_old_epoch_cannot_begin(self, backend: Backend) -> None:
        """A unit of work under an epoch that has passed is refused at its first statement."""
        partition = partition_of(KEY)
        (old,) = await backend.leases.acquire(NAME, TOPIC, [partition], "old", backend.clock.now())
        backend.clock.advance(LEASE_SECONDS)
        (new,) = await backend.leases.acquire(NAME, TOPIC, [partition], "new", backend.clock.now())
        assert new.epoch == old.epoch + 1
        log_id = await backend.log.log_id()
        with pytest.raises(FencedError):
            async with backend.store.unit_of_work([_advance(log_id, old.epoch, partition)]):
                pytest.fail("an old epoch began a step")
        async with backend.store.unit_of_work([_advance(log_id, new.epoch, partition)]):
            pass

    async def test_an_operators_rewind_fences_the_owner(self, backend: Backend) -> None:
        """After a rewind the former owner's step is refused, and a new one starts at the rewound place."""
        await backend.append(numbered(KEY, range(3)))
        partition = partition_of(KEY)
        consumer = backend.consumer(copy_to_output)
        await consumer.run_once()
        (held,) = [own for own in await backend.leases.owned(NAME, "first") if own.partition == partition]
        ((log_id, applied),) = held.applied.items()
        await backend.leases.rewind(NAME, TOPIC, partition, 0)
        with pytest.raises(FencedError):
            async with backend.store.unit_of_work([_advance(log_id, held.epoch, partition, applied)]):
                pytest.fail("a step went on after the rewind")
        await backend.append(numbered(KEY, [3]))
        await consumer.run_once()
        assert await output_values(backend) == [0, 1, 2, 1, 2, 3]

    async def test_a_duplicate_is_dropped(self, backend: Backend) -> None:
        """A record that the log gives twice is applied once."""
        await backend.append(numbered(KEY, range(5)))
        twice = FaultyReader(backend.log, lambda records: [r for record in records for r in (record, record)])
        assert await backend.consumer(copy_to_output, log=twice).run_once() == 5
        assert await output_values(backend) == list(range(5))

    async def test_a_passing_gap_is_alarmed_and_read_again(self, backend: Backend) -> None:
        """A hole that closes by itself costs an alarm and no record."""
        await backend.append(numbered(KEY, range(5)))
        holes = [lambda records: records[:1] + records[2:]]

        def once(records: list[StoredRecord]) -> list[StoredRecord]:
            return holes.pop()(records) if holes else records

        alarms: list[Exception] = []
        consumer = backend.consumer(copy_to_output, log=FaultyReader(backend.log, once), alarm=alarms.append)
        assert await consumer.run_once() == 5
        assert [type(alarm) for alarm in alarms] == [GapError]
        assert await output_values(backend) == list(range(5))

    async def test_a_lasting_gap_is_never_stepped_over(self, backend: Backend) -> None:
        """What follows a hole is not applied, however often it is read."""
        await backend.append(numbered(KEY, range(5)))
        hole = FaultyReader(backend.log, lambda records: [r for r in records if r.position.offset != 2])
        consumer = backend.consumer(copy_to_output, log=hole)
        for _ in range(2):
            with pytest.raises(GapError):
                await consumer.run_once()
        assert await output_values(backend) == [0, 1]

    async def test_a_replaced_log_is_not_followed(self, backend: Backend) -> None:
        """Records of another log id are refused, since their offsets mean other records."""
        await backend.append(numbered(KEY, range(2)))

        def restored(records: list[StoredRecord]) -> list[StoredRecord]:
            return [replace(r, position=replace(r.position, log_id=UUID(int=1))) for r in records]

        consumer = backend.consumer(copy_to_output, log=FaultyReader(backend.log, restored))
        with pytest.raises(LogReplacedError):
            await consumer.run_once()
        assert await output_values(backend) == []

    async def test_a_passing_failure_is_tried_again(self, backend: Backend) -> None:
        """A line that is down for a moment parks nothing."""
        await backend.append(numbered(KEY, range(3)))
        failures = [ConnectionResetError(), ConnectionResetError()]

        async def flaky(work: UnitOfWork, records: Sequence[StoredRecord]) -> None:
            await copy_to_output(work, records)
            if failures:
                raise failures.pop()

        assert await backend.consumer(flaky).run_once() == 3
        assert await output_values(backend) == [0, 1, 2]

    async def test_the_loop_follows_commits_and_gives_its_leases_back(self, backend: Backend) -> None:
        """A running consumer applies what is committed while it waits, and then another takes over."""
        applied = asyncio.Event()

        async def step(work: UnitOfWork, records: Sequence[StoredRecord]) -> None:
            await copy_to_output(work, records)
            if records[-1].value == b"1":
                applied.set()

        stop = asyncio.Event()
        running = asyncio.create_task(backend.consumer(step).run(stop))
        await backend.append(numbered(KEY, [0]))
        await backend.append(numbered(KEY, [1]))
        await applied.wait()
        stop.set()
        await running
        await backend.append(numbered(KEY, [2]))
        await backend.consumer(copy_to_output, owner="second").run_once()
        assert await output_values(backend) == [0, 1, 2]


class LeaseContract:
    """Owning partitions."""

    async def test_a_lease_is_not_taken_before_it_expires(self, backend: Backend) -> None:
        """Another owner gets nothing until the lease has run out, and everything then."""
        start = backend.clock.now()
        assert len(await backend.leases.acquire(NAME, TOPIC, range(12), "a", start)) == 12
        backend.clock.advance(LEASE_SECONDS - 1)
        assert not await backend.leases.acquire(NAME, TOPIC, range(12), "b", backend.clock.now())
        backend.clock.advance(1)
        assert len(await backend.leases.acquire(NAME, TOPIC, range(12), "b", backend.clock.now())) == 12
        assert not await backend.leases.owned(NAME, "a")

    async def test_renewing_keeps_a_lease(self, backend: Backend) -> None:
        """A renewed lease counts from its renewal, and keeps its epoch."""
        (taken,) = await backend.leases.acquire(NAME, TOPIC, [0], "a", backend.clock.now())
        backend.clock.advance(LEASE_SECONDS - 1)
        assert list(await backend.leases.renew(NAME, "a", backend.clock.now())) == [taken]
        backend.clock.advance(LEASE_SECONDS - 1)
        assert not await backend.leases.acquire(NAME, TOPIC, [0], "b", backend.clock.now())

    async def test_a_released_lease_is_free_at_once(self, backend: Backend) -> None:
        """A successor need not wait for the expiry of what was given back."""
        await backend.leases.acquire(NAME, TOPIC, [0, 1], "a", backend.clock.now())
        await backend.leases.release(NAME, "a")
        assert len(await backend.leases.acquire(NAME, TOPIC, [0, 1], "b", backend.clock.now())) == 2

    async def test_no_two_leases_share_an_epoch(self, backend: Backend) -> None:
        """Whatever owners do at the same time, each epoch of a partition is handed out once."""
        dice = random.Random(4)
        handed_out: list[tuple[int, int]] = []
        for _ in range(15):
            now = backend.clock.now()
            taken = await asyncio.gather(
                *(backend.leases.acquire(NAME, TOPIC, range(12), owner, now) for owner in "abcd")
            )
            handed_out += [(own.partition, own.epoch) for held in taken for own in held]
            holders = [own.partition for o in "abcd" for own in await backend.leases.owned(NAME, o)]
            assert sorted(holders) == list(range(12))
            backend.clock.advance(dice.choice([1, LEASE_SECONDS, LEASE_SECONDS * 2]))
            await backend.leases.release(NAME, dice.choice("abcd"))
        assert len(handed_out) == len(set(handed_out))


def _advance(log_id: UUID, epoch: int, partition: int, applied: int = -1) -> Advance:
    return Advance(NAME, TOPIC, partition, log_id, epoch, applied, applied + 1)
