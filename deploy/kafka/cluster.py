"""A Kafka cluster on loopback: one node or three, with the failures that a test may wish upon it.

    with LocalCluster(folder, nodes=3) as kafka:
        producer = AIOKafkaProducer(**kafka.access().for_aiokafka(), acks="all")
        kafka.node(2).kill()
        kafka.restart(2)

All calls block; from a running loop use ``asyncio.to_thread(kafka.restart, 2)``.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from contracts.errors import SetupProblem
from deploy.kafka.access import Access
from deploy.kafka.jars import ensure_jars
from deploy.kafka.lock import ClusterLock
from deploy.kafka.node import LocalNode
from deploy.kafka.plan import ClusterPlan
from deploy.kafka.ports import require_free
from deploy.kafka.ready import lagging_partitions, node_sees, run_apart, wait_until
from deploy.kafka.secure import ADMIN, ClusterSecrets

_READY_SECONDS: Final = 120.0


class LocalCluster:
    """Apache Kafka in ``folder``, created on first use; the folder's own plan wins over the arguments later.

    Args:
        folder: of its own; data, logs and pid files live in it.
        nodes: 1 or 3. With three, topics keep three replicas and need two in sync.
        ports: the brokers' ports, one each; free ones if empty.
        secure: TLS and SASL/SCRAM for clients, client certificates between nodes, ACLs enforced.
        users: who may log in to a secure cluster, beside ``admin``; each gets a password of its own.
        heap_mb: the most that one node's heap may grow to.
        guarded: nodes die with this process. False lets them outlive it.
        jars: the class path; fetched if not given.
        extra: lines of ``server.properties`` that override ours.
    """

    def __init__(
        self,
        folder: Path,
        *,
        nodes: int = 1,
        ports: Sequence[int] = (),
        secure: bool = False,
        users: Sequence[str] = (),
        heap_mb: int = 256,
        guarded: bool = True,
        jars: Sequence[Path] | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder.absolute()
        kept = ClusterPlan.load(self.folder)
        self.plan = kept or ClusterPlan.make(nodes, ports=tuple(ports), secure=secure, users=tuple(users))
        self._is_new = kept is None
        self._heap_mb = heap_mb
        self._guarded = guarded
        self._jars = jars
        self._extra = extra
        self._nodes: tuple[LocalNode, ...] | None = None
        self._lock = ClusterLock(self.folder / "lock")
        self._owner_pid = os.getpid()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def nodes(self) -> tuple[LocalNode, ...]:
        """The nodes in the order of their ids."""
        if self._nodes is None:
            jars = self._jars if self._jars is not None else ensure_jars()
            self._nodes = tuple(
                LocalNode(
                    self.plan,
                    node,
                    self.folder / f"node-{node.node_id}",
                    jars,
                    heap_mb=self._heap_mb,
                    guarded=self._guarded,
                    extra=self._extra,
                )
                for node in self.plan.nodes
            )
        return self._nodes

    @property
    def bootstrap(self) -> str:
        """``host:port`` of every broker, with commas."""
        return self.plan.bootstrap

    def node(self, node_id: int) -> LocalNode:
        """One node by its id, counted from 1."""
        return self.nodes[node_id - 1]

    def access(self, user: str = ADMIN) -> Access:
        """The way in for a client; ``user`` counts in a secure cluster only.

        Raises:
            KeyError: a secure cluster has no such user.
        """
        if not self.plan.secure:
            return Access(self.bootstrap)
        secrets = ClusterSecrets.load(self.folder / "secrets")
        return Access(self.bootstrap, user, secrets.passwords[user], secrets.ca_file)

    def start(self) -> None:
        """Format what is new, run every node that is down, wait until all answer.

        A guarded cluster first stops nodes that a killed run left on its folder.

        Raises:
            SetupProblem: ``kafka-folder-in-use``, ``port-in-use``, ``kafka-format-failed``,
                ``kafka-did-not-start``, ``no-java``, or one of :func:`deploy.kafka.jars.ensure_jars`.
        """
        self._lock.acquire()
        if self._guarded:
            atexit.register(self.stop)
        down: list[LocalNode] = []
        try:
            if self._guarded:
                self._clear_orphans()
            down = [node for node in self.nodes if node.pid is None]
            for node in down:
                node.settle()
            require_free(port for node in down for port in node.node.ports)
            self._format(down)
            for node in down:
                node.start()
            self.wait_ready()
        except BaseException:
            _stop(down)  # what ran before us runs on
            atexit.unregister(self.stop)
            self._lock.release()
            raise
        if not self._guarded:
            self._lock.release()

    def _clear_orphans(self) -> None:
        for node in self.nodes:
            if node.is_orphan:
                node.stop()

    def _format(self, nodes: Iterable[LocalNode]) -> None:
        if self._is_new:
            if self.plan.secure:
                ClusterSecrets.make(self.folder / "secrets", (ADMIN, *self.plan.users))
            self.plan.save(self.folder)
            self._is_new = False
        secrets = ClusterSecrets.load(self.folder / "secrets") if self.plan.secure else None
        begun = [(node, node.begin_format(secrets.passwords if secrets else {})) for node in nodes]
        for node, formatting in begun:
            node.end_format(formatting)

    def wait_ready(self, within_seconds: float = _READY_SECONDS) -> None:
        """Wait until every node that runs and is not paused answers and counts all of these as alive.

        Raises:
            SetupProblem: ``kafka-did-not-start``: a node ended, or the time is over.
        """
        running = [node for node in self.nodes if node.pid is not None and not node.is_paused]
        ids = {node.node_id for node in running}
        access = self.access()
        for node in running:
            if not _comes_up(node, access, ids, within_seconds):
                raise SetupProblem(
                    f"Kafka's node {node.node_id} did not start: {node.last_words()}",
                    code="kafka-did-not-start",
                    remedy=f"See {node.server_log}.",
                )

    def wait_in_sync(self, within_seconds: float = _READY_SECONDS) -> None:
        """Wait until every partition has a leader and all its replicas have caught up.

        Raises:
            SetupProblem: ``kafka-not-in-sync``.
        """
        access = self.access()
        if not wait_until(lambda: not run_apart(lagging_partitions(access)), within_seconds=within_seconds):
            raise SetupProblem(
                "Kafka's replicas do not catch up",
                code="kafka-not-in-sync",
                remedy="Start the nodes that are down: make kafka-status names them.",
            )

    def restart(self, node_id: int) -> None:
        """Bring a node back that was killed or stopped, on its old data and ports, and wait until it answers."""
        self.node(node_id).start()
        self.wait_ready()

    def heal(self) -> None:
        """Resume what is paused, start what is down, wait until all replicas are in sync."""
        for node in self.nodes:
            node.resume()
            node.start()
        self.wait_ready()
        self.wait_in_sync()

    def kill(self) -> None:
        """``kill -9`` all nodes at once: the quick end of a cluster that nobody needs again."""
        for node in self.nodes:
            node.kill()

    def stop(self) -> None:
        """Stop all nodes beside each other. Harmless when none runs."""
        if os.getpid() != self._owner_pid:
            return  # a forked child inherits our exit handlers, not our nodes
        atexit.unregister(self.stop)
        if self._nodes is not None or self.folder.exists():
            _stop(self.nodes)
        self._lock.release()


def _stop(nodes: Sequence[LocalNode]) -> None:
    for node in nodes:
        node.request_stop()
    for node in nodes:
        node.stop()


def _comes_up(node: LocalNode, access: Access, ids: set[int], within_seconds: float) -> bool:
    sees = False

    def is_decided() -> bool:
        nonlocal sees
        sees = node_sees(access, node.node.port, ids)
        return sees or node.pid is None

    wait_until(is_decided, within_seconds=within_seconds)
    return sees
