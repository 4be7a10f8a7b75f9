"""Reading and answering over HTTP: inbox, cases, desk, lanes, erasure, what everybody may know."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from contracts.api import CaseTimeline, InboxPage, InstanceInfo, OpenedItem
from contracts.roles import Group
from services.runtime.log import NewRecord
from tests.support.http_world import HttpWorld, is_problem
from tests.support.services_world import CANARIES, CONSENT, PERSON


async def test_the_whole_way_over_http(http: HttpWorld) -> None:
    """Received, opened, accepted: the sender's timeline shows it, and a name stands in the opening alone."""
    receipt = await http.world.refer()
    page = InboxPage.model_validate_json((await http.get("/v1/inbox", "shelter-th")).content)
    (item,) = page.items
    one = await http.get(f"/v1/inbox/{item.dispatch}", "shelter-th")
    opened = await http.post(f"/v1/inbox/{item.dispatch}/open", "shelter-th", json={"groups": ["F1"]})
    clear = OpenedItem.model_validate_json(opened.content)
    assert set(clear.groups) == {Group.F1}
    assert clear.groups[Group.F1]["given_name"] == CANARIES[0]
    await http.world.answer("shelter-th", "ReferralAccepted", item.dispatch, item.case_ref, item.subject_ref)
    told = await http.get(f"/v1/cases/{receipt.case_code}/timeline", "ngo-th")
    timeline = CaseTimeline.model_validate_json(told.content)
    assert [entry.status for entry in timeline.entries if entry.who and "Moonlight" in entry.who] == [
        "accepted"
    ]
    for answer in (one, told, await http.get("/v1/waiting", "shelter-th")):
        assert answer.status_code == 200
        assert not [canary for canary in CANARIES if canary in answer.text]


async def test_who_else_speaks_in_a_case(http: HttpWorld) -> None:
    """Whoever holds the owner's code appends and sees the outcome and no recipient; the owner sees who it was."""
    receipt = await http.world.refer()
    person = receipt.subject_refs[0]
    await http.world.submit(
        "ida-th", event="ConsentWithdrawn", case=receipt.case_code, subjects=[{"subject": person}]
    )
    await http.world.instance.settle()
    path = f"/v1/cases/{receipt.case_code}/timeline"
    is_problem(await http.get(path, "ida-th"), 404)  # the owner's code opens nothing to read
    own = await http.world.store.pool.fetchval(
        "select code from intake.codes where agency_id = $1", http.world.agency("ida-th")
    )
    seen = (await http.get(f"/v1/cases/{own}/timeline", "ida-th")).json()["entries"]
    own_words = [one for one in seen if one["what"] != "recalled"]  # it had been told as well
    assert [(w["what"], w["event"], w["rules"]) for w in own_words] == [("event", "ConsentWithdrawn", [])]
    owners = (await http.get(path, "ngo-th")).json()["entries"]
    ida = http.world.directory.by_slug("ida-th").name
    (withdrawn,) = [one for one in owners if one["event"] == "ConsentWithdrawn" and one["what"] == "event"]
    assert withdrawn["text"].startswith(f"{ida} reported")


async def test_a_state_that_owns_a_case_reads_its_own_events_alone(http: HttpWorld) -> None:
    """What a shelter says of her in a police case may be about the police."""
    receipt = await http.world.submit("ida-th")
    await http.world.submit(
        "shelter-th", event="ConsentGiven", case=receipt.case_code,
        subjects=[{"subject": receipt.subject_refs[0]}], consent=CONSENT,
    )  # fmt: skip
    await http.world.instance.settle()
    entries = (await http.get(f"/v1/cases/{receipt.case_code}/timeline", "ida-th")).json()["entries"]
    assert entries
    assert "ConsentGiven" not in {one["event"] for one in entries if one["what"] == "event"}


async def test_what_waits_comes_by_deadline(http: HttpWorld) -> None:
    """The desk lists what is unanswered, soonest first, and nothing of another agency's."""
    for _ in range(3):
        await http.world.refer()
        http.world.clock.advance(60)
    waiting = (await http.get("/v1/waiting", "shelter-th")).json()
    assert len(waiting) == 3
    assert [w["deadline_at"] for w in waiting] == sorted(w["deadline_at"] for w in waiting)
    assert (await http.get("/v1/waiting", "rfp-kh")).json() == []


