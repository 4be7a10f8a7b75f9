"""What the sender's edge derives, seals and refuses."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from contracts.codec import decode, fingerprint
from contracts.control import ControlPayload
from contracts.errors import InvalidInput
from contracts.facts import Facts
from contracts.groups import Identity
from contracts.sealing import CONTROL, SealedEvent, event_context, open_slot, verify
from services.edge.prepare import ITEM_FINGERPRINT, SenderKeys, prepare
from services.edge.stated import COUNTRY_FACTS
from tests.support.sealed import DAO, GROUPS, MAI, NOW, World


@pytest.fixture
def world() -> World:
    return World()


def opened(world: World, submission: bytes) -> tuple[SealedEvent, dict[tuple[str, Any], bytes]]:
    event, keys = world.opened(submission)
    context = event_context(event.header)
    found = {}
    for key in keys:
        slot = event.slot(key.slot_id)
        assert slot is not None
        found[key.label, key.subject_ref] = open_slot(context, slot, key)
    return event, found


def control_of(world: World, **changes: Any) -> ControlPayload:
    _, found = opened(world, world.prepared(**changes).submission)
    return decode(ControlPayload, found[CONTROL, None])


def facts_of(world: World, groups: dict[str, Any], facts: dict[str, Any] | None = None) -> Facts:
    subject = {"subject": MAI, "facts": facts or {}, "groups": groups}
    return control_of(world, subjects=[subject]).subjects[0].facts


def test_the_header_says_who_and_when_and_the_rest_is_sealed(world: World) -> None:
    """Event name, recipients, facts, names: in the slots; none of them in the bytes as they travel."""
    prepared = world.prepared()
    event, found = opened(world, prepared.submission)
    verify(event, world.signing_key.public_key)
    header = event.header
    assert (header.event_id, header.submission_id) == (prepared.event_id, prepared.submission_id)
    assert (header.sender, header.case_ref, header.occurred_at) == (world.agency_id, "SP-K7RM4-TQX2F", NOW)
    assert not header.assisted
    for planted in (b"ReferralSent", b"RFP@LA", b"Mai", b"Vongsa", b"market", b"LA", b"15-17"):
        if len(planted) > 2:
            assert planted not in prepared.submission
    assert decode(Identity, found["F1", MAI]).given_name is not None
    assert found["item:age_group", MAI] == b"15-17"
    assert set(found) == {(CONTROL, None), ("item:age_group", MAI), *((group, MAI) for group in GROUPS)}


def test_the_control_slot_carries_the_rest_of_the_event(world: World) -> None:
    """What the sender said beside the groups reaches the router unchanged."""
    control = control_of(world, acting_as="NGO-H@TH", purpose="RETURN", priority="URGENT")
    assert (control.event, control.acting_as, control.to) == ("ReferralSent", "NGO-H@TH", ["RFP@LA"])
    assert (control.purpose, control.priority) == ("RETURN", "URGENT")
    assert control.subjects[0].subject_ref == MAI


def test_facts_are_derived_from_groups_once(world: World) -> None:
    """Citizenship, papers, status, exploitation, pregnancy, landing country and dated childhood."""
    facts = facts_of(world, {**GROUPS, "F6": {"pregnant": "Yes"}, "F13": {"lands_in": "LA"}})
    assert facts.citizenship == ["LA"]
    assert facts.papers == "none"
    assert facts.trafficking_status == "PossibleVictimOfTrafficking"
    assert facts.exploitation == ["ForcedLabour"]
    assert facts.pregnant is True
    assert facts.lands_in == "LA"
    assert (facts.age, facts.child_until) == ("child", date(2028, 2, 3))


def test_stated_facts_win(world: World) -> None:
    """A stated fact is kept even where a group says otherwise, and even if the group alone would be refused."""
    stated = {"citizenship": "undetermined", "age": "in_doubt", "pregnant": False, "papers": "held"}
    groups = {**GROUPS, "F6": {"pregnant": "perhaps"}, "F13": {"lands_in": "LA"}}
    facts = facts_of(world, groups, {**stated, "lands_in": "VN"})
    assert (facts.citizenship, facts.age, facts.child_until) == ("undetermined", "in_doubt", None)
    assert (facts.pregnant, facts.papers, facts.lands_in) == (False, "held", "VN")


def test_ethnicity_yields_no_fact(world: World) -> None:
    """Ethnicity, languages and the place of birth leave the facts empty (R28)."""
    facts = facts_of(
        world, {"F1": {"ethnicity": "Vietnamese", "languages": ["vi"]}, "F3": {"place_of_birth": "Hue"}}
    )
    assert facts.stated() == {}


@pytest.mark.parametrize(
    ("born", "age", "until", "band"),
    [
        ("2008-04-02", "child", date(2026, 4, 2), "15-17"),
        ("2008-04-01", "adult", None, "18-24"),
        ("2008-02-29", "adult", None, "18-24"),
        ("2010-02-28", "child", date(2028, 2, 28), "15-17"),
        ("2026-04-01", "child", date(2044, 4, 1), "0-11"),
        ("1960-01-01", "adult", None, "60+"),
    ],
)
def test_age_turns_on_the_birthday_in_utc(
    world: World, born: str, age: str, until: date | None, band: str
) -> None:
    """On 1 April 2026: an adult from the 18th birthday on; the dated fact says until when a child is one."""
    subject = {"subject": MAI, "groups": {"F1": {"birth_date": born}}}
    prepared = world.prepared(subjects=[subject])
    _, found = opened(world, prepared.submission)
    facts = decode(ControlPayload, found[CONTROL, None]).subjects[0].facts
    assert (facts.age, facts.child_until) == (age, until)
    assert found["item:age_group", MAI].decode() == band


@pytest.mark.parametrize("now", [datetime(2026, 3, 1, 22, tzinfo=UTC), datetime(2026, 12, 31, 17, tzinfo=UTC)])
def test_a_newborn_of_this_morning_is_nought_years_old(world: World, now: datetime) -> None:
    """Born and sealed on one day in Bangkok, whose morning is still the evening before in UTC."""
    born = (now + timedelta(hours=7)).date()
    entry = {"subject": MAI, "groups": {"F1": {"birth_date": born.isoformat()}}}
    event = world.open_event(event="BabyBorn", to=[], occurred_at=now, subjects=[entry])
    prepared = prepare(event, world.keys, world.instance, world.random, now)
    _, found = opened(world, prepared.submission)
    facts = decode(ControlPayload, found[CONTROL, None]).subjects[0].facts
    assert (facts.age, facts.child_until) == ("child", born.replace(year=born.year + 18))
    assert found["item:age_group", MAI] == b"0-11"


def test_a_leap_day_child_stays_one_until_march(world: World) -> None:
    """Born on 29 February 2012: a child until 1 March 2030."""
    assert facts_of(world, {"F1": {"birth_date": "2012-02-29"}}).child_until == date(2030, 3, 1)


def test_an_age_in_years_travels_as_a_number_for_children_alone(world: World) -> None:
    """17 stays 17, so that it can turn 18; 34 becomes adult."""
    assert facts_of(world, {"F1": {"age_years": 17}}).age == 17
    assert facts_of(world, {"F1": {"age_years": 34}}).age == "adult"


@pytest.mark.parametrize(
    ("groups", "code", "field"),
    [
        ({"F1": {"birth_date": "2026-04-03"}}, "impossible-age", "subjects[0].groups.F1.birth_date"),
        ({"F1": {"birth_date": "2553-01-01"}}, "impossible-age", "subjects[0].groups.F1.birth_date"),
        ({"F1": {"age_years": 121}}, "impossible-age", "subjects[0].groups.F1.age_years"),
        ({"F3": {"citizenship": ["Lao"]}}, "unknown-country", "subjects[0].groups.F3.citizenship"),
        ({"F3": {"citizenship": ["LA", "stateless"]}}, "unreadable-fact", "subjects[0].groups.F3.citizenship"),
        ({"F3": {"residence_at_entry": "XX"}}, "unknown-country", "subjects[0].groups.F3.residence_at_entry"),
        ({"F5": {"exploitation": ["Chess"]}}, "unreadable-fact", "subjects[0].groups.F5.exploitation"),
        ({"F5": {"trafficking_status": "Sure"}}, "unreadable-fact", "subjects[0].groups.F5.trafficking_status"),
        ({"F6": {"pregnant": "perhaps"}}, "unreadable-fact", "subjects[0].groups.F6.pregnant"),
    ],
)  # fmt: skip
def test_what_rules_cannot_read_is_refused_by_name(
    world: World, groups: dict[str, Any], code: str, field: str
) -> None:
    """Field, code and remedy, and never the value."""
    with pytest.raises(InvalidInput) as error:
        facts_of(world, groups)
    assert (error.value.code, error.value.field) == (code, field)
    assert error.value.remedy
    for content in groups.values():
        for value in content.values():
            assert str(value) not in error.value.sentence()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"event": "ReferralSend"}, "unknown-event"),
        ({"occurred_at": NOW + timedelta(hours=1)}, "time-in-future"),
        ({"to": ["RFP@ZZ"]}, "unknown-country"),
        ({"acting_as": "NGO@TH"}, "unknown-role"),
        ({"consent": {"purposes": ["TRACE"], "to": ["everybody"], "until": "30d"}}, "bad-address"),
        ({"subjects": [{"groups": GROUPS}, {"subject": DAO}]}, "subject-needed"),
    ],
)
def test_events_that_cannot_travel_are_refused(world: World, changes: dict[str, Any], code: str) -> None:
    """Nothing is sealed, and the error names field and remedy."""
    with pytest.raises(InvalidInput) as error:
        world.prepared(**changes)
    assert error.value.code == code
    assert error.value.field
    assert error.value.remedy


FAR_OFF = ["9999-12-31", "2569-06-01", "200y", "123456d"]


@pytest.mark.parametrize("until", FAR_OFF)
def test_a_consent_or_an_order_that_ends_far_off_is_refused(world: World, until: str) -> None:
    """The router could not add it and would stop at this case for good; the sender can still correct it."""
    consent = {"purposes": ["SHELTER"], "to": ["any@TH"], "groups": ["F1"], "until": until}
    with pytest.raises(InvalidInput) as error:
        world.prepared(consent=consent)
    assert error.value.field == "consent.until"
    assert error.value.remedy
    with pytest.raises(InvalidInput) as error:
        world.prepared(subjects=[{"subject": MAI}, {"subject": DAO, "facts": {"order_until": until}}])
    assert error.value.field == "subjects[1].facts.order_until"


def test_every_fact_that_holds_countries_is_known() -> None:
    """The model knows the shape of a code alone; a fact missing from the list would be judged by nobody."""
    schema = Facts.model_json_schema()
    assert {n for n, kind in schema["properties"].items() if "[A-Z]{2}" in str(kind)} == set(COUNTRY_FACTS)
    assert [n for n, kind in schema["$defs"].items() if "[A-Z]{2}" in str(kind)] == ["HandoverPoint"]


@pytest.mark.parametrize("fact", [*COUNTRY_FACTS, "handover_point"])
def test_a_stated_country_that_there_is_not_is_refused(world: World, fact: str) -> None:
    """``UK`` reaches no embassy: whoever is meant would never be told, and nobody would know."""
    several = {"citizenship", "claims_citizenship"}

    def stated(code: str) -> dict[str, Any]:
        if fact == "handover_point":
            return {fact: {"between": ["TH", code]}}
        return {fact: ["LA", code] if fact in several else code}

    facts_of(world, {}, stated("KH"))
    with pytest.raises(InvalidInput) as error:
        facts_of(world, {}, stated("UK"))
    assert error.value.code == "unknown-country"
    assert str(error.value.field).startswith(f"subjects[0].facts.{fact}")
    assert error.value.remedy


@pytest.mark.parametrize("word", ["stateless", "undetermined"])
def test_to_be_of_no_country_is_no_unknown_country(world: World, word: str) -> None:
    """Both words of the list stay what they are."""
    assert facts_of(world, {}, {"citizenship": word}).citizenship == word


def test_a_person_named_twice_is_one_person(world: World) -> None:
    """Two entries for one reference become one; where they disagree the event is refused."""
    first = {"subject": MAI, "facts": {"found_in": "TH"}, "groups": {"F1": {"given_name": "Mai"}}}
    second = {"subject": MAI, "facts": {"stage": "transit"}, "groups": {"F1": {"family_name": "Vongsa"}}}
    _, found = opened(world, world.prepared(subjects=[first, second]).submission)
    (subject,) = decode(ControlPayload, found[CONTROL, None]).subjects
    assert subject.facts.stated() == {"found_in": "TH", "stage": "transit"}
    assert decode(Identity, found["F1", MAI]).revealed() == {"given_name": "Mai", "family_name": "Vongsa"}
    with pytest.raises(InvalidInput) as error:
        world.prepared(subjects=[first, {"subject": MAI, "groups": {"F1": {"given_name": "Dao"}}}])
    assert (error.value.code, error.value.field) == ("conflicting-values", "subjects[1].groups.F1.given_name")


def test_a_new_case_mints_the_references_that_are_missing(world: World) -> None:
    """Without a case each person gets a reference, told to the caller; in a known case none is invented."""
    prepared = world.prepared(case=None, subjects=[{"groups": {"F1": {}}}, {"groups": {"F1": {}}}])
    refs = set(prepared.subject_refs)
    assert len(refs) == 2
    assert None not in refs
    _, found = opened(world, prepared.submission)
    assert {ref for label, ref in found if label == "F1"} == refs
    assert world.prepared(subjects=[{"groups": {"F1": {}}}]).subject_refs == (None,)


def test_an_objection_does_not_show(world: World) -> None:
    """Two events that differ in an objection alone have equal headers save ids, slot counts, sizes and length."""

    def shape(facts: dict[str, Any], **changes: Any) -> tuple[Any, ...]:
        subject = {"subject": MAI, "facts": facts, "groups": GROUPS}
        submission = world.prepared(subjects=[subject], **changes).submission
        event, _ = world.opened(submission)
        sizes = sorted(len(slot.ciphertext) for slot in event.slots)
        header = msgspec.structs.replace(event.header, event_id=MAI, submission_id=MAI)
        return sizes, len(submission), header

    plain = shape({"found_in": "TH", "notify_origin": "no_objection"})
    objection = shape({"found_in": "TH", "notify_origin": "objection", "consular": "opposes", "asylum": "fear"})
    assert plain == objection
    longer = shape({"found_in": "TH"}, event="AsylumClaimRaised", to=[])
    assert plain == longer


def test_the_assisted_edge_says_so(world: World) -> None:
    """The flag is part of the signed header."""
    prepared = prepare(world.open_event(), world.keys, world.instance, world.random, NOW, assisted=True)
    event, _ = world.opened(prepared.submission)
    assert event.header.assisted
    verify(event, world.signing_key.public_key)


def test_schema_fingerprints_are_bound(world: World) -> None:
    """Each slot names the schema that its content was written by."""
    _, keys = world.opened(world.prepared().submission)
    found = {key.label: key.fingerprint for key in keys}
    assert found["F1"] == fingerprint(Identity)
    assert found[CONTROL] == fingerprint(ControlPayload)
    assert found["item:age_group"] == ITEM_FINGERPRINT


def test_an_unusable_instance_or_key_is_refused(world: World) -> None:
    """Another suite, a broken public key, a short seed: words, no traceback."""
    for changes, code in (
        ({"suite": "sampan-2"}, "unknown-suite"),
        ({"vault_public_key": "AAAA"}, "bad-vault-key"),
        ({"vault_public_key": "no base64"}, "bad-vault-key"),
    ):
        with pytest.raises(InvalidInput) as error:
            prepare(
                world.open_event(), world.keys, world.instance.model_copy(update=changes), world.random, NOW
            )
        assert error.value.code == code
    with pytest.raises(InvalidInput):
        SenderKeys(world.agency_id, b"short", "k")
