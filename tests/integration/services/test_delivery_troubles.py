"""What goes wrong in the middle of a delivery: lost claims, late outcomes, faults of ours, systems that hang."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from adapters.exchange import Call, Reply
from adapters.primero import outbound
from deploy.demo.primero_server import PrimeroServer
from services.delivery import lanes
from tests.support.lane_play import MINISTRY, failures, items, lane, refer
from tests.support.lane_targets import ToldChannel
from tests.support.services_world import CANARIES, ServicesWorld


async def test_a_claim_without_an_outcome_is_unknown(hooked: ServicesWorld, hook: ToldChannel) -> None:
    """A worker that died in its call leaves a claim; when it has run out the next attempt knows it is a repetition."""
    await refer(hooked)
    async with hooked.store.unit_of_work() as work:
        (held,) = await lanes.claim(work.connection, "a process that died", work.now, 10)
    assert not held.repeat
    assert await hooked.instance.worker.run_once() == 0
    hooked.clock.advance(lanes.CLAIM_SECONDS)
    async with hooked.store.unit_of_work() as work:
        (again,) = await lanes.claim(work.connection, "its successor", work.now, 10)
    assert again.repeat
    assert (again.dispatch_id, again.attempt) == (held.dispatch_id, 2)


async def test_the_late_outcome_of_a_lost_claim_changes_nothing(
    hooked: ServicesWorld, hook: ToldChannel
) -> None:
    """A call that ends after its claim ran out and another succeeded leaves lane and item as they are."""
    gate = asyncio.Event()

    async def late(_call: Call) -> Reply:
        await gate.wait()
        return Reply(410)

    hook.answers = [late, Reply(200)]
    await refer(hooked)
    first = asyncio.create_task(hooked.instance.worker.run_once())
    while not hook.calls:
        await asyncio.sleep(0)
    hooked.clock.advance(lanes.CLAIM_SECONDS)
    assert await hooked.another_instance().worker.run_once() == 1
    before = (await lane(hooked), await items(hooked))
    gate.set()
    await first
    assert (await lane(hooked), await items(hooked)) == before
    assert before[1] == [("tell", "done")]
    assert await failures(hooked) == 0


async def test_a_fault_of_ours_in_one_document_stops_no_other(
    ministry: ServicesWorld, primero: PrimeroServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A document that our own code cannot make parks its lane at last; the other lanes' go out."""
    broken = await refer(ministry)
    await refer(ministry)
    alias = ministry.instance.vault.alias("subject", broken.subject_refs[0], ministry.agency(MINISTRY))
    real = outbound.render

    def render(event: Any, *rest: Any) -> Any:
        if event.subject == alias:
            raise KeyError(CANARIES[0])
        return real(event, *rest)

    monkeypatch.setattr(outbound, "render", render)
    await ministry.instance.settle()
    assert [effect.what for effect in primero.journal] == ["case_created", "referral_created"]
    states = await ministry.store.pool.fetch("select state, error_code from delivery.lanes order by state")
    assert [tuple(row) for row in states] == [("flowing", None), ("retrying", "internal")]


async def test_a_channel_that_breaks_in_our_hands_is_unknown(
    hooked: ServicesWorld, hook: ToldChannel
) -> None:
    """An error in the middle of a call is neither success nor failure: the item stays claimed and is repeated."""
    hook.answers = [RuntimeError(CANARIES[0]), Reply(200)]
    await refer(hooked)
    await hooked.instance.worker.run_once()
    assert ((await lane(hooked))["state"], await items(hooked)) == ("unknown", [("tell", "claimed")])
    hooked.clock.advance(60)
    await hooked.instance.settle()
    assert await items(hooked) == [("tell", "done")]


async def test_a_hanging_system_holds_up_no_other(hooked: ServicesWorld, hook: ToldChannel) -> None:
    """While one call hangs, the running worker goes on with other lanes; the stop cuts what still hangs."""
    others_done, stop = asyncio.Event(), asyncio.Event()

    async def hang(_call: Call) -> Reply:
        await asyncio.Event().wait()
        return Reply(200)

    async def done(_call: Call) -> Reply:
        others_done.set()
        return Reply(200)

    hook.answers = [hang, done]
    await refer(hooked)
    worker = hooked.instance.worker
    running = asyncio.create_task(worker.run(stop, hooked.store.wake, hooked.clock))
    while not hook.calls:
        await asyncio.sleep(0)
    await refer(hooked)
    await asyncio.wait_for(others_done.wait(), 30)
    stop.set()
    await asyncio.wait_for(running, 30)
    assert sorted(await items(hooked)) == [("tell", "claimed"), ("tell", "done")]
