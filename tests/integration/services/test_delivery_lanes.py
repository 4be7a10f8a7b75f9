"""Lanes to systems outside: claimed once, retried, parked, released; recalls overtake; lost claims change nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from adapters.exchange import NoReply, Reply
from deploy.demo.primero_server import Fault, PrimeroServer
from services.assembly.erasure import Erasure
from services.delivery.retry import ATTEMPTS_MAX
from services.vault.errors import StaleTicket
from tests.support.lane_play import MINISTRY, REFERRAL, failures, items, lane, park, refer, until_parked
from tests.support.lane_targets import ToldChannel
from tests.support.services_world import CANARIES, ServicesWorld


async def test_a_referral_arrives_in_primero(ministry: ServicesWorld, primero: PrimeroServer) -> None:
    """A case and a referral stand in the ministry's Primero, under an alias and with the name that it may read."""
    receipt = await refer(ministry)
    await ministry.instance.settle()
    assert [effect.what for effect in primero.journal] == ["case_created", "referral_created"]
    (case,) = primero.primero.cases.values()
    assert case["name_first"] == CANARIES[0]
    assert str(receipt.subject_refs[0]) not in primero.primero.cases
    assert await items(ministry) == [("tell", "done")]


@pytest.mark.parametrize("kind", ["close_before", "close_after", "error_before", "error_after", "busy"])
@pytest.mark.parametrize("path", [r"/api/v2/cases", r".*/referrals"])
async def test_a_broken_line_makes_no_second_referral(
    ministry: ServicesWorld, primero: PrimeroServer, kind: Any, path: str
) -> None:
    """Whatever breaks once, before or after the effect: in the end one case and one referral."""
    primero.inject(Fault(kind, "POST", path))
    await refer(ministry)
    for _ in range(6):
        await ministry.instance.settle()
        ministry.clock.advance(3600)
    made = [effect.what for effect in primero.journal]
    assert made.count("case_created") == 1
    assert made.count("referral_created") == 1
    assert await items(ministry) == [("tell", "done")]
    assert (await lane(ministry))["state"] == "flowing"


async def test_a_slow_answer_keeps_its_claim(ministry: ServicesWorld, primero: PrimeroServer) -> None:
    """While the ministry's answer is awaited nobody else makes the same call."""
    release = asyncio.Event()
    primero.inject(Fault("slow", "POST", r".*/referrals", release=release))
    await refer(ministry)
    first = asyncio.create_task(ministry.instance.worker.run_once())
    while ("POST", True) not in {(m, p.endswith("/referrals")) for m, p in primero.requests}:
        await asyncio.sleep(0)
    assert await ministry.another_instance().worker.run_once() == 0
    release.set()
    assert await first == 1
    assert [effect.what for effect in primero.journal].count("referral_created") == 1


async def test_a_refusal_of_the_ministry_is_told_to_the_sender(
    hooked: ServicesWorld, hook: ToldChannel
) -> None:
    """What a system will not have ends its item, and the sender hears that no machine could tell them."""
    hook.answers = [Reply(410)]
    await refer(hooked)
    await hooked.instance.settle()
    assert await items(hooked) == [("tell", "refused")]
    assert await failures(hooked) == 1
    inbox = await hooked.instance.inbox.page(hooked.agency("ngo-th"), 0, 10)
    assert "DeliveryFailed" in [item.event for item in inbox.items]


async def test_a_webhook_gets_the_same_notice_each_time(hooked: ServicesWorld, hook: ToldChannel) -> None:
    """A notice whose answer was lost goes again with the same id and body, and says nothing of the case."""
    hook.answers = [NoReply(sent=True, code="timeout"), Reply(200)]
    await refer(hooked)
    for _ in range(3):
        await hooked.instance.settle()
        hooked.clock.advance(3600)
    assert len(hook.calls) == 2
    assert len({call.headers["webhook-id"] for call in hook.calls}) == 1
    assert len({call.body for call in hook.calls}) == 1
    body = hook.calls[0].body or b""
    assert not [canary for canary in CANARIES if canary.encode() in body]


async def test_two_workers_never_hold_one_lane(hooked: ServicesWorld, hook: ToldChannel) -> None:
    """Six workers look at once: each lane is attempted once."""
    for _ in range(5):
        await refer(hooked)
    made = await asyncio.gather(*(hooked.another_instance().worker.run_once() for _ in range(6)))
    assert sum(made) == 5
    assert len({call.headers["webhook-id"] for call in hook.calls}) == len(hook.calls) == 5


