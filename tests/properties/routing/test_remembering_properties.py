"""What a law remembers saves time and changes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.address import parse_address
from contracts.decision import Step
from routing.agency import Agency, Tenure
from routing.directory import Directory
from routing.law import Law
from routing.memo import Memo
from routing.recipients import recipients
from routing.step import step
from tests.support.pure_law import sample_law
from tests.support.region import region_directory
from tests.support.routing_play import Play

WARM = replace(sample_law())
"""One law for all stories of this file: it has seen many subjects that look alike, and some that nearly do."""

PURPOSES = ["IDENTIFY", "SHELTER", "MEDICAL", "LEGAL", "NOTIFY_ORIGIN", "RETURN"]
CONSENT = st.fixed_dictionaries({
    "purposes": st.lists(st.sampled_from(PURPOSES), min_size=1, max_size=3, unique=True),
    "to": st.lists(st.sampled_from(["any@TH", "RFP@LA", "CON.LA@TH", "MED@TH", "SHA@TH"]), min_size=1, max_size=2),
    "groups": st.lists(st.sampled_from(["F0", "F1", "F3", "F5", "F7", "F12"]), max_size=4, unique=True),
    "until": st.sampled_from(["1h", "90d"]),
})  # fmt: skip
FACTS: dict[str, st.SearchStrategy[Any]] = {
    "trafficking_status": st.sampled_from(["PossibleVictimOfTrafficking", "ActualVictimOfTrafficking"]),
    "exploitation": st.lists(st.sampled_from(["ForcedLabour", "SexualExploitation"]), max_size=2, unique=True),
    "age": st.sampled_from([9, 17, 22, "child", "in_doubt"]),
    "asylum": st.sampled_from(["none", "fear"]),
    "notify_origin": st.sampled_from(["no_objection", "objection"]),
    "life_in_danger": st.booleans(),
    "accompanied_by": st.sampled_from(["uncle", "aunt"]),
}
RECORD = st.tuples(
    st.sampled_from(["IndicatorFound", "IdentificationRequested", "ReferralSent", "ReturnPlanProposed",
                     "ConsentGiven", "ConsentWithdrawn", "NotificationObjected", "CompensationAwarded"]),
    st.sampled_from(["NGO-H@TH", "IDA@TH", "CON.VN@TH", "CON.MM@TH"]),
    st.fixed_dictionaries({}, optional=FACTS),
    st.sampled_from([(), ("MED@TH",), ("RFP@LA",), ("CON.VN@TH",), ("past_recipients",)]),
    st.sampled_from([None, "MEDICAL", "RETURN"]),
    st.sampled_from([None, "URGENT", "EMERGENCY"]),
    st.sampled_from([0, 2]),
    CONSENT,
)  # fmt: skip
STORY = st.tuples(
    st.booleans(), CONSENT, st.sampled_from(["NGO-H@TH", "SHA@TH"]), st.lists(RECORD, min_size=1, max_size=3)
)  # fmt: skip
DAYS = st.dates(date(2026, 3, 1), date(2026, 3, 9))


def told_by(law: Law, name: str, story: Any) -> Play:
    """A story of one subject under a law. ``True`` first: the case opens with a consent."""
    consented, consent, owner, records = story
    play = Play(owner, law, name)
    play.emit("ConsentGiven" if consented else "IndicatorFound", owner,
              {"found_in": "TH", "citizenship": ["LA"]}, consent=consent if consented else None)  # fmt: skip
    for event, by, facts, to, purpose, priority, hours, more in records:
        play.hours += hours
        play.emit(event, by, facts, seal=("F1", "F5", "F7"), to=to, purpose=purpose, priority=priority,
                  consent=more if event == "ConsentGiven" else None)  # fmt: skip
    return play


def afresh(play: Play) -> list[Step]:
    """The same records, each under a law that remembers nothing."""
    state, made = None, []
    for record in play.records:
        made.append(step(state, record, replace(play.law)))
        state = made[-1].state
    return made


@settings(max_examples=250, deadline=None)
@given(STORY, st.uuids())
def test_a_law_that_has_seen_many_decides_as_one_that_has_seen_nobody(story: Any, name: Any) -> None:
    """State, decision and timers are the same bytes, whoever was decided before under the same law."""
    play = told_by(WARM, str(name), story)
    encode = msgspec.msgpack.encode
    assert [encode(one) for one in play.steps] == [encode(one) for one in afresh(play)]


def _child_seen_from_laos(law: Law, name: str, sealed: tuple[str, ...]) -> Play:
    play = Play("NGO-H@TH", law, name)
    play.emit("IndicatorFound", "NGO-H@TH", {"found_in": "TH"}, seal=("F1",))
    play.emit("IndicatorFound", "NGO-O@LA", seal=sealed)
    play.emit("IndicatorFound", "NGO-O@LA",
              {"age": "child", "trafficking_status": "PossibleVictimOfTrafficking"})  # fmt: skip
    return play


def test_what_was_sealed_here_earlier_is_part_of_the_position() -> None:
    """Two children alike save in what was sealed where their emitter sits: the duty within a border tells one alone."""
    for first, second in ((("F2", "F12"), ()), ((), ("F2", "F12"))):
        law = replace(sample_law())
        _child_seen_from_laos(law, "first", first)
        play = _child_seen_from_laos(law, "second", second)
        encode = msgspec.msgpack.encode
        assert [encode(one) for one in play.steps] == [encode(one) for one in afresh(play)]


def test_looking_alike_shares_a_plan_and_no_id() -> None:
    """A second subject in the same position adds no plan, and gets dispatches of its own."""
    consent = {"purposes": ["IDENTIFY"], "to": ["any@TH"], "groups": ["F1"], "until": "90d"}
    asked = ("IdentificationRequested", "NGO-H@TH", dict[str, Any](), (), None, None, 0, consent)
    story = (True, consent, "NGO-H@TH", [asked])
    law = replace(sample_law())
    first = told_by(law, "first", story)
    plans = len(law.plans)
    second = told_by(law, "second", story)
    assert plans
    assert len(law.plans) == plans
    ours = [{d.dispatch_id for s in one.steps for d in s.decision.dispatches} for one in (first, second)]
    assert ours[0]
    assert not ours[0] & ours[1]
    subjects = {d.subject for s in second.steps for d in s.decision.dispatches}
    consents = {c for s in second.steps for d in s.decision.dispatches for c in d.consents}
    assert subjects == {second.subject}
    assert consents == {second.records[0].event_id}


def test_a_fact_that_no_rule_asks_for_keeps_nobody_from_being_alike() -> None:
    """No rule asks whether she is pregnant: both grown women find one plan, and a girl another."""
    consent = {"purposes": ["IDENTIFY"], "to": ["any@TH"], "groups": ["F1"], "until": "90d"}
    law = replace(sample_law())
    plans: list[int] = []
    for name, facts in (("one", {"pregnant": True}), ("another", {"pregnant": False}), ("girl", {"age": 16})):
        play = Play(law=law, name=name)
        play.emit("ConsentGiven", "NGO-H@TH", {"found_in": "TH"}, consent=consent)
        play.emit("IdentificationRequested", "NGO-H@TH", facts)
        plans.append(len(law.plans))
    assert plans[0] == plans[1] < plans[2]


def test_a_consent_that_has_ended_makes_another_position() -> None:
    """Two subjects are alike save that a second consent of one has ended: only the other rests on both."""
    lasting = {"purposes": ["IDENTIFY"], "to": ["IDA@TH"], "groups": ["F1"], "until": "90d"}
    brief = {**lasting, "groups": ["F5"], "until": "1h"}
    law = replace(sample_law())
    rests = []
    for name, hours in (("within the hour", 0), ("after it", 2)):
        play = Play(law=law, name=name)
        play.emit("ConsentGiven", "NGO-H@TH", {"found_in": "TH"}, consent=lasting)
        play.emit("ConsentGiven", "NGO-H@TH", consent=brief)
        play.hours += hours
        rests += [len(d.consents) for d in play.emit("IdentificationRequested", "NGO-H@TH").dispatches]
    assert rests == [2, 1]


def test_a_narrowed_consent_makes_another_position() -> None:
    """She narrowed to whom it may go: the plan of another, who gave the same consent and left it so, is not hers."""
    consent = {"purposes": ["IDENTIFY"], "to": ["any@TH"], "groups": ["F1"], "until": "90d"}
    law = replace(sample_law())
    reached = []
    for name, narrower in (("as given", None), ("narrowed", {**consent, "to": ["SHA@TH"]})):
        play = Play(law=law, name=name)
        play.emit("ConsentGiven", "NGO-H@TH", {"found_in": "TH"}, consent=consent)
        if narrower:
            play.emit("ConsentNarrowed", "NGO-H@TH", consent=narrower)
        decision = play.emit("IdentificationRequested", "NGO-H@TH")
        reached.append([d.address for d in decision.dispatches])
    assert reached == [["IDA@TH"], []]


def test_who_was_told_before_makes_another_position() -> None:
    """What is addressed to past recipients reaches those of this subject, though another alike had none."""
    consent = {"purposes": ["MEDICAL"], "to": ["MED@TH"], "groups": ["F5"], "until": "90d"}
    law = replace(sample_law())
    reached = []
    for name, to in (("nobody before", ()), ("a hospital before", ("MED@TH",))):
        play = Play(law=law, name=name)
        play.emit("ConsentGiven", "NGO-H@TH", {"found_in": "TH"}, consent=consent)
        play.emit("IndicatorFound", "NGO-H@TH", to=to)
        decision = play.emit("IndicatorFound", "NGO-H@TH", to=("past_recipients",))
        reached.append([d.address for d in decision.dispatches])
    assert reached == [[], ["MED@TH"]]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 200), DAYS, st.integers(1, 5)), min_size=1, max_size=4))
def test_an_address_means_within_a_period_whom_it_means_at_each_instant(changes: Any) -> None:
    """Around days on which roles begin and end, in several time zones, remembering names nobody else."""
    agencies = list(region_directory().agencies)
    addresses = set()
    for which, day, lasts in changes:
        agency = agencies[which % len(agencies)]
        tenures = tuple(Tenure(t.address, day, day + timedelta(days=lasts)) for t in agency.tenures)
        agencies[which % len(agencies)] = _moved(agency, tenures)
        addresses |= {str(t.address) for t in tenures if t.address.unit != "duty"}
    directory = Directory.of(agencies, region_directory().calendar)
    law = Law.load({}, directory)
    for hour in range(0, 24 * 18, 5):
        at = datetime(2026, 2, 26, tzinfo=UTC) + timedelta(hours=hour)
        for address in sorted(addresses):
            found = law.recipients(address, at)
            assert found == recipients(directory, address, at)
            assert {a.slug for a, _ in found} == {a.slug for a in _plainly(directory, address, at)}


def _moved(agency: Agency, tenures: tuple[Tenure, ...]) -> Agency:
    zone = "Pacific/Kiritimati" if len(agency.slug) % 2 else "America/Los_Angeles"
    return replace(agency, tenures=tenures, timezone=zone)


def _plainly(directory: Directory, address: str, at: datetime) -> list[Agency]:
    """Who an address means, without anything worked out beforehand: each agency's own calendar day decides."""
    wanted = parse_address(address)
    return [
        agency for agency in directory.agencies
        if any(
            (t.address.role, t.address.country) == (wanted.role, wanted.country)
            and wanted.state in ("", t.address.state)
            and (t.address.unit == wanted.unit if wanted.unit else t.address.unit not in ("duty", "director"))
            and t.covers(at.astimezone(agency.zone).date())
            for t in agency.tenures
        )
    ]  # fmt: skip


@given(st.lists(st.integers(0, 9), max_size=40), st.integers(1, 5))
def test_a_memory_is_bounded_and_never_wrong(keys: list[int], limit: int) -> None:
    """It keeps no more than its limit, and what it still knows is what was kept."""
    memo: Memo[int, int] = Memo(limit)
    for key in keys:
        known = memo.get(key)
        assert known in (None, key * key)
        memo.keep(key, key * key)
        assert len(memo) <= limit
