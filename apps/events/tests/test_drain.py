from contextlib import suppress

import psycopg
import pytest
import structlog
from django.db import DataError, connection

from apps.events import facade as events
from apps.events.models import OutboxEvent, Receipt
from apps.events.services import draining
from apps.events.tests.lessons import (
    LessonHeld,
    announcements,
    effects,
    hold_lesson,
    let_time_pass,
)
from kernel.ids import uuid7
from kernel.owner import owner_session
from kernel.schools import in_public


def fail(*notes):
    """A consumer's fault: it cannot bear these lessons."""

    def check(delivery):
        if delivery.event.note in notes:
            raise ValueError(f"cannot bear {delivery.event.note}")

    return check


def test_events_are_handled_in_order_and_leave_nothing_but_receipts(lessons_school, hears, drain):
    hears("register")
    event_ids = {hold_lesson(f"lesson {number}") for number in range(5)}

    assert drain() == 5

    assert effects("register") == [f"lesson {number}" for number in range(5)]
    assert OutboxEvent.objects.count() == 0
    assert announcements() == []
    assert set(Receipt.objects.values_list("event_id", "consumer")) == {
        (event_id, "register") for event_id in event_ids
    }


def test_one_round_is_enough_unless_it_made_work_for_another(lessons_school, hears, monkeypatch):
    calls_made = [0, 2, 1, 0]
    monkeypatch.setattr(draining, "make_due_calls", lambda _tenant_id: calls_made.pop(0))
    hears("register")

    hold_lesson("algebra")
    assert events.drain("t_000001") == 1
    assert calls_made == [2, 1, 0]

    monkeypatch.setattr(draining.announcements, "due_among", lambda *_lanes: {0})
    monkeypatch.setattr(draining, "_drain_events", lambda *_args, **_how: draining.Drained())
    assert events.drain("t_000001") == 3
    assert calls_made == []


def test_a_handler_sees_the_event_and_its_surroundings(lessons_school, registry, drain):
    seen = []

    @events.handles("lessons.lesson_held", version=2)
    def look(delivery: events.Delivery) -> None:
        seen.append((delivery, structlog.contextvars.get_contextvars()))

    stream_id = uuid7()
    with structlog.contextvars.bound_contextvars(trace_id="abc123"):
        event_id = hold_lesson("algebra", stream_id, actor="ada@example.org")
    drain()

    [(delivery, context)] = seen
    assert delivery.event == LessonHeld(note="algebra", teacher="Ada")
    assert (delivery.event_id, delivery.stream_id) == (event_id, stream_id)
    assert (delivery.actor, delivery.trace_id) == ("ada@example.org", "abc123")
    assert (delivery.schema_name, delivery.attempt) == ("t_000001", 1)
    assert context["trace_id"] == "abc123"
    assert context["consumer"] == "events.look"


def test_several_consumers_hear_an_event_in_the_order_of_registration(
    lessons_school, registry, drain
):
    heard = []
    for consumer in ("register", "cook", "porter"):
        events.handles("lessons.lesson_held", version=2, consumer=consumer)(
            lambda delivery, consumer=consumer: heard.append(consumer)
        )
    hold_lesson("algebra")

    drain()

    assert heard == ["register", "cook", "porter"]


def test_an_event_that_comes_twice_has_its_effect_once(lessons_school, hears, drain):
    hears("register")
    hold_lesson("algebra")
    again = OutboxEvent.objects.get()
    drain()
    again.id = None
    again.save(force_insert=True)

    drain()

    assert effects("register") == ["algebra"]
    assert OutboxEvent.objects.count() == 0


def test_an_event_that_nobody_hears_is_removed(lessons_school, drain):
    hold_lesson("algebra")

    assert drain() == 1

    assert OutboxEvent.objects.count() == 0


def test_events_that_a_handler_publishes_are_delivered_in_the_same_drain(lessons_school, hears):
    def hold_the_next(delivery):
        if delivery.event.note == "first":
            hold_lesson("second")

    hears("register", fails=hold_the_next)
    hold_lesson("first")

    assert events.drain("t_000001") == 2

    assert effects("register") == ["first", "second"]


