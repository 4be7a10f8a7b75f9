"""The talk with Primero as values: calls, answers, verdicts. No network."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.channels.effect import Effect
from adapters.exchange import Call, Exchange, NoReply, Reply, Verdict, judge
from adapters.model import DispatchNote
from adapters.primero import inbound, notes, outbound
from adapters.primero.codes import DEFAULT_CP, Lookups
from contracts.errors import InvalidInput
from contracts.roles import Basis, Group, Purpose
from tests.support.dispatches import DISPATCH, SUBJECT, dispatch

LOOKUPS = Lookups.from_mapping({**DEFAULT_CP, "transitioned_to": "ministry"})
GBV = Lookups.from_mapping({**DEFAULT_CP, "transitioned_to": "ministry", "module_id": "primeromodule-gbv"})
HELD = {"id": str(SUBJECT)}


def start(**said: Any) -> Exchange:
    return outbound.render(dispatch(**said), "receipt-1", LOOKUPS)


def waiting(step: Exchange | Verdict) -> Exchange:
    assert not isinstance(step, Verdict), step
    return step


def ended(step: Exchange | Verdict) -> Verdict:
    assert isinstance(step, Verdict)
    return step


def case_held(exchange: Exchange) -> dict[str, Any]:
    return {**exchange.call.json["data"]}


def referral(call: Call, **changed: Any) -> dict[str, Any]:
    return {"id": "r1", "record_id": str(SUBJECT), "status": "in_progress", **call.json["data"], **changed}


def test_the_case_is_created_under_the_subjects_alias() -> None:
    """The first call is keyed by an id that we choose, lower-case with hyphens."""
    call = start().call
    assert (call.method, call.path, call.effect) == ("POST", "/api/v2/cases", Effect.KEYED)
    assert call.json["data"]["id"] == str(SUBJECT)


def test_fresh_case_then_read_back_then_referral() -> None:
    """Three calls where all goes well."""
    first = start()
    held = case_held(first)
    second = waiting(first.after(Reply(204)))
    assert (second.call.method, second.call.path) == ("GET", f"/api/v2/cases/{SUBJECT}")
    third = waiting(second.after(Reply(200, {"data": held})))
    assert (third.call.method, third.call.path) == ("POST", f"/api/v2/cases/{SUBJECT}/referrals")
    verdict = ended(third.after(Reply(200, {"data": referral(third.call)})))
    assert (verdict.state, verdict.remote_id, verdict.remote_status) == ("delivered", "r1", "requested")
    assert verdict.kept_as_text == ()


def test_consent_flags_are_true_with_consent_alone() -> None:
    """Both flags for child protection, one for GBV, none on another basis."""
    assert {name for name in start().call.json["data"] if "consent" in name or "disclosure" in name} == {
        "consent_for_services",
        "disclosure_other_orgs",
    }
    gbv = outbound.render(dispatch(), "r", GBV).call.json["data"]
    assert gbv["consent_for_services"] is True
    assert "disclosure_other_orgs" not in gbv
    statute = start(basis=Basis.STATUTE, consent=None).call.json["data"]
    assert {"consent_for_services", "disclosure_other_orgs"} & statute.keys() == set()


@pytest.mark.parametrize("basis", [basis for basis in Basis if basis is not Basis.CONSENT])
def test_another_basis_overrides_consent_and_says_so_in_the_notes(basis: Basis) -> None:
    """``consent_overridden`` never stands without the basis beside it."""
    first = start(basis=basis, consent=None)
    third = waiting(judge(first, [Reply(204), Reply(200, {"data": case_held(first)})]))
    data = third.call.json["data"]
    assert data["consent_overridden"] is True
    assert f"Legal basis: {basis}, not consent" in data["notes"]


def test_consent_is_never_overridden_where_there_is_consent() -> None:
    """The gate stays Primero's own."""
    first = start()
    third = waiting(judge(first, [Reply(204), Reply(200, {"data": case_held(first)})]))
    assert "consent_overridden" not in third.call.json["data"]
    assert "Legal basis: consent (IDENTIFY; until 2026-06-01)." in third.call.json["data"]["notes"]


