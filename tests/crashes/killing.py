"""A process that is killed with SIGKILL where it writes: before each transaction's first statement
that changes something, before and after each commit, before and after each call to the gateway.

Between two statements of one transaction it leaves what it leaves before the commit: nothing of it.
"""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import requests
from celery import current_app
from django.db import connection, connections
from kombu.pools import reset

from kernel.schools import in_school

WRITES = ("INSERT", "UPDATE", "DELETE", "WITH")
MOST = 400  # a path with more places than this never ends


class Places:
    """Counts the places that the process passes, and ends it at the one it is to die at."""

    def __init__(self, fatal: int) -> None:
        self.fatal, self.passed = fatal, 0
        self.has_written = False  # in the transaction that is open

    def install(self) -> None:
        """In the process that is to die only: nothing is put back."""
        database: Any = connection
        commit, rollback, send = database._commit, database._rollback, requests.Session.send
        connection.execute_wrappers.append(self._statement)
        database._commit = lambda: self._around(self._ending(commit))
        database._rollback = self._ending(rollback)
        requests.Session.send = lambda *args, **more: self._around(  # type: ignore[method-assign]
            lambda: send(*args, **more)
        )

    def _statement(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if str(sql).lstrip().upper().startswith(WRITES):
            if not self.has_written:
                self._pass()
            self.has_written = connection.in_atomic_block
        return execute(sql, params, many, context)

    def _ending(self, end: Callable[[], Any]) -> Callable[[], Any]:
        def run() -> Any:
            self.has_written = False
            return end()

        return run

    def _around(self, work: Callable[[], Any]) -> Any:
        self._pass()
        result = work()
        self._pass()
        return result

    def _pass(self) -> None:
        if self.passed == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        self.passed += 1


def places(most: int = MOST) -> Iterator[int]:
    """0, 1, 2, …: leave the loop when a run was not killed any more."""
    yield from range(most)
    raise AssertionError(f"still killed after {most} places")


def is_killed(work: Callable[[], object], *, at: int) -> bool:
    """Do the work in a forked process that dies at place number `at`; False when it came to its
    end before. Raises AssertionError when it failed by itself."""
    _let_go_of_connections()
    child = os.fork()
    if child == 0:
        _work_and_die(work, at)
    _pid, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, "the work failed by itself: its error is above"
    return False


def _let_go_of_connections() -> None:
    """Two processes on one inherited socket would read each other's answers."""
    connections.close_all()
    reset()
    current_app._after_fork()


def _work_and_die(work: Callable[[], object], at: int) -> NoReturn:
    try:
        schema = connection.schema_name  # type: ignore[attr-defined]
        connection.set_schema_to_public()  # type: ignore[attr-defined]
        with in_school(schema):
            connection.ensure_connection()
            Places(at).install()
            work()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)
