"""``sampan kafka dead-letters`` for records of our own log: seen without their content, dropped, read again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.runtime.clock import ManualClock
from services.runtime.consumer import ConsumerLoop
from services.runtime.dead_letters import waiting_by_topic
from services.runtime.failures import NotOurs
from services.runtime.lease import PostgresLeases
from services.runtime.log import NewRecord
from services.runtime.parking import Releases
from services.runtime.store.postgres import PostgresStore
from services.runtime.wake import Wake
from tests.conformance.log.harness import OUTPUT, TOPIC, Backend
from tests.conformance.log.parking_contract import SICK, PoisonStep
from tests.support.operator_command import answered, typed
from tests.support.postgres import FreshDatabase

SECRET = b"Somsri of Chiang Khong"
NAME = "delivery"
LETTERS = ("kafka", "dead-letters")


@pytest.fixture
async def backend(fresh_database: FreshDatabase) -> AsyncIterator[Backend]:
    clock, wake = ManualClock(datetime(2026, 1, 1, tzinfo=UTC)), Wake()
    store = await PostgresStore.connect(fresh_database.dsn, clock, wake)

    async def never(records: object, round_trips: int) -> None:
        raise AssertionError("nothing here is slow")

    yield Backend(store, store.log, PostgresLeases(store.pool), clock, wake, never)
    await store.close()


def _poison() -> PoisonStep:
    return PoisonStep(poison={SECRET}, error=NotOurs("The record cannot be framed."))


def _consumer(backend: Backend, step: PoisonStep) -> ConsumerLoop:
    store = backend.store
    assert isinstance(store, PostgresStore)
    return ConsumerLoop(NAME, [TOPIC], step, store=store, leases=backend.leases, log=backend.log, clock=backend.clock,
                        wake=backend.wake, owner="first", releases=Releases(store.pool, NAME))  # fmt: skip


async def _one_letter(backend: Backend, step: PoisonStep) -> ConsumerLoop:
    consumer = _consumer(backend, step)
    await backend.append([NewRecord(TOPIC, SICK, SECRET)])
    assert await consumer.run_once() == 1
    return consumer


async def test_an_operator_sees_sizes_and_never_content(backend: Backend, fresh_database: FreshDatabase) -> None:
    """List and show tell where, how large, since when and whose, with a hash; none of the bytes."""
    await _one_letter(backend, _poison())
    (letter,) = await answered(fresh_database, *LETTERS, "list")
    assert (letter["topic"], letter["bytes"], letter["settled"]) == (TOPIC, len(SECRET), None)
    for words in (("list",), ("show", letter["letter"])):
        for as_json in ((), ("--json",)):
            done = await typed(fresh_database, *LETTERS, *words, *as_json)
            assert done.exit_code == 0, done.output
            assert "Somsri" not in done.output
            assert letter["letter"] in done.output
    shown = await answered(fresh_database, *LETTERS, "show", letter["letter"][:4])
    assert (shown["consumer"], shown["origin"].split("/")[1:]) == (NAME, [TOPIC, letter["place"].split("/")[2], "0"])


async def test_a_dropped_letter_leaves_the_list_and_its_reason_stays(
    backend: Backend, fresh_database: FreshDatabase
) -> None:
    """Who, when and why are kept; it counts no more, and nobody can drop it again or read it again."""
    await _one_letter(backend, _poison())
    store = backend.store
    assert isinstance(store, PostgresStore)
    assert await waiting_by_topic(store.pool) == {TOPIC: 1}
    (letter,) = await answered(fresh_database, *LETTERS, "list")
    say = ("--reason", "a vendor's test", "--by", "night shift")
    assert await answered(fresh_database, *LETTERS, "drop", letter["letter"], *say) == {"dropped": letter["letter"]}
    assert (await waiting_by_topic(store.pool), await answered(fresh_database, *LETTERS, "list")) == ({}, [])
    (settled,) = await answered(fresh_database, *LETTERS, "list", "--all")
    assert settled["settled"] == "dead-letter-dropped"
    for act in ("drop", "reread"):
        again = await typed(fresh_database, *LETTERS, act, letter["letter"], *say)
        assert (again.exit_code, "dealt with" in again.output) == (1, True), again.output
    rows = await store.pool.fetch("select act, place, said_by, reason from operations.acts")
    assert [tuple(row) for row in rows] == [("dead-letter-dropped", letter["place"], "night shift", "a vendor's test")]


async def test_a_letter_read_again_is_applied_by_its_consumer(
    backend: Backend, fresh_database: FreshDatabase
) -> None:
    """After the fix the consumer's own process applies the record; before it, there is a new dead letter."""
    step = _poison()
    consumer = await _one_letter(backend, step)
    (first,) = await answered(fresh_database, *LETTERS, "list")
    for poison, left, applied in (({SECRET}, 1, []), (set[bytes](), 0, [SECRET])):
        step.poison = poison
        (letter,) = await answered(fresh_database, *LETTERS, "list")
        said = await answered(fresh_database, *LETTERS, "reread", letter["letter"], "--reason", "a new version")
        assert said == {"reread": letter["letter"], "consumer": NAME}
        backend.clock.advance(60)
        await consumer._release_requested()
        assert len(await answered(fresh_database, *LETTERS, "list")) == left
        assert [record.value for record in await backend.all_of(OUTPUT)] == applied
    assert letter["letter"] != first["letter"]