async def test_a_case_by_code_and_by_reference(http: HttpWorld) -> None:
    """The owner finds the case under its own id, the recipient under its alias, each by its own code too."""
    receipt = await http.world.refer()
    item = (await http.world.instance.inbox.page(http.world.agency("shelter-th"), 0, 1)).items[0]
    for agency, ref, code, person in (
        ("ngo-th", receipt.case_ref, receipt.case_code, receipt.subject_refs[0]),
        ("shelter-th", item.case_ref, item.case_code, item.subject_ref),
    ):
        by_ref = (await http.get(f"/v1/cases/{ref}", agency)).json()
        by_code = (await http.get(f"/v1/cases/{code.lower()}", agency)).json()
        assert by_ref == by_code
        assert by_ref == {"case_ref": str(ref), "case_code": code, "subject_refs": [str(person)]}


@pytest.mark.parametrize("case", ["SP-00000-00001", "nonsense", "x" * 3000, "%00", "SP-K7RM-4TQ%C3%A9"])
async def test_a_mistyped_code_is_said_to_be_one(http: HttpWorld, case: str) -> None:
    """Field and remedy, and not a letter of what was typed."""
    problem = is_problem(await http.get(f"/v1/cases/{case}", "ngo-th"), 422, code="bad-case-code")
    assert problem["field"] == "case"
    assert problem["remedy"]
    assert "nonsense" not in str(problem)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/inbox?after=-1", "after"),
        ("/v1/inbox?after=99999999999999999999999", "after"),
        ("/v1/inbox?after=Zanzibardo", "after"),
        ("/v1/inbox?limit=0", "limit"),
        ("/v1/inbox?limit=501", "limit"),
        ("/v1/inbox/Zanzibardo", "dispatch"),
        ("/v1/inbox/stream?after=99999999999999999999999", "after"),
        ("/v1/reviews/Zanzibardo", "review"),
        ("/v1/reviews?all=Zanzibardo", "all"),
    ],
)
async def test_a_parameter_that_does_not_fit(http: HttpWorld, path: str, field: str) -> None:
    """It is named, with a remedy, and its value is not repeated."""
    answer = await http.get(path, "shelter-th")
    problem = is_problem(answer, 422, code="bad-field")
    assert problem["field"] == field
    assert problem["remedy"]
    assert "Zanzibardo" not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"groups": "Zanzibardo"}',
        b'{"groups": ["Zanzibardo"]}',
        b'{"Zanzibardo": 1}',
        b"\xff",
        b"",
    ],
)
async def test_a_body_that_does_not_fit(http: HttpWorld, body: bytes) -> None:
    """Broken JSON, unknown groups and fields are refused without a word of them."""
    await http.world.refer()
    item = (await http.world.instance.inbox.page(http.world.agency("shelter-th"), 0, 1)).items[0]
    answer = await http.post(
        f"/v1/inbox/{item.dispatch}/open",
        "shelter-th",
        content=body,
        headers={"Content-Type": "application/json"},
    )
    assert is_problem(answer, 400 if body == b"\xff" else 422)["remedy"]
    assert "Zanzibardo" not in answer.text


async def test_an_unknown_path_and_a_wrong_method(http: HttpWorld) -> None:
    """Both are problems, and repeat nothing."""
    answer = await http.get("/v1/Zanzibardo", "ngo-th")
    is_problem(answer, 404)
    assert "Zanzibardo" not in answer.text
    is_problem(await http.client.delete("/v1/inbox"), 405)


async def test_the_desk_over_http(http: HttpWorld) -> None:
    """A question is listed, shown and answered; the second answer is a conflict."""
    facts = {**PERSON["facts"], "state_of_origin_risk": "unacceptable"}
    await http.world.refer(event="VictimIdentified", subjects=[{**PERSON, "facts": facts}], to=[])
    (item,) = (await http.get("/v1/reviews", "ngo-th")).json()
    path = f"/v1/reviews/{item['review']}"
    assert (await http.get(path, "ngo-th")).json() == item
    answer = {"action": "release", "reason": "because", "second": "a colleague"}
    assert is_problem(
        await http.post(path + "/resolve", "ngo-th", json=answer | {"second": None}),
        422,
        code="second-missing",
    )
    assert (await http.post(path + "/resolve", "ngo-th", json=answer)).json()["state"] == "released"
    is_problem(await http.post(path + "/resolve", "ngo-th", json=answer), 409, code="review-closed")
    is_problem(await http.get(path, "shelter-th"), 404, code="unknown-review")


async def test_lanes_over_http(http: HttpWorld) -> None:
    """The operator sees none where all flow, and releasing what is not parked says so."""
    assert (await http.get("/v1/lanes", "operator")).json() == []
    answer = await http.post(f"/v1/lanes/{http.world.id()}/release", "operator")
    assert is_problem(answer, 404, code="unknown-lane")["remedy"]


