"""The outside of a kill run: an NGO and a shelter that insist until they are answered, whatever dies meanwhile.

What they send is sealed once; a repeated attempt carries the same bytes, as the ``sampan`` command's spool does.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

import httpx

from contracts.api import InstanceInfo
from contracts.open_event import OpenEvent
from services.edge.prepare import SenderKeys, prepare
from tests.support.history import Acknowledged, Closing, History
from tests.support.stubborn_primero import UNWRITABLE_NAME
from tests.support.victim import PRIMERO_AGENCY, WEBHOOK_AGENCY

NGO: Final = "ngo-th"
REACHED_BY_IDENTIFICATION: Final = frozenset({"ida-th", WEBHOOK_AGENCY, "lawyers-th"})
WRITERS: Final = 6
WITHDRAWN_EACH: Final = 4
PARKED_EACH: Final = 8
"""Of every eight cases two are withdrawn: one as soon as it is sent, one when its lane has parked."""
_CONSENT: Final = {
    "purposes": ["IDENTIFY", "SHELTER", "LEGAL", "NATIONALITY"], "to": ["any@TH", "RFP@KH"], "until": "90d",
    "groups": ["F0", "F1", "F2", "F3", "F5", "F12"], "from": "self",
}  # fmt: skip
_FACTS: Final = {"found_in": "TH", "citizenship": ["KH"], "trafficking_status": "PossibleVictimOfTrafficking"}


class Clients:
    """The agencies of one run; what they learn goes into ``history``.

    Args:
        address: where the server listens when it lives.
        keys: signing keys by agency.
        tokens: bearer tokens by agency.
        told_as: what the ministry calls its referral of a person, once it has one.
        transport: the way there; the network itself if not given.
        answer_within_seconds: after that a request counts as lost, and is made again.
    """

    def __init__(
        self,
        history: History,
        address: str,
        keys: Mapping[str, SenderKeys],
        tokens: Mapping[str, str],
        told_as: Callable[[UUID], Awaitable[UUID | None]],
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        answer_within_seconds: float = 10,
    ) -> None:
        self._history, self._keys, self._tokens, self._told_as = history, keys, tokens, told_as
        self._http = httpx.AsyncClient(base_url=address, timeout=answer_within_seconds, transport=transport)
        self._info: InstanceInfo | None = None
        self.parked: list[tuple[UUID, UUID]] = []  # (case, subject) whose lane will park

    async def close(self) -> None:
        """Let the connections go."""
        await self._http.aclose()

    async def refer(self, cases: int, may_go: Callable[[], Awaitable[object]] | None = None) -> None:
        """Send ``cases`` cases, several at a time; each is consent, identification and referral.

        Args:
            may_go: awaited before each case, by whom the run is paced.
        """
        self._info = InstanceInfo.model_validate((await self._insist("GET", "/v1/instance", NGO)).json())
        places = iter(range(cases))

        async def writer() -> None:
            for number in places:
                if may_go is not None:
                    await may_go()
                await self._one_case(number)

        await asyncio.gather(*(writer() for _ in range(WRITERS)))

    async def answer(self, cases: int, at_rest: Callable[[], Awaitable[bool]]) -> None:
        """The shelter opens every identification, and accepts every third. What was lost it does not wait for."""
        pause_seconds = 0.05  # between looks at the feed
        cursor = seen = 0
        nothing_more = False
        while seen < cases and not nothing_more:
            nothing_more = await at_rest()
            page = (await self._insist("GET", f"/v1/inbox?after={cursor}&limit=200", WEBHOOK_AGENCY)).json()
            for item in page["items"]:
                if item["event"] == "IdentificationRequested":
                    seen += 1
                    await self._one_answer(item, accepts=seen % 3 == 0)
            cursor = page["next"]
            await asyncio.sleep(pause_seconds)

    async def withdraw(self, case: UUID, subject: UUID) -> None:
        """She no longer agrees that the ministry is told; it tries to open what it has as soon as that is durable."""
        alias = await self._told_as(subject)
        consent = {**_CONSENT, "purposes": ["NATIONALITY"]}
        await self._send(NGO, "ConsentWithdrawn", case, [{"subject": str(subject)}], consent=consent)
        self._history.closings.append(Closing(subject, datetime.now(UTC), frozenset({PRIMERO_AGENCY})))
        if alias is not None:
            await self._try_to_open(alias)

    async def _try_to_open(self, alias: UUID) -> None:
        """Once: a refusal, or a server that died, is an answer too."""
        headers = {"authorization": f"Bearer {self._tokens[PRIMERO_AGENCY]}"}
        with suppress(httpx.TransportError):
            answer = await self._http.post(f"/v1/inbox/{alias}/open", headers=headers, json={"groups": []})
            if answer.status_code == 200:
                self._history.seen.append(alias)

    async def _one_case(self, number: int) -> None:
        case, subject = uuid4(), uuid4()
        parks = number % PARKED_EACH == WITHDRAWN_EACH
        name = UNWRITABLE_NAME if parks else "Dara"
        person: dict[str, Any] = {"subject": str(subject)}
        full = {
            **person, "facts": _FACTS,
            "groups": {"F1": {"given_name": name, "sex": "Feminine"}, "F3": {"citizenship": ["KH"]}},
        }  # fmt: skip
        await self._send(NGO, "ConsentGiven", case, [{**person, "facts": _FACTS}], consent=_CONSENT)
        reaches = REACHED_BY_IDENTIFICATION
        await self._send(NGO, "IdentificationRequested", case, [full], reaches=reaches)
        await self._send(
            NGO, "ReferralSent", case, [person], to=["RFP@KH"], purpose="NATIONALITY",
            reaches=frozenset({PRIMERO_AGENCY}),
        )  # fmt: skip
        if parks:
            self.parked.append((case, subject))
        elif number % WITHDRAWN_EACH == 0:
            await self.withdraw(case, subject)

    async def _one_answer(self, item: Mapping[str, Any], *, accepts: bool) -> None:
        path = f"/v1/inbox/{item['dispatch']}/open"
        await self._insist("POST", path, WEBHOOK_AGENCY, json={"groups": []})
        self._history.seen.append(UUID(item["dispatch"]))
        if accepts:
            await self._send(
                WEBHOOK_AGENCY, "ReferralAccepted", item["case_ref"], [{"subject": item["subject_ref"]}],
                answer={"dispatch": item["dispatch"]}, reaches=frozenset({NGO}),
            )  # fmt: skip

    async def _send(
        self, sender: str, event: str, case: object, subjects: list[Any], *,
        reaches: frozenset[str] = frozenset(), **more: Any,
    ) -> None:  # fmt: skip
        """Seal once, and send the same bytes until they are acknowledged."""
        assert self._info is not None
        document = {
            "event": event, "event_id": str(uuid4()), "submission_id": str(uuid4()), "sender": sender,
            "occurred_at": datetime.now(UTC).isoformat(), "case": str(case), "subjects": subjects, **more,
        }  # fmt: skip
        opened = OpenEvent.model_validate(document)
        sealed = prepare(opened, self._keys[sender], self._info, secrets.token_bytes, datetime.now(UTC))
        answer = await self._insist("POST", "/v1/submissions", sender, content=sealed.submission)
        acknowledged = Acknowledged(UUID(answer.json()["event_id"]), reaches)
        self._history.acknowledged.append(acknowledged)
        if event in ("ConsentWithdrawn", "ReferralAccepted"):
            self._history.envelopes.add(acknowledged.event_id)

    async def _insist(self, method: str, path: str, who: str, **content: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self._tokens[who]}"}
        pause_seconds = 0.05  # between tries, while the server is dead
        while True:
            try:
                answer = await self._http.request(method, path, headers=headers, **content)
            except httpx.TransportError:
                await asyncio.sleep(pause_seconds)
                continue
            if answer.status_code == 200:
                return answer
            if answer.status_code not in (500, 502, 503):
                raise AssertionError(f"{method} {path}: {answer.status_code} {answer.json().get('code')}")
            await asyncio.sleep(pause_seconds)
