"""``make run-kafka``, on one broker: what it says of itself is so."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import httpx
import pytest

from tests.integration.kafka.test_kafka_members import free_port
from tests.support.serve_process import serving


def lives(pid: str) -> bool:
    """Whether a process of this number runs; one that has ended and is not yet collected does not."""
    stat = Path("/proc", pid, "stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.timeout(400)
def test_the_first_crossing_is_carried_with_keys_of_a_vault_apart(tmp_path: Path) -> None:
    """The ministry's Primero and the table say what they say in one process. The one keyring is the vault's, which has
    given out every key; and when it is told to stop, nothing that it started is left.
    """
    first = free_port()
    with serving(
        "--data", "data", "--nodes", "1", "--port", str(first), cwd=tmp_path, command="",
        module="services.assembly.kafka_demo",
    ) as demo:  # fmt: skip
        demo.until("^listening on", seconds=300)
        said = [line for line in demo.output if line.startswith(("ready, each", "the ministry opens"))]
        started = re.findall(r"\((\d+)\)", "".join(said))
        assert "it was called and says: 1 case created, 1 referral created." in demo.text
        assert demo.text.count("$ sampan case SP-") == 2
        assert [path.parent.name for path in tmp_path.rglob("keyring.json")] == ["vault"]
        counted = httpx.get(f"http://127.0.0.1:{first + 4}/metrics").text
        for method in ("admit", "grant"):
            assert re.search(
                rf'sampan_vault_calls_total\{{method="{method}",result="done"\}} [1-9]', counted
            ), counted
        assert len([pid for pid in started if lives(pid)]) == 6, "five services and an edge"
        demo.signal(signal.SIGTERM)
        assert demo.end(seconds=90) == 0, demo.text
    assert not [pid for pid in started if lives(pid)]
    assert "Traceback" not in demo.text + (tmp_path / "data" / "services.log").read_text()
