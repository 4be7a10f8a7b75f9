"""The vault as the other rooms know it: one protocol, whatever stands behind it.

Three forms keep it: in the caller's transaction (:mod:`services.vault.vault`), on a database of its own
(:mod:`services.vault.apart`), and over HTTP in a process of its own (:mod:`services.vault.remote`). All but the first
commit *before* the caller does; so every call may come again after the caller failed, and changes nothing when it
comes twice (ADR 0132).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import msgspec

from contracts.decision import SlotRef
from contracts.errors import SampanError
from contracts.sealing import SealedEvent, SealedSubmission, SlotKey, VaultPublicKey
from contracts.sealing.release import EdgePublicKey
from services.vault.bundles import PinnedKey
from services.vault.tickets import Grant, Regranted, Ticket


class Admission(msgspec.Struct, frozen=True, kw_only=True):
    """A verified event whose keys the vault takes. ``subjects``: the sender's reference → subject id."""

    event: SealedEvent
    keys: tuple[SlotKey, ...]
    subjects: Mapping[UUID | None, UUID]


class Narrowing(NamedTuple):
    """An event that takes something away about a person. The pair is what counts once."""

    event_id: UUID
    subject_id: UUID


class OpenedSubmission(msgspec.Struct, frozen=True):
    """The control slot's content, and the keys of all real slots."""

    control: bytes
    keys: tuple[SlotKey, ...]


class OpenedRecord(msgspec.Struct, frozen=True):
    """What the router may know of an event: the control payload's bytes; each subject's slots by label."""

    control: bytes
    slots: Mapping[UUID, Mapping[str, SlotRef]]


class Names(Protocol):
    """What a process can do with the naming keys alone: no database, no wait."""

    @property
    def public(self) -> VaultPublicKey:
        """What senders seal to."""

    def alias(self, kind: str, original: UUID, recipient: UUID) -> UUID:
        """What ``recipient`` sees instead of ``original``."""

    def case_code(self, case_id: UUID, agency_id: UUID, attempt: int = 0) -> str:
        """``SP-XXXXX-XXXXX``."""

    def webhook_seed(self) -> bytes:
        """The ed25519 seed with which this instance signs its notices to webhooks."""

    def content_mac(self, content: bytes) -> bytes:
        """32 bytes that tell whether the same bytes were handed in before."""

    def seal_facts(self, key: bytes, content: bytes, aad: bytes) -> bytes:
        """Seal under a facts key; ``aad`` says what this is and of whom."""

    def open_facts(self, key: bytes, sealed: bytes, aad: bytes) -> bytes:
        """Raises NotAuthentic: ``key-broken``."""

    def check_admission(self, admission: Admission) -> None:
        """Raises InvalidInput: ``part-of-nobody``."""


class VaultDoor(Names, Protocol):
    """Every method that touches keys.

    ``connection`` is the caller's, inside its transaction. The embedded form makes its changes a part of that
    transaction; a vault apart has committed its own on return, and raises VaultAway where it cannot be reached.
    Each method takes many at once.
    """

    async def open_submissions(
        self, submissions: Sequence[tuple[SealedSubmission, SealedEvent]]
    ) -> list[OpenedSubmission | SampanError]:
        """One result each, in order. The caller has verified the signatures.

        Results that are errors:
            NotAuthentic: ``manifest-broken``, ``seal-broken``, ``unknown-vault-key``.
            InvalidInput: ``malformed-seal``, ``unknown-suite``.
        """

    async def admit(self, connection: Any, admissions: Sequence[Admission], now: datetime) -> None:
        """Take over the keys of verified events; makes keys and gates for subjects that are new.

        Raises:
            InvalidInput: ``part-of-nobody``.
            GateClosed: ``erased``; a subject of that id was erased.
            Conflict: ``id-used``; apart only: an event of that id was admitted with other content.
        """

    async def narrow(self, connection: Any, narrowings: Sequence[Narrowing]) -> dict[UUID, int]:
        """Make all tickets of these subjects stale from the commit on; returns the gates' versions.

        Counts each (event, subject) once. Waits for openings that are under way.
        """

    async def facts_keys(self, connection: Any, subject_ids: Collection[UUID]) -> dict[UUID, bytes]:
        """The keys of router state, receipts and dispatch bodies; whoever was erased is missing."""

    async def open_records(
        self, connection: Any, records: Sequence[tuple[SealedEvent, Sequence[UUID]]]
    ) -> list[OpenedRecord | None]:
        """Open the control slots of events read from the log, each with all its subjects (as admitted).

        None where a subject of the event was erased: nothing of it can be read any more.

        Raises:
            NotAuthentic: the event is not the one that was admitted.
        """

    async def grant(
        self, connection: Any, grants: Sequence[Grant], facts_keys: Mapping[UUID, bytes] | None = None
    ) -> None:
        """Let dispatches open slots. Deciding again changes nothing: a known dispatch keeps its grant.

        Args:
            facts_keys: as :meth:`facts_keys` gave them, to spare a statement.

        Raises:
            GateClosed: ``erased``.
        """

    async def change_grants(
        self, connection: Any, changes: Sequence[Regranted], versions: Mapping[UUID, int]
    ) -> None:
        """Narrow earlier grants, then let what was not revoked hold under its gate's new version, in one go.

        A grant never widens here; a recalled one never comes back.

        Args:
            versions: subject → the gate version *decided on* (not the newest, which may count a narrowing that
                the router has yet to read).
        """

    async def release_keys(
        self, connection: Any, tickets: Sequence[Ticket], now: datetime
    ) -> list[dict[str, PinnedKey] | SampanError]:
        """The keys of the wanted slots by label, each with the digest of the slot that was admitted.

        One result a ticket, in order. Embedded, gates stay as they are until the caller's transaction ends;
        apart, until the vault's own has ended.

        Results that are errors:
            NotGranted: unknown dispatch, another recipient's, a slot that was not granted or whose key is gone.
            GateClosed: closed, revoked, erased or expired.
            StaleTicket: the router must decide again first; retryable.
            NotAuthentic: the slot was granted under another label than it was admitted under.
        """

    async def release_to_edge(
        self, connection: Any, tickets: Sequence[Ticket], edge: EdgePublicKey, now: datetime
    ) -> list[bytes | SampanError]:
        """As :meth:`release_keys`, each ticket's keys sealed to an agency's own edge: no caller here can use them."""

    async def hold(self, connection: Any, subject_id: UUID) -> None:
        """No event about her is taken in before the caller's transaction ends; waits for what is under way."""

    async def count_bundles(self, connection: Any, subject_id: UUID) -> int:
        """In how many events something of hers is sealed."""

    async def erase_subject(self, connection: Any, subject_id: UUID) -> None:
        """Destroy the subject's key, her bundles and grants, and shut her gate for ever.

        The last statement of its transaction: a vault apart has destroyed them on return, whatever comes after.
        """

    async def erase_groups(self, connection: Any, subject_id: UUID, labels: Collection[str]) -> None:
        """Destroy the keys of these groups, and of the items that are parts of them, in all her events."""
