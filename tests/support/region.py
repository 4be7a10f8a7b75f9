"""The sample region, as text and loaded once."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from routing.directory import Directory

ROOT = Path(__file__).resolve().parents[2]


@cache
def region_directory() -> Directory:
    """The directory of ``deploy/region``."""
    return Directory.load(
        {p.name: p.read_text("utf-8") for p in sorted((ROOT / "deploy/region").glob("*.yaml"))}
    )
