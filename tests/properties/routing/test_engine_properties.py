"""What must hold of the engine for any story, not for chosen ones."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.compiled import RuleSet
from routing.conditions import ALWAYS, FactTest, both, holds
from routing.rule import Effect, Rule
from routing.targets import of_side
from routing.vocabulary import FACTS
from tests.support.pure_law import sample_law
from tests.support.routing_play import Play

NAMES = ["age", "found_in", "asylum", "exploitation", "origin", "consented", "identified"]
EVENTS = ["IndicatorFound", "VictimIdentified", "IdentificationRequested", "ReferralSent", "NeedsAssessed",
          "ReturnPlanProposed", "FamilyTracingRequested", "CompensationAwarded", "DetentionReported"]  # fmt: skip
EMITTERS = ["NGO-H@TH", "IDA@TH", "SHA@TH", "RFP@TH", "LEG@TH"]


def values(fact: str) -> st.SearchStrategy[Any]:
    """Values of a fact, and one outside what rules name."""
    some = st.sampled_from(sorted(FACTS[fact].values)[:6])
    return st.frozensets(some, min_size=1, max_size=3) if FACTS[fact].several else some


def any_test_of(fact: str) -> st.SearchStrategy[FactTest]:
    """Any test over a fact."""
    some = st.frozensets(st.sampled_from(sorted(FACTS[fact].values)[:6]), min_size=1, max_size=3)
    return st.builds(FactTest, st.one_of(st.none(), some), st.one_of(st.just(frozenset[str]()), some))


CLAUSE = st.dictionaries(st.sampled_from(NAMES), st.none(), max_size=3).flatmap(
    lambda names: st.fixed_dictionaries({name: any_test_of(name) for name in names})
)
CONDITION = st.lists(CLAUSE, min_size=1, max_size=3).map(tuple)
VIEW = st.fixed_dictionaries({}, optional={name: values(name) for name in NAMES})


@settings(max_examples=200, deadline=None)
@given(st.lists(CONDITION, min_size=1, max_size=6), VIEW)
def test_bitsets_agree_with_the_plain_meaning(conditions: list[Any], view: dict[str, Any]) -> None:
    """The compiled matcher finds exactly the rules whose condition plainly holds."""
    rules = [_rule(f"X{n}", condition) for n, condition in enumerate(conditions)]
    matched = {one.rule.id for one in RuleSet(rules).match(view).effects}
    assert matched == {rule.id for rule in rules if holds(rule.when, view)}


SOME_COUNTRIES = st.frozensets(st.sampled_from(["LA", "TH", "VN"]), min_size=1, max_size=2)
OF_ORIGIN = SOME_COUNTRIES.map(lambda wanted: ({"origin": FactTest(wanted)},))
ORIGINS = st.fixed_dictionaries({"origin": SOME_COUNTRIES})


@settings(max_examples=300, deadline=None)
@given(st.one_of(OF_ORIGIN, CONDITION), OF_ORIGIN, ORIGINS)
def test_two_conditions_hold_together_where_each_holds(left: Any, right: Any, view: dict[str, Any]) -> None:
    """Also of a fact with several values: somebody of both countries meets a test for each."""
    together = both(left, right)
    assert holds(together, view) == (holds(left, view) and holds(right, view))
    assert bool(RuleSet([_rule("X", together)]).match(view).effects) == holds(together, view)


def _rule(name: str, condition: Any) -> Rule:
    base = sample_law().rules[0]
    effects = (Effect("cite", ALWAYS),)
    return Rule(name, "t", "c", "A", base.valid_from, None, base.recorded_at, None, condition, effects)


FACT_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "trafficking_status": st.sampled_from(["PossibleVictimOfTrafficking", "ActualVictimOfTrafficking"]),
    "exploitation": st.lists(st.sampled_from(["ForcedLabour", "Surrogacy", "SexualExploitation"]), max_size=2),
    "age": st.sampled_from(["child", "adult", "in_doubt"]),
    "asylum": st.sampled_from(["none", "fear"]),
    "detained": st.sampled_from(["none", "immigration"]),
    "life_in_danger": st.booleans(),
    "sexual_violence": st.booleans(),
    "notify_origin": st.sampled_from(["not_asked", "no_objection"]),
    "lands_in": st.just("LA"),
    "papers": st.sampled_from(["held", "none"]),
}
STEP = st.tuples(
    st.sampled_from(EVENTS), st.sampled_from(EMITTERS), st.fixed_dictionaries({}, optional=FACT_VALUES),
    st.sets(st.sampled_from([f"F{n}" for n in range(1, 14)]), max_size=6),
    st.sampled_from([(), ("CON.LA@TH",), ("RFP@LA",), ("MED@TH",), ("LEA@TH",)]),
)  # fmt: skip
PURPOSES = ["IDENTIFY", "SHELTER", "MEDICAL", "LEGAL", "NOTIFY_ORIGIN", "TRACE", "RETURN", "RECEPTION", "CONSULAR"]
CONSENT = st.fixed_dictionaries({
    "purposes": st.lists(st.sampled_from(PURPOSES), min_size=1, max_size=5, unique=True),
    "to": st.lists(st.sampled_from(["any@TH", "any@LA", "RFP@LA", "CON.LA@TH", "MED@TH"]), min_size=1, max_size=3),
    "groups": st.lists(st.sampled_from([f"F{n}" for n in range(14)]), max_size=8, unique=True),
    "until": st.just("90d"),
})  # fmt: skip
BASE = {"found_in": "TH", "citizenship": ["LA"], "residence_at_entry": "LA"}


def played(consent: dict[str, Any], story: list[Any], before: list[tuple[str, dict[str, Any]]] = []) -> Play:  # noqa: B006
    """A story after a consent, with records put before it."""
    play = Play()
    play.emit("ConsentGiven", "NGO-H@TH", BASE, consent=consent)
    for event, facts in before:
        play.emit(event, "NGO-H@TH", facts)
    for event, by, facts, seal, to in story:
        play.emit(event, by, facts, seal=tuple(sorted(seal)), to=to)
    return play


@settings(max_examples=60, deadline=None)
@given(CONSENT, st.lists(STEP, min_size=1, max_size=4))
def test_nothing_returns_to_its_emitter_and_nobody_is_told_twice(consent: dict[str, Any], story: list[Any]) -> None:
    """Across a story every dispatch id is new, and no record goes to who sent it."""
    play = played(consent, story)
    made = [d for step in play.steps for d in step.decision.dispatches]
    assert len({d.dispatch_id for d in made}) == len(made)
    sent = {r.event_id: r.emitter for r in play.records}
    assert all(d.recipient != sent[d.event_id] for d in made)


@settings(max_examples=60, deadline=None)
@given(CONSENT, st.lists(STEP, min_size=1, max_size=4))
def test_the_same_story_gives_the_same_bytes(consent: dict[str, Any], story: list[Any]) -> None:
    """Decisions and states are functions of the records alone."""
    one, two = played(consent, story), played(consent, story)
    assert one.state == two.state
    assert msgspec.msgpack.encode([s.decision for s in one.steps]) == msgspec.msgpack.encode(
        [s.decision for s in two.steps]
    )


@settings(max_examples=60, deadline=None)
@given(CONSENT, st.lists(STEP, min_size=1, max_size=4))
def test_after_an_objection_the_origin_side_sees_nothing(consent: dict[str, Any], story: list[Any]) -> None:
    """Any deny wins: whatever is consented, addressed or stated later, no Lao agency is told."""
    story = [(e, by, {k: v for k, v in f.items() if k != "notify_origin"}, s, to) for e, by, f, s, to in story]
    play = played(consent, story, [("NotificationObjected", {})])
    for step in play.steps:
        for dispatch in step.decision.dispatches:
            assert not of_side(play.law.directory.by_slug(dispatch.recipient), "LA")


@settings(max_examples=60, deadline=None)
@given(CONSENT, CONSENT, st.lists(STEP, min_size=1, max_size=3))
def test_narrowing_never_widens(consent: dict[str, Any], narrower: dict[str, Any], story: list[Any]) -> None:
    """A regrant opens a part of what was open; a later dispatch on consent carries no group outside both."""
    play = played(consent, story)
    open_now = {d.dispatch_id: set(d.groups) for s in play.steps for d in s.decision.dispatches}
    decision = play.emit("ConsentNarrowed", "NGO-H@TH", consent=narrower)
    for regrant in decision.regrants:
        assert set(regrant.groups) <= open_now[regrant.dispatch_id]
    later = play.emit("IndicatorFound", "IDA@TH", {}, seal=tuple(f"F{n}" for n in range(1, 14)))
    for dispatch in later.dispatches:
        if dispatch.basis == "consent" and dispatch.purpose in narrower["purposes"]:
            granted = {"F6", "F7"} & set(dispatch.groups)
            assert set(dispatch.groups) - granted <= set(consent["groups"]) & set(narrower["groups"])
            assert granted <= set(consent["groups"]) & set(narrower["groups"])


@settings(max_examples=60, deadline=None)
@given(CONSENT, st.lists(STEP, min_size=1, max_size=4))
def test_consent_bounds_every_consent_based_dispatch(consent: dict[str, Any], story: list[Any]) -> None:
    """No group outside her consent travels on it, and no purpose that she did not name."""
    for step in played(consent, story).steps:
        for dispatch in step.decision.dispatches:
            if dispatch.basis == "consent" and dispatch.purpose != "FEEDBACK":
                assert set(dispatch.groups) <= set(consent["groups"])
                assert dispatch.purpose in consent["purposes"]
