"""Events a second out of the outbox: an effect of one SQL statement, with its receipt.

Peer: the raw limit, the same statements bare through a Django cursor, committed by hundreds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from django.db import connection, transaction

from apps.events import facade as events
from benchmarks.harness import Result, compare, seconds
from kernel.ids import uuid7
from kernel.owner import owner_session
from kernel.schools import in_school

EVENTS = 2000
SCHOOL = "t_000001"
EFFECT = "INSERT INTO bench_effect (event_id) VALUES (%s)"
RECEIPT = "INSERT INTO receipt (event_id, consumer, handled_at) VALUES (%s, 'bench', now())"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    name: ClassVar[str] = "website.bench_counted"
    version: ClassVar[int] = 1
    number: int


def count(delivery: events.Delivery) -> None:
    with connection.cursor() as cursor:
        cursor.execute(EFFECT, [delivery.event_id])


def drained_per_second() -> float:
    with transaction.atomic():
        for number in range(EVENTS):
            events.publish(Counted(number=number), stream_type="bench", stream_id=uuid7())

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
    with owner_session() as session:
        session.execute(f"CREATE TABLE IF NOT EXISTS {SCHOOL}.bench_effect (event_id uuid UNIQUE)")
    with in_school(SCHOOL), events.isolated_registry() as registry:
        registry.add_event(Counted)
        events.handles(Counted.name, version=1)(count)
        return compare(
            "drain the outbox, receipt and one effect an event",
            ours=drained_per_second,
            peer=bare_per_second,
            peer_name="the same SQL bare",
            unit="events a second",
            goal=0.3,
            more_is_better=True,
            rounds=5,
        )