async def test_a_lane_waits_longer_each_time_and_parks(hooked: ServicesWorld, hook: ToldChannel) -> None:
    """Pauses double to an hour, with jitter between half and whole; then the lane parks and the sender is told."""
    hook.answers = [NoReply(sent=False, code="no-connection")] * 100
    await refer(hooked)
    priority = await hooked.store.pool.fetchval("select priority from delivery.dispatches where via is null")
    pauses = []
    while (await lane(hooked))["state"] != "parked":
        assert await hooked.instance.worker.run_once() == 1
        now = await lane(hooked)
        if now["state"] != "parked":
            pauses.append((now["next_attempt_at"] - hooked.clock.now()).total_seconds())
            assert await hooked.instance.worker.run_once() == 0
            hooked.clock.move_to(now["next_attempt_at"])
    assert len(hook.calls) == ATTEMPTS_MAX[priority]
    assert pauses == [min(2.0 * 2**n, 3600.0) for n in range(len(pauses))]
    assert await failures(hooked) == 1
    hooked.clock.advance(timedelta(days=9).total_seconds())
    assert await hooked.instance.worker.run_once() == 0


async def test_a_parked_lane_holds_up_no_other_and_is_released(
    hooked: ServicesWorld, hook: ToldChannel
) -> None:
    """Another case's lane to the same ministry flows; the operator's release sends what waited, in order."""
    parked = await refer(hooked)
    await park(hooked, hook)
    calls = len(hook.calls)
    await refer(hooked)
    await hooked.instance.settle()
    assert len(hook.calls) == calls + 1
    await hooked.submit(case=str(parked.case_ref), subjects=[{"subject": parked.subject_refs[0]}], **REFERRAL)
    await hooked.instance.settle()
    assert len(hook.calls) == calls + 1
    (troubled,) = [one for one in await hooked.instance.lane_desk.list() if one.state == "parked"]
    assert troubled.waiting == 2
    assert troubled.recipient == MINISTRY
    assert await hooked.instance.lane_desk.release(troubled.lane)
    await hooked.instance.settle()
    cursors = [call.body for call in hook.calls[-2:]]
    assert len(set(cursors)) == 2
    assert hook.calls[-2].headers["webhook-id"] == hook.calls[0].headers["webhook-id"]
    assert not await hooked.instance.lane_desk.release(troubled.lane)


async def test_a_recall_overtakes_what_is_parked(ministry: ServicesWorld, primero: PrimeroServer) -> None:
    """A withdrawal reaches a ministry whose lane is parked, and leaves the lane parked."""
    first = await refer(ministry)
    await ministry.instance.settle()
    primero.inject(Fault("error_before", times=1000))
    await ministry.submit(case=str(first.case_ref), subjects=[{"subject": first.subject_refs[0]}], **REFERRAL)
    await until_parked(ministry)
    primero._faults.clear()
    before = len(primero.journal)
    await ministry.submit(
        event="ConsentWithdrawn", case=str(first.case_ref), subjects=[{"subject": first.subject_refs[0]}]
    )
    for _ in range(4):
        await ministry.instance.settle()
    assert len(primero.journal) > before
    assert "referral_created" not in [effect.what for effect in primero.journal[before:]]
    assert (await lane(ministry))["state"] == "parked"
    assert ("recall", "done") in await items(ministry)


async def test_a_recall_to_a_parked_lane_tries_as_patiently_as_anything_else(
    ministry: ServicesWorld, primero: PrimeroServer
) -> None:
    """The ministry is still down when she withdraws: the recall waits between attempts and arrives in the end."""
    first = await refer(ministry)
    await ministry.instance.settle()
    primero.inject(Fault("error_before", times=100_000))
    await ministry.submit(case=str(first.case_ref), subjects=[{"subject": first.subject_refs[0]}], **REFERRAL)
    await until_parked(ministry)
    why = (await lane(ministry))["error_code"]
    told, calls = await failures(ministry), len(primero.requests)
    await ministry.submit(
        event="ConsentWithdrawn", case=str(first.case_ref), subjects=[{"subject": first.subject_refs[0]}]
    )
    await ministry.instance.settle()
    assert len(primero.requests) > calls
    for _ in range(40):
        ministry.clock.move_to(max((await lane(ministry))["next_attempt_at"], ministry.clock.now()))
        before = ministry.clock.now()
        await ministry.instance.settle()
        now = await lane(ministry)
        assert (now["state"], now["error_code"]) == ("parked", why)
        assert now["next_attempt_at"] > before
        assert await ministry.instance.worker.next_at() == now["next_attempt_at"]
    assert await failures(ministry) == told
    primero._faults.clear()
    ministry.clock.move_to((await lane(ministry))["next_attempt_at"])
    await ministry.instance.settle()
    assert ("recall", "done") in await items(ministry)
    now = await lane(ministry)
    assert (now["state"], now["error_code"]) == ("parked", why)


