"""What a due timer finds: warned, missed, reminded, followed up in vain, escalated, erased."""

from __future__ import annotations

from uuid import UUID

import msgspec

from contracts.decision import Fired, Timer
from contracts.durations import add, parse_duration
from routing.dispatching import tell
from routing.effects import erasable
from routing.offers import FEEDBACK
from routing.reviews import open_review
from routing.state import Deadline
from routing.undelivered import telephone
from routing.working import Look, Working


def open_timers(w: Working) -> tuple[Timer, ...]:
    """All instants at which this subject must be looked at again, soonest first."""
    if w.state.erased:
        return ()
    found = []
    for one in w.state.deadlines:
        if one.warns:
            found += [Timer(_timer_id(one, 1 + n), warn.at) for n, warn in enumerate(one.warns) if not warn.done]
        if not one.missed or one.every:
            found.append(Timer(_timer_id(one, int(one.due_at.timestamp()) << 8), one.due_at))
    return tuple(sorted(found, key=lambda timer: (timer.at, timer.timer_id.int)))


def _timer_id(one: Deadline, what: int) -> UUID:
    """Follows from the deadline's random-looking id; the low bits alone differ, so it stays a UUIDv8."""
    return msgspec.convert((one.deadline_id.int ^ what).to_bytes(16, "big"), UUID)


def ring(w: Working, look: Look) -> None:
    """Everything that is due now; a timer whose deadline was met meanwhile finds nothing."""
    for one in sorted(w.state.deadlines, key=lambda d: (d.due_at, d.deadline_id.bytes)):
        for warn in one.warns:
            if not warn.done and warn.at <= w.at:
                warn.done = True
                _fire(w, one, "DeadlineWarned", [warn.who])
                tell(w, look, warn.who, "DeadlineWarned", address=warn.address, of=one.event_id, rules=tuple(one.rules))
        if one.due_at <= w.at and (not one.missed or one.every):
            _due(w, look, one)
    w.state.deadlines = [d for d in w.state.deadlines if not d.missed or d.every or d.awaits or d.answer]


def _due(w: Working, look: Look, one: Deadline) -> None:
    told = [slug for slug, _ in one.tell]
    rules = tuple(one.rules)
    if one.effect == "remind":
        _fire(w, one, "Reminded", [one.owner or "", *told])
        for slug, address in [(one.owner, one.owner_address or ""), *one.tell]:
            tell(w, look, slug, "Reminded", address=address, of=one.event_id, rules=rules)
        assert one.every is not None
        agency = w.agency(one.owner)
        one.due_at = add(one.due_at, parse_duration(one.every), agency.zone if agency else w.zone)
        return
    one.missed = True
    w.missed.append(one.deadline_id)
    if one.effect == "follow_up":
        _missed_follow_up(w, look, one)
        return
    parties = [w.record.owner, *([one.sender] if one.sender else []), *told]
    _fire(w, one, "DeadlineMissed", [one.owner or "", *parties])
    for slug in dict.fromkeys(parties):
        tell(w, look, slug, "DeadlineMissed", relation="owner" if slug == w.record.owner else None, of=one.event_id,
             rules=rules)  # fmt: skip
    if one.answer == "acknowledge" and one.priority == "EMERGENCY":
        # Nobody has read what is an emergency; the sender was told above.
        address = one.owner_address or ""
        telephone(w, look, one.owner, address, "DeadlineMissed", one.dispatch_id, tuple(one.rules))
    if one.effect == "escalate":
        _fire(w, one, "Escalated", [one.owner or "", *parties])
        for slug in dict.fromkeys([*parties, one.owner]):
            tell(w, look, slug, "Escalated", of=one.event_id, rules=rules, priority="URGENT")
    elif one.effect == "erase":
        w.erase |= erasable(w.state)
        w.state.slots, w.state.items = {}, {}
    elif one.effect == "review":
        open_review(w, look, f"late/{one.deadline_id}", one.event_id, "a deadline passed", desk="owner",
                    asks=tuple(one.review_asks), rules=rules)  # fmt: skip


def _missed_follow_up(w: Working, look: Look, one: Deadline) -> None:
    w.state.follow_ups_missed += 1
    _fire(w, one, "FollowUpMissed", [one.owner or "", w.record.owner])
    for slug, address in ((one.owner, one.owner_address or ""), (w.record.owner, "")):
        tell(w, look, slug, "FollowUpMissed", address=address, of=one.event_id, rules=tuple(one.rules))
    if one.review_after and w.state.follow_ups_missed >= one.review_after:
        w.state.follow_ups_missed = 0
        open_review(w, look, f"follow-up/{one.deadline_id}", one.event_id, "two follow-ups were missed in a row",
                    desk="owner", asks=tuple(one.review_asks), rules=tuple(one.rules))  # fmt: skip


def _fire(w: Working, one: Deadline, event: str, who: list[str]) -> None:
    slugs = tuple(dict.fromkeys(slug for slug in who if slug))
    w.fired.append(Fired(event=event, of=one.event_id, deadline_id=one.deadline_id, who=slugs, rules=tuple(one.rules)))
    w.cite(one.rules)


__all__ = ["FEEDBACK", "open_timers", "ring"]
