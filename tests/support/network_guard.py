"""Nothing in the tests talks to the world: only loopback and Unix sockets are open.

The guard listens to Python's own audit events, so it also sees what a library does. An attempt raises, and
because code under test may rightly treat a failed connection as "offline", it is also remembered and fails
the test that made it. Children started by a test are not watched; they get loopback addresses from us.
"""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

_LOCAL_NAMES = frozenset({"", "localhost", "localhost.localdomain"})
_WATCHED = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})


class OutsideWorldError(RuntimeError):
    """A test tried to reach beyond this machine."""


class NetworkGuard:
    """Refuses and remembers attempts to leave the machine."""

    def __init__(self) -> None:
        self.attempts: list[str] = []

    def __call__(self, event: str, args: tuple[object, ...]) -> None:
        """The audit hook: called by the interpreter for every audited action."""
        if event in _WATCHED:
            self._check_address(args[1])
        elif event == "socket.getaddrinfo":
            self._check_host(args[0])

    def _check_address(self, address: object) -> None:
        if isinstance(address, tuple) and address:
            self._check_host(address[0])

    def _check_host(self, host: object) -> None:
        text = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        if text is None or not isinstance(text, str) or is_local(text):
            return
        self.attempts.append(text)
        raise OutsideWorldError(f"a test reached for {text}; tests talk to loopback alone")

    @contextmanager
    def forgiving(self) -> Iterator[list[str]]:
        """Attempts made inside the block are handed over and fail nothing (for tests of the guard)."""
        before = len(self.attempts)
        seen: list[str] = []
        try:
            yield seen
        finally:
            seen.extend(self.attempts[before:])
            del self.attempts[before:]


def is_local(host: str) -> bool:
    """Whether a host name or address stays on this machine."""
    name = host.strip("[]").partition("%")[0].lower()
    if name in _LOCAL_NAMES or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


_guard = NetworkGuard()
sys.addaudithook(_guard)


@pytest.fixture
def network_guard() -> NetworkGuard:
    """The guard in force."""
    return _guard


@pytest.fixture(autouse=True)
def _stay_on_this_machine() -> Iterator[None]:
    """Fail the test that reached outside, even where the code under test swallowed the refusal."""
    _guard.attempts.clear()
    yield
    reached = list(_guard.attempts)
    _guard.attempts.clear()
    assert not reached, f"the test reached for {', '.join(sorted(set(reached)))}"
