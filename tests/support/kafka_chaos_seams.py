"""Faults that no signal of the system can bring about, built into a process under test and told by signals of ours.

None of them breaks a promise: a relay may lose what it sends first and send it again, a process may stand still
anywhere, a machine's clock may be wrong by hours.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final

from services.assembly import member, process
from services.relay.send import Sender
from services.runtime.clock import SystemClock
from services.runtime.log import StoredRecord
from services.runtime.log.kafka_failures import NoKafka
from services.runtime.store.port import Advance
from services.runtime.store.postgres import PostgresStore

_ARMED_SECONDS: Final = 2.0
"""A seam that nothing came by is harmless again before the run stops looking after it."""
JUMP: Final = timedelta(hours=3)
SIGNALS: Final[Mapping[str, int]] = {
    "clock-ahead": signal.SIGRTMIN + 1,
    "clock-behind": signal.SIGRTMIN + 2,
    "clock-right": signal.SIGRTMIN + 3,
    "stop-in-step": signal.SIGRTMIN + 4,
    "relay-stumbles": signal.SIGRTMIN + 5,
}


class _Armed:
    """Set by a signal; taken once, or gone by itself."""

    def __init__(self, name: str) -> None:
        self._set = threading.Event()
        signal.signal(SIGNALS[name], self._arm)

    def _arm(self, *_: object) -> None:
        self._set.set()
        timer = threading.Timer(_ARMED_SECONDS, self._set.clear)
        timer.daemon = True
        timer.start()

    def __bool__(self) -> bool:
        return self._set.is_set()

    def take(self) -> bool:
        """Whether it was set; it no longer is."""
        was = self._set.is_set()
        self._set.clear()
        return was


def make_clocks_jump() -> None:
    """The services' clock goes wrong by hours, ahead or behind, and right again."""
    wrong_by = [timedelta(0)]
    for name, jump in (("clock-ahead", JUMP), ("clock-behind", -JUMP), ("clock-right", timedelta(0))):
        signal.signal(SIGNALS[name], lambda *_, to=jump: wrong_by.__setitem__(0, to))

    class Jumping(SystemClock):
        def now(self) -> datetime:
            return super().now() + wrong_by[0]

    for module in (member, process):
        vars(module)["SystemClock"] = Jumping


def stop_in_steps() -> None:
    """The process stops itself between deciding on a step and the step's transaction, until it is resumed."""
    armed, inner = _Armed("stop-in-step"), PostgresStore.unit_of_work

    @asynccontextmanager
    async def unit_of_work(self: Any, advances: Sequence[Advance] = ()) -> AsyncIterator[Any]:
        if any(advance.to > advance.applied for advance in advances) and armed.take():
            os.kill(os.getpid(), signal.SIGSTOP)
        async with inner(self, advances) as work:
            yield work

    vars_of: Any = PostgresStore
    vars_of.unit_of_work = unit_of_work


def make_relays_stumble() -> None:
    """The first record of a partition is lost, those behind it arrive, then all are sent again."""
    armed = _Armed("relay-stumbles")
    vars_of: Any = Sender
    inner = vars_of._send

    async def send(self: Any, records: Sequence[StoredRecord]) -> None:
        if not armed:
            await inner(self, records)
            return
        first: dict[tuple[str, int], StoredRecord] = {}
        for record in records:
            first.setdefault((record.position.topic, record.position.partition), record)
        if max(Counter((r.position.topic, r.position.partition) for r in records).values()) > 1:
            armed.take()
            await inner(self, [record for record in records if record not in first.values()])
        raise NoKafka("the first batch was lost", remedy="Send it again.")

    vars_of._send = send


def build_in() -> None:
    """All of them."""
    make_clocks_jump()
    stop_in_steps()
    make_relays_stumble()
