"""The vault's door: every method that touches keys stands here; what it does stands in the files beside.

Methods take the caller's connection: what the vault does is part of the caller's transaction. Each takes many
at once: one statement for a batch, not one per event.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from contracts import ids
from contracts.decision import SlotRef
from contracts.errors import NotAuthentic, SampanError
from contracts.groups import items_from
from contracts.ids import Random
from contracts.sealing import (
    CONTROL,
    SealedEvent,
    SealedSubmission,
    SlotKey,
    check_slot,
    document_mac,
    event_context,
    open_manifest,
    open_slot,
)
from services.vault import store
from services.vault.bundles import (
    PinnedKey,
    bundles_of,
    check_parts,
    joined_control,
    unwrap_bundle,
    wrap_bundle,
)
from services.vault.errors import erased, not_granted
from services.vault.key_holder import KeyHolder
from services.vault.keyring import Keyring
from services.vault.opening import open_control, open_pinned, slots_of
from services.vault.subject_keys import facts_key, open_facts, seal_facts
from services.vault.tickets import (
    Grant,
    LoadSlots,
    Regranted,
    Ticket,
    check_granted,
    check_ticket,
    open_grant,
    seal_grant,
    together,
)


class Admission(msgspec.Struct, frozen=True, kw_only=True):
    """A verified event whose keys the vault takes. ``subjects``: the sender's reference → subject id."""

    event: SealedEvent
    keys: tuple[SlotKey, ...]
    subjects: Mapping[UUID | None, UUID]


class OpenedRecord(msgspec.Struct, frozen=True):
    """What the router may know of an event: the control payload's bytes; each subject's slots by label."""

    control: bytes
    slots: Mapping[UUID, Mapping[str, SlotRef]]


