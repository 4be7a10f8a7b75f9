"""The one place that asks a Maven repository: jgo's resolver in pure Python, with the machine's own settings.

Repositories of the machine's jgo configuration come first, then the one that jgo knows by itself; proxies and
certificates are read from the environment. Nothing about where jars come from is written in this project.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import requests
from jgo.config import GlobalSettings
from jgo.maven import Dependency, MavenContext, PythonResolver
from jgo.maven._core import DEFAULT_REMOTE_REPOS

from contracts.errors import SetupProblem
from deploy.kafka.pins import Pin

_TIMEOUT_SECONDS: Final = 60
_ON_THE_CLASS_PATH: Final = frozenset({None, "compile", "runtime"})


def context(folder: Path) -> MavenContext:
    """A Maven context that keeps what it fetches in ``folder``."""
    logging.getLogger("jgo").setLevel(logging.ERROR)
    return MavenContext(
        resolver=PythonResolver(),
        repo_cache=folder,
        remote_repos={**GlobalSettings.load().repositories, **DEFAULT_REMOTE_REPOS},
        timeout=_TIMEOUT_SECONDS,
    )


def resolve(wanted: Iterable[str], folder: Path) -> list[Dependency]:
    """What ``wanted`` (``group:artifact:version``) needs at run time, themselves included.

    Raises:
        SetupProblem: see :func:`fetch`.
    """
    maven = context(folder)
    try:
        chosen, needed = maven.resolver.resolve([maven.create_dependency(name) for name in wanted])
    except requests.RequestException:
        raise _unreachable() from None
    return [found for found in (*chosen, *needed) if found.scope in _ON_THE_CLASS_PATH]


def fetch(pin: Pin, folder: Path) -> Path:
    """Fetch one jar below ``folder``; the caller checks its sum.

    Raises:
        SetupProblem: ``no-jar-registry``, the repository cannot be reached; ``jar-not-served``, it has no
            such jar.
    """
    artifact = context(folder).project(pin.group, pin.artifact).at_version(pin.version).artifact()
    try:
        return Path(artifact.resolve())
    except requests.RequestException:
        raise _unreachable() from None
    except RuntimeError:
        raise SetupProblem(
            f"The Maven repository of this machine does not serve {pin.name}",
            code="jar-not-served",
            remedy="Ask a repository that does: a [repositories] line in jgo's configuration file.",
        ) from None


def _unreachable() -> SetupProblem:
    return SetupProblem(
        "Kafka's jars cannot be fetched: the Maven repository cannot be reached",
        code="no-jar-registry",
        remedy="Go online once (what has arrived is kept), or point SAMPAN_KAFKA_CACHE at a folder that holds them.",
    )
