"""The guard that keeps tests on this machine does refuse, and does not refuse too much."""

from __future__ import annotations

import socket

import pytest

from tests.support.network_guard import NetworkGuard, OutsideWorldError, is_local


def test_a_name_outside_is_refused_before_it_is_looked_up(network_guard: NetworkGuard) -> None:
    """Looking up a host that is not this machine raises, and the attempt is remembered."""
    with network_guard.forgiving() as seen, pytest.raises(OutsideWorldError):
        socket.getaddrinfo("example.invalid", 443)
    assert seen == ["example.invalid"]


def test_an_address_outside_is_refused(network_guard: NetworkGuard) -> None:
    """Connecting to an address beyond this machine raises."""
    with network_guard.forgiving() as seen, socket.socket() as line, pytest.raises(OutsideWorldError):
        line.connect(("192.0.2.1", 443))
    assert seen == ["192.0.2.1"]


def test_loopback_is_open() -> None:
    """A server of the test's own on loopback can be reached."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as line:
        line.connect(server.getsockname())


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost", True),
        ("127.0.0.53", True),
        ("::1", True),
        ("[::1]", True),
        ("db.localhost", True),
        ("localhost.example.org", False),
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("fe80::1%eth0", False),
    ],
)
def test_what_counts_as_this_machine(host: str, local: bool) -> None:
    """Loopback names and addresses are this machine; private and link-local networks are not."""
    assert is_local(host) is local
