"""``sampan serve``: the process, its HTTP server, and in the demo one referral carried across before your eyes."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

from contracts.errors import SetupProblem
from services.assembly import demo, process
from services.assembly.app import make_app
from services.assembly.crossing import show_first_crossing
from services.assembly.settings import ServerSettings
from services.runtime.clock import SystemClock
from services.runtime.telemetry.logs import configure_logs
from services.runtime.telemetry.traces import configure_traces
from services.vault.keyring import Keyring

_GRACE_SECONDS = 5


def serve(settings: ServerSettings, say: Callable[[str], None]) -> None:
    """Run until interrupted. Everything is checked before anything starts; Ctrl-C stops cleanly.

    Args:
        say: prints one line for the person who started it.

    Raises:
        SetupProblem: port in use, data folder in use or not writable, keyring unprotected …
    """
    configure_logs()
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


async def _serve(settings: ServerSettings, dsn: str, keys: Keyring, say: Callable[[str], None]) -> None:
    async with (
        _world(settings) as world,
        process.running_instance(settings, dsn, keys, world.targets) as instance,
    ):
        app = make_app(instance)
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                host=settings.http.host,
                port=settings.http.port,
                log_config=None,
                access_log=False,
                http="httptools",
                timeout_keep_alive=75,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        url = f"http://{settings.http.host}:{settings.http.port}"
        serving = asyncio.create_task(_until_stopped(server, app))
        watching = asyncio.create_task(_stop_with_services(server, app))
        try:
            await _until_listening(server)
            if settings.demo and not server.should_exit:
                home = demo.client_home(settings.data, url)
                await demo.enrol_demo(instance, home)
                await show_first_crossing(instance, home, world, say)
            if not server.should_exit:
                say(f"listening on {url}   (documentation at {url}/docs; Ctrl-C stops)")
        except BaseException:
            server.should_exit = True
            raise
        finally:
            await serving
            watching.cancel()
    if app.state.services_ended.is_set():
        raise SetupProblem("The services ended by themselves; what was accepted is kept.", code="services-ended",
                           remedy="See the log, then start again.")  # fmt: skip


@asynccontextmanager
async def _world(settings: ServerSettings) -> AsyncIterator[demo.World]:
    if not settings.demo:
        yield demo.World({}, None)
        return
    async with demo.primero(SystemClock()) as world:
        yield world


async def _until_listening(server: uvicorn.Server) -> None:
    """uvicorn tells it by a flag alone."""
    while not server.started and not server.should_exit:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def _until_stopped(server: uvicorn.Server, app: FastAPI) -> None:
    """uvicorn would raise the signal again after its own shutdown; here the database is still to be stopped."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _stop, server, app)
    try:
        await server._serve()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def _stop_with_services(server: uvicorn.Server, app: FastAPI) -> None:
    """A server without its services would go on accepting what nobody routes."""
    await app.state.services_ended.wait()
    _stop(server, app)


def _stop(server: uvicorn.Server, app: FastAPI) -> None:
    server.should_exit = True
    app.state.close_streams()
