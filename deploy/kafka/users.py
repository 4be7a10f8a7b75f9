"""SASL/SCRAM users of a cluster: made, given another password, removed.

Requests by hand, because aiokafka has none for it: DescribeUserScramCredentials and AlterUserScramCredentials, both
version 0 (KIP-554). The salted password is computed here (RFC 5802, ``Hi``), so the password itself never travels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    CompactArray,
    CompactBytes,
    CompactString,
    Int8,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

from contracts.errors import SetupProblem
from deploy.kafka.refusals import NOT_GRANTED_CODES, KafkaRefuses

ITERATIONS: Final = 8192
"""Kafka's own minimum is 4096, https://kafka.apache.org/documentation/#security_sasl_scram."""
SALT_BYTES: Final = 32
_SHA_512: Final = 2  # org.apache.kafka.clients.admin.ScramMechanism
_ABSENT: Final = 91  # RESOURCE_NOT_FOUND
_TEXT: Final = CompactString("utf-8")
_NO_TAGS: Final[Mapping[int, bytes]] = {}


def salted_password(password: str, salt: bytes) -> bytes:
    """``Hi(password, salt, ITERATIONS)`` of RFC 5802 with SHA-512: 64 bytes.

    Args:
        password: ASCII, so that no preparation (SASLprep) changes it.
    """
    return hashlib.pbkdf2_hmac("sha512", password.encode("ascii"), salt, ITERATIONS)


async def has_user(client: AIOKafkaAdminClient, user: str) -> bool:
    """Whether the cluster knows a password of this user.

    Raises:
        KafkaRefuses, SetupProblem: as :func:`set_password`.
    """
    answer = await client._send_to_controller(_Describe(user))
    _check(user, answer.error_code)
    ((_, code, *_),) = answer.results
    if code == _ABSENT:
        return False
    _check(user, code)
    return True


async def set_password(client: AIOKafkaAdminClient, user: str, password: str, salt: bytes) -> None:
    """Make the user, or give it another password; the earlier one is good no more for a new connection.

    Raises:
        KafkaRefuses: ``users-not-granted``; ours is no administrator.
        SetupProblem: ``user-refused``; the cluster keeps no SCRAM users, or has no room.
    """
    made = (user, _SHA_512, ITERATIONS, salt, salted_password(password, salt), _NO_TAGS)
    answer = await client._send_to_controller(_Alter([], [made]))
    ((_, code, *_),) = answer.results
    _check(user, code)


async def remove_user(client: AIOKafkaAdminClient, user: str) -> bool:
    """Forget the user's password; says whether there was one.

    Raises:
        KafkaRefuses, SetupProblem: as :func:`set_password`.
    """
    answer = await client._send_to_controller(_Alter([(user, _SHA_512, _NO_TAGS)], []))
    ((_, code, *_),) = answer.results
    if code == _ABSENT:
        return False
    _check(user, code)
    return True


def _check(user: str, code: int) -> None:
    if code in NOT_GRANTED_CODES:
        raise KafkaRefuses("This user may not make or remove users.", code="users-not-granted", field="user",
                           remedy="Connect as an administrator: SAMPAN_BROKERS__USER.")  # fmt: skip
    if code != 0:
        raise SetupProblem(f"Kafka does not alter the user {user} ({for_code(code).__name__})", code="user-refused",
                           remedy="Look at the brokers' log.")  # fmt: skip


class _AlterResponse(Response):  # type: ignore[misc] # aiokafka ships no types
    API_KEY = 51
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "results",
            CompactArray(("user", _TEXT), ("error_code", Int16), ("error_message", _TEXT), ("tags", TaggedFields)),
        ),
        ("tags", TaggedFields),
    )


class _AlterRequest(RequestStruct):  # type: ignore[misc]
    FLEXIBLE_VERSION = True
    API_KEY = 51
    API_VERSION = 0
    RESPONSE_TYPE = _AlterResponse
    SCHEMA = Schema(
        ("deletions", CompactArray(("name", _TEXT), ("mechanism", Int8), ("tags", TaggedFields))),
        (
            "upsertions",
            CompactArray(
                ("name", _TEXT), ("mechanism", Int8), ("iterations", Int32), ("salt", CompactBytes),
                ("salted_password", CompactBytes), ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )  # fmt: skip


class _Alter(Request[_AlterRequest]):  # type: ignore[misc]
    API_KEY = 51

    def __init__(self, deletions: Iterable[Any], upsertions: Iterable[Any]) -> None:
        self._said = list(deletions), list(upsertions)

    def build(self, request_struct_class: Any) -> Any:
        return request_struct_class(*self._said, _NO_TAGS)


class _DescribeResponse(Response):  # type: ignore[misc]
    API_KEY = 50
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        ("error_message", _TEXT),
        (
            "results",
            CompactArray(
                ("user", _TEXT), ("error_code", Int16), ("error_message", _TEXT),
                ("credentials", CompactArray(("mechanism", Int8), ("iterations", Int32), ("tags", TaggedFields))),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )  # fmt: skip


class _DescribeRequest(RequestStruct):  # type: ignore[misc]
    FLEXIBLE_VERSION = True
    API_KEY = 50
    API_VERSION = 0
    RESPONSE_TYPE = _DescribeResponse
    SCHEMA = Schema(("users", CompactArray(("name", _TEXT), ("tags", TaggedFields))), ("tags", TaggedFields))


class _Describe(Request[_DescribeRequest]):  # type: ignore[misc]
    API_KEY = 50

    def __init__(self, user: str) -> None:
        self._user = user

    def build(self, request_struct_class: Any) -> Any:
        return request_struct_class([(self._user, _NO_TAGS)], _NO_TAGS)
