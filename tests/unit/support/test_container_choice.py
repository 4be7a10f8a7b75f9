"""Kafka in a container is had where it is asked for, or not having it is an error: never left out in silence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.errors import SetupProblem
from tests.support.kafka_container import VARIABLE, kafka_container, settings
from tests.support.repository import ROOT


@pytest.fixture
def _no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")


@pytest.mark.usefixtures("_no_engine")
def test_without_an_engine_the_variable_to_leave_out_is_named() -> None:
    """The error says what was asked for, that nothing answers, and how to go on without."""
    with pytest.raises(SetupProblem) as refusal, kafka_container():
        raise AssertionError
    assert (refusal.value.code, refusal.value.field) == ("no-container-engine", VARIABLE)
    assert "leave the variable out" in (refusal.value.remedy or "")


def test_a_run_that_asks_for_a_container_errs_and_skips_nothing(tmp_path: Path) -> None:
    """A test with the session's Kafka is an error there, although a local broker could have been had."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("SAMPAN_", "PYTEST_"))}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "tests/integration/kafka/test_kafka_one_broker.py", "-x"],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env=environment | {VARIABLE: "1", "DOCKER_HOST": f"unix://{tmp_path}/nobody.sock"},
    )  # fmt: skip
    assert ran.returncode == 1, ran.stdout
    assert "no container engine answers" in ran.stdout
    assert "skipped" not in ran.stdout
    assert "1 error" in ran.stdout


def test_clients_are_told_the_port_that_they_can_reach() -> None:
    """The broker advertises this machine's port, not the one inside its container, and promises what one broker can."""
    said = settings(31234)
    assert said["KAFKA_ADVERTISED_LISTENERS"] == "CLIENT://127.0.0.1:31234"
    assert said["KAFKA_MIN_INSYNC_REPLICAS"] == said["KAFKA_DEFAULT_REPLICATION_FACTOR"] == "1"
