"""What intake refuses although the bytes are in order: whose they are, when, what they claim."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from contracts.codec import encode, fingerprint
from contracts.control import ControlPayload, ControlSubject
from contracts.errors import NotAllowed, NotAuthentic
from contracts.sealing import (
    CONTROL,
    Header,
    PlainSlot,
    SealedEvent,
    decode_event,
    decode_submission,
    encode_event,
    encode_submission,
    open_manifest,
    seal_submission,
)
from contracts.sealing.manifest import encode_manifest, manifest_info
from contracts.sealing.signatures import sign
from services.intake.candidate import Handed
from services.runtime import registry
from tests.support.services_world import ServicesWorld

REPORT = ControlPayload(event="IdentificationRequested")


async def test_an_altered_signature(world: ServicesWorld) -> None:
    """One flipped bit of the signature: refused, nothing taken."""
    raw = (await world.prepared()).submission
    outer = decode_submission(raw)
    event = decode_event(outer.event)
    flipped = bytes([event.signature[0] ^ 1]) + event.signature[1:]
    forged = encode_event(msgspec.structs.replace(event, signature=flipped))
    await refused_with(world, encode_submission(msgspec.structs.replace(outer, event=forged)), NotAuthentic)


async def test_a_signature_replayed_on_another_event(world: ServicesWorld) -> None:
    """The signature of one event does not hold for another one of the same sender."""
    first, second = [decode_submission((await world.prepared()).submission) for _ in range(2)]
    stolen = decode_event(first.event).signature
    forged = encode_event(msgspec.structs.replace(decode_event(second.event), signature=stolen))
    await refused_with(world, encode_submission(msgspec.structs.replace(second, event=forged)), NotAuthentic)


async def test_a_slot_moved_from_one_event_to_another(world: ServicesWorld) -> None:
    """A slot of another event, signed anew by a dishonest sender, does not open as the new event's."""
    keys = await world.keys("ngo-th")
    outer = [decode_submission((await world.prepared()).submission) for _ in range(2)]
    events = [decode_event(one.event) for one in outer]
    private = world.keyring.vault_keys[world.keyring.current_vault_key]
    manifests = [open_manifest(one, event, private) for one, event in zip(outer, events, strict=True)]
    moved_key = next(key for key in manifests[0] if key.label == "F1")
    own = [key for key in manifests[1] if key.label != "F1"]
    dropped = next(key for key in manifests[1] if key.label == "F1").slot_id
    slots = [slot for slot in events[1].slots if slot.raw_id != dropped.bytes]
    slots.append(next(slot for slot in events[0].slots if slot.raw_id == moved_key.slot_id.bytes))
    slots.sort(key=lambda slot: slot.raw_id)
    header = events[1].header
    renamed = msgspec.structs.replace(moved_key, subject_ref=own[-1].subject_ref)
    made = SealedEvent(
        header, events[1].header_bytes, tuple(slots), sign(events[1].header_bytes, slots, keys.signing_key)
    )
    event_bytes = encode_event(made)
    manifest = encode_manifest((*own, renamed), len(slots))
    sealed = world.keyring.public.seal(manifest, manifest_info(header, event_bytes))
    raw = encode_submission(msgspec.structs.replace(outer[1], sealed_manifest=sealed, event=event_bytes))
    await refused_with(world, raw, NotAuthentic, "seal-broken")


async def test_a_key_that_is_not_enrolled(world: ServicesWorld) -> None:
    """A good signature by a key that the directory does not know for this agency counts for nothing."""
    raw = await world.crafted(REPORT, signing_key_id="somebody-else")
    await refused_with(world, raw, NotAuthentic, "unknown-key")


async def test_another_agencys_key(world: ServicesWorld) -> None:
    """A key enrolled for one agency signs for no other."""
    await world.keys("shelter-th")
    raw = await world.crafted(REPORT, signing_key_id="shelter-th-1")
    await refused_with(world, raw, NotAuthentic, "unknown-key")


@pytest.mark.parametrize(("valid_from", "valid_to"), [(-10, 0), (1, None)], ids=["ended", "not yet"])
async def test_a_key_outside_its_dates(world: ServicesWorld, valid_from: int, valid_to: int | None) -> None:
    """A key counts from its first instant to before its last."""
    raw = (await world.prepared()).submission
    now = world.clock.now()
    await world.store.pool.execute(
        "update runtime.signing_keys set valid_from = $1, valid_to = $2",
        now + timedelta(seconds=valid_from),
        None if valid_to is None else now + timedelta(seconds=valid_to),
    )
    await refused_with(world, raw, NotAuthentic, "unknown-key")


async def test_an_event_sealed_for_another_instance(world: ServicesWorld) -> None:
    """What was sealed for another Sampan is refused here."""
    await refused_with(
        world, await world.crafted(REPORT, instance=world.id()), NotAuthentic, "other-instance"
    )


async def test_another_senders_token(world: ServicesWorld) -> None:
    """A token hands in its own agency's events alone."""
    before = await world.tables()
    error = await world.refused((await world.prepared("ngo-th")).submission, "shelter-th")
    assert isinstance(error, NotAllowed)
    assert error.code == "other-sender"
    assert before == await world.tables()


