"""Headers as one bytes field: 2-byte name length, name in UTF-8, 4-byte value length, value; big-endian."""

from __future__ import annotations

import struct
from collections.abc import Mapping


def pack_headers(headers: Mapping[str, bytes]) -> bytes:
    """Headers as bytes, in the order given."""
    parts: list[bytes] = []
    for name, value in headers.items():
        encoded = name.encode("utf-8")
        parts += (struct.pack(">H", len(encoded)), encoded, struct.pack(">I", len(value)), value)
    return b"".join(parts)


def unpack_headers(packed: bytes) -> dict[str, bytes]:
    """The headers that :func:`pack_headers` was given."""
    headers: dict[str, bytes] = {}
    at = 0
    while at < len(packed):
        (name_bytes,) = struct.unpack_from(">H", packed, at)
        name_at = at + 2
        (value_bytes,) = struct.unpack_from(">I", packed, name_at + name_bytes)
        value_at = name_at + name_bytes + 4
        name = packed[name_at : name_at + name_bytes].decode("utf-8")
        headers[name] = packed[value_at : value_at + value_bytes]
        at = value_at + value_bytes
    return headers
