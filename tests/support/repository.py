"""The repository as data, for the house's own tests: its files, its Python trees, its strings."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGES: Final = ("contracts", "routing", "adapters", "services", "deploy")
FORMATS_EXCEPT: Final = frozenset({"channels"})
"""Folders of adapters/ that are not a format: how a document travels, not what it says."""


@cache
def files() -> tuple[Path, ...]:
    """Every file that is committed or about to be, relative to the root."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - git as it is found
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    paths = (Path(name) for name in listing.split("\0") if name)
    return tuple(sorted(path for path in paths if (ROOT / path).is_file()))


def python_files(*tops: str) -> Iterator[Path]:
    """Python files below the given top-level folders; of the whole repository if none is given."""
    for path in files():
        if path.suffix == ".py" and (not tops or path.parts[0] in tops):
            yield path


def pure_files() -> Iterator[Path]:
    """Files that take text and values and give text and values: routing, and each adapter's format folder."""
    for path in python_files("routing", "adapters"):
        if path.parts[0] == "routing" or path.parts[1] not in FORMATS_EXCEPT:
            yield path


def text(path: Path) -> str:
    """A file's text; bytes that are no UTF-8 (pictures, workbooks) are replaced."""
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


@cache
def tree(path: Path) -> ast.Module:
    """A Python file's syntax tree."""
    return ast.parse(text(path), filename=str(path))


def imports(path: Path) -> set[str]:
    """Full names of the modules that a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return names


def dotted(node: ast.expr) -> str:
    """``datetime.now`` of the expression that says so; empty for anything but names and attributes."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        head = dotted(node.value)
        return f"{head}.{node.attr}" if head else ""
    return ""


def docstrings(module: ast.Module) -> set[int]:
    """Ids of the string nodes that are documentation, docstrings and strings that stand alone."""
    return {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}


def strings(path: Path) -> Iterator[tuple[int, str]]:
    """Line and value of every string that does something: no docstrings; f-strings by their fixed parts."""
    module = tree(path)
    documentation = docstrings(module)
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.lineno, node.value


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Qualified name and length in lines of every function of a file."""
    yield from _functions(tree(path).body, "")


def _functions(body: Iterable[ast.stmt], prefix: str) -> Iterator[tuple[str, int]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{prefix}{node.name}"
            yield name, (node.end_lineno or node.lineno) - node.lineno + 1
            yield from _functions(node.body, f"{name}.")
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node.body, f"{prefix}{node.name}.")
