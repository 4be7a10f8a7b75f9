"""Rules in words, for a lawyer or a caseworker: when they speak, what they do, how sure we are of the source."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from routing.conditions import Clause, FactTest
from routing.rule import Effect, Need, Rule
from routing.vocabulary import FACTS

MARK_MEANS: Final = {
    "S": "sourced: the text, or a serious summary, was read",
    "R": "recalled: a known instrument, not read again; check before relying on it",
    "P": "field practice",
    "A": "an assumption or a design choice, not law",
}
"""The confidence marks of the domain sheet. Of two, the first is the fact's, the second that of number or behaviour."""

ROLE_WORDS: Final = {
    "IDA": "identification authority", "SHA": "shelter", "RFP": "return focal point", "CON": "consulate",
    "RCA": "reception authority", "FTA": "tracing authority", "CPA": "child protection", "IMM": "immigration",
    "LEA": "police", "LEG": "lawyer", "MED": "medical care", "CRO": "civil registrar", "TCC": "transit centre",
    "NGO-H": "host NGO", "NGO-O": "NGO of origin", "UNHCR": "UNHCR", "WCH": "community watchdog",
    "REG": "statistics office", "NSM": "national screening mechanism", "INT": "international organisation",
    "LAB": "labour authority", "DIR": "escalation director", "DPA": "data-protection authority",
    "TRN": "trainer, employer, school or landlord", "ESC": "escort", "FND": "court or compensation fund",
    "any": "every agency of the side", "state": "every body of the state", "outside": "every agency outside the state",
}  # fmt: skip
_PLACE_WORDS: Final = {
    "found_in": "where she was found", "place": "where she is", "origin": "of her origin",
    "origin_abroad": "of her origin, where that is abroad", "citizenship": "of her citizenship",
    "residence_at_entry": "of her residence at entry", "landing": "where she lands",
    "lands_in": "where the plan lands her", "last_seen_in": "where she was last seen",
    "perhaps_in": "where she may be", "going_to": "where she was going", "came_from": "where she came from",
    "emitter_country": "of whoever reports",
}  # fmt: skip
_RELATION_WORDS: Final = {
    "owner": "the owner of the case", "requester": "whoever asked", "counterpart": "the other party",
    "past_recipients": "all who were told before", "former_host": "who sheltered her before",
    "anyone_else": "anyone else", "*": "everybody", "abroad": "everybody outside the country the data comes from",
    "named": "those the event names", "operator": "the operator",
}  # fmt: skip
_BASIS_WORDS: Final = {
    "consent": "by her consent", "child_duty": "by the duty to a child", "statute": "by statute",
    "vital_interest": "because life is at stake", "treaty_notice": "as notice under treaty",
}  # fmt: skip
_SPAN: Final = re.compile(r"(\d+) ?(h|d|wd|mo|y)")
_UNIT_WORDS: Final = {"h": "hour", "d": "day", "wd": "working day", "mo": "month", "y": "year"}
_TARGET: Final = re.compile(r"([A-Za-z]+(?:-[A-Z])?)(?:\.(\{\w+\}|[A-Z]{2}|\*))?@(\{\w+\}|[A-Z]{2}|\*)(?:/(\w+))?")


def mark_words(mark: str) -> str:
    """``S/A: sourced …; the number or behaviour: an assumption …``."""
    first, _, second = mark.partition("/")
    beyond = f"; number, timer or behaviour: {MARK_MEANS[second]}" if second else ""
    return f"{mark}: {MARK_MEANS[first]}{beyond}"


def group_words(groups: Iterable[str]) -> str:
    """``F1, F2 and F10``, in the order of the sheet; all thirteen as one."""
    found = sorted(groups, key=lambda group: int(group[1:]))
    return "everything but the envelope" if len(found) == 13 else listed(found)


def listed(words: Iterable[str], joint: str = "and") -> str:
    """``a, b and c``."""
    found = list(words)
    return f" {joint} ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found)


def span_words(span: str) -> str:
    """``15d`` → *15 days*."""
    match = _SPAN.fullmatch(span)
    if match is None:
        return span
    return f"{match[1]} {_UNIT_WORDS[match[2]]}{'' if match[1] == '1' else 's'}"


def target_words(target: str) -> str:
    """``RFP@{origin}`` → *return focal point of her origin*."""
    match = _TARGET.fullmatch(target)
    if match is None:
        return _RELATION_WORDS.get(target, target)
    role, state, country, unit = match.groups()
    name = ROLE_WORDS.get(role, role) + (f" ({unit})" if unit else "")
    if state:
        return f"{name} {_of(state)}, {'wherever it is posted' if country == '*' else 'posted ' + _where(country)}"
    return f"{name} {_of(country) if role in ('any', 'state') else _where(country)}"


def _of(place: str) -> str:
    return _PLACE_WORDS.get(place.strip("{}"), "of any state" if place == "*" else f"of {place}")


def _where(place: str) -> str:
    return _PLACE_WORDS.get(place.strip("{}"), "anywhere" if place == "*" else f"in {place}")


def fact_words(fact: str) -> str:
    """A fact's name as words."""
    return fact.replace("_", " ")


def value_words(value: str) -> str:
    """A value as words: *yes* and *no* for truth, *not known* for unset."""
    return {"true": "yes", "false": "no", "unset": "not known"}.get(value, value.replace("_", " "))


