"""Erasing a person: the log keeps its bytes, and nothing opens any more."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from contracts.errors import NotAuthentic, SampanError
from contracts.sealing import PlainSlot
from services.edge.prepare import ITEM_FINGERPRINT
from services.vault import store
from services.vault.errors import GateClosed, NotGranted
from services.vault.keyring import Keyring
from services.vault.vault import Vault
from tests.support.postgres import FreshDatabase
from tests.support.sealed import DAO, MAI, NOW
from tests.support.vault_world import VaultWorld


async def test_after_an_erasure_nothing_opens(connection: Any, world: VaultWorld) -> None:
    """The sealed event still stands in the log; groups, control slot and facts key are gone for good."""
    event = await world.admit(connection)
    slots = await world.slots(connection, event)
    dispatch = await world.grant(connection, slots)
    keys = await world.vault.facts_keys(connection, [world.subject])
    state = world.vault.seal_facts(keys[world.subject], b"citizen of LA", b"state")
    assert world.vault.open_facts(keys[world.subject], state, b"state") == b"citizen of LA"
    await world.vault.erase_subject(connection, world.subject)
    assert event.header.event_id in world.log
    with pytest.raises(GateClosed):
        await world.open(connection, dispatch, slots)
    assert await world.vault.open_records(connection, [(event, [world.subject])]) == [None]
    assert await world.vault.facts_keys(connection, [world.subject]) == {}
    await world.vault.reopen(connection, [world.subject])
    with pytest.raises(GateClosed):
        await world.open(connection, dispatch, slots)
    assert await connection.fetchval("select closed and reason_code = 'erased' from vault.gates")
    for table in ("subject_keys", "key_bundles"):
        assert await connection.fetchval(f"select count(*) from vault.{table}") == 0
    assert await connection.fetchval("select sealed from vault.grants") == b""


async def test_an_erased_person_does_not_come_back_under_her_id(connection: Any, world: VaultWorld) -> None:
    """Admitting another event for an erased subject is refused, and makes no key."""
    await world.admit(connection)
    await world.vault.erase_subject(connection, world.subject)
    with pytest.raises(GateClosed):
        await world.admit(connection)
    assert await connection.fetchval("select count(*) from vault.subject_keys") == 0


async def test_erasing_the_mother_silences_what_one_event_said_of_both(
    connection: Any, world: VaultWorld
) -> None:
    """The shared control slot opens no more; the baby's own groups still do."""
    mother, baby = world.id(), world.id()
    event = await world.admit(connection, {MAI: mother, DAO: baby})
    (record,) = await world.vault.open_records(connection, [(event, [mother, baby])])
    assert record is not None
    world.subject = baby
    dispatch = await world.grant(connection, record.slots[baby])
    await world.vault.erase_subject(connection, mother)
    assert await world.vault.open_records(connection, [(event, [mother, baby])]) == [None]
    with pytest.raises(NotAuthentic):
        await world.vault.open_records(connection, [(event, [baby])])
    assert set(await world.open(connection, dispatch, record.slots[baby])) == {"F1", "F2", "F5"}


async def blocked(watcher: Any, task: asyncio.Task[Any]) -> None:
    """Return when something waits for a lock."""
    while not await watcher.fetchval("select count(*) from pg_locks where not granted"):
        assert not task.done()


async def test_an_erasure_and_an_event_about_her_wait_for_each_other(
    connection: Any, world: VaultWorld, fresh_database: FreshDatabase
) -> None:
    """An erasure waits for the event being taken in and destroys it; an event waits for the erasure and is refused."""
    await world.admit(connection)
    erasing = await asyncpg.connect(fresh_database.dsn)
    watcher = await asyncpg.connect(fresh_database.owner_dsn)
    intake, erasure = connection.transaction(), erasing.transaction()
    await intake.start()
    await world.admit(connection)
    await erasure.start()
    waiting = asyncio.create_task(world.vault.erase_subject(erasing, world.subject))
    await blocked(watcher, waiting)
    await intake.commit()
    await waiting
    late = asyncio.create_task(world.admit(connection))
    await blocked(watcher, late)
    await erasure.commit()
    with pytest.raises(GateClosed):
        await late
    assert await connection.fetchval("select count(*) from vault.key_bundles") == 0
    await erasing.close()
    await watcher.close()


