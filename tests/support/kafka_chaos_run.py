"""Drives a run on three brokers in which everything fails now and then, while referrals and withdrawals flow."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import secrets
import signal
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg

from deploy.kafka.cluster import LocalCluster
from deploy.kafka.topics import ensure_topics
from deploy.region import region_texts
from services.runtime.postgres import EmbeddedPostgres
from services.vault.keyring import Keyring
from tests.support.history import History
from tests.support.history_reading import effect_of, read_back
from tests.support.kafka_chaos_members import ChaosMember, InTurn, lasts
from tests.support.kafka_chaos_plan import MEMBERS, Fault
from tests.support.kafka_chaos_seams import SIGNALS
from tests.support.kill_clients import NGO, Clients
from tests.support.kill_run import ALIAS, BUSY, enrol, keys_of
from tests.support.stubborn_primero import StubbornPrimero
from tests.support.victim import PRIMERO_AGENCY, WEBHOOK_AGENCY, directory, shelter_with_webhook
from tests.support.webhook_receiver import WebhookReceiver

PATIENCE_SECONDS: Final = float(os.environ.get("SAMPAN_CHAOS_PATIENCE_SECONDS", "120"))
"""How long the run may take to come to rest once everything is healed."""
_POLL_SECONDS: Final = 0.1
_AWAY: Final = object()
_FULL_BYTES: Final = 1024
_ANSWER_SECONDS: Final = 3.0
_STUCK: Final = """
    select array_agg(concat(d.dispatch_id, ' ', l.error_code, ': ', tries.said)) from delivery.lanes l
      join delivery.lane_items i using (lane_id) join delivery.dispatches d using (dispatch_id)
     cross join lateral (
           select string_agg(to_char(a.claimed_at, 'MI:SS.MS') || ' ' || coalesce(a.outcome, 'no outcome')
                             || ' ' || coalesce(a.error_code, ''), ', ' order by a.claimed_at) as said
             from delivery.attempts a where a.dispatch_id = d.dispatch_id and a.channel = l.channel) as tries
     where l.state = 'parked' and i.state in ('waiting', 'claimed') and not exists (
           select 1 from delivery.lane_items r where r.lane_id = l.lane_id and r.what = 'recall')
"""
_HOLDERS: Final = """
    select array_agg(pid order by held desc) from (
        select split_part(owner, '/', 2)::int as pid, count(*) as held from runtime.leases
         where owner is not null group by 1) as holders
