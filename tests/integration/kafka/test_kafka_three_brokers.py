"""Three brokers: what was acknowledged survives the end of one, and a broker that was away comes back."""

from __future__ import annotations

import asyncio
from typing import Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from contracts.topics import CASE_EVENTS, TOPICS
from deploy.kafka.cluster import LocalCluster
from deploy.kafka.ready import admin, lagging_partitions, living_brokers
from deploy.kafka.topics import ensure_topics

EACH: Final = 24
PARTITIONS: Final = range(TOPICS[CASE_EVENTS].partitions)


async def _send(kafka: LocalCluster, topic: str, first: int) -> None:
    """Send records numbered from ``first``, two to each partition, and await every acknowledgement."""
    async with AIOKafkaProducer(**kafka.access().for_aiokafka(), acks="all") as producer:
        sent = [
            await producer.send(topic, str(number).encode(), partition=number % len(PARTITIONS))
            for number in range(first, first + EACH)
        ]
        await asyncio.gather(*sent)


async def _read(kafka: LocalCluster, topic: str, count: int) -> list[int]:
    """The numbers of the first ``count`` records of all partitions, sorted."""
    consumer = AIOKafkaConsumer(**kafka.access().for_aiokafka(), auto_offset_reset="earliest")
    consumer.assign([TopicPartition(topic, partition) for partition in PARTITIONS])
    async with consumer:
        return sorted([int((await consumer.getone()).value) for _ in range(count)])


async def test_three_brokers_survive_the_death_of_one(three_brokers: LocalCluster) -> None:
    """After ``kill -9`` of one broker two go on taking records, none is lost, and the third catches up."""
    access, topic = three_brokers.access(), "survival-case-events"
    await ensure_topics(access, [TOPICS[CASE_EVENTS]], prefix="survival-", replicas=3)
    await _send(three_brokers, topic, 0)
    three_brokers.node(2).kill()
    await _send(three_brokers, topic, EACH)
    assert await _read(three_brokers, topic, 2 * EACH) == list(range(2 * EACH))
    assert await lagging_partitions(access)
    await asyncio.to_thread(three_brokers.restart, 2)
    await asyncio.to_thread(three_brokers.wait_in_sync)
    assert await living_brokers(access) == {1, 2, 3}
    assert not await lagging_partitions(access)
    await _send(three_brokers, topic, 2 * EACH)
    assert await _read(three_brokers, topic, 3 * EACH) == list(range(3 * EACH))


async def test_every_topic_has_three_replicas(three_brokers: LocalCluster) -> None:
    """On three brokers each partition lies on all three, without anybody saying so."""
    await ensure_topics(three_brokers.access(), [TOPICS[CASE_EVENTS]], prefix="replicas-")
    async with admin(three_brokers.access()) as client:
        (topic,) = await client.describe_topics(["replicas-case-events"])
    assert {tuple(sorted(partition["replicas"])) for partition in topic["partitions"]} == {(1, 2, 3)}


async def test_topics_are_in_order_while_a_broker_is_away(three_brokers: LocalCluster) -> None:
    """A service that starts while one of three is down finds its topics as they are to be."""
    access = three_brokers.access()
    await ensure_topics(access, [TOPICS[CASE_EVENTS]], prefix="away-")
    three_brokers.node(1).kill()
    while await living_brokers(access) != {2, 3}:
        await asyncio.sleep(0.05)
    assert await ensure_topics(access, [TOPICS[CASE_EVENTS]], prefix="away-") == ()


async def test_a_paused_broker_is_counted_out_and_in_again(three_brokers: LocalCluster) -> None:
    """A stopped process is counted out after its session; continued, it is one of three again."""
    access = three_brokers.access()
    three_brokers.node(3).pause()
    assert three_brokers.node(3).pid is not None
    while await living_brokers(access) != {1, 2}:
        await asyncio.sleep(0.05)
    three_brokers.node(3).resume()
    while await living_brokers(access) != {1, 2, 3}:
        await asyncio.sleep(0.05)
