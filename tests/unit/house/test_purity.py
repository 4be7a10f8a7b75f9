"""Deciding and translating are pure: text and values in, text and values out."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support.repository import dotted, imports, pure_files, tree

IMPURE = frozenset(
    {
        "aiokafka", "asyncio", "asyncpg", "concurrent", "cryptography", "httpx", "multiprocessing", "nacl",
        "psycopg", "random", "secrets", "socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading",
        "time",
    }
)  # fmt: skip
IMPURE_CALLS = frozenset(
    {
        "open",
        "input",
        "print",
        "uuid4",
        "uuid1",
        "uuid.uuid4",
        "uuid.uuid1",
        "os.urandom",
        "os.environ",
        "os.getenv",
    }
)


def test_routing_and_formats_import_nothing_impure() -> None:
    """No loop, network, database, cryptography, randomness or clock below routing/ and adapters/<format>/."""
    found = [
        f"{path}: {name}"
        for path in pure_files()
        for name in sorted(imports(path))
        if name in IMPURE or name.partition(".")[0] in IMPURE
    ]
    assert not found, "make it an argument:\n" + "\n".join(found)


def test_routing_and_formats_call_nothing_impure() -> None:
    """They open no file, print nothing, read no environment and mint no random id."""
    found = [
        f"{path}:{node.lineno}: {name}"
        for path in pure_files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Name | ast.Attribute) and (name := dotted(node)) in IMPURE_CALLS
    ]
    assert not found, "make it an argument:\n" + "\n".join(found)


@pytest.mark.parametrize("folder", ["routing"])
def test_the_rule_is_about_something(folder: str) -> None:
    """The pure folders hold code, so an empty listing cannot pass for purity."""
    assert any(path.parts[0] == folder for path in pure_files())


def test_channels_are_the_only_exception_below_adapters() -> None:
    """adapters/channels is where documents travel; every other folder there is a format and pure."""
    assert Path("adapters/channels/http.py") not in set(pure_files())
