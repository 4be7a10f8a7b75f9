"""Tokens of agencies' own edges: what they may do, what they may not, and how one is had."""

from __future__ import annotations

import asyncio
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter

from contracts.errors import NotAllowed
from services.assembly.instance import Instance
from services.delivery import edge_http
from services.delivery.edge_http import CallerOf
from services.runtime import registry
from services.runtime.registry import Caller


def edge_router(
    instance: Instance, closing: asyncio.Event, caller_of: CallerOf, edge_of: CallerOf
) -> APIRouter:
    """The paths of edges over a wired instance."""
    edges = instance.edges

    async def issue(agency_id: UUID) -> tuple[str, datetime]:
        async with edges.store.unit_of_work() as work:
            return await registry.replace_edge_token(work.connection, agency_id, edges.random, work.now)

    return edge_http.router(
        instance.edges_desk, lambda agency_id: edges.directory.by_id(agency_id).slug, issue, closing,
        caller_of=caller_of, edge_of=edge_of,
    )  # fmt: skip


def no_edge(who: Caller) -> Caller:
    """A caller that is a person's or a system's of an agency.

    Raises:
        NotAllowed: ``edge-token``; a machine that performs for an agency reads no inbox and answers nothing.
    """
    if who.is_edge_alone:
        raise NotAllowed(
            "this token is for an agency's edge, and for nothing else", code="edge-token", field="Authorization",
            remedy="Use the agency's own token.",
        )  # fmt: skip
    return who


def an_edge(who: Caller) -> Caller:
    """A caller that is an agency's edge.

    Raises:
        NotAllowed: ``not-an-edge``; an agency's token hands out no work: two would claim the same lane.
    """
    if not who.is_edge_alone:
        raise NotAllowed(
            "this token is not an edge's", code="not-an-edge", field="Authorization",
            remedy="`sampan edge init` gives the edge a token of its own.",
        )  # fmt: skip
    return who
