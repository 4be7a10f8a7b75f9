"""The whole path, embedded: submitted sealed to opened by three recipients.

Four ways in: single HTTP submits, HTTP batches of 50, in process, and 100 a second for latency. Beside them,
in the same run, a bare append of the same bytes to the same database over the same three hops.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import Any

from benchmarks.http_side import sent, serving
from benchmarks.machine import Meter, report
from benchmarks.world import RECIPIENTS, Bench, bench
from contracts.ids import new_id
from services.intake.candidate import Handed
from services.runtime.log.port import NewRecord

BATCH = 50
_LOOK_SECONDS = 0.002
CONNECTIONS = 32


async def consented(world: Bench, consents: list[bytes]) -> None:
    """Submit the consents and let everything come to rest."""
    for start in range(0, len(consents), BATCH):
        part = consents[start : start + BATCH]
        await world.instance.intake.submit_many([Handed(raw, world.ngo) for raw in part])
    await world.instance.settle()


class Openers:
    """Three recipients, each opening whatever comes into its inbox."""

    def __init__(self, world: Bench) -> None:
        self._world = world
        self.opened = dict.fromkeys(RECIPIENTS, 0)
        self._cursors = dict.fromkeys(RECIPIENTS, 0)

    async def skip_what_is_there(self) -> None:
        """Start behind what earlier runs left."""
        for slug in RECIPIENTS:
            while (page := await self._page(slug)).items:
                self._cursors[slug] = page.next

    async def run(self, slug: str, wanted: int) -> None:
        """Open until ``wanted`` more were opened."""
        inbox, recipient = self._world.instance.inbox, self._agency(slug)
        while self.opened[slug] < wanted:
            page = await self._page(slug)
            await asyncio.gather(*(inbox.open(recipient, item.dispatch, []) for item in page.items))
            self.opened[slug] += len(page.items)
            self._cursors[slug] = page.next
            if not page.items:
                await asyncio.sleep(0.002)

    async def _page(self, slug: str) -> Any:
        return await self._world.instance.inbox.page(self._agency(slug), self._cursors[slug], 100)

    def _agency(self, slug: str) -> Any:
        return self._world.instance.edges.directory.by_slug(slug).agency_id


async def timed(world: Bench, count: int, submit: Any, *, openings: bool) -> dict[str, float]:
    """Submit ``count`` referrals and wait until each is in three inboxes, or opened there."""
    consents, referrals = world.make(count)
    await consented(world, consents)
    openers = Openers(world)
    await openers.skip_what_is_there()
    before = await in_inboxes(world)
    stop = asyncio.Event()
    running = asyncio.create_task(world.instance.run(stop))
    with Meter(world.postgres_pid) as meter:
        tasks = [asyncio.create_task(openers.run(slug, count)) for slug in RECIPIENTS if openings]
        await submit(referrals)
        while await in_inboxes(world) < before + count * len(RECIPIENTS):
            await asyncio.sleep(0.01)
        await asyncio.gather(*tasks)
    stop.set()
    await running
    return meter.per(count)


async def in_inboxes(world: Bench) -> int:
    """How many dispatches lie in all inboxes together."""
    async with world.instance.edges.store.pool.acquire() as connection:
        found: int = await connection.fetchval("select coalesce(sum(cursor), 0) from delivery.inbox_heads")
    return found


async def in_process(world: Bench, referrals: list[bytes]) -> None:
    """Batches straight into intake."""
    for start in range(0, len(referrals), BATCH):
        part = referrals[start : start + BATCH]
        await world.instance.intake.submit_many([Handed(raw, world.ngo) for raw in part])


async def bare_append(world: Bench, count: int) -> dict[str, float]:
    """The baseline: the same bytes appended three times over, in batches, and nothing else."""
    _, referrals = world.make(BATCH)
    store = world.instance.edges.store
    clock, random = world.instance.edges.clock, world.instance.edges.random
    with Meter(world.postgres_pid) as meter:
        for _hop in range(3):
            for _start in range(0, count, BATCH):
                async with store.unit_of_work() as work:
                    for raw in referrals:
                        work.emit(NewRecord("bench", new_id(random, clock.now()), raw))
    return meter.per(count)


async def latency(world: Bench, per_second: int, seconds: int) -> dict[str, float]:
    """Milliseconds from submit to the last of three inboxes, at a steady rate.

    One watcher looks for all that are under way: one for each would load the database more than the referrals do.
    """
    count = per_second * seconds
    consents, referrals = world.make(count)
    await consented(world, consents)
    stop = asyncio.Event()
    running = asyncio.create_task(world.instance.run(stop))
    under_way: dict[Any, float] = {}
    taken: list[float] = []

    async def one(raw: bytes) -> None:
        started = time.perf_counter()
        under_way[(await world.instance.submit(raw, world.ngo)).event_id] = started

    async def watch() -> None:
        while len(taken) < count:
            there = await _told(world, list(under_way))
            now = time.perf_counter()
            taken.extend(1000 * (now - under_way.pop(event_id)) for event_id in there)
            await asyncio.sleep(_LOOK_SECONDS)

    watching = asyncio.create_task(watch())
    begun = time.perf_counter()
    waiting = []
    for number, raw in enumerate(referrals):
        await asyncio.sleep(max(0.0, begun + number / per_second - time.perf_counter()))
        waiting.append(asyncio.create_task(one(raw)))
    await asyncio.gather(*waiting)
    await watching
    stop.set()
    await running
    cuts = statistics.quantiles(taken, n=100)
    return {
        "per_second": per_second,
        "p50_ms": round(cuts[49], 1),
        "p99_ms": round(cuts[98], 1),
        "count": count,
    }


async def _told(world: Bench, event_ids: list[Any]) -> list[Any]:
    """Which of these are in all inboxes."""
    async with world.instance.edges.store.pool.acquire() as connection:
        rows = await connection.fetch(
            "select d.event_id from delivery.dispatches d join delivery.inbox i using (dispatch_id)"
            " where d.event_id = any($1::uuid[]) group by d.event_id having count(*) >= $2",
            *(event_ids, len(RECIPIENTS)),
        )
    return [row["event_id"] for row in rows]


async def run(seed: int, count: int) -> dict[str, Any]:
    """All ways, one after another, on one database."""
    async with bench(seed) as world:
        await timed(world, BATCH * 2, lambda raws: in_process(world, raws), openings=False)  # warm
        figures: dict[str, Any] = {"count": count, "bare_append_three_hops": await bare_append(world, count)}
        to_inbox = await timed(world, count, lambda raws: in_process(world, raws), openings=False)
        figures["in_process_to_inbox"] = to_inbox
        opened = await timed(world, count, lambda raws: in_process(world, raws), openings=True)
        figures["in_process_opened"] = opened
        figures["latency"] = await latency(world, 20, 10)
        figures["latency_at_100"] = await latency(world, 100, 5)
    async with bench(seed) as world, serving(world) as url:
        for name, batch in (("http_single_opened", 1), ("http_batch_of_50_opened", BATCH)):
            figures[name] = await timed(
                world,
                count,
                lambda raws, b=batch: sent(url, world.token, raws, b, CONNECTIONS),
                openings=True,
            )
    return figures


def main(seed: int, count: int = 600) -> None:
    """Run and report."""
    report("pipeline", asyncio.run(run(seed, count)), seed)
