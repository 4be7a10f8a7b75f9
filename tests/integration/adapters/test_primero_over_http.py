"""The whole way to Primero: render, the HTTP channel, a real server, broken lines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from adapters.channels.http import BasicAuth, HttpChannel, Timeouts, converse
from adapters.exchange import Call, NoReply, Reply, Verdict
from adapters.primero import inbound, outbound
from adapters.primero.codes import DEFAULT_CP, Lookups
from contracts.roles import Basis
from tests.support.dispatches import DISPATCH, SUBJECT, dispatch
from tests.support.primero_server import Fault, PrimeroServer, running_primero

LOOKUPS = Lookups.from_mapping({**DEFAULT_CP, "transitioned_to": "ministry"})
TWO = UUID("0d2f0000-0000-8000-8000-000000000002")


@pytest.fixture
async def primero() -> AsyncIterator[PrimeroServer]:
    async with running_primero() as server:
        yield server


def channel(server: PrimeroServer, user: str = "sampan", **timeouts: float) -> HttpChannel:
    auth = BasicAuth(user, server.users.get(user, "wrong"))
    return HttpChannel(server.url, auth, allow_insecure_loopback=True, timeouts=Timeouts(**timeouts))


async def deliver(server: PrimeroServer, lookups: Lookups = LOOKUPS, **said: Any) -> Verdict:
    return await converse(outbound.render(dispatch(**said), "receipt-1", lookups), channel(server))


async def decide(
    server: PrimeroServer, referral: str, data: dict[str, Any], user: str = "ministry"
) -> dict[str, Any]:
    path = f"/api/v2/cases/{SUBJECT}/referrals/{referral}"
    reply = await channel(server, user).perform(Call("PATCH", path, json={"data": data}))
    assert isinstance(reply, Reply)
    assert reply.status == 200
    answered: dict[str, Any] = reply.json["data"]
    return answered


def effects(server: PrimeroServer) -> list[str]:
    return [effect.what for effect in server.journal]


async def test_a_referral_arrives_once_with_case_and_consent(primero: PrimeroServer) -> None:
    """Case and referral stand in Primero under our ids, consent as given."""
    verdict = await deliver(primero)
    assert (verdict.state, verdict.remote_status, verdict.kept_as_text) == ("delivered", "requested", ())
    assert effects(primero) == ["case_created", "referral_created"]
    case = primero.primero.cases[str(SUBJECT)]
    assert (case["name_first"], case["nationality"], case["consent_for_services"]) == ("Noy", ["laos"], True)
    assert primero.journal[1].marker == f"[sampan {DISPATCH}]"


async def test_delivering_again_adds_nothing(primero: PrimeroServer) -> None:
    """A repeated dispatch finds its referral; a second dispatch about her adds one to the same case."""
    await deliver(primero)
    again = await deliver(primero)
    assert (again.state, again.code) == ("delivered", "primero-already-there")
    assert effects(primero) == ["case_created", "referral_created"]
    await deliver(primero, dispatch=TWO)
    assert effects(primero) == ["case_created", "referral_created", "referral_created"]


async def test_another_basis_passes_the_gate_by_override_and_says_why(primero: PrimeroServer) -> None:
    """Primero's consent gate lets it through for ``consent_overridden`` alone."""
    verdict = await deliver(primero, basis=Basis.CHILD_DUTY, consent=None)
    assert verdict.state == "delivered"
    (referral,) = primero.primero.referrals.values()
    assert referral["consent_overridden"] is True
    assert "Legal basis: child_duty" in referral["notes"]
    assert "consent_for_services" not in primero.primero.cases[str(SUBJECT)]


async def test_the_servers_gate_is_real(primero: PrimeroServer) -> None:
    """Without consent and without override the same referral is a 422."""
    await channel(primero).perform(Call("POST", "/api/v2/cases", json={"data": {"id": str(SUBJECT)}}))
    call = Call("POST", f"/api/v2/cases/{SUBJECT}/referrals", json={"data": {"transitioned_to": "ministry"}})
    reply = await channel(primero).perform(call)
    assert isinstance(reply, Reply)
    assert reply.status == 422


