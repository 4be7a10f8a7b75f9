"""A second witness: what rules mean for the first record of a case, said as plainly as it can be.

Written from the domain sheet's words on deciding, to be compared with the engine. It shares data with it (rules as
loaded, agencies and their tenures, the table of purposes as text) and no code: no bitset, no plan, no memo, no view.
It knows first records of an adult or child, told by the owner of the case, with or without a consent beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date
from importlib import resources
from typing import Any

import yaml

from contracts.case_record import CaseRecord
from contracts.events import EVENTS
from routing.agency import Agency
from routing.conditions import Clause
from routing.rule import Effect, Need, Rule

TABLES: Mapping[str, Any] = yaml.safe_load((resources.files("routing") / "purposes.yaml").read_text("utf-8"))
APART = {"duty", "director"}
RELATIONS = {"owner", "requester", "counterpart", "former_host", "past_recipients"}
PLACES = {"host": "place", "origin": "origin", "landing": "landing", "sender": "emitter_country"}


@dataclass(frozen=True)
class Offer:
    """Somebody who would be told: why, and how strongly."""

    agency: Agency
    role: str  # the address at which the agency is told
    purpose: str
    basis: str | None = None
    rule: Rule | None = None
    named: int = 0
    over: bool = False
    by_condition: bool = False


@dataclass
class Verdict:
    """What becomes of one agency."""

    outcome: str  # told, held, denied
    purpose: str = ""
    basis: str = ""
    groups: frozenset[str] = frozenset()
    asks: set[str] = field(default_factory=set)


class Witness:
    """Judges one record under rules and a directory.

    Args:
        rules: as loaded; those not in force on the record's day say nothing.
        agencies: of the directory.
    """

    def __init__(self, rules: Iterable[Rule], agencies: Iterable[Agency], record: CaseRecord) -> None:
        self.record, self.at = record, record.recorded_at
        day = self.at.astimezone(UTC).date()
        self.rules = [rule for rule in rules if _in_force(rule, day)]
        self.agencies = sorted(agencies, key=lambda agency: agency.slug)
        self.emitter = next(a for a in self.agencies if a.slug == record.emitter)
        self.facts = self._facts()

    def verdicts(self) -> dict[str, Verdict]:
        """By agency: told, held or denied; whoever is not here is nobody to this record."""
        offers: dict[str, list[Offer]] = {}
        for offer in self._offers():
            if offer.agency.slug != self.record.emitter:
                offers.setdefault(offer.agency.slug, []).append(offer)
        return {slug: self._verdict(found) for slug, found in offers.items()}

    # -- facts -------------------------------------------------------------------------------------------
    def _facts(self) -> dict[str, set[str]]:
        said = self.record.facts
        home = (self.record.emitter_address or "").split("@")[1].split("/")[0]
        made: dict[str, set[str]] = {"event": {self.record.event}, "emitter_country": {home}, "data_from": {home}}
        made["emitter_role"] = {(self.record.emitter_address or "").split("@")[0].split(".")[0]}
        citizenship = said.citizenship
        if isinstance(citizenship, str):
            made["citizenship"] = made["nationality"] = {citizenship}
        elif citizenship:
            made["citizenship"], made["nationality"] = set(citizenship), {"known"}
        nationals = set(citizenship) if isinstance(citizenship, list) else set()
        origin = nationals | set(said.claims_citizenship or ()) | ({said.residence_at_entry} - {None})
        made["origin"] = {str(country) for country in origin}
        place = said.found_in
        made["origin_abroad"] = made["origin"] - {str(place)}
        if place:
            made["place"] = made["found_in"] = {place}
        made["landing"] = {said.lands_in} if said.lands_in else made["origin"]
        if place and origin:
            made["abroad"] = {"false" if place in origin else "true"}
        if place and citizenship is not None:
            made["foreigner"] = {"false" if place in nationals else "true"}
        for name in ("age", "asylum", "detained", "notify_origin", "papers", "trafficking_status"):
            value = getattr(said, name)
            if value is not None:
                made[name] = {str(value)}
        if said.exploitation is not None:
            made["exploitation"] = {str(one) for one in said.exploitation} or {"none"}
        for name in ("life_in_danger", "pregnant"):
            value = getattr(said, name)
            if value is not None:
                made[name] = {"true" if value else "false"}
        if said.residence_at_entry:
            made["residence_at_entry"] = {said.residence_at_entry}
        if self._consent_counts() and self.record.consent is not None:
            made["consented"] = {str(purpose) for purpose in self.record.consent.purposes}
        return {name: values for name, values in made.items() if values}

    def _is_child(self) -> bool:
        return bool(self.facts_of("age") & {"child", "in_doubt"})

    def facts_of(self, name: str) -> set[str]:
        """The values of a fact; ``unset`` where nothing was said."""
        return self.facts.get(name) or {"unset"}

    def _holds(self, alternatives: tuple[Clause, ...]) -> bool:
        return any(all(self._passes(name, test) for name, test in one.items()) for one in alternatives)

    def _passes(self, name: str, test: Any) -> bool:
        values = self.facts_of(name)
        wanted = [*([] if test.any is None else [test.any]), *test.also]
        met = all(any(value in some for value in values) for some in wanted)
        return met and all(value not in test.none for value in values)

    def _speaking(self, kind: str) -> Iterator[tuple[Rule, Effect]]:
        for rule in self.rules:
            for effect in rule.effects:
                on = effect.on is None or self.record.event in effect.on
                if effect.kind == kind and on and self._holds_both(rule.when, effect.when):
                    yield rule, effect

    def _holds_both(self, left: tuple[Clause, ...], right: tuple[Clause, ...]) -> bool:
        return self._holds(left) and self._holds(right)

    # -- who would be told -------------------------------------------------------------------------------
    def _offers(self) -> Iterator[Offer]:
        event = EVENTS[self.record.event]
        found = [*self._of_event(), *self._of_rules(True)]
        if event.hidden_from_origin:
            found = [o for o in found if not any(_of_side(o.agency, c) for c in self.facts_of("origin_abroad"))]
        yield from found
        yield from self._of_rules(False)

    def _of_event(self) -> Iterator[Offer]:
        event = EVENTS[self.record.event]
        for one in event.recipients:
            if one.place is None or (one.when == "child" and not self._is_child()) or one.when == "baby":
                continue  # a relation is the owner, who speaks; nobody is a baby here
            for country in sorted(self.facts_of(PLACES[one.place])):
                yield from self._holders(f"{one.target}@{country}")
        for address in self.record.to:
            if address not in RELATIONS:
                yield from self._holders(address)

    def _holders(self, address: str) -> Iterator[Offer]:
        for agency, told in self._resolve(address):
            purpose = self.record.purpose or self._purpose_of(told)
            if purpose:
                yield Offer(agency, told, purpose)

    def _of_rules(self, on_event: bool) -> Iterator[Offer]:
        for rule, effect in self._speaking("route"):
            if (effect.on is not None) is not on_event:
                continue
            for template in effect.to:
                for address in self._filled(template):
                    for agency, told in self._resolve(address):
                        own = self.record.purpose if on_event else None
                        purpose = own or effect.purpose or self._purpose_of(told)
                        if purpose:
                            named = _named(rule, effect)
                            yield Offer(agency, told, purpose, effect.basis, rule, named, effect.over, not on_event)

    def _purpose_of(self, address: str) -> str | None:
        stated = TABLES["recipients"].get(address.split("@", maxsplit=1)[0].split(".", maxsplit=1)[0])
        if stated == "row":
            purpose = EVENTS[self.record.event].purpose
            return str(purpose) if purpose else None
        return None if stated is None else str(stated)

    def _resolve(self, address: str) -> list[tuple[Agency, str]]:
        """The holders of a role, each with the address at which it is told."""
        role, _, rest = address.partition("@")
        country, _, unit = rest.partition("/")
        role, _, state = role.partition(".")
        if role == "CON" and not state:
            return []
        found = []
        for agency in self.agencies:
            if not any((t.address.role, t.address.country) == (role, country) for t in agency.tenures):
                continue
            for held in self._held(agency):
                fits = (held.role, held.country) == (role, country) and state in ("", held.state)
                if fits and (held.unit == unit if unit else held.unit not in APART):
                    found.append((agency, address if unit else str(self._first(agency, role, country, state))))
                    break
        return found

    def _first(self, agency: Agency, role: str, country: str, state: str) -> Any:
        return next(h for h in self._held(agency)
                    if (h.role, h.country) == (role, country) and state in ("", h.state))  # fmt: skip

    def _held(self, agency: Agency) -> list[Any]:
        day = self.at.astimezone(agency.zone).date()
        return [t.address for t in agency.tenures
                if t.valid_from <= day and (t.valid_to is None or day < t.valid_to)]  # fmt: skip

    def _filled(self, template: str) -> list[str]:
        """Addresses of a template, every country of its facts in turn."""
        start = template.find("{")
        if start < 0:
            return [template]
        end = template.index("}")
        countries = [c for c in sorted(self.facts_of(template[start + 1 : end])) if len(c) == 2]
        return [f for c in countries for f in self._filled(template[:start] + c + template[end + 1 :])]

    # -- what becomes of it ------------------------------------------------------------------------------
    def _verdict(self, offers: list[Offer]) -> Verdict:
        weighed = [(offer, *self._weigh(offer)) for offer in offers]
        free = [(o, rest) for o, rest, denied, held in weighed if rest and not denied and not held]
        if free:
            return self._winner([(o, *rest) for o, rest in free])
        waiting = [held for _, _, denied, held in weighed if held and not denied]
        if waiting:
            return Verdict("held", asks={ask for asks in waiting for ask in asks})
        return Verdict("denied")

    def _weigh(self, offer: Offer) -> tuple[tuple[str, str, frozenset[str]] | None, bool, set[str]]:
        rest = self._rest(offer)
        purpose = rest[0] if rest else offer.purpose
        denied = any(
            self._meant(effect, offer, purpose) and (not effect.needs or self._missing(effect.needs))
            for _, effect in self._speaking("deny")
        )
        held: set[str] = set() if rest else {"consent"}
        for _, effect in self._speaking("hold"):
            if effect.bases and (rest[1] if rest else None) not in effect.bases:
                continue
            if purpose == "FEEDBACK" and not effect.purposes:
                continue
            if self._meant(effect, offer, purpose):
                held |= self._missing(effect.needs) if effect.needs else set(effect.asks or ("review",))
        return rest, denied, held

    def _missing(self, needs: Iterable[Need]) -> set[str]:
        return {need.asks for need in needs if not self._holds(need.when)}

    def _meant(self, effect: Effect, offer: Offer, purpose: str) -> bool:
        if effect.purposes and purpose not in effect.purposes:
            return False
        to = not effect.to or any(self._covers(t, offer.agency, offer.role) for t in effect.to)
        return to and not any(self._covers(t, offer.agency, offer.role) for t in effect.except_to)

    def _rest(self, offer: Offer) -> tuple[str, str, frozenset[str]] | None:
        """Purpose, basis and the most it may carry; None where it rests on nothing."""
        if offer.purpose == "FEEDBACK":
            return "FEEDBACK", "", frozenset({"F0"})
        if offer.basis not in (None, "consent"):
            return offer.purpose, str(offer.basis), _most(offer.purpose, str(offer.basis))
        consent = self.record.consent
        if consent is not None and self._consent_counts() and self._consented(offer):
            groups = {"F0", *(str(group) for group in consent.groups)}
            return offer.purpose, "consent", _most(offer.purpose, "consent") & groups
        for _, effect in self._speaking("basis"):
            if any(self._covers(t, offer.agency, offer.role) for t in effect.to):
                purpose = effect.purpose or offer.purpose
                return purpose, str(effect.basis), _most(purpose, str(effect.basis))
        return None

    def _consent_counts(self) -> bool:
        consent = self.record.consent
        by_guardian = consent is not None and consent.from_ == "guardian" and consent.assent is True
        child = self.record.facts.age in ("child", "in_doubt")
        return consent is not None and (by_guardian or not child)

    def _consented(self, offer: Offer) -> bool:
        given = self.record.consent
        return given is not None and offer.purpose in {str(purpose) for purpose in given.purposes} and any(
            self._consent_names(target, offer) for target in given.to
        )

    def _consent_names(self, target: str, offer: Offer) -> bool:
        if target.startswith("any@"):
            return _of_side(offer.agency, target[4:], foreign_missions=False)
        return self._covers(target, offer.agency, offer.role)

    def _winner(self, free: list[tuple[Offer, str, str, frozenset[str]]]) -> Verdict:
        """Of several reasons the one that names most facts; then ``over``; then a rule before the event's own."""
        reasons: dict[tuple[str, str], list[int]] = {}
        for place, (_, purpose, basis, _groups) in enumerate(free):
            reasons.setdefault((purpose, basis), []).append(place)

        def strength(places: list[int]) -> tuple[Any, ...]:
            mine = [free[place] for place in places]
            return (
                max(o.named for o, *_ in mine), mine[0][1] != "FEEDBACK", any(o.over for o, *_ in mine),
                any(o.rule for o, *_ in mine), -places[0],
            )  # fmt: skip

        best = max(reasons.values(), key=strength)
        strongest = max((free[place] for place in best), key=lambda one: one[0].named)
        offer, purpose, basis, groups = strongest
        return Verdict("told", purpose, basis, self._opened(offer, purpose, basis, groups))

    def _opened(self, offer: Offer, purpose: str, basis: str, groups: frozenset[str]) -> frozenset[str]:
        found = set(groups)
        consent = self.record.consent
        if basis == "consent" and consent is not None:
            for _, effect in self._speaking("grant"):
                if any(self._covers(t, offer.agency, offer.role) for t in effect.to):
                    found |= {str(g) for g in effect.groups} & {"F0", *(str(g) for g in consent.groups)}
        for _, effect in self._speaking("withhold"):
            if self._meant(replace(effect, to=effect.to or ("*",)), offer, purpose):
                found -= {str(g) for g in effect.groups}
        return frozenset(found - {"F0"}) & frozenset(self.record.slots)

    def _covers(self, template: str, agency: Agency, told: str) -> bool:
        return any(_fits(pattern, agency, told) for pattern in self._filled(template))


