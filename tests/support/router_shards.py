"""A hub and two routers with databases of their own, wired as their processes wire them, on one cluster."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from deploy.kafka.access import Access
from deploy.kafka.topics import ensure_topics
from services.assembly import process
from services.assembly.instance import Instance, Service
from services.assembly.kafka_line import carried_topics
from services.assembly.settings import KafkaSettings, RouterSettings, ServerSettings
from services.relay import bootstrap as relay
from services.runtime.batch import Step
from services.runtime.clock import SystemClock
from services.runtime.consumer import ConsumerLoop, Prepare
from services.runtime.lease import PostgresLeases
from services.runtime.store.postgres import PostgresStore
from services.runtime.wake import Wake
from services.vault.keyring import Keyring
from tests.support.postgres import FreshDatabase
from tests.support.serve_process import Serve, serving
from tests.support.services_world import sample_region

HALVES: Final = ("0-5", "6-11")
OF_OTHERS: Final = {"hub": ("router",), "shard": ("intake", "vault", "delivery")}
"""Whose tables stay empty in which database."""


@dataclass
class Sharded:
    """The databases, and the services over them."""

    hub: FreshDatabase
    shards: Sequence[FreshDatabase]
    folder: Path
    keyring: Keyring
    kafka: Access
    prefix: str

    def settings(self, **router: Any) -> ServerSettings:
        brokers = KafkaSettings(bootstrap=self.kafka.bootstrap, prefix=self.prefix)
        return ServerSettings(data=self.folder, database_url=SecretStr(self.hub.dsn), brokers=brokers,
                              router=RouterSettings(**router))  # fmt: skip

    @property
    def all_named(self) -> dict[str, Any]:
        named = zip(HALVES, self.shards, strict=True)
        return {"shards": {half: SecretStr(database.dsn) for half, database in named}}

    def service(self, service: Service, **router: Any) -> Any:
        """One service, wired from settings as its process does it; nothing runs by itself."""
        return process.running_instance(
            self.settings(**router), self.hub.dsn, self.keyring, {}, alone=service, say=lambda sentence: None
        )

    def router(self, number: int) -> Any:
        database = SecretStr(self.shards[number].dsn)
        return self.service("router", database_url=database, partitions=HALVES[number])

    @contextmanager
    def router_process(self, number: int, keyring_folder: Path) -> Iterator[Serve]:
        """A router as an operator starts it."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        environment = {
            "SAMPAN_DATABASE_URL": self.hub.dsn, "SAMPAN_BROKERS__BOOTSTRAP": self.kafka.bootstrap,
            "SAMPAN_BROKERS__PREFIX": self.prefix, "SAMPAN_ROUTER__DATABASE_URL": self.shards[number].dsn,
            "SAMPAN_ROUTER__PARTITIONS": HALVES[number],
        }  # fmt: skip
        with serving("router", "--data", ".", "--port", str(port), cwd=keyring_folder, command="run",
                     **environment) as serve:  # fmt: skip
            yield serve

    @asynccontextmanager
    async def whole(self) -> AsyncIterator[tuple[Instance, Instance, list[Instance]]]:
        """Delivery first, so that it must learn of the routers; then the routers, then intake with the API."""
        async with AsyncExitStack() as stack:
            delivery = await stack.enter_async_context(self.service("delivery"))
            routers = [await stack.enter_async_context(self.router(number)) for number in (0, 1)]
            intake = await stack.enter_async_context(self.service("intake", **self.all_named))
            yield intake, delivery, routers

    async def carry(self) -> None:
        """Each database's relay sends all that waits."""
        carried = carried_topics(sample_region()[0])
        await ensure_topics(self.kafka, carried, prefix=self.prefix)
        for database in (self.hub, *self.shards):
            async with opened(database) as store:
                loop, sender = relay.bootstrap(
                    kafka=self.kafka.for_aiokafka(), prefix=self.prefix, consume=_consumes(store),
                    topics=[topic.topic for topic in carried],
                )  # fmt: skip
                try:
                    await loop.run_once()
                finally:
                    await sender.close()

    async def strangers_rows(self) -> dict[str, int]:
        """Rows that a service keeps in a database that is not its own, by table; empty is right."""
        found = {}
        for kind, database in (("hub", self.hub), *(("shard", shard) for shard in self.shards)):
            async with opened(database) as store:
                names = await store.pool.fetch(
                    "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname = any($1)",
                    list(OF_OTHERS[kind]),
                )
                for (name,) in names:
                    if count := await store.pool.fetchval(f"select count(*) from {name}"):
                        found[f"{database.name}: {name}"] = count
        return found


@asynccontextmanager
async def opened(database: FreshDatabase) -> AsyncIterator[PostgresStore]:
    """A store over a database, for the length of a block."""
    store = await PostgresStore.connect(database.dsn, SystemClock(), Wake())
    try:
        yield store
    finally:
        await store.close()


def _consumes(store: PostgresStore) -> Callable[[str, Sequence[str], Step, Prepare], ConsumerLoop]:
    def consume(name: str, topics: Sequence[str], step: Step, prepare: Prepare) -> ConsumerLoop:
        return ConsumerLoop(name, topics, step, store=store, leases=PostgresLeases(store.pool), log=store.log,
                            clock=store.clock, wake=store.wake, owner="relay", prepare=prepare)  # fmt: skip

    return consume
