"""The services over a vault that commits before they do: what a crash between the two leaves, and a vault away."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from contracts.errors import TryLater
from contracts.roles import Group
from services.assembly.erasure import Erasure
from services.runtime.store.postgres import PostgresUnitOfWork
from services.vault.apart import VaultApart
from services.vault.errors import GateClosed, StaleTicket, VaultAway, away
from tests.support.lane_play import MINISTRY, items, refer
from tests.support.lane_targets import primero_target
from tests.support.postgres import DatabaseFactory, FreshDatabase
from tests.support.primero_server import running_primero
from tests.support.services_world import CONSENT, ServicesWorld, open_world


@pytest.fixture
async def own(database_factory: DatabaseFactory) -> AsyncIterator[asyncpg.Pool]:
    """The vault's database."""
    database = database_factory.make()
    async with asyncpg.create_pool(database.vault_dsn, min_size=1) as pool:
        yield pool
    database_factory.drop(database)


@pytest.fixture
async def services(
    fresh_database: FreshDatabase, tmp_path: Path, own: asyncpg.Pool
) -> AsyncIterator[ServicesWorld]:
    async with open_world(
        fresh_database, tmp_path, vault=lambda keyring: VaultApart(keyring, secrets.token_bytes, own)
    ) as world:
        yield world


def dies_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next unit of work that appends ends just before its commit."""
    real = PostgresUnitOfWork.append_emitted

    async def dies(self: PostgresUnitOfWork, *, notify: bool) -> set[str]:
        topics = await real(self, notify=notify)
        if topics:
            monkeypatch.setattr(PostgresUnitOfWork, "append_emitted", real)
            raise asyncpg.PostgresConnectionError
        return topics

    monkeypatch.setattr(PostgresUnitOfWork, "append_emitted", dies)


async def withdrawal(world: ServicesWorld, receipt: Any) -> bytes:
    subjects = [{"subject": receipt.subject_refs[0]}]
    return (await world.prepared(event="ConsentWithdrawn", case=str(receipt.case_ref), subjects=subjects)).submission


async def test_a_referral_crosses_in_two_databases(services: ServicesWorld, own: asyncpg.Pool) -> None:
    """The shelter opens what it was granted, and the hub's database holds no key of it."""
    await services.refer()
    shelter = services.agency("shelter-th")
    (item,) = (await services.instance.inbox.page(shelter, 0, 10)).items
    opened = await services.instance.inbox.open(shelter, item.dispatch, [])
    assert Group.F1 in opened.groups
    for table in ("subject_keys", "key_bundles", "gates", "grants"):
        assert await services.store.pool.fetchval(f"select count(*) from vault.{table}") == 0
        assert await own.fetchval(f"select count(*) from vault.{table}") > 0


