"""What a local cluster is: its id, its nodes and their ports, kept beside its data so that it comes back alike.

<folder>/ cluster.json   this plan
          lock           held while the cluster is started or stopped
          secrets/       certificates and passwords of a secure cluster, for the owner alone
          node-1/        server.properties, run.args, pid, server.log, data/
"""

from __future__ import annotations

import base64
import json
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from contracts.errors import SetupProblem
from deploy.kafka.ports import HOST, free_ports


@dataclass(frozen=True, slots=True)
class NodePlan:
    """One combined node: broker and controller in one process. ``directory_id`` names its log folder."""

    node_id: int
    port: int
    internal_port: int
    controller_port: int
    directory_id: str

    @property
    def voter(self) -> str:
        """The node as ``--initial-controllers`` wants it."""
        return f"{self.node_id}@{HOST}:{self.controller_port}:{self.directory_id}"

    @property
    def ports(self) -> tuple[int, ...]:
        return (self.port, self.internal_port, self.controller_port)


@dataclass(frozen=True, slots=True)
class ClusterPlan:
    """One cluster. ``users`` beside ``admin`` exist only in a secure one."""

    cluster_id: str
    nodes: tuple[NodePlan, ...]
    secure: bool = False
    users: tuple[str, ...] = ()

    @classmethod
    def make(
        cls, nodes: int, *, ports: tuple[int, ...] = (), secure: bool = False, users: tuple[str, ...] = ()
    ) -> Self:
        """A new plan of ``nodes`` nodes; ``ports`` are the brokers' own, else free ones are chosen.

        Raises:
            SetupProblem: ``bad-cluster``, neither one node nor three, or not one port for each.
        """
        if nodes not in (1, 3) or (ports and len(ports) != nodes):
            raise SetupProblem(
                "A local Kafka has one node or three, and one port for each or none",
                code="bad-cluster",
                remedy="Say NODES=1 or NODES=3.",
            )
        free = free_ports(3 * nodes)
        planned = tuple(
            NodePlan(
                node_id=index + 1,
                port=ports[index] if ports else free[3 * index],
                internal_port=free[3 * index + 1],
                controller_port=free[3 * index + 2],
                directory_id=_kafka_uuid(),
            )
            for index in range(nodes)
        )
        return cls(_kafka_uuid(), planned, secure, users)

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """The plan kept in ``folder``; None if there is none.

        Raises:
            SetupProblem: ``bad-cluster``, the file is not one of ours.
        """
        file = folder / "cluster.json"
        try:
            kept = json.loads(file.read_text(encoding="utf-8"))
            nodes = tuple(NodePlan(**node) for node in kept["nodes"])
            return cls(kept["cluster_id"], nodes, kept["secure"], tuple(kept["users"]))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            raise SetupProblem(
                f"{file} does not describe a local Kafka of this version",
                code="bad-cluster",
                remedy=f"Remove the folder {folder}; whatever this test cluster held is lost.",
            ) from None

    def save(self, folder: Path) -> None:
        unfinished = folder / "cluster.unfinished"
        unfinished.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        unfinished.replace(folder / "cluster.json")

    @property
    def bootstrap(self) -> str:
        """``host:port`` of every broker, with commas."""
        return ",".join(f"{HOST}:{node.port}" for node in self.nodes)

    @property
    def replicas(self) -> int:
        return min(3, len(self.nodes))


def _kafka_uuid() -> str:
    """A random id in Kafka's form: 16 bytes, base64url, no padding, and no dash in front."""
    while True:
        made = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode("ascii").rstrip("=")
        if not made.startswith("-"):
            return made
