"""``make run-kafka``: three brokers and every service as a process of its own; the first referral is carried across.

The vault alone has the keyring, over a database of its own. The ministry's Primero is served by an edge of the
ministry's own: the hub carries what it cannot open for it.
Everything lives in one folder and ends with this process. The table it prints is that of ``make run``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import IO, Annotated, Final

import httpx
import typer
from pydantic import SecretStr

from contracts.errors import SampanError, SetupProblem
from deploy.kafka.cluster import LocalCluster
from deploy.kafka.jars import ensure_jars
from services.assembly import demo, demo_places, process
from services.assembly.crossing import show_first_crossing
from services.assembly.demo_places import Places
from services.assembly.member import MEMBERS, PORTS
from services.assembly.own_edge import PORT as EDGE_PORT
from services.assembly.settings import HttpSettings, ServerSettings, VaultSettings
from services.assembly.vault_member import VAULT
from services.client.home import Home
from services.runtime.clock import SystemClock
from services.runtime.telemetry.logs import configure_logs

EDGE: Final = "edge"
_PORTS: Final = {**PORTS, EDGE: EDGE_PORT}
_READY_SECONDS: Final = 90
_STOP_SECONDS: Final = 30
Say = Callable[[str], None]


def main(
    data: Annotated[Path, typer.Option("--data", help="Folder for everything that is kept.")] = Path(
        "data-kafka"
    ),
    nodes: Annotated[int, typer.Option("--nodes", help="Brokers: 1 or 3.")] = 3,
    port: Annotated[
        int, typer.Option("--port", help="Of the API; the other services take the next ones.")
    ] = PORTS["intake"],
) -> None:
    """Start Kafka, PostgreSQL and every service as its own process; carry one referral across; keep serving."""
    configure_logs()
    settings = ServerSettings(data=data, demo=True, http=HttpSettings(port=port))
    try:
        process.data_folder(settings)
        process.check_port_free(settings)
        typer.echo(f"starting the database and {nodes} Kafka brokers …")
        with (
            demo_places.opened(settings) as places,
            LocalCluster(data.absolute() / "kafka", nodes=nodes, jars=ensure_jars()) as cluster,
        ):
            typer.echo(f"Kafka is up: {cluster.bootstrap}")
            asyncio.run(_run(_with_vault(settings), places, cluster.bootstrap, typer.echo))
    except SampanError as error:
        typer.echo(f"sampan: {error.sentence()}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        pass
    typer.echo(f"stopped; everything is kept in {data}")


def _with_vault(settings: ServerSettings) -> ServerSettings:
    """What finds the vault, with a token that is made at each start and known to these processes alone."""
    url = f"http://127.0.0.1:{_port(settings.http.port, VAULT)}"
    found = VaultSettings(url=url, token=SecretStr(secrets.token_hex(32)))
    return settings.model_copy(update={"vault": found})


async def _run(settings: ServerSettings, places: Places, bootstrap: str, say: Say) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(demo.primero(SystemClock()))
        members = await stack.enter_async_context(_members(settings, places, bootstrap))
        await _until_ready(settings.http.port, members, stop)
        if stop.is_set():
            return
        say("ready, each in a process of its own: " + ", ".join(f"{m} ({p.pid})" for m, p in members.items()))
        instance = await stack.enter_async_context(process.running_instance(settings, places.hub, None, {}))
        url = f"http://{settings.http.host}:{settings.http.port}"
        home = demo.client_home(settings.data, url)
        await demo.enrol_demo(instance, home)
        await _ministrys_edge(settings, home, _targets(settings.data, world), members, stop)
        say(f"keys come from the vault ({members[VAULT].pid}) alone; no other service has a keyring")
        say(
            f"the ministry opens in its own house: edge ({members[EDGE].pid}), with a key that the hub never had"
        )
        await show_first_crossing(instance, home, world, say)
        say(f"listening on {url}   (Kafka at {bootstrap}; Ctrl-C stops)")
        await _until_stopped(members, stop)


async def _ministrys_edge(
    settings: ServerSettings, home: Home, targets: Path, members: dict[str, asyncio.subprocess.Process],
    stop: asyncio.Event,
) -> None:  # fmt: skip
    """The ministry registers an edge and runs it, by the commands that an agency has.

    Raises:
        SetupProblem: it could not be registered, or did not become ready.
    """
    folder = ("--home", str(settings.data / EDGE))
    with (settings.data / "services.log").open("ab") as out:
        environment = {"SAMPAN_DATA": str(home.folder)}
        init = await _spawn(out, environment, "edge", "init", "--as", demo.MINISTRY_WITH_PRIMERO, *folder)
        if await init.wait() != 0:
            raise SetupProblem("The ministry's edge could not be registered.", code="edge-not-registered",
                               remedy="See services.log in the data folder.")  # fmt: skip
        port = _port(settings.http.port, EDGE)
        members[EDGE] = await _spawn(
            out, environment, "edge", "run", *folder, "--targets", str(targets), "--demo", "--port", str(port)
        )
    await _until_ready(settings.http.port, {EDGE: members[EDGE]}, stop)


def _targets(data: Path, world: demo.World) -> Path:
    """The demo's Primero, as the ministry would name it to its edge."""
    path = data.absolute() / "targets.yaml"
    path.touch(mode=0o600)
    server = world.primero
    assert server is not None
    login = {"url": server.url, "user": "sampan", "password": server.users["sampan"]}
    lookups = {"lookups": {"transitioned_to": "ministry"}}
    path.write_text(
        json.dumps({demo.MINISTRY_WITH_PRIMERO: {"primero": {**login, **lookups}}}), encoding="utf-8"
    )
    return path


