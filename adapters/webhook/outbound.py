"""A signed, thin notice over HTTP: Standard Webhooks 1.0.0 with ed25519 (``v1a``).

The body says that one item waits and where in the feed it stands, nothing of the case; the recipient
fetches it with its own credentials, which leaves a trace. The webhook id is the dispatch's alias, the same in
every attempt, so that a second attempt is seen for what it is. The signature covers id, timestamp, raw body.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from adapters.channels.effect import Effect
from adapters.exchange import Call, Exchange, NoReply, Reply, Verdict
from contracts.errors import NotAuthentic

EFFECT = Effect.KEYED
EVENT_TYPE: Final = "sampan.item.waiting"
TOLERANCE_SECONDS: Final = 300
"""How far a timestamp may lie from the receiver's clock; the specification leaves the number to us."""

Sign = Callable[[bytes], bytes]
"""Message to 64-byte ed25519 signature."""
Verify = Callable[[bytes, bytes], bool]
"""(signature, message) to whether it holds, for one public key."""


def body_of(dispatch: UUID, cursor: int) -> bytes:
    """The same bytes in every attempt."""
    data = {"data": {"cursor": cursor, "dispatch": str(dispatch)}, "type": EVENT_TYPE}
    return json.dumps(data, separators=(",", ":")).encode()


def signed_text(webhook_id: str, timestamp: int, body: bytes) -> bytes:
    """What is signed: id, timestamp and raw body joined by dots."""
    return b".".join((webhook_id.encode(), str(timestamp).encode(), body))


def render(dispatch: UUID, cursor: int, *, path: str, timestamp: int, signers: Iterable[Sign]) -> Exchange:
    """One attempt at one notice.

    Args:
        path: of the recipient's address, from its directory row.
        timestamp: Unix seconds of this attempt.
        signers: one a key that is current; two while a key is being changed.
    """
    body, webhook_id = body_of(dispatch, cursor), str(dispatch)
    message = signed_text(webhook_id, timestamp, body)
    signatures = " ".join("v1a," + base64.b64encode(sign(message)).decode() for sign in signers)
    headers = {
        "content-type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signatures,
    }
    return Notice(Call("POST", path, body=body, headers=headers, effect=EFFECT))


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice on its way. Keyed: whatever is not known to have arrived is sent again under the same id."""

    call: Call = field(repr=False)

    def after(self, reply: Reply | NoReply) -> Verdict:
        if isinstance(reply, NoReply):
            return Verdict("later", reply.code)
        if 200 <= reply.status < 300:
            return Verdict("delivered", "webhook-taken")
        if reply.status == 410:
            return Verdict(
                "refused", "webhook-gone", remedy="The recipient switched this address off; ask it why."
            )
        return Verdict("later", "webhook-not-taken", retry_after_seconds=reply.retry_after_seconds)


def verify(headers: Mapping[str, str], body: bytes, keys: Iterable[Verify], *, now: int) -> str:
    """Check a notice as its receiver: any current key, any of the signatures, a timestamp near ``now``.

    Args:
        headers: names in any case.
        body: the raw bytes as received, before any parsing.
        now: Unix seconds on the receiver's clock.

    Returns:
        The webhook id. Two notices with one id are one: keep the ids seen, at least for the tolerance.

    Raises:
        NotAuthentic: a header is missing or garbled, the time is off, no signature holds.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    webhook_id, stamp, given = (lower.get(f"webhook-{part}", "") for part in ("id", "timestamp", "signature"))
    if not webhook_id or not given or not re.fullmatch(r"[0-9]{1,12}", stamp):
        raise NotAuthentic(
            "the notice carries no complete signature",
            code="webhook-unsigned",
            remedy="Check that webhook-id, webhook-timestamp and webhook-signature arrive.",
        )
    if abs(int(stamp) - now) > TOLERANCE_SECONDS:
        raise NotAuthentic(
            "the notice is too old, or the clocks differ",
            code="webhook-stale",
            field="webhook-timestamp",
            remedy="Check this machine's clock.",
        )
    message = signed_text(webhook_id, int(stamp), body)
    signatures = [_decoded(part[4:]) for part in given.split(" ")[:16] if part.startswith("v1a,")]
    if not any(key(signature, message) for key in keys for signature in signatures):
        raise NotAuthentic(
            "no signature of the notice holds",
            code="webhook-signature",
            remedy="Compare the public key with the one that Sampan shows for you.",
        )
    return webhook_id


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
