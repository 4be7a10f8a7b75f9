"""A change that is judged to take away only never tells anybody new, and opens nothing more."""

from __future__ import annotations

import copy
import os
import random
from typing import Any

import pytest

from routing.analysis.widening import widenings
from routing.law import Law
from tests.support.random_laws import (
    SIDES,
    VALUES,
    law_of,
    random_condition,
    random_effect,
    random_record,
    random_rule,
)
from tests.support.routing_play import Play

CHANGES = int(os.environ.get("SAMPAN_CHANGES", "240"))
RECORDS_EACH = 12
PARTS = 4
Rows = list[dict[str, Any]]
WHOLE = [side for side in SIDES if side.startswith(("*", "any@", "state@"))]


@pytest.mark.parametrize("part", range(PARTS))
def test_a_change_judged_narrowing_tells_nobody_new_and_opens_no_more(part: int) -> None:
    """For first records of any facts: whoever is told was told before, with at most the groups of before."""
    chance = random.Random(f"{os.environ.get('SEED', '7')}/{part}")
    told = judged = differ = 0
    for _ in range(CHANGES // PARTS):
        old, new = _change(chance)
        if old.rule_set_hash == new.rule_set_hash or widenings(old, new):
            continue
        judged += 1
        for number in range(RECORDS_EACH):
            state = chance.getstate()
            before, record = _told(chance, old, number)
            chance.setstate(state)
            after, _ = _told(chance, new, number)
            told, differ = told + len(before), differ + (before != after)
            assert set(after) <= set(before), (part, new.rules, record)
            assert all(after[slug] <= before[slug] for slug in after), (part, new.rules, record)
    assert judged > CHANGES // PARTS // 8, "too few changes are judged narrowing: nothing was compared"
    assert told > judged, "the records tell nobody: they would agree about anything"
    assert differ, "the changes change nothing"


def _told(chance: random.Random, law: Law, number: int) -> tuple[dict[str, set[str]], Any]:
    """By agency, the groups and items it may open."""
    play, record = random_record(chance, law, number)
    return _opened(play), record


def _opened(play: Play) -> dict[str, set[str]]:
    return {d.recipient: {*d.groups, *d.items} for d in play.steps[-1].decision.dispatches}


def _change(chance: random.Random) -> tuple[Law, Law]:
    """Two laws: one, and the same with a rule or two changed. The first has brakes and routes enough."""
    while True:
        rows = [random_rule(chance, number) for number in range(chance.randint(4, 12))]
        changed = copy.deepcopy(rows)
        for _ in range(chance.randint(1, 2)):
            chance.choice(_WAYS)(chance, changed)
        old, new = law_of(rows), law_of([row for row in changed if row["then"]])
        if old is not None and new is not None:
            return old, new


def _comes(chance: random.Random, rows: Rows) -> None:
    rows.append(random_rule(chance, len(rows) + 20))


def _brake_comes(chance: random.Random, rows: Rows) -> None:
    kind = chance.choice(["deny", "hold", "withhold"])
    body: dict[str, Any] = {"to": chance.sample(chance.choice([SIDES, WHOLE, WHOLE]), 1)}
    if kind == "withhold":
        body["groups"] = chance.sample([f"F{n}" for n in range(1, 14)], 5)
    elif chance.random() < 0.3:
        body["purposes"] = ["MEDICAL", "LEGAL"]
    when = chance.choice([{}, random_condition(chance, 1)])
    rows.append(random_rule(chance, len(rows) + 40) | {"when": when, "then": [{kind: body}]})


def _goes(chance: random.Random, rows: Rows) -> None:
    rows.remove(chance.choice(rows))


def _effect_changes(chance: random.Random, rows: Rows) -> None:
    effects = chance.choice([row for row in rows if row["then"]])["then"]
    effects[chance.randrange(len(effects))] = random_effect(chance)


def _effect_goes(chance: random.Random, rows: Rows) -> None:
    chance.choice([row for row in rows if row["then"]])["then"].pop()


def _effect_comes(chance: random.Random, rows: Rows) -> None:
    chance.choice(rows)["then"].append(random_effect(chance))


def _condition_narrows(chance: random.Random, rows: Rows) -> None:
    row = chance.choice(rows)
    name = chance.choice(sorted(set(VALUES) - set(row["when"])) or ["event"])
    row["when"].setdefault(name, chance.sample(VALUES[name], max(1, len(VALUES[name]) - 1)))


def _condition_widens(chance: random.Random, rows: Rows) -> None:
    row = chance.choice(rows)
    if row["when"]:
        row["when"].pop(chance.choice(sorted(row["when"])))


def _dates_change(chance: random.Random, rows: Rows) -> None:
    row, other = chance.choice(rows), random_rule(chance, 99)
    row.pop("valid_to", None)
    row.update({key: other[key] for key in ("recorded_at", "valid_to") if key in other})
    if row.get("valid_to") and row["valid_to"] <= row["valid_from"]:
        del row["valid_to"]


_WAYS = [_comes, _brake_comes, _brake_comes, _brake_comes, _goes, _effect_changes, _effect_goes, _effect_comes,
         _condition_narrows, _condition_widens, _condition_widens, _dates_change]  # fmt: skip
