"""Every kind of expectation can hold, and can fail: a checker that cannot fail proves nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid5

import pytest

from contracts.case_record import CaseRecord
from contracts.decision import Regrant
from services.scenario.driver import Driver
from services.scenario.engine_driver import NAMESPACE
from services.scenario.errors import ScenarioError
from services.scenario.results import Result
from services.scenario.run import run_text
from tests.support.scripted_engine import (
    DeadlineSet,
    Fired,
    Note,
    ReviewOpened,
    Script,
    Timer,
    Warn,
    denied,
    dispatch,
    held,
    rules,
    scripted,
    slug_of,
)

STORY = """\
scenario: story
title: A story
clock: 2026-03-02T09:00+07:00
people:
  noy: {is: subject, born: 2001-08-14, citizenship: [LA]}
  baby: {is: subject, child_of: noy, born_in_step: birth}
  cousin: {is: companion}
steps:
- {id: first, emit: IdentificationRequested, by: NGO-H@TH, about: noy, to: IDA@TH, seal: [F1, F2]}
- {id: answer, at: 1d, answer: accept, by: SHA@TH, to: first,
   reported: {by: NGO-H@TH, how: phone, person: guard}}
- {id: birth, at: 2d, emit: BabyBorn, by: MED@TH, about: [noy, baby]}
- {id: refused, emit: ReturnClearanceRequested, by: RFP@TH, about: noy, outcome: denied}
- {id: waiting, emit: FamilyTracingRequested, by: RFP@TH, about: noy, to: RFP@LA, outcome: held}
- {id: later, at: 20d}
- {id: late, emit: ReferralSent, by: NGO-H@TH, about: noy, to: SHA@TH}
"""

SAME = """\
finally:
- same: {for: any@LA, as: other}
variants:
  other: {set: {first.facts.pregnant: false}}
