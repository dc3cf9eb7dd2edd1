"""How a process hears that a school changed, before it looks into its memory of schools.

Two bells, both read without a wait at the beginning of each request (docs/adr/0010):

- a counter in a file that the processes of one machine share: exact, and 0.1 µs to read;
- PostgreSQL's NOTIFY, sent by triggers at the commit of whatever changed a school or a domain,
  from any machine and by any hand: a look at a socket, 0.4 µs, usually some microseconds after
  the commit returned.

Neither needs Redis, a thread, or a query. A listener that lost its connection counts as a ring,
since it may have missed one, and is connected again at most once in RETRY_SECONDS.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import mmap
import os
import select
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg
import structlog

from kernel.schools import connection

CHANNEL = "homeroom_schools"
RETRY_SECONDS = 1.0
_SIZE = 8
_LIBPQ = {"user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT", "dbname": "NAME"}
log = structlog.get_logger("homeroom.tenants")


class CounterBell:
    """Rung by a process of this machine; heard by all of them."""

    def __init__(self) -> None:
        self._memory: mmap.mmap | None = None
        self._name = ""
        self._heard = b""

    def has_rung(self) -> bool:
        memory = self._open()
        if memory is None:
            return False
        now = memory[:_SIZE]
        before, self._heard = self._heard, now
        return now != before

    def ring(self) -> None:
        memory = self._open()
        if memory is None:
            return
        with open(_counter_path(self._name), "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            count = int.from_bytes(memory[:_SIZE], "little") + 1
            memory[:_SIZE] = count.to_bytes(_SIZE, "little")

    def _open(self) -> mmap.mmap | None:
        name = _database()
        if name != self._name:
            self._name, self._heard = name, b""
            self._memory = _map_file(_counter_path(name))
        return self._memory


def _counter_path(database: str) -> Path:
    """One file a database and user; of no use to anybody else, and holding nothing but a count."""
    digest = hashlib.sha256(f"{os.getuid()}:{database}".encode()).hexdigest()[:24]
    return Path(tempfile.gettempdir()) / f"homeroom-schools-{digest}"


def _map_file(path: Path) -> mmap.mmap | None:
    """None where there is no place for such a file: then NOTIFY alone has to do."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "r+b") as file:
            if os.fstat(file.fileno()).st_size < _SIZE:
                file.truncate(_SIZE)
            return mmap.mmap(file.fileno(), _SIZE)
    except OSError as error:
        log.warning("no counter of school changes", path=str(path), error=str(error))
        return None


class PostgresBell:
    """Rung by triggers on the tables of schools and domains."""

    def __init__(self) -> None:
        self._session: psycopg.Connection[Any] | None = None
        self._poll = select.poll()
        self._of = ("", 0)
        self._retry_at = 0.0

    def has_rung(self) -> bool:
        """Also true when this process has not been listening until now."""
        if self._session is None or self._of != (_database(), os.getpid()):
            return self._listen()
        if not self._poll.poll(0):
            return False
        return self._read(self._session)

    def _read(self, session: psycopg.Connection[Any]) -> bool:
        """Whatever the server says on this connection is either the word or the end of it."""
        try:
            session.pgconn.consume_input()
            while session.pgconn.notifies():
                pass
        except psycopg.Error:
            self.hang_up()
        return True

    def _listen(self) -> bool:
        now = time.monotonic()
        if now < self._retry_at:
            return False
        self._retry_at = now + RETRY_SECONDS
        self.hang_up()
        try:
            session = psycopg.connect(**_parameters(), autocommit=True, connect_timeout=2)
            session.execute(f"LISTEN {CHANNEL}")
        except psycopg.Error as error:
            log.warning("not listening for school changes", error=str(error).strip())
            return True
        self._poll = select.poll()
        self._poll.register(session.pgconn.socket, select.POLLIN)
        self._session, self._of = session, (_database(), os.getpid())
        return True

    def hang_up(self) -> None:
        """Close the listening connection, if it is this process's own and not its parent's."""
        session, self._session = self._session, None
        if session is not None and self._of[1] == os.getpid():
            with contextlib.suppress(psycopg.Error, OSError):
                session.close()


def _database() -> str:
    parts = connection.settings_dict
    return f"{parts['HOST']}:{parts['PORT']}/{parts['NAME']}"


def _parameters() -> dict[str, Any]:
    parts = connection.settings_dict
    known = {libpq: parts[django] for libpq, django in _LIBPQ.items() if parts[django]}
    options = {k: v for k, v in parts.get("OPTIONS", {}).items() if k.startswith(("ssl", "target"))}
    return {**options, **known, "application_name": "homeroom listening"}
