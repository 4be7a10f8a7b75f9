"""Who is meant by an address on a given day."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from contracts.address import parse_address
from contracts.errors import InvalidInput, NotFound
from deploy.region import load_region, region_texts
from routing.agency import SigningKey
from routing.directory import Directory

REGION = load_region()
NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)

SMALL = """
country: TH
timezone: Asia/Bangkok
hours: {days: [mon, tue, wed, thu, fri], from: "08:30", to: "16:30"}
agencies:
  old-house:
    id: 4f7f3bd0-7b0e-4a53-8f3a-0f2f3d3b8c11
    name: Old House
    roles: [{at: SHA@TH, from: 2020-01-01, until: 2026-03-03}]
  new-house:
    id: 4f7f3bd0-7b0e-4a53-8f3a-0f2f3d3b8c12
    name: New House
    roles: [{at: SHA@TH, from: 2026-03-03}]
"""


def slugs(address: str, at: datetime = NOW, directory: Directory = REGION) -> list[str]:
    """Short names of the agencies that an address means."""
    return [agency.slug for agency in directory.resolve(parse_address(address), at)]


@pytest.mark.parametrize(
    ("address", "meant"),
    [
        ("IDA@TH", ["ida-th"]),
        ("IDA@SG", ["ida-manpower-sg", "ida-police-sg"]),
        ("IDA@SG/police", ["ida-police-sg"]),
        ("CON.LA@TH", ["embassy-la-th"]),
        ("CPA@TH", ["child-desk-th"]),
        ("CPA@TH/duty", ["child-duty-th"]),
        ("MED@TH/duty", ["hospital-th"]),
        ("RFP@TH/director", ["directors-th"]),
        ("DIR@TH", ["directors-th"]),
        ("REG@LA", ["statistics-region"]),
        ("NSM@TH", ["screening-th"]),
        ("NSM@LA", []),
        ("SHA@DE", []),
        ("IDA@TH/moon", []),
    ],
)
def test_an_address_means_exactly_its_holders(address: str, meant: list[str]) -> None:
    """Units, missions, night desks and directors are told apart; what nobody holds means nobody."""
    assert slugs(address) == meant


def test_a_consulate_without_its_state_means_nobody() -> None:
    """CON@TH would tell every embassy in Bangkok."""
    assert slugs("CON@TH") == []
    assert len(REGION.holders("CON", "TH", NOW)) == 9


def test_holders_of_a_role_leave_out_night_desks_and_directors() -> None:
    """Asking who holds a role is not asking for its night number."""
    assert [agency.slug for agency in REGION.holders("CPA", "TH", NOW)] == ["child-desk-th"]
    assert [agency.slug for agency in REGION.holders("RFP", "TH", NOW)] == ["rfp-th"]


def test_a_relation_cannot_be_resolved_without_a_case() -> None:
    """Owner and requester are parts in a case, not entries of a directory."""
    with pytest.raises(InvalidInput):
        slugs("owner")


def test_a_role_passes_over_at_local_midnight() -> None:
    """The old shelter holds the role until the day ends in Bangkok, not in Greenwich."""
    directory = Directory.load({"th.yaml": SMALL})
    assert slugs("SHA@TH", datetime(2026, 3, 2, 16, 59, tzinfo=UTC), directory) == ["old-house"]
    assert slugs("SHA@TH", datetime(2026, 3, 2, 17, 0, tzinfo=UTC), directory) == ["new-house"]
    assert slugs("SHA@TH", datetime(2019, 1, 1, tzinfo=UTC), directory) == []


def test_a_side_is_its_agencies_and_its_missions_anywhere() -> None:
    """any@LA holds the embassy of Lao PDR in Bangkok, and no agency of another country."""
    side = {agency.slug for agency in REGION.agencies_of_side("LA")}
    assert {"embassy-la-th", "embassy-la-cn", "rfp-la", "ngo-home-la", "embassy-th-la"} <= side
    assert not side & {"embassy-la-th"} - side
    assert not {"rfp-th", "embassy-vn-th", "statistics-region"} & side


def test_a_consent_to_a_side_never_means_another_states_mission() -> None:
    """ "Anybody in Thailand" does not consent to the embassy of Lao PDR in Bangkok."""
    meant = {agency.slug for agency in REGION.agencies_of_side("TH", foreign_missions=False)}
    assert "shelter-th" in meant
    assert "embassy-th-la" in meant
    assert not {slug for slug in meant if slug.startswith("embassy-") and not slug.startswith("embassy-th-")}


def test_the_state_side_is_whoever_answers_to_the_state() -> None:
    """Public bodies and missions; no NGO, no protecting body, no foreign mission."""
    state = {agency.slug for agency in REGION.state_side("LA")}
    assert {"embassy-la-th", "rfp-la", "police-la", "women-union-la"} <= state
    assert not {"ngo-la", "refugee-desk-la", "migrants-desk-la", "embassy-th-la", "shelter-la"} & state


def test_an_agency_of_any_kind_may_answer_to_a_state() -> None:
    """The firewall covers a shelter abroad that a state directs, not consulates alone."""
    text = SMALL.replace("name: New House", "name: New House\n    answers_to: [LA]")
    directory = Directory.load({"th.yaml": text})
    assert [a.slug for a in directory.state_side("LA")] == ["new-house"]
    assert [a.slug for a in directory.agencies_of_side("LA")] == ["new-house"]


def test_lookups_find_or_say_so() -> None:
    """By short name and by the random id under which the bus knows an agency."""
    agency = REGION.by_slug("rfp-kh")
    assert REGION.by_id(agency.agency_id) is agency
    assert agency.channels[0] == "primero"
    with pytest.raises(NotFound):
        REGION.by_slug("nobody")
    with pytest.raises(NotFound):
        REGION.by_id(UUID(int=0))


def test_the_hash_is_of_the_meaning() -> None:
    """Order of files, comments and a new signing key leave it; a new holder changes it."""
    texts = region_texts()
    assert Directory.load(dict(reversed(texts.items()))).hash == REGION.hash
    assert Directory.load({**texts, "th.yaml": "# a remark\n" + texts["th.yaml"]}).hash == REGION.hash
    key = SigningKey("k1", "AAAA", NOW.date())
    enrolled = REGION.with_keys("ngo-th", [key])
    assert enrolled.hash == REGION.hash
    assert enrolled.by_slug("ngo-th").keys == (key,)
    moved = texts["th.yaml"].replace("{at: SHA@TH, from: 2020-01-01}", "{at: SHA@TH, from: 2020-01-02}")
    assert moved != texts["th.yaml"]
    assert Directory.load({**texts, "th.yaml": moved}).hash != REGION.hash


def test_ids_tell_nothing_of_who() -> None:
    """Agency ids are random UUIDs, not made from names."""
    assert {agency.agency_id.version for agency in REGION.agencies} == {4}
