"""The engine and a plain second witness agree about whoever is told, held and denied, for rules nobody chose."""

from __future__ import annotations

import os
import random
from datetime import date, timedelta
from typing import Any

import pytest
import yaml

from contracts.errors import InvalidInput
from routing.law import Law
from tests.support.region import region_directory
from tests.support.routing_play import START, Play
from tests.support.second_witness import Verdict, Witness

LAWS = int(os.environ.get("SAMPAN_LAWS", "60"))
RECORDS_EACH = 40
PARTS = 4
"""Parts of the work, so that several workers share it."""

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


@pytest.mark.parametrize("part", range(PARTS))
def test_the_second_witness_agrees_on_random_rules_facts_and_dates(part: int) -> None:
    """Told, held and denied are the same, with purpose, basis, groups and what is asked for."""
    chance = random.Random(f"{os.environ.get('SEED', '7')}/{part}")
    told = compared = 0
    for _ in range(LAWS // PARTS):
        law = _law(chance)
        for number in range(RECORDS_EACH):
            play, record = _record(chance, law, number)
            said = _engine(play)
            plain = Witness(law.rules, law.directory.agencies, record).verdicts()
            assert said == {slug: _row(one) for slug, one in plain.items()}, (part, record)
            compared += len(said)
            told += sum(1 for one in said.values() if one[0] == "told")
    assert told > LAWS // PARTS, "the examples tell nobody: they would agree about anything"
    assert compared > 2 * told, "the examples hold and deny too little"


def _row(verdict: Verdict) -> tuple[Any, ...]:
    if verdict.outcome == "told":
        return "told", verdict.purpose, verdict.basis, verdict.groups
    return (verdict.outcome, frozenset(verdict.asks)) if verdict.outcome == "held" else (verdict.outcome,)


def _engine(play: Play) -> dict[str, tuple[Any, ...]]:
    """By agency. One reason may be denied while another waits: then it waits."""
    decision = play.steps[-1].decision
    said: dict[str, tuple[Any, ...]] = {d.recipient: ("denied",) for d in decision.denied if d.recipient}
    said |= {h.recipient: ("held", frozenset(h.asks)) for h in decision.held if h.recipient}
    return said | {
        d.recipient: ("told", d.purpose, d.basis if d.purpose != "FEEDBACK" else "", frozenset(d.groups))
        for d in decision.dispatches
    }


def _law(chance: random.Random) -> Law:
    """A random rule set that the loader takes."""
    while True:
        rules = [_rule(chance, number) for number in range(chance.randint(1, 9))]
        try:
            return Law.load({"rules.yaml": yaml.safe_dump({"rules": rules})}, region_directory())
        except InvalidInput:  # two equal offers, which the loader rightly refuses
            continue


def _rule(chance: random.Random, number: int) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": f"X{number}", "title": "Invented", "cite": "none", "mark": "A", "valid_from": chance.choice(DAYS[:4]),
        "recorded_at": chance.choice(DAYS[:4]), "when": _condition(chance, 3),
        "then": [_effect(chance) for _ in range(chance.randint(1, 3))],
    }  # fmt: skip
    end: date = chance.choice(DAYS)
    if chance.random() < 0.3 and end > rule["valid_from"]:
        rule["valid_to"] = end
    return rule


def _condition(chance: random.Random, most: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name in chance.sample(sorted(VALUES), chance.randint(0, most)):
        some = chance.sample(VALUES[name], chance.randint(1, len(VALUES[name]) - 1))
        made[name] = chance.choice([some, some, {"none": some}, {"any": some, "none": [VALUES[name][0]]}])
    if most > 1 and chance.random() < 0.2:
        made["any_of"] = [_condition(chance, 1), _condition(chance, 1)]
    return made


def _effect(chance: random.Random) -> dict[str, Any]:
    kind = chance.choice(["route", "route", "route", "deny", "deny", "hold", "withhold", "grant", "basis", "basis"])
    made: dict[str, Any] = {kind: _BODIES[kind](chance)}
    if chance.random() < 0.4:
        made["when"] = _condition(chance, 2)
    if kind == "route" and chance.random() < 0.4:
        made["on"] = chance.sample(EVENTS, 2)
    return made


def _needs(chance: random.Random) -> list[dict[str, Any]]:
    return [{"asks": word, "when": _condition(chance, 2)} for word in chance.sample(["risk", "papers"], 1)]


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


def _record(chance: random.Random, law: Law, number: int) -> tuple[Play, Any]:
    by = chance.choice(EMITTERS)
    play = Play(by, law, f"{number}")
    play.hours = chance.choice([0, 0, 23.5])
    facts = {name: chance.choice(FACTS[name]) for name in chance.sample(sorted(FACTS), chance.randint(1, 9))}
    consent = None
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
