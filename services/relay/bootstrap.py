"""The relay, wired: a consumer of every topic whose step is done before its transaction begins."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from contracts.topics import TOPICS
from services.relay.send import Sender
from services.runtime.batch import Step
from services.runtime.consumer import ConsumerLoop, Prepare
from services.runtime.log.kafka_records import RELAY
from services.runtime.log.port import StoredRecord
from services.runtime.store.port import UnitOfWork

NAME: Final = RELAY


def bootstrap(
    *,
    kafka: Mapping[str, Any],
    prefix: str = "",
    consume: Callable[[str, Sequence[str], Step, Prepare], ConsumerLoop],
    topics: Collection[str] = tuple(TOPICS),
) -> tuple[ConsumerLoop, Sender]:
    """Wire the relay; the caller closes the sender.

    Args:
        kafka: how to reach it, in aiokafka's words.
        consume: makes the consumer loop of a name, topics, step and what is done before it.
    """
    sender = Sender(kafka, prefix=prefix)
    return consume(NAME, list(topics), _nothing, sender), sender


async def _nothing(work: UnitOfWork, records: Sequence[StoredRecord]) -> None:
    """What was sent was sent before: the position is all there is to store."""
