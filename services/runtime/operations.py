"""What operators did to the machinery: who, when, why, where. Rows are added and never altered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from contracts.errors import InvalidInput

REASON_MAX: Final = 200
_ACT: Final = """
    insert into operations.acts (act, place, said_by, reason, acted_at) values ($1, $2, $3, $4, $5)
    returning act_id
"""


@dataclass(frozen=True, slots=True)
class Said:
    """Who does something, why, and when it is."""

    by: str
    reason: str
    at: datetime


def checked_reason(reason: str) -> str:
    """The reason without blanks around it.

    Raises:
        InvalidInput: ``bad-reason``; there is none, or it is longer than :data:`REASON_MAX` characters.
    """
    if not reason.strip() or len(reason) > REASON_MAX:
        raise InvalidInput("the reason is empty or too long", code="bad-reason", field="--reason",
                           remedy=f"Say it in up to {REASON_MAX} characters, naming no person.")  # fmt: skip
    return reason.strip()


async def record_act(connection: Any, act: str, place: str, said: Said) -> int:
    """Keep an act in the transaction that does it; returns its number."""
    number: int = await connection.fetchval(_ACT, act, place, said.by, said.reason, said.at)
    return number
