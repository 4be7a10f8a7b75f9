"""Dead letters as an operator sees them: where, how large, since when; dropped or read again, with a reason.

Two kinds. What stands in our log and could not be framed was emitted to ``<topic>-dlq`` with its position
(``log/…``). What a stranger put on Kafka has no place in our log: whoever found it noted it (``kafka/…``), and its
bytes lie on Kafka's ``-dlq``. No content is read here: the bytes are foreign, and may be of a case.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from contracts.errors import Conflict, NotFound, TryLater
from services.runtime.batch import CONSUMER, ORIGIN
from services.runtime.failures import NotOurs
from services.runtime.log import LogPosition
from services.runtime.log.headers import unpack_headers
from services.runtime.operations import Said, record_act
from services.runtime.parking import wait_behind

ON_KAFKA: Final = "kafka/"
_NEVER_REREAD: Final = frozenset({"router"})
"""Whoever decides by what came before: an old record after a newer one brings a withdrawn consent back."""
_NOTE: Final = """
    insert into operations.dead_letters
           (place, topic, error_code, value_bytes, key_bytes, headers, sha256, found_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing
"""
_FOUND: Final = """
    with found as (
        select place, topic, error_code, value_bytes, headers, sha256, found_at from operations.dead_letters
        union all
        select 'log/' || topic || '/' || partition || '/' || "offset", left(topic, -4), 'not-ours',
               octet_length(value), null, sha256(value), appended_at
          from log.records
         where topic = any (array(select distinct h.topic from log.heads h where h.topic like '%-dlq'))
    )
    select f.place, f.topic, f.error_code, f.value_bytes, f.headers, f.sha256, f.found_at, a.act
      from found f left join operations.settled s using (place) left join operations.acts a using (act_id)
     where $1 or s.place is null
     order by f.found_at, f.place
"""
_COUNTS: Final = """
    with found as (
        select place, topic from operations.dead_letters
        union all
        select 'log/' || topic || '/' || partition || '/' || "offset", left(topic, -4) from log.records
         where topic = any (array(select distinct h.topic from log.heads h where h.topic like '%-dlq'))
    )
    select topic, count(*) as waiting from found f
     where not exists (select from operations.settled s where s.place = f.place)
     group by topic order by topic
"""
_HEADERS: Final = """
    select headers from log.records where topic = $1 and partition = $2 and "offset" = $3
"""
_STANDS: Final = """
    select r.key from log.records r cross join log.identity i
     where i.log_id = $1 and r.topic = $2 and r.partition = $3 and r."offset" = $4
"""
_PARK: Final = """
    insert into runtime.parked_keys (consumer, key, error_code, parked_at, release_requested)
    values ($1, $2, $3, $4, true) on conflict (consumer, key) do update set release_requested = true
"""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One dead letter. ``headers`` is their number, None where it stands in our log; ``settled`` by which act."""

    place: str
    topic: str
    error_code: str
    value_bytes: int
    headers: int | None
    sha256: bytes
    found_at: datetime
    settled: str | None = None

    @property
    def name(self) -> str:
        """Eight digits that it goes by."""
        return hashlib.sha256(self.place.encode()).hexdigest()[:8]


async def note(connection: Any, record: Any, topic: str, found_at: datetime) -> None:
    """Keep where one of aiokafka's ``ConsumerRecord`` was found. Doing it again changes nothing.

    Args:
        topic: its name in the log, without a prefix.

    Raises:
        TryLater: ``dead-letter-not-noted``; the database does not answer.
    """
    value, key = record.value or b"", record.key or b""
    try:
        await connection.execute(
            _NOTE, kafka_place(record.topic, record.partition, record.offset), topic, NotOurs.default_code,
            len(value), len(key), len(record.headers), hashlib.sha256(value).digest(), found_at,
        )  # fmt: skip
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        raise TryLater("The database does not take a dead letter's place.", code="dead-letter-not-noted") from None


def kafka_place(topic: str, partition: int, offset: int) -> str:
    """Where a record stands on Kafka, as one word."""
    return f"{ON_KAFKA}{topic}/{partition}/{offset}"


def place_of(letter: DeadLetter) -> tuple[str, int, int]:
    """Topic, partition and offset at which a dead letter was found, or in our log stands."""
    _, topic, partition, offset = letter.place.split("/")
    return topic, int(partition), int(offset)


async def list_dead_letters(connection: Any, *, everything: bool = False) -> Sequence[DeadLetter]:
    """Those that nobody has dealt with, oldest first; with ``everything`` the settled ones too."""
    return [DeadLetter(*row) for row in await connection.fetch(_FOUND, everything)]


async def waiting_by_topic(connection: Any) -> dict[str, int]:
    """How many nobody has dealt with, by the topic they were found on; topics without any are absent."""
    return {row["topic"]: row["waiting"] for row in await connection.fetch(_COUNTS)}


async def find(connection: Any, digits: str) -> DeadLetter:
    """The dead letter whose name begins with ``digits``, settled or not.

    Raises:
        NotFound: ``no-such-dead-letter``; none does, or several do.
    """
    letters = await list_dead_letters(connection, everything=True)
    wanted = digits.strip().lower()
    found = [letter for letter in letters if len(wanted) >= 4 and letter.name.startswith(wanted)]
    if len(found) != 1:
        raise NotFound(
            "several dead letters begin like that" if found else "no dead letter goes by that name",
            code="no-such-dead-letter", field="LETTER", remedy="See the list; write 4 digits at least.",
        )  # fmt: skip
    return found[0]


async def settle(connection: Any, letter: DeadLetter, act: str, said: Said) -> None:
    """Record that somebody dealt with it. Call it in a transaction.

    Raises:
        Conflict: ``already-settled``.
    """
    number = await record_act(connection, act, letter.place, said)
    done = await connection.execute(
        "insert into operations.settled (place, act_id) values ($1, $2) on conflict do nothing", letter.place, number
    )
    if done != "INSERT 0 1":
        raise Conflict("somebody dealt with this dead letter already", code="already-settled", field="LETTER",
                       remedy="Show it: the act stands there.")  # fmt: skip


async def origin_of(connection: Any, letter: DeadLetter) -> tuple[str, str]:
    """Where the record stands that a dead letter of our log was, and the consumer that could not frame it.

    Raises:
        NotFound: ``no-origin``; it is no longer in the log, or does not say.
    """
    packed = await connection.fetchval(_HEADERS, *place_of(letter))
    headers = unpack_headers(packed) if packed is not None else {}
    origin, consumer = headers.get(ORIGIN), headers.get(CONSUMER)
    if origin is None or consumer is None:
        raise _no_origin()
    return origin.decode(), consumer.decode()


async def read_again(connection: Any, letter: DeadLetter, said: Said) -> str:
    """Give a record of our log back to the consumer that could not frame it; returns that consumer.

    It waits behind its key like any parked record, with its release asked for: the consumer's own process tries it
    as soon as it looks. What it still cannot frame becomes a dead letter again. Call it in a transaction.

    Raises:
        NotFound: ``no-origin``; the record stands in another database's log, or before a restore.
        Conflict: ``not-reread``, its consumer decides in order; or as :func:`settle`.
    """
    origin, consumer = await origin_of(connection, letter)
    if consumer in _NEVER_REREAD:
        raise Conflict("the router would decide it after what came later of that case", code="not-reread",
                       field="LETTER", remedy="Drop it with a reason, and ask its sender to send again.")  # fmt: skip
    log_id, topic, partition, offset = origin.split("/")
    at = LogPosition(UUID(log_id), topic, int(partition), int(offset))
    key = await connection.fetchval(_STANDS, at.log_id, at.topic, at.partition, at.offset)
    if key is None:
        raise _no_origin()
    await settle(connection, letter, "dead-letter-reread", said)
    await connection.execute(_PARK, consumer, key, letter.error_code, said.at)
    await wait_behind(connection, consumer, key, at)
    return consumer


def _no_origin() -> NotFound:
    return NotFound("the record that this was cannot be found in this log", code="no-origin", field="LETTER",
                    remedy="Drop it with a reason, and ask its sender to send again.")  # fmt: skip
