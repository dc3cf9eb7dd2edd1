"""What a Redis that hangs costs a request that publishes: one short try, then nothing.

It hangs, it does not refuse (SIGSTOP): connections are accepted, nothing is answered. Peer: one
Celery task sent with `retry=False` and no time-outs set, cut off after some seconds.
"""

from __future__ import annotations

import multiprocessing
import statistics
from typing import Any

from celery import Celery
from django.conf import settings
from django.db import transaction

from apps.events import facade as events
from apps.events.services import wakeup
from benchmarks import outbox
from benchmarks.counting import Counted
from benchmarks.harness import Result, judge, seconds
from kernel.ids import uuid7
from kernel.schools import in_school

ROUNDS, REQUESTS = 5, 40
AT_MOST, CUT_OFF = 0.3, 5.0  # seconds
SCHOOL = outbox.SCHOOLS[0]
FORK = multiprocessing.get_context("fork")


def measure() -> list[Result]:
    outbox.make_effects()
    try:
        with in_school(SCHOOL):
            rounds = [_round() for _ in range(ROUNDS + 1)][1:]
        with outbox.redis_stopped():
            peer = sent_by_celery()
    finally:
        wakeup.breaker.reset()
        outbox.clear()
    usual, first, later = (list(values) for values in zip(*rounds, strict=True))
    return [_first(usual, first, peer), _later(usual, later)]


def _first(usual: list[float], first: list[float], peer: float) -> Result:
    added = max(hung - well for hung, well in zip(first, usual, strict=True))
    return Result(
        figure="hung Redis: added to the first request that publishes, worst round",
        ours=round(added, 3),
        peer=round(peer, 3),
        peer_name=f"Celery's delay, retry=False, cut off at {CUT_OFF:g} s",
        unit="s",
        ratio=round(peer / added, 2),
        goal=round(CUT_OFF / AT_MOST, 2),
        met=added <= AT_MOST,
        rounds=len(first),
    )


def _later(usual: list[float], later: list[float]) -> Result:
    return judge(
        "hung Redis: a request after the first",
        ours=[value * 1000 for value in later],
        peer=[value * 1000 for value in usual],
        peer_name="with Redis well",
        unit="ms",
        goal=0.8,
    )


def _round() -> tuple[float, float, float]:
    """Seconds: a request with Redis well, the first that meets it hung, the others after that."""
    wakeup.breaker.reset()
    usual = [_publish() for _ in range(REQUESTS)]
    with outbox.redis_stopped():
        first = _publish()
        later = [_publish() for _ in range(REQUESTS)]
    return statistics.median(usual), first, statistics.median(later)


def _publish() -> float:
    return seconds(_publish_one)


def _publish_one() -> None:
    with transaction.atomic():
        events.publish(Counted(number=1), stream_type="bench", stream_id=uuid7())


def sent_by_celery() -> float:
    """Seconds that one task takes to be sent, in a process that is ended at the cut-off."""
    receiver, sender = FORK.Pipe(duplex=False)
    process = FORK.Process(target=_send_one, args=(sender,))
    process.start()
    sender.close()
    try:
        return float(receiver.recv()) if receiver.poll(CUT_OFF) else CUT_OFF
    finally:
        process.kill()
        process.join()


def _send_one(sender: Any) -> None:
    stock = Celery("peer", broker=settings.REDIS_URL, set_as_current=False)
    task = stock.task(name="ping")(_ping)
    sender.send(seconds(lambda: task.apply_async(retry=False)))


def _ping() -> None:
    """Only ever sent."""
