"""Which faults befall a run on Kafka, whom and for how long: pure, from a seed, so that a run can be repeated."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

SERVICES: Final = ("intake", "router", "delivery", "relay")
MEMBERS: Final = tuple(f"{service}-{number}" for service in SERVICES for number in (1, 2))
BROKERS: Final = ("1", "2", "3")
LEASE_SECONDS: Final = 2.0
"""Of the processes under test, so that a pause of seconds outlasts it; fifteen in service."""

KINDS: Final[Mapping[str, tuple[Sequence[str], float, float]]] = {
    "kill-broker": (BROKERS, 1.0, 6.0),
    "kill-two-brokers": (BROKERS, 1.0, 4.0),
    "pause-broker": (BROKERS, 4.0, 12.0),
    "full-disk": (BROKERS, 1.0, 4.0),
    "kill-service": (SERVICES, 0.2, 3.0),
    "pause-service": (SERVICES, 2 * LEASE_SECONDS, 4 * LEASE_SECONDS),
    "stop-in-step": (("router", "delivery"), 3 * LEASE_SECONDS, 4 * LEASE_SECONDS),
    "relay-stumbles": (("relay",), 2.0, 3.0),
    "clock-ahead": (("router", "relay"), LEASE_SECONDS, 2 * LEASE_SECONDS),
    "clock-behind": (("router", "relay"), LEASE_SECONDS, 2 * LEASE_SECONDS),
    "restart-postgres": (("database",), 0.2, 1.5),
    "crash-postgres": (("database",), 0.2, 1.0),
}
"""Kind → whom it may befall, and between how many seconds it lasts.

A paused broker holds its connections and answers nobody, beyond its session with the controllers (3 s): to all
others that is a broker cut off. Of a service's two processes it befalls the one that holds the leases: the pause
lasts beyond them, and at times beyond a claim (5 s). One that is stopped in a step stops itself, between deciding on
the step and its transaction. A relay that stumbles loses what it sends first, and sends it again behind the rest.

Two brokers: the one named and the next; the controllers have no majority then. A full disk: the broker may write no
file beyond its present size (``RLIMIT_FSIZE``), so Kafka meets an error at its next append, as on a full one.
Clocks go wrong by hours; delivery's and intake's do not, since they date what others wait for.
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong. ``after_seconds``: since its share of cases was let go."""

    kind: str
    target: str
    after_seconds: float
    seconds: float

    @property
    def is_of_a_broker(self) -> bool:
        """Whether a broker suffers it: these come one by one, beside everything else."""
        return self.target in BROKERS


def plan(seed: int, count: int, among: Collection[str] = tuple(KINDS)) -> list[Fault]:
    """``count`` faults of the kinds ``among``; every kind comes before any comes again."""
    chance = random.Random(seed)
    kinds: list[str] = []
    while len(kinds) < count:
        kinds += chance.sample(sorted(among), len(among))
    return [_fault(chance, kind) for kind in kinds[:count]]


def _fault(chance: random.Random, kind: str) -> Fault:
    targets, shortest, longest = KINDS[kind]
    return Fault(kind, chance.choice(targets), chance.uniform(0, 0.5), chance.uniform(shortest, longest))
