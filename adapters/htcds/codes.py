"""HTCDS 2.0 code lists: the value an exchange uses and the label that the validation template shows.

Source: IOM, HTCDS Field Standards 2.0 and the Excel template "single select with validation" (CC BY 4.0, see
NOTICE). Both spellings are accepted, without regard to case, to spaces at the ends (the template itself has
``"Debt bondage "``) or to doubled spaces. Anything else is refused: a code is never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

CodeList = Mapping[str, str]
"""Code to label."""

GENDER: Final[CodeList] = {
    "Feminine": "Feminine",
    "Masculine": "Masculine",
    "TransgenderFeminine": "Transgender Feminine",
    "TransgenderMasculine": "Transgender Masculine",
    "NonConforming": "Non-Conforming",
    "NonSpecifiedUnknown": "Not Specified/Unknown",
}
TRAFFICKING_STATUS: Final[CodeList] = {
    "PossibleVictimOfTrafficking": "Possible victim of trafficking",
    "ActualVictimOfTrafficking": "Actual victim of trafficking",
    "NotAVictimOfTrafficking": "Not a victim of trafficking",
}
DECIDING_BODY: Final[CodeList] = {
    "Police": "Police",
    "NGO": "NGO",
    "CourtOrProsecution": "Court or prosecution",
    "NonPoliceGovernmentalOrganization": "Non-police governmental organization",
    "Other": "Other",
}
RECRUITMENT: Final[CodeList] = {
    "AtAPlaceOfBusiness": "At a place of business",
    "AtAnEducationalInstitution": "At an educational institution",
    "AtWork": "At work",
    "ThroughOnlineSocialNetworks": "Through online social networks",
    "ThroughAnOnlineAdvertisement": "Through an online advertisement",
    "ThroughATelevisionAdvert": "Through a television advert",
    "ThroughANewspaperAdvert": "Through a newspaper advert",
    "ThroughFamilyOrFamilyEvents": "Through family or family events",
    "ThroughFriendsOrSocialEvents": "Through friends or social events",
    "Other": "Other",
}
METHODS_OF_CONTROL: Final[CodeList] = {
    "PhysicalThreats": "Physical threats",
    "ThreatsLawEnforcement": "Threats of law enforcement",
    "ThreatensChildrenFamily": "Threatens children/family",
    "DebtBondage": "Debt bondage",
    "FalsePromises": "False promises",
    "PhysicalAbuse": "Physical abuse",
    "SexualAbuse": "Sexual abuse",
    "TakesEarnings": "Takes earnings",
    "RestrictsFinancialAccess": "Restricts financial access",
    "RestrictsMedicalCare": "Restricts medical care",
    "WithholdsNecessities": "Withholds necessities",
    "PsychologicalAbuse": "Psychological abuse",
    "PsychoactiveSubstance": "Psychoactive substance",
    "ExcessiveWorkingHours": "Excessive working hours",
    "WithholdsDocuments": "Withholds documents",
    "Other": "Other",
}
EXPLOITATION: Final[CodeList] = {
    "ForcedLabour": "Forced labour",
    "SexualExploitation": "Sexual exploitation",
    "ChildLabour": "Child labour",
    "ForcedMarriage": "Forced marriage",
    "Servitude": "Servitude",
    "ForcedMilitaryByNonStateActors": "Forced military (by non-state actors)",
    "OrganRemoval": "Organ removal",
    "ForcedBegging": "Forced begging",
    "ForcedAdoption": "Forced adoption",
    "Surrogacy": "Surrogacy",
    "Other": "Other",
}
INDUSTRY: Final[CodeList] = {
    "A_AgricultureForestryAndFishing": "Agriculture, forestry and fishing",
    "B_MiningAndQuarrying": "Mining and quarrying",
    "C_Manufacturing": "Manufacturing",
    "D_ElectricityGasSteamAndAirConditioningSupply": "Electricity, gas, steam and air conditioning supply",
    "E_WaterSupplySewerageWasteManagement": "Water supply; sewerage, waste management and remediation",
    "F_Construction": "Construction",
    "G_WholesaleAndRetailTradeRepairOfMotorVehicles": (
        "Wholesale and retail trade; repair of motor vehicles and motorcycles"
    ),
    "H_TransportationAndStorage": "Transportation and storage",
    "I_AccommodationAndFoodServiceActivities": "Accommodation and food service activities",
    "J_InformationAndCommunication": "Information and communication",
    "K_FinancialAndInsuranceActivities": "Financial and insurance activities",
    "L_RealEstateActivities": "Real estate activities",
    "M_ProfessionalScientificAndTechnicalActivities": "Professional, scientific and technical activities",
    "N_AdministrativeAndSupportServiceActivities": "Administrative and support service activities",
    "O_PublicAdministrationAndDefence": "Public administration and defence; compulsory social security",
    "P_Education": "Education",
    "Q_HumanHealthAndSocialWorkActivities": "Human health and social work activities",
    "R_ArtsEntertainmentAndRecreation": "Arts, entertainment and recreation",
    "S_OtherServiceActivities": "Other service activities",
    "T_ActivitiesOfHouseholdsAsEmployers": (
        "Activities of households as employers; undifferentiated goods- and services- producing activities of"
        " households for own use"
    ),
    "U_ActivitiesOfExtraterritorialOrganizations": (
        "Activities of extraterritorial organizations and bodies"
    ),
}
SEX_EXPLOITATION: Final[CodeList] = {
    "Prostitution": "Prostitution",
    "Pornography": "Pornography",
    "RemoteInteractiveServices": "Remote Interactive Services",
    "PrivateSexualServices": "Private Sexual Services",
}
CASE_STATUS: Final[CodeList] = {
    "Active": "Active",
    "FollowUp": "Follow up",
    "Closed": "Closed",
    "ClosedReferred": "Closed Referred",
}
REFERRAL_REASON: Final[CodeList] = {
    "AdditionalServicesRequired": "Additional Services Required",
    "MigrationOrChangeOfLocation": "Migration Or Change Of Location",
    "Other": "Other",
}


def folded(text: str) -> str:
    """Text as it is compared: one space between words, none at the ends, no case."""
    return re.sub(r"\s+", " ", text).strip().casefold()


def spellings(codes: CodeList) -> dict[str, str]:
    """Every accepted spelling, folded, to its code."""
    return {folded(label): code for code, label in codes.items()} | {folded(code): code for code in codes}


def find_code(text: str, known: Mapping[str, str]) -> str | None:
    """The code that ``text`` spells, or None. ``known`` comes from :func:`spellings`."""
    return known.get(folded(text))


def find_codes(text: str, known: Mapping[str, str]) -> list[str] | None:
    """The codes of a cell with several, parted by ``;`` as IOM's Excel sheets do; None if one is unknown.

    Some labels hold a ``;`` themselves ("Water supply; sewerage, …"), so the longest run of pieces that
    spells a code is taken first.
    """
    pieces = text.split(";")
    while pieces and not pieces[-1].strip():
        pieces.pop()
    found: list[str] = []
    at = 0
    while at < len(pieces):
        end = next((e for e in range(len(pieces), at, -1) if folded(";".join(pieces[at:e])) in known), None)
        if end is None:
            return None
        code = known[folded(";".join(pieces[at:end]))]
        if code not in found:
            found.append(code)
        at = end
    return found
