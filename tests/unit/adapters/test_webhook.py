"""Signed webhooks by Standard Webhooks 1.0.0."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.channels.ed25519 import public_of, secret_of, signer, verifier
from adapters.channels.effect import Effect
from adapters.exchange import NoReply, Reply
from adapters.webhook import outbound
from contracts.errors import InvalidInput, NotAuthentic

SEED, OTHER = bytes(range(32)), bytes(range(1, 33))
DISPATCH = UUID("0d2f0000-0000-8000-8000-000000000001")
NOW = 1_772_000_000


def notice(timestamp: int = NOW, *seeds: bytes) -> outbound.Notice:
    signers = [signer(secret_of(seed)) for seed in seeds or (SEED,)]
    made = outbound.render(DISPATCH, 7, path="/hook", timestamp=timestamp, signers=signers)
    assert isinstance(made, outbound.Notice)
    return made


def check(made: outbound.Notice, *, now: int = NOW, body: bytes | None = None, **changed: str) -> str:
    headers = {**made.call.headers, **{name.replace("_", "-"): value for name, value in changed.items()}}
    assert made.call.body is not None
    return outbound.verify(headers, body or made.call.body, [verifier(public_of(SEED))], now=now)


def test_the_body_says_nothing_of_the_case() -> None:
    """Type, dispatch alias and cursor; no event, no code, no name."""
    assert json.loads(notice().call.body or b"") == {
        "type": "sampan.item.waiting",
        "data": {"dispatch": str(DISPATCH), "cursor": 7},
    }


def test_attempts_share_id_and_body_and_differ_in_time() -> None:
    """The receiver sees a second attempt for what it is."""
    first, second = notice(NOW).call, notice(NOW + 60).call
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == str(DISPATCH)
    assert first.body == second.body
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    assert first.effect is Effect.KEYED


def test_a_good_notice_verifies() -> None:
    """Under the current key, within the tolerance, whatever the case of header names."""
    made = notice()
    assert check(made, now=NOW + 299) == str(DISPATCH)
    upper = {name.upper(): value for name, value in made.call.headers.items()}
    assert outbound.verify(upper, made.call.body or b"", [verifier(public_of(SEED))], now=NOW) == str(
        DISPATCH
    )


def test_while_keys_change_either_signature_is_enough() -> None:
    """Old and new key sign side by side; unknown kinds of signature are passed over."""
    made = notice(NOW, OTHER, SEED)
    assert check(made) == str(DISPATCH)
    assert check(
        made, webhook_signature="v1,aGVsbG8= v9a,x " + made.call.headers["webhook-signature"]
    ) == str(DISPATCH)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"webhook_id": "0d2f0000-0000-8000-8000-000000000002"}, "webhook-signature"),
        ({"webhook_timestamp": str(NOW + 1)}, "webhook-signature"),
        ({"webhook_signature": "v1a,aGVsbG8="}, "webhook-signature"),
        ({"webhook_signature": "v1a,!!"}, "webhook-signature"),
        ({"webhook_signature": ""}, "webhook-unsigned"),
        ({"webhook_timestamp": "١٢٣"}, "webhook-unsigned"),
    ],
)
def test_an_altered_notice_is_refused(changed: dict[str, str], code: str) -> None:
    """Id, time and signature are all covered."""
    with pytest.raises(NotAuthentic) as caught:
        check(notice(), **changed)
    assert caught.value.code == code


def test_a_replay_after_five_minutes_is_refused() -> None:
    """In both directions of the clock."""
    for now in (NOW + 301, NOW - 301):
        with pytest.raises(NotAuthentic) as caught:
            check(notice(), now=now)
        assert caught.value.code == "webhook-stale"


@given(st.binary(max_size=200))
def test_no_other_body_verifies(body: bytes) -> None:
    """The raw bytes are signed, not their meaning."""
    made = notice()
    if body and body != made.call.body:
        with pytest.raises(NotAuthentic):
            check(made, body=body)


def test_another_key_does_not_verify() -> None:
    """The key is the sender's own."""
    with pytest.raises(NotAuthentic):
        check(notice(NOW, OTHER))


@pytest.mark.parametrize(
    ("reply", "state", "code"),
    [
        (Reply(200), "delivered", "webhook-taken"),
        (Reply(204), "delivered", "webhook-taken"),
        (Reply(410), "refused", "webhook-gone"),
        (Reply(302), "later", "webhook-not-taken"),
        (Reply(400), "later", "webhook-not-taken"),
        (Reply(500), "later", "webhook-not-taken"),
        (NoReply(sent=True, code="timeout"), "later", "timeout"),
        (NoReply(sent=False, code="no-address"), "later", "no-address"),
    ],
)
def test_only_2xx_is_success(reply: Reply | NoReply, state: str, code: str) -> None:
    """410 ends it, all else is tried again: the id makes that safe."""
    verdict = notice().after(reply)
    assert (verdict.state, verdict.code) == (state, code)


@pytest.mark.parametrize(("value", "seconds"), [("120", 120), ("x", None), ("9" * 8, 86_400), ("-1", None)])
def test_retry_after_is_heard_within_bounds(value: str, seconds: int | None) -> None:
    """A receiver may ask for a pause, not for years."""
    assert notice().after(Reply(503, None, {"retry-after": value})).retry_after_seconds == seconds


@pytest.mark.parametrize("text", ["", "whsk_", "whpk_AAAA", "whsk_***", "AAAA"])
def test_wrong_keys_are_refused_without_being_repeated(text: str) -> None:
    """A mistyped secret does not end up in a log."""
    with pytest.raises(InvalidInput) as caught:
        signer(text)
    assert "***" not in caught.value.sentence()
