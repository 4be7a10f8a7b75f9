"""Where a key's records go, in our log and in Kafka alike."""

from __future__ import annotations

from uuid import UUID

import pytest
from aiokafka.partitioner import murmur2 as aiokafka_murmur2
from hypothesis import given
from hypothesis import strategies as st

from services.runtime.log import PARTITIONS, partition_of
from services.runtime.log.headers import pack_headers, unpack_headers
from services.runtime.log.murmur2 import murmur2, positive

# Kafka's own vectors: clients/src/test/java/org/apache/kafka/common/utils/UtilsTest.java, signed there.
KAFKA_VECTORS = [
    (b"21", -973932308),
    (b"foobar", -790332482),
    (b"a-little-bit-long-string", -985981536),
    (b"a-little-bit-longer-string", -1486304829),
    (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
    (b"abc", 479470107),
]


@pytest.mark.parametrize(("data", "signed"), KAFKA_VECTORS)
def test_murmur2_agrees_with_kafkas_own_vectors(data: bytes, signed: int) -> None:
    """The hash is the one of Kafka's Java client."""
    assert murmur2(data) == signed % 2**32


@given(st.binary(max_size=64))
def test_murmur2_agrees_with_aiokafka(data: bytes) -> None:
    """The hash is the one of the Kafka client that the relay uses, for any bytes."""
    assert murmur2(data) == aiokafka_murmur2(data) % 2**32


@given(st.uuids())
def test_a_key_has_one_of_twelve_partitions(key: UUID) -> None:
    """The partition is that of the key's 36 characters under Kafka's default partitioner."""
    assert partition_of(key) == positive(aiokafka_murmur2(str(key).encode())) % PARTITIONS
    assert 0 <= partition_of(key) < 12


def test_partitions_never_move() -> None:
    """Stored records stay where they are: these places are part of the format."""
    keys = [UUID(int=n) for n in range(8)]
    assert [partition_of(key) for key in keys] == [9, 2, 5, 7, 0, 3, 11, 8]


@given(st.dictionaries(st.text(max_size=20), st.binary(max_size=40), max_size=5))
def test_headers_come_back_as_they_were(headers: dict[str, bytes]) -> None:
    """Packing loses nothing: names in any script, empty values, any bytes."""
    assert unpack_headers(pack_headers(headers)) == headers