def test_a_known_case_is_filled_where_blank_and_never_overwritten() -> None:
    """What the ministry's people wrote stays; ours stands in the notes."""
    first = start()
    held = {**case_held(first), "name_first": "Noi"}
    del held["date_of_birth"]
    patch = waiting(judge(first, [Reply(409), Reply(200, {"data": held})]))
    assert (patch.call.method, patch.call.json) == ("PATCH", {"data": {"date_of_birth": "2001-08-14"}})
    listing = waiting(patch.after(Reply(200, {"data": {**held, "date_of_birth": "2001-08-14"}})))
    create = waiting(listing.after(Reply(200, {"data": [], "metadata": {"total": 0}})))
    assert "name_first: Noy" in create.call.json["data"]["notes"]
    verdict = ended(create.after(Reply(200, {"data": referral(create.call)})))
    assert verdict.kept_as_text == ("name_first",)


def test_a_repeat_finds_the_referral_that_an_earlier_attempt_left() -> None:
    """Before a referral is created again, the list is read."""
    first = start()
    listing = waiting(judge(first, [Reply(409), Reply(200, {"data": case_held(first)})]))
    assert (listing.call.method, listing.call.path.split("/")[-1]) == ("GET", "referrals")
    mine = {
        "id": "r7",
        "record_id": str(SUBJECT),
        "status": "accepted",
        "notes": notes.marker(DISPATCH) + "\nold",
    }
    verdict = ended(listing.after(Reply(200, {"data": [{"id": "r1", "notes": "else"}, mine]})))
    assert (verdict.state, verdict.code, verdict.remote_id) == ("delivered", "primero-already-there", "r7")
    assert verdict.remote_status == "accepted"


def test_trap_26_every_page_is_read() -> None:
    """Primero gives a thousand at most; what we look for may stand on page two."""
    first = start()
    listing = waiting(judge(first, [Reply(409), Reply(200, {"data": case_held(first)})]))
    assert int(listing.call.query["per"]) <= 1000
    others = [{"id": f"o{n}", "notes": ""} for n in range(1000)]
    second = waiting(listing.after(Reply(200, {"data": others, "metadata": {"total": 1001}})))
    assert second.call.query["page"] == "2"
    mine = {"id": "r7", "record_id": str(SUBJECT), "status": "in_progress", "notes": notes.marker(DISPATCH)}
    assert ended(second.after(Reply(200, {"data": [mine], "metadata": {"total": 1001}}))).remote_id == "r7"


def test_a_list_that_ends_too_early_is_not_taken_for_empty() -> None:
    """Fewer rows than the total says: nobody knows whether ours is among them."""
    first = start()
    listing = waiting(judge(first, [Reply(409), Reply(200, {"data": case_held(first)})]))
    assert ended(listing.after(Reply(200, {"data": [], "metadata": {"total": 3}}))).state == "unknown"


def test_trap_01_nothing_is_searched_by_anything_but_an_exact_id() -> None:
    """No call carries a filter, and a record with another id is never touched."""
    first = start()
    reading = waiting(first.after(Reply(409)))
    assert dict(reading.call.query) == {}
    verdict = ended(reading.after(Reply(200, {"data": {**case_held(first), "id": str(DISPATCH)}})))
    assert (verdict.state, verdict.code) == ("unknown", "primero-other-case")


def test_trap_12_fields_that_primero_dropped_are_told_and_kept_as_text() -> None:
    """Read back after creation, dropped values move to the notes and are named in the verdict."""
    first = start()
    held = {name: value for name, value in case_held(first).items() if name != "nationality"}
    create = waiting(judge(first, [Reply(204), Reply(200, {"data": held})]))
    assert "nationality: laos" in create.call.json["data"]["notes"]
    assert ended(create.after(Reply(200, {"data": referral(create.call)}))).kept_as_text == ("nationality",)


