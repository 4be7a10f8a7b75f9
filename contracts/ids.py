"""Ids: what is minted, what is derived, and what a person can say over the telephone.

Recipients see aliases alone (RFC 9562 UUIDv8 of an HMAC): two recipients cannot join on one, and nobody
without the key can test a guess. Randomness and time are arguments.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Final
from uuid import UUID

import msgspec

from contracts.errors import InvalidInput

Random = Callable[[int], bytes]
"""``n`` → ``n`` random bytes: ``os.urandom`` in a service, ``random.Random(7).randbytes`` in tests."""

CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE_REMEDY: Final = "A case code looks like SP-K7RM4-TQX2F; read it again from the receipt."
_VALUE_OF: Final = {char: value for value, char in enumerate(CROCKFORD)}
_DATA_CHARS: Final = 9
_GROUP: Final = 5
_PREFIX: Final = re.compile(r"\s*SP[\s\-\u2010-\u2015_.]+", re.IGNORECASE)


def uuid_of(raw: bytes | bytearray) -> UUID:
    """The id of these 16 bytes; made in C, three times as fast as ``UUID(bytes=raw)``."""
    return msgspec.convert(raw, UUID)


def _joined(domain: bytes, *parts: bytes) -> bytes:
    joined = [domain]
    for part in parts:
        joined += (len(part).to_bytes(4, "big"), part)
    return b"".join(joined)


def _uuid(digest: bytes, version: int) -> UUID:
    raw = bytearray(digest[:16])
    raw[6] = raw[6] & 0x0F | version << 4
    raw[8] = raw[8] & 0x3F | 0x80
    return uuid_of(raw)


_SIXTEEN: Final = (16).to_bytes(4, "big")
"""How :func:`_joined` marks an id's length, and a number's."""
_FOUR: Final = (4).to_bytes(4, "big")


@lru_cache(maxsize=32)
def _alias_of(kind: str) -> bytes:
    """What the messages of all aliases of one kind begin with."""
    return _joined(b"sampan/alias/1", kind.encode()) + _SIXTEEN


def alias(key: bytes, kind: str, original: UUID, recipient: UUID) -> UUID:
    """What ``recipient`` (an agency's id) sees instead of ``original``.

    Args:
        key: the instance's alias key, 32 bytes.
        kind: ``case``, ``subject``, ``dispatch``, ``consent``, ``event``; separates equal ids of two kinds.

    Returns: a UUIDv8 of HMAC-SHA256 over (kind, id, recipient).
    """
    message = b"".join((_alias_of(kind), original.bytes, _SIXTEEN, recipient.bytes))
    return _uuid(hmac.digest(key, message, "sha256"), 8)


def dispatch_id(event: UUID, subject: UUID, recipient: str, generation: int = 0) -> UUID:
    """The id of one event to one recipient (slug): deciding again gives the same id, so nobody is told twice.

    Keyless, because routing is pure and holds no key; a recipient only ever sees its keyed :func:`alias`.
    """
    told = recipient.encode()
    message = b"".join((
        b"sampan/dispatch/1", _SIXTEEN, event.bytes, _SIXTEEN, subject.bytes, len(told).to_bytes(4, "big"), told,
        _FOUR, generation.to_bytes(4, "big"),
    ))  # fmt: skip
    return _uuid(hashlib.sha256(message).digest(), 8)


def new_id(random: Random, now: datetime) -> UUID:
    """A fresh UUIDv7 (RFC 9562): milliseconds of ``now`` and 74 random bits."""
    milliseconds = int(now.timestamp() * 1000)
    return _uuid(milliseconds.to_bytes(6, "big") + random(10), 7)


def _times_two(value: int) -> int:
    """Doubling in GF(32), modulus x^5 + x^2 + 1."""
    value <<= 1
    return value ^ 0b100101 if value & 0b100000 else value


def _check(values: list[int]) -> int:
    """Check symbol: every place has its own weight, so one wrong or two swapped characters show."""
    total = 0
    for value in values:
        total = _times_two(total ^ value)
    return total


def case_code(key: bytes, case_id: UUID, agency_id: UUID, attempt: int = 0) -> str:
    """The sayable name of a case for one agency: ``SP-XXXXX-XXXXX``, the last character a check.

    45 bits: among a hundred thousand codes two meet once in some seven thousand deployments; whoever stores
    codes then counts ``attempt`` up, and never lets one code mean two cases.
    """
    message = _joined(b"sampan/case-code/1", case_id.bytes, agency_id.bytes, attempt.to_bytes(4, "big"))
    bits = 5 * _DATA_CHARS
    number = int.from_bytes(hmac.digest(key, message, "sha256")[:6], "big") & ((1 << bits) - 1)
    values = [(number >> shift) & 31 for shift in range(bits - 5, -1, -5)]
    text = "".join(CROCKFORD[value] for value in [*values, _check(values)])
    return f"SP-{text[:_GROUP]}-{text[_GROUP:]}"


def parse_case_code(text: str, field: str = "case") -> str:
    """Read a code as people write it: lower case, spaces, O for 0, I or L for 1. Returns ``SP-XXXXX-XXXXX``.

    Raises:
        InvalidInput: ``bad-case-code``; says which character cannot stand in a code, how many are missing,
            or that one is mistyped.
    """
    letters = re.sub(r"[\s\-\u2010-\u2015_.]", "", _PREFIX.sub("", text[:64], count=1)).upper()
    if letters.startswith("SP") and len(letters) > _DATA_CHARS + 1:
        letters = letters[2:]
    letters = letters.translate(str.maketrans("OIL", "011"))
    for place, char in enumerate(letters[: _DATA_CHARS + 1], start=1):
        if char not in _VALUE_OF:
            raise _bad_code(f"character {place} after SP cannot stand in a case code", field)
    if len(letters) != _DATA_CHARS + 1:
        raise _bad_code(f"a case code has {_DATA_CHARS + 1} characters after SP, this one has {len(letters)}", field)
    values = [_VALUE_OF[char] for char in letters]
    if _check(values[:-1]) != values[-1]:
        raise _bad_code("one character of the case code is mistyped, or two are swapped", field)
    return f"SP-{letters[:_GROUP]}-{letters[_GROUP:]}"


def _bad_code(message: str, field: str) -> InvalidInput:
    return InvalidInput(message, code="bad-case-code", field=field, remedy=_CODE_REMEDY)
