"""What the operators' commands share: a connection to the database as it stands, and who is at the keyboard."""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import asyncpg
import typer

from contracts.errors import InvalidInput, SetupProblem
from deploy.kafka.access import Access
from services.assembly.process import owned_database
from services.assembly.settings import ServerSettings
from services.runtime.clock import SystemClock
from services.runtime.operations import Said, checked_reason
from services.runtime.telemetry.logs import configure_logs

Json = Annotated[bool, typer.Option("--json", help="One line of JSON instead of sentences.")]
Data = Annotated[Path, typer.Option("--data", help="The server's data folder; SAMPAN_DATABASE_URL goes before it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, in a few words, naming no person; it is kept.")]
By = Annotated[str | None, typer.Option("--by", help="Who does it; else the name of this machine's user.")]
_BY_MAX = 100
_Answer = TypeVar("_Answer")


def said(by: str | None, reason: str) -> Said:
    """Who, why and when.

    Raises:
        InvalidInput: ``bad-reason``, ``bad-name``.
    """
    name = (_user() if by is None else by).strip()
    if not name or len(name) > _BY_MAX:
        raise InvalidInput("the name is empty or too long", code="bad-name", field="--by",
                           remedy=f"Say who does it, in up to {_BY_MAX} characters.")  # fmt: skip
    return Said(name, checked_reason(reason), SystemClock().now())


def brokers_access(settings: ServerSettings) -> Access:
    """How the brokers are reached.

    Raises:
        SetupProblem: ``no-brokers``.
    """
    access = settings.brokers.access
    if access is None:
        raise SetupProblem(
            "No brokers are named.", code="no-brokers", field="SAMPAN_BROKERS__BOOTSTRAP",
            remedy="Name them (host:port); on this machine: make kafka-up.",
        )  # fmt: skip
    return access


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return f"uid {os.getuid()}"


def with_database(data: Path, work: Callable[[ServerSettings, Any], Awaitable[_Answer]]) -> _Answer:
    """Do ``work(settings, connection)`` in one transaction on the database as it stands; services may run.

    Raises:
        SetupProblem: ``no-database``, ``not-migrated``; a server runs on the data folder; ``not-allowed-there``.
    """
    configure_logs()
    settings = ServerSettings(data=data)
    with owned_database(settings) as dsn:
        return asyncio.run(_worked(settings, dsn, work))


async def _worked(
    settings: ServerSettings, dsn: str, work: Callable[[ServerSettings, Any], Awaitable[_Answer]]
) -> _Answer:
    try:
        connection = await asyncpg.connect(dsn)
        try:
            async with connection.transaction():
                return await work(settings, connection)
        finally:
            await connection.close()
    except asyncpg.UndefinedTableError:
        raise SetupProblem("The database is older than this command.", code="not-migrated",
                           field="SAMPAN_DATABASE_URL", remedy="Run: sampan migrate.") from None  # fmt: skip
    except asyncpg.InsufficientPrivilegeError:
        raise SetupProblem(
            "This role may not do that in the database.", code="not-allowed-there", field="SAMPAN_DATABASE_URL",
            remedy="Name the database as the services' role, or as the role that owns it.",
        ) from None  # fmt: skip


def echo_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Rows under their columns' names, each as wide as its widest cell."""
    cells = [columns, *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        typer.echo("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
