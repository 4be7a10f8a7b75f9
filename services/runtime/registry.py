"""Who may call, and whose signature counts when: tokens (hashed, scoped, expiring) and signing keys (dated).

A token is 256 random bits, so a plain SHA-256 is as good as a slow hash: there is nothing to guess.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from contracts.errors import NotAuthentic
from contracts.ids import Random

PREFIX: Final = "sampan_"
AGENCY_SCOPE: Final = "agency"
OPERATOR_SCOPE: Final = "operator"
EDGE_SCOPE: Final = "edge"
"""An edge of an agency's own: claims and outcomes, and nothing that a person of the agency may do."""
EDGE_TOKEN_LASTS: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as its token proves."""

    agency_id: UUID
    scopes: frozenset[str]

    @property
    def is_edge_alone(self) -> bool:
        """Whether this is a machine that performs for its agency, and nobody who may read or answer."""
        return EDGE_SCOPE in self.scopes

    @property
    def is_operator(self) -> bool:
        """Whether the caller may see the machinery: lanes, and reviews without a desk."""
        return OPERATOR_SCOPE in self.scopes


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A public signing key and when it counts."""

    public_key: bytes
    valid_from: datetime
    valid_to: datetime | None

    def counts_at(self, at: datetime) -> bool:
        """Whether a signature made at ``at`` by this key counts."""
        return self.valid_from <= at and (self.valid_to is None or at < self.valid_to)


def token_hash(token: str) -> bytes:
    """What is stored instead of a token."""
    return hashlib.sha256(token.encode()).digest()


async def issue_token(
    connection: Any, agency_id: UUID, random: Random, now: datetime, *, lasts: timedelta,
    scopes: Collection[str] = (AGENCY_SCOPE,),
) -> str:  # fmt: skip
    """Make a token for an agency; it is shown once and stored hashed."""
    token = PREFIX + base64.urlsafe_b64encode(random(32)).decode().rstrip("=")
    await connection.execute(
        "insert into runtime.tokens (token_hash, agency_id, scopes, created_at, expires_at)"
        " values ($1, $2, $3, $4, $5)",
        *(token_hash(token), agency_id, sorted(scopes), now, now + lasts),
    )
    return token


async def replace_edge_token(
    connection: Any, agency_id: UUID, random: Random, now: datetime
) -> tuple[str, datetime]:
    """A new token for an agency's edge, and when it ends; earlier ones end now."""
    await connection.execute(
        "update runtime.tokens set revoked_at = $2 where agency_id = $1 and $3 = any(scopes) and revoked_at is null",
        *(agency_id, now, EDGE_SCOPE),
    )
    token = await issue_token(
        connection, agency_id, random, now, lasts=EDGE_TOKEN_LASTS, scopes=(EDGE_SCOPE,)
    )
    return token, now + EDGE_TOKEN_LASTS


async def callers(connection: Any, hashes: Iterable[bytes], now: datetime) -> dict[bytes, Caller]:
    """The callers behind token hashes; expired, revoked and unknown ones are absent."""
    rows = await connection.fetch(
        "select token_hash, agency_id, scopes from runtime.tokens"
        " where token_hash = any($1::bytea[]) and expires_at > $2 and (revoked_at is null or revoked_at > $2)",
        *(list(hashes), now),
    )
    return {row["token_hash"]: Caller(row["agency_id"], frozenset(row["scopes"])) for row in rows}


def not_authenticated() -> NotAuthentic:
    """The one answer to every token that does not hold."""
    return NotAuthentic(
        "this token is not valid", code="bad-token", field="Authorization",
        remedy="Ask the operator for a new token; tokens expire.",
    )  # fmt: skip


async def add_signing_key(
    connection: Any, agency_id: UUID, key_id: str, public_key: bytes, valid_from: datetime
) -> None:
    """Enrol a public key. The same key again changes nothing."""
    await connection.execute(
        "insert into runtime.signing_keys (agency_id, key_id, public_key, valid_from) values ($1, $2, $3, $4)"
        " on conflict do nothing",
        *(agency_id, key_id, public_key, valid_from),
    )


async def signing_keys(connection: Any, wanted: Iterable[tuple[UUID, str]]) -> dict[tuple[UUID, str], KeyRow]:
    """Public keys by (agency, key id)."""
    pairs = list(wanted)
    rows = await connection.fetch(
        "select k.agency_id, k.key_id, k.public_key, k.valid_from, k.valid_to from runtime.signing_keys k"
        " join unnest($1::uuid[], $2::text[]) as w(agency_id, key_id) using (agency_id, key_id)",
        [pair[0] for pair in pairs], [pair[1] for pair in pairs],
    )  # fmt: skip
    return {(row["agency_id"], row["key_id"]): KeyRow(*tuple(row)[2:]) for row in rows}
