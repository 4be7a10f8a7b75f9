"""What Sampan itself finds enters case-events in one form, whichever of its rooms found it."""

from __future__ import annotations

import pytest

from adapters.exchange import Reply
from contracts.codec import decode
from contracts.errors import NotFound
from contracts.records import RunningEvent
from contracts.roles import Group
from contracts.sealing import unframe
from contracts.topic_names import CASE_EVENTS
from services.runtime.log import StoredRecord
from tests.support.lane_play import MINISTRY, refer
from tests.support.lane_targets import ToldChannel
from tests.support.services_world import ServicesWorld


async def findings(world: ServicesWorld) -> list[tuple[RunningEvent, StoredRecord]]:
    heads = await world.store.log.heads(CASE_EVENTS)
    records = await world.store.log.read_many(CASE_EVENTS, dict.fromkeys(heads, -1), 1000)
    ours = [r for r in records if r.headers["ce_type"] == b"org.sampan.running-event"]
    return [(decode(RunningEvent, unframe(record.value)[1]), record) for record in ours]


async def test_every_finding_is_a_cloud_event(hooked: ServicesWorld, hook: ToldChannel) -> None:
    """A missed deadline, a failed delivery and a refused opening name specification, id, source, type and time."""
    hook.answers = [Reply(410)]
    await refer(hooked)
    await hooked.instance.settle()
    ministry = hooked.agency(MINISTRY)
    (item,) = (await hooked.instance.inbox.page(ministry, 0, 10)).items
    with pytest.raises(NotFound):
        await hooked.instance.inbox.open(ministry, item.dispatch, [Group.F8])
    hooked.clock.advance(30 * 24 * 3600)
    await hooked.instance.settle()
    found = await findings(hooked)
    assert {event.kind for event, _ in found} >= {"DeadlineDue", "DeliveryFailed", "DisclosureRefused"}
    for event, record in found:
        assert record.headers == {
            "ce_specversion": b"1.0",
            "ce_id": str(event.event_id).encode(),
            "ce_source": b"/sampan",
            "ce_type": b"org.sampan.running-event",
            "ce_time": event.at.isoformat().encode(),
            "content-type": b"application/vnd.confluent.avro",
        }
