"""YAML that remembers where it stood, so that a refusal can name file and line.

Data files are read by people who are not programmers: an error must point at the line to mend. Duplicate
keys are refused, because the second would silently win.
"""

from __future__ import annotations

from typing import Any, cast

import yaml

from contracts.errors import InvalidInput


class LocatedDict(dict[str, Any]):
    """A mapping that knows its file and the line (from 1) of itself and of each of its keys."""

    def __init__(self, file: str = "", line: int = 0) -> None:
        super().__init__()
        self.file = file
        self.line = line
        self.key_lines: dict[str, int] = {}

    def where(self, key: str | None = None) -> str:
        """``file:line`` of a key, or of the mapping itself."""
        return f"{self.file}:{self.key_lines.get(key, self.line) if key else self.line}"


def load_yaml(text: str, file: str) -> Any:
    """Read one YAML document; mappings become :class:`LocatedDict`.

    Raises:
        InvalidInput: not YAML, a duplicate or non-text key, a tag; the field is ``file:line``.
    """
    loader = yaml.CSafeLoader(text) if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        return None if node is None else _build(cast(yaml.SafeLoader, loader), node, file)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise InvalidInput(
            "not readable as YAML",
            code="bad-yaml",
            field=f"{file}:{line}",
            remedy="Check indentation, colons and quotes around this line.",
        ) from None
    finally:
        loader.dispose()


def _build(loader: yaml.SafeLoader, node: yaml.Node, file: str) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _mapping(loader, node, file)
    if isinstance(node, yaml.SequenceNode):
        return [_build(loader, child, file) for child in node.value]
    return loader.construct_object(node, deep=True)


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode, file: str) -> LocatedDict:
    made = LocatedDict(file, node.start_mark.line + 1)
    for key_node, value_node in node.value:
        key, line = key_node.value, key_node.start_mark.line + 1
        if not isinstance(key, str):
            raise InvalidInput(
                "a key is not text",
                code="bad-yaml",
                field=f"{file}:{line}",
                remedy="Write each key as a plain word.",
            )
        if key in made:
            raise InvalidInput(
                f"the key {key} stands twice",
                code="duplicate-key",
                field=f"{file}:{line}",
                remedy=f"Keep one of the two; the first stands on line {made.key_lines[key]}.",
            )
        made[key] = _build(loader, value_node, file)
        made.key_lines[key] = line
    return made
