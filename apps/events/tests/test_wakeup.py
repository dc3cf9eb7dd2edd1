"""Wake-ups through the real Redis, and what becomes of them when Redis hangs."""

import socket
import threading
from contextlib import contextmanager

import pytest

from apps.events import tasks
from apps.events.models import OutboxEvent
from apps.events.services import wakeup
from apps.events.tests.lessons import effects, hold_lesson


@pytest.fixture
def sent(clear_cache):
    """The wake-ups that were sent, (schema, lane)."""
    messages = []
    wakeup._client = None
    wakeup.breaker.reset()
    wakeup.send_wake_ups_with(lambda schema_name, lane: messages.append((schema_name, lane)))
    yield messages
    wakeup._client = None
    wakeup.breaker.reset()


@contextmanager
def hung_redis():
    """A server that accepts connections and never says a word; yields (url, connections)."""
    connections = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept():
            while True:
                try:
                    connections.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0", connections
    for one in connections:
        one.close()


def test_a_commit_wakes_a_worker_for_the_school_and_lane(
    school, sent, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        hold_lesson("algebra")

    assert sent == [("t_000001", 0)]


def test_a_rolled_back_change_wakes_nobody(school, sent, django_capture_on_commit_callbacks):
    from django.db import transaction

    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        hold_lesson("algebra")
        transaction.set_rollback(True)

    assert sent == []


def test_wake_ups_of_one_lane_are_coalesced_until_a_worker_has_heard(
    school, sent, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        for number in range(10):
            hold_lesson(f"lesson {number}")
    assert wakeup.wake("t_000002", 0) is True
    assert wakeup.wake("t_000001", 1) is True
    assert wakeup.wake("t_000001", 0) is False
    assert sent == [("t_000001", 0), ("t_000002", 0), ("t_000001", 1)]

    wakeup.heard("t_000001", 0)

    assert wakeup.wake("t_000001", 0) is True


def test_the_key_dies_by_itself_when_a_message_was_lost(school, sent, settings):
    settings.OUTBOX = {"wake_key_life": 5.0}
    wakeup.wake("t_000001", 0)

    assert 0 < wakeup.client().pttl("t_000001:outbox:wake:0") <= 5000


def test_the_task_takes_the_key_away_before_it_looks(lessons_school, sent, hears):
    seen = []
    hears("register", fails=lambda delivery: seen.append(wakeup.wake("t_000002", 0)))
    wakeup.wake("t_000001", 0)
    hold_lesson("algebra")

    tasks.drain(schema_name="t_000001", lane=0, sent_by="a newer release")

    assert effects("register") == ["algebra"]
    assert wakeup.client().get("t_000001:outbox:wake:0") is None


def test_a_drain_does_not_wake_itself(
    lessons_school, sent, hears, django_capture_on_commit_callbacks
):
    def hold_the_next(delivery):
        if delivery.event.note == "first":
            hold_lesson("second")

    hears("register", fails=hold_the_next)
    hold_lesson("first")

    with wakeup.draining("t_000001", [0]), django_capture_on_commit_callbacks(execute=True):
        hold_lesson("third")

    assert sent == []


def test_a_lane_with_calls_to_make_wakes_a_worker_for_them(lessons_school, sent, hears):
    hears("post", external=True)
    hold_lesson("algebra")

    tasks.drain(schema_name="t_000001", lane=0)

    assert sent == [("t_000001", -1)]


def test_a_worker_whose_time_is_up_hands_the_lane_over(lessons_school, sent, hears, settings):
    settings.OUTBOX = {"task_budget": 0.0}
    hears("register")
    hold_lesson("algebra")

    assert tasks.drain(schema_name="t_000001", lane=0) == 0

    assert sent == [("t_000001", 0)]


def test_tasks_keep_the_names_that_beat_and_old_messages_use():
    names = [task.name for task in (tasks.drain, tasks.sweep, tasks.check_stranded)]

    assert names == ["events.drain", "events.sweep", "events.check_stranded"]


def test_a_hung_redis_costs_one_short_try_and_then_none(
    school, sent, settings, django_capture_on_commit_callbacks
):
    with hung_redis() as (url, connections):
        settings.REDIS_URL = url
        settings.OUTBOX = {"breaker_pause": 600.0}
        wakeup._client = None

        with django_capture_on_commit_callbacks(execute=True):
            for number in range(20):
                hold_lesson(f"lesson {number}")

        assert len(connections) == 1
        assert wakeup.breaker.is_open
        assert sent == []
        assert OutboxEvent.objects.count() == 20


def test_a_worker_goes_on_when_it_cannot_clear_the_key(lessons_school, sent, settings, hears):
    hears("register")
    hold_lesson("algebra")
    with hung_redis() as (url, connections):
        settings.REDIS_URL = url
        settings.OUTBOX = {"breaker_pause": 600.0}
        wakeup._client = None

        assert tasks.drain(schema_name="t_000001", lane=0) == 1

        assert len(connections) == 1


def test_redis_is_asked_again_when_the_pause_is_over(school, sent, settings):
    wakeup.breaker.trip()
    assert wakeup.wake("t_000001", 0) is False

    wakeup.breaker.open_until = 0.0

    assert wakeup.wake("t_000001", 0) is True


def test_a_sender_that_fails_fails_no_request(school, sent, django_capture_on_commit_callbacks):
    def refuse(schema_name, lane):
        raise ConnectionError("no broker")

    wakeup.send_wake_ups_with(refuse)

    with django_capture_on_commit_callbacks(execute=True):
        hold_lesson("algebra")

    assert wakeup.breaker.is_open
    assert OutboxEvent.objects.count() == 1


def test_the_clients_time_outs_are_short_and_nothing_is_retried(sent):
    options = wakeup.client().connection_pool.connection_kwargs

    assert options["socket_timeout"] == 0.2
    assert options["socket_connect_timeout"] == 0.2
    assert options["retry"].get_retries() == 0
