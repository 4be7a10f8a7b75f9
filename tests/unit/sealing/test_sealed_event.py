"""The sealed envelope's refusals, one by one, and what its shape gives away."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any
from uuid import uuid5

import fastavro
import msgspec
import pytest

import contracts
from contracts.errors import InvalidInput, NotAuthentic
from contracts.sealing import (
    CONTROL,
    LABELS,
    PlainSlot,
    VaultPrivateKey,
    check_slot,
    content_mac,
    decode_event,
    decode_submission,
    document_mac,
    encode_event,
    event_context,
    frame,
    open_manifest,
    open_slot,
    unframe,
    verify,
)
from contracts.sealing.event import SealedEvent, encode_header
from contracts.sealing.manifest import decode_manifest, encode_manifest
from contracts.sealing.signatures import sign
from contracts.sealing.wire import write_long
from tests.support.sealed import DAO, MAI, World, parts

SCHEMAS = Path(contracts.__file__).parent / "schemas"


@pytest.fixture
def world() -> World:
    return World()


def first_group(world: World) -> tuple[SealedEvent, Any, Any]:
    event, keys = world.opened(world.submission(parts()))
    key = next(key for key in keys if key.label == "F1")
    return event, event.slot(key.slot_id), key


@pytest.mark.parametrize(
    "change",
    [
        {"label": "F2"},
        {"label": CONTROL},
        {"subject_ref": DAO},
        {"subject_ref": None},
        {"fingerprint": b"group-v2"},
        {"key": bytes(32)},
    ],
)
def test_a_slot_opens_under_its_own_label_subject_schema_and_key_alone(
    world: World, change: dict[str, Any]
) -> None:
    """Each part of what a slot was sealed as is bound to it."""
    event, slot, key = first_group(world)
    with pytest.raises(NotAuthentic):
        open_slot(event_context(event.header), slot, msgspec.structs.replace(key, **change))


@pytest.mark.parametrize("field", ["instance", "event_id", "sender", "case_ref", "suite"])
def test_a_slot_opens_in_its_own_event_case_sender_and_instance_alone(world: World, field: str) -> None:
    """A slot moved under another header does not open, even with its right key."""
    event, slot, key = first_group(world)
    value: Any = {"case_ref": "SP-0000-0000", "suite": 2}.get(field) or uuid5(MAI, field)
    header = msgspec.structs.replace(event.header, **{field: value})
    with pytest.raises(NotAuthentic):
        open_slot(event_context(header), slot, key)
    with pytest.raises(NotAuthentic):
        check_slot(event_context(header), slot, key)


def test_a_slot_moved_into_another_event_breaks_that_events_signature(world: World) -> None:
    """Two events of one sender, one slot exchanged: the signature of neither holds."""
    one, _ = world.opened(world.submission(parts()))
    two, _ = world.opened(world.submission(parts()))
    slots = tuple(sorted((one.slots[0], *two.slots[1:]), key=lambda slot: slot.raw_id))
    mixed = decode_event(encode_event(msgspec.structs.replace(two, slots=slots)))
    with pytest.raises(NotAuthentic) as error:
        verify(mixed, world.signing_key.public_key)
    assert error.value.code == "bad-signature"


def test_a_signature_of_another_event_or_another_sender_is_refused(world: World) -> None:
    """A replayed signature and a stranger's key do not verify."""
    one, _ = world.opened(world.submission(parts()))
    two, _ = world.opened(world.submission(parts()))
    with pytest.raises(NotAuthentic):
        verify(msgspec.structs.replace(two, signature=one.signature), world.signing_key.public_key)
    with pytest.raises(NotAuthentic):
        verify(one, World(8).signing_key.public_key)
    for not_a_key in (b"", bytes(31), bytes(32), b"\xff" * 32):
        with pytest.raises(NotAuthentic):
            verify(one, not_a_key)


