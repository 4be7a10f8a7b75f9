"""The log: topics of 12 partitions, each a dense sequence of records."""

from services.runtime.log.port import (
    MAX_RECORD_BYTES,
    PARTITIONS,
    LogPosition,
    LogReader,
    NewRecord,
    RecordTooLarge,
    StoredRecord,
    check_size,
    partition_of,
)

__all__ = [
    "MAX_RECORD_BYTES",
    "PARTITIONS",
    "LogPosition",
    "LogReader",
    "NewRecord",
    "RecordTooLarge",
    "StoredRecord",
    "check_size",
    "partition_of",
]
