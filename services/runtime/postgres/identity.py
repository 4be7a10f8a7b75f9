"""Which operating-system identity the server runs as, and what that identity can reach.

PostgreSQL refuses to run as root. Under root it gets a user of its own: ``sampan`` where an administrator
made one, else a numeric id that no account of this machine has, so that no other program shares it.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.errors import SetupProblem

if os.name == "posix":
    import pwd

# Free in every distribution's allocation, below 65536 so that it is also mapped in user namespaces,
# https://systemd.io/UIDS-GIDS/.
_FREE_UIDS = range(60700, 61180)


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """Numeric user and group of the server; ``None`` where the server runs as we do."""

    uid: int
    gid: int

    def popen_arguments(self) -> dict[str, Any]:
        """Arguments for ``subprocess`` that drop to this identity, without any further group."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def take(self, folder: Path) -> None:
        """Make ``folder`` and all in it this identity's own."""
        os.chown(folder, self.uid, self.gid)
        for root, folders, files in os.walk(folder):
            for name in (*folders, *files):
                os.chown(os.path.join(root, name), self.uid, self.gid, follow_symlinks=False)


def server_identity() -> ServerIdentity | None:
    """The identity to drop to when we are root, else None.

    Raises:
        SetupProblem: root, and every candidate id is taken.
    """
    if os.name != "posix" or os.geteuid() != 0:
        return None
    try:
        account = pwd.getpwnam("sampan")
    except KeyError:
        pass
    else:
        return ServerIdentity(account.pw_uid, account.pw_gid)
    for uid in _FREE_UIDS:
        if not _account_exists(uid):
            return ServerIdentity(uid, uid)
    raise SetupProblem(
        "No free user id was found for the database server.",
        code="no-server-user",
        remedy="Create a system user named sampan and start again.",
    )


def initdb_identity() -> ServerIdentity | None:
    """An identity that has an account: ``initdb`` looks its own name up and refuses to run without one."""
    identity = server_identity()
    if identity is None or _account_exists(identity.uid):
        return identity
    for account in pwd.getpwall():
        if account.pw_name == "nobody":
            return ServerIdentity(account.pw_uid, account.pw_gid)
    raise SetupProblem(
        "The account nobody, under which the database is created, does not exist on this machine.",
        code="no-server-user",
        remedy="Create a system user named sampan and start again.",
    )


def can_pass(identity: ServerIdentity | None, folder: Path) -> bool:
    """Whether ``identity`` may walk through every folder from the root down to ``folder``."""
    if identity is None:
        return True
    resolved = folder.resolve()
    return all(_has_execute_bit(identity, step) for step in (resolved, *resolved.parents))


def _has_execute_bit(identity: ServerIdentity, folder: Path) -> bool:
    try:
        found = folder.stat()
    except OSError:
        return False
    if found.st_uid == identity.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == identity.gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def _account_exists(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True
