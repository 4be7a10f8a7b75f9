"""The lines to agencies' own systems in a story: whole, or cut by a ``fault``.

On a throw-away instance everybody reads an inbox, which cannot fail. Once a story cuts the line to an agency, that
agency has a machine beside it that is to be told as well, by notices over the real lanes, and it does not answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from adapters.channels.ed25519 import secret_of, signer
from adapters.exchange import Call, NoReply, Reply
from routing.directory import Directory
from services.edge.targets import Target, WebhookTarget

CHANNEL: Final = "webhook"
_SEED: Final = bytes(32)
"""Nobody verifies these notices: the machine at the other end is the line itself."""


@dataclass(slots=True)
class Line:
    """One agency's machine, or the silence where it was."""

    is_cut: bool = True

    async def perform(self, call: Call) -> Reply | NoReply:
        """Takes the notice, unless the line is cut: then nothing leaves."""
        return NoReply(sent=False, code="no-connection") if self.is_cut else Reply(204)


class Lines(Mapping[tuple[str, str], Target]):
    """Where to send, as delivery asks for it: the agencies whose line was cut at least once."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}
        self._targets: dict[tuple[str, str], Target] = {}

    def cut(self, agency: str) -> None:
        """From now on nothing reaches this agency's machine."""
        line = self._lines.setdefault(agency, Line())
        line.is_cut = True
        self._targets[agency, CHANNEL] = WebhookTarget(line, "/", (signer(secret_of(_SEED)),))

    def mend(self, agency: str) -> bool:
        """What waits arrives when its lane tries again. False: the line was not cut."""
        line = self._lines.get(agency)
        if line is None or not line.is_cut:
            return False
        line.is_cut = False
        return True

    def __getitem__(self, key: tuple[str, str]) -> Target:
        return self._targets[key]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._targets)

    def __len__(self) -> int:
        return len(self._targets)


def with_machines(directory: Directory) -> Directory:
    """The directory in which every agency has a machine to be told besides what it had."""
    return Directory.of(
        (
            agency if CHANNEL in agency.channels else replace(agency, channels=(CHANNEL, *agency.channels))
            for agency in directory.agencies
        ),
        directory.calendar,
    )
