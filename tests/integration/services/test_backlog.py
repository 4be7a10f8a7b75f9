"""Intake goes on while brokers are away, up to a bound; then it says so and the sender keeps the rest."""

from __future__ import annotations

import pytest

from contracts.errors import TryLater
from contracts.topics import TOPICS
from services.assembly.backlog import Backlog
from services.intake.batcher import Batcher
from services.relay.bootstrap import NAME
from services.runtime.consumer import ConsumerLoop
from services.runtime.lease import PostgresLeases
from services.runtime.log import StoredRecord
from services.runtime.store.port import UnitOfWork
from tests.support.services_world import ServicesWorld


async def carried(work: UnitOfWork, records: list[StoredRecord]) -> None:
    """A relay's step: what was sent was sent before."""


async def test_beyond_the_bound_intake_accepts_no_more_until_the_relay_has_carried_on(world: ServicesWorld) -> None:
    """Two records wait where one may: the third is refused with 503, nothing of it is kept, and later it is taken."""
    backlog = Backlog(world.store, [TOPICS["case-events"]], 1)
    batcher = Batcher(world.instance.intake.submit_many, may_accept=backlog.check)
    ngo = world.agency("ngo-th")
    for _ in range(2):
        await backlog.look()
        await batcher.submit((await world.prepared()).submission, ngo)
    await backlog.look()
    third = (await world.prepared()).submission
    before = await world.tables()
    with pytest.raises(TryLater) as refused:
        await batcher.submit(third, ngo)
    assert (refused.value.code, refused.value.http_status) == ("log-backlog", 503)
    assert await world.tables() == before
    relay = ConsumerLoop(NAME, ["case-events"], carried, store=world.store, leases=PostgresLeases(world.store.pool),
                         log=world.store.log, clock=world.clock, wake=world.store.wake, owner="relay")  # fmt: skip
    assert await relay.run_once() == 2
    await backlog.look()
    assert (await batcher.submit(third, ngo)).case_code
