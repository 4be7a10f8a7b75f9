"""The topic that is one agency's own, written from its template: ``topics/templates/partner.yaml``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final
from uuid import UUID

from contracts.topics import Topic, load_topic

_FILE: Final = Path(__file__).with_name("topics") / "templates" / "partner.yaml"
PARTNER_TOPIC: Final = load_topic(_FILE.read_text(encoding="utf-8"), _FILE.name)
"""The template; its name has a place for the agency's id."""


def partner_topic(agency_id: UUID) -> Topic:
    """The topic of the agency with that random id: a name that tells a stranger nothing."""
    return replace(PARTNER_TOPIC, topic=PARTNER_TOPIC.topic.format(agency_id=agency_id))
