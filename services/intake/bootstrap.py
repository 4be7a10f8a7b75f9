"""Intake, wired: every edge is an argument."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from contracts.ids import Random
from contracts.topic_names import DISPATCHES
from routing.directory import Directory
from services.intake.aliases import AliasStep, CatchUp
from services.intake.batcher import Batcher, SubmitMany
from services.intake.submit import Intake
from services.runtime.consumer import ConsumerLoop, Step
from services.runtime.log import LogReader
from services.runtime.store.postgres import PostgresStore
from services.vault.port import VaultDoor


@dataclass(frozen=True, slots=True)
class IntakeParts:
    """What runs of intake: the taking in, its group commit, and the learning of aliases."""

    intake: Intake
    batcher: Batcher
    aliases: ConsumerLoop


def bootstrap(
    *,
    store: PostgresStore,
    vault: VaultDoor,
    directory: Directory,
    instance_id: UUID,
    random: Random,
    consume: Callable[[str, str, Step], ConsumerLoop],
    counted: Callable[[SubmitMany], SubmitMany],
    may_accept: Callable[[], None],
    told_in: Sequence[LogReader] = (),
) -> IntakeParts:
    """Wire intake.

    Args:
        consume: makes the consumer loop of a name, topic and step.
        counted: wraps the taking in with counters.
        may_accept: see :class:`Batcher`.
        told_in: the logs of other databases, as their tables have them, in which routers tell of dispatches.
    """
    aliases = consume("intake-aliases", DISPATCHES, AliasStep(vault.alias))
    intake = Intake(store, vault, directory, instance_id, random, CatchUp(aliases, store, told_in))
    return IntakeParts(intake, Batcher(counted(intake.submit_many), may_accept=may_accept), aliases)
