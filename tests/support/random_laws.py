"""Rules, facts and dates that nobody chose, for properties of deciding."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

import yaml

from contracts.errors import InvalidInput
from routing.law import Law
from tests.support.region import region_directory
from tests.support.routing_play import START, Play

DAY = START.date()
DAYS = [DAY + timedelta(days=n) for n in (-400, -1, 0, 1, 400)]
FACTS: dict[str, list[Any]] = {
    "age": ["child", "adult", "in_doubt"],
    "asylum": ["none", "fear"],
    "detained": ["none", "immigration", "police"],
    "papers": ["held", "none"],
    "trafficking_status": ["PossibleVictimOfTrafficking", "ActualVictimOfTrafficking"],
    "exploitation": [[], ["ForcedLabour"], ["ForcedLabour", "Surrogacy"]],
    "life_in_danger": [True, False],
    "pregnant": [True, False],
    "citizenship": [["LA"], ["LA", "TH"], ["VN"], "stateless", "undetermined"],
    "claims_citizenship": [["MM"], ["LA"]],
    "residence_at_entry": ["LA", "KH"],
    "found_in": ["TH", "LA", "MY"],
    "lands_in": ["LA", "TH"],
}
VALUES: dict[str, list[str]] = {
    "age": ["child", "adult", "in_doubt", "unset"], "asylum": ["none", "fear", "unset"],
    "detained": ["none", "immigration", "police", "unset"], "papers": ["held", "none", "unset"],
    "exploitation": ["ForcedLabour", "Surrogacy", "none", "unset"], "life_in_danger": ["true", "false", "unset"],
    "pregnant": ["true", "false", "unset"], "citizenship": ["LA", "TH", "VN", "stateless", "unset"],
    "origin": ["LA", "MM", "KH", "unset"], "origin_abroad": ["LA", "VN", "unset"],
    "place": ["TH", "LA", "unset"], "abroad": ["true", "false", "unset"], "foreigner": ["true", "false", "unset"],
    "nationality": ["known", "stateless", "undetermined", "unset"], "emitter_role": ["NGO-H", "IDA", "SHA"],
    "emitter_country": ["TH", "LA"], "data_from": ["TH", "LA"], "consented": ["MEDICAL", "LEGAL", "unset"],
    "trafficking_status": ["PossibleVictimOfTrafficking", "ActualVictimOfTrafficking", "unset"],
    "landing": ["LA", "TH", "unset"], "event": ["ReferralSent", "NeedsAssessed", "IndicatorFound"],
}  # fmt: skip
TARGETS = ["RFP@{origin}", "MED@TH", "SHA@{place}", "LEG@{found_in}", "CON.{citizenship}@{found_in}", "UNHCR@{place}",
           "LEA@TH", "IDA@{emitter_country}", "CPA@{landing}"]  # fmt: skip
SIDES = ["*", "any@{origin_abroad}", "any@TH", "state@{origin}", "CON.{origin}@*", "CON.*@*", "MED@*", "LEA@TH",
         "SHA@{place}", "LEG@*", "any@{place}"]  # fmt: skip
PURPOSES = ["IDENTIFY", "SHELTER", "MEDICAL", "LEGAL", "NOTIFY_ORIGIN", "CONSULAR", "PROTECT_CHILD"]
BASES = ["consent", "statute", "vital_interest", "child_duty", "treaty_notice"]
GROUPS = [f"F{n}" for n in range(1, 14)]
EVENTS = ["ReferralSent", "NeedsAssessed", "IndicatorFound"]
EMITTERS = ["NGO-H@TH", "IDA@TH", "SHA@TH", "LEG@TH", "RFP@LA"]
TO = ["MED@TH", "LEG@TH", "CON.LA@TH", "RFP@LA", "LEA@TH", "UNHCR@TH", "SHA@TH"]


def random_law(chance: random.Random) -> Law:
    """A random rule set that the loader takes."""
    while True:
        law = law_of([random_rule(chance, number) for number in range(chance.randint(1, 9))])
        if law is not None:
            return law


def law_of(rules: list[dict[str, Any]]) -> Law | None:
    """The law of these rules; None where the loader rightly refuses them: two equal offers."""
    try:
        return Law.load({"rules.yaml": yaml.safe_dump({"rules": rules})}, region_directory())
    except InvalidInput:
        return None


def random_rule(chance: random.Random, number: int) -> dict[str, Any]:
    """A rule of facts, effects and dates that nobody chose."""
    rule: dict[str, Any] = {
        "id": f"X{number}", "title": "Invented", "cite": "none", "mark": "A", "valid_from": chance.choice(DAYS[:4]),
        "recorded_at": chance.choice(DAYS[:4]), "when": random_condition(chance, 3),
        "then": [random_effect(chance) for _ in range(chance.randint(1, 3))],
    }  # fmt: skip
    end: date = chance.choice(DAYS)
    if chance.random() < 0.3 and end > rule["valid_from"]:
        rule["valid_to"] = end
    return rule


def random_condition(chance: random.Random, most: int) -> dict[str, Any]:
    """A condition over at most so many facts."""
    made: dict[str, Any] = {}
    for name in chance.sample(sorted(VALUES), chance.randint(0, most)):
        some = chance.sample(VALUES[name], chance.randint(1, len(VALUES[name]) - 1))
        made[name] = chance.choice([some, some, {"none": some}, {"any": some, "none": [VALUES[name][0]]}])
    if most > 1 and chance.random() < 0.2:
        made["any_of"] = [random_condition(chance, 1), random_condition(chance, 1)]
    return made


def random_effect(chance: random.Random) -> dict[str, Any]:
    """An effect by which somebody is told, or is not."""
    kind = chance.choice(["route", "route", "route", "deny", "deny", "hold", "withhold", "grant", "basis", "basis"])
    made: dict[str, Any] = {kind: _BODIES[kind](chance)}
    if chance.random() < 0.4:
        made["when"] = random_condition(chance, 2)
    if kind == "route" and chance.random() < 0.4:
        made["on"] = chance.sample(EVENTS, 2)
    return made


def _needs(chance: random.Random) -> list[dict[str, Any]]:
    return [{"asks": word, "when": random_condition(chance, 2)} for word in chance.sample(["risk", "papers"], 1)]


def _against(chance: random.Random) -> dict[str, Any]:
    body: dict[str, Any] = {"to": chance.sample(SIDES, chance.randint(1, 2))}
    if chance.random() < 0.4:
        body["purposes"] = chance.sample(PURPOSES, 2)
    if chance.random() < 0.5:
        body["unless"] = _needs(chance)
    return body


def _hold(chance: random.Random) -> dict[str, Any]:
    body = _against(chance)
    if chance.random() < 0.3:
        body["bases"] = chance.sample(BASES, 2)
    if chance.random() < 0.4:
        body["except"] = chance.sample(SIDES[1:], 1)
    if "unless" not in body and chance.random() < 0.5:
        body["asks"] = ["clearance"]
    return body


def _route(chance: random.Random) -> dict[str, Any]:
    body: dict[str, Any] = {"to": chance.sample(TARGETS, chance.randint(1, 2)), "over": chance.random() < 0.5}
    if chance.random() < 0.6:
        body["purpose"] = chance.choice(PURPOSES)
    if chance.random() < 0.6:
        body["basis"] = chance.choice(BASES)
    return body


def _basis(chance: random.Random) -> dict[str, Any]:
    body: dict[str, Any] = {"to": chance.sample(SIDES, 1), "basis": chance.choice(BASES[1:])}
    if chance.random() < 0.3:
        body["purpose"] = chance.choice(PURPOSES)
    return body


def _groups(chance: random.Random) -> dict[str, Any]:
    return {"groups": chance.sample(GROUPS, 4), "to": chance.sample(SIDES, 1)}


_BODIES: dict[str, Any] = {
    "route": _route, "deny": _against, "hold": _hold, "withhold": _groups, "grant": _groups, "basis": _basis,
}  # fmt: skip


def random_record(chance: random.Random, law: Law, number: int) -> tuple[Play, Any]:
    """A first record of a case, emitted: the play and what was played."""
    by = chance.choice(EMITTERS)
    play = Play(by, law, f"{number}")
    play.hours = chance.choice([0, 0, 23.5])
    facts = {name: chance.choice(FACTS[name]) for name in chance.sample(sorted(FACTS), chance.randint(1, 9))}
    consent: dict[str, Any] | None = None
    if chance.random() < 0.7:
        consent = {
            "from": chance.choice(["self", "guardian"]), "purposes": chance.sample(PURPOSES, 4), "until": "90d",
            "to": chance.sample(["any@TH", "any@LA", "MED@TH", "RFP@LA", "CON.LA@TH", "LEG@TH"], 3),
            "groups": chance.sample([f"F{n}" for n in range(14)], 8),
        }  # fmt: skip
        if consent["from"] == "guardian":
            consent["assent"] = chance.choice([True, False])
    play.emit(chance.choice(EVENTS), by, facts, seal=tuple(sorted(chance.sample(GROUPS, 6))), consent=consent,
              to=tuple(chance.sample(TO, chance.randint(0, 3))),
              purpose=chance.choice([None, None, "MEDICAL", "LEGAL"]))  # fmt: skip
    return play, play.records[-1]
