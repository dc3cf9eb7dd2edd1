"""Answering the bell: one worker of the installation waits for rings and drains at once what they
name, a batch each time. Where that is more than one lane the other workers are told too, by Celery.

Its lease in Redis says that it is there. Where nobody is, beat calls one (watching.py); until it
comes, events wait for beat's look.
"""

import time
from collections.abc import Callable, Iterator
from uuid import uuid4

import redis
import structlog

from apps.events.services.announcements import DELIVERIES_LANE
from apps.events.services.bell import BELL
from apps.events.services.draining import take_turn
from apps.events.services.options import options
from apps.events.services.wakeup import breaker, client, connect, wake
from kernel.schools import from_memory

log = structlog.get_logger(__name__)

LEASE, CALLED = "outbox:attendant", "outbox:attendant:called"
# Seconds: of one wait for a ring; after which the lease is renewed, and is lost; and within which a
# call has brought somebody, or another is sent.
PATIENCE, RENEWED_AFTER, LEASE_SECONDS, CALL_SECONDS = 1.0, 0.5, 3.0, 5.0
RINGS_AT_ONCE = 50

Lane = tuple[str, int]
_send_call: Callable[[], object] | None = None
_may_attend = False


def call_with(sender: Callable[[], object]) -> None:
    """Say how an attendant is called. The task module does so at start."""
    global _send_call
    _send_call = sender


def allow_attending(others: bool) -> None:
    """Said by a worker at start: whether it has `others`, that do its work while one attends."""
    global _may_attend
    _may_attend = others


def call() -> bool:
    """Send for an attendant where there is none; True when a call was sent. Never raises."""
    if _send_call is None or breaker.is_open:
        return False
    try:
        if client().exists(LEASE) or not _claim_call():
            return False
        _send_call()
    except Exception as error:
        breaker.trip()
        log.warning("outbox.call_failed", error=repr(error))
        return False
    return True


def is_attended() -> bool:
    """Whether somebody answers the bell now; False too when Redis does not say. Never raises."""
    try:
        return not breaker.is_open and bool(client().exists(LEASE))
    except redis.RedisError:
        breaker.trip()
        return False


def dismiss() -> None:
    """Whoever attends ends at once; beat calls the next. For a worker that stops: it would wait
    until the shift is over. Never raises."""
    try:
        client().delete(LEASE)
        client().zadd(BELL, {"": 0})
    except redis.RedisError as error:
        log.warning("outbox.dismissal_failed", error=repr(error))


def attend() -> bool:
    """Drain what is rung for until the shift is over; then True: somebody is to follow.

    False where somebody else attends, where nobody else would do this worker's tasks, and when
    dismissed or without Redis. Never raises.
    """
    shift = Shift()
    try:
        if not (_may_attend and shift.begins()):
            return False
        with from_memory():
            for rung in shift.rings():
                _answer(rung, shift.goes_on)
        return shift.ends()
    except redis.RedisError as error:
        breaker.trip()
        log.warning("outbox.attendant_gone", error=repr(error))
        return False


class Shift:
    """The time for which one attendant holds the lease."""

    def __init__(self) -> None:
        self._me = uuid4().hex
        self._redis = connect(PATIENCE + options().redis_timeout)
        self._renewed = time.monotonic()
        self._until = self._renewed + options().shift

    def begins(self) -> bool:
        """False when there is an attendant already."""
        self._redis.delete(CALLED)
        life = int(LEASE_SECONDS * 1000)
        return bool(self._redis.set(LEASE, self._me, nx=True, px=life))

    def rings(self) -> Iterator[list[Lane]]:
        """Whose lanes were rung for, each time that some were."""
        while self.goes_on():
            if rung := self._listen():
                yield rung

    def goes_on(self) -> bool:
        """False when the time is up, and for who was dismissed."""
        return time.monotonic() < self._until and self._still_mine()

    def ends(self) -> bool:
        """Give the lease back; False when it was somebody else's."""
        return self._is_mine() and bool(self._redis.delete(LEASE))

    def _listen(self) -> list[Lane]:
        with self._redis.pipeline(transaction=False) as both:
            both.bzpopmin(BELL, PATIENCE)  # type: ignore[no-untyped-call]
            both.zpopmin(BELL, RINGS_AT_ONCE)
            first, others = both.execute()
        names = [first[1]] if first else []
        names += [name for name, _since in others]
        if b"" in names:
            self._renewed = 0.0  # a dismissal: look at the lease now
        return [_lane(name.decode()) for name in names if name]

    def _still_mine(self) -> bool:
        now = time.monotonic()
        if now - self._renewed < RENEWED_AFTER:
            return True
        self._renewed = now
        return self._is_mine() and bool(self._redis.pexpire(LEASE, int(LEASE_SECONDS * 1000)))

    def _is_mine(self) -> bool:
        return self._redis.get(LEASE) == self._me.encode()


def _lane(name: str) -> Lane:
    schema_name, _, lane = name.rpartition(":")
    return schema_name, int(lane)


def _answer(rung: list[Lane], goes_on: Callable[[], bool]) -> None:
    """Drain them here, one after the other. Other workers are woken for all but the first, and are
    quicker where they have time; calls to the outside are for them alone."""
    mine = [lane for lane in rung if lane[1] != DELIVERIES_LANE]
    for lane in rung:
        if lane not in mine[:1]:
            wake(*lane)
    for lane in mine:
        if lane in mine[:1] or goes_on():
            take_turn(*lane, budget=options().attendants_budget)


def _claim_call() -> bool:
    return bool(client().set(CALLED, b"1", nx=True, px=int(CALL_SECONDS * 1000)))