def test_trap_12_ticks_are_booleans() -> None:
    """'true' in quotes is not a tick."""
    data = start().call.json["data"]
    assert data["consent_for_services"] is True


def test_trap_13_no_arrays_of_objects_are_sent() -> None:
    """A repeat cannot append a second service row, because none is sent."""
    data = start().call.json["data"]
    assert [
        n for n, v in data.items() if isinstance(v, list) and any(isinstance(each, dict) for each in v)
    ] == []


def test_trap_27_referrals_are_never_remote() -> None:
    """A remote referral sends nothing by itself."""
    first = start()
    create = waiting(judge(first, [Reply(204), Reply(200, {"data": case_held(first)})]))
    assert create.call.json["data"]["remote"] is False
    assert create.call.json["data"]["transitioned_to"] == "ministry"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"status": "revoked"}, "primero-answer-differs"),
        ({"status": None}, "primero-answer-differs"),
        ({"transitioned_to": "somebody else"}, "primero-wrong-recipient"),
        ({"notes": "[sampan 00000000-0000-0000-0000-000000000000]"}, "primero-answer-differs"),
        ({"record_id": str(DISPATCH)}, "primero-answer-differs"),
    ],
)
def test_an_answer_is_compared_with_what_was_asked(changed: dict[str, Any], code: str) -> None:
    """Success alone proves nothing: status, recipient, case and marker must be ours."""
    first = start()
    create = waiting(judge(first, [Reply(204), Reply(200, {"data": case_held(first)})]))
    verdict = ended(create.after(Reply(200, {"data": referral(create.call, **changed)})))
    assert (verdict.state, verdict.code) == ("unknown", code)


LOST = NoReply(sent=True, code="timeout")
NOT_SENT = NoReply(sent=False, code="no-connection")


@pytest.mark.parametrize(
    ("reply", "keyed", "not_keyed"),
    [
        (LOST, "later", "unknown"),
        (NOT_SENT, "later", "later"),
        (Reply(500), "later", "unknown"),
        (Reply(302), "later", "unknown"),
        (Reply(429), "later", "later"),
        (Reply(401), "later", "later"),
        (Reply(422), "refused", "refused"),
    ],
)
def test_what_a_lost_answer_means_depends_on_the_call(
    reply: Reply | NoReply, keyed: str, not_keyed: str
) -> None:
    """Creating the case may be repeated; creating the referral may have happened."""
    first = start()
    assert ended(first.after(reply)).state == keyed
    create = waiting(judge(first, [Reply(204), Reply(200, {"data": case_held(first)})]))
    assert ended(create.after(reply)).state == not_keyed


def test_a_refusal_names_the_field_that_primero_points_at_and_never_its_text() -> None:
    """Pointers are followed only to fields that we send."""
    body = {"errors": [{"status": 422, "message": "Noy is wrong", "detail": ["/data/date_of_birth"]}]}
    verdict = ended(start().after(Reply(422, body)))
    assert (verdict.state, verdict.field) == ("refused", "date_of_birth")
    assert "Noy" not in repr(verdict)
    hostile = {"errors": [{"detail": ["/Noy Testperson"]}, "x", None]}
    assert ended(start().after(Reply(422, hostile))).field is None


@pytest.mark.parametrize("body", [None, [], {}, {"data": None}, {"data": "x"}, {"data": [1, None]}, "text"])
@pytest.mark.parametrize("status", [200, 204, 404, 409, 422, 500])
def test_no_answer_makes_an_exchange_raise(body: Any, status: int) -> None:
    """Whatever another system says, an exchange ends in a verdict or the next call."""
    for path in ([], [Reply(204)], [Reply(409)]):
        step = judge(start(), [*path, Reply(status, body)])
        assert isinstance(step, Exchange | Verdict)
    listing = waiting(judge(start(), [Reply(409), Reply(200, {"data": case_held(start())})]))
    assert isinstance(listing.after(Reply(status, body)), Exchange | Verdict)


