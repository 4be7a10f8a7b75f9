"""What a vault in a process of its own is asked and answers: msgpack bodies, one shape a method.

Keys travel in these bodies, so nothing here prints itself and no body is ever logged. Errors come through as the
classes they are: whoever asks handles a refusal as if the vault stood beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec

from contracts import errors as common
from contracts.errors import InvalidInput, SampanError
from contracts.sealing import SlotKey
from services.vault import errors as ours
from services.vault.bundles import PinnedKey
from services.vault.naming import NamingKeys
from services.vault.port import Narrowing, OpenedRecord, OpenedSubmission
from services.vault.tickets import Grant, Regranted, Ticket

PATH: Final = "/v1/vault/"
TYPE: Final = "application/vnd.sampan.vault+msgpack"
BODY_BYTES_MAX: Final = 32_000_000
PART_BYTES_MAX: Final = 8_000_000
"""Sealed events of one request; a longer batch goes in several."""
Item = TypeVar("Item")


class _Said(msgspec.Struct, frozen=True, array_like=True):
    def __repr__(self) -> str:
        return f"{type(self).__name__}(▒▒▒)"


class Hello(_Said, frozen=True, array_like=True):
    """What a process is given once, at its start."""

    naming: NamingKeys
    public_key_id: str
    public_raw: bytes


class Refused(_Said, frozen=True, array_like=True):
    """A :class:`SampanError` on its way."""

    kind: str
    message: str
    code: str
    field: str | None
    remedy: str | None


class Answer(_Said, frozen=True, array_like=True):
    """The value, encoded; or why not."""

    value: bytes = b""
    refused: Refused | None = None


class Sealed(_Said, frozen=True, array_like=True):
    """Sealed submissions, as they were handed in."""

    submissions: tuple[bytes, ...]


class OneSubmission(_Said, frozen=True, array_like=True):
    """One of several results."""

    opened: OpenedSubmission | None = None
    refused: Refused | None = None


class OneAdmission(_Said, frozen=True, array_like=True):
    """``event``: Avro bytes. ``subjects``: the sender's reference and the subject id."""

    event: bytes
    keys: tuple[SlotKey, ...]
    subjects: tuple[tuple[UUID | None, UUID], ...]


class Admissions(_Said, frozen=True, array_like=True):
    """Events to admit."""

    admissions: tuple[OneAdmission, ...]
    now: datetime


class Narrowings(_Said, frozen=True, array_like=True):
    """Who is narrowed by what."""

    narrowings: tuple[Narrowing, ...]


class Subjects(_Said, frozen=True, array_like=True):
    """Whose keys."""

    subject_ids: tuple[UUID, ...]


class Records(_Said, frozen=True, array_like=True):
    """Events of the log (Avro bytes), each with its subjects."""

    records: tuple[tuple[bytes, tuple[UUID, ...]], ...]


class Grants(_Said, frozen=True, array_like=True):
    """What dispatches may open."""

    grants: tuple[Grant, ...]
    facts_keys: dict[UUID, bytes] | None


class Changes(_Said, frozen=True, array_like=True):
    """What earlier grants come to."""

    changes: tuple[Regranted, ...]
    versions: dict[UUID, int]


class Tickets(_Said, frozen=True, array_like=True):
    """Wishes to open."""

    tickets: tuple[Ticket, ...]
    now: datetime


class OneRelease(_Said, frozen=True, array_like=True):
    """One of several results."""

    keys: dict[str, PinnedKey] | None = None
    refused: Refused | None = None


class EdgeTickets(_Said, frozen=True, array_like=True):
    """Wishes to release keys to an agency's own edge, whose public key is ``edge``."""

    tickets: tuple[Ticket, ...]
    edge: bytes
    now: datetime


class OneSealed(_Said, frozen=True, array_like=True):
    """One of several results."""

    sealed: bytes | None = None
    refused: Refused | None = None


class Subject(_Said, frozen=True, array_like=True):
    """One person."""

    subject_id: UUID


class Groups(_Said, frozen=True, array_like=True):
    """Groups of one person."""

    subject_id: UUID
    labels: tuple[str, ...]


class Method(msgspec.Struct, frozen=True):
    """One endpoint: what it is asked and what it answers."""

    asked: Any
    answered: Any


METHODS: Final[Mapping[str, Method]] = {
    "open_submissions": Method(Sealed, tuple[OneSubmission, ...]),
    "admit": Method(Admissions, None),
    "narrow": Method(Narrowings, dict[UUID, int]),
    "facts_keys": Method(Subjects, dict[UUID, bytes]),
    "open_records": Method(Records, tuple[OpenedRecord | None, ...]),
    "grant": Method(Grants, None),
    "change_grants": Method(Changes, None),
    "release_keys": Method(Tickets, tuple[OneRelease, ...]),
    "release_to_edge": Method(EdgeTickets, tuple[OneSealed, ...]),
    "count_bundles": Method(Subject, int),
    "erase_subject": Method(Subject, None),
    "erase_groups": Method(Groups, None),
}

_ENCODER: Final = msgspec.msgpack.Encoder(uuid_format="bytes")
_KINDS: Final[dict[str, type[SampanError]]] = {
    kind.__name__: kind
    for module in (common, ours)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, SampanError)
}


def encode(value: Any) -> bytes:
    """Ids as 16 bytes."""
    return _ENCODER.encode(value)


def decode(data: bytes, kind: Any) -> Any:
    """Raises msgspec.DecodeError."""
    return msgspec.msgpack.decode(data, type=kind)


def in_parts(sized: Sequence[tuple[Item, int]]) -> Iterator[list[Item]]:
    """(item, bytes) each: the items in order, as many together as one request may carry."""
    part: list[Item] = []
    size = 0
    for item, length in sized:
        if part and size + length > PART_BYTES_MAX:
            yield part
            part, size = [], 0
        part.append(item)
        size += length
    if part:
        yield part


def malformed() -> InvalidInput:
    """What was sent is no request of this version."""
    return InvalidInput("This is no request that the vault knows.", code="malformed-request",
                        remedy="Run vault and services of one version.")  # fmt: skip


def refused(error: SampanError) -> Refused:
    """An error as it travels: of the nearest class that both sides know."""
    kind = next(base.__name__ for base in type(error).__mro__ if base.__name__ in _KINDS)
    return Refused(kind, error.message, error.code, error.field, error.remedy)


def error_of(told: Refused) -> SampanError:
    """The error again."""
    kind = _KINDS.get(told.kind, SampanError)
    return kind(told.message, code=told.code, field=told.field, remedy=told.remedy)
