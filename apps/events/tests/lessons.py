"""A publisher that exists in tests only: lessons are held, and consumers note that they heard."""

from dataclasses import dataclass
from threading import Thread
from typing import ClassVar
from uuid import UUID

from django.db import connection, transaction

from apps.events import facade as events
from apps.events.models import ExternalDelivery, OutboxEvent
from kernel.ids import uuid7
from kernel.schools import in_school

LESSON_SAMPLE = {"note": "algebra", "teacher": "Ada"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonHeld:
    name: ClassVar[str] = "lessons.lesson_held"
    version: ClassVar[int] = 2
    note: str
    teacher: str


def add_teacher(payload: dict) -> dict:
    """Version 1 did not name the teacher."""
    return {**payload, "teacher": "unknown"}


def hold_lesson(note: str, stream_id: UUID | None = None, **options) -> UUID:
    """Publish in a transaction of its own; returns the event's id."""
    with transaction.atomic():
        return events.publish(
            LessonHeld(note=note, teacher="Ada"),
            stream_type="lesson",
            stream_id=stream_id or uuid7(),
            **options,
        )


def note_effect(consumer: str, note: str) -> None:
    """In the table of snapshots: a table that handlers may write and nothing else here does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO snapshot (stream_id, version, state_schema, state) VALUES"
            " (uuidv7(), 1, 1, json_build_object('consumer', %s::text, 'note', %s::text))",
            [consumer, note],
        )


def effects(consumer: str) -> list[str]:
    """What a consumer has noted in the open school, in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT state ->> 'note' FROM snapshot"
            " WHERE state ->> 'consumer' = %s ORDER BY stream_id",
            [consumer],
        )
        return [note for (note,) in cursor.fetchall()]


def announcements(tenant_id: int = 1) -> list[tuple[int, int, int]]:
    """(lane, first id, last id) of every announcement of a school, due or not."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT lane, first_id, last_id FROM public.outbox_ready"
            " WHERE tenant_id = %s ORDER BY id",
            [tenant_id],
        )
        return cursor.fetchall()


def let_time_pass() -> None:
    """Everything that waits for a later try in the open school, and its announcement, is due."""
    OutboxEvent.objects.update(available_at="2020-01-01T00:00Z")
    ExternalDelivery.objects.update(available_at="2020-01-01T00:00Z")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE public.outbox_ready SET due_at = '2020-01-01T00:00Z'")


def run_in_threads(*calls, schema_name: str = "t_000001") -> list[BaseException]:
    """Run the calls at once, each on a connection of its own with the school open.

    Returns what they raised.
    """
    raised: list[BaseException] = []

    def run(call) -> None:
        try:
            with in_school(schema_name):
                call()
        except BaseException as error:
            raised.append(error)
        finally:
            connection.close()

    threads = [Thread(target=run, args=[call], daemon=True) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads), "a thread hangs"
    return raised
