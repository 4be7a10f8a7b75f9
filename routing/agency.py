"""One agency of the directory: who it is, which roles it holds from when to when, and how it is reached."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts.address import Address
from routing.calendar import Hours

CHANNELS: Final = ("inbox", "webhook", "primero", "kafka", "duty_phone")
APART_UNITS: Final = frozenset({"duty", "director"})
"""Units that a bare role does not reach: the night number and the director are asked for by name."""
_ANY_ZONE: Final = timedelta(days=2)
"""Two days after a day began in UTC it has begun everywhere."""


@dataclass(frozen=True, slots=True)
class Tenure:
    """A role held: from a day, up to and excluding another, both local to the agency."""

    address: Address
    valid_from: date
    valid_to: date | None = None

    def covers(self, day: date) -> bool:
        """Whether the role is held on that local day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)

    def overlaps(self, other: Tenure) -> bool:
        """Whether both are held on some common day."""
        return (self.valid_to is None or other.valid_from < self.valid_to) and (
            other.valid_to is None or self.valid_from < other.valid_to
        )


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public ed25519 key (base64) with the days on which a signature by it counts."""

    key_id: str
    public_key: str
    valid_from: date
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class Agency:
    """An agency as rules and channels see it.

    ``country`` is where it sits (empty for a regional body); ``mission_of`` the state of a mission, which so
    has two countries. ``answers_to`` are the states that can make it speak: the embassy firewall covers every
    such agency, not consulates alone. ``capacity`` is the number of people it can take in, where it shelters.
    """

    slug: str
    agency_id: UUID
    name: str
    country: str
    timezone: str
    hours: Hours
    tenures: tuple[Tenure, ...]
    mission_of: str = ""
    answers_to: tuple[str, ...] = ()
    public: bool = False
    demo: bool = False
    duty_phone: str = ""
    alternate: str = ""
    languages: tuple[str, ...] = ()
    channels: tuple[str, ...] = ("inbox",)
    capacity: int | None = None
    keys: tuple[SigningKey, ...] = field(default=(), compare=False)
    zone: ZoneInfo = field(init=False, compare=False, repr=False)
    _settled_at: datetime = field(init=False, compare=False, repr=False)
    _settled: tuple[Address, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Works out once its time zone, and the roles it holds after the last change that its tenures name."""
        object.__setattr__(self, "zone", ZoneInfo(self.timezone))
        days = [day for tenure in self.tenures for day in (tenure.valid_from, tenure.valid_to) if day]
        last = min(max(days, default=date.min), date.max - _ANY_ZONE)
        object.__setattr__(self, "_settled_at", datetime.combine(last + _ANY_ZONE, time(), UTC))
        object.__setattr__(self, "_settled", self._held_on(last + _ANY_ZONE))

    @property
    def countries(self) -> tuple[str, ...]:
        """Countries whose public holidays it keeps: its seat, and its state if it is a mission."""
        return tuple(code for code in (self.country, self.mission_of) if code)

    def addresses(self, at: datetime) -> tuple[Address, ...]:
        """The roles it holds at an instant."""
        return self._settled if at >= self._settled_at else self._held_on(at.astimezone(self.zone).date())

    def _held_on(self, day: date) -> tuple[Address, ...]:
        return tuple(tenure.address for tenure in self.tenures if tenure.covers(day))

    def holds(self, address: Address, at: datetime) -> bool:
        """Whether it holds exactly this address (unit included) at an instant."""
        return address in self.addresses(at)
