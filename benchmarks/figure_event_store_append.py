"""Appends a second, eight writers, one event a transaction: ours with its event in the outbox too,
beside the eventsourcing library's, which tells nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from apps.events import facade as events
from benchmarks import outbox, peer
from benchmarks.counting import Counted
from benchmarks.figure_publishing import close_before_fork, open_school
from benchmarks.harness import Result, compare
from benchmarks.writers import rate
from kernel.ids import uuid7

SECONDS = 2.0
EVENTS_A_STREAM = 50


def measure() -> Result:
    peer.check()
    outbox.make_effects()
    with peer.database() as database:
        env = peer.eventsourcing(database)
        try:
            return compare(
                "append to the event store and publish, 8 writers",
                ours=appends_per_second,
                peer=lambda: peer.number_of("eventsourcing_append", str(SECONDS), env=env),
                peer_name="append of the eventsourcing library",
                unit="a second",
                goal=4,
                more_is_better=True,
                rounds=5,
            )
        finally:
            outbox.clear()


def appends_per_second() -> float:
    outbox.clear()
    close_before_fork()
    return rate(_writer, seconds=SECONDS)


def _writer(_number: int) -> Callable[[], object]:
    open_school()
    stream, version = uuid7(), 0

    def append() -> None:
        nonlocal stream, version
        if version >= EVENTS_A_STREAM:
            stream, version = uuid7(), 0
        version = append_and_publish(stream, version)

    return append


def append_and_publish(stream: UUID, version: int) -> int:
    """The stream's new version."""
    event = Counted(number=version)
    return events.append("bench", stream, expected_version=version, events=[event], publish=[event])
