"""``sampan serve``: what the operator types."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from contracts.errors import InvalidInput
from services.assembly import process
from services.assembly.enrolling import enrol_agency
from services.assembly.member import MEMBERS, PORTS, run_member
from services.assembly.serve import serve as run_server
from services.assembly.settings import HttpSettings, ServerSettings
from services.assembly.vault_member import migrate_vault


def serve(
    data: Annotated[Path, typer.Option("--data", help="Folder for everything that is kept.")] = Path("data"),
    host: Annotated[str, typer.Option("--host", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="On which port.", min=0, max=65535)] = 8420,
    demo: Annotated[
        bool, typer.Option("--demo", help="Sample region, demo agencies, one referral carried across.")
    ] = False,
) -> None:
    """Run a Sampan server: all services in one process, on an embedded PostgreSQL.

    Settings not named here are read from SAMPAN_… variables (SAMPAN_PASSPHRASE, SAMPAN_REGION,
    SAMPAN_DATABASE_URL). Ctrl-C stops cleanly.

    Example: sampan serve --demo
    """
    settings = ServerSettings(data=data, demo=demo, http=HttpSettings(host=host, port=port))
    run_server(settings, typer.echo)


def run(
    service: Annotated[str, typer.Argument(help="intake (with the HTTP API), router, delivery, relay or vault.")],
    data: Annotated[Path, typer.Option("--data", help="Folder with the keyring.")] = Path("data"),
    host: Annotated[str, typer.Option("--host", help="Where it listens.")] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option("--port", help="On which port; 8420 to 8424 in the order above.", min=0, max=65535)
    ] = None,
) -> None:
    """Run one service as a process of its own, over a database that the others share.

    SAMPAN_DATABASE_URL names the database. With SAMPAN_BROKERS__BOOTSTRAP the services follow the log on Kafka,
    where the relay carries it (SAMPAN_BROKERS__USER, __PASSWORD, __CA_FILE for TLS and SASL/SCRAM). Two processes
    of one service share its work. SIGTERM and Ctrl-C drain.

    The vault holds the keyring over a database of its own (SAMPAN_VAULT__DATABASE_URL). Services that are told of it
    (SAMPAN_VAULT__URL, SAMPAN_VAULT__TOKEN) need no keyring.

    A router may have a database of its own: SAMPAN_ROUTER__DATABASE_URL, and SAMPAN_ROUTER__PARTITIONS (0-5) where
    several divide the work. Intake is told them all by SAMPAN_ROUTER__SHARDS ({"0-5": "postgresql://…", …}), and a
    relay whose log it carries by SAMPAN_RELAY__DATABASE_URL.

    Example: SAMPAN_DATABASE_URL=postgresql://… sampan run router
    """
    if service not in MEMBERS:
        raise InvalidInput(f"there is no service {service}", code="no-such-service", field="SERVICE",
                           remedy="Known: " + ", ".join(MEMBERS) + ".")  # fmt: skip
    http = HttpSettings(host=host, port=PORTS[service] if port is None else port)
    run_member(ServerSettings(data=data, http=http), service, typer.echo)


def migrate(
    data: Annotated[Path, typer.Option("--data", help="Folder for the keyring.")] = Path("data"),
) -> None:
    """Bring the database up to date, and make the keyring where there is none. Doing it again changes nothing.

    What `sampan run` needs before its first start and after an upgrade. SAMPAN_DATABASE_URL names the database,
    as the role that owns it; SAMPAN_PASSPHRASE protects the keyring. SAMPAN_VAULT__DATABASE_URL names the vault's,
    where it has one of its own; on a machine with that alone, nothing else is touched.

    Example: SAMPAN_DATABASE_URL=postgresql://… sampan migrate
    """
    settings = ServerSettings(data=data)
    process.data_folder(settings)
    if settings.vault.database_url is not None:
        migrate_vault(settings, lambda is_new: process.keyring(settings, is_new=is_new))
        typer.echo(f"the vault's database is up to date; the keyring is in {data}")
        if settings.database_url is None:
            return
    with process.opened(settings) as (_, keys):
        where = "with the vault" if keys is None else f"in {data}"
        typer.echo(f"the database is up to date; the keyring is {where}")


def enrol(
    agency: Annotated[str, typer.Argument(help="The agency's slug in the directory, or: operator.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for its token and key; give it to the agency.")],
    data: Annotated[Path, typer.Option("--data", help="The server's data folder.")] = Path("data"),
    days: Annotated[int, typer.Option("--days", help="How long the token holds.", min=1, max=730)] = 90,
) -> None:
    """Give an agency a token and a signing key, in owner-only files. Run it while the server is stopped.

    The token is kept here as a hash alone; hand the folder over by a safe way and delete your copy.

    Example: sampan enrol ngo-th --out handover/
    """
    where = enrol_agency(ServerSettings(data=data), agency, out, days)
    typer.echo(f"{agency}: token and key are in {where}; the token holds for {days} days.")
