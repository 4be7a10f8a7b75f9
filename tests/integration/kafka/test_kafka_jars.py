"""The jars that make Kafka: those that were committed and no others, fetched once."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.errors import SetupProblem
from deploy.kafka.jars import ensure_jars
from deploy.kafka.pins import Pin, pin_of, read_pins
from tests.support.repository import ROOT

CONTENT = {"one": b"first jar", "two": b"second jar", "three": b"third jar"}
PINS = tuple(
    pin_of(hashlib.sha256(content).hexdigest(), "org.example", name, "1.0")
    for name, content in CONTENT.items()
)


def _serving(content: dict[str, bytes], asked: list[str]) -> Callable[[Pin, Path], Path]:
    """A repository of three small jars that remembers what it was asked for."""

    def fetch(pin: Pin, folder: Path) -> Path:
        asked.append(pin.artifact)
        if pin.artifact not in content:
            raise SetupProblem("the line is down", code="no-jar-registry")
        file = folder / pin.name
        file.write_bytes(content[pin.artifact])
        return file

    return fetch


def test_the_committed_sums_name_every_jar_of_kafka_once() -> None:
    """46 jars are pinned, Kafka's own and one slf4j binding among them, none twice."""
    names = [pin.name for pin in read_pins()]
    assert len(names) == len(set(names)) == 46
    assert {"kafka_2.13-4.3.0.jar", "kafka-clients-4.3.0.jar", "slf4j-simple-1.7.36.jar"} <= set(names)


def test_a_tampered_jar_is_refused_and_named(tmp_path: Path) -> None:
    """One changed byte in the cache stops the start, and the sentence says which jar."""
    ensure_jars(tmp_path, pins=PINS, fetch=_serving(CONTENT, []))
    (tmp_path / PINS[1].path).write_bytes(b"second jaR")
    with pytest.raises(SetupProblem, match=r"two-1\.0\.jar") as refused:
        ensure_jars(tmp_path, pins=PINS, fetch=_serving(CONTENT, []))
    assert refused.value.code == "tampered-jar"


def test_a_jar_that_arrives_changed_never_enters_the_cache(tmp_path: Path) -> None:
    """What a repository serves with another sum is refused and not kept."""
    with pytest.raises(SetupProblem, match=r"three-1\.0\.jar"):
        ensure_jars(tmp_path, pins=PINS, fetch=_serving({**CONTENT, "three": b"other"}, []))
    assert not (tmp_path / PINS[2].path).exists()


def test_an_interrupted_fetch_goes_on_where_it_was(tmp_path: Path) -> None:
    """What arrived before the line went down is kept, and only the rest is asked for again."""
    with pytest.raises(SetupProblem, match="the line is down"):
        ensure_jars(tmp_path, pins=PINS[:2], fetch=_serving({"one": CONTENT["one"]}, []))
    ensure_jars(tmp_path, pins=PINS[:1], fetch=_serving(CONTENT, []))
    asked: list[str] = []
    seen: list[tuple[int, int]] = []
    jars = ensure_jars(
        tmp_path, pins=PINS, fetch=_serving(CONTENT, asked), progress=lambda *count: seen.append(count)
    )
    assert sorted(asked) == ["three", "two"]
    assert [jar.read_bytes() for jar in jars] == list(CONTENT.values())
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_two_runs_at_once_fetch_each_jar_once(tmp_path: Path) -> None:
    """The second of two runs waits for the first and finds everything there."""
    asked: list[str] = []
    both = threading.Barrier(2)

    def run() -> None:
        both.wait()
        ensure_jars(tmp_path, pins=PINS, fetch=_serving(CONTENT, asked))

    runs = [threading.Thread(target=run) for _ in range(2)]
    for each in runs:
        each.start()
    for each in runs:
        each.join()
    assert sorted(asked) == sorted(CONTENT)


def test_a_full_cache_needs_no_network(tmp_path: Path) -> None:
    """With every jar in the cache, nobody is asked."""
    ensure_jars(tmp_path, pins=PINS, fetch=_serving(CONTENT, []))
    asked: list[str] = []
    ensure_jars(tmp_path, pins=PINS, fetch=_serving({}, asked))
    assert not asked


def test_without_a_network_one_sentence_says_what_to_do(tmp_path: Path) -> None:
    """An empty cache and no line give one line of plain words and exit code 1."""
    nowhere = "http://127.0.0.1:9"  # the discard port: nobody listens
    offline = {"HTTPS_PROXY": nowhere, "https_proxy": nowhere, "NO_PROXY": "", "no_proxy": ""}
    result = subprocess.run(
        [sys.executable, "-m", "deploy.kafka", "fetch"],
        env={**os.environ, **offline, "SAMPAN_KAFKA_CACHE": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "cannot be reached" in result.stderr
    assert "SAMPAN_KAFKA_CACHE" in result.stderr
