"""A reference that a recipient was given is never taken for a new one, however far intake has got."""

from __future__ import annotations

from contracts.errors import NotFound, TryLater
from contracts.ids import alias
from services.runtime.lease import LEASE_SECONDS
from tests.support.services_world import CONSENT, ServicesWorld


async def test_a_withdrawal_under_an_alias_on_its_way_waits_and_finds_her_case(world: ServicesWorld) -> None:
    """A process that died still owns the aliases: her withdrawal is not filed under a new case, it comes again."""
    await world.another_instance().aliases.run_once()  # owns them, and is gone
    receipt = await world.submit(consent=CONSENT, to=["SHA@TH"])
    await world.instance.router.run_once()
    await world.instance.delivery.run_once()
    item = (await world.instance.inbox.page(world.agency("shelter-th"), 0, 1)).items[0]
    said = {"event": "ConsentWithdrawn", "case": str(item.case_ref), "subjects": [{"subject": item.subject_ref}]}
    raw = (await world.prepared("shelter-th", **said)).submission
    assert isinstance(await world.refused(raw, "shelter-th"), TryLater)
    assert await world.store.pool.fetchval("select count(*) from intake.cases") == 1
    world.clock.advance(LEASE_SECONDS + 1)
    again = await world.instance.submit(raw, world.agency("shelter-th"))
    case_id = await world.store.pool.fetchval("select case_id from intake.cases")
    assert await world.store.pool.fetchval(
        "select count(*) from intake.submissions where event_id <> $1 and case_id = $2",
        *(receipt.event_id, case_id),
    ) == 1  # fmt: skip
    assert again.case_code == item.case_code


async def test_a_reference_like_ours_that_nobody_gave_out_opens_nothing(world: ServicesWorld) -> None:
    """Neither a case nor a person is opened under an alias that does not exist."""
    invented = alias(bytes(32), "case", world.id(), world.id())
    for said in ({"case": str(invented)}, {"subjects": [{"subject": invented}]}):
        raw = (await world.prepared(event="NeedsAssessed", **said)).submission
        assert isinstance(await world.refused(raw), NotFound)
    assert await world.store.pool.fetchval("select count(*) from intake.cases") == 0
