"""The whole path on three Kafka brokers, beside the embedded log, a bare relay and FastStream, with the same bytes.

One process runs the services and the relay, so that their CPU is told apart from the brokers' and PostgreSQL's.
Brokers share the two cores: the figures say what Kafka costs here, not what a cluster of machines would carry.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from benchmarks.faststream_hops import PARTITIONS, Hops
from benchmarks.machine import Meter, cpu_seconds_of, report
from benchmarks.members import by_member
from benchmarks.pipeline import BATCH, in_process, timed
from benchmarks.world import Bench, bench
from contracts.topics import TOPICS
from deploy.kafka.access import Access
from deploy.kafka.cluster import LocalCluster
from deploy.kafka.topics import ensure_topics
from services.assembly.instance import build
from services.relay import bootstrap as relay
from services.runtime.batch import Step
from services.runtime.consumer import ConsumerLoop, Prepare
from services.runtime.lease import PostgresLeases
from services.runtime.log.kafka import reading

HOPS: Final = 3
_TAKE_MS: Final = 100
_BATCH_BYTES: Final = 131_072  # as the relay's: a sealed referral has some nine thousand


async def on_kafka(world: Bench, access: Access, cluster: LocalCluster, count: int) -> dict[str, float]:
    """The same referrals as embedded, the services following Kafka."""
    store, said = world.instance.edges.store, access.for_aiokafka()
    await ensure_topics(access)

    def consume(name: str, topics: Sequence[str], step: Step, prepare: Prepare) -> ConsumerLoop:
        return ConsumerLoop(name, topics, step, store=store, leases=PostgresLeases(store.pool), log=store.log,
                            clock=store.clock, wake=store.wake, owner="bench", prepare=prepare)  # fmt: skip

    loop, sender = relay.bootstrap(kafka=said, consume=consume)
    await loop.run_once()  # what lies in the log already is carried before the clock starts
    async with reading(said, await store.log.log_id(), list(TOPICS)) as reader:
        instance = build(replace(world.instance.edges, log=reader))
        stop = asyncio.Event()
        beside = [
            asyncio.create_task(loop.run(stop)),
            asyncio.create_task(reader.follow(stop, store.wake, list(TOPICS))),
        ]
        brokers = _cpu_of(cluster)
        on = replace(world, instance=instance)
        figures = await timed(on, count, lambda raws: in_process(on, raws), openings=False)
        figures["brokers_cpu_us"] = round(1e6 * (_cpu_of(cluster) - brokers) / count)
        stop.set()
        await asyncio.gather(*beside)
    await sender.close()
    return figures


async def bare_relay(world: Bench, access: Access, count: int) -> dict[str, float]:
    """The baseline: the same bytes through as many topics, batched, each batch acknowledged before the next."""
    _, referrals = world.make(BATCH)
    said = access.for_aiokafka()
    names = [f"bare-{hop}" for hop in range(HOPS + 1)]
    await ensure_topics(access, [replace(TOPICS["case-events"], topic=name) for name in names])
    async with AsyncExitStack() as stack:
        producer = await stack.enter_async_context(
            AIOKafkaProducer(**said, acks="all", enable_idempotence=True, max_batch_size=_BATCH_BYTES)
        )
        consumers = []
        for name in names[:-1]:
            consumer = AIOKafkaConsumer(**said, auto_offset_reset="earliest", enable_auto_commit=False)
            consumer.assign([TopicPartition(name, partition) for partition in range(PARTITIONS)])
            consumers.append(await stack.enter_async_context(consumer))

        async def carry(wanted: int) -> None:
            hops = [asyncio.create_task(_hop(producer, consumers[n], names[n + 1], wanted)) for n in range(HOPS)]
            for start in range(0, wanted, BATCH):
                part = [(n % PARTITIONS, referrals[n % BATCH]) for n in range(start, min(start + BATCH, wanted))]
                await _send(producer, names[0], part)
            await asyncio.gather(*hops)

        await carry(BATCH * 2)  # warm
        with Meter(world.postgres_pid) as meter:
            await carry(count)
    return meter.per(count)


async def faststream(world: Bench, access: Access, count: int) -> dict[str, float]:
    """The same bytes over the same hops by FastStream's plain handler."""
    _, referrals = world.make(BATCH)
    names = [f"faststream-{hop}" for hop in range(HOPS + 1)]
    await ensure_topics(access, [replace(TOPICS["case-events"], topic=name) for name in names])
    hops = Hops(access, names, _BATCH_BYTES)
    async with hops.broker:
        await hops.broker.start()
        await hops.carry([(n % PARTITIONS, referrals[n % BATCH]) for n in range(BATCH)])  # warm
        with Meter(world.postgres_pid) as meter:
            await hops.carry([(n % PARTITIONS, referrals[n % BATCH]) for n in range(count)])
    return meter.per(count)


async def _hop(producer: AIOKafkaProducer, consumer: AIOKafkaConsumer, target: str, wanted: int) -> None:
    carried = 0
    while carried < wanted:
        batches = await consumer.getmany(timeout_ms=_TAKE_MS)
        part = [(at.partition, record.value) for at, records in batches.items() for record in records]
        if part:
            await _send(producer, target, part)
        carried += len(part)


async def _send(producer: AIOKafkaProducer, topic: str, part: Sequence[tuple[int, bytes]]) -> None:
    sent = [await producer.send(topic, value, partition=partition) for partition, value in part]
    await asyncio.gather(*sent)


def _cpu_of(cluster: LocalCluster) -> float:
    return sum(cpu_seconds_of(node.pid) for node in cluster.nodes if node.pid is not None)


async def run(seed: int, count: int, cluster: LocalCluster) -> dict[str, Any]:
    """Embedded, on Kafka, bare and on FastStream, in one run; then each service in a process of its own."""
    async with bench(seed) as world:
        await timed(world, BATCH * 2, lambda raws: in_process(world, raws), openings=False)  # warm
        figures: dict[str, Any] = {"count": count, "brokers": len(cluster.nodes)}
        embedded = await timed(world, count, lambda raws: in_process(world, raws), openings=False)
        figures["embedded_to_inbox"] = embedded
        figures["kafka_to_inbox"] = await on_kafka(world, cluster.access(), cluster, count)
        figures["bare_relay_three_hops"] = await bare_relay(world, cluster.access(), count)
        figures["faststream_three_hops"] = await faststream(world, cluster.access(), count)
    async with bench(seed) as world:  # a log of its own: nothing of the runs above is carried again
        figures["by_process"] = await by_member(world, cluster.access(), count)
        figures["by_process_watched"] = await by_member(world, cluster.access(), count, profile=True)
    return figures


def main(seed: int, count: int = 600) -> None:
    """Run and report."""
    folder = Path(tempfile.mkdtemp(prefix="sampan-bench-kafka-"))
    try:
        with LocalCluster(folder, nodes=3) as cluster:
            report("kafka", asyncio.run(run(seed, count, cluster)), seed)
    finally:
        shutil.rmtree(folder, ignore_errors=True)

