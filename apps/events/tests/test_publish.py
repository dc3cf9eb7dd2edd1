from dataclasses import dataclass
from typing import ClassVar

import pytest
import structlog
from django.db import transaction

from apps.events import facade as events
from apps.events.models import OutboxEvent
from apps.events.services import publishing
from apps.events.tests.lessons import LessonHeld, announcements, hold_lesson
from kernel.ids import uuid7


def test_publishing_outside_a_transaction_raises_and_writes_nothing(school):
    with pytest.raises(events.PublishOutsideTransaction, match=r"transaction\.atomic\(\)"):
        events.publish(
            LessonHeld(note="algebra", teacher="Ada"), stream_type="lesson", stream_id=uuid7()
        )

    assert OutboxEvent.objects.count() == 0


def test_a_rolled_back_change_leaves_neither_event_nor_announcement(school):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        events.publish(
            LessonHeld(note="algebra", teacher="Ada"), stream_type="lesson", stream_id=uuid7()
        )
        1 / 0  # noqa: B018

    assert OutboxEvent.objects.count() == 0
    assert announcements() == []


def test_an_event_is_kept_as_published_and_announced(school):
    stream_id = uuid7()

    with structlog.contextvars.bound_contextvars(trace_id="abc123"):
        event_id = hold_lesson("algebra", stream_id, actor="ada@example.org")

    row = OutboxEvent.objects.get()
    assert row.event_id == event_id
    assert (row.event_type, row.version) == ("lessons.lesson_held", 2)
    assert (row.stream_type, row.stream_id, row.lane) == ("lesson", stream_id, 0)
    assert row.payload == {"note": "algebra", "teacher": "Ada"}
    assert row.headers == {"actor": "ada@example.org", "trace_id": "abc123"}
    assert announcements() == [(0, row.id, row.id)]


def test_a_ring_that_fails_does_not_reach_whoever_published(committed_school, monkeypatch):
    tried = []

    def fail(schema_name, lane):
        tried.append(schema_name)
        raise RuntimeError("no broker")

    monkeypatch.setattr(publishing, "ring", fail)

    hold_lesson("algebra")

    assert tried == ["t_000001"]
    assert OutboxEvent.objects.count() == 1


def test_an_event_class_of_no_app_is_refused(school):
    @dataclass(frozen=True)
    class Stray:
        name: ClassVar[str] = "lessons.stray"
        version: ClassVar[int] = 1

    with pytest.raises(events.UnknownEvent, match=r"events\.py"), transaction.atomic():
        events.publish(Stray(), stream_type="lesson", stream_id=uuid7())

    assert OutboxEvent.objects.count() == 0


def test_a_bulk_insert_is_announced_once_a_lane(school):
    rows = [
        OutboxEvent(
            stream_type="lesson",
            stream_id=uuid7(),
            lane=lane,
            event_type="lessons.lesson_held",
            version=2,
            payload={},
        )
        for lane in (0, 0, 1, 0, 1)
    ]

    OutboxEvent.objects.bulk_create(rows)

    ids = [row.id for row in rows]
    assert sorted(announcements()) == [(0, ids[0], ids[3]), (1, ids[2], ids[4])]


def test_publishing_takes_one_query(school, django_assert_num_queries):
    with transaction.atomic(), django_assert_num_queries(1):
        events.publish(
            LessonHeld(note="algebra", teacher="Ada"), stream_type="lesson", stream_id=uuid7()
        )
