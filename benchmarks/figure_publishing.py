"""What an event costs the transaction that publishes it: eight processes, one row updated and one
inserted in each transaction, with and without an event beside them.

The event's wake-up is part of it: Redis is asked after every commit. Beside it, what one more bare
INSERT by Django's cursor costs the same transaction: no event can cost less.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connections, transaction
from django_tenants.utils import get_tenant_model
from kombu import pools

from apps.events import facade as events
from apps.students.models import Guardian, Household
from benchmarks import outbox
from benchmarks.counting import EFFECT, Counted
from benchmarks.harness import Result, judge
from benchmarks.writers import PROCESSES, rate
from config import celery_app
from kernel.ids import uuid7
from kernel.owner import owner_session
from kernel.schools import connection, in_school

SCHOOL = outbox.SCHOOLS[0]
SECONDS, ROUNDS = 2.0, 5
GUARDIANS = [f"bench-{number}@example.test" for number in range(PROCESSES)]


def measure() -> list[Result]:
    outbox.make_effects()
    with in_school(SCHOOL):
        household = Household.objects.create()
        for email in GUARDIANS:
            Guardian.objects.create(household=household, email=email, name="Bench")
    try:
        rates = [tuple(map(transactions_per_second, WORKS)) for _ in range(ROUNDS + 1)][1:]
    finally:
        outbox.clear()
        with owner_session() as session:
            session.execute(f"TRUNCATE {SCHOOL}.students_household CASCADE")
    plain, publishing, inserting = (list(each) for each in zip(*rates, strict=True))
    return [
        _beside(plain, publishing, f"transactions that publish, {PROCESSES} processes"),
        _beside(plain, inserting, f"transactions with one INSERT more, {PROCESSES} processes"),
    ]


def _beside(plain: list[float], ours: list[float], figure: str) -> Result:
    return judge(
        figure,
        ours=ours,
        peer=plain,
        peer_name="the same without",
        unit="a second",
        goal=0.85,
        more_is_better=True,
    )


def transactions_per_second(work: Callable[[Guardian], None]) -> float:
    outbox.clear()
    close_before_fork()

    def make(number: int) -> Callable[[], object]:
        open_school()
        guardian = Guardian.objects.get(email=GUARDIANS[number])
        return lambda: work(guardian)

    return rate(make, seconds=SECONDS)


def close_before_fork() -> None:
    """Eight writers on one inherited socket would read each other's answers, and hang."""
    app: Any = celery_app
    connections.close_all()
    pools.reset()
    app._after_fork()


def open_school() -> None:
    """In a forked process."""
    connection.set_schema_to_public()
    connection.set_tenant(get_tenant_model().objects.get(schema_name=SCHOOL))


def move(guardian: Guardian) -> None:
    """A parent moves to a new home."""
    with transaction.atomic():
        _move(guardian)


def move_and_publish(guardian: Guardian) -> None:
    with transaction.atomic():
        _move(guardian)
        events.publish(Counted(number=1), stream_type="guardian", stream_id=guardian.pk)


def move_and_insert(guardian: Guardian) -> None:
    with transaction.atomic():
        _move(guardian)
        with connection.cursor() as cursor:
            cursor.execute(EFFECT, [uuid7()])


def _move(guardian: Guardian) -> None:
    guardian.household = Household.objects.create()
    guardian.save(update_fields=["household"])


WORKS = (move, move_and_publish, move_and_insert)
