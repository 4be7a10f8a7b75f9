"""``sampan serve`` and ``sampan run`` in processes of their own, as an operator starts them."""

from __future__ import annotations

import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


class Serve:
    """A running server; its output line by line."""

    def __init__(
        self, *arguments: str, cwd: Path, command: str = "serve", module: str = "services.cli", **environment: str
    ) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SAMPAN_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *command.split(), *arguments],
            cwd=cwd, env=kept | {"PYTHONPATH": str(REPOSITORY)} | environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        self.output: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output.append(line)
            self._lines.put(line)
        self._lines.put(None)

    @property
    def text(self) -> str:
        return "".join(self.output)

    def until(self, pattern: str, *, seconds: float = 90) -> re.Match[str]:
        """Wait for a line that matches."""
        while (line := self._lines.get(timeout=seconds)) is not None:
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"it ended without saying {pattern}:\n{self.text}")

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self, *, seconds: float = 60) -> int:
        """Wait for its end; returns the exit code."""
        code = self.process.wait(timeout=seconds)
        self._reader.join(timeout=seconds)
        return code


@contextmanager
def serving(
    *arguments: str, cwd: Path, command: str = "serve", module: str = "services.cli", **environment: str
) -> Iterator[Serve]:
    """Started, and whatever the test did, gone afterwards."""
    serve = Serve(*arguments, cwd=cwd, command=command, module=module, **environment)
    try:
        yield serve
    finally:
        if serve.process.poll() is None:
            serve.signal(signal.SIGINT)
            try:
                serve.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                serve.process.kill()
        serve.end()
        assert serve.process.stdout is not None
        serve.process.stdout.close()
