"""Openings that wait together share a commit; each is granted, refused and recorded for itself."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from contracts.api import InboxItem, OpenedItem
from contracts.codec import decode
from contracts.errors import NotFound
from contracts.records import DeliveryEvent
from contracts.roles import Group
from contracts.sealing import unframe
from contracts.topic_names import DELIVERY_EVENTS
from services.delivery.openings import Openings
from tests.support.services_world import CONSENT, ServicesWorld


async def inbox(world: ServicesWorld) -> list[InboxItem]:
    return (await world.instance.inbox.page(world.agency("shelter-th"), 0, 100)).items


async def disclosed(world: ServicesWorld) -> list[DeliveryEvent]:
    heads = await world.store.log.heads(DELIVERY_EVENTS)
    records = await world.store.log.read_many(DELIVERY_EVENTS, dict.fromkeys(heads, -1), 1000)
    events = [decode(DeliveryEvent, unframe(record.value)[1]) for record in records]
    return [event for event in events if event.kind == "DisclosureMade"]


async def test_more_openings_than_connections(world: ServicesWorld) -> None:
    """Forty openings at once, more than the pool has connections, all end; each is recorded once."""
    for _ in range(4):
        await world.refer()
    shelter, items = world.agency("shelter-th"), await inbox(world)
    calls = [world.instance.inbox.open(shelter, item.dispatch, []) for item in items for _ in range(10)]
    opened = await asyncio.wait_for(asyncio.gather(*calls), 60)
    assert len(opened) == len(await disclosed(world)) == 10 * len(items)
    assert {one.dispatch for one in opened} == {item.dispatch for item in items}


async def test_a_refusal_stops_no_other_opening(world: ServicesWorld) -> None:
    """In one batch: granted, not granted, another agency's. One is opened and recorded; the owner hears of one."""
    await world.refer(consent={**CONSENT, "groups": ["F1"]})
    shelter, ida, (item,) = world.agency("shelter-th"), world.agency("ida-th"), await inbox(world)
    results = await asyncio.gather(
        world.instance.inbox.open(shelter, item.dispatch, []),
        world.instance.inbox.open(shelter, item.dispatch, [Group.F2]),
        world.instance.inbox.open(ida, item.dispatch, []),
        return_exceptions=True,
    )
    assert isinstance(results[0], OpenedItem)
    assert [one.code for one in results[1:] if isinstance(one, NotFound)] == [
        "not-granted",
        "unknown-dispatch",
    ]
    assert len(await disclosed(world)) == 1
    await world.instance.settle()
    told = (await world.instance.inbox.page(world.agency("ngo-th"), 0, 10)).items
    assert [one.event for one in told].count("DisclosureRefused") == 1


async def test_a_fault_in_one_opening_is_its_own(
    world: ServicesWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where one opening breaks the batch, the log says so, and the others are opened one by one, recorded once each."""
    for _ in range(3):
        await world.refer()
    shelter, items = world.agency("shelter-th"), await inbox(world)
    real = Openings._find

    async def breaks(self: Openings, connection: object, openings: object) -> None:
        await real(self, connection, openings)  # type: ignore[arg-type]
        if any(one.asked.alias == items[1].dispatch for one in openings):  # type: ignore[attr-defined]
            raise ArithmeticError

    monkeypatch.setattr(Openings, "_find", breaks)
    calls = [world.instance.inbox.open(shelter, item.dispatch, []) for item in items]
    with capture_logs() as lines:
        results = await asyncio.gather(*calls, return_exceptions=True)
    (line,) = lines
    assert (line["event"], line["error"]) == ("openings_failed_together", "ArithmeticError")
    assert line["at"].startswith("test_openings_together.py:")
    assert [type(result) for result in results] == [OpenedItem, ArithmeticError, OpenedItem]
    assert len(await disclosed(world)) == 2
