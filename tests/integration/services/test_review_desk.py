"""The review desk: questions for a person, seen and answered by the desk that they wait at and by nobody else."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from contracts.errors import Conflict, InvalidInput, NotAuthentic, NotFound
from services.runtime.parking import list_parked
from services.runtime.registry import OPERATOR_SCOPE
from tests.support.services_world import PERSON, ServicesWorld

ALTERED = "set sealed = set_byte(sealed, 40, (get_byte(sealed, 40) + 1) % 256)"


async def asked(world: ServicesWorld) -> UUID:
    """A return that is judged too dangerous leaves a question at its owner's desk, for two persons."""
    facts = {**PERSON["facts"], "state_of_origin_risk": "unacceptable"}
    await world.refer(event="VictimIdentified", subjects=[{**PERSON, "facts": facts}], to=[])
    (row,) = await world.store.pool.fetch("select review_id from router.reviews where state = 'open'")
    found: UUID = row["review_id"]
    return found


async def test_the_desk_sees_its_question(world: ServicesWorld) -> None:
    """It is listed for its desk, open, with its reason, and named as one that needs a second person."""
    review = await asked(world)
    (item,) = await world.instance.reviews.list(world.caller("ngo-th"))
    assert (item.review, item.desk, item.state, item.needs_second_person) == (review, "ngo-th", "open", True)
    assert item.reason
    assert item == await world.instance.reviews.show(world.caller("ngo-th"), review)


async def test_nobody_else_knows_of_it(world: ServicesWorld) -> None:
    """To another desk, and to the operator, it is as absent as one that never was, for reading and answering."""
    review = await asked(world)
    for caller in (world.caller("shelter-th"), world.caller("shelter-th", "agency", OPERATOR_SCOPE)):
        assert not await world.instance.reviews.list(caller, everything=True)
        answers = []
        for which in (review, world.id()):
            for call in (
                world.instance.reviews.show(caller, which),
                world.instance.reviews.resolve(caller, which, "release", "because", "a colleague"),
            ):
                with pytest.raises(NotFound) as refused:
                    await call
                answers.append(refused.value.sentence())
        assert len(set(answers)) == 1
    assert await state_of(world, review) == "open"


@pytest.mark.parametrize(
    ("answer", "code", "field"),
    [
        (("perhaps", "because", "a colleague"), "bad-action", "action"),
        (("release", "  ", "a colleague"), "reason-missing", "reason"),
        (("release", "because", None), "second-missing", "second"),
        (("release", "because", "  "), "second-missing", "second"),
        (("release", "because", "a colleague", "the face"), "bad-limit", "limit"),
        (("refuse", "because", "a colleague", "F3"), "bad-limit", "limit"),
    ],
)
async def test_an_answer_that_is_none(world: ServicesWorld, answer: Any, code: str, field: str) -> None:
    """Without action, reason, or the second person where one is needed, nothing is decided and nothing changes."""
    review = await asked(world)
    before = await world.tables()
    with pytest.raises(InvalidInput) as refused:
        await world.instance.reviews.resolve(world.caller("ngo-th"), review, *answer)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert refused.value.remedy
    assert await world.tables() == before


@pytest.mark.parametrize(("action", "state"), [("release", "released"), ("refuse", "refused")])
async def test_an_answer_is_decided_and_stands(world: ServicesWorld, action: str, state: str) -> None:
    """The answer is a record that the router follows; afterwards the question is closed, and its reason is sealed."""
    review = await asked(world)
    caller = world.caller("ngo-th")
    answered = await world.instance.reviews.resolve(
        caller, review, action, "Spoke to Zanzibardo", "a colleague"
    )
    assert answered.state == state
    assert (await world.instance.reviews.show(caller, review)).state == state
    await world.instance.settle()
    assert not await list_parked(world.store.pool)
    assert await state_of(world, review) == state
    assert (await world.instance.reviews.show(caller, review)).state == state
    assert review not in [one.review for one in await world.instance.reviews.list(caller)]
    reasons = await world.store.pool.fetch("select sealed from router.review_reasons")
    assert len(reasons) == 1
    assert b"Zanzibardo" not in reasons[0]["sealed"]


async def test_an_answer_that_cannot_be_followed_yet_is_shown_as_it_was_given(world: ServicesWorld) -> None:
    """While the case stands still at the router a refused question is refused, and not released."""
    review = await asked(world)
    caller = world.caller("ngo-th")
    await world.store.pool.execute(f"update router.subject_state {ALTERED}")
    await world.instance.reviews.resolve(caller, review, "refuse", "because", "a colleague")
    await world.instance.settle()
    assert await list_parked(world.store.pool)
    assert (await world.instance.reviews.show(caller, review)).state == "refused"
    (item,) = await world.instance.reviews.list(caller, everything=True)
    assert item.state == "refused"


async def test_one_question_is_read_alone(world: ServicesWorld) -> None:
    """A question of the same desk that does not open keeps nobody from another one."""
    review = await asked(world)
    facts = {**PERSON["facts"], "state_of_origin_risk": "unacceptable"}
    await world.refer(event="VictimIdentified", subjects=[{**PERSON, "facts": facts}], to=[])
    changed = await world.store.pool.execute(f"update router.reviews {ALTERED} where review_id <> $1", review)
    assert changed == "UPDATE 1"
    assert (await world.instance.reviews.show(world.caller("ngo-th"), review)).review == review
    with pytest.raises(NotAuthentic):
        await world.instance.reviews.list(world.caller("ngo-th"))


async def test_a_question_is_answered_once(world: ServicesWorld) -> None:
    """Of two answers at the same moment one counts; the other, and any later one, is a conflict."""
    review = await asked(world)
    caller = world.caller("ngo-th")
    results = await asyncio.gather(
        *(
            one.reviews.resolve(caller, review, action, "because", "a colleague")
            for one, action in ((world.instance, "release"), (world.another_instance(), "refuse"))
        ),
        return_exceptions=True,
    )
    assert len([result for result in results if isinstance(result, Conflict)]) == 1
    with pytest.raises(Conflict):
        await world.instance.reviews.resolve(caller, review, "refuse", "because", "a colleague")
    assert len(await world.store.pool.fetch("select 1 from router.review_reasons")) == 1


async def test_a_question_about_an_erased_person_is_gone(world: ServicesWorld) -> None:
    """Once she is erased there is nothing to decide about, and nothing to read."""
    review = await asked(world)
    subject = await world.store.pool.fetchval("select subject_id from router.reviews")
    async with world.store.unit_of_work() as work:
        await world.instance.vault.erase_subject(work.connection, subject)
    caller = world.caller("ngo-th")
    assert not await world.instance.reviews.list(caller, everything=True)
    with pytest.raises(NotFound):
        await world.instance.reviews.resolve(caller, review, "release", "because", "a colleague")


async def state_of(world: ServicesWorld, review: UUID) -> str:
    found: str = await world.store.pool.fetchval(
        "select state from router.reviews where review_id = $1", review
    )
    return found