def _in_force(rule: Rule, day: date) -> bool:
    return rule.valid_from <= day and rule.recorded_at <= day and (rule.valid_to is None or day < rule.valid_to)


def _named(rule: Rule, effect: Effect) -> int:
    """How many facts a reason names, the event aside: of its alternatives the longest counts."""
    return max(
        len({name for name in (*left, *right) if name != "event"}) for left in rule.when for right in effect.when
    )


def _fits(pattern: str, agency: Agency, told: str) -> bool:
    if pattern == "*":
        return True
    role, _, rest = pattern.partition("@")
    if role == "any":
        return _of_side(agency, rest)
    if role == "state":
        return rest in agency.answers_to
    country, _, unit = rest.partition("/")
    role, _, state = role.partition(".")
    told_role, _, told_rest = told.partition("@")
    told_country, _, told_unit = told_rest.partition("/")
    told_role, _, told_state = told_role.partition(".")
    return (
        role == told_role and country in ("*", told_country) and state in ("", "*", told_state)
        and (unit == told_unit if unit else told_unit not in APART)
    )  # fmt: skip


def _of_side(agency: Agency, country: str, *, foreign_missions: bool = True) -> bool:
    """Of a country: its missions, whoever answers to it, whoever sits there (in a consent: save foreign missions)."""
    if country in (agency.mission_of, *agency.answers_to):
        return True
    return agency.country == country and (foreign_missions or not agency.mission_of)


def _most(purpose: str, basis: str) -> frozenset[str]:
    """The table of purposes met with the table of bases."""
    needs = frozenset(TABLES["ceilings"][purpose]["groups"])
    allowed = TABLES["bases"][basis]
    if allowed["groups"] == "purpose" or purpose in allowed.get("unless", {}):
        return needs
    return needs & frozenset(allowed["groups"])
