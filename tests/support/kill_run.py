"""Drives a run in which the server dies again and again while referrals, answers and withdrawals flow."""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import socket
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx

from contracts.api import InstanceInfo
from contracts.open_event import OpenEvent
from contracts.sealing import SigningKey
from deploy.demo.primero_server import PrimeroServer
from services.edge.prepare import SenderKeys, prepare
from services.runtime import registry
from services.runtime.clock import SystemClock
from services.runtime.store.postgres import PostgresStore
from services.runtime.wake import Wake
from services.vault.keyring import Keyring
from tests.support.history import Acknowledged, Closing, History
from tests.support.history_reading import effect_of, read_back
from tests.support.victim import PRIMERO_AGENCY, SEAMS, WEBHOOK_AGENCY, directory
from tests.support.webhook_receiver import WebhookReceiver

NGO = "ngo-th"
REACHED_BY_IDENTIFICATION = frozenset({"ida-th", WEBHOOK_AGENCY, "lawyers-th"})
_CONSENT = {
    "purposes": ["IDENTIFY", "SHELTER", "LEGAL", "NATIONALITY"], "to": ["any@TH", "RFP@KH"], "until": "90d",
    "groups": ["F0", "F1", "F2", "F3", "F5", "F12"], "from": "self",
}  # fmt: skip
_FACTS = {"found_in": "TH", "citizenship": ["KH"], "trafficking_status": "PossibleVictimOfTrafficking"}
_GROUPS = {"F1": {"given_name": "Dara", "sex": "Feminine"}, "F3": {"citizenship": ["KH"]}}
QUIET_WITHIN_SECONDS = 180


