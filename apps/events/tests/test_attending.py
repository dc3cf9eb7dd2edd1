"""The worker that answers the bell, on the real Redis."""

from types import SimpleNamespace
from uuid import UUID

import pytest
import structlog
from celery.signals import worker_init, worker_ready, worker_shutting_down

from apps.events import facade as events
from apps.events import tasks
from apps.events.services import attending, bell, wakeup
from apps.events.services.attending import CALLED, LEASE
from apps.events.tests.lessons import effects, hold_lesson
from apps.events.tests.test_wakeup import hung_redis
from kernel.schools import from_memory, in_public


@pytest.fixture
def calls(sent, monkeypatch):
    """How often an attendant was called."""
    messages = []
    monkeypatch.setattr(attending, "_send_call", lambda: messages.append("come"))
    return messages


@pytest.fixture(autouse=True)
def short_shifts(settings, monkeypatch):
    """Time passes only while nobody rings: no pause of the machine ends a shift before its work."""
    settings.OUTBOX = {"shift": 0.1}
    monkeypatch.setattr(attending, "PATIENCE", 0.05)
    monkeypatch.setattr(attending, "_may_attend", True)
    now, listen = [1000.0], attending.Shift._listen

    def listen_and_age(shift):
        if not (rung := listen(shift)):
            now[0] += attending.PATIENCE
        return rung

    monkeypatch.setattr(attending.Shift, "_listen", listen_and_age)
    monkeypatch.setattr(attending, "time", SimpleNamespace(monotonic=lambda: now[0]))


def ring(*names):
    for since, name in enumerate(names):
        wakeup.client().zadd(bell.BELL, {name: since})


def test_what_is_rung_for_is_drained(lessons_school, sent, hears):
    hears("register")
    hold_lesson("algebra")
    ring("t_000001:0")

    assert attending.attend() is True

    assert effects("register") == ["algebra"]
    assert sent == []
    assert wakeup.client().zcard(bell.BELL) == 0


def test_the_bell_is_heard_in_a_shift_that_goes_on(lessons_school, sent, hears):
    hears("register", fails=lambda delivery: hold_and_ring_for_another(delivery))

    def hold_and_ring_for_another(delivery):
        if delivery.event.note == "algebra":
            hold_lesson("geometry")
            ring("t_000001:0")

    hold_lesson("algebra")
    ring("t_000001:0")

    attending.attend()

    assert effects("register") == ["algebra", "geometry"]


@pytest.fixture
def two_lanes(lessons_school, sent, hears, settings):
    """A lesson waits in each of them, "algebra" in the first, and both were rung for."""
    settings.OUTBOX = {"shift": 0.1, "lanes": 2}
    hold_lesson("algebra", UUID(int=2))
    hold_lesson("geometry", UUID(int=1))
    ring("t_000001:0", "t_000001:1")


def test_a_turn_opens_its_school_from_memory(db, sent, django_assert_num_queries):
    with in_public(), from_memory():
        attending.take_turn("t_000001", 0, budget=0.05)  # it is remembered from here on
    ring("t_000001:0")

    with in_public(), django_assert_num_queries(1):  # is there work?
        attending.attend()


def test_of_several_lanes_all_are_drained_here_where_nobody_else_has_time(two_lanes, sent, hears):
    hears("register")

    attending.attend()

    assert effects("register") == ["algebra", "geometry"]
    assert sent == [("t_000001", 1)]


def test_who_is_dismissed_leaves_the_other_lanes_to_others(two_lanes, sent, hears, monkeypatch):
    monkeypatch.setattr(attending, "RENEWED_AFTER", 0.0)
    hears("register", fails=lambda delivery: attending.dismiss())

    attending.attend()

    assert effects("register") == ["algebra"]
    assert sent == [("t_000001", 1)]


def test_calls_to_the_outside_are_left_to_others(lessons_school, sent, hears):
    hears("post", external=True)
    hold_lesson("algebra")
    ring("t_000001:-1", "t_000001:0")

    attending.attend()

    assert sent[0] == ("t_000001", -1)
    assert effects("post") == []


def test_a_school_that_cannot_be_opened_does_not_end_the_shift(
    lessons_school, sent, hears, monkeypatch
):
    hears("register")
    hold_lesson("algebra")
    turns = []
    take_turn = attending.take_turn

    def note_and_take(schema_name, lane, **how):
        turns.append(schema_name)
        take_turn(schema_name, lane, **how)
        if schema_name == "t_999999":
            ring("t_000001:0")

    monkeypatch.setattr(attending, "take_turn", note_and_take)
    monkeypatch.setattr("apps.events.services.draining.connection.close", lambda: None)
    ring("t_999999:0")

    assert attending.attend() is True

    assert turns == ["t_999999", "t_000001"]
    assert effects("register") == ["algebra"]


def test_more_than_a_turns_work_is_rung_for_again(lessons_school, sent, hears, settings):
    settings.OUTBOX = {"shift": 0.0001, "attendants_budget": 0.0}
    hold_lesson("algebra")

    attending.take_turn("t_000001", 0, budget=0.0)
    bell.line.say("PING")

    while not wakeup.client().zcard(bell.BELL):
        pass
    assert wakeup.client().zrange(bell.BELL, 0, -1) == [b"t_000001:0"]
    assert sent == []


