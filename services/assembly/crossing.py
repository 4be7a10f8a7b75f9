"""The first crossing: a workbook goes from an NGO to everyone who must act, by the commands a user has.

Nothing is simulated: the ``sampan`` command itself runs, against the server that has just started. The ids of
a document derive from its content and the agency's key, so a second start sends nothing twice.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from adapters.htcds import examples
from deploy.demo.primero_server import PrimeroServer
from services.assembly.demo import World
from services.assembly.instance import Instance
from services.client.home import Home

NGO: Final = "ngo-th"
WORKBOOK: Final = Path(examples.__file__ or "").with_name("first-crossing.xlsx")


async def show_first_crossing(
    instance: Instance, home: Home, world: World, say: Callable[[str], None]
) -> None:
    """Submit the bundled workbook and print the case's timeline; then say what to try next."""
    workbook = _workbook(home)
    say(f"\n$ sampan submit {workbook} --as {NGO}")
    receipts = await _submitted(home, workbook, say)
    await instance.drained()
    for code in receipts:
        say(f"$ sampan case {code} --as {NGO}")
        say(await _run(home, "case", code, "--as", NGO))
    if world.primero is not None:
        say(_ministry(world.primero))
    say(_next_steps(home, receipts))


def _ministry(primero: PrimeroServer) -> str:
    """What the ministry's own system holds now, without a word of what it says."""
    made = Counter(effect.what for effect in primero.journal)
    held = ", ".join(f"{count} {what.replace('_', ' ')}" for what, count in sorted(made.items()))
    return f"The Cambodian ministry runs Primero ({primero.url}); it was called and says: {held or 'nothing new'}."


def _workbook(home: Home) -> Path:
    """A copy beside the data: the result workbook is written next to what was sent."""
    copy = home.folder / WORKBOOK.name
    copy.write_bytes(WORKBOOK.read_bytes())
    return copy


async def _submitted(home: Home, workbook: Path, say: Callable[[str], None]) -> list[str]:
    """The case codes of the accepted rows, once each."""
    say(await _run(home, "submit", str(workbook), "--as", NGO))
    written = json.loads(await _run(home, "submit", str(workbook), "--as", NGO, "--json"))
    codes: dict[str, None] = {}
    _find_codes(written, codes)
    return list(codes)


def _find_codes(value: Any, found: dict[str, None]) -> None:
    if isinstance(value, dict):
        if isinstance(value.get("case_code"), str):
            found[value["case_code"]] = None
        for inner in value.values():
            _find_codes(inner, found)
    elif isinstance(value, list):
        for inner in value:
            _find_codes(inner, found)


async def _run(home: Home, *arguments: str) -> str:
    """One command of this very installation, as a user would type it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.cli",
        *arguments,
        env=os.environ | {"SAMPAN_DATA": str(home.folder), "PYTHONUTF8": "1", "COLUMNS": _columns()},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, remarks = await process.communicate()
    return (out or remarks).decode().rstrip()


def _columns() -> str:
    """As wide as the terminal of who started the server: what is piped has no width of its own."""
    return str(max(shutil.get_terminal_size((120, 24)).columns, 60))


def _next_steps(home: Home, codes: list[str]) -> str:
    here = ", ".join(home.agencies())
    code = codes[0] if codes else "CODE"
    return "\n".join(
        (
            f"demo agencies: {here}",
            f"their tokens:  {home.tokens_dir} (this machine's user alone can read them)",
            "",
            "try next, in another terminal:",
            "  .venv/bin/sampan inbox --as shelter-th",
            f"  .venv/bin/sampan case {code} --as {NGO}",
            "  .venv/bin/sampan open '#1' --as shelter-th",
            "",
        )
    )
