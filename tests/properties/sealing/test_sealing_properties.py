"""What holds for every sealed event: it opens as it was sealed, and in no other way."""

from __future__ import annotations

import random
from contextlib import suppress
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import InvalidInput, NotAuthentic, SampanError
from contracts.sealing import (
    CONTROL,
    GROUP_LABELS,
    PlainSlot,
    SealedEvent,
    SlotKey,
    decode_event,
    decode_header,
    decode_submission,
    encode_event,
    encode_submission,
    event_context,
    open_manifest,
    open_slot,
    slot_digest,
    unframe,
    verify,
    verify_part,
)
from contracts.sealing.padding import pad, unpad
from contracts.sealing.submission import SealedSubmission
from contracts.sealing.wire import Reader, write_long
from tests.support.sealed import DAO, MAI, World, parts

WORLD = World()
SUBMISSION = WORLD.submission(parts())
OUTER = decode_submission(SUBMISSION)
EVENT, KEYS = WORLD.opened(SUBMISSION)
CONTEXT = event_context(EVENT.header)


def contents(event: SealedEvent, keys: tuple[SlotKey, ...]) -> dict[tuple[str, UUID | None], bytes]:
    context = event_context(event.header)
    found = {}
    for key in keys:
        slot = event.slot(key.slot_id)
        assert slot is not None
        found[key.label, key.subject_ref] = open_slot(context, slot, key)
    return found


groups = st.dictionaries(
    st.tuples(st.sampled_from(GROUP_LABELS), st.sampled_from([MAI, DAO])), st.binary(max_size=3000), max_size=20
)


@settings(max_examples=25, deadline=None)
@given(groups, st.binary(max_size=3000), st.integers(0, 2**32))
def test_what_was_sealed_is_what_opens(
    content: dict[tuple[str, UUID], bytes], control: bytes, seed: int
) -> None:
    """Every part opens to its own content, the signature holds, the bytes read back are those written."""
    world = World(seed)
    plain = [PlainSlot(CONTROL, None, b"ctrl-v01", control)]
    plain += [PlainSlot(label, ref, b"group-v1", data) for (label, ref), data in content.items()]
    submission = world.submission(plain)
    event, keys = world.opened(submission)
    verify(event, world.signing_key.public_key)
    expected: dict[tuple[str, UUID | None], bytes] = {(CONTROL, None): control}
    expected.update(content.items())
    assert contents(event, keys) == expected
    assert encode_event(event) == decode_submission(submission).event
    assert encode_submission(decode_submission(submission)) == submission
    assert len(event.slots) in (8, 16, 32)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(OUTER.event) * 8 - 1))
def test_any_flipped_bit_of_an_event_is_refused(bit: int) -> None:
    """One flipped bit anywhere: it cannot be read, or neither signature nor manifest holds."""
    mutated = bytearray(OUTER.event)
    mutated[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SampanError):
        verify(decode_event(bytes(mutated)), WORLD.signing_key.public_key)
    altered = SealedSubmission(OUTER.vault_key_id, OUTER.sealed_manifest, bytes(mutated))
    with pytest.raises(SampanError):
        open_manifest(altered, decode_event(altered.event), WORLD.vault_key)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(range(len(KEYS))), st.data())
def test_any_flipped_bit_of_a_slot_keeps_it_shut(which: int, data: st.DataObject) -> None:
    """Nonce, commitment, ciphertext: an altered slot does not open, even to its own key."""
    key = KEYS[which]
    slot = EVENT.slot(key.slot_id)
    assert slot is not None
    part = data.draw(st.sampled_from(["nonce", "commitment", "ciphertext"]))
    value = bytearray(getattr(slot, part))
    bit = data.draw(st.integers(0, len(value) * 8 - 1))
    value[bit // 8] ^= 1 << bit % 8
    with pytest.raises(NotAuthentic):
        open_slot(CONTEXT, msgspec.structs.replace(slot, **{part: bytes(value)}), key)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(OUTER.sealed_manifest) * 8 - 1))
def test_any_flipped_bit_of_the_keys_is_refused(bit: int) -> None:
    """The sealed manifest opens whole or not at all."""
    mutated = bytearray(OUTER.sealed_manifest)
    mutated[bit // 8] ^= 1 << bit % 8
    with pytest.raises(NotAuthentic):
        open_manifest(SealedSubmission("v", bytes(mutated), OUTER.event), EVENT, WORLD.vault_key)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=4000))
def test_garbage_raises_our_errors_alone(data: bytes) -> None:
    """Whatever comes in, readers answer with a value or a SampanError, never another exception."""
    readers = (decode_event, decode_submission, decode_header, unframe, unpad)
    for read in readers:
        with suppress(SampanError):  # and nothing else
            read(data)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["cut", "insert", "overwrite", "swap"]))
def test_mutated_events_raise_our_errors_alone(seed: int, how: str) -> None:
    """Cut, grown, overwritten or rearranged: never another exception, never accepted."""
    rng = random.Random(seed)
    data = bytearray(SUBMISSION)
    place = rng.randrange(len(data))
    if how == "cut":
        del data[place:]
    elif how == "insert":
        data[place:place] = rng.randbytes(rng.randrange(1, 40))
    elif how == "overwrite":
        data[place : place + 12] = b"\xff" * 12
    else:
        data = data[place:] + data[:place]
    if bytes(data) == SUBMISSION:
        return
    with pytest.raises(SampanError):
        receive(bytes(data))


def receive(data: bytes) -> None:
    """What intake and vault do with bytes from outside."""
    outer = decode_submission(data)
    event = decode_event(outer.event)
    verify(event, WORLD.signing_key.public_key)
    if outer.vault_key_id != WORLD.vault_key.key_id:
        raise InvalidInput("another key id", code="unknown-vault-key")
    open_manifest(outer, event, WORLD.vault_key)


@given(st.integers(-(2**63), 2**63 - 1))
def test_numbers_have_one_encoding(value: int) -> None:
    """What is written reads back, and a padded form of the same number is refused."""
    written = write_long(value)
    reader = Reader(written)
    assert reader.long() == value
    reader.end()
    padded = written[:-1] + bytes([written[-1] | 0x80, 0])
    with pytest.raises(InvalidInput):
        Reader(padded).long()


@given(st.binary(max_size=16380))
def test_padding_gives_a_size_class_and_the_content_back(content: bytes) -> None:
    """Four sizes exist; the content survives; a set bit in the padding is refused."""
    padded = pad(content)
    assert len(padded) in (256, 1024, 4096, 16384)
    assert unpad(padded) == content
    if len(padded) > len(content) + 4:
        with pytest.raises(InvalidInput):
            unpad(padded[:-1] + b"\1")


@settings(max_examples=50, deadline=None)
@given(st.sets(st.integers(0, 7), min_size=1))
def test_a_recipient_verifies_its_own_slots_alone(places: set[int]) -> None:
    """Header, digests and signature suffice for any subset; a foreign slot among them is refused."""
    digests = [slot_digest(slot) for slot in EVENT.slots]
    mine = [EVENT.slots[place] for place in places]
    public = WORLD.signing_key.public_key
    verify_part(EVENT.header_bytes, digests, EVENT.signature, mine, public)
    other, _ = World(8).opened(World(8).submission(parts()))
    with pytest.raises(NotAuthentic):
        verify_part(EVENT.header_bytes, digests, EVENT.signature, [*mine, other.slots[0]], public)
    with pytest.raises(NotAuthentic):
        verify_part(EVENT.header_bytes, list(reversed(digests)), EVENT.signature, mine, public)
