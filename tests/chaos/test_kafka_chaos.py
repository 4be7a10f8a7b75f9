"""Three brokers, every service twice: killed, paused, cut off and restarted, and every promise holds all the same.

The short run is part of every ``make test``; ``make chaos-kafka SEED=n`` plays twenty-four faults over 120 cases.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from deploy.kafka.cluster import LocalCluster
from services.runtime.clock import SystemClock
from services.runtime.parking import list_parked
from services.runtime.postgres import EmbeddedPostgres
from services.runtime.store.postgres import PostgresStore
from services.runtime.wake import Wake
from tests.support.history import broken_promises
from tests.support.kafka import remove_topics
from tests.support.kafka_chaos_log import compare_logs
from tests.support.kafka_chaos_plan import KINDS, plan
from tests.support.kafka_chaos_run import KafkaChaosRun
from tests.support.postgres import FreshDatabase
from tests.support.victim import PRIMERO_AGENCY

SEED = int(os.environ.get("SEED", "7"))
FAULTS = int(os.environ.get("SAMPAN_FAULTS", "12"))
KINDS_TO_PLAY = os.environ.get("SAMPAN_KINDS", "").split() or tuple(KINDS)
CASES = int(os.environ.get("SAMPAN_CASES", "18"))


@pytest.fixture
async def prefix(three_brokers: LocalCluster) -> AsyncIterator[str]:
    """Of this run's own topics."""
    own = f"chaos-{secrets.token_hex(4)}-"
    yield own
    three_brokers.heal()
    await remove_topics(three_brokers.access(), own)


@pytest.fixture
def durable_database(fresh_database: FreshDatabase) -> FreshDatabase:
    """The session's server writes no commit out at once, which a crash of PostgreSQL would tell; here it does."""
    with psycopg.connect(fresh_database.owner_dsn, autocommit=True) as connection:
        name = sql.Identifier(fresh_database.name)
        connection.execute(sql.SQL("alter database {} set synchronous_commit = on").format(name))
    return fresh_database


@pytest.mark.timeout(1500)
async def test_nothing_acknowledged_is_lost_whatever_fails_around_kafka(
    durable_database: FreshDatabase, postgres_server: EmbeddedPostgres, three_brokers: LocalCluster, prefix: str,
    tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Every acknowledged event reaches whom it must, in order, and Kafka holds the log as the table does."""
    faults = plan(SEED, FAULTS, KINDS_TO_PLAY)
    run = KafkaChaosRun(durable_database.dsn, postgres_server, three_brokers, prefix, tmp_path, faults, CASES)
    history = await run.play()
    store = await PostgresStore.connect(durable_database.dsn, SystemClock(), Wake())
    parked = await list_parked(store.pool)
    logs = await compare_logs(three_brokers.access(), prefix, store.log)
    await store.close()
    with capsys.disabled():
        print(
            f"\n[seed {SEED}] {run.suffered.total()} faults ({dict(sorted(run.suffered.items()))}), "
            f"{len(history.acknowledged)} events acknowledged, {len(history.told)} dispatches, "
            f"{len(history.notices)} notices, {len(history.primero)} effects in Primero, "
            f"{len(history.openings)} openings, {len(history.closings)} withdrawals; "
            f"{logs.records} records and {logs.copies} copies on Kafka"
        )
    assert broken_promises(history) == [], run.stuck
    assert run.stuck == []
    assert logs.differences == []
    assert parked == []
    assert run.ended == [], "what nobody killed goes on"
    assert run.suffered.total() == FAULTS
    assert {told.recipient for told in history.told if told.recalled} == {PRIMERO_AGENCY}
    assert len(set(history.seen)) >= CASES, "the shelter opened all that it was told"
