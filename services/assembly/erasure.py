"""Erasure of one person, in two steps: what will be destroyed, then the word that confirms it.

Destroying her key silences everything about her, whatever copies of the log there are. The owner of the case
alone may ask for it. The ticket lives in this process for a few minutes and is worth nothing elsewhere.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from contracts.api import ErasureTicket
from contracts.errors import Conflict, NotFound, TryLater
from contracts.topic_names import CASE_EVENTS
from services.assembly.erasing_router import RouterSide
from services.assembly.instance import Instance
from services.delivery.step import lane_id
from services.delivery.store import LaneEntry, enter_lanes
from services.router.bootstrap import NAME as ROUTER
from services.runtime.positions import unapplied
from services.runtime.registry import Caller

_TRIES: Final = 10
LASTS: Final = timedelta(minutes=10)
NEVER: Final = datetime.min.replace(tzinfo=UTC)
CallerOf = Callable[[Request], Awaitable[Caller]]


class Confirmation(BaseModel):
    """The word from the ticket."""

    model_config = ConfigDict(extra="forbid")
    confirm: Annotated[str, Field(max_length=64)]


class Erased(BaseModel):
    """Done."""

    erased: bool


class _OnItsWay(Exception):
    """The router has not yet seen an event that her erasure would make unreadable."""


class Erasure:
    """Asks twice, then destroys."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._tickets: dict[tuple[UUID, UUID], tuple[str, datetime]] = {}

    async def ask(self, caller: Caller, subject: UUID) -> ErasureTicket:
        """What will be destroyed.

        Raises:
            NotFound: no such person in a case that the caller owns.
        """
        now = self._instance.edges.clock.now()
        async with self._instance.edges.store.pool.acquire() as connection:
            await self._check_owner(connection, caller, subject)
            dispatches = await connection.fetchval(
                "select count(*) from delivery.dispatches where subject_id = $1", subject
            )
            bundles = await self._instance.vault.count_bundles(connection, subject)
        word = self._instance.edges.random(4).hex()
        self._tickets[caller.agency_id, subject] = (word, now + LASTS)
        return ErasureTicket(
            confirm=word, expires_at=now + LASTS, dispatches=dispatches, groups=bundles
        )

    async def confirm(self, caller: Caller, subject: UUID, word: str) -> None:
        """Destroy her key, close what waits about her.

        Raises:
            Conflict: no such ticket, or it has expired; ``case-parked``.
            NotFound: as :meth:`ask`.
            TryLater: ``not-yet-erased``, the router does not keep up; ``router-away``, nothing is destroyed;
                ``erasure-unfinished``, her key is.
        """
        known, expires_at = self._tickets.pop((caller.agency_id, subject), ("", NEVER))
        now = self._instance.edges.clock.now()
        if not known or known != word or expires_at <= now:
            raise Conflict("this confirmation is not valid", code="not-confirmed", field="confirm",
                           remedy="Ask again and confirm within ten minutes.")  # fmt: skip
        side = RouterSide(self._instance)
        for _ in range(_TRIES):
            await side.let_it_come()
            async with side.reached(subject) as router_:
                try:
                    await self._erase(caller, subject, side, router_)
                except _OnItsWay:
                    continue
                if router_ is not None:
                    await side.close(router_, subject, now)
            return
        raise TryLater("events about this person are still on their way", code="not-yet-erased",
                       remedy="Ask again in a moment.")  # fmt: skip

    async def _erase(self, caller: Caller, subject: UUID, side: RouterSide, router_: Any) -> None:
        """The hub's transaction. ``router_``: a connection to the router's own database, if it has one."""
        async with self._instance.edges.store.unit_of_work() as work:
            log_key = await self._check_owner(work.connection, caller, subject)
            await self._instance.vault.hold(work.connection, subject)
            await self._check_others(work.connection, subject, log_key, router_)
            await _clear(work.connection, subject, work.now)
            if router_ is None:
                await side.close(work.connection, subject, work.now)
            # Last: a vault apart has destroyed it on return, and what failed before is asked for again.
            await self._instance.vault.erase_subject(work.connection, subject)

    async def _check_owner(self, connection: Any, caller: Caller, subject: UUID) -> UUID:
        log_key: UUID | None = await connection.fetchval(
            "select c.log_key from intake.subjects s join intake.cases c using (case_id)"
            " where s.subject_id = $1 and c.owner = $2",
            *(subject, caller.agency_id),
        )
        if log_key is None:
            raise NotFound("no such person in a case of yours", code="unknown-subject", field="subject",
                           remedy="`sampan case CODE` lists the persons of a case.")  # fmt: skip
        return log_key

    async def _check_others(self, connection: Any, subject: UUID, log_key: UUID, router_: Any) -> None:
        """An event about her and others cannot be read without her key: for the others it must count first.

        Called while her key is held: no event about her enters the log before this transaction ends.
        """
        rows = await connection.fetch(
            "select s.subject_id from intake.subjects s join intake.cases c using (case_id)"
            " where c.log_key = $1 and s.subject_id <> $2",
            *(log_key, subject),
        )
        others = [row["subject_id"] for row in rows]
        if not others or not await self._instance.vault.facts_keys(connection, others):
            return
        parked, waiting = await unapplied(connection, ROUTER, CASE_EVENTS, log_key, router_)
        if parked:
            raise Conflict("an event about this case is parked and may concern the others in it", code="case-parked",
                           remedy="The operator releases it first: `sampan lanes`. Then ask again.")  # fmt: skip
        if waiting:
            raise _OnItsWay


async def _clear(connection: Any, subject: UUID, now: datetime) -> None:
    """Nothing waits to be told about her."""
    await _recall(connection, subject, now)
    await connection.execute(
        "update delivery.lane_items i set state = 'dropped' from delivery.dispatches d"
        " where d.dispatch_id = i.dispatch_id and d.subject_id = $1 and i.state = 'waiting' and i.what = 'tell'",
        subject,
    )
    await connection.execute("update delivery.dispatches set recalled = true where subject_id = $1", subject)


async def _recall(connection: Any, subject: UUID, now: datetime) -> None:
    """Whoever was told over a channel of its own is asked to take it back; a portal shows it as recalled."""
    rows = await connection.fetch(
        "select d.dispatch_id, d.case_id, d.recipient, l.channel from delivery.dispatches d"
        " join delivery.lane_items i using (dispatch_id) join delivery.lanes l using (lane_id)"
        " where d.subject_id = $1 and not d.recalled and i.what = 'tell' and i.state in ('done', 'claimed')"
        " order by d.dispatch_id, l.channel",
        subject,
    )
    entries = [
        LaneEntry(lane_id(row["case_id"], row["recipient"], row["channel"]), row["case_id"], row["recipient"],
                  row["channel"], row["dispatch_id"], "recall")
        for row in rows
    ]  # fmt: skip
    await enter_lanes(connection, entries, now)


def router(erasure: Erasure, caller_of: CallerOf) -> APIRouter:
    """The two steps over HTTP."""
    api = APIRouter(tags=["erasure"])
    caller = Depends(caller_of)

    @api.post(
        "/v1/subjects/{subject}/erasure", summary="What an erasure would destroy, and the word to confirm it"
    )
    async def ask(subject: UUID, who: Caller = caller) -> ErasureTicket:
        return await erasure.ask(who, subject)

    @api.post("/v1/subjects/{subject}/erasure/confirm", summary="Destroy this person's key")
    async def confirm(subject: UUID, answer: Confirmation, who: Caller = caller) -> Erased:
        await erasure.confirm(who, subject, answer.confirm)
        return Erased(erased=True)

    return api
