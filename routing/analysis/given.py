"""Facts as somebody writes them down, made into what rules see: places, sides and nationality follow from them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts.errors import InvalidInput
from contracts.yaml_text import LocatedDict
from routing.conditions import View, known_values
from routing.state import Recorded, SubjectState
from routing.view import view_of
from routing.vocabulary import FACTS, STATED, TRUE, UNSET

_NOBODY: Final = UUID(int=0)
_NO_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)
_AS_WORDS: Final = frozenset({"handover_point", "order_until", "accompanied_by"})
"""Facts whose stated form is a record of its own; here they are given as rules see them."""


def seen_from(given: View) -> View:
    """Facts given in closed words, and what follows from them (place, origin, foreigner …).

    What is given prevails over what would follow; a fact that is neither is unset.
    """
    facts = {name: _plain(name, value) for name, value in given.items() if name in STATED and name not in _AS_WORDS}
    facts = {name: value for name, value in facts.items() if value not in (None, [])}
    record = Recorded(
        event_id=_NOBODY, event="", case_id=_NOBODY, subject=_NOBODY, child_of=None, subjects=(), emitter=None,
        emitter_address=_address(given), owner="", occurred_at=_NO_TIME, recorded_at=_NO_TIME,
    )  # fmt: skip
    view = view_of(SubjectState(_NOBODY), facts, record, _NO_TIME, ZoneInfo("UTC"), False, ())
    follows = {name: value for name, value in view.items() if name not in ("event", "origin_told")}
    return {name: value for name, value in {**follows, **given}.items() if value not in (UNSET, frozenset({UNSET}))}


def _plain(name: str, value: str | frozenset[str]) -> Any:
    if isinstance(value, frozenset):
        known = sorted(value - {UNSET})
        return known[0] if name == "citizenship" and known and len(known[0]) != 2 else known
    if value == UNSET:
        return None
    return value == TRUE if {TRUE, "false"} <= FACTS[name].values else value


def _address(given: View) -> str | None:
    role, country = given.get("emitter_role"), given.get("emitter_country")
    return f"{role}@{country}" if role and country else None


def read_pairs(pairs: Iterable[str]) -> View:
    """Facts written as ``found_in=TH``, ``exploitation=ForcedLabour,Servitude``.

    Raises:
        InvalidInput: ``bad-facts``: not a pair, an unknown fact or value; names the nearest known word.
    """
    row = LocatedDict("facts", 1)
    for pair in pairs:
        fact, equals, values = pair.partition("=")
        if not equals or not fact or not values:
            raise InvalidInput("not a fact", code="bad-facts", field="FACTS",
                               remedy="Write fact=value, such as found_in=TH citizenship=LA.")  # fmt: skip
        row[fact.strip()] = [value.strip() for value in values.split(",")]
    return read_facts(row)


def read_facts(row: LocatedDict) -> View:
    """Facts of a mapping, in the words of conditions.

    Raises:
        InvalidInput: an unknown fact or value, or several values of a fact that has one.
    """
    found: dict[str, str | frozenset[str]] = {}
    for fact in row:
        values = known_values(row, fact, row[fact])
        if not FACTS[fact].several and len(values) != 1:
            raise InvalidInput(f"a person has one {fact} at a time", code="bad-facts", field=row.where(fact),
                               remedy="Give one value.")  # fmt: skip
        found[fact] = values if FACTS[fact].several else next(iter(values))
    return found


