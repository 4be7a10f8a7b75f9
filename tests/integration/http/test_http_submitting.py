"""Handing in over HTTP: sealed, in batches, and as plain JSON that is sealed here."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from contracts.api import SubmitReceipt
from services.intake import http as intake_http
from services.intake.batcher import Batcher
from services.intake.candidate import Handed, Result
from tests.support.http_world import HttpWorld, is_problem
from tests.support.services_world import CANARIES, CONSENT, PERSON


async def test_a_sealed_submission_gets_its_receipt_once(http: HttpWorld) -> None:
    """The same bytes twice: the same receipt, the second marked as a duplicate."""
    raw = (await http.world.prepared()).submission
    first, second = [await http.post("/v1/submissions", "ngo-th", content=raw) for _ in range(2)]
    assert (first.status_code, second.status_code) == (200, 200)
    assert SubmitReceipt.model_validate_json(second.content) == SubmitReceipt.model_validate_json(
        first.content
    ).model_copy(update={"duplicate": True})


async def test_other_content_under_one_id_is_409(http: HttpWorld) -> None:
    """With field and remedy in words."""
    event = http.world.event()
    keys = await http.world.keys("ngo-th")
    first, second = [
        await http.post("/v1/submissions", "ngo-th", content=http.world.seal(event, keys).submission)
        for _ in range(2)
    ]
    assert first.status_code == 200
    problem = is_problem(second, 409, code="id-used")
    assert problem["field"] == "submission_id"
    assert problem["remedy"]


async def test_a_batch_answers_line_by_line(http: HttpWorld) -> None:
    """Good, bad, good: three lines in order, and the bad one names code, field and remedy."""
    good = [(await http.world.prepared()).submission for _ in range(2)]
    bad = (await http.world.prepared(case="SP-00000-00001", subjects=[{}])).submission
    lines = await batch(http, [good[0], bad, good[1]])
    assert [set(line) for line in lines] == [{"receipt"}, {"problem"}, {"receipt"}]
    assert (lines[1]["problem"]["code"], lines[1]["problem"]["field"]) == ("bad-case-code", "case")
    assert lines[1]["problem"]["remedy"]


async def test_a_batch_of_many_is_taken_whole(http: HttpWorld) -> None:
    """More than one transaction's worth: a receipt for each, and again the same receipts."""
    raws = [(await http.world.prepared()).submission for _ in range(120)]
    first, second = await batch(http, raws), await batch(http, raws)
    assert len(first) == 120
    assert [line["receipt"] | {"duplicate": True} for line in first] == [line["receipt"] for line in second]


async def test_batches_are_counted(http: HttpWorld) -> None:
    """What comes in a batch stands in the metrics like what comes alone."""
    await batch(http, [(await http.world.prepared()).submission for _ in range(3)])
    assert 'sampan_submissions_total{outcome="accepted"} 3.0' in (await http.get("/metrics")).text


@pytest.mark.parametrize("body", [b"\0", b"\0\0\0", b"\0\0\0\5abc", b"\xff\xff\xff\xff", b"\0\0\0\1aX"])
async def test_a_batch_that_cannot_be_cut(http: HttpWorld, body: bytes) -> None:
    """Lengths that do not add up refuse the whole, and nothing of it is taken."""
    good = (await http.world.prepared()).submission
    whole = len(good).to_bytes(4, "big") + good + body
    answer = await http.post("/v1/submissions:batch", "ngo-th", content=whole)
    assert is_problem(answer, 422, code="bad-batch")["remedy"]
    assert await http.world.store.pool.fetchval("select count(*) from intake.submissions") == 0


async def test_a_document_of_too_many_bytes(http: HttpWorld) -> None:
    """One byte over the limit is 413 on each path, whatever length the header claims."""
    for path, limit in (
        ("/v1/submissions", intake_http.SUBMISSION_BYTES_MAX),
        ("/v1/assisted/submissions", intake_http.SUBMISSION_BYTES_MAX),
        ("/v1/submissions:batch", intake_http.BATCH_BYTES_MAX),
    ):
        answer = await http.post(path, "ngo-th", content=bytes(limit + 1))
        assert is_problem(answer, 413, code="too-large")["remedy"]


async def test_plain_json_is_sealed_here_and_known_again(http: HttpWorld) -> None:
    """The same document again, its fields in another order, gets the same receipt; another one 409."""
    await assisted(http, "ngo-th")
    said = document(http)
    first = await http.post("/v1/assisted/submissions", "ngo-th", content=json.dumps(said))
    turned = json.dumps(dict(reversed(said.items())), indent=2)
    again = await http.post("/v1/assisted/submissions", "ngo-th", content=turned)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json() | {"duplicate": True}
    assert first.json()["assisted"]
    other = said | {"priority": "EMERGENCY"}
    is_problem(await http.post("/v1/assisted/submissions", "ngo-th", json=other), 409, code="id-used")


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        (b"{", "broken-json", None),
        (b"[]", None, None),
        (b"", "broken-json", None),
        (b'{"sender": "\xff"}', None, None),
        (b'{"event": "IdentificationRequested"}', "bad-field-missing", "event_id"),
    ],
)
async def test_plain_json_that_is_none(
    http: HttpWorld, body: bytes, code: str | None, field: str | None
) -> None:
    """Broken, empty or incomplete JSON names what is missing and how to mend it."""
    await assisted(http, "ngo-th")
    problem = is_problem(await http.post("/v1/assisted/submissions", "ngo-th", content=body), 422, code=code)
    assert problem.get("field") == field
    assert problem["remedy"]


