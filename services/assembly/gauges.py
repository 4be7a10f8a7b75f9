"""Gauges, read when somebody looks: what waits, and for how long."""

from __future__ import annotations

from services.assembly.instance import Instance
from services.portal import store as portal_store
from services.runtime.positions import behind


async def measured(instance: Instance) -> bytes:
    """All that was counted, with the gauges of this instant, in Prometheus' text format."""
    metrics, clock, store = instance.metrics, instance.edges.clock, instance.edges.store
    async with store.pool.acquire() as connection:
        oldest = await portal_store.oldest_unanswered_at(connection)
        parked = await connection.fetchval("select count(*) from delivery.lanes where state = 'parked'")
        keys = await connection.fetch("select consumer, count(*) from runtime.parked_keys group by consumer")
        reviews = await connection.fetchval("select count(*) from router.reviews where state = 'open'")
    age = 0.0 if oldest is None else (clock.now() - oldest).total_seconds()
    metrics.set("sampan_oldest_unanswered_age_seconds", age)
    metrics.set("sampan_lanes_parked", parked)
    metrics.set("sampan_reviews_open", reviews)
    standing = {row["consumer"]: row["count"] for row in keys}
    for consumer in (instance.router, instance.aliases, instance.delivery):
        metrics.set("sampan_lag_records", await behind(store, consumer.name, consumer.topics), consumer=consumer.name)
        metrics.set("sampan_keys_parked", standing.get(consumer.name, 0), consumer=consumer.name)
    return instance.metrics.text()
