"""One local broker: it carries records, keeps them, and is gone when it should be."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
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
def run(tmp_path: Path, kafka_jars: tuple[Path, ...]) -> Iterator[subprocess.Popen[str]]:
    """A process of its own that keeps a broker in ``tmp_path``."""
    process = subprocess.Popen(
        [sys.executable, "-c", A_RUN, str(tmp_path)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        yield process
        process.kill()


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


def test_nothing_outlives_a_killed_run_and_its_folder_serves_again(
    tmp_path: Path, run: subprocess.Popen[str], kafka_jars: tuple[Path, ...]
) -> None:
    """``kill -9`` of the run takes its broker along, and the next run starts on the same folder and ports."""
    assert run.stdout is not None
    broker = int(run.stdout.readline())
    pid_file = tmp_path / "node-1" / "pid"
    assert serving(pid_file) == broker
    run.kill()
    assert wait_until(lambda: serving(pid_file) is None, within_seconds=30)
    with LocalCluster(tmp_path, jars=kafka_jars) as kafka:
        assert kafka.node(1).pid not in {None, broker}
        again = kafka.node(1).pid_file
    assert serving(again) is None


def test_a_folder_has_one_owner_whose_ctrl_c_stops_the_broker(
    tmp_path: Path, run: subprocess.Popen[str], kafka_jars: tuple[Path, ...]
) -> None:
    """A second run on a living one's folder is refused and harms nothing; an interrupt stops the broker first."""
    assert run.stdout is not None
    broker = int(run.stdout.readline())
    with pytest.raises(SetupProblem) as refused:
        LocalCluster(tmp_path, jars=kafka_jars).start()
    assert refused.value.code == "kafka-folder-in-use"
    assert serving(tmp_path / "node-1" / "pid") == broker
    run.send_signal(signal.SIGINT)
    run.wait()
    assert serving(tmp_path / "node-1" / "pid") is None


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
