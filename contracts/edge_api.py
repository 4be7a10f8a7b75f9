"""What an agency's own edge and the hub say to each other over HTTP. No fact of a case stands here in clear."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field

from contracts.api import Wire

LIMIT_MAX = 16
WAIT_SECONDS_MAX = 20.0


class Asked(BaseModel):
    """Base of requests: what we do not know is refused, not passed over."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class EdgeKey(Asked):
    """``POST /v1/edge/keys``: the public key that this agency's edge holds the private part of."""

    public_key: Annotated[Base64Bytes, Field(max_length=4096)]


class EdgeEnrolled(Wire):
    """The key counts from now on, and no earlier one; the token speaks for the edge alone and is shown once."""

    agency: str
    agency_id: UUID
    key_id: str
    token: str
    token_expires_at: datetime
    channels: list[str]  # what the edge performs from now on, and the hub no longer


class EdgeAsk(Asked):
    """``POST /v1/edge/claims``: up to ``limit`` attempts, waiting for the first if none is due."""

    key_id: Annotated[str, Field(max_length=64)]
    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX)] = 1
    wait_seconds: Annotated[float, Field(ge=0, le=WAIT_SECONDS_MAX)] = 0


class EdgeClaim(Wire):
    """The right to make one attempt. ``order`` and ``keys`` are sealed to the edge's key, bound to ``dispatch``."""

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    attempt: UUID
    dispatch: UUID  # the recipient's alias
    channel: str
    order: bytes
    keys: bytes | None = None


class EdgeClaims(Wire):
    """Attempts that are this edge's until they run out.

    ``call_within_seconds`` counts from the claim; ``waited_seconds`` is how long the request waited before it, so
    that an edge knows from its own clock alone how much of the time the line has eaten.
    """

    claims: list[EdgeClaim]
    call_within_seconds: float
    waited_seconds: float


class EdgeOutcome(Asked):
    """``POST /v1/edge/outcomes``: what an attempt came to. Codes and never a value; the same again changes nothing."""

    attempt: UUID
    verdict: Literal["delivered", "refused", "later", "unknown"]
    code: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    retry_after_seconds: Annotated[int | None, Field(ge=0, le=86_400)] = None


class EdgeRecorded(Wire):
    """``recorded``: False where an outcome stood already; the first one counts."""

    recorded: bool
