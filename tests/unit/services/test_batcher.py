"""Group commit: whoever waits at the same moment shares one commit; nobody waits for a timer, nobody is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from contracts.api import SubmitReceipt
from contracts.errors import InvalidInput, SampanError, TryLater
from services.intake.batcher import Batcher
from services.intake.candidate import Handed, Result

WHO = UUID(int=1)


def receipt(raw: bytes) -> SubmitReceipt:
    return SubmitReceipt(
        submission_id=UUID(int=int.from_bytes(raw, "big")),
        event_id=WHO,
        case_code="SP-0000-0000",
        case_ref=WHO,
        subject_refs=[],
        recorded_at=datetime(2026, 3, 2, tzinfo=UTC),
    )


class Intake:
    """Takes batches and keeps their sizes; waits where it is told to."""

    def __init__(self) -> None:
        self.batches: list[list[bytes]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def submit_many(self, batch: Sequence[Handed]) -> list[Result]:
        self.batches.append([handed.raw for handed in batch])
        await self.gate.wait()
        return [self._one(handed.raw) for handed in batch]

    def _one(self, raw: bytes) -> Result:
        if raw == b"bad":
            return InvalidInput("no", code="bad")
        if raw == b"broken":
            raise RuntimeError
        return receipt(raw)


async def test_a_lone_submission_waits_for_nobody() -> None:
    """It is its own batch."""
    intake = Intake()
    assert await Batcher(intake.submit_many).submit(b"1", WHO) == receipt(b"1")
    assert intake.batches == [[b"1"]]


async def test_what_waits_shares_the_next_commit() -> None:
    """While one batch commits the next gathers, up to its bound, in the order of arrival."""
    intake = Intake()
    intake.gate.clear()
    batcher = Batcher(intake.submit_many, batch_max=3)
    waiting = [asyncio.create_task(batcher.submit(b"0", WHO))]
    while not intake.batches:
        await asyncio.sleep(0)
    waiting += [asyncio.create_task(batcher.submit(b"%d" % n, WHO)) for n in range(1, 6)]
    await asyncio.sleep(0)
    intake.gate.set()
    assert [one.submission_id.int for one in await asyncio.gather(*waiting)] == [48 + n for n in range(6)]
    assert intake.batches == [[b"0"], [b"1", b"2", b"3"], [b"4", b"5"]]


async def test_each_gets_its_own_answer() -> None:
    """One refusal in a batch is one sender's."""
    batcher = Batcher(Intake().submit_many)
    first, bad, last = await asyncio.gather(
        *(batcher.submit(raw, WHO) for raw in (b"1", b"bad", b"2")), return_exceptions=True
    )
    assert (first, last) == (receipt(b"1"), receipt(b"2"))
    assert isinstance(bad, SampanError)
    assert bad.code == "bad"


async def test_a_failure_of_a_batch_is_told_and_does_not_stop_the_next() -> None:
    """Whoever was in it may send again; the batcher goes on."""
    batcher = Batcher(Intake().submit_many)
    with pytest.raises(RuntimeError):
        await batcher.submit(b"broken", WHO)
    assert await batcher.submit(b"1", WHO) == receipt(b"1")


async def test_a_full_queue_refuses_at_once() -> None:
    """Beyond its bound nothing is taken, and those who wait get their answers all the same."""
    intake = Intake()
    intake.gate.clear()
    batcher = Batcher(intake.submit_many, queue_max=1)
    first = asyncio.create_task(batcher.submit(b"1", WHO))
    while not intake.batches:
        await asyncio.sleep(0)
    second = asyncio.create_task(batcher.submit(b"2", WHO))
    await asyncio.sleep(0)
    with pytest.raises(TryLater) as refused:
        await batcher.submit(b"3", WHO)
    assert refused.value.http_status == 503
    intake.gate.set()
    assert [await first, await second] == [receipt(b"1"), receipt(b"2")]


async def test_a_request_that_goes_away_harms_nobody() -> None:
    """The others of its batch get their answers, and what it handed in is taken all the same."""
    intake = Intake()
    intake.gate.clear()
    batcher = Batcher(intake.submit_many)
    gone, stays = (asyncio.create_task(batcher.submit(raw, WHO)) for raw in (b"1", b"2"))
    while not intake.batches:
        await asyncio.sleep(0)
    gone.cancel()
    intake.gate.set()
    assert await stays == receipt(b"2")
    assert intake.batches == [[b"1", b"2"]]


async def test_what_a_batch_answers_for_us_is_told_to_the_operator() -> None:
    """The answer of a batch names a fault of ours in one line among others; the log holds it too, and no refusal."""

    async def submit_many(batch: Sequence[Handed]) -> list[Result]:
        return [
            receipt(b"1"),
            InvalidInput("no", code="bad"),
            SampanError("no code", code="case-codes-exhausted"),
        ]

    with capture_logs() as lines:
        results = await Batcher(submit_many).submit_many([Handed(b"%d" % n, WHO) for n in range(3)])
    assert len(results) == 3
    assert [(line["event"], line["error"]) for line in lines] == [
        ("submission_not_taken", "case-codes-exhausted")
    ]


async def test_closing_finishes_what_waits() -> None:
    """Nobody is left without an answer when the server stops."""
    intake = Intake()
    intake.gate.clear()
    batcher = Batcher(intake.submit_many)
    waiting = asyncio.create_task(batcher.submit(b"1", WHO))
    while not intake.batches:
        await asyncio.sleep(0)
    closing = asyncio.create_task(batcher.close())
    intake.gate.set()
    await closing
    assert await waiting == receipt(b"1")
