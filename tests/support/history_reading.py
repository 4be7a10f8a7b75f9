"""Fills a history from what a run left: the database, and the journal of the ministry's Primero."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg

from adapters.primero.notes import dispatch_of
from contracts.codec import decode
from contracts.records import DeliveryEvent
from contracts.sealing import unframe
from contracts.topic_names import DELIVERY_EVENTS
from deploy.demo.primero_server import Effect
from routing.directory import Directory
from tests.support.history import History, Opening, PrimeroEffect, Told


def effect_of(effect: Effect) -> PrimeroEffect:
    """A change in Primero, with the dispatch that its notes name."""
    return PrimeroEffect(effect.what, UUID(effect.case), dispatch_of(effect.marker))


async def read_back(dsn: str, history: History, directory: Directory) -> None:
    """Dispatches, inboxes, decisions and recorded openings."""
    connection: Any = await asyncpg.connect(dsn)
    try:
        name = {agency.agency_id: agency.slug for agency in directory.agencies}
        rows = await connection.fetch(
            "select d.dispatch_id, d.alias, d.event_id, d.subject_id, d.recipient, d.case_id, d.recalled"
            " from delivery.dispatches d left join delivery.lane_items l"
            "   on l.dispatch_id = d.dispatch_id and l.what = 'tell'"
            " order by l.seq nulls last, d.received_at"
        )
        history.told = [Told(**(dict(row) | {"recipient": name[row["recipient"]]})) for row in rows]
        for row in await connection.fetch(
            "select recipient, cursor, dispatch_id from delivery.inbox order by 1, 2"
        ):
            history.inboxes.setdefault(name[row["recipient"]], []).append((row["cursor"], row["dispatch_id"]))
        history.decided = {
            r["event_id"] for r in await connection.fetch("select event_id from router.receipts")
        }
        for row in await connection.fetch("select value from log.records where topic = $1", DELIVERY_EVENTS):
            event = decode(DeliveryEvent, unframe(row["value"])[1])
            if event.kind == "DisclosureMade":
                history.openings.append(Opening(event.dispatch_id, event.at))
    finally:
        await connection.close()
