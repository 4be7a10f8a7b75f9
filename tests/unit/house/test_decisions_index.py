"""The index of decisions is written from the decisions and refuses one that cannot be listed."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.repository import ROOT

HEAD = "| | |\n|---|---|\n| Date | 2026-11-24 |\n| Status | accepted |\n| Tags | log |\n\n## Context\n"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """docs/adr/index.py as a module."""
    spec = importlib.util.spec_from_file_location("adr_index", ROOT / "docs/adr/index.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_the_committed_index_is_in_step(script: ModuleType) -> None:
    """docs/adr/README.md is what the script would write today."""
    assert (ROOT / "docs/adr/README.md").read_text(encoding="utf-8") == script.index(ROOT / "docs/adr")


def test_a_decision_is_listed_with_its_fields(script: ModuleType, tmp_path: Path) -> None:
    """Number, title, status, date and tags appear in one row."""
    (tmp_path / "0042-a-thing.md").write_text(f"# 42. A thing\n\n{HEAD}")
    assert "| 0042 | [A thing](0042-a-thing.md) | accepted | 2026-11-24 | log |\n" in script.index(tmp_path)


@pytest.mark.parametrize("missing", ["Date", "Status", "Tags"])
def test_a_missing_field_is_named_with_its_file(script: ModuleType, tmp_path: Path, missing: str) -> None:
    """A decision without date, status or tags is refused, naming file and field."""
    lines = [line for line in HEAD.splitlines() if missing not in line]
    (tmp_path / "0001-x.md").write_text("# 1. X\n\n" + "\n".join(lines))
    with pytest.raises(script.BadAdrError, match=f"0001-x.md: no {missing}"):
        script.index(tmp_path)


def test_a_number_stands_for_one_decision(script: ModuleType, tmp_path: Path) -> None:
    """Two decisions under one number are refused."""
    for slug in ("a", "b"):
        (tmp_path / f"0001-{slug}.md").write_text(f"# 1. {slug}\n\n{HEAD}")
    with pytest.raises(script.BadAdrError, match="number 0001 is taken"):
        script.index(tmp_path)
