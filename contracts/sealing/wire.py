"""Reading and writing the Avro binary encoding, strictly: one value, one encoding, bounded lengths.

A general Avro reader accepts padded numbers and split arrays, so that two byte strings may mean one event;
signatures and idempotency need bytes and meaning to be one. Any Avro library reads what is written here.
"""

from __future__ import annotations

from contracts.sealing.suite import malformed

_MAX_VARINT_BYTES = 10


def write_long(value: int) -> bytes:
    """Avro ``long``: zigzag, base 128, least significant group first."""
    rest = (value << 1) ^ (value >> 63)
    out = bytearray()
    while rest > 0x7F:
        out.append((rest & 0x7F) | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def write_bytes(value: bytes) -> bytes:
    """Avro ``bytes``: length, then the bytes."""
    return write_long(len(value)) + value


def write_string(value: str) -> bytes:
    """Avro ``string``: UTF-8."""
    return write_bytes(value.encode())


class Reader:
    """Walks over one buffer. Every method raises ``InvalidInput`` (``malformed-seal``) and nothing else."""

    __slots__ = ("data", "position")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def fixed(self, size: int) -> bytes:
        """Exactly ``size`` bytes."""
        start = self.position
        end = start + size
        if end > len(self.data):
            raise malformed("it ends too early")
        self.position = end
        return self.data[start:end]

    def long(self) -> int:
        """A number in its shortest encoding."""
        data, position, value, shift = self.data, self.position, 0, 0
        while True:
            if position >= len(data):
                raise malformed("it ends too early")
            byte = data[position]
            position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
            if shift >= 7 * _MAX_VARINT_BYTES:
                raise malformed("a number is too long")
        if value >= 1 << 64 or (byte == 0 and shift):
            raise malformed("a number is not in its shortest form")
        self.position = position
        return (value >> 1) ^ -(value & 1)

    def bytes(self, at_most: int) -> bytes:
        """A byte string of at most ``at_most`` bytes."""
        size = self.long()
        if not 0 <= size <= at_most:
            raise malformed("a part is longer than allowed")
        return self.fixed(size)

    def string(self, at_most: int) -> str:
        """UTF-8 text of at most ``at_most`` bytes."""
        try:
            return self.bytes(at_most).decode()
        except UnicodeDecodeError:
            raise malformed("a text is not UTF-8") from None

    def boolean(self) -> bool:
        """0 or 1."""
        byte = self.fixed(1)
        if byte not in (b"\0", b"\1"):
            raise malformed("a flag is neither set nor unset")
        return byte == b"\1"

    def count(self, at_most: int) -> int:
        """The size of an array written as one block. Its end is read by :meth:`end_of_array`."""
        size = self.long()
        if not 0 < size <= at_most:
            raise malformed("a list has a wrong length")
        return size

    def end_of_array(self) -> None:
        """The zero that closes an array."""
        if self.fixed(1) != b"\0":
            raise malformed("a list does not end where it should")

    def end(self) -> None:
        """Nothing may follow."""
        if self.position != len(self.data):
            raise malformed("bytes follow its end")
