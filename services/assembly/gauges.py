"""Gauges, read when somebody looks: what waits, and for how long."""

from __future__ import annotations

from services.assembly.instance import Instance
from services.portal import store as portal_store
from services.runtime.consumer import ConsumerLoop
from services.runtime.positions import behind


async def measured(instance: Instance) -> bytes:
    """All that was counted, with the gauges of this instant, in Prometheus' text format."""
    metrics, clock, store = instance.metrics, instance.edges.clock, instance.edges.store
    async with store.pool.acquire() as connection:
        oldest = await portal_store.oldest_unanswered_at(connection)
        parked = await connection.fetchval("select count(*) from delivery.lanes where state = 'parked'")
        keys = await connection.fetch("select consumer, count(*) from runtime.parked_keys group by consumer")
    reviews = await _open_reviews(instance)
    age = 0.0 if oldest is None else (clock.now() - oldest).total_seconds()
    metrics.set("sampan_oldest_unanswered_age_seconds", age)
    metrics.set("sampan_lanes_parked", parked)
    metrics.set("sampan_reviews_open", reviews)
    standing = {row["consumer"]: row["count"] for row in keys}
    for consumer in _followers(instance):
        waiting = await behind(store, consumer.name, consumer.topics) + await consumer.behind_others()
        metrics.set("sampan_lag_records", waiting, consumer=consumer.name)
        metrics.set("sampan_keys_parked", standing.get(consumer.name, 0), consumer=consumer.name)
    return instance.metrics.text()


def _followers(instance: Instance) -> list[ConsumerLoop]:
    """Those whose positions stand in this process's database: of others it cannot say how far they are."""
    edges = instance.edges
    if edges.is_apart:
        return [instance.router]
    is_beside_routers = edges.homes is not None or bool(edges.others())
    return [*([] if is_beside_routers else [instance.router]), instance.aliases, instance.delivery]


async def _open_reviews(instance: Instance) -> int:
    """Where they are kept: in routers' own databases, or in the one."""
    homes = instance.edges.homes
    stores = [home.store for home in homes.all] if homes is not None else [instance.edges.store]
    counts = [
        await store.pool.fetchval("select count(*) from router.reviews where state = 'open'")
        for store in stores
    ]
    return sum(counts)
