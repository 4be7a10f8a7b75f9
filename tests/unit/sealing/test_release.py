"""Releases: keys sealed to one edge, for one dispatch and one recipient."""

from __future__ import annotations

import random
from uuid import UUID

import pytest

from contracts.errors import InvalidInput, NotAuthentic
from contracts.sealing import SlotKey
from contracts.sealing.release import EDGE_SEED_BYTES, Bound, EdgePrivateKey, EdgePublicKey, ReleasedKey

_RANDOM = random.Random(11)
MINE = EdgePrivateKey(_RANDOM.randbytes(EDGE_SEED_BYTES))
OTHER = EdgePrivateKey(_RANDOM.randbytes(EDGE_SEED_BYTES))
BOUND = Bound(UUID(int=1), UUID(int=2))
KEY = ReleasedKey(SlotKey(UUID(int=3), "F1", UUID(int=4), b"finger00", _RANDOM.randbytes(32)), bytes(32))


def test_a_release_opens_for_its_edge() -> None:
    """The edge whose key it was sealed to gets the very keys."""
    assert MINE.open_keys(MINE.public.seal_keys([KEY], BOUND), BOUND) == (KEY,)


def test_a_stolen_release_opens_nothing() -> None:
    """Another edge's key opens neither keys nor order."""
    for stolen in (OTHER.open_keys, OTHER.open_order):
        with pytest.raises(NotAuthentic, match="not made for this edge"):
            stolen(MINE.public.seal_keys([KEY], BOUND), BOUND)


@pytest.mark.parametrize(
    "other",
    [Bound(UUID(int=9), BOUND.recipient), Bound(BOUND.dispatch, UUID(int=9))],
    ids=["dispatch", "recipient"],
)
def test_a_release_is_bound(other: Bound) -> None:
    """Taken for another dispatch or another recipient, it opens nothing."""
    with pytest.raises(NotAuthentic, match="not made for this edge"):
        MINE.open_keys(MINE.public.seal_keys([KEY], BOUND), other)


def test_an_order_is_no_release() -> None:
    """What was sealed as an order does not open as keys."""
    with pytest.raises(NotAuthentic):
        MINE.open_keys(MINE.public.seal_order(b"x", BOUND), BOUND)


def test_all_releases_have_one_size() -> None:
    """How many groups were granted does not show in a release's length."""
    many = [KEY] * 10
    assert len(MINE.public.seal_keys([], BOUND)) == len(MINE.public.seal_keys(many, BOUND))


def test_a_key_id_follows_from_the_key() -> None:
    """Two keys never share an id, and nobody chooses one."""
    assert MINE.public.key_id == EdgePublicKey(MINE.public.raw).key_id
    assert MINE.public.key_id != OTHER.public.key_id


def test_garbage_is_no_key() -> None:
    """Bytes that are no public key are refused with field and remedy."""
    with pytest.raises(InvalidInput) as refused:
        EdgePublicKey(b"short")
    assert (refused.value.code, refused.value.field) == ("bad-edge-key", "public_key")
    assert refused.value.remedy


def test_a_private_key_prints_nothing() -> None:
    """Its representation names its id and nothing else."""
    assert repr(MINE) == f"EdgePrivateKey({MINE.public.key_id}, ▒▒▒)"
