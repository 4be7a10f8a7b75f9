"""``sampan kafka restored`` and ``sampan kafka topics``, as an operator types them."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from typer.testing import CliRunner, Result

from deploy.kafka.access import Access
from services.cli.main import app
from services.runtime.clock import SystemClock
from tests.support.postgres import FreshDatabase


def _sampan(*words: str, typed: str = "", **environment: str) -> Result:
    return CliRunner().invoke(app, ["kafka", *words], input=typed, env=environment)


def _log_id(database: FreshDatabase) -> tuple[str, str]:
    with psycopg.connect(database.owner_dsn) as connection:
        ((log_id, reason),) = connection.execute("select log_id, reason from log.identity").fetchall()
    return str(log_id), str(reason)


def _hold(database: FreshDatabase, seconds: int) -> None:
    with psycopg.connect(database.owner_dsn) as connection:
        connection.execute(
            "insert into runtime.leases (consumer, topic, partition, epoch, owner, lease_until)"
            " values ('router', 'case-events', 0, 1, %s, %s)",
            [str(uuid4()), SystemClock().now() + timedelta(seconds=seconds)],
        )


def test_a_restored_log_gets_a_new_id_and_keeps_the_reason(fresh_database: FreshDatabase) -> None:
    """After a yes the id is another, and the reason stands beside it; a lease that ran out is no obstacle."""
    _hold(fresh_database, -1)
    before, _ = _log_id(fresh_database)
    done = _sampan("restored", "--reason", "disk lost", "--json", typed="y\n",
                   SAMPAN_DATABASE_URL=fresh_database.owner_dsn)  # fmt: skip
    assert done.exit_code == 0, done.output
    after, reason = _log_id(fresh_database)
    assert (json.loads(done.stdout.splitlines()[-1])["log_id"], reason) == (after, "disk lost")
    assert after != before


@pytest.mark.parametrize(
    ("typed", "reason", "role", "held", "words"),
    [
        ("n\n", "disk lost", "owner_dsn", -1, "nothing was changed"),
        ("y\n", "disk lost", "owner_dsn", 600, "Services still work on this database: router"),
        ("y\n", "disk lost", "dsn", -1, "Only the role that owns the database"),
        ("y\n", "", "owner_dsn", -1, "the reason is empty"),
    ],
    ids=["no", "held", "role", "reason"],
)
def test_a_log_keeps_its_id_where_a_restore_is_not_declared_rightly(
    fresh_database: FreshDatabase, typed: str, reason: str, role: str, held: int, words: str
) -> None:
    """A no, services at work, another role, no reason: one sentence, and nothing is changed."""
    _hold(fresh_database, held)
    before = _log_id(fresh_database)
    done = _sampan("restored", "--reason", reason, typed=typed, SAMPAN_DATABASE_URL=getattr(fresh_database, role))
    assert (done.exit_code, words in " ".join(done.output.split())) == (1, True), done.output
    assert _log_id(fresh_database) == before


async def test_topics_are_made_once(kafka: Access, kafka_prefix: str) -> None:
    """The first call names what it made, the second says that all is there."""
    settings = {"SAMPAN_BROKERS__BOOTSTRAP": kafka.bootstrap, "SAMPAN_BROKERS__PREFIX": kafka_prefix}

    def made() -> list[str]:
        done = _sampan("topics", "--no-grants", "--json", **settings)
        assert done.exit_code == 0, done.output
        created: list[str] = json.loads(done.stdout.splitlines()[-1])["created"]
        return created

    assert f"{kafka_prefix}case-events" in await asyncio.to_thread(made)
    assert await asyncio.to_thread(made) == []
