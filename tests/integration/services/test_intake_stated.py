"""What a crafted submission states, and no edge has judged: intake judges it before anything is acknowledged."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.control import ControlPayload, ControlSubject
from contracts.facts import Facts
from tests.support.services_world import ServicesWorld

SCOPE = {"purposes": ["SHELTER"], "to": ["any@TH"], "groups": ["F1"]}


@pytest.mark.parametrize("until", ["9999-12-31", "2569-06-01", "200y", "123456d"])
async def test_an_end_far_off_is_not_acknowledged(world: ServicesWorld, until: str) -> None:
    """The router could not add it, and the case would stand at it for good."""
    consent: dict[str, Any] = SCOPE | {"until": until}
    control = ControlPayload.model_validate({"event": "ConsentGiven", "consent": consent})
    await refused_at(world, control, "consent.until")
    facts = Facts.model_validate({"order_until": until})
    control = ControlPayload(event="IdentificationRequested", subjects=[ControlSubject(facts=facts)])
    await refused_at(world, control, "subjects[0].facts.order_until")


async def test_a_country_that_there_is_not_is_not_acknowledged(world: ServicesWorld) -> None:
    """No rule would find whom to tell."""
    for facts in (Facts(found_in="UK"), Facts(citizenship=["LA", "UK"])):
        control = ControlPayload(event="IdentificationRequested", subjects=[ControlSubject(facts=facts)])
        (stated,) = facts.stated()
        await refused_at(world, control, f"subjects[0].facts.{stated}")


async def refused_at(world: ServicesWorld, control: ControlPayload, field: str) -> None:
    """Refused with this field and a remedy, and no table changed."""
    before = await world.tables()
    error = await world.refused(await world.crafted(control))
    assert error.field == field
    assert error.remedy
    assert before == await world.tables()
