"""A reference that a recipient was given is never taken for a new one, however far intake has got."""

from __future__ import annotations

import asyncio

from contracts.errors import TryLater
from services.intake.aliases import AliasStep, CatchUp
from services.runtime.consumer import ConsumerLoop
from services.runtime.lease import LEASE_SECONDS, PostgresLeases
from services.runtime.log.postgres import PostgresLogReader
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


async def test_a_case_of_ones_own_waits_for_nobody(world: ServicesWorld) -> None:
    """Without a reference, or with one while this process follows what is given out, a case opens at once."""
    await world.another_instance().aliases.run_once()
    assert (await world.submit()).case_code
    world.clock.advance(LEASE_SECONDS + 1)
    assert (await world.submit(case=str(world.id()))).case_code


async def test_another_process_that_follows_what_is_given_out_is_waited_for(world: ServicesWorld) -> None:
    """Intake that does not own the aliases waits a moment for the one that does, and then knows her case."""
    other = world.another_instance()
    await other.aliases.run_once()
    await world.submit(consent=CONSENT, to=["SHA@TH"])
    await world.instance.router.run_once()
    await world.instance.delivery.run_once()
    item = (await world.instance.inbox.page(world.agency("shelter-th"), 0, 1)).items[0]
    said = {"event": "ConsentWithdrawn", "case": str(item.case_ref), "subjects": [{"subject": item.subject_ref}]}
    sending = asyncio.create_task(world.submit("shelter-th", **said))
    await other.aliases.run_once()
    assert (await sending).case_code == item.case_code
    assert await world.store.pool.fetchval("select count(*) from intake.cases") == 1


async def test_what_is_followed_on_kafka_is_never_taken_for_all_there_is(world: ServicesWorld) -> None:
    """A commit is heard of before the relay has carried it: intake asks for the stored positions instead."""
    catch_up = CatchUp(world.instance.aliases, world.store)
    await catch_up()
    assert catch_up.is_current
    elsewhere = world.another_instance()
    world.clock.advance(LEASE_SECONDS + 1)
    loop = ConsumerLoop("intake-aliases", ["dispatches"], AliasStep(world.instance.vault.alias), store=world.store,
                        leases=PostgresLeases(world.store.pool), log=PostgresLogReader(world.store.pool),
                        clock=world.clock, wake=world.store.wake, owner=elsewhere.edges.owner)  # fmt: skip
    carried = CatchUp(loop, world.store)
    await carried()
    assert not carried.is_current
    assert await carried.is_complete()
