"""Settings of routers with databases of their own: what they mean, and what of them makes no sense."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from contracts.errors import SetupProblem
from services.assembly.settings import (
    DeliverySettings,
    KafkaSettings,
    RouterSettings,
    ServerSettings,
)
from services.assembly.shards import all_shards, check_delivery, check_together, partitions_of, shard_here
from services.runtime.log.known import said

HUB = "postgresql://u:secret@db.example:5432/hub"
ONE = "postgresql://u:secret@db.example:5432/one"
TWO = "postgresql://other@db.example/two"
BOTH = {"0-5": SecretStr(ONE), "6-11": SecretStr(TWO)}


def settings(bootstrap: str | None = "broker.example:9092", **router: Any) -> ServerSettings:
    return ServerSettings(
        database_url=SecretStr(HUB),
        brokers=KafkaSettings(bootstrap=bootstrap),
        router=RouterSettings(**router),
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [("0-5", set(range(6))), ("7", {7}), ("0-2, 11,4", {0, 1, 2, 4, 11}), ("0-11", set(range(12)))],
)
def test_partitions_are_named_by_runs(text: str, found: set[int]) -> None:
    """Runs and single numbers, with commas; said again they are the same."""
    assert partitions_of(text) == found
    assert partitions_of(said(found)) == found


@pytest.mark.parametrize("text", ["", "12", "0-12", "5-3", "-1", "all", "1;2", "0-5,"])
def test_what_names_no_partition_is_refused(text: str) -> None:
    """Field and remedy are named, and nothing is guessed."""
    with pytest.raises(SetupProblem) as refused:
        partitions_of(text)
    assert (refused.value.code, refused.value.field) == ("bad-partitions", "SAMPAN_ROUTER__PARTITIONS")


def test_a_router_is_told_its_own_database_or_finds_its_shard_among_all() -> None:
    """Its own address and partitions are enough, so that it need not know the other shards' passwords; with all of
    them named, its partitions say which it is. Nothing named: the one database."""
    here = shard_here(settings(database_url=SecretStr(ONE), partitions="0-5"))
    assert here is not None
    assert (here.dsn, here.partitions) == (ONE, partitions_of("0-5"))
    found = shard_here(settings(shards=BOTH, partitions="6-11"))
    assert found is not None
    assert found.dsn == TWO
    assert shard_here(settings(bootstrap=None)) is None
    assert all_shards(settings(bootstrap=None)) == ()
    assert [shard.dsn for shard in all_shards(settings(shards=BOTH))] == [ONE, TWO]
    assert [len(shard.partitions) for shard in all_shards(settings(database_url=SecretStr(ONE)))] == [12]


@pytest.mark.parametrize(
    ("said_", "code", "where"),
    [
        ({"bootstrap": None, "shards": BOTH}, "apart-needs-kafka", "SAMPAN_BROKERS__BOOTSTRAP"),
        ({"shards": BOTH | {"5-6": SecretStr(ONE + "2")}}, "partitions-overlap", "SAMPAN_ROUTER__SHARDS"),
        ({"shards": {"0-5": SecretStr(ONE)}}, "partitions-missing", "SAMPAN_ROUTER__SHARDS"),
        ({"shards": BOTH | {"6-11": SecretStr(ONE)}}, "same-database", "SAMPAN_ROUTER__SHARDS"),
        ({"shards": BOTH | {"6-11": SecretStr(HUB)}}, "same-database", "SAMPAN_ROUTER__SHARDS"),
        ({"shards": BOTH | {"6-11": SecretStr("::")}}, "bad-database-url", "SAMPAN_ROUTER__SHARDS"),
        ({"shards": {"x": SecretStr(ONE)}}, "bad-partitions", "SAMPAN_ROUTER__SHARDS"),
    ],
)
def test_shards_that_make_no_sense_are_refused(said_: dict[str, Any], code: str, where: str) -> None:
    """Each with its setting and what to do; no address and no password is said."""
    with pytest.raises(SetupProblem) as refused:
        all_shards(settings(**said_))
    assert (refused.value.code, refused.value.field) == (code, where)
    assert refused.value.remedy
    assert "secret" not in refused.value.sentence()
    assert "db.example" not in refused.value.sentence()


@pytest.mark.parametrize(
    ("said_", "code", "where"),
    [
        ({"partitions": "0-5"}, "partitions-without-database", "SAMPAN_ROUTER__PARTITIONS"),
        ({"shards": BOTH}, "no-such-shard", "SAMPAN_ROUTER__PARTITIONS"),
        ({"shards": BOTH, "partitions": "0-6"}, "no-such-shard", "SAMPAN_ROUTER__PARTITIONS"),
        ({"database_url": SecretStr(HUB)}, "same-database", "SAMPAN_ROUTER__DATABASE_URL"),
        (
            {"database_url": SecretStr(ONE), "bootstrap": None},
            "apart-needs-kafka",
            "SAMPAN_BROKERS__BOOTSTRAP",
        ),
    ],
)
def test_a_router_that_makes_no_sense_is_refused(said_: dict[str, Any], code: str, where: str) -> None:
    """It never guesses which cases are its own."""
    with pytest.raises(SetupProblem) as refused:
        shard_here(settings(**said_))
    assert (refused.value.code, refused.value.field) == (code, where)


def test_one_process_with_everything_and_a_delivery_apart_are_refused() -> None:
    """What is set and cannot be followed is said, not passed over."""
    with pytest.raises(SetupProblem) as together:
        check_together(settings(shards=BOTH))
    assert together.value.code == "apart-in-one-process"
    told = ServerSettings(delivery=DeliverySettings(database_url=SecretStr(ONE)))
    with pytest.raises(SetupProblem) as delivery:
        check_delivery(told)
    assert (delivery.value.code, delivery.value.field) == (
        "delivery-not-apart",
        "SAMPAN_DELIVERY__DATABASE_URL",
    )


def test_variables_name_the_shards_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """As an operator types it."""
    monkeypatch.setenv("SAMPAN_ROUTER__SHARDS", f'{{"0-5": "{ONE}", "6-11": "{TWO}"}}')
    monkeypatch.setenv("SAMPAN_BROKERS__BOOTSTRAP", "broker.example:9092")
    assert [shard.dsn for shard in all_shards(ServerSettings())] == [ONE, TWO]
