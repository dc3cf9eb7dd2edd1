"""docs/recovery.md, tried for real: a whole cluster back to a moment before an accident."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import psycopg
import pytest

from config import embedded
from config.stack import free_port
from tests.servers import start_postgres

DOCUMENT = embedded.ROOT / "docs" / "recovery.md"


class Cluster:
    """A PostgreSQL server of this test's own, out of the same programs as the embedded one."""

    def __init__(self, folder: Path, name: str) -> None:
        server = embedded._postgres()
        self.programs, self.user = Path(server.bin_path), server.system_user
        self.folder, self.data, self.port = folder, folder / name, free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def run(self, program: str, *arguments: str) -> None:
        command = [str(self.programs / program), *arguments]
        done = subprocess.run(command, user=self.user, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr.decode()

    def start(self) -> None:
        log = self.folder / f"{self.data.name}.log"
        self.process = start_postgres(self.programs, self.data, self.port, user=self.user, log=log)
        until = time.monotonic() + 30
        while not self._answers():
            assert time.monotonic() < until, log_of(self)
            assert self.process.poll() is None, log_of(self)
            time.sleep(0.05)

    def _answers(self) -> bool:
        """Promoted, if it is one that comes back: it takes writes."""
        try:
            return self.ask("SELECT pg_is_in_recovery()") is False
        except psycopg.OperationalError:
            return False

    def stop(self, number: int = signal.SIGINT) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(20)
            self.process = None

    def ask(self, statement: str) -> object:
        address = f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres"
        with psycopg.connect(address, autocommit=True, connect_timeout=2) as session:
            cursor = session.execute(statement)
            row = cursor.fetchone() if cursor.description else None
            return row[0] if row else None

    def configure(self, lines: str) -> None:
        with open(self.data / "postgresql.conf", "a") as file:
            file.write(lines)


def log_of(cluster: Cluster) -> str:
    return (cluster.folder / f"{cluster.data.name}.log").read_text()[-2000:]


@pytest.fixture
def folder() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="homeroom-pitr-"))
    user = embedded._postgres().system_user
    (place / "wal").mkdir()
    if user:
        owner = pwd.getpwnam(user)
        for path in (place, place / "wal"):
            os.chown(path, owner.pw_uid, owner.pw_gid)
    yield place
    shutil.rmtree(place, ignore_errors=True)


def documented(name: str) -> str:
    """A line of the runbook, so that what is tried here is what is written there."""
    lines = [line.strip() for line in DOCUMENT.read_text().splitlines()]
    found = [line for line in lines if line.startswith(f"{name} = ")]
    assert found, f"docs/recovery.md says nothing of {name}"
    return found[0]


def test_a_cluster_goes_back_to_a_moment(folder: Path) -> None:
    first, second = Cluster(folder, "first"), Cluster(folder, "second")
    archive = str(folder / "wal")
    try:
        # Given a cluster that archives its log as the runbook says, and a base backup of it
        first.run("initdb", "-D", str(first.data), "-U", "postgres", "-A", "trust", "--no-sync")
        first.configure(
            documented("archive_mode")
            + "\n"
            + documented("archive_command").replace("/var/lib/homeroom/wal", archive)
            + "\nfsync = off\n"
        )
        first.start()
        first.ask("CREATE TABLE ledger (booked text)")
        first.ask("INSERT INTO ledger VALUES ('before the base backup')")
        address = f"host=127.0.0.1 port={first.port} user=postgres"
        base = str(second.data)
        first.run(
            "pg_basebackup", "-d", address, "-D", base, "-X", "none", "-c", "fast", "--no-sync"
        )
        first.ask("INSERT INTO ledger VALUES ('after it')")
        moment = first.ask("SELECT clock_timestamp()")
        assert isinstance(moment, datetime)
        # When an accident happens afterwards, and the machine is lost
        first.ask("DROP TABLE ledger")
        first.ask("SELECT pg_switch_wal()")
        wait_for_archive(folder / "wal", first)
        first.stop(signal.SIGQUIT)
        # Then a new one, set up as the runbook says, comes back to the moment before
        restore = documented("restore_command").replace("/var/lib/homeroom/wal", archive)
        second.configure(
            f"{restore}\n{documented('recovery_target_action')}\n"
            f"recovery_target_time = '{moment.isoformat()}'\n"
            "archive_mode = off\n"
        )
        (second.data / "recovery.signal").touch()
        second.start()
        assert second.ask("SELECT count(*) FROM ledger") == 2
        assert second.ask("SELECT max(booked) FROM ledger") == "before the base backup"
        # and takes writes again.
        second.ask("INSERT INTO ledger VALUES ('and on')")
        assert second.ask("SELECT count(*) FROM ledger") == 3
    finally:
        first.stop(signal.SIGQUIT)
        second.stop(signal.SIGQUIT)


def wait_for_archive(place: Path, cluster: Cluster) -> None:
    until = time.monotonic() + 20
    query = "SELECT archived_count FROM pg_stat_archiver"
    last = (
        "SELECT last_archived_wal >= pg_walfile_name(pg_current_wal_lsn() - 1)"
        " FROM pg_stat_archiver"
    )
    while not (cluster.ask(query) and cluster.ask(last)):
        assert time.monotonic() < until, sorted(path.name for path in place.iterdir())
        time.sleep(0.05)
