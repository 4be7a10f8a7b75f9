"""What the forms of the vault keep that commit before their caller does."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from contracts.errors import SampanError
from services.vault.errors import StaleTicket
from services.vault.port import Admission, Narrowing
from tests.conformance.vault.form import Form
from tests.conformance.vault.vault_contract import admission, admitted, granted, narrowed, opened
from tests.support.sealed import DAO, MAI, NOW, parts


class ApartContract:
    """The forms that commit before their caller does."""

    async def test_a_narrowing_counts_once_though_its_caller_comes_again(self, form: Form) -> None:
        """The caller failed: the gate is narrower than the log. The same event again makes it whole, and no more."""
        _, slots = await admitted(form)
        dispatch = await granted(form, slots)
        narrowing = Narrowing(form.world.id(), form.world.subject)
        await narrowed(form, narrowing, fails=True)
        with pytest.raises(StaleTicket):
            await opened(form, dispatch, slots)
        for _ in range(3):
            await narrowed(form, narrowing)
        assert await form.version() == 1
        async with form.step() as connection:
            await form.vault.change_grants(connection, [], {form.world.subject: 1})
        assert await opened(form, dispatch, slots)

    async def test_of_a_batch_only_what_is_new_counts(self, form: Form) -> None:
        """Two events, of which one was counted before, in any company and order, twice in one batch too."""
        await admitted(form)
        one, two = (Narrowing(form.world.id(), form.world.subject) for _ in range(2))
        await narrowed(form, one, fails=True)
        await narrowed(form, two, one, two)
        assert await form.version() == 2

    async def test_many_at_once_count_once_each(self, form: Form) -> None:
        """Retries of the same narrowings that overlap lose none and count none twice."""
        await admitted(form)
        narrowings = [Narrowing(form.world.id(), form.world.subject) for _ in range(6)]
        await asyncio.gather(
            *(narrowed(form, *(narrowings if turn % 2 else reversed(narrowings))) for turn in range(6))
        )
        assert await form.version() == 6

    async def test_admitting_again_keeps_the_keys(self, form: Form) -> None:
        """The caller failed and comes again: bundles stay as they were, and everything opens."""
        one = admission(form, {MAI: form.world.subject})
        async with form.step(fails=True) as connection:
            await form.vault.admit(connection, [one], NOW)
        before = await form.keys.fetch("select * from vault.key_bundles")
        assert len(before) == 1
        async with form.step() as connection:
            await form.vault.admit(connection, [one], NOW)
            assert await form.keys.fetch("select * from vault.key_bundles") == before
            (record,) = await form.vault.open_records(connection, [(one.event, [form.world.subject])])
        assert record is not None
        assert record.control == b"control canary"

    @pytest.mark.parametrize("turn", [0, 1])
    async def test_whichever_persons_enter_the_log_the_event_can_be_read(self, form: Form, turn: int) -> None:
        """Two tries named the first person alike and the second differently: the control slot opens for either."""
        mother, first, second = (form.world.id() for _ in range(3))
        one = admission(form, {MAI: mother, DAO: first})
        other = msgspec.structs.replace(one, subjects={MAI: mother, DAO: second})
        async with form.step(fails=True) as connection:
            await form.vault.admit(connection, [one], NOW)
        async with form.step() as connection:
            await form.vault.admit(connection, [other], NOW)
            (record,) = await form.vault.open_records(connection, [(one.event, [mother, (first, second)[turn]])])
            assert record is not None
            assert record.control == b"control canary"
            # Erasing one of the persons silences what the event said of them together.
            await form.vault.erase_subject(connection, (first, second)[turn])
            assert await form.vault.open_records(
                connection, [(one.event, [mother, (first, second)[turn]])]
            ) == [None]

    async def test_two_tries_at_once_both_can_be_read(self, form: Form) -> None:
        """Two intakes admit one event with other persons at the same moment; either may win."""
        mother = form.world.id()
        one = admission(form, {MAI: mother, DAO: form.world.id()})
        tries = [one, *(msgspec.structs.replace(one, subjects={MAI: mother, DAO: form.world.id()}) for _ in range(3))]

        async def attempt(this: Admission) -> None:
            async with form.step() as connection:
                await form.vault.admit(connection, [this], NOW)

        await asyncio.gather(*(attempt(this) for this in tries))
        async with form.step() as connection:
            records = await form.vault.open_records(
                connection, [(one.event, list(this.subjects.values())) for this in tries]
            )
        assert [record and record.control for record in records] == [b"control canary"] * 4

    async def test_other_content_under_an_admitted_id_is_refused(self, form: Form) -> None:
        """It replaces no key: what was admitted first still opens."""
        event, slots = await admitted(form)
        dispatch = await granted(form, slots)
        header = msgspec.structs.replace(form.world.header(), event_id=event.header.event_id)
        forged, keys = form.world.opened(form.world.submission(parts(MAI, b"other"), header))
        again = Admission(event=forged, keys=keys, subjects={MAI: form.world.subject})
        with pytest.raises(SampanError) as refused:
            async with form.step() as connection:
                await form.vault.admit(connection, [again], NOW)
        assert refused.value.code == "id-used"
        assert not refused.value.retryable
        assert await opened(form, dispatch, {"F1": slots["F1"]}) == {"F1": b"F1canary"}

    async def test_erased_groups_do_not_come_back_with_a_retry(self, form: Form) -> None:
        """Admitting the same event once more, with a person more, restores no key that was destroyed meanwhile."""
        subject, baby = form.world.subject, form.world.id()
        one = admission(form, {MAI: subject})
        again = msgspec.structs.replace(one, subjects={MAI: subject, DAO: baby})
        async with form.step() as connection:
            await form.vault.admit(connection, [one], NOW)
            await form.vault.erase_groups(connection, subject, {"F5"})
            await form.vault.admit(connection, [again], NOW)
            (record,) = await form.vault.open_records(connection, [(one.event, [subject, baby])])
        assert record is not None
        assert set(record.slots[subject]) == {"F1", "F2"}

    async def test_a_narrowing_under_way_refuses_the_opening(self, form: Form) -> None:
        """An opening that comes while a narrowing commits waits for it, and is refused then."""
        _, slots = await admitted(form)
        dispatch = await granted(form, slots)
        async with form.keys.acquire() as other:
            narrowing = other.transaction()
            await narrowing.start()
            await other.execute(
                "update vault.gates set version = version + 1 where subject_id = $1", form.world.subject
            )
            opening = asyncio.create_task(opened(form, dispatch, slots))
            while not await form.blocked():
                assert not opening.done()
            await narrowing.commit()
        with pytest.raises(StaleTicket):
            await opening

    async def test_a_grant_decided_again_is_the_same_grant(self, form: Form) -> None:
        """The router failed after granting and decides again: one grant, which opens."""
        world = form.world
        _, slots = await admitted(form)
        dispatch = world.id()
        for fails in (True, False):
            async with form.step(fails=fails) as connection:
                await form.vault.grant(connection, [world.granting(dispatch, {"F1": slots["F1"]})])
        assert await opened(form, dispatch, {"F1": slots["F1"]}) == {"F1": b"F1canary"}
        assert await form.keys.fetchval("select count(*) from vault.grants") == 1
