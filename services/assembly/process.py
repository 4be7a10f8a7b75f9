"""One process with everything in it: PostgreSQL, migrations, keyring, services. Starts whole or not at all."""

from __future__ import annotations

import asyncio
import errno
import os
import random as jitter
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

from contracts.errors import SetupProblem
from routing.directory import Directory
from routing.law import Law
from services.assembly import region
from services.assembly.apart import Keyed, Place, placed
from services.assembly.backlog import watched
from services.assembly.identity import has_instance, instance_id, is_demo
from services.assembly.instance import READS, Edges, Instance, Service, build
from services.assembly.kafka_line import Line, carried_topics, kafka_log
from services.assembly.keys import door
from services.assembly.settings import ServerSettings
from services.assembly.targets import load_targets
from services.edge.targets import Targets
from services.runtime.clock import Clock, SystemClock
from services.runtime.followed import nobody_else
from services.runtime.postgres import EmbeddedPostgres, check_migrated, migrate
from services.runtime.store.postgres import PostgresStore
from services.runtime.telemetry.metrics import Metrics
from services.runtime.wake import listen
from services.vault.keyring import Keyring
from services.vault.port import VaultDoor

DATABASE: Final = "sampan"


@contextmanager
def database(settings: ServerSettings) -> Iterator[str]:
    """A migrated database; yields the services' connection string.

    Raises:
        SetupProblem: the folder cannot be written, is in use, or the server does not start.
    """
    if settings.database_url is not None:
        dsn = settings.database_url.get_secret_value()
        migrate(dsn)
        yield dsn
        return
    with EmbeddedPostgres(settings.data / "postgres") as server:
        if not server.has_database(DATABASE):
            server.create_database(DATABASE)
        migrate(server.owner_dsn(DATABASE))
        yield server.dsn(DATABASE)


@contextmanager
def owned_database(settings: ServerSettings) -> Iterator[str]:
    """The database as its owner, to be repaired while no service runs; nothing is migrated or made.

    Raises:
        SetupProblem: there is none, it does not answer, or a server runs on the data folder.
    """
    if settings.database_url is not None:
        yield shared_database(settings)
        return
    check_database_kept(settings)
    with EmbeddedPostgres(settings.data / "postgres") as server:
        yield server.owner_dsn(DATABASE)


def check_database_kept(settings: ServerSettings) -> None:
    """Before the data folder's database is opened by who must not make one.

    Raises:
        SetupProblem: ``no-database``.
    """
    if not (settings.data / "postgres").exists():
        raise SetupProblem("There is no database in this data folder.", code="no-database", field="--data",
                           remedy="Name the server's data folder, or SAMPAN_DATABASE_URL.")  # fmt: skip


@contextmanager
def opened(settings: ServerSettings) -> Iterator[tuple[str, Keyring | None]]:
    """A migrated database and the keyring that opens what it holds; the keyring is made at the first start.

    Where the settings name a vault elsewhere there is no keyring here, and none is made.

    A keyring made anew opens nothing of an earlier one, so it is made for a new database only. The embedded one
    is new where the data folder has none; of another one its own rows tell.

    Raises:
        SetupProblem: as :func:`database`; the keyring is open to others, damaged, or missing although the
            database is not new.
        NotAuthentic: the passphrase does not open it.
    """
    path = settings.data / "keyring.json"
    if settings.vault.url is not None:
        with database(settings) as dsn:
            yield dsn, None
        return
    if settings.database_url is not None and not path.exists():
        with database(settings) as dsn:
            yield dsn, keyring(settings, is_new=not has_instance(dsn))
        return
    keys = keyring(settings, is_new=not (settings.data / "postgres").exists())
    with database(settings) as dsn:
        yield dsn, keys


def shared(settings: ServerSettings) -> tuple[str, Keyring | None]:
    """The database and keyring of an instance that stands already; several processes use them at once.

    No keyring where the settings name a vault elsewhere, even if one lies in the data folder.

    Raises:
        SetupProblem: no database is named, it does not answer or holds no Sampan; the keyring is missing.
        NotAuthentic: the passphrase does not open the keyring.
    """
    dsn = shared_database(settings)
    return dsn, None if settings.vault.url is not None else keyring(settings, is_new=False)


