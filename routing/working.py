"""One step in the making: the state, the record, the law, and what has been concluded so far."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from contracts.decision import (
    DeadlineSet,
    Denied,
    Dispatch,
    Fired,
    Held,
    Regrant,
    ReviewOpened,
    RuleRef,
)
from routing.agency import Agency
from routing.compiled import RuleSet
from routing.consents import purposes_consented
from routing.law import Law
from routing.recipients import Recipients
from routing.seen import Seen
from routing.state import Json, Recorded, SubjectState
from routing.targets import of_side
from routing.view import View, age_of, view_of
from routing.vocabulary import CHILD_AGES


class Look:
    """A record seen with certain facts. ``seen`` is what its view alone decides, shared with whoever looks alike."""

    __slots__ = ("absent", "expand", "facts", "matched", "means", "places", "record", "seen")

    def __init__(self, record: Recorded, facts: Json, seen: Seen) -> None:
        self.record, self.facts, self.seen = record, facts, seen
        self.places, self.matched, self.absent = seen.places, seen.matched, seen.absent
        self.expand, self.means = seen.expand, seen.means


@dataclass(slots=True)
class Working:
    """Mutable while one record is decided; nothing outlives the step but ``state``."""

    state: SubjectState
    record: Recorded
    law: Law
    rules: RuleSet
    mother: SubjectState | None
    zone: ZoneInfo
    outcome: str = "accepted"
    dispatches: list[Dispatch] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    released: list[UUID] = field(default_factory=list)
    denied: list[Denied] = field(default_factory=list)
    deadlines: list[DeadlineSet] = field(default_factory=list)
    met: list[UUID] = field(default_factory=list)
    missed: list[UUID] = field(default_factory=list)
    fired: list[Fired] = field(default_factory=list)
    reviews: list[ReviewOpened] = field(default_factory=list)
    reviews_closed: list[UUID] = field(default_factory=list)
    regrants: list[Regrant] = field(default_factory=list)
    erase: set[str] = field(default_factory=set)
    unlinked_except: tuple[str, ...] | None = None
    refs: set[RuleRef] = field(default_factory=set)
    resolved: dict[str, Recipients] = field(default_factory=dict)

    @property
    def at(self) -> datetime:
        """Now: the record's append time."""
        return self.record.recorded_at

    @property
    def directory(self):  # type: ignore[no-untyped-def]
        """The directory in force."""
        return self.law.directory

    def look(self, record: Recorded, facts: Json) -> Look:
        """See a record with these facts, as of now."""
        return Look(record, facts, self.law.see(self.rules, self.view(record, facts)))

    def view(self, record: Recorded, facts: Json) -> View:
        """What rules see of a record with these facts, as of now."""
        return view_of(
            self.state, facts, record, self.at, self.zone, self.origin_told(facts),
            purposes_consented(self.state, self.at, child=age_of(facts, self.at, self.zone) in CHILD_AGES),
        )  # fmt: skip

    def origin_told(self, facts: Json) -> bool:
        """Whether an agency of an origin state was ever told anything of her."""
        citizenship = facts.get("citizenship")
        origin = set(citizenship) if isinstance(citizenship, list) else set()
        origin |= {*(facts.get("claims_citizenship") or ()), facts.get("residence_at_entry")} - {None}
        return any(
            of_side(self.directory.by_slug(made.recipient), country)
            for made in self.state.made if made.purpose != "FEEDBACK" and self.directory.has(made.recipient)
            for country in origin
        )  # fmt: skip

    def agencies(self, address: str) -> Recipients:
        """Who an address means now, each with the role in which it is told."""
        found = self.resolved.get(address)
        if found is None:
            found = self.resolved[address] = self.law.recipients(address, self.at)
        return found

    def agency(self, slug: str | None) -> Agency | None:
        """An agency by slug, if the directory still lists it."""
        return self.directory.by_slug(slug) if slug and self.directory.has(slug) else None

    def own_address(self, agency: Agency) -> str:
        """The role in which an agency is told as a party of the case."""
        if agency.slug == self.record.owner and self.state.owner_address:
            return self.state.owner_address
        held = agency.addresses(self.at)
        return str(held[0]) if held else "owner"

    def cite(self, refs: object) -> None:
        """Notes rules among the reasons of this step."""
        self.refs.update(refs)  # type: ignore[arg-type]


def derived_id(*parts: UUID | str | int | None) -> UUID:
    """A UUIDv8 that follows from its parts; receipts re-evaluate to the same ids."""
    text = "\0".join(map(str, msgspec.to_builtins(("sampan/routing/1", *parts))))
    raw = bytearray(hashlib.sha256(text.encode()).digest()[:16])
    raw[6], raw[8] = raw[6] & 0x0F | 0x80, raw[8] & 0x3F | 0x80  # version 8, the variant of RFC 9562
    return msgspec.convert(raw, UUID)  # half the time of UUID(...): eight ids a referral
