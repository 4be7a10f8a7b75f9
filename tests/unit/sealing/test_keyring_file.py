"""The keyring file: owner-only, never overwritten, useless without its passphrase."""

from __future__ import annotations

import json
import os
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import NotAuthentic, SetupProblem
from services.vault.keyring import Keyring
from tests.support.sealed import World


def create(path: Path, passphrase: str | None = None) -> Keyring:
    return Keyring.create(path, World(3).random, passphrase)


def same(one: Keyring, other: Keyring) -> bool:
    names = ("keks", "current_vault_key", "alias_key", "code_key", "mac_key", "public_text")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def test_what_was_created_is_what_loads(tmp_path: Path) -> None:
    """All keys come back, with and without a passphrase; the vault key opens what is sealed to the public one."""
    for name, passphrase in (("plain.json", None), ("protected.json", "sticky rice")):
        made = create(tmp_path / name, passphrase)
        loaded = Keyring.load(tmp_path / name, passphrase)
        assert same(made, loaded)
        assert loaded.is_protected is (passphrase is not None)
        assert Keyring.needs_passphrase(tmp_path / name) is loaded.is_protected
        private = loaded.vault_keys[loaded.current_vault_key]
        assert private.open(made.public.seal(b"hello", b"info"), b"info") == b"hello"


def test_a_protected_file_shows_no_key_and_needs_its_passphrase(tmp_path: Path) -> None:
    """No passphrase: asked for. A wrong one: refused. The file holds no key in any plain encoding."""
    path = tmp_path / "keyring.json"
    made = create(path, "sticky rice")
    with pytest.raises(SetupProblem) as needed:
        Keyring.load(path)
    assert needed.value.code == "passphrase-needed"
    with pytest.raises(NotAuthentic) as wrong:
        Keyring.load(path, "sticky  rice")
    assert wrong.value.code == "wrong-passphrase"
    data = path.read_bytes()
    for key in (made.alias_key, made.mac_key, *made.keks.values()):
        assert key.hex().encode() not in data
        assert key[:9] not in data


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660, 0o610, 0o644])
def test_a_file_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    """Any bit for group or others, and it is not read."""
    path = tmp_path / "keyring.json"
    create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    os.chmod(path, mode)
    with pytest.raises(SetupProblem) as error:
        Keyring.load(path)
    assert error.value.code == "keyring-open-to-others"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """A link in the keyring's place is refused, whatever it points to."""
    create(tmp_path / "real.json")
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    with pytest.raises(SetupProblem) as error:
        Keyring.load(tmp_path / "link.json")
    assert error.value.code == "keyring-unreadable"


def test_an_existing_keyring_is_never_overwritten(tmp_path: Path) -> None:
    """A second creation is refused and leaves the first file byte for byte, and no other file."""
    path = tmp_path / "keys" / "keyring.json"
    create(path)
    before = path.read_bytes()
    with pytest.raises(SetupProblem) as error:
        Keyring.create(path, World(4).random)
    assert error.value.code == "keyring-exists"
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
    assert path.parent.stat().st_mode & 0o077 == 0


def test_a_missing_or_damaged_file_is_said_in_words(tmp_path: Path) -> None:
    """Missing, empty, not JSON, another version, a key cut short: a code and a remedy each."""
    path = tmp_path / "keyring.json"
    with pytest.raises(SetupProblem) as missing:
        Keyring.load(path)
    assert missing.value.code == "keyring-missing"
    create(path)
    whole = json.loads(path.read_text())
    for text in (
        "",
        "[]",
        "{",
        json.dumps(whole | {"version": 2}),
        json.dumps(whole | {"payload": "e30="}),
        json.dumps(whole | {"payload": 7}),
        json.dumps({"version": 1, "protected": False}),
    ):
        path.write_text(text)
        with pytest.raises(SetupProblem) as damaged:
            Keyring.load(path)
        assert damaged.value.code == "keyring-damaged"
        assert damaged.value.remedy


def test_an_altered_protected_file_does_not_open(tmp_path: Path) -> None:
    """One changed byte of the payload, and the right passphrase is of no use."""
    path = tmp_path / "keyring.json"
    create(path, "sticky rice")
    document = json.loads(path.read_text())
    payload = document["payload"]
    document["payload"] = ("A" if payload[0] != "A" else "B") + payload[1:]
    path.write_text(json.dumps(document))
    with pytest.raises(NotAuthentic):
        Keyring.load(path, "sticky rice")


def test_a_keyring_does_not_print_and_is_not_pickled(tmp_path: Path) -> None:
    """Neither repr nor pickle lets a key out."""
    made = create(tmp_path / "keyring.json")
    assert repr(made.alias_key)[2:12] not in repr(made)
    assert "keks" not in repr(made)
    with pytest.raises(TypeError):
        pickle.dumps(made)


def test_where_folders_cannot_be_flushed_a_keyring_is_made_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows opens no folder: its renames are durable by themselves."""
    opened = os.open

    def no_folders(path: Any, *more: Any, **also: Any) -> int:
        if os.path.isdir(path):
            raise PermissionError(path)
        return opened(path, *more, **also)

    monkeypatch.setattr(os, "open", no_folders)
    monkeypatch.setattr(sys, "platform", "win32")
    made = create(tmp_path / "keyring.json")
    monkeypatch.undo()
    assert same(made, Keyring.load(tmp_path / "keyring.json"))
