"""Reading one mapping of a scenario: which keys may stand there, and what each must look like."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import date
from typing import Any, TypeVar

from contracts.address import parse_address
from contracts.errors import InvalidInput
from services.scenario.errors import ScenarioError, nearest
from services.scenario.nodes import Node

T = TypeVar("T")


_ONE_WORD = "Write one word, or a list of words where several may stand; nothing nested."


class Fields:
    """A mapping whose keys are all known.

    Args:
        what: how the mapping is called in an error: ``step 'trace'``.

    Raises:
        ScenarioError: not a mapping, or a key that is not known; names the nearest known key.
    """

    def __init__(self, node: Node, *, file: str, what: str, known: Collection[str]) -> None:
        self.node, self.file, self.what = node, file, what
        if not isinstance(node.value, dict):
            raise self.error(
                f"{what} must be a list of 'key: value'.",
                node,
                remedy="Known keys: " + ", ".join(known) + ".",
            )
        self._map: dict[str, Node] = node.value
        for key, value in self._map.items():
            if key not in known:
                raise self.error(
                    f"unknown key '{key}' in {what}; the nearest known key is '{nearest(key, known)}'.",
                    value,
                    remedy="Known keys: " + ", ".join(known) + ".",
                )

    def error(self, message: str, node: Node, remedy: str | None = None) -> ScenarioError:
        """An error of this file at that node's line."""
        return ScenarioError(message, file=self.file, line=node.line, remedy=remedy)

    def __contains__(self, key: str) -> bool:
        return key in self._map

    def node_of(self, key: str) -> Node | None:
        """The node under ``key``, if it stands there."""
        return self._map.get(key)

    def require(self, key: str, remedy: str) -> Node:
        """The node under ``key``.

        Raises:
            ScenarioError: it is missing.
        """
        node = self._map.get(key)
        if node is None or node.value is None:
            raise self.error(f"{self.what} needs '{key}'.", node or self.node, remedy=remedy)
        return node

    def text(self, key: str, allowed: Iterable[str] | None = None) -> str | None:
        """A word or sentence, one of ``allowed`` where that is given."""
        node = self._map.get(key)
        return None if node is None or node.value is None else self.word(node, key, allowed)

    def texts(self, key: str, allowed: Iterable[str] | None = None) -> tuple[str, ...] | None:
        """A word or a list of words; None where the key is missing."""
        node = self._map.get(key)
        if node is None:
            return None
        return tuple(self.word(item, key, allowed) for item in self.items(node))

    def items(self, node: Node) -> list[Node]:
        """The nodes of a list; a single value counts as a list of one, nothing as an empty one."""
        if isinstance(node.value, list):
            return node.value
        return [] if node.value is None else [node]

    def word(self, node: Node, key: str, allowed: Iterable[str] | None = None) -> str:
        """One scalar as text, one of ``allowed`` where that is given."""
        if isinstance(node.value, (dict, list)) or node.value is None:
            raise self.error(f"'{key}' in {self.what} must be one word or text.", node, remedy=_ONE_WORD)
        word = str(node.value).lower() if isinstance(node.value, bool) else str(node.value)
        if allowed is not None:
            known = list(allowed)
            if word not in known:
                raise self.error(
                    f"'{word}' is no value of '{key}' in {self.what}; the nearest is "
                    f"'{nearest(word, known)}'.",
                    node,
                    remedy="Known values: " + ", ".join(known) + ".",
                )
        return word

    def flag(self, key: str) -> bool | None:
        """True or false."""
        node = self._map.get(key)
        if node is None or node.value is None:
            return None
        if not isinstance(node.value, bool):
            raise self.error(f"'{key}' in {self.what} must be true or false.", node, remedy="Write true or false.")
        return node.value

    def day(self, key: str) -> date | None:
        """A date such as 2010-01-20."""
        node = self._map.get(key)
        if node is None or node.value is None:
            return None
        return self.read(node, key, date.fromisoformat, "Write year-month-day: 2010-01-20.")

    def address(self, key: str, also: Collection[str] = ()) -> str | None:
        """One address, or one of the words ``also``."""
        node = self._map.get(key)
        return None if node is None or node.value is None else self.an_address(node, key, also)

    def addresses(self, key: str, also: Collection[str] = ()) -> tuple[str, ...] | None:
        """An address or a list of them."""
        node = self._map.get(key)
        return None if node is None else tuple(self.an_address(item, key, also) for item in self.items(node))

    def an_address(self, node: Node, key: str, also: Collection[str] = ()) -> str:
        """One scalar as an address."""
        word = self.word(node, key)
        if word in also:
            return word
        try:
            return str(parse_address(word, key))
        except InvalidInput as error:
            raise self.error(
                f"'{key}' in {self.what}: '{word}' is {error.message}.", node, remedy=error.remedy
            ) from None

    def read(self, node: Node, key: str, reader: Callable[[str], T], remedy: str) -> T:
        """One scalar through ``reader``, whose ValueError becomes an error of this line."""
        try:
            return reader(self.word(node, key))
        except ValueError:
            raise self.error(f"'{key}' in {self.what} cannot be read.", node, remedy=remedy) from None

    def plain(self, key: str) -> Any:
        """What stands under ``key``, as plain Python."""
        node = self._map.get(key)
        return None if node is None else node.plain()
