"""Kafka's jars in a cache of this user: fetched once, checked against the committed sums each time.

A jar enters the cache by a rename after its sum was found right, so a run that is stopped half-way leaves only
good ones and the next run goes on from there. A lock lets the second of two runs wait for the first.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Final

from platformdirs import user_cache_path

from contracts.errors import SetupProblem
from deploy.kafka.lock import exclusive
from deploy.kafka.pins import Pin, read_pins

CACHE_VARIABLE: Final = "SAMPAN_KAFKA_CACHE"
_FETCHES_AT_ONCE: Final = 4

Progress = Callable[[int, int], None]
"""Called with (jars present, jars in all) at the start and after each jar that arrives."""

Fetch = Callable[[Pin, Path], Path]
"""Fetches one jar below a folder: :func:`deploy.kafka.registry.fetch`, or a test's own."""


def cache_folder() -> Path:
    """Where the jars are kept: ``SAMPAN_KAFKA_CACHE``, else the user's cache folder."""
    named = os.environ.get(CACHE_VARIABLE)
    return Path(named) if named else user_cache_path("sampan") / "kafka"


def ensure_jars(
    cache: Path | None = None,
    *,
    pins: Iterable[Pin] | None = None,
    progress: Progress = lambda present, wanted: None,
    fetch: Fetch | None = None,
) -> tuple[Path, ...]:
    """All jars of Kafka, checked; the missing ones are fetched first. Needs no network when none is missing.

    Raises:
        SetupProblem: ``tampered-jar``, one is not what was committed, and is named; ``no-jar-registry`` and
            ``jar-not-served`` where one is missing; ``cache-not-writable``.
    """
    folder = cache or cache_folder()
    wanted = tuple(read_pins() if pins is None else pins)
    missing = _missing(folder, wanted)
    progress(len(wanted) - len(missing), len(wanted))
    if missing:
        try:
            with exclusive(folder / "lock"):
                missing = _missing(folder, wanted)  # the run that we waited for has brought them
                _bring(folder, missing, len(wanted), progress, fetch or _from_registry)
        except OSError as problem:
            raise SetupProblem(
                f"Kafka's jars cannot be kept in {folder} ({problem.strerror})",
                code="cache-not-writable",
                remedy=f"Name another folder in {CACHE_VARIABLE}.",
            ) from None
    return tuple(folder / pin.path for pin in wanted)


def _missing(folder: Path, wanted: Iterable[Pin]) -> list[Pin]:
    missing = []
    for pin in wanted:
        file = folder / pin.path
        if not file.is_file():
            missing.append(pin)
        elif not pin.holds(file):
            raise SetupProblem(
                f"{pin.name} in {file.parent} is not the jar that was committed: its sha256 differs",
                code="tampered-jar",
                remedy="Find out who changed it, then delete it and start again.",
            )
    return missing


def _bring(folder: Path, missing: list[Pin], wanted: int, progress: Progress, fetch: Fetch) -> None:
    for abandoned in folder.glob("unfinished-*"):  # of a killed run, since we hold the lock
        shutil.rmtree(abandoned, ignore_errors=True)
    with (
        tempfile.TemporaryDirectory(prefix="unfinished-", dir=folder, ignore_cleanup_errors=True) as scratch,
        ThreadPoolExecutor(_FETCHES_AT_ONCE) as pool,
    ):
        coming = {pool.submit(fetch, pin, Path(scratch)): pin for pin in missing}
        try:
            for left, done in zip(reversed(range(len(coming))), as_completed(coming), strict=True):
                _keep(done.result(), coming[done], folder)
                progress(wanted - left, wanted)
        finally:
            pool.shutdown(cancel_futures=True)


def _keep(arrived: Path, pin: Pin, folder: Path) -> None:
    if not pin.holds(arrived):
        raise SetupProblem(
            f"{pin.name} arrived with another sha256 than the one committed",
            code="tampered-jar",
            remedy="Do not use it: ask who runs the repository that served it.",
        )
    place = folder / pin.path
    place.parent.mkdir(parents=True, exist_ok=True)
    arrived.replace(place)


def _from_registry(pin: Pin, folder: Path) -> Path:
    from deploy.kafka.registry import fetch

    return fetch(pin, folder)
