"""The embedded servers, with a data directory of their own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis

from config import embedded
from config.embedded import ROOT

SERVERS = {"DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_ADMIN_URL", "REDIS_URL"}
HOLD = """
import os, sys
from config import embedded
embedded.hold()
print(os.environ["DATABASE_OWNER_URL"]); print(os.environ["REDIS_URL"], flush=True)
sys.stdin.readline()
"""


class Holder:
    """A process that holds the servers until told to leave."""

    def __init__(self, data: Path) -> None:
        kept = {k: v for k, v in os.environ.items() if k not in SERVERS}
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD],
            cwd=ROOT,
            env={**kept, "HOMEROOM_DATA": str(data)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.database, self.redis = (self.process.stdout.readline().strip() for _ in range(2))

    def leave(self) -> None:
        self.process.communicate("\n", timeout=60)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def answers(holder: Holder) -> tuple[bool, bool]:
    try:
        with psycopg.connect(holder.database, connect_timeout=2):
            database = True
    except psycopg.OperationalError:
        database = False
    try:
        cache = bool(redis.Redis.from_url(holder.redis, socket_timeout=2).ping())
    except redis.RedisError:
        cache = False
    return database, cache


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_last_holder_stops_the_servers_and_data_outlives_them(data: Path) -> None:
    first = Holder(data)
    second = Holder(data)
    assert first.database == second.database
    assert first.redis == second.redis
    with psycopg.connect(first.database) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    redis.Redis.from_url(first.redis).set("kept", "42")

    first.leave()
    assert answers(second) == (True, True)
    second.leave()
    assert answers(second) == (False, False)

    third = Holder(data)
    with psycopg.connect(third.database) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    assert redis.Redis.from_url(third.redis).get("kept") == b"42"
    third.leave()
    assert answers(third) == (False, False)


def test_a_killed_holder_does_not_keep_them_running(data: Path) -> None:
    killed, last = Holder(data), Holder(data)
    killed.kill()
    last.leave()
    assert answers(last) == (False, False)


def test_a_terminated_holder_stops_them_on_its_way_out(data: Path) -> None:
    holder = Holder(data)
    holder.process.terminate()
    assert holder.process.wait(timeout=60) == 128 + signal.SIGTERM
    assert answers(holder) == (False, False)


def test_commands_of_a_second_shell_know_where_the_first_one_listens(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOMEROOM_DATA", str(data))
    assert embedded.remembered_address("PUBLIC_PORT", ":8000") == ":8000"
    embedded.remember_addresses(":9000", "http://localhost:9001")
    assert embedded.remembered_address("PUBLIC_PORT", ":8000") == ":9000"
    assert embedded.remembered_address("SANDBOX_URL", "") == "http://localhost:9001"


def test_redis_needs_the_password_of_the_installation(data: Path) -> None:
    holder = Holder(data)
    without = holder.redis.replace(holder.redis.split("@")[0].removeprefix("redis://"), "")
    try:
        with pytest.raises(redis.AuthenticationError):
            redis.Redis.from_url(without.replace("@", "")).ping()
    finally:
        holder.leave()