async def test_the_ministrys_answer_comes_back(primero: PrimeroServer) -> None:
    """Accepted, then done, read by polling."""
    referral = (await deliver(primero)).remote_id or ""
    await decide(primero, referral, {"status": "accepted"})
    reply = await channel(primero).perform(inbound.poll(SUBJECT))
    assert isinstance(reply, Reply)
    decision = inbound.read(reply.json["data"][0])
    assert decision is not None
    assert (decision.event, decision.answer.dispatch) == ("ReferralAccepted", DISPATCH)
    await decide(primero, referral, {"status": "done", "rejection_note": "placed"})
    reply = await channel(primero).perform(inbound.poll(SUBJECT))
    assert isinstance(reply, Reply)
    done = inbound.read(reply.json["data"][0])
    assert done is not None
    assert (done.event, done.answer.reason and done.answer.reason.reveal()) == ("ReferralCompleted", "placed")


async def test_trap_14_a_disallowed_move_answers_success_and_changes_nothing(primero: PrimeroServer) -> None:
    """'done' before 'accepted' is 200 with the old status."""
    referral = (await deliver(primero)).remote_id or ""
    answered = await decide(primero, referral, {"status": "done"})
    assert answered["status"] == "in_progress"
    assert effects(primero)[-1] == "referral_created"


async def test_a_recall_revokes_and_a_second_recall_finds_it_revoked(primero: PrimeroServer) -> None:
    """Withdrawal is idempotent."""
    await deliver(primero)
    for _ in range(2):
        verdict = await deliver(primero, event="MessageRecalled", recalls=DISPATCH, groups={})
        assert (verdict.state, verdict.remote_status) == ("delivered", "cancelled")
    assert effects(primero).count("referral_revoked") == 1


async def test_trap_14_a_recall_after_the_answer_is_refused_not_pretended(primero: PrimeroServer) -> None:
    """A rejected referral cannot be revoked; the lane must know."""
    referral = (await deliver(primero)).remote_id or ""
    await decide(primero, referral, {"status": "rejected", "rejected_reason": "no room"})
    verdict = await deliver(primero, event="MessageRecalled", recalls=DISPATCH, groups={})
    assert (verdict.state, verdict.code, verdict.remote_status) == (
        "refused",
        "primero-not-revoked",
        "rejected",
    )


async def test_trap_22_withdrawn_consent_ends_on_the_case(primero: PrimeroServer) -> None:
    """After it, Primero's own gate is shut."""
    await deliver(primero)
    await deliver(primero, event="ConsentWithdrawn", recalls=DISPATCH, groups={})
    case = primero.primero.cases[str(SUBJECT)]
    assert (case["consent_for_services"], case["disclosure_other_orgs"]) == (False, False)


async def test_trap_12_silently_dropped_fields_are_noticed() -> None:
    """A role that may not write the birth date: the value goes into the notes, the verdict says so."""
    async with running_primero(unwritable=frozenset({"date_of_birth"})) as server:
        verdict = await deliver(server)
        (referral,) = server.primero.referrals.values()
    assert verdict.kept_as_text == ("date_of_birth",)
    assert "date_of_birth: 2001-08-14" in referral["notes"]


async def test_a_code_that_primero_lacks_is_refused_by_field(primero: PrimeroServer) -> None:
    """Lookups that do not match the deployment: 422, the field named, nothing created."""
    wrong = Lookups.from_mapping({**DEFAULT_CP, "transitioned_to": "ministry", "nationality": {"LA": "lao"}})
    verdict = await deliver(primero, wrong)
    assert (verdict.state, verdict.field) == ("refused", "nationality")
    assert effects(primero) == []


