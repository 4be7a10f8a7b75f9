"""Where a channel may connect to."""

from __future__ import annotations

import pytest

from adapters.channels.addresses import allowed
from adapters.channels.http import BasicAuth, HttpChannel, converse
from adapters.exchange import Call, NoReply
from adapters.webhook.outbound import Notice
from contracts.errors import NotAllowed, SetupProblem

PRIVATE = [
    "127.0.0.1", "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",  # noqa: S104
    "224.0.0.1", "240.0.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1",
    "::ffff:10.0.0.1", "2002:0a00:0001::1", "64:ff9b::10.0.0.1", "2001:db8::1", "not an address",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_refused_however_they_are_written(address: str) -> None:
    """Also where IPv6 carries an IPv4 one inside, and where a public one stands beside it."""
    for found in ([address], ["8.8.8.8", address]):
        with pytest.raises(NotAllowed) as caught:
            allowed(found, allow_loopback=False)
        assert caught.value.code == "private-address"
        assert address not in caught.value.sentence()


def test_no_address_at_all_is_refused() -> None:
    """Nothing is not everything."""
    with pytest.raises(NotAllowed):
        allowed([], allow_loopback=True)


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "64:ff9b::808:808"])
def test_public_addresses_pass(address: str) -> None:
    """The first is taken."""
    assert allowed([address, "1.1.1.1"], allow_loopback=False) == address


def test_loopback_is_for_the_demo_alone_and_brings_no_private_network_with_it() -> None:
    """The switch opens this machine, nothing else."""
    assert allowed(["127.0.0.1"], allow_loopback=True) == "127.0.0.1"
    with pytest.raises(NotAllowed):
        allowed(["10.0.0.1"], allow_loopback=True)


@pytest.mark.parametrize(
    ("base", "code"),
    [
        ("http://primero.example", "not-https"),
        ("https://user:pass@primero.example", "bad-address"),
        ("https://primero.example/?a=b", "bad-address"),
        ("ftp://primero.example", "bad-address"),
        ("primero.example", "bad-address"),
        ("https://", "bad-address"),
        ("http://[", "bad-address"),
    ],
)
def test_addresses_that_no_channel_has(base: str, code: str) -> None:
    """Refused when the channel is made, not at the first survivor; the address is not repeated."""
    with pytest.raises(SetupProblem) as caught:
        HttpChannel(base)
    assert caught.value.code == code
    assert "pass" not in caught.value.sentence()


async def test_a_name_that_leads_inside_is_refused_before_anything_is_sent() -> None:
    """The metadata address of a cloud is the classic."""
    asked: list[tuple[str, int]] = []

    async def resolver(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["169.254.169.254"]

    channel = HttpChannel("https://partner.example:8443/in", resolver=resolver)
    with pytest.raises(NotAllowed):
        await channel.perform(Call("GET", "/"))
    assert asked == [("partner.example", 8443)]
    notice = Notice(Call("POST", "/"))
    assert (await converse(notice, channel)).code == "private-address"


async def test_plain_http_never_leaves_the_machine() -> None:
    """Even with the demo's switch on, http goes to loopback alone."""

    async def resolver(host: str, port: int) -> list[str]:
        return ["8.8.8.8"]

    channel = HttpChannel("http://partner.example", resolver=resolver, allow_insecure_loopback=True)
    with pytest.raises(NotAllowed) as caught:
        await channel.perform(Call("GET", "/"))
    assert caught.value.code == "not-https"


async def test_a_name_without_an_address_sent_nothing() -> None:
    """Safe to try again."""

    async def resolver(host: str, port: int) -> list[str]:
        raise OSError

    assert await HttpChannel("https://nowhere.example", resolver=resolver).perform(
        Call("GET", "/")
    ) == NoReply(sent=False, code="no-address")


def test_credentials_do_not_print() -> None:
    """In no repr."""
    assert "demo" not in repr(BasicAuth("demo-user", "demo-secret"))
    assert BasicAuth("Aladdin", "open sesame").header() == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