async def test_her_word_closes_before_it_is_logged_and_counts_once(
    services: ServicesWorld, own: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Intake died between the commits: the gate is narrower than the log. The same bytes again make both agree."""
    receipt = await services.refer()
    shelter, sender = services.agency("shelter-th"), services.agency("ngo-th")
    (item,) = (await services.instance.inbox.page(shelter, 0, 10)).items
    raw = await withdrawal(services, receipt)
    before = await services.tables("intake", "router", "log")
    dies_once(monkeypatch)
    with pytest.raises(asyncpg.PostgresConnectionError):
        await services.instance.intake.submit(raw, sender)
    assert await services.tables("intake", "router", "log") == before
    with pytest.raises(StaleTicket):
        await services.instance.inbox.open(shelter, item.dispatch, [])
    told = await services.instance.intake.submit(raw, sender)
    assert not told.duplicate
    assert (await services.instance.intake.submit(raw, sender)).duplicate
    await services.instance.settle()
    with pytest.raises(GateClosed):
        await services.instance.inbox.open(shelter, item.dispatch, [])
    version = await own.fetchval("select version from vault.gates")
    assert version == await services.store.pool.fetchval("select gate_version from router.subject_state") == 1


async def test_a_first_report_that_died_comes_again_whole(
    services: ServicesWorld, own: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Intake minted the person's id and died; the second time it mints another, and everything opens."""
    raw = (await services.prepared(consent=CONSENT, to=["SHA@TH"])).submission
    dies_once(monkeypatch)
    with pytest.raises(asyncpg.PostgresConnectionError):
        await services.instance.intake.submit(raw, services.agency("ngo-th"))
    await services.instance.intake.submit(raw, services.agency("ngo-th"))
    await services.instance.settle()
    shelter = services.agency("shelter-th")
    (item,) = (await services.instance.inbox.page(shelter, 0, 10)).items
    assert Group.F1 in (await services.instance.inbox.open(shelter, item.dispatch, [])).groups


async def test_a_router_that_died_after_granting_decides_the_same_again(
    services: ServicesWorld, own: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Grants are there before the decision is; the second time they are the same, and there is one dispatch."""
    await services.submit(consent=CONSENT, to=["SHA@TH"])
    dies_once(monkeypatch)
    await services.instance.settle()
    shelter = services.agency("shelter-th")
    (item,) = (await services.instance.inbox.page(shelter, 0, 10)).items
    assert Group.F1 in (await services.instance.inbox.open(shelter, item.dispatch, [])).groups
    grants = {row["dispatch_id"] for row in await own.fetch("select dispatch_id from vault.grants")}
    told = await services.store.pool.fetch("select dispatch_id from delivery.dispatches")
    assert grants == {row["dispatch_id"] for row in told}


async def test_a_vault_that_is_away_refuses_nobody(
    services: ServicesWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Senders hear "later", no case is parked, and all goes on when it is back."""
    vault = services.instance.vault
    raw = (await services.prepared(consent=CONSENT, to=["SHA@TH"])).submission

    async def gone(*_: Any, **__: Any) -> Any:
        raise away()

    with monkeypatch.context() as absent:
        absent.setattr(vault, "admit", gone)
        with pytest.raises(VaultAway) as refused:
            await services.instance.intake.submit(raw, services.agency("ngo-th"))
    assert refused.value.http_status == 503
    await services.instance.intake.submit(raw, services.agency("ngo-th"))
    with monkeypatch.context() as absent:
        absent.setattr(vault, "open_records", gone)
        with pytest.raises(VaultAway):
            await services.instance.router.run_once()
    await services.instance.settle()
    assert await services.store.pool.fetchval("select count(*) from runtime.parked_keys") == 0
    assert len((await services.instance.inbox.page(services.agency("shelter-th"), 0, 10)).items) == 1


async def test_a_lane_loses_no_attempt_while_the_vault_is_away(
    fresh_database: FreshDatabase, tmp_path: Path, own: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it is away: nothing was tried, so nothing is counted, and no lane parks."""

    async def gone(*_: Any, **__: Any) -> Any:
        raise away()

    async with AsyncExitStack() as stack:
        primero = await stack.enter_async_context(running_primero())
        targets = {(MINISTRY, "primero"): primero_target(primero)}
        world = await stack.enter_async_context(
            open_world(
                fresh_database, tmp_path, targets=targets,
                vault=lambda keyring: VaultApart(keyring, secrets.token_bytes, own),
            )
        )  # fmt: skip
        await refer(world)
        with monkeypatch.context() as absent:
            absent.setattr(world.instance.vault, "facts_keys", gone)
            for _ in range(20):
                with pytest.raises(VaultAway):
                    await world.instance.worker.run_once()
        assert await world.store.pool.fetchval("select count(*) from delivery.attempts") == 0
        await world.instance.settle()
        assert [effect.what for effect in primero.journal] == ["case_created", "referral_created"]
        assert await items(world) == [("tell", "done")]


async def test_what_cannot_be_erased_yet_is_not(services: ServicesWorld, own: asyncpg.Pool) -> None:
    """The router has not heard what concerns others: refused, her key is still whole. Asked again later, it is gone."""
    world = services
    her, other = world.id(), world.id()
    both = [{"subject": her}, {"subject": other}]
    receipt = await world.submit(subjects=both, consent=CONSENT, to=["SHA@TH"])
    await world.instance.settle()
    idle = world.another_instance()
    await world.store.pool.execute("update runtime.leases set lease_until = 'epoch'")
    await idle.settle()
    await world.submit(event="ConsentWithdrawn", case=str(receipt.case_ref), subjects=both)
    world.clock.advance(1)
    with pytest.raises(TryLater):
        await erase(world, her)
    assert await own.fetchval("select count(*) from vault.subject_keys where subject_id = $1", her) == 1
    await idle.settle()
    await erase(world, her)
    assert await own.fetchval("select count(*) from vault.subject_keys where subject_id = $1", her) == 0
    assert await own.fetchval("select count(*) from vault.subject_keys where subject_id = $1", other) == 1


async def erase(world: ServicesWorld, person: UUID) -> None:
    erasure, owner = Erasure(world.instance), world.caller("ngo-th")
    await erasure.confirm(owner, person, (await erasure.ask(owner, person)).confirm)
