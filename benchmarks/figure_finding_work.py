"""Finding which schools have work: what the sweep reads, every second, however many schools.

Three schools have an event that waits. Peer: asking each school for its events, as code without
announcements does. The same with ten schools beside it: idle schools must cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction

from apps.events import facade as events
from apps.events.models import OutboxEvent
from apps.events.services.announcements import due_lanes
from benchmarks.counting import Counted
from benchmarks.harness import Result, judge, seconds
from benchmarks.outbox import without_wake_ups
from benchmarks.schools import FIRST, many_schools
from kernel.ids import uuid7
from kernel.owner import owner_session
from kernel.schools import connection, in_public, in_school

FEW, BUSY = 10, 3
ROUNDS, LOOKS = 9, 200
AT_MOST = 1.0  # ms


def measure() -> list[Result]:
    with many_schools() as count:
        names = [f"t_{number:06d}" for number in range(FIRST, FIRST + count)]
        _give_work(names[:BUSY])
    with many_schools(FEW):
        _give_work(names[:BUSY])
    rounds = [_round(names) for _ in range(ROUNDS + 1)][1:]
    for number in (FEW, count):
        with many_schools(number):
            _take_work_away(names[:BUSY])
    many, few, asked = (list(values) for values in zip(*rounds, strict=True))
    return _results(count, many, few, asked)


def _round(names: list[str]) -> tuple[float, float, float]:
    """ms: a look among many schools, among few, and asking each of the many."""
    with many_schools(FEW):
        few = _look()
    with many_schools():
        many = _look()
        return many, few, _ms(lambda: _ask_each(names))


def _results(count: int, many: list[float], few: list[float], asked: list[float]) -> list[Result]:
    title = f"find work among {count:,} schools"
    return [
        judge(title, ours=many, peer=[AT_MOST], peer_name="the set figure", unit="ms", goal=1),
        judge(
            f"{title}, beside asking",
            ours=many,
            peer=asked,
            peer_name="asking each school",
            unit="ms",
            goal=count,
        ),
        judge(
            f"{title}, {count - BUSY:,} of them idle",
            ours=many,
            peer=few,
            peer_name=f"the same among {FEW}",
            unit="ms",
            goal=0.8,
        ),
    ]


def _look() -> float:
    """ms a look, of LOOKS in a row on a connection that is there."""
    with in_public():
        found = due_lanes()
        if len(found) != BUSY:
            raise RuntimeError(f"{BUSY} schools have work, found were {found}")
        return _ms(lambda: [due_lanes() for _ in range(LOOKS)]) / LOOKS


def _ask_each(names: list[str]) -> None:
    found = sum(_has_events(name) for name in names)
    connection.set_schema_to_public()
    if found != BUSY:
        raise RuntimeError(f"{BUSY} schools have work, found were {found}")


def _has_events(name: str) -> bool:
    connection.set_schema(name)
    return OutboxEvent.objects.exists()


def _ms(work: Callable[[], object]) -> float:
    return seconds(work) * 1000


def _give_work(names: list[str]) -> None:
    for name in names:
        with without_wake_ups(), in_school(name), transaction.atomic():
            events.publish(Counted(number=1), stream_type="bench", stream_id=uuid7())


def _take_work_away(names: list[str]) -> None:
    """Figures after this one find the schools as they were."""
    with owner_session() as session:
        for name in names:
            session.execute(f"DELETE FROM {name}.outbox_event")
        session.execute("DELETE FROM public.outbox_ready")
