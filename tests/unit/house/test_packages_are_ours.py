"""Plain top-level packages have one hazard: a distribution of the same name beside ours wins silently."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.support.repository import PACKAGES, ROOT


@pytest.mark.parametrize("package", PACKAGES)
def test_the_package_that_is_imported_is_ours(package: str) -> None:
    """Each top-level package is found in this repository, not in the environment's site-packages."""
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).resolve().is_relative_to(ROOT / package)
