"""Where a name leads, asked once, and whether we may go there.

An agency types its address into a directory row. Were it to lead to this machine or a private network, a call
of ours would be a hand inside. So the name is resolved once, every answer must be a public address, and the
connection goes to that very answer: a second resolution could say something else.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

from contracts.errors import NotAllowed

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""(host, port) to addresses as text; raises OSError where the name has none."""

_NAT64: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))


async def system_resolver(host: str, port: int) -> Sequence[str]:
    """The machine's own resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address lies on the public network, seen through IPv6's ways of carrying IPv4."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo and address.teredo[1])
        if any(address in net for net in _NAT64):
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner:
            return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


def allowed(addresses: Sequence[str], *, allow_loopback: bool) -> str:
    """The address to connect to: the first, if every one of them may be gone to.

    Raises:
        NotAllowed: one of them is private, of this machine, or not an address.
    """
    try:
        parsed = [ip_address(text.partition("%")[0]) for text in addresses]
    except ValueError:
        parsed = []
    if parsed and all(is_public(each) or (allow_loopback and each.is_loopback) for each in parsed):
        return str(parsed[0])
    raise NotAllowed(
        "the address leads into a private network",
        code="private-address",
        field="channel address",
        remedy="Use an address that is reachable from the internet.",
    )
