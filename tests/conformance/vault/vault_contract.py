"""What every form of the vault keeps. A subclass stands in a module whose fixture ``form`` gives the form."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from contracts.decision import SlotRef
from contracts.errors import InvalidInput, NotAuthentic, SampanError, TryLater
from contracts.sealing import SealedEvent, SealedSubmission, decode_event, decode_submission
from contracts.sealing.release import Bound, EdgePrivateKey
from services.vault.errors import GateClosed, NotGranted, StaleTicket
from services.vault.naming import Naming, naming_keys
from services.vault.port import Admission, Narrowing, OpenedSubmission
from services.vault.tickets import Regranted
from tests.conformance.vault.form import Form
from tests.support.sealed import DAO, MAI, NOW, parts


async def admitted(form: Form) -> tuple[SealedEvent, dict[str, SlotRef]]:
    """An event of the subject, and where her groups stand."""
    async with form.hub.acquire() as connection:
        event = await form.world.admit(connection)
        return event, await form.world.slots(connection, event)


async def granted(form: Form, slots: Mapping[str, SlotRef], **changes: Any) -> UUID:
    """A dispatch that may open these."""
    async with form.step() as connection:
        return await form.world.grant(connection, slots, **changes)


async def opened(form: Form, dispatch: UUID, wanted: Mapping[str, SlotRef], **changes: Any) -> dict[str, bytes]:
    """What opens. Raises what the vault refuses."""
    async with form.hub.acquire() as connection:
        return await form.world.open(connection, dispatch, wanted, **changes)


async def narrowed(form: Form, *narrowings: Narrowing, fails: bool = False) -> None:
    """These events narrow the subject."""
    async with form.step(fails=fails) as connection:
        await form.vault.narrow(connection, narrowings)


def admission(form: Form, subjects: Mapping[UUID | None, UUID]) -> Admission:
    """A new event about these, verified."""
    plain = [*parts(MAI)[:1], *(part for ref in subjects for part in parts(ref)[1:])]
    event, keys = form.world.opened(form.world.submission(plain))
    return Admission(event=event, keys=keys, subjects=subjects)


class VaultContract:
    """All forms."""

    async def test_a_granted_group_opens_and_only_it(self, form: Form) -> None:
        """F1 was granted and opens; F5 of the same event is refused."""
        _, slots = await admitted(form)
        dispatch = await granted(form, {"F1": slots["F1"]})
        assert await opened(form, dispatch, {"F1": slots["F1"]}) == {"F1": b"F1canary"}
        with pytest.raises(NotGranted):
            await opened(form, dispatch, {"F1": slots["F1"], "F5": slots["F5"]})

    async def test_a_stranger_and_an_unknown_dispatch_hear_the_same(self, form: Form) -> None:
        """Class, code and sentence are one, and come through unaltered."""
        _, slots = await admitted(form)
        dispatch = await granted(form, slots)
        with pytest.raises(NotGranted) as foreign:
            await opened(form, dispatch, slots, recipient=form.world.id())
        with pytest.raises(NotGranted) as unknown:
            await opened(form, form.world.id(), slots)
        assert foreign.value.code == unknown.value.code == "not-granted"
        assert foreign.value.sentence() == unknown.value.sentence()

    async def test_a_grant_ends_at_its_expiry(self, form: Form) -> None:
        """To the microsecond, by the time that the caller names."""
        _, slots = await admitted(form)
        dispatch = await granted(form, slots, expires_at=NOW)
        assert await opened(form, dispatch, slots, now=NOW - timedelta(microseconds=1))
        with pytest.raises(GateClosed) as refused:
            await opened(form, dispatch, slots, now=NOW)
        assert refused.value.code == "grant-expired"

    async def test_a_key_opens_no_other_slot_than_the_one_admitted(self, form: Form) -> None:
        """What is released carries the digest of its slot: one that was put in its place in the log stays shut."""
        event, slots = await admitted(form)
        dispatch = await granted(form, {"F1": slots["F1"]})
        slot = event.slot(slots["F1"].slot_id)
        assert slot is not None
        forged = msgspec.structs.replace(slot, nonce=bytes(12))

        async def load(refs: Any) -> Any:
            return dict.fromkeys(refs, (event.header, forged))

        with pytest.raises(NotAuthentic):
            await opened(form, dispatch, {"F1": slots["F1"]}, load_slots=load)

    async def test_a_batch_answers_each_by_itself(self, form: Form) -> None:
        """Tickets and submissions: a bad one among good ones is refused in its place."""
        world = form.world
        _, slots = await admitted(form)
        good = await granted(form, {"F2": slots["F2"]})
        async with form.step() as connection:
            results = await world.open_many(
                connection,
                [world.ticket(one, {"F2": slots["F2"]}) for one in (world.id(), good, world.id())],
            )
        assert results[1] == {"F2": b"F2canary"}
        assert isinstance(results[0], NotGranted)
        assert isinstance(results[2], NotGranted)
        raw = decode_submission(world.submission(parts()))
        bad: SealedSubmission = msgspec.structs.replace(raw, vault_key_id="vault-of-another")
        event = decode_event(raw.event)
        first, refused, last = await form.vault.open_submissions([(raw, event), (bad, event), (raw, event)])
        assert isinstance(first, OpenedSubmission)
        assert first == last
        assert first.control == b"control canary"
        assert {key.label for key in first.keys} == {"control", "F1", "F2", "F5"}
        assert isinstance(refused, NotAuthentic)
        assert refused.code == "unknown-vault-key"
        assert refused.remedy

    async def test_keys_for_an_agencys_edge_open_there_alone(self, form: Form) -> None:
        """Sealed to its key and bound to dispatch and recipient; a refusal beside it is told as ever."""
        world = form.world
        _, slots = await admitted(form)
        dispatch = await granted(form, {"F1": slots["F1"]})
        edge, other = EdgePrivateKey(world.random(96)), EdgePrivateKey(world.random(96))
        tickets = [world.ticket(one, {"F1": slots["F1"]}) for one in (dispatch, world.id())]
        async with form.step() as connection:
            sealed, refused = await form.vault.release_to_edge(connection, tickets, edge.public, NOW)
            (plain,) = await form.vault.release_keys(connection, tickets[:1], NOW)
        assert isinstance(sealed, bytes)
        assert isinstance(refused, NotGranted)
        assert not isinstance(plain, SampanError)
        bound = Bound(form.vault.alias("dispatch", dispatch, world.embassy), world.embassy)
        (key,) = edge.open_keys(sealed, bound)
        assert (key.key, key.digest) == (plain["F1"].key, plain["F1"].digest)
        with pytest.raises(NotAuthentic):
            other.open_keys(sealed, bound)

    async def test_a_narrowing_makes_tickets_stale_until_the_router_has_decided(self, form: Form) -> None:
        """Then what was kept opens, what was taken is refused, and what was recalled never comes back."""
        _, slots = await admitted(form)
        kept, recalled = await granted(form, slots), await granted(form, slots)
        await narrowed(form, Narrowing(form.world.id(), form.world.subject))
        with pytest.raises(StaleTicket) as stale:
            await opened(form, kept, {"F1": slots["F1"]})
        assert isinstance(stale.value, TryLater)
        changes = [
            Regranted(dispatch_id=kept, labels=("F1",), gate_version=1),
            Regranted(dispatch_id=recalled, labels=(), recalled=True, gate_version=1),
        ]
        for _ in range(2):  # the router may have to come again
            async with form.step() as connection:
                await form.vault.change_grants(connection, changes, {form.world.subject: 1})
        assert await opened(form, kept, {"F1": slots["F1"]}) == {"F1": b"F1canary"}
        with pytest.raises(NotGranted):
            await opened(form, kept, {"F5": slots["F5"]})
        with pytest.raises(GateClosed):
            await opened(form, recalled, {"F1": slots["F1"]})

    async def test_two_events_that_narrow_her_count_twice(self, form: Form) -> None:
        """A renewal up to the first leaves her tickets stale: the second is still to be decided."""
        _, slots = await admitted(form)
        dispatch = await granted(form, slots)
        await narrowed(form, *(Narrowing(form.world.id(), form.world.subject) for _ in range(2)))
        async with form.step() as connection:
            await form.vault.change_grants(connection, [], {form.world.subject: 1})
        with pytest.raises(StaleTicket):
            await opened(form, dispatch, slots)
        assert await form.version() == 2

    async def test_a_known_dispatch_keeps_its_grant(self, form: Form) -> None:
        """Granting again under the same id neither widens nor renews it."""
        world = form.world
        _, slots = await admitted(form)
        dispatch = await granted(form, {"F1": slots["F1"]})
        async with form.step() as connection:
            await form.vault.grant(connection, [world.granting(dispatch, slots)])
        with pytest.raises(NotGranted):
            await opened(form, dispatch, {"F5": slots["F5"]})

    async def test_the_router_reads_control_and_labels_alone(self, form: Form) -> None:
        """The control content and where each group stands, no group's content."""
        event, _ = await admitted(form)
        async with form.step() as connection:
            (record,) = await form.vault.open_records(connection, [(event, [form.world.subject])])
        assert record is not None
        assert record.control == b"control canary"
        assert set(record.slots[form.world.subject]) == {"F1", "F2", "F5"}

    async def test_what_a_facts_key_sealed_it_opens(self, form: Form) -> None:
        """A stranger has none, and the key opens nothing in another's place."""
        await admitted(form)
        subject = form.world.subject
        async with form.step() as connection:
            keys = await form.vault.facts_keys(connection, [subject, form.world.id()])
        assert set(keys) == {subject}
        sealed = form.vault.seal_facts(keys[subject], b"citizen of LA", b"state")
        assert form.vault.open_facts(keys[subject], sealed, b"state") == b"citizen of LA"
        with pytest.raises(NotAuthentic):
            form.vault.open_facts(keys[subject], sealed, b"receipt")

    async def test_one_keyring_gives_the_same_names(self, form: Form) -> None:
        """Aliases, codes, marks, the webhooks' seed and the public key are those of the keyring."""
        keyring, one, other = form.keyring, form.world.id(), form.world.id()
        expected = Naming(naming_keys(keyring), keyring.public, form.world.random)
        assert form.vault.alias("case", one, other) == expected.alias("case", one, other)
        assert form.vault.case_code(one, other, 1) == expected.case_code(one, other, 1)
        assert form.vault.content_mac(b"x") == expected.content_mac(b"x")
        assert form.vault.webhook_seed() == expected.webhook_seed()
        assert base64.b64encode(form.vault.public.raw).decode() == keyring.public_text

    async def test_a_part_of_nobody_is_refused(self, form: Form) -> None:
        """By the question and by the admission, alike; nothing is kept."""
        one = msgspec.structs.replace(admission(form, {MAI: form.world.id()}), subjects={DAO: form.world.id()})
        with pytest.raises(InvalidInput) as asked:
            form.vault.check_admission(one)
        with pytest.raises(InvalidInput) as told:
            async with form.step() as connection:
                await form.vault.admit(connection, [one], NOW)
        assert asked.value.code == told.value.code == "part-of-nobody"
        assert await form.keys.fetchval("select count(*) from vault.subject_keys") == 0

    async def test_after_an_erasure_nothing_opens_or_comes_back(self, form: Form) -> None:
        """Neither group nor control slot nor facts; her id is never admitted again; erasing twice is once."""
        event, slots = await admitted(form)
        dispatch = await granted(form, slots)
        subject = form.world.subject
        async with form.step() as connection:
            assert await form.vault.count_bundles(connection, subject) == 1
        for _ in range(2):
            async with form.step() as connection:
                await form.vault.hold(connection, subject)
                await form.vault.erase_subject(connection, subject)
        with pytest.raises(GateClosed):
            await opened(form, dispatch, slots)
        async with form.step() as connection:
            assert await form.vault.open_records(connection, [(event, [subject])]) == [None]
            assert await form.vault.facts_keys(connection, [subject]) == {}
            assert await form.vault.count_bundles(connection, subject) == 0
        with pytest.raises(GateClosed) as refused:
            async with form.step() as connection:
                await form.vault.admit(connection, [admission(form, {MAI: subject})], NOW)
        assert refused.value.code == "erased"

    async def test_erased_groups_open_no_more_and_the_others_do(self, form: Form) -> None:
        """F5's keys are gone; F1 still opens; twice is once."""
        _, slots = await admitted(form)
        dispatch = await granted(form, slots)
        for _ in range(2):
            async with form.step() as connection:
                await form.vault.erase_groups(connection, form.world.subject, {"F5"})
        with pytest.raises(NotGranted):
            await opened(form, dispatch, {"F5": slots["F5"]})
        assert await opened(form, dispatch, {"F1": slots["F1"]}) == {"F1": b"F1canary"}

    async def test_an_erasure_waits_for_who_takes_in(self, form: Form) -> None:
        """Until the event has entered the log: else what it says of others would be lost to them."""
        await admitted(form)
        subject, held = form.world.subject, asyncio.Event()

        async def erase() -> None:
            async with form.step() as connection:
                await form.vault.hold(connection, subject)
                held.set()

        async with form.step() as connection:
            await form.vault.admit(connection, [admission(form, {MAI: subject})], NOW)
            erasing = asyncio.create_task(erase())
            while not await form.blocked():
                assert not erasing.done()
            assert not held.is_set()
        await erasing

    async def test_nothing_asked_is_nothing_done(self, form: Form) -> None:
        """Empty batches give empty answers."""
        async with form.step() as connection:
            await form.vault.admit(connection, [], NOW)
            assert await form.vault.narrow(connection, []) == {}
            assert await form.vault.facts_keys(connection, []) == {}
            assert await form.vault.open_records(connection, []) == []
            assert await form.vault.release_keys(connection, [], NOW) == []
            assert await form.vault.release_to_edge(connection, [], EdgePrivateKey(bytes(96)).public, NOW) == []
            await form.vault.grant(connection, [])
            await form.vault.change_grants(connection, [], {})
        assert await form.vault.open_submissions([]) == []
