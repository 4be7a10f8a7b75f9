"""``sampan run SERVICE``: one service in a process of its own, over a database that the others share."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Literal

from contracts.errors import SetupProblem
from services.assembly import process, region
from services.assembly.app import make_app
from services.assembly.counting import counted_step
from services.assembly.gauges import measured
from services.assembly.health import health_app
from services.assembly.http_server import Running, serve_app
from services.assembly.instance import Service
from services.assembly.kafka_line import carried_topics, topics_ready
from services.assembly.settings import ServerSettings
from services.assembly.vault_member import VAULT, database_of, run_vault
from services.relay import bootstrap as relay
from services.runtime import collector
from services.runtime.batch import Step
from services.runtime.clock import SystemClock
from services.runtime.consumer import ConsumerLoop, Prepare
from services.runtime.lease import PostgresLeases
from services.runtime.positions import behind
from services.runtime.postgres import check_migrated
from services.runtime.store.postgres import PostgresStore
from services.runtime.telemetry.logs import configure_logs
from services.runtime.telemetry.metrics import Metrics
from services.runtime.telemetry.traces import configure_traces
from services.runtime.wake import Wake, listen
from services.vault.keyring import Keyring

Member = Service | Literal["relay", "vault"]
MEMBERS: Final[tuple[Member, ...]] = ("intake", "router", "delivery", "relay", "vault")
"""All that can run alone. The vault may be left out: services then hold the keyring themselves."""
PORTS: Final[dict[str, int]] = {"intake": 8420, "router": 8421, "delivery": 8422, "relay": 8423, VAULT: 8424}
Say = Callable[[str], None]


def run_member(settings: ServerSettings, member: Member, say: Say) -> None:
    """Run one service until SIGTERM or Ctrl-C: it drains, gives its leases back, and ends with code 0.

    Raises:
        SetupProblem: no shared database or no brokers are named, the port is in use, Kafka does not answer …
    """
    if member == "relay" and settings.brokers.access is None:
        raise SetupProblem(
            "The relay has nowhere to carry the log.", code="no-brokers", field="SAMPAN_BROKERS__BOOTSTRAP",
            remedy="Name brokers (host:port); on this machine: make kafka-up.",
        )  # fmt: skip
    if member == "vault":  # it is where the others go
        settings = settings.model_copy(update={"vault": settings.vault.model_copy(update={"url": None})})
    configure_logs()
    process.data_folder(settings)
    process.check_port_free(settings)
    process.check_exposure(settings)
    provider = configure_traces(member)
    if member == "vault":
        keys = process.keyring(settings, is_new=False)
        asyncio.run(run_vault(settings, database_of(settings), keys, partial(_listening, settings, member, say)))
    elif member == "relay":
        asyncio.run(_relay(settings, _log_of(settings), say))
    else:
        asyncio.run(_service(settings, member, *process.shared(settings), say))
    if provider is not None:
        provider.shutdown()
    say(f"{member} stopped")


def _log_of(settings: ServerSettings) -> str:
    """The database whose log this relay carries: the hub's, or a router's own.

    Raises:
        SetupProblem: none is named, it does not answer or holds no Sampan.
    """
    if settings.relay.database_url is None:
        return process.shared_database(settings)
    dsn = settings.relay.database_url.get_secret_value()
    check_migrated(dsn, "SAMPAN_RELAY__DATABASE_URL")
    return dsn


async def _service(settings: ServerSettings, service: Service, dsn: str, keys: Keyring | None, say: Say) -> None:
    async with process.running_instance(settings, dsn, keys, {}, alone=service, say=say) as instance:
        running = Running(partial(instance.run, services=[service]))
        store = instance.edges.store
        listening = partial(_listening, settings, service, say)
        if service == "intake":
            app = make_app(instance, running=running)
        else:
            app = health_app(store.pool, running, partial(measured, instance))
        collector.settle()
        await serve_app(app, settings.http, running, listening)


async def _relay(settings: ServerSettings, dsn: str, say: Say) -> None:
    clock, wake, metrics = SystemClock(), Wake(), Metrics()
    access = settings.brokers.access
    assert access is not None
    carried = carried_topics(region.load(settings.region)[0])
    await topics_ready(settings.brokers, access, carried, clock, say)
    names = [topic.topic for topic in carried]
    store = await PostgresStore.connect(dsn, clock, wake)

    def consume(name: str, topics: Sequence[str], step: Step, prepare: Prepare) -> ConsumerLoop:
        return ConsumerLoop(
            name, topics, counted_step(name, step, metrics), store=store, leases=PostgresLeases(store.pool),
            log=store.log, clock=clock, wake=wake, owner=f"{socket.gethostname()}/{os.getpid()}", prepare=prepare,
            alarm=lambda error: metrics.count("sampan_log_alarms_total"),
        )  # fmt: skip

    async def text() -> bytes:
        metrics.set("sampan_lag_records", await behind(store, relay.NAME, names), consumer=relay.NAME)
        return metrics.text()

    loop, sender = relay.bootstrap(
        kafka=access.for_aiokafka(), prefix=settings.brokers.prefix, consume=consume, topics=names
    )
    running = Running(loop.run)
    stop = asyncio.Event()
    listening = asyncio.create_task(listen(dsn, wake, clock, stop))
    collector.settle()
    try:
        await serve_app(
            health_app(store.pool, running, text), settings.http, running,
            partial(_listening, settings, relay.NAME, say),
        )  # fmt: skip
    finally:
        stop.set()
        await listening
        await sender.close()
        await store.close()


async def _listening(settings: ServerSettings, member: str, say: Say) -> None:
    scheme = "https" if member == VAULT and settings.vault.certificate else "http"
    say(f"{member} is ready: {scheme}://{settings.http.host}:{settings.http.port}/readyz   (Ctrl-C stops)")
