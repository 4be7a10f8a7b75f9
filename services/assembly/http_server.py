"""One HTTP server of one process: told to stop by a signal, or by its services, which it must not outlive."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import structlog
import uvicorn
from starlette.applications import Starlette

from contracts.errors import SetupProblem
from services.assembly.settings import HttpSettings
from services.runtime.error_names import error_code, raised_at

_GRACE_SECONDS = 5
_log = structlog.get_logger(__name__)


class Running:
    """The services of a process while its application lives.

    ``stop`` tells them to drain and end, ``ended`` is set when they fail by themselves.
    """

    def __init__(self, services: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
        self._services = services
        self.stop, self.ended = asyncio.Event(), asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Run them beside the application."""
        self._task = asyncio.create_task(self._services(self.stop))
        self._task.add_done_callback(self._done)

    async def drain(self) -> None:
        """Tell them to stop, and return when they have."""
        self.stop.set()
        if self._task is not None:
            await asyncio.wait([self._task])

    def _done(self, task: asyncio.Task[None]) -> None:
        """What is accepted from now on lies there: whoever serves this must stop."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.ended.set()
            _log.critical("services_ended", error=error_code(error), at=raised_at(error))


async def serve_app(
    app: Starlette, http: HttpSettings, running: Running, listening: Callable[[], Awaitable[None]],
    tls: tuple[Path, Path] | None = None,
) -> None:  # fmt: skip
    """Serve until a signal, or until the services end.

    Args:
        app: ``state.close_streams``, where it has streams, ends what would never end by itself.
        listening: awaited once the server accepts.
        tls: certificate and private key, PEM files.

    Raises:
        SetupProblem: ``services-ended``.
    """
    server = uvicorn.Server(
        uvicorn.Config(
            app, host=http.host, port=http.port, log_config=None, access_log=False, http="httptools",
            timeout_keep_alive=75, timeout_graceful_shutdown=_GRACE_SECONDS,
            ssl_certfile=None if tls is None else tls[0], ssl_keyfile=None if tls is None else tls[1],
        )
    )  # fmt: skip
    close_streams: Callable[[], None] | None = getattr(app.state, "close_streams", None)

    def stop() -> None:
        server.should_exit = True
        if close_streams is not None:
            close_streams()

    async def stop_with_services() -> None:
        await running.ended.wait()
        stop()

    serving = asyncio.create_task(_until_stopped(server, stop))
    watching = asyncio.create_task(stop_with_services())
    try:
        while not server.started and not server.should_exit:  # noqa: ASYNC110 (uvicorn tells it by a flag alone)
            await asyncio.sleep(0.01)
        if not server.should_exit:
            await listening()
    except BaseException:
        server.should_exit = True
        raise
    finally:
        await serving
        watching.cancel()
    if running.ended.is_set():
        raise SetupProblem("The services ended by themselves; what was accepted is kept.", code="services-ended",
                           remedy="See the log, then start again.")  # fmt: skip


async def _until_stopped(server: uvicorn.Server, stop: Callable[[], None]) -> None:
    """uvicorn would raise the signal again after its own shutdown; here the database is still to be stopped."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        await server._serve()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
