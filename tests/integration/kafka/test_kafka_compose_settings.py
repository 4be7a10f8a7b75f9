"""The containers' Kafka settings, given to Kafka itself: the one part of them that can be tried without an engine."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from deploy.kafka.java import QUICK_START, class_path, java_program
from tests.support.compose import compose

_NO_PROPERTY = ("KAFKA_HEAP_OPTS",)


def _properties(environment: Mapping[str, str], folder: Path) -> str:
    """As the image's entry point writes them: KAFKA_LOG_DIRS becomes log.dirs."""
    said = {
        key.removeprefix("KAFKA_").lower().replace("_", "."): value
        for key, value in environment.items()
        if key.startswith("KAFKA_") and key not in _NO_PROPERTY
    } | {"log.dirs": str(folder / "data")}
    return "".join(f"{key}={value}\n" for key, value in said.items())


@pytest.mark.parametrize("number", [1, 2, 3])
def test_kafka_formats_a_node_as_the_containers_name_it(
    number: int, kafka_jars: tuple[Path, ...], tmp_path: Path
) -> None:
    """Kafka's own tool reads every line and prepares the node; with a role it does not know it refuses."""
    environment = compose()["services"][f"kafka-{number}"]["environment"]
    config = tmp_path / "server.properties"

    def formatted(text: str) -> subprocess.CompletedProcess[str]:
        config.write_text(text, encoding="utf-8")
        tool = ["kafka.tools.StorageTool", "format", "-t", environment["CLUSTER_ID"], "-c", str(config)]
        command = [str(java_program()), *QUICK_START, "-cp", class_path(kafka_jars), *tool]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    text = _properties(environment, tmp_path)
    assert formatted(text.replace("broker,controller", "broker,conductor")).returncode != 0
    done = formatted(text)
    assert done.returncode == 0, done.stderr
    kept = (tmp_path / "data" / "meta.properties").read_text(encoding="utf-8")
    assert f"node.id={number}" in kept
    assert f"cluster.id={environment['CLUSTER_ID']}" in kept
