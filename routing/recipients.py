"""Whom an address means, and as what: the directory's answer, in the role in which each is told."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from routing.agency import Agency
from routing.directory import Directory

Recipients = tuple[tuple[Agency, str], ...]
"""Agencies, each with the role address in which it is told."""

ADDRESSES_KEPT: Final = 4096
"""Addresses a law remembers the meaning of."""


def recipients(directory: Directory, address: str, at: datetime) -> Recipients:
    """Who an address means at an instant. A bare role, ``any@`` and ``state@`` are told in a role the agency holds.

    Raises:
        InvalidInput: the address cannot be read, or is a relation.
    """
    wanted = directory.read(address)
    found = []
    for agency in directory.resolve(wanted, at):
        held = [
            a for a in agency.addresses(at)
            if (a.role, a.country) == (wanted.role, wanted.country) and wanted.state in ("", a.state)
            and (not wanted.unit or a.unit == wanted.unit)
        ] or agency.addresses(at)  # fmt: skip
        told = address if wanted.unit or not held or wanted.role != held[0].role else str(held[0])
        if wanted.role in ("any", "state") and held:
            told = str(held[0])
        found.append((agency, told))
    return tuple(found)
