"""Handlers that take a whole batch of events at once."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.events import facade as events
from apps.events.models import DeadLetter, OutboxEvent, Receipt
from apps.events.services import pausing
from apps.events.services.options import options
from apps.events.tests.lessons import effects, hold_lesson, note_effect
from kernel.ids import uuid7


@pytest.fixture
def calls(lessons_school):
    """What the handler of batches was given, a list of notes for each call; it fails over
    “poison”."""
    given = []

    @events.handles("lessons.lesson_held", version=2, batch=True, consumer="count")
    def count_on_lesson_held(deliveries):
        notes = [delivery.event.note for delivery in deliveries]
        given.append(notes)
        for note in notes:
            note_effect("count", note)
            if note == "poison":
                raise ValueError("cannot be counted")

    return given


def test_one_call_gets_all_events_in_order(calls, drain):
    for note in ("algebra", "geometry", "logic"):
        hold_lesson(note)

    assert drain() == 3

    assert calls == [["algebra", "geometry", "logic"]]
    assert effects("count") == ["algebra", "geometry", "logic"]
    assert Receipt.objects.filter(consumer="count").count() == 3
    assert OutboxEvent.objects.count() == 0


def test_an_event_that_was_handled_before_is_left_out(calls, drain):
    first = hold_lesson("algebra")
    hold_lesson("geometry")
    Receipt.objects.create(event_id=first, consumer="count")

    drain()

    assert calls == [["geometry"]]


def test_the_one_to_blame_is_found_and_the_others_are_handled(calls, drain, settings):
    settings.OUTBOX = {"max_attempts": 1}
    for note in ("algebra", "poison", "logic"):
        hold_lesson(note, uuid7())

    drain()

    assert calls == [["algebra", "poison", "logic"], ["algebra"], ["poison"], ["logic"]]
    assert effects("count") == ["algebra", "logic"]
    assert DeadLetter.objects.get().consumer == "count"


def test_a_paused_handler_of_batches_is_given_what_was_parked_one_by_one(calls, drain):
    pausing.pause(consumer="count", actor="ada@example.org")
    hold_lesson("algebra")
    hold_lesson("geometry")
    drain()
    assert calls == []

    pausing.resume(consumer="count")
    drain()

    assert calls == [["algebra"], ["geometry"]]


def test_calls_to_the_outside_are_never_made_in_batches():
    with pytest.raises(events.RegistryError, match="one by one"):

        @events.handles("lessons.lesson_held", version=2, batch=True, external=True)
        def post_on_lesson_held(deliveries): ...


def test_a_pass_over_many_events_takes_as_many_statements_as_over_one(
    lessons_school, registry, drain
):
    @events.handles("lessons.lesson_held", version=2, batch=True)
    def hear_on_lesson_held(deliveries): ...

    def statements(number):
        for each in range(number):
            hold_lesson(f"lesson {each}")
        with CaptureQueriesContext(connection) as captured:
            drain()
        return len(captured)

    assert statements(1) == statements(options().batch - 1)
