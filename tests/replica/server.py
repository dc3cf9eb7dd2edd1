"""A real standby of the embedded server: made by pg_basebackup, following by streaming."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from config import embedded
from config.stack import free_port
from tests.servers import start_postgres
from tests.waiting import wait_for


class StandbyServer:
    """Started and ended by us, by its process alone; nothing is left behind."""

    def __init__(self, primary: str) -> None:
        self.primary, self.port = primary, free_port()
        server = embedded._postgres()
        self.programs, self.user = Path(server.bin_path), server.system_user
        # Beside the primary, in memory if that is: a busy disk leaves it minutes behind.
        place = embedded.data_dir()
        self.folder = Path(tempfile.mkdtemp(prefix="homeroom-standby-", dir=place))
        if self.user:
            owner = pwd.getpwnam(self.user)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return make_conninfo(self.primary, host="127.0.0.1", port=self.port)

    def copy(self) -> None:
        """-R writes what makes a standby of it: standby.signal and where the primary is."""
        command = [str(self.programs / "pg_basebackup"), "-D", str(self.folder / "data")]
        command += [
            "-d",
            make_conninfo(self.primary, dbname="postgres"),
            "-R",
            "-c",
            "fast",
            "--no-sync",
        ]
        subprocess.run(command, user=self.user, check=True, capture_output=True, timeout=60)

    def start(self) -> None:
        self.process = start_postgres(
            self.programs,
            self.folder / "data",
            self.port,
            "max_standby_streaming_delay=1s",
            user=self.user,
            log=self.folder / "log",
        )
        wait_for(self._answers, "the standby to answer")

    def signal(self, number: int) -> None:
        """To the server and the processes it has begun: a frozen machine answers nobody."""
        assert self.process
        server = psutil.Process(self.process.pid)
        for process in [server, *server.children(recursive=True)]:
            process.send_signal(number)

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(10)
        self.process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def ask(self, query: str, *, database: str = "postgres") -> Any:
        with psycopg.connect(
            self.address, dbname=database, autocommit=True, connect_timeout=2
        ) as session:
            return session.execute(query).fetchone()[0]

    def wait_caught_up(self) -> None:
        """Until everything that was committed on the primary until now is replayed. What has been
        written out would not do: commits that do not wait for the disk come later."""
        with psycopg.connect(self.primary, dbname="postgres", autocommit=True) as session:
            written = session.execute("SELECT pg_create_restore_point('now')").fetchone()[0]
        query = f"SELECT pg_last_wal_replay_lsn() >= '{written}'"
        wait_for(lambda: self.ask(query), "the standby to catch up")

    def _answers(self) -> bool:
        assert self.process
        assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
        try:
            return bool(self.ask("SELECT pg_is_in_recovery()"))
        except psycopg.OperationalError:
            return False


def parts_for_django(address: str) -> dict[str, Any]:
    found = conninfo_to_dict(address)
    return {"HOST": str(found["host"]), "PORT": str(found["port"])}
