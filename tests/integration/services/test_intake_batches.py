"""One bad row stops no good one, and leaves nothing behind but place and code."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from contracts.api import SubmitReceipt
from contracts.control import ControlPayload, ControlSubject
from contracts.errors import SampanError
from contracts.sealing import PlainSlot
from services.edge.prepare import ITEM_FINGERPRINT
from services.intake.candidate import Handed
from tests.support.services_world import CANARIES, ServicesWorld

Bad = Callable[[ServicesWorld], Awaitable[bytes]]


async def mistyped_code(world: ServicesWorld) -> bytes:
    return (await world.prepared(case="SP-00000-00001", subjects=[{}])).submission


async def no_code_at_all(world: ServicesWorld) -> bytes:
    return (await world.prepared(case="Zanzibardo's file", subjects=[{}])).submission


async def unknown_code(world: ServicesWorld) -> bytes:
    code = world.instance.vault.case_code(world.id(), world.id())
    return (await world.prepared(case=code, subjects=[{}])).submission


async def erased_person(world: ServicesWorld) -> bytes:
    receipt = await world.submit()
    subject = receipt.subject_refs[0]
    async with world.store.unit_of_work() as work:
        await world.instance.vault.erase_subject(work.connection, subject)
    return (
        await world.prepared(
            event="VictimIdentified", case=str(receipt.case_ref), subjects=[{"subject": subject}]
        )
    ).submission


async def part_of_nobody(world: ServicesWorld) -> bytes:
    control = ControlPayload(
        event="IdentificationRequested", subjects=[ControlSubject(subject_ref=world.id())]
    )
    return await world.crafted(control, [PlainSlot("item:age_group", world.id(), ITEM_FINGERPRINT, b"18+")])


async def nul_in_the_key_id(world: ServicesWorld) -> bytes:
    return await world.crafted(ControlPayload(event="IdentificationRequested"), signing_key_id="ngo\0th")


async def garbage(world: ServicesWorld) -> bytes:
    return world.random(2000)


async def cut_short(world: ServicesWorld) -> bytes:
    return (await world.prepared()).submission[:-1]


async def empty(world: ServicesWorld) -> bytes:
    return b""


BAD: list[tuple[Bad, str]] = [
    (mistyped_code, "bad-case-code"),
    (no_code_at_all, "bad-case-code"),
    (unknown_code, "unknown-case"),
    (erased_person, "erased"),
    (part_of_nobody, "part-of-nobody"),
    (nul_in_the_key_id, "unknown-key"),
    (cut_short, "malformed-seal"),
    (empty, "malformed-seal"),
]


@pytest.mark.parametrize(("make", "code"), BAD, ids=[make.__name__ for make, _ in BAD])
async def test_a_bad_row_is_refused_alone(world: ServicesWorld, make: Bad, code: str) -> None:
    """Its neighbours in the batch are taken; the bad one changes nothing and says field and remedy in its code."""
    bad = await make(world)
    before = await world.tables()
    alone = await world.refused(bad)
    assert code == alone.code
    assert alone.remedy
    assert before == await world.tables()
    good = [(await world.prepared()).submission for _ in range(2)]
    batch = [Handed(raw, world.agency("ngo-th")) for raw in (good[0], bad, good[1])]
    first, refused, last = await world.instance.intake.submit_many(batch)
    assert isinstance(first, SubmitReceipt)
    assert isinstance(last, SubmitReceipt)
    assert isinstance(refused, SampanError)
    assert code == refused.code
    assert [code, code] == [row[0] for row in await world.rejections()]


async def test_a_rejection_keeps_no_value(world: ServicesWorld) -> None:
    """What is kept of a refusal is whose, a MAC, code and field: none of the planted values."""
    for make, _ in BAD:
        await world.refused(await make(world))
    rows = await world.store.pool.fetch("select r::text as line from intake.rejections r")
    assert len(BAD) == len(rows)
    assert not [row["line"] for row in rows if any(canary in row["line"] for canary in CANARIES)]


async def test_a_row_that_breaks_us_breaks_nobody_else(
    world: ServicesWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours in one row is answered for that row as ours, and its neighbours are taken."""
    good = [(await world.prepared()).submission for _ in range(2)]
    poison = (await world.prepared(event="VictimIdentified")).submission
    seen = world.instance.vault.open_submission

    def faulty(submission: object, event: object) -> object:
        opened = seen(submission, event)  # type: ignore[arg-type]
        if b"VictimIdentified" in opened[0]:
            raise RuntimeError(CANARIES[0])
        return opened

    monkeypatch.setattr(world.instance.vault, "open_submission", faulty)
    batch = [Handed(raw, world.agency("ngo-th")) for raw in (good[0], poison, good[1])]
    first, refused, last = await world.instance.intake.submit_many(batch)
    assert isinstance(first, SubmitReceipt)
    assert isinstance(last, SubmitReceipt)
    assert isinstance(refused, SampanError)
    assert (refused.code, refused.http_status) == ("internal", 500)
    assert CANARIES[0] not in refused.sentence()
