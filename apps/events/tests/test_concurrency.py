"""Real commits, real connections: what happens when several work at once, or one dies."""

import threading

import pytest
from django.db import DatabaseError, InterfaceError, connection

from apps.events import facade as events
from apps.events.models import OutboxEvent, Receipt
from apps.events.services.draining import drain_lane
from apps.events.tests.lessons import (
    LessonHeld,
    announcements,
    effects,
    hold_lesson,
    run_in_threads,
)
from kernel.ids import uuid7
from kernel.schools import in_school

WAIT = 20


@pytest.fixture
def busy_school(committed_school):
    return committed_school


def test_two_drainers_handle_every_event_once_and_in_order(busy_school, hears, settings):
    settings.OUTBOX = {"batch": 7}
    hears("register")
    notes = [f"lesson {number}" for number in range(60)]
    for note in notes:
        hold_lesson(note)

    raised = run_in_threads(*[lambda: events.drain("t_000001")] * 2)

    assert raised == []
    assert effects("register") == notes
    assert Receipt.objects.count() == 60
    assert OutboxEvent.objects.count() == 0
    assert announcements() == []


def test_writers_and_drainers_at_once_lose_and_double_nothing(busy_school, hears, settings):
    settings.OUTBOX = {"batch": 5}
    hears("register")
    streams = [uuid7() for _ in range(4)]

    def write(writer):
        for number in range(25):
            hold_lesson(f"{writer}-{number:02}", streams[writer])

    def drain_for_a_while():
        for _ in range(30):
            drain_lane("t_000001", 0)

    writers = [lambda writer=writer: write(writer) for writer in range(4)]
    raised = run_in_threads(*writers, drain_for_a_while, drain_for_a_while)
    events.drain("t_000001")

    assert raised == []
    heard = effects("register")
    for writer in range(4):
        mine = [note for note in heard if note.startswith(f"{writer}-")]
        assert mine == [f"{writer}-{number:02}" for number in range(25)]
    assert announcements() == []


def test_a_second_drainer_leaves_at_once_and_the_first_finds_what_came_meanwhile(
    busy_school, hears
):
    # Given a drainer in the middle of an event
    in_the_middle, go_on = threading.Event(), threading.Event()

    def pause(delivery):
        in_the_middle.set()
        assert go_on.wait(WAIT)

    hears("register", fails=pause)
    hold_lesson("first")
    left_at_once = []

    def come_second():
        assert in_the_middle.wait(WAIT)
        # When another event is committed and its drainer finds the lane locked
        hold_lesson("second")
        left_at_once.append(drain_lane("t_000001", 0))
        go_on.set()

    raised = run_in_threads(lambda: drain_lane("t_000001", 0), come_second)

    # Then it leaves with nothing done, and the first one handles both
    assert raised == []
    assert left_at_once == [0]
    assert effects("register") == ["first", "second"]


def test_two_schools_are_drained_at_the_same_time(busy_school, hears):
    hears("register")
    with in_school("t_000002"):
        hold_lesson("álgebra")
    hold_lesson("algebra")
    meet = threading.Barrier(2, timeout=WAIT)

    def wait_for_the_other(delivery):
        meet.wait()

    hears("porter", fails=wait_for_the_other)

    raised = run_in_threads(lambda: drain_lane("t_000001", 0), lambda: drain_lane("t_000002", 0))

    assert raised == []
    assert effects("porter") == ["algebra"]


def test_a_drainer_that_dies_in_the_middle_leaves_everything_as_it_was(
    busy_school, hears, cut_connection
):
    # Given a drainer whose connection is cut at the second event, whenever it tries
    alive = []

    def die(delivery):
        if delivery.event.note == "second" and not alive:
            cut_connection()
            OutboxEvent.objects.count()

    hears("register", fails=die)
    for note in ("first", "second", "third"):
        hold_lesson(note)

    raised = run_in_threads(lambda: drain_lane("t_000001", 0))

    # Then it says so, and nothing has happened
    assert [isinstance(error, DatabaseError | InterfaceError) for error in raised] == [True]
    assert effects("register") == []
    assert Receipt.objects.count() == 0
    assert OutboxEvent.objects.count() == 3

    # And the next drainer does all of it, once
    alive.append(True)
    assert drain_lane("t_000001", 0) == 3
    assert effects("register") == ["first", "second", "third"]
    assert announcements() == []


def test_of_several_who_append_at_one_version_one_succeeds(busy_school, hears):
    stream = uuid7()
    start = threading.Barrier(6, timeout=WAIT)

    def append():
        start.wait()
        events.append(
            "lesson", stream, expected_version=0, events=[LessonHeld(note="a", teacher="Ada")] * 2
        )

    raised = run_in_threads(*[append] * 6)

    assert [type(error) for error in raised] == [events.VersionConflict] * 5
    assert [stored.version for stored in events.load(stream)] == [1, 2]


def test_an_external_call_is_made_once_by_two_workers_and_with_no_transaction_open(
    busy_school, registry
):
    calls = []

    @events.handles("lessons.lesson_held", version=2, external=True)
    def tell_parents_on_lesson_held(delivery: events.Delivery) -> None:
        calls.append((delivery.event_id, connection.in_atomic_block))

    event_ids = [hold_lesson(f"lesson {number}") for number in range(10)]

    raised = run_in_threads(*[lambda: events.drain("t_000001")] * 2)

    assert raised == []
    assert sorted(calls) == sorted((event_id, False) for event_id in event_ids)
    assert announcements() == []
