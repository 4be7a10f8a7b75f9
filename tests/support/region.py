"""The sample region, loaded once."""

from __future__ import annotations

from functools import cache

from deploy.region import load_region
from routing.directory import Directory


@cache
def region_directory() -> Directory:
    """The directory of ``deploy/region``."""
    return load_region()
