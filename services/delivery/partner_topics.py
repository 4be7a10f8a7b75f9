"""Notices on the topics of agencies that read Kafka themselves.

A notice is written in the transaction that takes a dispatch in or narrows it, so it is there if and only if the
inbox is; whoever follows up on it finds what it speaks of. It says where to look, never what is there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from contracts.partner_topics import partner_topic
from contracts.records import PartnerNotice
from contracts.schema_ids import schema_id
from contracts.topics import Topic
from routing.directory import Directory
from services.runtime.log.cloud_events import own_record
from services.runtime.log.port import NewRecord

CHANNEL: Final = "kafka"
_PARTNER_NOTICE: Final = schema_id("partner_notice.v1")
AliasOf = Callable[[str, UUID, UUID], UUID]
"""(kind, true id, recipient) → what the recipient calls it."""


@dataclass(frozen=True, slots=True)
class News:
    """What a recipient's inbox has that it has not been told of. True ids, but for ``alias``."""

    recipient: UUID
    alias: UUID
    case_id: UUID
    event_id: UUID
    dispatch_id: UUID


def partner_topics(directory: Directory) -> tuple[Topic, ...]:
    """The topics that the directory's agencies want: what a cluster must have, and a relay carry."""
    return tuple(
        partner_topic(agency.agency_id) for agency in directory.agencies if CHANNEL in agency.channels
    )


class PartnerNotices:
    """Writes notices; names and keys are such as only their reader can join to anything."""

    def __init__(self, directory: Directory, alias_of: AliasOf) -> None:
        self._alias_of = alias_of
        self._topics = {agency.agency_id: partner_topic(agency.agency_id).topic
                        for agency in directory.agencies if CHANNEL in agency.channels}  # fmt: skip

    def wants(self, recipient: UUID) -> bool:
        """Whether this agency has a topic of its own."""
        return recipient in self._topics

    def record(self, news: News, cursor: int, now: datetime) -> NewRecord:
        """The notice of one item. Told under its case as the agency knows it, so a case's notices keep their order."""
        to = news.recipient
        return own_record(
            self._topics[to], self._alias_of("case", news.case_id, to), _PARTNER_NOTICE,
            PartnerNotice(dispatch=news.alias, cursor=cursor, at=now),
            ce_id=f"{news.alias}/{self._alias_of('event', news.event_id, to)}",
            ce_type="org.sampan.partner-notice", at=now,
        )  # fmt: skip
