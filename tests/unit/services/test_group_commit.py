"""Requests that wait together share one commit, and each gets its own answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from contracts.errors import NotFound, SampanError
from services.runtime.group_commit import GroupCommit


class Slow:
    """Doubles numbers, when it is let go; remembers its batches."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun, self.go = asyncio.Event(), asyncio.Event()
        self.refusals: dict[int, BaseException] = {
            -1: ValueError("Zanzibardo"),
            -2: NotFound("nothing here"),
            -3: SampanError("no free case code", code="case-codes-exhausted"),
        }

    async def __call__(self, asked: Sequence[int]) -> list[int | BaseException]:
        self.batches.append(list(asked))
        self.begun.set()
        await self.go.wait()
        if 13 in asked:
            raise RuntimeError
        return [self.refusals.get(number, 2 * number) for number in asked]


async def test_what_comes_during_a_batch_is_the_next_batch() -> None:
    """A lone request starts at once; those that come meanwhile go together, in order, and no more than fit."""
    slow = Slow()
    commit: GroupCommit[int, int] = GroupCommit(slow, batch_max=3)
    first = asyncio.create_task(commit.ask(1))
    await slow.begun.wait()
    slow.go.set()
    assert await asyncio.gather(first, *(commit.ask(number) for number in (2, 3, 4, 5))) == [2, 4, 6, 8, 10]
    assert slow.batches == [[1], [2, 3, 4], [5]]


async def test_an_error_among_the_answers_is_its_askers_alone() -> None:
    """An exception as an answer is raised to the one who asked; the others get theirs."""
    slow = Slow()
    slow.go.set()
    commit: GroupCommit[int, int] = GroupCommit(slow)
    results = await asyncio.gather(commit.ask(1), commit.ask(-1), commit.ask(2), return_exceptions=True)
    assert (results[0], type(results[1]), results[2]) == (2, ValueError, 4)


async def test_a_batch_that_breaks_stops_no_later_one() -> None:
    """What the batch raises is raised to all of it and logged once; the next request is served."""
    slow = Slow()
    slow.go.set()
    commit: GroupCommit[int, int] = GroupCommit(slow)
    with capture_logs() as lines:
        broken = await asyncio.gather(commit.ask(13), commit.ask(1), return_exceptions=True)
    (line,) = lines
    assert (line["event"], line["error"]) == ("batch_failed", "RuntimeError")
    assert line["at"].startswith("test_group_commit.py:")
    assert [type(error) for error in broken] == [RuntimeError, RuntimeError]
    assert await commit.ask(4) == 8


async def test_who_goes_away_holds_up_nobody() -> None:
    """A cancelled request leaves the others of its batch their answers."""
    slow = Slow()
    commit: GroupCommit[int, int] = GroupCommit(slow)
    first, second = asyncio.create_task(commit.ask(1)), asyncio.create_task(commit.ask(2))
    await slow.begun.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    slow.go.set()
    assert await second == 4


async def test_what_nobody_is_there_to_hear_is_logged() -> None:
    """A fault whose asker went away is in the log by code and place, without message; a plain refusal is not."""
    slow = Slow()
    commit: GroupCommit[int, int] = GroupCommit(slow)
    asking = [asyncio.create_task(commit.ask(number)) for number in (-1, -2, -3, 4)]
    await slow.begun.wait()
    for gone in asking:
        gone.cancel()
    slow.go.set()
    with capture_logs() as lines:
        await commit.close()
    assert [(line["event"], line["error"]) for line in lines] == [
        ("failed_unheard", "ValueError"),
        ("failed_unheard", "case-codes-exhausted"),
    ]
    assert "Zanzibardo" not in str(lines)
    await asyncio.gather(*asking, return_exceptions=True)
