"""Where a process of one service works: on the hub's database, or a router on one of its own beside it.

The hub's database holds intake's, delivery's and the vault's rows, the tokens, and which other logs are ours. A router
with a database of its own keeps a line to the hub's for three things: the keys, to make its log known, and to ask how
far the hub's log is before a deadline is called missed. What is said goes over Kafka.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

from contracts.errors import SetupProblem
from contracts.ids import Random
from contracts.topic_names import CASE_EVENTS, DISPATCHES
from services.assembly.kafka_line import Elsewhere, nowhere
from services.assembly.router_homes import RouterHome, RouterHomes
from services.assembly.settings import ServerSettings
from services.assembly.shards import ALL, Shard, all_shards, check_delivery, same_database, shard_here
from services.router.bootstrap import NAME as ROUTER
from services.router.hearing import Hearing
from services.router.timers import HeardUntil, at_once
from services.runtime.clock import Clock
from services.runtime.log.kafka import Source
from services.runtime.log.known import KnownLog, known_logs, make_known, said
from services.runtime.log.postgres import PostgresLogReader
from services.runtime.positions import applied_offsets
from services.runtime.postgres import check_migrated
from services.runtime.store.postgres import PostgresStore
from services.runtime.wake import Wake
from services.vault.apart import VaultApart
from services.vault.keyring import Keyring
from services.vault.port import VaultDoor

_SHARD_CONNECTIONS: Final = 4
"""Of the process with the API to each router's database, which it reads now and then."""
_URL: Final = "SAMPAN_ROUTER__DATABASE_URL"
_HELD: Final = """
    select exists (select from runtime.leases where consumer = $1 and owner is not null and lease_until > $2)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a service works."""

    dsn: str
    store: PostgresStore
    hub: PostgresStore  # the same where it works on the hub's database
    elsewhere: Elsewhere = nowhere
    vault: VaultDoor
    partitions: Collection[int] = tuple(sorted(ALL))
    heard_until: HeardUntil = at_once
    homes: RouterHomes | None = None


@dataclass(frozen=True, slots=True)
class Keyed:
    """How a process comes to the keys.

    Args:
        vault: in the hub's transactions, or elsewhere.
        keys: None where it is elsewhere.
    """

    vault: VaultDoor
    keys: Keyring | None
    random: Random

    def apart(self, hub: PostgresStore) -> VaultDoor:
        """The vault for who works in other transactions than the hub's: each call is one of its own."""
        return self.vault if self.keys is None else VaultApart(self.keys, self.random, hub.pool)


@asynccontextmanager
async def placed(
    settings: ServerSettings, dsn: str, service: str | None, keyed: Keyed, clock: Clock
) -> AsyncIterator[Place]:
    """Where ``service`` works, for the length of a block; None: all services, in one process.

    Args:
        dsn: the hub's database, migrated.

    Raises:
        SetupProblem: what is set makes no sense, or not beside what other processes have made known.
    """
    shard = shard_here(settings) if service == "router" else None
    async with AsyncExitStack() as stack:
        hub = await PostgresStore.connect(dsn, clock, Wake(), notify=service is not None)
        stack.push_async_callback(hub.close)
        if shard is not None:
            yield await _router(stack, hub, shard, keyed.apart(hub))
            return
        homes = await _homes(stack, settings, hub, service, keyed)
        elsewhere = nowhere if service in (None, "router") else partial(_routers_logs, hub)
        yield Place(dsn=dsn, store=hub, hub=hub, vault=keyed.vault, elsewhere=elsewhere, homes=homes)


async def _router(stack: AsyncExitStack, hub: PostgresStore, shard: Shard, vault: VaultDoor) -> Place:
    """A router on a database of its own, made known to the hub's before it says its first word."""
    check_migrated(shard.dsn, _URL)
    store = await PostgresStore.connect(shard.dsn, hub.clock, Wake(), notify=True)
    stack.push_async_callback(store.close)
    log_id, hub_id = await store.log.log_id(), await hub.log.log_id()
    if log_id == hub_id:
        raise same_database(_URL)
    await _of_this_instance(store, hub)
    await _not_begun_elsewhere(store, hub, hub_id)
    async with hub.unit_of_work() as work:
        await make_known(work.connection, KnownLog(log_id, ROUTER, shard.partitions), work.now)

    async def elsewhere() -> Sequence[Source]:
        return [Source(hub_id)]

    return Place(
        dsn=shard.dsn, store=store, hub=hub, elsewhere=elsewhere, vault=vault,
        partitions=shard.partitions,
        heard_until=Hearing(ROUTER, PostgresLogReader(hub.pool), hub_id, store.pool, shard.partitions),
    )  # fmt: skip


