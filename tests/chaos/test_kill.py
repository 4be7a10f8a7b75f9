"""The server dies again and again, at seams and at random, and every promise holds all the same.

The short run is part of every ``make test``; ``make chaos SEED=n`` plays fifty deaths over a thousand events.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from services.runtime.clock import SystemClock
from services.runtime.parking import list_parked
from services.runtime.store.postgres import PostgresStore
from services.runtime.wake import Wake
from tests.support.history import broken_promises
from tests.support.kill_run import KillRun
from tests.support.postgres import FreshDatabase
from tests.support.victim import PRIMERO_AGENCY

SEED = int(os.environ.get("SEED", "7"))
KILLS = int(os.environ.get("SAMPAN_KILLS", "10"))
CASES = int(os.environ.get("SAMPAN_CASES", "40"))


@pytest.mark.timeout(1500)
async def test_nothing_acknowledged_is_lost_whenever_the_server_dies(
    fresh_database: FreshDatabase, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every acknowledged event reaches whom it must, and each channel keeps its word about repeats."""
    run = KillRun(fresh_database.dsn, tmp_path, SEED, KILLS, CASES)
    history = await run.play()
    store = await PostgresStore.connect(fresh_database.dsn, SystemClock(), Wake())
    parked = await list_parked(store.pool)
    await store.close()
    with capsys.disabled():
        print(
            f"\n[seed {SEED}] {run.deaths.total()} deaths ({dict(sorted(run.deaths.items()))}), "
            f"{len(history.acknowledged)} events acknowledged, {len(history.told)} dispatches, "
            f"{len(history.notices)} notices, {len(history.primero)} effects in Primero, "
            f"{len(history.openings)} openings, {len(history.closings)} withdrawals"
        )
    assert run.deaths.total() == KILLS
    assert parked == []
    assert broken_promises(history) == []
    assert {told.recipient for told in history.told if told.recalled} == {PRIMERO_AGENCY}
    assert len(set(history.seen)) >= CASES, "the shelter opened all that it was told"
