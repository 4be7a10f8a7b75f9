"""Event types: what may be said, of which kind it is, and who must hear of it.

The data is ``events.yaml``; this module reads it once, refuses what is not of the closed vocabulary, and
offers :data:`EVENTS`. Recipients are set per event and are *offers*: rules, consent and objections still
decide (``domain/jurisdiction.md`` parts A and B).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, cast

from contracts.address import RELATIONS
from contracts.errors import InvalidInput
from contracts.roles import Group, Purpose, Role
from contracts.yaml_text import LocatedDict, load_yaml

Kind = Literal["fact", "request", "proposal", "consent", "running"]
Place = Literal["host", "origin", "landing", "sender"]
Condition = Literal["always", "child", "baby"]
Scope = Literal["person", "counts", "none"]

KINDS: Final = ("fact", "request", "proposal", "consent", "running")
REFUSABLE_KINDS: Final = frozenset({"request", "proposal", "consent"})
SCOPES: Final = ("person", "counts", "none")
ALL: Final = "all"
"""Recipient of what holds no person: every agency of the directory."""

_RECIPIENT = re.compile(
    r"(?P<target>[A-Za-z_-]+)(?:@(?P<place>host|origin|landing|sender))?(?: if (?P<when>child|baby))?"
)
_BLOCK_KEYS: Final = {
    "row",
    "title",
    "source",
    "confidence",
    "scope",
    "emits",
    "recipients",
    "sensitive",
    "purpose",
    "hidden",
    "kind",
    "events",
}
_EVENT_KEYS: Final = _BLOCK_KEYS - {"row", "title", "source", "confidence", "events"}


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who must receive an event: a role somewhere, a relation, or :data:`ALL`.

    ``place`` (roles only): *host* found_in else last_seen_in; *origin*; *landing* lands_in else origin;
    *sender* the emitter's country. ``when``: only for a subject under 18 or of doubtful age (*child*), or
    only for one born to another subject of the record (*baby*).
    """

    target: str
    place: Place | None = None
    when: Condition = "always"

    @property
    def is_relation(self) -> bool:
        """Whether it names a part in the case rather than a role."""
        return self.target in RELATIONS


@dataclass(frozen=True, slots=True)
class EventType:
    """One event name and what is fixed about it.

    ``row`` groups events for the relation *requester* (emitter of the newest request of the same row);
    ``purpose`` is that of a dispatch to RFP or UNHCR; ``hidden_from_origin`` keeps the event's existence from
    the origin side. ``emitters`` are usual, not enforced: roles, relations, ``any`` or ``sampan``.
    """

    name: str
    row: str
    title: str
    kind: Kind
    emitters: tuple[str, ...]
    recipients: tuple[Recipient, ...]
    sensitive: tuple[Group, ...]
    purpose: Purpose | None
    hidden_from_origin: bool
    scope: Scope
    confidence: str
    source: str

    @property
    def family(self) -> str:
        """Name of the payload family: ``counts`` for events without a person, else ``case``."""
        return "counts" if self.scope == "counts" else "case" if self.scope == "person" else "running"

    @property
    def is_person_level(self) -> bool:
        """Whether it is about a person (and so needs a basis to travel)."""
        return self.scope == "person"

    @property
    def is_refusable(self) -> bool:
        """Requests, proposals and consents can be refused; a reported fact is always recorded."""
        return self.kind in REFUSABLE_KINDS

    @property
    def must_reach_a_role(self) -> bool:
        """Whether reaching nobody must open a review: it names a role unconditionally."""
        return any(r.place is not None and r.when == "always" for r in self.recipients)


def event_type(name: str, field: str = "event") -> EventType:
    """Look an event up.

    Raises:
        InvalidInput: unknown; the remedy names the nearest known name.
    """
    found = EVENTS.get(name)
    if found is None:
        raise InvalidInput("unknown event name", code="unknown-event", field=field, remedy=_nearest(name))
    return found


def _nearest(name: str) -> str:
    close = get_close_matches(name[:80], EVENTS, n=1, cutoff=0.5)
    return f"Did you mean {close[0]}?" if close else "The known names stand in contracts/events.yaml."


def load_events(text: str, file: str = "contracts/events.yaml") -> Mapping[str, EventType]:
    """Read event types from YAML.

    Raises:
        InvalidInput: unknown key, kind, role, place, group or purpose, or a name given twice; ``file:line``.
    """
    events: dict[str, EventType] = {}
    for block in cast(list[LocatedDict], load_yaml(text, file) or []):
        _only(block, _BLOCK_KEYS)
        for name, own in (block.get("events") or {}).items():
            if name in events:
                raise _refusal(block["events"], name, f"{name} stands twice", "Keep one of the two.")
            _only(own or LocatedDict(), _EVENT_KEYS)
            events[name] = _event(name, block, own or LocatedDict())
    return MappingProxyType(events)


def _event(name: str, block: LocatedDict, own: LocatedDict) -> EventType:
    def value(key: str, default: Any) -> Any:
        return own[key] if key in own else block.get(key, default)

    at = own if own.file else block
    purpose = value("purpose", None)
    return EventType(
        name=name,
        row=block["row"],
        title=block["title"],
        kind=cast(Kind, _one_of(at, "kind", value("kind", "fact"), KINDS)),
        emitters=tuple(_emitter(at, text) for text in value("emits", [])),
        recipients=tuple(_recipient(at, text) for text in value("recipients", [])),
        sensitive=tuple(Group(_one_of(at, "sensitive", g, tuple(Group))) for g in value("sensitive", [])),
        purpose=Purpose(_one_of(at, "purpose", purpose, tuple(Purpose))) if purpose else None,
        hidden_from_origin=bool(value("hidden", False)),
        scope=cast(Scope, _one_of(at, "scope", value("scope", "person"), SCOPES)),
        confidence=_one_of(block, "confidence", block["confidence"], ("S", "R", "P", "A")),
        source=block["source"],
    )


def _recipient(at: LocatedDict, text: str) -> Recipient:
    match = _RECIPIENT.fullmatch(text)
    if match is None:
        raise _refusal(
            at, "recipients", f"{text} is not a recipient", "Write ROLE, ROLE@place or a relation."
        )
    target, place, when = match["target"], match["place"], cast(Condition, match["when"] or "always")
    if target in RELATIONS or target == ALL:
        return Recipient(target, None, when)
    _one_of(at, "recipients", target, tuple(Role))
    return Recipient(target, cast(Place, place or "host"), when)


def _emitter(at: LocatedDict, text: str) -> str:
    return _one_of(at, "emits", text, (*Role, *RELATIONS, "any", "sampan"))


def _one_of(at: LocatedDict, key: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        close = get_close_matches(str(value), known, n=1, cutoff=0.0)
        raise _refusal(at, key, f"{value} is not known here", f"Did you mean {close[0]}?")
    return value


def _only(at: LocatedDict, known: set[str]) -> None:
    for key in at:
        if key not in known:
            raise _refusal(at, key, f"unknown key {key}", "Known: " + ", ".join(sorted(known)))


def _refusal(at: LocatedDict, key: str, message: str, remedy: str) -> InvalidInput:
    return InvalidInput(message, code="bad-events-file", field=at.where(key), remedy=remedy)


EVENTS: Final[Mapping[str, EventType]] = load_events(
    Path(__file__).with_name("events.yaml").read_text(encoding="utf-8")
)
"""All event types by name."""
