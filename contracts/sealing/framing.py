"""Confluent wire format: a zero byte, the schema id (4 bytes, big-endian), the Avro payload."""

from __future__ import annotations

from contracts.errors import InvalidInput

_HEAD = 5


def frame(schema_id: int, payload: bytes) -> bytes:
    """Payload with its schema id in front."""
    return b"\0" + schema_id.to_bytes(4, "big") + payload


def unframe(data: bytes) -> tuple[int, bytes]:
    """Schema id and payload.

    Raises:
        InvalidInput: ``not-framed``; such bytes are not ours and go to the dead-letter topic.
    """
    if len(data) < _HEAD or data[0] != 0:
        raise InvalidInput(
            "This record is not in the Confluent wire format.", code="not-framed", field="value",
            remedy="Records of Sampan begin with a zero byte and a schema id.",
        )
    return int.from_bytes(data[1:_HEAD], "big"), data[_HEAD:]
