"""Several workers taking schools along one stage, each on a connection of its own.

The threads use nothing of Django: no ORM, no connection of Django's. What they send is ready SQL.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from queue import Empty, SimpleQueue

import psycopg
from psycopg import errors

from apps.tenants.services.backup.errors import Busy
from apps.tenants.services.schemas.replay import Passage, Session, travel
from kernel.owner import owner_session

# A connection keeps the catalogue of every school it touched: 1.3 MB each, until it closes.
RECONNECT_AFTER = 200
ATTEMPTS = 6
_PASSING = (
    errors.LockNotAvailable,
    errors.DeadlockDetected,
    errors.SerializationFailure,
    errors.QueryCanceled,
    errors.ObjectInUse,
    errors.AdminShutdown,
    errors.CannotConnectNow,
    errors.TooManyConnections,
)
OnDone = Callable[[int, Exception | None], None]


def send_along(
    passage: Passage, school_ids: Sequence[int], *, workers: int, on_done: OnDone
) -> None:
    """Each school once, in any order; `on_done(school_id, error)` is called in the workers.

    What may pass by itself (a lock, a broken connection) is tried again, each time after a longer
    pause. Ctrl-C lets the transactions under way end and begins no more.
    """
    waiting: SimpleQueue[int] = SimpleQueue()
    for school_id in school_ids:
        waiting.put(school_id)
    with ThreadPoolExecutor(min(workers, len(school_ids)), "migrating") as pool:
        shares = [pool.submit(_work, passage, waiting, on_done) for _ in range(workers)]
        try:
            for share in shares:
                share.result()
        except BaseException:
            _empty(waiting)
            raise


def _work(passage: Passage, waiting: SimpleQueue[int], on_done: OnDone) -> None:
    with Connections() as connections:
        for school_id in _taken(waiting):
            error = _try_hard(connections, school_id, passage)
            on_done(school_id, error)


def _taken(waiting: SimpleQueue[int]) -> Iterator[int]:
    while True:
        try:
            yield waiting.get_nowait()
        except Empty:
            return


def _empty(waiting: SimpleQueue[int]) -> None:
    for _school_id in _taken(waiting):
        continue


def _try_hard(connections: Connections, school_id: int, passage: Passage) -> Exception | None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            travel(connections.current(), school_id, passage)
            return None
        except psycopg.Error as error:
            if attempt == ATTEMPTS or not may_pass(error):
                return error
            wait(attempt)
    return None


def may_pass(error: BaseException) -> bool:
    """Whether trying again later has a chance: a lock, a backup, a connection that broke."""
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    if isinstance(error, Busy) or isinstance(cause, _PASSING):
        return True
    # The connection itself failed: libpq has no SQLSTATE for that.
    return isinstance(cause, psycopg.OperationalError) and cause.sqlstate is None


def wait(attempt: int) -> None:
    """Doubling from a quarter of a second; with chance in it, so that workers do not meet again."""
    seconds = min(8.0, 0.25 * 2 ** (attempt - 1))
    time.sleep(seconds * random.uniform(0.5, 1.0))  # noqa: S311


class Connections:
    """One worker's connection, renewed when it is broken or has seen many schools."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._session: Session | None = None
        self._used = 0

    def __enter__(self) -> Connections:
        return self

    def __exit__(self, *_reason: object) -> None:
        self._stack.close()

    def current(self) -> Session:
        """The connection to use for one more school."""
        session = self._session
        if session is None or session.closed or self._used >= RECONNECT_AFTER:
            self._stack.close()
            session = self._session = self._stack.enter_context(owner_session(autocommit=True))
            self._used = 0
        self._used += 1
        return session