async def test_what_was_recalled_before_it_left_is_never_sent(
    hooked: ServicesWorld, hook: ToldChannel
) -> None:
    """A withdrawal that is decided while the dispatch waits drops it: no call, and no failure is reported."""
    receipt = await refer(hooked)
    await hooked.submit(
        event="ConsentWithdrawn", case=str(receipt.case_ref), subjects=[{"subject": receipt.subject_refs[0]}]
    )
    await hooked.instance.router.run_once()
    await hooked.instance.delivery.run_once()
    await hooked.instance.settle()
    page = await hooked.instance.inbox.page(hooked.agency(MINISTRY), 0, 10)
    recalled = [str(item.dispatch) for item in page.items if item.recalled]
    assert len(recalled) == 1
    assert recalled[0] not in [call.headers["webhook-id"] for call in hook.calls]
    assert (await items(hooked))[0] == ("tell", "dropped")
    assert await failures(hooked) == 0


async def test_a_ministry_that_never_got_a_referral_gets_no_case_by_its_withdrawal(
    ministry: ServicesWorld, primero: PrimeroServer
) -> None:
    """A withdrawal that overtakes the referral leaves nothing of her in the ministry's Primero."""
    receipt = await refer(ministry)
    await ministry.submit(
        event="ConsentWithdrawn", case=str(receipt.case_ref), subjects=[{"subject": receipt.subject_refs[0]}]
    )
    await ministry.instance.router.run_once()
    await ministry.instance.delivery.run_once()
    await ministry.instance.settle()
    assert not primero.primero.cases
    assert not primero.journal


async def test_a_stale_ticket_waits_for_the_router(ministry: ServicesWorld, primero: PrimeroServer) -> None:
    """What is due while a narrowing is undecided is not sent; it goes when the router has left it standing."""
    receipt = await refer(ministry)
    await ministry.submit(
        event="SubjectCorrected",
        case=str(receipt.case_ref),
        subjects=[{"subject": receipt.subject_refs[0], "facts": {"age": 25}}],
    )
    assert await ministry.instance.worker.run_once() == 1
    assert not primero.requests
    assert (await lane(ministry))["error_code"] == StaleTicket.default_code
    for _ in range(3):
        await ministry.instance.settle()
        ministry.clock.advance(60)
    assert "referral_created" in [effect.what for effect in primero.journal]


async def test_what_may_no_longer_be_opened_is_dropped(
    ministry: ServicesWorld, primero: PrimeroServer
) -> None:
    """After her erasure the item is dropped: no call, no failure, and nobody is asked to telephone."""
    receipt = await refer(ministry)
    async with ministry.store.unit_of_work() as work:
        await ministry.instance.vault.erase_subject(work.connection, receipt.subject_refs[0])
    await ministry.instance.settle()
    assert not primero.requests
    assert await items(ministry) == [("tell", "dropped")]
    assert await failures(ministry) == 0


async def test_an_erasure_asks_the_ministry_to_take_it_back(
    ministry: ServicesWorld, primero: PrimeroServer
) -> None:
    """What had gone out over a channel before she was erased is recalled there, without a word of her."""
    receipt = await refer(ministry)
    await ministry.instance.settle()
    before = len(primero.journal)
    erasure = Erasure(ministry.instance)
    owner, person = ministry.caller("ngo-th"), receipt.subject_refs[0]
    await erasure.confirm(owner, person, (await erasure.ask(owner, person)).confirm)
    await ministry.instance.settle()
    assert await items(ministry) == [("tell", "done"), ("recall", "done")]
    assert len(primero.journal) > before
    assert "referral_created" not in [effect.what for effect in primero.journal[before:]]
    assert await failures(ministry) == 0
