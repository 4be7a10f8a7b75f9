"""The bundled workbook says what its source says, and crosses."""

from __future__ import annotations

from datetime import UTC, datetime

from adapters.htcds import inbound
from contracts.private import REVEAL
from deploy.demo.first_crossing import DARA, NOY, PATH, build

LOOKUPS = inbound.Lookups(
    sender="ngo-th",
    acting_as="NGO-H@TH",
    now=datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
    ids=inbound.keyed_ids(b"an invented key of 32 bytes long"),
)


def events(document: bytes) -> list[str]:
    return [
        event.model_dump_json(context=REVEAL, by_alias=True)
        for row in inbound.read(document, LOOKUPS)
        for event in row.events
    ]


def test_the_committed_workbook_is_the_one_that_the_source_builds() -> None:
    """After a change of the rows the file is built again, or this fails."""
    assert events(PATH.read_bytes()) == events(build())


def test_two_rows_cross_and_one_asks() -> None:
    """Rows 3 and 4 are complete; row 5 shows the questions."""
    *complete, asking = inbound.read(PATH.read_bytes(), LOOKUPS)
    assert [(row.number, row.state, [event.event for event in row.events]) for row in complete] == [
        (3, "accepted", ["ConsentGiven", "IdentificationRequested"]),
        (4, "accepted", ["ConsentGiven", "ReferralSent"]),
    ]
    assert (asking.number, asking.state) == (5, "question")
    assert len(asking.questions) > 8


def test_nothing_of_the_source_is_lost_on_the_way_in() -> None:
    """Every value of a complete row is in one of its two events."""
    text = " ".join(events(build()))
    skipped = {"con_Consent", "sampan_consent_groups", "sampan_consent_to", "sampan_consent_purposes"}
    parts = [
        part for name, value in NOY.items() if name not in skipped for part in str(value).split(";") if part
    ]
    assert [part for part in parts if part not in text] == []
    assert str(DARA["prs_FirstName"]) not in text