@asynccontextmanager
async def _members(
    settings: ServerSettings, places: Places, bootstrap: str
) -> AsyncIterator[dict[str, asyncio.subprocess.Process]]:
    """Each service in a process of its own, told to drain at the end: the vault last, since the others ask it."""
    started: dict[str, asyncio.subprocess.Process] = {}
    log = settings.data / "services.log"
    with log.open("ab") as out:
        try:
            for member in MEMBERS:
                data = places.keyring_folder if member == VAULT else settings.data
                port = _port(settings.http.port, member)
                started[member] = await _spawn(
                    out, environment_of(member, settings.vault, places, bootstrap),
                    "run", member, "--data", str(data), "--port", str(port),
                )  # fmt: skip
            yield started
        finally:
            vault = started.pop(VAULT, None)
            await _drained(started.values())
            if vault is not None:
                await _drained([vault])


def environment_of(member: str, vault: VaultSettings, places: Places, bootstrap: str) -> dict[str, str]:
    """What one service is told, and no more: secrets stay off the command line, which other users can read."""
    assert vault.url is not None
    assert vault.token is not None
    token = {"SAMPAN_VAULT__TOKEN": vault.token.get_secret_value()}
    if member == VAULT:
        return {"SAMPAN_VAULT__DATABASE_URL": places.vault, **token}
    common = {
        "SAMPAN_DATABASE_URL": places.hub, "SAMPAN_DEMO": "true", "SAMPAN_BROKERS__BOOTSTRAP": bootstrap,
        "SAMPAN_BROKERS__REPLICAS": str(bootstrap.count(",") + 1),
    }  # fmt: skip
    return common if member == "relay" else {**common, "SAMPAN_VAULT__URL": vault.url, **token}


async def _drained(processes: Collection[asyncio.subprocess.Process]) -> None:
    for one in processes:
        with contextlib.suppress(ProcessLookupError):
            one.terminate()
    for one in processes:
        try:
            await asyncio.wait_for(one.wait(), _STOP_SECONDS)
        except TimeoutError:
            one.kill()
            await one.wait()


async def _spawn(out: IO[bytes], environment: Mapping[str, str], *words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.cli", *words, env=os.environ | environment,
        stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
    )  # fmt: skip


def _port(first: int, member: str) -> int:
    """Members listen on the API's port and those behind it, in the order of their own."""
    return first + _PORTS[member] - _PORTS["intake"]


async def _until_ready(
    first_port: int, members: Mapping[str, asyncio.subprocess.Process], stop: asyncio.Event
) -> None:
    """Each says so itself.

    Raises:
        SetupProblem: one ended, or they take too long.
    """
    waiting = list(members)
    async with httpx.AsyncClient(timeout=2) as client:
        for _ in range(_READY_SECONDS * 5):
            for member in list(waiting):
                _check_alive(member, members[member])
                port = _port(first_port, member)
                with contextlib.suppress(httpx.HTTPError):
                    if (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200:
                        waiting.remove(member)
            if not waiting or stop.is_set():
                return
            await asyncio.sleep(0.2)
    raise SetupProblem("Not ready: " + ", ".join(waiting) + ".", code="service-not-ready",
                       remedy="See services.log in the data folder.")  # fmt: skip


def _check_alive(member: str, one: asyncio.subprocess.Process) -> None:
    if one.returncode is not None:
        raise SetupProblem(f"The {member} ended with code {one.returncode}.", code="service-ended",
                           remedy="See services.log in the data folder.")  # fmt: skip


async def _until_stopped(members: Mapping[str, asyncio.subprocess.Process], stop: asyncio.Event) -> None:
    """Serve until a signal, or until one of the services ends.

    Raises:
        SetupProblem: ``service-ended``.
    """
    ends = {asyncio.create_task(one.wait()): member for member, one in members.items()}
    stopped = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait([stopped, *ends], return_when=asyncio.FIRST_COMPLETED)
    for task in (stopped, *ends):
        task.cancel()
    for task in done - {stopped}:
        _check_alive(ends[task], members[ends[task]])


if __name__ == "__main__":
    typer.run(main)
