"""Fills a history from what a run left: the database, and the journal of the ministry's Primero."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg

from adapters.primero.notes import dispatch_of
from contracts.codec import decode
from contracts.records import DecisionRecord, DeliveryEvent, DispatchRecord
from contracts.sealing import unframe
from contracts.topic_names import DECISIONS, DELIVERY_EVENTS, DISPATCHES
from deploy.demo.primero_server import Effect
from routing.directory import Directory
from tests.support.history import History, Opening, PrimeroEffect, Told


def effect_of(effect: Effect) -> PrimeroEffect:
    """A change in Primero, with the dispatch that its notes name."""
    return PrimeroEffect(effect.what, UUID(effect.case), dispatch_of(effect.marker))


async def read_back(dsn: str, history: History, directory: Directory) -> None:
    """Dispatches as the log has them; inboxes, decisions and openings; takings back that still wait.

    What was told comes from the router's own records, so that delivery's tables are judged and not believed.
    """
    connection: Any = await asyncpg.connect(dsn)
    try:
        name = {agency.agency_id: agency.slug for agency in directory.agencies}
        history.told = _told([decode(DispatchRecord, v) for v in await _values(connection, DISPATCHES)], name)
        for row in await connection.fetch(
            "select recipient, cursor, dispatch_id from delivery.inbox order by 1, 2"
        ):
            history.inboxes.setdefault(name[row["recipient"]], []).append((row["cursor"], row["dispatch_id"]))
        decisions = [decode(DecisionRecord, v) for v in await _values(connection, DECISIONS)]
        kept = {row["event_id"] for row in await connection.fetch("select event_id from router.receipts")}
        history.decided = {decision.event_id for decision in decisions} & kept
        for event in [decode(DeliveryEvent, v) for v in await _values(connection, DELIVERY_EVENTS)]:
            if event.kind == "DisclosureMade":
                history.openings.append(Opening(event.dispatch_id, event.at))
        waiting = await connection.fetch(
            "select dispatch_id from delivery.lane_items where what = 'recall' and state in ('waiting', 'claimed')"
        )
        history.waiting_recalls = {row["dispatch_id"] for row in waiting}
    finally:
        await connection.close()


def _told(records: list[DispatchRecord], name: dict[UUID, str]) -> list[Told]:
    recalled = {record.dispatch_id for record in records if record.kind == "regrant" and record.recalled}
    told: dict[UUID, Told] = {}
    for record in records:
        if record.kind == "dispatch":
            assert record.alias is not None
            assert record.recipient is not None
            told.setdefault(record.dispatch_id, Told(
                record.dispatch_id, record.alias, record.event_id, record.subject_id, name[record.recipient],
                record.case_id, record.dispatch_id in recalled,
            ))  # fmt: skip
    return list(told.values())


async def _values(connection: Any, topic: str) -> list[bytes]:
    rows = await connection.fetch(
        'select value from log.records where topic = $1 order by partition, "offset"', topic
    )
    return [unframe(row["value"])[1] for row in rows]
