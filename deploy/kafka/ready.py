"""Whether a cluster answers: metadata asked of it as any client would, never a guess by time."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any, Final, TypeVar

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy.kafka.access import Access
from deploy.kafka.ports import HOST

_POLL_SECONDS: Final = 0.05
_CONNECT_SECONDS: Final = 0.5
_ANSWER_MS: Final = 3000
_Answer = TypeVar("_Answer")


@asynccontextmanager
async def admin(access: Access, *, request_timeout_ms: int = 30_000) -> AsyncIterator[AIOKafkaAdminClient]:
    """A connected admin client, closed at the end."""
    client = AIOKafkaAdminClient(request_timeout_ms=request_timeout_ms, **access.for_aiokafka())
    try:
        await client.start()
        yield client
    finally:
        await client.close()


async def living_brokers(access: Access) -> set[int]:
    """Ids of the brokers that the cluster counts as alive; empty if nobody answers."""
    try:
        async with admin(access, request_timeout_ms=_ANSWER_MS) as client:
            cluster = await client.describe_cluster()
    except (KafkaError, OSError, TimeoutError):
        return set()
    return {broker["node_id"] for broker in cluster["brokers"]}


async def lagging_partitions(access: Access) -> list[tuple[str, int]]:
    """Partitions without a leader or with fewer replicas in sync than they have."""
    async with admin(access, request_timeout_ms=_ANSWER_MS) as client:
        topics = await client.describe_topics()
    return [
        (topic["topic"], partition["partition"])
        for topic in topics
        for partition in topic["partitions"]
        if partition["leader"] < 0 or len(partition["isr"]) < len(partition["replicas"])
    ]


def node_sees(access: Access, port: int, expected: Iterable[int]) -> bool:
    """Whether the node on ``port`` answers and counts all of ``expected`` as alive."""
    if not _accepts(port):  # spares the client's complaint about each refused connection
        return False
    return set(expected) <= run_apart(living_brokers(replace(access, bootstrap=f"{HOST}:{port}")))


def wait_until(holds: Callable[[], bool], *, within_seconds: float) -> bool:
    """Ask again and again until it holds; False when the time is over."""
    until = time.monotonic() + within_seconds
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def run_apart(work: Coroutine[Any, Any, _Answer]) -> _Answer:
    """Run ``work`` on a loop of a thread of its own, so that callers with and without a loop can block on it."""
    answers: list[_Answer] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            with quiet():
                answers.append(asyncio.run(work))
        except BaseException as failure:  # noqa: BLE001 - raised again in the caller's thread
            failures.append(failure)

    thread = threading.Thread(target=run, name="kafka-probe", daemon=True)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return answers[0]


_quiet_lock: Final = threading.Lock()


@contextmanager
def quiet() -> Any:
    """Keep aiokafka's log silent: while a broker comes up, its complaints say nothing new."""
    logger = logging.getLogger("aiokafka")
    with _quiet_lock:
        before = logger.level
        logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            logger.setLevel(before)


def _accepts(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), _CONNECT_SECONDS).close()
    except OSError:
        return False
    return True
