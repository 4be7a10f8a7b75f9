"""The same submission again: the same receipt, whoever sends it twice and however."""

from __future__ import annotations

import asyncio

from contracts.api import SubmitReceipt
from contracts.errors import Conflict
from services.intake.candidate import Handed
from tests.support.services_world import ServicesWorld


async def test_the_same_bytes_again_get_the_same_receipt(world: ServicesWorld) -> None:
    """A second handing-in changes no table and answers with the first receipt, marked as a duplicate."""
    prepared = await world.prepared()
    first = await world.instance.submit(prepared.submission, world.agency("ngo-th"))
    before = await world.tables()
    again = await world.instance.submit(prepared.submission, world.agency("ngo-th"))
    assert again == first.model_copy(update={"duplicate": True})
    assert await world.tables() == before


async def test_other_content_under_the_same_id_is_a_conflict(world: ServicesWorld) -> None:
    """A submission id stands for one content: the changed document is refused and changes nothing."""
    event = world.event()
    first = world.seal(event, await world.keys("ngo-th"))
    await world.instance.submit(first.submission, world.agency("ngo-th"))
    before = await world.tables()
    changed = event.model_copy(update={"event": "VictimIdentified", "event_id": world.id()})
    second = world.seal(changed, await world.keys("ngo-th"))
    error = await world.refused(second.submission)
    assert isinstance(error, Conflict)
    assert (error.code, error.field) == ("id-used", "submission_id")
    assert await world.tables() == before


async def test_the_same_submission_twice_in_one_batch_is_taken_once(world: ServicesWorld) -> None:
    """Both copies get one receipt and the log holds one record."""
    prepared = await world.prepared()
    pair = [Handed(prepared.submission, world.agency("ngo-th"))] * 2
    first, second = await world.instance.intake.submit_many(pair)
    assert isinstance(first, SubmitReceipt)
    assert second == first.model_copy(update={"duplicate": True})
    assert await world.store.pool.fetchval("select count(*) from intake.submissions") == 1
    assert await records_of_case_events(world) == 1


async def test_two_contents_under_one_id_in_one_batch(world: ServicesWorld) -> None:
    """The first of the batch stands and the second is the conflict."""
    event = world.event()
    keys = await world.keys("ngo-th")
    pair = [Handed(world.seal(event, keys).submission, keys.agency_id) for _ in range(2)]
    first, second = await world.instance.intake.submit_many(pair)
    assert isinstance(first, SubmitReceipt)
    assert isinstance(second, Conflict)


async def test_two_processes_that_take_the_same_submission_at_once(world: ServicesWorld) -> None:
    """Eight instances race with one submission: one record, eight times the same receipt."""
    prepared = await world.prepared()
    others = [world.another_instance() for _ in range(8)]
    receipts = await asyncio.gather(
        *(other.submit(prepared.submission, world.agency("ngo-th")) for other in others)
    )
    assert await records_of_case_events(world) == 1
    assert sum(not receipt.duplicate for receipt in receipts) == 1
    assert (
        len({receipt.model_copy(update={"duplicate": False}).model_dump_json() for receipt in receipts}) == 1
    )


async def test_processes_that_open_the_same_case_at_once(world: ServicesWorld) -> None:
    """Six first words about one new case and six persons of it race: one case, six persons, nobody refused."""
    case = str(world.id())
    sealed = [
        (await world.prepared(case=case, subjects=[{"subject": world.id()}])).submission for _ in range(6)
    ]
    others = [world.another_instance() for _ in sealed]
    receipts = await asyncio.gather(
        *(other.submit(raw, world.agency("ngo-th")) for other, raw in zip(others, sealed, strict=True))
    )
    assert {case} == {str(receipt.case_ref) for receipt in receipts}
    assert await world.store.pool.fetchval("select count(*) from intake.cases") == 1
    ordinals = await world.store.pool.fetch("select ordinal from intake.subjects order by 1")
    assert [row["ordinal"] for row in ordinals] == [1, 2, 3, 4, 5, 6]


async def test_an_event_id_names_one_event_for_good(world: ServicesWorld) -> None:
    """Another submission under a used event id is refused, from another sender too, and in one batch."""
    event_id = world.id()
    await world.submit(event_id=event_id)
    before = await world.tables()
    for sender in ("ngo-th", "shelter-th"):
        error = await world.refused((await world.prepared(sender, event_id=event_id)).submission, sender)
        assert (error.code, error.field) == ("id-used", "event_id")
    assert await world.tables() == before
    fresh = world.id()
    pair = [(await world.prepared(event_id=fresh)).submission for _ in range(2)]
    first, second = await world.instance.intake.submit_many(
        [Handed(raw, world.agency("ngo-th")) for raw in pair]
    )
    assert isinstance(first, SubmitReceipt)
    assert isinstance(second, Conflict)


async def test_a_receipt_is_given_again_after_the_key_has_ended(world: ServicesWorld) -> None:
    """A spool that sends on after a key change learns that its submission stands; nothing is taken twice."""
    prepared = await world.prepared()
    first = await world.instance.submit(prepared.submission, world.agency("ngo-th"))
    await world.store.pool.execute("update runtime.signing_keys set valid_to = $1", world.clock.now())
    again = await world.instance.submit(prepared.submission, world.agency("ngo-th"))
    assert again == first.model_copy(update={"duplicate": True})


async def records_of_case_events(world: ServicesWorld) -> int:
    heads = await world.store.log.heads("case-events")
    return sum(head + 1 for head in heads.values())
