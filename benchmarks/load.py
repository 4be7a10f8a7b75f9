"""Sends prepared submissions over a few kept-open connections: ``python -m benchmarks.load HOST:PORT FILE BATCH N``.

Plain sockets: an HTTP client library would cost more than the server that is measured.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from pathlib import Path


def bodies_of(data: bytes, batch: int) -> deque[bytes]:
    """Cut the file into request bodies."""
    parts, position = [], 0
    while position < len(data):
        size = int.from_bytes(data[position : position + 4], "big")
        parts.append(data[position : position + 4 + size])
        position += 4 + size
    if batch == 1:
        return deque(part[4:] for part in parts)
    return deque(b"".join(parts[start : start + batch]) for start in range(0, len(parts), batch))


async def worker(host: str, port: int, path: str, token: str, bodies: deque[bytes]) -> int:
    """One connection; returns how many answers were not 200."""
    reader, writer = await asyncio.open_connection(host, port)
    refused = 0
    while bodies:
        body = bodies.popleft()
        head = (
            f"POST {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n"
            f"content-type: application/octet-stream\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        refused += await answered(reader) != 200
    writer.close()
    return refused


async def answered(reader: asyncio.StreamReader) -> int:
    """Read one answer whole; returns its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    status = int(head.split(" ", 2)[1])
    if "content-length:" in head:
        await reader.readexactly(int(head.split("content-length:")[1].split("\r\n")[0]))
        return status
    while size := int((await reader.readuntil(b"\r\n")).strip() or b"0", 16):
        await reader.readexactly(size + 2)
    await reader.readuntil(b"\r\n")
    return status


async def main(address: str, data: bytes, batch: int, connections: int) -> int:
    """Send everything."""
    host, _, port = address.partition(":")
    path = "/v1/submissions" if batch == 1 else "/v1/submissions:batch"
    bodies, token = bodies_of(data, batch), sys.stdin.read()
    workers = [worker(host, int(port), path, token, bodies) for _ in range(min(connections, len(bodies)))]
    return sum(await asyncio.gather(*workers))


if __name__ == "__main__":
    content = Path(sys.argv[2]).read_bytes()
    sys.exit(1 if asyncio.run(main(sys.argv[1], content, int(sys.argv[3]), int(sys.argv[4]))) else 0)
