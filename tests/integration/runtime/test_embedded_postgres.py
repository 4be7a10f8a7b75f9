"""The server of our own: first start, restart, crash, and what it says when it cannot."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from contracts.errors import SetupProblem
from services.runtime.postgres import EmbeddedPostgres
from services.runtime.postgres.binaries import copied_binaries, find_binaries, reachable_binaries
from services.runtime.postgres.orphan import SOCKET_FOLDER_PREFIX

CANARY = "Somsri-Canary-0812345678"
AS_ROOT = os.geteuid() == 0

START_AND_WAIT = """
import sys
from pathlib import Path
from services.runtime.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), durable=False)
server.start()
server.create_database("kept")
print(server.pid, flush=True)
sys.stdin.read()
"""

# Under root everything is imported first, since the interpreter may live where a plain user cannot go.
AS_PLAIN_USER = """
import os, sys
import psycopg, encodings.idna, encodings.ascii
from pathlib import Path
from contracts.errors import SetupProblem
from services.runtime.postgres import EmbeddedPostgres
sys.path.insert(0, sys.argv[2])
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    with EmbeddedPostgres(Path(sys.argv[1]), durable=False) as server:
        server.create_database("mine")
        print(server.has_database("mine"))
except SetupProblem as problem:
    print(problem.code, problem.sentence())
"""


def wheel_for_all(place: Path) -> Path:
    """A copy of the wheel's programs where any user can walk: the checkout may lie in a closed folder."""
    package = find_binaries().folder.parents[1]
    site = place / "site"
    shutil.copytree(package / "pginstall18", site / package.name / "pginstall18", symlinks=True)
    (site / package.name / "__init__.py").touch()
    shutil.copytree(package.parent / f"{package.name}.libs", site / f"{package.name}.libs")
    return site


@pytest.fixture
def folder(server_folder: Path) -> Path:
    """A folder of this test's own, where a server's user can walk."""
    made = Path(tempfile.mkdtemp(dir=server_folder))
    made.chmod(0o711)
    return made / "pg"


def run_python(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": os.getcwd(), "HOME": "", "PYTHONDONTWRITEBYTECODE": "1"},
        text=True,
    )


def alive(pid: int) -> bool:
    """Whether the process runs; one that ended and waits to be collected does not."""
    shown = subprocess.run(["/bin/ps", "-o", "stat=", "-p", str(pid)], capture_output=True, check=False)
    return shown.stdout.strip() not in (b"", b"Z", b"Zs", b"Z+")


def test_a_fresh_start_answers_and_a_stop_leaves_nothing_running(folder: Path) -> None:
    """The first start creates everything; after the stop no process and no socket folder remain."""
    with EmbeddedPostgres(folder, durable=False) as server:
        with psycopg.connect(server.dsn("postgres")) as connection:
            assert connection.execute("show server_version_num").fetchone() == ("180004",)
            assert connection.execute("show server_encoding").fetchone() == ("UTF8",)
        pid = server.pid
    assert pid is not None
    assert not alive(pid)
    assert not (folder / "run").exists()


def test_a_restart_keeps_the_data_and_the_passwords(folder: Path) -> None:
    """What was committed is there after a restart, under the same connection string."""
    with EmbeddedPostgres(folder) as server:
        server.create_database("kept")
        first_dsn = server.dsn("kept")
    with EmbeddedPostgres(folder) as server:
        assert server.has_database("kept")
        assert server.dsn("kept") == first_dsn


def test_durability_is_on_unless_refused(folder: Path) -> None:
    """A server is durable by default, and says so itself."""
    with EmbeddedPostgres(folder) as server, psycopg.connect(server.dsn("postgres")) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            assert connection.execute(f"show {name}").fetchone() == ("on",)


def test_it_listens_on_a_private_socket_only(folder: Path) -> None:
    """No TCP port is open, the socket's folder and the password file are their owner's alone."""
    with EmbeddedPostgres(folder, durable=False) as server, psycopg.connect(server.dsn("postgres")) as line:
        assert line.execute("show listen_addresses").fetchone() == ("",)
        assert stat.S_IMODE((folder / "run").stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "passwords.json").stat().st_mode) == 0o600
        assert stat.S_IMODE(server.cluster_dir.stat().st_mode) == 0o700


def test_nobody_connects_without_the_password(folder: Path) -> None:
    """Reaching the socket is not enough."""
    with EmbeddedPostgres(folder, durable=False) as server:
        wrong = server.owner_dsn("postgres").replace("sampan_owner:", "sampan_owner:x")
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(wrong)


def test_a_killed_process_leaves_an_orphan_that_the_next_start_stops(folder: Path) -> None:
    """After SIGKILL of ours the server runs on; the next start ends it and serves the same data."""
    process = run_python(START_AND_WAIT, str(folder))
    assert process.stdout is not None
    orphan = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert alive(orphan)
    with EmbeddedPostgres(folder, durable=False) as server:
        assert server.has_database("kept")
        assert server.pid != orphan
        assert not alive(orphan)
    close_pipes(process)


def test_a_killed_server_is_recovered(folder: Path) -> None:
    """After SIGKILL of process and server both, the next start recovers what was committed."""
    process = run_python(START_AND_WAIT, str(folder))
    assert process.stdout is not None
    server_pid = int(process.stdout.readline())
    os.kill(server_pid, signal.SIGKILL)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with EmbeddedPostgres(folder, durable=False) as server:
        assert server.has_database("kept")
    close_pipes(process)


