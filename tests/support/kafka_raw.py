"""A batch as bytes, for what no client library would write."""

from __future__ import annotations

import struct
from typing import Any

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

_NOT_LEADER_YET = 6


async def send_with_header_name(
    kafka: dict[str, Any], topic: str, partition: int, value: bytes, name: bytes
) -> None:
    """Put one record on a topic whose only header has a name of these bytes, UTF-8 or not."""
    stand_in = "~" * len(name)
    builder = DefaultRecordBatchBuilder(
        magic=2, compression_type=0, is_transactional=0, producer_id=-1, producer_epoch=-1, base_sequence=-1,
        batch_size=100_000,
    )  # fmt: skip
    builder.append(0, timestamp=1_700_000_000_000, key=None, value=value, headers=[(stand_in, b"1")])
    batch = bytearray(bytes(builder.build()).replace(stand_in.encode(), name))
    struct.pack_into(
        ">I", batch, 17, calc_crc32c(bytes(batch[21:]))
    )  # KIP-98: the sum covers what follows it
    client = AIOKafkaClient(**kafka)
    await client.bootstrap()
    try:
        await client.add_topic(topic)
        leader = client.cluster.leader_for_partition(TopicPartition(topic, partition))
        request = ProduceRequest(None, -1, 10_000, [(topic, [(partition, bytes(batch))])])
        code = _NOT_LEADER_YET
        while code == _NOT_LEADER_YET:
            answer = await client.send(leader, request)
            ((_, ((_, code, *_),)),) = answer.topics
        assert code == 0, code
    finally:
        await client.close()
