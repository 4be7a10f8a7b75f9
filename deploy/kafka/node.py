"""One node of a local cluster: formatted once, then started, stopped, killed, paused and resumed as a process."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from contracts.errors import SetupProblem
from deploy.kafka.java import QUICK_START, class_path, java_program, write_arguments
from deploy.kafka.plan import ClusterPlan, NodePlan
from deploy.kafka.ports import is_free, require_free
from deploy.kafka.processes import Guard, end, serving
from deploy.kafka.properties import server_properties
from deploy.kafka.ready import wait_until

_STOP_SECONDS: Final = 30.0
_SETTLE_SECONDS: Final = 10.0
_LOG_BYTES_MAX: Final = 20_000_000


class LocalNode:
    """A combined KRaft node on loopback. All calls block; from a running loop use ``asyncio.to_thread``.

    Args:
        plan: the cluster it belongs to.
        node: which of its nodes.
        folder: the node's own folder, created if absent.
        jars: Kafka's class path.
        heap_mb: the most that Java's heap may grow to.
        guarded: False lets it outlive this process, as ``kafka-up`` wants.
        extra: further lines of ``server.properties``, which override ours.
    """

    def __init__(
        self,
        plan: ClusterPlan,
        node: NodePlan,
        folder: Path,
        jars: Sequence[Path],
        *,
        heap_mb: int = 256,
        guarded: bool = True,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        self.plan = plan
        self.node = node
        self.folder = folder.absolute()
        self._jars = jars
        self._heap_mb = heap_mb
        self._guarded = guarded
        self._extra = extra
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: Guard | None = None
        self._paused = False

    @property
    def node_id(self) -> int:
        return self.node.node_id

    @property
    def pid_file(self) -> Path:
        return self.folder / "pid"

    @property
    def server_log(self) -> Path:
        """What the node says; it names topics and ids, never a record's content."""
        return self.folder / "server.log"

    @property
    def pid(self) -> int | None:
        """Process id while it lives, paused or not; also of one that an earlier run left running."""
        if self._process is not None:
            if self._process.poll() is None:
                return self._process.pid
            self._reap()  # it died by itself; its id may soon be another's
            return None
        return serving(self.pid_file)

    @property
    def is_orphan(self) -> bool:
        """Whether it runs, but not as a child of ours."""
        return self._process is None and serving(self.pid_file) is not None

    @property
    def is_paused(self) -> bool:
        return self._paused

    def begin_format(self, scram: Mapping[str, str]) -> subprocess.Popen[bytes] | None:
        """Begin to format the log folder if that was never done; ``scram`` is password by user."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        config = self.folder / "server.properties"
        config.write_text(
            server_properties(self.plan, self.node, self.folder, extra=self._extra), encoding="utf-8"
        )
        if (self.folder / "data" / "meta.properties").exists():
            return None
        users = [f"SCRAM-SHA-512=[name={user},password={word}]" for user, word in scram.items()]
        voters = ",".join(node.voter for node in self.plan.nodes)
        command = self._java(
            "format.args",
            ["kafka.tools.StorageTool", "format", "--cluster-id", self.plan.cluster_id]
            + ["--config", str(config), "--initial-controllers", voters]
            + [part for user in users for part in ("--add-scram", user)],
        )
        with open(self.server_log, "ab") as log:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def end_format(self, formatting: subprocess.Popen[bytes] | None) -> None:
        """Wait for what :meth:`begin_format` began.

        Raises:
            SetupProblem: ``kafka-format-failed``.
        """
        if formatting is None:
            return
        status = formatting.wait()
        (self.folder / "format.args").unlink(missing_ok=True)
        if status != 0:
            raise SetupProblem(
                f"Kafka could not prepare its folder {self.folder}: {self.last_words()}",
                code="kafka-format-failed",
                remedy=f"See {self.server_log}.",
            )

    def start(self) -> None:
        """Run the formatted node; returns at once, before it answers (see ``LocalCluster.wait_ready``).

        Raises:
            SetupProblem: ``port-in-use``.
        """
        if self.pid is not None:
            return
        self.settle()
        self._reap()
        require_free(self.node.ports)
        command = self._java("run.args", ["kafka.Kafka", str(self.folder / "server.properties")])
        self._guard = Guard() if self._guarded else None
        too_large = self.server_log.exists() and self.server_log.stat().st_size > _LOG_BYTES_MAX
        with open(self.server_log, "wb" if too_large else "ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,  # Ctrl-C is for us; the node stops when we have finished
            )
        if self._guard is not None:
            self._guard.watch(self._process.pid)
        self.pid_file.write_text(f"{self._process.pid}\n", encoding="ascii")

    def settle(self) -> None:
        """Wait for what a process that has just died still holds: its ports close after its command is gone."""
        if self._process is None and self.pid_file.exists() and self.pid is None:
            wait_until(lambda: all(is_free(port) for port in self.node.ports), within_seconds=_SETTLE_SECONDS)

    def request_stop(self) -> None:
        """Ask for a clean stop without waiting: the nodes of a cluster stop beside each other."""
        pid = self.pid
        if pid is not None:
            self.resume()
            _signal(pid, signal.SIGTERM)

    def stop(self) -> None:
        """Stop cleanly (leaders move away first), by force after half a minute. Harmless when it is down."""
        self.request_stop()
        if self._process is not None:
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
        else:
            pid = serving(self.pid_file)
            if pid is not None:
                end(pid, self.pid_file, (signal.SIGTERM, signal.SIGKILL), within_seconds=_STOP_SECONDS)
                self.settle()
        self._reap()

    def kill(self) -> None:
        """``kill -9``: it dies between any two instructions, also when paused."""
        pid = self.pid
        if pid is not None and self._process is not None:
            self._process.kill()
        elif pid is not None:
            end(pid, self.pid_file, (signal.SIGKILL,), within_seconds=_STOP_SECONDS)
            self.settle()
        self._reap()

    def pause(self) -> None:
        """``SIGSTOP``: it holds its connections and answers nobody."""
        pid = self.pid
        if pid is not None:
            _signal(pid, signal.SIGSTOP)
            self._paused = True

    def resume(self) -> None:
        """``SIGCONT``: it goes on where it was, however long that was. Harmless when it is not paused."""
        pid = self.pid
        if pid is not None:
            _signal(pid, signal.SIGCONT)
        self._paused = False

    def last_words(self) -> str:
        """The last error of the node's log, as one line."""
        lines = (
            self.server_log.read_text(encoding="utf-8", errors="replace").splitlines()
            if self.server_log.exists()
            else []
        )
        errors = [line for line in lines if "ERROR" in line or "Exception" in line or "FATAL" in line]
        return (errors or lines or ["it ended without saying why"])[-1].strip()[:300]

    def _java(self, name: str, arguments: Sequence[str]) -> list[str]:
        options = [*QUICK_START, f"-Xmx{self._heap_mb}m", "-cp", class_path(self._jars)]
        return [str(java_program()), write_arguments(self.folder / name, [*options, *arguments])]

    def _reap(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.wait()
        guard, self._guard = self._guard, None
        if guard is not None:
            guard.release()
        self._paused = False
        self.pid_file.unlink(missing_ok=True)


def _signal(pid: int, how: signal.Signals) -> None:
    try:
        os.kill(pid, how)
    except ProcessLookupError:
        return
