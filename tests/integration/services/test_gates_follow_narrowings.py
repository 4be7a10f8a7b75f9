"""Gates: what intake closes, the router follows; nothing opens in between, and nothing stays shut for nothing."""

from __future__ import annotations

import random
from typing import Any

import pytest

from contracts.errors import SampanError
from contracts.roles import Group
from services.intake.candidate import Handed
from services.vault.errors import GateClosed, StaleTicket
from services.vault.tickets import Regranted
from tests.support.services_world import CONSENT, ServicesWorld

EVENTS: list[dict[str, Any]] = [
    {"event": "VictimIdentified"},
    {"event": "ConsentGiven", "consent": CONSENT},
    {"event": "ConsentNarrowed", "consent": {**CONSENT, "groups": ["F1"]}},
    {"event": "ConsentWithdrawn"},
    {"event": "NotificationObjected"},
    {"event": "AsylumClaimRaised"},
    {"event": "SubjectCorrected"},
    {"event": "ProtectionFreezeSet"},
    {"event": "ReferralWithdrawn"},
    {"event": "IdentificationRequested"},
]
FACTS: list[dict[str, Any]] = [
    {},
    {"notify_origin": "objection"},
    {"age": "in_doubt"},
    {"age": 30},
    {"consular": "opposes"},
    {"asylum": "fear", "frozen": True},
    {"family": "safe"},
]


@pytest.mark.parametrize("seed", range(8))
async def test_intake_and_router_count_the_same_narrowings(world: ServicesWorld, seed: int) -> None:
    """After any events, in any batches, each gate's version is the one up to which the router has followed."""
    dice = random.Random(seed)
    mother, other, baby = world.id(), world.id(), world.id()
    first = await world.submit(
        event="BabyBorn",
        subjects=[{"subject": mother}, {"subject": other}, {"subject": baby, "child_of": mother}],
    )
    for _ in range(4):
        batch = []
        for _ in range(dice.randrange(1, 7)):
            people = dice.sample([mother, other, baby], dice.randrange(1, 4))
            said = dice.choice(EVENTS) | {
                "case": str(first.case_ref),
                "subjects": [{"subject": one, "facts": dice.choice(FACTS)} for one in people],
            }
            batch.append(Handed((await world.prepared(**said)).submission, world.agency("ngo-th")))
        results = await world.instance.intake.submit_many(batch)
        assert not [result for result in results if isinstance(result, SampanError)]
        if dice.random() < 0.6:
            await world.instance.settle()
    await world.instance.settle()
    gates = await world.store.pool.fetch("select subject_id, version from vault.gates")
    states = await world.store.pool.fetch("select subject_id, gate_version from router.subject_state")
    counted = {row["subject_id"]: row["version"] for row in gates}
    assert len(counted) == 3
    assert counted == {row["subject_id"]: row["gate_version"] for row in states}
    late = await world.store.pool.fetch(
        "select 1 from vault.grants g join vault.gates t using (subject_id)"
        " where not g.revoked and g.gate_version <> t.version"
    )
    assert not late


async def test_nothing_opens_between_her_word_and_the_decision(world: ServicesWorld) -> None:
    """From the moment a withdrawal is durable the shelter opens nothing: first stale, then closed for good."""
    receipt = await world.refer()
    shelter = world.agency("shelter-th")
    item = (await world.instance.inbox.page(shelter, 0, 10)).items[0]
    await world.instance.inbox.open(shelter, item.dispatch, [])
    await say(world, receipt, "ConsentWithdrawn")
    with pytest.raises(StaleTicket):
        await world.instance.inbox.open(shelter, item.dispatch, [])
    await world.instance.settle()
    with pytest.raises(SampanError) as refused:
        await world.instance.inbox.open(shelter, item.dispatch, [])
    assert not refused.value.retryable


async def test_a_narrowing_that_takes_nothing_from_her_lets_it_open_again(world: ServicesWorld) -> None:
    """An objection to the origin side leaves the shelter's dispatch open, once the router has looked."""
    receipt = await world.refer()
    shelter = world.agency("shelter-th")
    item = (await world.instance.inbox.page(shelter, 0, 10)).items[0]
    await say(world, receipt, "NotificationObjected", facts={"notify_origin": "objection"})
    with pytest.raises(StaleTicket):
        await world.instance.inbox.open(shelter, item.dispatch, [])
    await world.instance.settle()
    opened = await world.instance.inbox.open(shelter, item.dispatch, [])
    assert set(opened.groups) == {Group.F1, Group.F2}


@pytest.mark.parametrize(
    "order", [("narrow", "withdraw"), ("withdraw", "narrow"), ("withdraw", "object", "narrow")]
)
async def test_several_narrowings_decided_in_one_batch_all_count(
    world: ServicesWorld, order: tuple[str, ...]
) -> None:
    """A withdrawal among other narrowings that the router reads at once takes the dispatch back all the same."""
    receipt = await world.refer()
    shelter = world.agency("shelter-th")
    item = (await world.instance.inbox.page(shelter, 0, 10)).items[0]
    said: dict[str, dict[str, Any]] = {
        "narrow": {"event": "ConsentNarrowed", "consent": {**CONSENT, "groups": ["F1"]}},
        "withdraw": {"event": "ConsentWithdrawn"},
        "object": {"event": "NotificationObjected"},
    }
    for word in order:
        await say(world, receipt, **said[word])
    await world.instance.settle()
    with pytest.raises(GateClosed):
        await world.instance.inbox.open(shelter, item.dispatch, [])
    assert (await world.instance.inbox.item(shelter, item.dispatch)).recalled
    assert (
        await world.store.pool.fetchval(
            "select count(*) from vault.grants where revoked and recipient = $1", shelter
        )
        == 1
    )


@pytest.mark.parametrize("recalled_first", [False, True])
async def test_of_several_changes_of_one_grant_all_count(world: ServicesWorld, recalled_first: bool) -> None:
    """A grant that one batch both narrows and takes back is taken back, and later changes give nothing back."""
    await world.refer()
    grant = await world.store.pool.fetchval("select dispatch_id from vault.grants limit 1")
    narrowed = Regranted(dispatch_id=grant, labels=("F1",), gate_version=1)
    recalled = Regranted(dispatch_id=grant, labels=(), recalled=True, gate_version=2)
    changes = [recalled, narrowed] if recalled_first else [narrowed, recalled]
    async with world.store.unit_of_work() as work:
        await world.instance.vault.change_grants(work.connection, changes, {})
    row = await world.store.pool.fetchrow(
        "select revoked, gate_version from vault.grants where dispatch_id = $1", grant
    )
    assert tuple(row) == (True, 2)


async def say(world: ServicesWorld, receipt: Any, event: str, **said: Any) -> None:
    """One more event about the only person of a case."""
    facts = said.pop("facts", {})
    await world.submit(
        event=event,
        case=str(receipt.case_ref),
        subjects=[{"subject": receipt.subject_refs[0], "facts": facts}],
        **said,
    )
