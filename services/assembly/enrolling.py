"""``sampan enrol``: a token and a signing key for one agency of a live instance."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

from contracts.errors import InvalidInput
from services.assembly import process
from services.assembly.enrol import OPERATOR, issue_to_agency, issue_to_operator
from services.assembly.settings import ServerSettings
from services.client.files import private_folder
from services.client.home import Home
from services.vault.keyring import Keyring


def enrol_agency(settings: ServerSettings, slug: str, out: Path, days: int) -> Path:
    """Issue and write the files; returns their folder.

    Raises:
        NotFound: no such agency in the directory.
        InvalidInput: the folder holds this agency's files already.
        SetupProblem: the server runs on this data folder, or the folder cannot be written.
    """
    folder = private_folder(out)
    home = Home(folder, "", folder / "tokens", folder / "keys")
    if slug in home.agencies():
        raise InvalidInput(
            "this folder holds a token of that agency already",
            code="already-enrolled",
            field="--out",
            remedy="Choose a new folder; the earlier token stays valid until it expires.",
        )
    with process.opened(settings) as (dsn, keys):
        asyncio.run(_enrol(settings, dsn, keys, home, slug, timedelta(days=days)))
    return folder


async def _enrol(
    settings: ServerSettings, dsn: str, keys: Keyring | None, home: Home, slug: str, lasts: timedelta
) -> None:
    async with process.running_instance(settings, dsn, keys, {}) as instance:
        edges = instance.edges
        if slug == OPERATOR:
            await issue_to_operator(
                edges.store, home, edges.instance_id, edges.random, edges.clock.now(), lasts
            )
            return
        agency = edges.directory.by_slug(slug)
        await issue_to_agency(edges.store, home, agency, edges.random, edges.clock.now(), lasts)
