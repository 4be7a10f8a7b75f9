"""The log in PostgreSQL: reading by primary key, appending by the one function that may."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.runtime.log.headers import pack_headers, unpack_headers
from services.runtime.log.port import LogPosition, NewRecord, StoredRecord, partition_of

_HEADS = "select partition, next_offset - 1 as head from log.heads where topic = $1"
_READ_MANY = """
    select i.log_id, r.partition, r."offset", r.key, r.value, r.headers, r.appended_at
      from unnest($2::smallint[], $3::bigint[]) as wanted(partition, after_offset)
     cross join log.identity i
     cross join lateral (
           select * from log.records r
            where r.topic = $1 and r.partition = wanted.partition and r."offset" > wanted.after_offset
            order by r."offset" limit $4) r
     order by r.partition, r."offset"
"""
_READ_AT = """
    select i.log_id, r.partition, r."offset", r.key, r.value, r.headers, r.appended_at
      from (select distinct * from unnest($2::smallint[], $3::bigint[])) as wanted(partition, "offset")
     cross join log.identity i
      join log.records r
        on r.topic = $1 and r.partition = wanted.partition and r."offset" = wanted."offset"
"""
_APPEND = """
    select log_id, "offset"
      from log.append($1::text[], $2::smallint[], $3::uuid[], $4::bytea[], $5::bytea[], $6, $7)
     order by ord
"""


class PostgresLogReader:
    """Reads the log of one database through ``pool``."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def log_id(self) -> UUID:
        value: UUID = await self._pool.fetchval("select log_id from log.identity")
        return value

    async def head(self, topic: str, partition: int) -> int:
        return (await self.heads(topic)).get(partition, -1)

    async def heads(self, topic: str) -> Mapping[int, int]:
        return {row["partition"]: row["head"] for row in await self._pool.fetch(_HEADS, topic)}

    async def read(self, topic: str, partition: int, after_offset: int, limit: int) -> Sequence[StoredRecord]:
        return await self.read_many(topic, {partition: after_offset}, limit)

    async def read_many(
        self, topic: str, after_offsets: Mapping[int, int], limit_each: int
    ) -> Sequence[StoredRecord]:
        partitions, offsets = list(after_offsets.keys()), list(after_offsets.values())
        rows = await self._pool.fetch(_READ_MANY, topic, partitions, offsets, limit_each)
        return [_stored(topic, row) for row in rows]

    async def read_at(self, topic: str, places: Collection[tuple[int, int]]) -> Sequence[StoredRecord]:
        partitions, offsets = [partition for partition, _ in places], [offset for _, offset in places]
        return [_stored(topic, row) for row in await self._pool.fetch(_READ_AT, topic, partitions, offsets)]


async def append(
    connection: Any, records: Sequence[NewRecord], appended_at: datetime, *, notify: bool
) -> list[LogPosition]:
    """Append ``records`` as the last statement of the connection's open transaction.

    Call it once per transaction: the order in which heads are locked is sorted within one call only.
    """
    by_key = {record.key: -1 for record in records}  # a case emits several records at once
    for key in by_key:
        by_key[key] = partition_of(key)
    partitions = [by_key[record.key] for record in records]
    rows = await connection.fetch(
        _APPEND,
        [record.topic for record in records],
        partitions,
        [record.key for record in records],
        [record.value for record in records],
        [pack_headers(record.headers) for record in records],
        appended_at,
        notify,
    )
    return [
        LogPosition(row["log_id"], record.topic, partition, row["offset"])
        for row, record, partition in zip(rows, records, partitions, strict=True)
    ]


def _stored(topic: str, row: Any) -> StoredRecord:
    return StoredRecord(
        position=LogPosition(row["log_id"], topic, row["partition"], row["offset"]),
        key=row["key"],
        value=row["value"],
        headers=unpack_headers(row["headers"]),
        appended_at=row["appended_at"],
    )
