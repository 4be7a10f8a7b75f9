"""Where ``make run-kafka`` keeps things: the hub's database, and beside it the vault's, with the only keyring.

Both are on one embedded server, in one folder. The hub's role has no way into the vault's database.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from contracts.errors import SetupProblem
from services.assembly import process
from services.assembly.settings import ServerSettings
from services.client.files import private_folder
from services.runtime.postgres import EmbeddedPostgres, migrate

VAULT_DATABASE: Final = "vault"
VAULT_ROLE: Final = "sampan_vault"


@dataclass(frozen=True, slots=True)
class Places:
    """Two connection strings, each with the password of the role that works there, and the keyring's folder."""

    hub: str = field(repr=False)
    vault: str = field(repr=False)
    keyring_folder: Path


@contextmanager
def opened(settings: ServerSettings) -> Iterator[Places]:
    """Both databases migrated, and the keyring, which is made at the first start alone.

    Args:
        settings: its data folder holds everything; a database that they name elsewhere is left alone.

    Raises:
        SetupProblem: ``older-layout``, nothing was changed; ``keyring-missing``, behind databases that are not
            new; the folder cannot be written or is in use …
        NotAuthentic: the passphrase does not open the keyring.
    """
    _check_layout(settings.data)
    folder = private_folder(settings.data / "vault")
    is_new = not (settings.data / "postgres").exists()  # first: a keyring is never younger than what it opens
    process.keyring(settings.model_copy(update={"data": folder}), is_new=is_new)
    with EmbeddedPostgres(settings.data / "postgres") as server:
        for name in (process.DATABASE, VAULT_DATABASE):
            if not server.has_database(name):
                server.create_database(name)
            migrate(server.owner_dsn(name))
        _let_in_alone(server.owner_dsn(VAULT_DATABASE))
        yield Places(server.dsn(process.DATABASE), server.dsn(VAULT_DATABASE, role=VAULT_ROLE), folder)


def _check_layout(data: Path) -> None:
    """Keys that stand in the hub's database would be taken for lost by a vault that begins with an empty one."""
    if (data / "keyring.json").exists():
        raise SetupProblem(
            "This data folder is of an older layout: its keys stand in the services' own database.",
            code="older-layout", field="--data",
            remedy="It was left as it is. Start in another folder (make run-kafka DATA=…), or serve this one in one "
            "process: sampan serve --demo --data …",
        )  # fmt: skip


def _let_in_alone(owner_dsn: str) -> None:
    """Of the roles that run services, the vault's alone may connect."""
    names = {"database": sql.Identifier(VAULT_DATABASE), "role": sql.Identifier(VAULT_ROLE)}
    with psycopg.connect(owner_dsn) as connection:
        connection.execute(sql.SQL("revoke connect on database {database} from public").format(**names))
        connection.execute(sql.SQL("grant connect on database {database} to {role}").format(**names))
