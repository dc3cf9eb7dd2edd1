"""Beat's own look: it wakes workers, and does their work when the broker cannot."""

import threading

from celery.signals import beat_init

from apps.events import facade as events
from apps.events.models import OutboxEvent
from apps.events.services import draining, sweeping, wakeup, watching
from apps.events.tests.lessons import effects, hold_lesson
from apps.events.tests.test_wakeup import hung_redis
from kernel.schools import in_public


def test_a_worker_is_woken_and_does_the_work(lessons_school, hears, sent):
    hears("register")
    hold_lesson("algebra")

    with in_public():
        assert events.look() == 0

    assert sent == [("t_000001", 0)]
    assert effects("register") == []


def test_while_the_broker_hangs_the_work_is_done_here(
    lessons_school, in_other_school, hears, sent, settings
):
    hears("register")
    with hung_redis() as (url, connections):
        settings.REDIS_URL = url
        settings.OUTBOX = {"breaker_pause": 600.0}
        wakeup._client = None
        hold_lesson("algebra")
        with in_other_school():
            hold_lesson("álgebra")

        with in_public():
            assert events.look() == 2

        assert len(connections) == 1, "one short try, and then none"
    assert effects("register") == ["algebra"]
    with in_other_school():
        assert effects("register") == ["álgebra"]
    assert sent == []


def test_a_school_that_cannot_be_opened_does_not_stop_the_others(
    lessons_school, in_other_school, hears, sent, monkeypatch
):
    hears("register")
    hold_lesson("algebra")
    with in_other_school():
        hold_lesson("álgebra")
    drain_lane = draining.drain_lane

    def fail_for_the_first(schema_name, lane, **how):
        if schema_name == "t_000001":
            raise LookupError("in the middle of a restore")
        return drain_lane(schema_name, lane, **how)

    monkeypatch.setattr(draining, "drain_lane", fail_for_the_first)
    monkeypatch.setattr(draining.connection, "close", lambda: None)
    wakeup.breaker.trip()

    with in_public():
        assert events.look() == 2

    with in_other_school():
        assert effects("register") == ["álgebra"]


def test_resting_schools_rest_while_the_broker_is_away(lessons_school, hears, sent, monkeypatch):
    hears("register")
    hold_lesson("algebra")
    wakeup.breaker.trip()
    monkeypatch.setattr(sweeping, "_resting", lambda: {1})

    with in_public():
        assert events.look() == 0

    assert OutboxEvent.objects.count() == 1


def test_a_look_that_fails_is_not_the_last(settings, monkeypatch):
    settings.OUTBOX = {"look_every": 0.001}
    stop, looks = threading.Event(), []

    def look():
        looks.append(None)
        if len(looks) == 3:
            stop.set()
        raise OSError("the database is away")

    monkeypatch.setattr(watching, "look", look)
    monkeypatch.setattr(watching, "close_old_connections", lambda: None)
    monkeypatch.setattr(watching.connection, "close", lambda: None)

    watching.watch(stop)

    assert len(looks) == 3


def test_beat_watches(monkeypatch):
    started = threading.Event()
    monkeypatch.setattr(events, "watch", lambda _stop: started.set())

    beat_init.send(sender=None)

    assert started.wait(5)