@pytest.mark.parametrize("body", [None, [], {}, {"data": None}, {"data": "x"}, {"data": {"id": "r1"}}, "text"])
def test_a_list_that_is_none_says_nothing_of_what_is_there(body: Any) -> None:
    """Neither is a recall done by it, nor may a referral be created once more: it is read again later."""
    recall = start(event="MessageRecalled", recalls=DISPATCH, groups={})
    listing = waiting(judge(start(), [Reply(409), Reply(200, {"data": case_held(start())})]))
    for step in (recall, listing):
        verdict = ended(step.after(Reply(200, body)))
        assert (verdict.state, verdict.code) == ("later", "primero-unexpected-answer")


def test_trap_22_a_recall_withdraws_the_earlier_referral() -> None:
    """List, DELETE, and the returned status must be 'revoked'."""
    step = start(event="MessageRecalled", recalls=DISPATCH, groups={})
    mine = {"id": "r7", "record_id": str(SUBJECT), "status": "in_progress", "notes": notes.marker(DISPATCH)}
    delete = waiting(step.after(Reply(200, {"data": [mine]})))
    assert (delete.call.method, delete.call.path) == ("DELETE", f"/api/v2/cases/{SUBJECT}/referrals/r7")
    verdict = ended(delete.after(Reply(200, {"data": {**mine, "status": "revoked"}})))
    assert (verdict.state, verdict.remote_status) == ("delivered", "cancelled")


def test_trap_22_a_withdrawn_consent_is_ended_on_the_case_too() -> None:
    """Nothing in Primero passes a withdrawal on by itself."""
    step = start(event="ConsentWithdrawn", recalls=DISPATCH, groups={})
    mine = {"id": "r7", "record_id": str(SUBJECT), "status": "revoked", "notes": notes.marker(DISPATCH)}
    patch = waiting(step.after(Reply(200, {"data": [mine]})))
    assert patch.call.json == {"data": {"consent_for_services": False, "disclosure_other_orgs": False}}
    assert ended(patch.after(Reply(200, {"data": {}}))).code == "primero-revoked"


@pytest.mark.parametrize(
    ("statuses", "state", "code"),
    [
        ([], "delivered", "primero-nothing-there"),
        (["done", "done"], "refused", "primero-not-revoked"),
        (["rejected", "rejected"], "refused", "primero-not-revoked"),
        (["in_progress", "revoked"], "delivered", "primero-revoked"),
    ],
)
def test_trap_22_consent_ends_on_the_case_whatever_became_of_the_referral(
    statuses: list[str], state: str, code: str
) -> None:
    """No referral of ours, or one already answered: the case must not go on saying yes."""
    mine = {"id": "r7", "record_id": str(SUBJECT), "notes": notes.marker(DISPATCH)}
    listed = [{"id": "r1", "notes": "theirs"}, *({**mine, "status": status} for status in statuses[:1])]
    revoked = [Reply(200, {"data": {**mine, "status": status}}) for status in statuses[1:]]
    step = start(event="ConsentWithdrawn", recalls=DISPATCH, groups={})
    patch = waiting(judge(step, [Reply(200, {"data": listed}), *revoked]))
    assert (patch.call.method, patch.call.path) == ("PATCH", f"/api/v2/cases/{SUBJECT}")
    assert patch.call.json == {"data": {"consent_for_services": False, "disclosure_other_orgs": False}}
    assert ended(patch.after(Reply(500))).state == "later"
    verdict = ended(patch.after(Reply(204)))
    assert (verdict.state, verdict.code) == (state, code)


def test_trap_22_where_there_is_no_case_no_consent_is_ended() -> None:
    """A withdrawal of what never arrived creates nothing and changes nothing."""
    step = start(event="ConsentWithdrawn", recalls=DISPATCH, groups={})
    assert ended(step.after(Reply(404))).code == "primero-nothing-there"


