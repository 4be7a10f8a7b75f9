"""Enrolment: an agency's token, its signing key, and the files in which a client on this machine finds them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from contracts.ids import Random
from contracts.sealing import SigningKey
from routing.agency import Agency
from services.client.home import Home, write_profile
from services.client.home import SigningKey as StoredKey
from services.edge.prepare import SenderKeys
from services.runtime import registry
from services.runtime.store.postgres import PostgresStore

DEMO_TOKEN_LASTS: Final = timedelta(days=365)
OPERATOR: Final = "operator"


async def enrol(
    store: PostgresStore,
    home: Home,
    agencies: Iterable[Agency],
    operator: UUID,
    random: Random,
    now: datetime,
) -> list[SenderKeys]:
    """Give each agency a token and a key where its files are not here yet; returns all keys, new and old.

    Args:
        operator: the id under which the operator's token speaks.
    """
    keys = []
    for agency in agencies:
        if agency.slug not in home.agencies():
            await issue_to_agency(store, home, agency, random, now, DEMO_TOKEN_LASTS)
        stored = home.profile(agency.slug).key
        if stored is not None:
            keys.append(SenderKeys(agency.agency_id, stored.seed, stored.key_id))
    if OPERATOR not in home.agencies():
        await issue_to_operator(store, home, operator, random, now, DEMO_TOKEN_LASTS)
    return keys


async def issue_to_agency(
    store: PostgresStore, home: Home, agency: Agency, random: Random, now: datetime, lasts: timedelta
) -> None:
    """Mint a token and a signing key, enrol both here, and write the agency's files."""
    key = StoredKey(key_id=f"{agency.slug}-{now:%Y%m%d}-{random(3).hex()}", seed=random(32))
    async with store.unit_of_work() as work:
        token = await registry.issue_token(work.connection, agency.agency_id, random, now, lasts=lasts)
        public = SigningKey(key.seed).public_key
        await registry.add_signing_key(work.connection, agency.agency_id, key.key_id, public, now)
        write_profile(home, agency.slug, token, key)  # before the commit: a token nobody has would be worse


async def issue_to_operator(
    store: PostgresStore, home: Home, operator: UUID, random: Random, now: datetime, lasts: timedelta
) -> None:
    """Mint the operator's token and write it."""
    async with store.unit_of_work() as work:
        scopes = (registry.AGENCY_SCOPE, registry.OPERATOR_SCOPE)
        token = await registry.issue_token(work.connection, operator, random, now, lasts=lasts, scopes=scopes)
        write_profile(home, OPERATOR, token, None)
