"""The contract of the log over memory."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.runtime.clock import ManualClock
from services.runtime.log import NewRecord, StoredRecord
from services.runtime.store import UnitOfWork
from services.runtime.store.memory import MemoryLeases, MemoryStore
from services.runtime.wake import Wake
from tests.conformance.log.consumer_contract import KEY, ConsumerContract, LeaseContract, output_values
from tests.conformance.log.harness import Backend, copy_to_output, numbered
from tests.conformance.log.log_contract import LogContract
from tests.conformance.log.parking_contract import ParkingContract
from tests.conformance.log.replay_contract import ReplayContract


@pytest.fixture
async def backend() -> Backend:
    clock, wake = ManualClock(datetime(2026, 1, 1, tzinfo=UTC)), Wake()
    store = MemoryStore(clock, wake, UUID(int=7))

    async def append_slowly(records: Sequence[NewRecord], round_trips: int) -> None:
        store.log.append(records, clock.now())
        for _ in range(round_trips):
            await asyncio.sleep(0)

    return Backend(store, store.log, MemoryLeases(store), clock, wake, append_slowly)


class TestMemoryLog(LogContract):
    """Appending and reading in memory."""


class TestMemoryConsumer(ConsumerContract):
    """Consuming over memory."""

    async def test_the_loop_outlives_any_number_of_failures(self, backend: Backend) -> None:
        """More than a thousand refusals in a row end no consumer: then it applies what waited, once."""
        await backend.append(numbered(KEY, [0]))
        failures = [ConnectionResetError() for _ in range(5_500)]
        stop = asyncio.Event()

        async def step(work: UnitOfWork, records: Sequence[StoredRecord]) -> None:
            if failures:
                raise failures.pop()
            await copy_to_output(work, records)
            stop.set()

        await backend.consumer(step).run(stop)
        assert await output_values(backend) == [0]


class TestMemoryLeases(LeaseContract):
    """Leases in memory."""


class TestMemoryParking(ParkingContract):
    """Parking in memory."""


class TestMemoryReplay(ReplayContract):
    """Reading again in memory."""
