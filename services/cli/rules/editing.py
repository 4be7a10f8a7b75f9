"""Rule files with some values changed: comments, order and layout stay as their owners wrote them."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ruamel.yaml import YAML

from services.cli.rules.sheet_reading import Edit, Value

_AFTER: Final = "mark"
"""Keys that a rule did not have yet are put behind this one."""


def edited(texts: Mapping[str, str], edits: Iterable[Edit]) -> dict[str, str]:
    """The files that change: name → text. Nothing is written.

    Args:
        texts: the rule files as read from disk; ``where`` of a rule names its file.
    """
    by_file: dict[str, list[Edit]] = {}
    for edit in edits:
        if edit.changed:
            by_file.setdefault(edit.rule.where.rpartition(":")[0], []).append(edit)
    return {file: _file(texts[file], found) for file, found in by_file.items()}


def _file(text: str, edits: Iterable[Edit]) -> str:
    yaml = _yaml()
    top = yaml.load(text)
    defaults = top.get("defaults") or {}
    for edit in edits:
        rule = edit.rule
        row = next(
            row for row in top["rules"]
            if row["id"] == rule.id and row.get("valid_from", defaults.get("valid_from")) == rule.valid_from
        )  # fmt: skip
        for key, (_, value) in edit.changed.items():
            _set(row, key, value, defaults)
    out = io.StringIO()
    yaml.dump(top, out)
    return out.getvalue()


def _set(row: Any, key: str, value: Value, defaults: Mapping[str, Any]) -> None:
    if value is None and key not in defaults:
        row.pop(key, None)
    elif key in row:
        row[key] = value
    else:
        row.insert(list(row).index(_AFTER) + 1, key, value)


def _yaml() -> YAML:
    """A round trip that leaves what it does not change as it was, byte for byte."""
    yaml = YAML()
    yaml.width = 100_000
    yaml.preserve_quotes = True
    yaml.indent(mapping=2, sequence=2, offset=0)
    yaml.brace_single_entry_mapping_in_flow_sequence = True
    return yaml
