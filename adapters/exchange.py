"""A conversation with another system as a pure value: the call to make now, and what follows its answer.

    step = outbound.render(...)
    while isinstance(step, Exchange):
        step = step.after(await channel.perform(step.call))
    # step is a Verdict

Later calls depend on earlier answers, so an exchange is a small state machine, not a list. It holds no
connection and no clock; whoever runs it may stop between two steps and start again from the first, since
every exchange that is not keyed reads the other side before it acts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol, runtime_checkable

from adapters.channels.effect import Effect
from contracts.private import MASK

_SECONDS: Final = re.compile(r"[0-9]{1,8}")
_RETRY_AFTER_SECONDS_MAX: Final = 86_400


@dataclass(frozen=True, slots=True)
class Call:
    """One request. ``json`` is encoded by the channel; ``body`` is sent as it stands (signed bytes).

    ``effect`` says what happens if it is sent twice. Neither body prints: both hold case content.
    """

    method: Literal["GET", "POST", "PATCH", "PUT", "DELETE"]
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    json: Any = field(default=None, repr=False)
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    effect: Effect = Effect.REPEATABLE


@dataclass(frozen=True, slots=True)
class Reply:
    """The other system's answer. ``json`` is None where there was none or it was not JSON."""

    status: int
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case

    @property
    def retry_after_seconds(self) -> int | None:
        """``Retry-After`` in seconds (RFC 9110, 10.2.3), a day at most; None where it says no number."""
        value = self.headers.get("retry-after", "")
        return min(int(value), _RETRY_AFTER_SECONDS_MAX) if _SECONDS.fullmatch(value) else None

    def __repr__(self) -> str:
        return f"Reply(status={self.status}, json={MASK})"


@dataclass(frozen=True, slots=True)
class NoReply:
    """No answer. ``sent`` False: nothing left us, safe to repeat. ``sent`` True: the effect is unknown."""

    sent: bool
    code: str  # no-connection, no-address, timeout, broken-connection, reply-too-large


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an exchange ended, for the lane. It carries codes and names of fields, never a value.

    ``delivered``  the other side holds it
    ``refused``    the other side, or our mapping to it, will not have it; repeating cannot help
    ``later``      nothing happened, or what happened is safe to repeat
    ``unknown``    something may have happened; read the other side before acting again
    """

    state: Literal["delivered", "refused", "later", "unknown"]
    code: str
    field: str | None = None
    remedy: str | None = None
    remote_id: str | None = None
    remote_status: str | None = None  # FHIR Task.status
    retry_after_seconds: int | None = None
    kept_as_text: tuple[str, ...] = ()  # fields of ours that the other side did not keep in its own fields


@runtime_checkable
class Exchange(Protocol):
    """A conversation that waits for the answer to ``call``."""

    @property
    def call(self) -> Call: ...

    def after(self, reply: Reply | NoReply) -> Exchange | Verdict:
        """What follows: the next step, or how it ended. Never raises on what another system says."""
        ...


def judge(exchange: Exchange, replies: Iterable[Reply | NoReply]) -> Exchange | Verdict:
    """Fold answers into an exchange; an exchange comes back if more answers are needed."""
    step: Exchange | Verdict = exchange
    for reply in replies:
        if isinstance(step, Verdict):
            break
        step = step.after(reply)
    return step