"""


def _first(record: CaseRecord) -> dict[str, object]:
    note = Note("keep_from", "cousin", ("F2", "F13"), rules("R31"))
    at = record.recorded_at
    return {
        "dispatches": (
            dispatch(record, "IDA@TH", "F1 F5", purpose="IDENTIFY", rules=rules("R07", "R08"), order=2),
            dispatch(record, "SHA@TH", "F2 F12", items={}, rules=rules("R07"), notes=(note,), order=1),
            dispatch(record, "MED@TH", "F6", priority="EMERGENCY", via="duty_phone", order=0,
                     acknowledge_by=at + timedelta(hours=4)),
        ),
        "held": (held(record, recipient=slug_of("RFP@LA"), asks=("notify_origin",), rules=rules("R21")),),
        "denied": (denied(record, address="state@LA", rules=rules("R22")),),
        "deadlines": (
            DeadlineSet(
                deadline_id=uuid5(NAMESPACE, "clock"), event_id=record.event_id, owner=slug_of("IDA@TH"),
                awaits_events=("VictimIdentified", "IdentificationRefused"), due_at=at + timedelta(days=15),
                within="15d", every="90d", warn=(Warn(at + timedelta(days=12), slug_of("RFP@TH")),),
                rules=rules("R08"),
            ),
        ),
        "timers": (Timer(uuid5(NAMESPACE, "clock"), at + timedelta(days=15)),),
        "reviews": (
            ReviewOpened(review_id=uuid5(NAMESPACE, "review"), event_id=record.event_id, event=record.event,
                         desk=slug_of("CPA@TH"), desk_address="CPA@TH", reason="why", asks=("consent",),
                         options=("release", "refuse"), rules=rules("R30")),
        ),
        "rules_fired": rules("R07", "R08", "R05"),
    }  # fmt: skip


def _due(record: CaseRecord) -> dict[str, object]:
    clock = uuid5(NAMESPACE, "clock")
    of = uuid5(NAMESPACE, "first")
    told = dispatch(record, "owner", event="DeadlineMissed", relation="owner", recipient=slug_of("NGO-H@TH"))
    missed = Fired(
        event="DeadlineMissed", of=of, deadline_id=clock, who=(slug_of("IDA@TH"),), rules=rules("R08")
    )
    return {
        "fired": (missed,),
        "deadlines_missed": (clock,),
        "dispatches": (told,),
        "erase_groups": ("F1",),
    }  # fmt: skip


def _answer(record: CaseRecord) -> dict[str, object]:
    return {
        "dispatches": (dispatch(record, "requester", relation="requester", recipient=slug_of("NGO-H@TH")),)
    }


def _late(record: CaseRecord) -> dict[str, object]:
    """An engine that thinks for two hours."""
    late = record.recorded_at + timedelta(hours=2)
    return {"decided_at": late, "dispatches": (dispatch(record, "SHA@TH"),)}


SCRIPT: Script = {
    "ReferralSent": _late,
    "IdentificationRequested": _first,
    "ReferralAccepted": _answer,
    "BabyBorn": lambda record: {"unlinked_except": (slug_of("MED@TH"), slug_of("CRO@TH"))},
    "ReturnClearanceRequested": lambda record: {
        "outcome": "denied",
        "denied": (denied(record, asks=("risk_review",), rules=rules("R50")),),
    },
    "FamilyTracingRequested": lambda record: {
        "outcome": "held",
        "held": (held(record, asks=("best_interests",), rules=rules("R30")),),
    },
    "DeadlineDue": _due,
}
FOLDED = {"exploitation": ("ForcedLabour",), "sexual_violence": True, "frozen": False}


async def play(text: str, script: Script = SCRIPT) -> Result:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Driver]:
        yield scripted(script, FOLDED)

    return await run_text(text, "story.yaml", opened)


def with_expectation(step: str, expectation: str) -> str:
    if step == "finally":
        return STORY + f"finally:\n- {expectation}\n"
    lines = STORY.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith(f"- {{id: {step},"))
    at += lines[at].endswith(",")
    lines[at] = lines[at][:-1] + f", expect: [{expectation}]}}"
    return "\n".join(lines) + "\n"


HOLDS = [
    ("first", "{told: {who: IDA@TH, exactly: [F0, F1, F5], purpose: IDENTIFY, rules: [R07, R08]}}"),
    (
        "first",
        "{told: {who: SHA@TH, with: [F2], without: [F8, F9], event: IdentificationRequested, person: noy}}",
    ),
    ("first", "{told: {who: [IDA@TH, SHA@TH], within: 72h}}"),
    ("first", "{told: {who: SHA@TH, rules: [R31]}}"),
    ("first", "{told: {who: MED@TH, priority: EMERGENCY, before: IDA@TH, via: duty_phone}}"),
    ("answer", "{told: {who: requester, event: ReferralAccepted, exactly: [F0]}}"),
    ("later", "{told: {who: owner, event: DeadlineMissed}}"),
    ("first", "{not_told: {who: any@LA, rules: [R05]}}"),
    ("first", "{not_told: {who: IDA@TH, groups: [F2]}}"),
    ("first", "{not_told: {who: NGO-H@FR}}"),
    ("first", "{not_told: {who: IDA@TH, event: BabyBorn}}"),
    ("finally", "{not_told: {who: owner, until: answer}}"),
    ("first", "{held: {who: RFP@LA, rules: [R21], asks: [notify_origin]}}"),
    ("waiting", "{held: {event: FamilyTracingRequested, rules: [R30], asks: [best_interests]}}"),
    ("waiting", "{held: {who: RFP@LA}}"),
    ("first", "{denied: {who: any@LA, rules: [R22]}}"),
    ("first", "{denied: {who: LEA@LA}}"),
    ("refused", "{denied: {event: ReturnClearanceRequested, asks: [risk_review]}}"),
    ("first", "{review: {desk: CPA@TH, options: [release], asks: [consent], rules: [R30]}}"),
    (
        "first",
        "{due: {event: [VictimIdentified], owner: IDA@TH, within: 15d, warn: [{at: 12d, who: RFP@TH}]}}",
    ),
    ("first", "{due: {event: VictimIdentified, every: 90d, rules: [R08]}}"),
    ("first", "{due: {answer: acknowledge, owner: MED@TH, within: 4h}}"),
    ("later", "{fired: {event: DeadlineMissed, of: first, who: IDA@TH, rules: [R08]}}"),
    ("later", "{fired: {event: DeadlineMissed, of: noy, who: owner}}"),
    ("first", "{note: {who: SHA@TH, code: keep_from, person: cousin, groups: [F2, F13], rules: [R31]}}"),
    ("later", "{state: {of: first, is: missed}}"),
    ("first", "{state: {of: noy, is: open, rules: [R07]}}"),
    ("waiting", "{state: {of: waiting, is: held}}"),
    ("answer", "{state: {of: first, for: SHA@TH, is: accepted_reported}}"),
    ("answer", "{state: {of: first, for: SHA@TH, is: accepted}}"),
    ("birth", "{state: {of: [noy, baby], is: unlinked, except_for: [MED@TH, CRO@TH, owner]}}"),
    ("later", "{state: {of: noy, groups: [F1], is: erased}}"),
    ("first", "{state: {of: noy, facts: {exploitation: [ForcedLabour], sexual_violence: true}}}"),
    ("first", "{rules: {fired: [R07, R08], not_fired: [R24]}}"),
]
FAILS = [
    ("first", "{told: {who: IDA@TH, exactly: [F0, F1]}}", "instead of exactly"),
    ("first", "{told: {who: IDA@TH, with: [F2]}}", "without F2"),
    ("first", "{told: {who: IDA@TH, without: [F5]}}", "with F5"),
    ("first", "{told: {who: IDA@TH, items: [age_group]}}", "without the item"),
    ("first", "{told: {who: IDA@TH, purpose: SHELTER}}", "purpose is IDENTIFY"),
    ("first", "{told: {who: IDA@TH, priority: EMERGENCY}}", "priority is ROUTINE"),
    ("first", "{told: {who: IDA@TH, rules: [R21]}}", "not for R21"),
    ("first", "{told: {who: LEG@TH}}", "was not told"),
    ("first", "{told: {who: [IDA@TH, LEG@TH]}}", "LEG@TH was not told"),
    ("first", "{told: {who: IDA@TH, before: MED@TH}}", "after MED@TH"),
    ("first", "{told: {who: IDA@TH, person: baby}}", "instead"),
    ("first", "{told: {who: IDA@TH, via: duty_phone}}", "via is None"),
    ("answer", "{told: {who: IDA@TH}}", "was not told"),
    ("late", "{told: {who: SHA@TH, within: 1h}}", "later than 1h"),
    ("first", "{not_told: {who: IDA@TH}}", "IDA@TH was told"),
    ("first", "{not_told: {who: any@TH, groups: [F6]}}", "was told"),
    ("first", "{not_told: {who: any@LA, rules: [R39]}}", "not for R39"),
    ("finally", "{not_told: {who: owner, until: refused}}", "was told"),
    ("first", "{held: {who: RFP@KH}}", "is not held"),
    ("first", "{held: {who: RFP@LA, asks: [risk_review]}}", "without asking"),
    ("first", "{held: {who: RFP@LA, rules: [R30]}}", "not for R30"),
    ("waiting", "{held: {who: RFP@KH}}", "is not held"),
    ("first", "{denied: {who: any@KH}}", "is not denied"),
    ("first", "{denied: {event: IdentificationRequested, asks: [x]}}", "without asking"),
    ("first", "{review: {desk: CPA@LA}}", "the desk is"),
    ("first", "{review: {asks: [nothing]}}", "among its asks"),
    ("answer", "{review: {desk: CPA@TH}}", "no review"),
    ("first", "{due: {event: VictimIdentified, within: 14d}}", "not within 14d"),
    ("first", "{due: {event: VictimIdentified, within: [15d, 30d]}}", "not within 30d"),
    ("first", "{due: {event: VictimIdentified, owner: SHA@TH}}", "the clock is"),
    ("first", "{due: {event: VictimIdentified, warn: [{at: 11d}]}}", "no warning"),
    ("first", "{due: {event: VictimIdentified, warn: [{at: 12d, who: SHA@TH}]}}", "goes to"),
    ("first", "{due: {event: VictimIdentified, every: 30d}}", "does not repeat"),
    ("first", "{due: {event: BirthNotified}}", "no clock"),
    ("first", "{due: {answer: acknowledge, owner: IDA@TH}}", "the clock is"),
    ("first", "{fired: {event: DeadlineMissed}}", "did not fire"),
    ("later", "{fired: {event: DeadlineMissed, of: birth}}", "did not fire"),
    ("later", "{fired: {event: DeadlineMissed, who: SHA@TH}}", "does not concern"),
    ("later", "{fired: {event: DeadlineMissed, rules: [R10]}}", "not for R10"),
    ("first", "{note: {who: IDA@TH, code: keep_from}}", "no such note"),
    ("first", "{note: {who: SHA@TH, code: keep_from, person: noy}}", "no such note"),
    ("first", "{note: {who: SHA@TH, code: keep_from, groups: [F1]}}", "no such note"),
    ("first", "{state: {of: first, is: missed}}", "0 missed"),
    ("later", "{state: {of: first, is: met}}", "0 clocks met"),
    ("later", "{state: {of: noy, is: closed}}", "open"),
    ("refused", "{state: {of: refused, is: held}}", "is not held"),
    ("waiting", "{state: {of: waiting, is: released}}", "still waits"),
    ("first", "{state: {of: first, for: SHA@TH, is: accepted}}", "nobody answered"),
    ("answer", "{state: {of: first, for: SHA@TH, is: declined}}", "accept"),
    ("birth", "{state: {of: [noy, baby], is: unlinked, except_for: [MED@TH]}}", "may know"),
    ("first", "{state: {of: noy, is: unlinked}}", "not unlinked"),
    ("first", "{state: {of: noy, is: frozen}}", "not frozen"),
    ("first", "{state: {of: noy, groups: [F1], is: erased}}", "can still be opened"),
    ("first", "{state: {of: noy, facts: {sexual_violence: false}}}", "is otherwise"),
    ("first", "{state: {of: noy, is: open, rules: [R11]}}", "not for R11"),
    ("first", "{state: {of: first, is: recall_unanswered}}", "nothing of first was recalled"),
    ("first", "{state: {of: first, is: stopped}}", "still stand"),
    ("finally", "{state: {of: birth, is: stopped}}", "nothing of birth was sent"),
    ("first", "{rules: {fired: [R21]}}", "R21 did not fire"),
    ("first", "{rules: {not_fired: [R07]}}", "R07 fired"),
    ("first", "{told: {who: IDA@TH, event: VictimIdentifed}}", "VictimIdentified"),
]  # fmt: skip


@pytest.mark.parametrize(("step", "expectation"), HOLDS)
async def test_what_happened_is_seen(step: str, expectation: str) -> None:
    """An expectation that describes what the engine concluded holds."""
    result = await play(with_expectation(step, expectation))
    assert [c.verdict.why for c in result.checked] == [""]
    assert result.problems == []
    assert result.passed


@pytest.mark.parametrize(("step", "expectation", "why"), FAILS)
async def test_what_did_not_happen_is_missed(step: str, expectation: str, why: str) -> None:
    """An expectation that the engine did not meet fails, and says in words what was otherwise."""
    result = await play(with_expectation(step, expectation))
    assert [c.verdict.passed for c in result.checked] == [False]
    assert why in result.checked[0].verdict.why
    assert not result.passed


async def test_anyone_else_is_everybody_whom_no_told_of_the_list_names() -> None:
    """*told* means at least; *anyone_else* closes the list."""
    closed = "{told: {who: [IDA@TH, SHA@TH, MED@TH]}}, {not_told: {who: anyone_else}}"
    assert (await play(with_expectation("first", closed))).passed
    leaky = "{told: {who: [IDA@TH, SHA@TH]}}, {not_told: {who: anyone_else}}"
    assert [c.verdict.passed for c in (await play(with_expectation("first", leaky))).checked] == [True, False]


async def test_an_outcome_that_differs_fails_the_file() -> None:
    """A step's outcome is accepted unless the file says otherwise, and is compared."""
    result = await play(STORY.replace(", outcome: denied", ""))
    assert not result.passed
    assert "should be accepted and was denied" in result.problems[0]


