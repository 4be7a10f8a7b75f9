"""The bundled workbook that ``make run`` submits: HTCDS's columns, filled with people who do not exist.

    python -m deploy.demo.first_crossing

writes ``adapters/htcds/examples/first-crossing.xlsx`` again from the rows below. It is built from the column
list, not copied from IOM's file; rows 3 and 4 are complete, row 5 asks for what the sheet
cannot say.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final, cast

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from adapters.htcds.asked import ASKED
from adapters.htcds.columns import IOM_COLUMNS

PATH: Final = Path(__file__).parents[2] / "adapters" / "htcds" / "examples" / "first-crossing.xlsx"

NOY: Final[Mapping[str, Any]] = {
    "cas_CaseOwner": "Ploy Example",
    "prs_FirstName": "Noy",
    "prs_SecondName": "Examplevong",
    "con_Consent": True,
    "prs_Birthdate": date(2001, 8, 14),
    "prs_Gender": "Feminine",
    "prs_Citizenship": "LA",
    "prs_MobilePhone": "+999555010201",
    "prs_MailingStreet": "12 Invented Lane",
    "prs_MailingCity": "Pakse",
    "prs_MailingState": "Champasak",
    "prs_MailingPostalCode": "01600",
    "prs_MailingCountry": "LA",
    "vic_TraffickingStatus": "PossibleVictimOfTrafficking",
    "vic_MethodOfRecruitment": "ThroughFriendsOrSocialEvents",
    "vic_MethodsOfControl": "DebtBondage;WithholdsDocuments",
    "vic_TypeOfExploitation": "SexualExploitation",
    "vic_LocationOfExploitation": "An invented bar",
    "cas_Status": "Active",
    "cas_ReasonForOutgoingReferral": "AdditionalServicesRequired",
    "sampan_event": "IdentificationRequested",
    "sampan_found_in": "TH",
    "sampan_current_place": "With our outreach team in Nong Khai",
    "sampan_stage": "destination",
    "sampan_to": "CON.LA@TH",
    "sampan_priority": "URGENT",
    "sampan_notify_origin": "not_asked",
    "sampan_consular": "asked",
    "sampan_asylum": "none",
    "sampan_consent_purposes": "IDENTIFY;SHELTER;MEDICAL;LEGAL;CONSULAR",
    "sampan_consent_to": "any@TH;CON.LA@TH",
    "sampan_consent_groups": "F0;F1;F2;F3;F5;F11;F12",
    "sampan_consent_until": "90d",
    "sampan_consent_from": "self",
    "sampan_consent_evidence": "signed_form",
    "sampan_consent_language": "lo",
    "sampan_languages": "lo;th",
    "sampan_needs": "A bed tonight and a woman who speaks Lao",
    "sampan_risk_level": "medium",
    "sampan_risk_notes": "The bar's owner knows her telephone number",
}
"""Found in Thailand, agrees to be identified, sheltered and heard, and asks for her embassy."""

SOK: Final[Mapping[str, Any]] = {
    "cas_CaseOwner": "Ploy Example",
    "prs_FirstName": "Sok",
    "prs_SecondName": "Samplevichea",
    "con_Consent": True,
    "prs_Birthdate": date(1991, 11, 5),
    "prs_Gender": "Masculine",
    "prs_Citizenship": "KH",
    "vic_TraffickingStatus": "PossibleVictimOfTrafficking",
    "vic_TypeOfExploitation": "ForcedLabour",
    "vic_ForcedLabourIndustry": "A_AgricultureForestryAndFishing",
    "cas_Status": "Active",
    "sampan_event": "ReferralSent",
    "sampan_found_in": "TH",
    "sampan_current_place": "unknown",
    "sampan_stage": "destination",
    "sampan_to": "RFP@KH",
    "sampan_purpose": "NATIONALITY",
    "sampan_priority": "ROUTINE",
    "sampan_notify_origin": "no_objection",
    "sampan_consular": "not_asked",
    "sampan_asylum": "none",
    "sampan_consent_purposes": "NATIONALITY;IDENTIFY",
    "sampan_consent_to": "RFP@KH;IDA@TH",
    "sampan_consent_groups": "F0;F1;F3;F5",
    "sampan_consent_until": "6mo",
    "sampan_consent_from": "self",
    "sampan_consent_evidence": "signed_form",
    "sampan_consent_language": "km",
    "sampan_languages": "km",
}
"""Found in Thailand without papers; agrees that his own ministry, which runs Primero, is asked who he is."""

DARA: Final[Mapping[str, Any]] = {
    "prs_FirstName": "Dara",
    "prs_SecondName": "Samplesok",
    "con_Consent": True,
    "prs_Birthdate": date(1998, 3, 2),
    "prs_Gender": "Masculine",
    "prs_Citizenship": "KH",
    "vic_TraffickingStatus": "PossibleVictimOfTrafficking",
    "vic_TypeOfExploitation": "ForcedLabour",
    "vic_ForcedLabourIndustry": "A_AgricultureForestryAndFishing",
}
"""As IOM's sheet alone would say it: a tick, and nothing of what the tick covers."""

ABOUT: Final = (
    "An example for Sampan. Every person, place and number in it is invented.",
    "Columns: Human Trafficking Case Data Standard (HTCDS) 2.0, International Organization for Migration,",
    "https://github.com/UNMigration/HTCDS, licensed CC BY 4.0. Changed: the sampan_ columns were added.",
    "IOM has neither reviewed nor endorsed this file.",
)


def build(rows: Sequence[Mapping[str, Any]] = (NOY, SOK, DARA)) -> bytes:
    """The workbook: hidden field names in row 1, labels in row 2, people from row 3, as in IOM's template.

    Args:
        rows: by field name.
    """
    book = Workbook()
    sheet = cast("Worksheet", book.active)
    sheet.title = "Case Sheet"
    columns = [(column.name, column.label) for column in IOM_COLUMNS]
    columns += [(asked.name, asked.label) for asked in ASKED]
    for at, (name, label) in enumerate(columns, start=2):
        sheet.cell(1, at, name)
        sheet.cell(2, at, label).font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(at)].width = 24
        for number, row in enumerate(rows, start=3):
            sheet.cell(number, 1, number - 2)
            if name in row:
                sheet.cell(number, at, row[name])
    sheet.row_dimensions[1].hidden = True
    sheet.freeze_panes = "B3"
    about = book.create_sheet("about")
    for line, text in enumerate(ABOUT, start=1):
        about.cell(line, 1, text)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


if __name__ == "__main__":
    PATH.parent.mkdir(parents=True, exist_ok=True)
    PATH.write_bytes(build())
