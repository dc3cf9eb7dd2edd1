"""From commit to handled, in ms: our workers beside a process that LISTENs, and with Redis hung.

Publishing takes turns, at 20 and at 150 events a second. Committed is when the publisher's commit
has returned, handled when the commit of receipt and effect has.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path

import psycopg
from django.db import transaction

from apps.events import facade as events
from benchmarks import outbox, peer
from benchmarks.counting import Timed
from benchmarks.harness import Result, judge
from benchmarks.notes import noted
from config.embedded import ROOT
from config.stack import Stack
from kernel.ids import uuid7
from kernel.schools import in_school

RATES = {20: 4.0, 150: 3.0}  # events a second: for how many seconds
ROUNDS = 5
SCHOOL = outbox.SCHOOLS[0]
AT_MOST = {"p95": 100.0, "p50 with Redis hung": 300.0}  # ms
TIMES_NOTIFY = 5
HUNG, HUNG_ROUNDS = 5.0, 3
Commit = Callable[[int], float]
_numbers = count()


def measure() -> list[Result]:
    outbox.make_effects()
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Path(folder) / "ours", Path(folder) / "theirs"
        with outbox.running("worker", "beat", notes=ours) as stack, in_school(SCHOOL):
            with peer.database() as database, listening(database, theirs) as commit:
                results = [r for rate in RATES for r in _beside(rate, ours, theirs, commit)]
            return [*results, *_with_redis_hung(ours, stack)]


def _beside(rate: int, ours: Path, theirs: Path, commit: Commit) -> list[Result]:
    rounds = [
        (p95(latencies(publish, rate, ours)), p95(latencies(commit, rate, theirs)))
        for _ in range(ROUNDS + 1)
    ][1:]
    mine, listener = [pair[0] for pair in rounds], [pair[1] for pair in rounds]
    title = f"commit to handled, p95, {rate} events a second"
    return [
        judge(title, ours=mine, peer=listener, peer_name="LISTEN/NOTIFY", unit="ms", goal=0.2),
        _within(title, mine, AT_MOST["p95"]),
    ]


def _with_redis_hung(notes: Path, stack: Stack) -> list[Result]:
    """Redis hangs for HUNG seconds, then goes on. What is not handled before counts until it is."""
    found = [latencies_while_hung(notes, stack) for _ in range(HUNG_ROUNDS)]
    title = f"commit to handled, p50, Redis hung for {HUNG:g} s"
    medians = [statistics.median(values) for values in found]
    return [_within(title, medians, AT_MOST["p50 with Redis hung"])]


def _within(title: str, ours: list[float], at_most: float) -> Result:
    return judge(title, ours=ours, peer=[at_most], peer_name="the set figure", unit="ms", goal=1)


def latencies(commit: Commit, rate: int, notes: Path) -> list[float]:
    """ms, of as many events as RATES has seconds for."""
    committed = publish_evenly(commit, rate, RATES[rate])
    return waited(committed, notes)


def latencies_while_hung(notes: Path, stack: Stack) -> list[float]:
    with outbox.redis_stopped():
        until = time.monotonic() + HUNG
        committed = publish_evenly(publish, 20, HUNG / 2)
        time.sleep(max(0, until - time.monotonic()))
    return waited(committed, notes, stack)


def publish_evenly(commit: Commit, rate: int, length: float) -> dict[int, float]:
    """The moments of the commits, by number."""
    started, committed = time.monotonic(), {}
    for each in range(int(rate * length)):
        time.sleep(max(0, started + each / rate - time.monotonic()))
        number = next(_numbers)
        committed[number] = commit(number)
    return committed


def waited(committed: dict[int, float], notes: Path, stack: Stack | None = None) -> list[float]:
    outbox.wait_for(lambda: committed.keys() <= noted(notes).keys(), stack)
    handled = noted(notes)
    return [(handled[number] - moment) * 1000 for number, moment in committed.items()]


def publish(number: int) -> float:
    moments: list[float] = []
    with transaction.atomic():
        # Before publish(), whose wake-up is sent at the same place.
        transaction.on_commit(partial(_append_now, moments))
        events.publish(Timed(number=number), stream_type="bench", stream_id=uuid7())
    return moments[0]


def _append_now(moments: list[float]) -> None:
    moments.append(time.monotonic())


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


@contextmanager
def listening(database: str, notes: Path) -> Iterator[Commit]:
    """The peer's worker; yields what commits an event for it."""
    command = [sys.executable, "-m", "benchmarks.peers.notify_worker", database, str(notes)]
    with (
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as worker,
        psycopg.connect(database) as session,
    ):
        try:
            if not worker.stdout or worker.stdout.readline() != b"ready\n":
                raise RuntimeError("the LISTEN worker did not start; its error is above")
            yield partial(notify, session)
        finally:
            worker.terminate()


def notify(session: psycopg.Connection, number: int) -> float:
    with session.transaction():
        session.execute(
            "INSERT INTO bench_outbox (event_id, number) VALUES (%s, %s)", [uuid7(), number]
        )
        session.execute("NOTIFY bench")
    return time.monotonic()
