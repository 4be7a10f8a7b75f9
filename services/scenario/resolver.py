"""Addresses of a scenario through the directory."""

from __future__ import annotations

from datetime import datetime

from contracts.address import Address
from routing.directory import Directory


class DirectoryResolver:
    """Answers the scenario's question: which agencies does this address name?"""

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
