"""Who may do what on a cluster: each service writes and reads the topics that ``contracts/topics`` gives it.

Written for Kafka's StandardAuthorizer with ``allow.everyone.if.no.acl.found=false``: what is not listed is
denied. A service's user bears the name of its folder.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import for_code
from aiokafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest, DescribeAclsRequest

from contracts.errors import SetupProblem
from contracts.topics import TOPICS, Topic
from deploy.kafka.access import Access
from deploy.kafka.ready import admin


class Operation(IntEnum):
    """Kafka's numbers, org.apache.kafka.common.acl.AclOperation."""

    READ = 3
    WRITE = 4
    DESCRIBE = 8
    DESCRIBE_CONFIGS = 10


class Resource(IntEnum):
    """Kafka's numbers, org.apache.kafka.common.resource.ResourceType."""

    TOPIC = 2
    GROUP = 3


_OURS: Final = frozenset(Resource)
_RIGHTS: Final = frozenset(Operation)
_LOOK: Final = (Operation.DESCRIBE, Operation.DESCRIBE_CONFIGS)  # each checks at start that its topics are as declared
DEAD_LETTERS: Final = "-dlq"
_ANY: Final = 1
_LITERAL: Final = 3
_ALLOW: Final = 3
_HEED_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True, order=True)
class Acl:
    """``user`` may do ``operation`` on the topic or consumer group of that very name, from any host."""

    user: str
    operation: Operation
    name: str
    resource: Resource = Resource.TOPIC


def service_acls(topics: Iterable[Topic] | None = None, *, prefix: str = "") -> tuple[Acl, ...]:
    """What each producing or consuming service needs; consumers assign, so they need no group.

    A service appends to its database's log, and the relay carries: on Kafka it writes dead letters alone. Whoever could
    write a topic of the log there could say what another service decided.
    """
    return tuple(
        Acl(service, operation, prefix + topic.topic)
        for topic in (TOPICS.values() if topics is None else topics)
        for services, right in ((topic.producers, Operation.WRITE), (topic.consumers, Operation.READ))
        for service in services
        for operation in (right, *_LOOK)
        if operation is not Operation.WRITE or topic.topic.endswith(DEAD_LETTERS)
    )


def relay_acls(topics: Iterable[Topic] | None = None, *, prefix: str = "") -> tuple[Acl, ...]:
    """What the relay needs: it alone carries to Kafka what every service appended."""
    return tuple(
        Acl("relay", operation, prefix + topic.topic)
        for topic in (TOPICS.values() if topics is None else topics)
        for operation in (Operation.WRITE, *_LOOK)
    )


def partner_acls(user: str, topic: str) -> tuple[Acl, ...]:
    """One partner's own topic, to read with whatever client it likes, in consumer groups named like the topic."""
    return (
        Acl(user, Operation.READ, topic),
        Acl(user, Operation.DESCRIBE, topic),
        Acl(user, Operation.READ, topic, Resource.GROUP),
    )


async def ensure_acls(access: Access, acls: Iterable[Acl]) -> None:
    """Add what is missing and wait until every broker heeds it. Nothing is ever taken away here.

    Raises:
        SetupProblem: ``acl-refused``.
        TimeoutError: a broker does not hear of it within half a minute.
    """
    wanted = frozenset(acls)
    async with admin(access) as client:
        brokers = [broker["node_id"] for broker in (await client.describe_cluster())["brokers"]]
        await _create(client, sorted(wanted - await _in_force(client, brokers)))
        async with asyncio.timeout(_HEED_SECONDS):
            while not wanted <= await _in_force(client, brokers):  # noqa: ASYNC110 - brokers tell nobody
                await asyncio.sleep(_POLL_SECONDS)


async def remove_acls(access: Access, user: str) -> None:
    """Take every grant of ``user`` away, and wait until no broker heeds one any more.

    Raises:
        SetupProblem: ``acl-refused``.
        TimeoutError: a broker does not hear of it within half a minute.
    """
    async with admin(access) as client:
        brokers = [broker["node_id"] for broker in (await client.describe_cluster())["brokers"]]
        everything = DeleteAclsRequest(_ANY, None, _ANY, f"User:{user}", None, _ANY, _ANY)
        for code, *_ in (await client._send_to_controller(everything)).filter_responses:
            if code != 0:
                raise SetupProblem(f"Kafka does not take {user}'s grants away ({for_code(code).__name__})",
                                   code="acl-refused", remedy="Connect as a super user.")  # fmt: skip
        async with asyncio.timeout(_HEED_SECONDS):
            while any(acl.user == user for acl in await _heeded_by_some(client, brokers)):  # noqa: ASYNC110 - as above
                await asyncio.sleep(_POLL_SECONDS)


class _CreateAcls(CreateAclsRequest):  # type: ignore[misc] # aiokafka ships no types
    """Many grants in one request, which aiokafka's own class does not do: one commit of the metadata log."""

    def __init__(self, acls: Iterable[Acl]) -> None:
        self._acls = tuple(acls)

    def build(self, request_struct_class: Any) -> Any:
        return request_struct_class(
            [
                (acl.resource, acl.name, _LITERAL, f"User:{acl.user}", "*", acl.operation, _ALLOW)
                for acl in self._acls
            ]
        )


async def _create(client: AIOKafkaAdminClient, missing: Sequence[Acl]) -> None:
    if not missing:
        return
    # aiokafka knows the request and names no call for it.
    answer = await client._send_to_controller(_CreateAcls(missing))
    for acl, (code, *_) in zip(missing, answer.creation_responses, strict=True):
        if code != 0:
            raise SetupProblem(
                f"Kafka does not let {acl.user} at {acl.name} be granted ({for_code(code).__name__})",
                code="acl-refused",
                remedy="Connect as a super user, to brokers that have an authorizer.",
            )


async def _in_force(client: AIOKafkaAdminClient, brokers: Iterable[int]) -> frozenset[Acl]:
    """What every one of ``brokers`` heeds: they hear of a new grant one after the other."""
    return frozenset.intersection(*[await _heeded_by(client, broker) for broker in brokers])


async def _heeded_by_some(client: AIOKafkaAdminClient, brokers: Iterable[int]) -> frozenset[Acl]:
    return frozenset[Acl]().union(*[await _heeded_by(client, broker) for broker in brokers])


async def _heeded_by(client: AIOKafkaAdminClient, broker: int) -> frozenset[Acl]:
    everything = DescribeAclsRequest(_ANY, None, _ANY, None, None, _ANY, _ANY)
    return frozenset(_acls_in(await client._send_request_to_node(broker, everything)))


def _acls_in(answer: Any) -> Iterator[Acl]:
    for resource, name, pattern, grants in answer.resources:
        for principal, _, operation, permission in grants:
            if (pattern, permission) == (_LITERAL, _ALLOW) and resource in _OURS and operation in _RIGHTS:
                yield Acl(principal.removeprefix("User:"), Operation(operation), name, Resource(resource))
