"""Around every task: the trace, and a connection that works."""

from collections.abc import Callable
from typing import Any

from celery import shared_task
from celery.signals import task_prerun
from django.db import connection


@shared_task(name="config.tests.look", runs_in="platform")
def look() -> None:
    """A task that does nothing."""


def test_a_task_after_a_restart_of_postgresql_gets_a_new_connection(
    committed_school: Any, cut_connection: Callable[[], None]
) -> None:
    connection.ensure_connection()
    cut_connection()

    task_prerun.send(sender=look, task=look, kwargs={})

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        assert cursor.fetchone() == (committed_school.schema_name,)
