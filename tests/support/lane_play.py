"""Brings one referral into a ministry's lane, and looks at lanes and items."""

from __future__ import annotations

from typing import Any

from adapters.exchange import NoReply
from contracts.api import SubmitReceipt
from contracts.codec import decode
from contracts.records import RunningEvent
from contracts.sealing import unframe
from tests.support.lane_targets import ToldChannel
from tests.support.services_world import CONSENT, ServicesWorld

MINISTRY = "rfp-kh"
REFERRAL: dict[str, Any] = {
    "event": "ReferralSent",
    "to": ["RFP@KH"],
    "purpose": "IDENTIFY",
    "consent": CONSENT,
}


async def refer(world: ServicesWorld) -> SubmitReceipt:
    """One referral that is to reach the ministry, decided and in its lane, not sent yet."""
    receipt = await world.submit(**REFERRAL)
    await world.instance.router.run_once()
    await world.instance.delivery.run_once()
    await world.instance.aliases.run_once()
    return receipt


async def lane(world: ServicesWorld) -> dict[str, Any]:
    row = await world.store.pool.fetchrow("select * from delivery.lanes where channel = 'primero'")
    return dict(row)


async def items(world: ServicesWorld) -> list[tuple[str, str]]:
    rows = await world.store.pool.fetch("select what, state from delivery.lane_items order by seq")
    return [(row["what"], row["state"]) for row in rows]


async def failures(world: ServicesWorld) -> int:
    """How many DeliveryFailed stand on case-events."""
    found = 0
    for partition, head in (await world.store.log.heads("case-events")).items():
        for record in await world.store.log.read("case-events", partition, -1, head + 1):
            if record.headers.get("ce_type") == b"org.sampan.running-event":
                found += decode(RunningEvent, unframe(record.value)[1]).kind == "DeliveryFailed"
    return found


async def park(world: ServicesWorld, hook: ToldChannel) -> None:
    hook.answers = [NoReply(sent=False, code="no-connection")] * 40
    await until_parked(world)
    hook.answers = []


async def until_parked(world: ServicesWorld) -> None:
    await world.instance.settle()
    while (now := await lane(world))["state"] != "parked":
        world.clock.move_to(max(now["next_attempt_at"], world.clock.now()))
        await world.instance.worker.run_once()
