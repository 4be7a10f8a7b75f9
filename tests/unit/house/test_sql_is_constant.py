"""SQL is text of ours: a value reaches the database as a parameter, never as part of the statement."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.support.repository import PACKAGES, dotted, python_files, tree

STATEMENT = re.compile(
    r"\b(select\s.*\bfrom|insert\s+into|update\s+\w*\s*set\b|delete\s+from|create\s+(role|database|table|schema)|"
    r"drop\s+(role|database|table|schema)|alter\s+(role|database|table|system)|grant\s+\w*\s*(on|to))\b",
    re.IGNORECASE | re.DOTALL,
)
# Functions that make a value safe as an identifier or literal of a statement that takes no parameters.
QUOTING = frozenset({"quote_identifier", "quote_literal", "_identifier", "_literal", "identifier", "literal"})

# Statements that may be put together otherwise, each with the reason.
ALLOWED: dict[Path, str] = {}


def unsafe_parts(module: ast.Module) -> list[tuple[int, str]]:
    """F-strings that are SQL and hold anything but CONSTANTS and quoted identifiers."""
    found = []
    for node in ast.walk(module):
        if not isinstance(node, ast.JoinedStr):
            continue
        fixed = "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
        if not STATEMENT.search(fixed):
            continue
        found += [
            (node.lineno, ast.unparse(part.value))
            for part in node.values
            if isinstance(part, ast.FormattedValue) and not _is_safe(part.value)
        ]
    return found


def _is_safe(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        return dotted(value.func).rpartition(".")[2] in QUOTING
    name = dotted(value).rpartition(".")[2]
    return bool(name) and name.upper() == name


def test_statements_hold_no_values() -> None:
    """No statement in the code is built from anything but constants and quoted identifiers."""
    found = [
        f"{path}:{line}: {{{part}}}"
        for path in python_files(*PACKAGES)
        if path not in ALLOWED
        for line, part in unsafe_parts(tree(path))
    ]
    assert not found, "pass it as a parameter:\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("source", "safe"),
    [
        ("f'select a from {table}'", False),
        ("f'insert into t values ({name!r})'", False),
        ("f'select a from t limit {LIMIT}'", True),
        ("f'create database {quote_identifier(name)}'", True),
        ("f'update {table} set a = 1'", False),
        ("f'update your settings, {name}'", True),
        ("f'hello {name}'", True),
    ],
)
def test_the_rule_sees_a_value_in_a_statement(source: str, safe: bool) -> None:
    """Interpolated names are found; constants and quoted identifiers pass."""
    assert (not unsafe_parts(ast.parse(source))) is safe
