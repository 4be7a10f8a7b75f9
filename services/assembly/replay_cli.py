"""``sampan replay``: have a service read again what it has applied. It looks first, and does it only when told to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import typer

from contracts.errors import InvalidInput
from contracts.topic_names import DISPATCHES
from services.assembly.operator import By, Data, Json, echo_table, said, with_database
from services.assembly.settings import ServerSettings
from services.runtime.lease import rewind_on
from services.runtime.log import PARTITIONS, StoredRecord, partition_of
from services.runtime.log.postgres import PostgresLogReader
from services.runtime.operations import Said, record_act
from services.runtime.positions import applied_offsets
from services.runtime.replay import check_unparked, park_again, positions_at, records_of, rewinds

REPLAYED: Final[Mapping[str, str]] = {"delivery": DISPATCHES, "intake-aliases": DISPATCHES}
"""Consumer → its topic: those that only keep what they are told. Doing it twice leaves the same tables."""
_WHY_NOT: Final[Mapping[str, str]] = {
    "router": "the router would decide again, by today's state and law; what it decided stands in its receipts",
    "relay": "the relay would send to topics that others read",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """From where on; exactly one is stated."""

    positions: Mapping[int, int]
    since: datetime | None
    case: UUID | None


@dataclass(frozen=True, slots=True)
class Found:
    """What would be read again: first offset and number of records, by partition."""

    ranges: Mapping[int, tuple[int, int]]
    records: Sequence[StoredRecord] = ()

    @property
    def count(self) -> int:
        """How many records it is."""
        return sum(count for _, count in self.ranges.values())


def replay(
    consumer: Annotated[str, typer.Argument(help="delivery, or intake-aliases.")],
    *,
    position: Annotated[
        list[str] | None, typer.Option("--position", help="PARTITION:OFFSET to read from; several may be given.")
    ] = None,
    since: Annotated[str | None, typer.Option("--since", help="A moment, like 2026-03-02T09:00+07:00.")] = None,
    case: Annotated[str | None, typer.Option("--case", help="A case's id, or its key on the log.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without, only say how much it would be.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why, naming no person; kept. Needed with --apply.")] = "",
    by: By = None,
    data: Data = Path("data"),
    as_json: Json = False,
) -> None:
    """Have a service read records of its database's log again: from a position, from a moment, or one case.

    Nothing is appended and nothing is skipped: what it applied before leaves its tables as they are, and what they
    lack comes in. The service may run; whoever holds a partition loses it and takes it again. The router is never
    replayed: it would decide anew.

    Example: sampan replay delivery --since 2026-03-02T09:00+07:00
    """
    if consumer not in REPLAYED:
        raise InvalidInput(_WHY_NOT.get(consumer, "there is no such consumer"), code="not-replayed", field="CONSUMER",
                           remedy="Known: " + ", ".join(sorted(REPLAYED)) + ".")  # fmt: skip
    wanted = _wanted(position or [], since, case)
    who = said(by, reason) if apply else None
    found = with_database(data, partial(_replayed, consumer, wanted, who))
    _tell(consumer, found, applied=apply, as_json=as_json)


async def _replayed(
    consumer: str, wanted: Wanted, who: Said | None, _settings: ServerSettings, connection: Any
) -> Found:
    topic = REPLAYED[consumer]
    applied = await applied_offsets(connection, consumer, topic)
    found = await _find(connection, topic, applied, wanted)
    if who is None or not found.count:
        return found
    await record_act(connection, "replay", _place(consumer, topic, found, wanted), who)
    if wanted.case is not None:
        await park_again(connection, consumer, found.records, who.at)
    else:
        for partition, (first, _) in sorted(found.ranges.items()):
            await rewind_on(connection, consumer, topic, partition, first - 1)
        await check_unparked(connection, consumer, topic, found.ranges)
    return found


async def _find(connection: Any, topic: str, applied: Mapping[int, int], wanted: Wanted) -> Found:
    log = PostgresLogReader(connection)
    if wanted.case is not None:
        key = await _key(connection, wanted.case)
        partition = partition_of(key)
        until = applied.get(partition, -1)
        mine = [one async for one in records_of(log, topic, key) if one.position.offset <= until]
        return Found({partition: (mine[0].position.offset, len(mine))} if mine else {}, mine)
    places = await positions_at(log, topic, wanted.since) if wanted.since else wanted.positions
    back = rewinds(applied, places)
    return Found({partition: (to + 1, applied[partition] - to) for partition, to in sorted(back.items())})


async def _key(connection: Any, case: UUID) -> UUID:
    key: UUID | None = await connection.fetchval(
        "select log_key from delivery.dispatches where case_id = $1 limit 1", case
    )
    return key or case


def _place(consumer: str, topic: str, found: Found, wanted: Wanted) -> str:
    if wanted.case is not None:
        return f"{consumer} {topic} case {wanted.case}"
    return f"{consumer} {topic} " + " ".join(f"{at}:{first}" for at, (first, _) in sorted(found.ranges.items()))


def _wanted(positions: Sequence[str], since: str | None, case: str | None) -> Wanted:
    if sum((bool(positions), since is not None, case is not None)) != 1:
        raise InvalidInput("say from where: one of --position, --since and --case", code="replay-from-where",
                           remedy="Example: sampan replay delivery --position 3:1200.")  # fmt: skip
    return Wanted(
        dict(_position(one) for one in positions), _moment(since) if since is not None else None,
        _id(case) if case is not None else None,
    )  # fmt: skip


def _position(text: str) -> tuple[int, int]:
    """``3:1200`` as the partition and what is then the newest applied."""
    partition, _, offset = text.partition(":")
    if not (partition.isdecimal() and offset.isdecimal() and int(partition) < PARTITIONS):
        raise InvalidInput("a position is PARTITION:OFFSET", code="bad-position", field="--position",
                           remedy=f"Write a partition from 0 to {PARTITIONS - 1}: 3:1200.")  # fmt: skip
    return int(partition), int(offset) - 1


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None  # said below
    if moment is None or moment.tzinfo is None:
        raise InvalidInput("a moment needs date, time and zone", code="bad-moment", field="--since",
                           remedy="Write it like 2026-03-02T09:00+07:00.")  # fmt: skip
    return moment


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput("a case is named by its id", code="bad-case", field="--case",
                           remedy="`sampan lanes list --json` shows the keys of parked cases.") from None  # fmt: skip


def _tell(consumer: str, found: Found, *, applied: bool, as_json: bool) -> None:
    topic = REPLAYED[consumer]
    rows = [(topic, at, first, count) for at, (first, count) in sorted(found.ranges.items())]
    if as_json:
        ranges = [dict(zip(("topic", "partition", "from", "records"), row, strict=True)) for row in rows]
        typer.echo(json.dumps({"consumer": consumer, "applied": applied and bool(rows), "ranges": ranges}))
        return
    if not rows:
        typer.echo(f"{consumer} has applied nothing from there on; there is nothing to read again.")
        return
    echo_table(("topic", "partition", "from", "records"), rows)
    if applied:
        typer.echo(f"{consumer} reads {found.count} records again; the reason is kept.")
    else:
        typer.echo(f"{found.count} records would be read again. Nothing was changed; --apply --reason does it.")
