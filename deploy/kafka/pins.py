"""Which jars make Kafka, and the sha256 of each: ``jars.sha256``, in the form that ``sha256sum -c`` reads.

The names are paths of a Maven repository, so they hold group, artifact and version too:
``org/apache/kafka/kafka_2.13/4.3.0/kafka_2.13-4.3.0.jar``.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contracts.errors import SetupProblem

PINS: Final = Path(__file__).with_name("jars.sha256")
_LINE: Final = re.compile(
    r"(?P<sha256>[0-9a-f]{64})  (?P<path>(?P<group>[\w./-]+)/(?P<artifact>[\w.-]+)/(?P<version>[\w.-]+)/"
    r"(?P=artifact)-(?P=version)\.jar)"
)


@dataclass(frozen=True, slots=True)
class Pin:
    """One jar: where it lies below a repository, and what it must hash to."""

    sha256: str
    path: str
    group: str
    artifact: str
    version: str

    @property
    def name(self) -> str:
        """The file's own name, for people."""
        return self.path.rpartition("/")[2]

    def holds(self, file: Path) -> bool:
        """Whether ``file`` is the jar that was pinned."""
        with open(file, "rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest() == self.sha256

    def line(self) -> str:
        return f"{self.sha256}  {self.path}"


def pin_of(sha256: str, group: str, artifact: str, version: str) -> Pin:
    """The pin of a jar by its coordinates; ``group`` with dots."""
    folder = group.replace(".", "/")
    return Pin(sha256, f"{folder}/{artifact}/{version}/{artifact}-{version}.jar", group, artifact, version)


def read_pins(file: Path = PINS) -> tuple[Pin, ...]:
    """The jars that make Kafka, in the order of the class path.

    Raises:
        SetupProblem: ``bad-pins``, a line that is no pin; names file and line.
    """
    pins = []
    for number, line in enumerate(file.read_text(encoding="ascii").splitlines(), 1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise SetupProblem(
                f"{file.name}:{number} is not a sha256, two spaces and a jar's path",
                code="bad-pins",
                remedy="Write the file anew: python -m deploy.kafka.resolve",
            )
        found = match.groupdict()
        found["group"] = found["group"].replace("/", ".")
        pins.append(Pin(**found))
    return tuple(pins)
