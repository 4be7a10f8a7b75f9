"""The logs of other databases, as they made themselves known to the hub's.

A record of a log that is not known is passed over: whoever may write to a topic cannot invent one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.errors import SetupProblem


@dataclass(frozen=True, slots=True)
class KnownLog:
    """A service's own log, and the partitions whose records it writes."""

    log_id: UUID
    service: str
    partitions: frozenset[int]


async def known_logs(connection: Any, service: str | None = None) -> Sequence[KnownLog]:
    """Those that are known by now, of every service unless one is named. ``connection``: to the hub's database."""
    rows = await connection.fetch(
        "select log_id, service, partitions from runtime.known_logs where $1::text is null or service = $1"
        " order by known_since, log_id",
        service,
    )
    return [KnownLog(row["log_id"], row["service"], frozenset(row["partitions"])) for row in rows]


async def make_known(connection: Any, log: KnownLog, now: datetime) -> None:
    """Tell the hub's database of a log, before its first record. Doing it again changes nothing.

    Args:
        connection: in a transaction; it locks out others that do the same.

    Raises:
        SetupProblem: ``partitions-overlap``; ``partitions-differ``, the log is known with other ones.
    """
    await connection.execute("lock table runtime.known_logs in share row exclusive mode")
    others = await known_logs(connection, log.service)
    for other in others:
        if other.log_id == log.log_id:
            if other.partitions != log.partitions:
                raise _differs(other.partitions)
            return
        if other.partitions & log.partitions:
            raise _overlap(other.partitions & log.partitions)
    await connection.execute(
        "insert into runtime.known_logs (log_id, service, partitions, known_since) values ($1, $2, $3, $4)",
        *(log.log_id, log.service, sorted(log.partitions), now),
    )


def said(partitions: Collection[int]) -> str:
    """Partitions as settings name them: ``0-2,5``."""
    runs: list[list[int]] = []
    for one in sorted(partitions):
        if runs and one == runs[-1][-1] + 1:
            runs[-1].append(one)
        else:
            runs.append([one])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _overlap(partitions: Collection[int]) -> SetupProblem:
    return SetupProblem(
        f"Another database of this service answers for partitions {said(partitions)}.", code="partitions-overlap",
        field="SAMPAN_ROUTER__PARTITIONS", remedy="Give each shard partitions of its own.",
    )  # fmt: skip


def _differs(partitions: Collection[int]) -> SetupProblem:
    return SetupProblem(
        f"This database answered for partitions {said(partitions)} before, and holds their cases.",
        code="partitions-differ", field="SAMPAN_ROUTER__PARTITIONS",
        remedy="Name the same ones; moving cases to another shard is not done by a setting.",
    )  # fmt: skip
