"""What goes wrong between a service and Kafka, said as one of two things: wait, or somebody must change something.

What counts as a refusal stands in ``deploy.kafka.refusals``. No message here carries a password, and none of a
broker's own text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError

from contracts.errors import SampanError, TryLater
from deploy.kafka.refusals import ASK_SECONDS, KafkaRefuses, reason, refusal

__all__ = ["ASK_SECONDS", "KafkaRefuses", "NoKafka", "asking", "give_up", "said", "start", "stop"]

START_SECONDS: Final = 15.0
_STOP_SECONDS: Final = 2.0


class NoKafka(TryLater):
    """The brokers do not answer."""

    default_code = "no-kafka"


class Client(Protocol):
    """What aiokafka's producer and consumer have in common."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...


class asking:  # noqa: N801 (reads as a statement)
    """Kafka's failures as ours.

    Args:
        kafka: how it is reached, in aiokafka's words; the user is named to whom it concerns.
    """

    def __init__(self, kafka: Mapping[str, Any]) -> None:
        self._kafka = kafka

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (KafkaError, OSError, TimeoutError)):
            raise said(error, self._kafka) from None


def said(error: BaseException, kafka: Mapping[str, Any]) -> SampanError:
    """``error`` as ours."""
    return refusal(error, kafka) or NoKafka(
        f"Kafka does not answer ({type(error).__name__}).", remedy="Start it, or correct its address."
    )


async def start(client: Client, kafka: Mapping[str, Any]) -> None:
    """Start ``client``, or stop it again.

    Raises:
        NoKafka: nobody answers in time.
        KafkaRefuses: who answers does not let this user in.
    """
    try:
        async with asyncio.timeout(START_SECONDS):
            await client.start()
    except BaseException as error:
        await stop(client)
        if isinstance(error, KafkaConnectionError):
            error = await reason(kafka) or error
        if isinstance(error, (KafkaError, OSError, TimeoutError)):
            raise said(error, kafka) from None
        raise


async def stop(client: Client) -> None:
    """Let ``client`` go, and no connection of it stay."""
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await client.stop()
    except (KafkaError, OSError, TimeoutError):
        await _lines(client).close()


async def give_up(producer: AIOKafkaProducer) -> None:
    """Let ``producer`` go without sending what it holds: it would wait for brokers that do not answer."""
    producer._message_accumulator.fail_all(KafkaError("given up"))
    await producer.client.close()  # ends what is under way
    await stop(producer)


def _lines(client: Any) -> Any:
    # One names it in public, the other does not.
    return client.client if isinstance(client, AIOKafkaProducer) else client._client
