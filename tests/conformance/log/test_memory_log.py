"""The contract of the log over memory."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.runtime.clock import ManualClock
from services.runtime.log import NewRecord
from services.runtime.store.memory import MemoryLeases, MemoryStore
from services.runtime.wake import Wake
from tests.conformance.log.consumer_contract import ConsumerContract, LeaseContract
from tests.conformance.log.harness import Backend
from tests.conformance.log.log_contract import LogContract
from tests.conformance.log.parking_contract import ParkingContract


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


class TestMemoryLeases(LeaseContract):
    """Leases in memory."""


class TestMemoryParking(ParkingContract):
    """Parking in memory."""
