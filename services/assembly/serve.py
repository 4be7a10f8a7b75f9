"""``sampan serve``: the process, its HTTP server, and in the demo one referral carried across before your eyes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from services.assembly import demo, process
from services.assembly.apart import check_nobody_apart
from services.assembly.app import make_app
from services.assembly.crossing import show_first_crossing
from services.assembly.http_server import Running, serve_app
from services.assembly.settings import ServerSettings
from services.assembly.shards import check_together
from services.runtime import collector
from services.runtime.clock import SystemClock
from services.runtime.telemetry.logs import configure_logs
from services.runtime.telemetry.traces import configure_traces
from services.vault.keyring import Keyring


def serve(settings: ServerSettings, say: Callable[[str], None]) -> None:
    """Run until interrupted. Everything is checked before anything starts; Ctrl-C stops cleanly.

    Args:
        say: prints one line for the person who started it.

    Raises:
        SetupProblem: port in use, data folder in use or not writable, keyring unprotected …
    """
    configure_logs()
    check_together(settings)
    process.data_folder(settings)
    process.check_port_free(settings)
    process.check_exposure(settings)
    provider = configure_traces("all")
    say("starting the database …")
    with process.opened(settings) as (dsn, keys):
        asyncio.run(_serve(settings, dsn, keys, say))
    if provider is not None:
        provider.shutdown()
    say("stopped; everything is kept in " + str(settings.data))


async def _serve(settings: ServerSettings, dsn: str, keys: Keyring | None, say: Callable[[str], None]) -> None:
    async with (
        _world(settings) as world,
        process.running_instance(settings, dsn, keys, world.targets, say=say) as instance,
    ):
        await check_nobody_apart(instance.edges.store)
        running = Running(instance.run)
        app = make_app(instance, running=running)
        url = f"http://{settings.http.host}:{settings.http.port}"

        async def listening() -> None:
            if settings.demo:
                home = demo.client_home(settings.data, url)
                await demo.enrol_demo(instance, home)
                await show_first_crossing(instance, home, world, say)
            if not running.ended.is_set():
                say(f"listening on {url}   (documentation at {url}/docs; Ctrl-C stops)")

        collector.settle()
        await serve_app(app, settings.http, running, listening)


@asynccontextmanager
async def _world(settings: ServerSettings) -> AsyncIterator[demo.World]:
    if not settings.demo:
        yield demo.World({}, None)
        return
    async with demo.primero(SystemClock()) as world:
        yield world
