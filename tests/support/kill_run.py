"""Drives a run in which the server dies again and again while referrals, answers and withdrawals flow."""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import socket
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg

from contracts.sealing import SigningKey
from services.edge.prepare import SenderKeys
from services.runtime import registry
from services.runtime.clock import SystemClock
from services.runtime.store.postgres import PostgresStore
from services.runtime.wake import Wake
from services.vault.keyring import Keyring
from tests.support.history import History
from tests.support.history_reading import effect_of, read_back
from tests.support.kill_clients import NGO, Clients
from tests.support.stubborn_primero import StubbornPrimero
from tests.support.victim import PRIMERO_AGENCY, SEAMS, WEBHOOK_AGENCY, directory
from tests.support.webhook_receiver import WebhookReceiver

PATIENCE_SECONDS: Final = 180
"""How long the run may take to come to rest, or a lane to park, once the server is left alone."""
_SEAM_SECONDS: Final = 4.0
"""A seam that is not reached within this long of listening is given up, and the server killed all the same."""
_POLL_SECONDS: Final = 0.05
_WHENEVER: Final = ("while-starting", "some-time")
"""Deaths by the clock beside those at seams: before it listens, and at any moment after."""


@dataclass
class KillRun:
    """One run. ``kills`` deaths, chosen by ``seed``, over ``cases`` cases."""

    dsn: str
    folder: Path
    seed: int
    kills: int
    cases: int
    history: History = field(default_factory=History)
    deaths: Counter[str] = field(default_factory=Counter)
    """How often it died where: at the seam itself, or ``by-the-clock``."""
    _done: bool = False
    _process: asyncio.subprocess.Process | None = None

    async def play(self) -> History:
        """Run it and return what happened."""
        self.history.webhook_recipient, self.history.primero_recipient = WEBHOOK_AGENCY, PRIMERO_AGENCY
        Keyring.create(self.folder / "keyring.json", secrets.token_bytes)
        self._port = free_port()
        keys = {slug: keys_of(slug) for slug in (NGO, WEBHOOK_AGENCY, PRIMERO_AGENCY)}
        tokens = await enrol(self.dsn, keys)
        primero = StubbornPrimero(now=lambda: datetime.now(UTC), new_id=uuid4)
        receiver = WebhookReceiver()
        await primero.start()
        await receiver.start()
        address = f"http://127.0.0.1:{self._port}"
        clients = Clients(self.history, address, keys, tokens, self._ministry_calls)
        try:
            self._addresses = {"primero": primero.url, "webhook": receiver.url}
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_killing())
                group.create_task(self._flow(clients))
        finally:
            await self._kill()
            await clients.close()
            await primero.stop()
            await receiver.stop()
        self.history.notices = receiver.notices
        self.history.primero = [effect_of(effect) for effect in primero.journal]
        await read_back(self.dsn, self.history, directory())
        return self.history

    async def _flow(self, clients: Clients) -> None:
        """Referrals, then answers; withdrawals among them, the last ones past lanes that have parked."""
        await clients.refer(self.cases)
        await clients.answer(self.cases, self._at_rest)
        await self._until(
            f"select count(*) >= {len(clients.parked)} from delivery.lanes where state = 'parked'"
        )
        for case, subject in clients.parked:
            await clients.withdraw(case, subject)
        while self.deaths.total() < self.kills:
            await asyncio.sleep(_POLL_SECONDS)
        await self._until(f"select not ({BUSY})")
        self._done = True

    async def _keep_killing(self) -> None:
        chance = random.Random(self.seed)
        while self.deaths.total() < self.kills:
            seam = chance.choice((*SEAMS, *_WHENEVER))
            passes = chance.randint(1, 40 if seam in ("begin", "before-commit", "after-commit") else 8)
            await self._one_life(seam, 1 if seam == "start" else passes, chance.uniform(0.2, 2.5))
        await self._start(None, 1)
        while not self._done:
            await asyncio.sleep(_POLL_SECONDS)

    async def _one_life(self, seam: str, passes: int, seconds: float) -> None:
        """Until the seam kills it, or ``seconds`` have passed since its birth or since it listens."""
        process = await self._start(None if seam in _WHENEVER else seam, passes)
        if seam != "while-starting":
            await self._until_it_listens_or_dies(process)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds if seam in _WHENEVER else _SEAM_SECONDS):
                await process.wait()
        self.deaths[seam if process.returncode is not None or seam in _WHENEVER else "by-the-clock"] += 1
        await self._kill()

    async def _start(self, seam: str | None, passes: int) -> asyncio.subprocess.Process:
        config = {
            "dsn": self.dsn, "keyring": str(self.folder / "keyring.json"), "port": self._port, "seam": seam,
            "passes": passes, **self._addresses,
        }  # fmt: skip
        path = self.folder / "victim.json"
        path.write_text(json.dumps(config), encoding="utf-8")
        with (self.folder / "victim.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.support.victim", str(path), stdout=log, stderr=log
            )
        return self._process

    async def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def _until_it_listens_or_dies(self, process: asyncio.subprocess.Process) -> None:
        while process.returncode is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            await asyncio.sleep(_POLL_SECONDS)

    async def _until(self, question: str) -> None:
        """Wait until the database answers yes."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not await self._ask(question):
                    await asyncio.sleep(2 * _POLL_SECONDS)
        except TimeoutError:
            raise AssertionError(f"not within {PATIENCE_SECONDS} s: {' '.join(question.split())}") from None

    async def _at_rest(self) -> bool:
        """Whether it dies no more and has nothing left to do."""
        return self.deaths.total() >= self.kills and bool(await self._ask(f"select not ({BUSY})"))

    async def _ministry_calls(self, subject: UUID) -> UUID | None:
        recipient = directory().by_slug(PRIMERO_AGENCY).agency_id
        known: UUID | None = await self._ask(ALIAS, subject, recipient)
        return known

    async def _ask(self, question: str, *arguments: object) -> Any:
        connection: Any = await asyncpg.connect(self.dsn)
        try:
            return await connection.fetchval(question, *arguments)
        finally:
            await connection.close()


BUSY: Final = """
    exists (
        select 1 from log.heads h cross join log.identity
          join runtime.positions p using (topic, partition, log_id)
         where p.applied_offset < h.next_offset - 1
    ) or exists (
        select 1 from delivery.lane_items i join delivery.lanes l using (lane_id)
         where i.state in ('waiting', 'claimed') and (l.state <> 'parked' or i.what = 'recall')
    )
"""
"""Whether a record is unapplied or a lane has something to do; what is parked waits for a person."""

ALIAS: Final = "select alias from delivery.dispatches where subject_id = $1 and recipient = $2"


async def enrol(dsn: str, keys: dict[str, SenderKeys]) -> dict[str, str]:
    """Make these agencies known to the database; returns their bearer tokens."""
    store = await PostgresStore.connect(dsn, SystemClock(), Wake())
    tokens: dict[str, str] = {}
    now = store.clock.now()
    for slug, own in keys.items():
        async with store.unit_of_work() as work:
            public = SigningKey(own.seed).public_key
            await registry.add_signing_key(work.connection, own.agency_id, own.key_id, public, now)
            tokens[slug] = await registry.issue_token(
                work.connection, own.agency_id, secrets.token_bytes, now, lasts=timedelta(days=1)
            )
    await store.close()
    return tokens


def keys_of(slug: str) -> SenderKeys:
    """Fresh signing keys of an agency."""
    return SenderKeys(directory().by_slug(slug).agency_id, secrets.token_bytes(32), f"{slug}-1")


def free_port() -> int:
    """A port on loopback where nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
