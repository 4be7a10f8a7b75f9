"""Delivery, wired: every edge is an argument."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from contracts.ids import Random
from contracts.topic_names import DISPATCHES
from routing.directory import Directory
from services.delivery.attempts import Attempts
from services.delivery.desk import LaneDesk
from services.delivery.edges import EdgeDesk
from services.delivery.inbox import Inbox
from services.delivery.partner_topics import PartnerNotices
from services.delivery.step import DeliveryStep
from services.delivery.worker import Worker
from services.edge.opening import Opener
from services.edge.perform import Performer
from services.edge.release import Releaser
from services.edge.targets import Targets
from services.edge.tell import Teller
from services.runtime.consumer import ConsumerLoop, Step
from services.runtime.store.postgres import PostgresStore
from services.vault.port import VaultDoor


@dataclass(frozen=True, slots=True)
class DeliveryParts:
    """What runs of delivery: the fold, the worker of lanes, the inbox, and the desks of operator and own edges."""

    consumer: ConsumerLoop
    worker: Worker
    inbox: Inbox
    desk: LaneDesk
    edges: EdgeDesk


def bootstrap(
    *,
    store: PostgresStore,
    vault: VaultDoor,
    directory: Directory,
    targets: Targets,
    owner: str,
    random: Random,
    uniform: Callable[[float, float], float],
    consume: Callable[[str, str, Step], ConsumerLoop],
) -> DeliveryParts:
    """Wire delivery and the edge that opens and sends for agencies.

    Args:
        targets: where agencies' own systems are.
        owner: this process's name among the claimers of lanes.
        uniform: jitter of retries.
        consume: makes the consumer loop of a name, topic and step.
    """
    opener = Opener(vault, store.log)
    performer = Performer(opener, vault, directory, targets)
    attempts = Attempts(store, random, uniform)
    return DeliveryParts(
        consume(
            "delivery",
            DISPATCHES,
            DeliveryStep(performer.channels_of, PartnerNotices(directory, vault.alias)),
        ),
        Worker(store, performer, attempts, owner),
        Inbox(store, vault, opener, directory, random),
        LaneDesk(store, directory),
        EdgeDesk(store, directory, attempts, Releaser(vault, store.log, Teller(vault, directory))),
    )
