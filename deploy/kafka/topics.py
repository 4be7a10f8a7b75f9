"""Create Sampan's topics on a cluster, or see that those which are there keep what ``contracts/topics`` promises.

Nothing that exists is ever altered: more partitions would send a case's later events past its earlier ones,
and a shorter retention would have lost something already. Both are refused with what to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)

from contracts.errors import SampanError, SetupProblem, TryLater
from contracts.topics import TOPICS, Topic
from deploy.kafka.access import Access
from deploy.kafka.ready import admin
from deploy.kafka.refusals import GRANT, NOT_GRANTED_CODES, KafkaRefuses, reason, refusal
from deploy.kafka.topic_plan import TopicPlan, plan_topic

_SEEN_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.05
_REPLICAS_MAX: Final = 3


async def ensure_topics(
    access: Access,
    topics: Iterable[Topic] | None = None,
    *,
    prefix: str = "",
    replicas: int | None = None,
) -> tuple[str, ...]:
    """Create the topics that are missing, check those that exist; returns the names that were created.

    Args:
        access: as a user who may create and describe topics.
        topics: all of ``contracts/topics`` if not given.
        prefix: put before each name, so that a test has topics of its own.
        replicas: of each partition; as many as there are brokers, three at most, if not given. State it where
            brokers may be down while topics are created.

    Raises:
        SetupProblem: ``topic-differs``, one exists with other partitions, replicas or settings: names topic and
            remedy; ``topic-refused``, the cluster will not create one.
        KafkaRefuses: this user may not come in, or may not see or create one of them.
        TryLater: ``no-kafka``, nobody answers.
    """
    wanted = tuple(TOPICS.values() if topics is None else topics)
    try:
        async with admin(access) as client:
            kept = replicas or min(_REPLICAS_MAX, len((await client.describe_cluster())["brokers"]))
            plans = [plan_topic(topic, replicas=kept, prefix=prefix) for topic in wanted]
            existing = await _existing(client)
            created = await _create(client, [plan for plan in plans if plan.name not in existing])
            existing = await _seen(client, {plan.name for plan in plans})
            settings = await _settings(client, [plan.name for plan in plans])
            if replicas is None:
                plans = [
                    plan_topic(topic, replicas=max(kept, _fewest(existing[plan.name])), prefix=prefix)
                    for topic, plan in zip(wanted, plans, strict=True)
                ]
    except (KafkaError, OSError, TimeoutError) as problem:
        raise await _said(problem, access) from None
    for plan in plans:
        _check(plan, existing[plan.name], settings[plan.name])
    return created


async def _said(problem: BaseException, access: Access) -> SampanError:
    """A refusal as one, at once; anything else is worth another try."""
    kafka = access.for_aiokafka()
    if isinstance(problem, KafkaConnectionError):
        problem = await reason(kafka) or problem
    return refusal(problem, kafka) or TryLater(
        f"Kafka at {access.bootstrap} does not answer ({type(problem).__name__})",
        code="no-kafka",
        remedy="Start it (here: make kafka-up), or correct its address.",
    )


async def _existing(client: AIOKafkaAdminClient) -> dict[str, list[dict[str, Any]]]:
    """Partitions by topic, as any broker tells them."""
    return {topic["topic"]: topic["partitions"] for topic in await client.describe_topics()}


async def _create(client: AIOKafkaAdminClient, plans: list[TopicPlan]) -> tuple[str, ...]:
    if not plans:
        return ()
    wanted = [
        NewTopic(plan.name, plan.partitions, plan.replicas, topic_configs=dict(plan.settings))
        for plan in plans
    ]
    answer = await client.create_topics(wanted)
    created = []
    for name, code, *_ in answer.topic_errors:
        if code == 0:
            created.append(name)
        elif code in NOT_GRANTED_CODES:
            raise KafkaRefuses(
                f"The topic {name} is not there, or this user may not see it; nor may it create topics",
                code="topic-not-granted",
                field="acl",
                remedy="As an administrator: sampan kafka topics, which creates them and grants each service its own.",
            )
        elif (
            code != TopicAlreadyExistsError.errno
        ):  # another process was quicker; it is checked like the rest
            raise SetupProblem(
                f"Kafka does not create the topic {name} ({for_code(code).__name__})",
                code="topic-refused",
                remedy="Look at the brokers' log; with three replicas all three must be up.",
            )
    return tuple(sorted(created))


async def _seen(client: AIOKafkaAdminClient, names: set[str]) -> dict[str, list[dict[str, Any]]]:
    """Wait until the broker that answers has heard of all of ``names``, and each partition has a leader."""
    async with asyncio.timeout(_SEEN_SECONDS):
        existing = await _existing(client)
        while not _all_led(existing, names):
            await asyncio.sleep(_POLL_SECONDS)
            existing = await _existing(client)
    return existing


def _all_led(existing: Mapping[str, list[dict[str, Any]]], names: set[str]) -> bool:
    return names <= existing.keys() and all(
        existing[name] and all(partition["leader"] >= 0 for partition in existing[name]) for name in names
    )


async def _settings(client: AIOKafkaAdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    """Settings by topic; waits for the broker that answers this time, which may be another, to know all."""
    wanted = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    async with asyncio.timeout(_SEEN_SECONDS):
        told = _resources(await client.describe_configs(wanted))
        while any(code == UnknownTopicOrPartitionError.errno for code, *_ in told):
            await asyncio.sleep(_POLL_SECONDS)
            told = _resources(await client.describe_configs(wanted))
    for code, _, _, name, _ in told:
        if code != 0:
            raise KafkaRefuses(
                f"Kafka does not tell how the topic {name} is set ({for_code(code).__name__})",
                code="topic-not-granted",
                field="acl",
                remedy=GRANT,
            )
    return {name: {entry[0]: entry[1] for entry in entries} for _, _, _, name, entries in told}


def _resources(answers: Iterable[Any]) -> list[Any]:
    return [resource for answer in answers for resource in answer.resources]


def _fewest(partitions: list[dict[str, Any]]) -> int:
    """How many replicas every partition has at least; brokers that are down count here, as they will come back."""
    return min(len(partition["replicas"]) for partition in partitions)


def _check(plan: TopicPlan, partitions: list[dict[str, Any]], settings: Mapping[str, str]) -> None:
    if len(partitions) != plan.partitions:
        raise _differs(
            plan.name,
            f"{len(partitions)} partitions instead of {plan.partitions}",
            "A partition count never changes: let Sampan use a cluster (or a topic prefix) without this topic.",
        )
    fewest = _fewest(partitions)
    if fewest < plan.replicas:
        raise _differs(
            plan.name,
            f"{fewest} replicas instead of {plan.replicas}",
            "Add replicas with kafka-reassign-partitions, then start again.",
        )
    for name, value in plan.settings.items():
        if settings.get(name) != value:
            raise _differs(
                plan.name,
                f"{name}={settings.get(name)} instead of {value}",
                f"Set it with kafka-configs --alter --topic {plan.name} --add-config {name}={value}",
            )


def _differs(topic: str, how: str, remedy: str) -> SetupProblem:
    return SetupProblem(f"The topic {topic} has {how}", code="topic-differs", remedy=remedy)
