"""One local broker: it carries records, keeps them, and is gone when it should be."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from contracts.errors import SetupProblem
from deploy.kafka.access import Access
from deploy.kafka.cluster import LocalCluster
from deploy.kafka.processes import serving
from deploy.kafka.ready import wait_until
from deploy.kafka.topics import ensure_topics
from tests.support.kafka import remove_topics
from tests.support.repository import ROOT

# What a run does that somebody kills: one broker, its ids on the output, then it waits for its end.
A_RUN = """
import sys
from pathlib import Path
from deploy.kafka.cluster import LocalCluster
with LocalCluster(Path(sys.argv[1])) as kafka:
    print(kafka.node(1).pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def runs(kafka_jars: tuple[Path, ...]) -> Iterator[Callable[[Path], subprocess.Popen[str]]]:
    """Starts processes of their own that each keep a broker in the folder they are given."""
    with ExitStack() as started:

        def start(folder: Path) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [sys.executable, "-c", A_RUN, str(folder)],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
            started.enter_context(process)
            started.callback(process.kill)
            return process

        yield start


def _broker_of(run: subprocess.Popen[str]) -> int:
    assert run.stdout is not None
    return int(run.stdout.readline())


async def test_what_is_sent_is_read_back(kafka: Access, kafka_prefix: str) -> None:
    """A record acknowledged by all replicas comes back with its key, value, header and time."""
    name = f"{kafka_prefix}case-events"
    await ensure_topics(kafka, prefix=kafka_prefix)
    async with AIOKafkaProducer(**kafka.for_aiokafka(), acks="all") as producer:
        sent = await producer.send_and_wait(
            name,
            b"sealed",
            key=b"case",
            partition=3,
            timestamp_ms=1_700_000_000_000,
            headers=[("ce_id", b"7")],
        )
    consumer = AIOKafkaConsumer(**kafka.for_aiokafka(), auto_offset_reset="earliest")
    consumer.assign([TopicPartition(name, 3)])
    async with consumer:
        got = await consumer.getone()
    assert (got.offset, got.key, got.value, got.timestamp) == (
        sent.offset,
        b"case",
        b"sealed",
        1_700_000_000_000,
    )
    assert got.headers == (("ce_id", b"7"),)


async def test_no_topic_comes_into_being_by_a_slip(kafka: Access, kafka_prefix: str) -> None:
    """Asking for a topic that nobody declared does not create it."""
    from deploy.kafka.ready import admin

    await ensure_topics(kafka, prefix=kafka_prefix)
    async with admin(kafka) as client:
        await client.describe_topics([f"{kafka_prefix}case-event"])
        assert f"{kafka_prefix}case-event" not in await client.list_topics()


async def test_a_tests_topics_are_removed(kafka: Access, kafka_prefix: str) -> None:
    """Nothing that bears a test's prefix is left for the next one."""
    from deploy.kafka.ready import admin

    await ensure_topics(kafka, prefix=kafka_prefix)
    await remove_topics(kafka, kafka_prefix)
    async with admin(kafka) as client:
        assert not [name for name in await client.list_topics() if name.startswith(kafka_prefix)]


def test_no_broker_outlives_its_run_however_that_ends(
    tmp_path: Path, runs: Callable[[Path], subprocess.Popen[str]], kafka_jars: tuple[Path, ...]
) -> None:
    """A living run's folder is its own; killed, it takes its broker along; the next one stops its at Ctrl-C."""
    pid_file = tmp_path / "node-1" / "pid"
    first = runs(tmp_path)
    broker = _broker_of(first)
    with pytest.raises(SetupProblem) as refused:
        LocalCluster(tmp_path, jars=kafka_jars).start()
    assert refused.value.code == "kafka-folder-in-use"
    assert serving(pid_file) == broker
    first.kill()
    assert wait_until(lambda: serving(pid_file) is None, within_seconds=30)
    second = runs(tmp_path)
    again = _broker_of(second)
    assert serving(pid_file) == again != broker
    second.send_signal(signal.SIGINT)
    second.wait()
    assert serving(pid_file) is None


def test_a_reused_process_id_is_not_taken_for_a_broker(tmp_path: Path) -> None:
    """A pid file whose number now belongs to another program names no broker, so nobody kills that program."""
    (tmp_path / "pid").write_text(f"{os.getpid()}\n", encoding="ascii")
    assert serving(tmp_path / "pid") is None


def test_a_plan_that_is_no_plan_is_refused(tmp_path: Path) -> None:
    """A cluster file of something else is refused with the folder's name."""
    (tmp_path / "cluster.json").write_text(json.dumps({"nodes": 1}), encoding="utf-8")
    with pytest.raises(SetupProblem, match=r"cluster\.json"):
        LocalCluster(tmp_path)


def test_two_nodes_are_refused(tmp_path: Path) -> None:
    """Two nodes cannot outvote each other, so a cluster has one or three."""
    with pytest.raises(SetupProblem, match="one node or three"):
        LocalCluster(tmp_path, nodes=2)