async def test_erased_groups_are_gone_and_the_others_stay(connection: Any, world: VaultWorld) -> None:
    """Erasing F5 destroys its key in every event of hers, and no other key."""
    first, second = await world.admit(connection), await world.admit(connection)
    slots = [await world.slots(connection, event) for event in (first, second)]
    dispatches = [await world.grant(connection, one) for one in slots]
    await world.vault.erase_groups(connection, world.subject, ["F5"])
    for dispatch, one in zip(dispatches, slots, strict=True):
        with pytest.raises(NotGranted):
            await world.open(connection, dispatch, {"F5": one["F5"]})
        assert await world.open(connection, dispatch, {"F1": one["F1"]}) == {"F1": b"F1canary"}
    assert "F5" not in await world.slots(connection, first)


async def test_what_is_a_part_of_an_erased_group_goes_with_it(connection: Any, world: VaultWorld) -> None:
    """Her age group follows from F1: erasing F1 leaves no key of it, erasing F5 leaves it alone."""
    event = await world.admit(connection, more=[PlainSlot("item:age_group", MAI, ITEM_FINGERPRINT, b"15-17")])
    slots = await world.slots(connection, event)
    dispatch = await world.grant(connection, slots)
    await world.vault.erase_groups(connection, world.subject, ["F5"])
    item = {"item:age_group": slots["item:age_group"]}
    assert await world.open(connection, dispatch, item) == {"item:age_group": b"15-17"}
    await world.vault.erase_groups(connection, world.subject, ["F1"])
    with pytest.raises(NotGranted):
        await world.open(connection, dispatch, item)
    assert set(await world.slots(connection, event)) == {"F2"}


async def test_another_keyring_opens_nothing(connection: Any, world: VaultWorld, tmp_path: Any) -> None:
    """The database alone is useless: under other key-encryption keys every opening fails with words."""
    event = await world.admit(connection)
    stranger = Vault(Keyring.create(tmp_path / "other.json", world.random), world.random)
    with pytest.raises(SampanError) as error:
        await stranger.open_records(connection, [(event, [world.subject])])
    assert error.value.remedy


async def test_a_key_moved_to_another_subject_does_not_open(connection: Any, world: VaultWorld) -> None:
    """Whoever can write the tables cannot make one person's key or bundle serve for another."""
    event = await world.admit(connection)
    other = world.id()
    for table, column in (("subject_keys", "wrapped_key"), ("key_bundles", "wrapped")):
        await world.admit(connection, {MAI: other})
        await connection.execute(
            f"update vault.{table} set {column} = (select {column} from vault.{table} where subject_id = $1"
            f" limit 1) where subject_id = $2",
            other,
            world.subject,
        )
        with pytest.raises(NotAuthentic):
            await world.vault.open_records(connection, [(event, [world.subject])])
        world.subject = world.id()
        event = await world.admit(connection)


async def test_no_table_shows_a_label_a_name_or_how_many_groups(connection: Any, world: VaultWorld) -> None:
    """Planted names and labels stand nowhere in schema vault; one group or three leave rows of one size."""
    slots = await world.slots(connection, await world.admit(connection, content=b"Vongsa-Mekong-7731"))
    await world.grant(connection, slots)
    await world.grant(connection, {"F9": slots["F1"]}, expires_at=NOW)
    await world.narrow(connection)
    await store.narrow_once(connection, [(world.id(), world.subject)])
    tables = await connection.fetch(
        "select table_name from information_schema.tables where table_schema = 'vault'"
    )
    assert len(tables) == 5
    for (table,) in tables:
        rows = await connection.fetch(f"select * from vault.{table}")
        assert rows
        for row in rows:
            for value in row.values():
                shown = value if isinstance(value, bytes) else str(value).encode()
                # A label of two characters turns up in random bytes by chance, so it is sought in text alone.
                short = () if isinstance(value, bytes) else (b"F1", b"F9")
                for planted in (b"Vongsa", b"Mekong", b"control", b"item:", *short):
                    assert planted not in shown
    sizes = await connection.fetch("select distinct length(sealed) from vault.grants")
    assert len(sizes) == 1
