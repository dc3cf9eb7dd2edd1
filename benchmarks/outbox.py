"""Outboxes of the suite's two schools, filled and emptied, and real workers that drain them."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from psycopg import sql
from psycopg.conninfo import make_conninfo

from apps.events import facade as events
from apps.events.services import wakeup
from apps.events.tasks import send_wake_up
from benchmarks.counting import Counted
from benchmarks.harness import Skipped
from config import embedded
from config.stack import Stack
from kernel.ids import uuid7
from kernel.owner import owner_session
from kernel.schools import in_school

SCHOOLS = ("t_000001", "t_000002")
PATIENCE = 60


def make_effects() -> None:
    """The tables in which handlers leave their effects, and empty outboxes."""
    with owner_session() as session:
        for school in SCHOOLS:
            session.execute(
                sql.SQL("CREATE TABLE IF NOT EXISTS {} (event_id uuid UNIQUE)").format(
                    sql.Identifier(school, "bench_effect")
                )
            )
    clear()


def clear() -> None:
    """Empty outboxes, receipts and effects: what one round left is no burden of the next."""
    names = ("outbox_event", "receipt", "dead_letter", "bench_effect")
    tables = [sql.Identifier(school, name) for school in SCHOOLS for name in names]
    tables.append(sql.Identifier("public", "outbox_ready"))
    with owner_session() as session:
        session.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(tables)))


def effects(session: Any) -> int:
    """How many effects are committed, in both schools."""
    query = "SELECT (SELECT count(*) FROM {}) + (SELECT count(*) FROM {})"
    tables = [sql.Identifier(school, "bench_effect") for school in SCHOOLS]
    return int(session.execute(sql.SQL(query).format(*tables)).fetchone()[0])


def publish(school: str, number: int, event: type = Counted) -> None:
    """So many events, each of a stream of its own, in one transaction; no worker is woken."""
    with without_wake_ups(), in_school(school), transaction.atomic():
        for each in range(number):
            events.publish(event(number=each), stream_type="bench", stream_id=uuid7())


@contextmanager
def without_wake_ups() -> Iterator[None]:
    before = wakeup._sender
    wakeup.send_wake_ups_with(None)
    try:
        yield
    finally:
        wakeup.send_wake_ups_with(before)


@contextmanager
def running(*names: str, notes: Path | None = None) -> Iterator[Stack]:
    """These processes of the platform (config/stack.py), on the database of the run; with "worker"
    among them it has handled events when the block begins."""
    name = connection.settings_dict["NAME"]
    env = {
        "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
        "DATABASE_URL": make_conninfo(os.environ["DATABASE_URL"], dbname=name),
        "BENCH_NOTES": str(notes or ""),
    }
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(port=0, sandbox_port=0, env=env, logs=Path(folder) / "logs")
        try:
            stack.start(*names)
            if "worker" in names:
                drain_by_workers(100, stack)
            yield stack
        finally:
            stack.stop()


def drain_by_workers(number: int, stack: Stack, event: type = Counted) -> float:
    """Seconds until real workers have handled so many events, half of them in each school."""
    clear()
    for school in SCHOOLS:
        publish(school, number // 2, event)
    with owner_session(autocommit=True) as session:
        started = time.perf_counter()
        for school in SCHOOLS:
            send_wake_up(school, 0)
        wait_for(lambda: effects(session) >= number, stack)
        return time.perf_counter() - started


def wait_for(done: Callable[[], bool], stack: Stack | None = None) -> None:
    """Raises RuntimeError when it is not so within PATIENCE seconds, or a process has ended."""
    until = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > until or (stack and stack.ended()):
            logs = [stack.log(name) for name in stack.processes] if stack else []
            raise RuntimeError("\n".join(["the workers did not finish", *logs]))
        time.sleep(0.01)


@contextmanager
def redis_stopped() -> Iterator[None]:
    """Redis hangs, as opposed to refusing: connections are accepted, nothing is answered.

    Raises Skipped when the server is not one that this run started.
    """
    pid = _redis_of_this_run()
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _redis_of_this_run() -> int:
    path = embedded.data_dir() / "embedded.json"
    state = json.loads(path.read_text()) if path.exists() else {}
    address = settings.REDIS_URL.rpartition("/")[0]
    if not address or not str(state.get("redis_url", "")).startswith(address):
        raise Skipped("stops Redis, which here is a server of somebody else's (REDIS_URL)")
    return int(state["redis_pid"])
