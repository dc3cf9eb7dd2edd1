"""Which schools have something to do, so that beat need not look into each of them.

A service adds a row beside the change that makes the work (`note_due_work`). Beat's task sends one
message per school and task that is due (`take_due`), at most once in LEASE. The school's own task
looks after the work and then takes the rows away that were there when it began
(`looking_after`), leaving one for what comes next. Once a day every school gets its message anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from apps.tenants.contracts import WORKING
from apps.tenants.models import DueWork, School
from kernel.schools import current_school, in_public

# A message that nobody acted on in this time was lost, or the worker died over it.
LEASE = timedelta(minutes=1)
_AT_ONCE = 2000

_TAKE = """
UPDATE public.tenants_duework AS work SET due_at = statement_timestamp() + make_interval(secs => %s)
  FROM (SELECT due.id, school.schema_name
          FROM public.tenants_duework due JOIN public.tenants_school school
            ON school.id = due.school_id AND school.status = ANY(%s)
         WHERE due.due_at <= statement_timestamp() ORDER BY due.due_at LIMIT %s
           FOR UPDATE OF due SKIP LOCKED) AS taken
 WHERE work.id = taken.id
RETURNING taken.schema_name, work.task
"""
_tasks: set[str] = set()


def register_due_task(name: str) -> None:
    """A task of one school (it takes `schema_name`) that looks after work noted under its name."""
    _tasks.add(name)


def due_tasks() -> list[str]:
    return sorted(_tasks)


def note_due_work(*, task: str, due_at: datetime | None = None) -> None:
    """The open school has work for this task at `due_at` (UTC), or now. Commits and is rolled
    back with the change that makes the work."""
    school_id = current_school().id
    with in_public():
        DueWork.objects.create(school_id=school_id, task=task, due_at=due_at or timezone.now())


def take_due() -> list[tuple[str, str]]:
    """(schema, task) of all work that is due, in schools that work at all; each once in LEASE."""
    with in_public(), connection.cursor() as cursor:
        cursor.execute(_TAKE, [LEASE.total_seconds(), list(WORKING), _AT_ONCE])
        return sorted(set(cursor.fetchall()))


def working_schools() -> list[str]:
    """Schemas of all schools that background work is done for."""
    with in_public():
        rows = School.objects.filter(status__in=WORKING).order_by("id")
        return list(rows.values_list("schema_name", flat=True))


@contextmanager
def looking_after(task: str, *, next_due: Callable[[], datetime | None]) -> Iterator[None]:
    """Around the work of a task in the open school. Rows that were there at its beginning go;
    `next_due` says by the school's own tables when there is work again (None: not known to be).

    When the block raises nothing is taken away, and the work comes again after LEASE.
    """
    rows = _rows(task)
    yield
    with transaction.atomic():
        due_at = next_due()
        with in_public():
            DueWork.objects.filter(pk__in=rows).delete()
        if due_at is not None:
            note_due_work(task=task, due_at=due_at)


def _rows(task: str) -> list[int]:
    school_id = current_school().id
    with in_public():
        found = DueWork.objects.filter(school_id=school_id, task=task)
        return list(found.values_list("id", flat=True))
