"""Whether a cluster says no or says nothing: the first somebody must put right, the second may pass by itself.

aiokafka hides a refused password behind "unable to bootstrap", so :func:`reason` asks one broker once more and
learns why. No sentence here carries a password, and none of a broker's own text.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any, Final

from aiokafka.conn import create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)

from contracts.errors import SetupProblem

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
GRANT: Final = "As an administrator: sampan kafka topics, which grants each service what it needs."
NOT_GRANTED_CODES: Final = frozenset(error.errno for error in _NOT_GRANTED)


class KafkaRefuses(SetupProblem):
    """The brokers answer, and no: a user, password, certificate or grant is not right."""

    default_code = "kafka-refuses"


def refusal(error: BaseException, kafka: Mapping[str, Any]) -> KafkaRefuses | None:
    """``error`` as a refusal; None where it is none.

    Args:
        kafka: how the cluster was reached, in aiokafka's words.
    """
    if isinstance(error, _NOT_IN):
        return KafkaRefuses(
            f"Kafka does not let {_user(kafka)} in.", field="password",
            remedy="Correct that user's password, or make the user known to the brokers.",
        )  # fmt: skip
    if isinstance(error, _NOT_GRANTED):
        return KafkaRefuses(
            f"Kafka lets {_user(kafka)} in, and not at a topic that it needs.", code="kafka-not-granted",
            field="acl", remedy=GRANT,
        )  # fmt: skip
    if isinstance(error, ssl.SSLError):
        return KafkaRefuses(
            "Kafka's certificate is not one that we trust.", field="ca_file",
            remedy="Name the authority that signed the brokers' certificates.",
        )  # fmt: skip
    return None


async def reason(kafka: Mapping[str, Any]) -> Exception | None:
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
