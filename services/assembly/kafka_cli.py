"""``sampan kafka``: what an operator does once, for a region that keeps its log on Kafka."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated, Final
from uuid import UUID

import psycopg
import typer

from contracts.errors import SampanError, SetupProblem
from deploy.kafka.access import Access
from deploy.kafka.acls import ensure_acls, relay_acls, service_acls
from deploy.kafka.topics import ensure_topics
from services.assembly import dead_letters_cli, partner_cli, region
from services.assembly.kafka_line import carried_topics
from services.assembly.operator import Data, Json, Reason, brokers_access
from services.assembly.process import owned_database
from services.assembly.settings import ServerSettings
from services.runtime.clock import SystemClock
from services.runtime.operations import checked_reason
from services.runtime.postgres import mint_log_id
from services.runtime.telemetry.logs import configure_logs

_FORGOTTEN: Final = (
    "With the vault's rows in this database, every withdrawal, freeze and erasure since the backup is forgotten, and "
    "gates stand open again. Keep delivery stopped and the API closed to agencies until these were taken in anew."
)
_NEXT: Final = "Start the router and the relay; delivery only when withdrawals, freezes and erasures stand again."
app = typer.Typer(
    help="Prepare and repair a log on Kafka.\n\nExample: sampan kafka topics",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(dead_letters_cli.app, name="dead-letters")
app.command()(partner_cli.partner)


@app.command()
def topics(
    grants: Annotated[
        bool, typer.Option("--grants/--no-grants", help="Also grant each service what it needs; brokers with ACLs.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Create the topics that are missing, check the others, and grant each service its own. Repeatable.

    SAMPAN_BROKERS__BOOTSTRAP, __USER, __PASSWORD and __CA_FILE say how an administrator reaches the brokers. The
    users (intake, router, delivery, relay) must exist; nothing that is there is altered or taken away.

    Example: SAMPAN_BROKERS__USER=admin sampan kafka topics
    """
    configure_logs()
    settings = ServerSettings()
    access = brokers_access(settings)
    typer.echo(f"asking Kafka at {access.bootstrap} …", err=True)
    created = asyncio.run(_prepare(settings, access, grants=grants))
    if as_json:
        typer.echo(json.dumps({"created": list(created), "granted": grants}))
        return
    typer.echo(f"Topics created: {', '.join(created)}" if created else "All topics are there, as declared.")
    if grants:
        typer.echo("Every service may do what it must, and no grant was taken away.")


async def _prepare(settings: ServerSettings, access: Access, *, grants: bool) -> tuple[str, ...]:
    wanted, prefix = carried_topics(region.load(settings.region)[0]), settings.brokers.prefix
    created = await ensure_topics(access, wanted, prefix=prefix, replicas=settings.brokers.replicas)
    if grants:
        await ensure_acls(access, (*service_acls(wanted, prefix=prefix), *relay_acls(wanted, prefix=prefix)))
    return created


@app.command()
def restored(
    reason: Reason,
    data: Data = Path("data"),
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Declare that the database was restored from a backup. Run it once, before any service starts.

    What was written after the backup is gone here, while Kafka may hold it: places in the log mean something else
    now, so the log gets a new id and the relay carries it again from its first record. SAMPAN_DATABASE_URL names
    the database, as the role that owns it.

    The vault's rows in it are as old as the backup: withdrawals, freezes and erasures since are forgotten, and gates
    stand open again. Keep delivery stopped and the API closed to agencies until these were taken in anew.

    Example: sampan kafka restored --reason "disk lost, backup of Monday night"
    """
    why = checked_reason(reason)
    typer.echo("This gives the log a new id, takes every lease away, and lets the relay carry the whole log to "
               "Kafka again. Services with databases of their own will stop and ask.", err=True)  # fmt: skip
    typer.echo(_FORGOTTEN, err=True)
    if not yes and not _sure():
        raise SampanError("stopped; nothing was changed.", code="not-confirmed", remedy="It needs a yes.")
    with owned_database(ServerSettings(data=data)) as owner_dsn:
        log_id = _minted(owner_dsn, why)
    typer.echo(json.dumps({"log_id": str(log_id)}) if as_json else f"The log's new id is {log_id}. {_NEXT}")


def _minted(owner_dsn: str, reason: str) -> UUID:
    try:
        return mint_log_id(owner_dsn, reason, unheld_at=SystemClock().now())
    except psycopg.errors.InsufficientPrivilege:
        raise SetupProblem(
            "Only the role that owns the database may do this.", code="not-owner", field="SAMPAN_DATABASE_URL",
            remedy="Name the database as that role, as for sampan migrate.",
        ) from None  # fmt: skip


def _sure() -> bool:
    try:
        return typer.confirm("Was this database restored from a backup?", default=False, err=True)
    except (KeyboardInterrupt, typer.Abort):
        return False
