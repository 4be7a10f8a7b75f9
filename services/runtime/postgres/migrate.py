"""Schema changes: plain SQL files, applied in order by yoyo, each in one transaction with its mark."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from yoyo import read_migrations
from yoyo.backends import PostgresqlPsycopgBackend
from yoyo.connections import parse_uri

from contracts.errors import SetupProblem
from services.runtime.log.kafka_records import RELAY

MIGRATIONS = Path(__file__).parent.parent / "migrations"
_ADVISORY_LOCK = 0x53414D50414E  # "SAMPAN"


class _OneTransactionPerFile(PostgresqlPsycopgBackend):  # type: ignore[misc]
    """yoyo commits a file and then marks it in a second transaction: a kill in between would apply it twice.

    Here both are one transaction. The table lock of yoyo, which a killed process never gives back, is
    replaced by the advisory lock that :func:`migrate` holds.
    """

    def apply_one(self, migration: Any, force: bool = False, mark: bool = True) -> None:
        self.ensure_internal_schema_updated()
        try:
            with self.transaction():
                migration.process_steps(self, "apply", force=force)
                if mark:
                    self.mark_one(migration, log=False)
        except psycopg.Error as error:
            raise SetupProblem(
                f"The database could not be brought up to date by {migration.id}.sql.",
                code="migration-failed",
                remedy="Nothing of that file was kept; check free space, or report it with this sentence.",
            ) from error

    @contextmanager
    def lock(self, timeout: float = 10) -> Iterator[None]:
        yield


def migrate(owner_dsn: str, folder: Path = MIGRATIONS) -> list[str]:
    """Bring the database up to date; returns the ids of the files applied now, in order.

    Two processes may call it at once: the second waits. A kill at any moment leaves whole files only.

    Args:
        owner_dsn: connection string of the role that owns the schema.
        folder: ``NNNN.<service>.<slug>.sql`` files, applied in the order of their names.

    Raises:
        SetupProblem: a file does not apply; the database stays as the file before left it.
    """
    with psycopg.connect(owner_dsn, autocommit=True) as guard:
        guard.execute("select pg_advisory_lock(%s)", [_ADVISORY_LOCK])
        uri = parse_uri(owner_dsn.replace("postgresql://", "postgresql+psycopg://", 1))
        with _OneTransactionPerFile(uri, "_yoyo_migration") as backend:
            backend.init_database()
            waiting = backend.to_apply(read_migrations(str(folder)))
            backend.apply_migrations(waiting)
            return [migration.id for migration in waiting]


def check_migrated(dsn: str, field: str = "SAMPAN_DATABASE_URL") -> None:
    """See that a database that somebody else keeps up to date holds a Sampan.

    Raises:
        SetupProblem: ``not-migrated``; ``no-database``, it does not answer.
    """
    try:
        with psycopg.connect(dsn) as connection:
            ((table,),) = connection.execute("select to_regclass('runtime.instance')").fetchall()
    except psycopg.OperationalError:
        raise SetupProblem("The database does not answer.", code="no-database", field=field,
                           remedy="Start it, or correct its address.") from None  # fmt: skip
    if table is None:
        raise SetupProblem("There is no Sampan in this database yet.", code="not-migrated", field=field,
                           remedy="Run sampan migrate once on it, as the role that owns it.")  # fmt: skip


def mint_log_id(owner_dsn: str, reason: str, *, unheld_at: datetime | None = None) -> UUID:
    """Give the log a new id, after a restore or failover: offsets handed out since the copy mean nothing now.

    Positions and parked references of this same database came from the same copy, so they follow. Consumers
    with a database of their own keep the old id and raise an alarm. The relay begins again at the first record:
    Kafka holds none of the log's records under the new id. Call it while no service runs.

    Args:
        unheld_at: the time now, to refuse where a service holds a lease that has not run out; None: do not look.

    Raises:
        SetupProblem: ``services-run``; nothing was changed.
    """
    with psycopg.connect(owner_dsn) as connection:
        connection.execute("lock table runtime.leases, runtime.positions in exclusive mode")
        if unheld_at is not None:
            _refuse_held(connection, unheld_at)
        ((old, new),) = connection.execute(
            "select i.log_id, gen_random_uuid() from log.identity i for update"
        ).fetchall()
        connection.execute("update log.identity set log_id = %s, reason = %s", [new, reason])
        connection.execute("update runtime.leases set epoch = epoch + 1, owner = null, lease_until = null")
        connection.execute("update runtime.positions set log_id = %s where log_id = %s", [new, old])
        connection.execute("update runtime.positions set applied_offset = -1 where consumer = %s", [RELAY])
        connection.execute("update runtime.parked_records set log_id = %s where log_id = %s", [new, old])
        return UUID(str(new))


def _refuse_held(connection: psycopg.Connection[Any], now: datetime) -> None:
    held = connection.execute(
        "select distinct consumer from runtime.leases where owner is not null and lease_until > %s order by 1", [now]
    ).fetchall()
    if held:
        raise SetupProblem(
            f"Services still work on this database: {', '.join(name for (name,) in held)}.", code="services-run",
            remedy="Stop them all; one that died gives its leases back within 15 seconds.",
        )  # fmt: skip
