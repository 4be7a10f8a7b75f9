"""The line to the server: what is repeated, what is not, and how trouble reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.errors import NotAuthentic, SampanError, TryLater
from contracts.sealing import VaultPrivateKey
from services.client.api import Api
from services.client.errors import ServerFault
from services.client.http import ATTEMPTS_MAX, Connection
from services.client.known import Known
from tests.support.stub_server import Fault, StubServer


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def api(server: StubServer, pauses: list[float]) -> Iterator[Api]:
    line = Connection(server.url, "token-ngo-th", sleep=pauses.append, jitter=lambda: 0.5)
    yield Api(line)
    line.close()


def test_pauses_grow_and_the_server_gives_up_after_four(
    server: StubServer, api: Api, pauses: list[float]
) -> None:
    """Without Retry-After the pauses double; the last answer is the error."""
    server.faults = [Fault("/v1/me", 503, times=99)]
    with pytest.raises(TryLater):
        api.me()
    assert pauses == [0.5, 1.0, 2.0]
    assert len(server.calls) == ATTEMPTS_MAX


def test_an_endless_retry_after_is_cut(server: StubServer, api: Api, pauses: list[float]) -> None:
    """A server that says "in a year" is asked again after half a minute."""
    server.faults = [Fault("/v1/me", 429, headers={"Retry-After": "31536000"})]
    assert api.me().agency == "ngo-th"
    assert pauses == [30.0]


def test_a_refusal_is_not_repeated(server: StubServer, api: Api, pauses: list[float]) -> None:
    """403 is an answer."""
    server.faults = [Fault("/v1/me", 403, {"title": "no", "status": 403, "code": "not-allowed"}, times=9)]
    with pytest.raises(SampanError) as caught:
        api.me()
    assert caught.value.code == "not-allowed"
    assert pauses == []


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_failing_server_is_told_from_a_busy_one_by_its_status(
    server: StubServer, api: Api, status: int
) -> None:
    """5xx other than 503 carries its status, may be tried again later, and is not repeated at once."""
    server.faults = [Fault("/v1/me", status, times=9)]
    with pytest.raises(ServerFault) as caught:
        api.me()
    assert (caught.value.status, caught.value.retryable) == (status, True)
    assert len(server.calls) == 1


def test_a_redirect_is_not_followed(server: StubServer, api: Api) -> None:
    """The token goes nowhere else; the sentence says that this is no Sampan server."""
    server.faults = [Fault("/v1/me", 302, headers={"Location": "/v1/agencies"})]
    with pytest.raises(SampanError) as caught:
        api.me()
    assert caught.value.code == "not-a-sampan-server"
    assert server.calls == ["GET /v1/me"]


def test_an_answer_of_another_shape_is_a_sentence_without_it(server: StubServer, api: Api) -> None:
    """What cannot be read is not repeated in the error."""
    server.faults = [Fault("/v1/me", 200, {"agency": ["CANARY-9000"]})]
    with pytest.raises(SampanError) as caught:
        api.me()
    assert "CANARY" not in str(caught.value)
    assert caught.value.code == "unreadable-answer"


def test_another_key_under_the_old_id_is_refused(server: StubServer, api: Api, folder: Path) -> None:
    """A server that shows a changed public key under a known id gets nothing sealed to it."""
    known = Known(folder, server.url, api)
    known.instance()
    server.vault = VaultPrivateKey("vault-1", bytes(range(1, 97)))
    with pytest.raises(NotAuthentic):
        known.instance()
    server.vault = VaultPrivateKey("vault-2", bytes(range(1, 97)))
    assert known.instance().vault_key_id == "vault-2"
