"""The columns of IOM's two Excel templates, and where each goes in the canonical groups.

The templates hide a row of machine headers above the visible labels. The two disagree in four address columns
(the hidden row says city, country, street, postal code where the label says street, city, postal code,
country), one hidden header is misspelt and one is blank. **The visible label decides**: it is what the person
who typed the value was looking at; the hidden row was never seen by anybody who filled in the sheet.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from adapters.htcds import codes
from adapters.htcds.countries import COUNTRY_SPELLINGS
from contracts.roles import Group


class Kind(Enum):
    """How a cell is read."""

    TEXT = auto()
    PROSE = auto()
    DATE = auto()
    CODE = auto()
    CODES = auto()
    TICK = auto()
    PHONE = auto()
    DIGITS_AS_TEXT = auto()  # an id or postal code: a number in the cell has lost its zeros


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``attribute`` None: kept under ``other`` of the group, by its own name."""

    name: str
    label: str
    kind: Kind
    group: Group | None = None
    attribute: str | None = None
    known: codes.CodeList | None = None
    example: str = ""  # completes "Use one of …" where the list is too long to print

    @property
    def spellings(self) -> codes.CodeList:
        """Accepted spellings, folded, to code."""
        if self.known is None:
            return COUNTRY_SPELLINGS
        return codes.spellings(self.known)


_COUNTRY = "Use the two-letter ISO 3166-1 code, such as LA, or the name in the template's list."
F1, F2, F3, F5 = Group.F1, Group.F2, Group.F3, Group.F5

# What an agency's form says about the referral itself, in free words, may hold anything; it goes where the
# most sensitive of it belongs, so that no shelter, consulate or employer is sent it by accident.
REFERRAL_PROSE: Final = F5

