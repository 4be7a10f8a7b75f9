"""An assert vanishes under ``python -O``, so in our code it only tells the type checker what is so."""

from __future__ import annotations

import ast

import pytest

from tests.support.repository import PACKAGES, python_files, tree


def deciding_asserts(module: ast.Module) -> list[int]:
    """Lines of asserts that are more than ``isinstance(x, T)``, ``x is not None`` or plain ``x``."""
    return [
        node.lineno for node in ast.walk(module) if isinstance(node, ast.Assert) and not _narrows(node.test)
    ]


def _narrows(test: ast.expr) -> bool:
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return all(_narrows(value) for value in test.values)
    if isinstance(test, ast.Name | ast.Attribute):
        return True  # not None, and not empty
    if isinstance(test, ast.Call):
        return ast.unparse(test.func) == "isinstance"
    return isinstance(test, ast.Compare) and ast.unparse(test).endswith(" is not None")


def test_nothing_depends_on_an_assert() -> None:
    """What must be checked at run time raises a coded error; an assert narrows a type and decides nothing."""
    found = [f"{path}:{line}" for path in python_files(*PACKAGES) for line in deciding_asserts(tree(path))]
    assert not found, "raise an error instead:\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("source", "decides"),
    [
        ("assert isinstance(error, ValueError)", False),
        ("assert row is not None and isinstance(row, dict)", False),
        ("assert entry.alias and entry.code", False),
        ("assert amount > 0", True),
        ("assert is_allowed(user)", True),
    ],
)
def test_the_rule_tells_narrowing_from_deciding(source: str, decides: bool) -> None:
    """A comparison or a call decides; a type test does not."""
    assert bool(deciding_asserts(ast.parse(source))) is decides