def test_both_verifiers_agree(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The light client's verifier accepts and refuses what the server's does."""
    from contracts.sealing import signatures

    event, _ = world.opened(world.submission(parts()))
    monkeypatch.setattr(signatures, "_fastest", lambda: signatures._by_cryptography)
    verify(event, world.signing_key.public_key)
    with pytest.raises(NotAuthentic):
        verify(msgspec.structs.replace(event, signature=bytes(64)), world.signing_key.public_key)


def test_the_keys_of_one_event_do_not_serve_another(world: World) -> None:
    """A manifest is bound to every byte of its event, and to the vault that it was sealed for."""
    one, two = world.submission(parts()), world.submission(parts())
    event, _ = world.opened(two)
    crossed = msgspec.structs.replace(
        decode_submission(two), sealed_manifest=decode_submission(one).sealed_manifest
    )
    with pytest.raises(NotAuthentic):
        open_manifest(crossed, event, world.vault_key)
    with pytest.raises(NotAuthentic):
        open_manifest(decode_submission(two), event, VaultPrivateKey("x", world.random(96)))


def test_a_manifest_for_slots_that_are_not_there_is_refused(world: World) -> None:
    """A key for a foreign slot, no control key, or a part twice: refused before anything opens."""
    event, keys = world.opened(world.submission(parts()))
    double = msgspec.structs.replace(keys[1], slot_id=world.id())
    for wrong in ([*keys, double], keys[1:], [*keys, keys[1]]):
        with pytest.raises(InvalidInput):
            decode_manifest(encode_manifest(wrong, 8))
    assert decode_manifest(encode_manifest(keys, 8)) == keys
    assert len(event.slots) == 8


def test_a_seal_of_tomorrow_is_told_from_garbage(world: World) -> None:
    """A later suite is named as such in event and submission; suite 0 is not."""
    outer = decode_submission(world.submission(parts()))
    tomorrow = write_long(2) + outer.event[1:]
    for read, data in ((decode_event, tomorrow), (decode_submission, write_long(9) + b"anything")):
        with pytest.raises(InvalidInput) as error:
            read(data)
        assert error.value.code == "unknown-suite"
        assert error.value.remedy
    with pytest.raises(InvalidInput) as error:
        decode_event(write_long(0) + outer.event[1:])
    assert error.value.code == "malformed-seal"


def test_shapes_that_no_client_makes_are_refused(world: World) -> None:
    """Trailing bytes, seven slots, slots out of order, a slot twice, an odd slot size, 1 MB: each refused."""
    event, _ = world.opened(world.submission(parts()))
    slots = event.slots
    odd = msgspec.structs.replace(slots[0], ciphertext=slots[0].ciphertext + b"\0")
    wrong = [
        encode_event(event) + b"\0",
        encode_event(msgspec.structs.replace(event, slots=slots[:7])),
        encode_event(msgspec.structs.replace(event, slots=tuple(reversed(slots)))),
        encode_event(msgspec.structs.replace(event, slots=(slots[0], slots[0], *slots[2:]))),
        encode_event(msgspec.structs.replace(event, slots=(odd, *slots[1:]))),
        bytes(1_000_000),
        b"",
    ]
    for data in wrong:
        with pytest.raises(InvalidInput):
            decode_event(data)


def test_too_much_is_refused_with_the_place_named(world: World) -> None:
    """A group over 16 KiB and a 33rd part are refused by name of the field."""
    with pytest.raises(InvalidInput) as large:
        world.submission([*parts(), PlainSlot("F9", MAI, b"group-v1", bytes(16381))])
    assert (large.value.code, large.value.field) == ("too-large", "groups.F9")
    many = [PlainSlot(label, world.id(), b"group-v1", b"") for label in LABELS[1:] for _ in range(3)]
    with pytest.raises(InvalidInput) as crowd:
        world.submission([*parts()[:1], *many])
    assert (crowd.value.code, crowd.value.field) == ("too-many-parts", "subjects")


def test_decoys_have_the_shape_of_real_slots(world: World) -> None:
    """Decoys take the sizes of the real parts, fill up to 8, 16 or 32, and none of their bytes repeat."""
    for count, padded in ((1, 8), (7, 8), (8, 16), (16, 32)):
        plain = parts()[:1] + [
            PlainSlot("F1", world.id(), b"group-v1", bytes(500 if place % 2 else 5)) for place in range(count)
        ]
        event, keys = world.opened(world.submission(plain))
        assert len(event.slots) == padded
        real = {key.slot_id for key in keys}
        sizes = {len(slot.ciphertext) for slot in event.slots if slot.slot_id in real}
        decoys = [slot for slot in event.slots if slot.slot_id not in real]
        assert {len(slot.ciphertext) for slot in decoys} <= sizes
        assert len({slot.nonce for slot in event.slots}) == padded
        assert len({slot.commitment for slot in event.slots}) == padded
        assert [slot.raw_id for slot in event.slots] == sorted(slot.raw_id for slot in event.slots)


def test_where_a_real_slot_stands_is_chance() -> None:
    """Over many seeds the control slot, alone among decoys, stands in every place."""
    places = set()
    for seed in range(120):
        world = World(seed)
        event, keys = world.opened(world.submission(parts()[:1]))
        places.add([slot.slot_id for slot in event.slots].index(keys[0].slot_id))
    assert places == set(range(8))


def test_the_bytes_are_avro_of_the_committed_schemas(world: World) -> None:
    """An ordinary Avro library reads our bytes by the schema files and writes the same bytes back."""
    submission = world.submission(parts())
    for name, data in (
        ("sealed_submission", submission),
        ("sealed_event", decode_submission(submission).event),
    ):
        schema = fastavro.parse_schema(json.loads((SCHEMAS / f"{name}.v1.avsc").read_text(encoding="utf-8")))
        buffer = io.BytesIO(data)
        value = fastavro.schemaless_reader(buffer, schema, None)
        assert buffer.tell() == len(data)
        out = io.BytesIO()
        fastavro.schemaless_writer(out, schema, value)
        assert out.getvalue() == data


def test_the_case_reference_is_covered_by_the_signature(world: World) -> None:
    """A header changed and encoded anew no longer carries the sender's signature; the sender's own does."""
    event, _ = world.opened(world.submission(parts()))
    header = msgspec.structs.replace(event.header, case_ref="SP-1111-1111")
    forged = msgspec.structs.replace(event, header=header, header_bytes=encode_header(header))
    with pytest.raises(NotAuthentic):
        verify(forged, world.signing_key.public_key)
    resigned = sign(forged.header_bytes, forged.slots, world.signing_key)
    verify(msgspec.structs.replace(forged, signature=resigned), world.signing_key.public_key)


def test_a_retry_has_the_same_mac_and_another_event_has_not(world: World) -> None:
    """The MAC depends on the key and every byte of the event, and not on who computes it when."""
    one, two = (decode_submission(world.submission(parts())) for _ in range(2))
    key = world.random(32)
    assert content_mac(key, one) == content_mac(key, one)
    assert content_mac(key, one) != content_mac(key, two)
    assert content_mac(key, one) != content_mac(bytes(32), one)
    assert content_mac(key, one) != document_mac(key, one.event)


def test_framing_names_the_schema_and_refuses_foreign_bytes() -> None:
    """Confluent framing gives id and payload back; a wrong first byte or four bytes are not ours."""
    assert frame(258, b"abc") == b"\0\0\0\1\2abc"
    assert unframe(frame(258, b"abc")) == (258, b"abc")
    for foreign in (b"", b"\0\0\0\1", b"\1\0\0\0\1abc", b"{}"):
        with pytest.raises(InvalidInput) as error:
            unframe(foreign)
        assert error.value.code == "not-framed"


def test_keys_and_contents_do_not_print(world: World) -> None:
    """Neither repr of keys nor of parts shows a byte of them."""
    event, _, key = first_group(world)
    shown = " ".join(map(repr, (key, world.vault_key, world.signing_key, parts()[1], world.keys)))
    for secret in (key.key, world.seed, b"canary"):
        assert repr(secret)[2:10] not in shown
        assert secret.hex()[:8] not in shown
    assert event.signature
