"""Events a second out of the outbox: an effect of one SQL statement, with its receipt.

Peer: the raw limit, the same statements bare through a Django cursor, committed by hundreds.
"""

from __future__ import annotations

from uuid import UUID

from django.db import connection, transaction

from apps.events import facade as events
from benchmarks import outbox
from benchmarks.counting import EFFECT
from benchmarks.harness import Result, compare, seconds
from kernel.ids import uuid7
from kernel.schools import in_school

EVENTS = 2000
SCHOOL = outbox.SCHOOLS[0]
RECEIPT = "INSERT INTO receipt (event_id, consumer, handled_at) VALUES (%s, 'bench', now())"


def drained_per_second() -> float:
    outbox.publish(SCHOOL, EVENTS)

    def drain() -> None:
        while events.drain(SCHOOL):
            continue

    return EVENTS / seconds(drain)


def bare_per_second() -> float:
    ids: list[UUID] = [uuid7() for _ in range(EVENTS)]

    def write() -> None:
        for start in range(0, EVENTS, 100):
            with transaction.atomic(), connection.cursor() as cursor:
                for event_id in ids[start : start + 100]:
                    cursor.execute(RECEIPT, [event_id])
                    cursor.execute(EFFECT, [event_id])

    return EVENTS / seconds(write)


def measure() -> Result:
    outbox.make_effects()
    with in_school(SCHOOL):
        return compare(
            "drain the outbox, receipt and one effect an event",
            ours=drained_per_second,
            peer=bare_per_second,
            peer_name="the same SQL bare",
            unit="events a second",
            goal=0.6,
            more_is_better=True,
            rounds=5,
        )
