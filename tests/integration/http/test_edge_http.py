"""An agency's own edge over HTTP: it claims its lanes alone, opens with its own key, and says what came of it."""

from __future__ import annotations

import pytest

from contracts.edge_api import EdgeEnrolled
from contracts.errors import NotAuthentic
from contracts.roles import Group
from contracts.sealing import CONTROL, SealedSlot, SlotKey
from contracts.sealing.release import EDGE_SEED_BYTES, EdgePrivateKey
from services.delivery import edge_keys
from services.delivery.lanes import CLAIM_SECONDS, EDGE_SILENT_SECONDS
from services.delivery.worker import Worker
from services.edge.released import open_release
from services.runtime import registry
from services.vault import opening
from tests.support.http_world import HttpWorld, is_problem
from tests.support.lane_play import MINISTRY, failures, items, lane, refer
from tests.support.own_edge import OwnEdge, enrolled_edge, register
from tests.support.services_world import CANARIES, NAME, START


@pytest.fixture
async def edge(http: HttpWorld) -> OwnEdge:
    return await enrolled_edge(http, MINISTRY)


async def an_edge_of(http: HttpWorld, agency: str) -> OwnEdge:
    """An edge that the directory would not offer this agency."""
    private, who, now = EdgePrivateKey(http.world.random(EDGE_SEED_BYTES)), http.world.agency(agency), START
    async with http.world.store.unit_of_work() as work:
        await edge_keys.add(work.connection, who, private.public, now)
        token, until = await registry.replace_edge_token(work.connection, who, http.world.random, now)
    enrolled = EdgeEnrolled(
        agency=agency, agency_id=who, key_id=private.public.key_id, token=token, token_expires_at=until,
        channels=[],
    )  # fmt: skip
    return OwnEdge(http, private, enrolled)


async def kinds(http: HttpWorld) -> list[str | None]:
    rows = await http.world.store.pool.fetch("select outcome from delivery.attempts order by attempt_id")
    return [row["outcome"] for row in rows]


async def test_the_edge_opens_what_it_claimed(http: HttpWorld, edge: OwnEdge) -> None:
    """What a claim carries opens with the edge's key alone, and holds the groups that were granted."""
    await refer(http.world)
    (claim,) = await edge.claims()
    telling, opened = edge.open(claim)
    assert telling.event == "ReferralSent"
    assert opened.groups[Group.F1].revealed()["given_name"] == NAME
    assert (await edge.say(claim.attempt, "delivered")).json() == {"recorded": True}
    assert await items(http.world) == [("tell", "done")]


async def test_a_claim_carries_nothing_in_clear(http: HttpWorld, edge: OwnEdge) -> None:
    """The answer of the hub holds no name, no place and no event."""
    await refer(http.world)
    answer = await edge.ask()
    assert len(answer.json()["claims"]) == 1
    for word in (*CANARIES, "ReferralSent"):
        assert word not in answer.text


