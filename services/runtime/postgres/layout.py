"""Where an embedded server keeps what: all in one data folder, unless the server cannot reach that.

    <data folder>/  lock            which process runs here
                    passwords.json  of the database roles, owner-only
                    server.log      start, stop, recovery; never a statement
    <home>/         cluster/        PostgreSQL's own files
                    run/            the socket, private

``home`` is the data folder. Only when root keeps it below a folder closed to others (``/root``) does home
move into the shelter, and ``cluster-location`` in the data folder says where; no mode of a parent is changed.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
from pathlib import Path

from contracts.errors import SetupProblem
from services.runtime.postgres.identity import ServerIdentity, can_pass
from services.runtime.postgres.orphan import SOCKET_FOLDER_PREFIX

SHELTER = Path("/var/lib/sampan")
ROLES = ("sampan_owner", "sampan_service", "sampan_vault")
_SOCKET_NAME = ".s.PGSQL.65535"
_SOCKET_PATH_BYTES_MAX = 100  # sockaddr_un holds 104 on macOS, 108 on Linux


class Layout:
    """The folders of one instance. Creates what is missing.

    Raises:
        SetupProblem: a folder cannot be created or written.
    """

    def __init__(self, data_dir: Path, identity: ServerIdentity | None, shelter: Path) -> None:
        self.data_dir = data_dir.absolute()
        self._identity = identity
        make_folder(self.data_dir, 0o711 if identity is not None else 0o700)
        self.home = self._home(shelter)
        self.cluster = self.home / "cluster"
        self.lock_file = self.data_dir / "lock"
        self.server_log = self.data_dir / "server.log"

    def _home(self, shelter: Path) -> Path:
        pointer = self.data_dir / "cluster-location"
        if pointer.exists():
            return Path(pointer.read_text(encoding="utf-8").strip())
        if can_pass(self._identity, self.data_dir):
            return self.data_dir
        if (self.data_dir / "cluster").exists():  # a second, empty cluster elsewhere would look like lost data
            raise SetupProblem(
                "The database's own user can no longer reach its files: a folder above them was closed.",
                code="cluster-unreachable",
                field=str(self.data_dir),
                remedy=f"Open the way again: chmod o+x on each folder above {self.data_dir}.",
            )
        make_folder(shelter, 0o755)
        home = shelter / f"cluster-{secrets.token_hex(8)}"
        make_folder(home, 0o711)
        pointer.write_text(f"{home}\n", encoding="utf-8")
        return home

    def passwords(self) -> dict[str, str]:
        """Passwords by role; made on first use, in a file that only its owner can read."""
        path = self.data_dir / "passwords.json"
        if path.exists():
            loaded: dict[str, str] = json.loads(path.read_text(encoding="ascii"))
            return loaded
        made = {role: secrets.token_hex(24) for role in ROLES}
        unfinished = path.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(made, file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        return made

    def make_unfinished_cluster(self) -> Path:
        """A new folder to build a cluster in; what killed runs began is removed.

        Its name is new each time, since the ``initdb`` of a killed run may still be writing into the old one.
        """
        for abandoned in self.home.glob("cluster-unfinished-*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        return Path(tempfile.mkdtemp(prefix="cluster-unfinished-", dir=self.home))

    def make_socket_folder(self) -> Path:
        """A private folder for the socket, short enough for the kernel's limit on socket paths."""
        folder = self.home / "run"
        if len(os.fsencode(folder / _SOCKET_NAME)) < _SOCKET_PATH_BYTES_MAX:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(mode=0o700)
        else:
            folder = Path(tempfile.mkdtemp(prefix=SOCKET_FOLDER_PREFIX))
        if self._identity is not None:
            self._identity.take(folder)
        return folder


def make_folder(folder: Path, mode: int) -> None:
    """Create ``folder`` if absent and see that this user can write in it."""
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
        handle, probe = tempfile.mkstemp(prefix=".probe-", dir=folder)
    except OSError as problem:
        raise SetupProblem(
            f"The data folder {folder} cannot be written by this user ({problem.strerror}).",
            code="data-folder-not-writable",
            remedy="Choose another data folder, or give this user the right to write there.",
        ) from None
    os.close(handle)
    os.unlink(probe)
