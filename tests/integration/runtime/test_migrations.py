"""Schema changes: whole files, once, whoever calls and whenever we are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from contracts.errors import SetupProblem
from services.runtime.postgres import EmbeddedPostgres, migrate, mint_log_id
from services.runtime.postgres.migrate import MIGRATIONS
from tests.support.postgres import FreshDatabase

MIGRATE = """
import sys
from pathlib import Path
from services.runtime.postgres import migrate
migrate(sys.argv[1], Path(sys.argv[2]))
"""


@pytest.fixture
def empty_database(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """Owner's connection string of a database without any schema."""
    postgres_server.create_database("empty")
    yield postgres_server.owner_dsn("empty")
    postgres_server.drop_database("empty")


def test_every_file_is_applied_once_in_order(empty_database: str) -> None:
    """The first call applies all files by name; the second finds nothing to do."""
    names = [path.name.removesuffix(".sql") for path in sorted(MIGRATIONS.glob("*.sql"))]
    assert migrate(empty_database) == names
    assert migrate(empty_database) == []


def test_file_names_say_order_and_owner() -> None:
    """Files are NNNN.service.slug.sql with numbers used once, so that order never depends on chance."""
    parts = [path.name.split(".") for path in MIGRATIONS.glob("*.sql")]
    assert all(len(part) == 4 and part[0].isdigit() and len(part[0]) == 4 for part in parts)
    assert len({part[0] for part in parts}) == len(parts)


def test_two_callers_at_once_apply_each_file_once(empty_database: str) -> None:
    """Two processes that start together share the work without an error."""
    with ThreadPoolExecutor(4) as pool:
        applied = list(pool.map(migrate, [empty_database] * 4))
    assert sorted(len(names) for names in applied)[:3] == [0, 0, 0]
    assert sum(len(names) for names in applied) == len(list(MIGRATIONS.glob("*.sql")))


def test_a_file_that_fails_leaves_nothing(empty_database: str, tmp_path: Path) -> None:
    """The statements before the wrong one are undone, files before it stay, and a mended file applies."""
    (tmp_path / "0001.test.good.sql").write_text("create table good (n int);")
    bad = tmp_path / "0002.test.bad.sql"
    bad.write_text("create table half (n int); create table half (n int);")
    with pytest.raises(SetupProblem, match=r"0002\.test\.bad"):
        migrate(empty_database, tmp_path)
    assert tables(empty_database) == {"good"}
    bad.write_text("create table half (n int);")
    assert migrate(empty_database, tmp_path) == ["0002.test.bad"]
    assert tables(empty_database) == {"good", "half"}


def test_a_kill_in_the_middle_of_a_file_leaves_nothing(empty_database: str, tmp_path: Path) -> None:
    """Killed after half of a file, the next call applies that file whole; no lock is left behind."""
    (tmp_path / "0001.test.waits.sql").write_text(
        "create table half (n int); do $$ begin perform pg_advisory_xact_lock(42); end $$;"
    )
    with psycopg.connect(empty_database, autocommit=True) as holder:
        holder.execute("select pg_advisory_lock(42)")
        process = subprocess.Popen(
            [sys.executable, "-c", MIGRATE, empty_database, str(tmp_path)], env={"PYTHONPATH": os.getcwd()}
        )
        wait_for_a_lock_waiter(holder)
        process.send_signal(signal.SIGKILL)
        process.wait()
        holder.execute("select pg_terminate_backend(pid) from pg_locks where not granted")
    assert tables(empty_database) == set()
    assert migrate(empty_database, tmp_path) == ["0001.test.waits"]
    assert tables(empty_database) == {"half"}


def test_a_restored_log_gets_a_new_id_and_its_own_consumers_follow(fresh_database: FreshDatabase) -> None:
    """Minting changes the log's id and that of local positions, and fences every present owner."""
    with psycopg.connect(fresh_database.owner_dsn, autocommit=True) as connection:
        ((old,),) = connection.execute("select log_id from log.identity").fetchall()
        connection.execute(
            "insert into runtime.positions (consumer, topic, partition, log_id, applied_offset)"
            " values ('router', 'case-events', 0, %s, 17), ('router', 'case-events', 0, %s, 9)",
            [old, "00000000-0000-0000-0000-000000000001"],
        )
        connection.execute(
            "insert into runtime.leases values ('router', 'case-events', 0, 4, 'me', 'infinity')"
        )
        new = mint_log_id(fresh_database.owner_dsn, "restored")
        assert new != old
        assert connection.execute("select log_id, reason from log.identity").fetchall() == [(new, "restored")]
        found = connection.execute(
            "select log_id = %s, applied_offset from runtime.positions order by applied_offset", [new]
        ).fetchall()
        assert found == [(False, 9), (True, 17)]
        assert connection.execute("select epoch, owner from runtime.leases").fetchall() == [(5, None)]


def tables(dsn: str) -> set[str]:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
    return {name for (name,) in rows if "yoyo" not in name}


def wait_for_a_lock_waiter(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    waiting = "select count(*) from pg_locks where locktype = 'advisory' and objid = 42 and not granted"
    while connection.execute(waiting).fetchone() == (0,):
        pass
