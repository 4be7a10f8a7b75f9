"""One PostgreSQL server of our own: created, started, guarded and stopped by the process that needs it."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg

from contracts.errors import SetupProblem
from services.runtime.postgres import databases
from services.runtime.postgres.binaries import reachable_binaries
from services.runtime.postgres.folder_lock import FolderLock
from services.runtime.postgres.identity import server_identity
from services.runtime.postgres.initdb import create_cluster, quiet_environment
from services.runtime.postgres.layout import SHELTER, Layout
from services.runtime.postgres.orphan import clear_orphan
from services.runtime.postgres.settings import server_settings

_STOP_SECONDS = 30.0
_POLL_SECONDS = 0.01
_SERVER_LOG_BYTES_MAX = 10_000_000
_SOCKET_PORT = 5432  # only a part of the socket's name


class EmbeddedPostgres:
    """PostgreSQL 18 on ``data_dir``, reachable by a private socket only.

    Args:
        data_dir: folder of its own; created if absent.
        durable: False turns fsync off, for throw-away instances.
        shelter: where root puts what the server's own user cannot reach inside ``data_dir``.

    Use it as a context manager, or call :meth:`start` and :meth:`stop`. Blocking; start it before the loop.
    """

    def __init__(self, data_dir: Path, *, durable: bool = True, shelter: Path = SHELTER) -> None:
        self._data_dir = data_dir
        self._durable = durable
        self._shelter = shelter
        self._process: subprocess.Popen[bytes] | None = None
        self._owner_pid = os.getpid()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Create the cluster on first use, then run the server until it answers.

        A server that a killed run left on this folder is stopped first; its data is kept.

        Raises:
            SetupProblem: ``data-folder-in-use``, ``data-folder-not-writable``, ``no-database-programs``,
                ``initdb-failed``, ``orphan-server``, ``database-did-not-start`` or ``database-passwords``.
        """
        identity = server_identity()
        layout = Layout(self._data_dir, identity, self._shelter)
        self._lock = FolderLock(layout.lock_file)
        self._lock.acquire()
        try:
            self._layout, self._identity = layout, identity
            self._binaries = reachable_binaries(identity, self._shelter)
            self._passwords = layout.passwords()
            clear_orphan(layout.cluster)
            if not layout.cluster.exists():
                owner_password = self._passwords["sampan_owner"]
                create_cluster(
                    layout, self._binaries, identity, password=owner_password, durable=self._durable
                )
            self._launch()
            self._let_roles_in()
        except BaseException:
            self.stop()
            raise

    def _let_roles_in(self) -> None:
        try:
            databases.ensure_roles(self.owner_dsn("postgres"), self._passwords)
        except psycopg.OperationalError:
            raise SetupProblem(
                f"The database does not accept the passwords in {self._layout.data_dir / 'passwords.json'}.",
                code="database-passwords",
                remedy="Put back the file that belongs to this data folder.",
            ) from None

    def _launch(self) -> None:
        self._socket_folder = self._layout.make_socket_folder() if hasattr(socket, "AF_UNIX") else None
        self._port = _SOCKET_PORT if self._socket_folder is not None else _free_port()
        settings = server_settings(durable=self._durable, socket_folder=self._socket_folder, port=self._port)
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with open(self._layout.server_log, _log_mode(self._layout.server_log)) as log:
            self._process = subprocess.Popen(
                [self._binaries.program("postgres"), "-D", str(self._layout.cluster), *options],
                **(self._identity.popen_arguments() if self._identity else {}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._layout.cluster,
                env=quiet_environment(),
                start_new_session=True,  # Ctrl-C is for us; the server stops when we have finished
            )
        atexit.register(self.stop)
        self._wait_until_ready(self._process)

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        """Wait as long as the server lives: recovery after a crash takes the time it takes."""
        while process.poll() is None:
            if _is_ready(self._layout.cluster / "postmaster.pid", process.pid):
                return
            time.sleep(_POLL_SECONDS)
        raise SetupProblem(
            f"The database server did not start: {_last_fatal(self._layout.server_log)}.",
            code="database-did-not-start",
            remedy=f"See {self._layout.server_log}.",
        )

    def stop(self) -> None:
        """Stop the server cleanly and free the folder. Harmless when it does not run."""
        if os.getpid() != self._owner_pid:
            return  # a forked child inherits our exit handlers, not our server
        atexit.unregister(self.stop)
        process, self._process = self._process, None
        if process is not None:
            _end(process)
            if self._socket_folder is not None:
                shutil.rmtree(self._socket_folder, ignore_errors=True)
        if hasattr(self, "_lock"):
            self._lock.release()

    @property
    def data_dir(self) -> Path:
        return self._data_dir

    @property
    def cluster_dir(self) -> Path:
        """PostgreSQL's own files, for who must search or copy them."""
        return self._layout.cluster

    @property
    def pid(self) -> int | None:
        """Process id of the running server."""
        return self._process.pid if self._process is not None else None

    def dsn(self, database: str = "sampan", *, role: str = "sampan_service") -> str:
        """Connection string for asyncpg and psycopg; contains the role's password, so never log it."""
        where = f"?host={quote(str(self._socket_folder), safe='')}&port={self._port}"
        authority = f"{role}:{self._passwords[role]}@"
        if self._socket_folder is None:
            return f"postgresql://{authority}127.0.0.1:{self._port}/{database}"
        return f"postgresql://{authority}/{database}{where}"

    def owner_dsn(self, database: str = "sampan") -> str:
        """As :meth:`dsn`, for the role that owns the schema: migrations and the operator's repairs."""
        return self.dsn(database, role="sampan_owner")

    def create_database(self, name: str, template: str | None = None) -> None:
        """Create ``name``, empty or as a copy of ``template`` (to which nobody may be connected)."""
        databases.create_database(self.owner_dsn("postgres"), name, template)

    def drop_database(self, name: str) -> None:
        """Drop ``name`` if it exists, ending whoever is connected to it."""
        databases.drop_database(self.owner_dsn("postgres"), name)

    def has_database(self, name: str) -> bool:
        return databases.has_database(self.owner_dsn("postgres"), name)


def _end(process: subprocess.Popen[bytes]) -> None:
    for how in (signal.SIGINT, getattr(signal, "SIGQUIT", signal.SIGTERM)):
        try:
            process.send_signal(how) if os.name != "nt" else process.terminate()
            process.wait(_STOP_SECONDS)
            return
        except subprocess.TimeoutExpired:
            continue
    process.kill()
    process.wait()


def _is_ready(pid_file: Path, pid: int) -> bool:
    """The server writes its state as line 8 of its pid file (storage/pidfile.h)."""
    try:
        lines = pid_file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def _last_fatal(server_log: Path) -> str:
    lines = server_log.read_text(encoding="utf-8", errors="replace").splitlines()
    fatal = [line.split("FATAL:", 1)[1].strip() for line in lines if "FATAL:" in line]
    return fatal[-1] if fatal else "it ended without saying why"


def _log_mode(server_log: Path) -> str:
    """Start the file anew once it has grown large; it holds nothing that must be kept."""
    too_large = server_log.exists() and server_log.stat().st_size > _SERVER_LOG_BYTES_MAX
    return "w" if too_large else "a"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
