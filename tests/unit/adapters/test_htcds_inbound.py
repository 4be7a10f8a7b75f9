"""HTCDS in: IOM's two templates, by row."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from openpyxl.worksheet.worksheet import Worksheet

from adapters.htcds import inbound, result
from adapters.htcds.columns import IOM_COLUMNS
from adapters.htcds.losses import LOSSES
from contracts.open_event import OpenEvent
from contracts.private import REVEAL
from contracts.roles import Group
from tests.support.workbooks import ANSWERED, HIDDEN_AND_VISIBLE, NOY, cell_of, workbook

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LOOKUPS = inbound.Lookups(
    sender="ngo-th", acting_as="NGO-H@TH", now=NOW, ids=inbound.keyed_ids(b"an invented key of 32 bytes long")
)


def read(*rows: dict[str, Any], **layout: Any) -> list[inbound.Row]:
    return inbound.read(workbook(*rows, **layout), LOOKUPS)


def clear(event: OpenEvent) -> dict[str, Any]:
    return event.model_dump(mode="json", context=REVEAL, exclude_none=True, by_alias=True)


def asked(row: inbound.Row) -> set[str]:
    return {question.column for question in row.questions}


def test_a_complete_row_yields_consent_then_referral_in_one_case() -> None:
    """Consent stands in the case before the referral that rests on it."""
    (row,) = read(NOY | ANSWERED)
    assert row.state == "accepted"
    consent, referral = row.events
    assert (consent.event, referral.event) == ("ConsentGiven", "IdentificationRequested")
    assert consent.case == referral.case
    assert consent.subjects[0].subject == referral.subjects[0].subject
    assert len({consent.event_id, referral.event_id, consent.submission_id, referral.submission_id}) == 4
    assert clear(consent)["consent"] == {
        "purposes": ["IDENTIFY", "SHELTER"],
        "to": ["any@TH"],
        "groups": ["F0", "F1", "F2", "F3", "F5"],
        "until": "90d",
        "from": "self",
        "evidence": "signed_form",
        "language": "lo",
    }


def test_values_stand_in_their_groups() -> None:
    """Each of IOM's columns reaches the canonical field that it means."""
    (row,) = read(NOY | ANSWERED)
    subject = clear(row.events[1])["subjects"][0]
    assert subject["groups"]["F1"] == {
        "given_name": "Noy",
        "family_name": "Testperson",
        "sex": "Feminine",
        "birth_date": "2001-08-14",
    }
    assert subject["groups"]["F3"] == {"citizenship": ["LA"]}
    assert subject["groups"]["F5"] == {
        "trafficking_status": "PossibleVictimOfTrafficking",
        "exploitation": ["SexualExploitation"],
        "methods_of_control": ["DebtBondage", "WithholdsDocuments"],
    }
    assert subject["facts"] == {"found_in": "TH", "stage": "destination", "notify_origin": "not_asked"}


def test_trap_29_the_visible_label_decides_where_the_hidden_header_disagrees() -> None:
    """The four address columns are read by what the person who typed saw."""
    (row,) = read(NOY | ANSWERED)
    assert clear(row.events[1])["subjects"][0]["groups"]["F2"] == {
        "current_place": "A shelter in Nong Khai",
        "street": "12 Example Lane",
        "city": "Pakse",
        "state": "Champasak",
        "postal_code": "01600",
        "country": "LA",
        "mobile_phone": "+856205550147",
    }


def test_trap_29_misspelt_and_blank_headers_are_known() -> None:
    """The misspelt deciding-body header and the blank outgoing-reason header are read."""
    said = {
        "Trafficking Status Decision Making Organization": "Court or prosecution",
        "Reason for Outgoing Referral": "Other",
    }
    (row,) = read(NOY | ANSWERED | said)
    facts = clear(row.events[1])["subjects"][0]["groups"]["F5"]
    assert facts["deciding_body"] == "CourtOrProsecution"
    assert facts["other"]["cas_ReasonForOutgoingReferral"] == "Other"


def test_trap_29_the_row_number_column_is_nobody() -> None:
    """A thousand numbered, empty rows are no rows."""
    assert read() == []


