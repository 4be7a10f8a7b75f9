"""The directory: which agency holds which role, where, from when to when. Text in, values out.

Rules route to roles; this module answers who that is on a given day. A wrong answer here tells a stranger, so
loading refuses what is ambiguous (:mod:`routing.directory_checks`) and resolving never falls back to somebody
else: an address that nobody holds resolves to nobody.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID

from contracts.address import Address, parse_address
from contracts.errors import InvalidInput, NotFound
from contracts.roles import Role
from routing.agency import APART_UNITS, Agency, SigningKey
from routing.calendar import Calendar, Hours, load_holidays
from routing.directory_checks import check_agencies, unheld_roles
from routing.directory_text import read_agencies

_ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Directory:
    """Agencies by slug and id, their calendar, and the questions that routing asks of them.

    ``hash`` is stable over file order and formatting; signing keys and display names of channels do not enter
    it, so enrolling a key does not change what old receipts say they were decided with.
    """

    agencies: tuple[Agency, ...]
    calendar: Calendar
    hash: str
    warnings: tuple[str, ...]
    _by_slug: Mapping[str, Agency]
    _by_id: Mapping[UUID, Agency]
    _by_role: Mapping[tuple[str, str], tuple[Agency, ...]]
    _sides: Mapping[tuple[str, bool], tuple[Agency, ...]]
    _state_sides: Mapping[str, tuple[Agency, ...]]
    _written: Mapping[str, Address]
    _changes: tuple[date, ...]

    @classmethod
    def load(cls, texts: Mapping[str, str]) -> Directory:
        """Read all files of a region: name → text. A file with ``holidays`` is the calendar.

        Raises:
            InvalidInput: ``directory-…`` with ``file:line`` and what to mend.
        """
        calendar, agencies = Calendar(), []
        for file, text in sorted(texts.items()):
            if "\nholidays:" in "\n" + text:
                calendar = load_holidays(text, file)
            else:
                agencies += read_agencies(text, file)
        check_agencies(agencies)
        return cls.of((read.agency for read in agencies), calendar)

    @classmethod
    def of(cls, agencies: Iterable[Agency], calendar: Calendar) -> Directory:
        """Build from checked agencies."""
        ordered = tuple(sorted(agencies, key=lambda agency: agency.slug))
        by_role: dict[tuple[str, str], list[Agency]] = {}
        for agency in ordered:
            for role, country in sorted({(t.address.role, t.address.country) for t in agency.tenures}):
                by_role.setdefault((role, country), []).append(agency)
        countries = sorted({c for a in ordered for c in (*a.countries, *a.answers_to)})
        return cls(
            agencies=ordered,
            calendar=calendar,
            hash=_hash(ordered, calendar),
            warnings=unheld_roles(ordered),
            _by_slug={agency.slug: agency for agency in ordered},
            _by_id={agency.agency_id: agency for agency in ordered},
            _by_role={key: tuple(found) for key, found in by_role.items()},
            _sides={
                (country, foreign): tuple(a for a in ordered if _is_of_side(a, country, foreign))
                for country in countries
                for foreign in (True, False)
            },
            _state_sides={c: tuple(a for a in ordered if c in a.answers_to) for c in countries},
            _written={str(t.address): t.address for a in ordered for t in a.tenures},
            _changes=tuple(sorted({d for a in ordered for t in a.tenures for d in (t.valid_from, t.valid_to) if d})),
        )

    def read(self, text: str) -> Address:
        """An address as written; those that somebody holds were read when the directory was loaded.

        Raises:
            InvalidInput: as :func:`contracts.address.parse_address`.
        """
        return self._written.get(text) or parse_address(text)

    # -- who is meant ------------------------------------------------------------------------------------
    def resolve(self, address: Address, at: datetime) -> tuple[Agency, ...]:
        """The agencies an address means at an instant, by slug order; empty when nobody holds it.

        Several only where units share a role (IDA@SG), or for ``any@CC`` and ``state@CC``. ``ROLE@CC/duty``
        falls back to the holders of ROLE@CC that have a duty phone. A consulate without its state (CON@TH)
        means nobody: it would tell every embassy in town; :meth:`holders` lists them.

        Raises:
            InvalidInput: a relation (owner, requester …), which only a case can resolve.
        """
        if address.is_relation:
            raise InvalidInput(
                "a relation is not in the directory",
                code="not-an-agency",
                field="to",
                remedy="Only a case knows who that is; write ROLE@CC.",
            )
        if address.role == "any":
            return self.agencies_of_side(address.country)
        if address.role == "state":
            return self.state_side(address.country)
        if address.role == Role.CON and not address.state:
            return ()
        held = tuple(a for a in self._candidates(address) if any(_means(address, h) for h in a.addresses(at)))
        if held or address.unit != "duty":
            return held
        return tuple(a for a in self.resolve(replace(address, unit=""), at) if a.duty_phone)

    def period(self, at: datetime) -> int | None:
        """A number for the stretch of time in which nobody's roles change; None near a change.

        A local day is the UTC day, the one before or the one after; where no change falls on the UTC day or the
        next, all three lie between the same changes, and every address means whom it meant at ``period``'s others.
        """
        day = at.astimezone(UTC).date()
        number = bisect_right(self._changes, day)
        settled = number == 0 or self._changes[number - 1] < day
        ahead = self._changes[number] if number < len(self._changes) else date.max
        return number if settled and ahead - day > _ONE_DAY else None

    def holders(self, role: str, country: str, at: datetime) -> tuple[Agency, ...]:
        """Who holds a role in a country; for CON every mission posted there."""
        return tuple(
            agency
            for agency in self._by_role.get((role, country), ())
            if any(
                held.role == role and held.country == country and held.unit not in APART_UNITS
                for held in agency.addresses(at)
            )
        )

    def missions(self, state: str, post: str, at: datetime) -> tuple[Agency, ...]:
        """The missions of a state posted in a country."""
        return self.resolve(Address(Role.CON, post, state), at)

    def agencies_of_side(self, country: str, *, foreign_missions: bool = True) -> tuple[Agency, ...]:
        """``any@CC``: every agency of or in a country, and its missions anywhere.

        In a consent's ``to`` another state's mission is never meant: pass ``foreign_missions=False``.
        """
        return self._sides.get((country, foreign_missions), ())

    def state_side(self, country: str) -> tuple[Agency, ...]:
        """``state@CC``: whoever answers to that state: its public bodies, its missions, and the like."""
        return self._state_sides.get(country, ())

    def _candidates(self, address: Address) -> tuple[Agency, ...]:
        return self._by_role.get((address.role, address.country), ())

    # -- one agency --------------------------------------------------------------------------------------
    def by_slug(self, slug: str) -> Agency:
        """Look an agency up.

        Raises:
            NotFound: no such agency.
        """
        if slug not in self._by_slug:
            raise NotFound(
                "no such agency",
                code="unknown-agency",
                field="agency",
                remedy="`sampan agencies` lists them.",
            )
        return self._by_slug[slug]

    def by_id(self, agency_id: UUID) -> Agency:
        """Look an agency up by its random id, under which the bus knows it.

        Raises:
            NotFound: no such agency.
        """
        if agency_id not in self._by_id:
            raise NotFound("no such agency", code="unknown-agency", field="agency")
        return self._by_id[agency_id]

    def has(self, slug: str) -> bool:
        """Whether an agency of that slug is listed."""
        return slug in self._by_slug

    def is_open(self, agency: Agency, at: datetime) -> bool:
        """Whether its desk is staffed."""
        return self.calendar.is_open(at, agency.hours, agency.zone, agency.countries)

    def next_working_instant(self, agency: Agency, at: datetime) -> datetime:
        """The first instant from ``at`` on at which its desk is staffed."""
        return self.calendar.next_working_instant(at, agency.hours, agency.zone, agency.countries)

    def working_days(self, agency: Agency) -> Callable[[date], bool]:
        """Its calendar as :func:`contracts.durations.add` wants it: whether a local day is a working day."""
        hours = Hours() if agency.hours.always else agency.hours
        return lambda day: self.calendar.is_working_day(day, hours, agency.countries)

    def with_keys(self, slug: str, keys: Iterable[SigningKey]) -> Directory:
        """The same directory with further signing keys of one agency (enrolled while running)."""
        agency = self.by_slug(slug)
        more = replace(agency, keys=(*agency.keys, *keys))
        return Directory.of((more if a.slug == slug else a for a in self.agencies), self.calendar)


def _is_of_side(agency: Agency, country: str, foreign_missions: bool) -> bool:
    if agency.mission_of == country or country in agency.answers_to:
        return True
    return agency.country == country and (foreign_missions or not agency.mission_of)


def _means(asked: Address, held: Address) -> bool:
    if (asked.role, asked.country) != (held.role, held.country):
        return False
    if asked.state and asked.state != held.state:
        return False
    return asked.unit == held.unit if asked.unit else held.unit not in APART_UNITS


def _hash(agencies: tuple[Agency, ...], calendar: Calendar) -> str:
    rows = [
        [
            a.slug, str(a.agency_id), a.country, a.mission_of, sorted(a.answers_to), a.public, a.timezone,
            sorted(a.hours.days), str(a.hours.opens), str(a.hours.closes), a.hours.always, a.alternate,
            bool(a.duty_phone), list(a.channels),
            sorted([str(t.address), str(t.valid_from), str(t.valid_to)] for t in a.tenures),
        ]
        for a in agencies
    ]  # fmt: skip
    days = {country: sorted(map(str, rest)) for country, rest in sorted(calendar.holidays.items())}
    return hashlib.sha256(json.dumps([rows, days], separators=(",", ":")).encode()).hexdigest()
