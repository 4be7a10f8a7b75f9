"""The inbox: a feed without gaps for each recipient, its own alone, and openings that are recorded first."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from contracts.api import OpenedItem
from contracts.errors import NotFound, SampanError, TryLater
from contracts.roles import Group
from contracts.topic_names import CASE_EVENTS, DELIVERY_EVENTS
from services.assembly.instance import Instance
from services.runtime.log.port import StoredRecord
from services.vault.errors import GateClosed
from tests.support.services_world import CANARIES, CONSENT, ServicesWorld


async def test_cursors_have_no_gap_under_concurrent_writers(world: ServicesWorld) -> None:
    """Four processes deliver sixty referrals while a reader pages: she meets every cursor once, in order."""
    shelter = world.agency("shelter-th")
    others = [world.another_instance() for _ in range(4)]
    seen: list[int] = []
    working = True

    async def read() -> None:
        while working or len(seen) < 60:
            page = await world.instance.inbox.page(shelter, seen[-1] if seen else 0, 7)
            seen.extend(item.cursor for item in page.items)
            await asyncio.sleep(0)

    async def write(number: int) -> None:
        for _ in range(15):
            sealed = (await world.prepared(consent=CONSENT, to=["SHA@TH"])).submission
            while not await taken(others[number], sealed):
                await others[number].settle()
            await others[number].settle()

    async def taken(instance: Instance, sealed: bytes) -> bool:
        try:
            await instance.submit(sealed, world.agency("ngo-th"))
        except TryLater:  # what another process gave out is not learnt yet: a sender tries again
            return False
        return True

    await world.keys("ngo-th")
    reader = asyncio.create_task(read())
    await asyncio.gather(*(write(number) for number in range(4)))
    for other in others:
        await other.settle()
    working = False
    await asyncio.wait_for(reader, 60)
    assert seen == list(range(1, 61))


async def test_pages_lead_through_the_feed(world: ServicesWorld) -> None:
    """Pages of two carry five items once each; an empty page names the cursor that it was asked from."""
    for _ in range(5):
        await world.refer()
    shelter = world.agency("shelter-th")
    cursors, after, more = [], 0, True
    while more:
        page = await world.instance.inbox.page(shelter, after, 2)
        cursors += [item.cursor for item in page.items]
        after, more = page.next, page.more
    assert cursors == [1, 2, 3, 4, 5]
    empty = await world.instance.inbox.page(shelter, 5, 2)
    assert (empty.items, empty.next, empty.more) == ([], 5, False)


async def test_another_recipients_dispatch_is_as_absent_as_none(world: ServicesWorld) -> None:
    """Reading or opening another agency's dispatch answers as for one that never was, to the letter."""
    await world.refer()
    item = (await world.instance.inbox.page(world.agency("shelter-th"), 0, 10)).items[0]
    answers = []
    for alias in (item.dispatch, world.id()):
        for call in (world.instance.inbox.item(world.agency("ida-th"), alias), open_as_ida(world, alias)):
            with pytest.raises(NotFound) as refused:
                await call
            answers.append(refused.value.sentence())
    assert len(set(answers)) == 1


async def test_an_opening_gives_what_was_granted_and_is_recorded(world: ServicesWorld) -> None:
    """The recipient reads the granted groups; one DisclosureMade stands on the log for it."""
    await world.refer()
    shelter = world.agency("shelter-th")
    item = (await world.instance.inbox.page(shelter, 0, 10)).items[0]
    opened = await world.instance.inbox.open(shelter, item.dispatch, [])
    assert set(opened.groups) == set(item.groups)
    assert opened.groups[Group.F1]["given_name"] == CANARIES[0]
    assert sum(head + 1 for head in (await world.store.log.heads(DELIVERY_EVENTS)).values()) == 1
    assert (await world.instance.inbox.item(shelter, item.dispatch)).opened_at == world.clock.now()


async def test_a_group_that_was_not_granted(world: ServicesWorld) -> None:
    """Asking for a withheld group opens nothing of the others either, and the owner hears of it."""
    await world.refer(consent={**CONSENT, "groups": ["F1"]})
    shelter = world.agency("shelter-th")
    item = (await world.instance.inbox.page(shelter, 0, 10)).items[0]
    assert item.groups == [Group.F1]
    with pytest.raises(NotFound) as refused:
        await world.instance.inbox.open(shelter, item.dispatch, [Group.F1, Group.F2])
    assert refused.value.code == "not-granted"
    await world.instance.settle()
    told = (await world.instance.inbox.page(world.agency("ngo-th"), 0, 10)).items
    assert "DisclosureRefused" in [one.event for one in told]


async def test_what_the_basis_allowed_ends(world: ServicesWorld) -> None:
    """After the consent's end the same dispatch opens no more."""
    await world.refer(consent={**CONSENT, "until": "2026-03-10"})
    shelter = world.agency("shelter-th")
    item = (await world.instance.inbox.page(shelter, 0, 10)).items[0]
    await world.instance.inbox.open(shelter, item.dispatch, [])
    world.clock.advance(timedelta(days=20).total_seconds())
    with pytest.raises(GateClosed):
        await world.instance.inbox.open(shelter, item.dispatch, [])


async def test_a_record_exchanged_in_the_log_opens_for_nobody(
    world: ServicesWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record put in another one's place in the log gives nothing in clear, neither hers nor the other's."""
    await world.refer()
    other = await world.refer()
    shelter = world.agency("shelter-th")
    item = (await world.instance.inbox.page(shelter, 0, 10)).items[0]
    heads = await world.store.log.heads(CASE_EVENTS)
    every = [
        record
        for partition, head in heads.items()
        for record in await world.store.log.read(CASE_EVENTS, partition, -1, head + 1)
    ]
    (stranger,) = [record for record in every if record.key == other.case_ref]
    real = world.store.log.read_at

    async def exchanged(topic: str, places: Collection[tuple[int, int]]) -> list[StoredRecord]:
        return [replace(found, value=stranger.value) for found in await real(topic, places)]

    monkeypatch.setattr(world.store.log, "read_at", exchanged)
    with pytest.raises(SampanError) as refused:
        await world.instance.inbox.open(shelter, item.dispatch, [])
    assert refused.value.code == "not-granted"


async def open_as_ida(world: ServicesWorld, alias: UUID) -> OpenedItem:
    return await world.instance.inbox.open(world.agency("ida-th"), alias, [])
