"""``prepare``: from an open event to the sealed bytes that are kept, spooled, sent and sent again.

Pure: keys, clock and randomness are arguments. It runs in the ``sampan`` client, and in the assisted edge for
those who hand in plain JSON.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, Protocol, TypeVar
from uuid import UUID

from contracts.address import parse_address
from contracts.codec import encode, fingerprint
from contracts.control import ControlPayload, ControlSubject
from contracts.errors import InvalidInput
from contracts.events import event_type
from contracts.facts import Facts
from contracts.groups import FieldGroup
from contracts.ids import Random, new_id
from contracts.open_event import OpenEvent, SubjectEntry
from contracts.roles import Group
from contracts.sealing import (
    CONTROL,
    SUITE_NAME,
    Header,
    PlainSlot,
    SigningKey,
    VaultPublicKey,
    seal_submission,
)
from services.edge.derived_facts import age_group_of, facts_of
from services.edge.stated import check_consent, check_facts

CLOCK_SKEW: Final = timedelta(minutes=10)
"""How far a sender's clock may run ahead before its times are refused."""
ITEM_FINGERPRINT: Final = hashlib.sha256(b"sampan/item/utf-8/1").digest()[:8]
"""Schema fingerprint of items: plain UTF-8 text, such as ``15-17``."""


M = TypeVar("M", FieldGroup, Facts)


@dataclass(frozen=True, slots=True)
class SenderKeys:
    """Who signs: the agency's id, its ed25519 seed (32 bytes) and the key's id in the directory."""

    agency_id: UUID
    seed: bytes = field(repr=False)
    key_id: str
    signing_key: SigningKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.seed) != 32:
            raise InvalidInput(
                "The signing key is not an ed25519 seed of 32 bytes.",
                code="bad-signing-key",
                field="signing_key",
                remedy="Ask the operator for a new key file.",
            )
        object.__setattr__(self, "signing_key", SigningKey(self.seed))


