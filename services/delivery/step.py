"""The fold of ``dispatches``: each new dispatch enters its recipient's feed and the lanes of its channels."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from uuid import UUID, uuid5

from contracts.codec import decode
from contracts.errors import InvalidInput
from contracts.records import DispatchRecord
from contracts.sealing.framing import unframe
from services.delivery import store
from services.delivery.edge_keys import own_edges
from services.delivery.partner_topics import News, PartnerNotices
from services.delivery.store import LaneEntry
from services.runtime.failures import NotOurs
from services.runtime.log.port import LogPosition, StoredRecord
from services.runtime.store.port import UnitOfWork
from services.runtime.telemetry.traces import HEADER, batch_span

ChannelsOf = Callable[[UUID, bool], Sequence[str]]
"""The channels by which a recipient wants to be told beside its inbox, first choice first.

The second argument says whether the recipient runs an edge of its own.
"""

_LANE_NAMESPACE = UUID("7a0a26b5-4a4b-4a86-9a0e-3b8d0c2f6f11")


def lane_id(case_id: UUID, recipient: UUID, channel: str) -> UUID:
    """A lane's id follows from what it is, so two writers make the same lane."""
    return uuid5(_LANE_NAMESPACE, f"{case_id}/{recipient}/{channel}")


class DeliveryStep:
    """``step`` for the consumer loop. Pure of keys: it never opens what it schedules."""

    def __init__(self, channels_of: ChannelsOf, notices: PartnerNotices) -> None:
        self._channels_of, self._notices = channels_of, notices

    async def __call__(self, work: UnitOfWork, records: Sequence[StoredRecord]) -> None:
        """Apply records in order. A run of new dispatches is stored together; the rest one by one."""
        with batch_span("delivery.step", [record.headers.get(HEADER) for record in records]):
            await self._apply(work, [(read(record), record.position) for record in records])

    async def _apply(self, work: UnitOfWork, entries: Sequence[tuple[DispatchRecord, LogPosition]]) -> None:
        run: list[DispatchRecord] = []
        for entry, at in entries:
            if entry.kind == "dispatch":
                run.append(entry)
                continue
            await self._take(work, run)
            run = []
            await self._change(work, entry, at)
        await self._take(work, run)

    async def _take(self, work: UnitOfWork, entries: Sequence[DispatchRecord]) -> None:
        distinct = list({entry.dispatch_id: entry for entry in entries}.values())
        if not distinct:
            return
        new = await store.insert(work.connection, distinct, work.now)
        fresh = [entry for entry in distinct if entry.dispatch_id in new]
        await store.feed(work.connection, [(_recipient(entry), entry.dispatch_id) for entry in fresh])
        await self._notify(work, [_news(entry) for entry in fresh])
        own = await self._own_edges(work, {_recipient(entry) for entry in fresh})
        lanes = [lane for entry in fresh for lane in self._lanes(entry, _recipient(entry) in own)]
        await store.enter_lanes(work.connection, lanes, work.now)

    async def _own_edges(self, work: UnitOfWork, recipients: Collection[UUID]) -> set[UUID]:
        """Who runs an edge of its own, among those for whom that makes a difference."""
        asked = [r for r in recipients if self._channels_of(r, True)[:1] != self._channels_of(r, False)[:1]]
        return await own_edges(work.connection, asked) if asked else set()

    def _lanes(self, entry: DispatchRecord, own_edge: bool) -> list[LaneEntry]:
        if entry.via is not None:  # a call task: a person telephones, no machine sends
            return []
        recipient = _recipient(entry)
        return [
            LaneEntry(
                lane_id(entry.case_id, recipient, channel),
                entry.case_id,
                recipient,
                channel,
                entry.dispatch_id,
            )
            for channel in self._channels_of(recipient, own_edge)[:1]
        ]

    async def _change(self, work: UnitOfWork, entry: DispatchRecord, at: LogPosition) -> None:
        if entry.kind == "status" and entry.status is not None:
            await store.apply_status(work.connection, entry.dispatch_id, entry.status)
            return
        narrowed = await store.apply_regrant(work.connection, entry, at)
        if narrowed is None:
            return
        await self._notify(
            work,
            [News(narrowed.recipient, narrowed.alias, narrowed.case_id, entry.event_id, entry.dispatch_id)],
        )
        if not entry.recalled:
            return
        channels = await store.told_channels(work.connection, entry.dispatch_id)
        recalls = [
            LaneEntry(lane_id(narrowed.case_id, narrowed.recipient, channel), narrowed.case_id,
                      narrowed.recipient, channel, entry.dispatch_id, "recall")
            for channel in channels
        ]  # fmt: skip
        await store.enter_lanes(work.connection, recalls, work.now)

    async def _notify(self, work: UnitOfWork, news: Sequence[News]) -> None:
        """Tell agencies that read Kafka themselves where to look."""
        wanted = [one for one in news if self._notices.wants(one.recipient)]
        if wanted:
            cursors = await store.cursors(work.connection, [one.dispatch_id for one in wanted])
            for one in wanted:
                work.emit(self._notices.record(one, cursors[one.dispatch_id], work.now))


def _news(entry: DispatchRecord) -> News:
    if entry.alias is None:
        raise NotOurs("a dispatch without its recipient's name for it")
    return News(_recipient(entry), entry.alias, entry.case_id, entry.event_id, entry.dispatch_id)


def _recipient(entry: DispatchRecord) -> UUID:
    if entry.recipient is None:
        raise NotOurs("a dispatch without a recipient")
    return entry.recipient


def read(record: StoredRecord) -> DispatchRecord:
    """The dispatch record inside a log record.

    Raises:
        NotOurs: bytes that no router of ours wrote.
    """
    try:
        return decode(DispatchRecord, unframe(record.value)[1])
    except InvalidInput:
        raise NotOurs("not a dispatch record") from None
