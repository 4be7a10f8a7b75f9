"""The line between a service and the vault in another process: who may speak, what it refuses, what it hides."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from contracts.errors import InvalidInput, NotAuthentic, SampanError, SetupProblem, TryLater
from services.vault import errors, wire
from services.vault.apart import VaultApart
from services.vault.errors import VaultAway
from services.vault.keyring import Keyring
from services.vault.naming import naming_keys
from services.vault.port import Admission
from services.vault.remote import VaultRemote, check_url
from tests.support.postgres import FreshDatabase
from tests.support.real_server import running
from tests.support.sealed import MAI, NOW, World, parts
from tests.support.vault_server import TOKEN, served
from tests.support.vault_world import VaultWorld

CANARY = "Vongsa-Mekong-7731"


@pytest.fixture
async def apart(fresh_database: FreshDatabase, keyring: Keyring) -> AsyncIterator[VaultApart]:
    vault = await VaultApart.connect(fresh_database.vault_dsn, keyring, World(12).random)
    yield vault
    await vault.close()


def hello(keyring: Keyring) -> wire.Hello:
    return wire.Hello(naming_keys(keyring), keyring.public.key_id, keyring.public.raw)


async def answering(keyring: Keyring, answer: httpx.Response | httpx.TransportError) -> VaultRemote:
    """A client whose vault greets it, and gives this to all else."""

    def handle(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, content=wire.encode(hello(keyring)))
        if isinstance(answer, httpx.TransportError):
            raise answer
        return answer

    transport = httpx.MockTransport(handle)
    return await VaultRemote.connect("http://127.0.0.1:8424", "t", World(1).random, transport=transport)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://10.0.0.7:8424", "vault-in-clear"),
        ("http://vault.example.org", "vault-in-clear"),
        ("http://127.0.0.1.example.org:8424", "vault-in-clear"),
        ("ftp://127.0.0.1", "bad-vault-url"),
        ("https://user:word@vault.example.org", "bad-vault-url"),
        ("https://vault.example.org/somewhere", "bad-vault-url"),
        ("https://127.0.0.1:99999", "bad-vault-url"),
        ("127.0.0.1:8424", "bad-vault-url"),
        ("", "bad-vault-url"),
    ],
)
async def test_keys_go_to_no_other_machine_in_clear(url: str, code: str) -> None:
    """Plain HTTP beyond this machine, and what is no address, are refused before anything is sent."""
    with pytest.raises(SetupProblem) as refused:
        await VaultRemote.connect(url, "t", World(1).random)
    assert refused.value.code == code
    assert refused.value.field == "SAMPAN_VAULT__URL"


@pytest.mark.parametrize("url", ["http://127.0.0.1:8424", "http://[::1]:8424", "https://vault.example.org:8424/"])
def test_loopback_and_tls_are_good(url: str) -> None:
    """This machine may speak plainly; another one under TLS."""
    check_url(url)


async def test_a_caller_without_the_token_hears_nothing(apart: VaultApart, keyring: Keyring) -> None:
    """Every path answers 401 and no byte more; the client names the setting to mend."""
    async with running(served(apart, keyring)) as url:
        async with httpx.AsyncClient(base_url=url) as stranger:
            for headers in ({}, {"Authorization": f"Basic {TOKEN}"}, {"Authorization": f"Bearer {TOKEN}x"}):
                for method in sorted(wire.METHODS):
                    response = await stranger.post(wire.PATH + method, content=b"\xc0", headers=headers)
                    assert (response.status_code, response.content) == (401, b"")
                response = await stranger.get(wire.PATH + "names", headers=headers)
                assert (response.status_code, response.content) == (401, b"")
        with pytest.raises(SetupProblem) as refused:
            await VaultRemote.connect(url, "another", World(1).random)
    assert refused.value.code == "vault-token"
    assert refused.value.field == "SAMPAN_VAULT__TOKEN"


async def test_a_vault_that_went_away_is_waited_for(
    apart: VaultApart, keyring: Keyring, fresh_database: FreshDatabase
) -> None:
    """No refusal and no outcome: an error that says later, with 503; nobody answers a greeting either."""
    async with running(served(apart, keyring)) as url:
        vault = await VaultRemote.connect(url, TOKEN, World(1).random)
        assert await vault.facts_keys(None, [World(2).id()]) == {}
    with pytest.raises(VaultAway) as away:
        await vault.facts_keys(None, [World(2).id()])
    await vault.close()
    assert isinstance(away.value, TryLater)
    assert (away.value.code, away.value.http_status, away.value.retryable) == ("vault-away", 503, True)
    with pytest.raises(VaultAway):
        await VaultRemote.connect(url, TOKEN, World(1).random)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(401),
        httpx.Response(404, content=b"not here"),
        httpx.Response(500, content=CANARY.encode()),
        httpx.Response(503),
        httpx.Response(200, content=b"<html>"),
        httpx.Response(200, content=wire.encode(wire.Answer(b"\xc1"))),
        httpx.Response(200, content=bytes(wire.BODY_BYTES_MAX + 1)),
        httpx.Response(200, content=wire.encode(wire.Answer(refused=wire.refused(SampanError("x", code="internal"))))),
        httpx.Response(200, content=wire.encode(wire.Answer(refused=wire.refused(wire.malformed())))),
        httpx.ReadTimeout("too long"),
        httpx.RemoteProtocolError("cut off"),
    ],
    ids=["401", "404", "500", "503", "html", "no-value", "too-long", "fault", "malformed", "timeout", "cut"],
)
async def test_what_is_no_answer_of_a_vault_parks_nothing(
    keyring: Keyring, answer: httpx.Response | httpx.TransportError
) -> None:
    """A proxy's page or a changed token is never taken for a refusal, which would park cases one after another."""
    vault = await answering(keyring, answer)
    with capture_logs() as logs, pytest.raises(VaultAway):
        await vault.facts_keys(None, [World(2).id()])
    await vault.close()
    assert CANARY not in str(logs)


