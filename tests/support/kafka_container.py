"""Kafka in a container, by testcontainers, where ``SAMPAN_TESTCONTAINERS=1`` asks for it.

**Never run where it was written**: there is no container engine. What was seen there is that its absence is said.
testcontainers' own KafkaContainer starts another image, so the official one is started as any container is.
"""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from contracts.errors import SetupProblem
from deploy.kafka.access import Access
from deploy.kafka.plan import ClusterPlan
from deploy.kafka.properties import cluster_promises
from deploy.kafka.ready import node_sees, wait_until
from tests.support.compose import compose
from tests.support.kill_run import free_port

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

VARIABLE: Final = "SAMPAN_TESTCONTAINERS"
_PORT: Final = 9092
_READY_SECONDS: Final = 120.0


@contextmanager
def kafka_container() -> Iterator[Access]:
    """One broker of the image that ``deploy/compose`` names; it ends with the block.

    Raises:
        SetupProblem: ``no-container-engine``, ``kafka-did-not-start``.
    """
    port = free_port()
    with _started(port) as container:
        access = Access(f"127.0.0.1:{port}")
        if not wait_until(lambda: node_sees(access, port, {1}), within_seconds=_READY_SECONDS):
            raise SetupProblem(
                f"Kafka in a container does not answer: {_last_words(container)}", code="kafka-did-not-start",
                remedy="Look at the engine's own log.",
            )  # fmt: skip
        yield access


def settings(port: int) -> dict[str, str]:
    """Of one node that is its own controller, reached through this machine's ``port``."""
    promises = {
        "KAFKA_" + key.replace(".", "_").upper(): value
        for key, value in cluster_promises(ClusterPlan.make(1)).items()
    }
    return promises | {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": f"CLIENT://:{_PORT},CONTROLLER://:9094",
        "KAFKA_ADVERTISED_LISTENERS": f"CLIENT://127.0.0.1:{port}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "KAFKA_INTER_BROKER_LISTENER_NAME": "CLIENT",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9094",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    }


@contextmanager
def _started(port: int) -> Iterator[DockerContainer]:
    if not _engine_answers():
        raise SetupProblem(
            "Kafka was asked for in a container, and no container engine answers.", code="no-container-engine",
            field=VARIABLE, remedy="Start the engine, or leave the variable out: Kafka then runs on this machine.",
        )  # fmt: skip
    from testcontainers.core.container import DockerContainer

    container = DockerContainer(compose()["services"]["kafka-1"]["image"]).with_bind_ports(_PORT, port)
    for key, value in settings(port).items():
        container.with_env(key, value)
    container.start()
    try:
        yield container
    finally:
        container.stop()


def _engine_answers() -> bool:
    import docker

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # where nobody answers, docker leaves its socket open
        try:
            docker.from_env().close()
            answers = True
        except docker.errors.DockerException:
            answers = False
        gc.collect()  # after the error is gone, which holds the socket
    return answers


def _last_words(container: DockerContainer) -> str:
    lines = b"".join(container.get_logs()).decode(errors="replace").splitlines()
    return lines[-1][:300] if lines else "nothing said"
