"""The events that the figures publish, and what is done for each: one SQL statement, or one for
all events of a batch.

`Timed` also notes when its effect was committed, in the file that BENCH_NOTES names.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from django.db import connection, transaction

from apps.events import facade as events
from apps.events.services.registry import registry
from benchmarks.notes import note

EFFECT = "INSERT INTO bench_effect (event_id) VALUES (%s)"
EFFECTS = "INSERT INTO bench_effect (event_id) SELECT unnest(%s::uuid[])"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    name: ClassVar[str] = "benchmarks.counted"
    version: ClassVar[int] = 1
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedTogether:
    name: ClassVar[str] = "benchmarks.counted_together"
    version: ClassVar[int] = 1
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    name: ClassVar[str] = "benchmarks.timed"
    version: ClassVar[int] = 1
    number: int


def count(delivery: events.Delivery) -> None:
    with connection.cursor() as cursor:
        cursor.execute(EFFECT, [delivery.event_id])


def count_together(deliveries: Sequence[events.Delivery]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(EFFECTS, [[delivery.event_id for delivery in deliveries]])


def count_and_note(delivery: events.Delivery) -> None:
    count(delivery)
    path = Path(os.environ["BENCH_NOTES"])
    transaction.on_commit(partial(note, path, delivery.event.number))


def register() -> None:
    registry().add_event(Counted)
    registry().add_event(CountedTogether)
    registry().add_event(Timed)
    events.handles(Counted.name, version=1)(count)
    events.handles(CountedTogether.name, version=1, batch=True)(count_together)
    events.handles(Timed.name, version=1)(count_and_note)