def shared_database(settings: ServerSettings) -> str:
    """As :func:`shared`, for a service that opens nothing."""
    if settings.database_url is None:
        raise SetupProblem(
            "One service alone needs a database that the others reach too.", code="no-shared-database",
            field="SAMPAN_DATABASE_URL", remedy="Name one, or run everything in one process: sampan up.",
        )  # fmt: skip
    dsn = settings.database_url.get_secret_value()
    check_migrated(dsn)
    return dsn


def keyring(settings: ServerSettings, *, is_new: bool) -> Keyring:
    """The keyring of the data folder, made where all is new and there is none.

    Raises:
        SetupProblem: it is missing, damaged or open to others.
        NotAuthentic: the passphrase does not open it.
    """
    path = settings.data / "keyring.json"
    passphrase = settings.passphrase.get_secret_value() if settings.passphrase else None
    if is_new and not path.exists():
        return Keyring.create(path, secrets.token_bytes, passphrase)
    return Keyring.load(path, passphrase)


def check_exposure(settings: ServerSettings) -> None:
    """A server that others can reach needs a protected keyring and no demo. Looked at before a keyring is made.

    Whether the data folder was a demo before is known to its database alone: see :func:`running_instance`.

    Raises:
        SetupProblem: it has the one or lacks the other.
    """
    if settings.http.is_loopback:
        return
    if settings.demo:
        raise _demo_exposed("Listen on 127.0.0.1, or leave out --demo.")
    if settings.vault.url is not None:
        return  # no keyring here
    path = settings.data / "keyring.json"
    is_protected = Keyring.needs_passphrase(path) if path.exists() else settings.passphrase is not None
    if not is_protected:
        raise SetupProblem(
            "A server that listens beyond this machine needs a keyring with a passphrase.",
            code="keyring-unprotected",
            field="SAMPAN_PASSPHRASE",
            remedy="Listen on 127.0.0.1, or start with a new data folder and SAMPAN_PASSPHRASE set.",
        )


def _demo_exposed(remedy: str) -> SetupProblem:
    return SetupProblem(
        "The demo's tokens are for this machine alone.", code="demo-exposed", field="SAMPAN_HTTP__HOST",
        remedy=remedy,
    )  # fmt: skip


def check_port_free(settings: ServerSettings) -> None:
    """Say so in one sentence before anything starts.

    Raises:
        SetupProblem: something else listens there, or this machine or user may not.
    """
    host, port = settings.http.host, settings.http.port
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise _not_listening(host, port, error.errno) from None


def _not_listening(host: str, port: int, why: int | None) -> SetupProblem:
    if why == errno.EADDRINUSE:
        return SetupProblem(
            f"Port {port} on {host} is in use.", code="port-in-use", field="port",
            remedy="Stop what listens there, or choose another: --port 8421.",
        )  # fmt: skip
    if why in (errno.EACCES, errno.EPERM):
        return SetupProblem(
            f"This user may not listen on port {port}.", code="port-not-allowed", field="port",
            remedy="Choose a port above 1023: --port 8420.",
        )  # fmt: skip
    return SetupProblem(
        f"{host} is no address of this machine.", code="bad-host", field="host",
        remedy="Listen on 127.0.0.1, or on an address that this machine has.",
    )  # fmt: skip


