"""The router's service: sealed state, decisions that can be made again, timers that fire once, aliases that part."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import msgspec

from contracts.topic_names import CASE_EVENTS, DECISIONS, DISPATCHES
from routing.receipt import encode_decision
from routing.step import step
from services.router.effects import RECEIPT, Receipt
from services.runtime.log.port import NewRecord
from services.runtime.parking import list_parked
from tests.support.services_world import CANARIES, CONSENT, ServicesWorld

WORDS = ("IdentificationRequested", "ForcedLabour", "RFP@KH", "SHELTER", "notify_origin", "Feminine")
"""Facts of the referral that no table may hold in clear."""


async def test_no_table_holds_a_fact_in_clear(world: ServicesWorld) -> None:
    """After a whole referral neither names nor event names nor facts stand in any table or log record."""
    await world.refer()
    found = await everything_stored(world)
    assert len(found) > 30
    for word in (*CANARIES, *WORDS):
        needles = {word.encode(), word.encode("utf-16-le")}
        assert not [place for place, data in found if any(needle in data for needle in needles)], word


async def test_a_stored_receipt_decides_again_to_the_same_bytes(world: ServicesWorld) -> None:
    """What stands sealed in each receipt leads to the same decision under the same law."""
    await world.refer()
    receipts = await opened_receipts(world)
    assert receipts
    for receipt in receipts:
        again = step(
            receipt.state_before, receipt.record, world.instance.edges.law(), receipt.kin_before
        ).decision
        assert encode_decision(again) == encode_decision(receipt.decision)


async def test_a_records_second_coming_changes_nothing(world: ServicesWorld) -> None:
    """A record read again after its position is dropped as a duplicate: nothing is decided or told twice."""
    await world.refer()
    before = await world.tables()
    other = world.another_instance()
    await world.instance.router._leases.release("router", "process-1")
    await other.settle()
    await other.settle()
    assert await world.tables() == before


async def test_a_dispatch_told_twice_on_the_log_is_received_once(world: ServicesWorld) -> None:
    """A second record of the same dispatch, at another place of the log, changes nothing at its recipient."""
    await world.refer()
    before = await world.tables("delivery")
    async with world.store.unit_of_work() as work:
        for record in await all_records(world, DISPATCHES):
            work.emit(NewRecord(DISPATCHES, record.key, record.value, record.headers))
    await world.instance.settle()
    assert len(await all_records(world, DISPATCHES)) == 4
    assert await world.tables("delivery") == before


async def test_bytes_that_are_not_ours_stop_nobody(world: ServicesWorld) -> None:
    """Foreign bytes on case-events go to the dead letters; what comes after them on the same key is decided."""
    receipt = await world.submit(consent=CONSENT, to=["SHA@TH"])
    async with world.store.unit_of_work() as work:
        for junk in (b"", b"\0", b"not ours at all", world.random(400)):
            work.emit(NewRecord(CASE_EVENTS, receipt.case_ref, junk, {"ce_type": b"org.example.other"}))
    await world.submit(
        event="VictimIdentified", case=str(receipt.case_ref), subjects=[{"subject": receipt.subject_refs[0]}]
    )
    await world.instance.settle()
    assert len(await all_records(world, CASE_EVENTS + "-dlq")) == 4
    assert not await list_parked(world.store.pool)
    assert len(await all_records(world, DECISIONS)) == 2


async def test_one_of_our_records_from_tomorrow_holds_its_case(world: ServicesWorld) -> None:
    """A record of ours in a schema not known yet parks its case until an update; other cases flow."""
    receipt = await world.submit(consent=CONSENT, to=["SHA@TH"])
    async with world.store.unit_of_work() as work:
        value = b"\0" + (999_999).to_bytes(4, "big") + b"later"
        work.emit(NewRecord(CASE_EVENTS, receipt.case_ref, value, {"ce_type": b"org.sampan.case-event"}))
    other = await world.submit(consent=CONSENT, to=["SHA@TH"])
    await world.submit(
        event="VictimIdentified", case=str(receipt.case_ref), subjects=[{"subject": receipt.subject_refs[0]}]
    )
    await world.instance.settle()
    (parked,) = await list_parked(world.store.pool)
    assert (parked.key, parked.error_code, parked.records) == (receipt.case_ref, "version-skew", 2)
    timeline = await world.instance.timelines.case(world.agency("ngo-th"), other.case_code)
    assert [entry for entry in timeline.entries if entry.what == "told"]


async def test_a_timer_fires_once_whoever_asks(world: ServicesWorld) -> None:
    """Four instances fire what is due at the same moment: one record for each timer."""
    for _ in range(5):
        await world.refer()
    waiting = await world.store.pool.fetchval("select count(*) from router.timers")
    assert waiting
    world.clock.advance(timedelta(days=400).total_seconds())
    before = len(await all_records(world, CASE_EVENTS))
    fired = await asyncio.gather(*(world.another_instance().timers.run_once() for _ in range(4)))
    assert sum(fired) == waiting
    assert len(await all_records(world, CASE_EVENTS)) == before + waiting
    assert await world.instance.timers.run_once() == 0


async def test_a_missed_acknowledgement_is_told_once(world: ServicesWorld) -> None:
    """When nobody acknowledged in time, the sender is told by one dispatch, however often the clock is looked at."""
    await world.refer()
    ngo = world.agency("ngo-th")
    world.clock.advance(timedelta(days=4).total_seconds())
    await world.instance.settle()
    first = [item.event for item in (await world.instance.inbox.page(ngo, 0, 100)).items]
    await world.another_instance().settle()
    again = [item.event for item in (await world.instance.inbox.page(ngo, 0, 100)).items]
    assert "DeadlineMissed" in first
    assert again == first


async def test_two_recipients_share_no_reference(world: ServicesWorld) -> None:
    """Two recipients of one event cannot join on any id, code or reference of their envelopes."""
    await world.refer()
    seen = []
    for slug in ("shelter-th", "ida-th"):
        item = (await world.instance.inbox.page(world.agency(slug), 0, 10)).items[0]
        seen.append({item.dispatch, item.case_ref, item.subject_ref, item.consent_ref, item.case_code})
    assert not seen[0] & seen[1]
    receipts = await world.store.pool.fetch("select case_id, subject_id, event_id from router.receipts")
    true_ids = {value for row in receipts for value in row.values()}
    assert not (seen[0] | seen[1]) & true_ids


async def test_an_erased_person_is_decided_about_no_more(world: ServicesWorld) -> None:
    """An event that was on its way when its person was erased is skipped, stops nothing and tells nobody."""
    receipt = await world.submit(consent=CONSENT, to=["SHA@TH"])
    async with world.store.unit_of_work() as work:
        await world.instance.vault.erase_subject(work.connection, receipt.subject_refs[0])
    await world.refer()
    await world.instance.settle()
    assert not await list_parked(world.store.pool)
    assert [
        row["subject_id"] for row in await world.store.pool.fetch("select subject_id from router.receipts")
    ] != []
    assert not await world.store.pool.fetch(
        "select 1 from router.receipts where subject_id = $1", receipt.subject_refs[0]
    )
    assert len((await world.instance.inbox.page(world.agency("shelter-th"), 0, 10)).items) == 1


async def test_the_state_of_one_person_opens_for_no_other(world: ServicesWorld) -> None:
    """A state row put under another person does not open: her case is parked, not mixed up."""
    first, second = await world.refer(), await world.refer()
    await world.store.pool.execute(
        "update router.subject_state s set sealed = o.sealed from router.subject_state o"
        " where s.subject_id = $1 and o.subject_id = $2",
        *(first.subject_refs[0], second.subject_refs[0]),
    )
    await world.submit(
        event="VictimIdentified", case=str(first.case_ref), subjects=[{"subject": first.subject_refs[0]}]
    )
    await world.instance.settle()
    (parked,) = await list_parked(world.store.pool)
    assert (parked.key, parked.error_code) == (first.case_ref, "key-broken")


async def everything_stored(world: ServicesWorld) -> list[tuple[str, bytes]]:
    """Every value of every column of our tables, as bytes."""
    found: list[tuple[str, bytes]] = []
    async with world.store.pool.acquire() as connection:
        tables = await connection.fetch(
            "select table_schema || '.' || table_name as name from information_schema.tables"
            " where table_schema in ('intake', 'vault', 'router', 'delivery', 'log', 'runtime')"
        )
        for table in tables:
            for row in await connection.fetch(f"select * from {table['name']}"):
                for column, value in row.items():
                    data = value if isinstance(value, bytes) else str(value).encode()
                    found.append((f"{table['name']}.{column}", data))
    return found


async def all_records(world: ServicesWorld, topic: str) -> list[Any]:
    heads = await world.store.log.heads(topic)
    found: list[Any] = []
    for partition, head in heads.items():
        found += await world.store.log.read(topic, partition, -1, head + 1)
    return found


async def opened_receipts(world: ServicesWorld) -> list[Receipt]:
    async with world.store.pool.acquire() as connection:
        rows = await connection.fetch(
            "select event_id, subject_id, sealed from router.receipts order by decided_at"
        )
        keys = await world.instance.vault.facts_keys(connection, {row["subject_id"] for row in rows})
    return [
        msgspec.msgpack.decode(
            world.instance.vault.open_facts(
                keys[row["subject_id"]],
                row["sealed"],
                RECEIPT + row["event_id"].bytes + row["subject_id"].bytes,
            ),
            type=Receipt,
            dec_hook=lambda kind, value: kind.model_validate(value),
        )
        for row in rows
    ]