async def test_a_vault_key_that_is_not_ours(world: ServicesWorld) -> None:
    """Keys sealed to another vault cannot be taken over."""
    outer = decode_submission((await world.prepared()).submission)
    raw = encode_submission(msgspec.structs.replace(outer, vault_key_id="vault-of-somebody"))
    await refused_with(world, raw, NotAuthentic, "unknown-vault-key")


async def test_a_suite_from_tomorrow(world: ServicesWorld) -> None:
    """A seal by newer rules is named as such, with the remedy to update."""
    outer = decode_submission((await world.prepared()).submission)
    error = await world.refused(encode_submission(msgspec.structs.replace(outer, suite=2)))
    assert (error.code, error.field) == ("unknown-suite", "suite")
    assert error.remedy is not None
    assert "Update" in error.remedy


async def test_a_control_part_from_tomorrow(world: ServicesWorld) -> None:
    """A control part in a schema that this version does not know is refused before anything is taken."""
    keys = await world.keys("ngo-th")
    part = PlainSlot(CONTROL, None, b"tomorrow", encode(REPORT))
    header = Header(
        instance=world.instance.info.instance_id, event_id=world.id(), submission_id=world.id(),
        sender=keys.agency_id, case_ref="", occurred_at=world.clock.now(), signing_key_id=keys.key_id,
    )  # fmt: skip
    raw = seal_submission(header, [part], keys.signing_key, world.keyring.public, world.random)
    await refused_with(world, raw, None, "unknown-schema")


async def test_a_group_from_tomorrow(world: ServicesWorld) -> None:
    """A group in a schema that no recipient here could read is refused now, while the sender can still act."""
    person = world.id()
    control = ControlPayload(event="IdentificationRequested", subjects=[ControlSubject(subject_ref=person)])
    raw = await world.crafted(control, [PlainSlot("F1", person, b"tomorrow", b"a later group")])
    await refused_with(world, raw, None, "unknown-schema")


async def test_a_time_in_the_future(world: ServicesWorld) -> None:
    """Eleven minutes ahead is the future; ten are a clock that runs ahead."""
    ahead = world.clock.now() + timedelta(minutes=11)
    await refused_with(world, await world.crafted(REPORT, occurred_at=ahead), None, "future-time")
    just = world.clock.now() + timedelta(minutes=10)
    raw = await world.crafted(REPORT, occurred_at=just)
    receipt = await world.instance.submit(raw, world.agency("ngo-th"))
    assert not receipt.duplicate


@pytest.mark.parametrize(
    ("control", "code", "field"),
    [
        ({"event": "SomethingUnheardOf"}, "unknown-event", "event"),
        ({"event": "DeadlineDue"}, "reserved-event", "event"),
        ({"event": "DisclosureRefused"}, "reserved-event", "event"),
        ({"event": "ReviewResolved"}, "reserved-event", "event"),
        ({"event": "ConsentGiven"}, "consent-missing", "consent"),
        ({"event": "ReferralAccepted"}, "answer-missing", "answer.dispatch"),
        ({"event": "IdentificationRequested", "acting_as": "MED@TH"}, None, "acting_as"),
        ({"event": "IdentificationRequested", "to": ["NOBODY@XX"]}, None, "to[0]"),
        ({"event": "CaseTransferred", "to": []}, "transfer-to-whom", "to"),
    ],
)
async def test_what_a_sender_may_not_say(
    world: ServicesWorld, control: dict[str, Any], code: str | None, field: str
) -> None:
    """Unknown and reserved events, a role not held, a consent without scope: refused with field, nothing changed."""
    error = await refused_with(world, await world.crafted(ControlPayload(**control)), None, code)
    assert field == error.field
    assert error.remedy or code == "reserved-event"


async def test_an_unknown_event_gets_the_nearest_name(world: ServicesWorld) -> None:
    """The remedy of a mistyped event name is the name that was meant."""
    error = await world.refused(await world.crafted(ControlPayload(event="VictimIdentifed")))
    assert error.remedy == "Did you mean VictimIdentified?"


async def test_a_token_for_an_agency_without_a_place_in_the_directory(world: ServicesWorld) -> None:
    """An agency that the directory does not list sends nothing, even with a token and an enrolled key."""
    keys = await world.keys("ngo-th")
    stranger = world.id()
    async with world.store.unit_of_work() as work:
        await registry.add_signing_key(
            work.connection, stranger, keys.key_id, keys.signing_key.public_key, world.clock.now()
        )
    raw = await world.crafted(REPORT, sender="ngo-th")
    outer = decode_submission(raw)
    header = msgspec.structs.replace(decode_event(outer.event).header, sender=stranger)
    assert isinstance(header, Header)
    part = PlainSlot(CONTROL, None, fingerprint_of_control(), encode(REPORT))
    raw = seal_submission(header, [part], keys.signing_key, world.keyring.public, world.random)
    before = await world.tables()
    (result,) = await world.instance.intake.submit_many([Handed(raw, stranger)])
    assert getattr(result, "code", None) == "unknown-agency"
    assert before == await world.tables()


def fingerprint_of_control() -> bytes:
    return fingerprint(ControlPayload)


async def refused_with(
    world: ServicesWorld, raw: bytes, kind: type[Exception] | None, code: str | None = None
) -> Any:
    """Refused, of this kind and code, and no table changed."""
    before = await world.tables()
    error = await world.refused(raw)
    if kind is not None:
        assert kind is type(error)
    if code is not None:
        assert code == error.code
    assert before == await world.tables()
    return error
