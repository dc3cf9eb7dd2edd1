"""Events a second through two real worker processes, beside one Celery task an event.

Both sides: two processes of Celery, Redis as broker, a receipt and an effect of one SQL statement
for each event, and the events wait when the clock starts. The peer keeps its connections between
tasks (CELERY_DB_REUSE_MAX), as few installations do.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from celery import Celery
from django.conf import settings

from benchmarks import outbox, peer
from benchmarks.harness import Result, compare, seconds
from config.embedded import ROOT
from kernel.ids import uuid7

OURS, THEIRS = 4000, 600
_rounds = count()


def measure() -> Result:
    outbox.make_effects()
    with (
        peer.database() as database,
        outbox.running("worker") as stack,
        tasks_worker(database) as sender,
    ):
        return compare(
            "drain through 2 Celery workers",
            ours=lambda: OURS / outbox.drain_by_workers(OURS, stack),
            peer=lambda: tasks_per_second(sender, database),
            peer_name="one Celery task an event",
            unit="events a second",
            goal=20,
            more_is_better=True,
            rounds=5,
        )


@contextmanager
def tasks_worker(database: str) -> Iterator[Celery]:
    """The peer's worker, on a Redis database of its own; yields what sends its tasks."""
    redis = urlunsplit(urlsplit(settings.REDIS_URL)._replace(path="/15"))
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "benchmarks.peers.celery_settings",
        "PEER_DATABASE_URL": database,
        "PEER_REDIS_URL": redis,
    }
    command = [sys.executable, "-m", "celery", "-A", "benchmarks.peers.celery_tasks", "worker"]
    command += ["--concurrency", "2", "--without-gossip", "--without-mingle", "-l", "ERROR"]
    with tempfile.TemporaryDirectory() as folder, open(Path(folder) / "log", "wb") as log:
        worker = subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True
        )
        try:
            sender = Celery("peer", broker=redis, set_as_current=False)
            outbox.wait_for(lambda: bool(sender.control.ping(timeout=0.5)))
            yield sender
        finally:
            worker.terminate()
            worker.wait(outbox.PATIENCE)


def tasks_per_second(sender: Celery, database: str) -> float:
    """The tasks wait in a queue that the worker does not know until the clock starts."""
    queue = f"round-{next(_rounds)}"
    peer.execute(database, "TRUNCATE receipt, bench_effect")
    with sender.connection_for_write() as connection, sender.amqp.Producer(connection) as producer:
        for _ in range(THEIRS):
            sender.send_task("count", args=[str(uuid7())], queue=queue, producer=producer)

    def work() -> None:
        sender.control.add_consumer(queue)
        with peer.session(database) as session:
            outbox.wait_for(lambda: peer.effects(session) >= THEIRS)

    return THEIRS / seconds(work)
