"""One running Sampan: every service over one store. Tests, scenarios and the server build it the same way."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from adapters.channels.ed25519 import public_of
from contracts.api import InstanceInfo, SubmitReceipt
from contracts.decision import RuleRef
from contracts.ids import Random
from contracts.sealing import SUITE_NAME
from contracts.topic_names import CASE_EVENTS, DISPATCHES
from routing.directory import Directory
from routing.law import Law
from services.assembly.assisted import AssistedEdge
from services.assembly.counting import counted, counted_step
from services.assembly.router_homes import RouterHomes
from services.delivery.bootstrap import bootstrap as delivery_bootstrap
from services.delivery.desk import LaneDesk
from services.delivery.edges import EdgeDesk
from services.delivery.inbox import Inbox
from services.delivery.worker import Worker
from services.edge.targets import Targets
from services.intake.batcher import Batcher
from services.intake.bootstrap import bootstrap as intake_bootstrap
from services.intake.submit import Intake
from services.portal.bootstrap import PortalParts
from services.portal.bootstrap import bootstrap as portal_bootstrap
from services.portal.timeline import Timelines, here
from services.portal.waiting import Waiting
from services.router.bootstrap import bootstrap as router_bootstrap
from services.router.desks import Desk
from services.router.timers import HeardUntil, Timers, at_once
from services.runtime.clock import Clock
from services.runtime.consumer import ConsumerLoop, Step
from services.runtime.followed import Others, nobody_else
from services.runtime.lease import PostgresLeases
from services.runtime.log import PARTITIONS, LogReader
from services.runtime.parking import Releases
from services.runtime.positions import behind
from services.runtime.store.postgres import PostgresStore
from services.runtime.telemetry.metrics import Metrics
from services.vault.keyring import Keyring
from services.vault.port import VaultDoor
from services.vault.vault import Vault

VERSION = "0.1.0"
Service = Literal["intake", "router", "delivery"]
"""What can run apart over one database. ``intake`` also learns aliases, and is where the HTTP API is served."""
READS: Final[dict[Service, tuple[str, ...]]] = {
    "intake": (DISPATCHES,), "router": (CASE_EVENTS,), "delivery": (DISPATCHES,),
}  # fmt: skip
"""The topics that each follows."""
ALL_SERVICES: Final[tuple[Service, ...]] = ("intake", "router", "delivery")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """Everything of the world that an instance touches."""

    store: PostgresStore
    keyring: Keyring | None  # None: the vault holds it elsewhere
    directory: Directory
    law: Callable[[], Law]
    clock: Clock
    random: Random
    uniform: Callable[[float, float], float]
    targets: Targets
    instance_id: UUID
    name: str
    demo: bool
    owner: str  # this process's name among the owners of leases
    log: LogReader | None = None  # what consumers follow; None: the store's own table
    others: Others = nobody_else  # the logs of other databases that they follow too
    partitions: Collection[int] = range(PARTITIONS)  # those that this process may own
    vault: VaultDoor | None = None  # None: in the store's own transactions
    is_apart: bool = False  # a router on a database of its own
    heard_until: HeardUntil = at_once  # before which no timer fires
    homes: RouterHomes | None = None  # where routers keep what they know; None: in the store
    may_accept: Callable[[], None] = lambda: None  # raises TryLater while intake must not accept
    metrics: Metrics = field(default_factory=Metrics)


@dataclass(slots=True, kw_only=True)
class Instance:
    """The services, wired."""

    edges: Edges
    vault: VaultDoor
    intake: Intake
    batcher: Batcher
    assisted: AssistedEdge
    aliases: ConsumerLoop
    router: ConsumerLoop
    delivery: ConsumerLoop
    timers: Timers
    worker: Worker
    inbox: Inbox
    lane_desk: LaneDesk
    edges_desk: EdgeDesk
    reviews: Desk
    timelines: Timelines
    waiting: Waiting
    metrics: Metrics

    @property
    def info(self) -> InstanceInfo:
        """What an edge must know before it seals."""
        public = self.vault.public
        return InstanceInfo(
            instance_id=self.edges.instance_id,
            name=self.edges.name,
            demo=self.edges.demo,
            version=VERSION,
            vault_key_id=public.key_id,
            vault_public_key=base64.b64encode(public.raw).decode(),
            suite=SUITE_NAME,
            webhook_public_key=public_of(self.vault.webhook_seed()),
            counsel_signed=not self.edges.law().waits_for_counsel(self.edges.clock.now()),
        )

    async def settle(self) -> None:
        """Run everything that can run at this instant, until nothing moves. For tests and scenarios."""
        while await self._turn():
            pass

    async def _turn(self) -> int:
        moved = await self.timers.run_once()
        for consumer in (self.router, self.aliases, self.delivery):
            moved += await consumer.run_once()
        return moved + await self.worker.run_once()

    async def drained(self) -> None:
        """Return when the running services have nothing left to do at this instant."""
        while await self._busy():
            await self.edges.clock.sleep(0.05)

    async def _busy(self) -> bool:
        for consumer in (self.router, self.aliases, self.delivery):
            if await behind(self.edges.store, consumer.name, consumer.topics):
                return True
        lane_at = await self.worker.next_at()
        return lane_at is not None and lane_at <= self.edges.clock.now()

    async def next_at(self) -> datetime | None:
        """When something is due by itself: a timer or a lane."""
        found = [at for at in (await self.timers.next_at(), await self.worker.next_at()) if at is not None]
        return min(found, default=None)

    async def run(self, stop: asyncio.Event, services: Collection[Service] = ALL_SERVICES) -> None:
        """Run these services until ``stop`` is set, then drain."""
        clock, wake = self.edges.clock, self.edges.store.wake
        async with asyncio.TaskGroup() as group:
            if "intake" in services:
                group.create_task(self.aliases.run(stop))
            if "router" in services:
                group.create_task(self.router.run(stop))
                group.create_task(self.timers.run(stop))
            if "delivery" in services:
                group.create_task(self.delivery.run(stop))
                group.create_task(self.worker.run(stop, wake, clock))
        await self.batcher.close()

    async def submit(self, raw: bytes, caller: UUID, said: bytes | None = None) -> SubmitReceipt:
        """Take one sealed submission, waiting with others for one commit.

        Args:
            said: of a document that was sealed here, its content, by which a repetition is known.
        """
        return await self.batcher.submit(raw, caller, said)


def build(edges: Edges) -> Instance:
    """Wire the services over ``edges``."""
    store, directory = edges.store, edges.directory
    vault = edges.vault or _embedded(edges)
    metrics = edges.metrics
    consume = _consumers(edges, metrics)
    intake = intake_bootstrap(
        store=store,
        vault=vault,
        directory=directory,
        instance_id=edges.instance_id,
        random=edges.random,
        consume=consume,
        counted=lambda submit_many: counted(submit_many, metrics),
        may_accept=edges.may_accept,
        told_in=edges.homes.logs if edges.homes is not None else (),
    )
    router = router_bootstrap(
        store=store,
        vault=vault,
        directory=directory,
        law=edges.law,
        random=edges.random,
        consume=consume,
        heard_until=edges.heard_until,
    )
    reviews: Desk = edges.homes.desks(directory, edges.random) if edges.homes is not None else router.reviews
    delivery = delivery_bootstrap(
        store=store,
        vault=vault,
        directory=directory,
        targets=edges.targets,
        owner=edges.owner,
        random=edges.random,
        uniform=edges.uniform,
        consume=consume,
    )
    portal = _portal(edges, vault, reviews)
    return Instance(
        edges=edges,
        vault=vault,
        intake=intake.intake,
        batcher=intake.batcher,
        assisted=AssistedEdge(edges.clock, edges.random),
        aliases=intake.aliases,
        router=router.consumer,
        delivery=delivery.consumer,
        timers=router.timers,
        worker=delivery.worker,
        inbox=delivery.inbox,
        lane_desk=delivery.desk,
        edges_desk=delivery.edges,
        reviews=reviews,
        timelines=portal.timelines,
        waiting=portal.waiting,
        metrics=metrics,
    )


def _embedded(edges: Edges) -> Vault:
    assert edges.keyring is not None
    return Vault(edges.keyring, edges.random)


def _portal(edges: Edges, vault: VaultDoor, reviews: Desk) -> PortalParts:
    """The portal's readers: of each case where its router keeps it."""
    return portal_bootstrap(
        store=edges.store,
        vault=vault,
        directory=edges.directory,
        title_of=lambda ref: _title(edges.law(), ref),
        reviews_of=reviews.list,
        decided_in=edges.homes.of_case if edges.homes is not None else here,
    )


def _consumers(edges: Edges, metrics: Metrics) -> Callable[[str, str, Step], ConsumerLoop]:
    """Makes the consumer loop of a name, topic and step over the edges."""
    store = edges.store
    leases = PostgresLeases(store.pool)

    def consume(name: str, topic: str, step: Step) -> ConsumerLoop:
        return ConsumerLoop(
            name,
            [topic],
            counted_step(name, step, metrics),
            store=store,
            leases=leases,
            log=edges.log or store.log,
            others=edges.others,
            partitions=edges.partitions,
            clock=edges.clock,
            wake=store.wake,
            owner=edges.owner,
            releases=Releases(store.pool, name),
            alarm=lambda error: metrics.count("sampan_log_alarms_total"),
        )

    return consume


def _title(law: Law, ref: RuleRef) -> tuple[str, str] | None:
    return next(((rule.title, rule.mark) for rule in law.rules if rule.ref == ref), None)
