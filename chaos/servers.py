"""PostgreSQL and Redis of the run's own, as children of this process: it ends them, nobody else's.

Configured as the embedded ones are, durably: a crash may cost what was not committed, no more.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import redis
from psycopg.conninfo import make_conninfo

from config import embedded
from config.stack import free_port

START_SECONDS, STOP_SECONDS = 60, 30


class ServerFailed(RuntimeError):
    """A server did not come up, or did not end, in time."""


class Server:
    """A program that is started, ended and started again, each time as our own child."""

    name = ""

    def __init__(self, command: list[str], log: Path, user: str | None = None) -> None:
        self._command, self._log, self._user = command, log, user
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers. Raises ServerFailed after START_SECONDS."""
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(
                self._command, user=self._user, stdout=log, stderr=log, start_new_session=True
            )
        _wait(self.answers, f"{self.name} to answer; see {self._log}")

    def answers(self) -> bool:
        raise AssertionError("each server has its own question")

    def signal(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def end(self, number: int) -> None:
        """End it by this signal and reap it; SIGKILL follows after STOP_SECONDS."""
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


class Postgres(Server):
    name = "PostgreSQL"

    def __init__(self, logs: Path) -> None:
        server = embedded._postgres()
        server.ensure_pgdata_inited()
        with (server.pgdata / "postgresql.conf").open("a") as conf:
            conf.write(embedded.POSTGRES_CONF)
        program, folder = Path(server.bin_path) / "postgres", str(server.pgdata)
        # Reached by a socket in its own folder alone.
        command = [str(program), "-D", folder, "-k", folder, "-c", "listen_addresses="]
        super().__init__(command, logs / "postgres.log", server.system_user)
        self.url = make_conninfo(host=folder, user="postgres", dbname="postgres")

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def crash(self, down: float) -> None:
        """Immediate stop, which leaves a recovery to do; start again after `down` seconds."""
        self.end(signal.SIGQUIT)
        time.sleep(down)
        self.start()


class Redis(Server):
    name = "Redis"

    def __init__(self, folder: Path, logs: Path) -> None:
        folder.mkdir()
        port, password = free_port(), secrets.token_urlsafe(24)
        config = folder / "redis.conf"
        config.touch(mode=0o600)
        config.write_text(
            f"bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir {folder}\n"
            "appendonly yes\nsave 300 1\ndaemonize no\n"
        )
        super().__init__([embedded._redis_binary(), str(config)], logs / "redis.log")
        self.url = f"redis://:{password}@127.0.0.1:{port}/0"

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url, socket_timeout=2, socket_connect_timeout=2)

    def answers(self) -> bool:
        try:
            return bool(self.client().ping())
        except redis.RedisError:
            return False

    def kill(self, down: float) -> None:
        """SIGKILL; start again after `down` seconds."""
        self.end(signal.SIGKILL)
        time.sleep(down)
        self.start()

    def freeze(self, seconds: float) -> None:
        """It takes connections and answers nobody, for so long."""
        self.signal(signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            self.signal(signal.SIGCONT)

    def waiting_messages(self) -> int:
        """Messages in the default queue that no worker has taken."""
        return int(self.client().llen("celery"))  # type: ignore[arg-type]


@contextmanager
def running_servers(data: Path, logs: Path) -> Iterator[tuple[Postgres, Redis]]:
    """Both, with their addresses in this process's environment in place of any that stood there."""
    os.environ["HOMEROOM_DATA"] = str(data)
    os.environ.pop("DATABASE_REPLICA_URL", None)
    postgres, redis_server = Postgres(logs), Redis(data / "redis", logs)
    try:
        postgres.start()
        redis_server.start()
        embedded._ensure_database(postgres.url)
        embedded._two_logins_of(make_conninfo(postgres.url, dbname=embedded.DATABASE))
        os.environ["REDIS_URL"] = redis_server.url
        yield postgres, redis_server
    finally:
        redis_server.end(signal.SIGKILL)
        postgres.end(signal.SIGQUIT)


def _wait(done: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + START_SECONDS
    while not done():
        if time.monotonic() > until:
            raise ServerFailed(f"waited {START_SECONDS} s for {what}")
        time.sleep(0.02)
