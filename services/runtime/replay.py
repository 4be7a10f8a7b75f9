"""What an operator reads again: from a position, from a moment, or one case. Nothing here appends or applies.

By position is :meth:`services.runtime.lease.Leases.rewind` alone. By time is the same, from :func:`positions_at`.
By case is :func:`records_of`: one key cannot be rewound without its partition's other keys, so it is read beside, and
handed to its consumer by :func:`park_again`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from contracts.errors import Conflict
from services.runtime.log import LogReader, StoredRecord, partition_of
from services.runtime.parking import wait_behind

_BATCH: Final = 500
_PARK_KEY: Final = """
    insert into runtime.parked_keys (consumer, key, error_code, parked_at, release_requested)
    values ($1, $2, $3, $4, true) on conflict do nothing
"""
_PARKED: Final = """
    select exists (select from runtime.parked_records
                    where consumer = $1 and topic = $2 and partition = any ($3::smallint[]))
"""


async def positions_at(log: LogReader, topic: str, moment: datetime) -> dict[int, int]:
    """The offset by partition behind which the records appended at ``moment`` or later begin; -1 is before the first.

    Found by halving, so record times are taken to grow with the offset. Where clocks stepped back, it is one of the
    places at which the time is passed.
    """
    return {
        partition: await _position_at(log, topic, partition, head, moment)
        for partition, head in (await log.heads(topic)).items()
    }


async def _position_at(log: LogReader, topic: str, partition: int, head: int, moment: datetime) -> int:
    earlier, later = -1, head + 1
    while later - earlier > 1:
        middle = (earlier + later) // 2
        (record,) = await log.read(topic, partition, middle - 1, 1)
        if record.appended_at < moment:
            earlier = middle
        else:
            later = middle
    return earlier


def rewinds(applied: Mapping[int, int], wanted: Mapping[int, int]) -> dict[int, int]:
    """Of ``wanted`` positions by partition, those that lie behind what is applied: a replay never skips forward."""
    return {partition: offset for partition, offset in wanted.items() if offset < applied.get(partition, -1)}


async def records_of(log: LogReader, topic: str, key: UUID) -> AsyncIterator[StoredRecord]:
    """Every record of one key, in order, up to the newest when it began."""
    partition = partition_of(key)
    head, after = await log.head(topic, partition), -1
    while after < head:
        batch = await log.read(topic, partition, after, min(_BATCH, head - after))
        if not batch:
            return
        for record in batch:
            after = record.position.offset
            if record.key == key:
                yield record


async def check_unparked(connection: Any, consumer: str, topic: str, partitions: Collection[int]) -> None:
    """Before ``partitions`` are rewound: what waits there behind its key would be applied after newer records.

    Call it in the transaction that rewinds, behind the rewinding: by then nobody else parks there.

    Raises:
        Conflict: ``key-parked``.
    """
    if await connection.fetchval(_PARKED, consumer, topic, sorted(partitions)):
        raise Conflict("records of these partitions wait for a release", code="key-parked",
                       remedy="Release or wait for them first: sampan lanes list.")  # fmt: skip


async def park_again(connection: Any, consumer: str, records: Sequence[StoredRecord], now: datetime) -> None:
    """Have a consumer apply one key's records again, in order: they wait behind the key, with its release asked for.

    New records of the key wait behind them. Call it in a transaction.

    Raises:
        Conflict: ``key-parked``; something waits behind that key already.
    """
    key = records[0].key
    done = await connection.execute(_PARK_KEY, consumer, key, "replay", now)
    if done != "INSERT 0 1":
        raise Conflict("records of that case wait for a release already", code="key-parked", field="--case",
                       remedy="Release or wait for them first: sampan lanes list.")  # fmt: skip
    for record in records:
        await wait_behind(connection, consumer, key, record.position)
