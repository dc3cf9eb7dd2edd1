"""Around every task: the trace, and a connection that works."""

from typing import Any

import psycopg
from celery import shared_task
from celery.signals import task_prerun
from django.db import connection


@shared_task(name="config.tests.look")
def look() -> None:
    """A task that does nothing."""


def test_a_task_after_a_restart_of_postgresql_gets_a_new_connection(committed_school: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [pid] = cursor.fetchone()
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [pid])

    task_prerun.send(sender=look, task=look, kwargs={})

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        assert cursor.fetchone() == (committed_school.schema_name,)
