"""Which case and which person: by one's own ids, by codes said over the telephone, by aliases; never by a guess."""

from __future__ import annotations

from typing import Any

from contracts.control import ControlPayload, ControlSubject
from contracts.errors import InvalidInput, NotFound
from services.intake.candidate import Handed
from tests.support.services_world import CONSENT, ServicesWorld


async def test_a_case_code_reaches_its_case(world: ServicesWorld) -> None:
    """An event under a code, typed as people type it, joins the case that has the code."""
    receipt = await world.submit()
    said = receipt.case_code.lower().replace("-", " ")
    again = await world.submit(
        event="VictimIdentified", case=said, subjects=[{"subject": receipt.subject_refs[0]}]
    )
    assert again.case_ref == receipt.case_ref
    assert await world.store.pool.fetchval("select count(*) from intake.cases") == 1


async def test_a_person_of_another_case(world: ServicesWorld) -> None:
    """A person is not carried from one case into another by naming her there."""
    first, second = await world.submit(), await world.submit()
    raw = await world.prepared(
        event="VictimIdentified", case=str(first.case_ref), subjects=[{"subject": second.subject_refs[0]}]
    )
    before = await world.tables()
    error = await world.refused(raw.submission)
    assert (error.code, error.field) == ("subject-of-another-case", "subjects")
    assert await world.tables() == before


async def test_an_alias_of_another_cases_person(world: ServicesWorld) -> None:
    """Nor by the alias under which a recipient knows her from another case."""
    await world.refer()
    await world.refer()
    shelter = world.agency("shelter-th")
    one, other = (await world.instance.inbox.page(shelter, 0, 10)).items
    raw = await world.prepared(
        "shelter-th",
        event="VictimIdentified",
        case=str(one.case_ref),
        subjects=[{"subject": other.subject_ref}],
    )
    before = await world.tables()
    error = await world.refused(raw.submission, "shelter-th")
    assert error.code == "subject-of-another-case"
    assert await world.tables() == before


async def test_an_event_that_does_not_say_which_of_two(world: ServicesWorld) -> None:
    """In a case of two persons an event about nobody in particular is refused; in a case of one it is hers."""
    one = await world.submit()
    alone = await world.submit(event="VictimIdentified", case=str(one.case_ref), subjects=[{}])
    assert alone.subject_refs == one.subject_refs
    await world.submit(event="VictimIdentified", case=str(one.case_ref), subjects=[{"subject": world.id()}])
    before = await world.tables()
    error = await world.refused(
        (await world.prepared(event="VictimIdentified", case=str(one.case_ref), subjects=[{}])).submission
    )
    assert (error.code, error.field) == ("subject-missing", "subjects[0].subject")
    assert await world.tables() == before


async def test_a_child_of_a_mother_whom_nobody_knows(world: ServicesWorld) -> None:
    """A baby enters through her mother; an unknown mother opens nothing."""
    raw = await world.prepared(event="BabyBorn", subjects=[{"subject": world.id(), "child_of": world.id()}])
    before = await world.tables()
    error = await world.refused(raw.submission)
    assert (error.code, error.field) == ("unknown-mother", "subjects.child_of")
    assert await world.tables() == before


async def test_a_child_of_a_mother_in_another_case(world: ServicesWorld) -> None:
    """A baby's events are ordered with her mother's, so a mother of another case is refused."""
    here, elsewhere = await world.submit(), await world.submit()
    raw = await world.prepared(
        event="BabyBorn",
        case=str(here.case_ref),
        subjects=[{"subject": world.id(), "child_of": elsewhere.subject_refs[0]}],
    )
    before = await world.tables()
    error = await world.refused(raw.submission)
    assert (error.code, error.field) == ("unknown-mother", "subjects.child_of")
    assert await world.tables() == before


async def test_a_baby_gets_a_case_of_her_own(world: ServicesWorld) -> None:
    """Her own case, her mother's owner and order."""
    mother = await world.submit()
    await world.submit(
        event="BabyBorn",
        case=str(mother.case_ref),
        subjects=[
            {"subject": mother.subject_refs[0]},
            {"subject": world.id(), "child_of": mother.subject_refs[0]},
        ],
    )
    rows = await world.store.pool.fetch("select case_id, log_key, owner from intake.cases")
    assert len(rows) == 2
    assert {row["log_key"] for row in rows} == {mother.case_ref}
    assert {row["owner"] for row in rows} == {world.agency("ngo-th")}


async def test_one_person_twice_in_an_event(world: ServicesWorld) -> None:
    """Her gate would count it once and the router twice, so a person stands in an event once."""
    person = world.id()
    control = ControlPayload(
        event="ConsentWithdrawn",
        subjects=[ControlSubject(subject_ref=person), ControlSubject(subject_ref=person)],
    )
    before = await world.tables()
    error = await world.refused(await world.crafted(control))
    assert (error.code, error.field) == ("person-twice", "subjects")
    assert await world.tables() == before


async def test_a_case_reference_that_is_a_person(world: ServicesWorld) -> None:
    """The alias of a person is no case, and the alias of a case no person."""
    await world.refer()
    item = (await world.instance.inbox.page(world.agency("shelter-th"), 0, 10)).items[0]
    for case, subject in ((item.subject_ref, item.subject_ref), (item.case_ref, item.case_ref)):
        raw = await world.prepared(
            "shelter-th", event="VictimIdentified", case=str(case), subjects=[{"subject": subject}]
        )
        before = await world.tables()
        error = await world.refused(raw.submission, "shelter-th")
        assert isinstance(error, InvalidInput)
        assert error.code in ("not-a-case", "not-a-subject")
        assert await world.tables() == before


