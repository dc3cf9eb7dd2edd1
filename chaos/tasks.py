"""The naive way, for comparison: one task an event, with a receipt in the effect's transaction.

And what a worker of the run does besides its work: it says when it is ready.
"""

import os
from pathlib import Path
from typing import Any
from uuid import UUID

from celery.signals import worker_ready
from django.db import connection, transaction

from chaos.effects import note_effect
from chaos.events import NAIVE
from kernel.schools import in_school
from kernel.tasks import SCHOOL, task

# The variable that names a worker's file: there once it takes messages.
READY = "CHAOS_READY"


@worker_ready.connect
def _say_ready(**_: Any) -> None:
    Path(os.environ[READY]).touch()


@task("chaos.naive", runs_in=SCHOOL)
def naive(*, schema_name: str, event_id: str, stream_id: str, number: int, **_kwargs: Any) -> None:
    """Note the effect, once."""
    with in_school(schema_name), transaction.atomic():
        if _write_receipt(event_id):
            note_effect(NAIVE, UUID(event_id), UUID(stream_id), number)


def _write_receipt(event_id: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO receipt (event_id, consumer) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            [event_id, NAIVE],
        )
        return bool(cursor.rowcount)