async def test_an_unknown_event_is_refused_with_the_nearest_name() -> None:
    """A misspelt event name fails the file and names the nearest known event."""
    result = await play(STORY.replace("emit: BabyBorn", "emit: BabyBron"))
    assert "no event is called BabyBron; the nearest is BabyBorn" in result.problems[0]


async def test_told_somebody_whom_the_directory_does_not_know_is_an_error_of_the_file() -> None:
    """Nobody holds NGO-H@FR: in *told* that is a slip, with file and line."""
    with pytest.raises(ScenarioError, match="nobody holds NGO-H@FR"):
        await play(with_expectation("first", "{told: {who: NGO-H@FR}}"))


@pytest.mark.parametrize("wrong", ["by: NGO-H@FR", "by: IDA@SG", "by: requester"])
async def test_who_acts_must_be_one_agency(wrong: str) -> None:
    """An actor that is nobody, or several, is an error of the file."""
    with pytest.raises(ScenarioError):
        await play(STORY.replace("by: NGO-H@TH, about: noy, to: IDA@TH", wrong + ", about: noy, to: IDA@TH"))


async def test_the_reserved_words_fail_honestly() -> None:
    """A step that cannot be played yet fails its expectations and the file; it is not left out."""
    text = STORY + "- {id: file, submit: case.xlsx, by: NGO-H@TH, expect: [{not_told: {who: any@LA}}]}\n"
    result = await play(text)
    assert not result.passed
    assert "not yet playable" in result.checked[0].verdict.why
    assert result.as_json()["actual"][0]["passed"] is False


