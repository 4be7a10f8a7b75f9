"""A bounded memory of what pure functions gave for immutable arguments. It lives inside the law it follows from."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Memo(Generic[K, V]):
    """Remembers up to ``limit`` values; when it is full it forgets them all. That costs time, never an answer.

    Ask with :meth:`get`, and :meth:`keep` what had to be worked out.
    """

    __slots__ = ("_kept", "_limit", "get")

    def __init__(self, limit: int) -> None:
        self._kept: dict[K, V] = {}
        self._limit = limit
        self.get = self._kept.get

    def keep(self, key: K, value: V) -> V:
        """Remembers a value, and gives it back."""
        if len(self._kept) >= self._limit:
            self._kept.clear()
        self._kept[key] = value
        return value

    def __len__(self) -> int:
        return len(self._kept)
