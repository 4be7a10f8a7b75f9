"""CPU time by step: one after another over the same referrals, so that each step's share is its own.

What each step costs at full batches, in Python and in PostgreSQL; and, inside Python, what the pure parts cost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks.machine import Meter, report
from benchmarks.pipeline import BATCH, Openers, consented, in_process
from benchmarks.world import RECIPIENTS, Bench, bench

Step = tuple[str, Callable[[], Awaitable[Any]]]


def steps_of(world: Bench, referrals: list[bytes], openers: Openers, count: int) -> list[Step]:
    """The steps in order, by name."""
    instance = world.instance

    async def opened() -> None:
        await asyncio.gather(*(openers.run(slug, count) for slug in RECIPIENTS))

    return [
        ("intake", lambda: in_process(world, referrals)),
        ("router", instance.router.run_once),
        ("aliases", instance.aliases.run_once),
        ("delivery", instance.delivery.run_once),
        ("read_and_open", opened),
    ]


async def by_step(world: Bench, count: int) -> dict[str, dict[str, float]]:
    """Microseconds a referral by step."""
    consents, referrals = world.make(count)
    await consented(world, consents)
    openers = Openers(world)
    await openers.skip_what_is_there()
    found = {}
    for name, step in steps_of(world, referrals, openers, count):
        with Meter(world.postgres_pid) as meter:
            await step()
        found[name] = meter.per(count)
    return found


async def run(seed: int, count: int) -> dict[str, Any]:
    """Once to warm up, once to measure."""
    async with bench(seed) as world:
        await by_step(world, BATCH * 2)
        steps = await by_step(world, count)
    total = {
        key: round(sum(step[key] for step in steps.values()), 1)
        for key in ("python_cpu_us", "postgres_cpu_us")
    }
    return {"count": count, "steps": steps, "total": total}


def main(seed: int, count: int = 600) -> None:
    """Run and report."""
    report("steps", asyncio.run(run(seed, count)), seed)
