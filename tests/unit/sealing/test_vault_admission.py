"""What the vault refuses to admit, asked before anything is taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.errors import InvalidInput
from services.vault.bundles import bundles_of
from services.vault.keyring import Keyring
from services.vault.port import Admission
from services.vault.vault import Vault
from tests.support.sealed import DAO, MAI, World, parts


def spent(count: int) -> bytes:
    raise AssertionError("a question needs no randomness")


def test_asking_tells_what_admitting_would_and_makes_nothing(tmp_path: Path) -> None:
    """A part of somebody whom the event does not name is refused by both; the question splits no key."""
    world = World()
    event, keys = world.opened(world.submission([*parts(MAI), *parts(DAO)[1:]]))
    vault = Vault(Keyring.create(tmp_path / "keyring.json", world.random), spent)
    both = {MAI: world.id(), DAO: world.id()}
    vault.check_admission(Admission(event=event, keys=keys, subjects=both))
    one = {MAI: both[MAI]}
    with pytest.raises(InvalidInput) as asked:
        vault.check_admission(Admission(event=event, keys=keys, subjects=one))
    with pytest.raises(InvalidInput) as admitted:
        bundles_of(event, keys, one, world.random)
    assert asked.value.code == admitted.value.code == "part-of-nobody"
