"""What only takes away closes the gate before the router has run."""

import pytest

from contracts.events import EVENTS
from contracts.facts import Facts
from contracts.narrowing import GATE_EVENTS, NARROWING_EVENTS, NARROWING_FACTS, closes_gate, is_narrowing


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
        Facts(age="adult"), Facts(age=24), Facts(state_of_origin_risk="acceptable"),
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