def test_a_failure_undoes_effect_and_receipt_and_is_tried_again(lessons_school, hears, drain):
    outcomes = iter([ValueError("no chalk"), ValueError("no chalk"), None])

    def fails_at_first(delivery):
        # The quick run of the batch and the careful one: together the first attempt.
        error = next(outcomes)
        if error:
            raise error

    hears("register", fails=fails_at_first)
    hold_lesson("algebra")

    drain()

    assert effects("register") == []
    assert Receipt.objects.count() == 0
    row = OutboxEvent.objects.get()
    assert (row.attempts, row.last_error) == (1, "register: ValueError: no chalk")
    assert row.available_at > row.occurred_at
    assert announcements() == [(0, row.id, row.id)]

    let_time_pass()
    drain()

    assert effects("register") == ["algebra"]
    assert OutboxEvent.objects.count() == 0
    assert announcements() == []


def test_a_failing_event_holds_back_its_own_stream_and_no_other(lessons_school, hears, drain):
    bad = ["a1"]
    hears("register", fails=lambda delivery: fail(*bad)(delivery))
    a, b = uuid7(), uuid7()
    for note, stream in (("a1", a), ("b1", b), ("a2", a), ("b2", b)):
        hold_lesson(note, stream)

    drain()
    hold_lesson("a3", a)
    hold_lesson("b3", b)
    drain()

    assert effects("register") == ["b1", "b2", "b3"]

    bad.clear()
    let_time_pass()
    drain()

    assert effects("register") == ["b1", "b2", "b3", "a1", "a2", "a3"]
    assert OutboxEvent.objects.count() == 0
    assert announcements() == []


def test_one_consumers_failure_does_not_undo_another_consumers_effect(lessons_school, hears, drain):
    hears("register")
    hears("cook", fails=fail("algebra"))
    hold_lesson("algebra")

    drain()
    let_time_pass()
    drain()

    assert effects("register") == ["algebra"]
    assert effects("cook") == []
    assert OutboxEvent.objects.get().attempts == 2


def test_a_handler_that_breaks_the_transaction_costs_only_itself(lessons_school, hears, drain):
    def break_the_transaction(delivery):
        # Swallowing a database error leaves the transaction unusable.
        if delivery.event.note == "bad":
            with connection.cursor() as cursor, suppress(DataError):
                cursor.execute("SELECT 1 / 0")

    hears("register", fails=break_the_transaction)
    hold_lesson("good")
    hold_lesson("bad")
    hold_lesson("also good")

    drain()

    assert effects("register") == ["good", "also good"]
    assert OutboxEvent.objects.get().attempts == 1


def test_work_that_comes_when_a_pass_is_over_is_found(lessons_school, hears, monkeypatch):
    hears("register")
    run = draining._usual_pass

    def commit_just_after_a_pass(schema_name, lane):
        outcome = run(schema_name, lane)
        if effects("register") == ["early"]:
            hold_lesson("late")
        return outcome

    monkeypatch.setattr(draining, "_usual_pass", commit_just_after_a_pass)
    hold_lesson("early")

    draining.drain_lane("t_000001", 0)

    assert effects("register") == ["early", "late"]


def test_an_announced_event_is_read_even_if_its_clock_is_ahead_of_its_announcement(
    lessons_school, hears, drain
):
    # A drainer that looked in the microseconds between the two would delete the only notice.
    hears("register")
    hold_lesson("algebra")
    OutboxEvent.objects.update(available_at="2999-01-01T00:00Z")

    assert drain() == 1

    assert effects("register") == ["algebra"]


def test_an_event_and_its_announcement_have_one_clock(school):
    hold_lesson("algebra")

    with connection.cursor() as cursor:
        cursor.execute("SELECT due_at FROM public.outbox_ready WHERE tenant_id = 1")
        [due_at] = cursor.fetchone()
    assert OutboxEvent.objects.get().available_at == due_at


def test_a_full_batch_leaves_notice_of_what_is_behind_it(lessons_school, hears, drain, settings):
    settings.OUTBOX = {"batch": 2}
    hears("register")
    for number in range(5):
        hold_lesson(f"lesson {number}")

    assert drain() == 5

    assert announcements() == []


