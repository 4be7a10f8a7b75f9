"""One node's ``server.properties``.

``message.max.bytes`` and the flush settings stay at Kafka's defaults: durability comes from replicas, and a
single broker may lose what the operating system had not yet written when the machine loses power.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from deploy.kafka.plan import ClusterPlan, NodePlan
from deploy.kafka.ports import HOST


def server_properties(
    plan: ClusterPlan, node: NodePlan, folder: Path, *, extra: Mapping[str, str] | None = None
) -> str:
    """The file's text; ``extra`` overrides anything."""
    said = {
        "process.roles": "broker,controller",
        "node.id": str(node.node_id),
        "log.dirs": str(folder / "data"),
        "listeners": ",".join(
            (
                f"CLIENT://{HOST}:{node.port}",
                f"INTERNAL://{HOST}:{node.internal_port}",
                f"CONTROLLER://{HOST}:{node.controller_port}",
            )
        ),
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "INTERNAL",
        "controller.quorum.bootstrap.servers": ",".join(f"{HOST}:{n.controller_port}" for n in plan.nodes),
        **cluster_promises(plan),
        **_small_machine(plan),
        **_listeners(plan, folder.parent / "secrets"),
        **(extra or {}),
    }
    return "".join(f"{key}={_escaped(value)}\n" for key, value in said.items())


def cluster_promises(plan: ClusterPlan) -> dict[str, str]:
    """What a region's own cluster must say too."""
    return {
        "auto.create.topics.enable": "false",
        "default.replication.factor": str(plan.replicas),
        "min.insync.replicas": "2" if plan.replicas == 3 else "1",
        "unclean.leader.election.enable": "false",
    }


def _small_machine(plan: ClusterPlan) -> dict[str, str]:
    """What suits two cores, and tests that wait for a dead broker to be noticed."""
    return {
        "offsets.topic.replication.factor": str(plan.replicas),
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": str(plan.replicas),
        "transaction.state.log.min.isr": "2" if plan.replicas == 3 else "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": str(plan.replicas),
        "share.coordinator.state.topic.min.isr": "2" if plan.replicas == 3 else "1",
        "share.coordinator.state.topic.num.partitions": "4",
        "group.initial.rebalance.delay.ms": "0",
        "num.network.threads": "2",
        "num.io.threads": "4",
        "log.cleaner.dedupe.buffer.size": "8388608",
        "log.index.size.max.bytes": "1048576",
        "broker.heartbeat.interval.ms": "500",
        "broker.session.timeout.ms": "3000",
    }


def _listeners(plan: ClusterPlan, secrets: Path) -> dict[str, str]:
    if not plan.secure:
        return {
            "listener.security.protocol.map": "CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
        }
    # SCRAM needs the metadata that the controllers first have to agree on, so between nodes the certificate
    # is the identity; clients, which have no certificate, give a password inside TLS.
    return {
        "listener.security.protocol.map": "CLIENT:SASL_SSL,INTERNAL:SSL,CONTROLLER:SSL",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(secrets / "node.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(secrets / "ca.pem"),
        "listener.name.internal.ssl.client.auth": "required",
        "listener.name.controller.ssl.client.auth": "required",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.client.scram-sha-512.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "false",
        "super.users": "User:admin;User:CN=sampan-kafka-node",
    }


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\")