@pytest.fixture
def opened_at_hub(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Labels of the slots that the hub's process opens, in order."""
    labels: list[str] = []
    plain = opening.open_slot

    def watched(context: bytes, slot: SealedSlot, key: SlotKey) -> bytes:
        labels.append(key.label)
        return plain(context, slot, key)

    monkeypatch.setattr(opening, "open_slot", watched)
    return labels


async def test_the_hub_opens_nothing_of_an_agency_with_an_edge(
    http: HttpWorld, edge: OwnEdge, opened_at_hub: list[str]
) -> None:
    """From submission to outcome the hub opens no group for it: what intake and router read is in none."""
    await refer(http.world)
    await http.world.instance.settle()
    (claim,) = await edge.claims()
    await edge.say(claim.attempt, "delivered")
    await http.world.instance.settle()
    assert await items(http.world) == [("tell", "done")]
    assert set(opened_at_hub) == {CONTROL}


async def test_the_watch_on_the_hub_sees_what_it_opens(http: HttpWorld, opened_at_hub: list[str]) -> None:
    """Where another agency lets the hub open, the same watch tells of it."""
    await http.world.refer()
    (item,) = (await http.get("/v1/inbox", "shelter-th")).json()["items"]
    await http.post(f"/v1/inbox/{item['dispatch']}/open", "shelter-th", json={})
    assert {"F1", "F2"} <= set(opened_at_hub)


async def test_a_stolen_claim_opens_nothing(http: HttpWorld, edge: OwnEdge) -> None:
    """Order and keys are of no use to whoever holds another key."""
    await refer(http.world)
    (claim,) = await edge.claims()
    thief = EdgePrivateKey(http.world.random(EDGE_SEED_BYTES))
    with pytest.raises(NotAuthentic):
        open_release(thief, edge.bound(claim), claim.order, claim.keys)
    with pytest.raises(NotAuthentic):
        thief.open_keys(claim.keys or b"", edge.bound(claim))


async def test_the_opening_is_recorded_with_the_claim(http: HttpWorld, edge: OwnEdge) -> None:
    """One transaction claims and records that the agency may read from now on."""
    await refer(http.world)
    assert await http.world.store.log.heads("delivery-events") == {}
    await edge.claims()
    assert list((await http.world.store.log.heads("delivery-events")).values()) == [0]


async def test_hub_and_edge_never_hold_the_same_lane(http: HttpWorld, edge: OwnEdge) -> None:
    """What the edge may claim the hub's worker leaves alone, and a claimed lane nobody gets again."""
    await refer(http.world)
    assert await http.world.instance.worker.run_once() == 0
    assert len(await edge.claims()) == 1
    assert await edge.claims() == []
    assert await http.world.instance.worker.run_once() == 0


async def test_no_outcome_is_unknown(http: HttpWorld, edge: OwnEdge) -> None:
    """A claim whose outcome never comes runs out, and the next attempt knows that something may have happened."""
    await refer(http.world)
    await edge.claims()
    http.world.clock.advance(CLAIM_SECONDS + 1)
    (again,) = await edge.claims()
    row = await http.world.store.pool.fetchrow(
        "select repeat, attempt from delivery.attempts where attempt_id = $1", again.attempt
    )
    assert tuple(row) == (True, 2)


async def test_a_late_outcome_changes_no_lane(http: HttpWorld, edge: OwnEdge) -> None:
    """The outcome of a claim that ran out is written beside its attempt, and moves nothing."""
    await refer(http.world)
    (first,) = await edge.claims()
    http.world.clock.advance(CLAIM_SECONDS + 1)
    (second,) = await edge.claims()
    await edge.say(first.attempt, "refused", "no-thanks")
    assert (await lane(http.world))["claimed_by"] is not None
    assert await items(http.world) == [("tell", "claimed")]
    await edge.say(second.attempt, "delivered")
    assert await items(http.world) == [("tell", "done")]
    assert await failures(http.world) == 0


async def test_the_first_outcome_stands(http: HttpWorld, edge: OwnEdge) -> None:
    """The same outcome again, or another, changes nothing."""
    await refer(http.world)
    (claim,) = await edge.claims()
    await edge.say(claim.attempt, "delivered")
    assert (await edge.say(claim.attempt, "refused")).json() == {"recorded": False}
    assert await kinds(http) == ["delivered"]
    assert await failures(http.world) == 0


async def test_a_failed_call_is_tried_again_later(http: HttpWorld, edge: OwnEdge) -> None:
    """The lane's own policy decides when: not at once, and not by the edge."""
    await refer(http.world)
    (claim,) = await edge.claims()
    await edge.say(claim.attempt, "later", "no-connection")
    assert await edge.claims() == []
    http.world.clock.move_to((await lane(http.world))["next_attempt_at"])
    assert len(await edge.claims()) == 1


async def test_what_the_agency_refuses_the_case_hears(http: HttpWorld, edge: OwnEdge) -> None:
    """A refusal is a failed delivery also where the edge calls it by a word that only the vault may say."""
    await refer(http.world)
    (claim,) = await edge.claims()
    await edge.say(claim.attempt, "refused", "erased")
    assert await items(http.world) == [("tell", "refused")]
    assert await failures(http.world) == 1


async def test_a_silent_edge_is_heard_of(http: HttpWorld, edge: OwnEdge) -> None:
    """Where the edge asks for nothing for long, attempts count as failed; still nobody else opens."""
    await refer(http.world)
    http.world.clock.advance(EDGE_SILENT_SECONDS + 1)
    assert await http.world.instance.worker.run_once() == 1
    row = await lane(http.world)
    assert (row["state"], row["error_code"]) == ("retrying", "edge-away")
    assert await items(http.world) == [("tell", "waiting")]
    http.world.clock.move_to(row["next_attempt_at"])
    assert len(await edge.claims()) == 1


async def test_an_edge_is_not_blamed_for_the_hubs_own_silence(http: HttpWorld, edge: OwnEdge) -> None:
    """While the hub was down nobody could ask it: the silence counts from when it came up."""
    await refer(http.world)
    http.world.clock.advance(EDGE_SILENT_SECONDS + 1)
    before = http.world.instance.worker
    worker = Worker(http.world.store, before._performer, before._attempts, "after the start")
    assert await worker.run_once() == 0
    http.world.clock.advance(EDGE_SILENT_SECONDS)
    assert await worker.run_once() == 1
    assert (await lane(http.world))["error_code"] == "edge-away"


async def test_a_narrowing_before_the_claim_releases_nothing(http: HttpWorld, edge: OwnEdge) -> None:
    """Consent withdrawn while the referral waits: the claim gives no key."""
    receipt = await refer(http.world)
    await http.world.submit(
        event="ConsentWithdrawn", case=str(receipt.case_ref), subjects=[{"subject": receipt.subject_refs[0]}]
    )
    assert await edge.claims() == []
    await http.world.instance.settle()
    assert await edge.claims() == []


async def test_a_recall_reaches_the_edge(http: HttpWorld, edge: OwnEdge) -> None:
    """What was told through the edge is taken back through it, with aliases and no key."""
    receipt = await refer(http.world)
    (claim,) = await edge.claims()
    told, _ = edge.open(claim)
    await edge.say(claim.attempt, "delivered")
    await http.world.submit(
        event="ConsentWithdrawn", case=str(receipt.case_ref), subjects=[{"subject": receipt.subject_refs[0]}]
    )
    await http.world.instance.settle()
    (recall,) = await edge.claims()
    telling, opened = edge.open(recall)
    assert recall.keys is None
    assert (telling.recall, telling.dispatch, telling.subject) == (True, told.dispatch, told.subject)
    assert opened.groups == {}


async def test_a_new_key_ends_the_old_one(http: HttpWorld, edge: OwnEdge) -> None:
    """From the registration on, the earlier key claims nothing, its token is void, and it does not come back."""
    newer = await enrolled_edge(http, MINISTRY)
    await refer(http.world)
    is_problem(await edge.ask(), 401)
    is_problem(await newer.ask(key_id=edge.enrolled.key_id), 403, code="edge-key-unknown")
    is_problem(await register(http, MINISTRY, edge.private), 409, code="edge-key-ended")
    assert len(await newer.claims()) == 1


async def test_an_edge_sees_its_own_agency_alone(http: HttpWorld, edge: OwnEdge) -> None:
    """It gets no other agency's lanes and ends no other agency's attempts."""
    other = await an_edge_of(http, "shelter-th")
    await refer(http.world)
    assert await other.claims() == []
    (claim,) = await edge.claims()
    is_problem(await other.say(claim.attempt, "delivered"), 404, code="unknown-attempt")
    assert await items(http.world) == [("tell", "claimed")]


async def test_an_edges_token_is_for_the_edge_alone(http: HttpWorld, edge: OwnEdge) -> None:
    """With it nobody reads the inbox, and with an agency's token nobody claims."""
    headers = {"Authorization": f"Bearer {edge.enrolled.token}"}
    is_problem(await http.get("/v1/inbox", headers=headers), 403, code="edge-token")
    asked = {"key_id": edge.enrolled.key_id}
    is_problem(await http.post("/v1/edge/claims", MINISTRY, json=asked), 403, code="not-an-edge")


async def test_an_agency_without_such_a_channel_gets_no_edge(http: HttpWorld) -> None:
    """Where the directory names no channel that tells groups there is nothing to perform."""
    private = EdgePrivateKey(http.world.random(EDGE_SEED_BYTES))
    is_problem(await register(http, "ngo-th", private), 422, code="no-edge-channel")


async def test_registering_again_is_harmless(http: HttpWorld, edge: OwnEdge) -> None:
    """The same key again gets a new token; the key counts as before."""
    answer = await register(http, MINISTRY, edge.private)
    assert answer.json()["key_id"] == edge.enrolled.key_id
    is_problem(await edge.ask(), 401)
