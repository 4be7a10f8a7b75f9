"""The demo's world: demo agencies with tokens and keys, and a ministry whose Primero runs beside us.

All agencies are fictional. Nothing here is needed by a live instance.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from adapters.channels.http import BasicAuth, HttpChannel
from adapters.primero.codes import DEFAULT_CP, Lookups
from deploy.demo.primero_server import PrimeroServer
from routing.agency import Agency
from routing.directory import Directory
from services.assembly.enrol import enrol
from services.assembly.instance import Instance
from services.client.files import private_folder
from services.client.home import BESIDE_SERVER, Home, find_home, write_config
from services.edge.targets import PrimeroTarget, Targets
from services.runtime.clock import Clock

MINISTRY_WITH_PRIMERO: Final = "rfp-kh"


@dataclass(frozen=True, slots=True)
class World:
    """The systems outside: where to reach them, and the demo's Primero, to look into."""

    targets: Targets
    primero: PrimeroServer | None


@asynccontextmanager
async def primero(clock: Clock) -> AsyncIterator[World]:
    """A Primero on loopback, and the target that reaches it. Its records live as long as this process."""
    server = PrimeroServer(now=clock.now, new_id=uuid.uuid4)
    await server.start()
    try:
        channel = HttpChannel(
            server.url, BasicAuth("sampan", server.users["sampan"]), allow_insecure_loopback=True
        )
        target = PrimeroTarget(channel, Lookups.from_mapping({**DEFAULT_CP, "transitioned_to": "ministry"}))
        yield World({(MINISTRY_WITH_PRIMERO, "primero"): target}, server)
    finally:
        await server.stop()


def demo_agencies(directory: Directory) -> list[Agency]:
    """The agencies in whose name the demo lets this machine speak."""
    return [agency for agency in directory.agencies if agency.demo]


async def enrol_demo(instance: Instance, home: Home) -> None:
    """Tokens and keys of the demo agencies, in owner-only files; the assisted edge seals for them too."""
    edges = instance.edges
    keys = await enrol(
        edges.store, home, demo_agencies(edges.directory), edges.instance_id, edges.random, edges.clock.now()
    )
    for key in keys:
        instance.assisted.enrol(edges.directory.by_id(key.agency_id).slug, key)


def client_home(folder: Path, url: str) -> Home:
    """The client's folder beside the server's data, so that `sampan … --as` works at once."""
    beside = private_folder(folder.absolute() / BESIDE_SERVER)
    write_config(beside, url)
    return find_home({"SAMPAN_DATA": str(beside)}, folder)