async def test_a_body_that_is_too_long_or_no_request_is_refused(apart: VaultApart, keyring: Keyring) -> None:
    """Neither is read to its end or told of in the log; the next call is answered."""
    async with running(served(apart, keyring)) as url:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(base_url=url, headers=headers) as client:
            with capture_logs() as logs:
                long = await client.post(wire.PATH + "narrow", content=bytes(wire.BODY_BYTES_MAX + 1))
                bad = await client.post(wire.PATH + "narrow", content=CANARY.encode())
        vault = await VaultRemote.connect(url, TOKEN, World(1).random)
        assert await vault.facts_keys(None, [World(2).id()]) == {}
        await vault.close()
    assert wire.decode(long.content, wire.Answer).refused.code == "too-large"
    assert wire.decode(bad.content, wire.Answer).refused.code == "malformed-request"
    assert CANARY not in str(logs)


async def test_long_batches_go_in_parts_and_keep_their_order(
    apart: VaultApart, keyring: Keyring, fresh_database: FreshDatabase, monkeypatch: pytest.MonkeyPatch, connection: Any
) -> None:
    """As many results as were asked for, each in its place, however small a request may be."""
    monkeypatch.setattr(wire, "PART_BYTES_MAX", 6000)
    async with running(served(apart, keyring)) as url:
        vault = await VaultRemote.connect(url, TOKEN, World(1).random)
        world = VaultWorld(keyring, vault)
        people = [world.id() for _ in range(7)]
        admissions = []
        for one, subject in enumerate(people):
            event, keys = world.opened(world.submission(parts(MAI, b"%d" % one)))
            admissions.append(Admission(event=event, keys=keys, subjects={MAI: subject}))
        async with connection.transaction():
            await vault.admit(connection, admissions, NOW)
            records = await vault.open_records(
                connection, [(one.event, [subject]) for one, subject in zip(admissions, people, strict=True)]
            )
        await vault.close()
    assert [record and record.control for record in records] == [b"control %d" % one for one in range(7)]


def kinds() -> Mapping[str, type[SampanError]]:
    found = {kind.__name__: kind for kind in wire._KINDS.values()}
    return dict(sorted(found.items()))


@pytest.mark.parametrize("name", kinds())
def test_every_error_comes_through_as_itself(name: str) -> None:
    """Class, code, sentence, field and remedy; one of a class that only the vault knows, as the class above it."""
    error = kinds()[name]("It is so.", code="a-code", field="a.field", remedy="Do this.")
    told = wire.error_of(wire.decode(wire.encode(wire.refused(error)), wire.Refused))
    assert type(told) is type(error)
    assert (told.code, told.sentence(), told.field) == (error.code, error.sentence(), error.field)

    class Newer(errors.GateClosed):
        pass

    assert type(wire.error_of(wire.refused(Newer("Shut.")))) is errors.GateClosed


async def test_no_log_line_or_text_shows_what_travels(
    apart: VaultApart, keyring: Keyring, connection: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Planted names and every key stay out of all logs, at the finest level, and out of what the messages print."""
    caplog.set_level(logging.DEBUG)
    with capture_logs() as logs:
        async with running(served(apart, keyring)) as url:
            vault = await VaultRemote.connect(url, TOKEN, World(1).random)
            world = VaultWorld(keyring, vault)
            event = await world.admit(connection, content=CANARY.encode())
            slots = await world.slots(connection, event)
            dispatch = await world.grant(connection, slots)
            assert CANARY.encode() in (await world.open(connection, dispatch, slots))["F1"]
            with pytest.raises(NotAuthentic):
                await vault.open_records(connection, [(world.event_like(event), [world.subject])])
            (released,) = await vault.release_keys(connection, [world.ticket(dispatch, slots)], NOW)
            await vault.close()
    assert not isinstance(released, SampanError)
    said = str(logs) + caplog.text + "".join(map(repr, [released, hello(keyring), wire.OneRelease(keys=released)]))
    secrets = [pin.key.key for pin in released.values()]
    secrets += [keyring.alias_key, keyring.code_key, keyring.mac_key]
    assert caplog.records, "the finest level says something"
    for secret in (CANARY, TOKEN, *(form for key in secrets for form in (key.hex(), repr(key)[2:-1]))):
        assert secret not in said


async def test_an_oversized_batch_of_one_is_still_sent(keyring: Keyring) -> None:
    """A single event beyond the size of a part goes alone: nothing is dropped."""
    assert [len(part) for part in wire.in_parts([("a", 9_000_000), ("b", 1), ("c", 8_000_000)])] == [1, 1, 1]
    assert list(wire.in_parts([])) == []


async def test_calls_at_once_share_a_few_connections(apart: VaultApart, keyring: Keyring) -> None:
    """Sixty calls at once are all answered."""
    async with running(served(apart, keyring)) as url:
        vault = await VaultRemote.connect(url, TOKEN, World(1).random)
        calls = [vault.facts_keys(None, [World(one).id()]) for one in range(60)]
        assert await asyncio.gather(*calls) == [{}] * 60
        await vault.close()


def test_a_wrong_kind_of_body_is_an_error_of_the_request() -> None:
    """What is no request of this version is refused as malformed, by class too."""
    assert isinstance(wire.malformed(), InvalidInput)
