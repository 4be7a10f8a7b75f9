"""Stored receipts, opened for whoever holds the keyring: to be verified, or decided anew under another law."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
from pydantic import SecretStr

from contracts.decision import Decision
from contracts.errors import SetupProblem
from routing.receipt import ReceiptInner, decode_decision, encode_decision
from routing.state import Recorded, recorded
from services.assembly import process
from services.assembly.keys import door
from services.assembly.settings import ServerSettings
from services.router.effects import RECEIPT, read_receipt
from services.runtime.clock import SystemClock
from services.vault.keyring import Keyring
from services.vault.port import VaultDoor

BATCH: Final = 500
_ROWS: Final = (
    "select event_id, subject_id, case_id, sealed from router.receipts"
    " where $1::uuid is null or event_id = $1 or case_id = $1 order by decided_at, log_position, subject_id"
)
Take = Callable[[Recorded, bytes | None, Mapping[UUID, bytes]], object]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored receipt, opened. ``code``: the case's code for the operator."""

    code: str
    case: UUID
    inner: ReceiptInner

    @property
    def decision(self) -> Decision:
        """What was concluded."""
        return decode_decision(self.inner.decision)


@dataclass(frozen=True, slots=True)
class Opened:
    """Stored receipts, opened. ``not_opened``: how many more there are, of persons who were erased."""

    kept: Sequence[Kept]
    not_opened: int


@dataclass(frozen=True, slots=True)
class DecidedAnew:
    """The cases' codes for the operator, and how many receipts could not be opened and were left out."""

    codes: Mapping[UUID, str]
    not_opened: int


@dataclass(frozen=True, slots=True)
class _Opener:
    connection: Any
    vault: VaultDoor
    operator: UUID

    async def opened(self, rows: Sequence[Any]) -> Opened:
        """Rows as receipts, in order; whoever was erased is counted alone. Of one event, mothers before babies."""
        keys = await self.vault.facts_keys(self.connection, {row["subject_id"] for row in rows})
        found = []
        for row in rows:
            event, subject, case, sealed = row
            if subject in keys:
                content = self.vault.open_facts(keys[subject], sealed, RECEIPT + event.bytes + subject.bytes)
                stored = read_receipt(content)
                inner = ReceiptInner(state=stored.state_before, record=recorded(stored.record), kin=stored.kin_before,
                                     decision=encode_decision(stored.decision))  # fmt: skip
                found.append(Kept(self.vault.case_code(case, self.operator), case, inner))
        order = {one.inner.record.event_id: number for number, one in reversed(list(enumerate(found)))}
        found.sort(key=lambda one: (order[one.inner.record.event_id], bool(one.inner.kin)))
        return Opened(found, len(rows) - len(found))


def settings_of(data: Path, dsn: str | None) -> ServerSettings:
    """Where the keyring lies and which database is meant; without ``dsn``, SAMPAN_DATABASE_URL or the data folder's."""
    return ServerSettings(data=data) if dsn is None else ServerSettings(data=data, database_url=SecretStr(dsn))


def of(data: Path, dsn: str | None, which: UUID) -> Opened:
    """The receipts of an event or of a case.

    Raises:
        SetupProblem: no database, no keyring, or a server runs on this data folder.
        NotAuthentic: the passphrase does not open the keyring.
    """
    settings = settings_of(data, dsn)
    with _place(settings) as (address, keys):
        return asyncio.run(_of(settings, address, keys, which))


async def _of(settings: ServerSettings, dsn: str, keys: Keyring | None, which: UUID) -> Opened:
    async with _opener(settings, dsn, keys) as opener:
        return await opener.opened(await opener.connection.fetch(_ROWS, which))


def decide_anew(dsn: str, data: Path, take: Take, progress: Progress) -> DecidedAnew:
    """Hand every stored record that can be opened to ``take``, in the order of the log.

    Args:
        take: record, the state it was decided from, and those of linked subjects.
        progress: how many of how many are done.
    """
    settings = settings_of(data, dsn)
    with _place(settings) as (address, keys):
        return asyncio.run(_decide_anew(settings, address, keys, take, progress))


async def _decide_anew(
    settings: ServerSettings, dsn: str, keys: Keyring | None, take: Take, progress: Progress
) -> DecidedAnew:
    codes: dict[UUID, str] = {}
    done = not_opened = 0
    async with (
        _opener(settings, dsn, keys) as opener,
        opener.connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        total = await opener.connection.fetchval("select count(*) from router.receipts")
        async for rows in _batches(opener.connection):
            opened = await opener.opened(rows)
            for one in opened.kept:
                codes[one.case] = one.code
                take(one.inner.record, one.inner.state, one.inner.kin)
            not_opened += opened.not_opened
            done += len(rows)
            progress(done, total)
    return DecidedAnew(codes, not_opened)


async def _batches(connection: Any) -> AsyncIterator[list[Any]]:
    """Rows in batches that never part one event's."""
    waiting: list[Any] = []
    async for row in connection.cursor(_ROWS, None, prefetch=BATCH):
        if len(waiting) >= BATCH and row["event_id"] != waiting[-1]["event_id"]:
            yield waiting
            waiting = []
        waiting.append(row)
    if waiting:
        yield waiting


@contextmanager
def _place(settings: ServerSettings) -> Iterator[tuple[str, Keyring | None]]:
    """A database that others may be using, or the data folder's own while no server runs on it."""
    if settings.database_url is not None:
        yield process.shared(settings)
        return
    process.check_database_kept(settings)
    with process.opened(settings) as place:
        yield place


@asynccontextmanager
async def _opener(settings: ServerSettings, dsn: str, keys: Keyring | None) -> AsyncIterator[_Opener]:
    try:
        connection = await asyncpg.connect(dsn)
    except (OSError, asyncpg.PostgresError):
        raise SetupProblem("The database does not answer.", code="no-database", field="--history",
                           remedy="Check that it runs, and its address.") from None  # fmt: skip
    try:
        operator = await connection.fetchval("select instance_id from runtime.instance")
        async with door(settings.vault, keys, secrets.token_bytes, SystemClock()) as vault:
            yield _Opener(connection, vault, operator)
    finally:
        await connection.close()
