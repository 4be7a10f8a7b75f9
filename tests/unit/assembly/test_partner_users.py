"""How an agency's user on the brokers is named."""

from __future__ import annotations

from contracts.topics import DISPATCHES, TOPICS
from services.assembly.partner_cli import named


def test_two_instances_on_one_cluster_share_no_user() -> None:
    """An agency that both know is another user with another prefix: neither reads the other's notices."""
    topic = TOPICS[DISPATCHES]
    users = [named(topic, prefix).user for prefix in ("", "north-", "south-")]
    assert users == [topic.topic, "north-" + topic.topic, "south-" + topic.topic]
