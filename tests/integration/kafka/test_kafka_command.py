"""``make kafka-up``, ``kafka-status`` and ``kafka-down`` as a developer meets them."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.kafka.cluster import LocalCluster
from deploy.kafka.ports import free_ports
from tests.support.kafka import scope_of
from tests.support.repository import ROOT


def _command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deploy.kafka", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.fixture
def folder(tmp_path: Path, kafka_jars: tuple[Path, ...]) -> Iterator[Path]:
    """A folder for a Kafka that outlives its command; stopped afterwards, whatever became of the test."""
    yield tmp_path
    LocalCluster(tmp_path, guarded=False, jars=kafka_jars).stop()


def test_kafka_runs_until_it_is_told_to_stop(folder: Path) -> None:
    """Up leaves it running with its topics, a second up says so, status agrees, down stops it, twice is fine."""
    at, port = ("--folder", str(folder)), free_ports(1)[0]
    up = _command("up", *at, "--port", str(port))
    assert f"Kafka is up: 127.0.0.1:{port}" in up.stdout
    assert "case-events" in up.stdout
    again = _command("up", *at, "--port", str(port))
    assert (again.returncode, "up already" in again.stdout) == (0, True)
    status = _command("status", *at)
    assert (status.returncode, "and answers" in status.stdout) == (0, True)
    down = _command("down", *at)
    assert (down.returncode, "stopped" in down.stdout) == (0, True)
    assert _command("status", *at).returncode == 3
    assert "not running" in _command("down", *at).stdout


def test_a_port_in_use_is_one_sentence(folder: Path) -> None:
    """Where another program has the port, nothing starts and one line names port and remedy."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        up = _command("up", "--folder", str(folder), "--port", str(port))
    assert up.returncode == 1
    assert f"Port {port}" in up.stderr
    assert "PORT=" in up.stderr
    assert up.stderr.count("\n") == 1
    assert not (folder / "node-1" / "pid").exists()


def test_tests_that_name_kafka_share_one_worker() -> None:
    """All tests with Kafka in path or name are of one scope, so one worker runs the brokers; others stay apart."""
    ours = [
        "tests/integration/kafka/test_a.py::test_x",
        "tests/conformance/log/test_b.py::TestOnKafka::test_y",
    ]
    assert {scope_of(name) for name in ours} == {"kafka"}
    assert scope_of("tests/unit/test_c.py::test_z[1]") == "tests/unit/test_c.py::test_z[1]"
