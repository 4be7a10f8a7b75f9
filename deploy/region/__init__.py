"""The sample region: fictional agencies of ten countries and thirteen more, read from this folder or another."""

from __future__ import annotations

from pathlib import Path

from routing.directory import Directory

FOLDER = Path(__file__).parent


def region_texts(folder: Path = FOLDER) -> dict[str, str]:
    """File name → text of every YAML file of a region's folder."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.yaml"))}


def load_region(folder: Path = FOLDER) -> Directory:
    """The directory of a region's folder.

    Raises:
        InvalidInput: what the folder says is ambiguous or malformed; names file and line.
    """
    return Directory.load(region_texts(folder))