def test_trap_29_labels_of_the_validation_template_and_stray_spaces() -> None:
    """Labels mean the codes of the plain template, also with the template's trailing space."""
    labels = {
        "Gender": "Feminine",
        "Citizenship": "Lao People's Democratic Republic",
        "Trafficking Status": "Possible victim of trafficking",
        "Type of Exploitation": "sexual exploitation; Forced  labour",
        "Methods of Control": "Debt bondage ",
        "Consent": "Yes",
    }
    (row,) = read(NOY | ANSWERED | labels, validation=True)
    facts = clear(row.events[1])["subjects"][0]["groups"]["F5"]
    assert facts["trafficking_status"] == "PossibleVictimOfTrafficking"
    assert facts["exploitation"] == ["SexualExploitation", "ForcedLabour"]
    assert facts["methods_of_control"] == ["DebtBondage"]


def test_a_label_that_holds_a_semicolon_is_one_value() -> None:
    """IOM parts values by ';' and has labels with ';' inside."""
    industry = "Water supply; sewerage, waste management and remediation;Construction"
    (row,) = read(NOY | ANSWERED | {"Forced Labour Industry": industry})
    assert clear(row.events[1])["subjects"][0]["groups"]["F5"]["industry"] == [
        "E_WaterSupplySewerageWasteManagement",
        "F_Construction",
    ]


def test_what_the_workbook_cannot_say_is_asked() -> None:
    """A filled row of IOM's sheet alone is sent nowhere; every gap is a question with its column."""
    (row,) = read(NOY)
    assert row.state == "question"
    assert row.events == ()
    assert asked(row) == {
        "sampan_event", "sampan_found_in", "sampan_current_place", "sampan_priority", "sampan_notify_origin",
        "sampan_consent_purposes", "sampan_consent_to", "sampan_consent_groups", "sampan_consent_until",
        "sampan_consent_from", "sampan_consent_evidence", "sampan_consent_language",
    }  # fmt: skip


@pytest.mark.parametrize("gap", [name for name in ANSWERED if name != "sampan_stage"])
def test_each_missing_answer_holds_the_row(gap: str) -> None:
    """No single gap is filled in for the sender."""
    (row,) = read(NOY | {name: value for name, value in ANSWERED.items() if name != gap})
    assert row.events == ()
    assert asked(row) == {gap}


def test_a_referral_of_the_senders_own_choice_names_recipients_and_purpose() -> None:
    """ReferralSent has no recipients by rule, so they are asked for."""
    (row,) = read(NOY | ANSWERED | {"sampan_event": "ReferralSent"})
    assert asked(row) == {"sampan_to", "sampan_purpose"}
    said = {"sampan_event": "ReferralSent", "sampan_to": "SHA@TH; CON.LA@TH", "sampan_purpose": "SHELTER"}
    (row,) = read(NOY | ANSWERED | said)
    assert row.events[1].to == ["SHA@TH", "CON.LA@TH"]


def test_trap_21_no_tick_is_no_consent() -> None:
    """Scope without a tick, and neither, are questions; no ConsentGiven is invented."""
    (scoped,) = read(NOY | ANSWERED | {"Consent": None})
    assert asked(scoped) == {"con_Consent"}
    (denied,) = read(NOY | ANSWERED | {"Consent": False})
    assert asked(denied) == {"con_Consent"}
    bare = {name: value for name, value in ANSWERED.items() if "consent" not in name}
    (neither,) = read(NOY | bare | {"Consent": "No"})
    assert asked(neither) == {"sampan_without_consent"}


def test_without_consent_only_for_a_stated_reason_and_without_a_consent_event() -> None:
    """Danger to life is said by the sender, as a fact, and nothing pretends to be consent."""
    bare = {name: value for name, value in ANSWERED.items() if "consent" not in name}
    (row,) = read(NOY | bare | {"Consent": "No", "sampan_without_consent": "life_in_danger"})
    (event,) = row.events
    assert event.consent is None
    assert event.subjects[0].facts.life_in_danger is True


def test_her_word_travels_with_the_consent() -> None:
    """An objection is known before any consent can act."""
    said = {"sampan_notify_origin": "objection", "sampan_consular": "opposes", "sampan_asylum": "fear"}
    (row,) = read(NOY | ANSWERED | said)
    assert row.events[0].subjects[0].facts.stated() == {
        "notify_origin": "objection",
        "consular": "opposes",
        "asylum": "fear",
    }