class Vault:
    """Opens, re-wraps, grants, closes, erases.

    Args:
        keyring: unlocked.
        random: for keys and nonces; ``os.urandom`` in a running service.
    """

    def __init__(self, keyring: Keyring, random: Random) -> None:
        self._keyring, self._random = keyring, random
        self._holder = KeyHolder(keyring, random)

    # Names and marks that need a key but no database.

    def alias(self, kind: str, original: UUID, recipient: UUID) -> UUID:
        """What ``recipient`` sees instead of ``original``; see :func:`contracts.ids.alias`."""
        return ids.alias(self._keyring.alias_key, kind, original, recipient)

    def case_code(self, case_id: UUID, agency_id: UUID, attempt: int = 0) -> str:
        """``SP-XXXXX-XXXXX``; see :func:`contracts.ids.case_code`."""
        return ids.case_code(self._keyring.code_key, case_id, agency_id, attempt)

    def webhook_seed(self) -> bytes:
        """The ed25519 seed with which this instance signs its notices to webhooks."""
        return hmac.digest(self._keyring.mac_key, b"sampan/webhook-signing/1", "sha256")

    def content_mac(self, content: bytes) -> bytes:
        """32 bytes that tell whether the same bytes were handed in before."""
        return document_mac(self._keyring.mac_key, content)

    def seal_facts(self, key: bytes, content: bytes, aad: bytes) -> bytes:
        """Seal under a facts key; ``aad`` says what this is and of whom. Padded to a size class."""
        return seal_facts(key, content, aad, self._random)

    def open_facts(self, key: bytes, sealed: bytes, aad: bytes) -> bytes:
        """Raises NotAuthentic: ``key-broken``."""
        return open_facts(key, sealed, aad)

    # Taking in.

    def open_submission(
        self, submission: SealedSubmission, event: SealedEvent
    ) -> tuple[bytes, tuple[SlotKey, ...]]:
        """The control slot's content and the keys of all real slots. The caller has verified the signature.

        Every key is held against its slot's commitment, so that a slot sealed wrongly is refused now, while
        the sender can still do something, and not when somebody needs it.

        Raises:
            NotAuthentic: ``manifest-broken``, ``seal-broken``.
            InvalidInput: ``malformed-seal``, ``unknown-suite``.
        """
        private = self._keyring.vault_keys.get(submission.vault_key_id)
        if private is None:
            raise NotAuthentic(
                "The event was sealed to a key that this instance does not hold.", code="unknown-vault-key",
                field="vault_key_id", remedy="Fetch the instance's description again and seal anew.",
            )  # fmt: skip
        keys = open_manifest(submission, event, private)
        context = event_context(event.header)
        slots = {slot.raw_id: slot for slot in event.slots}
        control = b""
        for key in keys:
            slot = slots[key.slot_id.bytes]
            if key.label == CONTROL:
                control = open_slot(context, slot, key)
            else:
                check_slot(context, slot, key)
        return control, keys

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

    def check_admission(self, admission: Admission) -> None:
        """Raises what :meth:`admit` would raise because of this event alone."""
        check_parts(admission.keys, admission.subjects)

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
            control = joined_control(list(bundles.values())) if complete else None
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

    async def regrant(self, connection: Any, changes: Sequence[Regranted]) -> None:
        """Narrow earlier grants to ``labels``. A grant never widens here; a recalled one never comes back."""
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

    async def renew(self, connection: Any, versions: Mapping[UUID, int]) -> None:
        """Let all grants of these subjects that were not revoked hold under a new gate version.

        Called when a narrowing was decided: after :meth:`regrant`, in the same transaction, with the version
        *decided on* (not the newest one, which may count a narrowing that the router has yet to read).
        """
        if versions:
            await store.renew_grants(connection, versions)

    # Gates.

    async def narrow(self, connection: Any, subject_ids: Sequence[UUID]) -> dict[UUID, int]:
        """Make all tickets of these subjects stale from this transaction's commit on; returns new versions.

        Counts once for every time a subject is listed. Waits for openings that are under way.
        """
        return await store.narrow(connection, subject_ids) if subject_ids else {}

    async def close(self, connection: Any, subject_ids: Collection[UUID]) -> None:
        """Nothing of these subjects can be opened until :meth:`reopen`."""
        await store.set_closed(connection, subject_ids, True, "closed")

    async def reopen(self, connection: Any, subject_ids: Collection[UUID]) -> None:
        """Undo :meth:`close`. Grants stay stale until they are renewed; an erased subject stays closed."""
        await store.set_closed(connection, subject_ids, False, "open")

    # Opening.

    async def open(
        self,
        connection: Any,
        *,
        dispatch_id: UUID,
        recipient: UUID,
        wanted: Mapping[str, SlotRef],
        load_slots: LoadSlots,
        now: datetime,
    ) -> dict[str, bytes]:
        """Open slots of one dispatch: label → encoded group. See :meth:`open_many` for what is raised."""
        ticket = Ticket(dispatch_id=dispatch_id, recipient=recipient, wanted=wanted)
        (result,) = await self.open_many(connection, [ticket], load_slots, now)
        if isinstance(result, SampanError):
            raise result
        return result

    async def open_many(
        self, connection: Any, tickets: Sequence[Ticket], load_slots: LoadSlots, now: datetime
    ) -> list[dict[str, bytes] | SampanError]:
        """One result per ticket, in order. Gates stay as they are until the caller's transaction ends.

        Results that are errors:
            NotGranted: unknown dispatch, another recipient's, or a slot that was not granted.
            GateClosed: closed, revoked, erased or expired.
            StaleTicket: the router must decide again first; retryable.
            NotAuthentic: the slot is not the one that was admitted.
        """
        rows = await store.tickets(connection, {ticket.dispatch_id for ticket in tickets})
        keys: dict[UUID, bytes] = {}
        allowed: list[UUID | SampanError] = []
        for ticket in tickets:
            try:
                allowed.append(self._admitted(ticket, rows.get(ticket.dispatch_id), keys, now))
            except SampanError as error:
                allowed.append(error)
        pins, slots = await self._material(connection, tickets, allowed, keys, load_slots)
        results: list[dict[str, bytes] | SampanError] = []
        for ticket, subject in zip(tickets, allowed, strict=True):
            try:
                results.append(
                    subject if isinstance(subject, SampanError) else open_pinned(ticket, pins[subject], slots)
                )
            except SampanError as error:
                results.append(error)
        return results

    def _admitted(
        self, ticket: Ticket, row: store.GrantRow | None, keys: dict[UUID, bytes], now: datetime
    ) -> UUID:
        row = check_ticket(ticket, row, now)
        if row.wrapped_key is None or row.kek_epoch is None:
            raise not_granted()
        key = keys.get(row.subject_id)
        if key is None:
            key = self._holder.unwrapped(row.subject_id, row.kek_epoch, row.wrapped_key)
            keys[row.subject_id] = key
        check_granted(ticket, open_grant(facts_key(key), ticket.dispatch_id, row.sealed))
        return row.subject_id

    async def _material(
        self,
        connection: Any,
        tickets: Sequence[Ticket],
        allowed: Sequence[UUID | SampanError],
        keys: Mapping[UUID, bytes],
        load_slots: LoadSlots,
    ) -> tuple[dict[UUID, dict[SlotRef, PinnedKey]], Mapping[SlotRef, Any]]:
        """What the allowed tickets need: pinned keys by subject, and slots from the log."""
        pins: dict[UUID, dict[SlotRef, PinnedKey]] = {s: {} for s in allowed if isinstance(s, UUID)}
        wanted = {
            (subject, ref): None
            for ticket, subject in zip(tickets, allowed, strict=True)
            if isinstance(subject, UUID)
            for ref in ticket.wanted.values()
        }
        if not wanted:
            return pins, {}
        wrapped = await store.bundles(connection, {(subject, ref.event_id) for subject, ref in wanted})
        for (subject, event_id), bundle in wrapped.items():
            for pin in unwrap_bundle(keys[subject], subject, event_id, bundle):
                pins[subject][SlotRef(event_id, pin.key.slot_id)] = pin
        return pins, await load_slots(list({ref: None for _, ref in wanted}))

    # Erasing.

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
