"""The contract of the log over PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

import pytest

from services.runtime.clock import ManualClock
from services.runtime.lease import PostgresLeases
from services.runtime.log import NewRecord
from services.runtime.log.postgres import append
from services.runtime.store.postgres import PostgresStore
from services.runtime.wake import Wake
from tests.conformance.log.consumer_contract import ConsumerContract, LeaseContract
from tests.conformance.log.harness import Backend
from tests.conformance.log.log_contract import LogContract
from tests.conformance.log.parking_contract import ParkingContract
from tests.conformance.log.replay_contract import ReplayContract
from tests.support.postgres import FreshDatabase


@pytest.fixture
async def backend(fresh_database: FreshDatabase) -> AsyncIterator[Backend]:
    clock, wake = ManualClock(datetime(2026, 1, 1, tzinfo=UTC)), Wake()
    store = await PostgresStore.connect(fresh_database.dsn, clock, wake)

    async def append_slowly(records: Sequence[NewRecord], round_trips: int) -> None:
        async with store.pool.acquire() as connection, connection.transaction():
            await append(connection, records, clock.now(), notify=False)
            for _ in range(round_trips):
                await connection.fetchval("select 1")

    yield Backend(store, store.log, PostgresLeases(store.pool), clock, wake, append_slowly)
    await store.close()


class TestPostgresLog(LogContract):
    """Appending and reading in PostgreSQL."""


class TestPostgresConsumer(ConsumerContract):
    """Consuming over PostgreSQL."""


class TestPostgresLeases(LeaseContract):
    """Leases in PostgreSQL."""


class TestPostgresParking(ParkingContract):
    """Parking in PostgreSQL."""


class TestPostgresReplay(ReplayContract):
    """Reading again in PostgreSQL."""
