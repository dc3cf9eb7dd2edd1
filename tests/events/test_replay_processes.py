"""The processes of a replay are its own: none outlives it or stands in the next one's way."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from apps.events.services.replay import running
from apps.events.services.replay.ground import Choice
from apps.payments import facade as payments
from apps.payments.tests.factories import counter
from kernel.errors import Conflict
from kernel.schools import in_school
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)
LINCOLN = "t_000001"


def replay(workers: int) -> running.Replayed:
    return running.replay(
        school=LINCOLN,
        projection="payments",
        choice=Choice(),
        dry_run=False,
        workers=workers,
        progress=lambda *_how_far: None,
    )


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def begin_in_a_child() -> int:
    """Its process, which replays with two of its own."""
    child = os.fork()
    if child:
        return child
    inherited = connection.connection  # kept, so that nothing closes it
    connection.connection = None
    connection.search_path_set_schemas = None
    try:
        replay(workers=2)
    finally:
        os._exit(0 if inherited else 1)


@pytest.fixture
def paid(committed_school: Any, drain: Callable[[], int]) -> None:
    with in_school(LINCOLN):
        for _ in range(3):
            payments.record_offline_payment(**counter())
        drain()


def test_a_run_that_is_killed_leaves_no_process_and_no_lock_behind(
    paid: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def for_ever(*_share: Any, **_how: Any) -> None:
        (tmp_path / str(os.getpid())).touch()
        time.sleep(60)

    with monkeypatch.context() as patched:
        patched.setattr(running, "fold_share", for_ever)
        run = begin_in_a_child()
    assert wait_for(lambda: len(list(tmp_path.iterdir())) == 2)
    workers = [int(mark.name) for mark in tmp_path.iterdir()]
    os.kill(run, signal.SIGKILL)
    os.waitpid(run, 0)
    try:
        assert wait_for(lambda: not any(map(is_alive, workers)))
        assert wait_for(is_free)
    finally:
        for pid in filter(is_alive, workers):
            os.kill(pid, signal.SIGKILL)
    assert replay(workers=1).resumed


def is_free() -> bool:
    try:
        with running._alone(LINCOLN):
            return True
    except Conflict:
        return False
