"""What an event costs the transaction that publishes it: eight processes, one row updated and one
inserted in each transaction, with and without an event beside them.

The event's wake-up is part of it: Redis is asked after every commit.
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
from benchmarks.counting import Counted
from benchmarks.harness import Result, compare
from benchmarks.writers import PROCESSES, rate
from config import celery_app
from kernel.owner import owner_session
from kernel.schools import connection, in_school

SCHOOL = outbox.SCHOOLS[0]
SECONDS = 2.0
GUARDIANS = [f"bench-{number}@example.test" for number in range(PROCESSES)]


def measure() -> Result:
    outbox.make_effects()
    with in_school(SCHOOL):
        household = Household.objects.create()
        for email in GUARDIANS:
            Guardian.objects.create(household=household, email=email, name="Bench")
    try:
        return compare(
            f"transactions that publish, {PROCESSES} processes",
            ours=lambda: transactions_per_second(move_and_publish),
            peer=lambda: transactions_per_second(move),
            peer_name="the same without an event",
            unit="a second",
            goal=0.85,
            more_is_better=True,
            rounds=5,
        )
    finally:
        outbox.clear()
        with owner_session() as session:
            session.execute(f"TRUNCATE {SCHOOL}.students_household CASCADE")


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


def _move(guardian: Guardian) -> None:
    guardian.household = Household.objects.create()
    guardian.save(update_fields=["household"])
