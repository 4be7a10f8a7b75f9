"""Ports on loopback: free ones to choose from, and whether a given one is taken."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterable
from typing import Final

from contracts.errors import SetupProblem

HOST: Final = "127.0.0.1"
# Below the range from which systems give ports to clients (from 32768 on Linux): a broker that is killed must
# find its port free when it comes back.
_CHOICE: Final = range(20_000, 32_000)


def is_free(port: int) -> bool:
    """Whether a server could listen on ``port`` of loopback now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """``count`` different ports that are free now."""
    chosen: dict[int, None] = {}
    while len(chosen) < count:
        port = _CHOICE[secrets.randbelow(len(_CHOICE))]
        if port not in chosen and is_free(port):
            chosen[port] = None
    return list(chosen)


def require_free(ports: Iterable[int]) -> None:
    """See that all of ``ports`` are free.

    Raises:
        SetupProblem: ``port-in-use``; names the port.
    """
    for port in ports:
        if not is_free(port):
            raise SetupProblem(
                f"Port {port} on this machine is used by another program",
                code="port-in-use",
                remedy="Stop that program, or choose another port: make kafka-up PORT=29092",
            )
