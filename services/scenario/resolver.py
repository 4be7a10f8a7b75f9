"""Addresses of a scenario through the directory."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from contracts.address import Address
from contracts.durations import add, parse_duration
from routing.directory import Directory


class DirectoryResolver:
    """Answers which agencies an address of a scenario names."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory

    def slugs(self, address: Address, at: datetime) -> frozenset[str]:
        """Slugs of the agencies; empty for a relation and for what nobody holds."""
        if address.is_relation:
            return frozenset()
        return frozenset(agency.slug for agency in self.directory.resolve(address, at))

    def everybody(self) -> frozenset[str]:
        """All agencies."""
        return frozenset(agency.slug for agency in self.directory.agencies)

    def after(self, start: datetime, duration: str, agency: str | None) -> datetime:
        """``start`` plus a duration in that agency's zone and calendar; UTC where there is no agency.

        Raises:
            InvalidInput: not a duration.
        """
        length = parse_duration(duration)
        if agency is None or not self.directory.has(agency):
            return add(start, length, ZoneInfo("UTC"))
        owner = self.directory.by_slug(agency)
        return add(start, length, owner.zone, self.directory.working_days(owner))
