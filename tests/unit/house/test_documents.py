"""The documents speak of what is there: links lead somewhere, and named files and types exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.support.repository import PACKAGES, ROOT, files, python_files, text, tree

LINK = re.compile(r"\]\((?!https?://|mailto:|#)([^)#\s]+)(?:#[^)\s]*)?\)")
CODE = re.compile(r"`([^`\n]+)`")
PLACE = re.compile(r"(?:contracts|routing|adapters|services|deploy|tests|docs|benchmarks)/[\w./-]*")
TYPE = re.compile(r"[A-Z][a-z]+(?:[A-Z][a-z]+)*")
# What stands in backticks with a capital and is no type of ours.
NO_TYPES = frozenset({"Private"})
DESCRIBE_THE_CODE = ("ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "README.md")


def missing_links(path: Path) -> list[str]:
    """Relative links of a document that lead nowhere."""
    return [link for link in LINK.findall(text(path)) if not (ROOT / path.parent / link).exists()]


def exists(place: str) -> bool:
    """Whether a named place is a file, a folder, or a module without its ending."""
    path = ROOT / place.rstrip("/.")
    return path.exists() or path.with_suffix(".py").exists()


@cache
def names() -> frozenset[str]:
    """Every class, and every name bound at the top of a module, of the code; every event's name."""
    found: set[str] = set()
    for path in python_files(*PACKAGES):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                found.add(node.name)
            elif isinstance(node, ast.Assign):
                found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    found |= set(re.findall(r"\b[A-Z][A-Za-z]+(?=:)", text(Path("contracts/events.yaml"))))
    return frozenset(found)


def test_every_relative_link_leads_somewhere() -> None:
    """No document links to a file that is not there."""
    broken = [f"{path}: {link}" for path in files() if path.suffix == ".md" for link in missing_links(path)]
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize("document", DESCRIBE_THE_CODE)
def test_every_place_named_in_a_document_exists(document: str) -> None:
    """A path in backticks is a file, a folder or a module; patterns with <, * and N are left out."""
    named = [
        word
        for span in CODE.findall(text(Path(document)))
        for word in span.split()
        if PLACE.fullmatch(word) and "NNNN" not in word
    ]
    assert named, f"{document} names no place at all"
    missing = sorted({place for place in named if not exists(place)})
    assert not missing, f"{document} names what is not there: {missing}"


@pytest.mark.parametrize("document", ["ARCHITECTURE.md", "docs/glossary.md"])
def test_every_type_named_in_a_document_exists(document: str) -> None:
    """A capitalised name in backticks is a class, a constant or an event of ours."""
    named = {span for span in CODE.findall(text(Path(document))) if TYPE.fullmatch(span)}
    assert named, f"{document} names no type at all"
    missing = sorted(named - names() - NO_TYPES)
    assert not missing, f"{document} names what is not there: {missing}"


def test_a_missing_place_is_seen() -> None:
    """The checks can fail: an invented file, type and link are noticed."""
    assert not exists("services/nowhere/at-all")
    assert exists("services/runtime/clock")
    assert "NoSuchTypeOfOurs" not in names()
    assert LINK.findall("see [this](docs/nowhere.md#part) and [that](https://example.org)") == [
        "docs/nowhere.md"
    ]
