"""What each process of ``make run-kafka`` is told of keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from services.assembly.demo_places import Places
from services.assembly.kafka_demo import environment_of
from services.assembly.member import MEMBERS
from services.assembly.settings import VaultSettings

PLACES = Places("postgresql://the-hubs", "postgresql://the-vaults", Path("vault"))
VAULT = VaultSettings(url="http://127.0.0.1:1", token=SecretStr("a-token-of-this-test"))


def told(member: str) -> dict[str, str]:
    """Its variables."""
    return environment_of(member, VAULT, PLACES, "a:1,b:2,c:3")


@pytest.mark.parametrize("member", sorted(set(MEMBERS) - {"vault"}))
def test_the_vaults_database_is_told_to_the_vault_alone(member: str) -> None:
    """No other service learns its address; and the vault learns nothing of the hub's."""
    assert told("vault") == {
        "SAMPAN_VAULT__DATABASE_URL": PLACES.vault, "SAMPAN_VAULT__TOKEN": "a-token-of-this-test"
    }  # fmt: skip
    assert PLACES.vault not in told(member).values()
    assert told(member)["SAMPAN_DATABASE_URL"] == PLACES.hub


@pytest.mark.parametrize("member", ["delivery", "intake", "router"])
def test_services_that_need_keys_are_told_of_the_vault(member: str) -> None:
    """With its address named, a service looks for no keyring."""
    assert told(member)["SAMPAN_VAULT__URL"] == VAULT.url
    assert told(member)["SAMPAN_VAULT__TOKEN"] == "a-token-of-this-test"


def test_the_relay_is_told_of_no_vault() -> None:
    """It carries sealed bytes; the token would be one more to lose."""
    assert not [name for name in told("relay") if "VAULT" in name]
