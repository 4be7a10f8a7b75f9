"""What a narrowing takes away from dispatches already made. It never gives anything."""

from __future__ import annotations

import hashlib
from uuid import UUID

import msgspec

from contracts.address import RELATIONS
from contracts.decision import Regrant, RuleRef
from routing.agency import Agency
from routing.compiled import Compiled
from routing.consents import allowed, names
from routing.dispatching import tell
from routing.offers import FEEDBACK, TAKES_BACK
from routing.replies import answers_for_recipient
from routing.state import Json, Made
from routing.working import Look, Working

WITHDRAWAL_RULE = "R02"
_SAYS_ITS_NAME = frozenset({"ConsentWithdrawn", "ConsentNarrowed"})


def narrow(w: Working, facts: Json) -> None:
    """Weighs every earlier dispatch again, if anything that can narrow has changed since."""
    recalled = _recalled(w)
    earlier = any(m.event_id != w.record.event_id and m.purpose != FEEDBACK and not m.recalled for m in w.state.made)
    if not earlier and recalled is None:
        return
    look = w.look(msgspec.structs.replace(w.record, event=""), facts)
    standing = [one for one in look.matched.effects if one.effect.kind in ("deny", "withhold", "recall")]
    signature = _signature(w, look, standing)
    if signature == w.state.narrowed_by and recalled is None:
        return
    w.state.narrowed_by = signature
    for made in w.state.made:
        if made.purpose != FEEDBACK and not made.recalled:
            _weigh(w, look, made, standing, recalled or set())


def _signature(w: Working, look: Look, standing: list[Compiled]) -> str:
    """Everything that an earlier dispatch is weighed by: what stands against whom (an origin may change), consents."""
    against = [
        [one.key, *(who for to in (*one.effect.to, *one.effect.except_to) for who in look.expand(to))]
        for one in standing
    ]
    given = [
        (c.event_id.hex, len(c.purposes), len(c.groups), len(c.also_to), len(c.except_to)) for c in w.state.consents
    ]
    return hashlib.sha256(msgspec.json.encode((against, given))).hexdigest()


def _recalled(w: Working) -> set[UUID] | None:
    """Dispatches that this record takes back: a sender's own, or one whose recipient says what became of it."""
    record, made = w.record, w.state.made
    if w.outcome != "accepted" or record.event not in TAKES_BACK:
        return None
    named = record.answer.dispatch_id if record.answer else record.dispatch_id
    if record.event == "ReferralWithdrawn" or named is None:
        return {m.dispatch_id for m in made if m.sender == record.emitter and _is_addressed(w, m)}
    one = w.state.dispatched(named)
    if one is None or answers_for_recipient(one, record):
        return {one.dispatch_id} if one else set()
    return {m.dispatch_id for m in made if m.event_id == one.event_id}


def _is_addressed(w: Working, made: Made) -> bool:
    """Who takes back what was sent to some takes it back from these alone."""
    agency = w.agency(made.recipient)
    to = [target for target in w.record.to if target not in RELATIONS]
    if not to:
        return not w.record.to or "past_recipients" in w.record.to
    return agency is not None and names(to, agency, made.address)


def _weigh(
    w: Working, look: Look, made: Made, standing: list[Compiled], taken_back: set[UUID]
) -> None:
    agency = w.agency(made.recipient)
    if agency is None:
        return
    groups, rules, recalled = set(made.groups), set[RuleRef](), False
    for one in standing:
        if not _hits(look, one, agency, made):
            continue
        if one.effect.kind == "withhold":
            if groups & one.effect.groups:
                rules.add(one.rule.ref)
            groups -= one.effect.groups
        elif not one.effect.event and not one.needs:
            recalled = True
            rules.add(one.rule.ref)
    if made.basis == "consent":
        still = allowed(w.state, made.purpose, agency, made.address, None)
        outside = groups - (still.groups if still else frozenset())
        if still is None or outside:
            groups -= outside
            recalled |= still is None
            withdrawal = w.rules.by_id.get(WITHDRAWAL_RULE)
            rules |= {withdrawal.ref} if withdrawal else set()
    recalled |= made.dispatch_id in taken_back
    if recalled or groups != set(made.groups):
        _take_away(w, look, made, groups, recalled, tuple(sorted(rules)))


def _hits(look: Look, one: Compiled, agency: Agency, made: Made) -> bool:
    effect = one.effect
    if effect.purposes and made.purpose not in effect.purposes:
        return False
    meant = look.means(effect.to, agency, made.address) if effect.to else effect.kind == "withhold"
    return meant and not look.means(effect.except_to, agency, made.address)


def _take_away(
    w: Working, look: Look, made: Made, groups: set[str], recalled: bool, rules: tuple[RuleRef, ...]
) -> None:
    made.groups = [] if recalled else sorted(groups)
    made.items = [] if recalled else made.items
    made.recalled = recalled
    w.regrants.append(Regrant(made.dispatch_id, tuple(made.groups), tuple(made.items), recalled, rules))
    w.cite(rules)
    if recalled:
        w.state.deadlines = [d for d in w.state.deadlines if d.dispatch_id != made.dispatch_id]
    named = w.record.event in _SAYS_ITS_NAME
    if named or recalled:
        tell(w, look, made.recipient, w.record.event if named else "MessageRecalled", address=made.address,
             relation="past_recipients", of=made.dispatch_id, rules=rules, past_denials=True)  # fmt: skip
