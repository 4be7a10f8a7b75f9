"""Size classes: a padded plaintext is its length (4 bytes, big-endian), the content, and zeros."""

from __future__ import annotations

from contracts.errors import InvalidInput
from contracts.sealing.suite import SIZE_CLASSES, malformed

_LENGTH_BYTES = 4


def pad(content: bytes, at_least: int = SIZE_CLASSES[0], field: str = "groups") -> bytes:
    """Bring ``content`` to the smallest size class that holds it and is not under ``at_least``.

    Raises:
        InvalidInput: ``too-large``; more than 16 KiB in one group. Names ``field``.
    """
    needed = max(len(content) + _LENGTH_BYTES, at_least)
    for size in SIZE_CLASSES:
        if needed <= size:
            return (len(content).to_bytes(_LENGTH_BYTES, "big") + content).ljust(size, b"\0")
    raise InvalidInput(
        "This part holds more than one sealed part can carry (16 KiB).", code="too-large", field=field,
        remedy="Shorten the long texts, or send them in a second event.",
    )


def unpad(padded: bytes) -> bytes:
    """The content again.

    Raises:
        InvalidInput: ``malformed-seal``; not a size class, a wrong length, or padding that is not zero.
    """
    size = int.from_bytes(padded[:_LENGTH_BYTES], "big")
    end = _LENGTH_BYTES + size
    if len(padded) not in SIZE_CLASSES or end > len(padded):
        raise malformed("the padding of a part is wrong")
    if padded.count(0, end) != len(padded) - end:
        raise malformed("the padding of a part is wrong")
    return padded[_LENGTH_BYTES:end]
