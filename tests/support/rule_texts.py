"""Rule files as text, written by tests."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

DATES = {"valid_from": "2020-01-01", "recorded_at": "2020-01-01", "review_on": "2030-01-01"}


def rule_file(rows: Iterable[tuple[str, dict[str, Any], list[dict[str, Any]]]], **more: Any) -> dict[str, str]:
    """A rule file of (id, when, then) rows; ``more`` goes into each. One rule to a line, from line 3 on."""
    head = ", ".join(f"{key}: {day}" for key, day in (DATES | more.pop("dates", {})).items())
    lines = [f"defaults: {{{head}}}", "rules:"]
    for name, when, then in rows:
        row = {"id": name, "title": f"Rule {name}", "cite": "A source", "mark": "A", "when": when, "then": then, **more}
        lines.append("- " + re.sub(r'"(\d{4}-\d\d-\d\d)"', r"\1", json.dumps(row)))  # a day, not a text
    return {"test.yaml": "\n".join(lines) + "\n"}
