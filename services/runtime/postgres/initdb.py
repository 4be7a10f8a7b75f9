"""Creates a cluster, whole or not at all."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from contracts.errors import SetupProblem
from services.runtime.postgres.binaries import Binaries
from services.runtime.postgres.identity import ServerIdentity, initdb_identity
from services.runtime.postgres.layout import Layout


def create_cluster(
    layout: Layout, binaries: Binaries, identity: ServerIdentity | None, *, password: str, durable: bool
) -> None:
    """Make ``layout.cluster``: UTF-8, code-point order, scram for every connection.

    It is built beside its place and renamed, so that a kill half-way leaves nothing that looks finished.

    Raises:
        SetupProblem: ``initdb`` failed; its own last line is in the message.
    """
    building = layout.make_unfinished_cluster()
    builder = initdb_identity() if identity is not None else None
    if builder is not None:
        builder.take(building)
    secret = _password_file(password, builder)
    try:
        _run_initdb(building, binaries, builder, secret, durable=durable)
    finally:
        shutil.rmtree(secret.parent, ignore_errors=True)
    if identity is not None:
        identity.take(building)
    building.rename(layout.cluster)


def _run_initdb(
    folder: Path, binaries: Binaries, builder: ServerIdentity | None, secret: Path, *, durable: bool
) -> None:
    command = [
        binaries.program("initdb"),
        *("-D", str(folder), "-U", "sampan_owner", "--encoding=UTF8", "--locale=C"),
        *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        *("--auth=scram-sha-256", f"--pwfile={secret}"),
        *(() if durable else ("--no-sync",)),
    ]
    done = subprocess.run(
        command,
        **(builder.popen_arguments() if builder else {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=folder,
        env=quiet_environment(),
        check=False,
    )
    if done.returncode != 0:
        lines = [line for line in done.stdout.decode("utf-8", "replace").splitlines() if "error" in line]
        raise SetupProblem(
            f"The database could not be created: {lines[-1] if lines else 'initdb failed'}.",
            code="initdb-failed",
            remedy="Check free space and rights of the data folder, then start again.",
        )


def quiet_environment() -> dict[str, str]:
    """What the server's programs may see of our environment: a path and nothing about us or our secrets."""
    kept = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "TZDIR", "LD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"LC_ALL": "C", "TZ": "UTC"}


def _password_file(password: str, builder: ServerIdentity | None) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="sampan-initdb-"))
    path = folder / "password"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(password + "\n")
    if builder is not None:
        builder.take(folder)
    return path
