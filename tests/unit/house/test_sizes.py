"""Small files with one reason to change, small functions with one thing to say."""

from __future__ import annotations

import ast

from tests.support.repository import PACKAGES, functions, python_files, text, tree

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60

# A ratchet: what is over today, with its length and the reason. It may shrink and may not grow.
LONG_FILES: dict[str, tuple[int, str]] = {}
LONG_FUNCTIONS: dict[str, tuple[int, str]] = {}


def test_no_file_is_longer_than_400_lines() -> None:
    """A file over 400 lines holds a second subject: give that its own file."""
    found = []
    for path in python_files():
        lines = text(path).count("\n")
        limit = LONG_FILES.get(str(path), (FILE_LINES_MAX, ""))[0]
        if lines > limit:
            found.append(f"{path}: {lines} lines, {limit} allowed")
    assert not found, "\n".join(found)


def test_no_function_is_longer_than_60_lines() -> None:
    """A function over 60 lines does more than one thing: name the second one."""
    found = []
    for path in python_files(*PACKAGES, "benchmarks"):
        for name, lines in functions(path):
            limit = LONG_FUNCTIONS.get(f"{path}:{name}", (FUNCTION_LINES_MAX, ""))[0]
            if lines > limit:
                found.append(f"{path}:{name}: {lines} lines, {limit} allowed")
    assert not found, "\n".join(found)


def test_the_ratchet_only_tightens() -> None:
    """What has become short enough leaves the list, and every entry says why it is there."""
    files_now = {str(path): text(path).count("\n") for path in python_files()}
    functions_now = {f"{path}:{name}": lines for path in python_files() for name, lines in functions(path)}
    idle = [name for name, (lines, _) in LONG_FILES.items() if files_now.get(name, 0) < lines]
    idle += [name for name, (lines, _) in LONG_FUNCTIONS.items() if functions_now.get(name, 0) < lines]
    unexplained = [name for name, (_, reason) in {**LONG_FILES, **LONG_FUNCTIONS}.items() if not reason]
    assert not idle, f"strike or lower: {idle}"
    assert not unexplained


def test_tests_have_no_packages() -> None:
    """No __init__.py below tests/: with one, tests/contracts would shadow contracts."""
    found = [str(path) for path in python_files("tests") if path.name == "__init__.py"]
    assert not found


def test_every_test_says_what_is_true() -> None:
    """Each test function's docstring states one truth."""
    found = [
        f"{path}:{node.lineno}: {node.name}"
        for path in python_files("tests")
        if path.name.startswith("test_")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert not found, "say in one sentence what is true:\n" + "\n".join(found)
