"""Celery's tasks for a lane, asked for through the real Redis, and when Redis hangs."""

import socket
import threading
from contextlib import contextmanager

import psycopg
from django.db import connection

from apps.events import tasks
from apps.events.services import wakeup
from apps.events.services.draining import LOCK_FAMILY
from apps.events.tests.lessons import effects, hold_lesson


def test_a_lane_that_somebody_drains_is_left_to_them(lessons_school, sent, hears):
    """They look again once they have let go: a message more would only go round in circles."""
    hears("register")
    hold_lesson("algebra")
    with psycopg.connect(**connection.get_connection_params()) as another:
        another.execute("SELECT pg_advisory_xact_lock(%s, 1)", [LOCK_FAMILY])

        assert tasks.drain(schema_name="t_000001", lane=0) == 0

    assert sent == []


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


def test_wake_ups_of_one_lane_are_coalesced_until_a_worker_has_heard(sent):
    assert wakeup.wake("t_000001", 0) is True
    assert wakeup.wake("t_000002", 0) is True
    assert wakeup.wake("t_000001", 1) is True
    assert wakeup.wake("t_000001", 0) is False
    assert sent == [("t_000001", 0), ("t_000002", 0), ("t_000001", 1)]

    wakeup.heard("t_000001", 0)

    assert wakeup.wake("t_000001", 0) is True


def test_the_key_dies_by_itself_when_a_message_was_lost(sent, settings):
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


def test_a_hung_redis_costs_one_short_try_and_then_none(sent, settings):
    with hung_redis() as (url, connections):
        settings.REDIS_URL = url
        settings.OUTBOX = {"breaker_pause": 600.0}
        wakeup._client = None

        assert not any(wakeup.wake("t_000001", lane) for lane in range(20))

        assert len(connections) == 1
        assert wakeup.breaker.is_open
        assert sent == []


def test_a_worker_goes_on_when_it_cannot_clear_the_key(lessons_school, sent, settings, hears):
    hears("register")
    hold_lesson("algebra")
    with hung_redis() as (url, connections):
        settings.REDIS_URL = url
        settings.OUTBOX = {"breaker_pause": 600.0}
        wakeup._client = None

        assert tasks.drain(schema_name="t_000001", lane=0) == 1

        assert len(connections) == 1


def test_redis_is_asked_again_when_the_pause_is_over(sent, settings):
    wakeup.breaker.trip()
    assert wakeup.wake("t_000001", 0) is False

    wakeup.breaker.open_until = 0.0

    assert wakeup.wake("t_000001", 0) is True


def test_a_sender_that_fails_fails_no_sweep(sent):
    def refuse(schema_name, lane):
        raise ConnectionError("no broker")

    wakeup.send_wake_ups_with(refuse)

    assert wakeup.wake("t_000001", 0) is False
    assert wakeup.breaker.is_open


def test_the_clients_time_outs_are_short_and_nothing_is_retried(sent):
    options = wakeup.client().connection_pool.connection_kwargs

    assert options["socket_timeout"] == 0.2
    assert options["socket_connect_timeout"] == 0.2
    assert options["retry"].get_retries() == 0
