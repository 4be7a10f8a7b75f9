"""A test runs, waits for what it means to wait for, and can fail; code that is not there does not pretend."""

from __future__ import annotations

import ast

import pytest

from tests.support.repository import PACKAGES, dotted, python_files, tree

LEAVES_OUT = frozenset(
    {
        "pytest.skip",
        "pytest.xfail",
        "pytest.importorskip",
        "pytest.mark.skip",
        "pytest.mark.skipif",
        "pytest.mark.xfail",
    }
)
WAITS_BLINDLY = frozenset({"time.sleep", "asyncio.sleep"})


def left_out(module: ast.Module) -> list[int]:
    """Lines that skip a test or expect it to fail."""
    return [
        node.lineno
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute) and dotted(node) in LEAVES_OUT
    ]


def blind_waits(module: ast.Module) -> list[int]:
    """Lines that sleep for a while instead of waiting for something.

    A sleep inside ``while condition`` polls another process or thread, ``sleep(0)`` only lets others run, and
    ``sleep(pause_seconds)`` is a fault on purpose: a slow writer.
    """
    polling = {
        id(inner)
        for loop in ast.walk(module)
        if isinstance(loop, ast.While) and not isinstance(loop.test, ast.Constant)
        for inner in ast.walk(loop)
    }
    return [
        node.lineno
        for node in ast.walk(module)
        if isinstance(node, ast.Call)
        and dotted(node.func) in WAITS_BLINDLY
        and id(node) not in polling
        and not _is_meant(node.args)
    ]


def asserts_nothing(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a test neither asserts, nor expects an error, nor calls a helper that could."""
    return all(not isinstance(node, ast.Assert | ast.Raise | ast.Call) for node in ast.walk(function))


def _is_meant(arguments: list[ast.expr]) -> bool:
    return [ast.unparse(argument) for argument in arguments] in (["0"], ["pause_seconds"])


def test_no_test_is_left_out() -> None:
    """No test is skipped or expected to fail: it holds, or it is not there."""
    found = [f"{path}:{line}" for path in python_files("tests") for line in left_out(tree(path))]
    assert not found, "\n".join(found)


def test_no_test_sleeps_to_let_something_happen() -> None:
    """Tests wait for an event or move the manual clock; a sleep is a guess about another machine."""
    found = [f"{path}:{line}" for path in python_files("tests") for line in blind_waits(tree(path))]
    assert not found, "\n".join(found)


def test_no_test_is_empty() -> None:
    """Every test function does something that could fail."""
    found = [
        f"{path}:{node.lineno}: {node.name}"
        for path in python_files("tests")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and asserts_nothing(node)
    ]
    assert not found, "\n".join(found)


def test_nothing_is_a_stub() -> None:
    """No function of ours raises NotImplementedError: what cannot be done is refused in words, or absent."""
    found = [
        f"{path}:{node.lineno}"
        for path in python_files(*PACKAGES)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Raise) and node.exc is not None and "NotImplemented" in ast.unparse(node.exc)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("source", "offences"),
    [
        ("import pytest\n@pytest.mark.skipif(True)\ndef test_x(): ...", 1),
        ("import time\ntime.sleep(1)", 1),
        ("import asyncio\nasync def f(): await asyncio.sleep(0.2)", 1),
        ("import asyncio\nasync def f(): await asyncio.sleep(0)", 0),
        ("async def f(clock): await clock.sleep(30)", 0),
        ("import time\nwhile not ready(): time.sleep(0.01)", 0),
        ("import time\nwhile True: time.sleep(0.01)", 1),
    ],
)
def test_the_rules_see_what_they_should(source: str, offences: int) -> None:
    """Skips and blind waits are found; yielding to the loop and the clock that is passed in are not."""
    module = ast.parse(source)
    assert len(left_out(module)) + len(blind_waits(module)) == offences
