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
        operator: the agency in whose name the operator's token speaks.
    """
    keys = []
    for agency in agencies:
        if agency.slug not in home.agencies():
            await _new(store, home, agency, random, now)
        stored = home.profile(agency.slug).key
        assert stored is not None
        keys.append(SenderKeys(agency.agency_id, stored.seed, stored.key_id))
        await _enrol_key(store, keys[-1], now)
    if OPERATOR not in home.agencies():
        async with store.unit_of_work() as work:
            scopes = (registry.AGENCY_SCOPE, registry.OPERATOR_SCOPE)
            token = await registry.issue_token(
                work.connection, operator, random, now, lasts=DEMO_TOKEN_LASTS, scopes=scopes
            )
        write_profile(home, OPERATOR, token, None)
    return keys


async def _new(store: PostgresStore, home: Home, agency: Agency, random: Random, now: datetime) -> None:
    async with store.unit_of_work() as work:
        token = await registry.issue_token(
            work.connection, agency.agency_id, random, now, lasts=DEMO_TOKEN_LASTS
        )
    key = StoredKey(key_id=f"{agency.slug}-{now:%Y%m%d}", seed=random(32))
    write_profile(home, agency.slug, token, key)


async def _enrol_key(store: PostgresStore, keys: SenderKeys, now: datetime) -> None:
    async with store.unit_of_work() as work:
        public = SigningKey(keys.seed).public_key
        await registry.add_signing_key(work.connection, keys.agency_id, keys.key_id, public, now)
