"""Who is really there: roles nobody holds, owners nobody knows, events that reach nobody, effects out of reach."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Final, NamedTuple

from contracts.address import parse_address
from contracts.events import EVENTS, EventType, Recipient
from contracts.roles import REGION
from routing.analysis.boxes import Box, box_of, in_words, left_over, meet
from routing.analysis.finding import Finding
from routing.analysis.shadows import denies
from routing.analysis.speeches import Speech, is_relation
from routing.conditions import FactTest
from routing.directory import Directory
from routing.purposes import Purposes
from routing.vocabulary import CHILD_AGES, FACTS, PLACE_NAMES, TRUE, UNSET

OUT_OF_TURN: Final = frozenset(
    {"DeadlineDue", "DisclosureRefused", "DeliveryFailed", "SubjectErased", "ReviewResolved"}
)
"""Events that the engine disposes of itself: no rule's effect is carried out on them."""

HOLES: Final[Mapping[str, str]] = {
    "host": "place", "origin": "origin", "landing": "landing", "sender": "emitter_country",
}  # fmt: skip
_BOXES_MAX: Final = 400


def days_of_change(directory: Directory, day: date) -> tuple[date, ...]:
    """``day``, and the days after it on which somebody's roles change."""
    later = {d for a in directory.agencies for t in a.tenures for d in (t.valid_from, t.valid_to) if d and d > day}
    return (day, *sorted(later))


def roles(spoken: Sequence[Speech], directory: Directory, day: date) -> Iterable[Finding]:
    """Targets of routes and owners of deadlines that nobody holds, by country and from which day on."""
    for one in spoken:
        effect = one.effect
        if effect.kind == "route":
            for target in effect.to:
                yield from _unheld(one, target, _countries(one, target), directory, day, "unheld", "routes to")
        if effect.kind == "deadline" and effect.owner is not None:
            yield from _unheld(one, effect.owner, _countries(one, effect.owner), directory, day,
                               "unknown-owner", "sets a deadline for")  # fmt: skip
        for target in effect.tell:
            yield from _unheld(one, target, _countries(one, target), directory, day, "unheld", "would tell")


def _unheld(
    one: Speech, target: str, countries: Iterable[str], directory: Directory, day: date, code: str, does: str
) -> Iterable[Finding]:
    if is_relation(target):
        return
    missing: dict[str, date] = {}
    for country in countries:
        address = _filled(target, country)
        if "{" in address or "*" in address or _mission_at_home(address):
            continue
        for when in days_of_change(directory, day):
            if not directory.resolve(parse_address(address), _noon(when)):
                missing.setdefault(address, when)
                break
    for address, since in sorted(missing.items()):
        from_ = "" if since == day else f" from {since} on"
        yield Finding("warning", code, one.where, f"{one.rule.id} {does} {address}, which nobody holds{from_}",
                      "Add a holder to the directory, or narrow the rule to where there is one.")  # fmt: skip


def _countries(one: Speech, target: str) -> tuple[str, ...]:
    """The countries of the region that the target's place can have where the effect speaks."""
    holes = [name for name in PLACE_NAMES if f"{{{name}}}" in target]
    if not holes:
        return ("",)
    possible = []
    for country in REGION:
        at = {name: box_of({name: FactTest(frozenset({country}))})[name] for name in holes}
        if any(meet(box, at) is not None for box in one.boxes) and _fits(one, holes, country):
            possible.append(country)
    return tuple(possible)


def _fits(one: Speech, holes: Sequence[str], country: str) -> bool:
    """``place`` is ``found_in`` where that is known; a rule may bind one and address the other."""
    twin = {"place": "found_in", "found_in": "place"}
    asked = [twin[name] for name in holes if name in twin]
    return any(
        all(meet({name: box[name]}, box_of({name: FactTest(frozenset({country, UNSET}))})) is not None
            for name in asked if name in box)
        for box in one.boxes
    )  # fmt: skip


def _filled(target: str, country: str) -> str:
    for place in PLACE_NAMES:
        target = target.replace(f"{{{place}}}", country)
    return target


def _mission_at_home(address: str) -> bool:
    role, _, country = address.partition("@")
    return role.startswith("CON.") and role[4:] == country


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)