def test_one_bad_row_does_not_stop_good_ones() -> None:
    """Rows stand alone."""
    rows = read(
        NOY | ANSWERED,
        NOY | ANSWERED | {"First Name": "Mai", "Gender": "F"},
        NOY | ANSWERED | {"First Name": "Dao"},
    )
    assert [(row.number, row.state) for row in rows] == [(3, "accepted"), (4, "refused"), (5, "accepted")]


def test_progress_is_told_row_by_row() -> None:
    """Somebody who waits sees it move."""
    told: list[tuple[int, int]] = []
    inbound.read(workbook(NOY, NOY | {"First Name": "Mai"}), LOOKUPS, lambda at, of: told.append((at, of)))
    assert told[0] == (3, 1002)
    assert told[-1] == (1002, 1002)


def test_the_same_row_sent_again_has_the_same_ids() -> None:
    """Sending the file twice sends nothing twice, whatever else stands in it and whenever."""
    (once,) = read(NOY | ANSWERED)
    other_rows = workbook(NOY | {"First Name": "Mai"}, NOY | ANSWERED)
    later = inbound.Lookups(
        sender="ngo-th", acting_as="NGO-H@TH", now=datetime(2026, 3, 9, tzinfo=UTC), ids=LOOKUPS.ids
    )
    again = inbound.read(other_rows, later)[1]
    assert [e.submission_id for e in once.events] == [e.submission_id for e in again.events]
    assert [e.event_id for e in once.events] == [e.event_id for e in again.events]
    assert once.events[0].case == again.events[0].case


def test_a_changed_row_is_a_new_submission_of_the_same_case() -> None:
    """Correcting a result workbook adds to the case; the untouched consent keeps its submission."""
    document = workbook(NOY | ANSWERED)
    (before,) = inbound.read(document, LOOKUPS)
    (row,) = read(NOY | ANSWERED | {"Mailing City": "Savannakhet", "sampan_row_id": before.row_id})
    assert row.state == "accepted"
    assert row.events[0].case == before.events[0].case
    assert row.events[0].submission_id == before.events[0].submission_id
    assert row.events[1].submission_id != before.events[1].submission_id


def test_another_person_never_slips_into_a_case_by_a_copied_row_id() -> None:
    """A row id with another name is a question until the sender says that it is the same person."""
    (before,) = read(NOY | ANSWERED)
    changed = NOY | ANSWERED | {"First Name": "Mai", "sampan_row_id": before.row_id}
    (row,) = read(changed)
    assert asked(row) == {"sampan_same_person"}
    assert row.row_id == before.row_id
    (row,) = read(changed | {"sampan_same_person": "corrected"})
    assert row.state == "accepted"
    assert row.events[0].case == before.events[0].case
    assert row.row_id != before.row_id


def test_equal_rows_are_not_two_people_unless_the_sender_says_so() -> None:
    """A twin row is refused; with a word of the sender's own it is a person of its own."""
    first, twin = read(NOY | ANSWERED, NOY | ANSWERED)
    assert (first.state, twin.state, twin.row_id) == ("accepted", "refused", "")
    assert [refusal.code for refusal in twin.refusals] == ["row-twice"]
    three = read(
        NOY | ANSWERED, NOY | ANSWERED | {"sampan_row_id": "B"}, NOY | ANSWERED | {"sampan_row_id": "C"}
    )
    assert [row.state for row in three] == ["accepted"] * 3
    assert len({row.events[0].case for row in three}) == 3


def test_a_word_of_the_senders_own_never_stands_for_a_person_by_itself() -> None:
    """ "B" in this month's sheet and in last month's are two people."""
    (last,) = read(NOY | ANSWERED | {"sampan_row_id": "B"})
    (this,) = read(NOY | ANSWERED | {"First Name": "Mai", "sampan_row_id": "B"})
    assert this.state == "accepted"
    assert last.events[0].case != this.events[0].case


