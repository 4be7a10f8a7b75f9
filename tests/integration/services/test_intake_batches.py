"""One bad row stops no good one, and leaves nothing behind but place and code."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from contracts.api import SubmitReceipt
from contracts.control import ControlPayload, ControlSubject
from contracts.errors import SampanError, TryLater
from contracts.sealing import PlainSlot
from services.edge.prepare import ITEM_FINGERPRINT
from services.intake.candidate import Candidate, Handed
from services.intake.submit import Intake
from services.vault.port import OpenedSubmission
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
    seen = world.instance.vault.open_submissions

    async def faulty(submissions: Sequence[Any]) -> list[Any]:
        opened = await seen(submissions)
        if any(b"VictimIdentified" in one.control for one in opened if isinstance(one, OpenedSubmission)):
            raise RuntimeError(CANARIES[0])
        return list(opened)

    monkeypatch.setattr(world.instance.vault, "open_submissions", faulty)
    batch = [Handed(raw, world.agency("ngo-th")) for raw in (good[0], poison, good[1])]
    first, refused, last = await world.instance.intake.submit_many(batch)
    assert isinstance(first, SubmitReceipt)
    assert isinstance(last, SubmitReceipt)
    assert isinstance(refused, SampanError)
    assert (refused.code, refused.http_status) == ("internal", 500)
    assert CANARIES[0] not in refused.sentence()


async def test_one_that_loses_every_race_stops_no_other(
    world: ServicesWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It alone is told to send again, nothing of it is kept, and its neighbours are taken and durable."""
    raws = [(await world.prepared()).submission for _ in range(3)]
    real = Intake._keep

    async def loses(self: Intake, connection: Any, taken: list[Candidate], now: datetime) -> None:
        await real(self, connection, taken, now)
        if any(candidate.raw == raws[1] for candidate in taken):
            raise asyncpg.SerializationError

    monkeypatch.setattr(Intake, "_keep", loses)
    batch = [Handed(raw, world.agency("ngo-th")) for raw in raws]
    first, contended, last = await world.instance.intake.submit_many(batch)
    assert isinstance(first, SubmitReceipt)
    assert isinstance(last, SubmitReceipt)
    assert isinstance(contended, TryLater)
    assert contended.code == "contended"
    kept = await world.store.pool.fetch("select submission_id from intake.submissions")
    assert {row["submission_id"] for row in kept} == {first.submission_id, last.submission_id}
    assert not await world.rejections()
    monkeypatch.setattr(Intake, "_keep", real)
    assert isinstance(await world.instance.intake.submit(raws[1], world.agency("ngo-th")), SubmitReceipt)


async def test_what_broke_a_batch_is_logged_though_it_does_not_come_again(
    world: ServicesWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is taken alone; the log holds one line with code and place, and no message."""
    raws = [(await world.prepared()).submission for _ in range(2)]
    real = Intake._keep

    async def breaks(self: Intake, connection: Any, taken: list[Candidate], now: datetime) -> None:
        if len(taken) > 1:
            raise RuntimeError(CANARIES[0])
        await real(self, connection, taken, now)

    monkeypatch.setattr(Intake, "_keep", breaks)
    with capture_logs() as lines:
        results = await world.instance.intake.submit_many(
            [Handed(raw, world.agency("ngo-th")) for raw in raws]
        )
    assert [type(result) for result in results] == [SubmitReceipt, SubmitReceipt]
    (line,) = lines
    assert (line["event"], line["error"]) == ("submissions_failed_together", "RuntimeError")
    assert line["at"].startswith("test_intake_batches.py:")
    assert CANARIES[0] not in str(line)
