"""What was promised against what is there, read from a school's tables.

`chaos_written` was filled in the writers' own transactions, so it holds exactly what was committed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from chaos.events import EXTERNAL, FLAKY, NAIVE, NAIVE_WAY, OUTBOX_WAY, PICKY, PLAIN

CONSUMERS = {
    PLAIN: OUTBOX_WAY,
    FLAKY: OUTBOX_WAY,
    PICKY: OUTBOX_WAY,
    EXTERNAL: OUTBOX_WAY,
    NAIVE: NAIVE_WAY,
}

# Order is judged by the first effect of each event: a second one is counted as doubled already.
_TALLY = """
WITH due AS (
    SELECT event_id FROM {school}.chaos_written
     WHERE way = %(way)s AND NOT (poison AND %(consumer)s = %(picky)s)),
done AS (
    SELECT event_id, count(*) AS times, min(id) AS first FROM {school}.chaos_effect
     WHERE consumer = %(consumer)s GROUP BY event_id),
ordered AS (
    SELECT number, max(number) OVER (PARTITION BY stream_id ORDER BY id
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
      FROM {school}.chaos_effect JOIN done ON done.first = id)
SELECT (SELECT count(*) FROM due),
       (SELECT count(*) FROM due WHERE event_id NOT IN (SELECT event_id FROM done)),
       (SELECT coalesce(sum(times - 1), 0)::bigint FROM done),
       (SELECT count(*) FROM ordered WHERE number < before),
       (SELECT count(*) FROM done WHERE event_id NOT IN (SELECT event_id FROM due))
"""
_LETTERS = """
WITH due AS (SELECT event_id FROM {school}.chaos_written WHERE way = %(way)s AND poison),
found AS (
    SELECT DISTINCT event_id FROM {school}.dead_letter JOIN due USING (event_id)
     WHERE consumer = %(picky)s AND resolved_at IS NULL)
SELECT (SELECT count(*) FROM due),
       (SELECT count(*) FROM due WHERE event_id NOT IN (SELECT event_id FROM found)),
       (SELECT count(*) FROM {school}.dead_letter) - (SELECT count(*) FROM found)
"""
_WAITING = """
SELECT (SELECT count(*) FROM {school}.outbox_event)
     + (SELECT count(*) FROM {school}.external_delivery)
"""

Session = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the events that one consumer should have heard.

    `doubled` counts effects beyond the first of an event, `uncalled_for` events with an effect
    that should have none: never committed, or refused by the consumer.
    """

    due: int = 0
    lost: int = 0
    doubled: int = 0
    out_of_order: int = 0
    uncalled_for: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(*map(sum, zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True, slots=True)
class Letters:
    """Dead letters: one open letter is due for each poison event. `surplus` are all others."""

    due: int = 0
    missing: int = 0
    surplus: int = 0

    def __add__(self, other: Letters) -> Letters:
        return Letters(*map(sum, zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True, slots=True)
class Count:
    """One school's figures, or the sum of several; `waiting` events and calls are not delivered."""

    consumers: Mapping[str, Tally] = field(default_factory=dict)
    letters: Letters = Letters()
    waiting: int = 0

    def __add__(self, other: Count) -> Count:
        none = Tally()
        return Count(
            consumers={
                name: self.consumers.get(name, none) + other.consumers.get(name, none)
                for name in CONSUMERS
            },
            letters=self.letters + other.letters,
            waiting=self.waiting + other.waiting,
        )


def count_school(session: Session, schema_name: str) -> Count:
    """Read one school's figures, as somebody who may read all of its tables."""
    return Count(
        consumers={name: _tally(session, schema_name, name) for name in CONSUMERS},
        letters=Letters(*_row(session, _LETTERS, schema_name, way=OUTBOX_WAY, picky=PICKY)),
        waiting=waiting_in(session, schema_name),
    )


def waiting_in(session: Session, schema_name: str) -> int:
    """How many events and calls are not delivered yet."""
    return int(_row(session, _WAITING, schema_name)[0])


def broken_promises(count: Count) -> list[str]:
    """A sentence for each promise of the outbox that was not kept; empty when all were."""
    return [*_broken_by_consumers(count), *_broken_by_letters(count.letters), *_left(count.waiting)]


def _broken_by_consumers(count: Count) -> list[str]:
    return [
        f"{name}: {number} {what}"
        for name, tally in count.consumers.items()
        for what, number in _promised(name, tally).items()
        if number
    ]


def _promised(name: str, tally: Tally) -> dict[str, int]:
    """What must be nought. A call to the outside may be repeated; of the naive way we promise
    nothing."""
    if name == NAIVE:
        return {}
    never = {
        "lost": tally.lost,
        "doubled": tally.doubled,
        "out of order": tally.out_of_order,
        "uncalled for": tally.uncalled_for,
    }
    if name == EXTERNAL:
        del never["doubled"]
    return never


def _broken_by_letters(letters: Letters) -> list[str]:
    broken = {"missing": letters.missing, "surplus": letters.surplus}
    return [f"dead letters: {number} {what}" for what, number in broken.items() if number]


def _left(waiting: int) -> list[str]:
    return [f"{waiting} events and calls still wait"] if waiting else []


def _tally(session: Session, schema_name: str, consumer: str) -> Tally:
    values = {"consumer": consumer, "way": CONSUMERS[consumer], "picky": PICKY}
    return Tally(*_row(session, _TALLY, schema_name, **values))


def _row(session: Session, query: str, schema_name: str, **values: str) -> tuple[Any, ...]:
    statement = sql.SQL(query).format(school=sql.Identifier(schema_name))  # type: ignore[arg-type]
    (row,) = session.execute(statement, values).fetchall()
    return tuple(row)
