"""Who may write the topics of the log on Kafka."""

from __future__ import annotations

from contracts.topics import TOPICS
from deploy.kafka.acls import Operation, relay_acls, service_acls


def _writers(topic: str) -> set[str]:
    grants = (*service_acls(), *relay_acls())
    return {acl.user for acl in grants if (acl.name, acl.operation) == (topic, Operation.WRITE)}


def test_the_relay_alone_writes_the_topics_of_the_log() -> None:
    """No service could forge on Kafka what another one decided; each buries what it cannot read."""
    for name, topic in sorted(TOPICS.items()):
        others = set(topic.producers) if name.endswith("-dlq") else set()
        assert _writers(name) == {"relay"} | others, name
