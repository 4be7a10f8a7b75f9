"""The hash by which Kafka's default partitioner places a key."""

from __future__ import annotations

from struct import unpack_from

_MASK = 0xFFFFFFFF
_M = 0x5BD1E995
_SEED = 0x9747B28C


def murmur2(data: bytes) -> int:
    """MurmurHash2, 32 bits, unsigned, as ``org.apache.kafka.common.utils.Utils.murmur2`` computes it."""
    words, tail_bytes = divmod(len(data), 4)
    h = _SEED ^ len(data)
    for word in unpack_from(f"<{words}I", data):
        k = word * _M & _MASK
        k = (k ^ k >> 24) * _M & _MASK
        h = h * _M & _MASK ^ k
    if tail_bytes:
        h = (h ^ int.from_bytes(data[-tail_bytes:], "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15


def positive(value: int) -> int:
    """Kafka's ``toPositive``: the sign bit is dropped, not the sign turned."""
    return value & 0x7FFFFFFF
