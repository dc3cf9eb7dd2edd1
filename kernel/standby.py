"""Whether the standby can be read from: does it answer, and how far behind is it?

Asked at most once in CHECK_EVERY seconds a process, over a connection of its own whose every step
has a deadline: a server that accepts and never answers costs HANG_SECONDS once, then nothing until
the next try.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, connection, connections
from psycopg import Error, pq
from psycopg.conninfo import make_conninfo
from psycopg.pq.abc import PGconn

log = structlog.get_logger(__name__)

CHECK_EVERY = 1.0
HANG_SECONDS = 0.3
LONGEST_PAUSE = 60.0
# A standby that has only just caught up needs a moment: looked at again before it is given up.
LOOKS, BETWEEN_LOOKS = 3, 0.02
_REPLAYED = (
    b"SELECT coalesce(pg_last_wal_replay_lsn() - '0/0', 0)::bigint,"
    b" coalesce(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 1e9)"
)
_WRITTEN = "SELECT (pg_current_wal_lsn() - '0/0')::bigint"
_PYTHON_ONLY = {"cursor_factory", "context", "prepare_threshold", "server_side_binding", "pool"}


class Unreachable(Exception):
    """The standby did not answer in time, or said no."""


@dataclass
class Standby:
    """What this process knows. Times are time.monotonic() seconds."""

    fit: bool = False
    lag: float | None = None  # seconds; None: not known
    problem: str = ""  # why it does not answer
    checked: float = 0.0
    closed_until: float = 0.0
    pause: float = 0.0
    generation: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    # (when, position in the primary's log): how old is what the standby has replayed?
    marks: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=120))
    link: PGconn | None = None
    pid: int = 0

    def is_fit(self) -> bool:
        """Whether to read there now. Never raises; takes at most about HANG_SECONDS."""
        now = time.monotonic()
        if now < self.closed_until:
            return False
        if now >= self.checked + CHECK_EVERY and self.lock.acquire(blocking=False):
            try:
                self._check()
            finally:
                self.lock.release()
        return self.fit and self._connected()

    def suspect(self) -> None:
        """A query on it failed: look again before the next one."""
        self.checked = 0.0
        self.generation += 1

    def _check(self) -> None:
        self.checked = time.monotonic()
        try:
            self.lag = self._measure()
        except (Unreachable, Error, DatabaseError, OSError) as error:
            self._give_up(error)
            return
        self.pause, self.problem = 0.0, ""
        self.fit = self.lag <= settings.REPLICA_MAX_LAG

    def _give_up(self, error: Exception) -> None:
        self.fit, self.lag, self.problem = False, None, str(error).strip()
        self.pause = min(max(settings.REPLICA_RETRY_SECONDS, self.pause * 2), LONGEST_PAUSE)
        self.closed_until = time.monotonic() + self.pause
        self.generation += 1
        self._hang_up()
        log.warning("replica.unreachable", error=repr(error), again_in=self.pause)

    def _connected(self) -> bool:
        """Whether this thread's own connection works: one from before the last failure may not."""
        own: Any = connections["replica"]
        try:
            if getattr(own, "generation", None) != self.generation:
                own.close()
                own.generation = self.generation
            own.ensure_connection()
        except DatabaseError as error:
            self._give_up(error)
            return False
        return True

    # Lag ---------------------------------------------------------------------------------

    def _measure(self) -> float:
        """How many seconds ago everything was committed that the standby is sure to have, at the
        most. 0 when nothing waits to be replayed, however long ago the last commit was."""
        with connection.cursor() as cursor:
            cursor.execute(_WRITTEN)
            written = int(cursor.fetchone()[0])
        self.marks.append((time.monotonic(), written))
        for look in range(LOOKS):
            if look:
                time.sleep(BETWEEN_LOOKS)
            replayed, age = self._ask()
            lag = 0.0 if replayed >= written else min(age, self._since(replayed))
            if lag <= settings.REPLICA_MAX_LAG:
                break
        return lag

    def _since(self, replayed: int) -> float:
        seen = [at for at, position in self.marks if position <= replayed]
        return time.monotonic() - seen[-1] if seen else float("inf")

    def _ask(self) -> tuple[int, float]:
        deadline = time.monotonic() + HANG_SECONDS
        if self.link is None or self.pid != os.getpid():
            self.link, self.pid = _connect(deadline), os.getpid()
        self.link.send_query(_REPLAYED)
        result = _answer(self.link, deadline)
        return int(result.get_value(0, 0) or 0), float(result.get_value(0, 1) or 0)

    def _hang_up(self) -> None:
        if self.link is not None and self.pid == os.getpid():
            self.link.finish()
        self.link = None


standby = Standby()


def _connect(deadline: float) -> PGconn:
    parts = connections["replica"].get_connection_params()
    known = {key: value for key, value in parts.items() if key not in _PYTHON_ONLY}
    link = pq.PGconn.connect_start(make_conninfo(**known).encode())
    while (step := link.connect_poll()) != pq.PollingStatus.OK:
        if step == pq.PollingStatus.FAILED:
            raise Unreachable(link.error_message.decode(errors="replace").strip())
        _wait(link, select.POLLIN if step == pq.PollingStatus.READING else select.POLLOUT, deadline)
    link.nonblocking = 1
    return link


def _answer(link: PGconn, deadline: float) -> Any:
    _until(lambda: link.flush() == 0, link, deadline)
    _until(lambda: _has_all_of_it(link), link, deadline)
    result = link.get_result()
    while link.get_result() is not None:
        pass
    if result is None or result.status != pq.ExecStatus.TUPLES_OK:
        raise Unreachable(link.error_message.decode(errors="replace").strip() or "no answer")
    return result


def _has_all_of_it(link: PGconn) -> bool:
    link.consume_input()
    return not link.is_busy()


def _until(done: Callable[[], bool], link: PGconn, deadline: float) -> None:
    while not done():
        _wait(link, select.POLLIN, deadline)


def _wait(link: PGconn, what: int, deadline: float) -> None:
    poll = select.poll()
    poll.register(link.socket, what)
    left = deadline - time.monotonic()
    if left <= 0 or not poll.poll(max(1, int(left * 1000))):
        raise Unreachable(f"no answer within {HANG_SECONDS} s")
