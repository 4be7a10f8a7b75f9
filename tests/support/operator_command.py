"""Operators' commands as they are typed, beside a running loop."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from unittest.mock import patch

from typer.testing import CliRunner, Result

from services.cli.main import app
from tests.support.postgres import FreshDatabase


async def typed(database: FreshDatabase, *words: str, keys: str = "", **environment: str) -> Result:
    """``sampan`` with these words on this database, in a thread of its own."""
    said = {"SAMPAN_DATABASE_URL": database.owner_dsn, **environment}
    # The runner's standard error ends with the command: this process' own log must not go there.
    with patch("services.assembly.operator.configure_logs"):
        return await asyncio.to_thread(lambda: CliRunner().invoke(app, list(words), input=keys, env=said))


async def answered(database: FreshDatabase, *words: str, **environment: str) -> Any:
    """What the command answered under ``--json``; it must have gone well."""
    done = await typed(database, *words, "--json", **environment)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout.splitlines()[-1])
