"""Topics on a real broker, created from ``contracts/topics`` and never altered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contracts.errors import SetupProblem, TryLater
from contracts.topics import CASE_EVENTS, TOPICS
from deploy.kafka.access import Access
from deploy.kafka.ports import free_ports
from deploy.kafka.ready import admin
from deploy.kafka.topic_plan import KAFKA_DEFAULT_MAX_BYTES, plan_topic, retention_ms
from deploy.kafka.topics import ensure_topics

TOPIC = TOPICS[CASE_EVENTS]


async def test_every_topic_of_the_contracts_is_created(kafka: Access, kafka_prefix: str) -> None:
    """Each topic file becomes a topic with its partitions."""
    created = await ensure_topics(kafka, prefix=kafka_prefix)
    assert created == tuple(sorted(kafka_prefix + name for name in TOPICS))
    async with admin(kafka) as client:
        found = {topic["topic"]: len(topic["partitions"]) for topic in await client.describe_topics()}
    assert {name: found[kafka_prefix + name] for name in TOPICS} == {
        name: topic.partitions for name, topic in TOPICS.items()
    }


async def test_creating_topics_again_changes_nothing(kafka: Access, kafka_prefix: str) -> None:
    """A second start finds its topics and creates none."""
    await ensure_topics(kafka, [TOPIC], prefix=kafka_prefix)
    assert await ensure_topics(kafka, [TOPIC], prefix=kafka_prefix) == ()


async def test_another_partition_count_is_refused(kafka: Access, kafka_prefix: str) -> None:
    """A topic with other partitions than declared stops the start, named with what to do."""
    await ensure_topics(kafka, [replace(TOPIC, partitions=6)], prefix=kafka_prefix)
    with pytest.raises(SetupProblem, match=rf"{kafka_prefix}case-events has 6 partitions") as refused:
        await ensure_topics(kafka, [TOPIC], prefix=kafka_prefix)
    assert refused.value.remedy


async def test_a_shorter_retention_is_refused(kafka: Access, kafka_prefix: str) -> None:
    """A topic that forgets what must be kept for ever stops the start."""
    await ensure_topics(kafka, [replace(TOPIC, retention="24h")], prefix=kafka_prefix)
    with pytest.raises(SetupProblem, match=r"retention\.ms=86400000 instead of -1"):
        await ensure_topics(kafka, [TOPIC], prefix=kafka_prefix)


async def test_a_cluster_that_is_away_is_said_so() -> None:
    """Where nobody listens, the answer is one sentence with the address, and trying again may help."""
    address = f"127.0.0.1:{free_ports(1)[0]}"
    with pytest.raises(TryLater, match=address):
        await ensure_topics(Access(address), [TOPIC])


def test_retention_is_written_in_milliseconds() -> None:
    """Ninety days are 7,776,000,000 ms; for ever is -1; a working day is no length of time."""
    assert retention_ms(replace(TOPIC, retention="90d")) == 7_776_000_000
    assert retention_ms(TOPIC) == -1
    with pytest.raises(SetupProblem, match="3wd"):
        retention_ms(replace(TOPIC, retention="3wd"))


def test_three_brokers_keep_three_replicas_and_need_two() -> None:
    """With three replicas a write needs two of them, with one it needs that one."""
    assert plan_topic(TOPIC, replicas=3).settings["min.insync.replicas"] == "2"
    assert plan_topic(TOPIC, replicas=1).settings["min.insync.replicas"] == "1"


def test_a_batch_of_small_records_still_fits() -> None:
    """No topic refuses a batch that the broker's default would take, however small its records are."""
    limits = [int(plan_topic(topic, replicas=1).settings["max.message.bytes"]) for topic in TOPICS.values()]
    assert min(limits) >= KAFKA_DEFAULT_MAX_BYTES
