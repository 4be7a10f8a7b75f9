"""Brings what a world's log holds to Kafka, as the relay does."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.topics import Topic
from deploy.kafka.access import Access
from services.relay import bootstrap
from services.runtime.consumer import ConsumerLoop, Prepare, Step
from services.runtime.lease import PostgresLeases
from services.runtime.wake import Wake
from tests.support.services_world import ServicesWorld


async def carry(world: ServicesWorld, access: Access, topics: Sequence[Topic], prefix: str = "") -> int:
    """Send what is new on ``topics``, which the cluster has; returns how many records went."""
    store = world.store

    def consume(name: str, names: Sequence[str], step: Step, prepare: Prepare) -> ConsumerLoop:
        return ConsumerLoop(
            name, names, step, store=store, leases=PostgresLeases(store.pool), log=store.log, clock=world.clock,
            wake=Wake(), owner="relay", prepare=prepare,
        )  # fmt: skip

    relay, sender = bootstrap.bootstrap(
        kafka=access.for_aiokafka(), prefix=prefix, consume=consume, topics=[topic.topic for topic in topics]
    )
    try:
        return await relay.run_once()
    finally:
        await sender.close()
