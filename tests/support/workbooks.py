"""Workbooks laid out as IOM's two HTCDS 2.0 templates are, with their faults, filled with invented people.

The headers are written out here a second time on purpose: were they taken from the adapter, a wrong column
there would be wrong here too, and no test would see it.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

HIDDEN_AND_VISIBLE: tuple[tuple[str, str], ...] = (
    ("", ""),
    ("cas_CaseOwner", "Case Owner"),
    ("prs_Salutation", "Salutation"),
    ("prs_FirstName", "First Name"),
    ("prs_SecondName", "Second Name"),
    ("con_Consent", "Consent"),
    ("prs_Birthdate", "Birthdate"),
    ("prs_Gender", "Gender"),
    ("prs_Citizenship", "Citizenship"),
    ("prs_Title", "Title"),
    ("prs_Email", "Email"),
    ("prs_HomePhone", "Home Phone"),
    ("prs_MobilePhone", "Mobile Phone"),
    ("prs_MailingCity", "Mailing Street"),
    ("prs_MailingCountry", "Mailing City"),
    ("prs_MailingState", "Mailing State/Province"),
    ("prs_MailingStreet", "Mailing Zip/Postal Code"),
    ("prs_MailingPostalCode", "Mailing Country"),
    ("vic_TraffickingStatus", "Trafficking Status"),
    ("vic_TraffickinStatusDecisionMakingOrg", "Trafficking Status Decision Making Organization"),
    ("vic_MethodOfRecruitment", "Method of Recruitment"),
    ("vic_LocationOfRecruitment", "Location of Recruitment"),
    ("vic_MethodsOfControl", "Methods of Control"),
    ("vic_TypeOfExploitation", "Type of Exploitation"),
    ("vic_ForcedLabourIndustry", "Forced Labour Industry"),
    ("vic_TypeOfSexExploitation", "Type of Sex Exploitation"),
    ("vic_LocationOfExploitation", "Location of Exploitation"),
    ("cas_Status", "Status"),
    ("cas_ReferringOrganisation", "Referring Organisation"),
    ("cas_IncomingReferralDate", "Incoming Referral Date"),
    ("cas_ReferringPrimaryCaseWorker", "Referring Primary Case Worker"),
    ("cas_ReasonForIncomingReferral", "Reason for Incoming Referral"),
    ("cas_IncomingReferralDetails", "Incoming Referral Details"),
    ("cas_ReferredOrganisation", "Referred Organisation"),
    ("cas_ReferredPrimaryCaseWorker", "Referred Primary Case Worker"),
    ("", "Reason for Outgoing Referral"),
    ("cas_OutgoingReferralDate", "Outgoing Referral Date"),
    ("cas_OutgoingReferralDetails", "Outgoing Referral Details"),
    ("cas_ReasonForCaseClosure", "Reason for Case Closure"),
)
"""The templates' 39 columns from A on, hidden header and visible label, faults included (2.0)."""

NOY: dict[str, Any] = {
    "First Name": "Noy",
    "Second Name": "Testperson",
    "Consent": True,
    "Birthdate": datetime(2001, 8, 14),  # noqa: DTZ001 - a cell of Excel has no zone
    "Gender": "Feminine",
    "Citizenship": "LA",
    "Mobile Phone": "+856205550147",
    "Mailing Street": "12 Example Lane",
    "Mailing City": "Pakse",
    "Mailing State/Province": "Champasak",
    "Mailing Zip/Postal Code": "01600",
    "Mailing Country": "LA",
    "Trafficking Status": "PossibleVictimOfTrafficking",
    "Type of Exploitation": "SexualExploitation",
    "Methods of Control": "DebtBondage;WithholdsDocuments",
}
"""One invented woman, as the plain template writes her, by visible label."""

ANSWERED: dict[str, Any] = {
    "sampan_event": "IdentificationRequested",
    "sampan_found_in": "TH",
    "sampan_current_place": "A shelter in Nong Khai",
    "sampan_stage": "destination",
    "sampan_priority": "URGENT",
    "sampan_notify_origin": "not_asked",
    "sampan_consent_purposes": "IDENTIFY;SHELTER",
    "sampan_consent_to": "any@TH",
    "sampan_consent_groups": "F0;F1;F2;F3;F5",
    "sampan_consent_until": "90d",
    "sampan_consent_from": "self",
    "sampan_consent_evidence": "signed_form",
    "sampan_consent_language": "lo",
}
"""Everything that IOM's sheet cannot say, answered."""


def workbook(
    *rows: Mapping[str, Any],
    validation: bool = False,
    headers: Sequence[tuple[str, str]] = HIDDEN_AND_VISIBLE,
    change: Callable[[Worksheet], None] | None = None,
) -> bytes:
    """A filled template as bytes. Keys of a row are visible labels or ``sampan_`` column names.

    Args:
        validation: lay it out as the template with validation lists (sheet names differ).
        change: a last word on the sheet before it is saved.
    """
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = "Case Sheet" if validation else "Sheet1"
    extra = list(dict.fromkeys(key for row in rows for key in row if key.startswith("sampan_")))
    columns = [*headers, *((name, name) for name in extra)]
    for at, (hidden, visible) in enumerate(columns, start=1):
        sheet.cell(1, at, hidden or None)
        sheet.cell(2, at, visible or None)
    sheet.row_dimensions[1].hidden = True
    for number in range(1, 1001):
        sheet.cell(number + 2, 1, number)  # IOM's sheets come with a thousand numbered rows
    at_label = {visible: at for at, (_, visible) in enumerate(columns, start=1) if visible}
    for number, row in enumerate(rows, start=3):
        for label, value in row.items():
            if value is not None:
                sheet.cell(number, at_label[label], value)
    book.create_sheet("about").cell(1, 1, "Microsoft Excel HTCDS 2.0")
    if validation:
        book.create_sheet("validation").cell(1, 1, "Validation Lookups")
    if change is not None:
        change(sheet)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def repacked(
    document: bytes, change: Callable[[str, bytes], bytes | None], extra: Mapping[str, bytes] = {}
) -> bytes:
    """The same zip with parts changed, left out (None) or added."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(document)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            content = change(entry.filename, old.read(entry.filename))
            if content is not None:
                new.writestr(entry.filename, content)
        for name, content in extra.items():
            new.writestr(name, content)
    return out.getvalue()


def cell_of(document: bytes, sheet: str, label: str, row: int) -> Any:
    """What stands under a label (row 2) in a saved workbook."""
    import warnings

    from openpyxl import load_workbook

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book = load_workbook(io.BytesIO(document))
    for column in book[sheet].iter_cols(min_row=1, max_row=row):
        if label in (column[0].value, column[1].value):
            return column[row - 1].value
    raise KeyError(label)
