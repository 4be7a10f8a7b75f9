"""Deadlines: set by rules and by dispatches, met by events and answers."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from contracts.decision import DeadlineSet, Dispatch, Warn
from contracts.durations import add
from routing.compiled import Compiled, spans_of
from routing.offers import FEEDBACK
from routing.state import Deadline, Recorded, WarnAt
from routing.working import Look, Working, derived_id

MEETS_ALSO: Final[dict[str, tuple[str, ...]]] = {
    "BirthRegistered": ("BirthNotified",),
    "IdentificationRecognised": ("VictimIdentified",),
    "CompensationPaid": (),
}
"""An event that says more meets what awaited less."""

_WEIGHT: Final = {"miss": 0, "remind": 1, "follow_up": 2, "review": 3, "escalate": 4, "erase": 5}

_ANSWERS: Final = {
    "ReferralAcknowledged": ("acknowledge",),
    "ReferralAccepted": ("acknowledge", "accept"),
    "ReferralDeclined": ("acknowledge", "accept"),
    "ReferralRedirected": ("acknowledge", "accept"),
    "ReferralCompleted": ("acknowledge", "accept"),
}


def meet(w: Working, record: Recorded) -> None:
    """Closes what this event or answer was awaited for; of follow-ups only the earliest.

    Who does what it was asked for has also read and accepted the asking.
    """
    names = {record.event, *MEETS_ALSO.get(record.event, ())}
    answers = _ANSWERS.get(record.event, ())
    dispatch = record.answer.dispatch_id if record.answer else None
    met: list[Deadline] = []
    for one in sorted(w.state.deadlines, key=lambda d: d.due_at):
        by_event = bool(names & set(one.awaits))
        if by_event and one.effect == "follow_up" and any(m.key.rsplit("#", 1)[0] == one.key.rsplit("#", 1)[0]
                                                          for m in met):  # fmt: skip
            continue
        if by_event or (dispatch is not None and one.dispatch_id == dispatch and one.answer in answers):
            met.append(one)
    done = {(one.event_id, one.owner) for one in met if one.awaits}
    met += [one for one in w.state.deadlines if one.answer and (one.event_id, one.owner) in done]
    if record.event == "FollowUpCompleted":
        w.state.follow_ups_missed = 0
    _close(w, met)
    w.met += [one.deadline_id for one in met]
    for one in met:
        w.cite(one.rules)


def _close(w: Working, gone: list[Deadline]) -> None:
    ids = {one.deadline_id for one in gone}
    w.state.deadlines = [one for one in w.state.deadlines if one.deadline_id not in ids]


def set_by_rules(w: Working, look: Look) -> None:
    """Deadlines of rules that speak now and have not set theirs yet."""
    for one in look.matched.of("deadline"):
        if one.effect.with_route:
            for dispatch in [d for d in w.dispatches if one.rule.ref in d.rules]:
                if _owned_by(look, one, dispatch) and not _open(w, one.key):
                    _rule_deadline(w, look, one, dispatch.recipient, dispatch.address)
        elif one.key not in w.state.deadline_keys or (one.effect.on is not None and not _open(w, one.key)):
            if one.effect.on is None and any(e in w.state.seen for e in one.effect.awaits):
                continue
            slug, address = _owner(w, look, one.effect.owner or "owner")
            _rule_deadline(w, look, one, slug, address)


def _open(w: Working, key: str) -> bool:
    return any(one.key.rsplit("#", 1)[0] == key for one in w.state.deadlines)


def _owned_by(look: Look, one: Compiled, dispatch: Dispatch) -> bool:
    wanted = list(look.expand(one.effect.owner or "*"))
    role = dispatch.address.partition("/")[0]
    return any(a == "*" or role == a.partition("/")[0] or _mission(a, role) for a in wanted)


def _mission(wanted: str, told: str) -> bool:
    return wanted.startswith("CON.*@") and told.startswith("CON.")


def _owner(w: Working, look: Look, template: str) -> tuple[str | None, str | None]:
    if template == "owner":
        agency = w.agency(look.record.owner)
        return look.record.owner, w.own_address(agency) if agency else None
    for address in look.expand(template):
        for agency, told in w.agencies(address):
            return agency.slug, told
    return None, next(iter(look.expand(template)), None)


def _party(w: Working, look: Look, template: str) -> tuple[str, str]:
    slug, address = _owner(w, look, template)
    return slug or "", address or ""


def _rule_deadline(w: Working, look: Look, one: Compiled, slug: str | None, address: str | None) -> None:
    effect, facts = one.effect, look.facts
    zone = agency.zone if (agency := w.agency(slug)) else w.zone
    working = w.directory.working_days(agency) if agency else lambda day: day.weekday() < 5
    limit = datetime.fromisoformat(facts[effect.until]) if effect.until and facts.get(effect.until) else None
    w.state.deadline_keys.append(one.key)
    w.cite([one.rule.ref])
    for number, (within, span) in enumerate(zip(spans_of(effect), one.spans, strict=True)):
        due = add(w.at, span, zone, working)
        if limit is not None:
            due = min(due, limit)
        warns = [
            WarnAt(add(w.at, ahead, zone, working), *_party(w, look, who)) for ahead, who in one.warns
        ]
        tell = [party for target in effect.tell if (party := _party(w, look, target))[0]]
        _set(w, Deadline(
            derived_id(look.record.event_id, w.state.subject, one.key, number), f"{one.key}#{number}",
            look.record.event_id, list(effect.awaits), None, None, slug, address, due, within,
            [warn for warn in warns if warn.at < due], effect.every, effect.missed, [one.rule.ref], tell,
            look.record.emitter, "ROUTINE", effect.review_after, list(effect.asks),
        ))  # fmt: skip


def _set(w: Working, made: Deadline) -> None:
    """The earliest deadline wins; equal ones are one, citing all their rules."""
    for one in w.state.deadlines if made.awaits else ():
        if (one.awaits, one.owner, one.event_id) == (
            made.awaits, made.owner, made.event_id
        ) and one.key.rsplit("/", 1)[0] != made.key.rsplit("/", 1)[0]:  # fmt: skip
            one.due_at = min(one.due_at, made.due_at)
            one.rules = sorted({*one.rules, *made.rules})
            one.effect = max(one.effect, made.effect, key=_WEIGHT.get)  # type: ignore[arg-type]
            one.warns = sorted([*one.warns, *made.warns], key=lambda warn: warn.at)
            w.deadlines = [d for d in w.deadlines if d.deadline_id != one.deadline_id]
            w.deadlines.append(_public(one))
            return
    _add(w, made)


def _add(w: Working, made: Deadline) -> None:
    w.state.deadlines.append(made)
    w.deadlines.append(_public(made))


def _public(one: Deadline) -> DeadlineSet:
    return DeadlineSet(
        deadline_id=one.deadline_id, event_id=one.event_id, awaits_events=tuple(one.awaits), awaits_answer=one.answer,
        dispatch_id=one.dispatch_id, owner=one.owner, owner_address=one.owner_address, due_at=one.due_at,
        within=one.within, warn=tuple([Warn(warn.at, warn.who) for warn in one.warns]), every=one.every,
        effect=one.effect, rules=tuple(one.rules),
    )  # fmt: skip


def set_by_dispatches(w: Working, first: int) -> None:
    """Acknowledgement and decision clocks of the dispatches made from index ``first`` on."""
    new = w.dispatches[first:]
    kept = w.state.made[len(w.state.made) - len(new) :]  # a route's dispatch and what is kept of it go together
    for made, memory in zip(new, kept, strict=True):
        if made.purpose == FEEDBACK or made.via is not None:
            continue
        name, rules = msgspec.to_builtins(made.dispatch_id), list(made.rules)
        for answer, due in (("acknowledge", made.acknowledge_by), ("accept", made.decide_by)):
            if due is not None:
                hours = (due - w.at).total_seconds() / 3600
                _add(w, Deadline(
                    derived_id(name, answer), f"{answer}/{name}", made.event_id, [], answer,
                    made.dispatch_id, made.recipient, made.address, due, f"{hours:g}h", [], None, "miss",
                    rules, [], memory.sender, made.priority,
                ))  # fmt: skip