@dataclass
class KillRun:
    """One run. ``kills`` deaths, chosen by ``seed``, over ``cases`` cases."""

    dsn: str
    folder: Path
    seed: int
    kills: int
    cases: int
    history: History = field(default_factory=History)
    deaths: int = 0
    _done: bool = False
    _process: asyncio.subprocess.Process | None = None

    async def play(self) -> History:
        """Run it and return what happened."""
        self.history.webhook_recipient, self.history.primero_recipient = WEBHOOK_AGENCY, PRIMERO_AGENCY
        Keyring.create(self.folder / "keyring.json", secrets.token_bytes)
        self._port = _free_port()
        self._keys = {slug: _keys(slug) for slug in (NGO, WEBHOOK_AGENCY)}
        self._tokens = await self._enrol()
        primero = PrimeroServer(now=lambda: datetime.now(UTC), new_id=uuid4)
        receiver = WebhookReceiver()
        await primero.start()
        await receiver.start()
        try:
            self._addresses = {"primero": primero.url, "webhook": receiver.url}
            async with asyncio.TaskGroup() as group:
                server = group.create_task(self._keep_killing())
                group.create_task(self._clients(server))
        finally:
            if self._process is not None and self._process.returncode is None:
                self._process.kill()
                await self._process.wait()
            await primero.stop()
            await receiver.stop()
        self.history.notices = receiver.notices
        self.history.primero = [effect_of(effect) for effect in primero.journal]
        await read_back(self.dsn, self.history, directory())
        return self.history

    # -- the server, dying

    async def _keep_killing(self) -> None:
        chance = random.Random(self.seed)
        while self.deaths < self.kills:
            seam = chance.choice((*SEAMS, "some-time"))
            passes = (
                1 if seam == "start" else chance.randint(1, 40 if "commit" in seam or seam == "begin" else 8)
            )
            await self._one_life(seam, passes, chance.uniform(0.2, 2.5))
        await self._start(None, 1)
        while not self._done:
            await asyncio.sleep(0.05)

    async def _one_life(self, seam: str, passes: int, seconds: float) -> None:
        """Until the seam kills it, or (seam ``some-time``, or never reached) until ``seconds`` after it listens."""
        process = await self._start(None if seam == "some-time" else seam, passes)
        patience = seconds if seam == "some-time" else 4.0
        await self._until_it_listens_or_dies(process)
        try:
            async with asyncio.timeout(patience):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        self.deaths += 1

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

    async def _until_it_listens_or_dies(self, process: asyncio.subprocess.Process) -> None:
        while process.returncode is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            await asyncio.sleep(0.05)

    # -- the clients, insisting

    async def _clients(self, server: asyncio.Task[None]) -> None:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self._port}", timeout=10) as http:
            self._http = http
            self._info = InstanceInfo.model_validate((await self._insist("GET", "/v1/instance", NGO)).json())
            places = asyncio.Queue[int]()
            for number in range(self.cases):
                places.put_nowait(number)
            await asyncio.gather(*(self._sender(places) for _ in range(6)))
            await self._answers()
            while self.deaths < self.kills:
                await asyncio.sleep(0.05)
            await self._quiet()
        self._done = True

    async def _sender(self, places: asyncio.Queue[int]) -> None:
        while not places.empty():
            await self._one_case(places.get_nowait())

    async def _one_case(self, number: int) -> None:
        case, subject = uuid4(), uuid4()
        person: dict[str, Any] = {"subject": str(subject)}
        full = {**person, "facts": _FACTS, "groups": _GROUPS}
        await self._send(NGO, "ConsentGiven", case, [{**person, "facts": _FACTS}], consent=_CONSENT)
        reaches = REACHED_BY_IDENTIFICATION
        await self._send(NGO, "IdentificationRequested", case, [full], reaches=reaches)
        await self._send(
            NGO, "ReferralSent", case, [person], to=["RFP@KH"], purpose="NATIONALITY",
            reaches=frozenset({PRIMERO_AGENCY}),
        )  # fmt: skip
        if number % 4 == 0:
            consent = {**_CONSENT, "purposes": ["NATIONALITY"]}
            await self._send(NGO, "ConsentWithdrawn", case, [person], consent=consent)
            self.history.closings.append(Closing(subject, datetime.now(UTC)))

    async def _answers(self) -> None:
        """The shelter accepts every third referral."""
        cursor, seen = 0, 0
        wanted = self.cases
        while seen < wanted:
            page = (await self._insist("GET", f"/v1/inbox?after={cursor}&limit=200", WEBHOOK_AGENCY)).json()
            for item in page["items"]:
                if item["event"] == "IdentificationRequested":
                    seen += 1
                    if seen % 3 == 0:
                        await self._send(
                            WEBHOOK_AGENCY, "ReferralAccepted", item["case_ref"],
                            [{"subject": item["subject_ref"]}], answer={"dispatch": item["dispatch"]},
                            reaches=frozenset({NGO}),
                        )  # fmt: skip
            cursor = page["next"]
            await asyncio.sleep(0.05)

    async def _send(
        self, sender: str, event: str, case: object, subjects: list[Any], *,
        reaches: frozenset[str] = frozenset(), **more: Any,
    ) -> None:  # fmt: skip
        """Seal once, and send the same bytes until they are acknowledged."""
        document = {
            "event": event, "event_id": str(uuid4()), "submission_id": str(uuid4()), "sender": sender,
            "occurred_at": datetime.now(UTC).isoformat(), "case": str(case), "subjects": subjects, **more,
        }  # fmt: skip
        sealed = prepare(
            OpenEvent.model_validate(document),
            self._keys[sender],
            self._info,
            secrets.token_bytes,
            datetime.now(UTC),
        )
        answer = await self._insist("POST", "/v1/submissions", sender, sealed.submission)
        acknowledged = Acknowledged(UUID(answer.json()["event_id"]), reaches)
        self.history.acknowledged.append(acknowledged)
        if event in ("ConsentWithdrawn", "ReferralAccepted"):
            self.history.envelopes.add(acknowledged.event_id)

    async def _insist(self, method: str, path: str, who: str, body: bytes | None = None) -> httpx.Response:
        headers = {"authorization": f"Bearer {self._tokens[who]}"}
        pause_seconds = 0.05  # between tries, while the server is dead
        while True:
            try:
                answer = await self._http.request(method, path, content=body, headers=headers)
            except httpx.TransportError:
                await asyncio.sleep(pause_seconds)
                continue
            if answer.status_code == 200:
                return answer
            if answer.status_code not in (500, 502, 503):
                raise AssertionError(
                    f"{method} {path.split('?', maxsplit=1)[0]}: {answer.status_code} {answer.json().get('code')}"
                )
            await asyncio.sleep(pause_seconds)

    async def _quiet(self) -> None:
        """Wait until nothing is left to do: all records applied, all lanes empty."""
        connection = await asyncpg.connect(self.dsn)
        begun = time.monotonic()
        try:
            while await connection.fetchval(_BUSY):
                if time.monotonic() - begun > QUIET_WITHIN_SECONDS:
                    raise AssertionError("the run did not come to rest")
                await asyncio.sleep(0.1)
        finally:
            await connection.close()

    async def _enrol(self) -> dict[str, str]:
        store = await PostgresStore.connect(self.dsn, SystemClock(), Wake())
        tokens = {}
        now = store.clock.now()
        for slug, keys in self._keys.items():
            async with store.unit_of_work() as work:
                public = SigningKey(keys.seed).public_key
                await registry.add_signing_key(work.connection, keys.agency_id, keys.key_id, public, now)
                tokens[slug] = await registry.issue_token(
                    work.connection, keys.agency_id, secrets.token_bytes, now, lasts=timedelta(days=1)
                )
        await store.close()
        return tokens


_BUSY = """
    select exists (
        select 1 from log.heads h join runtime.positions p using (topic, partition)
         where p.applied_offset < h.next_offset - 1
    ) or exists (select 1 from delivery.lane_items where state in ('waiting', 'claimed'))
"""


def _keys(slug: str) -> SenderKeys:
    return SenderKeys(directory().by_slug(slug).agency_id, secrets.token_bytes(32), f"{slug}-1")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
