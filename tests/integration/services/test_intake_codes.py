"""Case codes: one case, one code an agency; two cases never share one."""

from __future__ import annotations

from uuid import UUID

import pytest

from contracts.ids import case_code
from services.intake.candidate import Handed
from services.runtime.parking import list_parked
from tests.support.services_world import ServicesWorld

CRAMPED = bytes(32)


def collide(world: ServicesWorld, monkeypatch: pytest.MonkeyPatch, free_at: int) -> None:
    """Every case gets the same code until the attempt ``free_at``."""
    real = world.instance.vault.case_code

    def same(case_id: UUID, agency_id: UUID, attempt: int = 0) -> str:
        if attempt < free_at:
            return case_code(CRAMPED, UUID(int=0), UUID(int=0), attempt)
        return real(case_id, agency_id, attempt)

    monkeypatch.setattr(world.instance.vault, "case_code", same)


async def test_colliding_codes_are_told_apart(world: ServicesWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where two cases meet in one code, the later one gets another, and each code leads to its own case."""
    collide(world, monkeypatch, free_at=3)
    receipts = [await world.submit() for _ in range(5)]
    assert len({receipt.case_code for receipt in receipts}) == 5
    for receipt in receipts:
        found = await world.instance.timelines.resolve(world.agency("ngo-th"), receipt.case_code)
        assert found.case_ref == receipt.case_ref


async def test_colliding_codes_in_one_batch(world: ServicesWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two cases of one batch that meet in one code get two."""
    collide(world, monkeypatch, free_at=1)
    sealed = [(await world.prepared()).submission for _ in range(2)]
    results = await world.instance.intake.submit_many([Handed(raw, world.agency("ngo-th")) for raw in sealed])
    assert len({getattr(result, "case_code", None) for result in results}) == 2


async def test_a_code_that_cannot_be_found_refuses_and_changes_nothing(
    world: ServicesWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no free code the case is not opened: a wrong code would send an answer to the wrong case."""
    await world.submit()
    collide(world, monkeypatch, free_at=99)
    raws = [(await world.prepared()).submission for _ in range(9)]
    taken = [await world.instance.submit(raw, world.agency("ngo-th")) for raw in raws[:8]]
    assert len({receipt.case_code for receipt in taken}) == 8
    before = await world.tables()
    error = await world.refused(raws[8])
    assert error.code == "case-codes-exhausted"
    assert await world.tables() == before


async def test_a_recipients_colliding_code_is_not_learnt(
    world: ServicesWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recipient's code that another case has is parked for a person, and names no case meanwhile."""
    collide(world, monkeypatch, free_at=1)
    first = await world.refer()
    second = await world.refer()
    parked = await list_parked(world.store.pool)
    assert {one.error_code for one in parked} == {"case-code-taken"}
    assert {one.consumer for one in parked} == {"intake-aliases"}
    assert first.case_code != second.case_code
