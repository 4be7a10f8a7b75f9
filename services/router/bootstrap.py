"""The router, wired: every edge is an argument."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from contracts.ids import Random
from contracts.topic_names import CASE_EVENTS
from routing.directory import Directory
from services.router.reviews import Reviews
from services.router.step import LawInForce, RouterStep
from services.router.timers import HeardUntil, Timers, at_once
from services.runtime.consumer import ConsumerLoop, Step
from services.runtime.store.postgres import PostgresStore
from services.vault.port import VaultDoor

NAME: Final = "router"
"""Under which its positions and parked keys are kept."""


@dataclass(frozen=True, slots=True)
class RouterParts:
    """What runs of the router: the fold, the timers, the review desk."""

    consumer: ConsumerLoop
    timers: Timers
    reviews: Reviews


def bootstrap(
    *,
    store: PostgresStore,
    vault: VaultDoor,
    directory: Directory,
    law: LawInForce,
    random: Random,
    consume: Callable[[str, str, Step], ConsumerLoop],
    heard_until: HeardUntil = at_once,
) -> RouterParts:
    """Wire the router.

    Args:
        consume: makes the consumer loop of a name, topic and step.
        heard_until: see :class:`Timers`.
    """
    return RouterParts(
        consume(NAME, CASE_EVENTS, RouterStep(vault, law)),
        Timers(store, random, heard_until),
        Reviews(store, vault, directory, random),
    )
