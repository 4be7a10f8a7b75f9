"""The spool: sealed submissions on their way out, one owner-only file each, in order.

Everything is kept here before it is sent, so that a cut line, a closed lid or a killed process loses nothing
and sends nothing twice: what is repeated is the same bytes.

    waiting/<number>-<chain>-<content>-<mark>-<submission id>.sealed
    held/<the same>                   goes out when a person says so, and not before; the reason beside it
    refused/<the same>                the server said no; its words beside it
    sent/<submission id>.json         the receipt, and the keyed digest of what it was for

``chain`` stands for a case, so that a case's events leave in the order in which they were written;
``content`` is a keyed digest, ``mark`` is :meth:`Secret.mark`. None of them says anything to whoever does not
hold this client's secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from pydantic import ValidationError

from contracts.api import SubmitReceipt
from contracts.errors import Conflict, SampanError, SetupProblem
from services.client.files import flush_folder, private_folder, write_private
from services.client.lock import only_me

_NAME: Final = re.compile(
    r"(?P<number>\d{12})-(?P<chain>[0-9a-f]{16})-(?P<content>[0-9a-f]{32})-(?:(?P<mark>[0-9a-f]{8})-)?"
    r"(?P<id>[0-9a-f]{32})\.sealed"
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A sealed submission that is kept, and where; ``mark`` is empty where none was made."""

    path: Path
    number: int
    chain: str
    content: str
    submission_id: UUID
    mark: str = ""

    def sealed(self) -> bytes:
        """The bytes to send; the same at every attempt."""
        return self.path.read_bytes()


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent before, and the receipt it got."""

    content: str
    receipt: SubmitReceipt


class Spool:
    """One agency's spool. Several processes may use it at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = private_folder(folder)
        self._waiting = private_folder(folder / "waiting")
        self._held = private_folder(folder / "held")
        self._refused = private_folder(folder / "refused")
        self._sent = private_folder(folder / "sent")

    def waiting(self) -> list[Waiting]:
        """What waits, in order."""
        return _entries(self._waiting)

    def held(self) -> list[Waiting]:
        """What goes out only when a person says so, in order."""
        return _entries(self._held)

    def refused(self) -> list[Waiting]:
        """What the server refused, in order."""
        return _entries(self._refused)

    def find(self, submission_id: UUID, content: str) -> Waiting | Sent | None:
        """What became of a submission on this machine, if it was ever kept here.

        Raises:
            Conflict: the id was used for other content.
        """
        known: Waiting | Sent | None = self.sent(submission_id)
        if known is None:
            known = next(iter(_entries(self._waiting, submission_id)), None)
        if known is None:
            known = next(iter(_entries(self._held, submission_id)), None)
        if known is not None and known.content != content:
            raise Conflict(
                "this submission id was used before for other content.",
                code="submission-id-reused",
                field="submission_id",
                remedy="Give the changed event a new submission_id.",
            )
        return known

    def sent(self, submission_id: UUID) -> Sent | None:
        """The receipt of a submission that was sent from here."""
        try:
            document = json.loads((self._sent / f"{submission_id}.json").read_bytes())
            return Sent(document["content"], SubmitReceipt.model_validate(document["receipt"]))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, ValidationError):
            raise SetupProblem(
                "the record of what was sent is damaged.",
                code="bad-sent-record",
                remedy=f"Ask before sending again; the record is {self._sent / f'{submission_id}.json'}.",
            ) from None

    def is_over(self, submission_id: UUID) -> bool:
        """Whether saying the same again is something new: it was sent, or something was kept after it."""
        if self.sent(submission_id) is not None:
            return True
        kept = [*self.waiting(), *self.held()]
        mine = [entry.number for entry in kept if entry.submission_id == submission_id]
        return bool(mine) and any(entry.number > mine[0] for entry in kept)

    def add(
        self, submission_id: UUID, content: str, chain: str, sealed: bytes, mark: str = ""
    ) -> Waiting | Sent:
        """Keep a sealed submission. Durable on return. If it was kept before, that one stands.

        Raises:
            SpoolFull: no room on the disk; nothing was kept.
            Conflict: the id was used for other content.
        """
        with only_me(self._folder / "add.lock"):
            known = self.find(submission_id, content)
            if known is not None:
                return known
            entry = self._last(chain, content, submission_id, mark)
            write_private(entry.path, sealed)
            return entry

    def _last(self, chain: str, content: str, submission_id: UUID, mark: str) -> Waiting:
        """Where the next entry goes: behind everything that is kept here."""
        # Entries move from waiting to held and refused: read in this order, none is missed on its way.
        paths = (path for folder in (self._waiting, self._held, self._refused) for path in folder.iterdir())
        number = 1 + max(map(_number, paths), default=0)
        parts = (f"{number:012}", chain, content, mark, submission_id.hex)
        path = self._waiting / f"{'-'.join(part for part in parts if part)}.sealed"
        return Waiting(path, number, chain, content, submission_id, mark)

    @contextmanager
    def sending(self) -> Iterator[None]:
        """While the block runs no other process sends from this spool."""
        with only_me(self._folder / "send.lock"):
            yield

    def is_waiting(self, entry: Waiting) -> bool:
        """Whether it still waits; another process may have sent it."""
        return entry.path.exists()

    def record_sent(self, entry: Waiting, receipt: SubmitReceipt) -> None:
        """Keep the receipt, then let go of the bytes. Durable on return."""
        document = {"content": entry.content, "receipt": receipt.model_dump(mode="json")}
        write_private(self._sent / f"{entry.submission_id}.json", json.dumps(document).encode())
        for earlier in _entries(self._refused, entry.submission_id):
            self.drop(earlier)
        entry.path.unlink(missing_ok=True)
        flush_folder(self._waiting)

    def set_aside(self, entry: Waiting, why: SampanError) -> None:
        """The server refused it: it waits no more, and is not thrown away either."""
        self._move(entry, self._refused, why)

    def hold(self, entry: Waiting, why: SampanError) -> None:
        """Keep it until a person says that it goes; held already, it is held for this reason now."""
        self._move(entry, self._held, why)

    def is_held(self, entry: Waiting) -> bool:
        """Whether only a person lets it go."""
        return entry.path.parent == self._held

    def release(self, entry: Waiting) -> Waiting:
        """Let a held entry go, behind all that waits now: what was sent since was sent before it."""
        with only_me(self._folder / "add.lock"):
            released = self._last(entry.chain, entry.content, entry.submission_id, entry.mark)
            entry.path.replace(released.path)
            flush_folder(self._waiting)
            _reason_path(entry.path).unlink(missing_ok=True)
            return released

    def drop(self, entry: Waiting) -> None:
        """Throw an entry away, and the reason why it was held or refused."""
        entry.path.unlink(missing_ok=True)
        _reason_path(entry.path).unlink(missing_ok=True)
        flush_folder(entry.path.parent)

    def reason(self, entry: Waiting) -> SampanError | None:
        """Why an entry was held or refused, as it was said then."""
        try:
            said = json.loads(_reason_path(entry.path).read_bytes())
            return SampanError(said["message"], code=said["code"], field=said["field"], remedy=said["remedy"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _move(self, entry: Waiting, folder: Path, why: SampanError) -> None:
        path = folder / entry.path.name
        said = {"message": why.message, "code": why.code, "field": why.field, "remedy": why.remedy}
        write_private(_reason_path(path), json.dumps(said).encode())
        entry.path.replace(path)
        flush_folder(folder)
        flush_folder(entry.path.parent)


def _reason_path(path: Path) -> Path:
    return path.with_suffix(".json")


def _number(path: Path) -> int:
    match = _NAME.fullmatch(path.name)
    return int(match["number"]) if match else 0


def _entries(folder: Path, submission_id: UUID | None = None) -> list[Waiting]:
    ending = f"{submission_id.hex if submission_id else ''}.sealed"
    found = ((path, _NAME.fullmatch(path.name)) for path in folder.iterdir() if path.name.endswith(ending))
    return sorted(
        (
            Waiting(
                path,
                int(match["number"]),
                match["chain"],
                match["content"],
                UUID(match["id"]),
                match["mark"] or "",
            )
            for path, match in found
            if match
        ),
        key=lambda entry: entry.number,
    )