def _tells_its_origin(record: CaseRecord) -> dict[str, object]:
    """A leak: the embassy is told, or told otherwise, because of a fact it must not learn."""
    told = dispatch(record, "CON.LA@TH", "F1", dated=record.recorded_at)
    return {"dispatches": (told,) if record.facts.pregnant else ()}


async def test_views_that_differ_are_not_the_same() -> None:
    """*same* compares what each agency sees in the story and in the variant."""
    text = STORY.replace("seal: [F1, F2]", "seal: [F1, F2], facts: {pregnant: true}")
    text += SAME
    leaky = await play(text, {"IdentificationRequested": _tells_its_origin})
    assert "sees 1 messages here and 0" in leaky.checked[0].verdict.why
    silent = await play(text, {**SCRIPT, "IdentificationRequested": lambda record: {}})
    assert silent.checked[0].verdict.passed


async def test_views_that_differ_in_date_or_groups_are_not_the_same() -> None:
    """A notice dated otherwise, or carrying another group, tells the story it should hide."""
    text = STORY.replace("seal: [F1, F2]", "seal: [F1, F2], facts: {pregnant: true}")
    text += SAME
    by_date = {
        "IdentificationRequested": lambda r: {
            "dispatches": (
                dispatch(r, "CON.LA@TH", dated=r.recorded_at - timedelta(days=1 if r.facts.pregnant else 0)),
            )
        }
    }
    assert "another date" in (await play(text, by_date)).checked[0].verdict.why
    by_group = {
        "IdentificationRequested": lambda r: {
            "dispatches": (dispatch(r, "CON.LA@TH", "F1" if r.facts.pregnant else "F2"),)
        }
    }
    assert "another groups" in (await play(text, by_group)).checked[0].verdict.why


