"""An agency's own edge at work, against the hub's HTTP and a server that behaves as Primero does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from contracts.edge_api import EdgeAsk, EdgeClaims, EdgeOutcome, EdgeRecorded
from deploy.demo.primero_server import Fault, PrimeroServer
from services.client.edge_line import HubLine
from services.client.edge_loop import OwnEdge as Loop
from services.client.errors import NoConnection
from services.delivery.lanes import CLAIM_SECONDS
from tests.support.http_world import HttpWorld
from tests.support.lane_play import MINISTRY, items, lane, refer
from tests.support.lane_targets import primero_target
from tests.support.own_edge import OwnEdge, enrolled_edge
from tests.support.primero_server import running_primero
from tests.support.services_world import NAME


class Hub:
    """The line to the hub, which can be cut before a call reaches it or after it did."""

    def __init__(self, line: HubLine) -> None:
        self._line = line
        self.cut: list[str] = []

    async def ask(self, ask: EdgeAsk) -> EdgeClaims:
        return await self._called("ask", self._line.ask, ask)

    async def report(self, outcome: EdgeOutcome) -> EdgeRecorded:
        return await self._called("report", self._line.report, outcome)

    async def _called(self, what: str, call: Any, said: Any) -> Any:
        if f"before-{what}" in self.cut:
            self.cut.remove(f"before-{what}")
            raise NoConnection("no line")
        answer = await call(said)
        if f"after-{what}" in self.cut:
            self.cut.remove(f"after-{what}")
            raise NoConnection("no line")
        return answer


@pytest.fixture
async def primero() -> AsyncIterator[PrimeroServer]:
    async with running_primero() as server:
        yield server


@pytest.fixture
async def edge(http: HttpWorld) -> OwnEdge:
    return await enrolled_edge(http, MINISTRY)


@pytest.fixture
async def hub(http: HttpWorld, edge: OwnEdge) -> AsyncIterator[Hub]:
    line = HubLine("http://sampan.test", edge.enrolled.token, httpx.ASGITransport(app=http.app))
    yield Hub(line)
    await line.close()


@pytest.fixture
def loop(http: HttpWorld, hub: Hub, edge: OwnEdge, primero: PrimeroServer) -> Loop:
    return loop_of(http, hub, edge, primero)


def loop_of(http: HttpWorld, hub: Hub, edge: OwnEdge, primero: PrimeroServer, **said: Any) -> Loop:
    clocks: dict[str, Any] = {
        "clock": http.world.clock,
        "monotonic": lambda: 0.0,
        "uniform": lambda low, high: high,
    }
    return Loop(
        hub, edge.private, edge.enrolled.agency_id, {"primero": primero_target(primero)}, **(clocks | said)
    )


async def turn(loop: Loop) -> int:
    """Ask once and make every attempt that came."""
    attempts = await loop.claimed(16, 0)
    await asyncio.gather(*attempts)
    return len(attempts)


async def test_a_referral_arrives_through_the_agencys_own_edge(
    http: HttpWorld, loop: Loop, primero: PrimeroServer
) -> None:
    """The ministry's Primero holds case and referral with the name that it may read, and the lane is done."""
    await refer(http.world)
    assert await turn(loop) == 1
    assert [effect.what for effect in primero.journal] == ["case_created", "referral_created"]
    (case,) = primero.primero.cases.values()
    assert case["name_first"] == NAME
    assert await items(http.world) == [("tell", "done")]


async def test_hub_and_own_edge_render_alike(
    http: HttpWorld, loop: Loop, primero: PrimeroServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recall through the edge ends the very referral that it made."""
    receipt = await refer(http.world)
    await turn(loop)
    await http.world.submit(
        event="ConsentWithdrawn", case=str(receipt.case_ref), subjects=[{"subject": receipt.subject_refs[0]}]
    )
    await http.world.instance.settle()
    assert await turn(loop) == 1
    assert ("recall", "done") in await items(http.world)


async def test_an_outcome_is_said_until_it_is_heard(http: HttpWorld, loop: Loop, hub: Hub) -> None:
    """A line that breaks before or after the report costs a repetition and no second attempt."""
    await refer(http.world)
    hub.cut = ["before-report", "after-report"]
    assert await turn(loop) == 1
    assert await items(http.world) == [("tell", "done")]
    assert await turn(loop) == 0


@pytest.mark.parametrize("where", ["after-ask", "call"])
async def test_an_edge_that_dies_leaves_one_case(
    http: HttpWorld, hub: Hub, edge: OwnEdge, loop: Loop, primero: PrimeroServer, where: str
) -> None:
    """Killed with a claim in hand or in the middle of its call: another run makes it whole, once."""
    await refer(http.world)
    if where == "call":
        release = asyncio.Event()
        primero.inject(Fault("slow", "POST", r".*/referrals", release=release))
        (attempt,) = await loop.claimed(16, 0)
        task = asyncio.create_task(attempt)
        while ("POST", True) not in {(m, p.endswith("/referrals")) for m, p in primero.requests}:
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        release.set()
    else:
        hub.cut = ["after-ask"]
        with pytest.raises(NoConnection):
            await loop.claimed(16, 0)
    http.world.clock.advance(CLAIM_SECONDS + 1)
    for _ in range(6):
        await turn(loop_of(http, hub, edge, primero))
        http.world.clock.advance(3600)
    made = [effect.what for effect in primero.journal]
    assert (made.count("case_created"), made.count("referral_created")) == (1, 1)
    assert await items(http.world) == [("tell", "done")]


async def test_no_call_outlives_its_claim(
    http: HttpWorld, hub: Hub, edge: OwnEdge, primero: PrimeroServer
) -> None:
    """Where the line has eaten the claim's time the edge calls nobody, and says so."""
    ticks = iter([0.0, CLAIM_SECONDS + 0.0])
    late = loop_of(http, hub, edge, primero, monotonic=lambda: next(ticks))
    await refer(http.world)
    await turn(late)
    assert primero.journal == []
    row = await lane(http.world)
    assert (row["state"], row["error_code"]) == ("retrying", "claim-ran-out")


async def test_a_release_for_an_earlier_key_is_asked_for_again(
    http: HttpWorld, hub: Hub, edge: OwnEdge, primero: PrimeroServer
) -> None:
    """What this edge cannot open is no refusal: nothing was sent, and the lane tries again."""
    await refer(http.world)
    attempts = await loop_of(http, hub, edge, primero).claimed(16, 0)
    wrong = loop_of(http, hub, edge, primero)
    wrong._agency_id = http.world.id()
    assert len(attempts) == 1
    attempts[0].close()
    http.world.clock.advance(CLAIM_SECONDS + 1)
    await turn(wrong)
    assert primero.journal == []
    assert (await lane(http.world))["error_code"] == "release-broken"


async def test_the_loop_outlives_a_hub_that_is_away(http: HttpWorld, loop: Loop, hub: Hub) -> None:
    """It goes on asking after broken lines, delivers when the hub is back, and ends when told to."""
    await refer(http.world)
    hub.cut = ["before-ask"] * 3
    stop = asyncio.Event()
    running = asyncio.create_task(loop.run(stop))
    while await items(http.world) != [("tell", "done")]:
        await asyncio.sleep(0.01)
    assert hub.cut == []
    stop.set()
    await running
    assert loop.trouble is None
