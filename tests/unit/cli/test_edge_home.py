"""The folder of an agency's own edge: one key, registered once or again, and never half."""

from __future__ import annotations

import random
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from contracts.edge_api import EdgeEnrolled
from contracts.errors import SampanError, SetupProblem
from contracts.sealing.release import EdgePublicKey
from services.client.edge_home import KEY, REGISTRATION, enrol, read_edge_home
from services.client.errors import NoConnection

URL = "https://hub.example.org"
RANDOM = random.Random(5).randbytes


class Hub:
    """Answers registrations, and keeps the keys that it was sent."""

    def __init__(self) -> None:
        self.keys: list[bytes] = []
        self.line = True

    def __call__(self, public_key: bytes) -> EdgeEnrolled:
        self.keys.append(public_key)
        if not self.line:
            raise NoConnection("no line")
        return EdgeEnrolled(
            agency="rfp-kh", agency_id=UUID(int=7), key_id=EdgePublicKey(public_key).key_id, token="sampan_x",
            token_expires_at=datetime(2027, 1, 1, tzinfo=UTC), channels=["primero"],
        )  # fmt: skip


@pytest.fixture
def hub() -> Hub:
    return Hub()


def test_what_was_registered_is_read_again(tmp_path: Path, hub: Hub) -> None:
    """Key, token and hub come back as they were registered."""
    enrol(tmp_path, URL, RANDOM, hub)
    home = read_edge_home(tmp_path)
    assert (home.url, home.agency, home.agency_id, home.token) == (URL, "rfp-kh", UUID(int=7), "sampan_x")
    assert [home.private.public.raw] == hub.keys


def test_a_second_registration_keeps_the_key(tmp_path: Path, hub: Hub) -> None:
    """To renew the token is not to change the key."""
    enrol(tmp_path, URL, RANDOM, hub)
    enrol(tmp_path, URL, RANDOM, hub)
    assert hub.keys[0] == hub.keys[1]


def test_a_new_key_takes_the_old_ones_place(tmp_path: Path, hub: Hub) -> None:
    """Asked for one, the folder holds the new key alone."""
    enrol(tmp_path, URL, RANDOM, hub)
    enrol(tmp_path, URL, RANDOM, hub, new_key=True)
    assert hub.keys[0] != hub.keys[1]
    assert read_edge_home(tmp_path).private.public.raw == hub.keys[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([REGISTRATION, KEY])


@pytest.mark.parametrize("new_key", [False, True])
def test_a_registration_that_broke_off_is_finished(tmp_path: Path, hub: Hub, new_key: bool) -> None:
    """The key that the hub may have taken is the one that is registered again; meanwhile the old one works."""
    if new_key:
        enrol(tmp_path, URL, RANDOM, hub)
    hub.line = False
    with pytest.raises(NoConnection):
        enrol(tmp_path, URL, RANDOM, hub, new_key=new_key)
    if new_key:
        assert read_edge_home(tmp_path).private.public.raw == hub.keys[0]
    hub.line = True
    enrol(tmp_path, URL, RANDOM, hub)
    assert hub.keys[-1] == hub.keys[-2]
    assert read_edge_home(tmp_path).private.public.raw == hub.keys[-1]


def test_files_are_the_owners_alone(tmp_path: Path, hub: Hub) -> None:
    """Nobody else on the machine reads the key or the token; a file open to others is refused."""
    enrol(tmp_path, URL, RANDOM, hub)
    for name in (KEY, REGISTRATION):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    (tmp_path / KEY).chmod(0o644)
    with pytest.raises(SetupProblem, match="others on this machine"):
        read_edge_home(tmp_path)


def _other_key(folder: Path) -> None:
    hub = Hub()
    enrol(folder / "other", URL, RANDOM, hub)
    (folder / "other" / KEY).replace(folder / KEY)


def _no_registration(folder: Path) -> None:
    (folder / REGISTRATION).unlink()


def _damaged_key(folder: Path) -> None:
    (folder / KEY).write_bytes(b'{"seed": "c2hvcnQ="}')


def _damaged_registration(folder: Path) -> None:
    (folder / REGISTRATION).write_bytes(b"[]")


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (_no_registration, "no-edge-here"),
        (_other_key, "edge-not-registered"),
        (_damaged_key, "bad-edge-file"),
        (_damaged_registration, "bad-edge-file"),
    ],
    ids=["nothing", "another key", "damaged key", "damaged registration"],
)
def test_what_is_wrong_is_named(tmp_path: Path, hub: Hub, spoil: Callable[[Path], None], code: str) -> None:
    """Each way in which a folder is no edge has a code, a field and a remedy."""
    enrol(tmp_path, URL, RANDOM, hub)
    spoil(tmp_path)
    with pytest.raises(SampanError) as refused:
        read_edge_home(tmp_path)
    assert refused.value.code == code
    assert refused.value.field
    assert refused.value.remedy
