"""A partner's laptop runs the base install: no database driver, no Kafka driver, no server."""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable

import pytest

from tests.support.repository import PACKAGES, ROOT

SERVER_ONLY = ("asyncpg", "psycopg", "aiokafka", "fastapi", "uvicorn", "yoyo", "opentelemetry", "nacl")

# Runs in a child: refuses every import that the base install does not bring, then does what it is told.
BASE_INSTALL = """
import sys
sys.argv = ["sampan", *{argv!r}]
refused = frozenset({refused!r})

class BaseInstall:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in refused:
            raise ImportError(f"{{name}} does not come with the base install", name=name)
        return None

sys.meta_path.insert(0, BaseInstall())
from services.cli.main import main
main()
"""

LOADED = """
import json, sys
import {module}
print(json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""


def _python(source: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", source], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )


def _requirement_name(requirement: str) -> str:
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name is not None, requirement
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def base_distributions() -> set[str]:
    """The distributions of the base install: its dependencies and all that these need, extras left out."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    waiting = [_requirement_name(requirement) for requirement in project["dependencies"]]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            needs = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # for another platform or Python
        found.add(name)
        waiting += [_requirement_name(need) for need in needs if "extra ==" not in need]
    return found


def modules_beyond(distributions: Iterable[str]) -> set[str]:
    """Top-level modules of this environment that neither the given distributions nor Sampan bring."""
    at_hand = {*distributions, "sampan"}
    return {
        module
        for module, owners in importlib.metadata.packages_distributions().items()
        if not any(_requirement_name(owner) in at_hand for owner in owners)
    } - set(PACKAGES)


def test_the_base_install_brings_no_server() -> None:
    """The base dependencies and all they need hold no database driver, no Kafka driver, no server."""
    assert set(SERVER_ONLY) <= modules_beyond(base_distributions())


@pytest.mark.parametrize(
    "argv", [["--help"], ["version"], ["submit", "--help"], ["inbox", "--help"], ["edge", "init", "--help"]]
)
def test_the_base_install_is_enough_for_the_command(argv: list[str]) -> None:
    """``sampan`` answers although every package of the server and kafka extras refuses to be imported."""
    refused = sorted(modules_beyond(base_distributions()))
    result = _python(BASE_INSTALL.format(argv=argv, refused=refused))
    assert result.returncode == 0, result.stderr[-2000:]
    assert result.stdout.strip()


@pytest.mark.parametrize("module", ["services.cli.main", "services.client", "services.edge.prepare"])
def test_what_runs_at_an_agency_loads_no_server_package(module: str) -> None:
    """Importing the command, the HTTP client or the sealing edge reaches no server package by any chain."""
    result = _python(LOADED.format(module=module))
    assert result.returncode == 0, result.stderr[-2000:]
    assert not set(json.loads(result.stdout)) & set(SERVER_ONLY)


def test_an_own_edge_loads_no_driver() -> None:
    """The process that opens in an agency's house reaches no database, no Kafka and no vault of ours."""
    result = _python(LOADED.format(module="services.assembly.own_edge"))
    assert result.returncode == 0, result.stderr[-2000:]
    assert not set(json.loads(result.stdout)) & {"asyncpg", "psycopg", "aiokafka", "yoyo"}


def test_a_missing_package_is_noticed() -> None:
    """The stand-in for a base install does refuse: without the terminal library the command cannot start."""
    result = _python(BASE_INSTALL.format(argv=["--help"], refused=["typer"]))
    assert "typer does not come with the base install" in result.stderr