def test_events_held_back_beyond_a_full_batch_are_not_stranded(
    lessons_school, hears, drain, settings
):
    # Given a failed event whose stream goes on far behind it
    settings.OUTBOX = {"batch": 2}
    bad = ["a1"]
    hears("register", fails=lambda delivery: fail(*bad)(delivery))
    stream = uuid7()
    hold_lesson("a1", stream)
    hold_lesson("a2", stream)
    hold_lesson("a3", stream)
    hold_lesson("a4", stream)
    drain()
    assert effects("register") == []

    # When its retry succeeds in a batch that is full before the end of the stream
    bad.clear()
    let_time_pass()
    drain()

    # Then nothing is left behind
    assert effects("register") == ["a1", "a2", "a3", "a4"]
    assert announcements() == []


def test_a_newer_version_is_left_for_a_newer_release(lessons_school, hears, drain, settings):
    settings.OUTBOX = {"max_attempts": 1}
    hears("register")
    stream = uuid7()
    hold_lesson("from the future", stream)
    OutboxEvent.objects.update(version=3)
    hold_lesson("later in the same stream", stream)
    hold_lesson("another")

    drain()
    let_time_pass()
    drain()

    assert effects("register") == ["another"]
    assert Receipt.objects.count() == 1
    row = OutboxEvent.objects.order_by("id")[0]
    assert row.last_error == "lessons.lesson_held v3 is not known to this release."
    assert row.attempts == 1

    OutboxEvent.objects.filter(id=row.id).update(version=2)
    let_time_pass()
    drain()

    assert effects("register") == ["another", "from the future", "later in the same stream"]


def test_an_older_version_is_brought_up_to_date(lessons_school, registry, drain):
    seen = []
    events.handles("lessons.lesson_held", version=2, consumer="register")(seen.append)
    hold_lesson("algebra")
    OutboxEvent.objects.update(version=1, payload={"note": "algebra"})

    drain()

    assert [delivery.event for delivery in seen] == [LessonHeld(note="algebra", teacher="unknown")]


def test_a_school_sees_only_its_own_events(lessons_school, hears, in_other_school):
    hears("register")
    with in_other_school():
        hold_lesson("álgebra")
    hold_lesson("algebra")

    assert events.drain("t_000001") == 1

    assert effects("register") == ["algebra"]
    with in_other_school():
        assert effects("register") == []
        assert OutboxEvent.objects.count() == 1
        assert len(announcements(tenant_id=2)) == 1
    assert announcements(tenant_id=2) == []

    assert events.drain("t_000002") == 1

    assert effects("register") == ["algebra"]
    with in_other_school():
        assert effects("register") == ["álgebra"]


def test_draining_puts_back_the_school_that_was_open(lessons_school, hears):
    events.drain("t_000002")

    assert connection.schema_name == "t_000001"


def test_the_platform_has_an_outbox_of_its_own(lessons_school, hears):
    hears("register")
    with in_public():
        hold_lesson("inspection")

        assert events.drain("public") == 1

        assert effects("register") == ["inspection"]
    assert effects("register") == []


def test_an_event_in_a_schema_that_is_no_school_is_refused(db):
    with owner_session() as owner:
        owner.execute("CREATE SCHEMA draft; CREATE TABLE draft.outbox_event (id int, lane int)")
        owner.execute(
            "CREATE TRIGGER announce AFTER INSERT ON draft.outbox_event"
            " REFERENCING NEW TABLE AS fresh"
            " FOR EACH STATEMENT EXECUTE FUNCTION public.outbox_announce()"
        )
        with pytest.raises(psycopg.Error, match="neither public nor a school"):
            owner.execute("INSERT INTO draft.outbox_event VALUES (1, 0)")
        owner.rollback()


def test_the_number_of_queries_does_not_grow_with_the_batch(
    lessons_school, registry, django_assert_max_num_queries
):
    events.handles("lessons.lesson_held", version=2, consumer="register")(lambda delivery: None)
    for number in range(50):
        hold_lesson(f"lesson {number}")

    with django_assert_max_num_queries(30):
        assert events.drain("t_000001") == 50
