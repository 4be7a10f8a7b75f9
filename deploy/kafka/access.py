"""How a client reaches a cluster: where, as whom, trusting which authority."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

SCRAM: Final = "SCRAM-SHA-512"


@dataclass(frozen=True, slots=True)
class Access:
    """One client's way in.

    ``bootstrap`` is ``host:port`` of brokers, with commas. Without ``user`` the line is plain, which suits
    loopback alone; with it, SASL/SCRAM inside TLS, the server's certificate checked against ``ca_file``.
    """

    bootstrap: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None

    def for_aiokafka(self) -> dict[str, Any]:
        """Keyword arguments for aiokafka's producer, consumer and admin client."""
        said: dict[str, Any] = {"bootstrap_servers": self.bootstrap}
        if self.user is not None:
            said |= {
                "security_protocol": "SASL_SSL",
                "sasl_mechanism": SCRAM,
                "sasl_plain_username": self.user,
                "sasl_plain_password": self.password,
                "ssl_context": ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None),
            }
        return said

    def for_librdkafka(self) -> dict[str, str]:
        """Configuration for librdkafka's clients, kcat and confluent-kafka among them."""
        said = {"bootstrap.servers": self.bootstrap}
        if self.user is not None:
            said |= {
                "security.protocol": "SASL_SSL",
                "sasl.mechanism": SCRAM,
                "sasl.username": self.user,
                "sasl.password": self.password or "",
            }
            if self.ca_file is not None:
                said["ssl.ca.location"] = str(self.ca_file)
        return said
