"""Records as CloudEvents 1.0 in Kafka's binary mode, so that tools of others know what they hold.

Source: CloudEvents Kafka protocol binding 1.0.2, section 3.2. Headers stand in clear for whoever reads the bus:
ids, a neutral type, a time; no fact of a case.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from contracts.codec import encode
from contracts.records import LogValue
from contracts.sealing import frame
from services.runtime.log.port import NO_HEADERS, NewRecord

CONTENT_TYPE: Final = b"application/vnd.confluent.avro"
"""The value is in Confluent framing; with its schema id anybody may ask what it says."""
SOURCE: Final = "/sampan"


def cloud_headers(ce_id: str, ce_type: str, at: datetime, source: str = SOURCE) -> dict[str, bytes]:
    """The headers of one record.

    Args:
        ce_id: unique within ``source``; the same on every resend, since it is kept with the record.
        ce_type: neutral, such as ``org.sampan.case-event``.
        at: aware; when what the record tells happened.
    """
    return {
        "ce_specversion": b"1.0",
        "ce_id": ce_id.encode(),
        "ce_source": source.encode(),
        "ce_type": ce_type.encode(),
        "ce_time": at.isoformat().encode(),
        "content-type": CONTENT_TYPE,
    }


def own_record(
    topic: str,
    key: UUID,
    schema: int,
    value: LogValue,
    *,
    ce_id: str,
    ce_type: str,
    at: datetime,
    more: Mapping[str, bytes] = NO_HEADERS,
) -> NewRecord:
    """A record that Sampan itself writes; arguments as :func:`cloud_headers`, ``more`` stands behind those."""
    return NewRecord(topic, key, frame(schema, encode(value)), {**cloud_headers(ce_id, ce_type, at), **more})
