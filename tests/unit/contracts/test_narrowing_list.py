"""What only takes away closes the gate before the router has run."""

from datetime import date
from typing import Any

import pytest

from contracts.events import EVENTS
from contracts.facts import Facts
from contracts.narrowing import GATE_EVENTS, NARROWING_EVENTS, NARROWING_FACTS, closes_gate, is_narrowing
from routing.fold import STRICTER
from routing.vocabulary import CHILD_AGES, STATED
from tests.support.pure_law import sample_law

CIRCUMSTANCES = frozenset(
    {
        "citizenship", "departed", "detained", "exploitation", "found_in", "lands_in", "proceedings",
        "sexual_violence", "stage", "trafficking_status",
    }
)  # fmt: skip
"""What happened to her, and where. Rules read it too, but any event may state it: these follow in their turn."""


@pytest.mark.parametrize("event", sorted(NARROWING_EVENTS))
def test_a_narrowing_event_narrows_without_any_fact(event: str) -> None:
    """The name alone closes the gate, and nobody can refuse it."""
    assert is_narrowing(event, [])
    assert not EVENTS[event].is_refusable


@pytest.mark.parametrize(
    "facts",
    [
        Facts(notify_origin="objection"), Facts(consular="opposes"), Facts(asylum="fear"),
        Facts(asylum="claimed"), Facts(frozen=True), Facts(declined=True),
        Facts(state_of_origin_risk="unacceptable"), Facts(family="unsafe"), Facts(family_suspected=True),
        Facts(citizenship="stateless"), Facts(citizenship="undetermined"), Facts(age="in_doubt"),
        Facts(age="child"), Facts(age=0), Facts(age=15), Facts(age=17), Facts(child_until=date(2028, 2, 3)),
    ],
)  # fmt: skip
def test_a_narrowing_fact_narrows_whichever_event_states_it(facts: Facts) -> None:
    """A fear mentioned in a needs assessment closes the gate as a claim does, for any of the subjects."""
    assert is_narrowing("NeedsAssessed", [Facts(), facts])


@pytest.mark.parametrize(
    "facts",
    [
        Facts(), Facts(notify_origin="no_objection"), Facts(consular="asked"), Facts(asylum="none"),
        Facts(frozen=False), Facts(family="safe"), Facts(citizenship=["LA"]), Facts(citizenship=[]),
        Facts(age="adult"), Facts(age=18), Facts(age=24), Facts(state_of_origin_risk="acceptable"),
    ],
)  # fmt: skip
def test_an_ordinary_fact_does_not_narrow(facts: Facts) -> None:
    """Otherwise every event would send every ticket back to the router."""
    assert not is_narrowing("NeedsAssessed", [facts])


def test_a_correction_closes_the_gate_but_overtakes_nothing() -> None:
    """A corrected nationality may widen a view, so it waits its turn in the queue."""
    assert closes_gate("SubjectCorrected", [])
    assert not is_narrowing("SubjectCorrected", [])


def test_the_lists_speak_of_known_events_and_facts() -> None:
    """A misspelt name in the list would leave a door open."""
    assert set(EVENTS) >= NARROWING_EVENTS | GATE_EVENTS
    assert set(NARROWING_FACTS) <= set(Facts.model_fields)


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        *((fact, word) for fact, words in STRICTER.items() for word in words),
        *(("age", age) for age in sorted(CHILD_AGES)),
    ],
)
def test_what_routing_calls_stricter_narrows(fact: str, value: Any) -> None:
    """Her word and her childhood, as the engine reads them, close the gate."""
    assert is_narrowing("NeedsAssessed", [Facts.model_validate({fact: value})])


def test_every_fact_by_which_a_rule_takes_away_closes_the_gate_or_is_a_circumstance() -> None:
    """A new rule that denies, withholds or recalls by a new fact must come to this list."""
    missing = [
        f"{rule.id}: {fact} {value}"
        for rule in sample_law().rules
        for effect in rule.effects
        if effect.kind in ("deny", "withhold", "recall") and not (effect.on or effect.event or effect.needs)
        for clause in (*rule.when, *effect.when)
        for fact, test in clause.items()
        for value in test.any or ()
        if fact in STATED and fact not in CIRCUMSTANCES and value not in ("unset", "false", "adult")
        and not is_narrowing("NeedsAssessed", [Facts.model_validate({fact: value})])
    ]  # fmt: skip
    assert not missing
