"""The sample region: every role of ten countries, every pair of missions, nobody real."""

import re
from datetime import UTC, datetime

import pytest

from contracts.address import Address
from contracts.roles import REGION as COUNTRIES
from contracts.roles import Role
from deploy.region import load_region

REGION = load_region()
NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
TOLD_APART = (
    "SHA",
    "RFP",
    "RCA",
    "TCC",
    "FTA",
    "LEA",
    "CPA",
    "MED",
    "LEG",
    "CRO",
    "IMM",
    "NGO-H",
    "NGO-O",
    "UNHCR",
)


@pytest.mark.parametrize("country", COUNTRIES)
@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.CON, Role.NSM)])
def test_every_role_is_held_in_every_country(role: Role, country: str) -> None:
    """One holder each, save the two identification units of Singapore."""
    held = REGION.resolve(Address(role, country), NOW)
    assert len(held) == (2 if (role, country) == (Role.IDA, "SG") else 1)
    assert role == Role.REG or {agency.country for agency in held} == {country}


@pytest.mark.parametrize("state", COUNTRIES)
def test_every_state_has_a_mission_in_every_other(state: str) -> None:
    """One per ordered pair, answering to the state that sent it."""
    for post in COUNTRIES:
        missions = REGION.missions(state, post, NOW)
        assert len(missions) == (state != post)
        assert all((m.mission_of, m.country, m.answers_to) == (state, post, (state,)) for m in missions)


@pytest.mark.parametrize("country", COUNTRIES)
def test_roles_that_must_not_leak_into_each_other_are_separate_agencies(country: str) -> None:
    """The police hear nothing because the identification team was told."""
    holders = [REGION.resolve(Address(role, country), NOW)[0].slug for role in TOLD_APART]
    assert len(set(holders)) == len(TOLD_APART)
    assert not set(holders) & {a.slug for a in REGION.resolve(Address("IDA", country), NOW)}


@pytest.mark.parametrize("country", COUNTRIES)
def test_the_child_desk_has_a_night_desk(country: str) -> None:
    """Its alternate answers at any hour, and is another agency of the same role."""
    desk = REGION.resolve(Address("CPA", country), NOW)[0]
    night = REGION.resolve(Address("CPA", country, unit="duty"), NOW)[0]
    assert desk.alternate == night.slug != desk.slug
    assert night.hours.always
    assert night.duty_phone


def test_only_public_bodies_and_missions_answer_to_a_state() -> None:
    """A public body without a state would slip through the firewall."""
    for agency in REGION.agencies:
        assert bool(agency.answers_to) == agency.public, agency.slug


def test_nobody_real_is_meant_and_no_number_can_be_dialled() -> None:
    """Names say that they are a demo; +999 is not assigned to any country."""
    for agency in REGION.agencies:
        assert "demo" in agency.name
        assert not agency.duty_phone or re.fullmatch(r"\+999 555 \d{4}", agency.duty_phone)
    phones = [agency.duty_phone for agency in REGION.agencies if agency.duty_phone]
    assert len(phones) == len(set(phones))


def test_a_duty_phone_channel_has_a_phone() -> None:
    """A channel that cannot be used is none."""
    for agency in REGION.agencies:
        assert ("duty_phone" in agency.channels) == bool(agency.duty_phone), agency.slug


def test_the_demo_agencies_are_a_handful() -> None:
    """Those for which `make run` writes token files, and the loading warns of nothing."""
    demo = {agency.slug for agency in REGION.agencies if agency.demo}
    assert {"ngo-th", "shelter-th", "ida-th", "rfp-la", "rfp-kh", "embassy-la-th", "women-union-la"} <= demo
    assert 10 <= len(demo) <= 20
    assert REGION.warnings == ()