async def test_a_letter_that_names_no_consumer_is_shown_and_not_read_again(
    backend: Backend, fresh_database: FreshDatabase
) -> None:
    """One from before letters said whose they are: shown without, refused with what to do."""
    await backend.append([NewRecord(TOPIC + "-dlq", SICK, SECRET)])
    (letter,) = await answered(fresh_database, *LETTERS, "list")
    assert (await answered(fresh_database, *LETTERS, "show", letter["letter"]))["consumer"] is None
    done = await typed(fresh_database, *LETTERS, "reread", letter["letter"], "--reason", "a new version")
    assert (done.exit_code, "Drop it with a reason" in " ".join(done.output.split())) == (1, True), done.output


async def test_a_letter_of_the_router_is_never_read_again(
    backend: Backend, fresh_database: FreshDatabase
) -> None:
    """Decided behind newer records, an old one could bring a withdrawn consent back: refused, and still waiting."""
    store = backend.store
    assert isinstance(store, PostgresStore)
    consumer = ConsumerLoop("router", [TOPIC], _poison(), store=store, leases=backend.leases, log=backend.log,
                            clock=backend.clock, wake=backend.wake, owner="first")  # fmt: skip
    await backend.append([NewRecord(TOPIC, SICK, SECRET)])
    assert await consumer.run_once() == 1
    (letter,) = await answered(fresh_database, *LETTERS, "list")
    done = await typed(fresh_database, *LETTERS, "reread", letter["letter"], "--reason", "a new version")
    assert (done.exit_code, "ask its sender to send again" in " ".join(done.output.split())) == (1, True), done.output
    assert await answered(fresh_database, *LETTERS, "list") == [letter]
    assert await store.pool.fetchval("select count(*) from runtime.parked_keys") == 0


async def test_acts_can_only_be_added(backend: Backend) -> None:
    """The services' role neither alters nor removes what an operator did."""
    store = backend.store
    assert isinstance(store, PostgresStore)
    for statement in ("delete from operations.acts", "update operations.acts set reason = ''"):
        with pytest.raises(Exception, match="permission denied"):
            await store.pool.execute(statement)


async def test_an_empty_list_and_a_wrong_word_are_said_in_a_sentence(
    fresh_database: FreshDatabase, tmp_path: Path
) -> None:
    """None waits; no such letter; no reason; no database."""
    for words, code, sentence in (
        (("list",), 0, "No dead letter waits."),
        (("show", "abcd"), 1, "no dead letter goes by that name"),
        (("drop", "abcd", "--reason", " "), 1, "the reason is empty"),
        (("reread", "abc", "--reason", "x"), 1, "write 4 digits"),
    ):
        done = await typed(fresh_database, *LETTERS, *words)
        assert (done.exit_code, sentence in " ".join(done.output.split())) == (code, True), done.output
    nowhere = await typed(fresh_database, *LETTERS, "list", "--data", str(tmp_path), SAMPAN_DATABASE_URL="")
    assert nowhere.exit_code == 1
