"""Bytes that nobody sealed, and sealed bytes that somebody changed: refused in words, and nothing changes."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.api import SubmitReceipt
from contracts.codec import decode, encode
from contracts.control import ControlPayload
from contracts.errors import InvalidInput, SampanError
from contracts.sealing import decode_event, decode_submission
from services.intake.candidate import Handed
from tests.support.services_world import ServicesWorld

SEEDS = range(6)


@pytest.mark.parametrize("seed", SEEDS)
async def test_no_change_of_a_submission_is_taken(world: ServicesWorld, seed: int) -> None:
    """Whatever is flipped, cut or added: of a batch of changed copies all are refused, and the true one is taken."""
    dice = random.Random(seed)
    raw = (await world.prepared()).submission
    before = await world.tables()
    batch = [Handed(_changed(raw, dice), world.agency("ngo-th")) for _ in range(60)]
    results = await world.instance.intake.submit_many(batch)
    assert all(isinstance(result, SampanError) for result in results)
    assert {getattr(result, "http_status", None) for result in results} <= {401, 403, 422}
    assert await world.tables() == before
    *refused, taken = await world.instance.intake.submit_many([*batch, Handed(raw, world.agency("ngo-th"))])
    assert all(isinstance(result, SampanError) for result in refused)
    assert isinstance(taken, SubmitReceipt)


def _changed(raw: bytes, dice: random.Random) -> bytes:
    place = dice.randrange(len(raw)) if dice.random() < 0.6 else dice.randrange(200)
    match dice.randrange(4):
        case 0:
            return raw[:place] + bytes([raw[place] ^ (1 << dice.randrange(8))]) + raw[place + 1 :]
        case 1:
            return raw[:place]
        case 2:
            return raw[:place] + dice.randbytes(1 + dice.randrange(40)) + raw[place:]
        case _:
            return raw + dice.randbytes(1 + dice.randrange(40))


@given(data=st.binary(max_size=3000))
def test_no_garbage_is_read(data: bytes) -> None:
    """Arbitrary bytes end in a refusal in words, never in an error of another kind."""
    with pytest.raises(InvalidInput):
        decode_event(decode_submission(data).event)


@given(data=st.binary(max_size=600))
def test_no_garbage_is_a_control_part(data: bytes) -> None:
    """What a dishonest sender seals as control part is read as one, or refused in words."""
    try:
        control = decode(ControlPayload, data)
    except InvalidInput:
        return
    assert decode(ControlPayload, encode(control)) == control
