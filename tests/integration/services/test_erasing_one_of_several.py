"""Erasing one person of a case: what was said of her and others counts for the others first."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.errors import Conflict, TryLater
from services.assembly.erasure import Erasure
from services.runtime.parking import list_parked
from tests.support.services_world import CONSENT, ServicesWorld


async def two_of_a_case(world: ServicesWorld) -> Any:
    """Two persons of one case, both referred; her and the other's references."""
    her, other = world.id(), world.id()
    said = {"consent": CONSENT, "to": ["SHA@TH"]}
    receipt = await world.submit(subjects=[{"subject": her}, {"subject": other}], **said)
    await world.instance.settle()
    return receipt


async def erase(world: ServicesWorld, person: Any) -> None:
    erasure, owner = Erasure(world.instance), world.caller("ngo-th")
    await erasure.confirm(owner, person, (await erasure.ask(owner, person)).confirm)


async def erased(world: ServicesWorld) -> list[Any]:
    rows = await world.store.pool.fetch("select subject_id from vault.gates where reason_code = 'erased'")
    return [row["subject_id"] for row in rows]


async def test_a_withdrawal_for_both_counts_for_the_other_before_one_is_erased(world: ServicesWorld) -> None:
    """Both take their consent back, and one is erased at once: the other's withdrawal was decided."""
    receipt = await two_of_a_case(world)
    her, other = receipt.subject_refs
    both = [{"subject": her}, {"subject": other}]
    await world.submit(event="ConsentWithdrawn", case=str(receipt.case_ref), subjects=both)
    await erase(world, her)
    await world.instance.settle()
    states = await world.store.pool.fetch(
        "select s.subject_id, s.gate_version = g.version as followed from router.subject_state s"
        " join vault.gates g using (subject_id) where g.reason_code <> 'erased'"
    )
    assert [tuple(row) for row in states] == [(other, True)]


async def test_nobody_is_erased_while_the_router_has_not_heard_what_concerns_others(world: ServicesWorld) -> None:
    """Another process owns the router and stands still: the erasure waits, says so, and destroys nothing."""
    receipt = await two_of_a_case(world)
    her, other = receipt.subject_refs
    idle = world.another_instance()
    await world.store.pool.execute("update runtime.leases set lease_until = 'epoch'")
    await idle.settle()
    both = [{"subject": her}, {"subject": other}]
    await world.submit(event="ConsentWithdrawn", case=str(receipt.case_ref), subjects=both)
    world.clock.advance(1)
    with pytest.raises(TryLater) as refused:
        await erase(world, her)
    assert (refused.value.code, await erased(world)) == ("not-yet-erased", [])
    await idle.settle()
    await erase(world, her)
    assert await erased(world) == [her]


async def test_a_parked_case_is_released_before_one_of_it_is_erased(world: ServicesWorld) -> None:
    """What is parked may narrow for the others: the erasure names the operator's way out, and follows it."""
    receipt = await two_of_a_case(world)
    her, other = receipt.subject_refs
    kept = await world.store.pool.fetch("select subject_id, sealed from router.subject_state")
    await world.store.pool.execute("update router.subject_state set sealed = '\\x00'")
    both = [{"subject": her}, {"subject": other}]
    await world.submit(event="ConsentGiven", case=str(receipt.case_ref), subjects=both, consent=CONSENT)
    with pytest.raises(Conflict) as refused:
        await erase(world, her)
    assert (refused.value.code, await erased(world)) == ("case-parked", [])
    for row in kept:
        await world.store.pool.execute(
            "update router.subject_state set sealed = $2 where subject_id = $1", row["subject_id"], row["sealed"]
        )
    await world.instance.router.release_parked(receipt.case_ref)
    assert not await list_parked(world.store.pool)
    await erase(world, her)
    assert await erased(world) == [her]
