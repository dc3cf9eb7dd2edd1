"""Writers: they change a row, note what they did, tell it, and commit; or die before they do."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from uuid import UUID

import psycopg
from django.db import Error, connection, transaction

from apps.events import facade as events
from chaos.events import NAIVE_WAY, OUTBOX_WAY, Noted
from chaos.schools import Place
from chaos.tasks import naive
from kernel.ids import uuid7
from kernel.schools import in_school

POISON_EVERY = 40  # events of a stream of the outbox's
CHANGED_MIND = 0.05  # of all transactions
MOST_EVENTS = 4  # a transaction
# Seconds. The longest wait before a commit is there to be killed in; the pause after it leaves the
# workers some of the machine: queues that only grow would say little about order and loss.
LONGEST_WAIT, PAUSE = 0.01, 0.03


class ChangedMind(Exception):
    """A transaction that ends without a change: its events must never be heard of."""


def write(way: str, places: list[Place], seed: int, log: Path) -> None:
    """Write until killed, or until the process that started this one is gone."""
    _settle_in(log)
    parent, random = os.getppid(), Random(seed)
    while os.getppid() == parent:
        try:
            _change(way, random.choice(places), random)
        except ChangedMind:
            continue
        except (Error, psycopg.Error):
            # The database went away: what was under way has not happened, or has. The rows say.
            connection.close()
            time.sleep(0.05)
        time.sleep(random.uniform(0, 2 * PAUSE))


def _settle_in(log: Path) -> None:
    """A forked process has its parent's ways with signals, and its terminal."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with open(log, "ab") as file:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())


def _change(way: str, place: Place, random: Random) -> None:
    stream_id = random.choice(place.streams[way])
    with in_school(place.schema_name), transaction.atomic():
        for _ in range(random.randint(1, MOST_EVENTS)):
            # First the row that locks the stream: so the order of events is that of commits.
            number = _next_number(stream_id)
            poison = way == OUTBOX_WAY and number % POISON_EVERY == 5
            event_id = TELL[way](place.schema_name, stream_id, number, poison)
            _note_down(event_id, stream_id, number, way, poison)
        time.sleep(random.uniform(0, LONGEST_WAIT))
        if random.random() < CHANGED_MIND:
            raise ChangedMind


def _next_number(stream_id: UUID) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE chaos_stream SET number = number + 1 WHERE id = %s RETURNING number",
            [stream_id],
        )
        return int(cursor.fetchone()[0])


def _publish(_schema_name: str, stream_id: UUID, number: int, poison: bool) -> UUID:
    event = Noted(number=number, poison=poison)
    return events.publish(event, stream_type="chaos", stream_id=stream_id, seq=number)


def _send(schema_name: str, stream_id: UUID, number: int, _poison: bool) -> UUID:
    event_id = uuid7()

    def send() -> None:
        naive.delay(
            schema_name=schema_name,
            event_id=str(event_id),
            stream_id=str(stream_id),
            number=number,
        )

    transaction.on_commit(send, robust=True)
    return event_id


def _note_down(event_id: UUID, stream_id: UUID, number: int, way: str, poison: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO chaos_written (event_id, stream_id, number, way, poison)"
            " VALUES (%s, %s, %s, %s, %s)",
            [event_id, stream_id, number, way, poison],
        )


TELL: dict[str, Callable[[str, UUID, int, bool], UUID]] = {
    OUTBOX_WAY: _publish,
    NAIVE_WAY: _send,
}