def test_a_reused_process_id_is_left_alone(folder: Path) -> None:
    """A stale pid file that names a living stranger stops nobody and hinders nothing."""
    with EmbeddedPostgres(folder, durable=False) as server:
        cluster = server.cluster_dir
    (cluster / "postmaster.pid").write_text(f"{os.getpid()}\n{cluster}\n1\n5432\n\n\n\nready\n")
    with EmbeddedPostgres(folder, durable=False) as server:
        assert server.pid is not None


def test_a_kill_during_creation_leaves_nothing_that_looks_finished(folder: Path) -> None:
    """A half-made cluster is made anew."""
    abandoned = folder / "cluster-unfinished-x"
    abandoned.mkdir(parents=True)
    (abandoned / "PG_VERSION").write_text("18\n")
    folder.chmod(0o711)
    with EmbeddedPostgres(folder, durable=False) as server:
        assert server.pid is not None
    assert not abandoned.exists()


def test_lost_passwords_are_said_in_one_sentence(folder: Path) -> None:
    """Without the password file nobody gets in, and the sentence says which file is missing."""
    with EmbeddedPostgres(folder, durable=False):
        pass
    (folder / "passwords.json").unlink()
    with pytest.raises(SetupProblem) as refused:
        EmbeddedPostgres(folder, durable=False).start()
    assert "passwords.json" in refused.value.message


def test_a_second_copy_is_refused_and_told_who_is_first(folder: Path) -> None:
    """Two processes never share a data folder; the sentence names the process that has it."""
    process = run_python(START_AND_WAIT, str(folder))
    assert process.stdout is not None
    process.stdout.readline()
    with pytest.raises(SetupProblem) as refused:
        EmbeddedPostgres(folder, durable=False).start()
    assert refused.value.code == "data-folder-in-use"
    assert f"process {process.pid}" in refused.value.message
    process.communicate("")
    with EmbeddedPostgres(folder, durable=False) as server:
        assert server.has_database("kept")


def test_a_process_that_ends_normally_stops_its_server(folder: Path) -> None:
    """A process that forgets to stop the server takes it along when it exits."""
    process = run_python(START_AND_WAIT, str(folder))
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    process.communicate("")
    assert process.returncode == 0
    assert not alive(pid)


def test_a_plain_user_with_an_empty_home_can_run_it(server_folder: Path) -> None:
    """Neither root nor a home folder is needed."""
    place = Path(tempfile.mkdtemp(dir=server_folder))
    place.chmod(0o777)
    process = run_python(AS_PLAIN_USER, str(place / "pg"), str(wheel_for_all(place)))
    assert process.communicate("")[0] == "True\n"


def test_an_unwritable_folder_is_said_in_one_sentence(server_folder: Path) -> None:
    """A folder without write permission: the path and a remedy, and no server."""
    place = Path(tempfile.mkdtemp(dir=server_folder))
    place.chmod(0o555)
    answer = run_python(AS_PLAIN_USER, str(place / "pg"), str(place)).communicate("")[0]
    assert answer.startswith("data-folder-not-writable The data folder ")
    assert str(place / "pg") in answer
    assert "Choose another data folder" in answer


def test_a_long_path_gets_a_short_socket(folder: Path) -> None:
    """A data folder too deep for the kernel's limit on socket paths works all the same."""
    deep = folder / ("d" * 60) / ("e" * 60)
    with EmbeddedPostgres(deep, durable=False) as server:
        (socket_folder,) = parse_qs(urlsplit(server.dsn("postgres")).query)["host"]
        assert SOCKET_FOLDER_PREFIX in socket_folder
        assert stat.S_IMODE(Path(socket_folder).stat().st_mode) == 0o700
        with psycopg.connect(server.dsn("postgres")) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
    assert not Path(socket_folder).exists()


def test_a_folder_below_a_closed_one_works_and_stays_closed(folder: Path) -> None:
    """Root's server cannot walk there, so its cluster goes to the shelter; no mode changes."""
    closed = folder / "home"
    closed.mkdir(parents=True)
    folder.chmod(0o711)
    closed.chmod(0o700)
    clusters = set()
    for _ in range(2):
        with EmbeddedPostgres(closed / "data", durable=False, shelter=folder / "shelter") as server:
            clusters.add(server.cluster_dir)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    (cluster,) = clusters
    assert (folder / "shelter" in cluster.parents) == AS_ROOT


def test_binaries_out_of_reach_are_copied_whole_once(folder: Path) -> None:
    """What the server's user cannot walk to is copied where it can, and the copy runs by itself."""
    shelter = folder / "shelter"
    assert reachable_binaries(None, shelter) == find_binaries()
    copied = copied_binaries(find_binaries(), shelter)
    assert copied_binaries(find_binaries(), shelter) == copied
    for program in ("postgres", "initdb"):
        version = subprocess.run([copied.program(program), "--version"], capture_output=True, check=True)
        assert b"(PostgreSQL) 18." in version.stdout


def test_no_value_reaches_the_server_log(folder: Path) -> None:
    """Neither statements nor their parameters nor errors that echo their input are written down."""
    failing = [
        f"select '{CANARY}'::integer",
        f"select {CANARY}",
        f"insert into people values ('{CANARY}'), ('{CANARY}')",
        f"do $$ begin raise warning '{CANARY}'; raise exception '{CANARY}'; end $$",
    ]
    with EmbeddedPostgres(folder, durable=False) as server:
        with psycopg.connect(server.owner_dsn("postgres"), autocommit=True) as connection:
            connection.execute("create table people (name text primary key)")
            for statement in failing:
                with pytest.raises(psycopg.Error):
                    connection.execute(statement)
            with pytest.raises(psycopg.Error):
                connection.execute("select %s::text::integer", [CANARY])
        written = (folder / "server.log").read_text(encoding="utf-8")
    assert "ready to accept connections" in written
    assert CANARY not in written


def close_pipes(process: subprocess.Popen[str]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