async def test_an_agency_that_seals_for_itself(http: HttpWorld) -> None:
    """Plain JSON of an agency whose key is not here is refused, and so is another sender's document."""
    is_problem(
        await http.post("/v1/assisted/submissions", "ngo-th", json=document(http)), 403, code="not-assisted"
    )
    await assisted(http, "shelter-th")
    is_problem(
        await http.post("/v1/assisted/submissions", "shelter-th", json=document(http)),
        403,
        code="other-sender",
    )


@pytest.mark.parametrize(
    "change",
    [
        {CANARIES[0]: 1},
        {"event": CANARIES[0]},
        {"event": "Zanzibardo"},
        {"sender": CANARIES[2]},
        {"case": CANARIES[0]},
        {"to": [CANARIES[2]]},
        {"acting_as": CANARIES[2]},
        {"occurred_at": CANARIES[1]},
        {"occurred_at": "2569-03-02T02:00:00Z"},
        {"priority": CANARIES[0]},
        {"consent": {**CONSENT, "to": [CANARIES[0]]}},
        {"consent": {**CONSENT, "until": CANARIES[0]}},
        {"consent": {**CONSENT, CANARIES[0]: CANARIES[0]}},
        {"subjects": [{"subject": CANARIES[0]}]},
        {"subjects": [{"facts": {CANARIES[0]: CANARIES[1]}}]},
        {"subjects": [{"facts": {"citizenship": [CANARIES[0]]}}]},
        {"subjects": [{"groups": {CANARIES[0]: {}}}]},
        {"subjects": [{"groups": {"F1": {CANARIES[0]: CANARIES[0]}}}]},
        {"subjects": [{"groups": {"F1": {"given_name": [CANARIES[0]]}}}]},
        {"subjects": [{"groups": {"F1": {"birth_date": CANARIES[0]}}}]},
        {"subjects": [{"groups": {"F2": {"mobile_phone": {"number": CANARIES[1]}}}}]},
        {"answer": {"dispatch": CANARIES[0]}},
    ],
)
async def test_no_refusal_repeats_what_was_sent(
    http: HttpWorld, change: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever is wrong with a document, neither answer nor log line holds a name, number or place out of it."""
    await assisted(http, "ngo-th")
    answer = await http.post("/v1/assisted/submissions", "ngo-th", json=document(http) | change)
    problem = is_problem(answer, answer.status_code)
    assert 400 <= answer.status_code < 500
    assert problem["remedy"]
    printed = capfd.readouterr()
    for text in (answer.text, str(answer.headers), printed.out, printed.err):
        assert not [canary for canary in CANARIES if canary.lower() in text.lower()]


async def test_a_full_queue_says_when_to_come_back(http: HttpWorld) -> None:
    """Beyond its bound the queue answers 503 with Retry-After, takes nothing, and loses none that it took."""
    begun, gate = asyncio.Event(), asyncio.Event()
    taken: list[Handed] = []

    async def slow(batch: Any) -> list[Result]:
        begun.set()
        await gate.wait()
        taken.extend(batch)
        return await http.world.instance.intake.submit_many(batch)

    http.app.router.routes[:] = [
        route
        for route in http.app.router.routes
        if not getattr(route, "path", "").startswith("/v1/submissions")
    ]
    batcher = Batcher(slow, batch_max=1, queue_max=2)

    async def caller_of(_request: Any) -> Any:
        return http.world.caller("ngo-th")

    async def assist(_raw: bytes, _agency: Any) -> SubmitReceipt:
        raise AssertionError

    http.app.router.routes.extend(intake_http.routes(batcher, caller_of, assist))
    raws = [(await http.world.prepared()).submission for _ in range(4)]
    waiting = [asyncio.create_task(http.client.post("/v1/submissions", content=raws[0]))]
    await begun.wait()
    waiting += [asyncio.create_task(http.client.post("/v1/submissions", content=raw)) for raw in raws[1:3]]
    while batcher.waiting < 2:
        await asyncio.sleep(0)
    refused = await http.client.post("/v1/submissions", content=raws[3])
    assert is_problem(refused, 503, code="queue-full")["remedy"]
    assert int(refused.headers["retry-after"]) > 0
    is_problem(await http.client.post("/v1/submissions:batch", content=b""), 503, code="queue-full")
    gate.set()
    assert [answer.status_code for answer in await asyncio.gather(*waiting)] == [200, 200, 200]
    assert len(taken) == 3


def document(http: HttpWorld) -> dict[str, Any]:
    """A canonical document of the NGO as it would be typed."""
    return {
        "event": "IdentificationRequested",
        "event_id": str(http.world.id()),
        "submission_id": str(http.world.id()),
        "occurred_at": http.world.clock.now().isoformat(),
        "sender": "ngo-th",
        "to": ["SHA@TH"],
        "subjects": [dict(PERSON)],
        "consent": dict(CONSENT),
    }


async def assisted(http: HttpWorld, slug: str) -> None:
    http.world.instance.assisted.enrol(slug, await http.world.keys(slug))


async def batch(http: HttpWorld, raws: list[bytes]) -> list[dict[str, Any]]:
    content = b"".join(len(raw).to_bytes(4, "big") + raw for raw in raws)
    answer = await http.post("/v1/submissions:batch", "ngo-th", content=content)
    assert answer.status_code == 200
    return [json.loads(line) for line in answer.content.splitlines()]
