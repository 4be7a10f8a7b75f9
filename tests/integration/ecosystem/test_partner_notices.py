"""Who reads Kafka itself is told where to look, in the same transaction as its inbox, and of nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from contracts.codec import decode
from contracts.partner_topics import partner_topic
from contracts.records import PartnerNotice
from contracts.sealing import unframe
from services.delivery.partner_topics import PartnerNotices, partner_topics
from services.delivery.step import DeliveryStep, read
from services.runtime.log import NewRecord, StoredRecord
from tests.support.carried import read_all, tell_a_story
from tests.support.lane_play import MINISTRY, REFERRAL, refer
from tests.support.partners import with_partners
from tests.support.postgres import FreshDatabase
from tests.support.services_world import CANARIES, ServicesWorld, open_world


@pytest.fixture
async def world(fresh_database: FreshDatabase, tmp_path: Path) -> AsyncIterator[ServicesWorld]:
    async with open_world(fresh_database, tmp_path, directory=with_partners(MINISTRY)) as opened:
        yield opened


async def notices(world: ServicesWorld, slug: str = MINISTRY) -> list[tuple[PartnerNotice, StoredRecord]]:
    records = await read_all(world, partner_topic(world.agency(slug)).topic)
    told = [(decode(PartnerNotice, unframe(record.value)[1]), record) for record in records]
    return sorted(told, key=lambda one: one[1].position.offset)


async def test_a_dispatch_is_told_once_with_its_place_in_the_inbox(world: ServicesWorld) -> None:
    """The notice names the item as the recipient knows it and where its feed has it."""
    await refer(world)
    (item,) = (await world.instance.inbox.page(world.agency(MINISTRY), 0, 10)).items
    ((notice, record),) = await notices(world)
    assert (notice.dispatch, notice.cursor, record.key) == (item.dispatch, item.cursor, item.case_ref)


async def test_a_dispatch_that_comes_again_is_not_told_again(world: ServicesWorld) -> None:
    """A second record of one dispatch makes no second notice."""
    await refer(world)
    for record in await read_all(world, "dispatches"):
        async with world.store.unit_of_work() as work:
            work.emit(NewRecord("dispatches", record.key, record.value, record.headers))
    assert await world.instance.delivery.run_once() > 0
    assert len(await notices(world)) == 1


async def test_what_is_taken_back_is_told_in_order_and_looks_alike(world: ServicesWorld) -> None:
    """A withdrawal gives a second notice of the same item, in the same partition behind the first."""
    receipt = await refer(world)
    subjects = [{"subject": ref} for ref in receipt.subject_refs]
    await world.submit(event="ConsentWithdrawn", case=str(receipt.case_ref), subjects=subjects)
    await world.instance.settle()
    told = await notices(world)
    (first, was), (second, became) = [one for one in told if one[0].dispatch == told[0][0].dispatch]
    assert (first.cursor, second.cursor) == (1, 1)
    assert (became.key, became.position.partition) == (was.key, was.position.partition)
    assert became.headers["ce_id"] != was.headers["ce_id"]
    assert len(became.value) == len(was.value)


async def test_a_notice_holds_no_true_id_and_no_fact(world: ServicesWorld) -> None:
    """Value, key and headers hold what this agency calls things: no other reader can join on an id."""
    await tell_a_story(world)
    true = set()
    for record in await read_all(world, "dispatches"):
        said = read(record)
        true |= {said.dispatch_id, said.case_id, said.subject_id, said.event_id, said.log_key, said.recipient}
    assert len(await notices(world)) > 1
    for _, record in await notices(world):
        text = f"{record.headers} {record.key} {record.value!r}"
        assert not [told for told in (*map(str, true), *CANARIES) if told in text]


async def test_an_agency_without_the_channel_has_no_topic(world: ServicesWorld) -> None:
    """Only those that the directory lists for Kafka are written for, and their topics are what a relay carries."""
    await tell_a_story(world)
    assert [topic.topic for topic in partner_topics(world.directory)] == [
        partner_topic(world.agency(MINISTRY)).topic
    ]
    assert await notices(world, "ngo-th") == []
    told = await world.store.pool.fetch("select distinct topic from log.heads where topic like 'partner-%'")
    assert [row["topic"] for row in told] == [partner_topic(world.agency(MINISTRY)).topic]


async def test_a_step_that_fails_leaves_neither_item_nor_notice(world: ServicesWorld) -> None:
    """Inbox and notice are one transaction: when it is undone, both are."""
    await world.submit(**REFERRAL)
    await world.instance.router.run_once()
    step = DeliveryStep(lambda _recipient, _own_edge: (), PartnerNotices(world.directory, world.instance.vault.alias))
    records = await read_all(world, "dispatches")

    async def fails_late() -> None:
        async with world.store.unit_of_work() as work:
            await step(work, records)
            raise ConnectionError

    with pytest.raises(ConnectionError):
        await fails_late()
    assert await notices(world) == []
    assert (await world.instance.inbox.page(world.agency(MINISTRY), 0, 10)).items == []
    await world.instance.settle()
    assert len(await notices(world)) == 1
