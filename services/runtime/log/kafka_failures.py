"""What goes wrong between a service and Kafka, said as one of two things: wait, or somebody must change something.

aiokafka hides a refused password behind "unable to bootstrap", so who cannot start asks the broker once more by
itself and learns why. No message here carries a password, and none of a broker's own text.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any, Final, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.conn import create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)

from contracts.errors import SampanError, SetupProblem, TryLater

START_SECONDS: Final = 15.0
_STOP_SECONDS: Final = 2.0
ASK_SECONDS: Final = 10.0
"""How long a broker may take over one question; aiokafka's own limit is 40."""

_NOT_IN: Final = (
    AuthenticationFailedError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
    IllegalSaslStateError,
)
_NOT_GRANTED: Final = (
    TopicAuthorizationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
)


class NoKafka(TryLater):
    """The brokers do not answer."""

    default_code = "no-kafka"


class KafkaRefuses(SetupProblem):
    """The brokers answer, and no: a user, password, certificate or grant is not right."""

    default_code = "kafka-refuses"


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
    if isinstance(error, _NOT_IN):
        return KafkaRefuses(
            f"Kafka does not let {_user(kafka)} in.", field="password",
            remedy="Correct that user's password, or make the user known to the brokers.",
        )  # fmt: skip
    if isinstance(error, _NOT_GRANTED):
        return KafkaRefuses(
            f"Kafka lets {_user(kafka)} in, and not at a topic that it needs.", code="kafka-not-granted",
            field="acl", remedy="Grant what contracts/topics gives that service: deploy.kafka.acls.ensure_acls.",
        )  # fmt: skip
    if isinstance(error, ssl.SSLError):
        return KafkaRefuses(
            "Kafka's certificate is not one that we trust.", field="ca_file",
            remedy="Name the authority that signed the brokers' certificates.",
        )  # fmt: skip
    return NoKafka(
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
            error = await _why(kafka) or error
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


async def _why(kafka: Mapping[str, Any]) -> Exception | None:
    """What one broker says to one connection of this user; None where that goes well."""
    options = {name: value for name, value in kafka.items() if name != "bootstrap_servers"}
    host, _, port = str(kafka["bootstrap_servers"]).split(",")[0].strip().rpartition(":")
    try:
        async with asyncio.timeout(ASK_SECONDS):
            line = await create_conn(host, int(port), **options)
    except (KafkaError, OSError, TimeoutError, ValueError) as error:
        return error
    line.close()
    return None


def _user(kafka: Mapping[str, Any]) -> str:
    return f"the user {kafka['sasl_plain_username']}" if kafka.get("sasl_plain_username") else "us"