def test_ids_depend_on_the_senders_key() -> None:
    """Nobody without the key can test a guess against an id."""
    other = inbound.Lookups(
        sender="ngo-th", now=NOW, ids=inbound.keyed_ids(b"another key of thirty-two bytes.")
    )
    (ours,) = read(NOY | ANSWERED)
    (theirs,) = inbound.read(workbook(NOY | ANSWERED), other)
    assert ours.events[0].case != theirs.events[0].case


def test_filling_the_result_workbook_releases_the_row() -> None:
    """The result is the same sheet with columns for the answers; filled and sent again, the row goes."""
    document = workbook(NOY, validation=True)
    rows = inbound.read(document, LOOKUPS)
    written = result.write(document, rows)
    assert "Found in (country)" in str(cell_of(written, "Case Sheet", "What is missing", 3))
    (still,) = inbound.read(written, LOOKUPS)
    assert asked(still) == asked(rows[0])

    def fill(sheet: Worksheet) -> None:
        for cell in sheet[1]:
            if str(cell.value) in ANSWERED:
                sheet.cell(3, cell.column, ANSWERED[str(cell.value)])  # type: ignore[arg-type]

    (released,) = inbound.read(_changed(written, fill), LOOKUPS)
    assert released.state == "accepted"
    assert released.row_id == rows[0].row_id


def test_a_result_workbook_holds_receipts_and_sends_nothing_twice() -> None:
    """Read again, an accepted row has the ids that it had."""
    document = workbook(NOY | ANSWERED)
    rows = inbound.read(document, LOOKUPS)
    written = result.write(document, rows, {3: result.Outcome("sent", "SP-K7RM4-TQX2F")})
    assert cell_of(written, "Sheet1", "Receipt", 3) == "SP-K7RM4-TQX2F sent"
    (again,) = inbound.read(written, LOOKUPS)
    assert [e.submission_id for e in again.events] == [e.submission_id for e in rows[0].events]
    twice = result.write(written, [again])
    assert inbound.read(twice, LOOKUPS)[0].row_id == rows[0].row_id


def test_one_confirmation_covers_one_correction() -> None:
    """ "Same person" is taken out of the result of the row that used it."""
    (before,) = read(NOY | ANSWERED)
    said = {"First Name": "Noi", "sampan_row_id": before.row_id, "sampan_same_person": "corrected"}
    document = workbook(NOY | ANSWERED | said)
    written = result.write(document, inbound.read(document, LOOKUPS))
    assert cell_of(written, "Sheet1", "sampan_same_person", 3) is None


def test_every_column_declares_its_loss() -> None:
    """A column of the template without a declaration fails here."""
    assert [loss.field for loss in LOSSES] == [column.name for column in IOM_COLUMNS]
    visible = {label for _, label in HIDDEN_AND_VISIBLE if label}
    assert visible == {column.label for column in IOM_COLUMNS}


def test_nothing_of_a_filled_row_is_lost() -> None:
    """Every column of the template that holds a value is found again in a group."""
    filled = {
        label: f"canary {number}"
        for number, (_, label) in enumerate(HIDDEN_AND_VISIBLE)
        if label
        and next(c for c in IOM_COLUMNS if c.label == label).kind.name in ("TEXT", "PROSE", "DIGITS_AS_TEXT")
    }
    (row,) = read(NOY | ANSWERED | filled)
    text = str(clear(row.events[1])["subjects"][0]["groups"])
    assert [value for value in filled.values() if value not in text] == []
    assert len(filled) > 15


def test_case_prose_goes_where_the_most_sensitive_of_it_belongs() -> None:
    """Free words about the referral are in F5, never in what a shelter or consulate is granted."""
    (row,) = read(NOY | ANSWERED | {"Incoming Referral Details": "canary prose"})
    groups = row.events[1].subjects[0].groups
    assert [group for group, value in groups.items() if "canary" in str(value.revealed())] == [Group.F5]


def test_dates_by_day_in_the_senders_zone() -> None:
    """Today is no future."""
    (row,) = read(NOY | ANSWERED | {"Outgoing Referral Date": date(2026, 3, 2)})
    assert row.state == "accepted"


def _changed(document: bytes, change: Any) -> bytes:
    import io

    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(document))
    sheet = book.worksheets[0]
    change(sheet)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