async def test_dead_letters_are_counted_over_http(http: HttpWorld) -> None:
    """The operator sees how many wait by topic."""
    assert (await http.get("/v1/dead-letters", "operator")).json() == []
    async with http.world.store.unit_of_work() as work:
        work.emit(NewRecord("case-events-dlq", http.world.id(), b"what came", {}))
    told = (await http.get("/v1/dead-letters", "operator")).json()
    assert told == [{"topic": "case-events", "waiting": 1}]


async def test_an_erasure_asks_twice(http: HttpWorld) -> None:
    """The word of the ticket erases, once and within ten minutes; then nothing of her opens and nothing is left."""
    receipt = await http.world.refer()
    item = (await http.world.instance.inbox.page(http.world.agency("shelter-th"), 0, 1)).items[0]
    path = f"/v1/subjects/{receipt.subject_refs[0]}/erasure"
    is_problem(
        await http.post(path + "/confirm", "ngo-th", json={"confirm": "00000000"}), 409, code="not-confirmed"
    )
    late = (await http.post(path, "ngo-th")).json()
    http.world.clock.advance(timedelta(minutes=10).total_seconds())
    is_problem(await http.post(path + "/confirm", "ngo-th", json={"confirm": late["confirm"]}), 409)
    ticket = (await http.post(path, "ngo-th")).json()
    wrong = "0" * len(ticket["confirm"])
    is_problem(await http.post(path + "/confirm", "ngo-th", json={"confirm": wrong}), 409)
    is_problem(await http.post(path + "/confirm", "ngo-th", json={"confirm": ticket["confirm"]}), 409)
    ticket = (await http.post(path, "ngo-th")).json()
    assert ticket["dispatches"] == 2
    done = await http.post(path + "/confirm", "ngo-th", json={"confirm": ticket["confirm"]})
    assert done.json() == {"erased": True}
    opened = await http.post(f"/v1/inbox/{item.dispatch}/open", "shelter-th", json={})
    assert opened.status_code in (403, 404)
    left = (await http.get("/v1/inbox", "shelter-th")).json()["items"]
    assert [one["event"] for one in left] == ["SubjectErased"]
    assert (await http.get(f"/v1/cases/{receipt.case_code}/timeline", "ngo-th")).json()["entries"] == []
    await http.world.instance.settle()


async def test_what_everybody_may_know(http: HttpWorld) -> None:
    """The instance, the directory and a system's losses; an unknown agency is said to be one."""
    info = InstanceInfo.model_validate_json((await http.get("/v1/instance")).content)
    assert info == http.world.instance.info
    agencies = (await http.get("/v1/agencies", "ngo-th")).json()
    assert {"ngo-th", "shelter-th", "rfp-kh"} <= {agency["agency"] for agency in agencies}
    assert (await http.get("/v1/agencies/rfp-kh/losses", "ngo-th")).json()["format"] == "primero"
    is_problem(await http.get("/v1/agencies/Zanzibardo/losses", "ngo-th"), 404, code="unknown-agency")


async def test_health_and_readiness(http: HttpWorld) -> None:
    """Both answer while the database does; without it the process lives and is not ready: 503 with Retry-After."""
    assert [(await http.get(path)).status_code for path in ("/healthz", "/readyz", "/metrics")] == [200] * 3
    await http.world.store.pool.close()
    assert (await http.get("/healthz")).status_code == 200
    answer = await http.get("/readyz")
    is_problem(answer, 503)
    assert int(answer.headers["retry-after"]) > 0


async def test_a_fault_of_ours_repeats_nothing(
    http: HttpWorld, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """An error whose message holds a value becomes a 500 in words; neither answer nor log line holds the value."""
    headers = await http.token("shelter-th")

    async def broken(*_args: Any, **_rest: Any) -> None:
        raise RuntimeError(CANARIES[0])

    monkeypatch.setattr(http.world.instance.inbox, "page", broken)
    answer = await http.client.get("/v1/inbox", headers=headers)
    assert is_problem(answer, 500, code="internal")["remedy"]
    printed = capfd.readouterr()
    for text in (answer.text, printed.out, printed.err):
        assert CANARIES[0] not in text


async def test_metrics_name_nobody(http: HttpWorld) -> None:
    """No label is an agency, an event or a country; the age of the oldest unanswered referral is among them."""
    await http.world.refer()
    http.world.clock.advance(3600)
    text = (await http.get("/metrics")).text
    assert "sampan_oldest_unanswered_age_seconds 3600.0" in text
    for word in ("shelter-th", "ngo-th", "IdentificationRequested", 'KH"', *CANARIES):
        assert word not in text