def test_trap_14_success_on_a_disallowed_withdrawal_is_not_success() -> None:
    """A referral that was already answered cannot be revoked, and Primero answers 200."""
    step = start(event="MessageRecalled", recalls=DISPATCH, groups={})
    mine = {"id": "r7", "record_id": str(SUBJECT), "status": "done", "notes": notes.marker(DISPATCH)}
    verdict = ended(judge(step, [Reply(200, {"data": [mine]}), Reply(200, {"data": mine})]))
    assert (verdict.state, verdict.code, verdict.remote_status) == (
        "refused",
        "primero-not-revoked",
        "completed",
    )


def test_a_recall_of_what_never_arrived_is_done() -> None:
    """No case, or no such referral: nothing is left to take back."""
    step = start(event="MessageRecalled", recalls=DISPATCH, groups={})
    assert ended(step.after(Reply(200, {"data": []}))).code == "primero-nothing-there"
    assert ended(step.after(Reply(404))).code == "primero-nothing-there"


def test_a_purpose_without_a_service_fails_closed() -> None:
    """No purpose becomes legal support by default."""
    bare = Lookups.from_mapping({**DEFAULT_CP, "transitioned_to": "ministry", "service": {}})
    with pytest.raises(InvalidInput) as caught:
        outbound.render(dispatch(purpose=Purpose.SHELTER), "r", bare)
    assert caught.value.field == "purpose"


def test_a_marker_in_somebodys_words_is_no_marker() -> None:
    """Only the beginning of the notes says which dispatch a referral is."""
    assert notes.dispatch_of(f"hello {notes.marker(DISPATCH)}") is None
    assert notes.dispatch_of(notes.marker(DISPATCH) + f"\nF5 account: {notes.marker(SUBJECT)}") == DISPATCH
    assert notes.dispatch_of(None) is None


def test_a_label_with_line_breaks_forges_no_line() -> None:
    """Head lines stay one line each."""
    text = notes.write(
        dispatch(notes=(DispatchNote("keep_from", "cousin\nF1 given_name: forged"),)), "receipt", []
    )
    assert notes.read(text) == {}
    assert Group.F1 not in notes.read(text)


@pytest.mark.parametrize(
    ("status", "event", "task"),
    [
        ("accepted", "ReferralAccepted", "accepted"),
        ("rejected", "ReferralDeclined", "rejected"),
        ("done", "ReferralCompleted", "completed"),
    ],
)
def test_a_decision_in_primero_is_an_answer_of_ours(status: str, event: str, task: str) -> None:
    """Which dispatch, what answer, and the recipient's words under lock."""
    row = {"id": "r7", "status": status, "notes": notes.marker(DISPATCH), "rejected_reason": "no room",
           "rejection_note": "all done"}  # fmt: skip
    decision = inbound.read(row)
    assert decision is not None
    assert (decision.event, decision.answer.dispatch, decision.remote_status) == (event, DISPATCH, task)
    assert decision.answer.reason is not None
    assert decision.answer.reason.reveal() == ("all done" if status == "done" else "no room")
    assert "no room" not in repr(decision)


def test_no_answer_yet_and_other_peoples_referrals() -> None:
    """In progress, revoked, or without our marker: nothing to report."""
    assert inbound.read({"id": "r", "status": "in_progress", "notes": notes.marker(DISPATCH)}) is None
    assert inbound.read({"id": "r", "status": "revoked", "notes": notes.marker(DISPATCH)}) is None
    assert inbound.read({"id": "r", "status": "accepted", "notes": "theirs"}) is None


def test_trap_10_an_unknown_state_is_never_an_acceptance() -> None:
    """It is refused, not passed on."""
    with pytest.raises(InvalidInput) as caught:
        inbound.read({"id": "r", "status": "inprogress", "notes": notes.marker(DISPATCH)})
    assert caught.value.code == "primero-unknown-status"


def test_nothing_of_a_case_prints() -> None:
    """Calls, plans and steps are safe in a log line."""
    first = start()
    create = waiting(judge(first, [Reply(204), Reply(200, {"data": case_held(first)})]))
    for value in (first, first.call, create, create.call, Reply(200, {"data": case_held(first)}), dispatch()):
        assert [word for word in ("Testperson", "laos", "2001") if word in repr(value)] == []