def test_one_attends_at_a_time(sent):
    wakeup.client().set(LEASE, "somebody")
    ring("t_000001:0")

    assert attending.attend() is False

    assert wakeup.client().get(LEASE) == b"somebody"
    assert wakeup.client().zcard(bell.BELL) == 1


def test_a_worker_that_has_nobody_else_does_not_attend(sent, monkeypatch):
    monkeypatch.setattr(attending, "_may_attend", False)
    ring("t_000001:0")

    assert attending.attend() is False

    assert wakeup.client().zcard(bell.BELL) == 1


def test_the_lease_is_renewed(lessons_school, sent, hears, monkeypatch):
    monkeypatch.setattr(attending, "RENEWED_AFTER", 0.0)
    left = []

    def run_down(delivery):
        wakeup.client().pexpire(LEASE, 500)
        ring("t_000001:0")

    hears("register", fails=run_down)
    hold_lesson("algebra")
    ring("t_000001:0")
    renew = attending.Shift._still_mine

    def renew_and_note(shift):
        answer = renew(shift)
        left.append(wakeup.client().pttl(LEASE))
        return answer

    monkeypatch.setattr(attending.Shift, "_still_mine", renew_and_note)

    attending.attend()

    assert min(left) > 1000


def test_who_lost_the_lease_ends_and_leaves_it_alone(lessons_school, sent, hears, settings):
    settings.OUTBOX = {"shift": 600.0}
    hears("register", fails=lambda delivery: wakeup.client().set(LEASE, "somebody"))
    hold_lesson("algebra")
    ring("t_000001:0")

    assert attending.attend() is False

    assert wakeup.client().get(LEASE) == b"somebody"


def test_who_is_dismissed_ends_at_once(lessons_school, sent, hears, settings, monkeypatch):
    settings.OUTBOX = {"shift": 600.0}
    monkeypatch.setattr(attending, "RENEWED_AFTER", 600.0)
    hears("register", fails=lambda delivery: attending.dismiss())
    hold_lesson("algebra")
    ring("t_000001:0")

    assert attending.attend() is False

    assert not wakeup.client().exists(LEASE)


def test_a_whole_shift_is_followed_by_another(calls):
    tasks.attend()

    assert calls == ["come"]
    assert not wakeup.client().exists(LEASE)


def test_what_a_shift_sends_is_of_no_common_trace(two_lanes, sent, monkeypatch):
    traces = []

    def note(*_lane):
        traces.append(structlog.contextvars.get_contextvars().get("trace_id"))

    wakeup.send_wake_ups_with(note)
    monkeypatch.setattr(attending, "_send_call", note)
    with structlog.contextvars.bound_contextvars(trace_id="of this shift"):
        tasks.attend()

    assert traces == [None, None]  # the second lane's, and the call


def test_without_redis_nobody_attends(sent, settings):
    with hung_redis() as (url, _connections):
        settings.REDIS_URL = url
        settings.OUTBOX = {"breaker_pause": 600.0, "redis_timeout": 0.05}

        assert attending.attend() is False

    assert wakeup.breaker.is_open


def test_an_attendant_is_called_once_where_there_is_none(calls):
    assert [attending.call(), attending.call()] == [True, False]
    assert 0 < wakeup.client().pttl(CALLED) <= 5000

    wakeup.client().delete(CALLED)
    wakeup.client().set(LEASE, "somebody")
    assert attending.call() is False

    wakeup.client().delete(LEASE)
    wakeup.breaker.trip()
    assert attending.call() is False
    assert calls == ["come"]


def test_it_can_be_seen_whether_somebody_attends(sent):
    assert attending.is_attended() is False
    wakeup.client().set(LEASE, "somebody")
    assert attending.is_attended() is True

    wakeup.breaker.trip()
    assert attending.is_attended() is False


def test_a_call_that_fails_fails_nobody(calls, monkeypatch):
    def refuse():
        raise ConnectionError("no broker")

    monkeypatch.setattr(attending, "_send_call", refuse)

    assert attending.call() is False
    assert wakeup.breaker.is_open


def test_beat_calls_one(lessons_school, calls):
    with in_public():
        events.look()

    assert calls == ["come"]


class Worker:
    def __init__(self, pool, concurrency):
        self.pool_cls = type("Pool", (), {"__module__": f"celery.concurrency.{pool}"})
        self.concurrency = concurrency


@pytest.mark.parametrize(
    ("pool", "concurrency", "may"),
    [("prefork", 2, True), ("prefork", 1, False), ("solo", 2, False)],
)
def test_only_a_worker_of_several_processes_has_one_to_spare(pool, concurrency, may):
    worker_init.send(sender=Worker(pool, concurrency))

    assert attending._may_attend is may


def test_a_worker_calls_when_it_is_ready_and_dismisses_when_it_stops(calls):
    worker_ready.send(sender=None)
    assert calls == ["come"]
    wakeup.client().set(LEASE, "somebody")

    worker_shutting_down.send(sender=None)

    assert not wakeup.client().exists(LEASE)
