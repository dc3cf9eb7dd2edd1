"""Rings reach the real Redis, and cost who publishes nothing when it hangs or goes away."""

import os
import socket
import threading
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import transaction

from apps.events.models import OutboxEvent
from apps.events.services import bell, wakeup
from apps.events.tests.lessons import hold_lesson
from apps.events.tests.test_wakeup import hung_redis


@pytest.fixture
def bells(clear_cache):
    """bells(): whose lanes were rung for so far, in the order of the first ring."""
    wakeup._client = None
    wakeup.breaker.reset()
    wakeup.send_wake_ups_with(lambda schema_name, lane: None)
    redis = wakeup.connect(1.0)
    yield lambda: rung(redis)
    bell.line.hang_up()
    wakeup._client = None
    wakeup.breaker.reset()


def rung(redis):
    # Said on the same connection, whose order Redis keeps: when this is seen, so is the rest.
    bell.line.say("SET", "heard", "so far")
    while redis.getdel("heard") is None:
        pass
    return [name.decode() for name in redis.zrange(bell.BELL, 0, -1)]


class Relay:
    """Stands between a client and Redis, until told to hang (nothing goes on) or to cut."""

    def __init__(self, to):
        self._to, self._open = to, threading.Event()
        self._open.set()
        self._sockets = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.accepted = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def hang(self):
        self._open.clear()

    def cut(self):
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def close(self):
        self._open.set()
        self._server.close()
        self.cut()

    def _accept(self):
        while True:
            try:
                here, _ = self._server.accept()
            except OSError:
                return
            self.accepted += 1
            there = socket.create_connection(self._to)
            self._sockets += [here, there]
            for ends in ((here, there), (there, here)):
                threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source, target):
        try:
            while data := source.recv(4096):
                self._open.wait()
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return


@contextmanager
def relayed(settings):
    address = urlsplit(settings.REDIS_URL)
    relay = Relay((address.hostname, address.port))
    place = address.netloc.replace(f"{address.hostname}:{address.port}", f"127.0.0.1:{relay.port}")
    settings.REDIS_URL = urlunsplit(address._replace(netloc=place))
    wakeup._client = None
    bell.line.hang_up()
    try:
        yield relay
    finally:
        relay.close()


def test_a_commit_rings_for_the_school_and_lane(school, bells, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        hold_lesson("algebra")

    assert bells() == ["t_000001:0"]


def test_ten_rings_for_a_lane_are_one(school, bells, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        for number in range(10):
            hold_lesson(f"lesson {number}")
    bell.ring("t_000002", 0)
    bell.ring("t_000001", 0)

    assert bells() == ["t_000001:0", "t_000002:0"]


def test_a_rolled_back_change_rings_for_nobody(school, bells, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        hold_lesson("algebra")
        transaction.set_rollback(True)

    assert bells() == []


def test_who_drains_a_lane_does_not_ring_for_it(
    lessons_school, bells, django_capture_on_commit_callbacks
):
    with bell.draining("t_000001", [0]), django_capture_on_commit_callbacks(execute=True):
        hold_lesson("algebra")

    assert bells() == []


def test_nothing_is_answered(bells):
    for lane in range(100):
        bell.ring("t_000001", lane)

    assert len(bells()) == 100
    assert not bell._hung_up(bell.line._connection), "an answer would lie there to be read"


def test_a_redis_that_hangs_costs_no_try_at_all(
    school, bells, settings, django_capture_on_commit_callbacks
):
    with relayed(settings) as relay:
        bell.ring("t_000001", 0)
        relay.hang()

        with django_capture_on_commit_callbacks(execute=True):
            for number in range(20):
                hold_lesson(f"lesson {number}")

        assert relay.accepted == 1
        assert not wakeup.breaker.is_open
        assert OutboxEvent.objects.count() == 20


def test_one_that_hung_before_anybody_spoke_costs_one_short_try(
    school, bells, settings, django_capture_on_commit_callbacks
):
    with hung_redis() as (url, connections):
        settings.REDIS_URL = url
        settings.OUTBOX = {"breaker_pause": 600.0}
        wakeup._client = None
        bell.line.hang_up()

        with django_capture_on_commit_callbacks(execute=True):
            for number in range(20):
                hold_lesson(f"lesson {number}")

        assert len(connections) == 1
        assert wakeup.breaker.is_open
        assert OutboxEvent.objects.count() == 20


def test_all_threads_together_try_one_that_hangs_once(bells, settings):
    with hung_redis() as (url, connections):
        settings.REDIS_URL = url
        settings.OUTBOX = {"breaker_pause": 600.0}
        bell.line.hang_up()
        threads = [threading.Thread(target=bell.ring, args=["t_000001", 0]) for _ in range(8)]

        with bell.line._lock:
            for thread in threads:
                thread.start()
        for thread in threads:
            thread.join()

        assert len(connections) == 1


def test_a_line_can_be_made_anew_as_often_as_need_be(bells):
    for lane in range(120):
        bell.line.hang_up()
        bell.ring("t_000001", lane)

    assert len(bells()) == 120


def test_who_is_interrupted_in_the_middle_of_a_word_leaves_no_line_that_is_answered(
    bells, monkeypatch
):
    bell.ring("t_000001", 0)

    connection = bell.line._connection

    def interrupt(*args, **options):
        connection.disconnect()  # as redis-py does
        raise SystemExit

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(connection, "send_packed_command", interrupt)
        bell.ring("t_000001", 1)
    wakeup.breaker.reset()
    bell.ring("t_000001", 2)

    assert bells() == ["t_000001:0", "t_000001:2"]
    assert not bell._hung_up(bell.line._connection), "an answer would lie there to be read"


def test_a_line_that_was_cut_is_noticed_after_a_silence(bells, settings, monkeypatch):
    monkeypatch.setattr(bell, "LONG_AGO", 0.0)
    with relayed(settings) as relay:
        bell.ring("t_000001", 0)
        bells()
        relay.cut()

        bell.ring("t_000002", 0)

        assert bells() == ["t_000001:0", "t_000002:0"]
        assert not wakeup.breaker.is_open


def test_a_line_that_was_cut_while_it_was_busy_is_made_anew(bells, settings):
    with relayed(settings) as relay:
        bell.ring("t_000001", 0)
        bells()
        relay.cut()
        while not wakeup.breaker.is_open:  # the first words into a cut line seem to be sent
            bell.ring("t_000002", 0)
        wakeup.breaker.reset()

        bell.ring("t_000003", 0)

        assert "t_000003:0" in bells()


def test_a_forked_process_speaks_on_a_line_of_its_own(bells):
    bell.ring("t_000001", 0)
    before = bell.line._connection
    child = os.fork()
    if child == 0:
        os._exit(0 if bell.line._connection is None else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert bell.line._connection is before


def test_where_no_worker_is_to_be_woken_nobody_rings(bells):
    wakeup.send_wake_ups_with(None)

    bell.ring("t_000001", 0)

    assert bells() == []