def event_gaps(spoken: Sequence[Speech], purposes: Purposes) -> Iterable[Finding]:
    """States of facts in which every role that must hear an event is denied it, and no rule tells anybody else."""
    denials = [one for one in spoken if one.effect.kind == "deny" and one.stands_always and not one.effect.event]
    told = [box for one in spoken if one.effect.kind == "route" for box in _undenied(one, denials)]
    gaps: dict[tuple[str, frozenset[str]], list[str]] = {}
    for name, event in sorted(EVENTS.items()):
        if event.scope == "person" and event.must_reach_a_role:
            for silent in _silent(event, denials, purposes):
                if left_over([silent.box], told) is not None:
                    facts = {fact: side for fact, side in silent.box.items() if fact != "event"}
                    gaps.setdefault((in_words(facts), silent.rules), []).append(name)
    for (said, rules), names in sorted(gaps.items(), key=lambda item: item[0][0]):
        some = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        yield Finding("note", "reaches-nobody", f"events:{names[0]}",
                      f"with {said} {', '.join(sorted(rules))} may leave nobody to hear {some}; a person is asked then",
                      "Nothing to do where that is meant; else add a route.")  # fmt: skip


class _Silent(NamedTuple):
    """States in which nobody is left to be told, and the rules that see to it."""

    box: Box
    rules: frozenset[str]


def _silent(event: EventType, denials: Sequence[Speech], purposes: Purposes) -> list[_Silent]:
    found = [_Silent(box_of({"event": FactTest(frozenset({event.name}))}), frozenset())]
    for recipient in event.recipients:
        if recipient.place is None:
            continue
        target = f"{recipient.target}@{{{HOLES[recipient.place]}}}"
        purpose = purposes.default_purpose(recipient.target, event)
        against = [
            _Silent(box, frozenset({one.rule.id}))
            for one in denials if denies(one, target, str(purpose) if purpose else None) for box in one.boxes
        ]  # fmt: skip
        against += [_Silent(box, frozenset()) for box in _not_asked(recipient)]
        found = [
            _Silent(both, one.rules | other.rules)
            for one in found for other in against if (both := meet(one.box, other.box)) is not None
        ][:_BOXES_MAX]  # fmt: skip
    return found


def _not_asked(recipient: Recipient) -> list[Box]:
    """Where a recipient is asked for children or babies alone: the states in which it is not."""
    if recipient.when == "child":
        return [box_of({"age": FactTest(FACTS["age"].values - CHILD_AGES)})]
    if recipient.when == "baby":
        return [box_of({"baby": FactTest(None, frozenset({TRUE}))})]
    return []


def _undenied(route: Speech, denials: Sequence[Speech]) -> tuple[Box, ...]:
    """The boxes of a route that no denial of its targets touches."""
    against = [
        box
        for one in denials if any(denies(one, t, route.effect.purpose) for t in route.effect.to)
        for box in one.boxes
    ]  # fmt: skip
    return tuple(box for box in route.boxes if all(meet(box, other) is None for other in against))


def out_of_reach(spoken: Sequence[Speech]) -> Iterable[Finding]:
    """Effects on events that rules are never asked about, and deadlines that await what nobody emits."""
    for one in spoken:
        if one.effect.on is not None and one.effect.on <= OUT_OF_TURN:
            yield Finding("error", "out-of-reach", one.where,
                          f"{one.rule.id}: this {one.effect.kind} is never carried out; Sampan itself disposes of "
                          f"{', '.join(sorted(one.effect.on))}", "Attach it to the event that led there.")  # fmt: skip
        if one.effect.kind == "deadline" and one.effect.awaits:
            silent = [name for name in one.effect.awaits if not EVENTS[name].emitters]
            if len(silent) == len(one.effect.awaits):
                yield Finding("warning", "nobody-answers", one.where,
                              f"{one.rule.id} awaits {' or '.join(silent)}, which no role is known to emit",
                              "Name in contracts/events.yaml who emits it.")  # fmt: skip


def absent_there(absent: Iterable[str], present: Iterable[str]) -> Iterable[Finding]:
    """Rules that stand among the absent ones and among the rules."""
    for name in sorted(set(absent) & set(present)):
        yield Finding("error", "absent-and-there", "absent.yaml:1", f"{name} stands among the rules too",
                      "Strike it from absent.yaml.")  # fmt: skip
