from django.db import connection

from apps.events import tasks
from apps.events.models import OutboxEvent
from apps.events.services import sweeping, wakeup
from apps.events.tests.lessons import (
    announcements,
    effects,
    hold_lesson,
)
from kernel.schools import in_public


def forget_announcements():
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM public.outbox_ready")


def test_the_sweep_wakes_a_worker_for_each_school_with_due_work(
    lessons_school, sent, in_other_school
):
    hold_lesson("algebra")
    hold_lesson("geometry")
    with in_other_school():
        hold_lesson("álgebra")
    with in_public():
        hold_lesson("inspection")
        assert tasks.sweep() == 3

    assert sent == [("public", 0), ("t_000001", 0), ("t_000002", 0)]


def test_the_sweep_leaves_alone_what_is_not_due(lessons_school, sent, hears, drain):
    def fail(delivery):
        raise ValueError("no chalk")

    hears("register", fails=fail)
    hold_lesson("algebra")
    drain()

    assert tasks.sweep() == 0

    assert sent == []


def test_a_swept_event_is_handled(lessons_school, hears):
    hears("register")
    wakeup.send_wake_ups_with(
        lambda schema_name, lane: tasks.drain(schema_name=schema_name, lane=lane)
    )
    wakeup.client().flushdb()
    hold_lesson("algebra")

    tasks.sweep()

    assert effects("register") == ["algebra"]


def test_the_sweep_takes_two_queries_whatever_the_number_of_schools(
    lessons_school, sent, in_other_school, django_assert_max_num_queries
):
    hold_lesson("algebra")
    with in_other_school():
        hold_lesson("álgebra")

    with in_public(), django_assert_max_num_queries(2):
        tasks.sweep()


def test_what_a_dropped_school_left_behind_is_forgotten(school, sent):
    with in_public():
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO public.outbox_ready (tenant_id, lane, first_id, last_id)"
                " VALUES (999, 0, 1, 1)"
            )

        assert tasks.sweep() == 0

        assert announcements(tenant_id=999) == []


def test_the_stranded_check_finds_nothing_when_all_is_well(lessons_school, in_other_school):
    hold_lesson("algebra")
    OutboxEvent.objects.update(available_at="2020-01-01T00:00Z")

    assert tasks.rescue(schema_name="t_000001") == 0


def test_the_stranded_check_names_and_rescues_what_nothing_announces(
    lessons_school, hears, in_other_school, drain
):
    hears("register")
    hold_lesson("algebra")
    OutboxEvent.objects.update(available_at="2020-01-01T00:00Z")
    with in_other_school():
        hold_lesson("álgebra")
    forget_announcements()
    assert drain() == 0

    assert tasks.rescue(schema_name="t_000001") == 1
    drain()

    assert effects("register") == ["algebra"]


def test_a_stranded_call_is_rescued(lessons_school, hears, drain):
    from apps.events.models import ExternalDelivery
    from apps.events.services.draining import drain_lane

    hears("post", external=True)
    hold_lesson("algebra")
    drain_lane("t_000001", 0)
    ExternalDelivery.objects.update(available_at="2020-01-01T00:00Z")
    forget_announcements()

    assert tasks.rescue(schema_name="t_000001") == 1
    drain()

    assert effects("post") == ["algebra"]


def test_the_daily_alarm_sends_one_message_a_schema(lessons_school, monkeypatch):
    sent: list[str] = []
    monkeypatch.setattr(
        tasks.rescue, "apply_async", lambda kwargs, **_: sent.append(kwargs["schema_name"])
    )

    assert tasks.check_stranded() == 3

    assert sent == ["public", "t_000001", "t_000002"]


def test_a_resting_schools_announcements_wait(lessons_school, hears, sent, monkeypatch):
    hears("register")
    hold_lesson("algebra")
    monkeypatch.setattr(sweeping, "_resting", lambda: {1})

    assert tasks.sweep() == 0
    assert announcements() != []

    monkeypatch.setattr(sweeping, "_resting", lambda: {2})

    assert tasks.sweep() == 1


def test_a_wake_up_for_a_school_that_rests_changes_nothing(lessons_school, hears, monkeypatch):
    hears("register")
    hold_lesson("algebra")
    monkeypatch.setattr(type(lessons_school), "works", False)

    assert tasks.drain(schema_name="t_000001") == 0

    assert announcements() != []
