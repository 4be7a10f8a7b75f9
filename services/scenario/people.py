"""From people to events: which facts and groups an event about a person carries, and whose case it is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Final

from contracts.facts import Facts
from services.scenario.canaries import planted_in, values_for
from services.scenario.driver import Entry
from services.scenario.model import Emit, Person, Step

_REARRANGES: Final = frozenset({"CasesMerged", "CaseSplit"})
"""Events that say who shares a case from then on, not who did before."""


class Cast:
    """The people of one run.

    What is known of a person (citizenship, age …) is stated with the first accepted event about her. People
    who appear together in an event share a case; a child (``child_of``) has one of its own.
    """

    def __init__(self, people: dict[str, Person], steps: Iterable[Step], start: datetime) -> None:
        self._people = people
        self._start = start
        self._births = {step.id: step.at for step in steps}
        self._cases = _cases(people, steps)
        self._stated: set[str] = set()
        self.planted: set[str] = set()

    def entries(self, emit: Emit) -> tuple[Entry, ...]:
        """The event's people, mothers before their children, with what the event says of each."""
        about = sorted(emit.about, key=lambda name: self._people[name].child_of in emit.about)
        return tuple(self._entry(self._people[name], emit) for name in about)

    def cannot_rearrange(self, emit: Emit) -> str:
        """Why cases cannot be merged or split as this event says; empty where nothing would have to move."""
        cases = {self._cases[name] for name in emit.about}
        if emit.event == "CasesMerged" and len(cases) > 1:
            return "Sampan records that cases were merged and tells those who hold them; it does not make one of two"
        others = [name for name, case in self._cases.items() if case in cases and name not in emit.about]
        if emit.event == "CaseSplit" and others:
            return "Sampan records that a case was split and tells those who hold it; it does not make two of one"
        return ""

    def accepted(self, emit: Emit) -> None:
        """The event was folded: what it said of its people need not be said again."""
        self._stated |= set(emit.about)

    def _entry(self, person: Person, emit: Emit) -> Entry:
        known = {} if person.name in self._stated else self._known(person)
        if "F1" in emit.seal.get(person.name, {}):
            # The edge reads an age off what is sealed; the day she turns eighteen must not move with it.
            known |= self._age(self._dated(person))
        if emit.facts.age is not None or emit.facts.child_until is not None:
            known = {key: value for key, value in known.items() if key not in ("age", "child_until")}
        facts = (
            Facts.model_validate({**known, **emit.facts.model_dump(exclude_none=True)})
            if known
            else emit.facts
        )
        groups = {}
        for group, given in emit.seal.get(person.name, {}).items():
            groups[group] = values_for(self._dated(person), group, given)
            self.planted |= planted_in(groups[group], group)
        return Entry(person.name, self._cases[person.name], facts, groups, person.child_of)

    def _dated(self, person: Person) -> Person:
        """A baby is born on the day of its step."""
        if person.born is None and person.born_in_step in self._births:
            born = self._births[person.born_in_step].date()
            return Person(person.name, person.role, person.line, born=born, sex=person.sex)
        return person

    def _known(self, person: Person) -> dict[str, Any]:
        known: dict[str, Any] = {
            "citizenship": list(person.citizenship)
            if isinstance(person.citizenship, tuple)
            else person.citizenship,
            "claims_citizenship": list(person.claims_citizenship) if person.claims_citizenship else None,
            "residence_at_entry": person.residence_at_entry,
            "papers": person.papers,
            **self._age(self._dated(person)),
        }
        if any(other.suspected and person.name in other.of for other in self._people.values()):
            known["family_suspected"] = True
        return {key: value for key, value in known.items() if value is not None}

    def _age(self, person: Person) -> dict[str, Any]:
        if person.born is not None:
            return {"child_until": _birthday(person.born, 18)}
        if isinstance(person.age, int):
            # Only the years are known: the eighteenth birthday is taken to be the clock's day of the year.
            return {"child_until": _birthday(self._start.date(), 18 - person.age)}
        return {"age": person.age} if person.age else {}


def _birthday(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return date(day.year + years, 3, 1)


def _cases(people: dict[str, Person], steps: Iterable[Step]) -> dict[str, str]:
    """Person → name of the case: the first person of those who appear together."""
    case = {name: name for name in people}
    for step in steps:
        if not isinstance(step.action, Emit) or step.action.event in _REARRANGES:
            continue
        together = [name for name in step.action.about if people[name].child_of is None]
        for name in together[1:]:
            old, new = case[name], case[together[0]]
            case = {who: new if what == old else what for who, what in case.items()}
    return case
