"""A story that leaves every kind of record on every topic, for what reads them all."""

from __future__ import annotations

import pytest

from contracts.errors import NotFound
from contracts.roles import Group
from contracts.topic_names import CASE_EVENTS, DECISIONS, DELIVERY_EVENTS, DISPATCHES
from services.runtime.log import StoredRecord
from tests.support.lane_play import MINISTRY, refer
from tests.support.services_world import ServicesWorld

WRITTEN = (CASE_EVENTS, DECISIONS, DISPATCHES, DELIVERY_EVENTS)


async def tell_a_story(world: ServicesWorld) -> None:
    """A referral that is opened, answered and withdrawn, an opening that is refused, deadlines that pass."""
    receipt = await refer(world)
    await world.instance.settle()
    (item,) = (await world.instance.inbox.page(world.agency(MINISTRY), 0, 10)).items
    with pytest.raises(NotFound):
        await world.instance.inbox.open(world.agency(MINISTRY), item.dispatch, [Group.F8])
    await world.instance.inbox.open(world.agency(MINISTRY), item.dispatch, [])
    await world.answer(MINISTRY, "ReferralAcknowledged", item.dispatch, item.case_ref, item.subject_ref)
    world.clock.advance(30 * 24 * 3600)
    await world.instance.settle()
    subjects = [{"subject": ref} for ref in receipt.subject_refs]
    await world.submit(event="ConsentWithdrawn", case=str(receipt.case_ref), subjects=subjects)
    await world.instance.settle()


async def read_all(world: ServicesWorld, topic: str) -> list[StoredRecord]:
    """A topic from its beginning, by partition and offset."""
    heads = await world.store.log.heads(topic)
    return list(await world.store.log.read_many(topic, dict.fromkeys(heads, -1), 1000))
