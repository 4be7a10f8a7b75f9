"""Every record of every topic can be told apart by tools that know CloudEvents, and its headers tell no more."""

from __future__ import annotations

import re
from datetime import datetime

from contracts.placed import HEADER, decode_placed, encode_placed
from contracts.records import DispatchRecord
from services.delivery.step import read
from services.runtime.telemetry import traces
from tests.support.carried import WRITTEN, read_all
from tests.support.services_world import CANARIES, ServicesWorld

CLOUD = {"ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "content-type"}
ID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
SHAPES = {
    "ce_specversion": r"1\.0",
    "ce_id": rf"({ID}|{ID}/{ID}|(dispatch|regrant|status)/{ID}/{ID})",
    "ce_source": rf"(/sampan|/agencies/{ID})",
    "ce_type": r"org\.sampan\.(case-event|running-event|decision|dispatch|delivery-event)",
    "content-type": r"application/vnd\.confluent\.avro",
    traces.HEADER: r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}",
}
"""All that a header may hold, besides a time and the placing header's ids: no fact can hide in one."""


async def test_every_record_names_specification_id_source_type_and_time(told: ServicesWorld) -> None:
    """On each topic, each record has the required attributes and its content type, and no id twice."""
    for topic in WRITTEN:
        records = await read_all(told, topic)
        assert records, topic
        for record in records:
            assert set(record.headers) >= CLOUD, (topic, sorted(record.headers))
            assert datetime.fromisoformat(record.headers["ce_time"].decode()).tzinfo is not None
        named = [(record.headers["ce_source"], record.headers["ce_id"]) for record in records]
        assert sorted(set(named)) == sorted(named), topic


async def test_the_story_has_every_kind_of_dispatch_record(told: ServicesWorld) -> None:
    """What is asked of every record is asked of new dispatches, narrowed ones and changes of status."""
    kinds = {read(record).kind for record in await read_all(told, "dispatches")}
    assert kinds == set(DispatchRecord.model_fields["kind"].annotation.__args__)  # type: ignore[union-attr]


async def test_no_header_tells_a_fact(told: ServicesWorld) -> None:
    """A header holds ids, a neutral type and a time; no canary, no event's name, no country."""
    for topic in WRITTEN:
        for record in await read_all(told, topic):
            for name, value in record.headers.items():
                said = value.decode()
                assert not [canary for canary in CANARIES if canary in said]
                if name == HEADER:
                    assert encode_placed(decode_placed(value)) == value
                elif name == "ce_time":
                    assert datetime.fromisoformat(said)
                else:
                    assert re.fullmatch(SHAPES[name], said), (topic, name, said)