IOM_COLUMNS: Final = (
    Column("cas_CaseOwner", "Case Owner", Kind.TEXT, REFERRAL_PROSE),
    Column("prs_Salutation", "Salutation", Kind.TEXT, F1, "salutation"),
    Column("prs_FirstName", "First Name", Kind.TEXT, F1, "given_name"),
    Column("prs_SecondName", "Second Name", Kind.TEXT, F1, "family_name"),
    Column("con_Consent", "Consent", Kind.TICK),
    Column("prs_Birthdate", "Birthdate", Kind.DATE, F1, "birth_date"),
    Column("prs_Gender", "Gender", Kind.CODE, F1, "sex", codes.GENDER),
    Column("prs_Citizenship", "Citizenship", Kind.CODES, F3, "citizenship", None, _COUNTRY),
    Column("prs_Title", "Title", Kind.TEXT, F1),
    Column("prs_Email", "Email", Kind.TEXT, F2, "email"),
    Column("prs_HomePhone", "Home Phone", Kind.PHONE, F2, "home_phone"),
    Column("prs_MobilePhone", "Mobile Phone", Kind.PHONE, F2, "mobile_phone"),
    Column("prs_MailingStreet", "Mailing Street", Kind.TEXT, F2, "street"),
    Column("prs_MailingCity", "Mailing City", Kind.TEXT, F2, "city"),
    Column("prs_MailingState", "Mailing State/Province", Kind.TEXT, F2, "state"),
    Column("prs_MailingPostalCode", "Mailing Zip/Postal Code", Kind.DIGITS_AS_TEXT, F2, "postal_code"),
    Column("prs_MailingCountry", "Mailing Country", Kind.CODE, F2, "country", None, _COUNTRY),
    Column(
        "vic_TraffickingStatus",
        "Trafficking Status",
        Kind.CODE,
        F5,
        "trafficking_status",
        codes.TRAFFICKING_STATUS,
    ),
    Column(
        "vic_TraffickingStatusDecisionMakingOrg",
        "Trafficking Status Decision Making Organization",
        Kind.CODE,
        F5,
        "deciding_body",
        codes.DECIDING_BODY,
    ),
    Column(
        "vic_MethodOfRecruitment", "Method of Recruitment", Kind.CODES, F5, "recruitment", codes.RECRUITMENT
    ),
    Column("vic_LocationOfRecruitment", "Location of Recruitment", Kind.TEXT, F5, "recruitment_place"),
    Column(
        "vic_MethodsOfControl",
        "Methods of Control",
        Kind.CODES,
        F5,
        "methods_of_control",
        codes.METHODS_OF_CONTROL,
    ),
    Column(
        "vic_TypeOfExploitation", "Type of Exploitation", Kind.CODES, F5, "exploitation", codes.EXPLOITATION
    ),
    Column("vic_ForcedLabourIndustry", "Forced Labour Industry", Kind.CODES, F5, "industry", codes.INDUSTRY),
    Column(
        "vic_TypeOfSexExploitation",
        "Type of Sex Exploitation",
        Kind.CODES,
        F5,
        "sexual_exploitation",
        codes.SEX_EXPLOITATION,
    ),
    Column("vic_LocationOfExploitation", "Location of Exploitation", Kind.TEXT, F5, "exploitation_place"),
    Column("cas_Status", "Status", Kind.CODE, REFERRAL_PROSE, None, codes.CASE_STATUS),
    Column("cas_ReferringOrganisation", "Referring Organisation", Kind.TEXT, REFERRAL_PROSE),
    Column("cas_IncomingReferralDate", "Incoming Referral Date", Kind.DATE, REFERRAL_PROSE),
    Column("cas_ReferringPrimaryCaseWorker", "Referring Primary Case Worker", Kind.TEXT, REFERRAL_PROSE),
    Column(
        "cas_ReasonForIncomingReferral",
        "Reason for Incoming Referral",
        Kind.CODE,
        REFERRAL_PROSE,
        None,
        codes.REFERRAL_REASON,
    ),
    Column("cas_IncomingReferralDetails", "Incoming Referral Details", Kind.PROSE, REFERRAL_PROSE),
    Column("cas_ReferredOrganisation", "Referred Organisation", Kind.TEXT, REFERRAL_PROSE),
    Column("cas_ReferredPrimaryCaseWorker", "Referred Primary Case Worker", Kind.TEXT, REFERRAL_PROSE),
    Column(
        "cas_ReasonForOutgoingReferral",
        "Reason for Outgoing Referral",
        Kind.CODE,
        REFERRAL_PROSE,
        None,
        codes.REFERRAL_REASON,
    ),
    Column("cas_OutgoingReferralDate", "Outgoing Referral Date", Kind.DATE, REFERRAL_PROSE),
    Column("cas_OutgoingReferralDetails", "Outgoing Referral Details", Kind.PROSE, REFERRAL_PROSE),
    Column("cas_ReasonForCaseClosure", "Reason for Case Closure", Kind.PROSE, REFERRAL_PROSE),
)

BY_NAME: Final = {column.name: column for column in IOM_COLUMNS}
BY_LABEL: Final = {codes.folded(column.label): column for column in IOM_COLUMNS}

MISSPELT: Final = {"vic_TraffickinStatusDecisionMakingOrg": "vic_TraffickingStatusDecisionMakingOrg"}
"""Hidden headers as IOM's templates misspell them."""

KNOWN_DISAGREEMENTS: Final = frozenset(
    {
        ("prs_MailingCity", "prs_MailingStreet"),
        ("prs_MailingCountry", "prs_MailingCity"),
        ("prs_MailingStreet", "prs_MailingPostalCode"),
        ("prs_MailingPostalCode", "prs_MailingCountry"),
    }
)
"""(hidden header, what the visible label says): the four that IOM's templates get wrong. No others pass."""

UNRELIABLE: Final = frozenset(hidden for hidden, _ in KNOWN_DISAGREEMENTS)
"""Hidden headers that mean nothing without their visible label."""

REQUIRED: Final = (
    "prs_FirstName",
    "prs_SecondName",
    "con_Consent",
    "prs_Birthdate",
    "prs_Gender",
    "prs_Citizenship",
    "vic_TraffickingStatus",
    "vic_TypeOfExploitation",
)
"""Without these a sheet is not the template, or somebody deleted what a referral cannot do without."""
