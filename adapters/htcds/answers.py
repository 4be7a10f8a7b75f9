"""The ``sampan_`` columns of one row: read, checked, and what is still to be asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from adapters.htcds.asked import ASKED_BY_NAME, Asked
from adapters.htcds.cells import PROSE_MAX, allowed, plain, read_date, text, wrong
from adapters.htcds.codes import find_code, find_codes, spellings
from adapters.htcds.countries import COUNTRY_SPELLINGS
from adapters.htcds.sheet import Cell, Header, Row
from contracts.address import parse_address
from contracts.consent import Consent
from contracts.durations import check_until
from contracts.errors import InvalidInput
from contracts.facts import Facts
from contracts.roles import Group

ALWAYS: Final = (
    "sampan_event",
    "sampan_found_in",
    "sampan_current_place",
    "sampan_priority",
    "sampan_notify_origin",
)
CONSENT: Final = (
    "sampan_consent_purposes",
    "sampan_consent_to",
    "sampan_consent_groups",
    "sampan_consent_until",
    "sampan_consent_from",
    "sampan_consent_evidence",
    "sampan_consent_language",
)
NAMES_RECIPIENTS: Final = ("ReferralSent",)
"""Events whose recipients and purpose only the sender can know; the others have theirs by the rules."""

_DURATION: Final = re.compile(r"[1-9]\d{0,3} ?(h|d|wd|mo|y)")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_PLACE_UNKNOWN: Final = frozenset({"unknown", "not known"})


@dataclass(frozen=True, slots=True)
class Question:
    """What the workbook leaves open: the column that shall hold the answer, and the allowed answers."""

    column: str
    label: str
    text: str
    choices: tuple[str, ...] = ()


def ask(name: str) -> Question:
    """The question of one ``sampan_`` column."""
    asked = ASKED_BY_NAME[name]
    choices = tuple(asked.choices.values()) if asked.choices else ()
    return Question(asked.name, asked.label, asked.text, choices)


Answers = Mapping[str, Any]
"""Column name to value: code, list of codes, country, date, duration, list of addresses or text."""


def read(
    row: Row, header: Header, where: Callable[[str], str], today: date
) -> tuple[dict[str, Any], list[InvalidInput]]:
    """Read the filled ``sampan_`` columns; what cannot be read is refused, each by itself."""
    answers: dict[str, Any] = {}
    refusals: list[InvalidInput] = []
    for at, asked in header.asked.items():
        if at not in row or asked.name == "sampan_row_id":
            continue
        try:
            answers[asked.name] = _read_one(row[at], asked, where(asked.label), today)
        except InvalidInput as refusal:
            refusals.append(refusal)
    return answers, refusals


def _read_one(cell: Cell, asked: Asked, where: str, today: date) -> Any:
    plain(cell, where)
    if asked.name == "sampan_consent_until":
        return _until(cell, where, today)
    value = text(cell, where, PROSE_MAX)
    if asked.choices is not None:
        known = spellings(asked.choices)
        found = find_codes(value, known) if asked.several else find_code(value, known)
        if found is None:
            raise wrong(
                where,
                "one of the values is not in the list",
                "unknown-code",
                f"Allowed: {allowed(asked.choices)}.",
            )
        return found
    if asked.country:
        country = find_code(value, COUNTRY_SPELLINGS)
        if country is None:
            raise wrong(
                where,
                "the country is not known",
                "unknown-country",
                "Use the two-letter ISO 3166-1 code, such as TH.",
            )
        return country
    if asked.name in ("sampan_to", "sampan_consent_to"):
        return [str(parse_address(part.strip(), where)) for part in value.split(";") if part.strip()]
    if asked.name == "sampan_consent_language":
        return _languages(value, where, most=1)[0]
    if asked.name == "sampan_languages":
        return _languages(value, where, most=20)
    return value


def _languages(value: str, where: str, most: int) -> list[str]:
    codes = [part.strip() for part in value.split(";") if part.strip()]
    if not 1 <= len(codes) <= most or not all(
        _LANGUAGE.fullmatch(code) and len(code) <= 16 for code in codes
    ):
        raise wrong(
            where,
            "this is not a language code",
            "unknown-language",
            "Use codes such as lo, th, km, vi, my, id, en (BCP 47).",
        )
    return codes


def _until(cell: Cell, where: str, today: date) -> date | str:
    if isinstance(cell.value, str) and _DURATION.fullmatch(cell.value.strip()):
        length = cell.value.strip()
        check_until(length, today, where)
        return length
    day = read_date(cell, where)
    if day < today:
        raise wrong(where, "the consent has already ended", "consent-ended", "Ask the person again.")
    check_until(day, today, where)
    return day


def open_questions(answers: Answers, ticked: bool | None, unreadable: set[str]) -> list[Question]:
    """What is still missing. ``ticked``: IOM's consent column, None where it is empty.

    A tick without scope is a question, never a consent; scope without a tick is one as well.
    """
    needed = list(ALWAYS)
    if answers.get("sampan_event") in NAMES_RECIPIENTS:
        needed += ["sampan_to", "sampan_purpose"]
    scoped = [name for name in CONSENT if name in answers]
    if ticked:
        needed += CONSENT
    elif not scoped:
        needed.append("sampan_without_consent")
    questions = [ask(name) for name in needed if name not in answers and name not in unreadable]
    if scoped and not ticked:
        questions.append(
            Question(
                "con_Consent",
                "Consent",
                "The consent columns are filled and 'Consent' does not say yes. Did the person agree?",
                ("Yes", "No"),
            )
        )
    if ticked and "sampan_without_consent" in answers:
        questions.append(
            Question(
                "sampan_without_consent",
                ASKED_BY_NAME["sampan_without_consent"].label,
                "Both a consent and a reason to send without one are given. Which holds?",
            )
        )
    return questions


def consent_of(answers: Answers) -> Consent:
    """The consent that a fully answered row states."""
    given_by = answers["sampan_consent_from"]
    return Consent.model_validate(
        {
            "purposes": answers["sampan_consent_purposes"],
            "to": answers["sampan_consent_to"],
            "groups": answers["sampan_consent_groups"],
            "until": answers["sampan_consent_until"],
            "from": "self" if given_by == "self" else "guardian",
            "assent": True if given_by == "guardian_and_assent" else None,
            "evidence": answers["sampan_consent_evidence"],
            "language": answers["sampan_consent_language"],
        }
    )


def her_word(answers: Answers) -> Facts:
    """What narrows: objection, embassy, fear. Stated with the consent too: no consent acts before it."""
    return Facts(
        notify_origin=answers.get("sampan_notify_origin"),
        consular=answers.get("sampan_consular"),
        asylum=answers.get("sampan_asylum"),
    )


def facts_of(answers: Answers) -> Facts:
    """All facts that the answers state; the rest is derived from the groups, at the edge."""
    return her_word(answers).model_copy(
        update={
            "found_in": answers.get("sampan_found_in"),
            "stage": Facts(stage=answers.get("sampan_stage")).stage,
            "life_in_danger": True if answers.get("sampan_without_consent") == "life_in_danger" else None,
        }
    )


def groups_of(answers: Answers) -> dict[Group, dict[str, Any]]:
    """What the answers add to the groups of IOM's columns."""
    place = answers.get("sampan_current_place")
    added: dict[Group, dict[str, Any]] = {
        Group.F1: {"languages": answers.get("sampan_languages")},
        Group.F2: {"current_place": None if place is None or place.lower() in _PLACE_UNKNOWN else place},
        Group.F11: {
            "level": answers.get("sampan_risk_level"),
            "assessment": answers.get("sampan_risk_notes"),
        },
        Group.F12: {"notes": answers.get("sampan_needs")},
    }
    return {
        group: {name: value for name, value in fields.items() if value is not None}
        for group, fields in added.items()
    }