class Instance(Protocol):
    """What must be known of the Sampan instance; :class:`contracts.api.InstanceInfo` is one."""

    @property
    def instance_id(self) -> UUID: ...
    @property
    def vault_key_id(self) -> str: ...
    @property
    def vault_public_key(self) -> str: ...
    @property
    def suite(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Prepared:
    """A sealed submission. ``subject_refs``: the sender's references, one per person of the event."""

    submission: bytes
    submission_id: UUID
    event_id: UUID
    subject_refs: tuple[UUID | None, ...] = ()


@dataclass(frozen=True, slots=True)
class _Subject:
    ref: UUID | None
    child_of: UUID | None
    facts: Facts
    groups: dict[Group, FieldGroup]
    age_group: str | None


def prepare(
    event: OpenEvent,
    sender: SenderKeys,
    instance: Instance,
    rng: Random,
    now: datetime,
    assisted: bool = False,
) -> Prepared:
    """Validate, derive facts, seal, sign.

    Raises:
        InvalidInput: an unknown event or address, a time in the future, an end far off, a person named twice,
            a group too large or a value that rules cannot read; names field and remedy. Nothing has happened then.
    """
    today = now.astimezone(UTC).date()
    _check(event, now, today)
    subjects = _subjects(event, rng, now, today)
    parts = [_control(event, subjects)]
    for subject in subjects:
        parts += _parts(subject)
    header = Header(
        instance=instance.instance_id,
        event_id=event.event_id,
        submission_id=event.submission_id,
        sender=sender.agency_id,
        case_ref=event.case or "",
        occurred_at=event.occurred_at.astimezone(UTC),
        signing_key_id=sender.key_id,
        assisted=assisted,
    )
    submission = seal_submission(header, parts, sender.signing_key, _vault_key(instance), rng)
    refs = tuple(subject.ref for subject in subjects)
    return Prepared(submission, event.submission_id, event.event_id, refs)


def _check(event: OpenEvent, now: datetime, today: date) -> None:
    event_type(event.event)
    if event.occurred_at > now + CLOCK_SKEW:
        raise InvalidInput(
            "This time lies in the future.",
            code="time-in-future",
            field="occurred_at",
            remedy="Check the date, the time zone and this machine's clock; a Buddhist-era year is 543 more.",
        )
    if event.acting_as is not None:
        parse_address(event.acting_as, "acting_as")
    for place, address in enumerate(event.to):
        parse_address(address, f"to[{place}]")
    if event.consent is not None:
        check_consent(event.consent, today)
    for place, entry in enumerate(event.subjects):
        check_facts(entry.facts, today, f"subjects[{place}].facts")


def _subjects(event: OpenEvent, rng: Random, now: datetime, today: date) -> list[_Subject]:
    entries = _with_references(event, rng, now)
    found: list[_Subject] = []
    for place, entry in enumerate(entries):
        where = f"subjects[{place}]"
        facts = facts_of(entry.facts, entry.groups, today, where)
        band = age_group_of(facts, entry.groups, today, where)
        found.append(_Subject(entry.subject, entry.child_of, facts, entry.groups, band))
    return found


def _with_references(event: OpenEvent, rng: Random, now: datetime) -> Sequence[SubjectEntry]:
    """One entry per person. A new case mints the references that the sender left out."""
    entries: dict[UUID | None, SubjectEntry] = {}
    for place, entry in enumerate(event.subjects):
        named = entry
        if entry.subject is None and not event.case:
            named = entry.model_copy(update={"subject": new_id(rng, now)})
        elif entry.subject is None and len(event.subjects) > 1:
            raise InvalidInput(
                "It is not clear which person is meant.",
                code="subject-needed",
                field=f"subjects[{place}].subject",
                remedy="Give each person's reference, as the receipt of the first submission named it.",
            )
        known = entries.get(named.subject)
        entries[named.subject] = named if known is None else _merged(known, named, f"subjects[{place}]")
    return list(entries.values())


def _merged(first: SubjectEntry, second: SubjectEntry, where: str) -> SubjectEntry:
    """The same person twice in one event: what both say is one content, as long as they do not disagree."""
    groups = dict(first.groups)
    for group, content in second.groups.items():
        known = groups.get(group)
        groups[group] = content if known is None else _union(known, content, f"{where}.groups.{group}")
    if first.child_of and second.child_of and first.child_of != second.child_of:
        raise _disagreement(f"{where}.child_of")
    return first.model_copy(
        update={
            "groups": groups,
            "facts": _union(first.facts, second.facts, f"{where}.facts"),
            "child_of": first.child_of or second.child_of,
        }
    )


def _union(first: M, second: M, where: str) -> M:
    update = {}
    for name in type(second).model_fields:
        old, new = getattr(first, name), getattr(second, name)
        if new is None or new == old:
            continue
        if old is not None:
            raise _disagreement(f"{where}.{name}")
        update[name] = new
    return first.model_copy(update=update)


def _disagreement(field: str) -> InvalidInput:
    return InvalidInput(
        "This person stands in the event twice, with different values.",
        code="conflicting-values",
        field=field,
        remedy="Keep one of the two.",
    )


def _control(event: OpenEvent, subjects: Sequence[_Subject]) -> PlainSlot:
    payload = ControlPayload(
        event=event.event,
        acting_as=event.acting_as,
        to=event.to,
        purpose=event.purpose,
        priority=event.priority,
        consent=event.consent,
        answer=event.answer,
        subjects=[ControlSubject(subject_ref=x.ref, child_of=x.child_of, facts=x.facts) for x in subjects],
    )
    return PlainSlot(CONTROL, None, fingerprint(ControlPayload), encode(payload))


def _parts(subject: _Subject) -> list[PlainSlot]:
    parts = [
        PlainSlot(str(group), subject.ref, fingerprint(type(content)), encode(content))
        for group, content in subject.groups.items()
    ]
    if subject.age_group is not None:
        parts.append(PlainSlot("item:age_group", subject.ref, ITEM_FINGERPRINT, subject.age_group.encode()))
    return parts


def _vault_key(instance: Instance) -> VaultPublicKey:
    if instance.suite != SUITE_NAME:
        raise InvalidInput(
            "This Sampan instance seals by rules that this client does not know.",
            code="unknown-suite",
            field="suite",
            remedy="Update the sampan client.",
        )
    return _read_vault_key(instance.vault_key_id, instance.vault_public_key)


@lru_cache(maxsize=4)
def _read_vault_key(key_id: str, text: str) -> VaultPublicKey:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    return VaultPublicKey(key_id, raw)