def test_words(fact: str, test: FactTest) -> str:
    """One test: ``age: child or in doubt``."""
    parts = []
    if test.wanted():
        has = "has " if FACTS[fact].several else ""
        parts += [has + listed(sorted(map(value_words, wanted)), "or") for wanted in test.wanted()]
    if test.none:
        parts.append("none of " + listed(sorted(map(value_words, test.none)), "or"))
    return f"{fact_words(fact)}: {' and '.join(parts)}"


def clause_words(clause: Clause) -> str:
    """One alternative."""
    return "; ".join(test_words(fact, test) for fact, test in clause.items()) or "always"


def condition_words(clauses: Sequence[Clause]) -> str:
    """A whole condition; alternatives are set apart by *or*."""
    written = list(dict.fromkeys(clause_words(clause) for clause in clauses))
    return written[0] if len(written) == 1 else " — or — ".join(written)


def effect_words(effect: Effect) -> str:
    """What one effect does, in a sentence."""
    said = _SAY[effect.kind](effect)
    if effect.on is not None:
        said += f", upon {listed(sorted(effect.on), 'or')}"
    if effect.when != ({},):
        said += f", where {condition_words(effect.when)}"
    return said[0].upper() + said[1:] + "."


def _to(targets: Sequence[str], otherwise: str = "everybody") -> str:
    return listed(map(target_words, targets)) or otherwise


def _but(effect: Effect) -> str:
    return f", save {_to(effect.except_to)}" if effect.except_to else ""


def _for(purposes: Iterable[str]) -> str:
    found = sorted(purposes)
    return f" for {listed(found, 'or')}" if found else ""


def _unless(needs: Sequence[Need], joint: str) -> str:
    return f" {joint} {listed(f'{fact_words(n.asks)} ({condition_words(n.when)})' for n in needs)}" if needs else ""


def _route(e: Effect) -> str:
    said = f"tells {_to(e.to)}" + (f" for {e.purpose}" if e.purpose else "")
    said += f", {_BASIS_WORDS[e.basis]}" if e.basis else ""
    said += f", as {e.priority}" if e.priority else ""
    return said + (f", to answer within {span_words(e.answer_within)}" if e.answer_within else "")


def _deny(e: Effect) -> str:
    what = "refuses the event itself" if e.event else f"tells nothing to {_to(e.to)}"
    return what + _but(e) + _for(e.purposes) + _unless(e.needs, "unless there is")


def _hold(e: Effect) -> str:
    what = "lets the event itself wait" if e.event else f"waits before telling {_to(e.to)}"
    bases = f" {listed(sorted(_BASIS_WORDS[b] for b in e.bases), 'or')}" if e.bases else ""
    asked = f" until there is {listed(map(fact_words, e.asks))}" if e.asks else ""
    until = _unless(e.needs, "until there is") or asked
    until += " until she consented afresh" if e.fresh_consent else ""
    until += f"; {target_words(e.review)} is asked" if e.review else ""
    return what + _but(e) + _for(e.purposes) + bases + until


def _deadline(e: Effect) -> str:
    within = " and ".join(map(span_words, e.within)) or (f"every {span_words(e.every)}" if e.every else "")
    said = f"gives {target_words(e.owner or 'owner')} {within} for {listed(e.awaits, 'or') or 'what is due'}"
    for at, who in e.warn:
        said += f"; warns {target_words(who)} after {span_words(at)}"
    return said + {"miss": "; else it is missed and said so", "escalate": "; else it escalates"}.get(
        e.missed, f"; then: {e.missed.replace('_', ' ')}"
    )


def _basis(e: Effect) -> str:
    within = ", never across a border" if e.within_border else ""
    why = _BASIS_WORDS[e.basis or "consent"]
    return f"{_to(e.to)} may be told{_for([e.purpose] if e.purpose else [])} {why}{within}"


def _review(e: Effect) -> str:
    asked = f" about {listed(map(fact_words, e.asks))}" if e.asks else ""
    return f"asks a person ({target_words(e.review or 'owner')}){asked}" + (
        f" within {span_words(e.within[0])}" if e.within else ""
    )


_SAY: Final[dict[str, Callable[[Effect], str]]] = {
    "route": _route, "deny": _deny, "hold": _hold, "deadline": _deadline, "basis": _basis, "review": _review,
    "withhold": lambda e: f"withholds {group_words(e.groups)} from {_to(e.to)}{_but(e)}",
    "grant": lambda e: f"grants {group_words(e.groups)} to {_to(e.to)}, as far as she consented",
    "note": lambda e: f"adds the note {e.code.replace('_', ' ')} to what {_to(e.to)} is told",
    "escalate": lambda e: f"tells {_to(e.tell, 'the owner of the case')} that something goes against this rule",
    "recall": lambda e: f"takes back what {_to(e.to)} was told",
    "unlink": lambda e: f"keeps mother and child apart for everybody{_but(e)}",
    "erase": lambda e: f"erases {group_words(e.groups)}",
    "confine": lambda e: f"consent to help is no consent for {listed(sorted(e.purposes), 'or')}",
    "cite": lambda e: e.code,
}  # fmt: skip


def dates_words(rule: Rule) -> str:
    """From when to when, and when it is looked at again."""
    until = f" until {rule.valid_to}" if rule.valid_to else ""
    again = f"; to be reviewed by {rule.review_on}" if rule.review_on else ""
    waits = "" if rule.confirmed else "; waits to be confirmed and decides nothing"
    return f"in force from {rule.valid_from}{until}, known since {rule.recorded_at}{again}{waits}"