async def _of_this_instance(store: PostgresStore, hub: PostgresStore) -> None:
    """Raises SetupProblem: ``other-instance``; its cases are not ours. A new database is marked as ours."""
    ours = await hub.pool.fetchrow("select instance_id, name, demo from runtime.instance")
    if ours is None:
        raise SetupProblem("The hub's database has not been served yet.", code="no-instance",
                           field="SAMPAN_DATABASE_URL", remedy="Start intake first.")  # fmt: skip
    await store.pool.execute(
        "insert into runtime.instance (instance_id, name, demo) values ($1, $2, $3) on conflict do nothing",
        *ours,
    )
    found: UUID = await store.pool.fetchval("select instance_id from runtime.instance")
    if found != ours["instance_id"]:
        raise SetupProblem("This database belongs to another instance of Sampan.", code="other-instance", field=_URL,
                           remedy="Name the router's own, or a new one.")  # fmt: skip


async def _not_begun_elsewhere(store: PostgresStore, hub: PostgresStore, hub_id: UUID) -> None:
    """Nobody else decides, or has decided, what would be decided here.

    Raises:
        SetupProblem: ``router-on-hub``, one runs over the hub's database; ``router-begun-elsewhere``, deciding history
            again could tell people new things.
    """
    if await hub.pool.fetchval(_HELD, ROUTER, hub.clock.now()):
        raise SetupProblem(
            "A router works on the hub's database now, and would decide the same cases.", code="router-on-hub",
            field=_URL, remedy="Stop it first; one that died gives its leases back within fifteen seconds.",
        )  # fmt: skip
    begun = await applied_offsets(hub.pool, ROUTER, CASE_EVENTS)
    here = await applied_offsets(store.pool, ROUTER, CASE_EVENTS, hub_id)
    if max(begun.values(), default=-1) >= 0 and not here:
        raise SetupProblem(
            "The router has worked on the hub's database, and its cases are there.", code="router-begun-elsewhere",
            field=_URL, remedy="Copy its tables and positions first (docs/scaling.md), or go on with the one database.",
        )  # fmt: skip


async def _homes(
    stack: AsyncExitStack, settings: ServerSettings, hub: PostgresStore, service: str | None, keyed: Keyed
) -> RouterHomes | None:  # fmt: skip
    """The routers' databases, opened where the API is served; None where there is one database."""
    check_delivery(settings)
    if service == "router":
        await check_nobody_apart(hub)
    if service != "intake":
        return None
    known = await _known(hub)
    shards = all_shards(settings)
    if not shards:
        if known:
            raise SetupProblem(
                "Routers with databases of their own decide here, and none is named.", code="shards-unnamed",
                field="SAMPAN_ROUTER__SHARDS", remedy='Name each, by its partitions: {"0-5": "postgresql://…", …}.',
            )  # fmt: skip
        return None
    homes = [RouterHome(shard.partitions, await _open(stack, shard, hub)) for shard in shards]
    await _agree(homes, known, await hub.log.log_id())
    return RouterHomes(homes, keyed.apart(hub))


async def _open(stack: AsyncExitStack, shard: Shard, hub: PostgresStore) -> PostgresStore:
    check_migrated(shard.dsn, "SAMPAN_ROUTER__SHARDS")
    store = await PostgresStore.connect(
        shard.dsn, hub.clock, Wake(), notify=True, connections_max=_SHARD_CONNECTIONS
    )
    stack.push_async_callback(store.close)
    return store


async def _agree(homes: Sequence[RouterHome], known: Sequence[KnownLog], hub_id: UUID) -> None:
    """Raises SetupProblem: ``same-database``; ``shard-differs``, a router says otherwise of its database."""
    ids = [hub_id, *[await home.store.log.log_id() for home in homes]]
    if len(set(ids)) < len(ids):
        raise same_database()
    named = dict(zip(ids[1:], homes, strict=True))
    for log in known:
        home = named.get(log.log_id)
        if home is None or home.partitions != log.partitions:
            raise SetupProblem(
                f"The router of partitions {said(log.partitions)} works on another database than is named.",
                code="shard-differs", field="SAMPAN_ROUTER__SHARDS", remedy="Name the databases as their routers do.",
            )  # fmt: skip


async def check_nobody_apart(hub: PostgresStore) -> None:
    """Before a router works on the hub's database.

    Raises:
        SetupProblem: ``router-is-apart``; a case would be decided twice.
    """
    if await _known(hub):
        raise SetupProblem(
            "Routers with databases of their own decide here.", code="router-is-apart", field=_URL,
            remedy="Name this one's database, or start no router over the hub's.",
        )  # fmt: skip


async def _known(hub: PostgresStore) -> Sequence[KnownLog]:
    return await known_logs(hub.pool, ROUTER)


async def _routers_logs(hub: PostgresStore) -> Sequence[Source]:
    return [Source(log.log_id, {DISPATCHES: log.partitions}) for log in await _known(hub)]
