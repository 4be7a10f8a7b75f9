"""The ``sampan`` command as tests call it."""

from __future__ import annotations

from collections.abc import Callable

from typer.testing import Result

Sampan = Callable[..., Result]
"""``sampan("inbox", "--as", "shelter-th")``; ``typed=`` is what stands on standard input."""
