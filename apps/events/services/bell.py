"""Ringing: after the commit, one short message to Redis for which nobody waits.

The worker that attends (attending.py) hears it at once. A ring only makes things quick: the
guarantee is the announcement in the database, at which beat looks. So a ring may be lost, with the
connection or with Redis, and the request that publishes pays for one write into a socket: no trip,
and no pause when Redis hangs.
"""

import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import structlog

from apps.events.services.options import options
from apps.events.services.wakeup import breaker, connect, is_silent

log = structlog.get_logger(__name__)

# A sorted set: whose lane, and when it was first rung for. Rung twice it stands there once.
BELL = "outbox:bell"
# Seconds of silence after which the other end may have hung up without our knowing.
LONG_AGO = 1.0

_draining: ContextVar[frozenset[tuple[str, int]]] = ContextVar(
    "outbox_draining", default=frozenset()
)


class Line:
    """One connection of this process that is never answered (CLIENT REPLY OFF)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: Any = None  # redis-py's, whose own methods carry no types
        self._said = 0.0

    def say(self, *command: str | float) -> None:
        """Raises redis.RedisError when it cannot be sent. What was sent may still be lost; nothing
        is sent where whoever had the line before found Redis away."""
        with self._lock:
            if breaker.is_open:
                return
            try:
                self._send(command)
            except BaseException:
                # By itself redis-py would connect again, to be answered from then on.
                self.hang_up()
                breaker.trip()
                raise

    def hang_up(self) -> None:
        """The next one who speaks connects anew."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.disconnect()

    def _send(self, command: tuple[str | float, ...]) -> None:
        connection = self._connection or self._connect()
        if time.monotonic() - self._said > LONG_AGO and _hung_up(connection):
            connection = self._connect()
        connection.send_packed_command(connection.pack_command(*command), check_health=False)
        self._said = time.monotonic()

    def _connect(self) -> Any:
        self.hang_up()
        # Of a pool that is used once: one makes a hundred connections, and then no more.
        connection: Any = connect(options().redis_timeout).connection_pool.make_connection()
        connection.connect()
        connection.send_command("CLIENT", "REPLY", "OFF")
        self._connection = connection
        return connection


def _hung_up(connection: Any) -> bool:
    try:
        return bool(connection.can_read(0))  # nothing is answered: there is only an end to read
    except Exception:
        return True


line = Line()


def _of_its_own() -> None:
    """A forked process may not speak on its parent's connection, nor close it."""
    global line
    line = Line()


os.register_at_fork(after_in_child=_of_its_own)


def ring(schema_name: str, lane: int) -> None:
    """Call the attendant to a lane. Never raises; takes longer than a write only where a connection
    has to be made first, and then at most the short time-out of the client."""
    if is_silent() or (schema_name, lane) in _draining.get():
        return
    try:
        line.say("ZADD", BELL, "NX", time.time(), f"{schema_name}:{lane}")
    except Exception as error:
        log.warning("outbox.ring_failed", schema=schema_name, lane=lane, error=repr(error))


@contextmanager
def draining(schema_name: str, lanes: Iterable[int]) -> Iterator[None]:
    """While this thread drains a lane, the events that it publishes itself need no ring."""
    token = _draining.set(_draining.get() | {(schema_name, lane) for lane in lanes})
    try:
        yield
    finally:
        _draining.reset(token)
