"""Which row is which across sendings, so that nothing is sent twice and no two people become one case.

A row's identity is its ``sampan_row_id`` where a result workbook gave it one, else a keyed digest of what
IOM's columns hold in that row. All ids of a row derive from it: case, subject, and, with the content of the
event, submission and event. The same row sent again has the same ids; a changed row is a new submission of
the same case. See ``docs/adr/0060``.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from adapters.htcds.codes import folded
from adapters.htcds.sheet import Cell, Header, Row
from contracts.errors import InvalidInput

Ids = Callable[[str, bytes], UUID]
"""(kind, content) to a stable id. Keyed by the sender, so that nobody can test a guess against an id."""

_GIVEN: Final = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([0-9a-f]{8})")
_OWN_LABEL_MAX: Final = 64
_PERSON: Final = ("prs_FirstName", "prs_SecondName", "prs_Birthdate", "prs_Gender", "prs_Citizenship")


def keyed_ids(key: bytes) -> Ids:
    """Ids by HMAC-SHA256 under the sender's own key (at least 16 bytes), shaped as UUIDv8 (RFC 9562)."""
    if len(key) < 16:
        raise InvalidInput(
            "the key for row ids is too short", code="key-too-short", remedy="Give 16 bytes or more."
        )

    def make(kind: str, content: bytes) -> UUID:
        message = len(kind).to_bytes(2, "big") + kind.encode() + content
        digest = bytearray(hmac.new(key, b"sampan htcds row 1" + message, hashlib.sha256).digest()[:16])
        digest[6] = digest[6] & 0x0F | 0x80
        digest[8] = digest[8] & 0x3F | 0x80
        return UUID(bytes=bytes(digest))

    return make


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a row is, and what the column ``sampan_row_id`` shall hold.

    ``person_changed``: the row keeps the id of an earlier sending, and name, birth date, gender or
    citizenship are no longer those of then. ``unconfirmed`` stays in the column until the sender says that
    it is the same person; then ``confirmed`` takes its place.
    """

    row: UUID
    confirmed: str
    unconfirmed: str
    person_changed: bool


def identify(row: Row, header: Header, ids: Ids) -> Identity:
    """Work out a row's identity from its raw cells, before and apart from any validation."""
    raw = {column.name: _raw(row[at]) for at, column in header.iom.items() if at in row}
    person = ids("person", canonical({name: raw.get(name, "") for name in _PERSON}))
    check = person.hex[:8]
    given = next(
        (_raw(row[at]) for at, asked in header.asked.items() if asked.name == "sampan_row_id" and at in row),
        "",
    )
    if match := _GIVEN.fullmatch(given):
        identity = UUID(match[1])
        return Identity(identity, f"{identity}.{check}", given, match[2] != check)
    # A word of the sender's own tells apart two rows that are otherwise equal. It never stands for the row
    # by itself: "A2" in this month's sheet and in last month's are two people.
    content = raw | ({"label": given[:_OWN_LABEL_MAX]} if given else {})
    identity = ids("row", canonical(content))
    written = f"{identity}.{check}"
    return Identity(identity, written, written, person_changed=False)


def canonical(content: Mapping[str, object]) -> bytes:
    """JSON with sorted keys: the bytes that a content's id is made from."""
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _raw(cell: Cell) -> str:
    if isinstance(cell.value, datetime | date):
        return cell.value.isoformat().removesuffix("T00:00:00")
    return folded(str(cell.value))