async def test_a_recipient_that_primero_does_not_know_is_refused(primero: PrimeroServer) -> None:
    """No user of that name."""
    wrong = Lookups.from_mapping({**DEFAULT_CP, "transitioned_to": "nobody"})
    verdict = await deliver(primero, wrong)
    assert (verdict.state, verdict.field) == ("refused", "transitioned_to")


FAULTS = [
    (kind, method, path)
    for kind in ("close_before", "close_after", "error_before", "error_after", "busy")
    for method, path in (("POST", "/api/v2/cases"), ("GET", "/api/v2/cases/[^/]*"), ("POST", ".*/referrals"))
]


@pytest.mark.parametrize(("kind", "method", "path"), FAULTS)
async def test_a_broken_line_anywhere_loses_nothing_and_doubles_nothing(
    primero: PrimeroServer, kind: Any, method: str, path: str
) -> None:
    """After trouble at any call, the whole exchange is run again: one case, one referral."""
    primero.inject(Fault(kind, method, path))
    first = await deliver(primero)
    # Only a creation that is not keyed leaves doubt; "busy" says itself that nothing happened.
    doubtful = path.endswith("referrals") and kind != "busy"
    assert first.state == ("unknown" if doubtful else "later")
    second = await deliver(primero)
    assert second.state == "delivered"
    assert sorted(effects(primero)) == ["case_created", "referral_created"]


async def test_a_slow_answer_is_an_unknown_outcome(primero: PrimeroServer) -> None:
    """The channel's own time runs out; the referral was made all the same, and is found later."""
    release = asyncio.Event()
    primero.inject(Fault("slow", "POST", ".*/referrals", release=release))
    slow = channel(primero, read_seconds=0.2)
    verdict = await converse(outbound.render(dispatch(), "r", LOOKUPS), slow)
    assert (verdict.state, verdict.code) == ("unknown", "timeout")
    release.set()
    assert (await deliver(primero)).code == "primero-already-there"


async def test_nobody_listens() -> None:
    """A refused connection sent nothing."""
    async with running_primero() as server:
        gone = channel(server)
    verdict = await converse(outbound.render(dispatch(), "r", LOOKUPS), gone)
    assert (verdict.state, verdict.code) == ("later", "no-connection")
    assert await gone.perform(Call("POST", "/")) == NoReply(sent=False, code="no-connection")


async def test_wrong_passwords_are_throttled_and_right_ones_are_not(primero: PrimeroServer) -> None:
    """Six in a minute, then 429; delivery with the right one goes on."""
    wrong = HttpChannel(primero.url, BasicAuth("sampan", "guess"), allow_insecure_loopback=True)
    statuses = [await wrong.perform(Call("GET", "/api/v2/cases")) for _ in range(8)]
    assert [reply.status for reply in statuses if isinstance(reply, Reply)] == [401] * 6 + [429] * 2
    for _ in range(10):
        reply = await channel(primero).perform(Call("GET", "/api/v2/cases"))
        assert isinstance(reply, Reply)
        assert reply.status == 200


async def test_trap_26_a_page_holds_a_thousand_at_most(primero: PrimeroServer) -> None:
    """per=10000 is cut, as Primero cuts it."""
    reply = await channel(primero).perform(Call("GET", "/api/v2/cases", {"per": "10000"}))
    assert isinstance(reply, Reply)
    assert reply.json["metadata"]["per"] == 1000


@pytest.mark.parametrize("given", ["7", "0D2F0000-0000-8000-8000-000000000001", "../x"])
async def test_ids_are_lower_case_uuids(primero: PrimeroServer, given: str) -> None:
    """Anything else is a 422 with a pointer."""
    reply = await channel(primero).perform(Call("POST", "/api/v2/cases", json={"data": {"id": given}}))
    assert isinstance(reply, Reply)
    assert (reply.status, reply.json["errors"][0]["detail"]) == (422, ["/id"])
