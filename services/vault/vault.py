"""The vault's door: every method that touches keys stands here; what it does stands in the files beside.

Methods take the caller's connection: what the vault does is part of the caller's transaction. Each takes many
at once: one statement for a batch, not one per event.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.errors import SampanError
from contracts.groups import items_from
from contracts.ids import Random
from contracts.sealing import SealedEvent, SealedSubmission
from contracts.sealing.release import EdgePublicKey
from services.vault import store
from services.vault.bundles import PinnedKey, bundles_of, joined_control, unwrap_bundle, wrap_bundle
from services.vault.edge_release import sealed_to
from services.vault.errors import erased
from services.vault.key_holder import KeyHolder
from services.vault.keyring import Keyring
from services.vault.naming import Naming, naming_keys
from services.vault.opening import open_control, open_submission, slots_of
from services.vault.port import Admission, Narrowing, OpenedRecord, OpenedSubmission
from services.vault.releasing import release
from services.vault.subject_keys import facts_key
from services.vault.tickets import Grant, Regranted, Ticket, open_grant, seal_grant, together


class Vault(Naming):
    """The vault in the caller's transaction: opens, re-wraps, grants, closes, erases.

    Args:
        keyring: unlocked.
        random: for keys and nonces; ``os.urandom`` in a running service.
    """

    def __init__(self, keyring: Keyring, random: Random) -> None:
        super().__init__(naming_keys(keyring), keyring.public, random)
        self._keyring = keyring
        self._holder = KeyHolder(keyring, random)

    # Taking in.

    async def open_submissions(
        self, submissions: Sequence[tuple[SealedSubmission, SealedEvent]]
    ) -> list[OpenedSubmission | SampanError]:
        """See :class:`services.vault.port.VaultDoor`."""
        results: list[OpenedSubmission | SampanError] = []
        for submission, event in submissions:
            try:
                results.append(open_submission(submission, event, self._keyring.vault_keys))
            except SampanError as error:
                results.append(error)
        return results

    async def admit(self, connection: Any, admissions: Sequence[Admission], now: datetime) -> None:
        """Take over the keys of verified events; makes keys and gates for subjects that are new.

        Raises:
            InvalidInput: ``part-of-nobody``; see :meth:`check_admission`, which needs no database.
            GateClosed: ``erased``; a subject of that id was erased.
        """
        if not admissions:
            return
        everybody = {subject_id for one in admissions for subject_id in one.subjects.values()}
        keys = await self._holder.ensured(connection, everybody, now)
        rows = []
        for one in admissions:
            event_id = one.event.header.event_id
            for subject_id, bundle in bundles_of(one.event, one.keys, one.subjects, self._random).items():
                wrapped = wrap_bundle(keys[subject_id], subject_id, event_id, bundle, self._random)
                rows.append((subject_id, event_id, wrapped))
        if rows and not await store.insert_bundles(connection, rows):
            raise erased()

    # For the router.

    async def facts_keys(self, connection: Any, subject_ids: Collection[UUID]) -> dict[UUID, bytes]:
        """The keys of router state, receipts and dispatch bodies; whoever was erased is missing."""
        found = await self._holder.existing(connection, set(subject_ids))
        return {subject_id: facts_key(key) for subject_id, key in found.items()}

    async def open_records(
        self, connection: Any, records: Sequence[tuple[SealedEvent, Sequence[UUID]]]
    ) -> list[OpenedRecord | None]:
        """Open the control slots of events read from the log, each with all its subjects (as admitted).

        None where a subject of the event was erased: nothing of it can be read any more.

        Raises:
            NotAuthentic: the event is not the one that was admitted.
        """
        wanted = {(s, event.header.event_id) for event, subjects in records for s in subjects}
        keys = await self._holder.existing(connection, {subject_id for subject_id, _ in wanted})
        wrapped = await store.bundles(connection, wanted)
        opened: list[OpenedRecord | None] = []
        for event, subjects in records:
            event_id = event.header.event_id
            bundles = {
                s: unwrap_bundle(keys[s], s, event_id, wrapped[s, event_id])
                for s in subjects
                if s in keys and (s, event_id) in wrapped
            }
            complete = len(bundles) == len(set(subjects))
            control = joined_control(bundles) if complete else None
            slots = {s: slots_of(event_id, bundle) for s, bundle in bundles.items()}
            opened.append(None if control is None else OpenedRecord(open_control(event, control), slots))
        return opened

    async def grant(
        self, connection: Any, grants: Sequence[Grant], facts_keys: Mapping[UUID, bytes] | None = None
    ) -> None:
        """Let dispatches open slots. Deciding again changes nothing: a known dispatch keeps its grant.

        Args:
            facts_keys: as :meth:`facts_keys` gave them, to spare a statement.

        Raises:
            GateClosed: ``erased``.
        """
        if not grants:
            return
        keys = facts_keys or await self.facts_keys(connection, {grant.subject_id for grant in grants})
        if any(grant.subject_id not in keys for grant in grants):
            raise erased()
        await store.insert_grants(
            connection,
            [
                (
                    grant.dispatch_id,
                    grant.subject_id,
                    grant.recipient,
                    grant.gate_version,
                    grant.expires_at,
                    seal_grant(keys[grant.subject_id], grant.dispatch_id, grant.slots, self._random),
                )
                for grant in grants
            ],
        )

    async def change_grants(
        self, connection: Any, changes: Sequence[Regranted], versions: Mapping[UUID, int]
    ) -> None:
        """First what is taken away, then what holds on: see :class:`services.vault.port.VaultDoor`."""
        await self._regrant(connection, changes)
        if versions:
            await store.renew_grants(connection, versions)

    async def _regrant(self, connection: Any, changes: Sequence[Regranted]) -> None:
        if not changes:
            return
        known = await store.sealed_grants(connection, {change.dispatch_id for change in changes})
        keys = await self.facts_keys(connection, {subject_id for subject_id, _ in known.values()})
        rows = []
        for change in together(changes):
            subject_id, sealed = known.get(change.dispatch_id, (None, b""))
            if subject_id is None or subject_id not in keys:
                continue
            key = keys[subject_id]
            slots = open_grant(key, change.dispatch_id, sealed)
            kept = {} if change.recalled else {x: ref for x, ref in slots.items() if x in change.labels}
            resealed = seal_grant(key, change.dispatch_id, kept, self._random)
            rows.append((change.dispatch_id, resealed, change.gate_version, change.recalled))
        if rows:
            await store.change_grants(connection, rows)

    # Gates.

    async def narrow(self, connection: Any, narrowings: Sequence[Narrowing]) -> dict[UUID, int]:
        """Make all tickets of these subjects stale from this transaction's commit on; returns new versions.

        The event enters the log in the same transaction, which is what makes it count once.
        """
        if not narrowings:
            return {}
        return await store.narrow(connection, [subject_id for _, subject_id in narrowings])

    async def close(self, connection: Any, subject_ids: Collection[UUID]) -> None:
        """Nothing of these subjects can be opened until :meth:`reopen`."""
        await store.set_closed(connection, subject_ids, True, "closed")

    async def reopen(self, connection: Any, subject_ids: Collection[UUID]) -> None:
        """Undo :meth:`close`. Grants stay stale until they are renewed; an erased subject stays closed."""
        await store.set_closed(connection, subject_ids, False, "open")

    # Opening.

    async def release_keys(
        self, connection: Any, tickets: Sequence[Ticket], now: datetime
    ) -> list[dict[str, PinnedKey] | SampanError]:
        """Gates stay as they are until the caller's transaction ends; see :class:`services.vault.port.VaultDoor`."""
        return await release(connection, self._holder, tickets, now)

    async def release_to_edge(
        self, connection: Any, tickets: Sequence[Ticket], edge: EdgePublicKey, now: datetime
    ) -> list[bytes | SampanError]:
        """See :class:`services.vault.port.VaultDoor`."""
        return sealed_to(edge, self, tickets, await self.release_keys(connection, tickets, now))

    # Erasing.

    async def hold(self, connection: Any, subject_id: UUID) -> None:
        """See :class:`services.vault.port.VaultDoor`."""
        await store.hold_subject(connection, subject_id)

    async def count_bundles(self, connection: Any, subject_id: UUID) -> int:
        """In how many events something of hers is sealed."""
        return await store.count_bundles(connection, subject_id)

    async def erase_subject(self, connection: Any, subject_id: UUID) -> None:
        """Destroy the subject's key, her bundles and grants, and shut her gate for ever.

        After the commit nothing about her opens, whatever copies of the log there are. PostgreSQL keeps the
        wrapped key in dead rows and its WAL for a while; docs/adr/0023 says what that is worth.
        """
        await store.erase(connection, subject_id)

    async def erase_groups(self, connection: Any, subject_id: UUID, labels: Collection[str]) -> None:
        """Destroy the keys of these groups, and of the items that are parts of them, in all her events."""
        gone = {*labels, *(f"item:{item}" for item in items_from(labels))}
        key = (await self._holder.existing(connection, [subject_id])).get(subject_id)
        if key is None:
            return
        rows = []
        for event_id, wrapped in (await store.all_bundles(connection, subject_id)).items():
            bundle = unwrap_bundle(key, subject_id, event_id, wrapped)
            kept = [pin for pin in bundle if pin.key.label not in gone]
            if len(kept) != len(bundle):
                rewrapped = wrap_bundle(key, subject_id, event_id, kept, self._random)
                rows.append((subject_id, event_id, rewrapped))
        if rows:
            await store.replace_bundles(connection, rows)
