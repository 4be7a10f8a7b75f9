"""What a ticket opens, and everything that keeps it from opening."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import msgspec
import pytest

from contracts.decision import SlotRef
from contracts.errors import NotAuthentic, SampanError
from contracts.sealing import PlainSlot, event_context, open_slot
from contracts.sealing.slots import seal_slot
from services.vault import store
from services.vault.errors import GateClosed, NotGranted, StaleTicket
from services.vault.port import Admission
from services.vault.tickets import Regranted, Ticket
from tests.support.postgres import FreshDatabase
from tests.support.sealed import DAO, MAI, NOW, parts
from tests.support.vault_world import VaultWorld


async def test_a_granted_group_opens_and_only_it(connection: Any, world: VaultWorld) -> None:
    """A grant for F1 opens F1 of the subject's event and refuses F5 of the same event."""
    slots = await world.slots(connection, await world.admit(connection))
    dispatch = await world.grant(connection, {"F1": slots["F1"]})
    assert await world.open(connection, dispatch, {"F1": slots["F1"]}) == {"F1": b"F1canary"}
    with pytest.raises(NotGranted):
        await world.open(connection, dispatch, {"F1": slots["F1"], "F5": slots["F5"]})


async def test_the_router_reads_control_and_labels_alone(connection: Any, world: VaultWorld) -> None:
    """Opening a record yields the control content and where each group stands, no group's content."""
    event = await world.admit(connection)
    (record,) = await world.vault.open_records(connection, [(event, [world.subject])])
    assert record is not None
    assert record.control == b"control canary"
    assert set(record.slots[world.subject]) == {"F1", "F2", "F5"}


async def test_another_recipient_and_an_unknown_dispatch_hear_the_same(
    connection: Any, world: VaultWorld
) -> None:
    """The answer to another agency's dispatch equals that to one that does not exist."""
    slots = await world.slots(connection, await world.admit(connection))
    dispatch = await world.grant(connection, slots)
    with pytest.raises(NotGranted) as foreign:
        await world.open(connection, dispatch, slots, recipient=world.id())
    with pytest.raises(NotGranted) as unknown:
        await world.open(connection, world.id(), slots)
    assert foreign.value.sentence() == unknown.value.sentence()
    assert foreign.value.code == unknown.value.code


async def test_a_label_granted_does_not_open_another_slot(connection: Any, world: VaultWorld) -> None:
    """Asking for F5's slot under the granted label F1 is refused, at the grant and at the key."""
    slots = await world.slots(connection, await world.admit(connection))
    dispatch = await world.grant(connection, {"F1": slots["F1"]})
    with pytest.raises(NotGranted):
        await world.open(connection, dispatch, {"F1": slots["F5"]})
    wrong = await world.grant(connection, {"F1": slots["F5"]})
    with pytest.raises(NotAuthentic):
        await world.open(connection, wrong, {"F1": slots["F5"]})


async def test_a_grant_ends_at_its_expiry(connection: Any, world: VaultWorld) -> None:
    """One microsecond before the expiry it opens, at the expiry it does not."""
    slots = await world.slots(connection, await world.admit(connection))
    dispatch = await world.grant(connection, slots, expires_at=NOW)
    assert await world.open(connection, dispatch, slots, now=NOW - timedelta(microseconds=1))
    with pytest.raises(GateClosed) as error:
        await world.open(connection, dispatch, slots, now=NOW)
    assert error.value.code == "grant-expired"


async def test_a_narrowing_makes_earlier_tickets_stale_until_the_router_renews(
    connection: Any, world: VaultWorld
) -> None:
    """After a narrowing nothing opens; after regrant and renewal only what was kept."""
    slots = await world.slots(connection, await world.admit(connection))
    kept, recalled = await world.grant(connection, slots), await world.grant(connection, slots)
    assert await world.narrow(connection) == {world.subject: 1}
    with pytest.raises(StaleTicket) as stale:
        await world.open(connection, kept, {"F1": slots["F1"]})
    assert stale.value.retryable
    changes = [
        Regranted(dispatch_id=kept, labels=("F1",), gate_version=1),
        Regranted(dispatch_id=recalled, labels=(), recalled=True, gate_version=1),
    ]
    await world.vault.change_grants(connection, changes, {world.subject: 1})
    assert await world.open(connection, kept, {"F1": slots["F1"]}) == {"F1": b"F1canary"}
    with pytest.raises(NotGranted):
        await world.open(connection, kept, {"F5": slots["F5"]})
    with pytest.raises(GateClosed):
        await world.open(connection, recalled, {"F1": slots["F1"]})


async def test_a_decision_that_missed_a_narrowing_opens_nothing(connection: Any, world: VaultWorld) -> None:
    """A grant decided before a narrowing but stored after it is stale from the start, and so is a renewal."""
    slots = await world.slots(connection, await world.admit(connection))
    await world.narrow(connection, times=2)
    late = await world.grant(connection, slots, gate_version=1)
    await world.vault.change_grants(connection, [], {world.subject: 1})
    with pytest.raises(StaleTicket):
        await world.open(connection, late, slots)


async def test_a_closed_gate_opens_nothing_and_reopening_needs_the_router(
    connection: Any, world: VaultWorld
) -> None:
    """Closed: nothing. Reopened: stale until grants are renewed."""
    slots = await world.slots(connection, await world.admit(connection))
    dispatch = await world.grant(connection, slots)
    await world.vault.close(connection, [world.subject])
    with pytest.raises(GateClosed):
        await world.open(connection, dispatch, slots)
    await world.vault.reopen(connection, [world.subject])
    with pytest.raises(StaleTicket):
        await world.open(connection, dispatch, slots)
    versions = await store.gate_versions(connection, [world.subject])
    await world.vault.change_grants(connection, [], versions)
    assert await world.open(connection, dispatch, slots)