@asynccontextmanager
async def running_instance(
    settings: ServerSettings, dsn: str, keys: Keyring | None, targets: Targets, clock: Clock | None = None, *,
    alone: Service | None = None, say: Callable[[str], None] = lambda sentence: None,
) -> AsyncIterator[Instance]:  # fmt: skip
    """A wired instance over the database.

    Args:
        dsn: the hub's database; a router may have one of its own beside it, which settings name.
        alone: the one service that runs in this process, others run elsewhere: it tells those on its database of
            what it commits and listens to them, and follows the log on Kafka where brokers are named.

    Raises:
        SetupProblem: ``demo-exposed``; demo agencies were enrolled in this database, and others could reach it;
            ``no-kafka``; as :func:`services.assembly.apart.placed`.
    """
    used_clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        random = secrets.token_bytes
        vault = await stack.enter_async_context(door(settings.vault, keys, random, used_clock, say))
        keyed = Keyed(vault, keys if settings.vault.url is None else None, random)
        place = await stack.enter_async_context(placed(settings, dsn, alone, keyed, used_clock))
        store = place.store
        directory, law = region.load(settings.region, settings.rules, demo=settings.demo)
        _say_unsigned(law, used_clock, say, live=settings.region is not None and not settings.demo)
        metrics = Metrics()
        line = await _line(stack, settings, place, alone, metrics, say) if alone is not None else None
        may_accept: Callable[[], None] = _always
        if line is not None and alone == "intake":  # nobody else accepts anything
            may_accept = await _limit(stack, settings, store, directory)
        if not settings.http.is_loopback and await is_demo(place.hub):
            raise _demo_exposed("Listen on 127.0.0.1, or start with a new data folder: --data.")
        name = "Sampan demo" if settings.demo else "Sampan"
        yield build(
            Edges(
                store=store,
                keyring=keys,
                directory=directory,
                law=lambda: law,
                clock=used_clock,
                random=random,
                uniform=jitter.SystemRandom().uniform,
                targets={**targets, **_named_targets(settings, directory, vault)},
                instance_id=await instance_id(place.hub, name, random, demo=settings.demo),
                name=name,
                demo=settings.demo,
                owner=f"{socket.gethostname()}/{os.getpid()}",
                log=line.own if line is not None else None,
                others=line.others if line is not None else nobody_else,
                partitions=place.partitions,
                vault=place.vault,
                is_apart=place.store is not place.hub,
                heard_until=place.heard_until,
                homes=place.homes,
                metrics=metrics,
                may_accept=may_accept,
            )
        )


async def _line(
    stack: AsyncExitStack, settings: ServerSettings, place: Place, alone: Service, metrics: Metrics,
    say: Callable[[str], None],
) -> Line | None:  # fmt: skip
    """Hear of others' commits for the length of the stack, and follow the log on Kafka where brokers are named."""
    await stack.enter_async_context(_hearing(place.dsn, place.store))
    return await stack.enter_async_context(
        kafka_log(settings.brokers, place.store, READS[alone], metrics, say, elsewhere=place.elsewhere,
                  partitions=place.partitions)
    )  # fmt: skip


async def _limit(
    stack: AsyncExitStack, settings: ServerSettings, store: PostgresStore, directory: Directory
) -> Callable[[], None]:
    """Raises TryLater while the relay is too far behind, for the length of the stack."""
    records_max = settings.brokers.backlog_records_max
    backlog = await stack.enter_async_context(watched(store, carried_topics(directory), records_max))
    return backlog.check


def _named_targets(settings: ServerSettings, directory: Directory, vault: VaultDoor) -> Targets:
    """Where agencies' own systems are, as the operator's file says."""
    if settings.targets is None:
        return {}
    return load_targets(settings.targets, directory, vault.webhook_seed(), allow_loopback=settings.demo)


def _say_unsigned(law: Law, clock: Clock, say: Callable[[str], None], *, live: bool) -> None:
    """How many rules wait for counsel, and what that means here."""
    count = len(law.waits_for_counsel(clock.now()))
    if count:
        means = "they tell nobody: sampan rules signatures" if live else "not for real cases"
        say(f"{count} rules wait for counsel's signature; {means}")


def _always() -> None:
    """Nothing behind intake can fall behind: it is this process."""


@asynccontextmanager
async def _hearing(dsn: str, store: PostgresStore) -> AsyncIterator[None]:
    """Other processes' commits wake this one."""
    stop = asyncio.Event()
    listening = asyncio.create_task(listen(dsn, store.wake, store.clock, stop))
    try:
        yield
    finally:
        stop.set()
        await listening


def data_folder(settings: ServerSettings) -> Path:
    """The data folder, made if absent, its owner's alone.

    Raises:
        SetupProblem: it cannot be made or written.
    """
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
        probe = settings.data / f".write-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError:
        raise SetupProblem(
            f"The data folder {settings.data} cannot be written.",
            code="data-folder-not-writable",
            field="data",
            remedy="Choose another with --data, or give this user the right to write there.",
        ) from None
    return settings.data