"""


@dataclass
class KafkaChaosRun:
    """One run: ``faults`` while ``cases`` cases flow, let go in equal shares just before each of them."""

    dsn: str
    server: EmbeddedPostgres
    cluster: LocalCluster
    prefix: str
    folder: Path
    faults: Sequence[Fault]
    cases: int
    history: History = field(default_factory=History)
    suffered: Counter[str] = field(default_factory=Counter)
    """How often what happened to whom: ``pause-service router``, ``kill-broker 2``."""
    ended: list[str] = field(default_factory=list)
    """Processes that ended although nobody had killed them."""
    stuck: list[str] = field(default_factory=list)
    """What no withdrawal took back and lies in a parked lane all the same, with how each attempt ended."""
    _members: dict[str, ChaosMember] = field(default_factory=dict)
    _go: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    _is_over: bool = False

    async def play(self) -> History:
        """Run it and return what happened."""
        self.history.webhook_recipient, self.history.primero_recipient = WEBHOOK_AGENCY, PRIMERO_AGENCY
        primero, receiver = StubbornPrimero(now=lambda: datetime.now(UTC), new_id=uuid4), WebhookReceiver()
        async with AsyncExitStack() as stack:
            for outside in (primero, receiver):
                await outside.start()
                stack.push_async_callback(outside.stop)
            clients = await self._prepare(primero, receiver)
            stack.push_async_callback(clients.close)
            await stack.enter_async_context(self._running())
            async with asyncio.TaskGroup() as group:
                group.create_task(self._suffer())
                group.create_task(self._flow(clients))
        self.history.notices = receiver.notices
        self.history.primero = [effect_of(effect) for effect in primero.journal]
        await read_back(self.dsn, self.history, directory())
        self.stuck = await self._ask(_STUCK) or []
        return self.history

    async def _prepare(self, primero: StubbornPrimero, receiver: WebhookReceiver) -> Clients:
        Keyring.create(self.folder / "keyring.json", secrets.token_bytes)
        region = self.folder / "region"
        region.mkdir()
        for name, text in shelter_with_webhook(region_texts()).items():
            (region / name).write_text(text, encoding="utf-8")
        environment = {
            "SAMPAN_DATABASE_URL": self.dsn, "SAMPAN_DEMO": "true", "SAMPAN_REGION": str(region),
            "SAMPAN_BROKERS__BOOTSTRAP": self.cluster.bootstrap, "SAMPAN_BROKERS__PREFIX": self.prefix,
            "SAMPAN_TARGETS": str(self._targets(primero, receiver)),
        }  # fmt: skip
        self._members = {name: ChaosMember(name, self.folder, environment) for name in MEMBERS}
        keys = {slug: keys_of(slug) for slug in (NGO, WEBHOOK_AGENCY, PRIMERO_AGENCY)}
        tokens = await enrol(self.dsn, keys)
        await ensure_topics(self.cluster.access(), prefix=self.prefix, replicas=3)
        doors = InTurn([self._members[name].port for name in MEMBERS if name.startswith("intake")])
        return Clients(
            self.history, "http://127.0.0.1", keys, tokens, self._ministry_calls, transport=doors,
            answer_within_seconds=_ANSWER_SECONDS,
        )  # fmt: skip

    def _targets(self, primero: StubbornPrimero, receiver: WebhookReceiver) -> Path:
        path = self.folder / "targets.yaml"
        path.touch(mode=0o600)
        login = {"url": primero.url, "user": "sampan", "password": primero.users["sampan"]}
        ministry = {"primero": {**login, "lookups": {"transitioned_to": "ministry"}}}
        shelter = {"webhook": {"url": receiver.url, "path": "/hook"}}
        path.write_text(json.dumps({PRIMERO_AGENCY: ministry, WEBHOOK_AGENCY: shelter}), encoding="utf-8")
        return path

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        try:
            for member in self._members.values():
                await member.start()
            for member in self._members.values():
                await member.until_ready()
            yield
        finally:
            for member in self._members.values():
                await member.end()
                self.ended += member.ended

    async def _flow(self, clients: Clients) -> None:
        """Referrals and answers while things fail; then the last withdrawals, past lanes that have parked."""
        async with asyncio.TaskGroup() as group:
            group.create_task(clients.refer(self.cases, self._go.acquire))
            group.create_task(clients.answer(self.cases, self._at_rest))
        await self._until(
            f"select count(*) >= {len(clients.parked)} from delivery.lanes where state = 'parked'"
        )
        for case, subject in clients.parked:
            await clients.withdraw(case, subject)
        while not self._is_over:
            await asyncio.sleep(_POLL_SECONDS)
        await self._until(f"select not ({BUSY})")

    async def _suffer(self) -> None:
        """Brokers' faults one by one, and beside them everybody else's."""
        shares = [
            self.cases * (place + 1) // len(self.faults) - self.cases * place // len(self.faults)
            for place in range(len(self.faults))
        ]
        dealt = list(zip(self.faults, shares, strict=True))
        async with asyncio.TaskGroup() as group:
            for of_a_broker in (True, False):
                group.create_task(self._one_by_one([d for d in dealt if d[0].is_of_a_broker is of_a_broker]))
        self._is_over = True

    async def _one_by_one(self, dealt: Sequence[tuple[Fault, int]]) -> None:
        for fault, share in dealt:
            for _ in range(share):
                self._go.release()
            await lasts(fault.after_seconds)
            await self._befall(fault)
            self.suffered[f"{fault.kind} {fault.target}"] += 1

    async def _befall(self, fault: Fault) -> None:
        """Break it, wait, and mend it."""
        if fault.is_of_a_broker:
            await self._befall_brokers(fault)
        elif fault.kind == "restart-postgres":
            await asyncio.to_thread(self.server.stop)
            await lasts(fault.seconds)
            await asyncio.to_thread(self.server.start)
            assert self.dsn.endswith(self.server.dsn("x").partition("?")[2]), "it came back elsewhere"
        elif fault.kind == "crash-postgres":
            await self._crash_postgres()
            await lasts(fault.seconds)
        else:
            await self._befall_service(fault.kind, await self._holder(fault.target), fault.seconds)

    async def _befall_brokers(self, fault: Fault) -> None:
        node = self.cluster.node(int(fault.target))
        away = [node, self.cluster.node(node.node_id % 3 + 1)] if fault.kind == "kill-two-brokers" else [node]
        for one in away:
            if fault.kind == "full-disk":
                assert one.pid is not None
                resource.prlimit(one.pid, resource.RLIMIT_FSIZE, (_FULL_BYTES, _FULL_BYTES))
            else:
                await asyncio.to_thread(one.pause if fault.kind == "pause-broker" else one.kill)
        await lasts(fault.seconds)
        for one in away:
            one.resume()
            if fault.kind == "full-disk":
                await asyncio.to_thread(one.kill)  # it has ended by itself if it had anything to write
            await asyncio.to_thread(one.start)
        await asyncio.to_thread(self.cluster.wait_ready)

    async def _befall_service(self, kind: str, member: ChaosMember, seconds: float) -> None:
        if kind == "kill-service":
            await member.kill()
        elif kind == "pause-service":
            member.pause()
        else:
            member.tell(SIGNALS[kind])
        await lasts(seconds)
        if kind == "kill-service":
            await member.start()
        elif kind.startswith("clock-"):
            member.tell(SIGNALS["clock-right"])
        else:
            member.resume()

    async def _holder(self, service: str) -> ChaosMember:
        """The process of ``service`` that holds most leases: the fault must befall who is at work."""
        pids: list[int] = await self._ask(_HOLDERS) or []
        at_work = {pid: place for place, pid in enumerate(pids)}
        ours = [member for member in self._members.values() if member.service == service]
        return min(ours, key=lambda member: at_work.get(member.pid or 0, len(at_work)))

    async def _crash_postgres(self) -> None:
        """One backend killed: PostgreSQL ends all others, as after any crash, and recovers from its log."""
        backend = await self._ask("select pid from pg_stat_activity where pid <> pg_backend_pid() limit 1")
        os.kill(backend, signal.SIGKILL)

    async def _at_rest(self) -> bool:
        """Whether nothing fails any more and nothing is left to do."""
        return self._is_over and bool(await self._ask(f"select not ({BUSY})"))

    async def _ministry_calls(self, subject: UUID) -> UUID | None:
        recipient = directory().by_slug(PRIMERO_AGENCY).agency_id
        known: UUID | None = await self._ask(ALIAS, subject, recipient)
        return known

    async def _until(self, question: str) -> None:
        """Wait until the database answers yes."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not await self._ask(question):
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            raise AssertionError(f"not within {PATIENCE_SECONDS} s: {' '.join(question.split())}") from None

    async def _ask(self, question: str, *arguments: object) -> Any:
        """Ask the database, again and again while it is down."""
        while (answer := await self._asked(question, arguments)) is _AWAY:
            await asyncio.sleep(_POLL_SECONDS)
        return answer

    async def _asked(self, question: str, arguments: tuple[object, ...]) -> Any:
        try:
            connection: Any = await asyncpg.connect(self.dsn)
            try:
                return await connection.fetchval(question, *arguments)
            finally:
                await connection.close()
        except (OSError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError):
            return _AWAY
