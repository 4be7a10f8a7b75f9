"""Write ``jars.sha256`` anew, after a change of Kafka's version: ``python -m deploy.kafka.resolve``.

The sums are those of what the repository serves on that day; review the difference before committing it.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Final

from deploy.kafka.pins import PINS, Pin, pin_of
from deploy.kafka.registry import resolve

# slf4j-simple writes Kafka's log lines to its output. Asking for log4j's own binding in the same request makes
# the resolver choose an old kafka-clients, which does not run.
WANTED: Final = ("org.apache.kafka:kafka_2.13:4.3.0", "org.slf4j:slf4j-simple:1.7.36")


def current_pins(folder: Path) -> list[Pin]:
    """Pins of all that ``WANTED`` needs, fetched below ``folder``, sorted by path."""
    pins = []
    for found in resolve(WANTED, folder):
        digest = hashlib.sha256(Path(found.artifact.resolve()).read_bytes()).hexdigest()
        pins.append(pin_of(digest, found.groupId, found.artifactId, found.version))
    return sorted(pins, key=lambda pin: pin.path)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="sampan-jars-") as scratch:
        PINS.write_text("".join(f"{pin.line()}\n" for pin in current_pins(Path(scratch))), encoding="ascii")
