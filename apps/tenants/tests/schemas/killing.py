"""A process that kills itself, by SIGKILL, at one chosen point of its work."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from kernel.owner import owner_session
from tests.waiting import wait_for


def die(*_args: Any, **_kwargs: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dying_after(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, and then the end."""

    def run(*args: Any, **kwargs: Any) -> Any:
        function(*args, **kwargs)
        die()

    return run


def killed(work: Callable[[], Any], arrange: Callable[[pytest.MonkeyPatch], None]) -> bool:
    """Do the work in a process of its own, arranged so that it dies. True when it did."""
    before = _sessions()
    child = os.fork()
    if not child:
        _in_child(work, arrange)
    _pid, status = os.waitpid(child, 0)
    _wait_until_gone(before)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def _sessions() -> set[int]:
    query = """SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()"""
    with owner_session() as session:
        return {pid for (pid,) in session.execute(query).fetchall()}


def _wait_until_gone(before: set[int]) -> None:
    """PostgreSQL takes a moment to notice that a client died, and to give up its locks."""
    wait_for(lambda: not _sessions() - before, "the end of the killed process's sessions")


def _in_child(work: Callable[[], Any], arrange: Callable[[pytest.MonkeyPatch], None]) -> None:
    # The parent's connection stays the parent's: kept, so that nothing closes it.
    inherited = connection.connection
    connection.connection = None
    connection.search_path_set_schemas = None
    try:
        arrange(pytest.MonkeyPatch())
        work()
    finally:
        os._exit(0 if inherited is None else 1)
