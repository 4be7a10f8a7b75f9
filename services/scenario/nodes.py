"""YAML with positions, and without YAML's surprises.

YAML 1.1 reads ``NO`` (Norway) as false, ``19:00`` as 1140 and a date as an object. Here a plain scalar is
true, false, null, a whole number or a decimal only where it looks like nothing else; the rest is text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import yaml

from services.scenario.errors import ScenarioError

MAX_BYTES: Final = 1_000_000
MAX_NODES: Final = 50_000
MAX_DEPTH: Final = 40
_WHOLE: Final = re.compile(r"[+-]?(0|[1-9]\d*)")
_DECIMAL: Final = re.compile(r"[+-]?\d+\.\d+")
_WORDS: Final = {"true": True, "false": False, "null": None, "~": None, "": None}


@dataclass(frozen=True, slots=True)
class Node:
    """A value and the line (from 1) it stands on. ``value`` is a scalar, a dict or a list of nodes."""

    value: Any
    line: int

    def plain(self) -> Any:
        """The value as plain Python, positions dropped."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


def read_yaml(text: str, file: str) -> Node:
    """Read one YAML document.

    Raises:
        ScenarioError: not YAML, two documents, a key written twice, too large, nested too deep.
    """
    if len(text.encode()) > MAX_BYTES:
        raise ScenarioError(
            "The file is too large.", file=file, line=1, remedy="Keep a scenario below one megabyte."
        )
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise ScenarioError(
            f"This is not YAML: {error.problem or error.context}.",
            file=file,
            line=line,
            remedy="Check indentation, colons and quotes on this line and the one above.",
        ) from None
    except (yaml.YAMLError, RecursionError):
        raise ScenarioError(
            "This is not YAML that can be read.", file=file, line=1, remedy="Save the file as UTF-8 text."
        ) from None
    if root is None:
        raise ScenarioError(
            "The file is empty.", file=file, line=1, remedy="Start with 'scenario: short-name'."
        )
    return _Converter(file).convert(root, 0)


class _Converter:
    """Counts while it converts: an alias of an alias must not grow without end."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._count = 0

    def convert(self, node: yaml.Node, depth: int) -> Node:
        line = node.start_mark.line + 1
        self._count += 1
        if self._count > MAX_NODES or depth > MAX_DEPTH:
            raise ScenarioError(
                "The file repeats or nests too much.",
                file=self._file,
                line=line,
                remedy="Write the parts out, or cut the scenario in two.",
            )
        if isinstance(node, yaml.MappingNode):
            return Node(self._mapping(node, depth), line)
        if isinstance(node, yaml.SequenceNode):
            return Node([self.convert(child, depth + 1) for child in node.value], line)
        return Node(_scalar(node), line)

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Node]:
        found: dict[str, Node] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise ScenarioError("A key must be a word.", file=self._file, line=line, remedy="Quote it.")
            if key.value in found:
                raise ScenarioError(
                    f"The key '{key.value}' stands twice.",
                    file=self._file,
                    line=line,
                    remedy="Keep one of the two.",
                )
            child = self.convert(value, depth + 1)
            # An empty or nested value begins elsewhere; a reader looks for the line of the key.
            found[str(key.value)] = Node(child.value, line)
        return found


def _scalar(node: yaml.Node) -> Any:
    text = str(node.value)
    if getattr(node, "style", None) is not None:
        return text
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _WHOLE.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    return text