async def test_a_narrowing_waits_for_an_opening_and_then_holds(
    connection: Any, world: VaultWorld, fresh_database: FreshDatabase
) -> None:
    """A narrowing waits for an opening's transaction on the gate; then the next opening is stale."""
    slots = await world.slots(connection, await world.admit(connection))
    dispatch = await world.grant(connection, slots)
    intake = await asyncpg.connect(fresh_database.dsn)
    watcher = await asyncpg.connect(fresh_database.owner_dsn)
    opening = connection.transaction()
    await opening.start()
    ticket = Ticket(dispatch_id=dispatch, recipient=world.embassy, wanted=slots)
    (opened,) = await world.open_many(connection, [ticket])
    assert not isinstance(opened, SampanError)
    narrowing = asyncio.create_task(world.narrow(intake))
    while not await watcher.fetchval("select count(*) from pg_locks where not granted"):
        assert not narrowing.done()
    assert not narrowing.done()
    await opening.commit()
    assert await narrowing == {world.subject: 1}
    with pytest.raises(StaleTicket):
        await world.open(connection, dispatch, slots)
    await intake.close()
    await watcher.close()


async def test_a_slot_swapped_in_the_log_does_not_open(connection: Any, world: VaultWorld) -> None:
    """Another event's slot under this slot's id, or another header, is refused: the digest is pinned."""
    event = await world.admit(connection)
    other = await world.admit(connection, content=b"other")
    slots = await world.slots(connection, event)
    dispatch = await world.grant(connection, {"F1": slots["F1"]})
    foreign = next(slot for slot in other.slots if len(slot.ciphertext) == 272)
    original = event.slot(slots["F1"].slot_id)
    assert original is not None
    swapped = msgspec.structs.replace(foreign, raw_id=original.raw_id)
    for header, slot in ((event.header, swapped), (other.header, original)):

        async def load(refs: Any, header: Any = header, slot: Any = slot) -> Any:
            return dict.fromkeys(refs, (header, slot))

        with pytest.raises(NotAuthentic):
            await world.open(connection, dispatch, {"F1": slots["F1"]}, load_slots=load)


async def test_a_sender_cannot_replace_what_it_signed(connection: Any, world: VaultWorld) -> None:
    """Whoever knows a slot's key and can write the log still cannot put another content in its place."""
    event, keys = world.opened(world.submission(parts()))
    await world.vault.admit(
        connection, [Admission(event=event, keys=keys, subjects={MAI: world.subject})], NOW
    )
    key = next(key for key in keys if key.label == "F1")
    ref = SlotRef(event.header.event_id, key.slot_id)
    chosen = iter((key.slot_id.bytes, key.key, world.random(12)))
    plain = PlainSlot("F1", MAI, key.fingerprint, b"F1changed")
    context = event_context(event.header)
    forged, _ = seal_slot(context, plain, lambda _: next(chosen))
    assert open_slot(context, forged, key) == b"F1changed"
    dispatch = await world.grant(connection, {"F1": ref})

    async def load(refs: Any) -> Any:
        return {ref: (event.header, forged)}

    with pytest.raises(NotAuthentic):
        await world.open(connection, dispatch, {"F1": ref}, load_slots=load)


async def test_a_batch_answers_each_ticket_by_itself(connection: Any, world: VaultWorld) -> None:
    """One refused ticket in a batch leaves the others open, each result in its place."""
    slots = await world.slots(connection, await world.admit(connection))
    dispatch = await world.grant(connection, slots)
    good = Ticket(dispatch_id=dispatch, recipient=world.embassy, wanted={"F2": slots["F2"]})
    bad = Ticket(dispatch_id=dispatch, recipient=world.id(), wanted=slots)
    async with connection.transaction():
        results = await world.open_many(connection, [bad, good, bad])
    assert results[1] == {"F2": b"F2canary"}
    assert isinstance(results[0], NotGranted)
    assert isinstance(results[2], NotGranted)


async def test_two_people_of_one_event_open_apart(connection: Any, world: VaultWorld) -> None:
    """Each person's bundle holds her own groups; the control slot needs both."""
    mother, baby = world.id(), world.id()
    event = await world.admit(connection, {MAI: mother, DAO: baby})
    (record,) = await world.vault.open_records(connection, [(event, [mother, baby])])
    assert record is not None
    assert record.control == b"control canary"
    assert set(record.slots[mother].values()).isdisjoint(record.slots[baby].values())
    with pytest.raises(NotAuthentic):
        await world.vault.open_records(connection, [(event, [mother])])


async def test_deciding_again_leaves_a_grant_as_it_was(connection: Any, world: VaultWorld) -> None:
    """A second grant for the same dispatch neither widens nor revives it."""
    slots = await world.slots(connection, await world.admit(connection))
    dispatch = await world.grant(connection, {"F1": slots["F1"]})
    again = {"F1": slots["F1"], "F5": SlotRef(slots["F5"].event_id, slots["F5"].slot_id)}
    world.id = lambda: dispatch  # type: ignore[method-assign]
    await world.grant(connection, again)
    with pytest.raises(NotGranted):
        await world.open(connection, dispatch, {"F5": slots["F5"]})