async def test_an_answer_to_somebody_elses_dispatch(world: ServicesWorld) -> None:
    """A dispatch is answered by its recipient; to others it is as unknown as one that never was."""
    told = await world.refer()
    item = (await world.instance.inbox.page(world.agency("shelter-th"), 0, 10)).items[0]
    before = await world.tables()
    errors = []
    for dispatch in (item.dispatch, world.id()):
        raw = await world.prepared(
            "ida-th", event="ReferralAccepted", case=told.case_code,
            subjects=[{"subject": told.subject_refs[0]}], answer={"dispatch": dispatch},
        )  # fmt: skip
        errors.append(await world.refused(raw.submission, "ida-th"))
    assert all(isinstance(error, NotFound) for error in errors)
    assert {error.code for error in errors} == {"unknown-dispatch"}
    assert errors[0].sentence() == errors[1].sentence()
    assert await world.tables() == before


async def test_what_a_recipient_was_given_counts_from_that_recipient_alone(world: ServicesWorld) -> None:
    """A recipient's own code is to others a code that nobody has; its aliases lead nobody else into a case."""
    await world.refer()
    item = (await world.instance.inbox.page(world.agency("shelter-th"), 0, 10)).items[0]
    before = await world.tables()
    sentences = set()
    free = world.instance.vault.case_code(world.id(), world.agency("ida-th"))
    for case in (item.case_code, free):
        raw = await world.prepared("ida-th", event="VictimIdentified", case=case)
        sentences.add((await world.refused(raw.submission, "ida-th")).sentence())
    assert len(sentences) == 1
    raw = await world.prepared("ida-th", event="VictimIdentified", case=str(item.case_ref))
    assert (await world.refused(raw.submission, "ida-th")).code == "unknown-case"
    raw = await world.prepared(
        "ida-th", event="VictimIdentified", subjects=[{"subject": item.subject_ref}]
    )
    assert (await world.refused(raw.submission, "ida-th")).code == "unknown-subject"
    assert await world.tables() == before


async def test_whoever_enters_an_answer_by_telephone_stands_in_it(world: ServicesWorld) -> None:
    """Nobody is named as having entered an answer but a role of the sender's own."""
    told = await world.refer()
    dispatch = await world.store.pool.fetchval("select dispatch_id from delivery.dispatches limit 1")
    alias = world.instance.vault.alias("dispatch", dispatch, world.agency("ngo-th"))
    raw = await world.prepared(
        event="ReferralAccepted", case=str(told.case_ref), subjects=[{"subject": told.subject_refs[0]}],
        answer={"dispatch": alias, "reported": {"by": "SHA@TH", "how": "phone", "person": "Nobody Testperson"}},
    )  # fmt: skip
    error = await world.refused(raw.submission)
    assert (error.code, error.field) == ("role-not-held", "answer.reported.by")


async def test_an_event_under_an_alias_given_out_a_moment_ago(world: ServicesWorld) -> None:
    """Intake catches up with what recipients were told first, so no second case opens under an alias."""
    told = await world.submit(**_with_consent())
    await world.instance.router.run_once()
    await world.instance.delivery.run_once()  # the shelter reads it before intake has learnt a name
    item = (await world.instance.inbox.page(world.agency("shelter-th"), 0, 10)).items[0]
    await world.submit(
        "shelter-th",
        event="VictimIdentified",
        case=str(item.case_ref),
        subjects=[{"subject": item.subject_ref}],
    )
    cases = await world.store.pool.fetch("select case_id from intake.cases")
    assert [row["case_id"] for row in cases] == [told.case_ref]
    assert await world.store.pool.fetchval("select count(*) from intake.subjects") == 1


async def test_an_answer_that_races_with_the_learning_of_aliases(world: ServicesWorld) -> None:
    """An answer whose alias somebody else learns at that moment is taken, not refused as unknown."""
    await world.submit(**_with_consent())
    await world.instance.router.run_once()
    await world.instance.delivery.run_once()
    item = (await world.instance.inbox.page(world.agency("shelter-th"), 0, 10)).items[0]
    receipt = await world.answer(
        "shelter-th", "ReferralAccepted", item.dispatch, item.case_ref, item.subject_ref
    )
    assert receipt.case_code == item.case_code
    assert (await world.instance.inbox.item(world.agency("shelter-th"), item.dispatch)).status == "accepted"


async def test_a_hand_over_counts_within_one_batch(world: ServicesWorld) -> None:
    """What follows a hand-over in the same batch is already under the new owner."""
    first = await world.submit()
    batch = [
        await world.prepared(
            event=event, case=str(first.case_ref), subjects=[{"subject": first.subject_refs[0]}], to=to
        )
        for event, to in (("CaseTransferred", ["SHA@TH"]), ("CaseTransferred", ["RFP@TH"]))
    ]
    await world.instance.intake.submit_many([Handed(one.submission, world.agency("ngo-th")) for one in batch])
    owner = await world.store.pool.fetchval("select owner from intake.cases")
    assert owner == world.agency("shelter-th")


def _with_consent() -> dict[str, Any]:
    return {"consent": CONSENT, "to": ["SHA@TH"]}