async def test_a_variant_checks_its_own_expectations_only() -> None:
    """The base list is not checked in a variant; the variant's is, and is marked."""
    text = with_expectation("first", "{told: {who: IDA@TH}}")
    text += "variants:\n  none: {without: all, expect: [{told: {who: SHA@TH}}]}\n"
    result = await play(text)
    assert [(c.variant, c.verdict.passed) for c in result.checked] == [("", True), ("none", False)]
    assert result.as_json()["expected"][1]["variant"] == "none"


async def test_recalls_are_followed_to_their_answer() -> None:
    """What was recalled stays unanswered until the recipient says what became of it."""
    text = (
        STORY + "- {id: stop, at: 21d, emit: ConsentWithdrawn, by: NGO-H@TH, about: noy, expect: [EXPECT]}\n"
    )
    text += "- {id: gone, answer: recall, by: SHA@TH, to: first, code: deleted, expect: [AFTER]}\n"
    text = text.replace(
        "EXPECT",
        "{state: {of: first, for: SHA@TH, is: recall_unanswered}}, "
        "{state: {of: first, for: SHA@TH, is: stopped}}, {state: {of: first, is: stopped}}",
    )
    text = text.replace(
        "AFTER",
        "{state: {of: first, for: SHA@TH, is: recall_deleted}}, "
        "{state: {of: first, for: SHA@TH, is: recall_impossible}}",
    )

    def withdraw(record: CaseRecord) -> dict[str, object]:
        told = uuid5(uuid5(NAMESPACE, "first"), slug_of("SHA@TH") + str(record.subject))
        return {"regrants": (Regrant(told, (), recalled=True),)}

    result = await play(text, {**SCRIPT, "ConsentWithdrawn": withdraw})
    assert [c.verdict.passed for c in result.checked] == [True, True, False, True, False]
